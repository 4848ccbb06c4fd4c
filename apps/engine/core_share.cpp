// Beside other instances on one store: messages go where the links are, reports to whoever sent the message.
#include <algorithm>
#include <utility>

#include "engine/core_impl.hpp"
#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t given_per_batch_max = 1'000;

enum class note_kind : std::uint8_t { report = 1, opt_out = 2 };
constexpr std::size_t name_octets_max = 1'024;

std::string encode(const report& r) {
  byte_vector out;
  octet_writer w{out};
  w.octet(static_cast<std::uint8_t>(note_kind::report));
  w.string(r.endpoint);
  w.string(std::string_view{r.carrier_id}.substr(0, carrier_id_octets_max));
  w.octet(static_cast<std::uint8_t>(r.state));
  w.octet(r.intermediate ? 1 : 0);
  w.number(r.code);
  w.string(std::string_view{r.text}.substr(0, error_text_octets_max));
  w.time(r.done_at);
  return std::string{as_text(out)};
}

report decode_report(octet_reader& in) {
  report r;
  r.endpoint = in.string("endpoint", name_octets_max);
  r.carrier_id = in.string("carrier_id", carrier_id_octets_max);
  r.state = in.enumeration<message_state>("state", message_state_count);
  r.intermediate = in.octet("intermediate") != 0;
  r.code = in.number32("code");
  r.text = in.string("text", error_text_octets_max);
  r.done_at = in.time("done_at");
  r.passed_on = true;
  return r;
}

}  // namespace

void core::impl::set_neighbours(neighbourhood n) {
  neighbours = std::move(n.instances);
  bound_elsewhere.clear();
  for (auto& [name, instance] : n.bound) bound_elsewhere[std::move(name)].push_back(instance);
  for (auto* ep : endpoints) {
    const auto at = bound_elsewhere.find(ep->name);
    ep->elsewhere = at == bound_elsewhere.end() ? nullptr : &at->second;
    if (ep->elsewhere != nullptr && ep->links.empty() && ep->queued() > 0) pump_later(*ep);
  }
}

void core::impl::note_presence(endpoint& ep) {
  if (std::exchange(ep.presence_changed, true)) return;
  presence_changed.push_back(&ep);
}

// As it is at the end of the batch, whatever happened in between.
void core::impl::collect_presences() {
  for (auto* ep : presence_changed) {
    ep->presence_changed = false;
    presences.push_back({ep->name, !ep->links.empty()});
  }
  presence_changed.clear();
}

// Each to one of those that can deliver it, by turns.
void core::impl::give_away(endpoint& ep, wall_time now) {
  for (std::size_t priority = priority_count; priority-- > 0;) {
    auto& list = ep.ready[priority];
    while (!list.empty() && given.size() < given_per_batch_max) {
      entry& e = *list.head;
      unlist(e);
      const auto to = (*ep.elsewhere)[ep.cursor++ % ep.elsewhere->size()];
      if (e.p.endpoint != ep.name) e.p.endpoint = ep.name;
      e.p.events.add(now, event_kind::moved, 0, to, ep.name, {});
      e.given = true;
      uncorrelate(e);
      mark(e);
      given.push_back({e.id, to});
      ++stats.given_away;
    }
  }
  if (ep.queued() > 0) giving.push_back(&ep);  // the rest with the next batch
}

void core::impl::pass_on(const report& r) {
  if (!r.passed_on && will_be_sent_again(r.about)) return refuse(r.token, refusal::queue_full);
  if (neighbours.empty() || r.passed_on || r.carrier_id.empty()) return answer(r, report_outcome::unmatched);
  const auto octets = encode(r);
  for (const auto to : neighbours) notes.push_back({to, octets});
  answer(r, report_outcome::passed_on);
}

void core::impl::tell_opt_out(const number_pool& pool, const std::string& number) {
  if (neighbours.empty()) return;
  byte_vector out;
  octet_writer w{out};
  w.octet(static_cast<std::uint8_t>(note_kind::opt_out));
  w.string(pool.name);
  w.string(number);
  for (const auto to : neighbours) notes.push_back({to, std::string{as_text(out)}});
}

void core::impl::hear(std::string_view octets, wall_time now) {
  octet_reader in{as_bytes(octets)};
  switch (static_cast<note_kind>(in.octet("kind"))) {
    case note_kind::report: {
      const auto r = decode_report(in);
      if (!in.failed()) apply(r, now);
      break;
    }
    case note_kind::opt_out: {
      const auto pool_name = in.string("pool", name_octets_max);
      const auto number = in.string("number", address_octets_max);
      const auto* pool = rules && !in.failed() ? rules->find_pool(pool_name) : nullptr;
      if (pool != nullptr) opted_out.emplace_back(pool, std::string{number});
      break;
    }
  }
}

}  // namespace msgkit::engine
