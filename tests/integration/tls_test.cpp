#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>

#include "tests/support/busy_worker.hpp"
#include "tests/support/http2_client.hpp"
#include "tests/support/test_proxy.hpp"
#include "tests/support/tls_socket.hpp"
#include "tests/tls/memory_pair.hpp"

namespace fairlead {
namespace {

using namespace test;

std::shared_ptr<const TlsHost> tls_host(const std::string& name, const std::vector<TestCertificate>& certificates) {
  auto host = std::make_shared<TlsHost>();
  host->name = name;
  for (const TestCertificate& certificate : certificates) {
    host->candidates.push_back(source(name + std::to_string(host->candidates.size()), certificate));
  }
  return host;
}

TestCertificate named(const std::string& common_name, const std::vector<std::string>& names,
                      TestKey key = TestKey::ecdsa) {
  return make_certificate(names, {.key = key, .common_name = common_name});
}

// What ALPN settled on.
std::string agreed(const TlsSocket& socket) {
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(socket.ssl(), &chosen, &length);
  return {reinterpret_cast<const char*>(chosen), length};
}

class Tls : public testing::Test {
 protected:
  void serve(const std::string& host, const std::string& common_name, const std::vector<std::string>& names) {
    proxy.tls(host, tls_host(host, {named(common_name, names)}));
    proxy.route(host, "/", {origin.port()});
  }

  TlsSocket connect(const char* server_name) {
    return TlsSocket(RawSocket::connect(proxy.https_port()), client.connect(server_name));
  }

  // A full handshake, whatever was agreed before.
  std::string certificate_for(const char* server_name) {
    client.session.reset();
    return connect(server_name).certificate_name();
  }

  static RawResponse ask(RawSocket& socket, const std::string& host, const std::string& target = "/") {
    socket.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return read_response(socket);
  }

  Origin origin{Origin::answering([](const RawRequest& request) {
    return ok(request.body.empty() ? request.field("X-Forwarded-Proto") : request.body);
  })};
  TestClient client;
  TestProxy proxy;
};

TEST_F(Tls, RequestsAreServedAndSaidToBeHttps) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket socket = connect("a.test");
  ASSERT_TRUE(socket.up());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(socket, "a.test").body, "https");
  EXPECT_EQ(origin.connections(), 1);
  EXPECT_EQ(proxy.counter(&WorkerCounters::tls_handshakes), 1u);
}

TEST_F(Tls, TheServerNameChoosesTheCertificate) {
  serve("a.test", "exact", {"a.test"});
  serve("*.wild.test", "wildcard", {"*.wild.test"});
  serve("b.wild.test", "more exact", {"b.wild.test"});
  serve("wrong.test", "of another host", {"right.test"});
  proxy.start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client.only(version);
    EXPECT_EQ(certificate_for("a.test"), "exact");
    EXPECT_EQ(certificate_for("A.Test."), "exact");
    EXPECT_EQ(certificate_for("x.wild.test"), "wildcard");
    EXPECT_EQ(certificate_for("b.wild.test"), "more exact");
    EXPECT_EQ(certificate_for("x.y.wild.test"), generated_name);
    EXPECT_EQ(certificate_for("wild.test"), generated_name);
    EXPECT_EQ(certificate_for("wrong.test"), generated_name) << "its certificate is not for it";
    EXPECT_EQ(certificate_for("unknown.test"), generated_name);
    EXPECT_EQ(certificate_for(nullptr), generated_name);
  }
}

TEST_F(Tls, TheDefaultCertificateServesWhoeverHasNone) {
  serve("a.test", "exact", {"a.test"});
  serve("wrong.test", "of another host", {"right.test"});
  proxy.tls("", tls_host("", {named("default", {"default.test"})}));
  proxy.start();
  EXPECT_EQ(certificate_for("a.test"), "exact");
  EXPECT_EQ(certificate_for("wrong.test"), "default");
  EXPECT_EQ(certificate_for("unknown.test"), "default");
  EXPECT_EQ(certificate_for(nullptr), "default");
}

