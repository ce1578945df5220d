#include "watcher/packed_json.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "watcher/packed_number.hpp"

namespace fairlead {
namespace {

using nlohmann::json;
using Byte = std::uint8_t;

// The first byte of a value or key. Numbers that do not fit into it follow (pack_number).
constexpr Byte text_begin = 0;  // + size: so many bytes follow
constexpr std::size_t max_short = 63;
constexpr Byte recent_begin = 0x40;  // + its place among the recent texts
constexpr Byte word_begin = 0x80;    // + its place in words
constexpr Byte array_begin = 0xe0;   // + size
constexpr Byte object_begin = 0xe8;
constexpr Byte null_byte = 0xf8;
constexpr Byte false_byte = 0xf9;
constexpr Byte true_byte = 0xfa;
constexpr Byte natural_byte = 0xfb;    // a whole number that is not negative
constexpr Byte negative_byte = 0xfc;   // -1 - the number
constexpr Byte real_byte = 0xfd;       // eight bytes as they are in memory
constexpr Byte long_text_byte = 0xfe;  // size, then so many bytes
constexpr Byte same_keys_byte = 0xff;  // an object with the keys of the last one that is nested as deep: its values
constexpr std::size_t max_array = object_begin - array_begin - 1U;  // this one: the size follows
constexpr std::size_t max_object = null_byte - object_begin - 1U;

constexpr std::string_view words[] = {"",
                                      "/",
                                      "0",
                                      "ClusterIP",
                                      "EndpointSlice",
                                      "Exact",
                                      "IPv4",
                                      "IPv6",
                                      "ImplementationSpecific",
                                      "Ingress",
                                      "IngressClass",
                                      "None",
                                      "Opaque",
                                      "Prefix",
                                      "Secret",
                                      "Service",
                                      "SingleStack",
                                      "TCP",
                                      "UDP",
                                      "addressType",
                                      "addresses",
                                      "annotations",
                                      "apiVersion",
                                      "app",
                                      "app.kubernetes.io/component",
                                      "app.kubernetes.io/instance",
                                      "app.kubernetes.io/managed-by",
                                      "app.kubernetes.io/name",
                                      "app.kubernetes.io/part-of",
                                      "app.kubernetes.io/version",
                                      "appProtocol",
                                      "backend",
                                      "clusterIP",
                                      "clusterIPs",
                                      "conditions",
                                      "creationTimestamp",
                                      "data",
                                      "default",
                                      "defaultBackend",
                                      "discovery.k8s.io/v1",
                                      "endpoints",
                                      "endpointslice.kubernetes.io/managed-by",
                                      "externalName",
                                      "fieldsType",
                                      "fieldsV1",
                                      "forNodes",
                                      "forZones",
                                      "generation",
                                      "hints",
                                      "host",
                                      "hostname",
                                      "hosts",
                                      "http",
                                      "https",
                                      "ingress",
                                      "ingressClassName",
                                      "internalTrafficPolicy",
                                      "ip",
                                      "ipFamilies",
                                      "ipFamilyPolicy",
                                      "kind",
                                      "kubernetes.io/ingress.class",
                                      "kubernetes.io/service-name",
                                      "kubernetes.io/tls",
                                      "labels",
                                      "loadBalancer",
                                      "managedFields",
                                      "manager",
                                      "metadata",
                                      "name",
                                      "namespace",
                                      "networking.k8s.io/v1",
                                      "nodeName",
                                      "number",
                                      "operation",
                                      "ownerReferences",
                                      "path",
                                      "pathType",
                                      "paths",
                                      "port",
                                      "ports",
                                      "protocol",
                                      "ready",
                                      "resourceVersion",
                                      "rules",
                                      "secretName",
                                      "selector",
                                      "service",
                                      "serving",
                                      "spec",
                                      "status",
                                      "targetPort",
                                      "terminating",
                                      "tls",
                                      "type",
                                      "uid"};
static_assert(std::size(words) <= array_begin - word_begin);

std::optional<Byte> word_of(std::string_view text) {
  static const auto places = [] {
    std::unordered_map<std::string_view, Byte> made;
    for (const std::string_view word : words) made.emplace(word, static_cast<Byte>(word_begin + made.size()));
    return made;
  }();
  static const std::size_t longest =
      std::max_element(std::begin(words), std::end(words), [](auto a, auto b) { return a.size() < b.size(); })->size();
  if (text.size() > longest) return std::nullopt;
  const auto found = places.find(text);
  return found == places.end() ? std::nullopt : std::optional(found->second);
}

// The short texts that were written last. Borrows them.
class RecentTexts {
 public:
  void add(std::string_view text) {
    texts_[next_] = text;
    next_ = (next_ + 1) % texts_.size();
  }
  std::string_view at(std::size_t place) const { return texts_[place]; }
  // Nothing for one that is not there.
  std::optional<Byte> find(std::string_view text) const {
    const auto found = std::find(texts_.begin(), texts_.end(), text);
    if (found == texts_.end()) return std::nullopt;
    return static_cast<Byte>(recent_begin + (found - texts_.begin()));
  }

 private:
  std::array<std::string_view, word_begin - recent_begin> texts_{};
  std::size_t next_ = 0;
};

// The keys of the last object at each depth. Borrows them.
class LastKeys {
 public:
  using Keys = std::vector<std::string_view>;

