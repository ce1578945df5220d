#include "proxy/readiness_set.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "tests/proxy/socket_pair.hpp"
#include "tests/proxy/test_loop.hpp"

namespace fairlead {
namespace {

class CountingTarget : public EventTarget {
 public:
  void run() override {
    ++runs;
    if (then) then();
  }

  int runs = 0;
  std::function<void()> then;
};

struct ReadinessSetTest : testing::Test {
  // A pair whose socket is registered and has had its first event.
  void join(Socket& socket, CountingTarget& target) {
    socket.target = &target;
    socket.readable = socket.writable = false;
    ASSERT_TRUE(loop.readiness.add(socket));
    ASSERT_TRUE(loop.run_until([&] { return target.runs > 0; }));
    target.runs = 0;
  }

  TestLoop loop;
};

TEST_F(ReadinessSetTest, ANewSocketIsSoonKnownToBeWritable) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  EXPECT_TRUE(socket.writable);
  EXPECT_FALSE(socket.readable);
  EXPECT_FALSE(socket.peer_closed);
}

// However long somebody yields: the sockets are looked at between any two of its goes.
TEST_F(ReadinessSetTest, WhoeverYieldsForLongKeepsNobodyWaiting) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  CountingTarget yielder;
  yielder.then = [&] { loop.readiness.queue(yielder); };
  loop.readiness.queue(yielder);
  ASSERT_TRUE(loop.run_until([&] { return yielder.runs > 1000; }));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
    const int before = yielder.runs;
    const int seen = target.runs;
    ASSERT_TRUE(loop.run_until([&] { return target.runs > seen; }));
    ASSERT_LE(yielder.runs - before, 2) << "after " << i << " events";
  }
  yielder.then = nullptr;
  loop.settle();
}

TEST_F(ReadinessSetTest, ArrivingBytesSetTheFlagAndRunTheTarget) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return target.runs > 0; }));
  EXPECT_TRUE(socket.readable);
  EXPECT_EQ(target.runs, 1) << "one event, one run";
  loop.settle();
  EXPECT_EQ(target.runs, 1) << "bytes that stay unread are no new event";
}

TEST_F(ReadinessSetTest, AFlagStaysUntilItsOwnerClearsIt) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  for (int round = 0; round < 2; ++round) {
    target.runs = 0;
    ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
    EXPECT_TRUE(loop.run_until([&] { return target.runs > 0; }));
    EXPECT_TRUE(socket.readable);
    char byte;
    ASSERT_EQ(::recv(socket.fd, &byte, 1, 0), 1);
    EXPECT_TRUE(socket.readable);
    socket.readable = false;
  }
}

TEST_F(ReadinessSetTest, APeerThatEndsIsAnnounced) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  ::shutdown(peer.peer(), SHUT_WR);
  EXPECT_TRUE(loop.run_until([&] { return socket.peer_closed; }));
  EXPECT_TRUE(socket.readable) << "so that the end of stream is read";
}

TEST_F(ReadinessSetTest, ASocketWithRoomAgainIsAnnounced) {
  Socket socket;
  SocketPair peer(socket);
  CountingTarget target;
  join(socket, target);
  const std::string much(1 << 20, 'x');
  while (::send(socket.fd, much.data(), much.size(), MSG_NOSIGNAL) > 0) continue;
  socket.writable = false;
  loop.settle();
  ASSERT_FALSE(socket.writable);
  char piece[64 * 1024];
  while (::recv(peer.peer(), piece, sizeof piece, 0) > 0) continue;
  EXPECT_TRUE(loop.run_until([&] { return socket.writable; }));
}

TEST_F(ReadinessSetTest, ATargetWithNewsOfSeveralSocketsRunsOnce) {
  Socket sockets[2];
  SocketPair first(sockets[0]), second(sockets[1]);
  CountingTarget target;
  join(sockets[0], target);
  join(sockets[1], target);
  ASSERT_EQ(::send(first.peer(), "x", 1, 0), 1);
  ASSERT_EQ(::send(second.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return target.runs > 0; }));
  EXPECT_TRUE(sockets[0].readable && sockets[1].readable);
  EXPECT_EQ(target.runs, 1);
}

TEST_F(ReadinessSetTest, ATargetMayDestroyAnotherThatIsToRun) {
  Socket sockets[2];
  SocketPair first(sockets[0]), second(sockets[1]);
  auto one = std::make_unique<CountingTarget>();
  auto other = std::make_unique<CountingTarget>();
  join(sockets[0], *one);
  join(sockets[1], *other);
  int ran = 0;
  const auto destroy = [&](std::unique_ptr<CountingTarget>& victim, Socket& socket) {
    return [&] {
      ++ran;
      socket.target = nullptr;
      victim.reset();
    };
  };
  one->then = destroy(other, sockets[1]);
  other->then = destroy(one, sockets[0]);
  ASSERT_EQ(::send(first.peer(), "x", 1, 0), 1);
  ASSERT_EQ(::send(second.peer(), "x", 1, 0), 1);
  EXPECT_TRUE(loop.run_until([&] { return ran > 0; }));
  loop.settle();
  EXPECT_EQ(ran, 1) << "whichever came first removed the other";
  EXPECT_EQ(one == nullptr, other != nullptr);
}

TEST_F(ReadinessSetTest, ATargetThatQueuesItselfRunsInALaterTurn) {
  CountingTarget yielding, other;
  std::vector<int> order;
  yielding.then = [&] {
    order.push_back(1);
    if (yielding.runs == 1) loop.readiness.queue(yielding);
  };
  other.then = [&] { order.push_back(2); };
  CountingTarget* const targets[] = {&yielding, &other};
  Socket socket;
  SocketPair peer(socket);
  CountingTarget starter;
  starter.then = [&] {
    for (CountingTarget* target : targets) loop.readiness.queue(*target);
  };
  join(socket, starter);
  EXPECT_TRUE(loop.run_until([&] { return yielding.runs == 2; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1}));
}

TEST_F(ReadinessSetTest, TheClockMovesWithTheLoopAndDeadlinesFire) {
  CountingTarget target;
  Deadline deadline(target);
  const LoopTime before = loop.readiness.now();
  loop.readiness.timers().set(deadline, before + LoopTime(1));
  EXPECT_TRUE(loop.run_until([&] { return target.runs > 0; }));
  EXPECT_TRUE(deadline.expired());
  EXPECT_GT(loop.readiness.now(), before + LoopTime(1));
}

TEST_F(ReadinessSetTest, ASocketThatIsClosedHasNoMoreEvents) {
  CountingTarget target;
  {
    Socket socket;
    SocketPair peer(socket);
    join(socket, target);
    ASSERT_EQ(::send(peer.peer(), "x", 1, 0), 1);
  }
  loop.settle();
  EXPECT_EQ(target.runs, 0);
}

TEST_F(ReadinessSetTest, ADescriptorThatCannotBeWatchedIsRefused) {
  Socket socket;
  EXPECT_FALSE(loop.readiness.add(socket));
}

}  // namespace
}  // namespace fairlead
