#include "watcher/translate.hpp"

#include <algorithm>
#include <utility>

#include "watcher/cluster_state.hpp"
#include "watcher/ingress_class.hpp"
#include "watcher/ingress_part.hpp"
#include "watcher/references.hpp"

namespace fairlead {
namespace {

void append(Problems& problems, Problems more) {
  problems.insert(problems.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

template <class Objects>
void append_all_of(Problems& problems, const Objects& objects) {
  for (const auto& [name, known] : objects) append(problems, known.problems.get());
}

}  // namespace

Translation translate(const ClusterState& state, const TranslateOptions& options) {
  Translation result;
  Dirty all;
  References references(options, all);
  const ClassRules rules = class_rules(state, options);
  for (const auto& [name, known] : state.ingresses()) {
    append(result.problems, ingress_problems(name, known, rules, options));
    const auto version = served_version(name, known, rules, options);
    if (!version) continue;
    const auto part = make_part(*version);
    append(result.problems, part->problems);
    references.add(version, part, all);
  }
  for (const std::string& name : all.hosts) {
    Built<Host> built = references.host(name);
    if (built.part) result.config.hosts.emplace(name, std::move(built.part));
    append(result.problems, std::move(built.problems));
  }
  for (const std::string& key : all.upstreams) {
    Built<Upstream> built = references.upstream(key, state);
    result.config.upstreams.emplace(key, std::move(built.part));
    append(result.problems, std::move(built.problems));
  }
  for (const std::string& name : all.tls_hosts) {
    result.config.tls_hosts.emplace(name, references.tls_host(name, state));
  }
  for (const ObjectName& secret : all.secrets) append(result.problems, references.problems_of_secret(secret, state));
  append_all_of(result.problems, state.classes());
  append_all_of(result.problems, state.services());
  append_all_of(result.problems, state.slices());
  append(result.problems, state.source_problems());
  std::sort(result.problems.begin(), result.problems.end());
  result.config.settings = std::make_shared<const Settings>(options.settings);
  return result;
}

}  // namespace fairlead
