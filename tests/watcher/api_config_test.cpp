#include "watcher/api_config.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temporary_folder.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view pem = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";
// The same in base64.
constexpr std::string_view pem_data =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tClRVbEpRZz09Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

struct Kubeconfig : testing::Test {
  // The file's text with these members in its cluster and user.
  std::filesystem::path with(const std::string& cluster, const std::string& user) const {
    return folder.write("conf/kubeconfig",
                        "apiVersion: v1\n"
                        "kind: Config\n"
                        "current-context: second\n"
                        "contexts:\n"
                        "- name: first\n"
                        "  context: {cluster: away, user: nobody}\n"
                        "- name: second\n"
                        "  context: {cluster: here, user: me}\n"
                        "clusters:\n"
                        "- {name: away, cluster: {server: \"https://away.test\"}}\n"
                        "- {name: here, cluster: {" +
                            cluster +
                            "}}\n"
                            "users:\n"
                            "- {name: nobody, user: {token: wrong}}\n"
                            "- {name: me, user: {" +
                            user + "}}\n");
  }
  ApiConfig read(const std::string& cluster, const std::string& user) const {
    const auto config = read_kubeconfig(with(cluster, user));
    EXPECT_TRUE(config) << config.error().message;
    return config ? *config : ApiConfig();
  }
  std::string refusal(const std::string& cluster, const std::string& user) const {
    return refusal_of(with(cluster, user));
  }
  static std::string refusal_of(const std::filesystem::path& file) {
    const auto config = read_kubeconfig(file);
    EXPECT_FALSE(config);
    const std::string message = config ? "accepted" : config.error().message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  std::string file(const std::string& name) const { return (folder.path() / name).string(); }

  test::TemporaryFolder folder;
  const std::string server = "server: \"https://here.test:6443/\"";
};

TEST_F(Kubeconfig, IsReadByItsCurrentContext) {
  const ApiConfig config = read(server, "token: \" s3same\\n\"");
  EXPECT_EQ(config.server, "https://here.test:6443");
  EXPECT_EQ(config.token, "s3same");
  EXPECT_TRUE(config.verify_tls);
  EXPECT_TRUE(config.authority.empty());
  EXPECT_TRUE(config.client_key.empty());
}

TEST_F(Kubeconfig, IsReadByTheContextThatIsNamed) {
  const auto first = read_kubeconfig(with(server, "token: mine"), "first");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->server, "https://away.test");
  EXPECT_EQ(first->token, "wrong");
  const auto third = read_kubeconfig(with(server, "token: mine"), "third");
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("has no context 'third', which --kubeconfig-context names"));
}

TEST_F(Kubeconfig, HoldsCertificatesInPlace) {
  const std::string data(pem_data);
  const ApiConfig config = read(server + ", certificate-authority-data: " + data,
                                "client-certificate-data: " + data + ", client-key-data: " + data);
  EXPECT_EQ(config.authority.pem, pem);
  EXPECT_EQ(config.client_certificate.pem, pem);
  EXPECT_EQ(config.client_key.pem, pem);
}

TEST_F(Kubeconfig, NamesFilesRelativeToItself) {
  folder.write("conf/pki/ca.crt", pem);
  folder.write("own.crt", pem);
  const auto absolute = folder.write("own.key", pem);
  folder.write("conf/token", "s3same");
  const ApiConfig config =
      read(server + ", certificate-authority: pki/ca.crt",
           "client-certificate: ../own.crt, client-key: \"" + absolute.string() + "\", tokenFile: token");
  EXPECT_EQ(config.authority.file, file("conf/pki/ca.crt"));
  EXPECT_TRUE(std::filesystem::equivalent(config.client_certificate.file, file("own.crt")));
  EXPECT_EQ(config.client_key.file, absolute);
  EXPECT_EQ(config.token_file, file("conf/token"));
}

TEST_F(Kubeconfig, PrefersWhatStandsInPlaceToAFile) {
  const ApiConfig config =
      read(server + ", certificate-authority: missing.crt, certificate-authority-data: " + std::string(pem_data), "");
  EXPECT_EQ(config.authority.pem, pem);
  EXPECT_TRUE(config.authority.file.empty());
}

TEST_F(Kubeconfig, SaysHowToReachTheServer) {
  const ApiConfig config = read(
      server + ", tls-server-name: kube.test, proxy-url: \"http://proxy.test:3128\", insecure-skip-tls-verify: true",
      "");
  EXPECT_EQ(config.tls_server_name, "kube.test");
  EXPECT_EQ(config.proxy_url, "http://proxy.test:3128");
  EXPECT_FALSE(config.verify_tls);
}

TEST_F(Kubeconfig, RunsNoPrograms) {
  EXPECT_THAT(refusal(server, "exec: {command: aws, args: [get-token]}"),
              HasSubstr("has 'exec' credentials for user 'me', which would run another program; use a token"));
  EXPECT_THAT(refusal(server, "auth-provider: {name: gcp}"), HasSubstr("has 'auth-provider' credentials"));
  EXPECT_THAT(refusal(server, "username: admin, password: hunter2"),
              testing::AllOf(HasSubstr("user name and password"), Not(HasSubstr("hunter2"))));
}

