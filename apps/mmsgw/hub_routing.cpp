// Where the hub's messages go: the group of each recipient, by routes, and the gateway of a group for each attempt.
#include <algorithm>
#include <tuple>

#include "mmsgw/hub.hpp"

namespace msgkit::app::mms {
namespace {

constexpr std::size_t unrouted_batch = 64;

}  // namespace

// ---- groups

void hub::set_lookup(std::unique_ptr<number_lookup> lookup, bool waits) {
  lookup_ = std::move(lookup);
  lookup_waits_ = waits;
  soon();
}

// What is known of the number without asking anybody, or nothing of one that nobody is asked about.
hub::knowledge hub::look_up(const recipient& r, destination& d) {
  constexpr std::size_t digits_max = 15;
  const std::string digits(digits_of(r.number));
  d = {.number = r.number};
  const bool is_number =
      !digits.empty() && digits.size() <= digits_max && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!lookup_ || !is_number) return knowledge::known;
  if (auto a = lookup_->known(digits)) {
    if (a->fate == number_fate::failed && lookup_waits_) return knowledge::is_late;
    d.routing = std::move(a->routing);
    d.network = std::move(a->network);
    return knowledge::known;
  }
  // One that finds no room is asked for again when the messages are looked at again, which is soon.
  const auto done = [this](const number_answer&) {
    has_unrouted_ = true;
    soon();
  };
  if (!lookup_->is_asking(digits)) (void)lookup_->find(digits, done);
  return knowledge::being_asked;
}

// Until it makes sense to ask again. No attempt is used up.
void hub::postpone(const std::vector<std::pair<recipient_key, unsigned>>& all) {
  if (all.empty()) return;
  const auto due = now_ms() + lookup_->retry_after().count();
  store_->transaction([&] {
    for (const auto& [k, attempts] : all)
      if (!store_->set_state(k, recipient_state::queued, recipient_state::queued, attempts, due) &&
          store_->has_failed())
        return false;
    return true;
  });
  has_unrouted_ = true;
}

bool hub::prices_need_lookup(const std::string& group) const {
  return lookup_ && std::ranges::any_of(gateways_, [&](const gateway& g) {
           return g.link->group() == group && g.options.prices.depends_on_number();
         });
}

// At once where that can be, so that it takes no commit of its own.
void hub::route_now(message& m, std::string_view from) {
  destination d;
  for (auto& r : m.recipients) {
    r.group.clear();
    if (look_up(r, d) == knowledge::known) r.group = route(m, r, d, from).value_or("");
    has_unrouted_ = has_unrouted_ || r.group.empty();
  }
}

std::string hub::sender_of(const message& m) const {
  if (m.relayed_from.empty()) return std::string(application_name);
  const auto from = store_->get_message(m.relayed_from);
  return from ? from->gateway_id : std::string();
}

// Nothing: there is no route.
std::optional<std::string> hub::route(const message& m, const recipient& r, const destination& d,
                                      std::string_view from) const {
  const auto* found = options_.routes.find(from, d);
  if (found != nullptr) return healthiest(found->to, m, r);
  if (from != application_name) return std::nullopt;
  return options_.default_group;
}

// Each further attempt begins with the next one. Of groups that other processes have nothing is known.
std::string hub::healthiest(const std::vector<std::string>& groups, const message& m, const recipient& r) const {
  enum { works, rests, is_down, bars };
  const auto now = now_ms();
  const auto state_of = [&](const std::string& group) {
    bool is_here = false;
    int best = bars;
    for (const auto& g : gateways_) {
      if (g.link->group() != group) continue;
      is_here = true;
      if (!g.options.carries(m.origin, r.number)) continue;
      best = std::min<int>(best, g.is_down ? is_down : g.resting_until > now ? rests : works);
    }
    return is_here ? best : works;
  };
  const std::string* best = nullptr;
  int state = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& group = groups[(r.attempts + i) % groups.size()];
    const int its = state_of(group);
    if (best == nullptr || its < state) best = &group, state = its;
  }
  return *best;
}

