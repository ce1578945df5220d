#include "tests/support/any_origin.hpp"

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

namespace fairlead::test {
namespace {

bool is_early(const Question& question) {
  return question.target.starts_with("/early");
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

void read_chunked(RawSocket& socket, Question& question) {
  for (;;) {
    const std::string size_line = socket.read_until("\r\n");
    if (size_line.empty()) return;
    const std::size_t size = std::stoul(size_line, nullptr, 16);
    if (size == 0) break;
    question.body += socket.read_exactly(size);
    socket.read_exactly(2);
  }
  std::string trailers;
  for (std::string line = socket.read_until("\r\n"); line != "\r\n" && !line.empty();
       line = socket.read_until("\r\n")) {
    trailers += line;
  }
  question.trailers = fields_of_lines(trailers);
  question.complete = true;
}

Question read_head(RawSocket& socket) {
  Question question;
  const std::string head = socket.read_until("\r\n\r\n");
  const std::size_t line_end = head.find("\r\n");
  if (line_end == std::string::npos) return question;
  question.method = head.substr(0, head.find(' '));
  question.target = head.substr(question.method.size() + 1, head.rfind(' ', line_end) - question.method.size() - 1);
  question.fields = fields_of_lines(std::string_view(head).substr(line_end + 2));
  question.authority = field_of(question.fields, "host");
  return question;
}

void read_body(RawSocket& socket, Question& question) {
  if (!field_of(question.fields, "transfer-encoding").empty()) {
    read_chunked(socket, question);
    return;
  }
  const std::string length = field_of(question.fields, "content-length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  question.body = socket.read_exactly(size);
  question.complete = question.body.size() == size;
}

std::string lines_of(const FieldList& fields) {
  std::string lines;
  for (const auto& [name, value] : fields) lines += name + ": " + value + "\r\n";
  return lines;
}

std::string http1_text(const Answer& answer, bool for_head) {
  std::string text;
  for (const int status : answer.interim) text += "HTTP/1.1 " + std::to_string(status) + " Interim\r\n\r\n";
  text += "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n" + lines_of(answer.fields);
  const bool bodiless = answer.status == 204 || answer.status == 304;
  const bool chunked = !answer.counted || !answer.trailers.empty();
  if (!bodiless) {
    text +=
        chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  text += "\r\n";
  if (bodiless || for_head) return text;
  const std::string body = answer.breaks_off ? answer.body.substr(0, answer.body.size() / 2) : answer.body;
  text += chunked && !body.empty() ? chunk(body) : body;
  if (chunked && !answer.breaks_off) text += "0\r\n" + lines_of(answer.trailers) + "\r\n";
  return text;
}

// One connection, as nghttp2's server side.
class Http2Server {
 public:
  Http2Server(RawSocket& socket, const Answering& answering) : socket_(socket), answering_(answering) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &settings, 1);
  }
  ~Http2Server() { nghttp2_session_del(session_); }
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  void run() {
    while (send_all()) {
      const std::string bytes = socket_.read_some();
      if (bytes.empty()) return;
      if (nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) < 0) {
        return;
      }
    }
  }

 private:
  struct Served {
    Question question;
    Answer answer;
    std::size_t sent = 0;
    bool head_done = false;
    bool answered = false;
  };

  bool send_all() {
    for (;;) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size < 0) return false;
      if (size == 0) return nghttp2_session_want_read(session_) != 0;
      if (!socket_.send({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)})) return false;
    }
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    Served& served = static_cast<Http2Server*>(self)->served_[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (served.head_done) {
      served.question.trailers.emplace_back(key, text);
    } else if (key == ":method") {
      served.question.method = text;
    } else if (key == ":path") {
      served.question.target = text;
    } else if (key == ":authority") {
      served.question.authority = text;
    } else {
      served.question.fields.emplace_back(key, text);
    }
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes, std::size_t size,
                     void* self) {
    static_cast<Http2Server*>(self)->served_[stream].question.body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Http2Server& self = *static_cast<Http2Server*>(user);
    Served& served = self.served_[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_HEADERS) served.head_done = true;
    served.question.complete |= (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!served.answered && (served.question.complete || is_early(served.question))) {
      self.answer(frame->hd.stream_id, served);
    }
    return 0;
  }

