// What came before: ids of carriers' messages and idempotency keys. And how much: usage limits. Kept as facts.
#include <algorithm>

#include "engine/core_impl.hpp"
#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t version = 1;

std::string encode_answer(std::string_view digest, message_id id) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.string(digest);
  w.number(id.key());
  return std::string{as_text(out)};
}

struct earlier_answer {
  std::string_view digest;
  message_id id;
};
earlier_answer decode_answer(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  (void)in.octet("version");
  const auto digest = in.string("digest", request_digest_octets_max);
  return {digest, message_id{in.number("id", INT64_MAX)}};
}

std::string duplicate_key(const submit& s) {
  return fact_key(fact_space::duplicate, {s.content->account, s.extras->duplicate_id});
}
std::string idempotency_key(const submit& s) {
  return fact_key(fact_space::idempotency, {s.content->account, s.extras->idempotency_key});
}

// Octets of one part of a short message, alone and with the header that joins it to others. A default alphabet (0) has a
// septet in each of our octets.
constexpr std::size_t septets_alone = 160, septets_joined = 153, octets_alone = 140, octets_joined = 134;

bool counts(usage_direction limit, usage_direction message) {
  return limit == usage_direction::both || limit == message;
}

}  // namespace

// ---- facts of the batch -------------------------------------------------------------------------------------------

const std::string* core::impl::read(const std::string& key, wall_time now) {
  const auto at = known.find(key);
  if (at == known.end() || !at->second.present) return nullptr;
  const auto& f = at->second.value;
  return f.expires != wall_time{} && f.expires <= now ? nullptr : &f.value;
}
void core::impl::keep(const std::string& key, std::string value, wall_time expires) {
  known[key] = {{std::move(value), expires}, true, true};
}
void core::impl::drop(const std::string& key) { known[key] = {{}, false, true}; }

void core::impl::wants(const submit& s, wall_time now, std::vector<std::string>& keys) const {
  const message_content& c = *s.content;
  if (s.extras) {
    if (!s.extras->duplicate_id.empty()) keys.push_back(duplicate_key(s));
    if (!s.extras->idempotency_key.empty()) keys.push_back(idempotency_key(s));
    if (is_joined(s, now)) keys.push_back(part_key(s));
  }
  if (!rules) return;
  wants_of(c, keys);
  if (rewrites && rewrites->has_intake()) {  // what the recipient sees counts too
    const auto way = rewrites->on_intake(s.content, now);
    if (const auto* pool = way.content == s.content ? nullptr : rules->pool_of(way.content->source.value))
      keys.push_back(fact_key(fact_space::opt_out, {pool->name, way.content->destination.value}));
  }
  if (const auto* pool = s.extras && !s.extras->text.empty() ? rules->pool_of(c.destination.value) : nullptr) {
    keys.push_back(fact_key(fact_space::opt_out, {pool->name, c.source.value}));
    keys.push_back(fact_key(fact_space::reply, {pool->name, c.source.value}));
  }
}

// What holds for it whoever brings it.
void core::impl::wants_of(const message_content& c, std::vector<std::string>& keys) const {
  for (auto& subject : usage_subjects(c)) keys.push_back(std::move(subject.key));
  if (prepaid(c) != nullptr) keys.push_back(credit_key(c.account));
  if (const auto* pool = rules->pool_of(c.source.value))
    keys.push_back(fact_key(fact_space::opt_out, {pool->name, c.destination.value}));
}

// ---- again --------------------------------------------------------------------------------------------------------

