#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_proxy.hpp"
#include "tests/support/tls_socket.hpp"
#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

using namespace std::string_literals;
using namespace test;

const std::string request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string version_1 = "PROXY TCP4 192.0.2.1 198.51.100.2 40000 8000\r\n";
const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string version_2 = signature + "\x21\x11\0\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\x9c\x40\x1f\x40"s;
const std::string version_2_of_ipv6 =
    signature +
    "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x9c\x40\x01\xbb"s;
const std::string local = signature + "\x20\0\0\0"s;

class ProxyProtocol : public testing::Test {
 protected:
  ProxyProtocol() {
    proxy.options.use_proxy_protocol = true;
    proxy.options.proxy_real_ip_cidr = {*Cidr::parse("127.0.0.0/8")};
    proxy.route("a.test", "/", {origin.port()});
    auto host = std::make_shared<TlsHost>();
    host->name = "a.test";
    host->candidates = {source("a", make_certificate({"a.test"}, {.common_name = "exact"}))};
    proxy.tls("a.test", host);
  }

  // What the service hears of the client behind this header.
  std::string heard(const std::string& header) {
    RawSocket socket = proxy.connect();
    socket.send(header + request);
    return read_response(socket).body;
  }

  std::string direct() const { return "127.0.0.1 127.0.0.1 port " + std::to_string(proxy.http_port()) + " http"; }

  void expect_closed(const std::string& bytes) {
    RawSocket socket = proxy.connect();
    socket.send(bytes);
    EXPECT_EQ(socket.read_to_end(), "") << bytes;
    EXPECT_TRUE(socket.at_end());
  }

  Origin origin{Origin::answering([](const RawRequest& received) {
    return ok(received.field("X-Real-IP") + " " + received.field("X-Forwarded-For") + " port " +
              received.field("X-Forwarded-Port") + " " + received.field("X-Forwarded-Proto"));
  })};
  TestProxy proxy;
};

TEST_F(ProxyProtocol, TellsOfTheClient) {
  proxy.start();
  EXPECT_EQ(heard(version_1), "192.0.2.1 192.0.2.1 port 8000 http");
  EXPECT_EQ(heard(version_2), "192.0.2.1 192.0.2.1 port 8000 http");
  EXPECT_EQ(heard("PROXY TCP6 2001:db8::1 2001:db8::2 40000 80\r\n"), "2001:db8::1 2001:db8::1 port 80 http");
}

TEST_F(ProxyProtocol, Port443MeansThatTheClientSpokeTls) {
  proxy.start();
  EXPECT_EQ(heard(version_2_of_ipv6), "2001:db8::1 2001:db8::1 port 443 https");
  EXPECT_EQ(heard("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"), "192.0.2.1 192.0.2.1 port 443 https");
}

TEST_F(ProxyProtocol, TheSendersOwnConnectionsKeepTheirAddress) {
  proxy.start();
  EXPECT_EQ(heard(local), direct());
  EXPECT_EQ(heard("PROXY UNKNOWN\r\n"), direct());
}

TEST_F(ProxyProtocol, AHeaderMayComeByteByByte) {
  proxy.start();
  for (const std::string& header : {version_1, version_2, version_2_of_ipv6, local}) {
    const std::string whole = heard(header);
    RawSocket socket = proxy.connect();
    for (const char byte : header + request) ASSERT_TRUE(socket.send({&byte, 1}));
    EXPECT_EQ(read_response(socket).body, whole);
  }
}

TEST_F(ProxyProtocol, HoldsForEveryRequestOfTheConnection) {
  proxy.start();
  RawSocket socket = proxy.connect();
  socket.send(version_1 + request + request);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(read_response(socket).body, "192.0.2.1 192.0.2.1 port 8000 http");
  socket.send(request);
  EXPECT_EQ(read_response(socket).body, "192.0.2.1 192.0.2.1 port 8000 http");
}

