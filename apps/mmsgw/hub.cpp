#include "mmsgw/hub.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "common/digest.hpp"
#include "common/log.hpp"
#include "mmsgw/model_json.hpp"
#include "mmsgw/part_adapter.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};
constexpr std::size_t due_batch = 64;

std::int64_t milliseconds(std::chrono::milliseconds t) { return t.count(); }

}  // namespace

std::string make_id() {
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  // Asking for 10 octets costs as much as asking for 640.
  constexpr std::size_t random_bytes = 10, piece_bytes = 64 * random_bytes;
  thread_local std::string piece;
  if (piece.empty()) piece = random_octets(piece_bytes);
  byte_vector id;
  id.reserve(6 + random_bytes);
  append_big(id, static_cast<std::uint64_t>(now.count()) << 16);
  id.resize(6);
  append(id, as_bytes(std::string_view(piece).substr(piece.size() - random_bytes)));
  piece.resize(piece.size() - random_bytes);
  return to_hex(id);
}

hub::hub(asio::any_io_executor executor, std::unique_ptr<store> s, http_client& http, hub_options options, metrics& m)
    : executor_(executor),
      store_(std::move(s)),
      http_(http),
      options_(std::move(options)),
      timer_(executor),
      purge_timer_(executor),
      beat_timer_(executor),
      metrics_(m),
      sent_(m.counter("mmsgw_sent_total", "Messages a peer has taken, by recipient.")),
      failed_(m.counter("mmsgw_failed_total", "Messages given up, by recipient.")),
      received_(m.counter("mmsgw_received_total", "Messages taken from peers.")),
      repeated_(m.counter("mmsgw_repeated_total", "Messages that came again and were not taken twice.")),
      callbacks_failed_(m.counter("mmsgw_callback_failures_total", "Callbacks that were not answered with 2xx.")) {}

hub::~hub() { *alive_ = false; }

void hub::add(std::shared_ptr<gateway_link> link, gateway_options o) {
  auto up = metrics_.gauge("mmsgw_gateway_up", "Whether a gateway's last heartbeats were answered.",
                           {{"gateway", link->name()}});
  up.set(1);
  gateways_.push_back({.link = std::move(link), .options = std::move(o), .up = up});
}

void hub::reconfigure(hub_options options, const std::map<std::string, gateway_options>& gateways) {
  options.beat_interval = options_.beat_interval;
  options.beat_lease = options_.beat_lease;
  options.make_id = options_.make_id;
  options_ = std::move(options);
  has_unrouted_ = true;
  for (auto& g : gateways_)
    if (const auto found = gateways.find(g.link->name()); found != gateways.end()) g.options = found->second;
  soon();
}

bool hub::has_group(const std::string& group) const {
  return std::ranges::any_of(gateways_, [&](const gateway& g) { return g.link->group() == group; }) ||
         std::ranges::find(options_.other_groups, group) != options_.other_groups.end();
}

std::vector<std::string> hub::groups() const {
  std::vector<std::string> all;
  for (const auto& g : gateways_)
    if (std::ranges::find(all, g.link->group()) == all.end()) all.push_back(g.link->group());
  return all;
}

const hub::gateway* hub::find(const std::string& name) const {
  const auto at = std::ranges::find_if(gateways_, [&](const gateway& g) { return g.link->name() == name; });
  return at == gateways_.end() ? nullptr : &*at;
}

std::int64_t hub::now_ms() const { return driver_clock::wall_now().time_since_epoch().count(); }

std::string hub::new_id() const { return options_.make_id ? options_.make_id() : make_id(); }

std::int64_t hub::retry_at(unsigned attempts, std::string_view seed) const {
  return now_ms() + milliseconds(backoff_delay(options_.retry, attempts == 0 ? 0 : attempts - 1,
                                               std::hash<std::string_view>{}(seed)));
}

void hub::start() {
  beat();
  purge_regularly();
  soon();
}

void hub::drain(std::function<void()> done) {
  is_draining_ = true;
  timer_.cancel();
  purge_timer_.cancel();
  if (!adapter_) return stop_links(std::move(done));
  stop_adapting();
  // After what that has posted: it is put back before the end.
  asio::post(executor_, [this, alive = alive_, done = std::move(done)]() mutable {
    if (*alive) stop_links(std::move(done));
  });
}