TEST_F(Tls, ClientsOfOneKeyTypeGetTheCertificateOfIt) {
  proxy.tls("both.test",
            tls_host("both.test", {named("ecdsa", {"both.test"}), named("rsa", {"both.test"}, TestKey::rsa)}));
  proxy.route("both.test", "/", {origin.port()});
  proxy.start();
  EXPECT_EQ(certificate_for("both.test"), "ecdsa");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client.only(version);
    SSL_CTX_set1_sigalgs_list(client.context(), "rsa_pss_rsae_sha256:rsa_pkcs1_sha256");
    EXPECT_EQ(certificate_for("both.test"), "rsa");
    SSL_CTX_set1_sigalgs_list(client.context(), "ecdsa_secp256r1_sha256");
    EXPECT_EQ(certificate_for("both.test"), "ecdsa");
  }
}

TEST_F(Tls, OldVersionsAreRefused) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  client.only(TLS1_2_VERSION);
  EXPECT_TRUE(connect("a.test").up());
  client.only(TLS1_3_VERSION);
  EXPECT_TRUE(connect("a.test").up());
  SSL_CTX_set_security_level(client.context(), 0);
  SSL_CTX_set_cipher_list(client.context(), "ALL:@SECLEVEL=0");
  client.only(TLS1_1_VERSION);
  EXPECT_FALSE(connect("a.test").up());
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::tls_failures) == 1; }));
}

TEST_F(Tls, Http2IsAgreedUponBeforeHttp11) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>("\x08http/1.1\x02h2"), 12);
  TlsSocket socket = connect("a.test");
  ASSERT_TRUE(socket.up());
  EXPECT_EQ(agreed(socket), "h2");
  Http2Client http2(socket);
  EXPECT_EQ(http2.response(http2.get("a.test")).status, 200);
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>("\x08http/1.1"), 9);
  TlsSocket old = connect("a.test");
  EXPECT_EQ(agreed(old), "http/1.1");
  EXPECT_EQ(ask(old, "a.test").status, 200);
}

TEST_F(Tls, WithoutHttp2Http11IsAgreedUpon) {
  proxy.options.http2 = false;
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
  TlsSocket socket = connect("a.test");
  ASSERT_TRUE(socket.up());
  EXPECT_EQ(agreed(socket), "http/1.1");
  EXPECT_EQ(ask(socket, "a.test").status, 200);
}

TEST_F(Tls, ATicketOfOneWorkerIsGoodAtTheOthers) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client.only(version);
    client.session.reset();
    TestProxy several;
    several.options.workers = 2;
    several.tls("a.test", tls_host("a.test", {named("exact", {"a.test"})}));
    several.route("a.test", "/", {origin.port()});
    several.start();
    const auto ask_once = [&] {
      TlsSocket socket(RawSocket::connect(several.https_port()), client.connect("a.test"));
      EXPECT_EQ(ask(socket, "a.test").status, 200);
      return socket.resumed();
    };
    ASSERT_FALSE(ask_once());
    ASSERT_TRUE(client.session);
    const auto handshakes = [&](std::size_t worker) {
      return several.workers->metrics()[worker]->counters.tls_handshakes.value();
    };
    for (int i = 0; i < 200 && (handshakes(0) < 2 || handshakes(1) < 2); ++i) EXPECT_TRUE(ask_once());
    EXPECT_GE(handshakes(0), 2u);
    EXPECT_GE(handshakes(1), 2u);
  }
}

TEST_F(Tls, RotatedTicketKeysAreGoodForAWhile) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  {
    TlsSocket first = connect("a.test");
    ask(first, "a.test");
  }
  proxy.workers->tickets().rotate();
  TlsSocket second = connect("a.test");
  EXPECT_TRUE(second.resumed());
  EXPECT_EQ(ask(second, "a.test").status, 200);
  for (std::size_t i = 0; i < SessionTickets::kept_keys; ++i) proxy.workers->tickets().rotate();
  TlsSocket third = connect("a.test");
  EXPECT_FALSE(third.resumed());
  EXPECT_EQ(ask(third, "a.test").status, 200);
}

