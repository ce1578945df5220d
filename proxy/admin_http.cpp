#include "proxy/admin_http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

namespace fairlead {
namespace {

namespace http = boost::beast::http;

using Parser = http::request_parser<http::empty_body>;

AdminRequest objecting(int status, std::string why) {
  AdminRequest request;
  request.objection = AdminAnswer{.status = status, .body = std::move(why) + '\n'};
  return request;
}

}  // namespace

std::optional<AdminRequest> read_admin_request(std::string_view received, std::size_t max_bytes) {
  const std::size_t end = received.substr(0, max_bytes).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (received.size() < max_bytes) return std::nullopt;
    return objecting(431, "request head too large");
  }
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(max_bytes));
  boost::system::error_code error;
  const std::size_t size = end + 4;
  parser.put(boost::asio::buffer(received.data(), size), error);
  if (error || !parser.is_header_done()) return objecting(400, "bad request");

  const auto& head = parser.get();
  const bool is_head = head.method() == http::verb::head;
  if (!is_head && head.method() != http::verb::get) return objecting(405, "only GET and HEAD");
  if (parser.chunked() || parser.content_length().value_or(0) > 0) return objecting(400, "no body, please");
  return AdminRequest{.size = size,
                      .target = std::string(head.target()),
                      .is_head = is_head,
                      .keep_alive = head.keep_alive(),
                      .objection = std::nullopt};
}

std::string admin_response_head(const AdminAnswer& answer, bool keep_alive) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ' + std::string(reason) + "\r\n";
  head += "Content-Type: " + answer.content_type + "\r\n";
  head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (answer.status == 405) head += "Allow: GET, HEAD\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  return head + "\r\n";
}

}  // namespace fairlead
