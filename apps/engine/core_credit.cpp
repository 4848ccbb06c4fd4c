// What accounts that pay before may still send. See credit.hpp.
#include <algorithm>

#include "engine/core_impl.hpp"
#include "engine/credit.hpp"

namespace msgkit::engine {
namespace {

bool failed_for_good(message_state s) {
  return s == message_state::undelivered || s == message_state::rejected || s == message_state::expired;
}

}  // namespace

void core::impl::wants(const settle_credit& e, std::vector<std::string>& keys) const {
  keys.push_back(settlement_key(e.account, e.id));
  keys.push_back(hold_key(e.account, e.id));
  keys.push_back(credit_key(e.account));
}

const policy::account* core::impl::prepaid(const message_content& c) const {
  if (!rules || !rules->has_prepaid() || c.kind == message_kind::receipt) return nullptr;
  const auto* a = rules->find(c.account);
  return a != nullptr && a->rules.prices && a->rules.prepaid ? a : nullptr;
}

credit_state core::impl::credit_of(const std::string& account, wall_time now) {
  const auto* value = read(credit_key(account), now);
  return value != nullptr ? decode_credit(*value) : credit_state{};
}

void core::impl::book(const std::string& account, credit_state c, ledger_entry e, wall_time now) {
  e.number = ++c.entries;
  e.at = now;
  e.balance = c.balance;
  e.held = c.held;
  keep(ledger_key(account, e.number), encode(e), now + ledger_kept);
  keep(credit_key(account), encode(c), {});
}

// The price of all its segments; 0 for who does not pay before. Nothing after a refusal.
std::optional<std::uint64_t> core::impl::price_within_credit(const submit& s, const message_content& c, wall_time now) {
  const auto* a = prepaid(c);
  if (a == nullptr) return 0;
  const auto price = a->rules.prices->of(c.destination.value);
  if (!price) {
    refuse(s.token, refusal::no_price);
    return std::nullopt;
  }
  const auto total = *price * segments_of(s, c);
  if (credit_of(a->name, now).available() < static_cast<std::int64_t>(total)) {
    ++stats.credit_refused;
    refuse(s.token, refusal::no_credit);
    return std::nullopt;
  }
  return total;
}

void core::impl::hold_credit(const entry& e, std::uint64_t amount, wall_time now) {
  if (amount == 0) return;
  const auto& account = e.content->account;
  auto c = credit_of(account, now);
  c.held += amount;
  keep(hold_key(account, e.id), encode(credit_hold{amount}), {});
  book(account, c, {.kind = ledger_kind::hold, .amount = static_cast<std::int64_t>(amount), .message = e.id}, now);
}

// Only noted: what is held is read, and settled, in a batch of its own.
void core::impl::note_settlement(const entry& e) {
  if (prepaid(*e.content) == nullptr) return;
  keep(settlement_key(e.content->account, e.id), encode_settlement(e.p.state), {});
  has_settlements = true;
}

void core::impl::apply(const settle_credit& e, wall_time now) {
  const auto key = settlement_key(e.account, e.id), held_under = hold_key(e.account, e.id);
  const auto* noted = read(key, now);
  const auto* held = read(held_under, now);
  const auto state = noted != nullptr ? decode_settlement(*noted) : e.state;
  if (noted != nullptr) drop(key);
  if (held == nullptr) return;  // nothing was, or another instance was faster
  const auto amount = decode_hold(*held).amount;
  drop(held_under);
  const auto* a = rules ? rules->find(e.account) : nullptr;
  const bool refunds = a == nullptr || a->rules.refund_failed;
  const bool is_free = state == message_state::canceled || (failed_for_good(state) && refunds);
  auto c = credit_of(e.account, now);
  c.held -= std::min(c.held, amount);
  if (!is_free) c.balance -= static_cast<std::int64_t>(amount);
  ++stats.credit_settled;
  (is_free ? stats.credit_refunded : stats.credit_charged) += amount;
  book(e.account, c,
       {.kind = is_free ? ledger_kind::refund : ledger_kind::charge,
        .amount = static_cast<std::int64_t>(amount),
        .message = e.id,
        .note = std::string{name(state)}},
       now);
}

}  // namespace msgkit::engine
