#include "proxy/options.hpp"

#include <algorithm>
#include <cstdlib>

#include "proxy/options_command_line.hpp"
#include "proxy/options_flags.hpp"
#include "proxy/options_values.hpp"

namespace fairlead {
namespace {

constexpr int wrong_usage = 2;
constexpr std::size_t text_width = 100;

// What --help and the README say a flag defaults to.
std::string default_of(const Flag& flag) {
  static const Options defaults;
  return flag.show(defaults);
}

Complaint read_flags(const CommandLine& line, Options& options) {
  for (const Flag& flag : flags()) {
    const auto given = line.values.find(flag.name);
    if (given == line.values.end()) continue;
    std::string_view value = given->second;
    if (flag.name.size() == 1 && value.starts_with('=')) value.remove_prefix(1);  // "-v=2"
    if (const auto wanted = flag.read(options, value)) {
      return dashed(flag.name) + "=" + std::string(value) + ": " + *wanted;
    }
  }
  return std::nullopt;
}

Complaint read_foreign_flags(const CommandLine& line, Options& options) {
  for (const ForeignFlag& flag : foreign_flags()) {
    const auto given = line.values.find(flag.name);
    if (given == line.values.end()) continue;
    std::string value = given->second;
    if (flag.is_switch) {
      const auto on = parse_bool(value);
      if (!on) return dashed(flag.name) + "=" + value + ": must be true or false";
      value = *on ? "true" : "false";
    }
    if (value == flag.harmless) continue;
    if (flag.treatment == ForeignFlag::Treatment::refused) {
      return dashed(flag.name) + " is refused: " + std::string(flag.reason);
    }
    options.warnings.push_back(dashed(flag.name) + " is ignored: " + std::string(flag.reason));
  }
  return std::nullopt;
}

Complaint check_source(const Options& options, const Surroundings& surroundings) {
  const bool api = !options.kubeconfig.empty() || !options.apiserver_host.empty();
  if (!options.manifests.empty() && api) {
    return "--manifests cannot be combined with --kubeconfig or --apiserver-host: objects come from one place";
  }
  if (options.manifests.empty() && !api && !surroundings.in_cluster) {
    return "nothing to serve: use --manifests DIR for a folder of manifests, or --kubeconfig FILE for an API server "
           "(this is not a pod of a cluster)";
  }
  return std::nullopt;
}

Complaint check_scope(const Options& options) {
  if (!options.kubeconfig_context.empty() && options.kubeconfig.empty()) {
    return "--kubeconfig-context needs --kubeconfig: it names one of the contexts in it";
  }
  if (options.watch_namespace_selector.empty()) return std::nullopt;
  if (!options.watch_namespace.empty()) {
    return "--watch-namespace-selector cannot be combined with --watch-namespace: namespaces are chosen in one way";
  }
  if (!options.manifests.empty()) {
    return "--watch-namespace-selector cannot be combined with --manifests: in a folder there are no namespaces to "
           "choose from";
  }
  return std::nullopt;
}

Complaint check_ports(const Options& options) {
  const std::pair<std::string_view, std::uint16_t> ports[] = {
      {"--http-port", options.http_port},
      {"--https-port", options.https_port},
      {"--healthz-port", options.healthz_port},
  };
  for (std::size_t i = 0; i < std::size(ports); ++i) {
    for (std::size_t j = i + 1; j < std::size(ports); ++j) {
      if (ports[i].second == 0 || ports[i].second != ports[j].second) continue;
      return std::string(ports[i].first) + " and " + std::string(ports[j].first) + " are both " +
             std::to_string(ports[i].second);
    }
  }
  return std::nullopt;
}

Complaint check_report(const Options& options) {
  if (!options.publish_service.empty() && !options.publish_status_address.empty()) {
    return "--publish-service cannot be combined with --publish-status-address: addresses come from one place";
  }
  if (options.election_ttl < std::chrono::seconds(2)) return "--election-ttl must be at least 2s";
  if (options.status_update_interval < std::chrono::seconds(5)) return "--status-update-interval must be at least 5s";
  return std::nullopt;
}

Complaint check_together(const Options& options) {
  if ((options.use_forwarded_headers || options.use_proxy_protocol) && options.proxy_real_ip_cidr.empty()) {
    return std::string(options.use_forwarded_headers ? "--use-forwarded-headers" : "--use-proxy-protocol") +
           " needs --proxy-real-ip-cidr: the addresses of the load balancers that are believed";
  }
  if (options.metrics_per_undefined_host && !options.metrics_per_host) {
    return "--metrics-per-undefined-host needs --metrics-per-host";
  }
  for (const std::string_view page : {"/readyz", "/metrics", "/problems", "/routes", "/snapshot"}) {
    if (options.health_check_path == page) return "--health-check-path cannot be " + options.health_check_path;
  }
  if (options.limits.max_request_line_bytes > options.limits.max_request_head_bytes) {
    return "--max-request-line-bytes is more than --max-request-head-bytes, which includes it";
  }
  return std::nullopt;
}

Complaint read_options(const CommandLine& line, const Surroundings& surroundings, Options& options) {
  options.pod_name = surroundings.pod_name;
  options.pod_namespace = surroundings.pod_namespace;
  if (auto complaint = read_flags(line, options)) return complaint;
  if (auto complaint = read_foreign_flags(line, options)) return complaint;
  if (auto complaint = check_source(options, surroundings)) return complaint;
  if (auto complaint = check_scope(options)) return complaint;
  if (auto complaint = check_report(options)) return complaint;
  if (auto complaint = check_ports(options)) return complaint;
  return check_together(options);
}

// words of text, broken into lines that begin at a column.
void add_wrapped(std::string& out, std::string_view text, std::size_t column) {
  std::size_t at = column;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (at != column && at + 1 + space > text_width) {
      out += '\n' + std::string(column, ' ');
      at = column;
    } else if (at != column) {
      out += ' ';
      ++at;
    }
    out += text.substr(0, space);
    at += space;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  out += '\n';
}

std::string usage_of(const Flag& flag) {
  return flag.argument.empty() ? dashed(flag.name) : dashed(flag.name) + ' ' + std::string(flag.argument);
}

void add_flag_help(std::string& out, const std::string& usage, std::string_view help) {
  constexpr std::size_t column = 8;
  out += "  " + usage + '\n' + std::string(column, ' ');
  std::string plain(help);
  std::erase(plain, '`');
  add_wrapped(out, plain, column);
}

std::string help_text() {
  std::string text =
      "fairlead: Kubernetes Ingress controller and HTTP reverse proxy\n\n"
      "  fairlead --manifests DIR      serve a folder of manifests; no cluster is needed\n"
      "  fairlead --kubeconfig FILE    serve what an API server says\n"
      "  fairlead                      the same inside a pod, with its service account\n\n";
  add_wrapped(text,
              "Flags are written --flag value or --flag=value, switches --flag or --flag=false. Times are written as "
              "10s, 500ms, 1m30s or plain seconds, sizes as bytes or with k, m, g.",
              0);
  std::string_view group;
  for (const Flag& flag : flags()) {
    if (flag.group != group) text += '\n' + std::string(flag.group) + ":\n";
    group = flag.group;
    const std::string shown = default_of(flag);
    add_flag_help(text, usage_of(flag), std::string(flag.help) + (shown.empty() ? "" : " [" + shown + "]"));
  }
  text += "\nOther:\n";
  add_flag_help(text, "-h, --help", "Print this and end.");
  add_flag_help(text, "--version", "Print the version and end.");
  std::string foreign = "Flags of ingress-nginx that are accepted with a warning and ignored:";
  for (const ForeignFlag& flag : foreign_flags()) {
    if (flag.treatment == ForeignFlag::Treatment::ignored) foreign += ' ' + dashed(flag.name);
  }
  text += '\n';
  add_wrapped(text, foreign, 0);
  return text;
}

}  // namespace

Surroundings Surroundings::of_this_process() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value ? value : "");
  };
  return {.in_cluster = !variable("KUBERNETES_SERVICE_HOST").empty(),
          .pod_name = variable("POD_NAME"),
          .pod_namespace = variable("POD_NAMESPACE")};
}