void hub::stop_links(std::function<void()> done) {
  const auto left = std::make_shared<std::size_t>(gateways_.size());
  const auto finish = [this, done] {
    beat_timer_.cancel();
    flush();
    done();
  };
  if (*left == 0) return finish();
  for (const auto& g : gateways_)
    g.link->stop([left, finish] {
      if (--*left == 0) finish();
    });
}

// ---- commits

void hub::later(std::function<bool()> work, std::function<void(bool)> done) {
  jobs_.push_back({std::move(work), std::move(done)});
  if (std::exchange(is_flush_posted_, true)) return;
  asio::post(executor_, [this, alive = alive_] {
    if (*alive) flush();
  });
}

void hub::flush() {
  is_flush_posted_ = false;
  auto jobs = std::exchange(jobs_, {});
  if (jobs.empty()) return;
  std::vector<char> good(jobs.size(), 1);
  const bool committed = commit(jobs, good);
  if (!committed) log_.error("the store cannot commit", {{"reason", store_->error_text()}});
  const auto alive = alive_;
  for (std::size_t i = 0; i < jobs.size() && *alive; ++i) jobs[i].done(committed && good[i] != 0);
}

// All in one go, as it nearly always works; else each by itself, so that one that cannot be done takes no other with
// it.
bool hub::commit(std::vector<job>& jobs, std::vector<char>& good) {
  if (store_->transaction([&] { return std::ranges::all_of(jobs, [](const job& j) { return j.work(); }); }))
    return true;
  return store_->transaction([&] {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      bool one = false;
      if (!store_->part_of_transaction(jobs[i].work, one)) return false;
      good[i] = one ? 1 : 0;
      if (!one) log_.error("a step was undone", {{"reason", store_->error_text()}});
    }
    return true;
  });
}

// ---- out

