#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/policies/policy.hpp"

namespace fairlead {

// One request, and its response, as policies see them. The arena never falls back on the heap.
struct Probe {
  explicit Probe(std::string_view sent = "/") : sent_target(sent) {
    fields.reserve(8);
    const std::string_view text = sent_target;
    const std::size_t mark = text.find('?');
    target.path = text.substr(0, mark);
    target.has_query = mark != std::string_view::npos;
    if (target.has_query) target.query = text.substr(mark + 1);
    target.forward = text;
    forward = text;
    head.target = text;
    entry.name = "shop.example.com";
    path.path = "/";
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  Probe& field(std::string_view name, std::string_view value) {
    fields.push_back({name, value, field_name(name)});
    head.fields.list = fields;
    return *this;
  }
  PolicyRequest request() {
    return {head, target, host, entry, path, settings, client, https, upstream_edits, forward, &arena};
  }
  Outcome ask(const Policy& policy) {
    PolicyRequest asked = request();
    return policy.on_request(asked);
  }
  void answer(const Policy& policy) {
    PolicyRequest asked = request();
    PolicyResponse response{asked, 200, response_edits};
    policy.on_response(response);
  }
  // What the response says: the value that is set or added last, or nothing.
  static std::optional<std::string> value(const HeadEdits& edits, std::string_view name) {
    std::optional<std::string> found;
    for (const HeadEdits::Edit& edit : edits.list()) {
      if (equal_ignoring_case(edit.name, name) && edit.operation != HeadEdits::Operation::remove) found = edit.value;
    }
    return found;
  }
  std::optional<std::string> response(std::string_view name) const { return value(response_edits, name); }

  std::array<std::byte, 16 * 1024> memory;
  std::pmr::monotonic_buffer_resource arena{memory.data(), memory.size(), std::pmr::null_memory_resource()};
  std::string sent_target;
  std::vector<Field> fields;
  RequestHead head;
  RequestTarget target;
  std::string_view host = "shop.example.com";
  Host entry;
  Path path;
  Settings settings;
  IpAddress client = IpAddress::v4(0x7f000001);
  bool https = false;
  HeadEdits upstream_edits{&arena};
  HeadEdits response_edits{&arena};
  std::string_view forward;
};

inline PolicyParse::Result parse(const PolicyParse::Annotations& annotations) {
  return parse_policies(annotations, Settings{});
}

// The policy whose description begins like this, or null.
inline std::shared_ptr<const Policy> policy_in(const PolicyParse::Result& result, std::string_view begin) {
  for (const PolicyParse::Staged& staged : result.policies) {
    if (staged.policy->describe().starts_with(begin)) return staged.policy;
  }
  return nullptr;
}

// "warning proxy-body-size: …", one an entry.
inline std::vector<std::string> findings(const PolicyParse::Result& result) {
  std::vector<std::string> texts;
  for (const PolicyParse::Finding& finding : result.findings) {
    const std::string_view severity = finding.severity == Severity::notice    ? "notice"
                                      : finding.severity == Severity::warning ? "warning"
                                                                              : "error";
    texts.push_back(std::string(severity) + " " + finding.annotation + ": " + finding.message);
  }
  return texts;
}

}  // namespace fairlead
