#include "engine_world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace msgkit::engine::simulation {
namespace {

using namespace std::chrono_literals;
constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};
constexpr const char* client = "client:alice";
constexpr const char* carriers[] = {"carrier:a", "carrier:b"};

std::shared_ptr<const route_table> table() {
  route r{.name = "all", .targets = {{"carrier:a", 0, 2}, {"carrier:b", 0, 1}}};
  return std::make_shared<const route_table>(std::vector<route>{std::move(r)});
}
core_options core_settings() {
  core_options o;
  o.attempts_max = 1'000;  // giving up has its own tests; here everything must arrive somewhere
  o.retry = {.initial = 200ms, .maximum = 5s, .factor = 2.0, .jitter = 0.2};
  o.report_wait = std::chrono::seconds{600};
  o.early_reports_max = 8;
  return o;
}

}  // namespace

world::world(world_options options)
    : options_(options), state_(mix(options.seed)), now_(t0), store_(std::make_unique<memory_store>()) {
  start();
}

std::uint64_t world::random(std::uint64_t below) { return (state_ = mix(state_)) % below; }
void world::at(std::chrono::milliseconds delay, std::function<void()> what) { agenda_.emplace(now_ + delay, std::move(what)); }
void world::broken(std::string what) {
  if (problem_.empty()) problem_ = fmt::format("seed {} at {}: {}", options_.seed, (now_ - t0).count(), what);
}

// ---- the engine's side --------------------------------------------------------------------------------------------

void world::start() {
  ++life_;
  work_ = std::make_unique<processor>(core_settings(), processor_options{}, table(), *store_);
  if (!work_->start(now_)) broken("the store does not load");
  connect(client);
  for (const auto* c : carriers) connect(c);
  post(tick{});
}

void world::post(event e) {
  inbox_.push_back(std::move(e));
  if (step_due_) return;
  step_due_ = true;
  at(std::chrono::milliseconds{random(4)}, [this] { step(); });
}

void world::step() {
  step_due_ = false;
  if (options_.store_faults && !calm_ && !work_->store_faulted() && chance(3)) {
    ++store_failures_;
    store_->fail_commit(1, chance(50) ? memory_store::failure::clean : memory_store::failure::in_doubt,
                        static_cast<std::uint32_t>(random(3)));
  }
  carry_out(work_->run(inbox_, now_));
  const wall_time next = work_->next_deadline();
  if (next != wall_time::max()) {
    const auto life = life_;
    agenda_.emplace(std::max(now_, next), [this, life] {
      if (life == life_ && !step_due_ && work_->next_deadline() <= now_) step();
    });
  }
}

void world::carry_out(std::vector<action>& actions) {
  for (auto& a : actions) {
    if (const auto* ok = std::get_if<accepted>(&a)) {
      answered(ok->token, true);
    } else if (const auto* no = std::get_if<refused>(&a)) {
      answered(no->token, false);
    } else if (const auto* done = std::get_if<report_done>(&a)) {
      const auto token = report_tokens_.find(done->token.value);
      if (token == report_tokens_.end()) return broken("a report was answered twice");
      reports_.erase(token->second);
      report_tokens_.erase(token);
    } else if (const auto* s = std::get_if<send>(&a)) {
      on_send(*s);
    }
  }
}

