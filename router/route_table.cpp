#include "router/route_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>

#include "router/base/sharded_map.hpp"
#include "router/host_name.hpp"
#include "router/path_matcher.hpp"
#include "router/state_walk.hpp"

namespace fairlead {
namespace {

constexpr std::size_t page_size = 256;
constexpr std::uint32_t no_upstream = UINT32_MAX;

// A Host ready for matching. A look-up reads this and what the matcher holds, but not the Host.
struct CompiledHost {
  explicit CompiledHost(std::shared_ptr<const Host> host)
      : config(std::move(host)),
        matcher(*config),
        paths(config->paths.data()),
        upstream_indexes(std::make_unique<std::uint32_t[]>(config->paths.size())) {}

  std::shared_ptr<const Host> config;
  PathMatcher matcher;
  const Path* paths;                                  // config's
  std::unique_ptr<std::uint32_t[]> upstream_indexes;  // of these
};

// An Upstream key has an index as long as an Upstream of that name exists or a path leads to it.
struct UpstreamSlot {
  std::uint32_t index = 0;
  std::uint32_t references = 0;
  std::uint64_t identity = 0;
};

// Of a Path that leads there or, while there is none, of the Upstream: part of either, which it keeps alive.
class UpstreamKey {
 public:
  explicit UpstreamKey(const std::shared_ptr<const Upstream>& upstream) : text_(upstream, &upstream->key) {}
  explicit UpstreamKey(const std::shared_ptr<const Route>& route) : text_(route, &route->upstream_key) {}

  operator std::string_view() const { return *text_; }

 private:
  std::shared_ptr<const std::string> text_;
};

using HostMap = ShardedMap<std::shared_ptr<const CompiledHost>, std::string_view>;  // by the matcher's host_name()
using SlotMap = ShardedMap<UpstreamSlot, UpstreamKey>;
using Page = std::array<std::shared_ptr<const UpstreamEntry>, page_size>;

std::uint64_t next_identity() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

const Path& unmatched_path() {
  static const Path path = [] {
    Path root;
    root.path = "/";
    return root;
  }();
  return path;
}

const std::shared_ptr<const CompiledHost>& unmatched_host() {
  static const auto host = std::make_shared<const CompiledHost>(std::make_shared<const Host>());
  return host;
}

// An Upstream's states, those of Endpoints that stay taken over from the last one.
std::shared_ptr<const UpstreamEntry> compile_upstream(std::shared_ptr<const Upstream> config, const UpstreamSlot& slot,
                                                      const UpstreamEntry* last) {
  auto entry = std::make_shared<UpstreamEntry>();
  entry->index = slot.index;
  entry->identity = slot.identity;
  entry->endpoints.reserve(config->endpoints.size());
  StateWalk known(last && last->config->protocol == config->protocol ? last : nullptr);
  for (const Endpoint& endpoint : config->endpoints) {
    const std::shared_ptr<EndpointState> state = known.find(endpoint);
    entry->endpoints.push_back(state ? state : std::make_shared<EndpointState>(endpoint, config->protocol));
  }
  entry->config = std::move(config);
  return entry;
}

}  // namespace

struct RouteTable::Parts {
  HostMap hosts;
  SlotMap slots;
  std::vector<std::shared_ptr<const Page>> pages;  // by index
  std::vector<std::uint32_t> free_indexes;
  std::uint32_t next_index = 0;
  std::shared_ptr<const Settings> settings = std::make_shared<const Settings>();
  std::size_t host_count = 0;
  std::size_t path_count = 0;
  std::size_t upstream_count = 0;

  const std::shared_ptr<const UpstreamEntry>& entry(std::uint32_t index) const {
    return (*pages[index / page_size])[index % page_size];
  }
};

namespace {

// Changes a copy of a table's parts.
template <class Parts>
class TableEditor {
 public:
  explicit TableEditor(const Parts& base)
      : parts_(std::make_unique<Parts>(base)), hosts_(base.hosts), slots_(base.slots), own_pages_(base.pages.size()) {}

  void set_host(const std::string& name, const std::shared_ptr<const Host>& host) {
    std::shared_ptr<const CompiledHost> before;
    if (const auto* found = hosts_.find(name)) before = *found;
    if (host) add_host(host);
    if (!before) return;
    --parts_->host_count;
    parts_->path_count -= before->config->paths.size();
    for (const Path& path : before->config->paths) release(path.route->upstream_key);
    if (!host) hosts_.erase(name);
  }

  void set_upstream(const std::string& key, const std::shared_ptr<const Upstream>& upstream) {
    const UpstreamSlot* const known = slots_.find(key);
    const std::shared_ptr<const UpstreamEntry> before = known ? parts_->entry(known->index) : nullptr;
    if (!before && !upstream) return;
    if (!before) {
      acquire(UpstreamKey(upstream));
      ++parts_->upstream_count;
    }
    const UpstreamSlot slot = *slots_.find(key);
    const auto after = upstream ? compile_upstream(upstream, slot, before.get()) : nullptr;
    if (before) retire(*before, after.get());
    page(slot.index)[slot.index % page_size] = after;
    if (upstream) return;
    --parts_->upstream_count;
    release(key);
  }

  void set_settings(const std::shared_ptr<const Settings>& settings) { parts_->settings = settings; }

  std::vector<std::uint64_t> retired() {
    std::sort(retired_.begin(), retired_.end());
    return std::move(retired_);
  }

  std::unique_ptr<const Parts> finish() && {
    parts_->hosts = std::move(hosts_).finish();
    parts_->slots = std::move(slots_).finish();
    return std::move(parts_);
  }

