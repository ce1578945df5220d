#include "watcher/object_list.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "watcher/packed_json.hpp"

namespace fairlead {
namespace {

constexpr std::size_t block_bytes = 256 * 1024;  // large enough for the allocator to give it back as a whole

}  // namespace

ObjectList::ObjectList(std::initializer_list<nlohmann::json> objects) {
  for (const nlohmann::json& object : objects) push_back(object);
}

ObjectList::ObjectList(const std::vector<nlohmann::json>& objects) {
  for (const nlohmann::json& object : objects) push_back(object);
}

void ObjectList::push_back(const nlohmann::json& object) {
  if (blocks_.empty() || blocks_.back().size() >= block_bytes - block_bytes / 8) {
    blocks_.emplace_back().reserve(block_bytes);
  }
  std::string& block = blocks_.back();
  const std::size_t start = block.size();
  block.append(sizeof(std::uint32_t), '\0');
  pack_json(object, block);
  const auto bytes = static_cast<std::uint32_t>(block.size() - start - sizeof(std::uint32_t));
  std::memcpy(block.data() + start, &bytes, sizeof bytes);
  ++size_;
}

void ObjectList::clear() {
  blocks_.clear();
  blocks_.shrink_to_fit();
  size_ = 0;
}

void ObjectList::Iterator::unpack() {
  if (block_ == list_->blocks_.size()) return;
  const std::string& block = list_->blocks_[block_];
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, block.data() + offset_, sizeof bytes);
  end_ = offset_ + sizeof bytes + bytes;
  object_ = unpack_json(std::string_view(block).substr(offset_ + sizeof bytes, bytes));
}

ObjectList::Iterator& ObjectList::Iterator::operator++() {
  offset_ = end_;
  if (offset_ == list_->blocks_[block_].size()) {
    ++block_;
    offset_ = 0;
  }
  unpack();
  return *this;
}

}  // namespace fairlead
