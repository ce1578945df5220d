#include "proxy/serve.hpp"

#include <algorithm>
#include <cstring>

#include "proxy/forward.hpp"
#include "proxy/grpc_reply.hpp"
#include "proxy/local_reply.hpp"
#include "proxy/policy_runner.hpp"
#include "router/hop_headers.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_request_id = 128;

// A status to refuse with, or 0 to go on.
using Verdict = int;
constexpr Verdict go_on = 0;

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= max_request_id && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == ':' || c == '/' || c == '+' || c == '=' || c == ',';
  });
}

// Writes 32 bits as eight hexadecimal digits, all at once.
void write_hex(std::uint32_t bits, char* out) {
  std::uint64_t nibbles = bits;
  nibbles = (nibbles | nibbles << 16) & 0x0000ffff0000ffffULL;
  nibbles = (nibbles | nibbles << 8) & 0x00ff00ff00ff00ffULL;
  nibbles = (nibbles | nibbles << 4) & 0x0f0f0f0f0f0f0f0fULL;
  const std::uint64_t letters = (nibbles + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
  const std::uint64_t digits = nibbles + 0x3030303030303030ULL + letters * ('a' - '0' - 10);
  std::memcpy(out, &digits, sizeof digits);
}

// The client's own if it sent a sane one, else 128 random bits.
std::string_view choose_request_id(Exchange& exchange, Random& random) {
  const std::string_view received = exchange.request.fields.value(FieldName::x_request_id);
  if (is_request_id(received)) return received;
  char* const text = exchange.request_id_text;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t bits = random.next();
    write_hex(static_cast<std::uint32_t>(bits), text + half * 16);
    write_hex(static_cast<std::uint32_t>(bits >> 32), text + half * 16 + 8);
  }
  return {text, sizeof exchange.request_id_text};
}

Verdict check_target(Exchange& exchange) {
  if (parse_target(exchange.request.target, &exchange.arena, exchange.target) != TargetError::none) return 400;
  exchange.forward = exchange.target.forward;
  if (exchange.target.form == TargetForm::asterisk && exchange.request.method != Method::options) return 400;
  return go_on;
}

// RFC 9112 3.2: the authority of an absolute target counts; a Host that says otherwise is refused (3.2.2 would let it
// pass unseen, and two servers could route by different ones).
Verdict check_host(Exchange& exchange) {
  const std::string_view received = exchange.request.fields.value(FieldName::host);
  const auto host = canonical_host(received, exchange.host_text);
  if (!host) return 400;
  exchange.host = *host;
  exchange.host_received = received;
  if (exchange.target.form == TargetForm::absolute) {
    char other[max_host_name];
    const auto named = canonical_host(exchange.target.authority, other);
    const bool has_host = exchange.request.fields.find(FieldName::host) != nullptr;
    if (!named || (has_host && *named != exchange.host)) return 400;
    named->copy(exchange.host_text, named->size());
    exchange.host = {exchange.host_text, named->size()};
    exchange.host_received = exchange.target.authority;
  }
  return exchange.host.empty() && exchange.request.minor_version == 1 ? 400 : go_on;
}

void route(Exchange& exchange) {
  exchange.match = exchange.snapshot->routes->match(exchange.host, exchange.target.path);
  ExchangeRecord& record = exchange.record;
  record.generation = exchange.snapshot->generation;
  record.path = exchange.match.path;
  record.route_host = exchange.match.host->name;
  record.host_defined = !exchange.match.host->name.empty();
  if (exchange.match.upstream) record.upstream_name = exchange.match.upstream->config->name;
  show_to_policies(exchange);
}

// A connection whose TLS was agreed under one host's policy must not reach a host of another policy. Without a server
// name nothing was agreed beyond the usual.
bool is_misdirected(const Exchange& exchange, std::string_view server_name) {
  if (!exchange.over_tls || server_name == exchange.host) return false;
  const std::string_view wanted = exchange.match.host->tls_policy;
  if (server_name.empty()) return !wanted.empty();
  return exchange.snapshot->routes->match(server_name, "/").host->tls_policy != wanted;
}

bool body_is_too_large(const Exchange& exchange) {
  const std::uint64_t most = exchange.match.path->route->settings.max_body_bytes;
  return most > 0 && exchange.framing.body == BodyKind::length && exchange.framing.length > most;
}

