// Parts of long messages wait for each other as one fact, so they meet whichever bind or instance they came by, in any
// order, and survive a restart. Every part is answered with the id of the message they make, once it is kept.
#include <algorithm>

#include "engine/core_impl.hpp"
#include "engine/octets.hpp"
#include "engine/record_codec.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t head_octets_max = 256 * 1024;
constexpr std::chrono::seconds try_again_after{60};

struct part {
  std::uint8_t number = 0;
  std::string_view text;
};
// Views into the fact it was read from and into the part that came.
struct part_set {
  message_id id{};
  std::uint8_t count = 0;
  std::string_view head;  // an encoded message_content without body
  std::vector<part> parts;  // by number
};

std::string encode(const part_set& s) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.number(s.id.key());
  w.octet(s.count);
  w.string(s.head);
  w.number(s.parts.size());
  for (const auto& p : s.parts) {
    w.octet(p.number);
    w.string(p.text);
  }
  return std::string{as_text(out)};
}

std::optional<part_set> decode(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  if (in.octet("version") != version) return std::nullopt;
  part_set s;
  s.id = message_id{in.number("id", INT64_MAX)};
  s.count = in.octet("count");
  s.head = in.string("head", head_octets_max);
  const auto n = in.number("parts", segments_max);
  for (std::uint64_t i = 0; i < n && !in.failed(); ++i) {
    const auto number = in.octet("number");
    s.parts.push_back({number, in.string("text", body_octets_max)});
  }
  if (in.failed() || s.parts.empty()) return std::nullopt;
  return s;
}

std::shared_ptr<message_content> whole(const part_set& s) {
  auto head = decode_content(as_bytes(s.head));
  if (!head) return nullptr;
  auto content = std::make_shared<message_content>(*std::move(head));
  for (const auto& p : s.parts) append(content->body, p.text);
  return content;
}

// As the sender asked for this part, but about the whole.
submit about_whole(const submit& s, const part_set& set, content_ptr content) {
  auto extras = std::make_shared<submit_extras>();
  extras->segments = static_cast<std::uint16_t>(set.parts.size());
  if (s.extras) {
    extras->duplicate_id = s.extras->duplicate_id;
    extras->duplicate_window = s.extras->duplicate_window;
    extras->idempotency_key = s.extras->idempotency_key;
    extras->request_digest = s.extras->request_digest;
  }
  return submit{s.token, std::move(content), false, std::move(extras)};
}

}  // namespace

std::string core::impl::part_key(const submit& s) const {
  const auto& c = *s.content;
  const auto& p = *s.extras->piece;
  std::string rest = c.source.value;
  rest.append(1, '\0').append(c.destination.value).append(1, '\0');
  rest.append(std::to_string(p.reference)).append("/").append(std::to_string(p.count));
  return fact_key(fact_space::parts, {c.account, rest});
}

// The message that the parts make is counted, has a price and may be unwanted like any other: the key names its numbers.
void core::impl::wants(const overdue& e, std::vector<std::string>& keys) const {
  keys.push_back(e.key);
  if (!rules) return;
  std::string_view rest{e.key};
  rest.remove_prefix(1);
  const auto next = [&rest] {
    const auto end = std::min(rest.find('\0'), rest.size());
    std::string word{rest.substr(0, end)};
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
  };
  message_content c;
  c.account = next();
  c.source.value = next();
  c.destination.value = next();
  wants_of(c, keys);
}

bool core::impl::is_joined(const submit& s, wall_time now) const {
  if (!rules || !s.extras || !s.extras->piece || s.replace_if_present) return false;
  const auto& p = *s.extras->piece;
  const auto& c = *s.content;
  if (p.count < 2 || p.number < 1 || p.number > p.count || p.header_octets > c.body.size()) return false;
  const auto wanted = [](const policy::account* a) { return a != nullptr && a->rules.whole_messages; };
  if (wanted(rules->find(c.account)) || wanted(rules->owner(c.destination.value))) return true;
  const auto choice = choose_route(c, c.source, 0, now);
  return !choice.empty() && wanted(rules->find(choice.endpoints().front()));
}

