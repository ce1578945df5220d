#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/admin_pages.hpp"

namespace fairlead {

// The head of a request for an admin page. Bodies are not taken.
struct AdminRequest {
  std::size_t size = 0;  // of what was read
  std::string target;
  bool is_head = false;
  bool keep_alive = false;
  std::optional<AdminAnswer> objection;  // the answer, when it is no plain GET or HEAD; the connection ends with it
};

// received: what a connection has sent and was not read before. Nothing: the head is not whole yet.
std::optional<AdminRequest> read_admin_request(std::string_view received, std::size_t max_bytes);

// The response's head; answer.body goes after it unless the request is a HEAD.
std::string admin_response_head(const AdminAnswer& answer, bool keep_alive);

}  // namespace fairlead
