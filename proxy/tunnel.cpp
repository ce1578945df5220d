#include "proxy/tunnel.hpp"

#include <algorithm>

namespace fairlead {
namespace {

// One direction.
class Flow {
 public:
  Flow(BodyReader& from, BodyWriter& to) : from_(from), to_(to) {}

  bool done() const { return done_; }
  bool broken() const { return broken_; }

  // True when something moved.
  bool move() {
    if (done_ || broken_) return false;
    if (!to_.drained()) {
      const std::uint64_t before = to_.progress();
      if (!to_.flush()) return !(broken_ = true);
      if (!to_.drained()) return to_.progress() != before;
    }
    std::string_view piece;
    switch (from_.pull(piece, true)) {
      case BodyState::data:
        to_.data(piece);
        from_.consume(piece.size());
        if (!to_.send()) broken_ = true;
        return true;
      case BodyState::end:
        to_.shutdown();
        done_ = true;
        return true;
      case BodyState::failed:
        broken_ = true;
        return false;
      case BodyState::blocked:
        return false;
    }
    return false;
  }

 private:
  BodyReader& from_;
  BodyWriter& to_;
  bool done_ = false;
  bool broken_ = false;
};

}  // namespace

Task<void> tunnel(ClientSide& client, UpstreamSide& upstream) {
  constexpr int moves_a_turn = 32;
  client.body.start_raw(client.worker.limits.max_tunnel_buffer_bytes);
  upstream.start_raw(client.worker.limits.max_tunnel_buffer_bytes);
  Flow up(client.body, upstream);
  Flow down(upstream.body(), client.response);
  const PathSettings& settings = client.exchange.match.path->route->settings;
  LoopTime last_moved = client.session.now();
  for (int moves = 0;;) {
    const bool moved_up = up.move();
    const bool moved_down = down.move();
    if (up.broken() || down.broken() || (up.done() && down.done())) break;
    if (moved_up || moved_down) {
      last_moved = client.session.now();
      if (++moves % moves_a_turn == 0) co_await client.session.yield();
      continue;
    }
    const bool idle = upstream.drained() && client.response.drained();
    const LoopTime patience = idle ? settings.read_timeout : settings.send_timeout;
    if (!co_await client.session.wait_until(last_moved + patience)) break;
  }
}

}  // namespace fairlead
