#include "proxy/plain_stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "proxy/socket_calls.hpp"

namespace fairlead {
namespace {

bool is_transient(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

IoCount PlainStream::read(char* data, std::size_t size) {
  if (!socket_.readable) return io_blocked;
  const ssize_t count = receive_from(socket_.fd, data, size);
  if (count < 0) {
    if (!is_transient(errno)) return io_failed;
    socket_.readable = errno == EINTR;
    return io_blocked;
  }
  // A short read has drained the socket, unless a FIN came with the last bytes.
  if (static_cast<std::size_t>(count) < size && !socket_.peer_closed) socket_.readable = false;
  return count;
}

IoCount PlainStream::write(std::span<const iovec> pieces, bool end_follows) {
  if (!socket_.writable) return io_blocked;
  ssize_t count = 0;
  std::size_t wanted = pieces.front().iov_len;
  if (pieces.size() == 1) {
    count = send_to(socket_.fd, pieces.front().iov_base, wanted, end_follows);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    for (const iovec& piece : pieces.subspan(1)) wanted += piece.iov_len;
    count = send_to(socket_.fd, message, end_follows);
  }
  if (count < 0) {
    if (!is_transient(errno)) return io_failed;
    socket_.writable = errno == EINTR;
    return io_blocked;
  }
  if (static_cast<std::size_t>(count) < wanted) socket_.writable = false;
  return count;
}

IoCount PlainStream::splice_into(int pipe, std::size_t most) {
  if (!socket_.readable) return io_blocked;
  const ssize_t count = ::splice(socket_.fd, nullptr, pipe, nullptr, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (count >= 0) return count;  // a short one tells nothing: the pipe may have no slot left
  if (errno == EINVAL || errno == ENOSYS || errno == EPERM) return io_refused;
  if (!is_transient(errno)) return io_failed;
  socket_.readable = errno == EINTR;
  return io_blocked;
}

IoCount PlainStream::splice_from(int pipe, std::size_t count, bool more) {
  if (!socket_.writable) return io_blocked;
  const unsigned flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE | (more ? SPLICE_F_MORE : 0u);
  const ssize_t taken = ::splice(pipe, nullptr, socket_.fd, nullptr, count, flags);
  if (taken < 0) {
    if (!is_transient(errno)) return io_failed;
    socket_.writable = errno == EINTR;
    return io_blocked;
  }
  if (static_cast<std::size_t>(taken) < count) socket_.writable = false;
  return taken;
}

// Setting it again is what sends them: the option is on already.
void PlainStream::push() {
  const int on = 1;
  ::setsockopt(socket_.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void PlainStream::shutdown_write() {
  ::shutdown(socket_.fd, SHUT_WR);
}

}  // namespace fairlead