TEST_F(Kubeconfig, IsRefusedWithTheFileAndTheLineWhenItIsNoYaml) {
  const auto broken = folder.write("conf/kubeconfig", "apiVersion: v1\nusers:\n- name: me\n  user: {token: hunter2\n");
  EXPECT_EQ(refusal_of(broken), "the kubeconfig " + broken.string() + " is not YAML that can be used (line 5)");
  EXPECT_THAT(refusal_of(folder.write("empty", "")), HasSubstr("is empty or no mapping"));
  EXPECT_THAT(refusal_of(folder.write("list", "[a, b]\n")), HasSubstr("is empty or no mapping"));
  EXPECT_EQ(refusal_of(file("missing")), "cannot read the kubeconfig " + file("missing"));
  EXPECT_EQ(refusal_of(folder.path()), "cannot read the kubeconfig " + folder.path().string());
}

TEST_F(Kubeconfig, IsRefusedWhenItsNamesLeadNowhere) {
  EXPECT_THAT(refusal_of(folder.write("k", "kind: Config\n")), HasSubstr("names no current-context"));
  EXPECT_THAT(refusal_of(folder.write("k", "current-context: prod\n")), HasSubstr("has no context 'prod'"));
  EXPECT_THAT(refusal_of(folder.write(
                  "k", "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: 7\n")),
              HasSubstr("has no cluster 'b'"));
  EXPECT_THAT(refusal_of(folder.write("k",
                                      "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\n"
                                      "clusters: [{name: b, cluster: {server: \"https://b.test\"}}]\n")),
              HasSubstr("has no user 'c'"));
  EXPECT_THAT(refusal("tls-server-name: x", ""), HasSubstr("names no server"));
}

TEST_F(Kubeconfig, IsRefusedWhenAFileCannotBeRead) {
  EXPECT_EQ(refusal(server + ", certificate-authority: ca.crt", ""),
            "cannot read the certificate-authority " + file("conf/ca.crt"));
  EXPECT_EQ(refusal(server, "tokenFile: token"), "cannot read the token file " + file("conf/token"));
  folder.write("conf/own.crt", pem);
  EXPECT_EQ(refusal(server, "client-certificate: own.crt, client-key: own.key"),
            "cannot read the client-key " + file("conf/own.key"));
  if (::geteuid() == 0) return;  // who may read everything
  ::chmod(folder.write("conf/own.key", pem).c_str(), 0);
  EXPECT_EQ(refusal(server, "client-certificate: own.crt, client-key: own.key"),
            "cannot read the client-key " + file("conf/own.key"));
}

TEST_F(Kubeconfig, NeverShowsAKeyThatIsNone) {
  folder.write("conf/own.crt", pem);
  folder.write("conf/own.key", "hunter2");
  const std::string by_file = refusal(server, "client-certificate: own.crt, client-key: own.key");
  EXPECT_THAT(by_file,
              testing::AllOf(HasSubstr(file("conf/own.key")), HasSubstr("is not PEM"), Not(HasSubstr("hunter2"))));
  const std::string in_place = refusal(server, "client-certificate: own.crt, client-key-data: aHVudGVyMg==");
  EXPECT_THAT(in_place,
              testing::AllOf(HasSubstr("client-key-data"), HasSubstr("is not PEM"), Not(HasSubstr("aHVudGVyMg"))));
  EXPECT_THAT(refusal(server, "client-certificate: own.crt, client-key-data: \"hunter2!\""),
              testing::AllOf(HasSubstr("client-key-data that is not base64"), Not(HasSubstr("hunter2"))));
}

TEST_F(Kubeconfig, NamesBothCertificateAndKeyOrNeither) {
  folder.write("conf/own.crt", pem);
  EXPECT_THAT(refusal(server, "client-certificate: own.crt"), HasSubstr("both client-certificate and client-key"));
  EXPECT_THAT(refusal(server, "client-key-data: " + std::string(pem_data)), HasSubstr("both"));
}

TEST_F(Kubeconfig, HoldsNoTokenThatWouldBreakAHeader) {
  EXPECT_THAT(refusal(server, "token: \"a\\nX-Evil: hunter2\""),
              testing::AllOf(HasSubstr("token"), Not(HasSubstr("hunter2"))));
  folder.write("conf/token", "a\r\nX-Evil: hunter2\n");
  EXPECT_THAT(refusal(server, "tokenFile: token"),
              testing::AllOf(HasSubstr(file("conf/token")), Not(HasSubstr("hunter2"))));
}

TEST_F(Kubeconfig, NamesAServerByUrlWithoutCredentials) {
  EXPECT_EQ(read("server: \"http://here.test\"", "").server, "http://here.test");
  EXPECT_EQ(read("server: here.test", "").server, "http://here.test");
  EXPECT_EQ(read("server: here.test, certificate-authority-data: " + std::string(pem_data), "").server,
            "https://here.test");
  EXPECT_THAT(refusal("server: \"ftp://here.test\"", ""), HasSubstr("must begin with https:// or http://"));
  EXPECT_THAT(refusal("server: \"https://me:hunter2@here.test\"", ""),
              testing::AllOf(HasSubstr("must not hold credentials"), Not(HasSubstr("hunter2"))));
}

