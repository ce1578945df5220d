#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/watcher/cluster.hpp"
#include "watcher/translator.hpp"

namespace fairlead {
namespace {

// Objects of a small world, good and bad, so that they meet often.
class World {
 public:
  World(std::uint32_t seed, bool bad_secrets) : random_(seed), bad_secrets_(bad_secrets) {}

  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  const std::string& any(const std::vector<std::string>& of) { return of[below(of.size())]; }

  Change change() {
    const Kind kind = kinds_[below(std::size(kinds_))];
    if (one_in(30)) {
      Change change;
      change.type = Change::Type::problems;
      if (one_in(2)) change.problems = {{{"File", "", "a.yaml"}, "line 3", "is no YAML", Severity::error}};
      return change;
    }
    if (one_in(20)) return answer(any(names), some_addresses(), one_in(4) ? "cannot be asked for" : "");
    if (one_in(40)) return runs_in({any({"", "z1", "z2"}), any({"", "n1"})});
    if (one_in(12)) return some_of(kind);
    if (one_in(4)) {
      const json victim = make(kind);
      Change change = put(victim);
      change.type = Change::Type::remove;
      return change;
    }
    return put(make(kind));
  }

  static inline const std::vector<std::string> names{"x.test", "y.test"};

 private:
  std::vector<std::string> some_addresses() {
    std::vector<std::string> addresses;
    for (std::size_t count = below(3); count > 0; --count) addresses.push_back(any({"192.0.2.1", "192.0.2.2", "::1"}));
    return addresses;
  }

  Change some_of(Kind kind) {
    std::vector<json> objects;
    for (std::size_t count = below(5); count > 0; --count) objects.push_back(make(kind));
    return replace(kind, std::move(objects));
  }

  json make(Kind kind) {
    switch (kind) {
      case Kind::ingress:
        return make_ingress();
      case Kind::ingress_class:
        return ingress_class(any({"fairlead", "another"}), any({TranslateOptions{}.controller_class, "example.com/x"}),
                             one_in(3));
      case Kind::service: {
        json made = service(
            any({"shop/web", "shop/api", "blog/web"}),
            one_in(3) ? std::map<std::string, int>{{"http", 80}, {"alt", 81}} : std::map<std::string, int>{{"", 80}});
        if (one_in(4)) {
          made["spec"]["type"] = "ExternalName";
          made["spec"]["externalName"] = any({"x.test", "x.test", "Y.test.", "127.0.0.1", "192.0.2.9", "bad name"});
        }
        if (one_in(8)) made["spec"]["publishNotReadyAddresses"] = true;
        if (one_in(3)) {
          made["spec"]["ports"][0]["appProtocol"] =
              any({"http", "https", "kubernetes.io/h2c", "kubernetes.io/wss", "x/y"});
        }
        if (one_in(8)) made["spec"]["ports"] = "bad";
        return made;
      }
      case Kind::endpoint_slice: {
        json made =
            slice(any({"shop/s1", "shop/s2", "blog/s1"}), any({"web", "api"}),
                  {any({"10.0.0.1", "10.0.0.2", "bad"}), any({"10.0.0.3", "10.0.0.4"})}, {{any({"", "http"}), 8080}});
        if (one_in(4)) made["endpoints"][1]["conditions"]["ready"] = false;
        if (one_in(8))
          made["endpoints"][0]["conditions"] = {{"ready", false}, {"serving", true}, {"terminating", true}};
        if (one_in(2)) {
          for (json& endpoint : made["endpoints"]) endpoint["hints"]["forZones"] = {{{"name", any({"z1", "z2"})}}};
        }
        if (one_in(8)) made["addressType"] = "FQDN";
        return made;
      }
      case Kind::secret: {
        json made = tls_secret(any({"shop/c1", "shop/c2", "blog/c1"}), any({"1", "2"}));
        if (bad_secrets_ && one_in(4)) made["stringData"]["tls.key"] = "bad";
        return made;
      }
      case Kind::namespace_object:
        return namespace_object(any({"shop", "blog"}), {{"team", any({"a", "b"})}});
    }
    return {};
  }

