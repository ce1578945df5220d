#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace fairlead {

// recv, send and sendmsg for the request path. Those of glibc are points where a thread can be cancelled, which costs
// two locked instructions a call; no thread of ours is ever cancelled. Errors are told by errno, as usual. SIGPIPE is
// never raised. more: what is sent may wait for what follows at once, bytes or the end, to leave in one packet.

inline int send_flags(bool more) {
  return MSG_NOSIGNAL | (more ? MSG_MORE : 0);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIRLEAD_PLAIN_SOCKET_CALLS  // so that sanitizers see the memory
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FAIRLEAD_PLAIN_SOCKET_CALLS
#endif
#endif

#ifdef FAIRLEAD_PLAIN_SOCKET_CALLS

inline ssize_t receive_from(int fd, char* data, std::size_t size) {
  return ::recv(fd, data, size, 0);
}
inline ssize_t send_to(int fd, const void* data, std::size_t size, bool more) {
  return ::send(fd, data, size, send_flags(more));
}
inline ssize_t send_to(int fd, const msghdr& message, bool more) {
  return ::sendmsg(fd, &message, send_flags(more));
}

#else

inline ssize_t receive_from(int fd, char* data, std::size_t size) {
  return ::syscall(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr);
}
inline ssize_t send_to(int fd, const void* data, std::size_t size, bool more) {
  return ::syscall(SYS_sendto, fd, data, size, send_flags(more), nullptr, 0);
}
inline ssize_t send_to(int fd, const msghdr& message, bool more) {
  return ::syscall(SYS_sendmsg, fd, &message, send_flags(more));
}

#endif

}  // namespace fairlead
