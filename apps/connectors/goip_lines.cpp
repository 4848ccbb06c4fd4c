#include "connectors/goip_lines.hpp"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <map>
#include <set>
#include <unordered_map>

#include "connectors/engine_port.hpp"
#include "connectors/mms.hpp"
#include "connectors/plain_text.hpp"
#include "connectors/slab.hpp"
#include "msgkit/goip/text.hpp"

namespace msgkit::app {
namespace {

constexpr std::uint8_t international = 1;
constexpr std::chrono::minutes repetition_window{10};  // devices number anew after a restart

engine::attempt_outcome outcome_of(const goip::sms_done& done) {
  using enum engine::attempt_outcome;
  switch (done.outcome) {
    case goip::sms_outcome::sent: return sent;
    case goip::sms_outcome::unknown: return unknown;
    case goip::sms_outcome::expired: return not_sent;
    case goip::sms_outcome::failed: break;
  }
  if (done.reason == goip::errc::canceled) return not_sent;
  return done.kind == goip::failure_class::permanent ? permanent : temporary;
}

// What a message that the session does not take may become.
engine::attempt_outcome outcome_of(std::error_code refused) {
  using enum engine::attempt_outcome;
  const bool is_content = refused == goip::errc::text_too_long || refused == goip::errc::invalid_destination ||
                          refused == goip::errc::invalid_utf8 || refused == goip::errc::forbidden_character;
  return is_content ? permanent : not_sent;
}

engine::message_state state_of(goip::delivery_state s) {
  switch (s) {
    case goip::delivery_state::delivered: return engine::message_state::delivered;
    case goip::delivery_state::underway: return engine::message_state::sent;
    case goip::delivery_state::failed: break;
  }
  return engine::message_state::undelivered;
}

// Devices dial what they are given: an international number needs its plus.
std::string dialled(const engine::address& to) {
  return to.type == international && is_number(to.value) ? "+" + to.value : to.value;
}

}  // namespace

struct goip_lines::impl final : engine::sink, goip::server_handler, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, goip_lines_options o, std::shared_ptr<goip_lines_observer> obs)
      : executor(std::move(e)), engine_(eng), port(eng), options(std::move(o)), observer(std::move(obs)) {}

  // One line: a link of its carrier. Its address in memory names the link.
  struct link {
    goip_line config{};
    std::string endpoint{};
    goip::line_key key{};
    bool up = false;
    bool is_known = false;                // to the engine
    std::vector<std::uint64_t> orders{};  // handed to the session, without an outcome
    [[nodiscard]] std::uint64_t number() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  };
  struct order {
    engine::send send{};
    std::uint64_t link = 0;
  };
  // A notification that waits for the engine's word on it, and on its copies.
  struct request {
    goip::ack_token token{};
    std::size_t open = 1;
    bool is_stored = false;
    std::optional<engine::refusal> no{};
  };

  result<void> start() {
    // The server keeps its handler alive, and the handler the server: release() parts them.
    server = goip::server::make(executor, options.server, shared_from_this());
    for (std::size_t i = 0; i < options.lines.size(); ++i) {
      const auto added = add(options.lines[i]);
      if (!added) return give_up({added.error().code, added.error().field, i});
    }
    if (const auto error = server->listen()) return give_up({error, "listen"});
    return {};
  }
  static std::string endpoint_of(const goip_line& l) {
    return "carrier:" + (l.carrier.empty() ? l.line.id : l.carrier);
  }
  result<void> add(const goip_line& line) {
    auto l = std::make_unique<link>();
    l->config = line;
    l->endpoint = endpoint_of(line);
    const auto key = server->add_line(line.line);
    if (!key) return key.error();
    l->key = *key;
    by_number[l->number()] = l.get();
    links[*key] = std::move(l);
    return {};
  }
  result<void> change(link& l, goip_line line) {
    if (const auto done = server->update_line(l.key, line.line); !done) return done.error();
    if (const auto endpoint = endpoint_of(line); endpoint != l.endpoint) {
      if (l.is_known)
        port.add_result(engine::link_state{.endpoint = l.endpoint, .link = l.number(), .sink = sink, .up = false});
      l.endpoint = endpoint;
      l.up = l.is_known = false;
    }
    l.config = std::move(line);
    show(l);
    return {};
  }
  result<void> set_lines(std::vector<goip_line> lines) {
    if (!server) return fault{std::make_error_code(std::errc::operation_canceled)};
    std::set<link*> kept;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto* const known = find(lines[i].line.id);
      if (known != nullptr) kept.insert(known);
      const auto done = known != nullptr ? change(*known, std::move(lines[i])) : add(lines[i]);
      if (!done) return fault{done.error().code, done.error().field, i};
      if (known == nullptr) kept.insert(find(lines[i].line.id));
    }
    // One that is gone stays as a disabled line: what it began will still have its outcome.
    for (const auto& [key, l] : links) {
      if (kept.contains(l.get())) continue;
      auto off = l->config;
      off.line.enabled = false;
      (void)change(*l, std::move(off));
    }
    flush_port();
    return {};
  }
  // Tells the engine whether the line takes messages.
  void show(link& l) {
    const auto* const s = server->session().status(l.key);
    const bool up = l.config.line.enabled && s->state == goip::line_state::online;
    if (up == l.up) return;
    l.up = up;
    l.is_known = true;
    // A pause, not an end: what has begun will still have its outcome. What has not goes back for another line.
    port.add_result(engine::link_state{
        .endpoint = l.endpoint, .link = l.number(), .sink = sink, .up = true, .capacity = up ? l.config.capacity : 0});
    if (!up)
      for (const auto number : std::vector(l.orders)) server->cancel_sms(l.key, number);
  }
  fault give_up(fault f) {
    release();
    return f;
  }
  void release() {
    if (server) server->stop();
    server.reset();
  }

  // ---- messages out

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->flush_port();
    });
  }
  void carry_out(engine::action& a) {
    if (auto* s = std::get_if<engine::send>(&a)) return begin(std::move(*s));
    if (const auto* yes = std::get_if<engine::accepted>(&a)) return answer(yes->token.value, {});
    if (const auto* done = std::get_if<engine::report_done>(&a)) return answer(*done);
    if (const auto* no = std::get_if<engine::refused>(&a)) return answer(no->token.value, no->reason);
  }
  void begin(engine::send s) {
    const auto found = by_number.find(s.link);
    if (found == by_number.end() || !server) return report(s, {.outcome = engine::attempt_outcome::not_sent});
    auto& l = *found->second;
    const auto& c = *s.content;
    const auto text =
        c.kind == engine::message_kind::receipt || is_group(c) ? std::nullopt : to_plain_text(*sms_of(s.content));
    if (!text) return report(s, {.outcome = engine::attempt_outcome::permanent, .text = "a GoIP line takes text only"});
    const auto to = dialled(c.destination);
    const auto number = orders.insert({std::move(s), l.number()});
    if (const auto taken = server->send_sms(l.key, to, text->text, number); !taken) {
      const auto code = taken.error().code;
      return report(orders.take(number)->send, {.outcome = outcome_of(code), .text = code.message()});
    }
    l.orders.push_back(number);
  }
  void report(const engine::send& s, engine::attempt_result r) {
    r.id = s.id;
    r.attempt = s.attempt;
    port.add_result(std::move(r));
  }
  // The device's number of an SMS wraps after 255; the engine takes the latest message of a number. So a report finds
  // its message after a restart of ours too.
  static std::string carrier_id(const std::string& line, std::int64_t sms_no) {
    return fmt::format("{}-{}", line, sms_no);
  }

  // ---- what lines say

  void on_event(goip::server&, goip::event e) override {
    std::visit([this](auto& each) { take(each); }, e);
  }
  void on_batch_end(goip::server&) override { flush_port(); }

  void take(const goip::line_changed& e) {
    auto& l = *links.at(e.line);
    if (e.before != e.now) observer->on_line(l.config.line.id, e.before, e.now);
    observer->on_status(l.config.line.id, *server->session().status(e.line));
    show(l);
  }
  void take(const goip::authentication_failed& e) { observer->on_authentication_failed(e); }
  void take(const goip::endpoint_held& e) { observer->on_endpoint_held(links.at(e.line)->config.line.id, e.claimed); }
  void take(const goip::sms_done& e) {
    auto& l = *links.at(e.line);
    observer->on_sent(l.config.line.id, e);
    std::erase(l.orders, e.cookie);
    const auto o = orders.take(e.cookie);
    if (!o) return;
    engine::attempt_result r{.outcome = outcome_of(e)};
    if (e.status) r.code = static_cast<std::uint32_t>(*e.status);
    if (e.reason) r.text = e.words.empty() ? e.reason.message() : goip::clean_text(e.words);
    if (e.outcome == goip::sms_outcome::sent) {
      const bool is_reported = l.config.reports && e.sms_no;
      if (!is_reported && l.config.sent_is_delivered) r.outcome = engine::attempt_outcome::delivered;
      r.segments = {{.accepted = true, .receipt_expected = is_reported && o->send.content->receipt_wanted != 0}};
      if (e.sms_no) r.segments[0].carrier_id = carrier_id(l.config.line.id, *e.sms_no);
    }
    report(o->send, std::move(r));
  }
  void take(const goip::sms_received& e) {
    const auto& l = *links.at(e.line);
    auto to = l.config.msisdn;
    if (to.empty()) to = server->session().status(e.line)->msisdn;
    if (to.empty()) to = l.config.line.id;
    const auto from = goip::clean_text(e.source);
    auto extras = std::make_shared<engine::submit_extras>();
    extras->duplicate_id = fmt::format("{} {} {:x}", l.config.line.id, e.identity.number, e.identity.fingerprint);
    extras->duplicate_window = repetition_window;
    const auto number = requests.insert({.token = e.token, .open = 1 + l.config.copies.size()});
    const auto submit = [&](const std::string& account) {
      auto content = from_plain_text(goip::clean_text(e.text), account, from.empty() ? "unknown" : from, to);
      port.add_ingress(engine::submit{.token = {sink, number}, .content = std::move(content), .extras = extras});
    };
    submit(l.endpoint);
    for (const auto& account : l.config.copies) submit(account);
  }
  void take(const goip::report_received& e) {
    const auto& l = *links.at(e.line);
    engine::report r{.token = {sink, requests.insert({.token = e.token})},
                     .endpoint = l.endpoint,
                     .carrier_id = carrier_id(l.config.line.id, e.sms_no),
                     .state = state_of(e.state),
                     .intermediate = e.state == goip::delivery_state::underway};
    if (e.state != goip::delivery_state::delivered) r.code = static_cast<std::uint32_t>(e.status);
    port.add_ingress(std::move(r));
  }
  void take(const goip::ussd_received& e) {
    observer->on_ussd(links.at(e.line)->config.line.id, goip::clean_text(e.text));
    server->acknowledge(e.token);
  }
  void take(const goip::call_event& e) {
    observer->on_call(links.at(e.line)->config.line.id, e);
    server->acknowledge(e.token);
  }
  void take(const goip::notification_received&) {}
  void take(const goip::ussd_done&) {}
  void take(const goip::command_done&) {}

  // ---- the engine's word on what came in

  void answer(const engine::report_done& done) {
    const auto* const r = requests.find(done.token.value);
    const auto found = r == nullptr ? links.end() : links.find(r->token.line);
    if (done.outcome == engine::report_outcome::unmatched && found != links.end())
      observer->on_stray_report(found->second->config.line.id);
    answer(done.token.value, {});
  }
  // The device is answered when every copy is. One that could not be kept is worth a repetition: those that are stored
  // are known then.
  void answer(std::uint64_t number, std::optional<engine::refusal> no) {
    auto* const r = requests.find(number);
    if (r == nullptr || !server) return;
    if (!no) r->is_stored = true;
    else if (!r->no || engine::is_temporary(*no)) r->no = no;
    if (--r->open > 0) return;
    const auto done = *requests.take(number);
    const bool is_left = done.no && engine::is_temporary(*done.no);
    if (const auto found = links.find(done.token.line); found != links.end())
      observer->on_inbound(found->second->config.line.id, done.is_stored && !is_left);
    if (is_left) server->abandon(done.token);  // the device says it again
    else if (done.is_stored) server->acknowledge(done.token);
    else server->refuse(done.token, engine::name(*done.no));
  }
  [[nodiscard]] link* find(const std::string& id) const {
    for (const auto& [key, l] : links)
      if (l->config.line.id == id) return l.get();
    return nullptr;
  }

  void flush_port() {
    port.flush([this](const engine::event& e) {
      if (const auto* s = std::get_if<engine::submit>(&e)) answer(s->token.value, engine::refusal::queue_full);
      if (const auto* r = std::get_if<engine::report>(&e)) answer(r->token.value, engine::refusal::queue_full);
    });
  }

  void stop(std::chrono::milliseconds limit, std::function<void()> done) {
    if (!server) return done();
    server->drain(limit, [self = shared_from_this(), done = std::move(done)] {
      for (const auto& [key, l] : self->links)
        if (l->is_known)
          self->port.add_result(
              engine::link_state{.endpoint = l->endpoint, .link = l->number(), .sink = self->sink, .up = false});
      self->flush_port();
      self->release();
      done();
    });
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  goip_lines_options options;
  std::shared_ptr<goip_lines_observer> observer;
  engine::sink_id sink = 0;
  std::shared_ptr<goip::server> server;
  std::map<goip::line_key, std::unique_ptr<link>> links;
  std::unordered_map<std::uint64_t, link*> by_number;
  slab<order> orders;
  slab<request> requests;
};

