#include "watcher/api_config.hpp"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

namespace fairlead {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;  // of a kubeconfig, key or token

Result<std::string> read_small_file(const std::filesystem::path& file, const std::string& what) {
  std::error_code ignored;
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file, ignored)) return Failure{"cannot read " + what + " " + file.string()};
  std::string text(max_file_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_file_bytes) {
    return Failure{what + " " + file.string() + " is larger than " + std::to_string(max_file_bytes) + " bytes"};
  }
  return {boost::system::in_place_value, std::move(text)};
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t from = text.find_first_not_of(space);
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(space) - from + 1));
}

// Nothing for what would break the header that it goes into.
std::optional<std::string> usable_token(std::string_view text) {
  std::string token = trimmed(text);
  const auto breaks = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(token.begin(), token.end(), breaks)) return std::nullopt;
  return token;
}

Result<void> check_token_file(const std::filesystem::path& file, const std::string& what) {
  const Result<std::string> text = read_small_file(file, what);
  if (!text) return text.error();
  if (usable_token(*text)) return {};
  return Failure{what + " " + file.string() + " holds no token: there are blanks or control characters in it"};
}

// One kubeconfig while it is read.
class KubeconfigReader {
 public:
  // context: "" = the current one.
  KubeconfigReader(std::filesystem::path file, std::string context)
      : file_(std::move(file)), context_(std::move(context)) {}

  Result<ApiConfig> read() {
    const Result<std::string> text = read_small_file(file_, "the kubeconfig");
    if (!text) return text.error();
    try {
      return interpret(YAML::Load(*text));
    } catch (const YAML::Exception& e) {
      // The text itself may be a credential: only the place is told.
      return failure("is not YAML that can be used (line " + std::to_string(e.mark.line + 1) + ")");
    }
  }

 private:
  Failure failure(const std::string& message) const {
    return Failure{"the kubeconfig " + file_.string() + " " + message};
  }

  Result<ApiConfig> interpret(const YAML::Node& root) {
    if (!root.IsMap()) return failure("is empty or no mapping");
    const std::string context_name = context_.empty() ? text(root, "current-context") : context_;
    if (context_name.empty()) return failure("names no current-context; choose one with --kubeconfig-context");
    const YAML::Node context = entry(root["contexts"], context_name, "context");
    if (!context) {
      return failure("has no context '" + context_name + "', which " +
                     (context_.empty() ? "is its current-context" : "--kubeconfig-context names"));
    }
    const std::string cluster_name = text(context, "cluster");
    const YAML::Node cluster = entry(root["clusters"], cluster_name, "cluster");
    if (!cluster) return failure("has no cluster '" + cluster_name + "'");
    ApiConfig config;
    if (const Result<void> read = read_cluster(cluster, config); !read) return read.error();
    const std::string user_name = text(context, "user");
    if (user_name.empty()) return config;
    const YAML::Node user = entry(root["users"], user_name, "user");
    if (!user) return failure("has no user '" + user_name + "'");
    if (const Result<void> read = read_user(user, user_name, config); !read) return read.error();
    return config;
  }

  Result<void> read_cluster(const YAML::Node& cluster, ApiConfig& config) const {
    config.server = text(cluster, "server");
    if (config.server.empty()) return failure("names no server for its cluster");
    config.tls_server_name = text(cluster, "tls-server-name");
    config.proxy_url = text(cluster, "proxy-url");
    config.verify_tls = text(cluster, "insecure-skip-tls-verify") != "true";
    return read_pem(cluster, "certificate-authority", config.authority);
  }

  Result<void> read_user(const YAML::Node& user, const std::string& name, ApiConfig& config) const {
    for (const char* plugin : {"exec", "auth-provider"}) {
      if (!user[plugin] || user[plugin].IsNull()) continue;
      return failure("has '" + std::string(plugin) + "' credentials for user '" + name +
                     "', which would run another program; use a token, a tokenFile or a client certificate");
    }
    if (user["username"] || user["password"]) {
      return failure("has a user name and password for user '" + name +
                     "', which API servers no longer take; use a token, a tokenFile or a client certificate");
    }
    if (const auto read = read_pem(user, "client-certificate", config.client_certificate); !read) return read.error();
    if (const auto read = read_pem(user, "client-key", config.client_key); !read) return read.error();
    if (config.client_certificate.empty() != config.client_key.empty()) {
      return failure("must name both client-certificate and client-key for user '" + name + "', or neither");
    }
    std::optional<std::string> token = usable_token(text(user, "token"));
    if (!token) return failure("has a token with blanks or control characters for user '" + name + "'");
    config.token = std::move(*token);
    const std::string token_file = text(user, "tokenFile");
    if (token_file.empty()) return {};
    config.token_file = resolve(token_file);
    return check_token_file(config.token_file, "the token file");
  }

  // The member `name` is a file, `name-data` is base64 and goes first.
  Result<void> read_pem(const YAML::Node& node, const std::string& name, PemSource& out) const {
    const auto is_pem = [](const std::string& text) { return text.find("-----BEGIN ") != std::string::npos; };
    if (const std::string encoded = text(node, name + "-data"); !encoded.empty()) {
      std::optional<std::string> decoded = decode_base64(encoded);
      if (!decoded) return failure("holds " + name + "-data that is not base64");
      if (!is_pem(*decoded)) return failure("holds " + name + "-data that is not PEM");
      out.pem = std::move(*decoded);
    } else if (const std::string file = text(node, name); !file.empty()) {
      out.file = resolve(file);
      const Result<std::string> read = read_small_file(out.file, "the " + name);
      if (!read) return read.error();
      if (!is_pem(*read)) return Failure{"the " + name + " " + out.file.string() + " is not PEM"};
    }
    return {};
  }

