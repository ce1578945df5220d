#pragma once

namespace fairlead {

// Lets Workers, and whoever else shares the processors, go first: from now on this thread and those it starts wait
// while others have work, and are interrupted when that comes. It never waits for ever: on processors that are busy all
// the time it has a tenth of what a Worker has. Of the calling thread; does nothing where the kernel refuses.
void give_way_to_workers();

}  // namespace fairlead
