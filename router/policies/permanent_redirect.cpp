// Answers every request with a redirect to a fixed URL; nothing guards it, and no upstream is asked.
#include <algorithm>

#include "router/policies/policy.hpp"

namespace fairlead {
namespace {

class FixedRedirect final : public Policy {
 public:
  FixedRedirect(int code, std::string_view url) : code_(code), url_(url) {}

  Outcome on_request(PolicyRequest&) const override { return PolicyReply{.status = code_, .location = url_}; }
  std::string describe() const override { return "redirect " + std::to_string(code_) + " " + url_; }

 private:
  int code_;
  std::string url_;
};

// The characters of a URL (RFC 3986), of which '$' would be a variable to nginx.
bool is_http_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  const std::string_view rest = text.substr(text.find("://") + 3);
  if (rest.empty() || rest.front() == '/') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}$").find(c) == std::string_view::npos;
  });
}

int redirect_code(PolicyParse& parse, std::string_view name, int otherwise) {
  const auto code = parse.integer(name, 300, 308);
  if (!code) return otherwise;
  const bool permanent_only = name == "temporal-redirect-code" && *code == 308;
  for (const int usable : {301, 302, 303, 307, 308}) {
    if (*code == usable && !permanent_only) return usable;
  }
  parse.warn(name,
             std::to_string(*code) + " is no redirect that can stand here; " + std::to_string(otherwise) + " is sent");
  return otherwise;
}

// Whether this annotation decides what is served.
bool parse_one(PolicyParse& parse, std::string_view name, std::string_view code_name, int otherwise) {
  const auto url = parse.text(name);
  if (!url) {
    if (parse.has(code_name)) parse.warn(code_name, "has no effect without " + std::string(name));
    return false;
  }
  if (!is_http_url(*url)) {
    parse.reject(name,
                 "must be a URL that begins with http:// or https:// and holds no variable; this version of the "
                 "Ingress is not served. Correct it");
    return true;
  }
  parse.add(std::make_shared<const FixedRedirect>(redirect_code(parse, code_name, otherwise), *url));
  return true;
}

void parse(PolicyParse& parse) {
  const bool temporal = parse_one(parse, "temporal-redirect", "temporal-redirect-code", 302);
  for (const std::string_view beaten : {"permanent-redirect", "permanent-redirect-code"}) {
    if (temporal && parse.has(beaten)) parse.warn(beaten, "has no effect: temporal-redirect wins; remove one of them");
  }
  if (temporal) return;
  parse_one(parse, "permanent-redirect", "permanent-redirect-code", 301);
}

constexpr AnnotationSpec annotations[] = {
    {"permanent-redirect", "URL to which every request is redirected; `temporal-redirect` wins.", "", Risk::medium},
    {"permanent-redirect-code", "Status of that redirect: 301, 302, 303, 307 or 308.", "301", Risk::low},
    {"temporal-redirect", "URL to which every request is redirected for the time being.", "", Risk::medium},
    {"temporal-redirect-code", "Status of that redirect: 301, 302, 303 or 307.", "302", Risk::low},
};

}  // namespace

extern constinit const PolicySpec permanent_redirect_policy{"permanent-redirect", Stage::redirect, annotations, parse};

}  // namespace fairlead