std::variant<Options, ParseExit> parse_options(int argc, const char* const* argv, const Surroundings& surroundings) {
  std::vector<std::string> arguments;
  if (argc > 1) arguments.assign(argv + 1, argv + argc);
  CommandLine line;
  auto complaint = read_command_line(std::move(arguments), line);
  if (!complaint && line.help) return ParseExit{0, help_text()};
  if (!complaint && line.version) return ParseExit{0, "fairlead " FAIRLEAD_VERSION "\n"};
  Options options;
  if (!complaint) complaint = read_options(line, surroundings, options);
  if (complaint) return ParseExit{wrong_usage, "fairlead: " + *complaint + "\nSee fairlead --help.\n"};
  return options;
}

std::string flag_table() {
  std::string table = "| flag | default | meaning |\n|---|---|---|\n";
  for (const Flag& flag : flags()) {
    const std::string shown = default_of(flag);
    table += "| `" + usage_of(flag) + "` | " + (shown.empty() ? "" : '`' + shown + '`') + " | " +
             std::string(flag.help) + " |\n";
  }
  table += "\nOther flags of ingress-nginx:\n\n| flag | here |\n|---|---|\n";
  for (const ForeignFlag& flag : foreign_flags()) {
    const bool refused = flag.treatment == ForeignFlag::Treatment::refused;
    table += "| `" + dashed(flag.name) + "` | " + (refused ? "refused" : "ignored") + ": " + std::string(flag.reason) +
             (refused && !flag.harmless.empty() ? " (`=" + std::string(flag.harmless) + "` is accepted)" : "") + " |\n";
  }
  return table;
}

}  // namespace fairlead
