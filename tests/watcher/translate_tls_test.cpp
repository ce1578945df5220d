#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/watcher/cluster.hpp"
#include "watcher/translate.hpp"

namespace fairlead {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* old = "2024-01-01T00:00:00Z";
constexpr const char* recent = "2025-01-01T00:00:00Z";

struct TranslateTls : testing::Test {
  TranslateTls() { cluster << service("shop/web") << tls_secret("shop/cert"); }
  json web(const std::string& host) { return ingress("shop/web", {{host, {"Prefix / web:80"}}}); }
  Cluster cluster;
};

TEST_F(TranslateTls, AHostInSpecTlsHasTheCertificateOfItsSecret) {
  cluster << with_tls(web("a.test"), {"A.test"}, "cert");
  EXPECT_TRUE(cluster.host("a.test")->tls);
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert"));
  EXPECT_EQ(cluster.tls_host("a.test")->candidates[0]->key_pem, key_pem);
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(TranslateTls, AHostWithoutTlsHasNone) {
  cluster << web("a.test");
  EXPECT_FALSE(cluster.host("a.test")->tls);
  EXPECT_EQ(cluster.tls_host("a.test"), nullptr);
}

TEST_F(TranslateTls, AnEntryWithoutHostsIsForAllHostsOfItsIngress) {
  cluster << with_tls(web("a.test"), {}, "cert");
  EXPECT_TRUE(cluster.host("a.test")->tls);
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert"));
}

TEST_F(TranslateTls, AWildcardEntryIsForTheHostsBelowIt) {
  cluster << with_tls(web("a.example.test"), {"*.example.test"}, "cert");
  EXPECT_TRUE(cluster.host("a.example.test")->tls);
  EXPECT_THAT(cluster.candidates("a.example.test"), ElementsAre("shop/cert"));
  EXPECT_EQ(cluster.tls_host("*.example.test"), nullptr);  // what else is below it keeps the default certificate
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(TranslateTls, AHostThatSpecTlsLeavesOutIsNotRedirectedAndThatIsSaid) {
  cluster << with_tls(ingress("shop/web", {{"a.test", {"Prefix / web:80"}}, {"b.test", {"Prefix / web:80"}}}),
                      {"a.test"}, "cert");
  EXPECT_FALSE(cluster.host("b.test")->tls);
  EXPECT_THAT(cluster.candidates("b.test"), ElementsAre("shop/cert"));  // should it verify for b.test
  EXPECT_THAT(cluster.problems(),
              ElementsAre(StartsWith("notice Ingress shop/web spec.tls: does not name the host \"b.test\"")));
}

TEST_F(TranslateTls, AnEntryWithoutSecretIsServedWithTheDefaultCertificate) {
  cluster << with_tls(web("a.test"), {"a.test"}, "");
  EXPECT_TRUE(cluster.host("a.test")->tls);
  EXPECT_THAT(cluster.candidates("a.test"), IsEmpty());
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(TranslateTls, AMissingSecretIsReportedAndTheHostStaysATlsHost) {
  cluster << with_tls(web("a.test"), {"a.test"}, "gone");
  EXPECT_TRUE(cluster.host("a.test")->tls);
  EXPECT_THAT(cluster.candidates("a.test"), IsEmpty());
  EXPECT_THAT(cluster.problems(), ElementsAre(StartsWith("warning Ingress shop/web spec.tls[0].secretName: Secret "
                                                         "shop/gone does not exist")));
}

TEST_F(TranslateTls, ASecretOfAnotherNamespaceIsOutOfReach) {
  cluster << tls_secret("blog/cert2") << with_tls(web("a.test"), {"a.test"}, "cert2");
  EXPECT_THAT(cluster.candidates("a.test"), IsEmpty());
}

TEST_F(TranslateTls, ASecretThatNeverWasGoodIsReportedOnItAndOnTheIngress) {
  json opaque = object("Secret", "shop/opaque");
  opaque["type"] = "Opaque";
  opaque["data"] = {{"password", "aHVudGVyMg=="}};
  cluster << opaque;
  EXPECT_THAT(cluster.problems(), IsEmpty());  // nobody refers to it
  cluster << with_tls(web("a.test"), {"a.test"}, "opaque");
  EXPECT_THAT(cluster.candidates("a.test"), IsEmpty());
  EXPECT_THAT(cluster.problems(),
              ElementsAre(StartsWith("warning Ingress shop/web spec.tls[0].secretName: Secret shop/opaque holds no "),
                          StartsWith("error Secret shop/opaque : is refused"),
                          StartsWith("error Secret shop/opaque data[\"tls.crt\"]: is missing or empty"),
                          StartsWith("error Secret shop/opaque data[\"tls.key\"]: is missing or empty")));
}

TEST_F(TranslateTls, ASecretThatGoesBadKeepsItsLastGoodCertificate) {
  cluster << with_tls(web("a.test"), {"a.test"}, "cert");
  json bad = tls_secret("shop/cert");
  bad["stringData"]["tls.crt"] = "no PEM";
  cluster << bad;
  EXPECT_EQ(cluster.tls_host("a.test")->candidates.at(0)->certificate_pem, certificate_pem);
  EXPECT_THAT(cluster.problems(), ElementsAre(HasSubstr("the last good one stays in use"), HasSubstr("is not PEM")));
  cluster.hear(remove(Kind::secret, "shop/cert"));
  EXPECT_THAT(cluster.candidates("a.test"), IsEmpty());
}

TEST_F(TranslateTls, NoProblemRepeatsAKey) {
  json bad = tls_secret("shop/cert");
  bad["stringData"]["tls.key"] = "hunter2";
  cluster << bad << with_tls(web("a.test"), {"a.test"}, "cert");
  EXPECT_THAT(cluster.problems(), testing::Each(testing::Not(HasSubstr("hunter2"))));
}

TEST_F(TranslateTls, TheOldestIngressThatNamesTheHostDecidesItsCertificates) {
  cluster << tls_secret("shop/other") << created(with_tls(web("a.test"), {"a.test"}, "cert"), recent)
          << created(with_tls(ingress("shop/older", {{"a.test", {"Prefix /b web:80"}}}), {"a.test"}, "other"), old);
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/other"));
  EXPECT_THAT(cluster.problems(), ElementsAre(StartsWith("warning Ingress shop/web spec.tls: the certificate of host "
                                                         "\"a.test\" is what Ingress shop/older says")));
}

TEST_F(TranslateTls, AnOlderIngressThatDoesNotNameTheHostDoesNotDecide) {
  cluster << tls_secret("shop/other") << created(with_tls(web("a.test"), {"a.test"}, "cert"), recent)
          << created(with_tls(ingress("shop/older", {{"a.test", {"Prefix /b web:80"}}, {"b.test", {}}}), {"b.test"},
                              "other"),
                     old);
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert"));
  EXPECT_TRUE(cluster.host("a.test")->tls);
}

TEST_F(TranslateTls, TwoEntriesOfOneIngressGiveAHostCertificatesOfTwoKinds) {
  cluster << tls_secret("shop/rsa") << with_tls(with_tls(web("a.test"), {"a.test"}, "cert"), {"a.test"}, "rsa");
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert", "shop/rsa"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(TranslateTls, SeveralIngressesOfAHostMayNameTheSameSecret) {
  cluster << with_tls(web("a.test"), {"a.test"}, "cert")
          << with_tls(ingress("shop/more", {{"a.test", {"Prefix /b web:80"}}}), {"a.test"}, "cert");
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

TEST_F(TranslateTls, AnIngressHasNoSayInTheTlsOfAHostForWhichItHasNoRule) {
  const json thief = with_tls(ingress("blog/thief", {{"b.test", {"Prefix / web:80"}}}), {"a.test", "*.test"}, "own");
  cluster << service("blog/web") << tls_secret("blog/own") << web("a.test") << thief;
  EXPECT_FALSE(cluster.host("a.test")->tls);
  EXPECT_EQ(cluster.tls_host("a.test"), nullptr);
  EXPECT_EQ(cluster.tls_host("*.test"), nullptr);
  EXPECT_THAT(cluster.problems(),
              ElementsAre(StartsWith("warning Ingress blog/thief spec.tls[0].hosts: names \"a.test\", for which this "
                                     "Ingress has no rule: its certificate is not used there")));
  cluster << created(with_tls(web("a.test"), {"a.test"}, "cert"), recent) << created(thief, old);
  EXPECT_THAT(cluster.candidates("a.test"), ElementsAre("shop/cert"));
}

TEST_F(TranslateTls, AWildcardTlsHostWithoutRuleLeavesTheDefaultCertificateToOthers) {
  cluster << with_tls(web("a.test"), {"*.example.test"}, "cert");
  EXPECT_EQ(cluster.tls_host("*.example.test"), nullptr);
  EXPECT_THAT(cluster.problems(), Contains(StartsWith("warning Ingress shop/web spec.tls[0].hosts: names "
                                                      "\"*.example.test\"")));
}

TEST(TranslateDefaultCertificate, IsTheTlsHostWithoutName) {
  TranslateOptions options;
  options.default_ssl_certificate = "edge/fallback";
  Cluster cluster(options);
  EXPECT_THAT(cluster.candidates(""), IsEmpty());
  EXPECT_THAT(cluster.problems(),
              ElementsAre(AllOf(StartsWith("warning Secret edge/fallback : as the default certificate: "),
                                HasSubstr("does not exist"))));
  cluster << tls_secret("edge/fallback");
  EXPECT_THAT(cluster.candidates(""), ElementsAre("edge/fallback"));
  EXPECT_THAT(cluster.problems(), IsEmpty());
}

}  // namespace
}  // namespace fairlead
