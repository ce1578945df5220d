#include "proxy/input_buffer.hpp"

#include <cstring>

namespace fairlead {

InputBuffer::~InputBuffer() {
  if (scratch_.tenant_ == this) scratch_.tenant_ = nullptr;
}

void InputBuffer::consume(std::size_t count) {
  begin_ += count;
}

IoCount InputBuffer::fill(Stream& stream) {
  move_in();
  char* const write_at = scratch_.data() + (end_ - begin_);
  const IoCount count = stream.read(write_at, room());
  if (count > 0) {
    end_ = write_at + count;
    begin_ = scratch_.data();
  }
  return count;
}

// Makes this the tenant, with its unread bytes at the very front of the scratch.
void InputBuffer::move_in() {
  if (scratch_.tenant_ && scratch_.tenant_ != this) scratch_.tenant_->move_out();
  scratch_.tenant_ = this;
  const std::size_t size = static_cast<std::size_t>(end_ - begin_);
  if (size > 0 && begin_ != scratch_.data()) std::memmove(scratch_.data(), begin_, size);
  begin_ = scratch_.data();
  end_ = begin_ + size;
  own_.reset();
}

void InputBuffer::move_out() {
  const std::size_t size = static_cast<std::size_t>(end_ - begin_);
  if (size > 0) {
    own_ = std::make_unique_for_overwrite<char[]>(size);
    std::memcpy(own_.get(), begin_, size);
  }
  begin_ = own_.get();
  end_ = begin_ + size;
}

void InputBuffer::release() {
  if (begin_ != end_) return;
  own_.reset();
  begin_ = end_ = nullptr;
}

}  // namespace fairlead
