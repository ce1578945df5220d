#include "proxy/session.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "proxy/plain_stream.hpp"
#include "tests/proxy/socket_pair.hpp"
#include "tests/proxy/test_loop.hpp"

namespace fairlead {
namespace {

class TestSession : public Session {
 public:
  using Session::Session;

  void begin(Task<void> life) {
    life_ = std::move(life);
    life_.start();
  }
  bool done() const { return life_.done(); }

 private:
  Task<void> life_;
};

// Reads until there is nothing more to come.
Task<std::string> read_all(Session& session, Stream& stream) {
  std::string text;
  for (;;) {
    char piece[8];
    const IoCount count = stream.read(piece, sizeof piece);
    if (count == io_blocked) {
      co_await session.wait();
      continue;
    }
    if (count <= 0) co_return text;
    text.append(piece, static_cast<std::size_t>(count));
  }
}

struct SessionTest : testing::Test {
  void join(PlainStream& stream) {
    stream.socket().target = &session;
    stream.socket().readable = stream.socket().writable = false;
    ASSERT_TRUE(loop.readiness.add(stream.socket()));
  }

  TestLoop loop;
  TestSession session{loop.readiness};
};

TEST_F(SessionTest, AChainOfCoroutinesIsResumedByNewsOfItsSocket) {
  PlainStream stream;
  SocketPair peer(stream.socket());
  join(stream);
  std::string text;
  const auto life = [](Session& self, Stream& from, std::string& into) -> Task<void> {
    into = co_await read_all(self, from);
  };
  session.begin(life(session, stream, text));
  loop.settle();
  EXPECT_FALSE(session.done());
  const std::string sent = "more than one piece of eight bytes";
  ASSERT_EQ(::send(peer.peer(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
  loop.settle();
  EXPECT_FALSE(session.done());
  ::shutdown(peer.peer(), SHUT_WR);
  EXPECT_TRUE(loop.run_until([&] { return session.done(); }));
  EXPECT_EQ(text, sent);
}

TEST_F(SessionTest, OneWaitCoversAllSocketsThatPointAtIt) {
  PlainStream streams[2];
  SocketPair first(streams[0].socket()), second(streams[1].socket());
  for (PlainStream& stream : streams) join(stream);
  int woken_by = -1;
  const auto life = [](Session& self, PlainStream* both, int& by) -> Task<void> {
    while (by < 0) {
      co_await self.wait();
      for (int i = 0; i < 2; ++i) {
        if (both[i].socket().readable) by = i;
      }
    }
  };
  session.begin(life(session, streams, woken_by));
  ASSERT_EQ(::send(second.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return session.done(); }));
  EXPECT_EQ(woken_by, 1);
}

TEST_F(SessionTest, ADeadlineEndsTheWaitAndSaysSo) {
  bool in_time = true;
  const auto life = [](Session& self, bool& result) -> Task<void> { result = co_await self.wait_for(LoopTime(1)); };
  session.begin(life(session, in_time));
  EXPECT_TRUE(loop.run_until([&] { return session.done(); }));
  EXPECT_FALSE(in_time);
}

TEST_F(SessionTest, NewsBeforeTheDeadlineIsNoTimeout) {
  PlainStream stream;
  SocketPair peer(stream.socket());
  join(stream);
  loop.settle();
  bool in_time = false;
  const auto life = [](Session& self, bool& result) -> Task<void> {
    result = co_await self.wait_until(self.now() + LoopTime(60'000));
  };
  session.begin(life(session, in_time));
  ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return session.done(); }));
  EXPECT_TRUE(in_time);
}

TEST_F(SessionTest, AWaitWithoutDeadlineIsNotEndedByAnEarlierOne) {
  PlainStream stream;
  SocketPair peer(stream.socket());
  join(stream);
  loop.settle();
  bool first = false;
  bool second = false;
  const auto life = [](Session& self, bool& early, bool& late) -> Task<void> {
    early = co_await self.wait_for(LoopTime(150));
    late = co_await self.wait();
  };
  session.begin(life(session, first, second));
  session.run();  // news, before the deadline
  EXPECT_TRUE(first);
  TestSession other(loop.readiness);  // sees the moment pass
  const auto long_enough = [](Session& self) -> Task<void> { co_await self.wait_for(LoopTime(400)); };
  other.begin(long_enough(other));
  EXPECT_TRUE(loop.run_until([&] { return other.done(); }));
  EXPECT_FALSE(session.done());
  ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return session.done(); }));
  EXPECT_TRUE(second);
}

TEST_F(SessionTest, YieldComesBackAfterTheOthers) {
  std::string order;
  TestSession other(loop.readiness);
  const auto life = [](Session& self, std::string& log, char mark) -> Task<void> {
    for (int turn = 0; turn < 3; ++turn) {
      log += mark;
      co_await self.yield();
    }
  };
  Socket socket;
  SocketPair peer(socket);
  struct Starter : EventTarget {
    std::function<void()> start;
    void run() override {
      std::exchange(start, [] {})();
    }
  } starter;
  starter.start = [&] {
    session.begin(life(session, order, 'a'));
    other.begin(life(other, order, 'b'));
  };
  socket.target = &starter;
  ASSERT_TRUE(loop.readiness.add(socket));
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 6 && session.done() && other.done(); }));
  EXPECT_EQ(order, "ababab");
}

TEST_F(SessionTest, NewsWithoutAWaitIsHarmless) {
  session.run();
  const auto life = [](Session&) -> Task<void> { co_return; };
  session.begin(life(session));
  EXPECT_TRUE(session.done());
  session.run();
}

TEST_F(SessionTest, DestroyingASessionThatWaitsFreesItsChain) {
  const auto alive = std::make_shared<int>(0);
  {
    TestSession short_lived(loop.readiness);
    const auto life = [](Session& self, std::shared_ptr<int> held) -> Task<void> {
      while (co_await self.wait_for(LoopTime(60'000))) *held += 1;
    };
    short_lived.begin(life(short_lived, alive));
    EXPECT_GT(alive.use_count(), 1);
  }
  EXPECT_EQ(alive.use_count(), 1);
  loop.settle();
}

}  // namespace
}  // namespace fairlead
