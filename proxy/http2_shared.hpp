#pragma once

#include <memory>

#include "proxy/log_pace.hpp"

namespace fairlead {

class Http2Library;
class Http2StreamPool;

// What the HTTP/2 connections of one Worker share.
class Http2Shared {
 public:
  Http2Shared();
  ~Http2Shared();

  Http2Library& library() { return *library_; }
  Http2StreamPool& streams() { return *streams_; }
  LogPace& pace() { return pace_; }  // of warnings that a connection was too much

 private:
  std::unique_ptr<Http2Library> library_;
  std::unique_ptr<Http2StreamPool> streams_;
  LogPace pace_;
};

}  // namespace fairlead
