#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/http1_framing.hpp"
#include "proxy/http1_head.hpp"

namespace fairlead {

// A request as bytes and as it was read; error says why it was not.
struct ParsedRequest {
  explicit ParsedRequest(std::string text, const Limits& limits = {}) : bytes(std::move(text)) {
    fields.reserve(limits.max_header_count);
    HeadScan scan;
    size = find_head(bytes, {limits.max_request_line_bytes, limits.max_request_head_bytes}, scan, error);
    if (error == HeadError::none && size > 0) {
      error = parse_request_head(std::string_view(bytes).substr(0, size), fields, head);
    }
  }
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;

  std::string bytes;
  std::vector<Field> fields;
  RequestHead head;
  std::size_t size = 0;  // of the head; 0 when it is not whole
  HeadError error = HeadError::none;
};

struct ParsedResponse {
  explicit ParsedResponse(std::string text, const Limits& limits = {}) : bytes(std::move(text)) {
    fields.reserve(limits.max_header_count);
    HeadScan scan;
    size = find_head(bytes, {limits.max_response_head_bytes, limits.max_response_head_bytes}, scan, error);
    if (error == HeadError::none && size > 0) {
      error = parse_response_head(std::string_view(bytes).substr(0, size), fields, head);
    }
  }
  ParsedResponse(const ParsedResponse&) = delete;
  ParsedResponse& operator=(const ParsedResponse&) = delete;

  std::string bytes;
  std::vector<Field> fields;
  ResponseHead head;
  std::size_t size = 0;
  HeadError error = HeadError::none;
};

}  // namespace fairlead
