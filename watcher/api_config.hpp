#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include "router/base/result.hpp"

namespace fairlead {

// PEM that stands in a file or was given in place. At most one of the two.
struct PemSource {
  std::filesystem::path file;
  std::string pem;  // may be a private key: never logged

  bool empty() const { return file.empty() && pem.empty(); }
};

// How to reach an API server and who to be there.
struct ApiConfig {
  std::string server;  // "https://10.96.0.1:443", without a slash at the end
  std::string tls_server_name;
  std::string proxy_url;
  bool verify_tls = true;
  PemSource authority;  // empty: those that the system trusts
  PemSource client_certificate;
  PemSource client_key;
  std::string token;                 // secret: never logged
  std::filesystem::path token_file;  // goes before token, and is read again when it changes
};

// Where a pod finds its API server.
struct PodEnvironment {
  std::string host;  // KUBERNETES_SERVICE_HOST
  std::string port;
  std::filesystem::path service_account = "/var/run/secrets/kubernetes.io/serviceaccount";

  static PodEnvironment of_this_process();

  // The namespace that the service account is of. "" when this is no pod.
  std::string own_namespace() const;
};

// From a context of a kubeconfig file; context "": its current-context.
Result<ApiConfig> read_kubeconfig(const std::filesystem::path& file, const std::string& context = "");

Result<ApiConfig> in_cluster_config(const PodEnvironment& pod);

// Where the flags say that the API server is.
struct ApiAddress {
  std::string kubeconfig;          // "": the service account of the pod
  std::string kubeconfig_context;  // "": the current one
  std::string apiserver_host;      // overrides the server's address
};

// A kubeconfig if one is named, else the pod's service account; apiserver_host, if given, takes the place of the
// server's address and, without either of the two, stands alone (as before `kubectl proxy`).
Result<ApiConfig> choose_api_config(const ApiAddress& address, const PodEnvironment& pod);

// The token to present. Kubernetes replaces the file about every hour.
class BearerToken {
 public:
  BearerToken(std::string token, std::filesystem::path file) : token_(std::move(token)), file_(std::move(file)) {}

  // Reads the file if it was replaced since; keeps the last token while it cannot be read. "" = present none.
  const std::string& current();

  // The server did not take it: read the file again even if it looks the same.
  void distrust() { seen_.reset(); }

 private:
  struct Stamp {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::string token_;
  std::filesystem::path file_;
  std::optional<Stamp> seen_;
};

// Nothing for bytes that are not base64. Padding is required, as Kubernetes writes it; white space is skipped.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace fairlead
