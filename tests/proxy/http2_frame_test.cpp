#include "proxy/http2_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead {
namespace {

const std::string ping = std::string("\0\0\x8\6\0\0\0\0\0", 9) + "12345678";
const std::string priority = std::string("\0\0\5\2\0\0\0\0\7\0\0\0\3\x10", 14);
const std::string data = std::string("\0\0\3\0\1\0\0\0\1", 9) + "abc";

// What the steps say of these bytes when they arrive `at_once` at a time.
std::vector<std::string> frames_of(std::string_view bytes, std::size_t at_once, std::size_t preface) {
  Http2FrameScan scan(preface);
  std::vector<std::string> found;
  std::string passed;
  for (std::size_t at = 0; at < bytes.size(); at += at_once) {
    std::string_view arrived = bytes.substr(at, at_once);
    Http2FrameScan::Step step;
    while (scan.next(arrived, step)) {
      passed += step.bytes;
      if (!step.begins_frame) continue;
      found.push_back(std::to_string(static_cast<int>(step.head.type)) + "/" + std::to_string(step.head.length) + "/" +
                      std::to_string(step.head.stream));
      if (step.head.type == Http2FrameType::priority) found.back() += "=" + std::to_string(step.payload().size());
    }
  }
  EXPECT_EQ(passed, bytes) << "every byte is passed on, in order";
  EXPECT_FALSE(scan.inside_frame());
  return found;
}

TEST(Http2FrameScan, FindsEveryFrameHoweverTheBytesArrive) {
  const std::string bytes = std::string(Http2FrameScan::client_preface) + ping + priority + data + data;
  const std::vector<std::string> wanted{"6/8/0", "2/5/7=5", "0/3/1", "0/3/1"};
  for (std::size_t at_once = 1; at_once <= bytes.size(); ++at_once) {
    EXPECT_EQ(frames_of(bytes, at_once, Http2FrameScan::client_preface.size()), wanted) << at_once;
  }
}

TEST(Http2FrameScan, KnowsThatAFrameIsNotComplete) {
  Http2FrameScan scan(0);
  std::string_view arrived = std::string_view(ping).substr(0, 12);
  Http2FrameScan::Step step;
  EXPECT_TRUE(scan.next(arrived, step));
  EXPECT_FALSE(scan.next(arrived, step));
  EXPECT_TRUE(scan.inside_frame());
}

TEST(Http2FrameHead, TheReservedBitOfAStreamIsIgnored) {
  const std::string bytes("\1\2\3\0\0\xff\xff\xff\xff", 9);
  const Http2FrameHead head = Http2FrameHead::parse(bytes.data());
  EXPECT_EQ(head.length, 0x010203u);
  EXPECT_EQ(head.stream, 0x7fffffff);
}

}  // namespace
}  // namespace fairlead
