#pragma once

#include "proxy/stream.hpp"

namespace fairlead {

class PlainStream final : public Stream {
 public:
  PlainStream() = default;

  IoCount read(char* data, std::size_t size) override;
  IoCount write(std::span<const iovec> pieces, bool end_follows) override;
  IoCount flush() override { return io_end; }
  void shutdown_write() override;
  bool has_buffered() const override { return false; }
  Socket& socket() override { return socket_; }
  bool can_splice() const override { return true; }
  IoCount splice_into(int pipe, std::size_t most) override;
  IoCount splice_from(int pipe, std::size_t count, bool more) override;
  void push() override;

 private:
  Socket socket_;
};

}  // namespace fairlead
