// What recipients want: opt-outs by keyword or otherwise, quiet hours, answers we give by ourselves.
#include <algorithm>

#include "engine/core_impl.hpp"
#include "engine/octets.hpp"
#include "engine/opt_out_list.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t coding_default = 0, coding_ucs2 = 8;
constexpr std::size_t reply_digits_min = 7;  // short codes and names answer automatically themselves

bool is_person(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  return number.size() >= reply_digits_min && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
}

// These mean the same in ASCII and in the default alphabet of short messages.
bool is_plain(std::string_view text) {
  constexpr std::string_view marks = " .,:;!?\"'()+-/=%&*#<>\n";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}

// When we last answered a number, and how often today.
struct reply_record {
  wall_time last{};
  std::int64_t day = 0;
  std::uint64_t count = 0;
};
std::string encode(const reply_record& r) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.time(r.last);
  w.number(static_cast<std::uint64_t>(r.day));
  w.number(r.count);
  return std::string{as_text(out)};
}
reply_record decode_reply(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  (void)in.octet("version");
  reply_record r;
  r.last = in.time("last");
  r.day = static_cast<std::int64_t>(in.number("day", INT32_MAX));
  r.count = in.number("count");
  return r;
}

}  // namespace

std::string encode_opt_out(wall_time since, std::string_view reason) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.time(since);
  w.string(reason.substr(0, opt_out_reason_octets_max));
  return std::string{as_text(out)};
}

std::optional<opt_out_entry> decode_opt_out(std::string_view key, std::string_view value) {
  const auto end = key.find('\0');
  if (end == std::string_view::npos || key.front() != static_cast<char>(fact_space::opt_out)) return std::nullopt;
  octet_reader in{as_bytes(value)};
  (void)in.octet("version");
  opt_out_entry e{.pool = std::string{key.substr(1, end - 1)}, .number = std::string{key.substr(end + 1)}};
  e.since = in.time("since");
  e.reason = in.string("reason", opt_out_reason_octets_max);
  return e;
}

// ---- what must not go out, or not now -----------------------------------------------------------------------------

bool core::impl::is_blocked(const message_content& c, wall_time now) {
  if (c.kind == message_kind::receipt) return false;
  if (rules->is_blocked(rules->find(c.account), c.source.value, c.destination.value)) return true;
  const auto* pool = rules->pool_of(c.source.value);
  if (pool == nullptr || read(fact_key(fact_space::opt_out, {pool->name, c.destination.value}), now) == nullptr)
    return false;
  ++stats.opt_out_blocked;
  return true;
}

bool core::impl::is_unwanted_notice(const message_content& c) const {
  if (c.kind != message_kind::sms || c.user_data_header) return false;
  const auto* a = rules->find(c.account);
  if (a == nullptr || !a->rules.no_stop_notices.contains(c.source.value)) return false;
  // Its letters are the same octets in the default alphabet, in ASCII and in Latin-1.
  constexpr std::uint8_t coding_ascii = 0x01, coding_latin1 = 0x03;
  if (c.coding == coding_ucs2) return utf16be_to_utf8(c.body) == stop_notice;
  const bool is_text = c.coding == coding_default || c.coding == coding_ascii || c.coding == coding_latin1;
  return is_text && as_text(c.body) == stop_notice;
}

wall_time core::impl::quiet_until(const message_content& c, wall_time now) const {
  if (!rules || !rules->has_quiet_hours() || c.kind == message_kind::receipt || c.ignores_quiet_hours) return now;
  const auto* a = rules->find(c.account);
  return a == nullptr || !a->rules.quiet ? now : a->rules.quiet->after(now, c.destination.value);
}

bool core::impl::defer(entry& e, wall_time now) {
  const auto until = quiet_until(routed(e), now);
  if (until <= now) return false;
  unlist(e);
  e.p.next_attempt_at = until;
  e.p.events.add(now, event_kind::deferred, 0, 0, {}, {});
  ++stats.deferred;
  mark(e);
  return true;
}

// ---- opt-outs -----------------------------------------------------------------------------------------------------

bool core::impl::set_opt_out(const number_pool& pool, const std::string& number, bool out, std::string_view reason,
                             wall_time now) {
  const auto key = fact_key(fact_space::opt_out, {pool.name, number});
  if ((read(key, now) != nullptr) == out) return false;
  if (out) {
    ++stats.opt_outs;
    keep(key, encode_opt_out(now, reason), {});
    opted_out.emplace_back(&pool, number);
    tell_opt_out(pool, number);
  } else {
    ++stats.opt_ins;
    drop(key);
  }
  return true;
}

