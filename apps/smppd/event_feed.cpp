#include "smppd/event_feed.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "common/log.hpp"
#include "common/log_line.hpp"
#include "connectors/webhook_signature.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"events"};
constexpr backoff_options retry{.initial = std::chrono::milliseconds{500}, .maximum = std::chrono::seconds{60}};
constexpr std::chrono::seconds farewell{1};

bool wants(const std::vector<feed_event>& chosen, feed_event e) {
  return chosen.empty() || std::ranges::find(chosen, e) != chosen.end();
}

wall_time wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

struct file_closer {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

// One webhook: a queue and the batch that is on its way. Its state is guarded by the feed's mutex.
struct webhook_queue {
  feed_webhook options;
  std::deque<std::string> waiting{};
  std::vector<std::string> batch{};  // under way, or waiting for its next try
  std::uint32_t tries = 0;
  bool is_sent = false;  // the batch is with the client
  std::chrono::steady_clock::time_point next_try{};
};

}  // namespace

std::string to_json(const feed_entry& e) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(e.at);
  std::string out = fmt::format(R"({{"event":"{}","at":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z")",
                                feed_event_names[static_cast<std::size_t>(e.event)],
                                fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), (e.at - seconds).count());
  const auto field = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(",\"").append(name).append("\":\"");
    append_json_escaped(out, value);
    out += '"';
  };
  field("system_id", e.system_id);
  field("peer", e.peer);
  field("message_id", e.message_id);
  field("from", e.from);
  field("to", e.to);
  field("state", e.state);
  field("reason", e.reason);
  return out + '}';
}

