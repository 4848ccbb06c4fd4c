#include "msgkit/mm7/net/client.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <charconv>
#include <list>
#include <optional>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::mm7 {
namespace {

constexpr unsigned challenges_max = 2;  // of one attempt: one to learn, one for a stale nonce

struct job {
  mm7::exchange exchange;
  client::handler done;
  std::string authorization{};  // as sent last
  unsigned challenges = 0;
};

std::chrono::seconds retry_after(const http_response& r) {
  const auto text = r.fields.value("Retry-After");
  unsigned seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::chrono::seconds{std::min(seconds, 3'600u)};
}

}  // namespace

result<http_url> parse_http_url(std::string_view url) {
  const fault malformed{make_error_code(errc::http_malformed), "url", 0};
  http_url out;
  if (mime::starts_ignoring_case(url, "https://")) {
    out.is_tls = true;
    out.port = 443;
    url.remove_prefix(8);
  } else if (mime::starts_ignoring_case(url, "http://")) {
    url.remove_prefix(7);
  } else {
    return malformed;
  }
  const auto slash = std::min(url.find_first_of("/?#"), url.size());
  auto authority = url.substr(0, slash);
  auto target = url.substr(slash);
  target = target.substr(0, target.find('#'));
  if (!target.empty()) out.target = (target.front() == '?' ? "/" : "") + std::string(target);
  if (authority.find('@') != std::string_view::npos) return malformed;
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto digits = authority.substr(colon + 1);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (ec != std::errc{} || end != digits.data() + digits.size() || out.port == 0) return malformed;
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  out.host = authority;
  const auto is_plain = [](std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c <= 32 || c == 127; });
  };
  if (out.host.empty() || !is_plain(out.host) || !is_plain(out.target)) return malformed;
  return out;
}

struct client::impl : std::enable_shared_from_this<client::impl> {
  class link;

  asio::any_io_executor executor;
  client_options options;
  client_authentication authentication;
  std::list<std::shared_ptr<job>> waiting;  // for a connection or for its next attempt
  std::vector<std::shared_ptr<link>> links;
  std::size_t under_way = 0;
  driver_timer timer;
  bool stopped = false;
  std::function<void()> when_stopped;

  impl(asio::any_io_executor e, client_options o)
      : executor(std::move(e)), options(std::move(o)), timer(executor) {
    if (!options.password.user.empty()) authentication = {options.password, options.scheme};
    if (options.host_field.empty()) {
      const auto& c = options.connect;
      const bool is_v6 = c.host.find(':') != std::string::npos;
      options.host_field = is_v6 ? '[' + c.host + ']' : c.host;
      if (c.port != (c.tls ? 443 : 80)) options.host_field += ':' + std::to_string(c.port);
    }
  }

  void schedule();
  void ended(std::shared_ptr<job> j);
  void drop(const link* l);
  void stop(std::function<void()> done);
  void check_stopped() {
    if (stopped && under_way == 0 && links.empty() && when_stopped)
      asio::post(executor, std::exchange(when_stopped, nullptr));
  }
  [[nodiscard]] std::string head_for(job& j);
};

// One connection: connecting, idle, or with one request.
class client::impl::link final : public stream_handler, public std::enable_shared_from_this<client::impl::link> {
 public:
  explicit link(const std::shared_ptr<impl>& owner)
      : owner_(owner), connector_(owner->executor), timer_(owner->executor), reader_(owner->options.answer) {}

  [[nodiscard]] bool is_idle() const noexcept { return stream_ && !job_; }

  void start(std::shared_ptr<job> j) {
    const auto owner = owner_.lock();
    take(std::move(j));
    connector::handler connected = [self = shared_from_this()](std::error_code ec, const std::shared_ptr<stream>& s) {
      if (ec || self->gone_) {
        if (s) s->close(make_error_code(errc::session_closed));
        return self->on_closed(ec);
      }
      self->stream_ = s;
      s->start(self);
      self->send();
    };
    if (owner->options.dial) owner->options.dial(std::move(connected));
    else connector_.connect(owner->options.connect, std::move(connected));
  }

  void use(std::shared_ptr<job> j) {
    is_used_ = true;
    take(std::move(j));
    send();
  }

  void close(std::error_code why) {
    if (stream_) stream_->close(why);
    else connector_.cancel();
  }

