#include "mmsgw/hub.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <charconv>

#include "common/digest.hpp"
#include "common/log.hpp"
#include "mmsgw/model_json.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};
constexpr std::size_t due_batch = 64;

std::int64_t milliseconds(std::chrono::milliseconds t) { return t.count(); }

// Of the state that an event moves a recipient to; nothing for events that move nobody.
std::optional<recipient_state> state_after(event_state s) noexcept {
  switch (s) {
    case event_state::sent: return recipient_state::sent;
    case event_state::acknowledged: return recipient_state::acknowledged;
    case event_state::forwarded: return recipient_state::forwarded;
    case event_state::delivered: return recipient_state::delivered;
    case event_state::failed: return recipient_state::failed;
    default: return std::nullopt;
  }
}

// "0123...-2": ours, the message and the index of the recipient.
std::optional<recipient_key> parse_transaction(std::string_view id) {
  id = id.substr(0, id.find('@'));
  const auto dash = id.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  recipient_key k{std::string(id.substr(0, dash)), 0};
  const auto digits = id.substr(dash + 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), k.index);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return k;
}

std::string_view digits_of(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  return number;
}

}  // namespace

std::string make_id() { return to_hex(as_bytes(random_octets(16))); }

hub::hub(asio::any_io_executor executor, std::unique_ptr<store> s, http_client& http, hub_options options, metrics& m)
    : executor_(executor), store_(std::move(s)), http_(http), options_(std::move(options)), timer_(executor), purge_timer_(executor),
      sent_(m.counter("mmsgw_sent_total", "Messages a peer has taken, by recipient.")),
      failed_(m.counter("mmsgw_failed_total", "Messages given up, by recipient.")),
      received_(m.counter("mmsgw_received_total", "Messages taken from peers.")),
      repeated_(m.counter("mmsgw_repeated_total", "Messages that came again and were not taken twice.")),
      callbacks_failed_(m.counter("mmsgw_callback_failures_total", "Callbacks that were not answered with 2xx.")) {}

hub::~hub() { *alive_ = false; }

void hub::add(std::shared_ptr<gateway_link> link, gateway_options o) {
  gateways_.push_back({.link = std::move(link), .options = std::move(o)});
}

bool hub::has_group(const std::string& group) const {
  return std::ranges::any_of(gateways_, [&](const gateway& g) { return g.link->group() == group; });
}

std::vector<std::string> hub::groups() const {
  std::vector<std::string> all;
  for (const auto& g : gateways_)
    if (std::ranges::find(all, g.link->group()) == all.end()) all.push_back(g.link->group());
  return all;
}

std::int64_t hub::now_ms() const { return driver_clock::wall_now().time_since_epoch().count(); }

std::int64_t hub::retry_at(unsigned attempts, std::string_view seed) const {
  return now_ms() + milliseconds(backoff_delay(options_.retry, attempts == 0 ? 0 : attempts - 1, std::hash<std::string_view>{}(seed)));
}

void hub::start() {
  // What became of these nobody knows. Both protocols let the peer recognise a repetition by its ids.
  for (const auto& k : store_->interrupted()) {
    const auto m = store_->get_message(k.message_id);
    if (!m || k.index >= m->recipients.size()) continue;
    const auto& r = m->recipients[k.index];
    const bool good = store_->transaction([&] {
      return store_->set_state(k, recipient_state::queued, r.attempts, now_ms()) &&
             note(*m, event_state::undefined, {r.number}, "", "the gateway was interrupted: sent again under the same ids", m->gateway_id);
    });
    if (!good) log_.error("cannot take up an interrupted message", {{"message", k.message_id}});
  }
  purge_regularly();
  soon();
}

void hub::drain(std::function<void()> done) {
  is_draining_ = true;
  timer_.cancel();
  purge_timer_.cancel();
  const auto left = std::make_shared<std::size_t>(gateways_.size());
  if (*left == 0) return done();
  for (const auto& g : gateways_)
    g.link->stop([left, done] {
      if (--*left == 0) done();
    });
}

// ---- out

