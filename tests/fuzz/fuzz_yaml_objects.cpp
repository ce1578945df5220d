// A manifest, whatever it holds, becomes objects or a failure; objects become a Config that can be served, and hearing
// of them one by one gives the same one.
#include <map>

#include "router/route_table.hpp"
#include "tests/fuzz/fuzz_input.hpp"
#include "watcher/cluster_state.hpp"
#include "watcher/parse.hpp"
#include "watcher/translator.hpp"
#include "watcher/yaml_json.hpp"

namespace fairlead {
namespace {

// Of each object, and in the end of some of them that they are gone.
std::vector<Change> changes_of(const std::vector<nlohmann::json>& objects, Pieces& pieces) {
  static const std::map<std::string, Kind> kinds{{"Ingress", Kind::ingress},
                                                 {"IngressClass", Kind::ingress_class},
                                                 {"Service", Kind::service},
                                                 {"EndpointSlice", Kind::endpoint_slice},
                                                 {"Secret", Kind::secret}};
  std::vector<Change> changes;
  std::vector<Change> removals;
  for (const nlohmann::json& object : objects) {
    const auto text = object.find("kind");
    const auto kind = text != object.end() && text->is_string() ? kinds.find(text->get<std::string>()) : kinds.end();
    if (kind == kinds.end()) continue;
    Change change;
    change.kind = kind->second;
    change.name = name_of(change.kind, object);
    if (change.name.name.empty()) continue;
    if (pieces.next() % 4 == 3) {
      removals.push_back(change);
      removals.back().type = Change::Type::remove;
    }
    change.object = object;
    changes.push_back(std::move(change));
  }
  changes.insert(changes.end(), removals.begin(), removals.end());
  return changes;
}

void require_written_is_read(const std::vector<nlohmann::json>& objects) {
  for (const nlohmann::json& object : objects) {
    if (!object.is_object()) continue;  // refused where kinds are told apart
    const auto again = parse_manifest(object.dump());
    require(again && again->size() == 1 && again->front() == object, "an object as JSON is read back");
  }
}

void require_servable(const Config& config) {
  const auto table = RouteTable::empty()->with(diff(Config{}, config));
  require(table->host_count() == config.hosts.size(), "every host is served");
  require(table->upstream_count() == config.upstreams.size(), "every upstream is served");
  for (const auto& [name, host] : config.hosts) {
    for (const Path& path : host->paths) (void)table->match(name, path.path);
    (void)table->match(name, "/");
  }
  (void)config_text(config);
}

}  // namespace
}  // namespace fairlead

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace fairlead;
  const FuzzInput input(data, size);
  const auto objects = parse_manifest(input.bytes);
  if (!objects) {
    require(!objects.error().message.empty() && objects.error().message.find('\n') == std::string::npos,
            "a failure says why in one line");
    return 0;
  }
  require_written_is_read(*objects);

  TranslateOptions options;
  options.watch_ingress_without_class = true;
  ClusterState state(options);
  Translator translator(options);
  Config config;
  Pieces pieces(input.seed);
  Problems problems;
  for (const Change& change : changes_of(*objects, pieces)) {
    ClusterState::Touched touched;
    state.apply(change, touched);
    translator.apply({change});
    if (pieces.next() % 2 == 0) continue;
    apply(config, translator.step().delta);
  }
  const Translator::Step last = translator.step();
  apply(config, last.delta);
  const Translation whole = translate(state, options);
  require(config == whole.config, "step by step gives what one translation gives");
  require(*last.problems == whole.problems, "and the same problems");
  require_servable(whole.config);
  return 0;
}
