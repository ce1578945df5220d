#pragma once

#include <memory_resource>

#include "router/head.hpp"

namespace fairlead {

// Whether a field belongs to one connection only and must not be forwarded (RFC 9110 7.6.1): Connection, Keep-Alive,
// Proxy-Connection, TE, Transfer-Encoding, Upgrade, Proxy-Authenticate/-Authorization are not end-to-end, and Proxy
// (httpoxy) never is.
bool is_hop_by_hop(FieldName name);

// The names a message's Connection fields nominate, beyond those already hop-by-hop. "close" and "keep-alive" are not
// names. Host, Content-Length and the like (framing, routing) cannot be nominated away: they are ignored.
class NominatedFields {
 public:
  explicit NominatedFields(const Fields& fields);
  bool contains(std::string_view name) const;
  bool empty() const { return count_ == 0 && !overflow_; }
  bool overflow() const { return overflow_; }  // more than max_names: the message is refused

  static constexpr std::size_t max_names = 32;

 private:
  struct Name {  // trivial: the unused ones cost nothing
    const char* data;
    std::size_t size;
  };
  std::array<Name, max_names> names_;
  std::size_t count_ = 0;
  bool overflow_ = false;
};

}  // namespace fairlead
