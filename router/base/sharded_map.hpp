#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace fairlead {

// A map by name whose copies share all that they have in common: an edit copies the shards it touches, nothing else.
// Value must be cheap to copy. A copy may be read by one thread while another copy is edited by another.
template <class Value>
class ShardedMap {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using Shard = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

 public:
  static constexpr std::size_t shard_count = 1024;

  const Value* find(std::string_view key) const {
    const auto& shard = shards_[shard_of(key)];
    if (!shard) return nullptr;
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (!shard) continue;
      for (const auto& [key, value] : *shard) visit(key, value);
    }
  }

  // Changes a copy. The map it began with stays as it is.
  class Editor {
   public:
    explicit Editor(const ShardedMap& base) : map_(base) {}

    const Value* find(std::string_view key) const { return map_.find(key); }

    void set(std::string_view key, Value value) {
      own(shard_of(key)).insert_or_assign(std::string(key), std::move(value));
    }

    void erase(std::string_view key) {
      if (!map_.find(key)) return;
      Shard& shard = own(shard_of(key));
      shard.erase(shard.find(key));
    }

    ShardedMap finish() && { return std::move(map_); }

   private:
    Shard& own(std::size_t index) {
      auto& shard = map_.shards_[index];
      if (!owned_[index]) {
        shard = shard ? std::make_shared<Shard>(*shard) : std::make_shared<Shard>();
        owned_.set(index);
      }
      return *shard;
    }

    ShardedMap map_;
    std::bitset<shard_count> owned_;
  };

 private:
  static std::size_t shard_of(std::string_view key) { return (Hash{}(key) >> 40) % shard_count; }

  std::array<std::shared_ptr<Shard>, shard_count> shards_;  // never changed once two maps share it
};

}  // namespace fairlead
