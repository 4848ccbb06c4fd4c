#include "msgkit/mm4/net/server.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <map>

#include "msgkit/core/net/clock.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::mm4 {
namespace {

constexpr std::chrono::seconds linger_max{5};
const smtp::reply try_later = smtp::make_reply(451, "4.3.0", "try again later");

using peer_list = std::vector<std::shared_ptr<const peer>>;

bool has_criterion(const peer& p) { return !p.networks.empty() || !p.certificate_subject.empty() || !p.user.empty(); }

}  // namespace

smtp::reply server_handler::on_recipient(const peer&, std::string_view) { return smtp::make_reply(250, "2.1.5", "ok"); }

void incoming::accept(std::string_view text) {
  if (!std::exchange(answered_, true)) answer(smtp::make_reply(250, "2.0.0", text));
}
void incoming::refuse(const smtp::reply& r) {
  if (!std::exchange(answered_, true)) answer(r);
}

struct server::impl : std::enable_shared_from_this<server::impl> {
  impl(asio::any_io_executor e, server_options o, std::shared_ptr<server_handler> h)
      : executor(std::move(e)), options(std::move(o)), handler(std::move(h)) {}

  void set_peers(std::vector<peer> list) {
    peer_list fresh;
    for (auto& p : list)
      if (has_criterion(p)) fresh.push_back(std::make_shared<const peer>(std::move(p)));
    peers = std::move(fresh);
  }
  void serve(std::shared_ptr<stream> transport);

  asio::any_io_executor executor;
  server_options options;
  std::shared_ptr<server_handler> handler;
  peer_list peers;
  std::map<std::string, std::size_t> connections_of_peer;
  std::uint64_t last_connection = 0;
  std::map<std::uint64_t, server_connection*> connections;  // oldest first
  std::unique_ptr<acceptor> accepts;
};

// One SMTP connection. The stream keeps it alive until on_closed().
class server_connection final : public stream_handler, public std::enable_shared_from_this<server_connection> {
 public:
  server_connection(std::shared_ptr<server::impl> owner, std::shared_ptr<stream> transport)
      : owner_(std::move(owner)),
        number_(++owner_->last_connection),
        stream_(std::move(transport)),
        session_(session_options(), driver_clock::now()),
        timer_(stream_->executor()) {}

  void start() {
    owner_->connections.emplace(number_, this);
    stream_->start(shared_from_this());
    pump();
  }

  void on_bytes(bytes_view octets) override {
    session_.feed(octets, driver_clock::now());
    pump();
  }

  void on_drained() override { pump(); }

  void on_closed(std::error_code reason) override {
    session_.disconnected(reason);
    drain();
    timer_.cancel();
    release_peer();
    owner_->connections.erase(number_);
    owner_->handler->on_closed(stream_->peer(), reason);
  }

  // The answer to the message that waits.
  void answer_message(const smtp::reply& r) {
    if (!waiting_) return;
    waiting_ = false;
    session_.answer(r, driver_clock::now());
    if (stopping_) session_.shut_down("going down");
    // The application may answer from inside on_message().
    if (!draining_) pump();
  }

  void stop() {
    stopping_ = true;
    if (waiting_ || in_message_) return;
    session_.shut_down("going down");
    pump();
  }

 private:
  class waiting_message final : public incoming {
   public:
    waiting_message(const std::shared_ptr<server_connection>& c, std::shared_ptr<const mm4::peer> from, mm4::envelope e,
                    mime::spool s)
        : connection_(c) {
      peer_ = std::move(from);
      remote_ = c->stream_->peer();
      envelope_ = std::move(e);
      spool_ = std::move(s);
    }
    ~waiting_message() override {
      if (!std::exchange(answered_, true)) answer(try_later);
    }
    result<void> read(const mime::limits& l) {
      auto octets = spool_.view();
      if (!octets) return octets.error();
      mail_ = *octets;
      auto message = decode(mail_, peer_->profile, l);
      if (!message) return message.error();
      decoded_ = *std::move(message);
      return {};
    }
    [[nodiscard]] std::size_t received_count() const { return decoded_.document.message().fields.count("Received"); }
    [[nodiscard]] bool is_connected() const noexcept override { return !connection_.expired(); }
    void forget_connection() noexcept {
      connection_.reset();
      answered_ = true;
    }

   private:
    void answer(const smtp::reply& r) override {
      if (const auto c = connection_.lock()) c->answer_message(r);
    }
    std::weak_ptr<server_connection> connection_;
  };

