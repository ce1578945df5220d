#include "proxy/http2_outbox.hpp"

#include <algorithm>

#include "proxy/kept_text.hpp"

namespace fairlead {

void Http2Outbox::add(std::string_view piece) {
  if (piece.empty()) return;
  pieces_.push_back(piece);
  size_ += piece.size();
}

void Http2Outbox::keep() {
  if (kept_at_ == kept_.size()) {
    kept_.clear();
    kept_at_ = 0;
  }
  for (std::size_t i = piece_at_; i < pieces_.size(); ++i) kept_.append(pieces_[i]);
  pieces_.clear();
  piece_at_ = 0;
}

void Http2Outbox::give(std::size_t count, Output& output) {
  size_ -= count;
  const std::size_t own = std::min(count, kept_.size() - kept_at_);
  if (own > 0) {
    output.add_body(std::string_view(kept_).substr(kept_at_, own));
    kept_at_ += own;
    count -= own;
  }
  while (count > 0) {
    std::string_view& piece = pieces_[piece_at_];
    const std::size_t part = std::min(count, piece.size());
    output.add_body(piece.substr(0, part));
    piece.remove_prefix(part);
    count -= part;
    if (piece.empty()) ++piece_at_;
  }
}

void Http2Outbox::clear() {
  clear_keeping(kept_, kept_capacity);
  pieces_.clear();
  kept_at_ = piece_at_ = size_ = 0;
}

}  // namespace fairlead
