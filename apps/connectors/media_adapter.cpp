#include "connectors/media_adapter.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "common/child_program.hpp"
#include "common/digest.hpp"
#include "common/log.hpp"
#include "connectors/media_types.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"media"};
using verdict = adaptation_verdict;
using how = program_end::how;

// What came of a medium. `made` is empty where it is good as it is.
struct outcome {
  bool is_busy = false;   // nothing came of it: the shelf or the system has no room for it now
  std::string refusal{};  // "gif_too_large: ..."
  std::optional<mms_medium> made{};
  wall_time good_until{};
};

// The last ones, by key. One thread at a time.
class memory {
 public:
  explicit memory(std::size_t max) : max_(max) {}

  const outcome* find(const std::string& key, wall_time needed_until) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return nullptr;
    const auto& what = at->second->second;
    // Nothing needs to outlive a refusal.
    if (what.good_until < (what.refusal.empty() ? needed_until : driver_clock::wall_now())) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return &at->second->second;
  }
  void keep(const std::string& key, outcome what) {
    if (const auto at = by_key_.find(key); at != by_key_.end()) {
      order_.erase(at->second);
      by_key_.erase(at);
    }
    order_.emplace_front(key, std::move(what));
    by_key_[key] = order_.begin();
    if (order_.size() <= max_) return;
    by_key_.erase(order_.back().first);
    order_.pop_back();
  }

 private:
  std::size_t max_;
  std::list<std::pair<std::string, outcome>> order_;
  std::unordered_map<std::string, std::list<std::pair<std::string, outcome>>::iterator> by_key_;
};

// A program that failed may have done so because the machine was busy: after this it is tried again.
constexpr std::chrono::minutes refusal_remembered{10};

struct job {
  mms_message message;
  media_class in = media_class::none;
  media_adapter::done done;
};

}  // namespace

struct media_adapter::impl {
  impl(media_shelf& s, media_adapter_options o, observer obs)
      : shelf(s),
        options(std::move(o)),
        on_medium(std::move(obs)),
        cancel(::eventfd(0, EFD_CLOEXEC)),
        known(options.remembered_max) {
    for (std::size_t i = 0; i < options.workers; ++i) workers.emplace_back([this] { work(); });
  }
  ~impl() { ::close(cancel); }

  // ---- the queue

  void add(job j) {
    {
      const std::lock_guard lock(mutex);
      if (!is_stopped && jobs.size() < options.queue_max) {
        jobs.push_back(std::move(j));
        changed.notify_one();
        return;
      }
    }
    j.done({.is = verdict::busy, .why = "too many media are being adapted"});
  }

