#include "watcher/api_source.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "watcher/api_client.hpp"
#include "watcher/source_troubles.hpp"
#include "watcher/watched_resources.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Reflector::Time;

constexpr std::chrono::seconds tell_contacts_every{1};  // thousands of Secrets are looked at
constexpr std::size_t max_lists_at_once = 32;           // a thousand Secrets are asked for one after the other

// What was said about the Secrets that are wanted, by any thread.
class Wants {
 public:
  void add(std::vector<SecretWant> wants) {
    const std::lock_guard lock(mutex_);
    wants_.insert(wants_.end(), std::make_move_iterator(wants.begin()), std::make_move_iterator(wants.end()));
  }

  std::vector<SecretWant> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(wants_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<SecretWant> wants_;
};

// The shell around the Reflectors: carries out what they ask for and hands on what they heard.
class ApiSource final : public Source, private ApiListener {
 public:
  ApiSource(std::unique_ptr<ApiClient> client, const ApiSourceOptions& options, const ReflectorOptions& limits,
            Log& log, ChangeSink& sink)
      : client_(std::move(client)),
        limits_(limits),
        log_(log),
        sink_(sink),
        contacts_(options.contacts),
        troubles_(log),
        started_(Clock::now()) {
    for (Resource& resource : watched_resources(options)) collections_.push_back(add(std::move(resource)));
    thread_ = std::thread([this] { run(); });
  }

  ~ApiSource() override {
    stopping_ = true;
    client_->wake();
    thread_.join();
  }

  void want_secrets(std::vector<SecretWant> wants) override {
    wants_.add(std::move(wants));
    client_->wake();
  }

 private:
  struct Mirror {
    Reflector reflector;
    Time wake_at{};
    bool running = false;
    bool listing = false;  // has one of the list places
    bool waiting = false;  // for a list place
  };

  void run();
  void follow_wants();
  void wake_due(Time now);
  void advance(RequestId id, Time now);
  void start_waiting(Time now);
  void release_place(Mirror& mirror);
  void collect(RequestId id, Mirror& mirror);
  void deliver(Time now);
  bool holds_back(Time now);
  void hurry_all(Time now);
  void tell_contacts(Time now);

  RequestId add(Resource resource);
  void remove(RequestId id);
  std::chrono::milliseconds time_to_next(Time now) const;

  void reschedule(RequestId id, Mirror& mirror);

  void on_head(RequestId id, int status) override;
  bool on_bytes(RequestId id, std::string_view bytes) override;
  void on_end(RequestId id, const ApiEnding& ending) override;

  std::unique_ptr<ApiClient> client_;
  const ReflectorOptions limits_;
  Log& log_;
  ChangeSink& sink_;
  const std::shared_ptr<ApiContacts> contacts_;
  SourceTroubles troubles_;
  Wants wants_;
  std::atomic<bool> stopping_{false};

