#include "proxy/http1_body_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "proxy/trailers.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_size_digits = 15;

}  // namespace

void Http1BodyReader::start(BodyKind kind, std::uint64_t length) {
  received_ = 0;
  left_ = length;
  trailers_.clear();
  failure_ = limit_ = {};
  switch (kind) {
    case BodyKind::none:
      stage_ = Stage::done;
      break;
    case BodyKind::length:
      stage_ = length > 0 ? Stage::length : Stage::done;
      break;
    case BodyKind::chunked:
      stage_ = Stage::chunk_size;
      break;
    case BodyKind::until_close:
      stage_ = Stage::until_close;
      break;
  }
}

BodyState Http1BodyReader::pull(std::string_view& piece, bool may_read) {
  for (;;) {
    bool again = false;
    const BodyState state = step(piece, may_read, again);
    if (!again) return state;
  }
}

BodyState Http1BodyReader::step(std::string_view& piece, bool may_read, bool& again) {
  switch (stage_) {
    case Stage::length:
    case Stage::chunk_data:
    case Stage::until_close:
      if (!input_.empty()) return take_data(piece);
      return read_more(may_read, again);
    case Stage::chunk_size:
      return parse_chunk_size(may_read, again);
    case Stage::chunk_end:
      return parse_chunk_end(may_read, again);
    case Stage::trailers:
      return parse_trailers(may_read, again);
    case Stage::done:
      return BodyState::end;
    case Stage::broken:
      return BodyState::failed;
  }
  return BodyState::failed;
}

BodyState Http1BodyReader::take_data(std::string_view& piece) {
  piece = input_.unread();
  if (stage_ != Stage::until_close)
    piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size())));
  return BodyState::data;
}

void Http1BodyReader::consume(std::size_t count) {
  input_.consume(count);
  received_ += count;
  if (stage_ == Stage::until_close) return;
  left_ -= count;
  if (left_ == 0) stage_ = stage_ == Stage::length ? Stage::done : Stage::chunk_end;
}

IoCount Http1BodyReader::splice_into(int pipe, std::size_t most) {
  const IoCount count = stream_.splice_into(pipe, static_cast<std::size_t>(std::min<std::uint64_t>(left_, most)));
  if (count > 0) {
    received_ += static_cast<std::uint64_t>(count);
    left_ -= static_cast<std::uint64_t>(count);
    if (left_ == 0) stage_ = Stage::done;
  } else if (count == io_end || count == io_failed) {
    fail_reading(count);
  }
  return count;
}

BodyState Http1BodyReader::fail_reading(IoCount count) {
  return fail(count == io_end ? "the connection was closed in the middle of the body" : "the connection broke");
}

BodyState Http1BodyReader::read_more(bool may_read, bool& again) {
  if (!may_read) return BodyState::blocked;
  const IoCount count = input_.fill(stream_);
  if (count > 0) {
    again = true;
    return BodyState::data;
  }
  if (count == io_blocked) return BodyState::blocked;
  if (count == io_end && stage_ == Stage::until_close) return finish();
  return fail_reading(count);
}

// chunk-size [ chunk-ext ] CRLF
BodyState Http1BodyReader::parse_chunk_size(bool may_read, bool& again) {
  const std::string_view bytes = input_.unread();
  const std::size_t longest = max_size_digits + limits_.max_chunk_extension_bytes + 2;
  const std::size_t line_feed = bytes.substr(0, longest).find('\n');
  if (line_feed == std::string_view::npos) {
    if (bytes.size() >= longest)
      return fail("a chunk extension is longer than max-chunk-extension-bytes", "max_chunk_extension_bytes");
    return read_more(may_read, again);
  }
  if (line_feed == 0 || bytes[line_feed - 1] != '\r') return fail("a chunk line ends in a bare line feed");
  const std::string_view line = bytes.substr(0, line_feed - 1);
  const auto [digits_end, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
  const std::size_t digits = static_cast<std::size_t>(digits_end - line.data());
  if (error != std::errc() || digits == 0 || digits > max_size_digits) return fail("a chunk size is malformed");
  const std::string_view extension = line.substr(digits);
  if (extension.size() > limits_.max_chunk_extension_bytes) {
    return fail("a chunk extension is longer than max-chunk-extension-bytes", "max_chunk_extension_bytes");
  }
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  const std::size_t first = extension.find_first_not_of(" \t");
  if (std::any_of(extension.begin(), extension.end(), is_control) ||
      (!extension.empty() && (first == std::string_view::npos || extension[first] != ';'))) {
    return fail("a chunk extension is malformed");
  }
  input_.consume(line_feed + 1);
  stage_ = left_ > 0 ? Stage::chunk_data : Stage::trailers;
  again = true;
  return BodyState::data;
}

BodyState Http1BodyReader::parse_chunk_end(bool may_read, bool& again) {
  const std::string_view bytes = input_.unread();
  if (bytes.size() < 2) {
    if (bytes.size() == 1 && bytes[0] != '\r') return fail("a chunk is longer than its size");
    return read_more(may_read, again);
  }
  if (bytes[0] != '\r' || bytes[1] != '\n') return fail("a chunk is longer than its size");
  input_.consume(2);
  stage_ = Stage::chunk_size;
  again = true;
  return BodyState::data;
}

BodyState Http1BodyReader::parse_trailers(bool may_read, bool& again) {
  const std::string_view bytes = input_.unread();
  HeadScan scan;
  HeadError error = HeadError::none;
  const std::size_t most = limits_.max_trailer_bytes + 2;  // and the empty line, which is none
  const std::size_t size = find_head(bytes, {most, most}, scan, error);
  if (error == HeadError::line_too_long || error == HeadError::head_too_large) {
    return fail("the trailers are larger than max-trailer-bytes", "max_trailer_bytes");
  }
  if (error != HeadError::none) return fail("the trailers are malformed");
  if (size == 0) return read_more(may_read, again);
  if (size > 2) {
    std::vector<Field> storage;
    storage.reserve(limits_.max_header_count);
    Fields fields;
    const HeadError bad = parse_fields(bytes.substr(0, size), storage, fields);
    if (bad == HeadError::too_many_fields) {
      return fail("there are more trailers than max-header-count", "max_header_count");
    }
    if (bad != HeadError::none) return fail("the trailers are malformed");
    for (const Field& field : fields.list) {
      if (may_be_trailer(field)) trailers_.append(field.name).append(": ").append(field.value).append("\r\n");
    }
  }
  input_.consume(size);
  return finish();
}

BodyState Http1BodyReader::fail(std::string_view why, std::string_view limit) {
  stage_ = Stage::broken;
  failure_ = why;
  limit_ = limit;
  return BodyState::failed;
}

}  // namespace fairlead