void core::impl::apply_part(const submit& s, wall_time now) {
  const message_content& c = *s.content;
  const auto& piece = *s.extras->piece;
  const auto key = part_key(s);
  const wall_time valid_until = c.valid_until == wall_time{} ? now + options.validity_default : c.valid_until;
  if (const auto reason = check(c, valid_until, now)) return refuse(s.token, *reason);
  const auto text = as_text(bytes_view{c.body}.subspan(piece.header_octets));

  // Also one that expired and was not yet seen to: late is better than never.
  std::string stored, head;
  part_set set;
  if (const auto at = known.find(key); at != known.end() && at->second.present) {
    stored = at->second.value.value;
    if (auto found = decode(stored)) set = *std::move(found);
  }
  const auto same = std::ranges::find(set.parts, piece.number, &part::number);
  if (same != set.parts.end() && same->text == text) {
    actions.emplace_back(accepted{s.token, set.id, false, true});
    return;
  }
  if (same != set.parts.end()) {  // the sender uses the reference again
    release_parts(key, set.id, stored, now);
    set = {};
  }
  if (set.parts.empty()) {
    set.id = ids.next(now);
    set.count = piece.count;
    message_content first = c;
    first.body.clear();
    first.passthrough = piece.passthrough;
    first.user_data_header = false;
    byte_vector octets;
    engine::encode(first, octets);
    head.assign(as_text(octets));
    set.head = head;
  }
  const auto place = std::ranges::upper_bound(set.parts, piece.number, {}, &part::number);
  set.parts.insert(place, {piece.number, text});
  if (set.parts.size() < set.count) {
    if (set.parts.size() == 1) ++stats.joins_begun;
    keep(key, encode(set), now + options.parts_wait);
    remember(s, set.id, now);
    actions.emplace_back(accepted{s.token, set.id, set.parts.size() == 1, true});
    return;
  }
  auto content = whole(set);
  if (!content) return refuse(s.token, refusal::invalid);
  entry* e = take(about_whole(s, set, std::move(content)), set.id, now);
  if (e == nullptr) return;  // refused; the others still wait, so this one may come again
  e->p.events.add(now, event_kind::joined, 0, set.count, {}, {});
  ++stats.joined;
  drop(key);
  actions.emplace_back(accepted{s.token, set.id, false, true});
}

// What came of a message goes on as it is, or not at all; the parts were acknowledged, so a full queue only delays it.
void core::impl::release_parts(const std::string& key, message_id id, const std::string& stored, wall_time now) {
  drop(key);
  ++stats.incomplete;
  const auto set = decode(stored);
  auto content = set && options.forward_incomplete ? whole(*set) : nullptr;
  if (!content) return;
  if (content->valid_until != wall_time{} && content->valid_until <= now) return;
  const auto answers = actions.size();
  if (entry* e = take(about_whole({}, *set, std::move(content)), id, now)) {
    e->p.events.add(now, event_kind::joined, 0, static_cast<std::uint32_t>(set->parts.size()), {}, "incomplete");
    return;
  }
  const auto reason = std::get<refused>(actions.back()).reason;
  actions.resize(answers);  // nobody waits for this answer
  if (!is_temporary(reason)) return;
  --stats.incomplete;
  keep(key, stored, now + try_again_after);
}

void core::impl::apply(const overdue& e, wall_time now) {
  const auto at = known.find(e.key);
  if (at == known.end() || !at->second.present || at->second.value.expires > now) return;
  const std::string stored = at->second.value.value;
  const auto set = decode(stored);
  release_parts(e.key, set ? set->id : message_id{}, stored, now);
}

}  // namespace msgkit::engine
