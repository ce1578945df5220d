#include "tests/support/http2_client.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace fairlead::test {
namespace {

std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

}  // namespace

struct Http2Client::Codec {
  Codec() {
    nghttp2_hd_deflate_new(&deflater, 4096);
    nghttp2_hd_inflate_new(&inflater);
  }
  ~Codec() {
    nghttp2_hd_deflate_del(deflater);
    nghttp2_hd_inflate_del(inflater);
  }
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  nghttp2_hd_deflater* deflater = nullptr;
  nghttp2_hd_inflater* inflater = nullptr;
};

std::uint32_t Http2Frame::number(std::size_t at) const {
  return number_at(payload, at);
}

std::string Http2Response::field(std::string_view name) const {
  for (const auto& [known, value] : fields) {
    if (known == name) return value;
  }
  return {};
}

std::string Http2Client::number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string Http2Client::setting(std::uint16_t id, std::uint32_t value) {
  return number(id).substr(2) + number(value);
}

Http2Client::Http2Client(RawSocket& socket, std::string_view settings)
    : socket_(socket), codec_(std::make_unique<Codec>()) {
  socket_.send(Http2FrameScan::client_preface);
  frame(Http2FrameType::settings, 0, 0, settings);
}

Http2Client::Http2Client(RawSocket& socket, std::string_view settings, Serving)
    : socket_(socket), codec_(std::make_unique<Codec>()), serving_(true) {
  socket_.read_exactly(Http2FrameScan::client_preface.size());
  frame(Http2FrameType::settings, 0, 0, settings);
}

Http2Client Http2Client::serving(RawSocket& socket, std::string_view settings) {
  return Http2Client(socket, settings, Serving());
}

Http2Client::~Http2Client() = default;

bool Http2Client::frame(Http2FrameType type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
  std::string bytes = number(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += number(static_cast<std::uint32_t>(stream));
  bytes += payload;
  return socket_.send(bytes);
}

std::string Http2Client::compress(const Http2Fields& fields) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    list.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  std::string block(nghttp2_hd_deflate_bound(codec_->deflater, list.data(), list.size()), '\0');
  const ssize_t size = nghttp2_hd_deflate_hd(codec_->deflater, bytes_of(block), block.size(), list.data(), list.size());
  block.resize(static_cast<std::size_t>(size));
  return block;
}

bool Http2Client::headers(std::int32_t stream, const Http2Fields& fields, std::uint8_t flags) {
  return frame(Http2FrameType::headers, flags, stream, compress(fields));
}

bool Http2Client::data(std::int32_t stream, std::string_view bytes, bool end) {
  return frame(Http2FrameType::data, end ? end_stream : 0, stream, bytes);
}

bool Http2Client::data_in_windows(std::int32_t stream, std::string_view bytes, bool end) {
  constexpr std::int64_t largest = 16'000;
  const auto over = [&] { return (!serving_ && responses_[stream].complete) || responses_[stream].reset; };
  const auto window = [&] { return std::min({connection_window_, initial_window_ - sent_[stream], largest}); };
  while (!bytes.empty()) {
    until([&] { return over() || window() > 0; });
    if (over() || ended) return false;
    const std::string_view piece = bytes.substr(0, static_cast<std::size_t>(window()));
    bytes.remove_prefix(piece.size());
    connection_window_ -= static_cast<std::int64_t>(piece.size());
    sent_[stream] += static_cast<std::int64_t>(piece.size());
    if (!data(stream, piece, end && bytes.empty())) return false;
  }
  return true;
}

bool Http2Client::reset(std::int32_t stream, Http2Error code) {
  return frame(Http2FrameType::rst_stream, 0, stream, number(static_cast<std::uint32_t>(code)));
}

bool Http2Client::window(std::int32_t stream, std::uint32_t increment) {
  return frame(Http2FrameType::window_update, 0, stream, number(increment));
}

std::int32_t Http2Client::next_stream() {
  const std::int32_t stream = next_stream_;
  next_stream_ += 2;
  return stream;
}

std::int32_t Http2Client::get(const std::string& host, const std::string& path, const Http2Fields& more) {
  Http2Fields fields{{":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", host}};
  fields.insert(fields.end(), more.begin(), more.end());
  const std::int32_t stream = next_stream();
  headers(stream, fields);
  return stream;
}

