#include "tests/bench/programs/response_reader.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::bench {
namespace {

// The value of a header, of which there is at most one.
std::optional<std::string_view> value_of(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const std::string_view value = line.substr(name.size() + 1);
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

std::size_t ResponseReader::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done() && !broken()) {
    const std::string_view rest = bytes.substr(taken);
    switch (state_) {
      case State::head:
        taken += take_head(rest);
        break;
      case State::counted:
        taken += take_counted(rest, State::done);
        break;
      case State::chunk:
        taken += take_counted(rest, State::chunk_end);
        break;
      default:
        taken += take_line(rest);
    }
  }
  return taken;
}

std::size_t ResponseReader::take_head(std::string_view bytes) {
  const std::size_t before = text_.size();
  text_ += bytes;
  const std::size_t end = text_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) return bytes.size();
  text_.resize(end + 4);
  read_head();
  text_.clear();
  return end + 4 - before;
}

void ResponseReader::read_head() {
  status_ = static_cast<int>(
      number(std::string_view(text_).substr(std::min<std::size_t>(9, text_.size()), 3), 10).value_or(0));
  if (status_ == 101 || status_ == 204) {
    state_ = State::done;
  } else if (const auto length = value_of(text_, "content-length")) {
    left_ = number(*length, 10).value_or(0);
    state_ = left_ == 0 ? State::done : State::counted;
  } else {
    state_ = value_of(text_, "transfer-encoding") == "chunked" ? State::chunk_size : State::broken;
  }
}

std::size_t ResponseReader::take_counted(std::string_view bytes, State next) {
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= count;
  body_bytes_ += count;
  if (left_ == 0) state_ = next;
  return count;
}

std::size_t ResponseReader::take_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    text_ += bytes;
    return bytes.size();
  }
  text_ += bytes.substr(0, end + 1);
  read_line();
  text_.clear();
  return end + 1;
}

void ResponseReader::read_line() {
  if (state_ == State::chunk_end) {
    state_ = text_ == "\r\n" ? State::chunk_size : State::broken;
  } else if (state_ == State::trailers) {
    if (text_ == "\r\n") state_ = State::done;
  } else if (const auto size = number(text_, 16)) {
    left_ = *size;
    state_ = left_ == 0 ? State::trailers : State::chunk;
  } else {
    state_ = State::broken;
  }
}

}  // namespace fairlead::bench
