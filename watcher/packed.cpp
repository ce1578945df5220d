#include "watcher/packed.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "watcher/packed_number.hpp"

namespace fairlead {
namespace {

template <class T, class Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

// The fields of each struct, for both directions. All are named, so that one more cannot be forgotten.
template <class Codec, Is<ServicePortRef> T>
void code_fields(Codec& codec, T& port) {
  auto& [number, name] = port;
  codec(number);
  codec(name);
}

template <class Codec, Is<IngressBackend> T>
void code_fields(Codec& codec, T& backend) {
  auto& [service, port] = backend;
  codec(service);
  codec(port);
}

template <class Codec, Is<IngressPath> T>
void code_fields(Codec& codec, T& ingress_path) {
  auto& [path, type, backend] = ingress_path;
  codec(path);
  codec(type);
  codec(backend);
}

template <class Codec, Is<IngressRule> T>
void code_fields(Codec& codec, T& rule) {
  auto& [host, paths] = rule;
  codec(host);
  codec(paths);
}

template <class Codec, Is<IngressTls> T>
void code_fields(Codec& codec, T& tls) {
  auto& [hosts, secret] = tls;
  codec(hosts);
  codec(secret);
}

// Begins with what PackedIngress::head() reads.
template <class Codec, Is<Ingress> T>
void code_fields(Codec& codec, T& ingress) {
  auto& [name, created, claim, annotations, default_backend, rules, tls] = ingress;
  codec(name.ns);
  codec(name.name);
  codec(created);
  codec(default_backend);
  codec(rules);
  codec(tls);
}

template <class Codec, Is<ServicePort> T>
void code_fields(Codec& codec, T& port) {
  auto& [name, number, target, app_protocol] = port;
  codec(name);
  codec(number);
  codec(target);
  codec(app_protocol);
}

template <class Codec, Is<Service> T>
void code_fields(Codec& codec, T& service) {
  auto& [name, external_name, publish_not_ready, ports] = service;
  codec(external_name);
  codec(publish_not_ready);
  codec(ports);
}

template <class Codec, Is<SlicePort> T>
void code_fields(Codec& codec, T& port) {
  auto& [name, number] = port;
  codec(name);
  codec(number);
}

template <class Codec, Is<EndpointHints> T>
void code_fields(Codec& codec, T& hints) {
  auto& [zones, nodes] = hints;
  codec(zones);
  codec(nodes);
}

// Begins with what service_of() reads.
template <class Codec, Is<EndpointSlice> T>
void code_fields(Codec& codec, T& slice) {
  auto& [name, service, lists_ports, ports, endpoints] = slice;
  codec(service);
  codec(lists_ports);
  codec(ports);
  codec(endpoints);
}

// One byte says what an endpoint is like, before its address.
constexpr std::uint8_t state_bits = 3;
constexpr std::uint8_t v4_bit = 4;
constexpr std::uint8_t hints_bit = 8;        // has some
constexpr std::uint8_t same_hints_bit = 16;  // which are those of the last one that has
constexpr std::size_t v4_begin = 12;         // of its own four bytes in the mapped form

class Writer {
 public:
  std::string take() { return std::move(bytes_); }

  void operator()(const std::string& text) {
    number(text.size());
    bytes_ += text;
  }
  void operator()(bool value) { bytes_ += value ? '\1' : '\0'; }
  void operator()(std::uint16_t value) { number(value); }
  void operator()(PathType type) { number(static_cast<std::uint64_t>(type)); }

  template <class T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <class T>
  void operator()(const std::vector<T>& values) {
    number(values.size());
    for (const T& value : values) (*this)(value);
  }
  // Most paths lead where the one before leads.
  void operator()(const Shared<IngressBackend>& backend) {
    const bool same = backend_ && *backend_ == *backend;
    (*this)(same);
    if (!same) (*this)(*backend);
    backend_ = &*backend;
  }
  void operator()(const SliceEndpoint& endpoint) {
    auto& [address, state, hints] = endpoint;
    const bool v4 = address.is_v4();
    const bool same = hints && hints_ && *hints == *hints_;
    bytes_ += static_cast<char>(static_cast<unsigned>(state) | (v4 ? v4_bit : 0U) | (hints ? hints_bit : 0U) |
                                (same ? same_hints_bit : 0U));
    const auto* const all = reinterpret_cast<const char*>(address.bytes().data());
    bytes_.append(v4 ? all + v4_begin : all, all + address.bytes().size());
    if (hints && !same) (*this)(*hints);
    if (hints) hints_ = hints.get();
  }
  template <class T>
  void operator()(const T& object) {
    code_fields(*this, object);
  }

