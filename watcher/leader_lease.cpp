#include "watcher/leader_lease.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "router/base/percent_encode.hpp"
#include "watcher/api_text.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds least_request_time{500};

// metav1.MicroTime.
std::string micro_time(LeaderLease::WallTime wall) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06d}Z", fmt::gmtime(static_cast<std::time_t>(microseconds / 1'000'000)),
                     microseconds % 1'000'000);
}

std::int64_t number_in(const json& object, std::initializer_list<const char*> path) {
  const json* const value = value_at(object, path);
  return value && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

}  // namespace

std::optional<ApiRequest> LeaderLease::next(Time now, WallTime wall) {
  if (running_ || released(now)) return std::nullopt;
  if (!releasing_ && now < next_at_) return std::nullopt;
  running_ = true;
  sent_at_ = now;
  ApiRequest request;
  if (releasing_) {
    step_ = Step::release;
    tried_release_ = true;
    request = release_request(wall);
  } else if (step_ == Step::create) {
    request = write_request("POST", api_collection("coordination.k8s.io/v1", options_.ns, "leases"), wall);
  } else if (step_ == Step::update) {
    request = write_request("PUT", object_target(), wall);
  } else {
    request.target = object_target();
  }
  request.timeout = std::max(options_.renew_deadline() / 2, least_request_time);
  return request;
}

std::string LeaderLease::object_target() const {
  return api_collection("coordination.k8s.io/v1", options_.ns, "leases") + "/" + percent_encode(options_.name);
}

// The rest of the object (labels, fields we do not know) is written back as it was read.
ApiRequest LeaderLease::write_request(const char* method, std::string target, WallTime wall) {
  ApiRequest request;
  request.method = method;
  request.target = std::move(target);
  json object = step_ == Step::create ? json::object() : object_;
  object["apiVersion"] = "coordination.k8s.io/v1";
  object["kind"] = "Lease";
  object["metadata"]["namespace"] = options_.ns;
  object["metadata"]["name"] = options_.name;
  json& spec = object["spec"];
  if (!spec.is_object()) spec = json::object();
  const bool already_ours = text_at(spec, {"holderIdentity"}) == options_.identity;
  if (!already_ours || !spec.contains("acquireTime")) spec["acquireTime"] = micro_time(wall);
  if (step_ == Step::create) {
    spec["leaseTransitions"] = 0;
  } else if (!already_ours) {
    spec["leaseTransitions"] = number_in(spec, {"leaseTransitions"}) + 1;
  }
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = std::chrono::ceil<std::chrono::seconds>(options_.duration).count();
  spec["renewTime"] = micro_time(wall);
  request.body = object.dump();
  return request;
}

ApiRequest LeaderLease::release_request(WallTime wall) {
  ApiRequest request;
  request.method = "PUT";
  request.target = object_target();
  json object = object_;
  json& spec = object["spec"];
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["acquireTime"] = spec["renewTime"] = micro_time(wall);
  request.body = object.dump();
  return request;
}

void LeaderLease::on_answer(const ApiAnswer& answer, Time now) {
  if (!running_) return;
  running_ = false;
  if (step_ == Step::release) {
    leading_until_ = now;  // whatever came of it: who holds nothing does nothing
    if (answer.ok()) holder_ = "";
    return;
  }
  if (step_ == Step::read) return on_read(answer, now);
  on_written(answer, now);
}

void LeaderLease::on_read(const ApiAnswer& answer, Time now) {
  if (answer.status == 404) {
    step_ = Step::create;
    next_at_ = now;
    return;
  }
  if (!answer.ok() || !take_object(answer.body, now)) {
    trouble_ = answer.ok() ? "the answer is no Lease" : reason_in(answer);
    return wait(now);
  }
  trouble_.clear();
  if (holder_ != options_.identity) leading_until_ = std::min(leading_until_, now);
  if (!may_take(now)) return wait(now);
  step_ = Step::update;
  next_at_ = now;
}

// Whether nobody holds the Lease, or whoever did has not been seen to renew it for as long as it said.
bool LeaderLease::may_take(Time now) const {
  if (holder_->empty() || *holder_ == options_.identity) return true;
  return now >= changed_at_ + std::chrono::seconds(number_in(object_, {"spec", "leaseDurationSeconds"}));
}

void LeaderLease::on_written(const ApiAnswer& answer, Time now) {
  const bool was_leading = leading(now);
  step_ = Step::read;
  if (answer.ok() && take_object(answer.body, now) && holder_ == options_.identity) {
    leading_until_ = sent_at_ + options_.renew_deadline();
    trouble_.clear();
    if (leading(now)) step_ = Step::update;  // renewed without reading it first
    return wait(now);
  }
  trouble_ = answer.ok() ? "the answer is no Lease of ours" : reason_in(answer);
  // Somebody else wrote it. A leader looks at once who that was; others were too late, and have time.
  if (answer.status == 409 && was_leading) {
    next_at_ = now;
    return;
  }
  // It may have been written although no answer came: only reading it tells.
  wait(now);
}

// False when it is no Lease.
bool LeaderLease::take_object(const std::string& body, Time now) {
  Result<json> object = parse_api_json(body);
  if (!object || text_at(*object, {"metadata", "name"}) != options_.name) return false;
  const json* const spec = value_at(*object, {"spec"});
  std::string record = spec ? spec->dump() : std::string();
  if (!holder_ || record != record_) changed_at_ = now;
  record_ = std::move(record);
  holder_ = text_at(*object, {"spec", "holderIdentity"});
  object_ = std::move(*object);
  return true;
}

// A leader renews at an even pace. Others look at odd moments, so that they do not all come at once.
void LeaderLease::wait(Time now) {
  const std::chrono::milliseconds period = options_.retry_period();
  if (leading(now)) {
    next_at_ = std::max(now, sent_at_ + period);
    if (!trouble_.empty()) next_at_ = now + period / 2;
    return;
  }
  next_at_ = now + std::chrono::milliseconds(back_off_.pick(period.count() / 2, period.count()));
  if (!trouble_.empty() || !holder_ || holder_->empty()) return;
  const Time expires = changed_at_ + std::chrono::seconds(number_in(object_, {"spec", "leaseDurationSeconds"}));
  if (expires > now) next_at_ = std::min(next_at_, expires);
}

LeaderLease::Time LeaderLease::wake_at() const {
  if (running_) return Time::max();
  if (releasing_) return tried_release_ ? Time::max() : Time{};
  return next_at_;
}

}  // namespace fairlead
