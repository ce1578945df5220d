#include "proxy/http2_request_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "proxy/http1_head.hpp"

namespace fairlead {
namespace {

using testing::Contains;
using testing::Not;
using testing::Pair;
using Pairs = std::vector<std::pair<std::string, std::string>>;

class Http2RequestFieldsTest : public testing::Test {
 protected:
  // What an upstream gets for this HTTP/1.1 head.
  Pairs of(const std::string& head, std::string_view protocol = {}) {
    exchange.reset();
    text_ = head;
    EXPECT_EQ(parse_request_head(text_, exchange.request_fields, exchange.request), HeadError::none);
    frame_request(exchange.request, exchange.framing);
    exchange.forward = exchange.request.target;
    exchange.host_received = exchange.request.fields.value(FieldName::host);
    exchange.record.request_id = "id";
    write_http2_request(fields, text, exchange, "http", protocol);
    Pairs pairs;
    for (const nghttp2_nv* field = fields.data(); field != fields.data() + fields.size(); ++field) {
      pairs.emplace_back(std::string(reinterpret_cast<const char*>(field->name), field->namelen),
                         std::string(reinterpret_cast<const char*>(field->value), field->valuelen));
    }
    return pairs;
  }
  bool indexed(std::string_view name) const {
    for (const nghttp2_nv* field = fields.data(); field != fields.data() + fields.size(); ++field) {
      if (name == std::string_view(reinterpret_cast<const char*>(field->name), field->namelen)) {
        return (field->flags & NGHTTP2_NV_FLAG_NO_INDEX) == 0;
      }
    }
    return false;
  }

  Exchange exchange{64};
  Http2Fields fields;
  TextBuffer text{64 * 1024};

 private:
  std::string text_;
};

TEST_F(Http2RequestFieldsTest, BeginWithThePseudoFields) {
  const Pairs pairs = of("PUT /a?b HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 3\r\n\r\n");
  ASSERT_GE(pairs.size(), 4u);
  EXPECT_THAT(Pairs(pairs.begin(), pairs.begin() + 4),
              testing::ElementsAre(Pair(":method", "PUT"), Pair(":scheme", "http"), Pair(":path", "/a?b"),
                                   Pair(":authority", "a.test:80")));
  EXPECT_THAT(pairs, Contains(Pair("content-length", "3")));
  EXPECT_THAT(pairs, Not(Contains(Pair("host", testing::_))));
}

TEST_F(Http2RequestFieldsTest, AreInLowerCaseAndWithoutTheSpacesOfTheirLines) {
  const Pairs pairs = of("GET / HTTP/1.1\r\nHost: a\r\nX-Mixed:  \tA b \t\r\nX-Empty:\r\n\r\n");
  EXPECT_THAT(pairs, Contains(Pair("x-mixed", "A b")));
  EXPECT_THAT(pairs, Contains(Pair("x-empty", "")));
}

TEST_F(Http2RequestFieldsTest, HaveNothingOfTheConnection) {
  const Pairs pairs = of(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: x-mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n"
      "TE: gzip\r\nProxy-Connection: close\r\nUpgrade: foo\r\nTrailer: x\r\n\r\n");
  for (const char* const name :
       {"connection", "x-mine", "keep-alive", "transfer-encoding", "te", "proxy-connection", "upgrade", "trailer"}) {
    EXPECT_THAT(pairs, Not(Contains(Pair(name, testing::_)))) << name;
  }
}

TEST_F(Http2RequestFieldsTest, SayTeTrailersIfTheClientTakesThem) {
  EXPECT_THAT(of("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n"), Contains(Pair("te", "trailers")));
  EXPECT_THAT(of("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\n\r\n"), Contains(Pair("te", "trailers")));
}

TEST_F(Http2RequestFieldsTest, KeepSecretsAndWhatIsNeverSaidTwiceOutOfTheTable) {
  of("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YQ==\r\nCookie: a=b\r\nAccept: */*\r\n\r\n");
  EXPECT_FALSE(indexed("authorization"));
  EXPECT_FALSE(indexed("cookie"));
  EXPECT_FALSE(indexed("x-request-id"));
  EXPECT_TRUE(indexed("accept"));
}

}  // namespace
}  // namespace fairlead
