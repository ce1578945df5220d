#pragma once

#include "proxy/body.hpp"
#include "proxy/exchange.hpp"
#include "proxy/session.hpp"
#include "proxy/worker_context.hpp"

namespace fairlead {

// One Exchange and what it is served with, whatever protocol the Client speaks.
struct ClientSide {
  Session& session;  // the target of all sockets the Exchange uses
  WorkerContext& worker;
  Exchange& exchange;
  BodyReader& body;
  ResponseWriter& response;
};

}  // namespace fairlead
