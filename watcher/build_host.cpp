#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "router/path_regex.hpp"
#include "watcher/config_parts.hpp"

namespace fairlead {
namespace {

// A path that asks to be served on the host, and who asks.
struct Candidate {
  const IngressPart* part;
  const ServedPath* served;
};

std::string shown(const std::string& host) {
  return host.empty() ? "every host" : "host \"" + host + "\"";
}

class HostBuilder {
 public:
  HostBuilder(const std::string& name, const PartsByAge& parts, const TranslateOptions& options)
      : parts_(parts), options_(options), host_(std::make_shared<Host>()) {
    host_->name = name;
    for (const auto& [order, part] : parts) {
      const auto share = part->hosts.find(name);
      if (share == part->hosts.end()) continue;
      for (const ServedPath& served : share->second) candidates_.push_back({part.get(), &served});
    }
  }

  Built<Host> build(bool secured) {
    host_->tls = secured;
    const auto asking = std::find_if(candidates_.begin(), candidates_.end(),
                                     [](const Candidate& candidate) { return candidate.served->wants_regex; });
    host_->regex = asking != candidates_.end();
    if (host_->regex) {
      add_regexes();
      tell_others_of_regexes(*asking->part);
    } else {
      add_plain_paths();
    }
    add_unmatched();
    host_->paths.shrink_to_fit();
    add_site_policies();
    close_if_asked();
    return {std::move(host_), std::move(problems_)};
  }

 private:
  static std::string_view without_slash(std::string_view path) {
    if (path.ends_with('/')) path.remove_suffix(1);
    return path;
  }

  void add_plain_paths() {
    std::map<std::pair<PathType, std::string_view>, const Candidate*> taken;
    for (const Candidate& candidate : candidates_) {
      const Path& path = candidate.served->path;
      const std::string_view text = path.type == PathType::prefix ? without_slash(path.path) : path.path;
      const auto [at, free] = taken.try_emplace({path.type, text}, &candidate);
      if (!free) {
        report_collision(candidate, *at->second);
        continue;
      }
      if (path.path.find_first_of("()[]*^|+?{}\\") != std::string::npos) {
        complain(candidate,
                 "looks like a regular expression but is compared letter by letter; to change that, set the "
                 "annotation use-regex: \"true\"",
                 Severity::notice);
      }
      host_->paths.push_back(path);
    }
  }

  struct Regex {
    std::string text;
    const Candidate* candidate;
    bool extra;  // the "/foo/" beside a Prefix "/foo"
  };

  // Contract 2.4.1: by length, longest first, then by text, last first. A Prefix of an Ingress that does not ask for
  // regexes counts twice, with and without a slash at its end.
  void add_regexes() {
    std::set<std::string_view> exact;
    for (const Candidate& candidate : candidates_) {
      const Path& path = candidate.served->path;
      if (path.type == PathType::exact) exact.insert(path.path);
    }
    std::vector<Regex> regexes;
    for (const Candidate& candidate : candidates_) {
      const ServedPath& served = *candidate.served;
      if (const auto problem = regex_problem(served.path.path)) {
        complain(candidate, *problem + "; this path is not served", Severity::error);
        continue;
      }
      const std::string& text = served.path.path;
      const bool twice = served.path.type == PathType::prefix && !served.wants_regex && !text.ends_with('/');
      if (twice && !regex_problem(text + "/")) regexes.push_back({text + "/", &candidate, true});
      if (!twice || !exact.contains(text)) regexes.push_back({text, &candidate, false});
    }
    std::stable_sort(regexes.begin(), regexes.end(), [](const Regex& a, const Regex& b) {
      return std::tuple(b.text.size(), std::string_view(b.text)) < std::tuple(a.text.size(), std::string_view(a.text));
    });
    for (std::size_t i = 0; i < regexes.size(); ++i) {
      if (i > 0 && regexes[i].text == regexes[i - 1].text) {
        lose_regex(regexes[i], regexes[i - 1]);
        regexes[i].candidate = regexes[i - 1].candidate;
      } else {
        host_->paths.push_back(regex_path(regexes[i]));
      }
    }
  }

  void lose_regex(const Regex& loser, const Regex& winner) {
    if (!loser.extra) report_collision(*loser.candidate, *winner.candidate);
  }

  static Path regex_path(const Regex& regex) {
    Path path = regex.candidate->served->path;
    if (!regex.extra) return path;
    path.path = regex.text;
    auto policies = bind_policies(regex.candidate->part->policies, regex.text);
    if (policies != path.route->policies) path.own_route().policies = std::move(policies);
    return path;
  }

  void tell_others_of_regexes(const IngressPart& asking) {
    for (const auto& [order, part] : parts_) {
      const auto own = part->hosts.find(host_->name);
      if (own == part->hosts.end() || own->second.empty()) continue;
      const auto asks = [](const ServedPath& served) { return served.wants_regex; };
      if (std::any_of(own->second.begin(), own->second.end(), asks)) continue;
      problems_.push_back({part->ref(), "spec.rules",
                           fmt::format("on {} all paths are case-insensitive regular expressions, without a boundary "
                                       "at '/', because Ingress {}/{} has use-regex or rewrite-target; give that "
                                       "Ingress a host of its own if this is not meant",
                                       shown(host_->name), asking.name.ns, asking.name.name),
                           Severity::notice});
    }
  }

