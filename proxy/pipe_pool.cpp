#include "proxy/pipe_pool.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace fairlead {
namespace {

void close_both(Pipe pipe) {
  ::close(pipe.read_end);
  ::close(pipe.write_end);
}

// A user with many pipes gets only small ones (pipe-user-pages-soft): of no use here.
Pipe open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  const Pipe pipe{ends[0], ends[1]};
  if (::fcntl(pipe.write_end, F_SETPIPE_SZ, static_cast<int>(PipePool::capacity)) >= 0) return pipe;
  close_both(pipe);
  return {};
}

}  // namespace

PipePool::~PipePool() {
  for (const Pipe pipe : kept_) close_both(pipe);
}

Pipe PipePool::take() {
  if (in_use_ >= max_in_use_) return {};
  Pipe pipe;
  if (kept_.empty()) {
    pipe = open_pipe();
  } else {
    pipe = kept_.back();
    kept_.pop_back();
  }
  if (pipe) ++in_use_;
  return pipe;
}

void PipePool::give_back(Pipe pipe, bool is_empty) {
  --in_use_;
  if (is_empty && kept_.size() < max_kept) {
    kept_.push_back(pipe);
  } else {
    close_both(pipe);
  }
}

}  // namespace fairlead