TEST_F(Tls, ANewCertificateIsForNewHandshakesAndOldConnectionsLiveOn) {
  serve("a.test", "first", {"a.test"});
  proxy.start();
  TlsSocket open = connect("a.test");
  EXPECT_EQ(open.certificate_name(), "first");
  EXPECT_EQ(ask(open, "a.test").status, 200);
  serve("a.test", "second", {"a.test"});
  proxy.publish();
  EXPECT_EQ(certificate_for("a.test"), "second");
  EXPECT_EQ(ask(open, "a.test").status, 200);
  proxy.tls("a.test", nullptr);
  proxy.config.tls_hosts.erase("a.test");
  proxy.publish();
  EXPECT_EQ(certificate_for("a.test"), generated_name);
  EXPECT_EQ(ask(open, "a.test").status, 200);
}

TEST_F(Tls, AHandshakeUnderWayEndsWithTheCertificatesItBeganWith) {
  serve("a.test", "first", {"a.test"});
  proxy.start();
  client.only(TLS1_2_VERSION);
  RawSocket half = RawSocket::connect(proxy.https_port());
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
  serve("a.test", "second", {"a.test"});
  proxy.publish();
  const TlsSocket finished(std::move(half), client.connect("a.test"));
  EXPECT_EQ(finished.certificate_name(), "first");
}

// What a command prints.
std::string printed_by(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  char piece[4096];
  for (std::size_t size = 0; pipe && (size = std::fread(piece, 1, sizeof piece, pipe)) > 0;) text.append(piece, size);
  if (pipe) ::pclose(pipe);
  return text;
}

TEST_F(Tls, CurlTrustsTheChainOfTheSecret) {
  const TestCertificate root = make_certificate({}, {.common_name = "root", .is_ca = true});
  const TestCertificate middle = make_certificate({}, {.common_name = "middle", .is_ca = true, .issuer = &root});
  TestCertificate leaf = make_certificate({"a.test"}, {.issuer = &middle});
  leaf.certificate_pem += middle.certificate_pem;
  proxy.tls("a.test", tls_host("a.test", {leaf}));
  proxy.route("a.test", "/", {origin.port()});
  proxy.start();
  const std::string ca = testing::TempDir() + "tls_test_ca." + std::to_string(::getpid());
  std::ofstream(ca) << root.certificate_pem;
  const std::string port = std::to_string(proxy.https_port());
  const std::string curl = "curl --silent --max-time 10 --noproxy '*' --cacert " + ca +
                           " --write-out ' %{http_code} %{ssl_verify_result}' --resolve '*:" + port + ":127.0.0.1' ";
  EXPECT_EQ(printed_by(curl + "https://a.test:" + port + "/"), "https 200 0");
  EXPECT_EQ(printed_by(curl + "--data hello https://a.test:" + port + "/"), "hello 200 0");
  EXPECT_THAT(printed_by(curl + "https://b.test:" + port + "/"), testing::StartsWith(" 000 "));
  std::remove(ca.c_str());
}

class TlsPolicies : public Tls {
 protected:
  TlsPolicies() {
    serve("open.test", "open", {"open.test"});
    serve("other.test", "other", {"other.test"});
    serve("guarded.test", "guarded", {"guarded.test"});
    proxy.route("guarded.test", "/", {origin.port()},
                [](TestProxy::Routed& routed) { routed.host.tls_policy = "client certificate"; });
    proxy.start();
  }
};

