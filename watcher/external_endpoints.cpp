#include <fmt/format.h>

#include "watcher/external_name.hpp"
#include "watcher/found_endpoints.hpp"

namespace fairlead {
namespace {

class ExternalReader {
 public:
  ExternalReader(const Service& service, const ServicePortRef& port, const ClusterState& state,
                 const TranslateOptions& options)
      : service_(service), port_(port), state_(state), options_(options), name_(*service.external_name) {}

  FoundEndpoints read() {
    number_ = number();
    if (!options_.external_names) {
      remark(".name", "is of type ExternalName, which --disable-svc-external-name forbids: this is answered 503");
    } else if (!number_) {
      remark(".port",
             fmt::format("is of type ExternalName and has no port {}: until that is corrected this is answered "
                         "503. Lead to a number here, or give the Service such a port",
                         port_.text().empty() ? "at all" : port_.text()));
    } else if (const auto literal = IpAddress::parse(name_)) {
      take_literal(*literal);
    } else if (const auto refusal = refusal_of_name(name_); !refusal.empty()) {
      remark(".name", fmt::format("leads to {}, which is {} and refused: this is answered 503", name_, refusal));
    } else {
      take_answer();
    }
    return std::move(found_);
  }

 private:
  // Contract: a port of the Service leads to its targetPort; a number that is none leads to itself.
  std::uint16_t number() const {
    const bool first = !port_.number && port_.name.empty();
    for (const ServicePort& port : service_.ports) {
      if (!first && !(port_.number ? port.number == port_.number : port.name == port_.name)) continue;
      return port.target_number() ? port.target_number() : port.number;
    }
    return port_.number;
  }

  void take_literal(const IpAddress& address) {
    const std::string_view refusal = refusal_of(address);
    if (refusal.empty()) {
      found_.endpoints.push_back({address, number_});
    } else {
      remark(".name", fmt::format("leads to {}, {}, which is refused: this is answered 503", name_, refusal));
    }
  }

  void take_answer() {
    const NameAnswer* const answer = state_.name_answer(name_);
    if (!answer) {
      remark(".name", fmt::format("leads to {}, which is not resolved yet: until it is, this is answered 503", name_),
             Severity::notice);  // for a moment, after each Ingress that is the first to lead there
    } else if (answer->addresses.empty()) {
      remark(".name", fmt::format("leads to {}, which {}. Until it has an address, this is answered 503", name_,
                                  answer->trouble));
    } else {
      if (!answer->trouble.empty()) {
        remark(".name", fmt::format("leads to {}, which {}", name_, answer->trouble), Severity::warning);
      }
      take_addresses(answer->addresses);
    }
  }

  void take_addresses(const std::vector<IpAddress>& addresses) {
    std::string refused;  // the first one
    for (const IpAddress& address : addresses) {
      const std::string_view refusal = refusal_of(address);
      if (refusal.empty()) {
        found_.endpoints.push_back({address, number_});
      } else if (refused.empty()) {
        refused = fmt::format("{}, {}", address.to_string(), refusal);
      }
    }
    if (refused.empty()) return;
    const bool none_left = found_.endpoints.empty();
    remark(".name",
           fmt::format("leads to {}, which has the address {}: that is refused{}", name_, refused,
                       none_left ? ", and this is answered 503" : "; its other addresses are used"),
           none_left ? Severity::error : Severity::warning);
  }

  void remark(std::string part, const std::string& message, Severity severity = Severity::error) {
    const ObjectName& name = service_.name;
    found_.remarks.push_back({std::move(part), fmt::format("Service {}/{} {}", name.ns, name.name, message), severity});
  }

  const Service& service_;
  const ServicePortRef& port_;
  const ClusterState& state_;
  const TranslateOptions& options_;
  const std::string& name_;
  std::uint16_t number_ = 0;
  FoundEndpoints found_;
};

}  // namespace

FoundEndpoints external_endpoints(const Service& service, const ServicePortRef& port, const ClusterState& state,
                                  const TranslateOptions& options) {
  return ExternalReader(service, port, state, options).read();
}

std::string name_to_resolve(const Service& service, const TranslateOptions& options) {
  if (!options.external_names || !service.external_name || IpAddress::parse(*service.external_name)) return {};
  return refusal_of_name(*service.external_name).empty() ? *service.external_name : std::string();
}

}  // namespace fairlead
