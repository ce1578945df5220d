#include "watcher/event_book.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "router/base/percent_encode.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::size_t max_ingress_part = 200;  // of an Event's name, which has at most 253

// metav1.Time.
std::string time_text(EventBook::WallTime wall) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(wall)));
}

// Not within a character of several bytes.
void shorten(std::string& text, std::size_t most) {
  if (text.size() <= most) return;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  text += "…";
}

std::string key_of(const EventNote& note) {
  return note.uid + '\n' + note.reason + '\n' + note.message;
}

std::string collection_of(const EventNote& note) {
  return api_collection("v1", note.ingress.ns, "events");
}

}  // namespace

void EventBook::add(EventNote note, Time now) {
  shorten(note.message, limits_.max_message_bytes);
  if (!allowed(note.uid, now)) {
    ++dropped_;
    return;
  }
  std::string key = key_of(note);
  const auto known = by_key_.find(key);
  const bool waits = known != by_key_.end() && known->second->queued;
  if (!waits && queue_.size() >= limits_.max_queued) {
    ++dropped_;  // and not remembered: there may be any number
    return;
  }
  const Memory::iterator event = remember(std::move(note), std::move(key));
  ++event->more;
  if (event->queued) return;
  event->queued = true;
  queue_.push_back(event);
}

bool EventBook::allowed(const std::string& uid, Time now) {
  if (objects_.size() >= limits_.max_remembered && !objects_.contains(uid)) objects_.clear();
  const auto [at, is_new] = objects_.try_emplace(uid, limits_.object_per_second, limits_.object_burst);
  return at->second.take(now);
}

// The same as before, or a new one in the place of the one that was not repeated for longest.
EventBook::Memory::iterator EventBook::remember(EventNote note, std::string key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    found->second->note = std::move(note);
    memory_.splice(memory_.begin(), memory_, found->second);
    return memory_.begin();
  }
  while (memory_.size() >= limits_.max_remembered && !memory_.back().queued) {
    by_key_.erase(memory_.back().key);
    memory_.pop_back();
  }
  memory_.push_front({std::move(note), key, {}, {}, 0, 0, false});
  by_key_.emplace(std::move(key), memory_.begin());
  return memory_.begin();
}

void EventBook::drop_queued() {
  for (auto at = queue_.begin() + (running_ ? 1 : 0); at != queue_.end();) {
    (*at)->queued = false;
    (*at)->more = 0;
    at = queue_.erase(at);
  }
}

std::optional<ApiRequest> EventBook::next(Time now, WallTime wall) {
  if (running_ || queue_.empty() || now < pause_until_ || !bucket_.take(now)) return std::nullopt;
  running_ = true;
  Remembered& event = *queue_.front();
  told_ = event.more;
  ApiRequest request = event.name.empty() ? create_request(event, wall) : count_request(event, wall);
  request.timeout = limits_.write_timeout;
  return request;
}

ApiRequest EventBook::create_request(Remembered& event, WallTime wall) {
  const EventNote& note = event.note;
  event.first = time_text(wall);
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(wall.time_since_epoch()).count();
  new_name_ =
      fmt::format("{}.{:x}{:04x}", note.ingress.name.substr(0, max_ingress_part), nanoseconds, ++serial_ & 0xffff);
  const json object = {{"apiVersion", "v1"},
                       {"kind", "Event"},
                       {"metadata", {{"name", new_name_}, {"namespace", note.ingress.ns}}},
                       {"involvedObject",
                        {{"apiVersion", "networking.k8s.io/v1"},
                         {"kind", "Ingress"},
                         {"namespace", note.ingress.ns},
                         {"name", note.ingress.name},
                         {"uid", note.uid},
                         {"resourceVersion", note.resource_version}}},
                       {"type", note.warning ? "Warning" : "Normal"},
                       {"reason", note.reason},
                       {"message", note.message},
                       {"source", {{"component", component_}}},
                       {"reportingComponent", component_},
                       {"reportingInstance", instance_},
                       {"firstTimestamp", event.first},
                       {"lastTimestamp", event.first},
                       {"count", event.more}};
  ApiRequest request;
  request.method = "POST";
  request.target = collection_of(note);
  request.body = object.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

ApiRequest EventBook::count_request(const Remembered& event, WallTime wall) const {
  ApiRequest request;
  request.method = "PATCH";
  request.content_type = "application/merge-patch+json";
  request.target = collection_of(event.note) + "/" + percent_encode(event.name);
  request.body = json{{"count", event.count + event.more}, {"lastTimestamp", time_text(wall)}}.dump();
  return request;
}

void EventBook::on_answer(const ApiAnswer& answer, Time now) {
  if (!running_) return;
  running_ = false;
  Remembered& event = *queue_.front();
  const bool was_there = !event.name.empty();
  if (answer.ok()) {
    event.count += told_;
    event.more -= told_;
    if (!was_there) event.name = std::exchange(new_name_, {});
    ++written_;
    trouble_.clear();
    back_off_.reset();
    return leave_queue(event.more > 0);
  }
  const bool passing = answer.status == 0 || !answer.error.empty() || answer.status == 401 || answer.status == 403 ||
                       answer.status == 429 || answer.status >= 500;
  if (passing) {
    trouble_ = reason_in(answer);
    pause_until_ = now + std::max(back_off_.next(), std::min(answer.retry_after, limits_.back_off.most * 5));
  } else if (was_there) {  // it has expired: Events live for an hour
    event.name.clear();
    event.count = 0;
    event.first.clear();
  } else {
    tries_ = limits_.max_tries;
  }
  if (++tries_ < limits_.max_tries) return;
  ++dropped_;
  event.more = 0;
  leave_queue(false);
}

void EventBook::leave_queue(bool again) {
  const Memory::iterator event = queue_.front();
  queue_.pop_front();
  tries_ = 0;
  event->queued = again;
  if (again) queue_.push_back(event);
}

EventBook::Time EventBook::wake_at(Time now) {
  if (running_ || queue_.empty()) return Time::max();
  return std::max(pause_until_, bucket_.ready_at(now));
}

}  // namespace fairlead
