#include "tls/certificate_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tls/memory_pair.hpp"
#include "tls/certificate.hpp"

namespace fairlead {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using StorePtr = std::shared_ptr<const CertificateStore>;

StorePtr with(const StorePtr& store, const std::string& host,
              std::vector<std::shared_ptr<const CertificateSource>> candidates) {
  TlsHosts hosts;
  add_host(hosts, host, std::move(candidates));
  return store->with(hosts);
}

StorePtr without(const StorePtr& store, const std::string& host) {
  return store->with({{host, nullptr}});
}

const Certificate* ecdsa(const StorePtr& store, std::string_view host) {
  return store->find(host).by_type[static_cast<std::size_t>(KeyType::ecdsa)].get();
}

std::string secret(const StorePtr& store, std::string_view host) {
  return ecdsa(store, host)->facts().secret;
}

constexpr const char* generated = "default-fake-certificate";

TEST(CertificateStore, ExactBeforeWildcardBeforeDefault) {
  StorePtr store = CertificateStore::create();
  store = with(store, "a.example.com", {source("exact", make_certificate({"a.example.com"}))});
  store = with(store, "*.example.com", {source("wild", make_certificate({"*.example.com"}))});
  EXPECT_EQ(secret(store, "a.example.com"), "exact");
  EXPECT_EQ(secret(store, "b.example.com"), "wild");
  EXPECT_EQ(secret(store, "b.c.example.com"), generated);
  EXPECT_EQ(secret(store, "example.com"), generated);
  EXPECT_EQ(secret(store, ""), generated);
  EXPECT_EQ(secret(store, ".example.com"), generated);
  EXPECT_EQ(secret(store, "*"), generated);
  EXPECT_THAT(store->problems(), IsEmpty());
}

TEST(CertificateStore, TheDefaultCertificateCanBeSetAndTakenAway) {
  const StorePtr bare = CertificateStore::create();
  const StorePtr set = with(bare, "", {source("mine", make_certificate({"whatever.test"}))});
  EXPECT_EQ(secret(set, ""), "mine");
  EXPECT_EQ(secret(set, "unknown.example.com"), "mine");
  const StorePtr taken = without(set, "");
  EXPECT_EQ(secret(taken, "unknown.example.com"), generated);
  EXPECT_EQ(ecdsa(taken, ""), ecdsa(bare, "")) << "the generated certificate stays the same one";
}

TEST(CertificateStore, TheFirstCandidateOfEachKeyTypeIsUsed) {
  const auto first = source("first", make_certificate({"a.example.com"}));
  const auto second = source("second", make_certificate({"a.example.com"}));
  const auto rsa = source("rsa", make_certificate({"a.example.com"}, {.key = TestKey::rsa}));
  const StorePtr store = with(CertificateStore::create(), "a.example.com", {first, second, rsa});
  const auto& found = store->find("a.example.com").by_type;
  EXPECT_EQ(found[static_cast<std::size_t>(KeyType::ecdsa)]->facts().secret, "first");
  EXPECT_EQ(found[static_cast<std::size_t>(KeyType::rsa)]->facts().secret, "rsa");
  EXPECT_EQ(found[static_cast<std::size_t>(KeyType::ed25519)], nullptr);
}

TEST(CertificateStore, ACertificateOfAnotherNameGivesTheDefaultAndAProblem) {
  const StorePtr store =
      with(CertificateStore::create(), "a.example.com", {source("other", make_certificate({"b.example.com"}))});
  EXPECT_EQ(secret(store, "a.example.com"), generated);
  ASSERT_THAT(store->problems(), SizeIs(1));
  const Problem& problem = store->problems()[0];
  EXPECT_EQ(problem.object, (ObjectRef{"Secret", "default", "other"}));
  EXPECT_EQ(problem.field, "data[\"tls.crt\"]");
  EXPECT_EQ(problem.severity, Severity::warning);
  EXPECT_THAT(problem.message, HasSubstr("\"a.example.com\""));
  EXPECT_THAT(problem.message, HasSubstr("b.example.com"));
  EXPECT_THAT(without(store, "a.example.com")->problems(), IsEmpty());
}

TEST(CertificateStore, AMismatchBesideAMatchIsNoProblem) {
  const auto other = source("other", make_certificate({"b.example.com"}));
  const auto own = source("own", make_certificate({"a.example.com"}));
  const StorePtr store = with(CertificateStore::create(), "a.example.com", {other, own});
  EXPECT_EQ(secret(store, "a.example.com"), "own");
  EXPECT_THAT(store->problems(), IsEmpty());
}

TEST(CertificateStore, AHostWithoutUsableCertificateDoesNotFallBackOnTheWildcard) {
  StorePtr store =
      with(CertificateStore::create(), "*.example.com", {source("wild", make_certificate({"*.example.com"}))});
  store = with(store, "a.example.com", {});
  EXPECT_EQ(secret(store, "a.example.com"), generated);
  EXPECT_EQ(secret(store, "b.example.com"), "wild");
}

TEST(CertificateStore, ABadSecretKeepsItsLastGoodCertificate) {
  const auto good = make_certificate({"a.example.com"});
  const StorePtr before = with(CertificateStore::create(), "a.example.com", {source("s", good)});
  const StorePtr bad = with(before, "a.example.com", {source("s", {"garbage", good.key_pem})});
  EXPECT_EQ(ecdsa(bad, "a.example.com"), ecdsa(before, "a.example.com"));
  ASSERT_THAT(bad->problems(), SizeIs(1));
  EXPECT_EQ(bad->problems()[0].object, (ObjectRef{"Secret", "default", "s"}));
  EXPECT_EQ(bad->problems()[0].field, "data[\"tls.crt\"]");
  EXPECT_EQ(bad->problems()[0].severity, Severity::error);
  EXPECT_THAT(bad->problems()[0].message, HasSubstr("last good certificate"));

  const StorePtr worse = with(bad, "a.example.com", {source("s", {good.certificate_pem, "garbage"})});
  EXPECT_EQ(ecdsa(worse, "a.example.com"), ecdsa(before, "a.example.com"));
  ASSERT_THAT(worse->problems(), SizeIs(1));
  EXPECT_EQ(worse->problems()[0].field, "data[\"tls.key\"]");

  const StorePtr mended = with(worse, "a.example.com", {source("s", make_certificate({"a.example.com"}))});
  EXPECT_NE(ecdsa(mended, "a.example.com"), ecdsa(before, "a.example.com"));
  EXPECT_EQ(secret(mended, "a.example.com"), "s");
  EXPECT_THAT(mended->problems(), IsEmpty());
}

TEST(CertificateStore, ABadSecretThatNeverWasGoodGivesTheDefault) {
  const StorePtr store = with(CertificateStore::create(), "a.example.com", {source("s", {"garbage", "garbage"})});
  EXPECT_EQ(secret(store, "a.example.com"), generated);
  ASSERT_THAT(store->problems(), SizeIs(1));
  EXPECT_THAT(store->problems()[0].message, HasSubstr("default certificate"));
}

TEST(CertificateStore, TheLastGoodOneOfAnotherSecretIsNotTaken) {
  const StorePtr before =
      with(CertificateStore::create(), "a.example.com", {source("old", make_certificate({"a.example.com"}))});
  const StorePtr after = with(before, "a.example.com", {source("new", {"garbage", "garbage"})});
  EXPECT_EQ(secret(after, "a.example.com"), generated);
}

TEST(CertificateStore, ALastGoodCertificateIsForgottenWithTheSecret) {
  const StorePtr before =
      with(CertificateStore::create(), "a.example.com", {source("s", make_certificate({"a.example.com"}))});
  const StorePtr gone = without(before, "a.example.com");
  const StorePtr back = with(gone, "a.example.com", {source("s", {"garbage", "garbage"})});
  EXPECT_EQ(secret(back, "a.example.com"), generated);
}

TEST(CertificateStore, ALastGoodCertificateIsTakenUpByAnotherHostInTheSameChange) {
  const auto good = make_certificate({"*.example.com"});
  const StorePtr before = with(CertificateStore::create(), "a.example.com", {source("s", good)});
  TlsHosts change;
  change["a.example.com"] = nullptr;
  add_host(change, "b.example.com", {source("s", {"garbage", "garbage"})});
  EXPECT_EQ(secret(before->with(change), "b.example.com"), "s");
}

TEST(CertificateStore, HostsOfOneSecretShareOneCertificate) {
  const auto made = make_certificate({"*.example.com"});
  TlsHosts hosts;
  add_host(hosts, "a.example.com", {source("s", made)});
  add_host(hosts, "b.example.com", {source("s", made)});  // an equal source, though not the same one
  const StorePtr store = CertificateStore::create()->with(hosts);
  EXPECT_EQ(ecdsa(store, "a.example.com"), ecdsa(store, "b.example.com"));
  const StorePtr one_less = without(store, "a.example.com");
  EXPECT_EQ(ecdsa(one_less, "b.example.com"), ecdsa(store, "b.example.com"));
}

TEST(CertificateStore, WhatDidNotChangeIsNotParsedAgain) {
  const auto made = make_certificate({"a.example.com"});
  const StorePtr first = with(CertificateStore::create(), "a.example.com", {source("s", made)});
  const StorePtr again = with(first, "a.example.com", {source("s", made)});
  EXPECT_EQ(ecdsa(first, "a.example.com"), ecdsa(again, "a.example.com"));
}

TEST(CertificateStore, AnExpiredCertificateIsServedWithANotice) {
  const StorePtr store = with(CertificateStore::create(), "a.example.com",
                              {source("old", make_certificate({"a.example.com"}, {.ends_in_seconds = -60}))});
  EXPECT_EQ(secret(store, "a.example.com"), "old");
  ASSERT_THAT(store->problems(), SizeIs(1));
  EXPECT_EQ(store->problems()[0].severity, Severity::notice);
  EXPECT_THAT(store->problems()[0].message, HasSubstr("expired"));
}

TEST(CertificateStore, AProblemOfASecretIsToldOnceForAllItsHosts) {
  TlsHosts hosts;
  for (int i = 0; i < 20; ++i) {
    add_host(hosts, "h" + std::to_string(i) + ".example.com", {source("s", {"garbage", "garbage"})});
  }
  EXPECT_THAT(CertificateStore::create()->with(hosts)->problems(), SizeIs(1));
}

TEST(CertificateStore, TellsTheFactsOfEveryServedCertificate) {
  const auto pair = {source("e", make_certificate({"a.example.com"})),
                     source("r", make_certificate({"a.example.com"}, {.key = TestKey::rsa}))};
  StorePtr store = with(CertificateStore::create(), "a.example.com", pair);
  store = with(store, "*.example.com", {source("w", make_certificate({"*.example.com"}))});
  const auto facts = store->facts();
  ASSERT_THAT(facts, SizeIs(4));
  EXPECT_EQ(facts[0].host, "*.example.com");
  EXPECT_EQ(facts[0].secret, "w");
  EXPECT_EQ(facts[1].host, "_");
  EXPECT_EQ(facts[1].secret, generated);
  EXPECT_EQ(facts[2].host, "a.example.com");
  EXPECT_EQ(facts[2].key_algorithm, "ECDSA");
  EXPECT_EQ(facts[3].key_algorithm, "RSA");
}

TEST(CertificateStore, AnOlderStoreStaysAsItWas) {
  const StorePtr before =
      with(CertificateStore::create(), "a.example.com", {source("s", make_certificate({"a.example.com"}))});
  const Certificate* certificate = ecdsa(before, "a.example.com");
  with(before, "a.example.com", {source("s", make_certificate({"a.example.com"}))});
  without(before, "a.example.com");
  EXPECT_EQ(ecdsa(before, "a.example.com"), certificate);
}

}  // namespace
}  // namespace fairlead
