#include "msgkit/smpp/net/client.hpp"

#include <asio/post.hpp>

namespace msgkit::smpp {
namespace {

bool is_credential_refusal(std::error_code ec) {
  return ec == command_status::invalid_password || ec == command_status::invalid_system_id ||
         ec == command_status::invalid_system_type || ec == command_status::bind_failed;
}

}  // namespace

void refuse_unhandled(client& c, const pdu& m) {
  const auto* d = std::get_if<deliver_sm>(&m);
  if (d != nullptr && is_receipt(d->esm_class)) (void)c.respond(m.head.sequence, deliver_sm_resp{});
  else (void)c.reject(m.head.sequence, command_status::receiver_permanent_error);
}

// Belongs to one connection, so that a late call of an old one cannot touch the new one.
struct client::bridge final : connection_handler {
  explicit bridge(std::weak_ptr<client> c) : owner(std::move(c)) {}

  std::shared_ptr<client> current(smpp::connection& from) const {
    auto c = owner.lock();
    return c && c->connection_.get() == &from ? c : nullptr;
  }
  void on_bound(smpp::connection& from) override {
    const auto c = current(from);
    if (!c) return;
    c->attempt_ = 0;
    c->complete_bind({});
    if (c->handler_) c->handler_->on_bound(*c);
  }
  void on_request(smpp::connection& from, const pdu& m) override {
    const auto c = current(from);
    if (!c) return;
    if (c->handler_) return c->handler_->on_request(*c, m);
    refuse_unhandled(*c, m);
  }
  void on_outcome(smpp::connection& from, const outcome& o) override {
    const auto c = current(from);
    if (!c) return;
    c->took_answer(o);
    if (c->outcomes_->finish(o)) return;
    if (c->handler_) c->handler_->on_outcome(*c, o);
  }
  void on_batch_end(smpp::connection& from) override {
    const auto c = current(from);
    if (c && c->handler_) c->handler_->on_batch_end(*c);
  }
  void on_closed(smpp::connection& from, std::error_code reason) override {
    const auto c = current(from);
    if (c) c->lost(reason);
  }
  std::weak_ptr<client> owner;
};

client::client(asio::any_io_executor executor, client_options options, std::shared_ptr<client_handler> handler)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      connector_(executor_),
      retry_timer_(executor_),
      rate_timer_(executor_),
      outcomes_(std::make_shared<async_outcomes>(executor_)) {
  options_.connection.session.role = role::esme;
  if (options_.reconnect_seed == 0) options_.reconnect_seed = reinterpret_cast<std::uintptr_t>(this);
}

client::~client() {
  if (connection_) connection_->close();
}

std::shared_ptr<client> client::make(asio::any_io_executor executor, client_options options,
                                     std::shared_ptr<client_handler> handler) {
  return std::shared_ptr<client>(new client(std::move(executor), std::move(options), std::move(handler)));
}

void client::start() {
  if (std::exchange(running_, true)) return;
  attempt_ = 0;
  connect();
}

void client::connect() {
  // A connection that is still leaving goes first, lost() then begins anew; so does an attempt under way.
  if (connection_ || std::exchange(dialing_, true)) return;
  auto done = [weak = weak_from_this()](std::error_code ec, const std::shared_ptr<stream>& transport) {
    if (const auto self = weak.lock()) self->connected(ec, transport);
  };
  if (options_.dial) options_.dial(std::move(done));
  else connector_.connect(options_.connect, std::move(done));
}

void client::connected(std::error_code ec, std::shared_ptr<stream> transport) {
  dialing_ = false;
  if (!running_) {
    if (transport) transport->close({});
    ec = ec ? ec : make_error_code(errc::session_closed);
  }
  if (ec) return lost(ec);
  connection_ = smpp::connection::start(std::move(transport), options_.connection,
                                        std::make_shared<bridge>(weak_from_this()));
  connection_->set_observer(observer_);
  if (options_.trace) options_.trace->add(*connection_, options_.system_id);
  const auto bound = connection_->bind(options_.mode, {.system_id = options_.system_id,
                                                       .password = options_.password,
                                                       .system_type = options_.system_type,
                                                       .interface_version = options_.interface_version,
                                                       .addr_ton = options_.addr_ton,
                                                       .addr_npi = options_.addr_npi,
                                                       .address_range = options_.address_range});
  // Parameters that cannot be encoded will not get better by trying again.
  if (!bound) {
    running_ = false;
    connection_->close(bound.error().code);
  }
}

void client::lost(std::error_code reason) {
  connection_.reset();
  const bool hopeless = options_.give_up_on_bad_credentials && is_credential_refusal(reason);
  if (!options_.reconnect || hopeless) running_ = false;
  // After stop() and start() this is the end of the old bind, and says nothing about the one that is waited for.
  if (!std::exchange(leaving_, false) || !running_)
    complete_bind(reason ? reason : make_error_code(errc::session_closed));
  std::chrono::milliseconds retry_in{-1};
  if (running_) {
    retry_in = backoff_delay(options_.reconnect_backoff, attempt_++, options_.reconnect_seed);
    retry_timer_.expires_after(retry_in);
    retry_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (!ec && self && self->running_) self->connect();
    });
  }
  const auto stopped = std::exchange(stopped_, nullptr);
  if (handler_) handler_->on_unbound(*this, reason, retry_in);
  if (stopped) stopped();
}

void client::stop(std::function<void()> done) {
  running_ = false;
  retry_timer_.cancel();
  connector_.cancel();
  if (connection_) {
    leaving_ = true;
    if (stopped_ && done)
      stopped_ = [first = std::move(stopped_), second = std::move(done)] { first(), second(); };
    else if (done)
      stopped_ = std::move(done);
    connection_->unbind();
  } else {
    // Between two attempts nothing else would tell those who wait for a bind.
    asio::post(executor_, [self = shared_from_this(), done = std::move(done)] {
      if (!self->running_) self->complete_bind(make_error_code(errc::session_closed));
      if (done) done();
    });
  }
}

result<void> client::reject(std::uint32_t sequence, command_status status) {
  if (!connection_) return errc::session_closed;
  return connection_->reject(sequence, status);
}

void client::flush() {
  if (connection_) connection_->flush();
}

void client::set_observer(pdu_observer* o) noexcept {
  observer_ = o;
  if (connection_) connection_->set_observer(o);
}

void client::wait_bound(std::unique_ptr<bind_completion> done) {
  if (is_bound()) return done->complete({});
  binds_.push_back(std::move(done));
  start();
}

void client::complete_bind(std::error_code ec) {
  const auto all = std::exchange(binds_, {});
  for (const auto& done : all) done->complete(ec);
}

bool client::may_go() {
  if (!options_.rate) return true;
  const auto now = driver_clock::now();
  if (options_.rate->is_ready(now)) return true;
  if (std::exchange(waiting_for_rate_, true)) return false;
  rate_timer_.expires_at(options_.rate->ready_at(now));
  rate_timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
    const auto self = weak.lock();
    if (!self) return;
    self->waiting_for_rate_ = false;
    if (ec || !self->handler_ || !self->is_bound()) return;
    self->handler_->on_ready(*self);
    self->flush();
  });
  return false;
}

void client::took_answer(const outcome& o) {
  if (!options_.rate) return;
  const auto now = driver_clock::now();
  if (!o.error) options_.rate->on_accepted(now);
  else if (o.error.category() == status_category() && is_throttling(static_cast<command_status>(o.error.value())))
    options_.rate->on_throttled(now);
}

}  // namespace msgkit::smpp
