#include "watcher/status_book.hpp"

#include <algorithm>

#include "router/base/percent_encode.hpp"
#include "watcher/api_text.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

using std::chrono::milliseconds;

constexpr std::uint8_t max_counted = 30;

milliseconds doubled(milliseconds first, unsigned times, milliseconds most) {
  milliseconds delay = first;
  for (unsigned i = 0; i < times && delay < most; ++i) delay *= 2;
  return std::min(delay, most);
}

}  // namespace

void StatusBook::hear(const ObjectName& name, IngressFacts facts, Time now) {
  Entry& entry = entries_[name];
  const bool same_version = entry.heard() && entry.resource_version() == facts.resource_version;
  const bool other_addresses = entry.heard() && *entry.addresses != facts.addresses;
  note_facts(entry, std::move(facts));
  if (entry.refused && !same_version) {
    entry.refused = false;
    entry.not_before = now;
  }
  if (entry.was_written && other_addresses && *entry.addresses != wanted_) note_overwritten(entry, now);
  consider(name, entry);
}

void StatusBook::Entry::hear(const IngressFacts& facts) {
  version_ = PackedBytes(facts.uid + "\n" + facts.resource_version);
}

void StatusBook::note_facts(Entry& entry, IngressFacts facts) {
  entry.hear(facts);
  entry.addresses = Shared(std::move(facts.addresses));
  entry.addresses.share_with(last_addresses_);
  last_addresses_ = entry.addresses;
}

// It may be an older version that comes late: waiting shows. Only if it stays so are we in somebody's way.
void StatusBook::note_overwritten(Entry& entry, Time now) const {
  if (now > entry.written_at + 2 * limits_.overwritten_most) entry.overwritten = 0;  // a long peace
  entry.not_before = now + doubled(limits_.overwritten_first, entry.overwritten, limits_.overwritten_most);
}

void StatusBook::forget(const ObjectName& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  if (found->second.in_flight) --in_flight_;
  entries_.erase(found);
  due_.erase(name);
}

std::vector<ObjectName> StatusBook::names() const {
  std::vector<ObjectName> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::optional<IngressFacts> StatusBook::facts(const ObjectName& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.heard()) return std::nullopt;
  const Entry& entry = found->second;
  return IngressFacts{std::string(entry.uid()), std::string(entry.resource_version()), *entry.addresses};
}

void StatusBook::serve(const ObjectName& name, std::uint64_t generation) {
  Entry& entry = entries_[name];
  entry.served_from = generation;
  if (generation > live_) waiting_[generation].push_back(name);
  consider(name, entry);
}

void StatusBook::do_not_serve(const ObjectName& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) found->second.served_from.reset();
}

void StatusBook::live(std::uint64_t generation) {
  live_ = std::max(live_, generation);
  while (!waiting_.empty() && waiting_.begin()->first <= live_) {
    for (const ObjectName& name : waiting_.begin()->second) {
      if (const auto found = entries_.find(name); found != entries_.end()) consider(name, found->second);
    }
    waiting_.erase(waiting_.begin());
  }
}

void StatusBook::want(PublishedAddresses addresses) {
  if (withdrawing_ || wanted_ == addresses) return;
  wanted_ = std::move(addresses);
  for (auto& [name, entry] : entries_) {
    entry.was_written = false;
    entry.overwritten = 0;
  }
  consider_all();
}

void StatusBook::withdraw() {
  withdrawing_ = true;
  due_.clear();
  later_.clear();
  waiting_.clear();
  for (auto& [name, entry] : entries_) entry.not_before = {};
  consider_all();
}

void StatusBook::consider_all() {
  for (const auto& [name, entry] : entries_) consider(name, entry);
}

bool StatusBook::needs_write(const Entry& entry) const {
  if (!wanted_ || !entry.heard() || entry.in_flight) return false;
  if (!entry.served_from || *entry.served_from > live_) return false;
  if (withdrawing_) return !wanted_->empty() && *entry.addresses == *wanted_;
  return *entry.addresses != *wanted_;
}

void StatusBook::consider(const ObjectName& name, const Entry& entry) {
  if (needs_write(entry)) {
    due_.insert(name);
  } else {
    due_.erase(name);
  }
}