std::int32_t Http2Client::post(const std::string& host, const Http2Fields& more) {
  Http2Fields fields{{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", host}};
  fields.insert(fields.end(), more.begin(), more.end());
  const std::int32_t stream = next_stream();
  headers(stream, fields, end_headers);
  return stream;
}

Http2Frame Http2Client::next() {
  Http2Frame frame;
  const std::string head = socket_.read_exactly(Http2FrameHead::size);
  if (head.size() < Http2FrameHead::size) {
    ended = frame.none = true;
    return frame;
  }
  frame.head = Http2FrameHead::parse(head.data());
  frame.payload = socket_.read_exactly(frame.head.length);
  take(frame);
  return frame;
}

void Http2Client::take(const Http2Frame& got) {
  const Http2FrameHead& head = got.head;
  Http2Response& response = responses_[head.stream];
  switch (head.type) {
    case Http2FrameType::settings:
      if (head.has(Http2FrameHead::ack)) {
        ++settings_acknowledged;
      } else {
        constexpr std::uint32_t initial_window_size = 4;
        for (std::size_t at = 0; at + 6 <= got.payload.size(); at += 6) {
          const bool is_it = (got.number(at) >> 16) == initial_window_size;
          if (is_it) initial_window_ = got.number(at + 2);
        }
        frame(Http2FrameType::settings, Http2FrameHead::ack, 0);
      }
      break;
    case Http2FrameType::window_update:
      if (head.stream == 0) connection_window_ += got.number(0);
      if (head.stream > 0) sent_[head.stream] -= got.number(0);
      break;
    case Http2FrameType::ping:
      if (head.has(Http2FrameHead::ack)) {
        ++pings_acknowledged;
      } else if (answers_pings) {
        frame(Http2FrameType::ping, Http2FrameHead::ack, 0, got.payload);
      }
      break;
    case Http2FrameType::goaway:
      got_goaway = true;
      goaway_streams.push_back(static_cast<std::int32_t>(got.number(0)));
      goaway_error = static_cast<Http2Error>(got.number(4));
      break;
    case Http2FrameType::rst_stream:
      response.reset = true;
      response.error = static_cast<Http2Error>(got.number(0));
      break;
    case Http2FrameType::data:
      response.body += got.payload;
      response.complete |= head.has(Http2FrameHead::end_stream);
      if (opens_windows && head.length > 0) {
        window(0, head.length);
        if (!response.complete) window(head.stream, head.length);
      }
      break;
    case Http2FrameType::headers:
    case Http2FrameType::continuation:
      if (head.type == Http2FrameType::headers) block_ends_stream_ = head.has(Http2FrameHead::end_stream);
      block_ += got.payload;
      if (head.has(Http2FrameHead::end_headers)) take_headers(got);
      break;
    default:
      break;
  }
}

void Http2Client::take_headers(const Http2Frame& got) {
  Http2Fields fields;
  std::string_view left = block_;
  for (;;) {
    nghttp2_nv field{};
    int flags = 0;
    const ssize_t used = nghttp2_hd_inflate_hd2(codec_->inflater, &field, &flags, bytes_of(left), left.size(), 1);
    if (used < 0) return;
    left.remove_prefix(static_cast<std::size_t>(used));
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                          std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && left.empty()) break;
  }
  nghttp2_hd_inflate_end_headers(codec_->inflater);
  block_.clear();
  Http2Response& response = responses_[got.head.stream];
  if (!fields.empty() && fields.front().first == ":status") {
    const int status = std::stoi(fields.front().second);
    if (status < 200) {
      response.interim.push_back(status);
      return;
    }
    response.status = status;
    response.fields = std::move(fields);
  } else if (!fields.empty() && fields.front().first.starts_with(':')) {
    response.fields = std::move(fields);
  } else {
    response.trailers = std::move(fields);
  }
  response.complete |= block_ends_stream_;
}

std::int32_t Http2Client::next_request() {
  const auto found = [&] {
    return std::find_if(responses_.upper_bound(std::max(last_request_, 0)), responses_.end(),
                        [](const auto& known) { return known.second.complete; });
  };
  if (!until([&] { return found() != responses_.end(); })) return 0;
  return last_request_ = found()->first;
}

bool Http2Client::respond(std::int32_t stream, int status, std::string_view body, const Http2Fields& more) {
  Http2Fields fields{{":status", std::to_string(status)}};
  fields.insert(fields.end(), more.begin(), more.end());
  if (body.empty()) return headers(stream, fields);
  return headers(stream, fields, end_headers) && data_in_windows(stream, body, true);
}

Http2Response Http2Client::response(std::int32_t stream) {
  until([&] { return responses_[stream].complete || responses_[stream].reset; });
  return responses_[stream];
}

bool Http2Client::until(const std::function<bool()>& condition) {
  while (!condition() && !ended) next();
  return condition();
}

void Http2Client::read_to_end() {
  while (!ended) next();
}

}  // namespace fairlead::test
