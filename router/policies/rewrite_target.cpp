// Sends the upstream another path than the client asked for: the target, with the groups of the Ingress path filled in.
#include <algorithm>
#include <array>

#include "router/path_regex.hpp"
#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

using Groups = std::array<re2::StringPiece, 10>;  // the whole match and $1 to $9

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

// Unbound it knows only the target; on a Path it also holds the compiled regex.
class RewriteTarget final : public Policy {
 public:
  RewriteTarget(std::string target, std::string prefix) : target_(std::move(target)), prefix_(std::move(prefix)) {}
  RewriteTarget(const RewriteTarget& unbound, std::unique_ptr<const re2::RE2> regex)
      : target_(unbound.target_), prefix_(unbound.prefix_), regex_(std::move(regex)) {}

  // On a path that equals the target there is nothing to do; one that is no regex is never routed to.
  std::shared_ptr<const Policy> bind(std::string_view path) const override {
    auto regex = path == target_ ? nullptr : compile_path_regex(path);
    if (!regex) return nullptr;
    return std::make_shared<const RewriteTarget>(*this, std::move(regex));
  }

  Outcome on_request(PolicyRequest& request) const override {
    if (!regex_) return std::nullopt;
    if (!prefix_.empty()) request.upstream_edits.set("X-Forwarded-Prefix", prefix_);
    const std::string_view path = request.target.path;
    Groups groups;
    const int count = std::min<int>(regex_->NumberOfCapturingGroups() + 1, groups.size());
    if (!regex_->Match({path.data(), path.size()}, 0, path.size(), re2::RE2::UNANCHORED, groups.data(), count)) {
      return std::nullopt;
    }
    const std::string_view rewritten = fill_in(groups, request.arena);
    // A group may hold what was no dot segment where it stood: "/a../b" under "/a(.*)".
    if (has_dot_segment(rewritten)) return PolicyReply{.status = 400};
    const std::string_view encoded = encode_path(rewritten, request.arena);
    request.forward = request.target.has_query ? join(request.arena, {encoded, "?", request.target.query}) : encoded;
    return std::nullopt;
  }

  std::string describe() const override {
    return "rewrite " + target_ + (prefix_.empty() ? "" : " x-forwarded-prefix " + prefix_);
  }

 private:
  // The result starts with one '/': to many servers, two would look like the beginning of a host name.
  std::string_view fill_in(const Groups& groups, std::pmr::memory_resource* arena) const {
    const auto size = [&] {
      std::size_t sum = 1;
      for_each_part(groups, [&](std::string_view part) { sum += part.size(); });
      return sum;
    }();
    char* const begin = static_cast<char*>(arena->allocate(size, 1));
    char* end = begin;
    *end++ = '/';
    for_each_part(groups, [&](std::string_view part) { end = std::copy(part.begin(), part.end(), end); });
    std::string_view path(begin, size);
    while (path.starts_with("//")) path.remove_prefix(1);
    return path;
  }

  template <class Visitor>
  void for_each_part(const Groups& groups, Visitor visit) const {
    std::string_view rest = target_;
    while (!rest.empty()) {
      const std::size_t dollar = std::min(rest.find('$'), rest.size());
      visit(rest.substr(0, dollar));
      rest.remove_prefix(dollar);
      if (rest.empty()) return;
      const re2::StringPiece& group = groups[static_cast<std::size_t>(rest[1] - '0')];
      visit(std::string_view(group.data(), group.size()));
      rest.remove_prefix(2);
    }
  }

  std::string target_;  // every '$' is followed by a digit from 1 to 9
  std::string prefix_;
  std::unique_ptr<const re2::RE2> regex_;
};

// Why a target is not usable, or "".
std::string_view target_problem(std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    return "a rewrite cannot lead to another host; use temporal-redirect";
  }
  if (!is_made_of(target, "-._~/:$")) {
    return "only letters, digits and -._~/:$ may stand in a rewrite target (the query is always kept, so no '?')";
  }
  for (std::size_t i = target.find('$'); i != std::string_view::npos; i = target.find('$', i + 1)) {
    const char next = i + 1 < target.size() ? target[i + 1] : '\0';
    if (next < '1' || next > '9') return "'$' must be followed by the number of a group, 1 to 9";
  }
  return {};
}

std::string parse_prefix(PolicyParse& parse, bool rewriting) {
  const auto prefix = parse.text("x-forwarded-prefix");
  if (!prefix) return {};
  if (!rewriting) {
    parse.warn("x-forwarded-prefix", "is only sent together with rewrite-target, as with ingress-nginx; add one");
  } else if (!is_made_of(*prefix, "-._~/: ")) {
    parse.warn("x-forwarded-prefix", "only letters, digits, spaces and -._~/: may stand here; the header is not sent");
  } else {
    return std::string(*prefix);
  }
  return {};
}

void parse(PolicyParse& parse) {
  const auto target = parse.text("rewrite-target");
  const std::string_view problem = target ? target_problem(*target) : "";
  if (!problem.empty()) parse.warn("rewrite-target", std::string(problem) + "; the path is not rewritten");
  const bool rewriting = target && problem.empty();
  const std::string prefix = parse_prefix(parse, rewriting);
  if (!rewriting) return;
  parse.set_regex_unless_path(*target);
  parse.add(std::make_shared<const RewriteTarget>(std::string(*target), prefix));
}

constexpr AnnotationSpec annotations[] = {
    {"rewrite-target",
     "Path sent upstream; `$1` to `$9` are groups of the Ingress path, which makes all paths of the host regexes.", "",
     Risk::medium},
    {"x-forwarded-prefix", "Sends `X-Forwarded-Prefix` upstream, together with `rewrite-target`.", "", Risk::medium},
};

}  // namespace

extern constinit const PolicySpec rewrite_target_policy{"rewrite-target", Stage::rewrite, annotations, parse};

}  // namespace fairlead
