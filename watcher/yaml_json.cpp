#include "watcher/yaml_json.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>

#include "watcher/json_lines.hpp"
#include "watcher/utf8.hpp"
#include "watcher/yaml_scalar.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::size_t node_bytes = sizeof(json);
constexpr auto max_depth = static_cast<std::size_t>(max_json_depth);

Failure failure_at(std::size_t line, const std::string& message) {
  return Failure{"line " + std::to_string(line) + ": " + message};
}

// Builds JSON from the events of a file, one document after the other. Refuses by YAML::ParserException, which
// parse_yaml turns into a Failure.
class JsonBuilder final : public YAML::EventHandler {
 public:
  // Nothing when the document is empty.
  std::optional<json> take() { return std::exchange(document_, std::nullopt); }

  void OnDocumentStart(const YAML::Mark&) override {
    document_.reset();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (expects_key()) refuse(mark, "a key is missing");
    made_ += node_bytes;
    put(mark, nullptr, {anchor, made_ - node_bytes, 0});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, json::object(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  // Where a value came from, for its anchor.
  struct Origin {
    YAML::anchor_t anchor = 0;
    std::size_t made_before = 0;
    std::size_t height = 0;  // levels below it
  };
  struct Frame {
    json value;
    Origin origin;
    YAML::Mark mark;
    std::optional<std::string> key;  // of the value that comes next
    bool merge = false;              // that value is merged in
    json merged = json::object();    // gives way to keys that are written out
  };
  struct Anchored {
    json value;
    std::size_t bytes = 0;
    std::size_t height = 0;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, const std::string& message) {
    throw YAML::ParserException(mark, message);
  }
  bool expects_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().key && !frames_.back().merge;
  }
  void open(const YAML::Mark& mark, json empty, YAML::anchor_t anchor);
  void close();
  void take_key(const YAML::Mark& mark, std::string key);
  void put(const YAML::Mark& mark, json value, const Origin& origin);
  void merge(const YAML::Mark& mark, const json& value);
  void copy(const YAML::Mark& mark, std::size_t bytes);

  std::optional<json> document_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t made_ = 0;    // bytes of values, about
  std::size_t copied_ = 0;  // of these, by anchors and aliases of all documents of the file
};

void JsonBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  const std::size_t made_before = made_;
  made_ += node_bytes + value.size();
  if (expects_key() && tag == "?" && value == "<<") {
    frames_.back().merge = true;
    return;
  }
  Result<json> resolved = resolve_yaml_scalar(tag, value);
  if (!resolved) refuse(mark, resolved.error().message);
  if (!expects_key()) return put(mark, std::move(*resolved), {anchor, made_before, 0});
  if (resolved->is_null()) refuse(mark, "a key is null; put it in quotes");
  if (anchor != 0) anchors_[anchor] = {*resolved, node_bytes + value.size(), 0};
  take_key(mark, resolved->is_string() ? resolved->get<std::string>() : resolved->dump());
}

void JsonBuilder::take_key(const YAML::Mark& mark, std::string key) {
  Frame& frame = frames_.back();
  if (frame.value.contains(key)) refuse(mark, "a key appears for the second time in the same mapping");
  frame.key = std::move(key);
}

void JsonBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) refuse(mark, "an alias stands inside of what it refers to");
  const Anchored& anchored = found->second;
  copy(mark, anchored.bytes);
  made_ += anchored.bytes;
  if (frames_.size() + anchored.height > max_depth) {
    refuse(mark, "more than " + std::to_string(max_depth) + " levels");
  }
  if (!expects_key()) return put(mark, anchored.value, {0, 0, anchored.height});
  if (!anchored.value.is_string()) refuse(mark, "a key is an alias of something that is no text");
  take_key(mark, anchored.value.get<std::string>());
}

void JsonBuilder::copy(const YAML::Mark& mark, std::size_t bytes) {
  copied_ += bytes;
  if (copied_ > max_manifest_copied_bytes) {
    refuse(mark, "aliases blow the file up to more than " + std::to_string(max_manifest_copied_bytes) + " bytes");
  }
}

void JsonBuilder::open(const YAML::Mark& mark, json empty, YAML::anchor_t anchor) {
  if (expects_key()) refuse(mark, "a key is a mapping or a sequence; JSON has only text there");
  if (frames_.size() >= max_depth) refuse(mark, "more than " + std::to_string(max_depth) + " levels");
  Frame frame;
  frame.value = std::move(empty);
  frame.origin = {anchor, made_, 0};
  frame.mark = mark;
  frames_.push_back(std::move(frame));
  made_ += node_bytes;
}

void JsonBuilder::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  for (auto& [key, value] : frame.merged.items()) {
    if (!frame.value.contains(key)) frame.value[key] = std::move(value);
  }
  put(frame.mark, std::move(frame.value), frame.origin);
}