  void report_collision(const Candidate& loser, const Candidate& winner) {
    const Path& lost = loser.served->path;
    const Route& won = *winner.served->path.route;
    if (loser.part == winner.part && lost.route->upstream_key == won.upstream_key) return;
    complain(loser,
             fmt::format("\"{}\" on {} is already served by {} of Ingress {}/{}, which is older or goes first; "
                         "this one is not served. Remove one of the two",
                         lost.path, shown(host_->name), winner.served->field, won.ns, won.ingress),
             Severity::error);
  }

  // What is left over leads to a default backend. It inherits what the oldest Ingress of the host asks for (2.4.10);
  // that of unknown hosts inherits nothing from Ingresses with rules.
  void add_unmatched() {
    const auto is_root = [&](const Path& path) {
      return path.path == "/" && (host_->regex || path.type == PathType::prefix);
    };
    const auto root = std::find_if(host_->paths.begin(), host_->paths.end(), is_root);
    if (root != host_->paths.end()) return report_unreached_defaults(*root->route);
    if (add_default_of_ingress()) return;
    const auto heir = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const auto& at) { return !host_->name.empty() || !at.second->has_rules; });
    Path path = heir == parts_.end() ? nobodys_path() : heir->second->bare_path("/");
    if (const auto target = default_backend(options_)) {
      Route& route = path.own_route();
      route.service = target->service.name;
      route.upstream_key = target->key();
    }
    host_->paths.push_back(std::move(path));
  }

  void report_unreached_defaults(const Route& root) {
    for (const auto& [order, part] : parts_) {
      if (!part->default_path || (part->name.ns == root.ns && part->name.name == root.ingress)) continue;
      complain({part.get(), &*part->default_path},
               fmt::format("on {} \"/\" of Ingress {}/{} takes what no other path does, so that this is never reached "
                           "there; remove one of the two",
                           shown(host_->name), root.ns, root.ingress),
               Severity::warning);
    }
  }

  bool add_default_of_ingress() {
    const IngressPart* winner = nullptr;
    for (const auto& [order, part] : parts_) {
      if (!part->default_path) continue;
      if (!winner) {
        winner = part.get();
        host_->paths.push_back(part->default_path->path);
      } else {
        report_collision({part.get(), &*part->default_path}, {winner, &*winner->default_path});
      }
    }
    return winner != nullptr;
  }

  // What belongs to the host as a whole is what the first Ingress says that says anything (2.4.11, 4.1).
  void add_site_policies() {
    const auto says = [](const auto& at) { return !at.second->site.empty(); };
    const auto first = std::find_if(parts_.begin(), parts_.end(), says);
    if (first == parts_.end()) return;
    const IngressPart& winner = *first->second;
    std::unordered_map<std::shared_ptr<const Route>, std::shared_ptr<const Route>> extended;
    for (Path& path : host_->paths) {
      std::shared_ptr<const Route>& known = extended[path.route];
      if (!known) known = with_site_policies(*path.route, winner.site);
      path.route = known;
    }
    const auto same = [](const auto& a, const auto& b) { return a->describe() == b->describe(); };
    for (const auto& [order, part] : parts_) {
      const auto& site = part->site;
      if (site.empty() || std::equal(site.begin(), site.end(), winner.site.begin(), winner.site.end(), same)) continue;
      problems_.push_back({part->ref(), "metadata.annotations",
                           fmt::format("on {} it is \"{}\" of Ingress {}/{} that counts, which is older or goes first; "
                                       "\"{}\" has no effect there. Remove one of the two",
                                       shown(host_->name), winner.site.front()->describe(), winner.name.ns,
                                       winner.name.name, site.front()->describe()),
                           Severity::warning});
    }
  }

  static std::shared_ptr<const Route> with_site_policies(const Route& route,
                                                         const std::vector<std::shared_ptr<const Policy>>& site) {
    auto extended = std::make_shared<Route>(route);
    extended->policies.insert(extended->policies.begin(), site.begin(), site.end());
    extended->early_policies += site.size();
    return extended;
  }

  void close_if_asked() {
    const auto closes = [](const auto& at) { return at.second->denies_hosts && at.second->has_rules; };
    const auto closing = std::find_if(parts_.begin(), parts_.end(), closes);
    if (closing == parts_.end()) return;
    for (Path& path : host_->paths) path.denied = true;
    for (const auto& at : parts_) {
      if (at.second->denies_hosts) continue;
      problems_.push_back(
          {at.second->ref(), "spec.rules",
           fmt::format("on {} every path answers 503, because Ingress {}/{} asks for a guard of the whole "
                       "host that is not supported yet; remove that annotation there",
                       shown(host_->name), closing->second->name.ns, closing->second->name.name),
           Severity::error});
    }
  }

  static Path nobodys_path() {
    Path path;
    path.path = "/";
    return path;
  }

  void complain(const Candidate& candidate, std::string message, Severity severity) {
    const std::string& field = candidate.served->field;
    const bool is_default = candidate.part->default_path && candidate.served == &*candidate.part->default_path;
    problems_.push_back({candidate.part->ref(), is_default ? field : field + ".path", std::move(message), severity});
  }

  const PartsByAge& parts_;
  const TranslateOptions& options_;
  std::vector<Candidate> candidates_;  // in order of precedence
  std::shared_ptr<Host> host_;
  Problems problems_;
};

}  // namespace

Built<Host> build_host(const std::string& name, const PartsByAge& parts, bool secured,
                       const TranslateOptions& options) {
  return HostBuilder(name, parts, options).build(secured);
}

}  // namespace fairlead