TEST_F(TlsPolicies, AreNotPassedByWithAnotherHostsConnection) {
  TlsSocket open = connect("open.test");
  EXPECT_EQ(ask(open, "open.test").status, 200);
  EXPECT_EQ(ask(open, "other.test").status, 200) << "hosts of one policy may share a connection";
  EXPECT_EQ(ask(open, "guarded.test").status, 421);
  EXPECT_EQ(ask(open, "open.test").status, 200) << "the connection lives on";
  TlsSocket guarded = connect("guarded.test");
  EXPECT_EQ(ask(guarded, "guarded.test").status, 200);
  EXPECT_EQ(ask(guarded, "open.test").status, 421);
}

TEST_F(TlsPolicies, AreNotPassedByWithAnotherHostsConnectionOverHttp2) {
  SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  TlsSocket open = connect("open.test");
  Http2Client http2(open);
  EXPECT_EQ(http2.response(http2.get("other.test")).status, 200);
  EXPECT_EQ(http2.response(http2.get("guarded.test")).status, 421);
  EXPECT_EQ(http2.response(http2.get("open.test")).status, 200) << "the connection lives on";
}

TEST_F(TlsPolicies, AreNotPassedByWithoutAServerName) {
  TlsSocket nameless = connect(nullptr);
  EXPECT_EQ(ask(nameless, "open.test").status, 200);
  EXPECT_EQ(ask(nameless, "guarded.test").status, 421);
}

TEST_F(Tls, PlainHttpOnTheHttpsPortIsToldSo) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  RawSocket plain = RawSocket::connect(proxy.https_port());
  plain.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const RawResponse response = read_response(plain);
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("plain HTTP request was sent to HTTPS port"), std::string::npos);
  EXPECT_TRUE(response.complete);
  EXPECT_TRUE(plain.at_end());
  EXPECT_FALSE(plain.was_reset());
  EXPECT_EQ(origin.connections(), 0);
}

// The peer has ended its side, then reset the connection.
bool reset_behind_end(const RawSocket& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == EPIPE;
}

// Who sends as fast as we read would keep the Worker from all others.
TEST_F(Tls, PlainHttpOnTheHttpsPortIsNotReadWithoutEnd) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  RawSocket plain = RawSocket::connect(proxy.https_port());
  ASSERT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
  std::size_t sent = 0;
  {
    const BusyWorker busy(proxy);
    plain.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    for (ssize_t count = 0; count >= 0; sent += static_cast<std::size_t>(std::max<ssize_t>(count, 0))) {
      count = ::send(plain.fd(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  }
  ASSERT_GT(sent, 1'000'000u);
  EXPECT_TRUE(TestProxy::eventually([&] { return reset_behind_end(plain); })) << "much was left unread";
  EXPECT_EQ(read_response(plain).status, 400);
}

TEST_F(Tls, BrokenHandshakesAreCountedAndHarmNobodyElse) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket open = connect("a.test");
  EXPECT_EQ(ask(open, "a.test").status, 200);

  const std::string hello_begun("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  std::uint64_t failures = 0;
  for (const std::string& bytes : {std::string(), std::string("\x16"), hello_begun, std::string(512, '\x80'),
                                   std::string(20'000, '\x16'), std::string(64, '\0')}) {
    RawSocket broken = RawSocket::connect(proxy.https_port());
    broken.send(bytes);
    broken.finish();
    broken.read_to_end();
    ++failures;
    EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::tls_failures) == failures; }));
    EXPECT_EQ(ask(open, "a.test").body, "https");
  }
  RawSocket cut = RawSocket::connect(proxy.https_port());
  cut.send(hello_begun);
  cut.reset();
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::tls_failures) == failures + 1; }));
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.workers->connections() == 1; }));
  EXPECT_EQ(proxy.counter(&WorkerCounters::tls_handshakes), 1u);
}