void describe_request(ClientSide& client) {
  Exchange& exchange = client.exchange;
  const bool secured = exchange.over_tls || exchange.tls_before;
  exchange.client = identify_client(exchange.peer, secured, exchange.request.fields, client.worker.trust);
  ExchangeRecord& record = exchange.record;
  record.client = exchange.client.address;
  record.method = exchange.request.method_text;
  record.known_method = exchange.request.method;
  record.target = exchange.request.target;
  record.http_major = exchange.over_http2 ? 2 : 1;
  record.http_minor = exchange.request.minor_version;
  record.https = exchange.client.https;
  record.referer = exchange.request.fields.value(FieldName::referer);
  record.user_agent = exchange.request.fields.value(FieldName::user_agent);
  record.request_id = choose_request_id(exchange, client.worker.balancer.random());
}

// All that can be said before any routing.
Verdict check(Exchange& exchange) {
  if (exchange.request.method == Method::connect || exchange.request.method == Method::trace) return 405;
  if (NominatedFields(exchange.request.fields).overflow()) return 400;
  if (const Verdict bad = check_target(exchange); bad != go_on) return bad;
  if (const Verdict bad = check_host(exchange); bad != go_on) return bad;
  exchange.record.normal_path = exchange.target.path;
  exchange.record.host = exchange.host;
  return go_on;
}

bool lacks_endpoints(const RouteMatch& match) {
  return !match.path->route->upstream_key.empty() && (!match.upstream || match.upstream->endpoints.empty());
}

// What load balancers ask a node, by its address: as ingress-nginx, on hosts that nobody defined.
bool is_health_check(const Exchange& exchange) {
  const RouteMatch& match = exchange.match;
  return match.host->name.empty() && match.path->route->ingress.empty() && exchange.target.path == "/healthz";
}

// A reply that needs no upstream, if there is one.
bool replied_locally(ClientSide& client, std::string_view server_name) {
  Exchange& exchange = client.exchange;
  if (is_misdirected(exchange, server_name)) {
    reply_locally(client, 421);
  } else if (body_is_too_large(exchange)) {
    refuse_for_limit(client, 413, "proxy_body_size");
  } else if (exchange.match.path->denied) {
    reply_locally(client, 503);
  } else if (const Outcome early = run_early(exchange)) {
    reply_locally(client, *early);
  } else if (lacks_endpoints(exchange.match)) {
    reply_locally(client, 503);
  } else if (const Outcome late = run_late(exchange)) {
    reply_locally(client, *late);
  } else if (is_health_check(exchange)) {
    reply_locally(client, 200);
  } else if (exchange.match.path->route->upstream_key.empty()) {
    reply_locally(client, 404);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void prepare(Exchange& exchange, const WorkerContext& worker, const ClientAddress& address) {
  exchange.snapshot = worker.snapshot;
  exchange.peer = address.address;
  exchange.local_port = address.local_port;
  exchange.over_tls = address.tls;
  exchange.tls_before = address.tls_before;
  exchange.record.client_port = address.port;
}

bool answered_here(ClientSide& client, std::string_view server_name) {
  Exchange& exchange = client.exchange;
  describe_request(client);
  if (is_grpc(exchange.request.fields) && !begin_grpc(exchange)) {
    client.response.close_after();
    reply_as_grpc(client, GrpcStatus::internal, "malformed grpc-timeout");
    return true;
  }
  if (const Verdict bad = check(exchange); bad != go_on) {
    refuse(client, bad, {});
    return true;
  }
  if (exchange.target.form == TargetForm::asterisk) {
    exchange.response_edits->set("Allow", allowed_methods);
    reply_locally(client, {.status = 200, .no_body = true});
    return true;
  }
  route(exchange);
  return replied_locally(client, server_name);
}

Task<bool> serve(ClientSide& client, std::string_view server_name) {
  if (answered_here(client, server_name)) co_return true;
  co_return co_await forward(client);
}

void refuse(ClientSide& client, int status, std::string_view limit) {
  if (client.exchange.record.request_id.empty()) describe_request(client);
  client.response.close_after();
  refuse_for_limit(client, status, limit);
}

void finish(ClientSide& client) {
  ExchangeRecord& record = client.exchange.record;
  const ReadinessSet& clock = client.worker.readiness;
  record.when = clock.wall_now();
  if (record.grpc && record.status == 499) record.grpc_status = GrpcStatus::cancelled;
  record.request_time = clock.now_precise() - client.exchange.started;
  record.bytes_sent = client.response.bytes_sent();
  record.body_bytes_sent = client.response.body_bytes_sent();
  record.request_length += client.body.received();
  client.worker.metrics.record(record);
  if (client.worker.access_log.on()) client.worker.access_log.write(record);
}

}  // namespace fairlead
