#pragma once

#include <chrono>
#include <string>

namespace fairlead {

struct ApiRequest {
  std::string target;  // path and query
  bool watch = false;
  bool shares = false;            // one HTTP/2 connection with others that do, instead of having one of its own
  bool fresh_connection = false;  // the connection of the last one was silent: do not use it again
  std::string method = "GET";
  std::string body;  // JSON; "" = none
  std::string content_type = "application/json";
  std::chrono::milliseconds timeout{0};  // from start to end; 0 = whoever asked watches over it
};

// How a request ended.
struct ApiEnding {
  std::string error;                         // "" when the answer came to its end
  std::chrono::milliseconds retry_after{0};  // as the server asked
  bool untrusted = false;                    // the server could not show that it is the one that is meant
};

// An answer that was waited for as a whole.
struct ApiAnswer {
  int status = 0;  // 0: none came
  std::string body;
  std::string error;  // "" when it came to its end
  std::chrono::milliseconds retry_after{0};

  bool ok() const { return error.empty() && status >= 200 && status < 300; }
};

// Why an answer is none of use, as one bounded line: "HTTP 403: leases.coordination.k8s.io is forbidden: …".
std::string reason_in(const ApiAnswer& answer);

// How an object of core/v1 or of another group is addressed: "/api/v1/namespaces/shop/pods".
std::string api_collection(const std::string& group_version, const std::string& ns, const std::string& plural);

}  // namespace fairlead