TEST_F(Tls, AHandshakeThatTakesTooLongIsCutOff) {
  proxy.options.limits.tls_handshake_timeout = std::chrono::milliseconds(30);
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  RawSocket silent = RawSocket::connect(proxy.https_port());
  EXPECT_TRUE(silent.at_end());
  EXPECT_EQ(proxy.limit_hits("tls_handshake_timeout"), 1u);
  EXPECT_EQ(proxy.counter(&WorkerCounters::tls_failures), 1u);
}

TEST_F(Tls, AForgedRecordEndsItsOwnConnectionOnly) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket open = connect("a.test");
  EXPECT_EQ(ask(open, "a.test").status, 200);
  TlsSocket forging = connect("a.test");
  EXPECT_EQ(ask(forging, "a.test").status, 200);
  const std::string forged("\x17\x03\x03\x00\x20 a record that no key has sealed", 37);
  ASSERT_EQ(::send(forging.fd(), forged.data(), forged.size(), MSG_NOSIGNAL), static_cast<ssize_t>(forged.size()));
  EXPECT_TRUE(forging.at_end());
  EXPECT_EQ(ask(open, "a.test").status, 200);
}

TEST_F(Tls, BigBodiesPassBothWays) {
  proxy.tls("a.test", tls_host("a.test", {named("exact", {"a.test"})}));
  proxy.route("a.test", "/", {origin.port()},
              [](TestProxy::Routed& routed) { routed.route.settings.max_body_bytes = 0; });
  proxy.start();
  std::string body(5 * 1024 * 1024 + 13, 'x');
  for (std::size_t i = 0; i < body.size(); i += 997) body[i] = static_cast<char>('a' + i % 26);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client.only(version);
    TlsSocket socket = connect("a.test");
    socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    ASSERT_TRUE(socket.send(body));
    const RawResponse response = read_response(socket);
    EXPECT_TRUE(response.complete);
    EXPECT_TRUE(response.body == body);
  }
}

TEST_F(Tls, SmallRecordsMakeOneRequest) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket socket = connect("a.test");
  for (const char byte : std::string_view("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")) socket.send({&byte, 1});
  EXPECT_EQ(read_response(socket).status, 200);
  EXPECT_TRUE(TestProxy::eventually([&] { return proxy.counter(&WorkerCounters::requests) == 1; }));
}

TEST_F(Tls, RequestsInOneRecordAreAllAnswered) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket socket = connect("a.test");
  std::string all;
  for (int i = 0; i < 20; ++i) all += "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
  socket.send(all);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(read_response(socket).status, 200) << i;
}

TEST_F(Tls, TheLastResponseIsFollowedByACloseNotify) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client.only(version);
    TlsSocket socket = connect("a.test");
    socket.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(read_response(socket).complete);
    EXPECT_TRUE(socket.at_end());
    EXPECT_EQ(socket.end(), TlsSocket::End::close_notify);
  }
}

TEST_F(Tls, AClientThatHasSaidAllStillGetsItsResponse) {
  serve("a.test", "exact", {"a.test"});
  proxy.start();
  TlsSocket socket = connect("a.test");
  socket.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  socket.close_notify();
  EXPECT_EQ(read_response(socket).body, "https");
  EXPECT_TRUE(socket.at_end());
}

TEST_F(Tls, ACutRequestBodyIsNoWholeRequestForTheService) {
  std::atomic<int> whole{0};
  std::atomic<int> cut{0};
  Origin counting([&](RawSocket& connection) { read_request(connection).complete ? ++whole : ++cut; });
  proxy.tls("a.test", tls_host("a.test", {named("exact", {"a.test"})}));
  proxy.route("a.test", "/", {counting.port()});
  proxy.start();
  int expected = 0;
  for (const bool politely : {true, false}) {
    TlsSocket socket = connect("a.test");
    socket.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nonly this");
    politely ? socket.close_notify() : socket.finish();
    ++expected;
    EXPECT_TRUE(TestProxy::eventually([&] { return cut == expected; }));
  }
  EXPECT_EQ(whole, 0);
}

}  // namespace
}  // namespace fairlead
