#include "proxy/http1_framer.hpp"

namespace fairlead {

void Http1Framer::add(std::string_view piece) {
  TextBuffer& text = output_.text();
  if (piece.size() > copied_piece || piece.size() > text.left()) {
    output_.add(piece);
    return;
  }
  const std::size_t begin = text.size();
  text.append(piece);
  output_.add(text.since(begin));
}

void Http1Framer::data(std::string_view piece) {
  if (piece.empty() || framing_ == BodyFraming::none) return;
  body_bytes_ += piece.size();
  if (framing_ == BodyFraming::as_is) {
    add(piece);
    return;
  }
  TextBuffer& text = output_.text();
  const std::size_t begin = text.size();
  text.append_hex(piece.size());
  text.append("\r\n");
  output_.add(text.since(begin));
  add(piece);
  add("\r\n");
}

void Http1Framer::end(std::string_view trailers) {
  if (framing_ != BodyFraming::chunked) return;
  add("0\r\n");
  add(trailers);
  add("\r\n");
}

}  // namespace fairlead