bool core::impl::answer_repeated(const submit& s, wall_time now) {
  const auto& x = *s.extras;
  if (x.duplicate_id.size() > duplicate_id_octets_max || x.idempotency_key.size() > idempotency_key_octets_max ||
      x.request_digest.size() > request_digest_octets_max) {
    refuse(s.token, refusal::invalid);
    return true;
  }
  if (const auto* value = x.idempotency_key.empty() ? nullptr : read(idempotency_key(s), now)) {
    const auto earlier = decode_answer(*value);
    if (earlier.digest != x.request_digest) {
      refuse(s.token, refusal::conflict);
    } else {
      ++stats.repeated_requests;
      actions.emplace_back(accepted{s.token, earlier.id, false, true});
    }
    return true;
  }
  if (const auto* value = x.duplicate_id.empty() ? nullptr : read(duplicate_key(s), now)) {
    ++stats.duplicates;
    const auto id = decode_answer(*value).id;
    if (const auto at = entries.find(id); at != entries.end()) {
      at->second.p.events.add(now, event_kind::duplicate, 0, 0, {}, x.duplicate_id);
      mark(at->second);
    }
    actions.emplace_back(accepted{s.token, id, false, true});
    return true;
  }
  return false;
}

void core::impl::remember(const submit& s, message_id id, wall_time now) {
  const auto& x = *s.extras;
  if (!x.duplicate_id.empty()) {
    const auto window = x.duplicate_window.count() > 0 ? x.duplicate_window : options.duplicate_window;
    keep(duplicate_key(s), encode_answer({}, id), now + window);
  }
  if (!x.idempotency_key.empty())
    keep(idempotency_key(s), encode_answer(x.request_digest, id), now + options.idempotency_window);
}

// ---- how much -----------------------------------------------------------------------------------------------------

std::uint64_t core::impl::segments_of(const submit& s, const message_content& c) {
  if (s.extras && s.extras->segments != 0) return s.extras->segments;
  if (c.kind == message_kind::mms) return 1;
  const bool septets = c.coding == 0;
  const std::size_t alone = septets ? septets_alone : octets_alone, joined = septets ? septets_joined : octets_joined;
  return c.body.size() <= alone ? 1 : (c.body.size() + joined - 1) / joined;
}

std::vector<core::impl::usage_subject> core::impl::usage_subjects(const message_content& c) const {
  std::vector<usage_subject> out;
  if (c.kind == message_kind::receipt) return out;
  const bool is_mms = c.kind == message_kind::mms;
  const auto add = [&](const policy::account& a, const std::string& number, usage_direction direction) {
    const auto subject = [&](const usage_limits& l, std::string_view whose) {
      if (!l.any() || !counts(l.counts, direction)) return;
      const auto counter = is_mms ? mms_counter_of(whose) : std::string(whose);
      out.push_back({fact_key(fact_space::usage, {a.name, counter}), &l, a.rules.zone.get(), !whose.empty()});
    };
    const auto& numbers = is_mms ? a.rules.mms_numbers : a.rules.numbers;
    if (const auto at = numbers.find(number); at != numbers.end()) subject(at->second, number);
    subject(is_mms ? a.rules.mms_limits : a.rules.limits, {});
  };
  if (const auto* a = rules->find(c.account)) add(*a, c.source.value, usage_direction::sent);
  if (const auto* a = is_mms ? rules->mms_owner(c.destination.value) : rules->owner(c.destination.value)) add(*a, c.destination.value, usage_direction::received);
  return out;
}

bool core::impl::within_usage(const submit& s, const message_content& c, wall_time now) {
  for (const auto& subject : usage_subjects(c)) {
    const auto* value = read(subject.key, now);
    const auto counter = roll(value != nullptr ? decode_usage(*value) : usage_counter{}, *subject.zone, now);
    const auto period = exceeded(counter, *subject.limits, segments_of(s, c), now);
    if (!period) continue;
    ++stats.limited;
    refuse(refused{s.token, refusal::limit_reached, *period, subject.of_number});
    return false;
  }
  return true;
}

void core::impl::charge_usage(const submit& s, const message_content& c, wall_time now) {
  for (const auto& subject : usage_subjects(c)) {
    const auto* value = read(subject.key, now);
    auto counter = roll(value != nullptr ? decode_usage(*value) : usage_counter{}, *subject.zone, now);
    charge(counter, segments_of(s, c));
    keep(subject.key, encode(counter), usage_expiry(now));
  }
}

}  // namespace msgkit::engine
