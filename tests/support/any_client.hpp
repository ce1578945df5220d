#pragma once

#include <memory>
#include <string>

#include "tests/support/any_origin.hpp"
#include "tests/support/raw_socket.hpp"

namespace fairlead::test {

class Http2Client;

// A response as any client sees it.
struct Reply {
  int status = 0;
  std::vector<int> interim;
  FieldList fields;
  std::string body;
  FieldList trailers;
  bool complete = false;  // not cut off
};

// A client that asks in the one protocol or the other, over one connection.
class AnyClient {
 public:
  AnyClient(std::uint16_t port, bool http2);
  ~AnyClient();

  // The body is sent in pieces without a length if !counted or if there are trailers.
  struct Ask {
    std::string method = "GET";
    std::string target = "/";
    FieldList fields{};
    std::string body{};
    bool counted = true;
    FieldList trailers{};
    bool unfinished = false;  // the end of the body is held back
  };
  Reply ask(const Ask& ask);
  // Sends a request and goes away without waiting for its response: over HTTP/2, RST_STREAM.
  void ask_and_leave(const Ask& ask);

 private:
  std::int32_t send_http2(const Ask& ask);
  void send_http1(const Ask& ask);
  Reply read_http1(const Ask& ask);

  RawSocket socket_;
  std::unique_ptr<Http2Client> http2_;
};

}  // namespace fairlead::test
