#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/support/fake_api_server.hpp"
#include "tests/watcher/heard.hpp"
#include "watcher/api_source.hpp"
#include "watcher/reflector.hpp"

namespace fairlead {

// An API server that holds two Ingresses, and a source that listens to it from listen() on, in pages and with waits
// that suit a test.
struct ApiSourceTest : testing::Test {
  using Verb = test::FakeApiServer::Verb;

  ApiSourceTest() {
    limits.streaming_lists = false;  // pages can be counted
    limits.back_off = {std::chrono::milliseconds(1), std::chrono::milliseconds(20)};
    limits.settle = std::chrono::milliseconds(20);
    limits.forbidden_wait = std::chrono::milliseconds(10);
    server.put("ingresses", "shop", "a");
    server.put("ingresses", "shop", "b");
    options.address.apiserver_host = server.url();
  }

  void start() {
    auto started = start_api_source(options, log, heard, limits);
    ASSERT_TRUE(started) << started.error().message;
    source = std::move(*started);
  }
  // Starts and waits until all is heard.
  void listen() {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(eventually([&] { return heard.synced(); })) << log.text();
  }
  template <class Condition>
  bool eventually(Condition condition) const {
    return server.wait_until(condition);
  }
  bool ingress_is_heard(const std::string& name) const {
    return eventually([&] { return heard.knows(Kind::ingress, name); });
  }
  // The last request of this kind.
  test::SeenRequest last(const std::string& plural, bool watch) const {
    test::SeenRequest found;
    for (const test::SeenRequest& request : server.requests()) {
      if (request.plural == plural && request.watch == watch) found = request;
    }
    return found;
  }

  test::FakeApiServer server;
  ApiSourceOptions options;
  ReflectorOptions limits;
  HeardLog log;
  Heard heard;
  std::unique_ptr<Source> source;  // ends first
};

inline std::string ingress_event(const std::string& type, const std::string& name, int version) {
  const nlohmann::json object = {
      {"kind", "Ingress"},
      {"metadata", {{"namespace", "shop"}, {"name", name}, {"resourceVersion", std::to_string(version)}}}};
  return nlohmann::json{{"type", type}, {"object", object}}.dump() + "\n";
}

}  // namespace fairlead
