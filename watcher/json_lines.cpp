#include "watcher/json_lines.hpp"

#include <bitset>

namespace fairlead {
namespace {

using nlohmann::json;

// A parser callback: leaves out the members nobody reads and notices depth.
class Sieve {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (depth >= max_json_depth) too_deep_ = true;
      return !too_deep_;
    }
    if (event == json::parse_event_t::key) return keep_key(depth, parsed.get_ref<const std::string&>());
    return true;
  }

  bool too_deep() const { return too_deep_; }

 private:
  // Only by its parent is metadata.managedFields told from a Secret's key of that name.
  bool keep_key(int depth, const std::string& key) {
    if (depth < 1 || depth >= max_json_depth) return true;
    const auto at = static_cast<std::size_t>(depth);
    metadata_[at] = key == "metadata";
    annotations_[at] = key == "annotations";
    if (key == "managedFields") return !metadata_[at - 1];
    if (key == "kubectl.kubernetes.io/last-applied-configuration") return !annotations_[at - 1];
    return true;
  }

  std::bitset<max_json_depth> metadata_;  // the latest key at each depth is "metadata"
  std::bitset<max_json_depth> annotations_;
  bool too_deep_ = false;
};

}  // namespace

void JsonLines::append(std::string_view bytes) {
  constexpr std::size_t keep_capacity = 64 * 1024;
  if (too_long_) return;
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  if (buffer_.empty() && buffer_.capacity() > keep_capacity) buffer_.shrink_to_fit();
  buffer_.append(bytes);
}

std::optional<std::string_view> JsonLines::next() {
  while (!too_long_) {
    const std::size_t end = buffer_.find('\n', scanned_);
    const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - start_;
    if (length > max_line_bytes_) {
      clear();
      too_long_ = true;
      break;
    }
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      break;
    }
    std::string_view line(buffer_.data() + start_, length);
    start_ = scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) return line;
  }
  return std::nullopt;
}

void JsonLines::clear() {
  buffer_.clear();
  buffer_.shrink_to_fit();
  start_ = scanned_ = 0;
  too_long_ = false;
}

Result<json> parse_api_json(std::string_view text) {
  Sieve sieve;
  json value = json::parse(text.begin(), text.end(), std::ref(sieve), /*allow_exceptions=*/false);
  if (sieve.too_deep()) return Failure{"JSON of more than " + std::to_string(max_json_depth) + " levels"};
  if (value.is_discarded()) return Failure{"not JSON"};
  return {boost::system::in_place_value, std::move(value)};
}

}  // namespace fairlead
