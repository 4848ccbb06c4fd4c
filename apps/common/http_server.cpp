#include "common/http_server.hpp"

#include <fmt/format.h>

#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <array>
#include <ctime>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "common/forwarded.hpp"
#include "msgkit/core/error.hpp"

namespace msgkit::app {
namespace {

class connection;

using steady = std::chrono::steady_clock;

// IMF-fixdate of now, made once a second per thread.
std::string_view http_date() {
  thread_local std::time_t made_at = -1;
  thread_local std::string text;
  const auto now = std::time(nullptr);
  if (now != made_at) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
    gmtime_r(&now, &t);
    text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                       months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    made_at = now;
  }
  return text;
}

}  // namespace

struct http_server::core : std::enable_shared_from_this<core> {
  core(asio::any_io_executor e, std::shared_ptr<const http_router> r, http_server_options o)
      : executor(std::move(e)), router(std::move(r)), options(std::move(o)) {}

  void start(std::shared_ptr<stream> s);
  bool enter(const std::shared_ptr<connection>& c);
  void leave(const connection* c);
  template <class F>
  void for_each(F f);
  void exchanged(const http_exchange& e) const {
    if (options.on_exchange) options.on_exchange(e);
  }

  asio::any_io_executor executor;
  std::shared_ptr<const http_router> router;
  http_server_options options;
  std::unique_ptr<acceptor> listener;
  std::mutex mutex;
  std::unordered_map<const connection*, std::weak_ptr<connection>> connections;
  std::function<void()> on_empty;
  bool draining = false;
};

namespace {

using server_core = http_server::core;

class connection final : public stream_handler, public std::enable_shared_from_this<connection> {
 public:
  connection(std::shared_ptr<server_core> core, std::shared_ptr<stream> s)
      : core_(std::move(core)),
        stream_(std::move(s)),
        peer_(stream_->peer().to_string()),
        is_proxy_(core_->options.trusted_proxies.contains(stream_->peer().address)),
        timer_(stream_->executor()),
        session_(
            core_->options.limits, [this](http_request& head) { return admit(head); }, steady::now(), http_date,
            [this](unsigned status, std::string_view) { core_->exchanged({.peer = peer_, .status = status}); }) {}

  void start() {
    stream_->start(shared_from_this());
    arm();
  }

  void on_bytes(bytes_view octets) override {
    session_.feed(octets, steady::now());
    pump();
  }

  void on_drained() override {
    stalled_since_.reset();
    pump();
  }

  void on_closed(std::error_code) override {
    closed_ = true;
    timer_.cancel();
    core_->leave(this);
  }

  void drain() {
    session_.drain(steady::now());
    pump();
  }

  void close() { stream_->close(make_error_code(errc::canceled)); }
  asio::any_io_executor executor() { return stream_->executor(); }

 private:
  http_admission admit(http_request& head) {
    head.peer = is_proxy_ ? requester_of(head, peer_, core_->options.trusted_proxies) : peer_;
    auto out = core_->router->admit(head);
    if (out.refusal)
      core_->exchanged({head.method, core_->router->pattern(out.tag), peer_, out.refusal->status, {}});
    return out;
  }

  // Runs what is ready and sends what can leave, in one write.
  void pump() {
    if (closed_ || pumping_) return;
    pumping_ = true;
    while (auto incoming = session_.next_request()) run(*std::move(incoming));
    pumping_ = false;
    if (const auto out = session_.take_output(); !out.empty()) {
      stream_->write(as_bytes(out));
      stream_->flush();
    }
    if (session_.finished()) return finish();
    const auto unsent = note_unsent();
    const bool reads = session_.wants_input() && unsent <= core_->options.unsent_bytes_max;
    if (reads && paused_) stream_->resume_reading();
    else if (!reads && !paused_) stream_->pause_reading();
    paused_ = !reads;
    arm();
  }

  void finish() {
    if (finishing_) return;
    finishing_ = true;
    stream_->close_after_flush();
    if (note_unsent() != 0) arm();
  }

  // Starts or stops the clock of a peer that does not read.
  std::size_t note_unsent() {
    const auto unsent = stream_->pending_bytes();
    if (unsent == 0) {
      stalled_since_.reset();
    } else if (!stalled_since_) {
      stalled_since_ = steady::now();
      stalled_bytes_ = unsent;
    }
    return unsent;
  }

  void run(http_incoming incoming) {
    const auto began = steady::now();
    const auto tag = incoming.tag;
    const auto pattern = core_->router->pattern(tag);
    auto answer = [weak = weak_from_this(), executor = stream_->executor(), id = incoming.id, tag, began,
                   method = incoming.request.method](http_response response) {
      // Inline on the connection's own thread, so that direct answers to a pipeline gather in one write.
      asio::dispatch(executor, [weak, id, tag, began, method, response = std::move(response)]() mutable {
        if (const auto self = weak.lock()) self->answered(id, tag, began, method, std::move(response));
      });
    };
    const http_responder responder(std::move(answer));
    try {
      core_->router->run(tag, std::move(incoming.request), responder);
    } catch (const std::exception& e) {
      if (core_->options.on_handler_error) core_->options.on_handler_error(pattern, e.what());
      responder.send(http_error(500, "the request could not be handled"));
    }
  }