std::string hub::submit(message m) {
  m.id = new_id();
  m.created_ms = now_ms();
  for (std::size_t i = 0; i < m.recipients.size(); ++i) m.recipients[i].index = i;
  if (m.group.empty()) route_now(m, application_name);
  const auto due = std::max(m.created_ms, m.content.earliest_delivery * 1'000);
  event e{event_state::scheduled, "", "waiting to be sent", "", m.created_ms, {}};
  for (const auto& r : m.recipients) e.destinations.push_back(r.number);
  m.first_event = to_text(e);
  const bool good = store_->transaction([&] { return store_->insert_message(m, due) && announce(m, e); });
  if (!good) {
    log_.error("the store cannot commit", {{"reason", store_->error_text()}});
    return {};
  }
  soon();
  return m.id;
}

void hub::called() {
  store_->expect_others();
  has_unrouted_ = true;
  soon();
}

void hub::soon() {
  if (is_draining_ || std::exchange(is_pump_posted_, true)) return;
  asio::post(executor_, [this, alive = alive_] {
    if (!*alive) return;
    is_pump_posted_ = false;
    pump();
  });
}

void hub::pump() {
  if (is_draining_) return;
  while (pump_unrouted()) {}
  for (const auto& group : groups()) {
    while (pump_group(group)) {}
  }
  send_callbacks();
  send_answers();
  arm();
}

// Whether another round makes sense.
bool hub::pump_group(const std::string& group) {
  const auto now = now_ms();
  if (!may_send(group, now)) return false;
  const auto due = store_->due(group, now, due_batch);
  std::vector<attempt> all;
  std::vector<std::pair<recipient_key, unsigned>> late;
  const bool asks = prices_need_lookup(group);
  destination d;
  std::shared_ptr<message> m;
  std::shared_ptr<const std::vector<loaded_part>> parts;
  for (const auto& k : due) {
    if (!m || m->id != k.message_id) {
      auto loaded = store_->get_message(k.message_id);
      m = loaded ? std::make_shared<message>(*std::move(loaded)) : nullptr;
      parts = nullptr;
    }
    if (!m || k.index >= m->recipients.size() || fetching_.contains(k.message_id)) continue;
    const auto& to = m->recipients[k.index];
    if (now >= expiry_of(*m)) {
      all.push_back({.what = m, .key = k, .code = "408", .why = "expired before it could be sent"});
      continue;
    }
    if (is_barred(*m, to)) {
      all.push_back({.what = m, .key = k, .code = "403", .why = "no gateway of the group carries it"});
      continue;
    }
    if (!parts && !(parts = load_parts(*m))) {
      fetch_parts(*m);
      continue;
    }
    const auto knows = asks ? look_up(to, d) : knowledge::known;
    if (!asks) d = {.number = to.number};
    if (knows == knowledge::is_late) late.emplace_back(k, to.attempts);
    if (knows != knowledge::known) continue;
    auto* g = choose(*m, to, d, now);
    if (g == nullptr && !may_send(group, now)) break;
    if (g == nullptr) continue;  // it waits for one that has no room, others have
    ++g->in_flight;
    if (!has_to_fit(*g, *m, *parts)) take_pace(*g, now);
    all.push_back({.what = m,
                   .parts = parts,
                   .key = k,
                   .gateway_index = static_cast<std::size_t>(g - gateways_.data()),
                   .found_ms = now});
  }
  const bool began = !all.empty() || !late.empty();
  postpone(late);
  begin(std::move(all));
  return began && due.size() == due_batch;
}

// Attempts are committed before the network sees them.
void hub::begin(std::vector<attempt> all) {
  if (all.empty()) return;
  const bool committed = store_->transaction([&] {
    return std::ranges::all_of(
        all, [&](attempt& a) { return store_->part_of_transaction([&] { return record(a); }, a.is_recorded); });
  });
  if (!committed) log_.error("the store cannot commit", {{"reason", store_->error_text()}});
  for (auto& a : all) {
    if (*a.code != '\0') {
      if (committed && a.is_recorded) failed_.add();
      continue;
    }
    auto& g = gateways_[a.gateway_index];
    if (!committed || !a.is_recorded) {  // or another process has it
      --g.in_flight;
      continue;
    }
    const auto what = std::make_shared<message>(*a.what);  // with its own transaction id
    what->gateway_id = g.link->name();
    what->last_tran_id = what->id + '-' + std::to_string(a.key.index);
    ++what->recipients[a.key.index].attempts;
    submission s{.what = what, .parts = a.parts, .index = a.key.index, .transaction_id = what->last_tran_id};
    if (has_to_fit(g, *what, *s.parts)) fit_and_submit(a.key, a.gateway_index, std::move(s));
    else submit(a.key, a.gateway_index, std::move(s));
  }
}

void hub::submit(const recipient_key& k, std::size_t gateway_index, submission s) {
  gateways_[gateway_index].link->submit(std::move(s), [this, alive = alive_, k, gateway_index](submit_result result) {
    if (*alive) ended(k, gateway_index, result);
  });
}

// When the next one may go.
double hub::take_pace(gateway& g, std::int64_t now) {
  constexpr double burst_ms = 100;
  if (g.options.tps_limit <= 0) return 0;
  const auto turn = std::max(g.next_ms, static_cast<double>(now) - burst_ms);
  g.next_ms = turn + 1'000 / g.options.tps_limit;
  return turn;
}

bool hub::record(attempt& a) {
  auto& m = *a.what;
  const auto& r = m.recipients[a.key.index];
  if (*a.code != '\0') return fail(m, r, a.code, a.why, "");
  m.gateway_id = gateways_[a.gateway_index].link->name();
  m.processed_ms = now_ms();
  m.last_tran_id = m.id + '-' + std::to_string(a.key.index);
  return store_->claim(a.key, r.attempts + 1, a.found_ms) && store_->update_message(m);
}

void hub::ended(const recipient_key& k, std::size_t gateway_index, const submit_result& r) {
  auto& g = gateways_[gateway_index];
  --g.in_flight;
  g.failures = r.verdict == submit_verdict::try_again ? std::min(g.failures + 1, 8u) : 0;
  g.resting_until = g.failures == 0 ? 0 : retry_at(g.failures, g.link->name());
  if (r.verdict == submit_verdict::taken || r.verdict == submit_verdict::acknowledged) sent_.add();
  conclude(k, g.link->name(), std::make_shared<const submit_result>(r));
}

// Until it is committed: nobody else would do it while this process lives.
void hub::conclude(const recipient_key& k, const std::string& gateway_name, std::shared_ptr<const submit_result> r) {
  later([this, k, gateway_name, r] { return keep_result(k, gateway_name, *r); },
        [this, k, gateway_name, r](bool good) {
          if (!good) again_.push_back([this, k, gateway_name, r] { conclude(k, gateway_name, r); });
          soon();
        });
}

bool hub::keep_result(const recipient_key& k, const std::string& name, const submit_result& r) {
  const auto m = store_->get_message(k.message_id);
  if (!m || k.index >= m->recipients.size()) return true;  // purged
  const auto& to = m->recipients[k.index];
  if (!r.carrier_id.empty() && !store_->set_carrier_id(k, r.carrier_id)) return false;
  // A report may have overtaken the answer.
  const bool is_ahead = to.state != recipient_state::sending;
  switch (r.verdict) {
    case submit_verdict::taken:
    case submit_verdict::acknowledged: {
      const bool acknowledged = r.verdict == submit_verdict::acknowledged;
      const auto state = acknowledged ? recipient_state::acknowledged : recipient_state::sent;
      if (!is_ahead && !store_->set_state(k, to.state, state, to.attempts, 0)) return false;
      if (!note(*m, event_state::sent, {to.number}, r.code, r.description, name)) return false;
      if (acknowledged && !note(*m, event_state::acknowledged, {to.number}, r.code, r.description, name)) return false;
      return r.carrier_id.empty() || keep_early_reports(r.carrier_id, name);
    }
    case submit_verdict::refused: return is_ahead || fail(*m, to, r.code, r.description, name);
    case submit_verdict::try_again: return is_ahead || retry_or_fail(*m, to, to.attempts, r.code, r.description, name);
  }
  return false;
}

bool hub::fail(const message& m, const recipient& r, const std::string& code, const std::string& text,
               const std::string& gateway_name) {
  return store_->set_state({m.id, r.index}, r.state, recipient_state::failed, r.attempts, 0) &&
         note(m, event_state::failed, {r.number}, code, text, gateway_name);
}

bool hub::retry_or_fail(const message& m, const recipient& r, unsigned attempts, const std::string& code,
                        const std::string& text, const std::string& gateway_name) {
  if (attempts < options_.attempts_max) {
    log_.info("a message is tried again", {{"message", m.id}, {"attempts", attempts}, {"reason", text}});
    has_unrouted_ = has_unrouted_ || m.group.empty();
    return store_->set_state({m.id, r.index}, r.state, recipient_state::queued, attempts, retry_at(attempts, m.id));
  }
  failed_.add();
  return fail(m, r, code, text, gateway_name);
}

// ---- events

// Within a transaction.
bool hub::note(const message& m, event_state s, std::vector<std::string> numbers, const std::string& code,
               const std::string& text, const std::string& gateway_name) {
  const event e{s, code, text, gateway_name, now_ms(), std::move(numbers)};
  return store_->add_event(m.id, to_text(e)) && pass_back(m, e) && announce(m, e);
}

// To the application, which has told us where.
bool hub::announce(const message& m, const event& e) {
  auto urls = options_.events_urls;
  urls.insert(urls.end(), m.events_urls.begin(), m.events_urls.end());
  if (const auto* g = find(e.gateway))
    urls.insert(urls.end(), g->options.events_urls.begin(), g->options.events_urls.end());
  std::ranges::sort(urls);
  const auto twice = std::ranges::unique(urls);
  urls.erase(twice.begin(), twice.end());
  return urls.empty() || call_back(urls, callback_text(e, m.id));
}

bool hub::call_back(const std::vector<std::string>& urls, const std::string& body) {
  return std::ranges::all_of(urls, [&](const std::string& url) {
    return store_->add_callback({new_id(), url, body, 0});
  });
}

}  // namespace msgkit::app::mms
