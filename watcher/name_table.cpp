#include "watcher/name_table.hpp"

#include <algorithm>

namespace fairlead {

NameTable::NameTable(NameLimits limits, AddressFamily preferred, std::uint32_t seed)
    : limits_(limits), preferred_(preferred), seed_(seed) {}

AddressFamily NameTable::other() const {
  return preferred_ == AddressFamily::v4 ? AddressFamily::v6 : AddressFamily::v4;
}

void NameTable::want(const Serials& names, Time now) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto wanted = names.find(at->first);
    if (wanted == names.end()) {
      due_.erase({at->second.due, at->first});
      news_.erase(at->first);
      at = entries_.erase(at);
      continue;
    }
    const bool again = at->second.serial != wanted->second;
    at->second.serial = wanted->second;
    if (again && at->second.answer) news_.insert_or_assign(at->first, *at->second.answer);
    ++at;
  }
  admit(names, now);
}

// Names that are known go before those that are new.
void NameTable::admit(const Serials& names, Time now) {
  Serials before = std::exchange(turned_away_, {});
  for (const auto& [name, serial] : names) {
    if (entries_.contains(name)) continue;
    if (entries_.size() < limits_.max_names) {
      Entry& entry = entries_.emplace(name, Entry{serial, preferred_, BackOff(limits_.retry, seed_++)}).first->second;
      schedule(name, entry, now);
      continue;
    }
    turned_away_.emplace(name, serial);
    const auto known = before.find(name);
    if (known != before.end() && known->second == serial) continue;
    news_.insert_or_assign(name, NameAnswer{{},
                                            "is not resolved, since there are " + std::to_string(limits_.max_names) +
                                                " other names already, which is the most"});
  }
}

void NameTable::schedule(const std::string& name, Entry& entry, Time at) {
  entry.asked = 0;
  entry.due = at;
  due_.emplace(at, name);
}

std::optional<NameQuestion> NameTable::next(Time now) {
  if (in_flight_ >= limits_.max_in_flight || due_.empty() || due_.begin()->first > now) return std::nullopt;
  const std::string name = due_.begin()->second;
  due_.erase(due_.begin());
  Entry& entry = entries_.at(name);
  entry.asked = ++last_id_;
  ++in_flight_;
  return NameQuestion{name, entry.family, entry.asked};
}

NameTable::Time NameTable::wake_at() const {
  return in_flight_ >= limits_.max_in_flight || due_.empty() ? Time::max() : due_.begin()->first;
}

void NameTable::on_reply(const NameQuestion& question, NameReply reply, Time now) {
  --in_flight_;
  const auto found = entries_.find(question.name);
  if (found == entries_.end() || found->second.asked != question.id) return;
  Entry& entry = found->second;
  switch (reply.type) {
    case NameReply::Type::addresses:
      return take_addresses(question.name, entry, reply, now);
    case NameReply::Type::no_address:
    case NameReply::Type::no_name:
      return take_absence(question.name, entry, reply.type, now);
    case NameReply::Type::failed:
      return take_failure(question.name, entry, reply.reason, now);
  }
}

void NameTable::take_addresses(const std::string& name, Entry& entry, NameReply& reply, Time now) {
  NameAnswer answer{std::move(reply.addresses), {}};
  std::sort(answer.addresses.begin(), answer.addresses.end());
  answer.addresses.erase(std::unique(answer.addresses.begin(), answer.addresses.end()), answer.addresses.end());
  if (answer.addresses.size() > limits_.max_addresses) {
    answer.addresses.resize(limits_.max_addresses);
    answer.trouble =
        "has more than " + std::to_string(limits_.max_addresses) + " addresses: the lowest of them are used";
  }
  entry.back_off.reset();
  entry.family = preferred_;
  const auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(reply.ttl);
  schedule(name, entry, now + std::clamp(ttl, limits_.min_ttl, limits_.max_ttl));
  set_answer(name, entry, std::move(answer));
}

// Some servers deny the name when they have no record of this family: the other one is asked for all the same.
void NameTable::take_absence(const std::string& name, Entry& entry, NameReply::Type type, Time now) {
  const bool exists = type == NameReply::Type::no_address;
  if (entry.family == preferred_) {
    entry.exists = exists;
    entry.family = other();
    return schedule(name, entry, now);
  }
  entry.back_off.reset();
  entry.family = preferred_;
  schedule(name, entry, now + limits_.negative_ttl);
  set_answer(name, entry, {{}, entry.exists || exists ? "has no address" : "does not exist (NXDOMAIN)"});
}

void NameTable::take_failure(const std::string& name, Entry& entry, const std::string& reason, Time now) {
  entry.family = preferred_;
  schedule(name, entry, now + entry.back_off.next());
  NameAnswer answer;
  if (entry.answer) answer.addresses = entry.answer->addresses;
  answer.trouble = "cannot be resolved: " + reason;
  if (!answer.addresses.empty()) answer.trouble += "; the last addresses known stay in use";
  set_answer(name, entry, std::move(answer));
}

void NameTable::set_answer(const std::string& name, Entry& entry, NameAnswer answer) {
  if (entry.answer == answer) return;
  news_.insert_or_assign(name, answer);
  entry.answer = std::move(answer);
}

std::vector<std::pair<std::string, NameAnswer>> NameTable::take_news() {
  std::vector<std::pair<std::string, NameAnswer>> news;
  for (auto& [name, answer] : std::exchange(news_, {})) news.emplace_back(name, std::move(answer));
  return news;
}

}  // namespace fairlead
