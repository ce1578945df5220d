#include "watcher/watcher.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "watcher/api_source.hpp"
#include "watcher/api_text.hpp"
#include "watcher/first_step.hpp"
#include "watcher/give_back.hpp"
#include "watcher/hold_off.hpp"
#include "watcher/manifest_folder.hpp"
#include "watcher/parse.hpp"
#include "watcher/place_source.hpp"
#include "watcher/source.hpp"
#include "watcher/translator.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_problems_logged_at_once = 50;

// What a source has heard and the control loop has not taken yet.
class Inbox final : public ChangeSink {
 public:
  void push(std::vector<Change> changes) override {
    {
      const std::lock_guard lock(mutex_);
      changes_.insert(changes_.end(), std::make_move_iterator(changes.begin()), std::make_move_iterator(changes.end()));
    }
    filled_.notify_one();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    filled_.notify_one();
  }

  // Returns when there is something, at `until`, or when stopped. Nothing in the end: stopped.
  std::optional<std::vector<Change>> take(std::optional<HoldOff::Time> until) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return stopping_ || !changes_.empty(); };
    if (until) {
      filled_.wait_until(lock, *until, ready);
    } else {
      filled_.wait(lock, ready);
    }
    if (stopping_) return std::nullopt;
    return std::exchange(changes_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Change> changes_;
  bool stopping_ = false;
};

std::string text_of(const Problem& problem) {
  const ObjectRef& object = problem.object;
  std::string text = object.kind + " " + (object.ns.empty() ? "" : object.ns + "/") + object.name;
  if (!problem.field.empty()) text += " " + problem.field;
  return text + ": " + problem.message;
}

LogLevel level_of(Severity severity) {
  switch (severity) {
    case Severity::notice:
      return LogLevel::info;
    case Severity::warning:
      return LogLevel::warning;
    case Severity::error:
      return LogLevel::error;
  }
  return LogLevel::error;
}

class ControlLoop final : public Watcher {
 public:
  ControlLoop(WatchOptions options, Log& log, Publish publish, LiveGeneration live_generation)
      : options_(std::move(options)),
        log_(log),
        publish_(std::move(publish)),
        live_generation_(std::move(live_generation)),
        hold_off_(options_.hold_off, options_.hold_off_max),
        first_step_(options_.name_patience),
        translator_(options_.translate) {}

