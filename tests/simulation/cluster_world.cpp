#include "cluster_world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace msgkit::engine::simulation {
namespace {

using namespace std::chrono_literals;
constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};
constexpr const char* client = "client:alice";
constexpr const char* carrier = "carrier:up";

core_options settings(std::uint32_t instance) {
  core_options o;
  o.instance = instance;
  o.attempts_max = 1'000;
  o.retry = {.initial = 200ms, .maximum = 5s, .factor = 2.0, .jitter = 0.2};
  o.breaker = {.failures = 4, .open = 500ms, .open_maximum = 2s, .tries = 1};
  o.report_wait = std::chrono::seconds{3'600};
  return o;
}

}  // namespace

cluster_world::cluster_world(cluster_options options) : options_(options), state_(mix(options.seed)), now_(t0) {
  account_rules r;
  r.limits.day = options_.day_limit;
  rules_ = std::make_shared<const policy>(std::map<std::string, account_rules, std::less<>>{{client, r}},
                                          std::vector<number_pool>{});
  for (std::size_t i = 0; i < instances; ++i) start(i);
  bind_client(random(instances));
}

void cluster_world::broken(const std::string& what) {
  if (problem_.empty()) problem_ = fmt::format("seed {} at {}: {}", options_.seed, (now_ - t0).count(), what);
}

void cluster_world::start(std::size_t i) {
  auto& n = nodes_[i];
  const auto number = static_cast<std::uint32_t>(i + 1);
  n.work.reset();
  n.db = std::make_unique<shared_memory_store>(hub_, number);
  static const auto table = std::make_shared<const route_table>(std::vector<route>{{.name = "all", .targets = {{carrier}}}});
  n.work = std::make_unique<processor>(settings(number), processor_options{}, table, *n.db);
  ++n.life;
  n.running = true;
  n.open.clear();
  if (!n.work->start(now_)) return broken("the store does not load");
  n.work->state().set_policy(rules_);
  n.carrier_link = ++next_link_;
  n.client_link = 0;
  n.inbox.emplace_back(link_state{carrier, n.carrier_link, 1, true, 4});
  step(i);
}

