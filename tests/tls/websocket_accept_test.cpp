#include "tls/websocket_accept.hpp"

#include <gtest/gtest.h>

namespace fairlead {
namespace {

TEST(WebsocketAccept, IsAsTheExampleOfRfc6455) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace fairlead
