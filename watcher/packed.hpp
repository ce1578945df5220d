#pragma once

#include <memory>
#include <string_view>

#include "watcher/objects.hpp"

namespace fairlead {

// Bytes in one block of memory. Immutable; nothing (false) is not the same as no bytes.
class PackedBytes {
 public:
  PackedBytes() = default;
  explicit PackedBytes(std::string_view bytes);

  explicit operator bool() const { return block_ != nullptr; }
  std::string_view view() const;
  bool operator==(const PackedBytes& other) const {
    return (block_ != nullptr) == (other.block_ != nullptr) && view() == other.view();
  }

 private:
  std::unique_ptr<char[]> block_;  // how many they are, then the bytes
};

// A Service or an EndpointSlice between the moments at which somebody looks at it: about a sixth of the memory of the
// object, all in one block. Without its name, which stands where the object is found by it. Two that are equal were
// made of equal objects.
template <class T>
class Packed {
 public:
  Packed() = default;  // nothing
  explicit Packed(const T& object);

  explicit operator bool() const { return static_cast<bool>(bytes_); }
  bool operator==(const Packed&) const = default;
  // Not of nothing.
  T unpack(const ObjectName& name) const;
  const PackedBytes& bytes() const { return bytes_; }

 private:
  PackedBytes bytes_;
};
extern template class Packed<Service>;
extern template class Packed<EndpointSlice>;

// Whose slice it is; "" when it belongs to no Service, and of nothing. Lives as long as what is packed.
std::string_view service_of(const Packed<EndpointSlice>& slice);

// The same of an Ingress, without its annotations and the class that it claims: others have the same. What tells one
// Ingress from another, and which of them goes first, can be read without unpacking it. Views live as long as this.
class PackedIngress {
 public:
  explicit PackedIngress(const Ingress& ingress);

  struct Head {
    std::string_view ns, name, created;

    bool same_name(const Head& other) const { return name == other.name && ns == other.ns; }
    bool names(const ObjectName& object) const { return name == object.name && ns == object.ns; }
  };
  Head head() const;
  // claim and annotations are left empty.
  Ingress unpack() const;
  bool operator==(const PackedIngress&) const = default;

 private:
  PackedBytes bytes_;
};

}  // namespace fairlead
