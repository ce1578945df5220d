#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "router/policies/policy.hpp"
#include "tests/support/allocation_count.hpp"
#include "tests/support/any_origin.hpp"
#include "tests/support/http2_client.hpp"
#include "tests/support/test_certificates.hpp"
#include "tests/support/test_proxy.hpp"

namespace fairlead {
namespace {

using namespace test;

// Runs on the Worker's thread, once a request: what was allocated between two of its runs is what one request costs,
// from the policies of one to the policies of the next. OpenSSL's own memory does not come from operator new.
class Meter final : public Policy {
 public:
  Outcome on_request(PolicyRequest&) const override {
    count_ = allocation_count();
    return std::nullopt;
  }
  std::string describe() const override { return "meter"; }
  std::size_t count() const { return count_; }

 private:
  mutable std::atomic<std::size_t> count_{0};
};

constexpr int warm_up = 50, measured = 200;

class Allocations : public testing::Test {
 protected:
  void serve(const Origin& origin) {
    proxy.route("a.test", "/", {origin.port()},
                [this](TestProxy::Routed& routed) { routed.route.policies.push_back(meter); });
    proxy.start();
  }
  // Of `measured` requests in a row, after some to warm up.
  std::size_t of(const std::function<bool()>& exchange) {
    for (int i = 0; i < warm_up; ++i) EXPECT_TRUE(exchange());
    const std::size_t before = meter->count();
    for (int i = 0; i < measured; ++i) EXPECT_TRUE(exchange());
    return meter->count() - before;
  }

  const std::shared_ptr<Meter> meter = std::make_shared<Meter>();
  TestProxy proxy;
};

TEST_F(Allocations, ASteadyRequestMakesNone) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("GET /a/b?c=d HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n");
              return read_response(client).body == "hello";
            }),
            0u);
}

TEST_F(Allocations, NorWithTheAccessLogOn) {
  proxy.options.access_log = "/dev/null";
  Origin origin(Origin::saying("hello"));
  serve(origin);
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
              return read_response(client).body == "hello";
            }),
            0u);
}

TEST_F(Allocations, NorWithBodiesBothWays) {
  const std::string large(10'000, 'x');
  Origin origin(Origin::saying(large));
  serve(origin);
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000\r\n\r\n" + large);
              return read_response(client).body == large;
            }),
            0u);
}

TEST_F(Allocations, NorWithChunkedBodies) {
  Origin origin(Origin::answering([](const RawRequest& request) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n" + request.body + "\r\n0\r\n\r\n";
  }));
  serve(origin);
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
              return read_response(client).body == "abc";
            }),
            0u);
}

// The session's memory comes from free lists, the streams from a pool.
TEST_F(Allocations, NorOverHttp2) {
  Origin origin(Origin::saying("hello"));
  serve(origin);
  RawSocket socket = proxy.connect();
  Http2Client client(socket);
  EXPECT_EQ(of([&] {
              return client.response(client.get("a.test", "/a/b?c=d", {{"accept", "*/*"}})).body == "hello";
            }),
            0u);
}

TEST_F(Allocations, NorOverHttp2ToTheService) {
  Origin origin(over_http2([](const Question&) { return Answer{.body = "hello"}; }));
  proxy.route("a.test", "/", {origin.port()}, [this](TestProxy::Routed& routed) {
    routed.upstream.protocol = UpstreamProtocol::h2c;
    routed.route.policies.push_back(meter);
  });
  proxy.start();
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("GET /a/b?c=d HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n");
              return read_response(client).body == "hello";
            }),
            0u);
}

// Answers of our own count as well: an attack must not be dearer than what it attacks.
TEST_F(Allocations, NorWhenTheAnswerIsOurs) {
  serve(Origin(Origin::saying("")));
  proxy.route("a.test", "/", {}, [this](TestProxy::Routed& routed) { routed.route.policies.push_back(meter); });
  proxy.publish();
  RawSocket client = proxy.connect();
  EXPECT_EQ(of([&] {
              client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
              return read_response(client).status == 503;
            }),
            0u);
}

// A client's TLS over a blocking socket.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port)
      : socket_(RawSocket::connect(port)),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        session_(SSL_new(context_.get()), SSL_free) {
    SSL_set_fd(session_.get(), socket_.fd());
    SSL_set_tlsext_host_name(session_.get(), "a.test");
    connected_ = SSL_connect(session_.get()) == 1;
  }
  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  // Until it has all of a response that ends so.
  bool read_to(std::string_view end) {
    std::string all;
    char bytes[16 * 1024];
    while (!all.ends_with(end)) {
      const int count = SSL_read(session_.get(), bytes, sizeof bytes);
      if (count <= 0) return false;
      all.append(bytes, static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  RawSocket socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  bool connected_ = false;
};

TEST_F(Allocations, NorOverTls) {
  Origin origin(Origin::saying("hello"));
  const TestCertificate made = make_certificate({"a.test"});
  auto source = std::make_shared<CertificateSource>();
  source->certificate_pem = made.certificate_pem;
  source->key_pem = made.key_pem;
  auto host = std::make_shared<TlsHost>();
  host->name = "a.test";
  host->candidates.push_back(source);
  proxy.tls("a.test", host);
  serve(origin);
  TlsClient client(proxy.https_port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(of([&] { return client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") && client.read_to("hello"); }), 0u);
}

TEST(AllocationCount, CountsWhatAThreadAllocates) {
  if (!counts_allocations) GTEST_SKIP();
  const std::size_t before = allocation_count();
  const std::string text(1000, 'x');
  EXPECT_EQ(allocation_count(), before + 1);
}

}  // namespace
}  // namespace fairlead
