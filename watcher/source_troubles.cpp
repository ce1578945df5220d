#include "watcher/source_troubles.hpp"

namespace fairlead {
namespace {

const char* headline(Trouble::Cause cause) {
  using Cause = Trouble::Cause;
  switch (cause) {
    case Cause::unreachable:
      return "the API server cannot be reached";
    case Cause::untrusted:
      return "the API server cannot show that it is the one that is meant (its certificate is not trusted)";
    case Cause::unauthorized:
      return "the API server does not accept the credentials";
    case Cause::forbidden:
      return "the API server forbids it";
    case Cause::busy:
      return "the API server is busy";
    case Cause::refused:
      return "the API server refuses";
    case Cause::broken_stream:
      return "the API server keeps breaking off";
    case Cause::garbled:
      return "the API server's answer makes no sense";
    case Cause::too_large:
      return "the API server's answer is too large";
  }
  return "";
}

}  // namespace

bool SourceTroubles::set(std::uint64_t id, const std::string& plural, const Trouble* trouble) {
  const auto found = of_.find(id);
  if (trouble == nullptr) {
    if (found == of_.end()) return false;
    const Group group = found->second;
    of_.erase(found);
    const bool changed = leave(group);
    if (changed) log_.info(plural + " are heard again (before: " + headline(group.second) + ")");
    return changed;
  }
  const Group now{plural, trouble->cause};
  if (found == of_.end()) {
    of_.emplace(id, now);
    return enter(now, *trouble);
  }
  if (found->second == now) return false;
  const Group before = std::exchange(found->second, now);
  const bool left = leave(before);
  return enter(now, *trouble) || left;
}

bool SourceTroubles::enter(const Group& group, const Trouble& trouble) {
  Entry& entry = entries_[group];
  if (entry.reflectors++ > 0) return false;
  entry.message = std::string(headline(group.second)) + ": " + trouble.message;
  const bool grave = group.second == Trouble::Cause::untrusted || group.second == Trouble::Cause::unauthorized;
  log_.write(grave ? LogLevel::error : LogLevel::warning, "cannot hear " + group.first + ": " + entry.message);
  return true;
}

bool SourceTroubles::leave(const Group& group) {
  const auto found = entries_.find(group);
  if (found == entries_.end() || --found->second.reflectors > 0) return false;
  entries_.erase(found);
  return true;
}

Problems SourceTroubles::problems() const {
  Problems problems;
  for (const auto& [group, entry] : entries_) {
    problems.push_back({{"Source", "", group.first},
                        "",
                        entry.message + ". What was heard last is still served",
                        group.second == Trouble::Cause::untrusted ? Severity::error : Severity::warning});
  }
  return problems;
}

}  // namespace fairlead