void core::impl::apply(const opt_out& e, wall_time now) {
  const auto* pool = rules ? rules->find_pool(e.pool) : nullptr;
  if (pool == nullptr) return refuse(e.token, refusal::not_found);
  if (e.number.empty() || e.number.size() > address_octets_max || e.reason.size() > opt_out_reason_octets_max)
    return refuse(e.token, refusal::invalid);
  actions.emplace_back(opt_out_done{e.token, set_opt_out(*pool, e.number, e.out, e.reason, now)});
}

// What waits for those who opted out in this batch. One walk through the messages for all of them.
void core::impl::withdraw_opted_out(wall_time now) {
  if (opted_out.empty()) return;
  std::vector<entry*> affected;
  for (auto& [id, e] : entries) {
    if (e.p.state != message_state::queued || e.content->kind == message_kind::receipt || is_ours(*e.content)) continue;
    const auto& onward = routed(e);
    for (const auto& [pool, number] : opted_out) {
      const auto concerns = [&, p = pool, &n = number](const message_content& c) {
        return c.destination.value == n && rules->pool_of(c.source.value) == p;
      };
      if (concerns(*e.content) || concerns(onward)) {
        affected.push_back(&e);
        break;
      }
    }
  }
  opted_out.clear();
  std::ranges::sort(affected, {}, &entry::id);
  for (auto* e : affected) {
    e->p.events.add(now, event_kind::blocked, 0, 0, {}, {});
    set_error(*e, error_class::permanent, 0, "recipient opted out");
    finalize(*e, message_state::rejected, now);
  }
}

// ---- texts of people ----------------------------------------------------------------------------------------------

bool core::impl::read_keywords(const submit& s, wall_time now) {
  const message_content& c = *s.content;
  if (!s.extras || s.extras->text.empty() || c.kind == message_kind::receipt) return true;
  const auto* pool = rules->pool_of(c.destination.value);
  if (pool == nullptr) return true;
  const auto found = policy::meaning_of(*pool, s.extras->text);
  const auto reply_key = fact_key(fact_space::reply, {pool->name, c.source.value});
  const auto* value = read(reply_key, now);
  auto record = value != nullptr ? decode_reply(*value) : reply_record{};
  if (const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count(); day != record.day)
    record.day = day, record.count = 0;
  const bool may_answer = is_person(c.source.value) && rules->pool_of(c.source.value) == nullptr &&
                          record.count < pool->replies_per_day_max;
  const bool rested = record.last == wall_time{} || now - record.last >= pool->reply_pause;

  const std::string* answer = nullptr;
  switch (found.what) {
    case keyword_meaning::stop:
    case keyword_meaning::start:
      // Said once, confirmed once: the state tells whether it was said before.
      if (set_opt_out(*pool, c.source.value, found.what == keyword_meaning::stop, *found.keyword, now)) answer = found.reply;
      break;
    case keyword_meaning::help:
      if (rested) answer = found.reply;
      break;
    case keyword_meaning::none: {
      const bool out = read(fact_key(fact_space::opt_out, {pool->name, c.source.value}), now) != nullptr;
      if (rested && !out) answer = &pool->auto_reply;
      break;
    }
  }
  if (answer != nullptr && !answer->empty() && may_answer) {
    record.last = now;
    ++record.count;
    keep(reply_key, encode(record), now + std::chrono::hours{48});
    reply(c, *pool, *answer, now);
  }
  return found.what == keyword_meaning::none || pool->forward_keywords;
}

void core::impl::reply(const message_content& to, const number_pool& pool, const std::string& text, wall_time now) {
  if (entries.size() >= options.active_messages_max) return;
  auto made = std::make_shared<message_content>();
  made->account = our_account(pool);
  made->source = to.destination;
  made->destination = to.source;
  made->ignores_quiet_hours = true;  // the recipient has just written
  if (is_plain(text)) {
    made->coding = coding_default;
    made->body.assign(text.begin(), text.end());
  } else {
    made->coding = coding_ucs2;
    made->body = utf8_to_utf16be(text);
  }
  const auto id = ids.next(now);
  const auto choice = choose_route(*made, made->source, mix(id.key() ^ mix(0)), now);
  if (choice.empty()) return;
  entry& e = add_entry(std::move(made), now + options.validity_default, now, id);
  ++stats.replies;
  make_ready(e, now);
  if (e.at != nullptr) e.p.endpoint = e.at->name;
}

}  // namespace msgkit::engine
