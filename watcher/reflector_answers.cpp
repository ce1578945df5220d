#include <utility>

#include "watcher/api_text.hpp"
#include "watcher/reflector.hpp"

// What a Reflector makes of lists and events; when to ask for them is in reflector.cpp.
namespace fairlead {
namespace {

using nlohmann::json;

constexpr int http_gone = 410;
constexpr const char* initial_events_end = "k8s.io/initial-events-end";

ObjectName name_of(const json& object) {
  return {text_at(object, {"metadata", "namespace"}), text_at(object, {"metadata", "name"})};
}

bool is_change(const std::string& type) {
  return type == "ADDED" || type == "MODIFIED" || type == "DELETED";
}

}  // namespace

bool Reflector::on_line(std::string_view line) {
  Result<json> event = parse_api_json(line);
  if (!event) return give_up(Cause::garbled, "a watch event is " + event.error().message);
  return on_event(std::move(*event));
}

bool Reflector::on_event(json event) {
  const std::string type = text_at(event, {"type"});
  const auto found = event.is_object() ? event.find("object") : event.end();
  if (found == event.end() || !found->is_object()) return give_up(Cause::garbled, "a watch event has no object");
  json& object = *found;
  if (type == "ERROR") return on_error_event(object);
  if (phase_ == Phase::stream) return on_initial_event(type, object);

  const std::string version = text_at(object, {"metadata", "resourceVersion"});
  if (version.empty()) return give_up(Cause::garbled, "a watch event has no resourceVersion");
  if (type == "BOOKMARK") {
    resource_version_ = version;
    return true;
  }
  if (name_of(object).name.empty()) return give_up(Cause::garbled, "a watch event names no object");
  if (!is_change(type)) {
    return give_up(Cause::garbled, "a watch event has the unknown type '" + one_line(type) + "'");
  }
  Change change = change_of(type, std::move(object));
  // A server that does not know the field selector must not make us read what nobody referenced.
  if (!resource_.single || change.name == *resource_.single) changes_.push_back(std::move(change));
  resource_version_ = version;
  return true;
}

Change Reflector::change_of(const std::string& type, json object) const {
  Change change;
  change.kind = resource_.kind;
  change.name = name_of(object);
  change.type = type == "DELETED" ? Change::Type::remove : Change::Type::put;
  if (type != "DELETED") change.object = std::move(object);
  return change;
}

// What exists comes as ADDED; what changes meanwhile comes in between; a bookmark of its own says that this was all.
bool Reflector::on_initial_event(const std::string& type, json& object) {
  if (type == "BOOKMARK") {
    if (text_at(object, {"metadata", "annotations", initial_events_end}) != "true") return true;
    resource_version_ = text_at(object, {"metadata", "resourceVersion"});
    if (resource_version_.empty()) return give_up(Cause::garbled, "the end of the list has no resourceVersion");
    stream_is_whole_ = true;
    return false;
  }
  if (!is_change(type) || name_of(object).name.empty()) {
    return give_up(Cause::garbled, "the list has an event of the type '" + one_line(type) + "' that cannot be used");
  }
  if (listed_.size() + after_list_.size() >= options_.max_objects) {
    return give_up(Cause::too_large, "the list has more than " + std::to_string(options_.max_objects) + " objects");
  }
  if (type == "ADDED" && after_list_.empty()) {
    listed_.push_back(object);
  } else {
    after_list_.push_back(change_of(type, std::move(object)));
  }
  return true;
}

bool Reflector::on_error_event(const json& status) {
  const auto code = status.find("code");
  const bool gone = (code != status.end() && code->is_number_integer() && *code == http_gone) ||
                    text_at(status, {"reason"}) == "Expired";
  give_up(Cause::refused, "the watch was ended by the server: " + one_line(text_at(status, {"message"})));
  verdict_->gone = gone;
  return false;
}

void Reflector::take_page(Time now) {
  Result<json> page = parse_api_json(body_);
  body_.clear();
  body_.shrink_to_fit();
  const std::string objection = page ? add_items(*page) : "it is " + page.error().message;
  if (!objection.empty()) {
    list_again();
    return wait(Cause::garbled, "the list cannot be used: " + objection, now, {});
  }
  continue_token_ = text_at(*page, {"metadata", "continue"});
  resource_version_ = text_at(*page, {"metadata", "resourceVersion"});
  if (continue_token_.empty()) return finish_list(now);
  next_at_ = now;
}

// Why this is no page of a list, so that nothing may be concluded from it; "" when it is one.
std::string Reflector::add_items(json& page) {
  if (text_at(page, {"metadata", "resourceVersion"}).empty()) return "it has no resourceVersion";
  const auto items = page.find("items");
  if (items == page.end()) return "it has no items";
  const bool last = text_at(page, {"metadata", "continue"}).empty();
  if (items->is_null() && last) return {};  // how an empty list may be written
  if (!items->is_array()) return "its items are no array";
  if (items->empty() && !last) return "an empty page promises more";
  if (listed_.size() + items->size() > options_.max_objects) {
    return "it has more than " + std::to_string(options_.max_objects) + " objects";
  }
  for (json& item : *items) {
    if (text_at(item, {"metadata", "name"}).empty()) return "one of its objects has no name";
    listed_.push_back(item);
  }
  return {};
}

void Reflector::finish_list(Time now) {
  Change change;
  change.kind = resource_.kind;
  if (resource_.single) {
    change.type = Change::Type::remove;
    change.name = *resource_.single;
    for (const json& object : listed_) {
      if (name_of(object) != change.name) continue;
      change.type = Change::Type::put;
      change.object = object;
      break;
    }
  } else {
    change.type = Change::Type::replace;
    change.objects = std::move(listed_);
  }
  changes_.push_back(std::move(change));
  for (Change& later : after_list_) changes_.push_back(std::move(later));
  after_list_.clear();
  announced_ = true;
  failed_streams_ = 0;
  listed_.clear();
  phase_ = Phase::watch;
  next_at_ = now;
}

}  // namespace fairlead
