#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/origin.hpp"

struct ssl_ctx_st;  // OpenSSL's

namespace fairlead::test {

using FieldList = std::vector<std::pair<std::string, std::string>>;  // names in lower case
// Lines that each end in CRLF.
FieldList fields_of_lines(std::string_view lines);
std::string field_of(const FieldList& fields, std::string_view name);

// A request as any server sees it, whatever protocol it came in.
struct Question {
  std::string method, target, authority;
  FieldList fields;
  std::string body;
  FieldList trailers;
  bool complete = false;
};

struct Answer {
  int status = 200;
  FieldList fields{};
  std::string body{};
  std::vector<int> interim{};
  FieldList trailers{};
  bool counted = true;      // Content-Length says how long the body is
  bool breaks_off = false;  // in the middle of the body
};

// Asked once a request is complete; for targets that begin with "/early", once its head is.
using Answering = std::function<Answer(const Question&)>;

Origin::Handler over_http1(Answering answering);
// In clear text with prior knowledge; over TLS through over_tls() with http2_server_context().
Origin::Handler over_http2(Answering answering);
// Has ALPN choose "h2", and no other protocol.
void choose_http2(ssl_ctx_st* context);

}  // namespace fairlead::test
