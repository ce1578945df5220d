// Sends requests for "/" to where the application lives.
#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

class AppRoot final : public Policy {
 public:
  explicit AppRoot(std::string_view root) : root_(root) {}

  Outcome on_request(PolicyRequest& request) const override {
    if (request.target.path != "/") return std::nullopt;
    return PolicyReply{.status = 302, .location = location(request)};
  }

  std::string describe() const override { return "app-root " + root_; }

 private:
  // With the port that the client used. A client that named no host gets a reference relative to the one it knows.
  std::string_view location(const PolicyRequest& request) const {
    const std::string_view sent =
        request.target.authority.empty() ? request.head.fields.value(FieldName::host) : request.target.authority;
    if (sent.empty()) return root_;
    return join(request.arena, {request.https ? "https://" : "http://", sent, root_});
  }

  std::string root_;
};

void parse(PolicyParse& parse) {
  constexpr std::string_view name = "app-root";
  const auto root = parse.text(name);
  if (!root) return;
  if (!root->starts_with('/') || !is_made_of(*root, "-._~/:")) {
    return parse.warn(name, "must be a path of this host: '/', then letters, digits and -._~/: only; it has no effect");
  }
  parse.add(std::make_shared<const AppRoot>(*root));
}

constexpr AnnotationSpec annotations[] = {
    {"app-root", "Path to which requests for `/` of the host are redirected (302).", "", Risk::medium},
};

}  // namespace

extern constinit const PolicySpec app_root_policy{"app-root", Stage::site, annotations, parse};

}  // namespace fairlead
