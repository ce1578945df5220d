#include "tests/support/any_client.hpp"

#include <algorithm>

#include "tests/support/http2_client.hpp"

namespace fairlead::test {
AnyClient::AnyClient(std::uint16_t port, bool http2) : socket_(RawSocket::connect(port)) {
  if (http2) http2_ = std::make_unique<Http2Client>(socket_);
}

AnyClient::~AnyClient() = default;

Reply AnyClient::ask(const Ask& ask) {
  if (!http2_) {
    send_http1(ask);
    return read_http1(ask);
  }
  const Http2Response response = http2_->response(send_http2(ask));
  return {response.status,   response.interim,
          response.fields,   response.body,
          response.trailers, response.complete && !(response.reset && response.error != Http2Error::no_error)};
}

void AnyClient::ask_and_leave(const Ask& ask) {
  if (http2_) {
    http2_->reset(send_http2(ask));
  } else {
    send_http1(ask);
    socket_.reset();
  }
}

std::int32_t AnyClient::send_http2(const Ask& ask) {
  FieldList fields{{":method", ask.method}, {":scheme", "http"}, {":path", ask.target}, {":authority", "a.test"}};
  fields.insert(fields.end(), ask.fields.begin(), ask.fields.end());
  const bool with_body = !ask.body.empty() || !ask.trailers.empty() || ask.unfinished;
  if (with_body && ask.counted && ask.trailers.empty()) {
    fields.emplace_back("content-length", std::to_string(ask.body.size() + (ask.unfinished ? 1 : 0)));
  }
  const std::int32_t stream = http2_->next_stream();
  http2_->headers(stream, fields, Http2Client::end_headers | (with_body ? 0 : Http2Client::end_stream));
  constexpr std::size_t piece = 16'000;
  for (std::size_t at = 0; at < ask.body.size(); at += piece) {
    const bool last = at + piece >= ask.body.size() && ask.trailers.empty() && !ask.unfinished;
    http2_->data_in_windows(stream, std::string_view(ask.body).substr(at, piece), last);
  }
  if (!ask.trailers.empty()) http2_->headers(stream, ask.trailers);
  return stream;
}

void AnyClient::send_http1(const Ask& ask) {
  std::string text = ask.method + " " + ask.target + " HTTP/1.1\r\nHost: a.test\r\n";
  for (const auto& [name, value] : ask.fields) text += name + ": " + value + "\r\n";
  const bool with_body = !ask.body.empty() || !ask.trailers.empty() || ask.unfinished;
  const bool chunked = with_body && (!ask.counted || !ask.trailers.empty());
  if (chunked) {
    text += "Transfer-Encoding: chunked\r\n\r\n" + (ask.body.empty() ? std::string() : chunk(ask.body));
    if (!ask.unfinished) {
      text += "0\r\n";
      for (const auto& [name, value] : ask.trailers) text += name + ": " + value + "\r\n";
      text += "\r\n";
    }
  } else if (with_body) {
    text += "Content-Length: " + std::to_string(ask.body.size() + (ask.unfinished ? 1 : 0)) + "\r\n\r\n" + ask.body;
  } else {
    text += "\r\n";
  }
  socket_.send(text);
}

Reply AnyClient::read_http1(const Ask& ask) {
  Reply reply;
  RawResponse response = read_response(socket_, ask.method == "HEAD");
  while (response.status >= 100 && response.status < 200) {
    reply.interim.push_back(response.status);
    response = read_response(socket_, ask.method == "HEAD");
  }
  reply.status = response.status;
  reply.body = response.body;
  reply.complete = response.complete;
  reply.fields = fields_of_lines(response.head.substr(std::min(response.head.size(), response.head.find("\r\n") + 2)));
  reply.trailers = fields_of_lines(response.trailers);
  return reply;
}

}  // namespace fairlead::test
