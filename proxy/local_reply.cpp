#include "proxy/local_reply.hpp"

#include <fmt/format.h>

#include "proxy/grpc_reply.hpp"
#include "proxy/policy_runner.hpp"

namespace fairlead {
namespace {

// What has arrived of an unwanted body is thrown away, so that a small one does not cost the connection.
void discard_arrived(BodyReader& body) {
  std::string_view piece;
  while (body.pull(piece, false) == BodyState::data) body.consume(piece.size());
}

std::string_view standard_page(Exchange& exchange, int status) {
  constexpr std::string_view page =
      "<html>\r\n<head><title>{0} {1}</title></head>\r\n<body>\r\n<center><h1>{0} {1}</h1></center>\r\n"
      "<hr><center>fairlead</center>\r\n</body>\r\n</html>\r\n";
  constexpr std::size_t room = page.size() + 128;
  char* const text = exchange.arena.text(room);
  const auto end = fmt::format_to_n(text, room, page, status, reason_of(status)).out;
  return {text, static_cast<std::size_t>(end - text)};
}

}  // namespace

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

void reply_locally(ClientSide& client, const PolicyReply& reply) {
  Exchange& exchange = client.exchange;
  discard_arrived(client.body);
  if (!client.body.ended()) client.response.close_after();
  if (exchange.record.grpc && reply.status >= 300) return reply_as_grpc(client, reply.status, reply.location);
  exchange.record.status = reply.status;
  const bool own_page = reply.body.empty() && !reply.no_body;
  const std::string_view body = own_page ? standard_page(exchange, reply.status) : reply.body;
  const std::string_view type = own_page ? "text/html" : reply.content_type;
  HeadEdits& edits = *exchange.response_edits;
  if (!type.empty()) edits.set("Content-Type", type);
  if (!reply.location.empty()) edits.set("Location", reply.location);
  if (reply.status == 405) edits.set("Allow", allowed_methods);
  run_on_response(exchange, reply.status);
  ResponseHead head;
  head.status = reply.status;
  head.reason = reason_of(reply.status);
  client.response.head(head, edits, BodyKind::length, body.size());
  client.response.data(body);
  client.response.end({});
  client.response.send();
}

void reply_locally(ClientSide& client, int status) {
  PolicyReply reply;
  reply.status = status;
  reply_locally(client, reply);
}

void refuse_for_limit(ClientSide& client, int status, std::string_view limit) {
  client.exchange.record.limit = limit;
  reply_locally(client, status);
}

}  // namespace fairlead
