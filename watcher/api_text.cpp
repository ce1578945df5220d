#include "watcher/api_text.hpp"

#include <algorithm>

#include "router/base/percent_encode.hpp"
#include "watcher/api_request.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {

std::string one_line(std::string text) {
  constexpr std::size_t max_told_bytes = 300;
  if (text.size() > max_told_bytes) text = text.substr(0, max_told_bytes) + "…";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

const nlohmann::json* value_at(const nlohmann::json& value, std::initializer_list<const char*> path) {
  const nlohmann::json* at = &value;
  for (const char* member : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(member);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string text_at(const nlohmann::json& value, std::initializer_list<const char*> path) {
  const nlohmann::json* const found = value_at(value, path);
  return found && found->is_string() ? found->get<std::string>() : std::string();
}

std::string reason_in(const ApiAnswer& answer) {
  if (answer.status == 0) return answer.error.empty() ? "no answer" : one_line(answer.error);
  const std::string message = "HTTP " + std::to_string(answer.status);
  const Result<nlohmann::json> status = parse_api_json(answer.body);
  const std::string told = status ? one_line(text_at(*status, {"message"})) : one_line(answer.error);
  return told.empty() ? message : message + ": " + told;
}

std::string api_collection(const std::string& group_version, const std::string& ns, const std::string& plural) {
  const std::string base = group_version == "v1" ? "/api/v1" : "/apis/" + group_version;
  return base + (ns.empty() ? "" : "/namespaces/" + percent_encode(ns)) + "/" + plural;
}

}  // namespace fairlead