  static nghttp2_nv field(const std::string& name, const std::string& value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
  }
  static std::vector<nghttp2_nv> fields_of(const FieldList& list) {
    std::vector<nghttp2_nv> fields;
    for (const auto& [name, value] : list) fields.push_back(field(name, value));
    return fields;
  }

  void answer(std::int32_t stream, Served& served) {
    served.answered = true;
    served.answer = answering_(served.question);
    Answer& answer = served.answer;
    for (const int status : answer.interim) {
      const FieldList head{{":status", std::to_string(status)}};
      const auto fields = fields_of(head);
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(), fields.size(), nullptr);
    }
    FieldList head{{":status", std::to_string(answer.status)}};
    head.insert(head.end(), answer.fields.begin(), answer.fields.end());
    const bool bodiless = answer.status == 204 || answer.status == 304;
    if (answer.counted && !bodiless) head.emplace_back("content-length", std::to_string(answer.body.size()));
    const auto fields = fields_of(head);
    nghttp2_data_provider body{};
    body.source.ptr = &served;
    body.read_callback = read_body;
    const bool has_body =
        !bodiless && served.question.method != "HEAD" && (!answer.body.empty() || !answer.trailers.empty());
    nghttp2_submit_response(session_, stream, fields.data(), fields.size(), has_body ? &body : nullptr);
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* to, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) {
    Served& served = *static_cast<Served*>(source->ptr);
    const Answer& answer = served.answer;
    const std::size_t whole = answer.breaks_off ? answer.body.size() / 2 : answer.body.size();
    const std::size_t size = std::min(most, whole - served.sent);
    std::memcpy(to, answer.body.data() + served.sent, size);
    served.sent += size;
    if (served.sent < whole) return static_cast<ssize_t>(size);
    if (answer.breaks_off) {
      if (size == 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM with INTERNAL_ERROR
      return static_cast<ssize_t>(size);
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!answer.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto trailers = fields_of(answer.trailers);
      nghttp2_submit_trailer(session, stream, trailers.data(), trailers.size());
    }
    return static_cast<ssize_t>(size);
  }

  RawSocket& socket_;
  const Answering& answering_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Served> served_;
};

int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned offered_size,
           void*) {
  static const unsigned char ours[] = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  const int how = SSL_select_next_proto(&chosen, size, ours, sizeof ours, offered, offered_size);
  *out = chosen;
  return how == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

FieldList fields_of_lines(std::string_view lines) {
  FieldList fields;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    fields.emplace_back(lower(std::string(line.substr(0, colon))), std::string(value));
  }
  return fields;
}

std::string field_of(const FieldList& fields, std::string_view name) {
  for (const auto& [known, value] : fields) {
    if (known == name) return value;
  }
  return {};
}

Origin::Handler over_http1(Answering answering) {
  return [answering = std::move(answering)](RawSocket& connection) {
    for (;;) {
      Question question = read_head(connection);
      if (question.method.empty()) return;
      if (!is_early(question)) {
        read_body(connection, question);
        if (!question.complete) return;
      }
      const Answer answer = answering(question);
      if (!connection.send(http1_text(answer, question.method == "HEAD"))) return;
      if (is_early(question)) connection.read_to_end();
      if (is_early(question) || answer.breaks_off) return;
    }
  };
}

Origin::Handler over_http2(Answering answering) {
  return [answering = std::move(answering)](RawSocket& connection) { Http2Server(connection, answering).run(); };
}

void choose_http2(ssl_ctx_st* context) {
  SSL_CTX_set_alpn_select_cb(context, choose, nullptr);
}

}  // namespace fairlead::test