  void on_bytes(bytes_view octets) override {
    if (gone_) return;
    if (const auto ok = reader_.feed(octets); !ok) return stream_->close(ok.error().code);
    if (!reader_.response()) return;
    if (!job_) return stream_->close(make_error_code(errc::http_malformed));  // an answer without a question
    auto response = std::move(*reader_.response());
    reader_.reset();
    take_response(std::move(response));
  }

  void on_closed(std::error_code reason) override {
    if (std::exchange(gone_, true)) return;
    timer_.cancel();
    const auto self = shared_from_this();
    const auto owner = owner_.lock();
    if (!owner) return;
    owner->drop(this);
    if (job_) {
      if (reader_.finish() && reader_.response()) {
        auto response = std::move(*reader_.response());
        return take_response(std::move(response));
      }
      give_up(*owner, timed_out_ ? std::make_error_code(std::errc::timed_out) : reason);
    }
    owner->schedule();
    owner->check_stopped();
  }

 private:
  void take(std::shared_ptr<job> j) {
    job_ = std::move(j);
    if (!job_->exchange.is_due(driver_clock::now())) return;  // sent once more on another connection
    job_->exchange.begin_attempt(driver_clock::now());
    job_->challenges = 0;
  }

  void send() {
    const auto owner = owner_.lock();
    if (!owner) return stream_->close(make_error_code(errc::session_closed));
    stream_->write(as_bytes(owner->head_for(*job_)));
    stream_->write(job_->exchange.body().body);
    stream_->flush();
    arm(owner->options.response_timeout, true);
  }

  void arm(std::chrono::milliseconds time, bool is_answer) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this(), is_answer](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->gone_) return;
      self->timed_out_ = is_answer;
      self->close(std::make_error_code(std::errc::timed_out));
    });
  }

  void take_response(http_response r) {
    const auto owner = owner_.lock();
    if (!owner) return;
    auto j = std::exchange(job_, nullptr);
    timer_.cancel();
    std::vector<std::string> challenges;
    for (const auto& f : r.fields)
      if (mime::equal_ignoring_case(f.name, "WWW-Authenticate")) challenges.push_back(f.value);
    const bool tries_again = r.status == 401 && j->challenges < challenges_max &&
                             owner->authentication.challenged(challenges, j->authorization);
    if (tries_again) ++j->challenges;
    if (!gone_ && !r.keep_alive) stream_->close_after_flush();
    const bool stays = !gone_ && r.keep_alive;
    if (!stays) owner->drop(this), gone_ = true;
    if (tries_again) {
      if (stays) {
        job_ = std::move(j);
        return send();
      }
      const auto fresh = std::make_shared<link>(owner);
      owner->links.push_back(fresh);
      return fresh->start(std::move(j));
    }
    j->exchange.answered(r.status, r.fields.value("Content-Type"), r.body, driver_clock::now(), retry_after(r));
    if (stays) arm(owner->options.idle_timeout, false);
    owner->ended(std::move(j));
  }

  // The peer may have closed a kept connection just as the request left: once more on a fresh one, which the transaction
  // id makes safe.
  void give_up(impl& owner, std::error_code why) {
    auto j = std::exchange(job_, nullptr);
    if (is_used_ && reader_.is_fresh() && !timed_out_ && !owner.stopped) {
      const auto fresh = std::make_shared<link>(owner_.lock());
      owner.links.push_back(fresh);
      return fresh->start(std::move(j));
    }
    j->exchange.failed(why ? why : make_error_code(errc::session_closed), driver_clock::now());
    owner.ended(std::move(j));
  }

  std::weak_ptr<impl> owner_;
  connector connector_;
  driver_timer timer_;
  http_response_reader reader_;
  std::shared_ptr<stream> stream_;
  std::shared_ptr<job> job_;
  bool is_used_ = false;   // had a request before this one
  bool timed_out_ = false;
  bool gone_ = false;
};

