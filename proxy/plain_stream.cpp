#include "proxy/plain_stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <numeric>

namespace fairlead {
namespace {

bool is_transient(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

IoCount PlainStream::read(char* data, std::size_t size) {
  if (!socket_.readable) return io_blocked;
  const ssize_t count = ::recv(socket_.fd, data, size, 0);
  if (count < 0) {
    if (!is_transient(errno)) return io_failed;
    socket_.readable = errno == EINTR;
    return io_blocked;
  }
  // A short read has drained the socket, unless a FIN came with the last bytes.
  if (static_cast<std::size_t>(count) < size && !socket_.peer_closed) socket_.readable = false;
  return count;
}

IoCount PlainStream::write(std::span<const iovec> pieces) {
  if (!socket_.writable) return io_blocked;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const ssize_t count = pieces.size() == 1 ? ::send(socket_.fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                           : ::sendmsg(socket_.fd, &message, MSG_NOSIGNAL);
  if (count < 0) {
    if (!is_transient(errno)) return io_failed;
    socket_.writable = errno == EINTR;
    return io_blocked;
  }
  std::size_t wanted = 0;
  for (const iovec& piece : pieces) wanted += piece.iov_len;
  if (static_cast<std::size_t>(count) < wanted) socket_.writable = false;
  return count;
}

void PlainStream::shutdown_write() {
  ::shutdown(socket_.fd, SHUT_WR);
}

}  // namespace fairlead
