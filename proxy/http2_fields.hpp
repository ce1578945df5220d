#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/output.hpp"

namespace fairlead {

// The fields of one head or trailer section on their way out, names in lower case (RFC 9113 8.2.1). One a Worker: it is
// filled and submitted in one go. Values must stay valid until they are submitted, which copies them.
class Http2Fields {
 public:
  Http2Fields();
  ~Http2Fields();

  void clear();
  void add(std::string_view name, std::string_view value);
  // Likewise; never kept by the peer's compression: of use to nobody else (RFC 7541 7.1.3), or of a secret.
  void add_unindexed(std::string_view name, std::string_view value);
  void add_number(std::string_view name, std::uint64_t value);
  // Lines that each end in CRLF, as BodyReader::trailers() has them.
  void add_lines(std::string_view lines);

  const nghttp2_nv* data() const;
  std::size_t size() const;
  // Something did not fit: what is here is not all.
  bool overflow() const { return text_.overflow(); }

 private:
  TextBuffer text_;
  std::vector<nghttp2_nv> fields_;
};

}  // namespace fairlead