  void answered(std::uint64_t id, std::size_t tag, time_point began, std::string_view method, http_response response) {
    if (closed_) return;
    const auto now = steady::now();
    core_->exchanged({method, core_->router->pattern(tag), peer_, response.status, now - began});
    session_.respond(id, std::move(response), now);
    if (pumping_ || pump_posted_) return;
    pump_posted_ = true;  // answers that come together from other threads leave together
    asio::post(stream_->executor(), [self = shared_from_this()] {
      self->pump_posted_ = false;
      self->pump();
    });
  }

  // Wakes at the earliest deadline. A deadline that moves later is noticed when the timer fires, so that a busy
  // connection does not re-arm for every request.
  void arm() {
    auto deadline = finishing_ ? never : session_.next_deadline();
    if (stalled_since_) deadline = std::min(deadline, *stalled_since_ + core_->options.write_timeout);
    if (closed_ || deadline >= armed_for_) return;
    armed_for_ = deadline;
    timer_.expires_at(deadline);
    timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
      if (const auto self = weak.lock(); self && !ec) self->on_timer();
    });
  }

  void on_timer() {
    armed_for_ = never;
    if (closed_) return;
    const auto now = steady::now();
    if (stalled_since_ && now >= *stalled_since_ + core_->options.write_timeout) {
      const auto unsent = stream_->pending_bytes();
      if (unsent >= stalled_bytes_) return stream_->close(make_error_code(errc::timed_out));
      stalled_bytes_ = unsent;
      stalled_since_ = now;
    }
    session_.on_time(now);
    if (finishing_) arm();
    else pump();
  }

  std::shared_ptr<server_core> core_;
  std::shared_ptr<stream> stream_;
  std::string peer_;
  bool is_proxy_;
  asio::steady_timer timer_;
  http_session session_;
  std::optional<time_point> stalled_since_;
  std::size_t stalled_bytes_ = 0;
  time_point armed_for_ = never;
  bool paused_ = false;
  bool pumping_ = false;
  bool pump_posted_ = false;
  bool finishing_ = false;
  bool closed_ = false;
};

}  // namespace

void http_server::core::start(std::shared_ptr<stream> s) {
  auto made = std::make_shared<connection>(shared_from_this(), std::move(s));
  const bool too_late = enter(made);
  made->start();
  if (too_late) made->drain();
}

// True when the server is draining already: the connection was on its way here.
bool http_server::core::enter(const std::shared_ptr<connection>& c) {
  const std::lock_guard lock(mutex);
  connections.emplace(c.get(), c);
  return draining;
}

void http_server::core::leave(const connection* c) {
  std::function<void()> done;
  {
    const std::lock_guard lock(mutex);
    connections.erase(c);
    if (connections.empty() && draining) done = std::exchange(on_empty, nullptr);
  }
  if (done) done();
}

template <class F>
void http_server::core::for_each(F f) {
  std::vector<std::shared_ptr<connection>> all;
  {
    const std::lock_guard lock(mutex);
    for (auto& [key, weak] : connections)
      if (auto c = weak.lock()) all.push_back(std::move(c));
  }
  for (auto& c : all) f(std::move(c));
}

http_server::http_server(asio::any_io_executor executor, std::shared_ptr<const http_router> router,
                         http_server_options options)
    : core_(std::make_shared<core>(std::move(executor), std::move(router), std::move(options))) {
  acceptor::callbacks calls;
  calls.on_stream = [weak = std::weak_ptr(core_)](std::shared_ptr<stream> s) {
    if (const auto c = weak.lock()) c->start(std::move(s));
  };
  calls.place = core_->options.place;
  core_->listener = std::make_unique<acceptor>(core_->executor, core_->options.listen, std::move(calls));
}

http_server::~http_server() { close(); }

std::error_code http_server::listen() { return core_->listener->listen(); }
std::uint16_t http_server::port() const noexcept { return core_->listener->port(); }

std::size_t http_server::connection_count() const noexcept {
  const std::lock_guard lock(core_->mutex);
  return core_->connections.size();
}

void http_server::drain(std::function<void()> done) {
  core_->listener->stop();
  bool empty = false;
  {
    const std::lock_guard lock(core_->mutex);
    core_->draining = true;
    empty = core_->connections.empty();
    if (!empty) core_->on_empty = std::move(done);
  }
  if (empty && done) return asio::post(core_->executor, std::move(done));
  core_->for_each([](std::shared_ptr<connection> c) {
    auto executor = c->executor();
    asio::post(executor, [c = std::move(c)] { c->drain(); });
  });
}

void http_server::close() {
  core_->listener->stop();
  core_->for_each([](std::shared_ptr<connection> c) {
    auto executor = c->executor();
    asio::post(executor, [c = std::move(c)] { c->close(); });
  });
}

}  // namespace msgkit::app