  smtp::server_session_options session_options() const {
    auto o = owner_->options.session;
    o.is_tls = owner_->options.accept.tls != nullptr;
    o.offer_tls = !o.is_tls && owner_->options.starttls != nullptr;
    o.offer_auth = o.offer_auth || std::ranges::any_of(owner_->peers, [](const auto& p) { return !p->user.empty(); });
    return o;
  }

  // Who this is, as far as is known now.
  std::shared_ptr<const peer> find_peer() const {
    const auto subject = session_.is_tls() ? stream_->certificate_subject() : std::string{};
    for (const auto& p : owner_->peers) {
      const bool network = p->networks.empty() || p->networks.contains(stream_->peer().address);
      const bool certificate = p->certificate_subject.empty() || p->certificate_subject == subject;
      const bool user = p->user.empty() || p->user == session_.user();
      if (network && certificate && user) return p;
    }
    return nullptr;
  }

  bool authenticate(std::string_view user, std::string_view password) const {
    bool good = false;
    for (const auto& p : owner_->peers)
      if (!p->user.empty() && p->user == user) good = constant_time_equal(p->password, password) || good;
    return good;
  }

  // One peer per connection at a time; a connection that becomes another peer's is counted there.
  std::optional<smtp::reply> admit() {
    auto found = find_peer();
    if (!found) {
      owner_->handler->on_denied(stream_->peer(), "unknown peer");
      const bool may_authenticate = session_.user().empty() && std::ranges::any_of(owner_->peers, [](const auto& p) { return !p->user.empty(); });
      return may_authenticate ? smtp::make_reply(530, "5.7.0", "authentication required") : smtp::make_reply(550, "5.7.1", "access denied");
    }
    if (peer_ && peer_->name == found->name) {
      peer_ = std::move(found);
      return std::nullopt;
    }
    release_peer();
    auto& count = owner_->connections_of_peer[found->name];
    if (count >= found->connections_max) {
      owner_->handler->on_denied(stream_->peer(), "too many connections of this peer");
      return smtp::make_reply(421, "4.7.0", "too many connections");
    }
    ++count;
    peer_ = std::move(found);
    owner_->handler->on_admitted(*peer_, stream_->peer());
    return std::nullopt;
  }
  void release_peer() {
    if (!peer_) return;
    const auto found = owner_->connections_of_peer.find(peer_->name);
    if (found != owner_->connections_of_peer.end() && --found->second == 0) owner_->connections_of_peer.erase(found);
    owner_->handler->on_released(*peer_, stream_->peer());
    peer_.reset();
  }

  void pump() {
    drain();
    const auto octets = session_.output();
    if (!octets.empty()) {
      stream_->write(octets);
      session_.clear_output();
      stream_->flush();
    }
    if (session_.is_closed()) return leave();
    if (stream_->pending_bytes() > owner_->options.output_bytes_max) return stream_->close(make_error_code(errc::output_limit));
    if (tls_wanted_ && stream_->pending_bytes() == 0) return begin_tls();
    // While an answer is owed the peer has nothing new to say that we would act on.
    if (waiting_) stream_->pause_reading();
    else stream_->resume_reading();
    arm_timer();
  }

  void leave() {
    if (std::exchange(leaving_, true)) return;
    stream_->close_after_flush();
    timer_.expires_after(linger_max);
    timer_.async_wait([self = shared_from_this()](std::error_code ec) {
      if (!ec) self->stream_->close(make_error_code(errc::output_limit));
    });
  }

  void begin_tls() {
    tls_wanted_ = false;
    auto secured = stream_->upgrade_to_tls(owner_->options.starttls, tls_role::server);
    if (!secured) return stream_->close(make_error_code(errc::tls_unavailable));
    stream_ = std::move(secured);
    stream_->start(shared_from_this());
    session_.tls_started(driver_clock::now());
    arm_timer();
  }

