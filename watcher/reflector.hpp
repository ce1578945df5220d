#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "watcher/api_request.hpp"
#include "watcher/back_off.hpp"
#include "watcher/json_lines.hpp"
#include "watcher/source.hpp"

namespace fairlead {

// What to mirror: all objects of a collection, or the one of a name in it.
struct Resource {
  Kind kind = Kind::ingress;
  std::string collection;            // "/apis/networking.k8s.io/v1/ingresses"
  std::optional<ObjectName> single;  // only this object, told by put and remove; else told by replace, put and remove
  bool forbidden_is_absent = false;  // when it stays forbidden, it counts as nothing there: others need not wait
  std::string plural;                // "ingresses": for messages
  std::string label_selector;        // "app=web,tier=edge"; "" = all
};

// The waits and limits of the protocol.
struct ReflectorOptions {
  bool streaming_lists = true;  // ask for collections as the initial events of a watch; pages if that is refused
  BackOffLimits back_off;
  std::chrono::milliseconds max_retry_after{300'000};  // a server that asks for longer is asked again after this
  std::chrono::milliseconds forbidden_wait{60'000};    // a role is mended by a person
  int hasty_forbidden = 4;  // so often it may be a server that starts: it forbids all until it has read the roles
  std::chrono::milliseconds settle{1'000};               // a watch that lasted so long counts as working
  std::chrono::milliseconds max_list_silence{60'000};    // no byte of a page for so long: given up
  std::chrono::milliseconds max_watch_silence{150'000};  // bookmarks come about every minute: two were missed
  std::chrono::seconds watch_time_least{300};            // the server ends a watch after a time between these two
  std::chrono::seconds watch_time_most{600};
  int page_objects = 500;
  std::size_t max_page_bytes = 64 << 20;
  std::size_t max_event_bytes = 8 << 20;  // etcd holds no object of more than 1.5 MiB
  std::size_t max_objects = 1'000'000;    // of one kind
  // After a gap, what changed is handed on when all kinds are heard again, or after this.
  std::chrono::milliseconds together{5'000};
};

// Why a resource is not heard at present.
struct Trouble {
  enum class Cause {
    unreachable,
    untrusted,
    unauthorized,
    forbidden,
    busy,
    refused,
    broken_stream,
    garbled,
    too_large
  };
  Cause cause = Cause::unreachable;
  std::string message;

  // Nothing was heard of the server at all.
  bool is_away() const { return cause == Cause::unreachable || cause == Cause::untrusted; }
};

// The list/watch protocol of one resource as a state machine: says which request is to be made, is told what came back,
// and says what that changed. Does no I/O and has no clock. A list, streamed or in pages, is handed on whole when all
// of it is in, so what was known is replaced and never emptied in between; a watch that breaks goes on from the last
// resourceVersion. A streamed list ends with its bookmark, and a watch of its own follows: that one shares a
// connection, which a list must not (see api_client.cpp).
class Reflector {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Reflector(Resource resource, const ReflectorOptions& options, std::uint32_t seed);

  // The request to start now, if one is due. Until its on_end no other is.
  std::optional<ApiRequest> next(Time now);

  void on_head(int status, Time now);

  // False: the rest is of no use, end the request. on_end follows all the same.
  bool on_bytes(std::string_view bytes, Time now);

  void on_end(const ApiEnding& ending, Time now);

  // The running request has been silent for too long: end it, with on_silence in place of on_end.
  bool silent(Time now) const { return running_ && now >= heard_at_ + max_silence(); }
  void on_silence(Time now);

  // To be called at wake_at(): notices that a watch works.
  void on_time(Time now);
  Time wake_at() const;

  std::vector<Change> take_changes() { return std::exchange(changes_, {}); }
  const std::optional<Trouble>& trouble() const { return trouble_; }
  const Resource& resource() const { return resource_; }
  // A watch is open.
  bool hearing() const { return phase_ == Phase::watch && running_ && status_ == 200; }
  // The server answers somebody else: whoever waits because it could not be reached need wait no longer.
  void hurry(Time now);
  bool listing() const { return phase_ != Phase::watch; }
  // When the server last said something of use; nothing before it first did.
  const std::optional<Time>& contact_at() const { return contact_at_; }

 private:
  enum class Phase { stream, list, watch };
  using Cause = Trouble::Cause;

  std::string list_target() const;
  std::string watch_target();
  std::string selectors() const;
  bool streams() const { return streams_ && !resource_.single; }
  std::chrono::milliseconds max_silence() const;

  void take_page(Time now);
  std::string add_items(nlohmann::json& page);
  void finish_list(Time now);
  bool on_line(std::string_view line);
  bool on_event(nlohmann::json event);
  bool on_initial_event(const std::string& type, nlohmann::json& object);
  bool on_error_event(const nlohmann::json& status);
  Change change_of(const std::string& type, nlohmann::json object) const;
  bool give_up(Cause cause, std::string message);
  void recover(Time now);
  void on_refusal(const ApiEnding& ending, Time now);
  bool stream_is_refused() const;
  void stream_failed();
  void on_forbidden(Time now);
  void announce_absence();
  void list_again();
  void hurry_or_wait(Cause cause, std::string message, Time now);
  void wait(Cause cause, std::string message, Time now, std::chrono::milliseconds at_least);
  std::string told_by_server() const;

  const Resource resource_;
  const ReflectorOptions options_;
  BackOff back_off_;

  Phase phase_;
  bool streams_;  // not refused so far
  bool running_ = false;
  bool settled_ = false;  // the running watch has lasted
  bool fresh_connection_ = false;
  int status_ = 0;  // of the running request; 0 before its head
  Time next_at_{};
  Time heard_at_{};
  std::optional<Time> contact_at_;
  Time opened_at_{};  // when the head of a watch came
  int stumbles_ = 0;  // since a watch last worked
  int refused_watches_ = 0;
  int failed_streams_ = 0;
  int forbidden_ = 0;  // in a row

  std::string body_;  // of a page, or the first bytes of a refusal
  JsonLines lines_;
  ObjectList listed_;
  std::vector<Change> after_list_;  // what a streamed list said beyond what existed when it began
  bool stream_is_whole_ = false;
  std::string continue_token_;
  std::string resource_version_;
  int page_objects_;
  bool announced_ = false;  // something was told: what is known now is kept whatever happens

  struct Verdict {
    Cause cause;
    std::string message;
    bool gone = false;
  };
  std::optional<Verdict> verdict_;  // why the running request is being ended by us
  std::vector<Change> changes_;
  std::optional<Trouble> trouble_;
};

}  // namespace fairlead
