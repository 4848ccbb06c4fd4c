#include "connectors/media_workers.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <thread>
#include <vector>

#include "common/child_program.hpp"
#include "common/digest.hpp"
#include "common/log.hpp"
#include "connectors/media_recipes.hpp"
#include "connectors/media_types.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"media"};
using end_how = program_end::how;
using made_how = made_medium::how;

made_medium refused(std::string why) { return {.is = made_how::refused, .why = std::move(why)}; }

}  // namespace

struct media_workers::impl {
  explicit impl(media_adapter_options o) : options(std::move(o)), cancel(::eventfd(0, EFD_CLOEXEC)) {
    for (std::size_t i = 0; i < options.workers; ++i) workers.emplace_back([this] { work(); });
  }
  ~impl() { ::close(cancel); }

  void add(job j) {
    {
      const std::lock_guard lock(mutex);
      if (!is_stopped && jobs.size() < options.queue_max) {
        jobs.push_back(std::move(j));
        changed.notify_one();
        return;
      }
    }
    j("too many media are being adapted");
  }

  void work() {
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return is_stopped || !jobs.empty(); });
      if (jobs.empty()) return;
      const auto j = std::move(jobs.front());
      jobs.pop_front();
      const bool is_over = is_stopped;
      lock.unlock();
      j(is_over ? "the gateway is stopping" : "");
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

  made_medium make(std::string_view declared, std::string_view content, std::size_t share, media_class c) const {
    const auto sniffed = sniffed_type(content);
    const std::string type(sniffed.empty() || declared.starts_with("audio/") ? declared : sniffed);
    const auto plan = plan_for(type, content, share, c, options.memory_octets_max);
    if (!plan.needs_work) return {.is = made_how::as_it_is};
    std::string problem = "nothing is known to make it smaller";
    bool was_read = false;
    const auto until = std::chrono::steady_clock::now() + options.timeout;
    const auto in = memory_file::make(content);
    auto out = memory_file::make();
    if (!in || !out) return {};
    for (const auto& r : plan.recipes) {
      out->clear();
      const auto left = std::chrono::floor<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      const auto end = left.count() > 0 ? run(r, *in, *out, share, left) : program_end{.is = end_how::timed_out};
      if (end.is == end_how::canceled || end.is == end_how::not_started) return {};
      if (end.is == end_how::timed_out)
        return refused(fmt::format("media_timeout: {} of {} octets took longer than {} ms", type, content.size(),
                                   options.timeout.count()));
      if (!end.is_good()) problem = end.words;
      const auto size = out->size();
      was_read = was_read || size > 0;
      if (!end.is_good() || size == 0 || size > share) continue;
      auto fresh = out->read(size);
      if (sniffed_type(fresh) != r.type) continue;
      return {.is = made_how::made, .type = r.type, .content = std::move(fresh)};
    }
    if (!was_read && !plan.recipes.empty()) {
      log_.warn("a medium cannot be read", {{"type", type}, {"octets", content.size()}, {"reason", problem}});
      return refused(
          fmt::format("media_unreadable: {} of {} octets is damaged, or not what it says", type, content.size()));
    }
    return refused(fmt::format("{}: {} of {} octets cannot be made to fit {} octets of the class {}",
                               plan.is_animation ? "gif_too_large" : "media_too_large", type, content.size(), share,
                               to_string(c)));
  }

  program_end run(const media_recipe& r, const memory_file& in, const memory_file& out, std::size_t share,
                  std::chrono::milliseconds left) const {
    const bool is_image = r.program == media_program::image;
    const program_order order{.path = is_image ? options.image_program : options.audio_video_program,
                              .arguments = r.arguments,
                              .environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C",
                                              "OMP_NUM_THREADS=1", "MALLOC_ARENA_MAX=1"},
                              .descriptors = {in.descriptor(), out.descriptor()}};
    // What is far too large already need not be finished; a little more than the share tells that it was readable.
    constexpr std::size_t slack = 64 * 1'024;
    return run_program(
        order, {.timeout = left, .memory_octets_max = options.memory_octets_max, .file_octets_max = share + slack},
        cancel);
  }

  const media_adapter_options options;
  const int cancel;
  mutable std::mutex mutex;  // guards `jobs` and `is_stopped`
  std::condition_variable changed;
  std::deque<job> jobs;
  bool is_stopped = false;
  std::vector<std::thread> workers;
};

media_workers::media_workers(media_adapter_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
media_workers::~media_workers() { impl_->stop(); }
void media_workers::add(job j) { impl_->add(std::move(j)); }
made_medium media_workers::make(std::string_view type, std::string_view content, std::size_t share,
                                media_class c) const {
  return impl_->make(type, content, share, c);
}
void media_workers::stop() { impl_->stop(); }
std::size_t media_workers::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->jobs.size();
}

std::string media_key(std::string_view type, std::string_view name, std::string_view content, std::size_t share,
                      media_class c) {
  const auto hash = digest(digest_kind::sha256, content);
  return fmt::format("{} {} {} {} {}", to_hex(as_bytes(hash)), type, share, static_cast<unsigned>(c), name);
}

}  // namespace msgkit::app