  ~ControlLoop() override {
    inbox_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // Call once, and before the destructor.
  Result<void> listen() {
    if (auto reporter = start_reporter(); !reporter) return reporter.error();
    if (auto place = start_place(); !place) return place.error();
    auto resolver = NameResolver::start(options_.names, inbox_);
    if (!resolver) return resolver.error();
    resolver_ = std::move(*resolver);
    auto source = start_source();
    if (!source) return source.error();
    source_ = std::move(*source);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop_reporting() override {
    if (reporter_) reporter_->stop();
  }
  void wait_reported(std::chrono::milliseconds most) override {
    if (reporter_ && !reporter_->wait_stopped(most)) log_.warning("stopping: the status of Ingresses is left as it is");
  }

 private:
  Result<std::unique_ptr<Source>> start_source();
  Result<std::unique_ptr<ApiClient>> start_client() const;
  Result<void> start_reporter();
  Result<void> start_place();
  void run();
  bool may_step();
  void follow_wants();
  void take_over(std::vector<Change> changes);
  void tell_facts(const std::vector<Change>& changes);
  void publish_step();
  void log_new(const Problems& fresh);

  const WatchOptions options_;
  Log& log_;
  const Publish publish_;
  const LiveGeneration live_generation_;
  std::unique_ptr<Reporter> reporter_;  // null: nothing is written back
  Inbox inbox_;

  // All below belongs to the thread, once it runs.
  HoldOff hold_off_;
  FirstStep first_step_;
  Translator translator_;
  std::uint64_t generation_ = 0;
  std::uint64_t names_version_ = 0;
  bool give_back_ = false;  // what a large list took, once it is translated
  std::shared_ptr<const Problems> logged_ = std::make_shared<const Problems>();
  // These go before the inbox that they fill.
  std::unique_ptr<PlaceSource> place_;  // null: nobody needs it
  std::unique_ptr<NameResolver> resolver_;
  std::unique_ptr<Source> source_;
  std::thread thread_;
};

Result<std::unique_ptr<Source>> ControlLoop::start_source() {
  if (options_.manifests) {
    ManifestFolderOptions folder;
    folder.folder = *options_.manifests;
    folder.watch_namespace = options_.watch_namespace;
    return start_manifest_folder(folder, log_, inbox_);
  }
  ApiSourceOptions api;
  api.address = options_.api;
  api.watch_namespace = options_.watch_namespace;
  api.namespace_selector = options_.namespace_selector;
  api.contacts = options_.contacts;
  return start_api_source(api, log_, inbox_);
}

Result<std::unique_ptr<ApiClient>> ControlLoop::start_client() const {
  const auto config = choose_api_config(options_.api, PodEnvironment::of_this_process());
  if (!config) return config.error();
  return ApiClient::create(*config);
}

Result<void> ControlLoop::start_reporter() {
  if (!options_.report || options_.manifests) return {};
  auto client = start_client();
  if (!client) return client.error();
  reporter_ = Reporter::start(*options_.report, std::move(*client), log_, live_generation_, *options_.report_figures);
  return {};
}

Result<void> ControlLoop::start_place() {
  if (!options_.translate.topology_hints || options_.manifests) return {};
  if (options_.pod.name.empty() || options_.pod.ns.empty()) {
    log_.warning("topology hints are not followed: our zone is not known without POD_NAME and POD_NAMESPACE");
    return {};
  }
  auto client = start_client();
  if (!client) return client.error();
  place_ = PlaceSource::start(options_.pod, std::move(*client), log_, inbox_);
  return {};
}

void ControlLoop::run() {
  while (true) {
    auto changes = inbox_.take(may_step() ? hold_off_.due_at() : first_step_.wake_at());
    if (!changes) return;
    if (!changes->empty()) take_over(std::move(*changes));
    if (!may_step() || !hold_off_.take(std::chrono::steady_clock::now())) continue;
    publish_step();
    if (std::exchange(give_back_, false)) give_back_memory();
  }
}

bool ControlLoop::may_step() {
  if (first_step_.passed()) return true;
  const bool synced = translator_.synced();
  return first_step_.may(synced, synced && translator_.names_answered(), std::chrono::steady_clock::now());
}

void ControlLoop::take_over(std::vector<Change> changes) {
  const bool large = std::any_of(changes.begin(), changes.end(),
                                 [](const Change& change) { return change.objects.size() >= many_objects; });
  if (reporter_) tell_facts(changes);
  translator_.apply(std::move(changes));
  give_back_ = give_back_ || large;
  hold_off_.on_change(std::chrono::steady_clock::now());
  follow_wants();
}

void ControlLoop::follow_wants() {
  if (auto wants = translator_.take_wants(); !wants.empty()) source_->want_secrets(std::move(wants));
  if (const auto version = translator_.wanted_names_version(); version != names_version_) {
    names_version_ = version;
    resolver_->want(translator_.wanted_names());
  }
}

// What the translation has no use for.
void ControlLoop::tell_facts(const std::vector<Change>& changes) {
  ReportNews news;
  const auto add = [&](const ObjectName& name, const nlohmann::json& object) {
    IngressFacts facts{text_at(object, {"metadata", "uid"}), text_at(object, {"metadata", "resourceVersion"}),
                       read_addresses(object)};
    news.facts.emplace_back(name, std::move(facts));
  };
  for (const Change& change : changes) {
    if (change.kind != Kind::ingress || change.type == Change::Type::problems) continue;
    if (change.type == Change::Type::remove) news.facts.emplace_back(change.name, std::nullopt);
    if (change.type == Change::Type::put) add(change.name, change.object);
    if (change.type != Change::Type::replace) continue;
    news.all_facts = true;
    news.facts.clear();
    for (const nlohmann::json& object : change.objects) add(name_of(Kind::ingress, object), object);
  }
  if (news.all_facts || !news.facts.empty()) reporter_->hear(std::move(news));
}

void ControlLoop::publish_step() {
  Translator::Step step = translator_.step();
  ReportNews news;
  if (step.problems_changed) {
    std::set_difference(step.problems->begin(), step.problems->end(), logged_->begin(), logged_->end(),
                        std::back_inserter(news.problems));
    log_new(news.problems);
    logged_ = step.problems;
  }
  if (!step.delta.empty() || step.problems_changed) {
    publish_({++generation_, std::move(step.delta), std::move(step.problems)});
  }
  if (!reporter_) return;
  for (auto& [name, served] : step.served) news.served.push_back({std::move(name), served, generation_});
  if (!news.served.empty() || !news.problems.empty()) reporter_->hear(std::move(news));
}

void ControlLoop::log_new(const Problems& fresh) {
  const std::size_t shown = std::min(fresh.size(), max_problems_logged_at_once);
  for (std::size_t i = 0; i < shown; ++i) log_.write(level_of(fresh[i].severity), text_of(fresh[i]));
  if (shown < fresh.size()) {
    log_.warning("and " + std::to_string(fresh.size() - shown) + " more problems; all are on the page /problems");
  }
}

}  // namespace

Result<std::unique_ptr<Watcher>> Watcher::start(WatchOptions options, Log& log, Publish publish) {
  return start(std::move(options), log, std::move(publish), [] { return std::uint64_t{0}; });
}

Result<std::unique_ptr<Watcher>> Watcher::start(WatchOptions options, Log& log, Publish publish,
                                                LiveGeneration live_generation) {
  auto loop = std::make_unique<ControlLoop>(std::move(options), log, std::move(publish), std::move(live_generation));
  if (const auto listening = loop->listen(); !listening) return listening.error();
  return {boost::system::in_place_value, std::move(loop)};
}

}  // namespace fairlead