 private:
  void number(std::uint64_t value) { pack_number(value, bytes_); }

  std::string bytes_;
  const IngressBackend* backend_ = nullptr;  // the last one
  const EndpointHints* hints_ = nullptr;
};

// Of bytes that a Writer wrote.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view text() { return take(number()); }

  void operator()(std::string& text_out) { text_out = text(); }
  void operator()(bool& value) { value = take(1).front() != '\0'; }
  void operator()(std::uint16_t& value) { value = static_cast<std::uint16_t>(number()); }
  void operator()(PathType& type) { type = static_cast<PathType>(number()); }

  template <class T>
  void operator()(std::optional<T>& value) {
    bool present = false;
    (*this)(present);
    if (present) (*this)(value.emplace());
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    values.resize(number());
    for (T& value : values) (*this)(value);
  }
  void operator()(Shared<IngressBackend>& backend) {
    bool same = false;
    (*this)(same);
    if (!same) {
      IngressBackend read;
      (*this)(read);
      backend_ = Shared(std::move(read));
    }
    backend = *backend_;
  }
  void operator()(SliceEndpoint& endpoint) {
    const auto head = static_cast<std::uint8_t>(take(1).front());
    endpoint.state = static_cast<SliceEndpoint::State>(head & state_bits);
    std::array<std::uint8_t, 16> bytes = IpAddress::v4(0).bytes();
    const std::size_t begin = head & v4_bit ? v4_begin : 0;
    take(bytes.size() - begin).copy(reinterpret_cast<char*>(bytes.data()) + begin, bytes.size());
    endpoint.address = IpAddress(bytes);
    if (!(head & hints_bit)) return;
    if (!(head & same_hints_bit)) {
      auto read = std::make_shared<EndpointHints>();
      (*this)(*read);
      hints_ = std::move(read);
    }
    endpoint.hints = hints_;
  }
  template <class T>
  void operator()(T& object) {
    code_fields(*this, object);
  }

 private:
  std::string_view take(std::size_t size) { return take_bytes(rest_, size); }
  std::uint64_t number() { return take_number(rest_); }

  std::string_view rest_;
  std::optional<Shared<IngressBackend>> backend_;
  std::shared_ptr<const EndpointHints> hints_;
};

template <class T>
PackedBytes pack(const T& object) {
  Writer writer;
  writer(object);
  return PackedBytes(writer.take());
}

}  // namespace

PackedBytes::PackedBytes(std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());  // objects of a few MB at the most
  block_ = std::make_unique_for_overwrite<char[]>(sizeof size + bytes.size());
  std::memcpy(block_.get(), &size, sizeof size);
  bytes.copy(block_.get() + sizeof size, bytes.size());
}

std::string_view PackedBytes::view() const {
  if (!block_) return {};
  std::uint32_t size = 0;
  std::memcpy(&size, block_.get(), sizeof size);
  return {block_.get() + sizeof size, size};
}

template <class T>
Packed<T>::Packed(const T& object) : bytes_(pack(object)) {}

template <class T>
T Packed<T>::unpack(const ObjectName& name) const {
  T object;
  Reader{bytes_.view()}(object);
  object.name = name;
  return object;
}

template class Packed<Service>;
template class Packed<EndpointSlice>;

std::string_view service_of(const Packed<EndpointSlice>& slice) {
  return slice ? Reader(slice.bytes().view()).text() : std::string_view();
}

PackedIngress::PackedIngress(const Ingress& ingress) : bytes_(pack(ingress)) {}

PackedIngress::Head PackedIngress::head() const {
  Reader reader(bytes_.view());
  Head head;
  head.ns = reader.text();
  head.name = reader.text();
  head.created = reader.text();
  return head;
}

Ingress PackedIngress::unpack() const {
  Ingress ingress;
  Reader{bytes_.view()}(ingress);
  return ingress;
}

}  // namespace fairlead
