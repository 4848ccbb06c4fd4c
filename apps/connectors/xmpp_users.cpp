#include "connectors/xmpp_users.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "common/digest.hpp"
#include "connectors/engine_port.hpp"
#include "connectors/mms.hpp"
#include "connectors/plain_text.hpp"
#include "connectors/slab.hpp"
#include "connectors/xmpp_conditions.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

namespace msgkit::app {
namespace {

namespace xmpp = xmppcomp;
using xmpp::stanza_condition;

// A number of the engine as people write it. Names stay as they are.
std::string written(const engine::address& a) {
  const bool is_bare = !a.value.empty() && a.value.find_first_not_of("0123456789") == std::string::npos;
  return a.type == 1 && is_bare ? "+" + a.value : a.value;
}

std::string_view without_plus(std::string_view number) noexcept {
  return number.starts_with('+') ? number.substr(1) : number;
}

// A message's reference names the chat it was: who wrote it, under which id. One that does not fit is left out, and the
// message then has no receipt.
std::string reference_of(const xmpp::element& chat) {
  std::string reference(chat.get("from"));
  reference.append(1, '\n').append(chat.get("id"));
  const bool fits = !chat.get("id").empty() && reference.size() <= engine::reference_octets_max;
  return fits ? reference : std::string{};
}

}  // namespace

struct xmpp_users::impl final : xmpp::component_handler, engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, xmpp_users_options o, std::shared_ptr<xmpp_users_observer> obs)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        options(std::move(o)),
        observer(std::move(obs)),
        answers({.domain = options.component.session.domain, .name = options.gateway_name, .numbers = options.numbers},
                options.directory != nullptr ? *options.directory : no_directory) {
    for (std::size_t i = 0; i < options.users.size(); ++i) {
      const auto jid = xmpp::jid::parse(options.users[i].jid);
      if (!jid || jid->local().empty() || !jid->is_bare())
        throw std::system_error(jid ? make_error_code(xmpp::errc::jid_invalid) : jid.error().code,
                                "users: " + options.users[i].jid);
      users_by_jid[jid->to_string()] = i;
    }
    slots = users_by_jid;
  }

  struct attempt_key {
    engine::message_id id{};
    std::uint32_t attempt = 0;
  };

  // ---- links: one for each user, up as long as we are, because the outbox waits for the server

  std::uint64_t link_of(std::size_t user) const { return std::uint64_t{sink} << 32 | user; }
  void post_link(std::size_t i, bool up, std::uint32_t capacity) {
    port.add_result(engine::link_state{.endpoint = "client:" + options.users[i].name,
                                       .link = link_of(i),
                                       .sink = sink,
                                       .up = up,
                                       .capacity = capacity});
  }
  void post_links(bool up) {
    for (const auto& [jid, i] : users_by_jid) post_link(i, up, up ? options.users[i].window : 0);
    flush_port();
  }

  void set_users(std::vector<xmpp_user> fresh) {
    std::map<std::string, std::size_t> now;
    for (auto& u : fresh) {
      const auto jid = xmpp::jid::parse(u.jid);
      if (!jid || jid->local().empty() || !jid->is_bare()) continue;
      const auto [slot, is_new] = slots.try_emplace(jid->to_string(), options.users.size());
      const auto i = slot->second;
      if (is_new) options.users.emplace_back();
      else if (options.users[i].name != u.name) post_link(i, false, 0);
      options.users[i] = std::move(u);
      now[slot->first] = i;
      if (!stopping) post_link(i, true, options.users[i].window);
    }
    // A pause, not an end: what is on the way to one who is gone still has its outcome.
    for (const auto& [jid, i] : users_by_jid)
      if (!now.contains(jid)) post_link(i, true, 0);
    users_by_jid = std::move(now);
    flush_port();
  }

  // ---- presence

  static constexpr std::size_t contacts_max = 1'000;  // remembered of each user; others show themselves when asked

  [[nodiscard]] xmpp::contact_presence presence_of(const xmpp_user& user) const {
    return options.presence ? options.presence(user) : xmpp::contact_presence{};
  }
  void on_presence(const xmpp::element& stanza, const xmpp_user* user) {
    if (user == nullptr) {
      for (const auto& each : xmpp::refuse_presence(stanza)) (void)component->send(each);
      return;
    }
    const auto kind = xmpp::presence_kind_of(stanza);
    auto& seen = contacts[user->jid];
    std::string contact(xmpp::split_jid(stanza.get("to")).local);
    if (kind == xmpp::presence_kind::unsubscribe) seen.erase(contact);
    else if ((kind == xmpp::presence_kind::subscribe || kind == xmpp::presence_kind::probe) &&
             seen.size() < contacts_max)
      seen.insert(std::move(contact));
    for (const auto& each : xmpp::answer_presence(stanza, presence_of(*user))) (void)component->send(each);
  }
  void show_presence(const xmpp_user& user) {
    const auto state = presence_of(user);
    const auto& domain = options.component.session.domain;
    auto shown = contacts[user.jid];
    shown.insert("");  // the gateway itself
    if (!user.number.empty()) shown.insert(xmpp::local_of_sender(user.number));
    for (const auto& local : shown)
      (void)component->send(
          xmpp::make_contact_presence(local.empty() ? domain : local + "@" + domain, user.jid, state));
  }

  void flush_port() {
    port.flush([this](const engine::event& e) {
      if (const auto* s = std::get_if<engine::submit>(&e))
        on_not_taken(s->token.value, stanza_condition::resource_constraint);
    });
  }

  // ---- from the server

  void on_open(xmpp::component&) override {
    observer->on_open();
    if (!options.presence) return;
    for (const auto& [jid, i] : users_by_jid) show_presence(options.users[i]);
  }
  void on_closed(xmpp::component&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    observer->on_closed(reason, retry_in);
  }
  void on_batch_end(xmpp::component&) override { flush_port(); }

  const xmpp_user* user_of(const xmpp::element& stanza) const {
    const auto from = xmpp::jid::parse(stanza.get("from"));
    if (!from) return nullptr;
    const auto found = users_by_jid.find(from->bare().to_string());
    return found == users_by_jid.end() ? nullptr : &options.users[found->second];
  }

  void on_stanza(xmpp::component& c, const xmpp::element& stanza) override {
    const auto* user = user_of(stanza);
    switch (xmpp::kind_of(stanza)) {
      case xmpp::stanza_kind::iq:
        if (const auto answer = answers.answer(stanza, driver_clock::now())) (void)c.send(*answer);
        return;
      case xmpp::stanza_kind::presence: return on_presence(stanza, user);
      case xmpp::stanza_kind::message: return on_message(stanza, user);
      case xmpp::stanza_kind::other: return;
    }
  }

  void on_message(const xmpp::element& m, const xmpp_user* user) {
    const auto content = xmpp::classify(m);
    if (content == xmpp::message_content::error) return on_returned(m);
    if (content != xmpp::message_content::text) return;
    if (user == nullptr) return refuse(m, stanza_condition::registration_required);
    if (draining) return refuse(m, stanza_condition::recipient_unavailable);
    const auto local = xmpp::split_jid(m.get("to")).local;
    if (local.empty() && options.command && options.command(*user, {}, std::string(xmpp::body_of(m)))) return;
    const auto number = xmpp::number_of_local(local, options.numbers);
    if (!number) return refuse(m, stanza_condition::jid_malformed);
    auto text = xmpp::body_of(m);
    if (text.empty()) text = xmpp::link_of(m).value_or("");
    if (options.command && options.command(*user, *number, std::string(text))) return;
    if (user->may_send_to && !user->may_send_to(*number)) return refuse(m, stanza_condition::forbidden);
    auto content_ptr = from_plain_text(text, "client:" + user->name, number_towards(*user, *number), *number);
    auto full = *content_ptr;
    full.reference = reference_of(m);
    if (!full.reference.empty()) full.receipt_wanted = engine::receipt_on_success | engine::receipt_on_failure;
    // Only what an error needs is kept: addresses and id.
    auto waiting = m;
    waiting.children.clear();
    const auto token = chats.insert(std::move(waiting));
    port.add_ingress(engine::submit{.token = {sink, token},
                                    .content = std::make_shared<const engine::message_content>(std::move(full)),
                                    .extras = name_of_chat(m, *user, *number, text)});
  }

  // Clients say again what they had written when their connection broke. Some number their chats anew each time, so the
  // words belong to the name.
  static std::shared_ptr<const engine::submit_extras> name_of_chat(const xmpp::element& m, const xmpp_user& user,
                                                                   std::string_view number, std::string_view text) {
    if (m.get("id").empty()) return nullptr;
    auto extras = std::make_shared<engine::submit_extras>();
    const auto whole = fmt::format("{}\n{}\n{}\n{}", user.jid, m.get("id"), number, text);
    extras->duplicate_id = to_hex(as_bytes(digest(digest_kind::sha256, whole)));
    extras->duplicate_window = repetition_window;
    return extras;
  }

  void refuse(const xmpp::element& chat, stanza_condition why) {
    observer->on_refused(std::string(chat.get("from")), why);
    (void)component->push(xmpp::make_error(chat, {why, std::string(words_of(why))}), unreported);
  }
  void refuse_chat(std::uint64_t token, stanza_condition why) {
    if (const auto chat = chats.take(token)) refuse(*chat, why);
  }

  // ---- chats of ours that come back

  struct sent_chat {
    engine::content_ptr content;
    std::string to;  // bare
    std::optional<xmpp::stanza_error> returned{};
  };

  // Mostly before the server confirms that it has read the chat; a distant server takes longer.
  void on_returned(const xmpp::element& m) {
    const auto error = xmpp::parse_stanza_error(m).value_or(xmpp::stanza_error{});
    observer->on_bounced(std::string(m.get("from")), error.condition);
    const auto from = xmpp::jid::parse(m.get("from"));
    const auto id = engine::message_id::parse(m.get("id"));
    const auto at = from && id ? sent.find(*id) : sent.end();
    if (at == sent.end() || at->second.to != from->bare().to_string() || at->second.returned) return;
    at->second.returned = error;
    const bool is_late = std::ranges::find(confirmed, *id) != confirmed.end();
    if (is_late && goes_to_another(at->second)) pass_on({}, *id, at->second);
  }
  [[nodiscard]] bool goes_to_another(const sent_chat& c) const {
    return !options.returned_account.empty() && c.content->account != options.returned_account &&
           c.returned->type != xmpp::error_type::wait;
  }
  // The attempt ends when the engine has the copy.
  void pass_on(attempt_key attempt, engine::message_id id, const sent_chat& c) {
    const auto text = to_plain_text(*c.content);
    const auto words = fmt::format("[for {}, {}] {}", c.to, written(c.content->destination),
                                   text ? std::string_view(text->text) : "[binary message]");
    auto extras = std::make_shared<engine::submit_extras>();
    extras->duplicate_id = id.text();
    auto content =
        from_plain_text(words, options.returned_account, written(c.content->source), written(c.content->destination));
    port.add_ingress(engine::submit{.token = {sink, copies.insert(attempt) | copy_bit},
                                    .content = std::move(content),
                                    .extras = std::move(extras)});
  }
  void on_passed_on(std::uint64_t token, bool is_stored) {
    const auto attempt = copies.take(token & ~copy_bit);
    if (!attempt || !attempt->id) return;
    const engine::send s{.id = attempt->id, .attempt = attempt->attempt};
    if (is_stored) report(s, engine::attempt_outcome::permanent, "given back by the user's server, passed on");
    else report(s, engine::attempt_outcome::temporary, "given back by the user's server");
  }
  void on_confirmed(const attempt_key& a) {
    const engine::send s{.id = a.id, .attempt = a.attempt};
    const auto at = sent.find(a.id);
    if (at == sent.end()) return report(s, engine::attempt_outcome::delivered);
    if (!at->second.returned) {
      if (options.returned_account.empty()) sent.erase(at);
      else confirmed.push_back(a.id);
      if (confirmed.size() > confirmed_max) {
        sent.erase(confirmed.front());
        confirmed.pop_front();
      }
      return report(s, engine::attempt_outcome::delivered);
    }
    const auto chat = std::move(sent.extract(at).mapped());
    if (goes_to_another(chat)) return pass_on(a, a.id, chat);
    report(
        s,
        is_worth_another_try(*chat.returned) ? engine::attempt_outcome::temporary : engine::attempt_outcome::permanent,
        fmt::format("given back by the user's server: {}", to_string(chat.returned->condition)));
  }

  // ---- from the engine

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->flush_port();
    });
  }

  void carry_out(engine::action& a) {
    if (const auto* yes = std::get_if<engine::accepted>(&a)) on_taken(yes->token.value);
    else if (const auto* no = std::get_if<engine::refused>(&a)) on_not_taken(no->token.value, condition_of(no->reason));
    else if (const auto* s = std::get_if<engine::send>(&a)) deliver(*s);
  }

  void on_taken(std::uint64_t token) {
    if ((token & copy_bit) != 0) on_passed_on(token, true);
    else chats.take(token);
  }
  void on_not_taken(std::uint64_t token, stanza_condition why) {
    if ((token & copy_bit) != 0) on_passed_on(token, false);
    else refuse_chat(token, why);
  }

  void deliver(const engine::send& s) {
    const auto user = static_cast<std::uint32_t>(s.link);
    if (stopping || s.link != link_of(user) || user >= options.users.size())
      return report(s, engine::attempt_outcome::not_sent);
    const auto& c = *s.content;
    const auto stanza = c.kind == engine::message_kind::receipt ? make_receipt(c) : make_chat(s, options.users[user]);
    if (!stanza) return report(s, engine::attempt_outcome::delivered);  // nothing to show
    const auto number = attempts.insert({s.id, s.attempt});
    const auto pushed = component->push(*stanza, number + 1);
    if (pushed && c.kind != engine::message_kind::receipt) note_chat(s, options.users[user]);
    if (pushed) return;
    attempts.take(number);
    const bool is_full = pushed.error().code == xmpp::errc::queue_full;
    report(s, is_full ? engine::attempt_outcome::throttled : engine::attempt_outcome::permanent,
           pushed.error().code.message());
  }

  void note_chat(const engine::send& s, const xmpp_user& user) {
    const auto jid = xmpp::jid::parse(user.jid);
    sent.insert_or_assign(s.id, sent_chat{s.content, jid ? jid->to_string() : user.jid});
    const auto mine = std::ranges::find(user.numbers, s.content->destination.value, without_plus);
    if (mine == user.numbers.end()) return;
    if (last_number.size() >= last_numbers_max) last_number.clear();
    last_number[{user.jid, written(s.content->source)}] = *mine;
  }
  // The number of ours that a contact wrote to is the one that answers.
  [[nodiscard]] const std::string& number_towards(const xmpp_user& user, const std::string& contact) const {
    const auto found = last_number.find({user.jid, contact});
    const bool is_his =
        found != last_number.end() && std::ranges::find(user.numbers, found->second) != user.numbers.end();
    return is_his ? found->second : user.number;
  }

  std::optional<xmpp::element> make_chat(const engine::send& s, const xmpp_user& user) {
    const auto text = to_plain_text(*sms_of(s.content));
    const auto from = xmpp::local_of_sender(written(s.content->source)) + "@" + options.component.session.domain;
    auto chat = xmpp::make_message(from, user.jid, text ? text->text : "[binary message]", "chat", s.id.text());
    xmpp::request_receipt(chat);
    return chat;
  }

  // To the client that wrote the chat. Nothing for intermediate reports and chats without an id.
  std::optional<xmpp::element> make_receipt(const engine::message_content& c) {
    const auto cut = c.reference.find('\n');
    if (!c.receipt || c.receipt->intermediate || cut == std::string::npos) return std::nullopt;
    // The receipt's source is the number the chat went to.
    const auto to = xmpp::local_of_sender(written(c.source)) + "@" + options.component.session.domain;
    const auto chat = xmpp::make_message(c.reference.substr(0, cut), to, {}, "chat", c.reference.substr(cut + 1));
    if (c.receipt->state == engine::message_state::delivered) return xmpp::make_receipt(chat);
    std::string words(name(c.receipt->state));
    if (!c.receipt->error_text.empty()) words += ": " + c.receipt->error_text;
    return xmpp::make_error(chat, {condition_of(c.receipt->state), words});
  }

  void on_outcome(xmpp::component&, const xmpp::outbox_outcome& o) override {
    if (o.cookie == unreported) return;
    const auto a = attempts.take(o.cookie - 1);
    if (!a) return;
    const engine::send s{.id = a->id, .attempt = a->attempt};
    if (o.error) sent.erase(a->id);
    if (!o.error) on_confirmed(*a);
    else if (o.error == xmpp::errc::quarantined) report(s, engine::attempt_outcome::permanent, o.error.message());
    else report(s, engine::attempt_outcome::unknown, o.error.message());
    flush_port();
  }

  void report(const engine::send& s, engine::attempt_outcome outcome, std::string words = {}) {
    port.add_result(
        engine::attempt_result{.id = s.id, .attempt = s.attempt, .outcome = outcome, .text = std::move(words)});
  }

  static constexpr std::uint64_t unreported = 0;                     // cookie of stanzas whose outcome nobody waits for
  static constexpr std::uint64_t copy_bit = std::uint64_t{1} << 63;  // of tokens that name a copy, not a chat
  static constexpr std::size_t confirmed_max = 1'000;                // chats that may still come back late
  static constexpr std::size_t last_numbers_max = 10'000;
  static constexpr std::chrono::hours repetition_window{24};

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  xmpp_users_options options;
  std::shared_ptr<xmpp_users_observer> observer;
  xmpp::gateway_directory no_directory;
  xmpp::responder answers;
  engine::sink_id sink = 0;
  std::shared_ptr<xmpp::component> component;
  std::map<std::string, std::size_t> users_by_jid;
  std::map<std::string, std::size_t> slots;                // in options.users, of everybody who has ever been a user
  std::map<std::string, std::set<std::string>> contacts;   // by user: local parts that he subscribed to or asked for
  slab<xmpp::element> chats;                               // that wait for the store
  slab<attempt_key> attempts;                              // in the outbox
  slab<attempt_key> copies;                                // of chats that came back, on their way into the store
  std::unordered_map<engine::message_id, sent_chat> sent;  // in the outbox, and `confirmed`
  std::deque<engine::message_id> confirmed;
  std::map<std::pair<std::string, std::string>, std::string> last_number;  // by user and contact: see number_towards()
  bool draining = false;
  bool stopping = false;
};

