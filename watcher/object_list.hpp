#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fairlead {

// Objects that are handed on and read once: packed into a few large blocks (packed_json.hpp), and made JSON again one
// at a time. The list of a large cluster takes a tenth of what as many JSON values do, and leaves no holes behind.
class ObjectList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = nlohmann::json;
    using difference_type = std::ptrdiff_t;
    using pointer = const nlohmann::json*;
    using reference = const nlohmann::json&;

    // The object is there until the iterator moves on.
    reference operator*() const { return object_; }
    pointer operator->() const { return &object_; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return block_ == other.block_ && offset_ == other.offset_; }

   private:
    friend class ObjectList;
    Iterator(const ObjectList& list, std::size_t block) : list_(&list), block_(block) { unpack(); }
    void unpack();

    const ObjectList* list_;
    std::size_t block_;
    std::size_t offset_ = 0;  // of the object in its block
    std::size_t end_ = 0;     // where it ends
    nlohmann::json object_;
  };

  ObjectList() = default;
  ObjectList(std::initializer_list<nlohmann::json> objects);
  explicit ObjectList(const std::vector<nlohmann::json>& objects);

  void push_back(const nlohmann::json& object);
  void clear();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, blocks_.size()}; }

 private:
  std::vector<std::string> blocks_;  // none empty
  std::size_t size_ = 0;
};

}  // namespace fairlead
