#include "watcher/problem_list.hpp"

#include <algorithm>
#include <iterator>

namespace fairlead {

void ProblemList::set(Owner owner, Problems problems) {
  const auto found = by_owner_.find(owner);
  if (found == by_owner_.end() && problems.empty()) return;
  if (found != by_owner_.end()) {
    if (found->second == problems) return;
    gone_.insert(gone_.end(), found->second.begin(), found->second.end());
  }
  added_.insert(added_.end(), problems.begin(), problems.end());
  if (problems.empty()) {
    by_owner_.erase(found);
  } else {
    by_owner_.insert_or_assign(std::move(owner), std::move(problems));
  }
}

// Two passes over the list, so that one new Problem does not cost the sorting of all.
bool ProblemList::take_changed() {
  if (gone_.empty() && added_.empty()) return false;
  Problems kept = *all_;
  kept.insert(kept.end(), std::make_move_iterator(added_.begin()), std::make_move_iterator(added_.end()));
  const auto middle = kept.begin() + static_cast<std::ptrdiff_t>(all_->size());
  std::sort(middle, kept.end());
  std::inplace_merge(kept.begin(), middle, kept.end());
  std::sort(gone_.begin(), gone_.end());
  auto next = std::make_shared<Problems>();
  std::set_difference(std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()), gone_.begin(),
                      gone_.end(), std::back_inserter(*next));
  gone_.clear();
  added_.clear();
  if (*next == *all_) return false;
  all_ = std::move(next);
  return true;
}

}  // namespace fairlead