goip_lines::goip_lines(asio::any_io_executor executor, engine::inbox& e, goip_lines_options options,
                       std::shared_ptr<goip_lines_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, std::move(options), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
}

goip_lines::~goip_lines() {
  impl_->engine_.remove_sink(impl_->sink);
  asio::post(impl_->executor, [self = impl_] { self->release(); });
}

result<void> goip_lines::start() { return impl_->start(); }
result<void> goip_lines::set_lines(std::vector<goip_line> lines) { return impl_->set_lines(std::move(lines)); }

void goip_lines::stop(std::chrono::milliseconds limit, std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, limit, done = std::move(done)] { self->stop(limit, done); });
}

std::uint16_t goip_lines::port() const noexcept { return impl_->server ? impl_->server->port() : std::uint16_t{0}; }
const goip::server& goip_lines::server() const noexcept { return *impl_->server; }

const goip::line_status* goip_lines::status(const std::string& id) const {
  const auto* l = impl_->find(id);
  return l == nullptr || !impl_->server ? nullptr : impl_->server->session().status(l->key);
}

void goip_lines::ussd(const std::string& id, const std::string& code,
                      std::function<void(std::error_code, std::string)> done) {
  const auto* l = impl_->find(id);
  if (l == nullptr || !impl_->server) return done(make_error_code(std::errc::no_such_device), {});
  impl_->server->async_ussd(l->key, code, false, [done = std::move(done)](std::error_code ec, goip::ussd_done d) {
    done(ec, goip::clean_text(d.text));
  });
}

}  // namespace msgkit::app
