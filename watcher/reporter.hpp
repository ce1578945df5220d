#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "router/base/log.hpp"
#include "watcher/api_client.hpp"
#include "watcher/report.hpp"

namespace fairlead {

// What the metrics show of it. Written by the Reporter's thread, read by any.
struct ReportFigures {
  std::atomic<bool> leading{false};
  std::atomic<std::uint64_t> status_pending{0};
  std::atomic<std::uint64_t> status_written{0};
  std::atomic<std::uint64_t> status_failed{0};
  std::atomic<std::uint64_t> events_written{0};
  std::atomic<std::uint64_t> events_dropped{0};
};

// Carries out what a Report decides, over a connection of its own: a renewal must not wait behind a list of everything.
// A thread of its own from creation to destruction. Functions may be called from any thread.
class Reporter {
 public:
  // live_generation: the generation that every Worker serves. figures must outlive this.
  static std::unique_ptr<Reporter> start(ReportOptions options, std::unique_ptr<ApiClient> client, Log& log,
                                         std::function<std::uint64_t()> live_generation, ReportFigures& figures);

  // Ends at once: an Ingress keeps what it has, and the Lease runs out by itself.
  virtual ~Reporter() = default;

  virtual void hear(ReportNews news) = 0;
  // Begins to remove what nobody will keep true, and to give the leadership back.
  virtual void stop() = 0;
  // Waits until that is done. False when it was not within the time.
  virtual bool wait_stopped(std::chrono::milliseconds most) = 0;
};

}  // namespace fairlead
