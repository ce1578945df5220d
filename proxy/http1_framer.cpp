#include "proxy/http1_framer.hpp"

namespace fairlead {

void Http1Framer::data(std::string_view piece) {
  if (piece.empty() || framing_ == BodyFraming::none) return;
  body_bytes_ += piece.size();
  if (framing_ == BodyFraming::as_is) {
    output_.add_body(piece);
    return;
  }
  TextBuffer& text = output_.text();
  const std::size_t begin = text.size();
  text.append_hex(piece.size());
  text.append("\r\n");
  output_.add(text.since(begin));
  output_.add_body(piece);
  output_.add_body("\r\n");
}

void Http1Framer::end(std::string_view trailers) {
  if (framing_ != BodyFraming::chunked) return;
  output_.add_body("0\r\n");
  output_.add_body(trailers);
  output_.add_body("\r\n");
}

}  // namespace fairlead