std::optional<std::pair<ObjectName, ApiRequest>> StatusBook::next(Time now) {
  if (now < pause_until_ || in_flight_ >= limits_.max_in_flight) return std::nullopt;
  while (!later_.empty() && later_.begin()->first <= now) {
    due_.insert(later_.begin()->second);
    later_.erase(later_.begin());
  }
  while (!due_.empty()) {
    const auto found = entries_.find(*due_.begin());
    if (found == entries_.end() || !needs_write(found->second)) {
      due_.erase(due_.begin());
      continue;
    }
    auto& [name, entry] = *found;
    if (entry.not_before > now) {
      later_.emplace(entry.not_before, name);
      due_.erase(due_.begin());
      continue;
    }
    if (!bucket_.take(now)) return std::nullopt;
    due_.erase(due_.begin());
    entry.in_flight = true;
    ++in_flight_;
    return std::pair(name, request_for(name, entry));
  }
  return std::nullopt;
}

// The resourceVersion makes the write fail when the Ingress has changed since, by whomever: it is then looked at anew.
ApiRequest StatusBook::request_for(const ObjectName& name, const Entry& entry) const {
  ApiRequest request;
  request.method = "PATCH";
  request.content_type = "application/merge-patch+json";
  request.target =
      api_collection("networking.k8s.io/v1", name.ns, "ingresses") + "/" + percent_encode(name.name) + "/status";
  const nlohmann::json addresses = withdrawing_ || wanted_->empty() ? nlohmann::json() : to_json(*wanted_);
  const nlohmann::json patch = {{"metadata", {{"resourceVersion", entry.resource_version()}}},
                                {"status", {{"loadBalancer", {{"ingress", addresses}}}}}};
  request.body = patch.dump();
  request.timeout = limits_.write_timeout;
  return request;
}

void StatusBook::on_answer(const ObjectName& name, const ApiAnswer& answer, Time now) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.in_flight) return;
  Entry& entry = found->second;
  entry.in_flight = false;
  --in_flight_;
  if (answer.ok()) {
    on_success(name, entry, answer, now);
  } else {
    ++failed_;
    on_refusal(name, entry, answer, now);
  }
  consider(name, entry);
}

void StatusBook::on_success(const ObjectName& name, Entry& entry, const ApiAnswer& answer, Time now) {
  forbidden_.clear();
  ++written_;
  trouble_.clear();
  back_off_.reset();
  entry.failures = 0;
  // Written over what somebody else had put there: the next time we are more patient.
  if (entry.was_written && entry.overwritten < max_counted) ++entry.overwritten;
  entry.written_at = now;
  const auto object = parse_api_json(answer.body);
  if (!object) return on_refusal(name, entry, {422, {}, {}, {}}, now);  // the watch will tell what came of it
  note_facts(entry,
             {std::string(entry.uid()), text_at(*object, {"metadata", "resourceVersion"}), read_addresses(*object)});
  entry.was_written = *entry.addresses == wanted_;
}

// Whether it is not about one Ingress, so that the next write would meet the same. What is forbidden may be either: a
// webhook that objects to some, or a role that grants none.
bool StatusBook::concerns_all(const ObjectName& name, const ApiAnswer& answer) {
  const int status = answer.status;
  if (status == 403 && answer.error.empty()) {
    if (forbidden_.size() <= limits_.max_forbidden) forbidden_.insert(name);
    return forbidden_.size() > limits_.max_forbidden;
  }
  return status == 0 || !answer.error.empty() || status == 401 || status == 429 || status >= 500;
}

void StatusBook::on_refusal(const ObjectName& name, Entry& entry, const ApiAnswer& answer, Time now) {
  if (concerns_all(name, answer)) {
    trouble_ = reason_in(answer);
    if (now < pause_until_) return;  // of several that were under way
    pause_until_ = now + std::max(back_off_.next(), std::min(answer.retry_after, limits_.back_off.most * 5));
    return;
  }
  // Changed or deleted since it was heard, or refused as it is: whatever comes next is another version.
  entry.refused = true;
  entry.not_before = now + doubled(limits_.back_off.first, entry.failures, limits_.back_off.most);
  if (entry.failures < max_counted) ++entry.failures;
}

StatusBook::Time StatusBook::wake_at(Time now) {
  if (in_flight_ >= limits_.max_in_flight) return Time::max();
  Time at = Time::max();
  if (!due_.empty()) at = bucket_.ready_at(now);
  if (!later_.empty()) at = std::min(at, later_.begin()->first);
  return at == Time::max() ? at : std::max(at, pause_until_);
}

}  // namespace fairlead