// Whether another round makes sense.
bool hub::pump_unrouted() {
  if (!has_unrouted_) return false;
  const auto now = now_ms();
  const auto due = store_->due("", now, unrouted_batch);
  if (due.empty() && !store_->has_failed()) has_unrouted_ = false;
  std::vector<std::pair<recipient_key, std::string>> routed;
  std::vector<attempt> refused;
  std::vector<std::pair<recipient_key, unsigned>> late;
  destination d;
  std::shared_ptr<message> m;
  std::string from;
  for (const auto& k : due) {
    if (!m || m->id != k.message_id) {
      auto loaded = store_->get_message(k.message_id);
      m = loaded ? std::make_shared<message>(*std::move(loaded)) : nullptr;
      if (m) from = sender_of(*m);
    }
    if (!m || k.index >= m->recipients.size()) continue;
    const auto& to = m->recipients[k.index];
    const auto knows = look_up(to, d);
    if (now >= expiry_of(*m)) {
      refused.push_back({.what = m, .key = k, .code = "408", .why = "expired before it could be sent"});
    } else if (knows == knowledge::is_late) {
      late.emplace_back(k, to.attempts);
    } else if (knows == knowledge::being_asked) {
      continue;
    } else if (auto group = route(*m, to, d, from)) {
      routed.emplace_back(k, *std::move(group));
    } else {
      refused.push_back({.what = m, .key = k, .code = "404", .why = "there is no route for it"});
    }
  }
  const bool is_done = store_->transaction([&] {
    for (const auto& [k, group] : routed)
      if (!store_->set_group(k, group) && store_->has_failed()) return false;
    return true;
  });
  const bool more = is_done && due.size() == unrouted_batch && !(routed.empty() && refused.empty() && late.empty());
  postpone(late);
  begin(std::move(refused));
  return more;
}

// Their messages may have another way.
void hub::leave_groups_that_are_down() {
  for (const auto& group : groups()) {
    const bool is_up =
        std::ranges::any_of(gateways_, [&](const gateway& g) { return g.link->group() == group && !g.is_down; });
    if (!is_up && store_->leave_group(group)) has_unrouted_ = true;
  }
}

// ---- gateways

std::int64_t hub::expiry_of(const message& m) const {
  const auto& c = m.content;
  if (c.latest_delivery != 0) return c.latest_delivery * 1'000;
  return m.created_ms + (c.expire_after != 0 ? c.expire_after * 1'000 : options_.message_lifetime.count());
}

bool hub::is_full(const gateway& g, std::int64_t now) const {
  return g.in_flight >= options_.in_flight_max || g.next_ms > static_cast<double>(now);
}

bool hub::may_send(const std::string& group, std::int64_t now) const {
  return std::ranges::any_of(
      gateways_, [&](const gateway& g) { return g.link->group() == group && !g.is_down && !is_full(g, now); });
}

// See pick(). A message that was tried before does not probe whether a gateway works again: others do, or two that fail
// could have it between them for ever.
hub::gateway* hub::choose(const message& what, const recipient& to, const destination& d, std::int64_t now) {
  std::vector<candidate> all;
  std::vector<gateway*> which;
  ++turn_;
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    auto& g = gateways_[(i + turn_) % gateways_.size()];
    if (g.link->group() != to.group || g.is_down || !g.options.carries(what.origin, to.number)) continue;
    all.push_back({.cost = g.options.prices.of(d),
                   .is_resting = g.resting_until > now,
                   .is_suspect = to.attempts > 0 && g.failures > 0,
                   .is_full = is_full(g, now),
                   .overflows = g.options.overflow,
                   .in_flight = g.in_flight});
    which.push_back(&g);
  }
  const auto best = pick(all);
  return best ? which[*best] : nullptr;
}

// No gateway of its group will ever carry it.
bool hub::is_barred(const message& m, const recipient& r) const {
  return std::ranges::none_of(
      gateways_, [&](const gateway& g) { return g.link->group() == r.group && g.options.carries(m.origin, r.number); });
}

}  // namespace msgkit::app::mms