  void arm_timer() {
    const auto next = session_.next_deadline();
    if (next == never || next >= armed_for_) return;
    armed_for_ = next;
    timer_.expires_at(next);
    timer_.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->armed_for_ = never;
      self->session_.on_time(driver_clock::now());
      self->pump();
    });
  }

  void drain() {
    if (draining_) return;
    draining_ = true;
    while (const auto e = session_.next_event()) handle(*e);
    draining_ = false;
  }

  void handle(const smtp::server_event& e) {
    const auto now = driver_clock::now();
    switch (e.kind) {
      case smtp::server_event_kind::authenticate: {
        const bool good = authenticate(e.text, e.password);
        if (!good) owner_->handler->on_denied(stream_->peer(), "wrong user or password");
        return session_.answer(good ? smtp::make_reply(235, "2.7.0", "authenticated") : smtp::make_reply(535, "5.7.8", "wrong user or password"), now);
      }
      case smtp::server_event_kind::start_tls: tls_wanted_ = true; return;
      case smtp::server_event_kind::mail: {
        envelope_ = {std::string(e.text), {}};
        const auto denied = admit();
        return session_.answer(denied ? *denied : smtp::make_reply(250, "2.1.0", "ok"), now);
      }
      case smtp::server_event_kind::recipient: {
        const auto r = owner_->handler->on_recipient(*peer_, e.text);
        if (r.is_positive()) envelope_.rcpt_to.emplace_back(e.text);
        return session_.answer(r, now);
      }
      case smtp::server_event_kind::data_begin:
        in_message_ = true;
        spool_ = mime::spool(owner_->options.spool);
        spool_failed_ = false;
        return;
      case smtp::server_event_kind::data:
        if (!spool_failed_ && !spool_.append(e.octets)) spool_failed_ = true;
        return;
      case smtp::server_event_kind::data_end: return message_complete();
      case smtp::server_event_kind::data_aborted:
        in_message_ = waiting_ = false;
        spool_ = mime::spool(owner_->options.spool);
        return;
      case smtp::server_event_kind::closed: return;
    }
  }

  void message_complete() {
    in_message_ = false;
    waiting_ = true;
    if (spool_failed_) return answer_message(smtp::make_reply(452, "4.3.1", "no space"));
    const auto m = std::make_shared<waiting_message>(shared_from_this(), peer_, std::exchange(envelope_, {}),
                                                     std::exchange(spool_, mime::spool(owner_->options.spool)));
    const auto read = m->read(owner_->options.limits);
    if (!read) {
      m->forget_connection();
      owner_->handler->on_malformed(*peer_, read.error());
      return answer_message(refusal_of(read.error()));
    }
    if (m->received_count() > owner_->options.received_max) {
      m->forget_connection();
      owner_->handler->on_malformed(*peer_, fault{make_error_code(errc::loop_detected), "Received", 0});
      return answer_message(smtp::make_reply(554, "5.4.6", "too many hops"));
    }
    owner_->handler->on_message(m);
  }

  static smtp::reply refusal_of(const fault& f) {
    const auto status = status_for(f);
    if (status == request_status::network_problem) return try_later;
    auto text = std::string(to_string(status)) + ": " + f.code.message();
    if (!f.field.empty()) text += " (" + std::string(f.field) + ')';
    return smtp::make_reply(554, "5.6.0", text);
  }

  std::shared_ptr<server::impl> owner_;
  std::uint64_t number_;  // among its connections
  std::shared_ptr<stream> stream_;
  smtp::server_session session_;
  driver_timer timer_;
  std::shared_ptr<const peer> peer_;
  envelope envelope_;
  mime::spool spool_;
  time_point armed_for_ = never;
  bool spool_failed_ = false;
  bool in_message_ = false;
  bool waiting_ = false;   // for the application
  bool draining_ = false;
  bool tls_wanted_ = false;
  bool leaving_ = false;
  bool stopping_ = false;
};

void server::impl::serve(std::shared_ptr<stream> transport) {
  std::make_shared<server_connection>(shared_from_this(), std::move(transport))->start();
}

server::server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler)
    : impl_(std::make_shared<impl>(executor, std::move(options), std::move(handler))) {
  impl_->set_peers(std::move(impl_->options.peers));
  const std::weak_ptr<impl> weak = impl_;
  acceptor::callbacks calls{
      .on_stream = [weak](std::shared_ptr<stream> s) { if (const auto i = weak.lock()) i->serve(std::move(s)); },
      .on_refused = [weak](refusal why, const peer_address& who) { if (const auto i = weak.lock()) i->handler->on_refused(why, who); }};
  impl_->accepts = std::make_unique<acceptor>(std::move(executor), impl_->options.accept, std::move(calls));
}

server::~server() { impl_->accepts->stop(); }
std::error_code server::listen() { return impl_->accepts->listen(); }
void server::adopt(std::shared_ptr<stream> transport) { impl_->serve(std::move(transport)); }
void server::set_peers(std::vector<peer> peers) { impl_->set_peers(std::move(peers)); }
std::uint16_t server::port() const noexcept { return impl_->accepts->port(); }
std::size_t server::connection_count() const noexcept { return impl_->connections.size(); }

void server::stop() {
  impl_->accepts->stop();
  const auto open = impl_->connections;
  for (const auto& [number, c] : open) {
    // A connection that ends while we walk takes itself out.
    if (impl_->connections.contains(number)) c->shared_from_this()->stop();
  }
}

}  // namespace msgkit::mm4
