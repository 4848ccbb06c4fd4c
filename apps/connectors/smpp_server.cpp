#include "connectors/smpp_server.hpp"

#include <algorithm>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <map>

#include "connectors/attempts.hpp"
#include "connectors/mms.hpp"
#include "msgkit/smpp/rate_control.hpp"

namespace msgkit::app {
namespace {

using smpp::command_status;
using smpp::connection;

bool may_send(smpp::bind_mode mode) { return mode != smpp::bind_mode::receiver; }
bool may_receive(smpp::bind_mode mode) { return mode != smpp::bind_mode::transmitter; }

using account_ptr = std::shared_ptr<const smpp_account>;

// Shared by all binds of an account.
struct account_pace {
  explicit account_pace(double r) : per_second(r), pace({.per_second = r, .follows_peer = false}) {}
  void set_share(double s) {
    if (s == share) return;
    share = s;
    pace = smpp::rate_control({.per_second = per_second * s, .follows_peer = false});
  }
  double per_second, share = 1;
  smpp::rate_control pace;
};

// What one connection is to us once its bind was accepted.
struct bound_client {
  account_ptr account;
  std::shared_ptr<account_pace> pace;
  smpp::bind_mode mode{};
  std::string endpoint;
  bool linked = false;  // the engine knows it as a link
  attempt_table::lane waiting{};
};

// Requests that bring messages in, and so count against an account's pace.
bool is_message(smpp::command_id command) {
  return command == smpp::command_id::submit_sm || command == smpp::command_id::data_sm ||
         command == smpp::command_id::submit_multi || command == smpp::command_id::broadcast_sm;
}

// A '+' says nothing that the type of number does not, and clients put it there or leave it out.
bool may_send_from(const smpp_account& a, const smpp::pdu& m) {
  if (!a.senders) return true;
  return std::visit(
      [&](const auto& request) {
        if constexpr (requires { request.source_addr; }) {
          std::string_view from = request.source_addr;
          if (from.starts_with('+')) from.remove_prefix(1);
          return a.senders->contains(from);
        } else {
          return true;
        }
      },
      static_cast<const smpp::pdu_variant&>(m));
}

}  // namespace

struct smpp_server::impl final : smpp::server_handler, engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, smpp_server_options o, credential_check c,
       std::shared_ptr<smpp_server_observer> obs)
      : executor(std::move(e)), engine_(eng), port(eng), options(std::move(o)), check(std::move(c)),
        observer(std::move(obs)), requests(port, options.ids), timer(executor) {
    take_accounts(options.accounts);
  }

  // ---- accounts

  void take_accounts(const std::vector<smpp_account>& all) {
    accounts.clear();
    for (const auto& a : all) {
      accounts[a.system_id] = std::make_shared<const smpp_account>(a);
      // A pace that did not change goes on where it is.
      auto& p = paces[a.system_id];
      if (!p || p->per_second != a.segments_per_second)
        p = std::make_shared<account_pace>(a.segments_per_second);
    }
    costliest_password.clear();
    for (const auto& a : all)
      if (a.password.size() > costliest_password.size()) costliest_password = a.password;
  }

  void replace_accounts(const std::vector<smpp_account>& all) {
    take_accounts(all);
    for (const auto& [id, c] : std::map(connections)) {
      const auto* bound = client_of(*c);
      if (bound == nullptr) continue;
      const auto found = accounts.find(bound->account->system_id);
      const bool stays = found != accounts.end() && found->second->password == bound->account->password &&
                         is_allowed(*found->second, bound->mode) && is_from_allowed(*found->second, *c);
      if (!stays) c->unbind();
      else adopt_account(*c, found->second);
    }
  }

  static bool is_allowed(const smpp_account& a, smpp::bind_mode mode) {
    return (!may_send(mode) || a.allow_transmitter) && (!may_receive(mode) || a.allow_receiver);
  }

  static bool is_from_allowed(const smpp_account& a, const connection& c) {
    return a.allowed_addresses.empty() || a.allowed_addresses.contains(c.peer().address);
  }

  // What a reload changed holds for binds that are up as well.
  void adopt_account(connection& c, const account_ptr& account) {
    auto& bound = *client_of(c);
    const bool wider = bound.account->deliver_window != account->deliver_window;
    bound.account = account;
    bound.pace = paces[account->system_id];
    if (bound.linked && wider) set_link(c, bound, true, account->deliver_window);
  }

  static bound_client* client_of(connection& c) { return static_cast<bound_client*>(c.user_data().get()); }

  std::size_t count_binds(const account_ptr& account) const {
    return static_cast<std::size_t>(std::ranges::count_if(connections, [&](const auto& each) {
      const auto* bound = client_of(*each.second);
      return bound != nullptr && bound->account->system_id == account->system_id;
    }));
  }

  // ---- connections

  void on_connected(connection& c) override {
    if (stopping) return c.close();
    connections.emplace(c.id(), c.shared_from_this());
    observer->on_connected(c.peer());
  }

  void on_refused(refusal why, const peer_address& peer) override { observer->on_refused(why, peer); }

  void on_bind(connection& c, const smpp::pdu& bind) override {
    const auto request = smpp::view_bind(bind);
    const auto found = accounts.find(std::string(request.parameters.system_id));
    const account_ptr account = found == accounts.end() ? nullptr : found->second;
    // An unknown name is checked like a wrong password, so that the time of the answer does not tell which names exist.
    const auto stored = account ? account->password : costliest_password;
    check(stored, std::string(request.parameters.password),
          [self = shared_from_this(), weak = c.weak_from_this(), account, mode = request.mode,
           name = std::string(request.parameters.system_id)](credential_answer answer) {
            asio::post(self->executor, [self, weak, account, mode, name, answer] {
              if (const auto live = weak.lock()) self->decide_bind(*live, account, answer, mode, name);
            });
          });
  }

  void decide_bind(connection& c, const account_ptr& account, credential_answer answer, smpp::bind_mode mode,
                   const std::string& name) {
    auto status = command_status::ok;
    if (stopping || draining) status = command_status::system_error;
    else if (answer == credential_answer::busy) status = command_status::throttled;
    else if (!account || answer != credential_answer::good) status = command_status::invalid_password;
    else if (!is_allowed(*account, mode) || !is_from_allowed(*account, c)) status = command_status::bind_failed;
    else if (count_binds(account) >= account->binds_max) status = command_status::throttled;
    if (status != command_status::ok) {
      observer->on_bind_refused(name, c.peer(), status);
      (void)c.refuse_bind(status);
      return;
    }
    auto bound = std::make_shared<bound_client>(
        bound_client{account, paces[account->system_id], mode, "client:" + account->name});
    c.set_user_data(bound);
    if (!c.accept_bind(options.system_id)) return;
    observer->on_bound(*account, c.peer(), mode);
    if (!may_receive(mode)) return;
    bound->linked = true;
    set_link(c, *bound, true, account->deliver_window);
    flush_port();
  }

  void set_link(connection& c, const bound_client& bound, bool up, std::size_t capacity) {
    port.add_result(engine::link_state{.endpoint = bound.endpoint,
                                       .link = c.id(),
                                       .sink = sink,
                                       .up = up,
                                       .capacity = static_cast<std::uint32_t>(capacity)});
    if (up) links[c.id()] = c.shared_from_this();
    else links.erase(c.id());
  }

  // What has not left goes elsewhere. What has may still be answered, so the link stays until the connection is closed.
  void on_unbinding(connection& c) override {
    auto* bound = client_of(c);
    if (bound == nullptr || !bound->linked) return;
    set_link(c, *bound, true, 0);
    attempts.abandon(bound->waiting, reporter{*this, *bound});
  }

  void unlink(connection& c) {
    auto* bound = client_of(c);
    if (bound == nullptr || !std::exchange(bound->linked, false)) return;
    attempts.abandon(bound->waiting, reporter{*this, *bound});
    set_link(c, *bound, false, 0);
  }

  void on_closed(connection& c, std::error_code reason) override {
    // Outcomes of what was on the way have been reported before, as the engine asks.
    unlink(c);
    flush_port();
    if (const auto* bound = client_of(c)) observer->on_unbound(*bound->account, c.peer(), reason);
    else observer->on_closed(c.peer(), reason);
    observer->on_ended(c.session().counters());
    c.set_user_data(nullptr);
    connections.erase(c.id());
    if (connections.empty() && stopped) std::exchange(stopped, nullptr)();
  }

  // ---- messages from clients

  void on_request(connection& c, const smpp::pdu& m) override {
    auto& bound = *client_of(c);
    const auto status = take(c, bound, m);
    if (status == command_status::ok) return;
    if (is_message(m.head.id)) observer->on_submit(*bound.account, status);
    (void)c.reject(m.head.sequence, status);
  }

  // ok when the request is under way, or dealt with by a script.
  command_status take(connection& c, bound_client& bound, const smpp::pdu& m) {
    if (!client_requests::is_ours(m.head.id)) return command_status::invalid_command_id;
    if (is_forbidden(m.head.id, bound.account->permissions)) return command_status::prohibited;
    if (is_message(m.head.id) && !may_send_from(*bound.account, m)) return command_status::invalid_source_address;
    if (draining) return command_status::system_error;
    scripted_answer script;
    if (options.script) script = options.script(*bound.account, m);
    if (script.disconnects) return c.close(), command_status::ok;
    if (script.status != command_status::ok) return refuse_later(c, m.head, script);
    if (is_message(m.head.id) && bound.account->segments_per_second > 0) {
      const auto now = driver_clock::now();
      if (options.pace_share) bound.pace->set_share(options.pace_share(bound.endpoint));
      if (!bound.pace->pace.is_ready(now)) return command_status::throttled;
      bound.pace->pace.take(now);
    }
    return requests.begin(c, m, bound.endpoint, bound.account->profile, driver_clock::wall_now(), script);
  }

  command_status refuse_later(connection& c, const smpp::header& h, const scripted_answer& script) {
    if (script.is_silent) return command_status::ok;
    if (script.delay.count() == 0) return script.status;
    hold({.from = c.shared_from_this(), .sequence = h.sequence, .command = h.id, .status = script.status, .script = script});
    return command_status::ok;
  }

  void on_batch_end(connection& c) override {
    if (auto* bound = client_of(c)) pump(c, *bound);
    flush_port();
  }

  void flush_port() {
    port.flush([this](const engine::event& e) {
      std::visit(
          [this](const auto& what) {
            if constexpr (requires { what.token; }) refuse_busy(what.token);
          },
          e);
    });
  }

  // The engine is behind: the client shall slow down and try again.
  void refuse_busy(engine::ingress_token token) {
    auto done = requests.take(engine::refused{token, engine::refusal::queue_full});
    if (!done) return;
    if (done->status == command_status::message_queue_full) done->status = command_status::throttled;
    finish(std::move(*done));
  }

  void finish(client_request&& r) {
    if (const auto* bound = client_of(*r.from); bound != nullptr && is_message(r.command)) {
      observer->on_submit(*bound->account, r.status);
      if (r.status == command_status::ok && r.content) observer->on_taken(*bound->account, r.id, *r.content);
    }
    if (r.script.is_silent) return;
    if (r.script.delay.count() > 0) return hold(std::move(r));
    requests.respond(r);
    touch(*r.from);
  }

  // ---- answers that a script holds back

  void hold(client_request&& r) {
    const auto due = driver_clock::now() + r.script.delay;
    held.emplace(due, std::move(r));
    if (held.begin()->first == due) arm();
  }

  void arm() {
    if (held.empty()) return;
    timer.expires_at(held.begin()->first);
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      const auto now = driver_clock::now();
      while (!self->held.empty() && self->held.begin()->first <= now) {
        const auto r = self->held.extract(self->held.begin());
        self->requests.respond(r.mapped());
        self->touch(*r.mapped().from);
      }
      self->flush_touched();
      self->arm();
    });
  }

  // ---- actions of the engine

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->flush_port();
      self->flush_touched();
    });
  }

  void flush_touched() {
    for (const auto& c : std::exchange(touched, {})) c->flush();
  }

  void carry_out(engine::action& a) {
    if (auto* s = std::get_if<engine::send>(&a)) return deliver(*s);
    if (auto done = requests.take(a)) finish(std::move(*done));
  }

  void deliver(engine::send& s) {
    s.content = sms_of(std::move(s.content));
    const auto found = links.find(s.link);
    if (found == links.end())  // never left
      return port.add_result(engine::attempt_result{.id = s.id, .attempt = s.attempt});
    auto& c = *found->second;
    auto& bound = *client_of(c);
    auto parts = cut(*s.content, bound.account->profile);
    if (!parts) {
      const auto why = parts.error().code;
      return report(bound, {.order = std::move(s), .error = why});
    }
    attempts.begin(bound.waiting, std::move(s), std::move(*parts));
    pump(c, bound);
    touch(c);
  }

  result<wire_parts> cut(const engine::message_content& content, const sms_profile& profile) {
    if (content.kind != engine::message_kind::receipt)
      return to_parts(content, profile, references.next(content.source.value, content.destination.value));
    wire_parts one;
    one.parts.emplace_back();
    return one;
  }

  void pump(connection& c, bound_client& bound) {
    if (bound.waiting.empty()) return;
    const auto may_go = [&] {
      const auto& s = c.session();
      return !s.is_unbinding() && s.window_room() > 0 && s.open_requests() < bound.account->deliver_window;
    };
    const auto transmit = [&](attempt& a, std::size_t part, std::uint64_t cookie) {
      const auto& content = *a.order.content;
      smpp::deliver_sm m;
      if (content.kind == engine::message_kind::receipt) fill_receipt(m, content, to_text(content.receipt->receipt_of, options.ids), receipt_text, tlvs);
      else fill(m, content, a.parts, a.parts.parts[part], tlvs);
      return c.request(m, {.cookie = cookie});
    };
    attempts.pump(bound.waiting, may_go, transmit, reporter{*this, bound});
  }

  void on_outcome(connection& c, const smpp::outcome& o) override {
    if (auto* bound = client_of(c)) attempts.part_done(o, reporter{*this, *bound});
  }

  void report(const bound_client& bound, const attempt& a) {
    observer->on_deliver(*bound.account, *a.order.content, a.error);
    auto r = result_of(a, engine::attempt_outcome::delivered);
    if (r.segments.size() == 1) r.segments.clear();  // says nothing that the outcome does not say
    port.add_result(std::move(r));
  }
  struct reporter {
    impl& owner;
    const bound_client& bound;
    void operator()(const attempt& a) const { owner.report(bound, a); }
  };

  // Output of one batch leaves in one write per connection.
  void touch(connection& c) {
    if (touched.empty() || touched.back().get() != &c) touched.push_back(c.shared_from_this());
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  smpp_server_options options;
  credential_check check;
  std::shared_ptr<smpp_server_observer> observer;
  engine::sink_id sink = 0;
  std::unique_ptr<smpp::server> server;
  std::map<std::string, account_ptr, std::less<>> accounts;
  std::string costliest_password;  // a hashed one is longer than any clear one
  std::map<std::uint64_t, std::shared_ptr<connection>> connections;  // by id: in the order they came
  std::unordered_map<std::uint64_t, std::shared_ptr<connection>> links;
  std::map<std::string, std::shared_ptr<account_pace>, std::less<>> paces;
  client_requests requests;
  std::multimap<time_point, client_request> held;
  driver_timer timer;
  attempt_table attempts;
  std::vector<std::shared_ptr<connection>> touched;
  smpp::reference_counter references{static_cast<std::uint64_t>(driver_clock::wall_now().time_since_epoch().count())};
  smpp::tlv_builder tlvs;
  std::string receipt_text;
  std::function<void()> stopped;
  bool draining = false;
  bool stopping = false;
};

