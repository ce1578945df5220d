#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "watcher/api_request.hpp"

namespace fairlead {

// The part of an API server that keeps one Lease, with optimistic locking.
class LeaseServer {
 public:
  ApiAnswer answer(const ApiRequest& request) {
    ++requests;
    if (failing) return {0, {}, "connection refused", {}};
    if (request.method == "GET") return lease ? told(200) : ApiAnswer{404, "{}", {}, {}};
    const auto written = nlohmann::json::parse(request.body);
    if (request.method == "POST") return lease ? ApiAnswer{409, "{}", {}, {}} : store(written, 201);
    if (!lease) return {404, "{}", {}, {}};
    const std::string expected = written.at("metadata").value("resourceVersion", std::string());
    if (expected != std::to_string(version)) return {409, R"({"message":"the object has been modified"})", {}, {}};
    return store(written, 200);
  }

  std::string holder() const { return lease ? lease->at("spec").at("holderIdentity").get<std::string>() : "(none)"; }
  const nlohmann::json& spec() const { return lease->at("spec"); }

  std::optional<nlohmann::json> lease;
  int version = 0;
  int requests = 0;
  bool failing = false;

 private:
  ApiAnswer store(nlohmann::json written, int status) {
    written["metadata"]["resourceVersion"] = std::to_string(++version);
    lease = std::move(written);
    return told(status);
  }
  ApiAnswer told(int status) const { return {status, lease->dump(), {}, {}}; }
};

}  // namespace fairlead