void JsonBuilder::put(const YAML::Mark& mark, json value, const Origin& origin) {
  if (origin.anchor != 0) {
    const std::size_t bytes = made_ - origin.made_before;
    copy(mark, bytes);
    anchors_[origin.anchor] = {value, bytes, origin.height};
  }
  if (frames_.empty()) {
    if (!value.is_null()) document_ = std::move(value);
    return;
  }
  Frame& frame = frames_.back();
  frame.origin.height = std::max(frame.origin.height, origin.height + 1);
  if (frame.value.is_array()) {
    frame.value.push_back(std::move(value));
  } else if (std::exchange(frame.merge, false)) {
    merge(mark, value);
  } else {
    frame.value[*std::exchange(frame.key, std::nullopt)] = std::move(value);
  }
}

void JsonBuilder::merge(const YAML::Mark& mark, const json& value) {
  json& merged = frames_.back().merged;
  const auto take = [&](const json& map) {
    if (!map.is_object()) refuse(mark, "'<<' merges mappings and nothing else");
    merged.insert(map.begin(), map.end());  // the first one wins
  };
  if (!value.is_array()) return take(value);
  for (const json& map : value) take(map);
}

// yaml-cpp takes a quote that is still open at the end of the last line for one that was closed there. The comment
// makes it look for the rest.
std::string with_end_comment(std::string_view text) {
  const bool ends_in_blank = !text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos;
  if (!ends_in_blank) return std::string(text);
  return std::string(text) + (text.back() == '\n' ? "#" : "\n#");
}

Result<std::vector<json>> parse_yaml(std::string_view text) {
  std::istringstream in{with_end_comment(text)};
  std::vector<json> documents;
  try {
    YAML::Parser parser(in);
    JsonBuilder builder;
    for (std::size_t count = 0; parser.HandleNextDocument(builder); ++count) {
      if (count == max_manifest_documents) {
        return Failure{"more than " + std::to_string(max_manifest_documents) + " documents in one file"};
      }
      if (auto document = builder.take()) documents.push_back(std::move(*document));
    }
  } catch (const YAML::Exception& e) {
    return failure_at(static_cast<std::size_t>(std::max(0, e.mark.line)) + 1, e.msg);
  }
  return {boost::system::in_place_value, std::move(documents)};
}

// Nothing when it is no JSON, or JSON that must be refused: read as YAML it is refused again, with its line.
std::optional<json> parse_json(std::string_view text) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open, by depth
  bool refused = false;
  const auto watch = [&](int depth, json::parse_event_t event, const json& parsed) {
    if (refused || depth > max_json_depth) return !(refused = true);
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start) {
      keys.resize(std::max(keys.size(), level + 2));
      keys[level + 1].clear();
    } else if (event == json::parse_event_t::key) {
      refused = !keys[level].insert(parsed.get<std::string>()).second;
    }
    return !refused;
  };
  json value = json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (refused || value.is_discarded()) return std::nullopt;
  return value;
}

// Unfolds lists; an item of a typed one need not say what it is.
void add_objects(json document, std::vector<json>& out) {
  const auto kind_at = document.is_object() ? document.find("kind") : document.end();
  const bool has_kind = document.is_object() && kind_at != document.end() && kind_at->is_string();
  const std::string kind = has_kind ? kind_at->get<std::string>() : std::string();
  if (!kind.ends_with("List") || !document.contains("items") || !document["items"].is_array()) {
    out.push_back(std::move(document));
    return;
  }
  const std::string item_kind = kind.substr(0, kind.size() - 4);
  for (json& item : document["items"]) {
    if (item.is_null()) continue;
    if (item.is_object() && !item_kind.empty()) {
      if (!item.contains("kind")) item["kind"] = item_kind;
      if (!item.contains("apiVersion") && document.contains("apiVersion")) item["apiVersion"] = document["apiVersion"];
    }
    add_objects(std::move(item), out);
  }
}

// The line of the first byte that is no UTF-8 text, or 0.
std::size_t line_of_bad_text(std::string_view text) {
  const std::size_t bad = std::min(text.find('\0'), find_not_utf8(text));
  if (bad == std::string_view::npos) return 0;
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n'));
}

}  // namespace

Result<std::vector<json>> parse_manifest(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.size() > max_manifest_bytes) {
    return Failure{"it is larger than " + std::to_string(max_manifest_bytes) + " bytes"};
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (const std::size_t line = line_of_bad_text(text); line != 0) return failure_at(line, "this is no UTF-8 text");
  std::vector<json> documents;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  std::optional<json> value;
  if (first != std::string_view::npos && text[first] == '{') value = parse_json(text);
  if (value) {
    documents.push_back(std::move(*value));
  } else {
    Result<std::vector<json>> parsed = parse_yaml(text);
    if (!parsed) return parsed.error();
    documents = std::move(*parsed);
  }
  std::vector<json> objects;
  for (json& document : documents) add_objects(std::move(document), objects);
  return {boost::system::in_place_value, std::move(objects)};
}

}  // namespace fairlead
