#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/body.hpp"
#include "router/retry.hpp"

namespace fairlead {

struct Exchange;

enum class HeadState : std::uint8_t {
  arrived,  // a head is there, and taken
  moved,    // bytes came, but no whole head yet
  blocked,  // nothing now
  failed,   // none will come: fault() says why
};

// Why an upstream did not do its part.
struct UpstreamFault {
  AttemptFailure failure = AttemptFailure::closed_before_response;
  std::string_view reason{};  // for the log; lives for ever
  std::string_view limit{};   // the one that was hit, or ""
};

// One request and its response at an upstream, whatever protocol it speaks. As a BodyWriter it is the request's: its
// head, then its body. Held by an UpstreamSidePtr, or given back by keep(). News of it come to the Session that it was
// opened for.
class UpstreamSide : public BodyWriter {
 public:
  // The request's head, gathered until send(). Once, and first.
  virtual void start(const Exchange& exchange) = 0;
  // Whether any byte of the request may have reached the upstream.
  virtual bool request_bytes_sent() const = 0;
  // Whether it may say of a request that was sent that it did nothing for it (AttemptFailure::refused): then it is
  // worth having the request at hand, whatever its method.
  virtual bool may_refuse() const { return false; }

  // The next interim head, or the final one, whose body begins then. Its fields are kept in the Exchange; views are
  // valid until body() is next asked to read. framing is set for a final head.
  virtual HeadState read_head(Exchange& exchange, ResponseHead& head, ResponseFraming& framing) = 0;
  virtual BodyReader& body() = 0;
  // Of the request and of heads; what befell the body is told by body().
  virtual const UpstreamFault& fault() const = 0;

  // After a switch of protocols: both ways carry bytes as they are. At most `most` are read ahead.
  virtual void start_raw(std::size_t most) = 0;

  // The Exchange is over, and left nothing behind: what it used may serve another. Takes this back.
  virtual void keep() = 0;
  // Likewise, but as it is: what is under way is broken off.
  virtual void let_go() = 0;
};

struct LetGo {
  void operator()(UpstreamSide* side) const { side->let_go(); }
};
using UpstreamSidePtr = std::unique_ptr<UpstreamSide, LetGo>;

}  // namespace fairlead
