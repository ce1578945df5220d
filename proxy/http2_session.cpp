#include "proxy/http2_session.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead {
namespace {

// Room that one call may need: a frame that is not DATA is at most 16 KB.
constexpr std::size_t largest_frame = 16 * 1024 + Http2FrameHead::size;
constexpr std::size_t pieces_of_frame = 8;
constexpr std::size_t max_outbound_acks = 1000;
constexpr std::size_t max_settings_entries = 32;
constexpr std::size_t any_number = 1'000'000;  // where the session's owner has a limit of its own

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

Http2FrameHead head_of(const nghttp2_frame_hd& head) {
  return {static_cast<std::uint32_t>(head.length), static_cast<Http2FrameType>(head.type), head.flags, head.stream_id};
}

}  // namespace

struct Http2Session::Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }
  static Http2Channel* channel(nghttp2_session* session, std::int32_t stream) {
    return static_cast<Http2Channel*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Channel* const opened = self(user).owner_.on_open(frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, opened);
    return 0;
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
    if (Http2Channel* const to = channel(session, frame->hd.stream_id)) {
      to->on_field(text_of(name, name_size), text_of(value, value_size));
    }
    return 0;
  }

  // nghttp2 would pass over it: what others refuse must not be let through in part.
  static int on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                               const std::uint8_t*, std::size_t, std::uint8_t, void* user) {
    self(user).owner_.on_malformed(frame->hd.stream_id, "a header field holds a character that is not allowed");
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Channel* const to = frame->hd.stream_id > 0 ? channel(session, frame->hd.stream_id) : nullptr;
    std::size_t payload = frame->hd.length;
    if (frame->hd.type == NGHTTP2_DATA) payload -= frame->data.padlen;
    self(user).owner_.on_frame(head_of(frame->hd), payload);
    if (!to || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS)) return 0;
    const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS) to->on_fields_end(ends_stream);
    if (ends_stream) to->on_end();
    return 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    self(user).owner_.on_malformed(frame->hd.stream_id, nghttp2_strerror(error));
    return 0;
  }

  static int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                           std::size_t size, void*) {
    // Each stream holds what its own window lets it; the connection's window bounds nothing beyond that.
    nghttp2_session_consume_connection(session, size);
    if (Http2Channel* const to = channel(session, stream)) {
      to->on_data(text_of(bytes, size));
    } else {
      nghttp2_session_consume_stream(session, stream, size);
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* user) {
    Http2Session& of = self(user);
    of.owner_.on_closed(stream);
    Http2Channel* const to = channel(session, stream);
    if (to) to->on_closed(static_cast<Http2Error>(code), of.output_ == nullptr);
    return 0;
  }

  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      self(user).owner_.on_reset_sent(frame->hd.stream_id, static_cast<Http2Error>(frame->rst_stream.error_code));
    } else if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) {
      const bool fields = frame->hd.type == NGHTTP2_HEADERS;
      Http2Channel* const to = channel(session, frame->hd.stream_id);
      if (to) to->on_sent(frame->hd.length + Http2FrameHead::size, fields);
    }
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t*, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Http2Channel* const from = channel(session, stream);
    if (!from) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const Http2Outgoing next = from->outgoing(most);
    if (next.size == 0 && !next.end) return NGHTTP2_ERR_DEFERRED;
    if (next.size > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!next.end) return static_cast<ssize_t>(next.size);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (next.trailers.empty()) return static_cast<ssize_t>(next.size);
    Http2Fields& fields = self(user).library_.fields;
    fields.clear();
    fields.add_lines(next.trailers);
    const bool submitted = nghttp2_submit_trailer(session, stream, fields.data(), fields.size()) == 0;
    if (submitted) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return static_cast<ssize_t>(next.size);
  }

  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* frame_head, std::size_t size,
                       nghttp2_data_source*, void* user) {
    Http2Session& of = self(user);
    Http2Channel* const from = channel(session, frame->hd.stream_id);
    if (!from) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    Output& output = *of.output_;
    if (!output.room(pieces_of_frame) || output.text().left() < largest_frame) {
      of.no_room_ = true;
      return NGHTTP2_ERR_WOULDBLOCK;
    }
    const std::size_t begin = output.text().size();
    output.text().append(text_of(frame_head, Http2FrameHead::size));
    output.add(output.text().since(begin));
    from->give(size, output);
    return 0;
  }
};

Http2Library::Http2Library() {
  using C = Http2Session::Callbacks;
  if (nghttp2_session_callbacks_new(&callbacks_) != 0 || nghttp2_option_new(&options_) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks_, C::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks_, C::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks_, C::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks_, C::on_frame_recv);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks_, C::on_invalid_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks_, C::on_data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks_, C::on_stream_close);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks_, C::on_frame_sent);
  nghttp2_session_callbacks_set_send_data_callback(callbacks_, C::send_data);
  nghttp2_option_set_no_auto_window_update(options_, 1);
  nghttp2_option_set_no_closed_streams(options_, 1);
  nghttp2_option_set_max_outbound_ack(options_, max_outbound_acks);
  nghttp2_option_set_max_continuations(options_, any_number);
  nghttp2_option_set_stream_reset_rate_limit(options_, any_number, any_number);
  nghttp2_option_set_max_settings(options_, max_settings_entries);
}

