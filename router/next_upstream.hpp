#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead {

// What sends a request to another Endpoint (contract: proxy-next-upstream); retry.hpp says where that is safe.
struct NextUpstream {
  static constexpr std::array<int, 7> known_statuses{403, 404, 429, 500, 502, 503, 504};

  bool error = true;            // no connection, or one that broke before the response
  bool timeout = true;          // of the connection, or of the response
  bool invalid_header = false;  // a response that is none
  bool non_idempotent = false;  // also what may have been done already: POST and its like
  std::uint8_t statuses = 0;    // bit i: known_statuses[i]. 503 stands for gRPC's UNAVAILABLE, too

  bool operator==(const NextUpstream&) const = default;

  bool has_status(int status) const;
  // Adds what a word of the annotation names: "error", "http_503"; "off" takes all away. False for a word that is none.
  bool add(std::string_view word);
  // The words, in a fixed order; "off" when there is none.
  std::string text() const;

  static constexpr NextUpstream none() { return {false, false, false, false, 0}; }
};

}  // namespace fairlead
