// Lets scripts of other origins use the responses (contract 2.4.8), and answers their preflight requests.
#include <algorithm>

#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

constexpr std::string_view default_methods = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
constexpr std::string_view default_headers =
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

struct CorsSettings {
  std::vector<std::string> origins;  // "*" alone, "null", "https://a.example.com", "https://*.example.com:8443"
  std::string methods;
  std::string headers;
  std::string expose;  // "" = not sent
  std::string max_age;
  bool credentials = true;
};

bool is_label_character(char c) {
  return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool origin_matches(std::string_view pattern, std::string_view origin) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return equal_ignoring_case(pattern, origin);
  const std::string_view suffix = pattern.substr(star + 1);
  if (origin.size() <= star + suffix.size()) return false;
  const std::string_view label = origin.substr(star, origin.size() - star - suffix.size());
  return equal_ignoring_case(origin.substr(0, star), pattern.substr(0, star)) &&
         equal_ignoring_case(origin.substr(star + label.size()), suffix) &&
         std::all_of(label.begin(), label.end(), is_label_character);
}

class Cors final : public Policy {
 public:
  explicit Cors(CorsSettings settings) : settings_(std::move(settings)), any_(settings_.origins.front() == "*") {}

  // Any OPTIONS that matches is a preflight, whether or not it says which method is to come.
  Outcome on_request(PolicyRequest& request) const override {
    if (request.head.method != Method::options || allowed_origin(request).empty()) return std::nullopt;
    return PolicyReply{.status = 204, .content_type = "text/plain charset=UTF-8", .no_body = true};
  }

  void on_response(PolicyResponse& response) const override {
    const std::string_view origin = allowed_origin(response.request);
    if (origin.empty()) return;
    HeadEdits& edits = response.edits;
    edits.set("Access-Control-Allow-Origin", any_ ? origin : edits.keep(origin));
    if (settings_.credentials) edits.set("Access-Control-Allow-Credentials", "true");
    edits.set("Access-Control-Allow-Methods", settings_.methods);
    edits.set("Access-Control-Allow-Headers", settings_.headers);
    if (!settings_.expose.empty()) edits.set("Access-Control-Expose-Headers", settings_.expose);
    edits.set("Access-Control-Max-Age", settings_.max_age);
  }

  std::string describe() const override {
    std::string text = "cors";
    for (const std::string& origin : settings_.origins) text += " " + origin;
    return text + "; methods " + settings_.methods + "; headers " + settings_.headers + "; expose " + settings_.expose +
           "; max-age " + settings_.max_age + (settings_.credentials ? "; credentials" : "");
  }

 private:
  // What Access-Control-Allow-Origin says to this request; "" = nothing is allowed.
  std::string_view allowed_origin(const PolicyRequest& request) const {
    if (any_) return "*";
    const std::string_view origin = request.head.fields.value(FieldName::origin);
    for (const std::string& pattern : settings_.origins) {
      if (!origin.empty() && origin_matches(pattern, origin)) return origin;
    }
    return {};
  }

  CorsSettings settings_;
  bool any_;
};

// "null", or a scheme, "://", perhaps "*.", a host name and perhaps a port.
bool is_origin(std::string_view text) {
  if (text == "null") return true;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) return false;
  if (!is_made_of(text.substr(0, scheme_end), "+-.")) return false;
  std::string_view authority = text.substr(scheme_end + 3);
  if (authority.starts_with("*.")) authority.remove_prefix(2);
  const std::size_t colon = std::min(authority.find(':'), authority.size());
  const std::string_view port = authority.substr(std::min(colon + 1, authority.size()));
  return colon > 0 && is_made_of(authority.substr(0, colon), "-.") && (colon == authority.size() || !port.empty()) &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> parse_origins(PolicyParse& parse) {
  const auto list = parse.text("cors-allow-origin");
  if (!list) return {"*"};
  std::vector<std::string> origins;
  for (const std::string_view origin : split_list(*list)) {
    if (origin == "*") return {"*"};
    if (is_origin(origin)) {
      origins.emplace_back(origin);
    } else {
      parse.warn("cors-allow-origin", "\"" + std::string(origin) + "\" is no origin and is left out; write it as " +
                                          "https://app.example.com, https://*.example.com or *");
    }
  }
  return origins;
}

// A list as it stands; one of several lines as one line.
std::string in_one_line(std::string_view list) {
  if (list.find_first_of("\r\n") == std::string_view::npos) return std::string(list);
  std::string line;
  for (const std::string_view name : split_list(list)) line.append(line.empty() ? "" : ", ").append(name);
  return line;
}

std::string parse_names(PolicyParse& parse, std::string_view name, std::string_view others,
                        std::string_view otherwise) {
  const auto value = parse.text(name);
  if (!value) return std::string(otherwise);
  std::string names = in_one_line(*value);
  if (is_made_of(names, others)) return names;
  parse.warn(name, "\"" + std::string(*value) + "\" is no comma-separated list of names; the default is used");
  return std::string(otherwise);
}

constexpr AnnotationSpec annotations[] = {
    {"enable-cors", "Answers CORS preflights (204) and adds the CORS headers to responses.", "false", Risk::low},
    {"cors-allow-origin", "Origins allowed: a list, `https://*.example.com` for one label more, or `*`.", "*",
     Risk::medium},
    {"cors-allow-methods", "Methods allowed.", default_methods, Risk::medium},
    {"cors-allow-headers", "Request headers allowed.", default_headers, Risk::medium},
    {"cors-expose-headers", "Response headers that scripts may read.", "", Risk::medium},
    {"cors-allow-credentials", "Whether requests with cookies are allowed.", "true", Risk::low},
    {"cors-max-age", "Seconds for which a preflight's answer may be kept.", "1728000", Risk::low},
};

void parse(PolicyParse& parse) {
  if (!parse.boolean("enable-cors", false)) {
    for (const AnnotationSpec& annotation : std::span(annotations).subspan(1)) {
      if (parse.has(annotation.name)) parse.note(annotation.name, "has no effect without enable-cors: \"true\"");
    }
    return;
  }
  CorsSettings settings;
  settings.origins = parse_origins(parse);
  settings.methods = parse_names(parse, "cors-allow-methods", ", ", default_methods);
  settings.headers = parse_names(parse, "cors-allow-headers", "-_, ", default_headers);
  settings.expose = parse_names(parse, "cors-expose-headers", "-_*, ", "");
  settings.credentials = parse.boolean("cors-allow-credentials", true);
  settings.max_age = std::to_string(parse.integer("cors-max-age", -1, 31'536'000).value_or(1'728'000));
  if (settings.origins.empty()) {
    return parse.warn("cors-allow-origin",
                      "names no usable origin: no other origin is allowed, and no CORS header sent");
  }
  if (settings.origins.front() == "*" && settings.credentials) {
    parse.note("cors-allow-origin",
               "every origin is allowed together with credentials, which browsers refuse; list the "
               "origins, or write cors-allow-credentials: \"false\"");
  }
  parse.add(std::make_shared<const Cors>(std::move(settings)));
}

}  // namespace

extern constinit const PolicySpec cors_policy{"cors", Stage::preflight, annotations, parse};

}  // namespace fairlead