std::string client::impl::head_for(job& j) {
  const auto& body = j.exchange.body();
  j.authorization = authentication.authorize({.method = "POST", .uri = options.target, .body = body.body});
  std::string head = "POST " + options.target + " HTTP/1.1\r\nHost: " + options.host_field + "\r\nContent-Type: " + body.content_type +
                     "\r\nContent-Length: " + std::to_string(body.body.size()) + "\r\nSOAPAction: " + body.soap_action + "\r\n";
  if (!j.authorization.empty()) head += "Authorization: " + j.authorization + "\r\n";
  for (const auto& [name, value] : options.fields)
    if (mime::is_safe_value(name) && mime::is_safe_value(value)) head.append(name).append(": ").append(value).append("\r\n");
  return head + "\r\n";
}

void client::impl::schedule() {
  if (stopped) return;
  const auto now = driver_clock::now();
  auto next = never;
  for (auto at = waiting.begin(); at != waiting.end();) {
    if (!(*at)->exchange.is_due(now)) {
      next = std::min(next, (*at)->exchange.next_deadline());
      ++at;
      continue;
    }
    const auto idle = std::ranges::find_if(links, [](const auto& l) { return l->is_idle(); });
    if (idle == links.end() && links.size() >= options.connections_max) break;
    auto j = std::move(*at);
    at = waiting.erase(at);
    ++under_way;
    if (idle != links.end()) {
      (*idle)->use(std::move(j));
    } else {
      const auto fresh = std::make_shared<link>(shared_from_this());
      links.push_back(fresh);
      fresh->start(std::move(j));
    }
  }
  if (next == never) return;
  timer.expires_at(next);
  timer.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->schedule();
  });
}

void client::impl::ended(std::shared_ptr<job> j) {
  const auto self = shared_from_this();
  --under_way;
  if (const auto& outcome = j->exchange.outcome()) j->done(*outcome);
  else if (stopped) j->done({.error = make_error_code(errc::session_closed)});
  else waiting.push_back(std::move(j));
  if (stopped)
    for (const auto& l : std::vector(links))
      if (l->is_idle()) l->close(make_error_code(errc::session_closed));
  schedule();
  check_stopped();
}

void client::impl::drop(const link* l) {
  std::erase_if(links, [l](const auto& one) { return one.get() == l; });
}

void client::impl::stop(std::function<void()> done) {
  stopped = true;
  when_stopped = std::move(done);
  timer.cancel();
  for (const auto& j : std::exchange(waiting, {})) j->done({.error = make_error_code(errc::session_closed)});
  for (const auto& l : std::vector(links))
    if (l->is_idle()) l->close(make_error_code(errc::session_closed));
  check_stopped();
}

std::shared_ptr<client> client::make(asio::any_io_executor executor, client_options options) {
  return std::shared_ptr<client>(new client(std::move(executor), std::move(options)));
}

client::client(asio::any_io_executor executor, client_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options))) {}

client::~client() {
  impl_->stopped = true;
  impl_->timer.cancel();
  for (const auto& l : std::exchange(impl_->links, {})) l->close(make_error_code(errc::session_closed));
}

result<void> client::send(envelope request, const std::vector<mime::out_part>& parts, handler done) {
  auto& i = *impl_;
  if (i.stopped) return errc::session_closed;
  if (i.waiting.size() + i.under_way >= i.options.queue_max) return errc::queue_full;
  auto made = exchange::make(std::move(request), parts, i.options.exchange, driver_clock::now());
  if (!made) return made.error();
  i.waiting.push_back(std::make_shared<job>(job{.exchange = *std::move(made), .done = std::move(done)}));
  // Not from within: `done` must not run before this returns.
  asio::post(i.executor, [weak = std::weak_ptr(impl_)] {
    if (const auto self = weak.lock()) self->schedule();
  });
  return {};
}

void client::send_or_fail(envelope request, const std::vector<mime::out_part>& parts, std::unique_ptr<completion<answer>> done) {
  const std::shared_ptr<completion<answer>> shared = std::move(done);
  const auto sent = send(std::move(request), parts, [shared](const answer& a) { shared->complete(a); });
  if (sent) return;
  asio::post(impl_->executor, [shared, why = sent.error().code] {
    shared->complete(answer{.verdict = verdict::refused, .error = why});
  });
}

void client::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
std::size_t client::request_count() const noexcept { return impl_->waiting.size() + impl_->under_way; }
std::size_t client::connection_count() const noexcept { return impl_->links.size(); }
asio::any_io_executor client::executor() const { return impl_->executor; }

}  // namespace msgkit::mm7
