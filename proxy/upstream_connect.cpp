#include "proxy/upstream_connect.hpp"

#include <algorithm>

#include "proxy/http1_upstream.hpp"
#include "proxy/http2_upstream_pool.hpp"
#include "proxy/upstream_dial.hpp"

namespace fairlead {
namespace {

Connected failed(AttemptFailure failure, std::string_view reason, std::string_view limit = {}) {
  Connected result;
  result.fault = {failure, reason, limit};
  return result;
}

bool client_left(const ClientSide& client) {
  return client.response.client_broke() || (client.body.ended() && client.response.client_gone(0));
}

Connected left() {
  Connected gone;
  gone.client_gone = true;
  return gone;
}

// No longer than the client itself waits.
LoopTime until(const ClientSide& client, LoopTime timeout) {
  return std::min(client.session.now() + timeout, client.exchange.deadline);
}

// A connection of its own.
Task<Connected> connect_http1(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout) {
  WorkerContext& worker = client.worker;
  UpstreamDial dial(worker, *endpoint, client.session);
  LoopTime deadline = until(client, timeout);
  UpstreamDial::State before = UpstreamDial::State::connecting;
  for (;;) {
    const UpstreamDial::State state = dial.step();
    if (state == UpstreamDial::State::done) break;
    if (state == UpstreamDial::State::failed) co_return failed(dial.fault().failure, dial.fault().reason);
    if (state != before) deadline = until(client, timeout);
    before = state;
    if (!co_await client.session.wait_until(deadline)) {
      const bool in_handshake = state == UpstreamDial::State::handshaking;
      co_return failed(AttemptFailure::connect_timeout, in_handshake
                                                            ? "the TLS handshake with the upstream took too long"
                                                            : "the connection to the upstream took too long");
    }
    if (state == UpstreamDial::State::connecting && client_left(client)) co_return left();
  }
  Connected result;
  result.upstream.reset(new Http1Upstream(worker.upstreams, std::move(endpoint), dial.take(), worker.scratch,
                                          worker.gather, worker.limits));
  co_return std::move(result);
}

// A stream of a connection that others use, too.
Task<Connected> connect_http2(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout) {
  Http2UpstreamWait wait(client.session);
  client.worker.http2_upstreams.join(wait, std::move(endpoint));
  const LoopTime deadline = until(client, timeout);
  while (wait.waits()) {
    const bool in_time = co_await client.session.wait_until(deadline);
    if (!wait.waits()) break;
    if (!in_time) co_return failed(AttemptFailure::connect_timeout, wait.what_for());
    if (client_left(client)) co_return left();
  }
  Connected result;
  result.upstream = wait.take();
  result.fault = wait.fault();
  co_return std::move(result);
}

}  // namespace

Task<Connected> connect_upstream(ClientSide& client, std::shared_ptr<EndpointState> endpoint, LoopTime timeout) {
  if (is_http2(endpoint->protocol)) co_return co_await connect_http2(client, std::move(endpoint), timeout);
  co_return co_await connect_http1(client, std::move(endpoint), timeout);
}

}  // namespace fairlead
