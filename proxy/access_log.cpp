#include "proxy/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace fairlead {
namespace {

// Lines of several Workers do not mix as long as a write is whole: to a pipe, up to PIPE_BUF bytes are (pipe(7)); to a
// file that is appended to, any number.
constexpr std::size_t max_piece_bytes = PIPE_BUF;
constexpr std::size_t max_file_line_bytes = 32 * 1024;

// How much of each value a line shows: all, unless the line would then be too long.
constexpr std::size_t field_cuts[] = {8 * 1024, 2048, 512, 128, 32};

constexpr int open_flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// Standard output under a file description of our own, so that O_NONBLOCK concerns nobody else's. Sockets cannot be
// reopened; they are written to with MSG_DONTWAIT.
int open_standard_output() {
  const int own = ::open("/proc/self/fd/1", open_flags);
  return own >= 0 ? own : ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

bool may_block(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

bool takes_more(int fd) {
  pollfd asked{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

}  // namespace

Result<AccessLogTarget> AccessLogTarget::open(const std::string& where) {
  if (where == "off") return AccessLogTarget();
  const int fd = where == "-" ? open_standard_output() : ::open(where.c_str(), open_flags | O_CREAT, 0640);
  if (fd < 0) return Failure{"cannot open the access log \"" + where + "\": " + std::strerror(errno)};
  return AccessLogTarget(fd);
}

AccessLogTarget::AccessLogTarget(AccessLogTarget&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

AccessLogTarget& AccessLogTarget::operator=(AccessLogTarget&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

AccessLogTarget::~AccessLogTarget() {
  if (fd_ >= 0) ::close(fd_);
}

AccessLog::AccessLog(int fd, AccessLogFormat format, Counter& dropped) : fd_(fd), format_(format), dropped_(dropped) {
  if (fd_ < 0) return;
  buffer_ = std::make_unique<char[]>(buffer_bytes);
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || S_ISREG(status.st_mode)) return;
  sink_ = S_ISSOCK(status.st_mode) ? Sink::socket : Sink::pipe;
  ask_first_ = sink_ == Sink::pipe && may_block(fd_);
}

AccessLog::~AccessLog() {
  flush();
  dropped_.add(static_cast<std::uint64_t>(std::count(buffer_.get(), buffer_.get() + used_, '\n')));
}

void AccessLog::write(const ExchangeRecord& record) {
  if (!on()) return;
  for (const std::size_t cut : field_cuts) {
    if (append(record, cut)) return;
    if (buffer_bytes - used_ >= max_line_bytes()) continue;
    flush();
    if (append(record, cut)) return;
  }
  dropped_.add();
}

bool AccessLog::append(const ExchangeRecord& record, std::size_t max_field_bytes) {
  char* const begin = buffer_.get() + used_;
  LineWriter line(begin, begin + std::min(max_line_bytes(), buffer_bytes - used_), max_field_bytes);
  if (format_ == AccessLogFormat::json) {
    write_json(line, record, time_);
  } else {
    write_upstreaminfo(line, record, time_, format_ == AccessLogFormat::upstreaminfo_grpc);
  }
  if (line.overflowed()) return false;
  used_ += line.size();
  return true;
}

void AccessLog::flush() {
  std::size_t done = 0;
  while (done < used_) {
    if (ask_first_ && !takes_more(fd_)) break;
    const char* const from = buffer_.get() + done;
    const std::size_t size = next_piece(done);
    const ssize_t written =
        sink_ == Sink::socket ? ::send(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL) : ::write(fd_, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  drop_front(done);
}

std::size_t AccessLog::max_line_bytes() const {
  return sink_ == Sink::file ? max_file_line_bytes : max_piece_bytes;
}

// Whole lines that may be written at once.
std::size_t AccessLog::next_piece(std::size_t from) const {
  const std::size_t rest = used_ - from;
  if (sink_ == Sink::file || rest <= max_piece_bytes) return rest;
  const std::string_view piece(buffer_.get() + from, max_piece_bytes);
  return piece.rfind('\n') + 1;  // there is one: no line is longer than a piece
}

void AccessLog::drop_front(std::size_t bytes) {
  if (bytes == 0) return;
  std::memmove(buffer_.get(), buffer_.get() + bytes, used_ - bytes);
  used_ -= bytes;
}

}  // namespace fairlead
