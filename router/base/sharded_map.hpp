#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead {

// A map by name whose copies share all that they have in common: an edit copies the shards it touches, nothing else.
// A copy may be read by one thread while another copy is edited by another. Key is a std::string or converts to
// std::string_view; it and Value must be cheap to copy. A Key that is a view of something must be so of what its Value
// keeps alive.
//
// A shard is one array, sorted by hash: as hashes are spread evenly, an entry is found close to where its hash says.
template <class Value, class Key = std::string>
class ShardedMap {
  struct Entry {
    std::uint32_t hash;
    Key key;
    Value value;
  };
  using Shard = std::vector<Entry>;
  static constexpr std::size_t group_size = 32;
  using Group = std::array<std::shared_ptr<Shard>, group_size>;  // what an edit copies is two small arrays of pointers

  // Where a key belongs.
  struct Place {
    explicit Place(std::string_view key) : Place(std::hash<std::string_view>{}(key)) {}
    explicit Place(std::uint64_t whole)
        : hash(static_cast<std::uint32_t>(whole)),
          group((whole >> 40) % group_size),
          shard((whole >> 48) % group_size) {}

    std::uint32_t hash;  // within the shard: none of the bits that choose it
    std::size_t group;
    std::size_t shard;
  };

 public:
  static constexpr std::size_t shard_count = group_size * group_size;

  const Value* find(std::string_view key) const {
    const Place place(key);
    const Shard* const shard = shard_at(place);
    if (!shard) return nullptr;
    const std::size_t at = index_of(*shard, place.hash, key);
    return at < shard->size() ? &(*shard)[at].value : nullptr;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& group : groups_) {
      if (!group) continue;
      for (const auto& shard : *group) {
        if (!shard) continue;
        for (const Entry& entry : *shard) visit(entry.key, entry.value);
      }
    }
  }

  // Changes a copy. The map it began with stays as it is.
  class Editor {
   public:
    explicit Editor(const ShardedMap& base) : map_(base) {}

    const Value* find(std::string_view key) const { return map_.find(key); }

    void set(Key key, Value value) {
      const Place place{std::string_view(key)};
      Shard& shard = own(place);
      const std::size_t at = index_of(shard, place.hash, key);
      if (at < shard.size()) {
        shard[at] = {place.hash, std::move(key), std::move(value)};
      } else {
        shard.insert(shard.begin() + static_cast<std::ptrdiff_t>(first_of(shard, place.hash)),
                     {place.hash, std::move(key), std::move(value)});
      }
    }

    // The key is there, and stays the one that it was set with.
    void update(std::string_view key, Value value) {
      const Place place(key);
      Shard& shard = own(place);
      shard[index_of(shard, place.hash, key)].value = std::move(value);
    }

    void erase(std::string_view key) {
      if (!map_.find(key)) return;
      const Place place(key);
      Shard& shard = own(place);
      shard.erase(shard.begin() + static_cast<std::ptrdiff_t>(index_of(shard, place.hash, key)));
    }

    ShardedMap finish() && {
      for (std::size_t number = 0; number < shard_count; ++number) {
        if (!own_shards_[number]) continue;
        Shard& shard = *(*map_.groups_[number / group_size])[number % group_size];
        if (shard.capacity() > shard.size() + 1) shard.shrink_to_fit();
      }
      return std::move(map_);
    }

   private:
    Shard& own(const Place& place) {
      auto& group = map_.groups_[place.group];
      if (!own_groups_[place.group]) {
        group = group ? std::make_shared<Group>(*group) : std::make_shared<Group>();
        own_groups_.set(place.group);
      }
      auto& shard = (*group)[place.shard];
      if (const std::size_t number = place.group * group_size + place.shard; !own_shards_[number]) {
        auto copy = std::make_shared<Shard>();
        copy->reserve(shard ? shard->size() + 1 : 1);
        if (shard) copy->insert(copy->end(), shard->begin(), shard->end());
        shard = std::move(copy);
        own_shards_.set(number);
      }
      return *shard;
    }

    ShardedMap map_;
    std::bitset<group_size> own_groups_;
    std::bitset<shard_count> own_shards_;
  };

 private:
  const Shard* shard_at(const Place& place) const {
    const auto& group = groups_[place.group];
    return group ? (*group)[place.shard].get() : nullptr;
  }

  // Of the first entry whose hash is not smaller.
  static std::size_t first_of(const Shard& shard, std::uint32_t hash) {
    std::size_t at = static_cast<std::size_t>((std::uint64_t{hash} * shard.size()) >> 32);
    while (at > 0 && shard[at - 1].hash >= hash) --at;
    while (at < shard.size() && shard[at].hash < hash) ++at;
    return at;
  }

  // shard.size() when the key is not there.
  static std::size_t index_of(const Shard& shard, std::uint32_t hash, std::string_view key) {
    for (std::size_t at = first_of(shard, hash); at < shard.size() && shard[at].hash == hash; ++at) {
      if (std::string_view(shard[at].key) == key) return at;
    }
    return shard.size();
  }

  std::array<std::shared_ptr<Group>, group_size> groups_;  // never changed once two maps share it
};

}  // namespace fairlead
