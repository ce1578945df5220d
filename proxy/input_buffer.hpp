#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "proxy/stream.hpp"

namespace fairlead {

class InputBuffer;

// The one read buffer that all connections of a Worker share, one at a time. Whoever reads into it next makes the last
// tenant move its unread bytes to memory of its own; in the usual case there are none.
class ScratchBuffer {
 public:
  // What the kernel joins to one segment, and a head: a read that ends inside a segment makes all that follow, and
  // those of a splice, end inside one, too (64 KB bodies cost a fifth more with 64 KB here, 1 MB bodies twice as much).
  // More makes bodies of 1 MB over HTTP/2 a third dearer.
  static constexpr std::size_t size = 72 * 1024;
  static constexpr std::size_t largest_whole = 64 * 1024;  // that is gathered here before it is understood

  char* data() { return data_.get(); }

 private:
  friend class InputBuffer;
  std::unique_ptr<char[]> data_ = std::make_unique<char[]>(size);
  InputBuffer* tenant_ = nullptr;
};

// Received bytes of one connection that have not been consumed: in the Worker's scratch, or (rarely) in own memory.
class InputBuffer {
 public:
  explicit InputBuffer(ScratchBuffer& scratch) : scratch_(scratch) {}
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  ~InputBuffer();

  // Valid until any InputBuffer of the same scratch is filled.
  std::string_view unread() const { return {begin_, static_cast<std::size_t>(end_ - begin_)}; }
  bool empty() const { return begin_ == end_; }
  // What was consumed stays valid as well, until the next fill of any InputBuffer of the same scratch.
  void consume(std::size_t count);
  std::size_t room() const { return most_ - std::min(most_, static_cast<std::size_t>(end_ - begin_)); }
  // From here on nothing is read while this much is unread. At most the size of the scratch, which is the default.
  void hold_at_most(std::size_t bytes) { most_ = std::min(bytes, ScratchBuffer::size); }

  // Reads once, behind what is unread, as much as there is room for. Never call without room().
  IoCount fill(Stream& stream);

  // Gives own memory back if nothing is unread: before a long wait.
  void release();

 private:
  void move_in();
  void move_out();

  ScratchBuffer& scratch_;
  std::size_t most_ = ScratchBuffer::size;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  std::unique_ptr<char[]> own_;
};

}  // namespace fairlead
