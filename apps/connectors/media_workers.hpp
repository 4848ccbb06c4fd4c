// What every gateway that makes media fit has in common, wherever it keeps them: workers that take jobs in turn and run
// the programs, and the memory of what came of it. See media_recipes.hpp for what is done to a medium, and
// media_fitting.hpp for what becomes of a message.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "connectors/media_class.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

struct media_adapter_options {
  std::string image_program{};        // absolute paths: gm
  std::string audio_video_program{};  // ffmpeg
  std::size_t workers = 2;
  std::size_t queue_max = 1'000;                          // messages that wait for a worker
  std::chrono::milliseconds timeout{30'000};              // of all the work on one medium
  std::size_t memory_octets_max = 1'024 * 1'024 * 1'024;  // of a program
  std::size_t remembered_max = 10'000;                    // media
};

// Told of each medium that was worked on, or not: "made", "kept" (good as it was), "remembered", "refused". Called on a
// worker's thread.
using media_observer = std::function<void(std::string_view result)>;

// What came of a medium.
struct made_medium {
  enum class how : std::uint8_t {
    as_it_is,  // nothing had to be done
    made,      // `type` and `content` are new
    refused,   // `why` begins with a name: media_too_large, gif_too_large, media_unreadable, media_timeout
    busy,      // the system has no room for it now, or the workers are stopping
  } is = how::busy;
  std::string why{}, type{}, content{};
};

// A bounded number of threads, each of which waits for one program at a time. Thread-safe.
class media_workers {
 public:
  explicit media_workers(media_adapter_options options);
  ~media_workers();
  media_workers(const media_workers&) = delete;
  media_workers& operator=(const media_workers&) = delete;

  // `job` runs once: on a worker with an empty `why_not`, or, when nothing can be done, with the reason; then inside
  // this call when too many wait or it has stopped, or inside stop().
  using job = std::function<void(std::string_view why_not)>;
  void add(job j);
  // For jobs: makes a medium fit `share` octets. Blocks; `type` is canonical, see media_type_of().
  made_medium make(std::string_view type, std::string_view content, std::size_t share, media_class c) const;
  // Ends the programs that run; every job has run when this returns.
  void stop();
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// By which the same work is known again.
std::string media_key(std::string_view type, std::string_view name, std::string_view content, std::size_t share,
                      media_class c);

// A program that failed may have done so because the machine was busy: after this a refused medium is tried again.
inline constexpr std::chrono::minutes media_refusal_remembered{10};

// What came of the last media, by key; V has `refusal`, a text, and `good_until`. Thread-safe.
template <class V>
class media_memory {
 public:
  media_memory(std::size_t count_max, std::size_t octets_max) : count_max_(count_max), octets_max_(octets_max) {}

  std::optional<V> find(const std::string& key, wall_time needed_until) {
    const std::lock_guard lock(mutex_);
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return std::nullopt;
    const auto& what = at->second->what;
    // Nothing needs to outlive a refusal.
    if (what.good_until < (what.refusal.empty() ? needed_until : driver_clock::wall_now())) return std::nullopt;
    order_.splice(order_.begin(), order_, at->second);
    return what;
  }
  // `octets`: what it holds in memory beside itself.
  void keep(const std::string& key, V what, std::size_t octets = 0) {
    const std::lock_guard lock(mutex_);
    if (const auto at = by_key_.find(key); at != by_key_.end()) drop(at->second);
    order_.push_front({key, std::move(what), octets});
    by_key_[key] = order_.begin();
    octets_ += octets;
    while (!order_.empty() && (order_.size() > count_max_ || octets_ > octets_max_)) drop(std::prev(order_.end()));
  }

 private:
  struct entry {
    std::string key;
    V what;
    std::size_t octets;
  };
  using place = typename std::list<entry>::iterator;

  void drop(place at) {
    octets_ -= at->octets;
    by_key_.erase(at->key);
    order_.erase(at);
  }

  std::size_t count_max_, octets_max_;
  std::mutex mutex_;
  std::size_t octets_ = 0;
  std::list<entry> order_;  // the latest first
  std::unordered_map<std::string, place> by_key_;
};

}  // namespace msgkit::app