struct event_feed::impl : std::enable_shared_from_this<impl> {
  struct open_file {
    feed_file options;
    std::unique_ptr<std::FILE, file_closer> file;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<open_file> files;
  std::vector<webhook_queue> webhooks;
  std::vector<listener> listeners;
  counter written, dropped, failures;
  http_client client{{.requests_max = 1'000, .user_agent = "smppd"}};
  std::thread sender;
  bool is_stopping = false;
  std::atomic<bool> readers{false};

  void add(webhook_queue& w, const std::string& line) {
    if (w.waiting.size() >= w.options.queue_max) {
      w.waiting.pop_front();
      dropped.add();
    }
    w.waiting.push_back(line);
  }

  // ---- the thread that sends

  void run() {
    std::unique_lock lock(mutex);
    auto give_up = std::chrono::steady_clock::time_point::max();
    for (;;) {
      const auto now = std::chrono::steady_clock::now();
      if (is_stopping && give_up == std::chrono::steady_clock::time_point::max()) give_up = now + farewell;
      const bool is_idle =
          std::ranges::all_of(webhooks, [](const auto& w) { return w.batch.empty() && w.waiting.empty(); });
      if (is_stopping && (is_idle || now >= give_up)) return;
      auto wake = is_stopping ? give_up : now + std::chrono::seconds{60};
      for (std::size_t i = 0; i < webhooks.size(); ++i) {
        if (begin_batch(webhooks[i], now)) post(i);
        if (!webhooks[i].batch.empty() && !webhooks[i].is_sent) wake = std::min(wake, webhooks[i].next_try);
      }
      changed.wait_until(lock, wake);
    }
  }

  // Whether there is a batch to be sent now.
  static bool begin_batch(webhook_queue& w, std::chrono::steady_clock::time_point now) {
    if (w.is_sent) return false;
    if (w.batch.empty()) {
      const auto count = std::min(w.waiting.size(), w.options.batch_max);
      if (count == 0) return false;
      w.batch.assign(std::make_move_iterator(w.waiting.begin()),
                     std::make_move_iterator(w.waiting.begin() + static_cast<std::ptrdiff_t>(count)));
      w.waiting.erase(w.waiting.begin(), w.waiting.begin() + static_cast<std::ptrdiff_t>(count));
      w.tries = 0;
      return true;
    }
    return now >= w.next_try;
  }

  void post(std::size_t index) {
    auto& w = webhooks[index];
    outbound_request r{.method = "POST", .url = w.options.url};
    r.body = fmt::format(R"({{"events":[{}]}})", fmt::join(w.batch, ","));
    r.fields = sign_webhook({w.options.secret}, r.body, wall_now());
    r.fields.push_back({"Content-Type", "application/json"});
    r.guard.public_only = !w.options.allow_private;
    w.is_sent = true;
    ++w.tries;
    const bool taken = client.send(std::move(r), [self = weak_from_this(), index](const outbound_answer& a) {
      if (const auto live = self.lock()) live->answered(index, a);
    });
    if (!taken) put_off(w, "too many requests are open");
  }

  void answered(std::size_t index, const outbound_answer& a) {
    const std::lock_guard lock(mutex);
    auto& w = webhooks[index];
    constexpr unsigned good_from = 200, good_to = 299;
    if (a.outcome == exchange_outcome::answered && a.status >= good_from && a.status <= good_to) {
      w.batch.clear();
      w.is_sent = false;
    } else {
      put_off(w, a.outcome == exchange_outcome::answered ? fmt::format("status {}", a.status) : a.error);
    }
    changed.notify_all();
  }

  void put_off(webhook_queue& w, const std::string& why) {
    w.is_sent = false;
    failures.add();
    if (w.tries >= w.options.tries_max) {
      log_.error("events dropped: the webhook does not take them", {{"events", w.batch.size()}, {"reason", why}});
      dropped.add(w.batch.size());
      w.batch.clear();
      return;
    }
    w.next_try = std::chrono::steady_clock::now() + backoff_delay(retry, w.tries - 1, w.batch.size());
    log_.warn("webhook failed, will be tried again", {{"try", w.tries}, {"reason", why}});
  }
};

event_feed::event_feed(std::vector<feed_file> files, std::vector<feed_webhook> webhooks, metrics& registry)
    : impl_(std::make_shared<impl>()) {
  impl_->written = registry.counter("smppd_events_total", "Events published to files, webhooks and listeners");
  impl_->dropped = registry.counter("smppd_events_dropped_total", "Events that a webhook did not take in time");
  impl_->failures = registry.counter("smppd_webhook_failures_total", "Webhook requests that failed and were put off");
  for (auto& f : files) {
    std::unique_ptr<std::FILE, file_closer> file(std::fopen(f.path.c_str(), "ae"));
    if (!file) throw std::system_error(errno, std::generic_category(), f.path);
    std::setvbuf(file.get(), nullptr, _IOLBF, 64 * 1024);
    impl_->files.push_back({std::move(f), std::move(file)});
  }
  for (auto& w : webhooks) impl_->webhooks.push_back({.options = std::move(w)});
  impl_->readers = !impl_->files.empty() || !impl_->webhooks.empty();
  if (!impl_->webhooks.empty()) impl_->sender = std::thread([self = impl_.get()] { self->run(); });
}

event_feed::~event_feed() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_stopping = true;
  }
  impl_->changed.notify_all();
  if (impl_->sender.joinable()) impl_->sender.join();
  impl_->client.stop();
}

void event_feed::listen(listener l) {
  const std::lock_guard lock(impl_->mutex);
  impl_->listeners.push_back(std::move(l));
  impl_->readers = true;
}

bool event_feed::has_readers() const noexcept { return impl_->readers; }

void event_feed::publish(const feed_entry& e) {
  if (!has_readers()) return;
  auto line = to_json(e);
  const std::lock_guard lock(impl_->mutex);
  impl_->written.add();
  for (const auto& l : impl_->listeners) l(e);
  for (auto& w : impl_->webhooks)
    if (wants(w.options.events, e.event)) impl_->add(w, line);
  if (!impl_->webhooks.empty()) impl_->changed.notify_all();
  line += '\n';
  for (const auto& f : impl_->files)
    if (wants(f.options.events, e.event)) std::fwrite(line.data(), 1, line.size(), f.file.get());
}

}  // namespace msgkit::app
