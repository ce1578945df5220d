#include "proxy/log_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>

namespace fairlead {
namespace {

constexpr char hex_digits[] = "0123456789ABCDEF";
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The length of the UTF-8 sequence that text begins with (RFC 3629), or 0 when it begins with none.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool too_high = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || too_high ? 0 : size;
}

// Comma-separated values of the attempts; "-" when there was none.
template <class Write>
void for_attempts(LineWriter& out, const ExchangeRecord& record, Write write) {
  const std::size_t count = std::min<std::size_t>(record.attempt_count, ExchangeRecord::max_attempts);
  if (count == 0) out.put('-');
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) out.put(", ");
    write(record.attempts[i]);
  }
}

// Writes members and puts the commas between them.
class JsonMembers {
 public:
  explicit JsonMembers(LineWriter& out) : out_(out) { out_.put('{'); }
  void end() { out_.put('}'); }

  // key: needs no escaping
  void key(std::string_view key) {
    if (!first_) out_.put(',');
    first_ = false;
    out_.put('"');
    out_.put(key);
    out_.put("\":");
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    out_.json_string(value);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    out_.number(value);
  }
  void seconds(std::string_view name, std::chrono::microseconds value) {
    if (value.count() < 0) return;
    key(name);
    out_.seconds(value);
  }

 private:
  LineWriter& out_;
  bool first_ = true;
};

void write_json_route(JsonMembers& members, const ExchangeRecord& record) {
  if (record.path) {
    members.text("namespace", record.path->route->ns);
    members.text("ingress", record.path->route->ingress);
    members.text("service", record.path->route->service);
    members.text("service_port", record.path->route->port);
    members.text("ingress_path", record.path->path);
  }
  members.text("upstream_name", record.upstream_name);
}

void write_json_attempts(LineWriter& out, JsonMembers& members, const ExchangeRecord& record) {
  const std::size_t count = std::min<std::size_t>(record.attempt_count, ExchangeRecord::max_attempts);
  if (count == 0) return;
  members.key("upstreams");
  for (std::size_t i = 0; i < count; ++i) {
    const AttemptRecord& attempt = record.attempts[i];
    out.put(i == 0 ? '[' : ',');
    JsonMembers one(out);
    one.key("addr");
    out.put('"');
    out.endpoint(attempt.endpoint);
    out.put('"');
    if (attempt.status > 0) one.number("status", static_cast<std::uint64_t>(attempt.status));
    one.number("response_length", attempt.response_bytes);
    one.seconds("connect_time", attempt.connect_time);
    one.seconds("header_time", attempt.header_time);
    one.seconds("response_time", attempt.response_time);
    one.end();
  }
  out.put(']');
}

void write_grpc_status(LineWriter& out, const ExchangeRecord& record) {
  if (!record.grpc_status) return out.put('-');
  out.number(static_cast<std::uint64_t>(*record.grpc_status));
}

std::string_view protocol(const ExchangeRecord& record) {
  if (record.http_major == 2) return "HTTP/2.0";
  return record.http_minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

std::string_view LogTime::local(std::chrono::system_clock::time_point when) {
  make(when);
  return local_;
}

std::string_view LogTime::iso8601(std::chrono::system_clock::time_point when) {
  make(when);
  return iso8601_;
}

void LogTime::make(std::chrono::system_clock::time_point when) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  if (second == second_ && local_[0] != '\0') return;
  second_ = second;
  const std::time_t time = static_cast<std::time_t>(second);
  std::tm parts{};
  gmtime_r(&time, &parts);
  // The month's name is English whatever the locale.
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::strftime(local_, sizeof local_, "%d/xxx/%Y:%H:%M:%S +0000", &parts);
  std::memcpy(local_ + 3, months[parts.tm_mon], 3);
  std::strftime(iso8601_, sizeof iso8601_, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
}

void LineWriter::put(char c) {
  put(std::string_view(&c, 1));
}

void LineWriter::put(std::string_view text) {
  if (overflowed_ || text.size() > static_cast<std::size_t>(end_ - at_)) {
    overflowed_ = true;
    return;
  }
  at_ = std::copy(text.begin(), text.end(), at_);
}

void LineWriter::number(std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  put(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void LineWriter::seconds(std::chrono::microseconds time) {
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0) / 1000);
  number(milliseconds / 1000);
  const std::uint64_t rest = milliseconds % 1000;
  const char text[] = {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                       static_cast<char>('0' + rest % 10)};
  put(std::string_view(text, sizeof text));
}

void LineWriter::address(const IpAddress& address) {
  char text[IpAddress::max_text];
  put(std::string_view(text, address.write(text)));
}

void LineWriter::endpoint(const Endpoint& endpoint) {
  const bool v4 = endpoint.address.is_v4();
  if (!v4) put('[');
  address(endpoint.address);
  put(v4 ? ":" : "]:");
  number(endpoint.port);
}

void LineWriter::nginx_escaped(std::string_view text) {
  if (text.empty()) return put('-');
  text = cut(text);
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  while (!text.empty()) {
    const auto size =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());  // plain run
    put(text.substr(0, size));
    if (size == text.size()) return;
    const auto byte = static_cast<unsigned char>(text[size]);
    const char escaped[] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    put(std::string_view(escaped, sizeof escaped));
    text.remove_prefix(size + 1);
  }
}

