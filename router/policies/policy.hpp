#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/base/problem.hpp"
#include "router/config.hpp"
#include "router/head.hpp"
#include "router/request_target.hpp"

namespace fairlead {

// Running order (contract 2.4.11). `site` comes before everything that belongs to a path; a CORS preflight is answered
// before any redirect.
enum class Stage : std::uint8_t {
  site,
  preflight,
  redirect,
  tls_redirect,
  limit,
  access,
  authenticate,
  rewrite,
  respond
};

// What a Policy may look at and change while a request is on its way in. Lives on the Exchange.
struct PolicyRequest {
  const RequestHead& head;
  const RequestTarget& target;
  std::string_view host;  // canonical
  const Host& host_entry;
  const Path& path;
  const Settings& settings;
  IpAddress client;                  // after PROXY protocol and trusted forwarded headers
  bool https = false;                // as the client sees it: TLS here, or a trusted X-Forwarded-Proto
  HeadEdits& upstream_edits;         // of the request that is sent upstream
  std::string_view& forward;         // path and query that will be sent upstream; assign arena text to rewrite
  std::pmr::memory_resource* arena;  // freed when the Exchange ends
};

// What a Policy may look at and change in a response on its way out, ours or the upstream's.
struct PolicyResponse {
  const PolicyRequest& request;
  int status = 200;
  HeadEdits& edits;
};

// A response that a Policy gives instead of the upstream. Views live in the arena or in the Policy.
struct PolicyReply {
  int status = 0;
  std::string_view location{};      // "" = none
  std::string_view content_type{};  // "" = none when body is empty
  std::string_view body{};          // "" = the standard page of the status
  bool no_body = false;             // with 204: also sends no page
};

// Continue, or answer at once. (A policy that must ask somebody else, such as external auth, will be a third kind.)
using Outcome = std::optional<PolicyReply>;

// Behaviour that annotations ask for. Pure and immutable: shared by every Path of its Ingress and by all Workers.
class Policy {
 public:
  virtual ~Policy() = default;

  virtual Outcome on_request(PolicyRequest&) const { return std::nullopt; }
  virtual void on_response(PolicyResponse&) const {}

  // A policy that depends on the path it stands on returns one for that path; null shares this one.
  virtual std::shared_ptr<const Policy> bind(std::string_view path) const;

  // Everything the behaviour depends on, as stable text: equality of Configs and golden files rest on it.
  // "rewrite /$2".
  virtual std::string describe() const = 0;
};

enum class Risk : std::uint8_t { low, medium, high, critical };

// One annotation, without the prefix, as the documentation and the parser both know it.
struct AnnotationSpec {
  std::string_view name;
  std::string_view meaning;        // one sentence for the README's table
  std::string_view default_value;  // "" = none
  Risk risk = Risk::low;
};

class PolicyParse;

// A file of policies/ defines one of these. parse is called for every Ingress, also for one without annotations.
struct PolicySpec {
  std::string_view name;
  Stage stage;
  std::span<const AnnotationSpec> annotations;
  void (*parse)(PolicyParse&);
};

// The annotations of one Ingress being parsed by one PolicySpec, and what comes of it.
class PolicyParse {
 public:
  // prefix-less name -> value, trimmed; empty values are left out (contract: an empty string counts as missing).
  using Annotations = std::map<std::string, std::string, std::less<>>;

  PolicyParse(const Annotations& annotations, const Settings& settings)
      : annotations_(annotations), settings_(settings) {}

  const Settings& settings() const { return settings_; }
  bool has(std::string_view name) const;
  // Views live as long as the annotations.
  std::optional<std::string_view> text(std::string_view name) const;
  // Go's strconv.ParseBool spelling; anything else is a warning and the default.
  bool boolean(std::string_view name, bool otherwise);
  // A whole number in [least, most]; anything else is a warning and nothing.
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  // "8k", "10m", "1g", plain bytes; anything else is a warning and nothing.
  std::optional<std::uint64_t> size(std::string_view name);

  // --- outcomes ---
  void add(std::shared_ptr<const Policy> policy);  // at the stage of the spec
  void set_regex() { result_.regex = true; }       // turns the whole host into regex mode
  // The same, but only for hosts on which this Ingress has a path that is different from this text.
  void set_regex_unless_path(std::string_view path) { result_.regex_unless_path = std::string(path); }
  PathSettings& path_settings() { return result_.settings; }
  void set_protocol(UpstreamProtocol protocol) { result_.protocol = protocol; }
  void set_balancing(Balancing balancing) { result_.balancing = balancing; }
  // Honoured, though probably not as meant. name: the annotation's.
  void note(std::string_view name, std::string message);
  // The setting is not honoured; the rest is.
  void warn(std::string_view name, std::string message);
  // Fail closed: every Path of this Ingress answers 503.
  void deny(std::string_view name, std::string message);
  // The same for every Path of every host for which this Ingress has a rule, whichever Ingress the Path is of.
  void deny_host(std::string_view name, std::string message);
  // The Ingress version is not accepted: a new one is ignored, an updated one keeps its last good version.
  void reject(std::string_view name, std::string message);

  struct Finding {
    std::string annotation;  // without prefix
    std::string message;
    Severity severity;
  };
  struct Staged {
    Stage stage;
    std::shared_ptr<const Policy> policy;
  };
  struct Result {
    std::vector<Staged> policies;  // sorted by stage when parse_policies returns
    PathSettings settings;
    std::optional<UpstreamProtocol> protocol;  // none: the Service decides
    std::optional<Balancing> balancing;
    bool regex = false;
    // What rewrite-target says: a host gets into regex mode when a Path of this Ingress on it differs from this text.
    std::optional<std::string> regex_unless_path;
    bool denied = false;
    bool denies_host = false;
    bool rejected = false;
    std::vector<Finding> findings;
  };

 private:
  friend Result parse_policies(const Annotations&, const Settings&);
  const Annotations& annotations_;
  const Settings& settings_;
  Stage stage_ = Stage::site;
  Result result_;

  void find(std::string_view name, std::string message, Severity severity);
  void find_strangers();  // annotations that no spec knows
};

// Runs every registered spec over the annotations of one Ingress, then names each annotation that no spec knows:
// "known to ingress-nginx, not yet supported" or "unknown, did you mean X?".
PolicyParse::Result parse_policies(const PolicyParse::Annotations& annotations, const Settings& settings);

// Every registered policy, in running order. Generated from add_policies(…).
std::span<const PolicySpec* const> all_policies();

// The README's table of annotations, rendered from the specs.
std::string annotation_table();

}  // namespace fairlead