TEST_F(ProxyProtocol, StandsBeforeTls) {
  proxy.start();
  TestClient client;
  for (const std::string& header : {version_1, version_2}) {
    RawSocket raw = RawSocket::connect(proxy.https_port());
    raw.send(header);
    TlsSocket socket(std::move(raw), client.connect("a.test"));
    EXPECT_EQ(socket.certificate_name(), "exact");
    socket.send(request);
    EXPECT_EQ(read_response(socket).body, "192.0.2.1 192.0.2.1 port 8000 https");
  }
}

// An SSL that writes its ClientHello into memory.
std::string client_hello(const TestClient& client) {
  const SslPtr ssl = client.connect("a.test");
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_do_handshake(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

TEST_F(ProxyProtocol, LosesNoByteOfTheHandshakeThatFollowsInTheSamePacket) {
  proxy.start();
  RawSocket socket = RawSocket::connect(proxy.https_port());
  socket.send(version_2 + client_hello(TestClient()));
  constexpr char handshake_record = 22;
  EXPECT_EQ(socket.read_exactly(1), std::string(1, handshake_record));
}

TEST_F(ProxyProtocol, IsDemandedWhenSwitchedOn) {
  proxy.start();
  expect_closed(request);
  expect_closed("PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n" + request);
  expect_closed("PROXY TCP4 192.0.2.256 198.51.100.2 40000 80\r\n" + request);
  expect_closed("PROXX");
  expect_closed(std::string(200, 'P'));
  expect_closed("PROXY TCP4 " + std::string(200, '1'));
  expect_closed(signature + "\x31\x11\0\x0c"s);
  expect_closed(signature + "\x21\x11\xff\xff"s);
  EXPECT_EQ(heard(version_1), "192.0.2.1 192.0.2.1 port 8000 http") << "others are not harmed";
  EXPECT_EQ(origin.connections(), 1);
  RawSocket plain_tls = RawSocket::connect(proxy.https_port());
  plain_tls.send(client_hello(TestClient()));
  EXPECT_EQ(plain_tls.read_to_end(), "");
}

TEST_F(ProxyProtocol, AHeaderThatEndsHalfwayEndsTheConnection) {
  proxy.start();
  RawSocket socket = proxy.connect();
  socket.send(version_1.substr(0, 20));
  socket.finish();
  EXPECT_TRUE(socket.at_end());
}

TEST_F(ProxyProtocol, AHeaderThatTakesTooLongEndsTheConnection) {
  proxy.options.limits.proxy_header_timeout = std::chrono::milliseconds(30);
  proxy.start();
  RawSocket silent = proxy.connect();
  EXPECT_TRUE(silent.at_end());
  RawSocket half = proxy.connect();
  half.send(version_2.substr(0, 15));
  EXPECT_TRUE(half.at_end());
  EXPECT_EQ(proxy.limit_hits("proxy_header_timeout"), 2u);
}

TEST_F(ProxyProtocol, APeerThatIsNotTrustedIsItself) {
  proxy.options.proxy_real_ip_cidr = {*Cidr::parse("10.0.0.0/8")};
  proxy.start();
  EXPECT_EQ(heard(version_1), direct());
  EXPECT_EQ(heard(version_2_of_ipv6), direct());
}

TEST_F(ProxyProtocol, ForwardedHeadersAreReplacedByWhatItSays) {
  proxy.start();
  RawSocket socket = proxy.connect();
  socket.send(version_1 +
              "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n" +
              "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: https\r\n\r\n");
  EXPECT_EQ(read_response(socket).body, "192.0.2.1 192.0.2.1 port 8000 http");
}

TEST_F(ProxyProtocol, IsNoHttpWhenSwitchedOff) {
  proxy.options.use_proxy_protocol = false;
  proxy.start();
  RawSocket socket = proxy.connect();
  socket.send(version_1 + request);
  EXPECT_EQ(read_response(socket).status, 400);
  EXPECT_EQ(origin.connections(), 0);
}

}  // namespace
}  // namespace fairlead