void world::answered(ingress_token token, bool acknowledged) {
  if (const auto r = report_tokens_.find(token.value); r != report_tokens_.end()) {
    const auto report = r->second;
    report_tokens_.erase(r);
    at(std::chrono::milliseconds{500 + random(1'000)}, [this, report] { offer_report(report); });
    return;
  }
  const auto s = submits_.find(token.value);
  if (s == submits_.end() || s->second.answered) return broken("a submit was answered twice");
  s->second.answered = true;
  s->second.acknowledged = acknowledged;
  refusals_ += !acknowledged;
}

void world::crash() {
  ++crashes_;
  store_ = std::make_unique<memory_store>(store_->after_crash());
  for (const auto& e : inbox_)  // answers that never reached the engine
    if (const auto* r = std::get_if<attempt_result>(&e)) excused_.insert(r->id);
  inbox_.clear();
  if (work_->store_faulted()) {  // answers that it knew and could not write down
    for (const auto id : store_->ids()) excused_.insert(id);
  }
  for (auto& [token, s] : submits_) s.cut_off = s.cut_off || !s.answered;
  for (auto& [link, w] : wires_) {
    for (const auto& [id, attempt] : w.open) excused_.insert(id);
    w.open.clear();
    w.up = false;
  }
  for (const auto& [token, report] : report_tokens_)
    at(std::chrono::milliseconds{500 + random(2'000)}, [this, r = report] { offer_report(r); });
  report_tokens_.clear();
  start();
}

// ---- links --------------------------------------------------------------------------------------------------------

void world::connect(const std::string& endpoint) {
  const auto link = ++next_link_;
  const auto capacity = static_cast<std::uint32_t>(1 + random(8));
  wires_[link] = wire{endpoint, capacity, {}, true};
  post(link_state{endpoint, link, 1, true, capacity});
  if (options_.link_faults && !calm_ && chance(60))
    at(std::chrono::milliseconds{100 + random(8'000)}, [this, link] { disconnect(link); });
}

void world::disconnect(std::uint64_t link) {
  auto& w = wires_[link];
  if (!w.up) return;
  w.up = false;
  // What is on the wire is unknown; some connectors say so themselves, some leave it to the engine.
  for (const auto& [id, attempt] : w.open) {
    excused_.insert(id);
    if (chance(50)) post(attempt_result{.id = id, .attempt = attempt, .outcome = attempt_outcome::unknown});
  }
  w.open.clear();
  post(link_state{w.endpoint, link, 1, false, 0});
  const auto life = life_;
  at(std::chrono::milliseconds{random(6'000)}, [this, life, endpoint = w.endpoint] {
    if (life == life_) connect(endpoint);
  });
}

void world::on_send(const send& s) {
  auto& w = wires_[s.link];
  if (!w.up) {  // it broke while the batch was being committed
    post(attempt_result{.id = s.id, .attempt = s.attempt, .outcome = attempt_outcome::not_sent});
    return;
  }
  if (!w.open.emplace(s.id, s.attempt).second) return broken("sent twice at the same time");
  if (w.open.size() > w.capacity) return broken("window exceeded");
  const auto life = life_;
  at(std::chrono::milliseconds{1 + random(300)}, [this, s, life] {
    if (s.content->kind == message_kind::receipt) client_takes(s, life);
    else carrier_takes(s, life);
  });
}

void world::finish_send(const send& s, attempt_result r, std::uint64_t life) {
  auto& w = wires_[s.link];
  if (life != life_ || !w.up || w.open.erase(s.id) == 0) return;
  r.id = s.id;
  r.attempt = s.attempt;
  const bool twice = chance(3);
  if (twice) post(r);
  post(std::move(r));
}

// ---- the far sides ------------------------------------------------------------------------------------------------

void world::carrier_takes(const send& s, std::uint64_t life) {
  attempt_result r;
  const auto dice = calm_ ? 100 : random(100);
  if (dice < 10) {
    r.outcome = dice < 4 ? attempt_outcome::temporary : dice < 8 ? attempt_outcome::throttled : attempt_outcome::not_sent;
    return finish_send(s, std::move(r), life);
  }
  if (dice < 13) {
    told_[s.id] = message_state::rejected;
    r.outcome = attempt_outcome::permanent;
    return finish_send(s, std::move(r), life);
  }
  // Taken, whether or not the answer gets through.
  if (++carried_[s.id] > 1 && !excused_.contains(s.id)) return broken("carried twice without need");
  const auto id = fmt::format("{:06x}", ++next_carrier_id_);
  const auto state = chance(85) ? message_state::delivered : message_state::undelivered;
  const auto report = ++next_report_;
  reports_[report] = {wires_[s.link].endpoint, id, state};
  at(std::chrono::milliseconds{random(2'000)}, [this, report] { offer_report(report); });
  r.outcome = attempt_outcome::sent;
  r.segments.push_back({true, true, id});
  at(std::chrono::milliseconds{random(400)}, [this, s, r, life] { finish_send(s, r, life); });
}

void world::client_takes(const send& s, std::uint64_t life) {
  attempt_result r;
  r.outcome = !calm_ && chance(10) ? attempt_outcome::temporary : attempt_outcome::delivered;
  if (r.outcome == attempt_outcome::delivered && ++received_[s.id] > 1 && !excused_.contains(s.id))
    return broken("a receipt came twice without need");
  at(std::chrono::milliseconds{random(100)}, [this, s, r, life] { finish_send(s, r, life); });
}

void world::offer_report(std::uint64_t report_number) {
  const auto at_ = reports_.find(report_number);
  if (at_ == reports_.end()) return;
  const auto token = ++next_token_;
  report_tokens_[token] = report_number;
  const auto& r = at_->second;
  post(report{.token = {1, token}, .endpoint = r.endpoint, .carrier_id = r.carrier_id, .state = r.state});
}

void world::submit_one() {
  const auto token = ++next_token_;
  submits_[token] = {token};
  auto c = std::make_shared<message_content>();
  c->account = client;
  c->destination.value = std::to_string(46'700'000'000 + random(1'000'000));
  c->reference = std::to_string(token);
  c->body.assign(20, 'x');
  c->priority = static_cast<std::uint8_t>(random(4));
  c->receipt_wanted = receipt_on_success | receipt_on_failure;
  post(submit{{1, token}, std::move(c)});
}

// ---- the run ------------------------------------------------------------------------------------------------------

std::string world::run() {
  for (std::size_t i = 0; i < options_.messages; ++i)
    at(std::chrono::milliseconds{random(10'000)}, [this] { submit_one(); });
  if (options_.crashes)
    for (auto n = random(4); n > 0; --n) at(std::chrono::milliseconds{random(12'000)}, [this] { crash(); });
  const wall_time end = now_ + 20s;
  const wall_time limit = end + 48h;
  while (!agenda_.empty() && problem_.empty()) {
    if (!calm_ && agenda_.begin()->first > end) quiesce();
    auto next = agenda_.extract(agenda_.begin());
    now_ = std::max(now_, next.key());
    next.mapped()();
    const bool resting = calm_ && work_->state().active() == 0 && reports_.empty() && inbox_.empty() && !work_->store_faulted();
    if (resting) break;
    if (now_ > limit) broken("does not come to rest");
  }
  if (problem_.empty()) check_end();
  return problem_;
}

// No more faults: from here on everything has to come to its end.
void world::quiesce() {
  calm_ = true;
  post(tick{});
}

void world::check_end() {
  for (const auto& [token, s] : submits_)
    if (!s.answered && !s.cut_off) return broken("a submit was never answered");

  std::map<std::string, message> by_reference;
  std::map<message_id, int> receipts;
  std::vector<message> all;
  for (const auto id : store_->ids()) {
    auto m = store_->find(id);
    if (!m || !m->has_value()) return broken("a row does not read");
    all.push_back(std::move(**m));
  }
  for (const auto& m : all) {
    if (!m.progress.settled) return broken("a message is not settled: " + m.id.text());
    if (m.content->kind == message_kind::receipt) {
      ++receipts[m.content->receipt->receipt_of];
      if (m.progress.state == message_state::delivered && !received_.contains(m.id)) return broken("receipt not received");
    } else if (!by_reference.emplace(m.content->reference, m).second) {
      return broken("one submit, two messages");
    }
  }
  for (const auto& [token, s] : submits_) {
    const auto m = by_reference.find(std::to_string(token));
    if (s.acknowledged && m == by_reference.end()) return broken("an acknowledged message is lost");
    if (!s.acknowledged && !s.cut_off && m != by_reference.end()) return broken("a refused message exists");
  }
  for (const auto& [reference, m] : by_reference) {
    if (receipts[m.id] != 1) return broken(fmt::format("{} receipts for one message", receipts[m.id]));
    if (m.progress.state == message_state::rejected && told_[m.id] != message_state::rejected)
      return broken("rejected without a carrier saying so");
    if (m.progress.state == message_state::delivered && carried_[m.id] == 0) return broken("delivered but never carried");
  }
}

std::string world::summary() const {
  return fmt::format("{} submits, {} refused, {} crashes, {} store failures", submits_.size(), refusals_, crashes_,
                     store_failures_);
}

}  // namespace msgkit::engine::simulation