  // All below belongs to the thread.
  std::random_device random_;
  RequestId last_id_ = 0;
  std::unordered_map<RequestId, Mirror> mirrors_;
  std::set<std::pair<Time, RequestId>> timers_;  // the wake_at of each mirror
  std::map<ObjectName, RequestId> secrets_;      // that are wanted
  std::deque<RequestId> waiting_;                // for a list place; may name who is gone
  std::size_t lists_running_ = 0;
  std::vector<Change> changes_;  // not yet delivered
  bool problems_changed_ = false;
  std::vector<RequestId> collections_;  // all but the Secrets
  bool all_heard_ = false;              // since changes were last held back in vain
  std::optional<Time> held_since_;      // the oldest of changes_, while others are waited for
  bool away_ = false;                   // the server could not be reached when last tried
  const Time started_;
  Time contacts_told_at_{};
  std::thread thread_;
};

void ApiSource::run() {
  while (!stopping_) {
    follow_wants();
    wake_due(Clock::now());
    deliver(Clock::now());
    tell_contacts(Clock::now());
    client_->run(time_to_next(Clock::now()), *this);
  }
}

std::chrono::milliseconds ApiSource::time_to_next(Time now) const {
  constexpr std::chrono::milliseconds most{60'000};
  if (timers_.empty()) return most;
  Time at = timers_.begin()->first;
  if (held_since_) at = std::min(at, *held_since_ + limits_.together);
  if (at <= now) return {};
  return std::min(most, std::chrono::ceil<std::chrono::milliseconds>(at - now));
}

void ApiSource::follow_wants() {
  for (SecretWant& want : wants_.take()) {
    const auto found = secrets_.find(want.name);
    if (want.wanted && found == secrets_.end()) {
      const RequestId id = add(secret_resource(want.name));
      secrets_.emplace(std::move(want.name), id);
    } else if (!want.wanted && found != secrets_.end()) {
      remove(found->second);
      secrets_.erase(found);
    }
  }
}

RequestId ApiSource::add(Resource resource) {
  const RequestId id = ++last_id_;
  const Time now = Clock::now();
  mirrors_.emplace(id, Mirror{Reflector(std::move(resource), limits_, random_()), now});
  timers_.emplace(now, id);
  return id;
}

void ApiSource::remove(RequestId id) {
  Mirror& mirror = mirrors_.at(id);
  client_->cancel(id);
  release_place(mirror);
  timers_.erase({mirror.wake_at, id});
  problems_changed_ |= troubles_.set(id, mirror.reflector.resource().plural, nullptr);
  mirrors_.erase(id);
}

void ApiSource::wake_due(Time now) {
  std::vector<RequestId> due;
  for (const auto& [at, id] : timers_) {
    if (at > now) break;
    due.push_back(id);
  }
  for (const RequestId id : due) advance(id, now);
  start_waiting(now);
}

// Lets a Reflector go as far as it can, and notes when it wants to be woken.
void ApiSource::advance(RequestId id, Time now) {
  Mirror& mirror = mirrors_.at(id);
  Reflector& reflector = mirror.reflector;
  if (reflector.silent(now)) {
    client_->cancel(id);
    reflector.on_silence(now);
    mirror.running = false;
    release_place(mirror);
  }
  reflector.on_time(now);
  if (!mirror.running && now >= reflector.wake_at()) {
    if (reflector.listing() && lists_running_ >= max_lists_at_once) {
      if (!std::exchange(mirror.waiting, true)) waiting_.push_back(id);
    } else if (const auto request = reflector.next(now)) {
      mirror.running = true;
      mirror.listing = reflector.listing();
      if (mirror.listing) ++lists_running_;
      client_->start(id, *request);
    }
  }
  collect(id, mirror);
  reschedule(id, mirror);
}

void ApiSource::reschedule(RequestId id, Mirror& mirror) {
  timers_.erase({mirror.wake_at, id});
  mirror.wake_at = mirror.waiting ? Time::max() : mirror.reflector.wake_at();
  timers_.emplace(mirror.wake_at, id);
}

void ApiSource::start_waiting(Time now) {
  while (!waiting_.empty() && lists_running_ < max_lists_at_once) {
    const RequestId id = waiting_.front();
    waiting_.pop_front();
    const auto found = mirrors_.find(id);
    if (found == mirrors_.end()) continue;
    found->second.waiting = false;
    advance(id, now);
  }
}

void ApiSource::release_place(Mirror& mirror) {
  if (std::exchange(mirror.listing, false)) --lists_running_;
}

void ApiSource::collect(RequestId id, Mirror& mirror) {
  for (Change& change : mirror.reflector.take_changes()) {
    if (change.type == Change::Type::replace && log_.enabled(LogLevel::debug)) {
      log_.debug("listed " + std::to_string(change.objects.size()) + " " + mirror.reflector.resource().plural);
    }
    changes_.push_back(std::move(change));
  }
  const std::optional<Trouble>& trouble = mirror.reflector.trouble();
  away_ = away_ || (trouble && trouble->is_away() && !mirror.running);
  problems_changed_ |= troubles_.set(id, mirror.reflector.resource().plural, trouble ? &*trouble : nullptr);
}

// What happened during a gap is one change to whoever is served: an Ingress that is listed already waits for the
// endpoints that are listed next. One kind that stays away keeps the others waiting once, and not for long.
bool ApiSource::holds_back(Time now) {
  const bool all = std::all_of(collections_.begin(), collections_.end(),
                               [this](RequestId id) { return mirrors_.at(id).reflector.hearing(); });
  all_heard_ = all_heard_ || all;
  if (all || !all_heard_ || changes_.empty()) {
    held_since_.reset();
    return false;
  }
  if (!held_since_) held_since_ = now;
  if (now < *held_since_ + limits_.together) return true;
  held_since_.reset();
  all_heard_ = false;
  return false;
}

void ApiSource::deliver(Time now) {
  if (std::exchange(problems_changed_, false)) {
    Change change;
    change.type = Change::Type::problems;
    change.problems = troubles_.problems();
    std::vector<Change> told;
    told.push_back(std::move(change));
    sink_.push(std::move(told));
  }
  if (!holds_back(now) && !changes_.empty()) sink_.push(std::exchange(changes_, {}));
}

void ApiSource::tell_contacts(Time now) {
  if (now < contacts_told_at_ + tell_contacts_every) return;
  contacts_told_at_ = now;
  ApiContacts::ByResource contacts;
  for (const auto& [id, mirror] : mirrors_) {
    const Time at = mirror.reflector.contact_at().value_or(started_);
    const auto [found, is_new] = contacts.try_emplace(mirror.reflector.resource().plural, at);
    if (!is_new) found->second = std::min(found->second, at);
  }
  contacts_->set(std::move(contacts));
}

void ApiSource::hurry_all(Time now) {
  for (auto& [id, mirror] : mirrors_) {
    mirror.reflector.hurry(now);
    if (!mirror.waiting) reschedule(id, mirror);
  }
}

void ApiSource::on_head(RequestId id, int status) {
  Mirror& mirror = mirrors_.at(id);
  mirror.reflector.on_head(status, Clock::now());
  if (std::exchange(away_, false)) hurry_all(Clock::now());
  reschedule(id, mirror);
}

bool ApiSource::on_bytes(RequestId id, std::string_view bytes) {
  Mirror& mirror = mirrors_.at(id);
  const bool go_on = mirror.reflector.on_bytes(bytes, Clock::now());
  collect(id, mirror);
  return go_on;  // its timer may be early now, which costs one look
}

void ApiSource::on_end(RequestId id, const ApiEnding& ending) {
  Mirror& mirror = mirrors_.at(id);
  mirror.reflector.on_end(ending, Clock::now());
  mirror.running = false;
  release_place(mirror);
  collect(id, mirror);
  reschedule(id, mirror);
}

}  // namespace

Result<std::unique_ptr<Source>> start_api_source(const ApiSourceOptions& options, Log& log, ChangeSink& sink) {
  return start_api_source(options, log, sink, ReflectorOptions());
}

Result<std::unique_ptr<Source>> start_api_source(const ApiSourceOptions& options, Log& log, ChangeSink& sink,
                                                 const ReflectorOptions& reflector_options) {
  const auto config = choose_api_config(options.address, PodEnvironment::of_this_process());
  if (!config) return config.error();
  auto client = ApiClient::create(*config);
  if (!client) return client.error();
  log.info("listening to the API server " + config->server +
           (options.watch_namespace.empty() ? "" : ", namespace " + options.watch_namespace));
  if (!config->verify_tls) log.warning("the API server's certificate is not verified (insecure-skip-tls-verify)");
  return {boost::system::in_place_value,
          std::make_unique<ApiSource>(std::move(*client), options, reflector_options, log, sink)};
}

}  // namespace fairlead
