#pragma once

#include <string_view>

#include "proxy/client_side.hpp"
#include "router/grpc.hpp"

namespace fairlead {

// Notes what a request of gRPC asks for: until when it is worth an answer. False when its grpc-timeout is malformed.
bool begin_grpc(Exchange& exchange);

// What the service says of the outcome: in the fields of an answer without messages, else in the trailers.
void note_grpc_status(ExchangeRecord& record, const Fields& fields);
void note_grpc_status(ExchangeRecord& record, std::string_view trailers);

// Answers a request of gRPC ourselves, in the form that its clients understand as an answer: HTTP 200 with the status
// in the fields and no body ("Trailers-Only").
void reply_as_grpc(ClientSide& client, GrpcStatus status, std::string_view message);

// The same in place of an HTTP status of ours, which the message then names. location: "" = none.
void reply_as_grpc(ClientSide& client, int http_status, std::string_view location);

// Ends a response of gRPC that cannot go on, with trailers in the place of those that the service would have sent: what
// was sent stays, and its client learns why there is no more.
void end_as_grpc(ClientSide& client, GrpcStatus status, std::string_view message);
// The same in place of an HTTP status of ours.
void end_as_grpc(ClientSide& client, int http_status);

}  // namespace fairlead