  // Relative paths are relative to the kubeconfig.
  std::filesystem::path resolve(const std::filesystem::path& path) const { return file_.parent_path() / path; }

  static std::string text(const YAML::Node& node, const std::string& member) {
    if (!node.IsMap()) return {};
    const YAML::Node value = node[member];
    return value && value.IsScalar() ? value.Scalar() : std::string();
  }

  // In a list of {name: …, context|cluster|user: {…}}.
  static YAML::Node entry(const YAML::Node& list, const std::string& name, const std::string& member) {
    if (list && list.IsSequence()) {
      for (const YAML::Node& item : list) {
        if (text(item, "name") == name && item[member] && item[member].IsMap()) return item[member];
      }
    }
    return YAML::Node(YAML::NodeType::Undefined);
  }

  std::filesystem::path file_;
  std::string context_;
};

Result<void> settle_server(ApiConfig& config) {
  std::string& server = config.server;
  while (server.ends_with('/')) server.pop_back();
  if (server.find('@') != std::string::npos) return Failure{"the API server's address must not hold credentials"};
  const bool tls = !config.authority.empty() || !config.client_certificate.empty();
  if (server.find("://") == std::string::npos) server = (tls ? "https://" : "http://") + server;
  if (server.starts_with("https://") || server.starts_with("http://")) return {};
  return Failure{"the API server's address must begin with https:// or http://, not as in '" + server + "'"};
}

bool file_exists(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

}  // namespace

PodEnvironment PodEnvironment::of_this_process() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
    return std::string(value != nullptr ? value : "");
  };
  PodEnvironment pod;
  pod.host = variable("KUBERNETES_SERVICE_HOST");
  pod.port = variable("KUBERNETES_SERVICE_PORT");
  return pod;
}

std::string PodEnvironment::own_namespace() const {
  const Result<std::string> text = read_small_file(service_account / "namespace", "the namespace of the pod");
  return text ? std::string(trimmed(*text)) : std::string();
}

Result<ApiConfig> read_kubeconfig(const std::filesystem::path& file, const std::string& context) {
  Result<ApiConfig> config = KubeconfigReader(file, context).read();
  if (!config) return config;
  if (const Result<void> settled = settle_server(*config); !settled) return settled.error();
  return config;
}

Result<ApiConfig> in_cluster_config(const PodEnvironment& pod) {
  if (pod.host.empty() || pod.port.empty()) {
    return Failure{
        "not in a cluster (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set): "
        "give --kubeconfig, --apiserver-host or --manifests"};
  }
  ApiConfig config;
  const bool ipv6 = pod.host.find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + pod.host + "]" : pod.host) + ":" + pod.port;
  config.token_file = pod.service_account / "token";
  config.authority.file = pod.service_account / "ca.crt";
  if (const auto token = check_token_file(config.token_file, "the service account's token"); !token) {
    return token.error();
  }
  if (const auto ca = read_small_file(config.authority.file, "the cluster's CA"); !ca) return ca.error();
  return config;
}

Result<ApiConfig> choose_api_config(const ApiAddress& address, const PodEnvironment& pod) {
  const std::string& apiserver_host = address.apiserver_host;
  Result<ApiConfig> config = ApiConfig();
  if (!address.kubeconfig.empty()) {
    config = read_kubeconfig(address.kubeconfig, address.kubeconfig_context);
  } else if (apiserver_host.empty()) {
    config = in_cluster_config(pod);
  } else if (apiserver_host.starts_with("https://") && !pod.host.empty() &&
             file_exists(pod.service_account / "token")) {
    config = in_cluster_config(pod);  // never in clear text to a host that was typed
  }
  if (!config || apiserver_host.empty()) return config;
  config->server = apiserver_host;
  if (const Result<void> settled = settle_server(*config); !settled) return settled.error();
  return config;
}

const std::string& BearerToken::current() {
  if (file_.empty()) return token_;
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return token_;
  const Stamp stamp{status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino, status.st_size};
  if (seen_ == stamp) return token_;
  const Result<std::string> text = read_small_file(file_, "the token file");
  std::optional<std::string> token = text ? usable_token(*text) : std::nullopt;
  if (!token || token->empty()) return token_;
  token_ = std::move(*token);
  seen_ = stamp;
  return token_;
}

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::size_t value = alphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 == 0) {
      for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>(bits >> shift & 0xff);
    }
  }
  const std::size_t rest = digits % 4;
  if (rest == 1 || (rest == 0 ? padding != 0 : rest + padding != 4)) return std::nullopt;
  if (rest == 2) out += static_cast<char>(bits >> 4 & 0xff);
  if (rest == 3) {
    out += static_cast<char>(bits >> 10 & 0xff);
    out += static_cast<char>(bits >> 2 & 0xff);
  }
  return out;
}

}  // namespace fairlead