 private:
  void retire(const UpstreamEntry& before, const UpstreamEntry* after) {
    StateWalk kept(after);
    for (const std::shared_ptr<EndpointState>& state : before.endpoints) {
      if (kept.find(state->endpoint) != state) retired_.push_back(state->id);
    }
  }

  void add_host(const std::shared_ptr<const Host>& host) {
    auto compiled = std::make_shared<CompiledHost>(host);
    for (std::size_t i = 0; i < host->paths.size(); ++i) {
      const std::shared_ptr<const Route>& route = host->paths[i].route;
      compiled->upstream_indexes[i] = route->upstream_key.empty() ? no_upstream : acquire(UpstreamKey(route));
    }
    const std::string_view name = compiled->matcher.host_name();
    hosts_.set(name, std::move(compiled));
    ++parts_->host_count;
    parts_->path_count += host->paths.size();
  }

  std::uint32_t acquire(UpstreamKey key) {
    const UpstreamSlot* const known = slots_.find(key);
    UpstreamSlot slot = known ? *known : UpstreamSlot{take_index(), 0, next_identity()};
    ++slot.references;
    slots_.set(std::move(key), slot);
    return slot.index;
  }

  void release(const std::string& key) {
    if (key.empty()) return;
    UpstreamSlot slot = *slots_.find(key);
    if (--slot.references > 0) {
      slots_.update(key, slot);
      return;
    }
    slots_.erase(key);
    parts_->free_indexes.push_back(slot.index);
  }

  std::uint32_t take_index() {
    if (!parts_->free_indexes.empty()) {
      const std::uint32_t index = parts_->free_indexes.back();
      parts_->free_indexes.pop_back();
      return index;
    }
    const std::uint32_t index = parts_->next_index++;
    if (index / page_size == parts_->pages.size()) own_page(std::make_shared<Page>());
    return index;
  }

  // The page of an index, copied at its first use in this edit.
  Page& page(std::uint32_t index) {
    const std::size_t number = index / page_size;
    if (!own_pages_[number]) {
      auto copy = std::make_shared<Page>(*parts_->pages[number]);
      own_pages_[number] = copy.get();
      parts_->pages[number] = std::move(copy);
    }
    return *own_pages_[number];
  }

  void own_page(std::shared_ptr<Page> added) {
    own_pages_.push_back(added.get());
    parts_->pages.push_back(std::move(added));
  }

  std::unique_ptr<Parts> parts_;
  std::vector<std::uint64_t> retired_;
  HostMap::Editor hosts_;
  SlotMap::Editor slots_;
  std::vector<Page*> own_pages_;  // by number: null where the page is shared with the table this began with
};

}  // namespace

RouteTable::RouteTable(std::unique_ptr<const Parts> parts, std::vector<std::uint64_t> retired)
    : parts_(std::move(parts)), retired_(std::move(retired)) {}
RouteTable::~RouteTable() = default;

std::shared_ptr<const RouteTable> RouteTable::empty() {
  return std::shared_ptr<const RouteTable>(new RouteTable(std::make_unique<const Parts>(), {}));
}

std::shared_ptr<const RouteTable> RouteTable::with(const ConfigDelta& delta) const {
  TableEditor<Parts> editor(*parts_);
  // In this order, so that an Upstream's key is part of the Path that leads there, which outlasts its endpoints.
  for (const auto& [key, upstream] : delta.upstreams) editor.set_upstream(key, upstream);
  for (const auto& [name, host] : delta.hosts) editor.set_host(name, host);
  if (delta.settings) editor.set_settings(delta.settings);
  std::vector<std::uint64_t> retired = editor.retired();
  return std::shared_ptr<const RouteTable>(new RouteTable(std::move(editor).finish(), std::move(retired)));
}

RouteMatch RouteTable::match(std::string_view host, std::string_view path) const {
  const std::shared_ptr<const CompiledHost>* found = parts_->hosts.find(host);
  if (!found) {
    if (const auto suffix = parent_suffix(host)) {
      char wildcard[max_host_name + 1];
      wildcard[0] = '*';
      if (suffix->size() <= max_host_name) {
        found = parts_->hosts.find({wildcard, suffix->copy(wildcard + 1, max_host_name) + 1});
      }
    }
  }
  if (!found) found = parts_->hosts.find("");
  const CompiledHost& compiled = found ? **found : *unmatched_host();
  const std::size_t index = compiled.matcher.match(path);
  if (index == PathMatcher::none) return {compiled.config.get(), &unmatched_path(), nullptr};
  const std::uint32_t upstream = compiled.upstream_indexes[index];
  return {compiled.config.get(), &compiled.paths[index],
          upstream == no_upstream ? nullptr : parts_->entry(upstream).get()};
}

const UpstreamEntry* RouteTable::upstream(std::string_view key) const {
  const UpstreamSlot* const slot = parts_->slots.find(key);
  return slot ? parts_->entry(slot->index).get() : nullptr;
}

const Settings& RouteTable::settings() const {
  return *parts_->settings;
}
std::size_t RouteTable::host_count() const {
  return parts_->host_count;
}
std::size_t RouteTable::path_count() const {
  return parts_->path_count;
}
std::size_t RouteTable::upstream_count() const {
  return parts_->upstream_count;
}

std::vector<std::shared_ptr<const Host>> RouteTable::hosts() const {
  std::vector<std::shared_ptr<const Host>> all;
  all.reserve(parts_->host_count);
  parts_->hosts.for_each([&](std::string_view, const auto& compiled) { all.push_back(compiled->config); });
  return all;
}

}  // namespace fairlead
