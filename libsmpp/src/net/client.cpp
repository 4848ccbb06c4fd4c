#include "msgkit/smpp/net/client.hpp"

#include <asio/post.hpp>
#include <unordered_map>
#include <vector>

namespace msgkit::smpp {
namespace {

constexpr std::uint64_t async_bit = 1ull << 63;

bool is_credential_refusal(std::error_code ec) {
  return ec == command_status::invalid_password || ec == command_status::invalid_system_id ||
         ec == command_status::invalid_system_type || ec == command_status::bind_failed;
}

std::string message_id_of(const pdu* response) {
  std::string id;
  if (response == nullptr) return id;
  std::visit(
      [&id](const auto& m) {
        if constexpr (requires { m.message_id; }) id = m.message_id;
      },
      static_cast<const pdu_variant&>(*response));
  return id;
}

}  // namespace

struct client::waiting {
  // Whichever comes first: the completion handler, or the outcome when the operation is awaited late.
  struct async_request {
    std::unique_ptr<request_completion> done;
    bool has_outcome = false;
    std::error_code error;
    std::string message_id;
  };
  std::vector<std::unique_ptr<bind_completion>> binds;
  std::unordered_map<std::uint64_t, async_request> requests;
  std::uint64_t next_cookie = 0;
};

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
    refuse_request(from, m);
  }
  static void refuse_request(smpp::connection& from, const pdu& m) {
    const auto* d = std::get_if<deliver_sm>(&m);
    if (d != nullptr && is_receipt(d->esm_class)) (void)from.respond(m.head.sequence, deliver_sm_resp{});
    else (void)from.reject(m.head.sequence, command_status::receiver_permanent_error);
  }
  void on_outcome(smpp::connection& from, const outcome& o) override {
    const auto c = current(from);
    if (!c) return;
    if ((o.cookie & async_bit) == 0) {
      if (c->handler_) c->handler_->on_outcome(*c, o);
      return;
    }
    const auto found = c->waiting_->requests.find(o.cookie);
    if (found == c->waiting_->requests.end()) return;
    if (!found->second.done) {
      found->second.has_outcome = true;
      found->second.error = o.error;
      found->second.message_id = message_id_of(o.response);
      return;
    }
    const auto done = std::move(found->second.done);
    c->waiting_->requests.erase(found);
    done->complete(o.error, message_id_of(o.response));
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
      waiting_(std::make_unique<waiting>()) {
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

std::uint64_t client::open_async_request() {
  const auto cookie = async_bit | ++waiting_->next_cookie;
  waiting_->requests.try_emplace(cookie);
  return cookie;
}

void client::wait_bound(std::unique_ptr<bind_completion> done) {
  if (is_bound()) return done->complete({});
  waiting_->binds.push_back(std::move(done));
  start();
}

void client::complete_bind(std::error_code ec) {
  const auto all = std::exchange(waiting_->binds, {});
  for (const auto& done : all) done->complete(ec);
}

void client::wait_outcome(std::uint64_t cookie, std::error_code failed, std::unique_ptr<request_completion> done) {
  auto& open = waiting_->requests[cookie];
  if (!failed && !open.has_outcome) {
    open.done = std::move(done);
    return;
  }
  // Never complete inside the initiating function.
  asio::post(executor_, [d = std::shared_ptr<request_completion>(std::move(done)), error = failed ? failed : open.error,
                         id = std::move(open.message_id)] { d->complete(error, id); });
  waiting_->requests.erase(cookie);
}

}  // namespace msgkit::smpp
