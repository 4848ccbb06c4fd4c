#include "smppd/network.hpp"

#include <asio/post.hpp>
#include <map>

#include "connectors/engine_port.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr std::uint64_t link_id = ~std::uint64_t{0};  // connections count up from 1
constexpr std::string_view client_prefix = "client:";

std::string_view user_of(const engine::message_content& c) {
  std::string_view account = c.account;
  if (account.starts_with(client_prefix)) account.remove_prefix(client_prefix.size());
  return account;
}

std::uint32_t number_of(std::string_view digits) {
  std::uint32_t n = 0;
  for (const char c : digits)
    if (c >= '0' && c <= '9' && n < 100'000'000) n = n * 10 + static_cast<std::uint32_t>(c - '0');
  return n;
}

}  // namespace

struct simulated_network::impl final : engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, std::shared_ptr<const behaviours> b, std::uint32_t c, on_end f)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        how(std::move(b)),
        capacity(c),
        ended(std::move(f)),
        timer(executor) {}

  // Either the end of an attempt that is still open, or a report about one that was answered at once.
  struct event_to_come {
    engine::send order;
    scripted_end end;
    bool is_report = false;
    bool is_final = true;
  };

  void post_link(bool up) {
    port.add_result(engine::link_state{
        .endpoint = std::string(network_endpoint), .link = link_id, .sink = sink, .up = up, .capacity = capacity});
    flush();
  }

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all)
        if (auto* order = std::get_if<engine::send>(&a)) self->take(std::move(*order));
      self->flush();
      self->arm();
    });
  }

  void take(engine::send order) {
    if (is_stopped) return port.add_result(engine::attempt_result{.id = order.id, .attempt = order.attempt});
    const auto& c = *order.content;
    const auto& end = how->end(user_of(c), c.source.value, c.destination.value, order.id.key());
    const auto due = driver_clock::now() + end.delay;
    // A plain delivery is one event at its time. What needs reports, or never gets one, is answered first.
    const bool is_plain =
        end.state == engine::message_state::delivered && !end.no_report && !end.enroute_first && end.repeats == 0;
    if (is_plain) {
      to_come.emplace(due, event_to_come{std::move(order), end});
      return;
    }
    engine::attempt_result taken{.id = order.id, .attempt = order.attempt, .outcome = engine::attempt_outcome::sent};
    taken.segments = {{.accepted = true, .receipt_expected = !end.no_report, .carrier_id = order.id.text()}};
    port.add_result(std::move(taken));
    if (end.no_report) return;
    if (end.enroute_first) to_come.emplace(driver_clock::now() + end.delay / 2, event_to_come{order, end, true, false});
    for (std::uint32_t i = 0; i <= end.repeats; ++i) to_come.emplace(due, event_to_come{order, end, true});
  }

  void happen(const event_to_come& e) {
    if (!e.is_report) {
      port.add_result(engine::attempt_result{
          .id = e.order.id, .attempt = e.order.attempt, .outcome = engine::attempt_outcome::delivered});
      return ended(*e.order.content, e.order.id, engine::message_state::delivered);
    }
    port.add_ingress(engine::report{.token = {sink, 0},
                                    .endpoint = std::string(network_endpoint),
                                    .carrier_id = e.order.id.text(),
                                    .state = e.is_final ? e.end.state : engine::message_state::sent,
                                    .intermediate = !e.is_final,
                                    .code = number_of(e.end.error),
                                    .text = e.end.error});
    if (e.is_final) ended(*e.order.content, e.order.id, e.end.state);
  }

  void arm() {
    if (to_come.empty() || is_stopped) return;
    const auto next = to_come.begin()->first;
    if (armed_for <= next) return;
    armed_for = next;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->armed_for = never;
      self->on_time();
    });
  }

  void on_time() {
    const auto now = driver_clock::now();
    while (!to_come.empty() && to_come.begin()->first <= now) {
      happen(to_come.begin()->second);
      to_come.erase(to_come.begin());
    }
    flush();
    arm();
  }

  // A report for which the engine has no room is tried again a little later, as a network does.
  void flush() {
    port.flush([this](const engine::event& e) {
      if (const auto* r = std::get_if<engine::report>(&e)) put_off.push_back(*r);
    });
    if (put_off.empty() || is_waiting) return;
    is_waiting = true;
    retry_timer.expires_at(driver_clock::now() + std::chrono::milliseconds{100});
    retry_timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->is_waiting = false;
      for (auto& r : std::exchange(self->put_off, {})) self->port.add_ingress(std::move(r));
      self->flush();
    });
  }

  void stop() {
    is_stopped = true;
    timer.cancel();
    retry_timer.cancel();
    for (auto& [due, e] : to_come)
      if (!e.is_report) port.add_result(engine::attempt_result{.id = e.order.id, .attempt = e.order.attempt});
    to_come.clear();
    flush();
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  std::shared_ptr<const behaviours> how;
  std::uint32_t capacity;
  on_end ended;
  engine::sink_id sink = 0;
  std::multimap<time_point, event_to_come> to_come;
  std::vector<engine::report> put_off;
  driver_timer timer;
  driver_timer retry_timer{executor};
  time_point armed_for = never;
  bool is_waiting = false;
  bool is_stopped = false;
};

simulated_network::simulated_network(asio::any_io_executor executor, engine::inbox& e,
                                     std::shared_ptr<const behaviours> how, std::uint32_t capacity, on_end ended)
    : impl_(std::make_shared<impl>(std::move(executor), e, std::move(how), capacity, std::move(ended))) {
  impl_->sink = e.add_sink(*impl_);
}

simulated_network::~simulated_network() { impl_->engine_.remove_sink(impl_->sink); }

void simulated_network::start() {
  asio::post(impl_->executor, [self = impl_] { self->post_link(true); });
}

void simulated_network::set_behaviours(std::shared_ptr<const behaviours> how) {
  asio::post(impl_->executor, [self = impl_, how = std::move(how)] { self->how = how; });
}

void simulated_network::stop() {
  asio::post(impl_->executor, [self = impl_] { self->stop(); });
}

}  // namespace msgkit::app
