#include "watcher/report.hpp"

#include <algorithm>
#include <unordered_set>

#include "router/base/percent_encode.hpp"
#include "watcher/json_lines.hpp"

namespace fairlead {
namespace {

constexpr std::chrono::milliseconds ask_timeout{5'000};  // while the program stops

ApiRequest get(std::string target) {
  ApiRequest request;
  request.target = std::move(target);
  request.timeout = ask_timeout;
  return request;
}

// As in ingress-nginx where it has a word for it.
std::string reason_of(const Problem& problem) {
  if (problem.field.starts_with("metadata.annotations")) return "AnnotationParsingFailed";
  if (problem.severity == Severity::error) return "Rejected";
  return problem.severity == Severity::warning ? "NotHonoured" : "Notice";
}

}  // namespace

Report::Report(ReportOptions options, std::uint32_t seed)
    : options_(std::move(options)),
      lease_(options_.lease, seed),
      addresses_(options_.addresses, seed + 1),
      status_(options_.status, seed + 2),
      events_(options_.component, options_.lease.identity, options_.events, seed + 3) {
  if (!options_.update_status) (void)addresses_.take_resources();
}

void Report::hear(const ReportNews& news, Time now) {
  if (news.all_facts) {
    std::unordered_set<ObjectName, ObjectNameHash> present;
    for (const auto& [name, facts] : news.facts) present.insert(name);
    for (const ObjectName& name : status_.names()) {
      if (!present.contains(name)) status_.forget(name);
    }
  }
  for (const auto& [name, facts] : news.facts) {
    if (facts) {
      status_.hear(name, *facts, now);
    } else {
      status_.forget(name);
    }
  }
  for (const ReportNews::Served& served : news.served) {
    if (served.served) {
      status_.serve(served.ingress, served.generation);
      add_sync_event(served, now);
    } else {
      status_.do_not_serve(served.ingress);
    }
  }
  for (const Problem& problem : news.problems) add_problem_event(problem, now);
}

void Report::add_sync_event(const ReportNews::Served& served, Time now) {
  if (options_.sync_events) add_event(served.ingress, false, "Sync", "Scheduled for sync", now);
}

void Report::add_problem_event(const Problem& problem, Time now) {
  if (!options_.problem_events || problem.object.kind != text_of(Kind::ingress)) return;
  std::string message = problem.field.empty() ? problem.message : problem.field + ": " + problem.message;
  add_event({problem.object.ns, problem.object.name}, problem.severity != Severity::notice, reason_of(problem),
            std::move(message), now);
}

void Report::add_event(const ObjectName& ingress, bool warning, std::string reason, std::string message, Time now) {
  const auto facts = status_.facts(ingress);
  if (!facts || stopping_) return;  // deleted meanwhile
  events_.add({ingress, facts->uid, facts->resource_version, warning, std::move(reason), std::move(message)}, now);
}

void Report::hear(const std::string& plural, const Change& change, Time now) {
  addresses_.hear(plural, change, now);
}

void Report::follow_leadership(Time now) {
  const bool leads = !options_.elect || lease_.leading(now);
  lost_ = lost_ || (leading_ && !leads);
  leading_ = leads;
  const std::optional<std::string>& holder = lease_.holder();
  if (!leads && holder && !holder->empty() && *holder != options_.lease.identity) events_.drop_queued();
}

std::vector<Report::Call> Report::due(Time now, WallTime wall) {
  std::vector<Call> calls;
  follow_leadership(now);
  if (stopping_ && stage_ == Stage::running) begin_stop();
  if (stage_ != Stage::running) advance_stop(calls, now);
  add_calls(calls, now, wall);
  return calls;
}

void Report::add_calls(std::vector<Call>& calls, Time now, WallTime wall) {
  if (options_.elect && stage_ != Stage::finished) {
    if (auto request = lease_.next(now, wall)) calls.push_back({Errand::lease, {}, std::move(*request)});
  }
  if (stage_ == Stage::running && options_.update_status) {
    if (auto request = addresses_.next(now)) calls.push_back({Errand::address, {}, std::move(*request)});
    if (auto found = addresses_.addresses(); found && found != published_) {
      published_ = std::move(found);
      status_.want(*published_);
    }
  }
  if (!leading_ || (stage_ != Stage::running && stage_ != Stage::withdraw)) return;
  while (options_.update_status) {
    auto write = status_.next(now);
    if (!write) break;
    calls.push_back({Errand::status, std::move(write->first), std::move(write->second)});
  }
  if (stage_ != Stage::running) return;
  if (auto request = events_.next(now, wall)) calls.push_back({Errand::event, {}, std::move(*request)});
}

// Who does not lead leaves all to the leader, and who has not written anything has nothing to remove.
void Report::begin_stop() {
  const bool withdraws = leading_ && options_.update_status && options_.withdraw_on_stop && published_;
  if (!withdraws) {
    stage_ = Stage::release;
  } else if (options_.addresses.pod.name.empty()) {
    stage_ = Stage::withdraw;  // nobody else is known
    status_.withdraw();
  } else {
    stage_ = Stage::find_own_pod;
  }
}

void Report::advance_stop(std::vector<Call>& calls, Time now) {
  const std::string pods = api_collection("v1", options_.addresses.pod.ns, "pods");
  if (stage_ != Stage::release && !leading_) stage_ = Stage::release;
  if (stage_ == Stage::find_own_pod && !std::exchange(asked_, true)) {
    calls.push_back({Errand::own_pod, {}, get(pods + "/" + percent_encode(options_.addresses.pod.name))});
  }
  if (stage_ == Stage::count_replicas && !std::exchange(asked_, true)) {
    calls.push_back({Errand::replicas, {}, get(pods + "?labelSelector=" + percent_encode(selector_))});
  }
  if (stage_ == Stage::withdraw && status_.pending() == 0) stage_ = Stage::release;
  if (stage_ != Stage::release) return;
  if (options_.elect) lease_.release();
  if (!options_.elect || lease_.released(now)) stage_ = Stage::finished;
}

void Report::on_answer(const Call& call, const ApiAnswer& answer, Time now) {
  switch (call.errand) {
    case Errand::lease:
      return lease_.on_answer(answer, now);
    case Errand::status:
      return status_.on_answer(call.ingress, answer, now);
    case Errand::event:
      return events_.on_answer(answer, now);
    case Errand::address:
      return addresses_.on_answer(answer, now);
    case Errand::own_pod: {
      const auto pod = parse_api_json(answer.body);
      selector_ = answer.ok() && pod ? replica_selector(*pod) : std::string();
      // Without knowing whether others go on it is better to leave an address than to take it from them.
      stage_ = selector_.empty() ? Stage::release : Stage::count_replicas;
      asked_ = false;
      return;
    }
    case Errand::replicas:
      return on_replicas(answer);
  }
}

void Report::on_replicas(const ApiAnswer& answer) {
  const auto list = parse_api_json(answer.body);
  const bool last = answer.ok() && list && other_running_pods(*list, options_.addresses.pod.name) == 0;
  stage_ = last ? Stage::withdraw : Stage::release;
  if (last) status_.withdraw();
}

Report::Time Report::wake_at(Time now) {
  Time at = options_.elect ? lease_.wake_at() : Time::max();
  if (leading_ && options_.elect) at = std::min(at, lease_.leading_until());
  if (stage_ == Stage::running && options_.update_status) at = std::min(at, addresses_.wake_at());
  const bool writes = stage_ == Stage::running || stage_ == Stage::withdraw;
  if (leading_ && options_.update_status && writes) at = std::min(at, status_.wake_at(now));
  if (leading_ && stage_ == Stage::running) at = std::min(at, events_.wake_at(now));
  if (stopping_ && stage_ == Stage::running) at = now;
  return at;
}

}  // namespace fairlead