// The process is gone; its lease runs out, or it comes back first.
void cluster_world::die(std::size_t i) {
  auto& n = nodes_[i];
  if (!n.running || calm_) return;
  ++deaths_;
  n.running = false;
  for (const auto& [id, attempt] : n.open) excused_.insert(id);
  for (const auto& e : n.inbox)
    if (const auto* r = std::get_if<attempt_result>(&e)) excused_.insert(r->id);
  if (n.work->store_faulted())  // answers that it knew and could not write down
    for (const auto& [key, row] : hub_.rows) excused_.insert(message_id{key});
  n.inbox.clear();
  for (auto at = asked_.begin(); at != asked_.end();) {  // the client hears nothing and asks again
    const auto key = at->second;
    at = asked_.erase(at);
    this->at(std::chrono::milliseconds{500 + random(500)}, [this, key] { ask(key); });
  }
  for (auto at = report_tokens_.begin(); at != report_tokens_.end();) {
    const auto which = at->second;
    at = report_tokens_.erase(at);
    this->at(std::chrono::milliseconds{500 + random(500)}, [this, which] { report_later(which); });
  }
  const auto number = static_cast<std::uint32_t>(i + 1);
  if (chance(60)) at(std::chrono::milliseconds{300}, [this, i, number] {
    if (!nodes_[i].running) hub_.alive.erase(number);
  });
  at(std::chrono::milliseconds{200 + random(4'000)}, [this, i] {
    if (!nodes_[i].running) start(i);
  });
  if (n.client_link != 0) at(std::chrono::milliseconds{100}, [this] { bind_client(random(instances)); });
}

// One bind: it leaves where it was.
void cluster_world::bind_client(std::size_t i) {
  for (auto& n : nodes_) {
    if (n.client_link != 0 && n.running) {
      n.inbox.emplace_back(link_state{client, n.client_link, 2, false, 0});
      for (const auto& [id, attempt] : n.open)
        if (times_received_.contains(id)) excused_.insert(id);
    }
    n.client_link = 0;
  }
  if (!nodes_[i].running) return at(200ms, [this] { bind_client(random(instances)); });
  nodes_[i].client_link = ++next_link_;
  nodes_[i].inbox.emplace_back(link_state{client, nodes_[i].client_link, 2, true, 4});
}

void cluster_world::step(std::size_t i) {
  auto& n = nodes_[i];
  const auto life = n.life;
  if (n.running) {
    if (options_.faults && !calm_ && !n.work->store_faulted() && chance(2)) {
      ++failures_;
      n.db->fail_next(chance(50) ? shared_memory_store::failure::clean : shared_memory_store::failure::in_doubt);
    }
    const auto before = n.work->state().stats();
    auto& out = n.work->run(n.inbox, now_);
    const auto& after = n.work->state().stats();
    totals_.given_away += after.given_away - before.given_away;
    totals_.reports_passed_on += after.reports_passed_on - before.reports_passed_on;
    totals_.repeated_requests += after.repeated_requests - before.repeated_requests;
    totals_.limited += after.limited - before.limited;
    carry_out(i, out);
  }
  at(std::chrono::milliseconds{1 + random(15)}, [this, i, life] {
    if (nodes_[i].life == life && nodes_[i].running) step(i);
  });
}

void cluster_world::carry_out(std::size_t i, const std::vector<action>& actions) {
  for (const auto& a : actions) {
    if (const auto* ok = std::get_if<accepted>(&a)) {
      const auto asked = asked_.find(ok->token.value);
      if (asked == asked_.end()) continue;  // the client had given up waiting
      auto& r = requests_[asked->second];
      if (r.acknowledged && r.id != ok->id) return broken("one key, two ids");
      r.id = ok->id;
      r.acknowledged = true;
      asked_.erase(asked);
    } else if (const auto* no = std::get_if<refused>(&a)) {
      if (const auto asked = asked_.find(no->token.value); asked != asked_.end()) {
        const auto key = asked->second;
        asked_.erase(asked);
        if (no->reason == refusal::limit_reached) requests_[key].refused_for_good = true;
        else at(std::chrono::milliseconds{200 + random(800)}, [this, key] { ask(key); });
      } else if (const auto report = report_tokens_.find(no->token.value); report != report_tokens_.end()) {
        const auto which = report->second;
        report_tokens_.erase(report);
        at(std::chrono::milliseconds{200 + random(800)}, [this, which] { report_later(which); });
      }
    } else if (const auto* done = std::get_if<report_done>(&a)) {
      const auto report = report_tokens_.find(done->token.value);
      if (report == report_tokens_.end()) continue;
      carried_[report->second].reported = true;
      report_tokens_.erase(report);
    } else if (const auto* s = std::get_if<send>(&a)) {
      on_send(i, *s);
    }
  }
}

void cluster_world::on_send(std::size_t i, const send& s) {
  auto& n = nodes_[i];
  const auto life = n.life;
  const bool to_client = s.content->kind == message_kind::receipt;
  if (s.link != (to_client ? n.client_link : n.carrier_link)) {
    n.inbox.emplace_back(attempt_result{.id = s.id, .attempt = s.attempt, .outcome = attempt_outcome::not_sent});
    return;
  }
  n.open[s.id] = s.attempt;
  at(std::chrono::milliseconds{1 + random(100)}, [this, i, life, s, to_client] {
    auto& node = nodes_[i];
    if (node.life != life || !node.running) return;
    attempt_result r{.id = s.id, .attempt = s.attempt, .outcome = attempt_outcome::delivered};
    if (!calm_ && chance(8)) {
      r.outcome = attempt_outcome::temporary;
    } else if (to_client) {
      if (node.client_link != s.link) excused_.insert(s.id);  // it was leaving
      if (++times_received_[s.id] > 1 && !excused_.contains(s.id)) return broken("a receipt came twice without need");
    } else {
      if (++times_carried_[s.id] > 1 && !excused_.contains(s.id)) return broken("carried twice without need");
      const auto which = ++next_carried_;
      carried_[which].carrier_id = fmt::format("{:06x}", which);
      r.outcome = attempt_outcome::sent;
      r.segments.push_back({true, true, carried_[which].carrier_id});
      at(std::chrono::milliseconds{random(3'000)}, [this, which] { report_later(which); });
    }
    node.open.erase(s.id);
    node.inbox.push_back(std::move(r));
  });
}

void cluster_world::ask(std::uint64_t key) {
  const auto i = random(instances);
  if (!nodes_[i].running) return at(300ms, [this, key] { ask(key); });
  const auto token = ++next_token_;
  asked_[token] = key;
  auto c = std::make_shared<message_content>();
  c->account = client;
  c->destination.value = "46700000001";
  c->reference = std::to_string(key);
  c->body.assign(20, 'x');
  c->receipt_wanted = receipt_on_success | receipt_on_failure;
  auto x = std::make_shared<submit_extras>();
  x->idempotency_key = c->reference;
  x->request_digest = "d";
  nodes_[i].inbox.emplace_back(submit{{1, token}, std::move(c), false, std::move(x)});
  if (!calm_ && chance(20)) at(std::chrono::milliseconds{random(500)}, [this, key] { ask(key); });  // impatient
}

void cluster_world::report_later(std::uint64_t which) {
  const auto i = random(instances);  // whichever bind is at hand
  if (carried_[which].reported) return;
  if (!nodes_[i].running) return at(300ms, [this, which] { report_later(which); });
  const auto token = ++next_token_;
  report_tokens_[token] = which;
  nodes_[i].inbox.emplace_back(report{.token = {4, token}, .endpoint = carrier, .carrier_id = carried_[which].carrier_id,
                                      .state = message_state::delivered});
}

std::string cluster_world::run() {
  for (std::uint64_t key = 1; key <= options_.messages; ++key)
    at(std::chrono::milliseconds{random(10'000)}, [this, key] { ask(key); });
  for (int i = 0; i < 4; ++i)
    at(std::chrono::milliseconds{random(10'000)}, [this] { bind_client(random(instances)); });
  if (options_.faults)
    for (auto n = random(4); n > 0; --n)
      at(std::chrono::milliseconds{random(10'000)}, [this] { die(random(instances)); });
  const wall_time calm_at = now_ + 12s, limit = now_ + 15min;
  while (problem_.empty() && !agenda_.empty()) {
    auto next = agenda_.extract(agenda_.begin());
    now_ = std::max(now_, next.key());
    calm_ = calm_ || now_ >= calm_at;
    next.mapped()();
    if (now_ > limit) broken("does not come to rest: " + waiting());
    const bool rests = now_ > calm_at + 10s && asked_.empty() && report_tokens_.empty() &&
                       std::ranges::all_of(hub_.rows, [](const auto& r) { return r.second.settled; });
    if (rests) break;
  }
  if (problem_.empty()) check_end();
  return problem_;
}

std::string cluster_world::waiting() const {
  std::string out = fmt::format("{} requests, {} reports;", asked_.size(), report_tokens_.size());
  for (const auto& [key, row] : hub_.rows) {
    if (row.settled) continue;
    const auto m = hub_.read(key);
    out += fmt::format(" {} {} of {} for {}:", key, name(m.progress.state), row.owner, m.progress.endpoint);
    for (const auto& e : m.progress.events.entries()) out += fmt::format(" {}@{}", name(e.kind), (e.at - t0).count());
  }
  return out;
}

std::size_t cluster_world::accepted_keys() const {
  return static_cast<std::size_t>(std::ranges::count_if(requests_, [](const auto& r) { return r.second.acknowledged; }));
}

void cluster_world::check_end() {
  std::map<std::string, message_id> by_key;
  std::map<message_id, int> receipts;
  for (const auto& [number, row] : hub_.rows) {
    const auto m = hub_.read(number);
    if (m.content->kind == message_kind::receipt) {
      ++receipts[m.content->receipt->receipt_of];
      if (!times_received_.contains(m.id)) return broken("a receipt was not received");
    } else if (!by_key.emplace(m.content->reference, m.id).second) {
      return broken("two messages for one key");
    }
  }
  std::size_t taken = 0;
  for (const auto& [key, r] : requests_) {
    if (!r.acknowledged) continue;
    ++taken;
    const auto found = by_key.find(std::to_string(key));
    if (found == by_key.end() || found->second != r.id) return broken("an acknowledged message is lost");
    if (receipts[r.id] != 1) return broken(fmt::format("{} receipts for one message", receipts[r.id]));
  }
  if (options_.day_limit != 0 && by_key.size() > options_.day_limit) return broken("the limit was exceeded");
  if (options_.day_limit == 0 && taken != options_.messages) return broken("a request never got its answer");
}

std::string cluster_world::summary() const {
  return fmt::format("seed {}: {} keys, {} deaths, {} store failures", options_.seed, accepted_keys(), deaths_, failures_);
}

}  // namespace msgkit::engine::simulation
