#pragma once

#include <chrono>
#include <optional>

namespace fairlead {

// When the first step may be taken: once everything is synced, and DNS was heard about every name that is wanted, or
// had time enough. A DNS server that is away keeps nobody else's hosts from being served.
class FirstStep {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit FirstStep(std::chrono::milliseconds patience) : patience_(patience) {}

  // Whether steps may be taken. Once true, it stays so.
  bool may(bool synced, bool names_answered, Time now) {
    waits_for_names_ = synced && !names_answered;
    if (passed_ || !synced) return passed_;
    if (!until_) until_ = now + patience_;
    return passed_ = names_answered || now >= *until_;
  }

  bool passed() const { return passed_; }

  // When to look again though nothing happened.
  std::optional<Time> wake_at() const { return passed_ || !waits_for_names_ ? std::nullopt : until_; }

 private:
  const std::chrono::milliseconds patience_;
  std::optional<Time> until_;  // set when everything else was there first
  bool waits_for_names_ = false;
  bool passed_ = false;
};

}  // namespace fairlead