smpp_server::smpp_server(asio::any_io_executor executor, engine::inbox& e, smpp_server_options options,
                         credential_check check, std::shared_ptr<smpp_server_observer> observer)
    : impl_(std::make_shared<impl>(executor, e, options, std::move(check), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
  impl_->requests.set_sink(impl_->sink);
  impl_->server = std::make_unique<smpp::server>(executor, std::move(options.server), impl_);
}

smpp_server::~smpp_server() {
  impl_->engine_.remove_sink(impl_->sink);
  impl_->server.reset();
}

std::error_code smpp_server::listen() { return impl_->server->listen(); }
void smpp_server::adopt(std::shared_ptr<stream> transport) { impl_->server->adopt(std::move(transport)); }
std::uint16_t smpp_server::port() const noexcept { return impl_->server->port(); }

void smpp_server::set_accounts(std::vector<smpp_account> accounts) {
  asio::post(impl_->executor, [self = impl_, all = std::move(accounts)] { self->replace_accounts(all); });
}

void smpp_server::drain() {
  asio::post(impl_->executor, [self = impl_] {
    self->draining = true;
    self->server->stop();
  });
}

void smpp_server::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)] {
    self->draining = self->stopping = true;
    self->server->stop();
    if (self->connections.empty()) return done();
    self->stopped = done;
    for (const auto& [id, c] : std::map(self->connections)) c->unbind();
  });
}

}  // namespace msgkit::app
