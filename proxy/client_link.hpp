#pragma once

#include <string_view>

#include "proxy/client_address.hpp"
#include "proxy/session.hpp"
#include "proxy/worker_context.hpp"

namespace fairlead {

// One client's connection as the protocol sees it that is spoken over it: a Session that waits for its socket, among
// others.
class ClientLink : public Session {
 public:
  WorkerContext& worker() { return worker_; }
  Stream& stream() { return stream_; }
  const ClientAddress& address() const { return address_; }

  // The client speaks HTTP/2 without having been asked (RFC 9113 3.3): so it will be served once the coroutine that
  // found it is over. unread: begins with its preface; copied.
  virtual void go_on_as_http2(std::string_view unread) = 0;

 protected:
  ClientLink(WorkerContext& worker, Stream& stream, const ClientAddress& address)
      : Session(worker.readiness), address_(address), worker_(worker), stream_(stream) {}

  ClientAddress address_;

 private:
  WorkerContext& worker_;
  Stream& stream_;
};

}  // namespace fairlead