void LineWriter::json_string(std::string_view whole) {
  std::string_view text = cut(whole);
  // Not in the middle of a sequence: what remains of it would be shown as a bad byte.
  if (text.size() < whole.size()) {
    for (int i = 0; i < 3 && !text.empty() && is_continuation(whole[text.size()]); ++i) text.remove_suffix(1);
  }
  put('"');
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    std::size_t size = 1;
    if (byte == '"' || byte == '\\') {
      put('\\');
      put(text[0]);
    } else if (byte < 0x20) {
      const char escaped[] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
      put(std::string_view(escaped, sizeof escaped));
    } else if (size = utf8_sequence(text); size == 0) {
      put(replacement);
      size = 1;
    } else {
      put(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
  put('"');
}

void write_upstreaminfo(LineWriter& out, const ExchangeRecord& record, LogTime& time, bool with_grpc_status) {
  out.address(record.client);
  out.put(" - ");
  out.nginx_escaped(record.remote_user);
  out.put(" [");
  out.put(time.local(record.when));
  out.put("] \"");
  out.nginx_escaped(record.method);
  if (!record.method.empty()) {
    out.put(' ');
    out.nginx_escaped(record.target);
    out.put(' ');
    out.put(protocol(record));
  }
  out.put("\" ");
  out.number(static_cast<std::uint64_t>(record.status));
  out.put(' ');
  out.number(record.body_bytes_sent);
  out.put(" \"");
  out.nginx_escaped(record.referer);
  out.put("\" \"");
  out.nginx_escaped(record.user_agent);
  out.put("\" ");
  out.number(record.request_length);
  out.put(' ');
  out.seconds(record.request_time);
  out.put(" [");
  out.nginx_escaped(record.upstream_name);
  out.put("] [] ");  // no alternative upstream: its name is empty, not absent
  for_attempts(out, record, [&](const AttemptRecord& attempt) { out.endpoint(attempt.endpoint); });
  out.put(' ');
  for_attempts(out, record, [&](const AttemptRecord& attempt) { out.number(attempt.response_bytes); });
  out.put(' ');
  for_attempts(out, record, [&](const AttemptRecord& attempt) {
    if (attempt.response_time.count() < 0) return out.put('-');
    out.seconds(attempt.response_time);
  });
  out.put(' ');
  for_attempts(out, record, [&](const AttemptRecord& attempt) {
    if (attempt.status <= 0) return out.put('-');
    out.number(static_cast<std::uint64_t>(attempt.status));
  });
  out.put(' ');
  out.nginx_escaped(record.request_id);
  if (with_grpc_status) {
    out.put(' ');
    write_grpc_status(out, record);
  }
  out.put('\n');
}

void write_json(LineWriter& out, const ExchangeRecord& record, LogTime& time) {
  JsonMembers members(out);
  members.text("time", time.iso8601(record.when));
  members.key("remote_addr");
  out.put('"');
  out.address(record.client);
  out.put('"');
  members.number("remote_port", record.client_port);
  members.text("remote_user", record.remote_user);
  members.text("host", record.host);
  members.text("method", record.method);
  members.text("uri", record.target);
  members.text("path", record.normal_path);
  if (!record.method.empty()) members.text("protocol", protocol(record));
  members.text("scheme", record.https ? "https" : "http");
  members.number("status", static_cast<std::uint64_t>(record.status));
  if (record.grpc_status) members.number("grpc_status", static_cast<std::uint64_t>(*record.grpc_status));
  members.number("body_bytes_sent", record.body_bytes_sent);
  members.number("bytes_sent", record.bytes_sent);
  members.number("request_length", record.request_length);
  members.seconds("request_time", record.request_time);
  members.text("referer", record.referer);
  members.text("user_agent", record.user_agent);
  members.text("request_id", record.request_id);
  write_json_route(members, record);
  members.text("limit", record.limit);
  write_json_attempts(out, members, record);
  members.end();
  out.put('\n');
}

}  // namespace fairlead