struct InCluster : testing::Test {
  InCluster() {
    pod.host = "10.96.0.1";
    pod.port = "443";
    pod.service_account = folder.path();
    folder.write("token", "s3same\n");
    folder.write("ca.crt", pem);
  }
  std::string refusal() const {
    const auto config = in_cluster_config(pod);
    return config ? "accepted" : config.error().message;
  }

  test::TemporaryFolder folder;
  PodEnvironment pod;
};

TEST_F(InCluster, IsTheServiceAccountOfThePod) {
  const auto config = in_cluster_config(pod);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->token_file, folder.path() / "token");
  EXPECT_EQ(config->authority.file, folder.path() / "ca.crt");
  EXPECT_TRUE(config->verify_tls);
}

TEST_F(InCluster, AnIpv6AddressStandsInBrackets) {
  pod.host = "fd00:10:96::1";
  EXPECT_EQ(in_cluster_config(pod)->server, "https://[fd00:10:96::1]:443");
}

TEST_F(InCluster, SaysWhatIsMissing) {
  std::filesystem::remove(folder.path() / "ca.crt");
  EXPECT_EQ(refusal(), "cannot read the cluster's CA " + (folder.path() / "ca.crt").string());
  std::filesystem::remove(folder.path() / "token");
  EXPECT_EQ(refusal(), "cannot read the service account's token " + (folder.path() / "token").string());
  pod.port.clear();
  EXPECT_THAT(refusal(), HasSubstr("give --kubeconfig, --apiserver-host or --manifests"));
}

TEST_F(InCluster, GivesWayToAKubeconfigAndToATypedHost) {
  const auto file = folder.write("k",
                                 "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n"
                                 "clusters: [{name: b, cluster: {server: \"https://b.test\"}}]\n");
  EXPECT_EQ(choose_api_config({}, pod)->server, "https://10.96.0.1:443");
  EXPECT_EQ(choose_api_config({file.string(), "", ""}, pod)->server, "https://b.test");
  EXPECT_EQ(choose_api_config({file.string(), "", "https://typed.test"}, pod)->server, "https://typed.test");

  const auto typed = choose_api_config({"", "", "https://typed.test/"}, pod);
  EXPECT_EQ(typed->server, "https://typed.test");
  EXPECT_EQ(typed->token_file, folder.path() / "token");
  EXPECT_TRUE(choose_api_config({"", "", "http://typed.test"}, pod)->token_file.empty()) << "never in clear text";
  EXPECT_EQ(choose_api_config({"", "", "127.0.0.1:8001"}, PodEnvironment{})->server, "http://127.0.0.1:8001");
}

struct TokenFile : testing::Test {
  test::TemporaryFolder folder;
  std::filesystem::path file = folder.write("token", "first\n");
  BearerToken token{"", file};
};

TEST_F(TokenFile, IsReadAgainWhenItIsReplaced) {
  EXPECT_EQ(token.current(), "first");
  std::filesystem::rename(folder.write("next", "second\n"), file);
  EXPECT_EQ(token.current(), "second");
}

TEST_F(TokenFile, IsReadAgainWhenTheServerDoesNotTakeItsToken) {
  EXPECT_EQ(token.current(), "first");
  struct stat before {};
  ASSERT_EQ(::stat(file.c_str(), &before), 0);
  folder.write("token", "other\n");
  const timespec times[] = {before.st_atim, before.st_mtim};  // now it looks the same
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  EXPECT_EQ(token.current(), "first");
  token.distrust();
  EXPECT_EQ(token.current(), "other");
}

TEST_F(TokenFile, KeepsItsLastTokenWhileItCannotBeRead) {
  EXPECT_EQ(token.current(), "first");
  folder.write("token", "");
  EXPECT_EQ(token.current(), "first");
  folder.write("token", "a\nb: c\n");
  EXPECT_EQ(token.current(), "first");
  std::filesystem::remove(file);
  EXPECT_EQ(token.current(), "first");
  folder.write("token", "second");
  EXPECT_EQ(token.current(), "second");
}

TEST(BearerToken, MayBeGivenInPlaceOrNotAtAll) {
  EXPECT_EQ(BearerToken("s3same", {}).current(), "s3same");
  EXPECT_EQ(BearerToken("", {}).current(), "");
}

TEST(Base64, IsDecodedWithPaddingAndAroundWhiteSpace) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("YQ=="), "a");
  EXPECT_EQ(decode_base64("YWI="), "ab");
  EXPECT_EQ(decode_base64("YW\nJj \r\n"), "abc");
  EXPECT_EQ(decode_base64("//79"), "\xff\xfe\xfd");
}

TEST(Base64, IsRefusedWhenItIsNone) {
  for (const char* text : {"Y", "YQ", "YQ=", "YQ===", "=", "YQ==YQ==", "Y-_=", "YWJj=", "YWJj\x01"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace fairlead
