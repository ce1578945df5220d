#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "router/base/log.hpp"
#include "router/base/problem.hpp"
#include "router/base/result.hpp"
#include "router/config.hpp"
#include "watcher/api_config.hpp"
#include "watcher/api_contacts.hpp"
#include "watcher/name_resolver.hpp"
#include "watcher/reporter.hpp"
#include "watcher/translate.hpp"

namespace fairlead {

// Where the objects come from: exactly one of a manifests folder and an API server.
struct WatchOptions {
  std::optional<std::filesystem::path> manifests;
  ApiAddress api;                              // without manifests
  std::string watch_namespace;                 // "" = all
  std::string namespace_selector;              // as in translate, for the API server to select by; "" = none
  std::chrono::milliseconds hold_off{2};       // a change waits this long for others to join it
  std::chrono::milliseconds hold_off_max{10};  // but never longer than this in all
  TranslateOptions translate;
  NameResolverOptions names;                       // of Services of type ExternalName
  std::chrono::milliseconds name_patience{3'000};  // that the first update waits for DNS when all else is there
  ObjectName pod;                                  // our own, for topology hints; no name = not known
  std::optional<ReportOptions> report;             // what is written back to an API server; nothing: nothing
  std::shared_ptr<ApiContacts> contacts = std::make_shared<ApiContacts>();
  std::shared_ptr<ReportFigures> report_figures = std::make_shared<ReportFigures>();
};

// One step from a Config to the next. The first one (generation 1) is published when every kind is synced, and holds
// everything.
struct ConfigUpdate {
  std::uint64_t generation = 0;
  ConfigDelta delta;
  std::shared_ptr<const Problems> problems;  // all current ones
};

// The control loop: hears Kubernetes or a folder, translates what changed, hands it on. One thread of its own.
class Watcher {
 public:
  using Publish = std::function<void(ConfigUpdate)>;  // called on the Watcher's thread; must not block for long

  // Fails when the source cannot be used at all: no such folder, unreadable kubeconfig or key. An API server that does
  // not answer is no failure: it is retried for ever, and nothing is published until it is heard.
  static Result<std::unique_ptr<Watcher>> start(WatchOptions options, Log& log, Publish publish);

  // live_generation: the generation that is served everywhere in this program; from any thread.
  using LiveGeneration = std::function<std::uint64_t()>;
  static Result<std::unique_ptr<Watcher>> start(WatchOptions options, Log& log, Publish publish,
                                                LiveGeneration live_generation);

  virtual ~Watcher() = default;  // stops and joins; publish is not called afterwards

  // The program is about to end: what is written back and nobody else will keep true is to be removed, and the
  // leadership given back. Goes on hearing and publishing. From any thread.
  virtual void stop_reporting() = 0;
  // Waits until that is done, but no longer.
  virtual void wait_reported(std::chrono::milliseconds most) = 0;
};

}  // namespace fairlead
