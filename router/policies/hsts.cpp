// Tells browsers to come back by https only (RFC 6797). A setting of the program: no annotation.
#include <array>
#include <charconv>

#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

class Hsts final : public Policy {
 public:
  void on_response(PolicyResponse& response) const override {
    const Settings& settings = response.request.settings;
    if (!settings.hsts || !response.request.https) return;
    response.edits.set("Strict-Transport-Security", value(settings, response.request.arena));
  }

  std::string describe() const override { return "hsts"; }

 private:
  static std::string_view value(const Settings& settings, std::pmr::memory_resource* arena) {
    constexpr std::uint64_t year = 31'536'000;
    if (settings.hsts_max_age_seconds == year && settings.hsts_include_subdomains) {
      return "max-age=31536000; includeSubDomains";  // the default needs no work
    }
    std::array<char, 20> digits;
    const char* const end = std::to_chars(digits.begin(), digits.end(), settings.hsts_max_age_seconds).ptr;
    const std::string_view seconds(digits.data(), static_cast<std::size_t>(end - digits.data()));
    return join(arena, {"max-age=", seconds, settings.hsts_include_subdomains ? "; includeSubDomains" : ""});
  }
};

void parse(PolicyParse& parse) {
  static const auto shared = std::make_shared<const Hsts>();
  parse.add(shared);
}

}  // namespace

extern constinit const PolicySpec hsts_policy{"hsts", Stage::respond, {}, parse};

}  // namespace fairlead
