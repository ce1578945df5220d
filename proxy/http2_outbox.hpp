#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/output.hpp"

namespace fairlead {

// Body bytes of one stream that wait for its turn and its window: first views of somebody's memory, then, if they have
// to wait, a copy of its own.
class Http2Outbox {
 public:
  static constexpr std::size_t max_pieces = 64;
  static constexpr std::size_t kept_capacity = 16 * 1024;  // of own memory, between two requests

  Http2Outbox() { pieces_.reserve(max_pieces); }

  // A view that stays valid until keep().
  void add(std::string_view piece);
  bool room() const { return pieces_.size() + 1 < max_pieces; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Copies what are still views.
  void keep();
  // Moves the next count bytes to the output. Copies of ours stay valid until the next keep().
  void give(std::size_t count, Output& output);
  void clear();

 private:
  std::string kept_;         // goes first
  std::size_t kept_at_ = 0;  // what of it was given
  std::vector<std::string_view> pieces_;
  std::size_t piece_at_ = 0;
  std::size_t size_ = 0;
};

}  // namespace fairlead
