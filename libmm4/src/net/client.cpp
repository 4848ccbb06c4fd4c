#include "msgkit/mm4/net/client.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <deque>
#include <list>

#include "msgkit/core/error.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/mm4/smtp/command.hpp"

namespace msgkit::mm4 {
namespace {

struct job {
  mm4::envelope envelope;
  std::shared_ptr<const byte_vector> mail;
  std::function<void(const delivery&)> done;
  time_point not_before{};
  unsigned attempts = 0;
};
using job_ptr = std::unique_ptr<job>;

bool is_final(std::error_code ec, bool resend_unknown) {
  if (ec == errc::delivery_unknown) return !resend_unknown;
  return ec == errc::refused || ec == errc::size_exceeded || ec == errc::unsafe_command || ec == errc::recipients_missing ||
         ec == errc::no_mail_exchanger || ec == errc::authentication_unavailable || ec == errc::tls_unavailable;
}

}  // namespace

struct client::impl : std::enable_shared_from_this<client::impl> {
  impl(asio::any_io_executor e, client_options o)
      : executor(std::move(e)), timer(executor) {
    o.connections_max = std::max<std::size_t>(1, o.connections_max);
    o.attempts_max = std::max(1u, o.attempts_max);
    if (!o.mx_domain.empty()) exchanger = std::make_unique<mail_exchanger>(executor, o.dns);
    options = std::make_shared<const client_options>(std::move(o));
  }

  class link;

  void enqueue(job_ptr j) {
    waiting.push_back(std::move(j));
    schedule();
  }
  // From the executor, never inside send(), so that `done` is not called from there.
  void schedule() {
    if (std::exchange(scheduled, true)) return;
    asio::post(executor, [self = shared_from_this()] {
      self->scheduled = false;
      self->pump();
    });
  }
  void pump();
  job_ptr take_due();
  void retry_or_complete(job_ptr j, delivery d);
  void complete(job_ptr j, delivery d);
  void connect_failed(std::error_code ec);
  void arm_timer();
  void drop(link* l);
  void fail_waiting(std::error_code ec);

  asio::any_io_executor executor;
  std::shared_ptr<const client_options> options;
  driver_timer timer;
  std::unique_ptr<mail_exchanger> exchanger;
  std::deque<job_ptr> waiting;
  std::list<std::shared_ptr<link>> links;
  std::vector<std::string> hosts;  // of the last MX answer
  std::size_t next_host = 0;
  std::size_t total = 0;           // waiting and under way
  unsigned failed_connects = 0;
  time_point connect_not_before{};
  bool scheduled = false, stopped = false;
  std::function<void()> on_stopped;
};

// One connection: connects, then takes job after job.
class client::impl::link final : public stream_handler, public std::enable_shared_from_this<client::impl::link> {
 public:
  explicit link(const std::shared_ptr<impl>& owner)
      : owner_(owner), options_(owner->options), connector_(owner->executor), timer_(owner->executor) {}

  void start() {
    const auto owner = owner_.lock();
    auto connected = [self = shared_from_this()](std::error_code ec, const std::shared_ptr<stream>& s) { self->connected(ec, s); };
    if (options_->dial) return options_->dial(std::move(connected));
    if (owner->exchanger == nullptr || owner->next_host < owner->hosts.size()) return dial(*owner, std::move(connected));
    owner->exchanger->resolve(options_->mx_domain, [self = shared_from_this(), connected](std::error_code ec, std::vector<std::string> hosts) {
      const auto still = self->owner_.lock();
      if (ec || !still) return connected(ec ? ec : make_error_code(errc::session_closed), nullptr);
      still->hosts = std::move(hosts);
      still->next_host = 0;
      self->dial(*still, connected);
    });
  }

  [[nodiscard]] bool is_idle() const noexcept { return session_ && session_->is_ready() && !job_ && !leaving_; }
  [[nodiscard]] bool is_connecting() const noexcept { return !session_ || (!proven_ && !leaving_); }

  void take(job_ptr j) {
    job_ = std::move(j);
    ++taken_;
    ++job_->attempts;
    idle_since_ = never;
    auto sent = session_->send({job_->envelope.mail_from, job_->envelope.rcpt_to, *job_->mail, 0}, driver_clock::now());
    if (!sent) return finish_job({.error = sent.error().code});
    pump();
  }

  void leave() {
    if (!session_) {
      connector_.cancel();
      return;
    }
    if (job_) {
      leaving_ = true;
      return;
    }
    leaving_ = true;
    session_->quit(driver_clock::now());
    pump();
  }

  void on_bytes(bytes_view octets) override {
    session_->feed(octets, driver_clock::now());
    pump();
  }
  void on_drained() override { pump(); }
  void on_closed(std::error_code reason) override {
    session_->disconnected(reason);
    drain();
    gone(reason);
  }

 private:
  void dial(impl& owner, connector::handler connected) {
    auto o = options_->connect;
    if (owner.exchanger) o.host = owner.hosts[owner.next_host++ % owner.hosts.size()];
    host_ = o.host;
    connector_.connect(o, std::move(connected));
  }