xmpp_users::xmpp_users(asio::any_io_executor executor, engine::inbox& e, xmpp_users_options options,
                       std::shared_ptr<xmpp_users_observer> observer)
    : impl_(std::make_shared<impl>(executor, e, std::move(options), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
  impl_->component = xmpp::component::make(executor, impl_->options.component, impl_);
}

xmpp_users::~xmpp_users() {
  impl_->engine_.remove_sink(impl_->sink);
  impl_->component.reset();  // it holds us
}

void xmpp_users::start() {
  asio::post(impl_->executor, [self = impl_] {
    self->post_links(true);
    self->component->start();
  });
}

const std::string& xmpp_users::domain() const noexcept { return impl_->options.component.session.domain; }

void xmpp_users::say(const std::string& jid, const std::string& from, const std::string& text) {
  const auto address = (from.empty() ? std::string{} : xmpp::local_of_sender(from) + "@") + domain();
  (void)impl_->component->push(xmpp::make_message(address, jid, text, "chat", {}), impl::unreported);
}

void xmpp_users::set_users(std::vector<xmpp_user> users) { impl_->set_users(std::move(users)); }

void xmpp_users::show_presence(const std::string& jid) {
  const auto found = impl_->users_by_jid.find(jid);
  if (found != impl_->users_by_jid.end()) impl_->show_presence(impl_->options.users[found->second]);
}

void xmpp_users::drain() {
  asio::post(impl_->executor, [self = impl_] { self->draining = true; });
}

void xmpp_users::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)] {
    self->draining = self->stopping = true;
    self->component->stop([self, done] {
      self->post_links(false);  // every attempt has had its result
      done();
    });
  });
}

}  // namespace msgkit::app