  json make_ingress() {
    Rules rules;
    for (std::size_t count = below(4); count > 0; --count) {
      std::vector<std::string> paths;
      for (std::size_t more = below(3); more > 0; --more) {
        paths.push_back(any({"Prefix", "Exact", "ImplementationSpecific"}) + " " +
                        any({"/", "/a", "/a/", "/a/b", "/(x", "/a(.*)"}) + " " +
                        any({"web:80", "web:http", "api:80", "gone:80"}));
      }
      rules.emplace_back(any({"", "a.test", "b.test", "*.test"}), paths);
    }
    Annotations annotations;
    if (one_in(4)) annotations["rewrite-target"] = any({"/", "/a", "/$1"});
    if (one_in(6)) annotations["use-regex"] = "true";
    if (one_in(6)) annotations["app-root"] = any({"/a", "/b"});
    if (one_in(10)) annotations["auth-tls-secret"] = "shop/ca";
    if (one_in(6)) annotations["load-balance"] = any({"ewma", "round_robin"});
    if (one_in(6)) annotations["backend-protocol"] = any({"HTTP", "HTTPS", "GRPC", "GRPCS", "HTTP2"});
    if (one_in(8)) annotations["allowlist-source-range"] = any({"10.0.0.0/8", "bad"});
    if (one_in(8)) annotations["server-snippet"] = "return 200;";
    if (one_in(8)) annotations["permanent-redirect"] = any({"https://new.test", "bad"});
    if (one_in(12)) annotations["canary"] = any({"true", "false"});
    if (one_in(12)) annotations["unheard-of"] = "1";
    json made = ingress(any({"shop/i1", "shop/i2", "shop/i3", "blog/i1"}), rules, annotations);
    if (one_in(3)) made["spec"]["defaultBackend"] = backend(any({"web:80", "api:81"}));
    if (one_in(2)) made = created(made, any({"2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"}));
    if (one_in(2)) made = with_tls(made, {any({"a.test", "b.test", "*.test", "c.test"})}, any({"c1", "c2", ""}));
    if (one_in(5)) made = with_tls(made, {}, any({"c1", "gone"}));
    if (one_in(6)) made["spec"]["ingressClassName"] = any({"another", "nobody"});
    if (one_in(6)) made["spec"].erase("ingressClassName");
    if (one_in(8)) made["metadata"]["annotations"]["kubernetes.io/ingress.class"] = any({"nginx", "traefik"});
    if (one_in(12)) made["spec"]["ingressClassName"] = 7;
    if (one_in(10)) made["spec"]["rules"] = "bad";
    return made;
  }

  static constexpr Kind kinds_[] = {Kind::ingress, Kind::ingress,        Kind::ingress, Kind::ingress_class,
                                    Kind::service, Kind::endpoint_slice, Kind::secret,  Kind::namespace_object};
  std::mt19937 random_;
  bool bad_secrets_;
};

// A resolver that answers at once, and forgets the names that are not wanted.
class Resolver {
 public:
  // What it says when DNS has become this: nothing if the name is not wanted, save by mistake now and then.
  bool says(const Change& change, World& world) {
    known_.insert_or_assign(change.name.name, change);
    return wanted_.contains(change.name.name) || world.one_in(4);
  }
  std::vector<Change> want(const std::set<std::string>& names) {
    std::vector<Change> said;
    for (const std::string& name : names) {
      const auto found = known_.find(name);
      if (!wanted_.contains(name) && found != known_.end()) said.push_back(found->second);
    }
    wanted_ = names;
    return said;
  }

 private:
  std::map<std::string, Change> known_;
  std::set<std::string> wanted_;
};

// What the steps of a Translator add up to, beside the state that they must agree with.
struct Both {
  explicit Both(const TranslateOptions& given) : options(given), state(given), translator(given) {
    ClusterState::Touched touched;
    state.apply(replace(Kind::secret, {}), touched);
  }

  void tell_translator(std::vector<Change> changes, World& world) {
    std::erase_if(changes, [&](const Change& change) {
      return change.type == Change::Type::answer && !resolver.says(change, world);
    });
    translator.apply(std::move(changes));
    translator.apply(resolver.want(translator.wanted_names()));
  }
  void tell_state(const Change& change) {
    ClusterState::Touched touched;
    state.apply(change, touched);
  }
  bool agree() {
    const Translator::Step step = translator.step();
    apply(config, step.delta);
    const Translation full = translate(state, options);
    return config == full.config && *step.problems == full.problems;
  }