  // Those of the last one as deep. Stays as it is while deeper ones change.
  Keys& at(std::size_t depth) {
    while (by_depth_.size() <= depth) by_depth_.emplace_back();
    return by_depth_[depth];
  }

 private:
  std::deque<Keys> by_depth_;
};

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}

  void put(const json& value) {
    switch (value.type()) {
      case json::value_t::object:
        return put_object(value.get_ref<const json::object_t&>());
      case json::value_t::array:
        put_size(array_begin, max_array, value.size());
        for (const json& item : value.get_ref<const json::array_t&>()) put(item);
        return;
      case json::value_t::string:
        return put_text(value.get_ref<const std::string&>());
      case json::value_t::boolean:
        return put_byte(value.get<bool>() ? true_byte : false_byte);
      case json::value_t::number_unsigned:
        put_byte(natural_byte);
        return put_number(value.get<std::uint64_t>());
      case json::value_t::number_integer:
        return put_integer(value.get<std::int64_t>());
      case json::value_t::number_float:
        return put_real(value.get<double>());
      case json::value_t::null:
      case json::value_t::binary:  // there is none in JSON
      case json::value_t::discarded:
        return put_byte(null_byte);
    }
  }

 private:
  void put_object(const json::object_t& object) {
    LastKeys::Keys& last = last_keys_.at(depth_);
    const auto same_key = [](const auto& member, std::string_view key) { return member.first == key; };
    const bool same = !object.empty() && std::equal(object.begin(), object.end(), last.begin(), last.end(), same_key);
    if (same) {
      put_byte(same_keys_byte);
    } else {
      put_size(object_begin, max_object, object.size());
      last.clear();
      for (const auto& [key, member] : object) last.push_back(key);
    }
    ++depth_;
    for (const auto& [key, member] : object) {
      if (!same) put_text(key);
      put(member);
    }
    --depth_;
  }

  void put_byte(std::size_t byte) { out_ += static_cast<char>(byte); }

  void put_number(std::uint64_t number) { pack_number(number, out_); }

  void put_integer(std::int64_t number) {
    put_byte(number < 0 ? negative_byte : natural_byte);
    put_number(static_cast<std::uint64_t>(number < 0 ? -1 - number : number));
  }

  void put_real(double number) {
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    put_byte(real_byte);
    out_.append(bytes.data(), bytes.size());
  }

  void put_size(Byte begin, std::size_t most, std::size_t size) {
    put_byte(begin + std::min(most, size));
    if (size >= most) put_number(size);
  }

  void put_text(std::string_view text) {
    if (const auto word = word_of(text)) return put_byte(*word);
    if (text.size() > max_short) {
      put_byte(long_text_byte);
      put_number(text.size());
    } else {
      if (const auto place = recent_.find(text)) return put_byte(*place);
      put_byte(text_begin + text.size());
      recent_.add(text);
    }
    out_ += text;
  }

  std::string& out_;
  RecentTexts recent_;
  LastKeys last_keys_;
  std::size_t depth_ = 0;  // of objects
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view packed) : rest_(packed) {}

  json value() {
    const Byte first = byte();
    if (first == same_keys_byte) return object_of_last_keys();
    if (first >= object_begin && first < null_byte) return object(size(first, object_begin, max_object));
    if (first >= array_begin && first < object_begin) return array(size(first, array_begin, max_array));
    switch (first) {
      case null_byte:
        return nullptr;
      case false_byte:
        return false;
      case true_byte:
        return true;
      case natural_byte:
        return number();
      case negative_byte:
        return -1 - static_cast<std::int64_t>(number());
      case real_byte:
        return real();
      default:
        return text(first);
    }
  }

 private:
  std::string_view take(std::size_t size) { return take_bytes(rest_, size); }

  Byte byte() { return static_cast<Byte>(take(1).front()); }

  std::uint64_t number() { return take_number(rest_); }

  double real() {
    double value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::size_t size(Byte first, Byte begin, std::size_t most) {
    const std::size_t size = first - std::size_t{begin};
    return size < most ? size : number();
  }

  json array(std::size_t size) {
    json::array_t items;
    items.reserve(size);
    for (; size > 0; --size) items.push_back(value());
    return items;
  }

  json object(std::size_t size) {
    json::object_t members;
    LastKeys::Keys& last = last_keys_.at(depth_++);
    last.clear();
    for (; size > 0; --size) {
      last.push_back(text(byte()));
      members.emplace_hint(members.end(), std::string(last.back()), value());
    }
    --depth_;
    return members;
  }

  json object_of_last_keys() {
    json::object_t members;
    for (const std::string_view key : last_keys_.at(depth_++)) {
      members.emplace_hint(members.end(), std::string(key), value());
    }
    --depth_;
    return members;
  }

  std::string_view text(Byte first) {
    if (first == long_text_byte) return take(number());
    if (first >= word_begin) return words[first - word_begin];
    if (first >= recent_begin) return recent_.at(first - std::size_t{recent_begin});
    const std::string_view text = take(first);
    recent_.add(text);
    return text;
  }

  std::string_view rest_;
  RecentTexts recent_;
  LastKeys last_keys_;
  std::size_t depth_ = 0;  // of objects
};

}  // namespace

void pack_json(const json& value, std::string& onto) {
  Packer(onto).put(value);
}

std::string pack_json(const json& value) {
  std::string packed;
  pack_json(value, packed);
  return packed;
}

json unpack_json(std::string_view packed) {
  return Unpacker(packed).value();
}

}  // namespace fairlead
