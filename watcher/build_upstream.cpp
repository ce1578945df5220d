#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "watcher/app_protocol.hpp"
#include "watcher/config_parts.hpp"
#include "watcher/found_endpoints.hpp"

namespace fairlead {
namespace {

class UpstreamBuilder {
 public:
  UpstreamBuilder(const UpstreamTarget& target, const PartsByAge& parts, const ClusterState& state,
                  const TranslateOptions& options)
      : target_(target),
        key_(target.key()),
        parts_(parts),
        state_(state),
        options_(options),
        upstream_(std::make_shared<Upstream>()) {
    const auto standard = default_backend(options);
    is_default_ = standard && standard->key() == key_;
  }

  Built<Upstream> build() {
    upstream_->key = key_;
    upstream_->name = is_default_
                          ? "upstream-default-backend"
                          : fmt::format("{}-{}-{}", target_.service.ns, target_.service.name, target_.port.text());
    choose_balancing();
    const std::optional<Service> service = find_service();
    const ServicePort* const port = service ? find_port(*service) : nullptr;
    choose_protocol(port);
    if (service) take_endpoints(*service, port);
    return {std::move(upstream_), std::move(problems_)};
  }

 private:
  // The oldest Ingress that leads here decides (contract 4.1).
  void choose_balancing() {
    if (parts_.empty()) return;
    const IngressPart& first = *parts_.begin()->second;
    upstream_->balancing = first.balancing.value_or(Balancing::round_robin);
    for (const auto& [order, part] : parts_) {
      if (!part->balancing || *part->balancing == upstream_->balancing) continue;
      problems_.push_back({part->ref(), part->upstreams.at(key_).fields.front(),
                           fmt::format("its load-balance is not honoured here: Ingress {}/{}, which is older or goes "
                                       "first, leads to the same port of the Service with another",
                                       first.name.ns, first.name.name),
                           Severity::warning});
    }
  }

  // An annotation decides before the Service (contract: backend-protocol), and a port that says nothing speaks HTTP.
  void choose_protocol(const ServicePort* port) {
    const std::string& asked = port ? port->app_protocol : std::string();
    const auto known = app_protocol(asked);
    upstream_->protocol = target_.protocol.value_or(known.value_or(UpstreamProtocol::http));
    if (target_.protocol || known || asked.empty()) return;
    complain(".port",
             fmt::format("Service {} says appProtocol {} of its port {}, which is not known here: HTTP/1.1 is spoken. "
                         "For another protocol write kubernetes.io/h2c or https there, or backend-protocol here",
                         shown_service(), asked, port->number),
             Severity::notice);
  }

  std::optional<Service> find_service() {
    const auto known = state_.services().find(target_.service);
    std::optional<Service> service = state_.service(target_.service);
    if (known == state_.services().end()) {
      complain(".name",
               fmt::format("Service {} does not exist; create it or correct the name. Until then this is answered 503",
                           shown_service()),
               Severity::error);
    } else if (!service) {
      complain(".name",
               fmt::format("Service {} is refused, see its own problems; until it is corrected this is answered 503",
                           shown_service()),
               Severity::error);
    }
    return service;
  }

  // Null, not without a complaint, if there is none; an external name needs none (contract 4.2).
  const ServicePort* find_port(const Service& service) {
    const auto& ports = service.ports;
    const auto first_port = !target_.port.number && target_.port.name.empty();
    if (first_port && !ports.empty()) return &ports.front();
    const std::string text = target_.port.text();
    const auto is_named = [&](const ServicePort& port) {
      return target_.port.number ? port.number == target_.port.number : port.name == target_.port.name;
    };
    if (const auto found = std::find_if(ports.begin(), ports.end(), is_named); found != ports.end()) return &*found;
    if (service.external_name) return nullptr;
    const auto is_target = [&](const ServicePort& port) { return !text.empty() && port.target == text; };
    if (const auto found = std::find_if(ports.begin(), ports.end(), is_target); found != ports.end()) {
      complain(".port",
               fmt::format("Service {} has no port {}, but a targetPort {}: served as its port {}. Write that instead",
                           shown_service(), text, text, found->number),
               Severity::notice);
      return &*found;
    }
    complain(".port",
             fmt::format("Service {} has no TCP port {}; it has {}. Until that is corrected this is answered 503",
                         shown_service(), text.empty() ? "at all" : text, list_of(ports)),
             Severity::error);
    return nullptr;
  }

  static std::string list_of(const std::vector<ServicePort>& ports) {
    constexpr std::size_t most_shown = 10;
    std::string list;
    for (std::size_t i = 0; i < std::min(ports.size(), most_shown); ++i) {
      if (i > 0) list += ", ";
      list += std::to_string(ports[i].number);
      if (!ports[i].name.empty()) list += " (" + ports[i].name + ")";
    }
    if (ports.size() > most_shown) list += ", …";
    return list.empty() ? "none" : list;
  }

  void take_endpoints(const Service& service, const ServicePort* port) {
    FoundEndpoints found;
    if (service.external_name) {
      found = external_endpoints(service, target_.port, state_, options_);
    } else if (port) {
      found = slice_endpoints(service, *port, state_, options_);
    }
    upstream_->endpoints = std::move(found.endpoints);
    for (const auto& remark : found.remarks) complain(remark.part.c_str(), remark.message, remark.severity);
  }

  std::string shown_service() const { return target_.service.ns + "/" + target_.service.name; }

  // To everyone who leads here. part: of the field that names the Service and its port.
  void complain(const char* part, const std::string& message, Severity severity) {
    if (is_default_) {
      problems_.push_back({{std::string(text_of(Kind::service)), target_.service.ns, target_.service.name},
                           "",
                           "as the default backend: " + message,
                           severity});
    }
    for (const auto& [order, ingress] : parts_) {
      for (const std::string& field : ingress->upstreams.at(key_).fields) {
        problems_.push_back({ingress->ref(), field + part, message, severity});
      }
    }
  }

  const UpstreamTarget& target_;
  const std::string key_;
  const PartsByAge& parts_;
  const ClusterState& state_;
  const TranslateOptions& options_;
  bool is_default_ = false;
  std::shared_ptr<Upstream> upstream_;
  Problems problems_;
};

}  // namespace

Built<Upstream> build_upstream(const UpstreamTarget& target, const PartsByAge& parts, const ClusterState& state,
                               const TranslateOptions& options) {
  return UpstreamBuilder(target, parts, state, options).build();
}

std::optional<ObjectName> split_object_name(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) return std::nullopt;
  return ObjectName{text.substr(0, slash), text.substr(slash + 1)};
}

std::optional<UpstreamTarget> default_backend(const TranslateOptions& options) {
  const auto service = split_object_name(options.default_backend_service);
  if (!service) return std::nullopt;
  return UpstreamTarget{*service, {}, {}};
}

std::optional<ObjectName> default_certificate(const TranslateOptions& options) {
  return split_object_name(options.default_ssl_certificate);
}

}  // namespace fairlead