  void connected(std::error_code ec, const std::shared_ptr<stream>& transport) {
    const auto self = shared_from_this();
    const auto owner = owner_.lock();
    if (!ec && (!owner || owner->stopped)) {
      ec = make_error_code(errc::session_closed);
      transport->close(ec);
    }
    if (!owner) return;
    if (ec) {
      owner->drop(this);
      return owner->connect_failed(ec);
    }
    auto o = options_->session;
    o.is_tls = options_->connect.tls != nullptr;
    o.can_tls = options_->starttls != nullptr;
    stream_ = transport;
    session_.emplace(o, driver_clock::now());
    stream_->start(shared_from_this());
    pump();
  }

  // Ends by itself when the session does; `this` stays alive through the stream or the caller.
  void pump() {
    const auto self = shared_from_this();
    if (!session_ || gone_) return;
    drain();
    if (owner_.expired()) {  // nobody wants the outcome any more
      gone_ = true;
      timer_.cancel();
      return stream_->close(make_error_code(errc::session_closed));
    }
    for (;;) {
      if (!session_->output().empty()) {
        stream_->write(session_->output());
        session_->clear_output();
        stream_->flush();
      }
      // The next piece is made when the last has left; on_drained() calls again.
      if (!session_->has_more() || stream_->pending_bytes() != 0) break;
      session_->produce(driver_clock::now());
    }
    if (session_->is_closed()) {
      stream_->close_after_flush();
      return gone(closed_reason_);
    }
    if (tls_wanted_ && stream_->pending_bytes() == 0) return begin_tls();
    arm_timer();
  }

  void begin_tls() {
    tls_wanted_ = false;
    const auto& name = options_->server_name.empty() ? host_ : options_->server_name;
    auto secured = stream_->upgrade_to_tls(options_->starttls, tls_role::client, name);
    if (!secured) return stream_->close(make_error_code(errc::tls_unavailable));
    stream_ = std::move(secured);
    stream_->start(shared_from_this());
    session_->tls_started(driver_clock::now());
    pump();
  }

  void drain() {
    if (std::exchange(draining_, true)) return;
    while (const auto e = session_->next_event()) {
      switch (e->kind) {
        case smtp::client_event_kind::start_tls: tls_wanted_ = true; break;
        case smtp::client_event_kind::ready: became_ready(); break;
        case smtp::client_event_kind::outcome: {
          delivery d{.error = e->outcome->error, .answer = e->outcome->answer, .recipients = e->outcome->recipients};
          finish_job(std::move(d));
          break;
        }
        case smtp::client_event_kind::closed: closed_reason_ = e->reason; break;
      }
    }
    draining_ = false;
  }

  void became_ready() {
    const auto owner = owner_.lock();
    if (!owner) return;
    if (!std::exchange(proven_, true)) owner->failed_connects = 0;
    idle_since_ = driver_clock::now();
    if (leaving_ || taken_ >= options_->messages_per_connection_max) {
      leaving_ = true;
      session_->quit(driver_clock::now());
      return;
    }
    owner->schedule();
  }

  void finish_job(delivery d) {
    const auto owner = owner_.lock();
    if (!job_ || !owner) return;
    d.attempts = job_->attempts;
    owner->retry_or_complete(std::move(job_), std::move(d));
  }

  void gone(std::error_code reason) {
    if (std::exchange(gone_, true)) return;
    timer_.cancel();
    const auto self = shared_from_this();
    const auto owner = owner_.lock();
    if (!owner) return;
    owner->drop(this);
    if (!proven_) owner->connect_failed(reason ? reason : make_error_code(errc::session_closed));
    owner->schedule();
  }

  void arm_timer() {
    auto next = session_->next_deadline();
    if (is_idle() && idle_since_ != never) next = std::min(next, idle_since_ + options_->idle_timeout);
    if (next == never) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(next);
    timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->gone_) return;
      const auto now = driver_clock::now();
      self->session_->on_time(now);
      if (self->is_idle() && now >= self->idle_since_ + self->options_->idle_timeout) return self->leave();
      self->pump();
    });
  }

  std::weak_ptr<impl> owner_;  // owns us; a connection under way does not keep it
  std::shared_ptr<const client_options> options_;
  connector connector_;
  driver_timer timer_;
  std::shared_ptr<stream> stream_;
  std::optional<smtp::client_session> session_;
  std::string host_;
  job_ptr job_;
  std::size_t taken_ = 0;
  time_point idle_since_ = never;
  std::error_code closed_reason_;
  bool proven_ = false;  // has been ready once
  bool leaving_ = false, gone_ = false, draining_ = false, tls_wanted_ = false;
};

job_ptr client::impl::take_due() {
  const auto now = driver_clock::now();
  const auto due = std::ranges::find_if(waiting, [now](const job_ptr& j) { return j->not_before <= now; });
  if (due == waiting.end()) return nullptr;
  auto j = std::move(*due);
  waiting.erase(due);
  return j;
}

