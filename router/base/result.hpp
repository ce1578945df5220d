#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace fairlead {

// Why an operation failed, for a person: one line, no trailing full stop, naming what was tried.
struct Failure {
  std::string message;
};

// Called by boost::system::result when somebody reads the value of a failure: that is a bug of ours.
[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::logic_error("value of a failed result was read: " + failure.message);
}

// An expected failure is a value. Exceptions are bugs.
template <class T>
using Result = boost::system::result<T, Failure>;

}  // namespace fairlead