std::string hub::submit(message m) {
  m.id = make_id();
  m.created_ms = now_ms();
  for (std::size_t i = 0; i < m.recipients.size(); ++i) m.recipients[i].index = i;
  const auto due = std::max(m.created_ms, m.content.earliest_delivery * 1'000);
  std::vector<std::string> numbers;
  for (const auto& r : m.recipients) numbers.push_back(r.number);
  const bool good = store_->transaction([&] {
    return store_->insert_message(m, due) && note(m, event_state::scheduled, numbers, "", "waiting to be sent", "");
  });
  if (!good) {
    log_.error("the store cannot commit", {{"reason", store_->error_text()}});
    return {};
  }
  soon();
  return m.id;
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
  if (choose(group, now) == nullptr) return false;
  const auto due = store_->due(group, now, due_batch);
  std::shared_ptr<message> m;
  bool began = false;
  for (const auto& k : due) {
    auto* g = choose(group, now);
    if (g == nullptr) return false;
    if (!m || m->id != k.message_id) {
      auto loaded = store_->get_message(k.message_id);
      m = loaded ? std::make_shared<message>(*std::move(loaded)) : nullptr;
    }
    if (!m || k.index >= m->recipients.size() || fetching_.contains(k.message_id)) continue;
    began = begin(m, k, *g) || began;
  }
  return began && due.size() == due_batch;
}

// The gateway of the group that may send now and has the least to do; one that rests only when all do.
hub::gateway* hub::choose(const std::string& group, std::int64_t now) {
  gateway* best = nullptr;
  ++turn_;
  for (std::size_t i = 0; i < gateways_.size(); ++i) {
    auto& g = gateways_[(i + turn_) % gateways_.size()];
    if (g.link->group() != group || g.in_flight >= options_.in_flight_max || g.next_ms > now) continue;
    const bool rests = g.resting_until > now;
    if (best == nullptr || (best->resting_until > now && !rests)) best = &g;
  }
  return best;
}

bool hub::begin(const std::shared_ptr<message>& m, const recipient_key& k, gateway& g) {
  const auto& r = m->recipients[k.index];
  const auto& c = m->content;
  const auto now = now_ms();
  const auto until = c.latest_delivery != 0 ? c.latest_delivery * 1'000
                     : c.expire_after != 0  ? m->created_ms + c.expire_after * 1'000
                                            : m->created_ms + milliseconds(options_.message_lifetime);
  if (now >= until) {
    failed_.add();
    return store_->transaction([&] {
      return store_->set_state(k, recipient_state::failed, r.attempts, 0) &&
             note(*m, event_state::failed, {r.number}, "408", "expired before it could be sent", g.link->name());
    });
  }
  std::string missing;
  auto parts = load_parts(*m, missing);
  if (!parts) {
    if (missing.empty()) return false;
    fetch_parts(*m);
    return false;
  }
  m->gateway_id = g.link->name();
  m->processed_ms = now;
  m->last_tran_id = m->id + '-' + std::to_string(k.index);
  const bool recorded = store_->transaction([&] {
    return store_->set_state(k, recipient_state::sending, r.attempts + 1, 0) && store_->update_message(*m);
  });
  if (!recorded) {
    log_.error("the store cannot commit", {{"reason", store_->error_text()}});
    return false;
  }
  m->recipients[k.index].attempts = r.attempts + 1;
  ++g.in_flight;
  if (g.options.tps_limit > 0) g.next_ms = std::max(g.next_ms, now) + static_cast<std::int64_t>(1'000 / g.options.tps_limit);
  const auto index = static_cast<std::size_t>(&g - gateways_.data());
  g.link->submit({.what = m, .parts = std::move(parts), .index = k.index, .transaction_id = m->last_tran_id},
                 [this, alive = alive_, k, index](submit_result result) {
                   if (*alive) ended(k, index, std::move(result));
                 });
  return true;
}

void hub::ended(const recipient_key& k, std::size_t gateway_index, submit_result r) {
  auto& g = gateways_[gateway_index];
  --g.in_flight;
  g.failures = r.verdict == submit_verdict::try_again ? std::min(g.failures + 1, 8u) : 0;
  g.resting_until = g.failures == 0 ? 0 : retry_at(g.failures, g.link->name());
  const auto m = store_->get_message(k.message_id);
  if (m && k.index < m->recipients.size()) {
    const auto& to = m->recipients[k.index];
    const auto& name = g.link->name();
    const bool good = store_->transaction([&] {
      if (!r.carrier_id.empty() && !store_->set_carrier_id(k, r.carrier_id)) return false;
      // A report may have overtaken the answer.
      const bool is_ahead = to.state > recipient_state::sending;
      switch (r.verdict) {
        case submit_verdict::taken:
        case submit_verdict::acknowledged: {
          const bool acknowledged = r.verdict == submit_verdict::acknowledged;
          sent_.add();
          if (!is_ahead && !store_->set_state(k, acknowledged ? recipient_state::acknowledged : recipient_state::sent, to.attempts, 0)) return false;
          if (!note(*m, event_state::sent, {to.number}, r.code, r.description, name)) return false;
          return !acknowledged || note(*m, event_state::acknowledged, {to.number}, r.code, r.description, name);
        }
        case submit_verdict::refused:
          failed_.add();
          return store_->set_state(k, recipient_state::failed, to.attempts, 0) &&
                 note(*m, event_state::failed, {to.number}, r.code, r.description, name);
        case submit_verdict::try_again: return is_ahead || retry_or_fail(*m, k, to.attempts, r.code, r.description, name);
      }
      return false;
    });
    // It stays `sending`, and is taken up at the next start.
    if (!good) log_.error("the outcome of a message cannot be committed", {{"message", k.message_id}, {"reason", store_->error_text()}});
  }
  soon();
}

bool hub::retry_or_fail(const message& m, const recipient_key& k, unsigned attempts, const std::string& code, const std::string& text,
                        const std::string& gateway_name) {
  const auto& number = m.recipients[k.index].number;
  if (attempts < options_.attempts_max) {
    log_.info("a message is tried again", {{"message", m.id}, {"attempts", attempts}, {"reason", text}});
    return store_->set_state(k, recipient_state::queued, attempts, retry_at(attempts, m.id));
  }
  failed_.add();
  return store_->set_state(k, recipient_state::failed, attempts, 0) && note(m, event_state::failed, {number}, code, text, gateway_name);
}

// ---- reports

report_fate hub::acknowledged(const std::string& gateway_name, std::string_view transaction_id, bool is_good, bool may_try_again,
                              const std::string& code, const std::string& text) {
  const auto k = parse_transaction(transaction_id);
  const auto m = k ? store_->get_message(k->message_id) : std::nullopt;
  if (!m || m->is_inbound || k->index >= m->recipients.size()) return report_fate::unknown_message;
  const auto& to = m->recipients[k->index];
  if (to.state >= recipient_state::acknowledged) return report_fate::recorded;  // late, or repeated
  const bool good = store_->transaction([&] {
    if (is_good)
      return store_->set_state(*k, recipient_state::acknowledged, to.attempts, 0) &&
             note(*m, event_state::acknowledged, {to.number}, code, text, gateway_name);
    if (may_try_again) return retry_or_fail(*m, *k, to.attempts, code, text, gateway_name);
    failed_.add();
    return store_->set_state(*k, recipient_state::failed, to.attempts, 0) && note(*m, event_state::failed, {to.number}, code, text, gateway_name);
  });
  soon();
  return good ? report_fate::recorded : report_fate::failed;
}

report_fate hub::reported(const std::string& gateway_name, const report& r) {
  auto k = store_->find_by_carrier_id(r.message_id);
  auto m = store_->get_message(k ? k->message_id : r.message_id.substr(0, r.message_id.find('@')));
  if (!m || m->is_inbound) return report_fate::unknown_message;
  const recipient* to = nullptr;
  for (const auto& one : m->recipients)
    if (k ? one.index == k->index : digits_of(one.number) == digits_of(r.number)) to = &one;
  // A report that names nobody is about the only recipient there is.
  if (to == nullptr && m->recipients.size() == 1 && r.number.empty()) to = &m->recipients.front();
  if (to == nullptr) return report_fate::unknown_message;
  const auto state = state_after(r.state);
  const bool is_final = to->state == recipient_state::delivered || to->state == recipient_state::failed;
  if (state && (is_final || *state <= to->state)) return report_fate::recorded;  // repeated, or overtaken
  const bool good = store_->transaction([&] {
    return (!state || store_->set_state({m->id, to->index}, *state, to->attempts, 0)) &&
           note(*m, r.state, {to->number}, r.code, r.text, gateway_name);
  });
  soon();
  return good ? report_fate::recorded : report_fate::failed;
}

// ---- in

intake hub::receive(const std::string& gateway_name, message m, const std::vector<inbound_part>& parts, std::string& id) {
  m.is_inbound = true;
  m.gateway_id = gateway_name;
  m.created_ms = m.processed_ms = now_ms();
  // Without an id of the peer's nothing can be recognised.
  if (!m.peer_ref.empty())
    std::erase_if(m.recipients, [&](const recipient& r) { return store_->is_known(gateway_name, m.peer_ref, r.number); });
  if (m.recipients.empty()) {
    id = store_->find_inbound(gateway_name, m.peer_ref).value_or("");
    repeated_.add();
    return intake::repeated;
  }
  id = m.id = m.content.id = make_id();
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < m.recipients.size(); ++i) {
    m.recipients[i].index = i;
    m.recipients[i].state = recipient_state::received;
    numbers.push_back(m.recipients[i].number);
  }
  const gateway_options* settings = nullptr;
  for (const auto& g : gateways_)
    if (g.link->name() == gateway_name) settings = &g.options;
  m.content.parts.clear();
  for (const auto& p : parts) m.content.parts.push_back({.id = make_id(), .name = p.name, .type = p.type});
  const bool good = store_->transaction([&] {
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!store_->put_media(m.content.parts[i].id, parts[i].type, parts[i].name, parts[i].content)) return false;
    if (!store_->insert_message(m, 0)) return false;
    for (const auto& r : m.recipients)
      if (!m.peer_ref.empty() && !store_->remember_inbound(gateway_name, m.peer_ref, r.number, m.id, m.created_ms)) return false;
    if (!note(m, event_state::received, numbers, "", "", gateway_name)) return false;
    if (!call_back(options_.received_urls, received_text(m, options_.media_prefix))) return false;
    if (settings == nullptr) return true;
    if (settings->auto_ack && m.ack_requested &&
        !store_->add_answer({.id = make_id(), .message_id = m.id, .gateway = gateway_name, .kind = answer_kind::acknowledgement, .code = "200"}))
      return false;
    if (!settings->auto_dr || !m.dr_requested) return true;
    return std::ranges::all_of(numbers, [&](const std::string& n) {
      return store_->add_answer({.id = make_id(), .message_id = m.id, .gateway = gateway_name, .kind = answer_kind::delivery_report,
                                 .recipient = n, .code = "200"});
    });
  });
  if (!good) {
    log_.error("the store cannot commit", {{"reason", store_->error_text()}});
    return intake::failed;
  }
  received_.add();
  soon();
  return intake::stored;
}

bool hub::order(answer_order a) {
  a.id = make_id();
  const bool good = store_->add_answer(a);
  soon();
  return good;
}

// ---- events and callbacks

// Within a transaction.
bool hub::note(const message& m, event_state s, std::vector<std::string> numbers, const std::string& code, const std::string& text,
               const std::string& gateway_name) {
  const event e{s, code, text, gateway_name, now_ms(), std::move(numbers)};
  if (!store_->add_event(m.id, to_text(e))) return false;
  auto urls = options_.events_urls;
  urls.insert(urls.end(), m.events_urls.begin(), m.events_urls.end());
  for (const auto& g : gateways_)
    if (g.link->name() == gateway_name) urls.insert(urls.end(), g.options.events_urls.begin(), g.options.events_urls.end());
  std::ranges::sort(urls);
  const auto twice = std::ranges::unique(urls);
  urls.erase(twice.begin(), twice.end());
  return call_back(urls, callback_text(e, m.id));
}

bool hub::call_back(const std::vector<std::string>& urls, const std::string& body) {
  return std::ranges::all_of(urls, [&](const std::string& url) { return store_->add_callback({make_id(), url, body, 0}); });
}

}  // namespace msgkit::app::mms
