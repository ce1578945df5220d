#pragma once

#include <boost/intrusive/list.hpp>

namespace fairlead {

// Something that runs when one of its sockets, its timer or its mailbox has news. Lives on one Worker's thread.
// Linked into the Worker's run queue at most once, and unlinked by its destructor.
class EventTarget
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~EventTarget() = default;

  // Called between two looks at the kernel, never from within another target. May destroy itself and others.
  virtual void run() = 0;
};

using RunQueue = boost::intrusive::list<EventTarget, boost::intrusive::constant_time_size<false>>;

}  // namespace fairlead
