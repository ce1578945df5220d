#include "watcher/reporter.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>

#include "watcher/give_back.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Report::Time;

constexpr std::size_t max_answer_bytes = 16 << 20;           // a list of pods
constexpr std::chrono::milliseconds look_for_generation{5};  // while an Ingress waits to be served by every Worker
constexpr std::uint64_t tell_progress_every = 1'000;         // statuses written

class ReporterThread final : public Reporter, private ApiListener {
 public:
  ReporterThread(ReportOptions options, std::unique_ptr<ApiClient> client, Log& log,
                 std::function<std::uint64_t()> live_generation, ReportFigures& figures)
      : client_(std::move(client)),
        log_(log),
        live_generation_(std::move(live_generation)),
        figures_(figures),
        report_(std::move(options), std::random_device()()) {
    thread_ = std::thread([this] { run(); });
  }

  ~ReporterThread() override {
    ending_ = true;
    client_->wake();
    thread_.join();
  }

  void hear(ReportNews news) override {
    {
      const std::lock_guard lock(mutex_);
      news_.push_back(std::move(news));
    }
    client_->wake();
  }

  void stop() override {
    stopping_ = true;
    client_->wake();
  }

  bool wait_stopped(std::chrono::milliseconds most) override {
    std::unique_lock lock(mutex_);
    return stopped_changed_.wait_for(lock, most, [this] { return stopped_; });
  }

 private:
  struct Running {
    Report::Call call;
    ApiAnswer answer;
  };

  void run();
  void take_news(Time now);
  void start_calls(Time now);
  void drop_lost(Time now);
  void move_watches(Time now);
  std::chrono::milliseconds time_to_next(Time now);
  void show_figures();
  void tell_changes();
  void tell_trouble(std::string& told, const std::string& trouble, std::string_view what);

  void on_head(RequestId id, int status) override;
  bool on_bytes(RequestId id, std::string_view bytes) override;
  void on_end(RequestId id, const ApiEnding& ending) override;

  std::unique_ptr<ApiClient> client_;
  Log& log_;
  const std::function<std::uint64_t()> live_generation_;
  ReportFigures& figures_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable stopped_changed_;
  std::vector<ReportNews> news_;
  bool stopped_ = false;

  // All below belongs to the thread.
  Report report_;
  RequestId last_id_ = 0;
  std::unordered_map<RequestId, Running> running_;
  std::unordered_map<RequestId, Reflector> watches_;
  bool told_leading_ = false;
  std::uint64_t told_written_ = 0;
  std::optional<PublishedAddresses> told_addresses_;
  std::string told_lease_trouble_, told_status_trouble_, told_event_trouble_, told_address_trouble_,
      told_watch_trouble_;
  std::thread thread_;
};

void ReporterThread::run() {
  while (!ending_) {
    if (stopping_) report_.stop();
    const Time now = Clock::now();
    take_news(now);
    report_.live(live_generation_());
    start_calls(now);
    move_watches(now);
    show_figures();
    tell_changes();
    if (report_.finished()) break;
    client_->run(time_to_next(Clock::now()), *this);
  }
  figures_.leading = false;
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  stopped_changed_.notify_all();
}

void ReporterThread::take_news(Time now) {
  std::vector<ReportNews> news;
  {
    const std::lock_guard lock(mutex_);
    news.swap(news_);
  }
  bool many = false;
  for (const ReportNews& piece : news) {
    many = many || piece.facts.size() + piece.served.size() >= many_objects;
    report_.hear(piece, now);
  }
  if (!many) return;
  news = {};
  give_back_memory();
}

void ReporterThread::start_calls(Time now) {
  std::vector<Report::Call> calls = report_.due(now, std::chrono::system_clock::now());
  if (report_.take_lost()) drop_lost(now);
  for (Report::Call& call : calls) {
    const RequestId id = ++last_id_;
    client_->start(id, call.request);
    running_.emplace(id, Running{std::move(call), {}});
  }
}

// Another replica may write from now on.
void ReporterThread::drop_lost(Time now) {
  for (auto at = running_.begin(); at != running_.end();) {
    const Report::Errand errand = at->second.call.errand;
    if (errand != Report::Errand::status && errand != Report::Errand::event) {
      ++at;
      continue;
    }
    client_->cancel(at->first);
    report_.on_answer(at->second.call, {0, {}, "another replica leads now", {}}, now);
    at = running_.erase(at);
  }
}

void ReporterThread::move_watches(Time now) {
  for (Resource& resource : report_.take_resources()) {
    watches_.emplace(++last_id_, Reflector(std::move(resource), ReflectorOptions(), std::random_device()()));
  }
  for (auto& [id, reflector] : watches_) {
    if (reflector.silent(now)) {
      client_->cancel(id);
      reflector.on_silence(now);
    }
    reflector.on_time(now);
    if (const auto request = reflector.next(now)) client_->start(id, *request);
  }
}

