#include "connectors/smpp_carrier.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <atomic>
#include <unordered_map>

#include "connectors/attempts.hpp"
#include "connectors/mms.hpp"

namespace msgkit::app {
namespace {

using smpp::client;
using smpp::command_status;

// A receipt or message of the carrier that waits for the store.
struct pending_request {
  std::weak_ptr<client> from;
  std::uint64_t link = 0;  // the connection it came over: a later one must not be answered
  std::uint32_t sequence = 0;
  smpp::command_id command{};
};

}  // namespace

struct smpp_carrier::impl final : engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, smpp_carrier_options o, std::shared_ptr<smpp_carrier_observer> obs)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        options(std::move(o)),
        observer(std::move(obs)),
        endpoint("carrier:" + options.name) {
    // One pace for all binds.
    options.client.rate = std::make_shared<smpp::rate_control>(options.rate);
  }
  ~impl() override {
    for (const auto& b : binds) b->session.reset();
  }

  // One bind. Its link in the engine is the current connection.
  struct bind final : smpp::client_handler {
    explicit bind(std::weak_ptr<impl> o) : owner(std::move(o)) {}
    void on_bound(client& c) override {
      with([&](impl& o) { o.bound(*this, c); });
    }
    void on_unbound(client&, std::error_code why, std::chrono::milliseconds retry_in) override {
      with([&](impl& o) { o.unbound(*this, why, retry_in); });
    }
    void on_request(client& c, const smpp::pdu& m) override {
      with([&](impl& o) { o.take(c, *this, m); });
    }
    void on_outcome(client&, const smpp::outcome& r) override {
      with([&](impl& o) { o.part_done(r); });
    }
    void on_ready(client&) override {
      with([&](impl& o) {
        o.pump(*this);
        o.flush_port();
      });
    }
    void on_batch_end(client&) override {
      with([&](impl& o) {
        o.pump(*this);
        o.flush_port();
      });
    }
    template <class F>
    void with(F&& f) {
      if (const auto live = owner.lock()) f(*live);
    }
    std::weak_ptr<impl> owner;
    std::shared_ptr<client> session;
    std::uint64_t link = 0;  // 0 while not bound
    attempt_table::lane waiting;
  };

  struct reporter {
    impl& owner;
    void operator()(const attempt& a) const { owner.report(a); }
  };

  // ---- binds

  void start() {
    for (std::size_t i = 0; i < options.binds; ++i) {
      auto b = std::make_shared<bind>(weak_from_this());
      b->session = client::make(executor, options.client, b);
      binds.push_back(b);
      b->session->start();
    }
  }

  void bound(bind& b, client& c) {
    b.link = c.current()->id();
    by_link[b.link] = &b;
    ++bound_count;
    observer->on_bound(options.name);
    if (options.client.mode == smpp::bind_mode::receiver) return;  // brings messages in, takes none out
    port.add_result(
        engine::link_state{.endpoint = endpoint,
                           .link = b.link,
                           .sink = sink,
                           .up = true,
                           .capacity = static_cast<std::uint32_t>(options.client.connection.session.window_size)});
    flush_port();
  }

  void unbound(bind& b, std::error_code why, std::chrono::milliseconds retry_in) {
    observer->on_unbound(options.name, why, retry_in);
    if (b.link == 0) return;
    --bound_count;
    // What was on the wire had its outcome already; what was still waiting for room has not left.
    attempts.abandon(b.waiting, reporter{*this});
    by_link.erase(b.link);
    if (options.client.mode != smpp::bind_mode::receiver)
      port.add_result(engine::link_state{.endpoint = endpoint, .link = b.link, .sink = sink, .up = false});
    b.link = 0;
    flush_port();
  }

  // A client and its handler keep each other alive until here, and would go on binding.
  void release() {
    for (const auto& b : std::exchange(binds, {})) {
      b->session->stop();
      b->session.reset();
    }
  }

  // ---- messages to the carrier

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->flush_port();
      for (const auto& b : self->binds) b->session->flush();
    });
  }

  void carry_out(engine::action& a) {
    if (auto* order = std::get_if<engine::send>(&a)) return begin(std::move(*order));
    if (const auto* yes = std::get_if<engine::accepted>(&a)) return answer(yes->token.value, command_status::ok);
    if (const auto* done = std::get_if<engine::report_done>(&a)) return answer(done->token.value, command_status::ok);
    if (const auto* no = std::get_if<engine::refused>(&a))
      return answer(no->token.value, engine::is_temporary(no->reason) ? command_status::receiver_temporary_error
                                                                      : command_status::receiver_permanent_error);
  }

  void begin(engine::send order) {
    const auto found = by_link.find(order.link);
    if (found == by_link.end()) return report({.order = std::move(order)});  // the link is gone: it never left
    if (is_group(*order.content))
      return port.add_result(engine::attempt_result{.id = order.id,
                                                    .attempt = order.attempt,
                                                    .outcome = engine::attempt_outcome::permanent,
                                                    .text = "the carrier takes no messages to a group"});
    order.content = sms_of(std::move(order.content));
    const auto& content = *order.content;
    auto parts = to_parts(content, options.profile, references.next(content.source.value, content.destination.value));
    if (!parts) {
      const auto why = parts.error().code;
      return report({.order = std::move(order), .error = why});
    }
    attempts.begin(found->second->waiting, std::move(order), std::move(*parts));
    pump(*found->second);
  }

  // Sends what the window and the pace allow.
  void pump(bind& b) {
    if (b.waiting.empty()) return;
    const auto may_go = [&] { return b.session->window_room() > 0 && b.session->may_go(); };
    attempts.pump(
        b.waiting, may_go,
        [&](attempt& a, std::size_t part, std::uint64_t cookie) { return transmit(b, a, part, cookie); },
        reporter{*this});
  }

  result<std::uint32_t> transmit(bind& b, attempt& a, std::size_t part, std::uint64_t cookie) {
    const auto& content = *a.order.content;
    smpp::submit_sm m;
    fill(m, content, a.parts, a.parts.parts[part], tlvs);
    std::string source, destination;
    if (peer().numbers != smpp::number_prefix::as_given) {
      m.source_addr = source = smpp::normalized_number(m.source_addr_ton, m.source_addr, peer());
      m.destination_addr = destination = smpp::normalized_number(m.dest_addr_ton, m.destination_addr, peer());
    }
    const bool wants_receipt = options.receipts == receipt_policy::always || content.receipt_wanted != 0;
    m.registered_delivery = wants_receipt ? smpp::registered::final_receipt : smpp::registered::none;
    if ((content.receipt_wanted & engine::receipt_intermediate) != 0)
      m.registered_delivery |= smpp::registered::intermediate;
    std::string validity;
    if (options.profile.forward_validity && content.valid_until != wall_time{}) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(a.order.valid_until - driver_clock::wall_now());
      validity = smpp::format_relative(std::max(left, std::chrono::seconds{1}));
      m.validity_period = validity;
    }
    a.results[part].receipt_expected = wants_receipt;
    return b.session->request(m, {.cookie = cookie});
  }

  void part_done(smpp::outcome r) {
    // What the engine knows as "too fast" is the same for all carriers.
    if (r.error == command_status::submit_failed && smpp::asks_to_slow_down(command_status::submit_failed, peer()))
      r.error = make_error_code(command_status::throttled);
    if (!attempts.part_done(r, reporter{*this})) return;
    observer->on_submit(options.name, r.error);
    note_rate();
  }

  const smpp::peer_profile& peer() const noexcept { return options.client.connection.session.profile; }

  void note_rate() {
    const auto& rate = *options.client.rate;
    if (rate.decreases() == std::exchange(rate_decreases, rate.decreases())) return;
    observer->on_slowed_down(options.name, rate.per_second());
  }

  void report(const attempt& a) { port.add_result(result_of(a, engine::attempt_outcome::sent)); }
  // ---- receipts and messages from the carrier

  void take(client& c, const bind& b, const smpp::pdu& m) {
    const pending_request pending{c.weak_from_this(), b.link, m.head.sequence, m.head.id};
    if (const auto* deliver = std::get_if<smpp::deliver_sm>(&m)) return take_sms(pending, *deliver);
    if (const auto* data = std::get_if<smpp::data_sm>(&m)) return take_sms(pending, *data);
    if (smpp::find_command(m.head.id)->has_response)
      (void)c.reject(m.head.sequence, command_status::invalid_command_id);
  }

  template <class Pdu>
  void take_sms(const pending_request& pending, const Pdu& m) {
    if (smpp::is_receipt(m.esm_class)) return take_receipt(pending, m);
    auto content = to_content(m, endpoint, options.profile, driver_clock::wall_now());
    if (!content) {
      observer->on_deliver(options.name, smpp::status_for(content.error()));
      return respond(pending, smpp::status_for(content.error()));
    }
    auto extras = extras_of(m, **content, options.profile, true);
    port.add_ingress(engine::submit{
        {sink, requests.insert(pending)}, without_receipt(std::move(*content)), false, std::move(extras)});
  }

  // A message centre is told by our answer; there is no way to send it a receipt.
  static engine::content_ptr without_receipt(engine::content_ptr content) {
    if (content->receipt_wanted == 0) return content;
    auto plain = std::make_shared<engine::message_content>(*content);
    plain->receipt_wanted = 0;
    return plain;
  }

  template <class Pdu>
  void take_receipt(const pending_request& pending, const Pdu& m) {
    auto report = to_report(m, endpoint);
    observer->on_receipt(options.name, report.has_value());
    // Refusing what we cannot read would only bring it back for ever.
    if (!report) return respond(pending, command_status::ok);
    report->token = {sink, requests.insert(pending)};
    port.add_ingress(std::move(*report));
  }

  void answer(std::uint64_t number, command_status status) {
    const auto pending = requests.take(number);
    if (pending) respond(*pending, status);
  }

  static void respond(const pending_request& p, command_status status) {
    const auto c = p.from.lock();
    if (!c || c->current() == nullptr || c->current()->id() != p.link) return;
    if (status != command_status::ok) (void)c->reject(p.sequence, status);
    else if (p.command == smpp::command_id::data_sm) (void)c->respond(p.sequence, smpp::data_sm_resp{});
    else (void)c->respond(p.sequence, smpp::deliver_sm_resp{});
  }

  void flush_port() {
    port.flush([this](const engine::event& e) {
      const auto refuse = [this](engine::ingress_token token) {
        answer(token.value, command_status::receiver_temporary_error);
      };
      if (const auto* s = std::get_if<engine::submit>(&e)) refuse(s->token);
      if (const auto* r = std::get_if<engine::report>(&e)) refuse(r->token);
    });
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  smpp_carrier_options options;
  std::shared_ptr<smpp_carrier_observer> observer;
  std::string endpoint;
  engine::sink_id sink = 0;
  std::vector<std::shared_ptr<bind>> binds;
  std::unordered_map<std::uint64_t, bind*> by_link;
  attempt_table attempts;
  std::uint64_t rate_decreases = 0;  // that the observer knows of
  slab<pending_request> requests;
  smpp::reference_counter references{static_cast<std::uint64_t>(driver_clock::wall_now().time_since_epoch().count())};
  smpp::tlv_builder tlvs;
  std::atomic<std::size_t> bound_count{0};
};

smpp_carrier::smpp_carrier(asio::any_io_executor executor, engine::inbox& e, smpp_carrier_options options,
                           std::shared_ptr<smpp_carrier_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, std::move(options), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
}

smpp_carrier::~smpp_carrier() {
  impl_->engine_.remove_sink(impl_->sink);
  asio::post(impl_->executor, [self = impl_] { self->release(); });
}

void smpp_carrier::start() {
  asio::post(impl_->executor, [self = impl_] { self->start(); });
}

void smpp_carrier::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)] {
    auto left = std::make_shared<std::size_t>(self->binds.size());
    if (*left == 0) return done();
    for (const auto& b : self->binds)
      b->session->stop([self, left, done] {
        if (--*left > 0) return;
        self->release();
        done();
      });
  });
}

std::size_t smpp_carrier::bound() const noexcept { return impl_->bound_count; }

}  // namespace msgkit::app
