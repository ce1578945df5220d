// Sets, adds and removes headers of responses. Fairlead's own: what custom-headers and snippets were used for.
#include <algorithm>

#include "router/hop_headers.hpp"
#include "router/policies/policy.hpp"
#include "router/policies/text.hpp"

namespace fairlead {
namespace {

constexpr std::string_view name = "response-headers";
constexpr std::size_t max_edits = 64;

struct HeaderEdit {
  HeadEdits::Operation operation;
  std::string header;
  std::string value;  // "" with remove
};

class ResponseHeaders final : public Policy {
 public:
  explicit ResponseHeaders(std::vector<HeaderEdit> edits) : edits_(std::move(edits)) {}

  void on_response(PolicyResponse& response) const override {
    for (const HeaderEdit& edit : edits_) {
      switch (edit.operation) {
        case HeadEdits::Operation::set:
          response.edits.set(edit.header, edit.value);
          break;
        case HeadEdits::Operation::add:
          response.edits.add(edit.header, edit.value);
          break;
        case HeadEdits::Operation::remove:
          response.edits.remove(edit.header);
          break;
      }
    }
  }

  std::string describe() const override {
    std::string text = "response-headers";
    for (const HeaderEdit& edit : edits_) {
      const bool removes = edit.operation == HeadEdits::Operation::remove;
      const std::string_view sign = removes ? "-" : edit.operation == HeadEdits::Operation::add ? "+" : "";
      text += std::string(" [") + std::string(sign) + edit.header + (removes ? "" : ": " + edit.value) + "]";
    }
    return text;
  }

 private:
  std::vector<HeaderEdit> edits_;
};

// Framing and the connection are the proxy's own business.
bool is_reserved(std::string_view header) {
  const FieldName known = field_name(header);
  return is_hop_by_hop(known) || known == FieldName::content_length || known == FieldName::trailer;
}

// One line: "Name: value" sets, "+Name: value" adds, "-Name" removes.
std::optional<HeaderEdit> parse_line(PolicyParse& parse, std::string_view line) {
  const auto refuse = [&](std::string_view why) {
    parse.warn(name, "the line \"" + std::string(line) + "\" " + std::string(why) + "; it has no effect");
    return std::nullopt;
  };
  HeaderEdit edit{HeadEdits::Operation::set, {}, {}};
  std::string_view rest = line;
  if (rest.starts_with('-')) edit.operation = HeadEdits::Operation::remove;
  if (rest.starts_with('+')) edit.operation = HeadEdits::Operation::add;
  if (edit.operation != HeadEdits::Operation::set) rest.remove_prefix(1);
  const std::size_t colon = rest.find(':');
  const bool removes = edit.operation == HeadEdits::Operation::remove;
  if (removes != (colon == std::string_view::npos)) {
    return refuse("is none of \"Name: value\" (set), \"+Name: value\" (add) and \"-Name\" (remove)");
  }
  edit.header = trim(rest.substr(0, colon));
  if (!removes) edit.value = trim(rest.substr(colon + 1));
  if (!is_token(edit.header)) return refuse("holds no usable header name");
  if (!is_field_value(edit.value)) return refuse("holds control characters");
  if (is_reserved(edit.header)) return refuse("names a header of the connection or of the message's framing");
  return edit;
}

void parse(PolicyParse& parse) {
  if (parse.has("custom-headers")) {
    parse.warn("custom-headers",
               "not supported yet, since it names a ConfigMap: it has no effect. Use response-headers");
  }
  const auto text = parse.text(name);
  if (!text) return;
  std::vector<HeaderEdit> edits;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line = trim(line); line.empty()) continue;
    if (edits.size() == max_edits) return parse.warn(name, "has more than 64 lines; nothing of it has an effect");
    if (auto edit = parse_line(parse, line)) edits.push_back(std::move(*edit));
  }
  if (!edits.empty()) parse.add(std::make_shared<const ResponseHeaders>(std::move(edits)));
}

constexpr AnnotationSpec annotations[] = {
    {name, "Edits response headers; a line is `Name: value` (set), `+Name: value` (add) or `-Name` (remove).", "",
     Risk::medium},
    {"custom-headers", "Not supported yet, since it names a ConfigMap: use `response-headers`.", "", Risk::medium},
};

}  // namespace

extern constinit const PolicySpec response_headers_policy{"response-headers", Stage::respond, annotations, parse};

}  // namespace fairlead
