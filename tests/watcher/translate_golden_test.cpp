#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "router/route_table.hpp"
#include "tests/watcher/cluster.hpp"
#include "watcher/yaml_json.hpp"

// A case is a folder of tests/fixtures/translate:
//   objects.yaml   what exists
//   then.yaml      if there: objects that are put after that
//   options.txt    if there: flags, one a line, as "name value"; "place ZONE NODE" is where we run
//   answers.txt    if there: what DNS says, one name a line, as "name address…", "; trouble" at the end
//   config.txt     the Config that must come of it
//   problems.txt   the Problems, one a line
//   requests.txt   if there: "host path -> upstream", one a line; "host" may be - for none
// FAIRLEAD_UPDATE_GOLDEN=1 writes the last three anew. Read every line of the difference: what stands there is the
// contract.

namespace fairlead {
namespace {

namespace fs = std::filesystem;

const fs::path fixtures = fs::path(FAIRLEAD_FIXTURES) / "translate";

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<json> objects_of(const fs::path& file) {
  const auto objects = parse_manifest(read(file));
  if (objects) return *objects;
  ADD_FAILURE() << file << ": " << objects.error().message;
  return {};
}

TranslateOptions options_of(const fs::path& file) {
  TranslateOptions options;
  for (const std::string& line : lines_of(file)) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string name = line.substr(0, space);
    const std::string value = line.substr(std::min(space + 1, line.size()));
    if (name == "ingress-class") {
      options.ingress_class = value;
    } else if (name == "controller-class") {
      options.controller_class = value;
    } else if (name == "watch-ingress-without-class") {
      options.watch_ingress_without_class = true;
    } else if (name == "default-backend-service") {
      options.default_backend_service = value;
    } else if (name == "default-ssl-certificate") {
      options.default_ssl_certificate = value;
    } else if (name == "disable-svc-external-name") {
      options.external_names = false;
    } else if (name == "enable-topology-aware-routing") {
      options.topology_hints = true;
    } else if (name == "place") {
      continue;  // place_of
    } else {
      ADD_FAILURE() << file << ": unknown option " << name;
    }
  }
  return options;
}

Place place_of(const fs::path& file) {
  Place place;
  for (const std::string& line : lines_of(file)) {
    std::istringstream words(line);
    std::string name;
    if (words >> name && name == "place") words >> place.zone >> place.node;
  }
  return place;
}

void tell_answers(const fs::path& file, ClusterState& state, ClusterState::Touched& touched) {
  for (const std::string& line : lines_of(file)) {
    const std::size_t semicolon = std::min(line.find("; "), line.size());
    std::istringstream words(line.substr(0, semicolon));
    std::string name;
    words >> name;
    std::vector<std::string> addresses;
    for (std::string address; words >> address;) addresses.push_back(address);
    const std::string trouble = semicolon == line.size() ? "" : line.substr(semicolon + 2);
    state.apply(answer(name, addresses, trouble), touched);
  }
}

Translation translation_of(const fs::path& folder) {
  const TranslateOptions options = options_of(folder / "options.txt");
  ClusterState state(options);
  ClusterState::Touched touched;
  std::map<Kind, std::vector<json>> by_kind;
  for (json& made : objects_of(folder / "objects.yaml")) by_kind[kind_of(made)].push_back(std::move(made));
  for (const Kind kind : {Kind::ingress, Kind::ingress_class, Kind::service, Kind::endpoint_slice, Kind::secret}) {
    state.apply(replace(kind, by_kind[kind]), touched);
  }
  if (fs::exists(folder / "then.yaml")) {
    for (const json& made : objects_of(folder / "then.yaml")) state.apply(put(made), touched);
  }
  tell_answers(folder / "answers.txt", state, touched);
  state.apply(runs_in(place_of(folder / "options.txt")), touched);
  return translate(state, options);
}

std::string text_of(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += text_of(problem) + "\n";
  return text;
}

// The request lines with the upstream that each is led to now.
std::string answered(const std::vector<std::string>& requests, const Config& config) {
  const auto table = RouteTable::empty()->with(diff(Config{}, config));
  std::string text;
  for (const std::string& line : requests) {
    std::istringstream words(line);
    std::string host;
    std::string path;
    words >> host >> path;
    const RouteMatch match = table->match(host == "-" ? "" : host, path);
    const std::string& key = match.path->route->upstream_key;
    text.append(host).append(" ").append(path).append(" -> ").append(key.empty() ? "404" : key);
    text += match.path->denied ? " denied\n" : "\n";
  }
  return text;
}

void expect_file(const fs::path& file, const std::string& text) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables
  if (const char* update = std::getenv("FAIRLEAD_UPDATE_GOLDEN"); update && std::string(update) == "1") {
    std::ofstream(file, std::ios::binary) << text;
    return;
  }
  EXPECT_TRUE(fs::exists(file)) << file;
  EXPECT_EQ(text, read(file)) << file;
}

class TranslateGolden : public testing::TestWithParam<std::string> {};

TEST_P(TranslateGolden, Is) {
  const fs::path folder = fixtures / GetParam();
  const Translation translation = translation_of(folder);
  expect_file(folder / "config.txt", config_text(translation.config));
  expect_file(folder / "problems.txt", text_of(translation.problems));
  const fs::path requests = folder / "requests.txt";
  if (fs::exists(requests)) expect_file(requests, answered(lines_of(requests), translation.config));
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fixtures)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Case, TranslateGolden, testing::ValuesIn(cases()),
                         [](const auto& given) { return given.param; });

}  // namespace
}  // namespace fairlead