Http2Library::~Http2Library() {
  nghttp2_session_callbacks_del(callbacks_);
  nghttp2_option_del(options_);
}

Http2Session::Http2Session(Http2Library& library, Http2SessionOwner& owner, const Http2Settings& settings)
    : library_(library),
      owner_(owner),
      scan_(settings.role == Http2Role::server ? Http2FrameScan::client_preface.size() : 0) {
  nghttp2_mem memory = library.memory_.functions();
  const auto make = settings.role == Http2Role::server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  if (make(&session_, library.callbacks_, this, library.options_, &memory) != 0) throw std::bad_alloc();
  pieces_ = library.memory_.last_pieces();
  submit_settings(settings);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, settings.connection_window);
}

void Http2Session::submit_settings(const Http2Settings& settings) {
  if (settings.role == Http2Role::client) {
    const std::array<nghttp2_settings_entry, 3> entries{{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.max_header_list},
    }};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
    return;
  }
  const std::array<nghttp2_settings_entry, 5> entries{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.max_header_list},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, settings.extended_connect ? 1u : 0u},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
}

Http2Session::~Http2Session() {
  nghttp2_session_del(session_);
}

bool Http2Session::receive(std::string_view bytes) {
  Http2FrameScan::Step step;
  while (!broken_ && !terminated_ && scan_.next(bytes, step)) {
    if (step.begins_frame) {
      const bool of_head = step.head.type == Http2FrameType::headers || step.head.type == Http2FrameType::continuation;
      ends_head_ = of_head && step.head.has(Http2FrameHead::end_headers);
      owner_.on_frame_begin(step.head, step.payload());
    }
    if (!terminated_) feed(step.bytes);
    if (!scan_.inside_frame() && std::exchange(ends_head_, false)) owner_.on_head_end();
  }
  return !broken_;
}

void Http2Session::feed(std::string_view bytes) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  broken_ |= taken < 0;
}

bool Http2Session::gather(Output& output) {
  output_ = &output;
  no_room_ = false;
  while (!broken_) {
    if (!output.room(pieces_of_frame) || output.text().left() < largest_frame) {
      no_room_ = true;
      break;
    }
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    broken_ |= size < 0;
    if (size <= 0) break;
    const std::size_t begin = output.text().size();
    output.text().append(text_of(bytes, static_cast<std::size_t>(size)));
    output.add(output.text().since(begin));
  }
  output_ = nullptr;
  return no_room_;
}

bool Http2Session::wants_write() const {
  return nghttp2_session_want_write(session_) != 0;
}

bool Http2Session::over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

std::size_t Http2Session::queued_frames() const {
  return nghttp2_session_get_outbound_queue_size(session_);
}

void Http2Session::rest() {
  if (!wants_write()) Http2Memory::rest(pieces_);
}

Http2Channel* Http2Session::channel(std::int32_t stream) const {
  return Callbacks::channel(session_, stream);
}

void Http2Session::forget(std::int32_t stream) {
  nghttp2_session_set_stream_user_data(session_, stream, nullptr);
}

void Http2Session::interim(std::int32_t stream, const Http2Fields& fields) {
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(), fields.size(), nullptr);
}

void Http2Session::respond(std::int32_t stream, const Http2Fields& fields, bool has_body) {
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_body;
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), has_body ? &body : nullptr);
}

std::int32_t Http2Session::request(Http2Channel& channel, const Http2Fields& fields, bool has_body) {
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_body;
  const std::int32_t stream =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), has_body ? &body : nullptr, &channel);
  return std::max(stream, 0);
}

bool Http2Session::may_request() const {
  return !terminated_ && nghttp2_session_check_request_allowed(session_) != 0;
}

std::uint32_t Http2Session::peer_max_streams() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool Http2Session::peer_allows_connect() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void Http2Session::resume(std::int32_t stream) {
  nghttp2_session_resume_data(session_, stream);
}

void Http2Session::reset(std::int32_t stream, Http2Error code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, static_cast<std::uint32_t>(code));
}

bool Http2Session::window_open(std::int32_t stream) const {
  return nghttp2_session_get_stream_remote_window_size(session_, stream) > 0 &&
         nghttp2_session_get_remote_window_size(session_) > 0;
}

void Http2Session::consumed(std::int32_t stream, std::size_t bytes) {
  nghttp2_session_consume_stream(session_, stream, bytes);
  if (wants_write()) owner_.on_unasked();
}

void Http2Session::announce_goaway() {
  nghttp2_submit_shutdown_notice(session_);
}

void Http2Session::goaway() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Session::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void Http2Session::terminate(Http2Error code) {
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(code));
  terminated_ = true;
}

}  // namespace fairlead
