#include "proxy/grpc_reply.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/local_reply.hpp"
#include "proxy/policy_runner.hpp"

namespace fairlead {
namespace {

constexpr std::string_view timeout_name = "grpc-timeout";
constexpr std::string_view numbers[grpc_status_count] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                                         "9", "10", "11", "12", "13", "14", "15", "16"};

// "413 Content Too Large (proxy_body_size)", "308 Permanent Redirect to https://a.example.com/"
std::string_view message_of(Exchange& exchange, int status, std::string_view location) {
  constexpr std::size_t room = 256;
  char* const text = exchange.arena.text(room);
  const std::string_view limit = exchange.record.limit;
  const auto end =
      fmt::format_to_n(text, room, "{} {}{}{}{}{}{}", status, reason_of(status), location.empty() ? "" : " to ",
                       location, limit.empty() ? "" : " (", limit, limit.empty() ? "" : ")");
  return {text, std::min(end.size, room)};
}

}  // namespace

bool begin_grpc(Exchange& exchange) {
  exchange.record.grpc = true;
  const Field* const field = exchange.request.fields.find(timeout_name);
  if (!field) return true;
  const auto timeout = parse_grpc_timeout(field->value);
  if (!timeout) return false;
  exchange.deadline = std::chrono::ceil<LoopTime>(exchange.started) + *timeout;
  return true;
}

void note_grpc_status(ExchangeRecord& record, const Fields& fields) {
  if (const Field* const field = fields.find("grpc-status")) record.grpc_status = parse_grpc_status(field->value);
}

void note_grpc_status(ExchangeRecord& record, std::string_view trailers) {
  if (const auto status = find_grpc_status(trailers)) record.grpc_status = status;
}

void reply_as_grpc(ClientSide& client, GrpcStatus status, std::string_view message) {
  Exchange& exchange = client.exchange;
  exchange.record.status = 200;
  exchange.record.grpc_status = status;
  char* const text = exchange.arena.text(grpc_message_room(message.size()));
  HeadEdits& edits = *exchange.response_edits;
  run_on_response(exchange, 200);
  edits.set("Content-Type", grpc_content_type);
  edits.set("grpc-status", numbers[static_cast<std::size_t>(status)]);
  edits.set("grpc-message", {text, write_grpc_message(message, text)});
  ResponseHead head;
  head.status = 200;
  head.reason = reason_of(200);
  client.response.head(head, edits, BodyKind::length, 0);
  client.response.end({});
  client.response.send();
}

void reply_as_grpc(ClientSide& client, int http_status, std::string_view location) {
  reply_as_grpc(client, grpc_status_of(http_status), message_of(client.exchange, http_status, location));
}

void end_as_grpc(ClientSide& client, GrpcStatus status, std::string_view message) {
  Exchange& exchange = client.exchange;
  exchange.record.grpc_status = status;
  const std::size_t room = 64 + grpc_message_room(message.size());
  char* const trailers = exchange.arena.text(room);
  const auto begun =
      fmt::format_to_n(trailers, room, "grpc-status: {}\r\ngrpc-message: ", static_cast<int>(status)).size;
  std::size_t size = begun + write_grpc_message(message, trailers + begun);
  for (const char c : {'\r', '\n'}) trailers[size++] = c;
  client.response.end({trailers, size});
  client.response.send();
}

void end_as_grpc(ClientSide& client, int http_status) {
  end_as_grpc(client, grpc_status_of(http_status), message_of(client.exchange, http_status, {}));
}

}  // namespace fairlead