  const TranslateOptions options;
  ClusterState state;
  Translator translator;
  Resolver resolver;
  Config config;
};

// Runs one random history of a source that reads all Secrets; the number of the first step that is not as the full
// translation, or -1.
int first_difference(std::uint32_t seed, int steps, const TranslateOptions& options) {
  World world(seed, /*bad_secrets=*/true);
  Both both(options);
  both.translator.apply({replace(Kind::secret, {})});
  for (int i = 0; i < steps; ++i) {
    std::vector<Change> changes;
    for (std::size_t count = world.below(4); count > 0; --count) changes.push_back(world.change());
    for (const Change& change : changes) both.tell_state(change);
    both.tell_translator(std::move(changes), world);
    if (!world.one_in(3) && !both.agree()) return i;
  }
  return -1;
}

// A source that reads Secrets by name, and answers late.
class SecretsByName {
 public:
  // What the source says when a Secret has become this: nothing if it is not wanted, and not always then.
  void change(const Change& change, World& world, std::vector<Change>& said) {
    exists_.erase(change.name);
    if (change.type == Change::Type::put) exists_.emplace(change.name, change);
    if (wanted_.contains(change.name) ? !open_.contains(change.name) : world.one_in(8)) said.push_back(change);
  }
  void want(const std::set<ObjectName>& names) {
    std::set<ObjectName> open;
    for (const ObjectName& name : names) {
      if (open_.contains(name) || !wanted_.contains(name)) open.insert(name);
    }
    wanted_ = names;
    open_ = std::move(open);
  }
  bool all_answered() const { return open_.empty(); }
  std::vector<Change> answers() {
    std::vector<Change> said;
    for (const ObjectName& name : std::exchange(open_, {})) {
      const auto found = exists_.find(name);
      said.push_back(found != exists_.end() ? found->second : remove(Kind::secret, name.ns + "/" + name.name));
    }
    return said;
  }

 private:
  std::map<ObjectName, Change> exists_;
  std::set<ObjectName> wanted_;
  std::set<ObjectName> open_;  // wanted and not answered
};

// The same with a source that reads Secrets by name. While one is not answered there is nothing to compare with.
int first_difference_by_name(std::uint32_t seed, int steps, const TranslateOptions& options) {
  World world(seed, /*bad_secrets=*/false);
  Both both(options);
  SecretsByName secrets;
  for (int i = 0; i < steps; ++i) {
    std::vector<Change> said;
    for (std::size_t count = world.below(4); count > 0; --count) {
      const Change change = world.change();
      const bool of_secret = change.kind == Kind::secret && change.type != Change::Type::answer;
      if (of_secret && change.type == Change::Type::replace) continue;
      both.tell_state(change);
      if (of_secret) {
        secrets.change(change, world, said);
      } else {
        said.push_back(change);
      }
    }
    both.tell_translator(std::move(said), world);
    secrets.want(both.translator.wanted_secrets());
    if (world.one_in(2)) both.translator.apply(secrets.answers());
    if (!secrets.all_answered()) {
      if (world.one_in(2)) apply(both.config, both.translator.step().delta);
    } else if (!both.agree()) {
      return i;
    }
  }
  return -1;
}

TranslateOptions every_option() {
  TranslateOptions options;
  options.watch_ingress_without_class = true;
  options.default_backend_service = "shop/web";
  options.default_ssl_certificate = "shop/c1";
  options.settings.hsts = false;
  options.topology_hints = true;
  return options;
}

TEST(Translator, AlwaysEqualsTheFullTranslation) {
  for (std::uint32_t seed = 0; seed < 80; ++seed) {
    ASSERT_EQ(first_difference(seed, 60, {}), -1) << "seed " << seed;
  }
}

TEST(Translator, AlwaysEqualsTheFullTranslationWithEveryOption) {
  const TranslateOptions options = every_option();
  for (std::uint32_t seed = 1000; seed < 1040; ++seed) {
    ASSERT_EQ(first_difference(seed, 60, options), -1) << "seed " << seed;
  }
}

TEST(Translator, AlwaysEqualsTheFullTranslationOfSelectedNamespaces) {
  TranslateOptions options;
  options.namespace_selector = LabelSelector::parse("team=a").value();
  for (std::uint32_t seed = 3000; seed < 3060; ++seed) {
    ASSERT_EQ(first_difference(seed, 60, options), -1) << "seed " << seed;
  }
}

TEST(Translator, EqualsTheFullTranslationWheneverItsSecretsAreAnswered) {
  const TranslateOptions options = every_option();
  for (std::uint32_t seed = 2000; seed < 2060; ++seed) {
    ASSERT_EQ(first_difference_by_name(seed, 80, {}), -1) << "seed " << seed;
    ASSERT_EQ(first_difference_by_name(seed, 80, options), -1) << "seed " << seed << " with every option";
  }
}

}  // namespace
}  // namespace fairlead
