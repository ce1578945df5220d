#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "router/base/result.hpp"
#include "watcher/name_table.hpp"

namespace fairlead {

// Asks DNS servers (c-ares): the next one when one is silent or fails, over TCP when an answer was cut short. Names are
// asked for as they are: neither search domains nor /etc/hosts, which are for people's short names. Of one thread, save
// wake().
class DnsClient {
 public:
  using Replies = std::vector<std::pair<NameQuestion, NameReply>>;

  static constexpr int rounds = 2;  // through all servers, before a question has failed

  // servers: "10.96.0.10,[fd00::a]:5353"; "" = those of /etc/resolv.conf, which is read again when it changes.
  // patience: with a server that is silent; doubles with each round.
  static Result<std::unique_ptr<DnsClient>> create(const std::string& servers, std::chrono::milliseconds patience);

  virtual ~DnsClient() = default;  // what is under way is dropped

  // Its reply comes out of run().
  virtual void ask(const NameQuestion& question) = 0;
  // Moves what can be moved, waiting for up to `wait` for something to move.
  virtual Replies run(std::chrono::milliseconds wait) = 0;

  // Ends a waiting run, or the next one. From any thread.
  virtual void wake() = 0;
};

}  // namespace fairlead
