#include "proxy/tls_stream.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/socket_calls.hpp"

namespace fairlead {

TlsStream::TlsStream(SslPtr session, TlsScratch& scratch) : session_(std::move(session)), scratch_(scratch) {
  attach_transport(session_.get(), *this);
}

TlsStream::~TlsStream() = default;

int TlsStream::receive(char* data, int size) {
  if (!socket_.readable) return would_block;
  const ssize_t count = receive_from(socket_.fd, data, static_cast<std::size_t>(size));
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) return failed;
    socket_.readable = errno == EINTR;
    return would_block;
  }
  if (count < size && !socket_.peer_closed) socket_.readable = false;
  if (!first_bytes_seen_ && count > 0) {
    first_bytes_seen_ = true;
    spoke_plain_http_ = data[0] >= 'A' && data[0] <= 'Z';  // a handshake record begins with 22
  }
  return static_cast<int>(count);
}

int TlsStream::send(const char* data, int size) {
  const std::size_t count = static_cast<std::size_t>(size);
  if (scratch_.gathered + count > TlsScratch::gather_size && !send_gathered()) return failed;
  if (unsent_.size() + scratch_.gathered + count > max_unsent) return would_block;
  if (count > TlsScratch::gather_size) return failed;
  std::memcpy(scratch_.gather.get() + scratch_.gathered, data, count);
  scratch_.gathered += count;
  return size;
}

// Moves what was gathered to the socket, or to unsent_. False when the connection is broken.
bool TlsStream::send_gathered(bool end_follows) {
  const std::size_t size = std::exchange(scratch_.gathered, 0);
  const char* data = scratch_.gather.get();
  std::size_t sent = 0;
  if (unsent_.empty() && socket_.writable && size > 0) {
    const ssize_t count = send_to(socket_.fd, data, size, end_follows);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      failed_ = true;
      return false;
    }
    sent = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (sent < size) socket_.writable = false;
  }
  if (sent < size) unsent_.append(data + sent, size - sent);
  return true;
}

TlsResult TlsStream::handshake() {
  if (flush() == io_failed) return TlsResult::failed;
  // The result is asked for whatever becomes of the alert: an error left in the thread's queue would be taken for one
  // of the next connection's.
  const int returned = SSL_do_handshake(session_.get());
  const TlsResult result = returned == 1 ? TlsResult::done : tls_result(session_.get(), returned);
  return send_gathered() ? result : TlsResult::failed;
}

bool TlsStream::chose(std::string_view protocol) const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session_.get(), &name, &size);
  return std::string_view(reinterpret_cast<const char*>(name), size) == protocol;
}

IoCount TlsStream::read(char* data, std::size_t size) {
  if (failed_) return io_failed;
  std::size_t total = 0;
  IoCount end = io_blocked;
  while (total < size) {
    const int room = static_cast<int>(std::min<std::size_t>(size - total, 1 << 20));
    const int count = SSL_read(session_.get(), data + total, room);
    if (count > 0) {
      total += static_cast<std::size_t>(count);
      if (!has_buffered() && !socket_.readable) break;
      continue;
    }
    const TlsResult result = tls_result(session_.get(), count);
    if (result == TlsResult::want_read || result == TlsResult::want_write) break;
    if (total == 0) end = result == TlsResult::closed ? io_end : io_failed;
    break;
  }
  // A key update or an alert. Also after a failure: what stays gathered would reach the next connection's peer.
  if (scratch_.gathered > 0 && !send_gathered()) return io_failed;
  return total > 0 ? static_cast<IoCount>(total) : end;
}

IoCount TlsStream::write_piece(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const int count = SSL_write(session_.get(), data, static_cast<int>(size));
  if (count > 0) return count;
  const TlsResult result = tls_result(session_.get(), count);
  return result == TlsResult::want_write || result == TlsResult::want_read ? io_blocked : io_failed;
}

IoCount TlsStream::write(std::span<const iovec> pieces, bool end_follows) {
  if (const IoCount before = flush(); before != io_end) return before;
  IoCount total = 0;
  std::size_t joined = 0;
  IoCount last = 0;
  const auto write_joined = [&] {
    last = write_piece(scratch_.join.get(), joined);
    if (last > 0) total += last;
    const bool whole = last == static_cast<IoCount>(joined);
    joined = 0;
    return whole;
  };
  bool going = true;
  for (const iovec& piece : pieces) {
    const char* data = static_cast<const char*>(piece.iov_base);
    std::size_t left =
        std::min(piece.iov_len, max_write - std::min<std::size_t>(max_write, static_cast<std::size_t>(total) + joined));
    while (going && left > 0) {
      if (joined == 0 && left >= TlsScratch::record) {  // a whole record, from where it is
        last = write_piece(data, TlsScratch::record);
        if (last > 0) total += last;
        going = last == static_cast<IoCount>(TlsScratch::record);
        data += TlsScratch::record;
        left -= TlsScratch::record;
        continue;
      }
      const std::size_t part = std::min(left, TlsScratch::record - joined);
      std::memcpy(scratch_.join.get() + joined, data, part);
      joined += part;
      data += part;
      left -= part;
      if (joined == TlsScratch::record) going = write_joined();
    }
  }
  if (going && joined > 0) write_joined();
  if (!send_gathered(end_follows)) return io_failed;
  if (total > 0) return total;
  return last == io_failed ? io_failed : io_blocked;
}

IoCount TlsStream::flush() {
  if (failed_) return io_failed;
  while (!unsent_.empty()) {
    if (!socket_.writable) return io_blocked;
    const ssize_t count = send_to(socket_.fd, unsent_.data(), unsent_.size(), false);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        failed_ = true;
        return io_failed;
      }
      socket_.writable = false;
      return io_blocked;
    }
    unsent_.erase(0, static_cast<std::size_t>(count));
  }
  if (unsent_.capacity() > 64) std::string().swap(unsent_);
  return io_end;
}

void TlsStream::shutdown_write() {
  if (SSL_is_init_finished(session_.get())) {
    tls_result(session_.get(), SSL_shutdown(session_.get()));
    send_gathered(true);
  }
  if (unsent_.empty()) ::shutdown(socket_.fd, SHUT_WR);
}

bool TlsStream::has_buffered() const {
  return SSL_has_pending(session_.get()) != 0;
}

}  // namespace fairlead