  void work() {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return is_stopped || !jobs.empty(); });
      if (jobs.empty()) return;
      auto j = std::move(jobs.front());
      jobs.pop_front();
      const bool is_over = is_stopped;
      lock.unlock();
      j.done(is_over ? adaptation{.is = verdict::busy, .why = "the gateway is stopping"} : result_of(j));
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      is_stopped = true;
      changed.notify_all();
    }
    const std::uint64_t one = 1;
    (void)!::write(cancel, &one, sizeof one);
    for (auto& w : workers)
      if (w.joinable()) w.join();
  }

  // ---- a message

  adaptation result_of(const job& j) {
    adaptation out{.is = verdict::adapted, .message = j.message};
    const auto limit = media_octets_of(j.in);
    const auto shares = shares_of(j.message.media, limit);
    if (shares.empty() && !j.message.media.empty())
      return refused(
          fmt::format("media_too_large: what cannot be made smaller does not fit the class {}", to_string(j.in)));
    std::vector<std::string> taken;
    for (const auto& m : j.message.media) taken.push_back(m.name);
    std::vector<std::pair<std::string, std::string>> new_names;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      auto& m = out.message.media[i];
      if (!is_adaptable(m.type)) continue;
      const auto o = outcome_of(m, shares[i], j.in);
      if (o.is_busy) return not_now();
      if (!o.refusal.empty()) return refused(o.refusal + fmt::format(" (medium {} of {})", i + 1, shares.size()));
      if (!o.made) continue;
      const auto name = m.name;
      m = *o.made;
      // Kept under a name of its own; here it goes by what the message calls it.
      m.name = name;
      if (m.type != j.message.media[i].type && !name.empty()) {
        m.name = renamed(name, m.type, taken);
        taken.push_back(m.name);
        new_names.emplace_back(name, m.name);
      }
    }
    if (!new_names.empty() && !arrange(out.message, new_names)) return not_now();
    return out;
  }

  static adaptation not_now() { return {.is = verdict::busy, .why = "media cannot be read or kept now"}; }

  static adaptation refused(std::string why) { return {.is = verdict::refused, .why = std::move(why)}; }

  // A sender's own presentation calls the parts by their names. False: not now.
  bool arrange(mms_message& m, const std::vector<std::pair<std::string, std::string>>& names) {
    for (auto& part : m.media) {
      if (part.type != "application/smil") continue;
      auto [what, presentation] = read(part.token);
      if (what == media_find::failed) return false;
      presentation.content = rename_in_smil(presentation.content, names);
      part.size = presentation.content.size();
      part.token = keep(std::move(presentation));
      if (part.token.empty()) return false;
    }
    return true;
  }

  // ---- a medium

  outcome outcome_of(const mms_medium& m, std::size_t share, media_class c) {
    const auto key = fmt::format("{} {} {}", m.token, share, static_cast<unsigned>(c));
    if (const auto found = remembered(key, driver_clock::wall_now())) return *found;
    const auto [what, original] = read(m.token);
    if (what == media_find::failed) return {.is_busy = true};
    if (what == media_find::absent) return {.refusal = "media_expired: it is not kept any more"};
    const auto hash = digest(digest_kind::sha256, original.content);
    const auto same =
        fmt::format("{} {} {} {} {}", to_hex(as_bytes(hash)), m.type, share, static_cast<unsigned>(c), m.name);
    if (auto found = remembered(same, original.expires_at)) return *found;
    auto o = make(original, share, c);
    if (o.is_busy) return o;
    const auto now = driver_clock::wall_now();
    o.good_until = o.refusal.empty() ? original.expires_at : now + refusal_remembered;
    tell(!o.refusal.empty() ? "refused" : o.made ? "made" : "kept");
    const std::lock_guard lock(mutex);
    known.keep(key, o);
    known.keep(same, o);
    return o;
  }

  std::optional<outcome> remembered(const std::string& key, wall_time needed_until) {
    std::optional<outcome> out;
    {
      const std::lock_guard lock(mutex);
      if (const auto* const found = known.find(key, needed_until)) out = *found;
    }
    if (out) tell("remembered");
    return out;
  }

  void tell(std::string_view result) const {
    if (on_medium) on_medium(result);
  }

  outcome make(const medium& original, std::size_t share, media_class c) {
    const auto sniffed = sniffed_type(original.content);
    const std::string type(sniffed.empty() || original.type.starts_with("audio/") ? std::string_view(original.type)
                                                                                  : sniffed);
    const auto plan = plan_for(type, original.content, share, c, options.memory_octets_max);
    if (!plan.needs_work) return {};
    std::string problem = "nothing is known to make it smaller";
    bool was_read = false;
    const auto until = std::chrono::steady_clock::now() + options.timeout;
    const auto in = memory_file::make(original.content);
    auto made = memory_file::make();
    if (!in || !made) return {.is_busy = true};
    for (const auto& r : plan.recipes) {
      made->clear();
      const auto left = std::chrono::floor<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      const auto end = left.count() > 0 ? run(r, *in, *made, share, left) : program_end{.is = how::timed_out};
      if (end.is == how::canceled || end.is == how::not_started) return {.is_busy = true};
      if (end.is == how::timed_out)
        return {.refusal = fmt::format("media_timeout: {} of {} octets took longer than {} ms", type,
                                       original.content.size(), options.timeout.count())};
      if (!end.is_good()) problem = end.words;
      const auto size = made->size();
      was_read = was_read || size > 0;
      if (!end.is_good() || size == 0 || size > share) continue;
      auto content = made->read(size);
      if (sniffed_type(content) != r.type) continue;
      medium fresh{
          .type = r.type, .name = original.name, .expires_at = original.expires_at, .content = std::move(content)};
      if (fresh.type != original.type && !fresh.name.empty()) fresh.name = renamed(fresh.name, fresh.type, {});
      mms_medium kept{.type = fresh.type, .name = fresh.name, .size = size};
      kept.token = keep(std::move(fresh));
      if (kept.token.empty()) return {.is_busy = true};
      return {.made = std::move(kept)};
    }
    if (!was_read && !plan.recipes.empty()) {
      log_.warn("a medium cannot be read", {{"type", type}, {"octets", original.content.size()}, {"reason", problem}});
      return {.refusal = fmt::format("media_unreadable: {} of {} octets is damaged, or not what it says", type,
                                     original.content.size())};
    }
    return {.refusal = fmt::format("{}: {} of {} octets cannot be made to fit {} octets of the class {}",
                                   plan.is_animation ? "gif_too_large" : "media_too_large", type,
                                   original.content.size(), share, to_string(c))};
  }

  program_end run(const media_recipe& r, const memory_file& in, const memory_file& out, std::size_t share,
                  std::chrono::milliseconds left) const {
    const bool is_image = r.program == media_program::image;
    program_order order{.path = is_image ? options.image_program : options.audio_video_program,
                        .arguments = r.arguments,
                        .environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C", "OMP_NUM_THREADS=1",
                                        "MALLOC_ARENA_MAX=1"},
                        .descriptors = {in.descriptor(), out.descriptor()}};
    // What is far too large already need not be finished; a little more than the share tells that it was readable.
    constexpr std::size_t slack = 64 * 1'024;
    return run_program(
        order, {.timeout = left, .memory_octets_max = options.memory_octets_max, .file_octets_max = share + slack},
        cancel);
  }

  // ---- the shelf, waited for: its thread answers everything but what is dropped when it stops

  struct finding {
    media_find what = media_find::failed;
    medium is{};
  };
  finding read(const std::string& token) {
    auto answer = std::make_shared<std::promise<finding>>();
    auto answered = answer->get_future();
    const bool asked = shelf.find(token, [answer = std::move(answer)](media_find what, const medium& m) {
      answer->set_value({what, m});
    });
    return asked ? value_of(answered) : finding{};
  }
  // Its token; empty when it cannot be kept now.
  std::string keep(medium m) {
    auto answer = std::make_shared<std::promise<std::string>>();
    auto answered = answer->get_future();
    const bool asked = shelf.keep(
        std::move(m), [answer = std::move(answer)](std::string token) { answer->set_value(std::move(token)); });
    return asked ? value_of(answered) : std::string();
  }
  // A promise that was dropped is no value.
  template <class T>
  static T value_of(std::future<T>& f) try {
    return f.get();
  } catch (const std::future_error&) {
    return {};
  }

  media_shelf& shelf;
  media_adapter_options options;
  observer on_medium;
  int cancel;
  mutable std::mutex mutex;  // guards the rest
  std::condition_variable changed;
  std::deque<job> jobs;
  memory known;
  bool is_stopped = false;
  std::vector<std::thread> workers;
};

media_adapter::media_adapter(media_shelf& shelf, media_adapter_options options, observer on_medium)
    : impl_(std::make_unique<impl>(shelf, std::move(options), std::move(on_medium))) {}
media_adapter::~media_adapter() { impl_->stop(); }
void media_adapter::adapt(mms_message m, media_class c, done d) { impl_->add({std::move(m), c, std::move(d)}); }
void media_adapter::stop() { impl_->stop(); }
std::size_t media_adapter::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->jobs.size();
}

}  // namespace msgkit::app
