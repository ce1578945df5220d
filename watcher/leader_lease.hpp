#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"

namespace fairlead {

struct LeaseOptions {
  std::string ns;
  std::string name = "ingress-controller-leader";
  std::string identity;  // unlike that of any other replica
  std::chrono::milliseconds duration{30'000};

  // As ingress-nginx divides it.
  std::chrono::milliseconds renew_deadline() const { return duration / 2; }
  std::chrono::milliseconds retry_period() const { return duration / 4; }
};

// Leader election by a coordination.k8s.io/v1 Lease, with the rules of client-go, as a state machine without I/O or
// clock. Times in the Lease were written by other machines' clocks and are never compared with ours: a Lease is held as
// long as its record was seen to change within its duration, by our own clock. A leader counts from before it asked,
// and gives up well before the others may take over, so that two never lead at once however long an answer took.
class LeaderLease {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using WallTime = std::chrono::system_clock::time_point;

  LeaderLease(LeaseOptions options, std::uint32_t seed) : options_(std::move(options)), back_off_({}, seed) {}

  // The request to make now, if one is due. Until its on_answer no other is. wall: only written, for people to read.
  std::optional<ApiRequest> next(Time now, WallTime wall);
  void on_answer(const ApiAnswer& answer, Time now);

  // Gives the Lease back, if it is held; then next() asks for nothing more.
  void release() { releasing_ = true; }
  bool released(Time now) const { return releasing_ && !running_ && (tried_release_ || !leading(now)); }

  bool leading(Time now) const { return now < leading_until_; }
  Time leading_until() const { return leading_until_; }
  // Who held the Lease when it was last read or written: "" = nobody. Nothing before it was.
  const std::optional<std::string>& holder() const { return holder_; }
  const std::string& trouble() const { return trouble_; }  // why the last try did not work; "" = it did
  Time wake_at() const;

 private:
  enum class Step { read, create, update, release };

  ApiRequest write_request(const char* method, std::string target, WallTime wall);
  ApiRequest release_request(WallTime wall);
  nlohmann::json spec_to_write(WallTime wall) const;
  std::string object_target() const;
  void on_read(const ApiAnswer& answer, Time now);
  void on_written(const ApiAnswer& answer, Time now);
  bool take_object(const std::string& body, Time now);
  bool may_take(Time now) const;
  void wait(Time now);

  const LeaseOptions options_;
  BackOff back_off_;  // for its chance only

  Step step_ = Step::read;
  bool running_ = false;
  bool releasing_ = false;
  bool tried_release_ = false;
  Time next_at_{};
  Time sent_at_{};
  Time leading_until_{};

  nlohmann::json object_;  // as last read or written
  std::string record_;     // its spec, to see it change
  Time changed_at_{};      // when we saw that, by our clock
  std::optional<std::string> holder_;
  std::string trouble_;
};

}  // namespace fairlead
