#include "proxy/output.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace fairlead {

// Two digits a step; shorter than std::to_chars, which has to know how many there will be.
void TextBuffer::append_number(std::uint64_t number) {
  static constexpr auto pairs = [] {
    std::array<char, 200> table{};
    for (std::size_t i = 0; i < 100; ++i) {
      table[2 * i] = static_cast<char>('0' + i / 10);
      table[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return table;
  }();
  char digits[20];
  char* const end = digits + sizeof digits;
  char* at = end;
  for (; number >= 100; number /= 100) std::memcpy(at -= 2, pairs.data() + 2 * (number % 100), 2);
  if (number >= 10) {
    std::memcpy(at -= 2, pairs.data() + 2 * number, 2);
  } else {
    *--at = static_cast<char>('0' + number);
  }
  append({at, static_cast<std::size_t>(end - at)});
}

void TextBuffer::append_hex(std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  append({digits, static_cast<std::size_t>(end - digits)});
}

void Output::add(std::string_view piece) {
  if (piece.empty()) return;
  bytes_given_ += piece.size();
  gather_.bytes += piece.size();
  if (gather_.count > 0) {  // text written in a row is one piece
    iovec& last = gather_.pieces[gather_.count - 1];
    if (static_cast<char*>(last.iov_base) + last.iov_len == piece.data()) {
      last.iov_len += piece.size();
      return;
    }
  }
  gather_.pieces[gather_.count++] = {const_cast<char*>(piece.data()), piece.size()};
}

void Output::add_body(std::string_view piece) {
  TextBuffer& text = gather_.text;
  if (piece.size() > copied_piece || piece.size() > text.left()) {
    add(piece);
    return;
  }
  const std::size_t begin = text.size();
  text.append(piece);
  add(text.since(begin));
}

bool Output::send(bool end_follows) {
  std::span<iovec> pieces(gather_.pieces.data(), std::exchange(gather_.count, 0));
  std::size_t left = std::exchange(gather_.bytes, 0);
  IoCount taken = 0;
  const bool complete = !gather_.text.overflow();
  const bool behind_others = !unsent_.empty();  // what was added earlier goes first
  if (!complete) pieces = {};                   // a message with a hole in it must not leave
  while (left > 0 && complete && !behind_others) {
    taken = stream_.write(pieces, end_follows);
    if (taken <= 0) break;
    left -= static_cast<std::size_t>(taken);
    bytes_taken_ += static_cast<std::size_t>(taken);
    std::size_t skip = static_cast<std::size_t>(taken);
    while (!pieces.empty() && skip >= pieces.front().iov_len) {
      skip -= pieces.front().iov_len;
      pieces = pieces.subspan(1);
    }
    if (skip > 0) {
      pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + skip;
      pieces.front().iov_len -= skip;
    }
  }
  for (const iovec& piece : pieces) {
    if (taken != io_failed) unsent_.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  gather_.text.clear();
  if (behind_others) return flush() && complete;
  stream_unsent_ = stream_.flush() == io_blocked;
  return complete && taken != io_failed;
}

IoCount Output::splice_from(int pipe, std::size_t count, bool more) {
  const IoCount taken = stream_.splice_from(pipe, count, more);
  if (taken > 0) {
    bytes_given_ += static_cast<std::size_t>(taken);
    bytes_taken_ += static_cast<std::size_t>(taken);
  }
  return taken;
}

bool Output::flush() {
  while (!unsent_.empty()) {
    const iovec piece{unsent_.data(), unsent_.size()};
    const IoCount taken = stream_.write({&piece, 1}, false);
    if (taken == io_failed) return false;
    if (taken == io_blocked) return true;
    unsent_.erase(0, static_cast<std::size_t>(taken));
    bytes_taken_ += static_cast<std::size_t>(taken);
  }
  if (unsent_.capacity() > 64) std::string().swap(unsent_);
  const IoCount left = stream_.flush();
  stream_unsent_ = left == io_blocked;
  return left != io_failed;
}

}  // namespace fairlead
