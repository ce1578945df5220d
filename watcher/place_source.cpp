#include "watcher/place_source.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "watcher/place_finder.hpp"

namespace fairlead {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_answer_bytes = 4 << 20;  // a Pod or a Node
constexpr std::chrono::milliseconds longest_wait{60'000};

class PlaceThread final : public PlaceSource, private ApiListener {
 public:
  PlaceThread(const ObjectName& pod, std::unique_ptr<ApiClient> client, Log& log, ChangeSink& sink)
      : client_(std::move(client)), log_(log), sink_(sink), finder_(pod, std::random_device()()) {
    thread_ = std::thread([this] { run(); });
  }

  ~PlaceThread() override {
    stopping_ = true;
    client_->wake();
    thread_.join();
  }

 private:
  void run() {
    while (!stopping_ && !finder_.finished()) {
      const auto now = Clock::now();
      if (const auto request = finder_.next(now)) {
        answer_ = {};
        client_->start(1, *request);
      }
      const auto at = finder_.wake_at();
      const auto wait = at <= now ? Clock::duration::zero() : std::min<Clock::duration>(at - now, longest_wait);
      client_->run(std::chrono::ceil<std::chrono::milliseconds>(wait), *this);
      tell();
    }
  }

  void tell() {
    if (finder_.trouble() != told_trouble_) {
      told_trouble_ = finder_.trouble();
      if (!told_trouble_.empty()) log_.warning("topology hints for our zone are not followed: " + told_trouble_);
    }
    if (finder_.place() == told_) return;
    told_ = finder_.place();
    std::vector<Change> changes(1);
    changes.front().type = Change::Type::place;
    changes.front().place = told_;
    sink_.push(std::move(changes));
  }

  void on_head(RequestId, int status) override { answer_.status = status; }
  bool on_bytes(RequestId, std::string_view bytes) override {
    answer_.body.append(bytes);
    return answer_.body.size() <= max_answer_bytes;
  }
  void on_end(RequestId, const ApiEnding& ending) override {
    answer_.error = ending.error;
    answer_.retry_after = ending.retry_after;
    finder_.on_answer(answer_, Clock::now());
  }

  std::unique_ptr<ApiClient> client_;
  Log& log_;
  ChangeSink& sink_;
  std::atomic<bool> stopping_{false};

  // All below belongs to the thread.
  PlaceFinder finder_;
  ApiAnswer answer_;
  Place told_;
  std::string told_trouble_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<PlaceSource> PlaceSource::start(const ObjectName& pod, std::unique_ptr<ApiClient> client, Log& log,
                                                ChangeSink& sink) {
  return std::make_unique<PlaceThread>(pod, std::move(client), log, sink);
}

}  // namespace fairlead