void client::impl::pump() {
  const auto now = driver_clock::now();
  const auto open = links;  // taking a job may end a link
  for (const auto& l : open) {
    if (!l->is_idle()) continue;
    auto j = take_due();
    if (!j) break;
    l->take(std::move(j));
  }
  const auto due = static_cast<std::size_t>(std::ranges::count_if(waiting, [now](const job_ptr& j) { return j->not_before <= now; }));
  const auto connecting = static_cast<std::size_t>(std::ranges::count_if(links, [](const auto& l) { return l->is_connecting(); }));
  // After a failure one connection at a time finds out whether the peer is back.
  const auto wanted = failed_connects != 0 ? std::min<std::size_t>(due, 1) : due;
  for (auto n = connecting; !stopped && n < wanted && links.size() < options->connections_max && now >= connect_not_before; ++n) {
    links.push_back(std::make_shared<link>(shared_from_this()));
    const auto fresh = links.back();
    fresh->start();
  }
  if (stopped && links.empty() && on_stopped) asio::post(executor, std::exchange(on_stopped, nullptr));
  arm_timer();
}

void client::impl::arm_timer() {
  auto next = never;
  const auto now = driver_clock::now();
  for (const auto& j : waiting)
    if (j->not_before > now) next = std::min(next, j->not_before);
  if (!waiting.empty() && connect_not_before > now) next = std::min(next, connect_not_before);
  if (next == never) {
    timer.cancel();
    return;
  }
  timer.expires_at(next);
  timer.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->pump();
  });
}

void client::impl::drop(link* l) {
  std::erase_if(links, [l](const auto& x) { return x.get() == l; });
}

// The first of those that wait pays for the attempt: with nobody there, each gets its attempts in turn.
void client::impl::connect_failed(std::error_code ec) {
  const bool more_hosts = exchanger && next_host < hosts.size();
  if (!more_hosts) {
    connect_not_before = driver_clock::now() + backoff_delay(options->retry, failed_connects++, options->retry_seed);
    hosts.clear();
    next_host = 0;
    if (auto j = take_due()) {
      ++j->attempts;
      delivery d{.error = ec, .answer = {}, .recipients = {}, .attempts = j->attempts};
      retry_or_complete(std::move(j), std::move(d));
    }
  }
  schedule();
}

void client::impl::retry_or_complete(job_ptr j, delivery d) {
  const bool again = d.error && !stopped && !is_final(d.error, options->resend_unknown) && j->attempts < options->attempts_max;
  if (!again) return complete(std::move(j), std::move(d));
  j->not_before = driver_clock::now() + backoff_delay(options->retry, j->attempts - 1, options->retry_seed + total);
  waiting.push_back(std::move(j));
  schedule();
}

void client::impl::complete(job_ptr j, delivery d) {
  --total;
  asio::post(executor, [done = std::move(j->done), d = std::move(d)] { if (done) done(d); });
}

void client::impl::fail_waiting(std::error_code ec) {
  auto all = std::exchange(waiting, {});
  for (auto& j : all) {
    const auto attempts = j->attempts;
    complete(std::move(j), {.error = ec, .answer = {}, .recipients = {}, .attempts = attempts});
  }
}

client::client(asio::any_io_executor executor, client_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options))) {}

client::~client() { stop(); }

std::shared_ptr<client> client::make(asio::any_io_executor executor, client_options options) {
  return std::shared_ptr<client>(new client(std::move(executor), std::move(options)));
}

result<void> client::send(mm4::envelope envelope, std::shared_ptr<const byte_vector> mail, std::function<void(const delivery&)> done) {
  if (impl_->stopped) return errc::session_closed;
  if (impl_->total >= impl_->options->queue_max) return errc::queue_full;
  if (envelope.rcpt_to.empty()) return errc::recipients_missing;
  const auto unsafe = [](const std::string& m) { return m.empty() || !smtp::is_safe_mailbox(m); };
  if (!smtp::is_safe_mailbox(envelope.mail_from) || std::ranges::any_of(envelope.rcpt_to, unsafe)) return errc::unsafe_command;
  ++impl_->total;
  impl_->enqueue(std::make_unique<job>(job{std::move(envelope), std::move(mail), std::move(done)}));
  return {};
}

void client::send_or_fail(mm4::envelope envelope, std::shared_ptr<const byte_vector> mail, std::function<void(const delivery&)> done) {
  const auto sent = send(std::move(envelope), std::move(mail), done);
  if (sent) return;
  asio::post(impl_->executor, [done = std::move(done), ec = sent.error().code] { done({.error = ec}); });
}

void client::stop(std::function<void()> done) {
  if (done) impl_->on_stopped = std::move(done);
  if (!std::exchange(impl_->stopped, true)) {
    impl_->fail_waiting(make_error_code(errc::session_closed));
    const auto open = impl_->links;
    for (const auto& l : open) l->leave();
  }
  impl_->schedule();
}

std::size_t client::queued() const noexcept { return impl_->waiting.size(); }
std::size_t client::connection_count() const noexcept { return impl_->links.size(); }
asio::any_io_executor client::executor() const { return impl_->executor; }

}  // namespace msgkit::mm4
