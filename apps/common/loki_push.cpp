#include "common/loki_push.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "common/http_auth.hpp"
#include "common/http_client.hpp"
#include "common/json_writer.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view push_path = "/loki/api/v1/push";
constexpr std::size_t batch_octets_max = 1024 * 1024;  // Loki takes 4 MiB unless told otherwise
constexpr std::chrono::seconds request_timeout{5}, last_chance{2};

struct line {
  wall_time at{};
  log_level level = log_level::info;
  std::string component{}, json{};
};

std::string push_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const auto host = url.find("://");
  const bool has_path = host != std::string::npos && url.find('/', host + 3) != std::string::npos;
  return has_path ? url : url.append(push_path);
}

// One stream for each pair of level and component: few labels with few values, as Loki wants them.
std::string body_of(const std::vector<line>& batch, const loki_options& o) {
  std::map<std::pair<log_level, std::string_view>, std::vector<const line*>> streams;
  for (const auto& l : batch) streams[{l.level, l.component}].push_back(&l);
  std::string out;
  json_writer w(out);
  w.begin_object().key("streams").begin_array();
  for (const auto& [key, lines] : streams) {
    w.begin_object().key("stream").begin_object().field("job", o.job);
    if (!o.server_id.empty()) w.field("server_id", o.server_id);
    w.field("level", to_string(key.first)).field("type", key.second).end_object().key("values").begin_array();
    for (const auto* l : lines) {
      const auto nanoseconds = std::chrono::nanoseconds(l->at.time_since_epoch()).count();
      w.begin_array().value(std::to_string(nanoseconds)).value(l->json).end_array();
    }
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return out;
}

enum class verdict : std::uint8_t { taken, try_again, refused };

verdict verdict_on(const outbound_answer& a) {
  if (a.outcome != exchange_outcome::answered) return verdict::try_again;
  if (a.status >= 200 && a.status < 300) return verdict::taken;
  return a.status == 429 || a.status >= 500 ? verdict::try_again : verdict::refused;
}

}  // namespace

struct loki_push::impl {
  impl(loki_options o, metrics& registry)
      : options(std::move(o)),
        url(push_url(options.url)),
        sent(registry.counter("log_push_lines_total", "Log lines that Loki took")),
        dropped(registry.counter("log_push_dropped_lines_total", "Log lines that Loki did not get")),
        failures(registry.counter("log_push_failures_total", "Requests that Loki did not answer well")),
        queued(registry.gauge("log_push_queued_lines", "Log lines that wait for Loki")) {}

  loki_options options;
  std::string url;
  counter sent, dropped, failures;
  gauge queued;
  http_client client{{.requests_max = 4, .connections_max = 1}};
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<line> queue;
  bool stopping = false;
  std::chrono::steady_clock::time_point give_up_at{};
  std::thread thread;

  // Waits for lines; false when there are none and none will come.
  bool take(std::vector<line>& batch) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || !queue.empty(); });
    if (!stopping && queue.size() < options.batch_lines_max)
      changed.wait_for(lock, options.batch_wait, [&] { return stopping || queue.size() >= options.batch_lines_max; });
    for (std::size_t octets = 0;
         !queue.empty() && batch.size() < options.batch_lines_max && octets < batch_octets_max;) {
      octets += queue.front().json.size();
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    queued.set(static_cast<double>(queue.size()));
    return !batch.empty();
  }

  verdict offer(const std::string& body) {
    outbound_request r{
        .method = "POST", .url = url, .body = body, .timeout = request_timeout, .ca_file = options.ca_file};
    r.guard.public_only = false;  // the operator's own, most often in the same network
    r.fields.push_back({"Content-Type", "application/json"});
    if (!options.username.empty())
      r.fields.push_back({"Authorization", "Basic " + base64_encode(options.username + ":" + options.password)});
    auto answered = std::make_shared<std::promise<verdict>>();
    auto answer = answered->get_future();
    if (!client.send(std::move(r), [answered](const outbound_answer& a) { answered->set_value(verdict_on(a)); }))
      return verdict::try_again;
    return answer.get();
  }

  // False when the time after stop() is over.
  bool pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex);
    const auto until = std::chrono::steady_clock::now() + length;
    changed.wait_until(lock, until, [&] { return stopping; });
    if (!stopping) return true;
    if (std::chrono::steady_clock::now() >= give_up_at) return false;
    changed.wait_until(lock, std::min(until, give_up_at), [] { return false; });
    return true;
  }

  void push(const std::vector<line>& batch) {
    const auto body = body_of(batch, options);
    const backoff_options pauses{.initial = std::chrono::milliseconds{500}, .maximum = std::chrono::seconds{30}};
    for (std::uint32_t tries = 0;; ++tries) {
      const auto how = offer(body);
      if (how == verdict::taken) return sent.add(batch.size());
      failures.add();
      if (how == verdict::refused || !pause(backoff_delay(pauses, tries, batch.size()))) break;
    }
    dropped.add(batch.size());
  }

  void run() {
    for (std::vector<line> batch; take(batch); batch.clear()) push(batch);
  }
};

loki_push::loki_push(loki_options options, metrics& registry)
    : impl_(std::make_unique<impl>(std::move(options), registry)) {
  impl_->thread = std::thread([this] { impl_->run(); });
}

loki_push::~loki_push() { stop(); }

void loki_push::on_line(wall_time at, log_level level, std::string_view component, std::string_view json) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopping || impl_->queue.size() >= impl_->options.queue_lines_max) return impl_->dropped.add();
  impl_->queue.push_back({at, level, std::string(component), std::string(json)});
  impl_->queued.set(static_cast<double>(impl_->queue.size()));
  const auto size = impl_->queue.size();
  if (size == 1 || size == impl_->options.batch_lines_max) impl_->changed.notify_one();
}

void loki_push::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return;
    impl_->stopping = true;
    impl_->give_up_at = std::chrono::steady_clock::now() + last_chance;
  }
  impl_->changed.notify_all();
  impl_->thread.join();
  impl_->client.stop();
}

}  // namespace msgkit::app