std::chrono::milliseconds ReporterThread::time_to_next(Time now) {
  constexpr std::chrono::milliseconds most{60'000};
  Time at = std::min(report_.wake_at(now), now + most);
  if (report_.waits_for_generation()) at = std::min(at, now + look_for_generation);
  for (const auto& [id, reflector] : watches_) at = std::min(at, reflector.wake_at());
  return at <= now ? std::chrono::milliseconds{} : std::chrono::ceil<std::chrono::milliseconds>(at - now);
}

void ReporterThread::on_head(RequestId id, int status) {
  if (const auto found = running_.find(id); found != running_.end()) found->second.answer.status = status;
  if (const auto found = watches_.find(id); found != watches_.end()) found->second.on_head(status, Clock::now());
}

bool ReporterThread::on_bytes(RequestId id, std::string_view bytes) {
  const Time now = Clock::now();
  if (const auto found = watches_.find(id); found != watches_.end()) {
    const bool go_on = found->second.on_bytes(bytes, now);
    for (const Change& change : found->second.take_changes()) {
      report_.hear(found->second.resource().plural, change, now);
    }
    return go_on;
  }
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  std::string& body = found->second.answer.body;
  if (bytes.size() > max_answer_bytes - body.size()) return false;
  body.append(bytes);
  return true;
}

void ReporterThread::on_end(RequestId id, const ApiEnding& ending) {
  const Time now = Clock::now();
  if (const auto found = watches_.find(id); found != watches_.end()) {
    found->second.on_end(ending, now);
    for (const Change& change : found->second.take_changes()) {
      report_.hear(found->second.resource().plural, change, now);
    }
    return;
  }
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  Running ended = std::move(found->second);
  running_.erase(found);
  ended.answer.error = ending.error;
  ended.answer.retry_after = ending.retry_after;
  report_.on_answer(ended.call, ended.answer, now);
}

void ReporterThread::show_figures() {
  figures_.leading = report_.leading();
  figures_.status_pending = report_.status().pending();
  figures_.status_written = report_.status().written();
  figures_.status_failed = report_.status().failed();
  figures_.events_written = report_.events().written();
  figures_.events_dropped = report_.events().dropped();
}

void ReporterThread::tell_changes() {
  if (report_.leading() != told_leading_) {
    told_leading_ = report_.leading();
    const std::string holder = report_.lease().holder().value_or("");
    log_.info(told_leading_ ? "this replica leads: it writes status and Events"
                            : "this replica leads no longer" + (holder.empty() ? "" : "; " + holder + " does"));
  }
  if (report_.published() != told_addresses_) {
    told_addresses_ = report_.published();
    log_.info("addresses of Ingresses: " + text_of(*told_addresses_));
  }
  const std::uint64_t written = report_.status().written();
  if (written / tell_progress_every != told_written_ / tell_progress_every) {
    log_.info("status of Ingresses: " + std::to_string(written) + " written, " +
              std::to_string(report_.status().pending()) + " to go");
  }
  told_written_ = written;
  tell_trouble(told_lease_trouble_, report_.lease().trouble(), "the Lease of the leader cannot be kept");
  tell_trouble(told_status_trouble_, report_.status().trouble(), "the status of Ingresses cannot be written");
  tell_trouble(told_event_trouble_, report_.events().trouble(), "Events cannot be written");
  std::string unheard;
  for (const auto& [id, reflector] : watches_) {
    const auto& trouble = reflector.trouble();
    if (trouble && unheard.empty()) unheard = reflector.resource().plural + ": " + trouble->message;
  }
  tell_trouble(told_watch_trouble_, unheard, "what the addresses of Ingresses come from cannot be heard");
  tell_trouble(told_address_trouble_, report_.addresses().trouble(), "the addresses of Ingresses are not known");
}

// Once when it comes, and not at each try.
void ReporterThread::tell_trouble(std::string& told, const std::string& trouble, std::string_view what) {
  if (trouble == told) return;
  told = trouble;
  if (!trouble.empty()) log_.warning(std::string(what) + ": " + trouble);
}

}  // namespace

std::unique_ptr<Reporter> Reporter::start(ReportOptions options, std::unique_ptr<ApiClient> client, Log& log,
                                          std::function<std::uint64_t()> live_generation, ReportFigures& figures) {
  return std::make_unique<ReporterThread>(std::move(options), std::move(client), log, std::move(live_generation),
                                          figures);
}

}  // namespace fairlead
