#include "watcher/reflector.hpp"

#include <algorithm>
#include <utility>

#include "router/base/percent_encode.hpp"
#include "watcher/api_text.hpp"

namespace fairlead {
namespace {

constexpr std::size_t max_refusal_bytes = 4 * 1024;
constexpr int max_refused_watches = 3;  // then the resourceVersion is suspected: a restored etcd is older than it
constexpr int max_failed_streams = 2;   // then pages are tried
constexpr int http_gone = 410;

}  // namespace

Reflector::Reflector(Resource resource, const ReflectorOptions& options, std::uint32_t seed)
    : resource_(std::move(resource)),
      options_(options),
      back_off_(options.back_off, seed),
      streams_(options.streaming_lists),
      lines_(options.max_event_bytes),
      page_objects_(std::max(1, options.page_objects)) {
  phase_ = streams() ? Phase::stream : Phase::list;
}

std::optional<ApiRequest> Reflector::next(Time now) {
  if (running_ || now < next_at_) return std::nullopt;
  running_ = true;
  settled_ = false;
  status_ = 0;
  heard_at_ = now;
  verdict_.reset();
  body_.clear();
  lines_.clear();
  ApiRequest request;
  request.watch = phase_ == Phase::watch;
  request.shares = request.watch && resource_.single.has_value();  // thousands of Secrets would be as many connections
  request.target = phase_ == Phase::list ? list_target() : watch_target();
  request.fresh_connection = std::exchange(fresh_connection_, false);
  return request;
}

std::string Reflector::list_target() const {
  std::string target = resource_.collection + "?limit=" + std::to_string(page_objects_) + selectors();
  if (!continue_token_.empty()) target += "&continue=" + percent_encode(continue_token_);
  return target;
}

// Of a watch from the version that is known, or from all that exists now.
std::string Reflector::watch_target() {
  const auto seconds = back_off_.pick(options_.watch_time_least.count(), options_.watch_time_most.count());
  std::string target =
      resource_.collection + "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(seconds);
  if (phase_ == Phase::stream) {
    target += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  } else {
    target += "&resourceVersion=" + percent_encode(resource_version_);
  }
  return target + selectors();
}

std::string Reflector::selectors() const {
  std::string text;
  if (resource_.single) text += "&fieldSelector=metadata.name%3D" + percent_encode(resource_.single->name);
  if (!resource_.label_selector.empty()) text += "&labelSelector=" + percent_encode(resource_.label_selector);
  return text;
}

std::chrono::milliseconds Reflector::max_silence() const {
  return listing() || status_ != 200 ? options_.max_list_silence : options_.max_watch_silence;
}

Reflector::Time Reflector::wake_at() const {
  if (!running_) return next_at_;
  const Time silent_at = heard_at_ + max_silence();
  if (listing() || status_ != 200 || settled_) return silent_at;
  return std::min(silent_at, opened_at_ + options_.settle);
}

void Reflector::on_time(Time now) {
  if (!running_ || listing() || status_ != 200 || settled_ || verdict_ || now < opened_at_ + options_.settle) return;
  settled_ = true;
  stumbles_ = 0;
  refused_watches_ = 0;
  back_off_.reset();
  trouble_.reset();
}

void Reflector::hurry(Time now) {
  if (!running_ && trouble_ && trouble_->is_away()) next_at_ = std::min(next_at_, now);
}

void Reflector::on_head(int status, Time now) {
  status_ = status;
  heard_at_ = opened_at_ = now;
  if (status != 200) return;
  contact_at_ = now;
  forbidden_ = 0;
  if (!trouble_ || !trouble_->is_away()) return;
  back_off_.reset();  // however long it was away, it is back: what it says now is everyday life again
  stumbles_ = 0;
}

bool Reflector::on_bytes(std::string_view bytes, Time now) {
  if (!running_ || verdict_ || stream_is_whole_) return false;
  on_time(now);
  heard_at_ = now;
  if (status_ != 200) {
    body_.append(bytes.substr(0, max_refusal_bytes - std::min(max_refusal_bytes, body_.size())));
    return true;
  }
  contact_at_ = now;
  if (phase_ == Phase::list) {
    if (bytes.size() > options_.max_page_bytes - std::min(options_.max_page_bytes, body_.size())) {
      return give_up(Cause::too_large, "a page of the list is larger than " + std::to_string(options_.max_page_bytes) +
                                           " bytes (" + std::to_string(page_objects_) + " objects a page)");
    }
    body_.append(bytes);
    return true;
  }
  lines_.append(bytes);
  while (const auto line = lines_.next()) {
    if (!on_line(*line)) return false;
  }
  if (!lines_.too_long()) return true;
  return give_up(Cause::too_large,
                 "a watch event is longer than " + std::to_string(options_.max_event_bytes) + " bytes");
}

bool Reflector::give_up(Cause cause, std::string message) {
  verdict_ = Verdict{cause, std::move(message)};
  return false;
}

void Reflector::on_end(const ApiEnding& ending, Time now) {
  if (!running_) return;
  on_time(now);
  running_ = false;
  const bool was_settled = std::exchange(settled_, false);
  if (std::exchange(stream_is_whole_, false)) return finish_list(now);
  if (verdict_) return recover(now);
  if (status_ == 0) {
    const Cause cause = ending.untrusted ? Cause::untrusted : Cause::unreachable;
    return wait(cause, ending.error.empty() ? "no answer" : one_line(ending.error), now, {});
  }
  if (status_ != 200) return on_refusal(ending, now);
  if (phase_ == Phase::stream) {
    stream_failed();
    list_again();
    return hurry_or_wait(Cause::broken_stream, "the streamed list broke off: " + one_line(ending.error), now);
  }
  if (listing()) {
    if (ending.error.empty()) return take_page(now);
    return wait(Cause::broken_stream, "the list broke off: " + one_line(ending.error), now, {});
  }
  if (was_settled) {
    next_at_ = now;
    return;
  }
  hurry_or_wait(Cause::broken_stream,
                "the watch ends as soon as it begins" + (ending.error.empty() ? "" : ": " + one_line(ending.error)),
                now);
}

void Reflector::on_silence(Time now) {
  if (!running_) return;
  fresh_connection_ = true;
  on_end({"nothing was heard for " + std::to_string(max_silence().count() / 1000) + " s", {}}, now);
}

// The answer was given up half-way.
void Reflector::recover(Time now) {
  Verdict verdict = *std::exchange(verdict_, std::nullopt);
  if (phase_ == Phase::list && verdict.cause == Cause::too_large) page_objects_ = std::max(1, page_objects_ / 5);
  if (phase_ == Phase::stream) stream_failed();
  list_again();
  if (verdict.gone) return hurry_or_wait(verdict.cause, std::move(verdict.message), now);
  wait(verdict.cause, std::move(verdict.message), now, {});
}

void Reflector::list_again() {
  phase_ = streams() ? Phase::stream : Phase::list;
  listed_.clear();
  after_list_.clear();
  continue_token_.clear();
  body_.clear();
  body_.shrink_to_fit();
}

void Reflector::on_refusal(const ApiEnding& ending, Time now) {
  const auto asked = std::clamp<std::chrono::milliseconds>(ending.retry_after, {}, options_.max_retry_after);
  const std::string message = told_by_server();
  if (status_ == http_gone) {  // the resourceVersion or the continue token is too old
    list_again();
    return hurry_or_wait(Cause::refused, message, now);
  }
  if (stream_is_refused()) {
    streams_ = false;
    list_again();
    next_at_ = now;
    return;
  }
  if (status_ == 401) return wait(Cause::unauthorized, message, now, asked);
  if (status_ == 403) return on_forbidden(now);
  const bool busy = status_ == 429 || status_ == 503;
  if (phase_ == Phase::stream) {
    if (!busy) stream_failed();
    list_again();
  } else if (listing()) {
    // A page that is asked for again goes on where it was, unless the server thinks the question is wrong.
    if (status_ < 500 && !busy) list_again();
  } else if (!busy && (status_ < 500 || ++refused_watches_ >= max_refused_watches)) {
    refused_watches_ = 0;
    list_again();
  }
  wait(busy ? Cause::busy : Cause::refused, message, now, asked);
}

// As servers do that do not know of it, or whose etcd cannot tell its progress: 400 or 422 (KEP-3157).
bool Reflector::stream_is_refused() const {
  return phase_ == Phase::stream && status_ >= 400 && status_ < 500 && status_ != 401 && status_ != 403 &&
         status_ != 429;
}

// Whatever it is that streamed lists do not get through: pages may.
void Reflector::stream_failed() {
  if (++failed_streams_ >= max_failed_streams) streams_ = false;
}

void Reflector::on_forbidden(Time now) {
  const std::string message = told_by_server() + "; grant list and watch on " + resource_.plural + " to this account";
  if (++forbidden_ <= options_.hasty_forbidden) return wait(Cause::forbidden, message, now, {});
  if (resource_.forbidden_is_absent && !announced_) announce_absence();
  list_again();  // who may list but not watch is asked again and again
  wait(Cause::forbidden, message, now, options_.forbidden_wait);
}

void Reflector::announce_absence() {
  Change change;
  change.kind = resource_.kind;
  change.type = resource_.single ? Change::Type::remove : Change::Type::replace;
  if (resource_.single) change.name = *resource_.single;
  changes_.push_back(std::move(change));
  announced_ = true;
}

// Once is no failure: compaction and restarts are everyday life. Again, before a watch has worked, is.
void Reflector::hurry_or_wait(Cause cause, std::string message, Time now) {
  if (stumbles_++ == 0) {
    next_at_ = now;
    return;
  }
  wait(cause, std::move(message), now, {});
}

void Reflector::wait(Cause cause, std::string message, Time now, std::chrono::milliseconds at_least) {
  const std::chrono::milliseconds delay = back_off_.next();
  next_at_ = now + (at_least.count() > 0 ? std::max(delay, at_least + delay / 4) : delay);
  trouble_ = Trouble{cause, std::move(message)};
  if (listing()) {
    body_.clear();
    body_.shrink_to_fit();
  }
}

std::string Reflector::told_by_server() const {
  return reason_in({status_, body_, {}, {}});
}

}  // namespace fairlead
