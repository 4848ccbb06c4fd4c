#include "msggw/traffic_metrics.hpp"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <vector>

#include "engine/usage.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view client_prefix = "client:", carrier_prefix = "carrier:";
// A scrape shows what the one before it asked the engine for, or what was asked a moment ago.
constexpr auto limits_fresh = 1s;
constexpr std::size_t limits_max = 1'000;

// From where a message came and where it went.
std::string_view direction(std::string_view account, std::string_view endpoint) {
  const bool to_client = endpoint.starts_with(client_prefix);
  if (account.starts_with(carrier_prefix)) return to_client ? "inbound" : "transit";
  return to_client ? "internal" : "outbound";
}

std::string bare(std::string_view endpoint) { return std::string(endpoint.substr(endpoint.find(':') + 1)); }

std::string_view word(smpp::bind_mode m) {
  return m == smpp::bind_mode::transmitter ? "transmitter"
         : m == smpp::bind_mode::receiver  ? "receiver"
                                           : "transceiver";
}

struct limited {
  std::string account, number;  // the number is empty for all of the account's together
  engine::usage_limits limits;
  std::shared_ptr<const engine::time_zone> zone;
  engine::usage_counter used{};
  bool is_known = false;
};

}  // namespace

struct traffic_metrics::state : std::enable_shared_from_this<traffic_metrics::state> {
  state(engine::engine& e, const client_sessions& s, bool other) : engine(e), sessions(s), other_names(other) {}

  void collect(metric_sink& out) {
    const auto stats = engine.stats();
    const std::lock_guard lock(mutex);
    traffic(out, stats);
    binds(out, stats);
    limits(out);
  }

  std::string protocol(std::string_view endpoint) const {
    if (endpoint.starts_with("care:")) return "gateway";
    const auto at = names.find(endpoint);
    return at == names.end() ? "unknown" : at->second;
  }

  void traffic(metric_sink& out, const engine::engine_stats& stats) {
    using key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
    std::map<key, std::uint64_t> messages;
    std::map<std::pair<std::string, std::string>, std::uint64_t> other;
    for (const auto& t : stats.traffics) {
      const auto way = direction(t.account, t.endpoint);
      const auto& carrier = way == "inbound" ? t.account : t.endpoint;
      const auto name = carrier.starts_with(carrier_prefix) ? bare(carrier) : std::string();
      for (const auto& info : engine::message_state_table) {
        const auto count = t.settled[static_cast<std::size_t>(info.state)];
        if (count == 0) continue;
        messages[{std::string(way), protocol(t.account), protocol(t.endpoint), name, std::string(info.name)}] += count;
        if (info.state == engine::message_state::delivered || info.state == engine::message_state::sent)
          other[{protocol(way == "inbound" ? t.endpoint : t.account), std::string(way)}] += count;
      }
    }
    for (const auto& [k, count] : messages)
      out.counter("msggw_messages_total", "Messages that reached their end", static_cast<double>(count),
                  {{"direction", std::get<0>(k)},
                   {"proto_in", std::get<1>(k)},
                   {"proto_out", std::get<2>(k)},
                   {"carrier", std::get<3>(k)},
                   {"result", std::get<4>(k)}});
    if (!other_names) return;
    for (const auto& [k, count] : other)
      out.counter("messages_sent", "Messages that arrived, by the client's protocol", static_cast<double>(count),
                  {{"protocol", k.first}, {"direction", k.second}});
    out.counter("message_retries", "Attempts after the first", static_cast<double>(stats.core.retries),
                {{"protocol", "all"}});
    out.gauge("server_status", "1 while it serves", engine.ready() ? 1 : 0, {{"service", "SMPPServer"}});
  }

  void binds(metric_sink& out, const engine::engine_stats&) {
    std::map<std::pair<std::string, std::string_view>, std::size_t> bound;
    const auto all = sessions.list();
    for (const auto& s : all) ++bound[{s.username, word(s.mode)}];
    for (const auto& [k, count] : bound)
      out.gauge("smpp_binds", "Sessions bound now", static_cast<double>(count),
                {{"client", k.first}, {"mode", std::string(k.second)}});
    if (!other_names) return;
    out.gauge("connected_clients", "Sessions bound now", static_cast<double>(all.size()), {{"protocol", "SMPP"}});
    const auto clients = std::ranges::count_if(names, [](const auto& n) { return n.first.starts_with(client_prefix); });
    out.gauge("total_clients", "Clients that there are", static_cast<double>(clients), {{"protocol", "SMPP"}});
  }

  void limits(metric_sink& out) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    for (const auto& l : limited_ones) {
      if (!l.is_known) continue;
      const auto c = engine::roll(l.used, *l.zone, now);
      const auto tell = [&](std::string_view period, std::uint64_t used, std::uint64_t limit) {
        if (limit == 0) return;
        out.gauge("msggw_limit_remaining_segments", "What is left of a usage limit",
                  static_cast<double>(limit > used ? limit - used : 0),
                  {{"client", bare(l.account)}, {"number", l.number}, {"period", std::string(period)}});
      };
      tell("burst", engine::burst_of(c, now), l.limits.burst);
      tell("day", c.today, l.limits.day);
      tell("month", c.this_month, l.limits.month);
    }
    if (!asked_at || std::chrono::steady_clock::now() - *asked_at >= limits_fresh) ask();
  }

  // With the mutex held. The answers come on the engine's thread.
  void ask() {
    asked_at = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < limited_ones.size(); ++i) {
      auto taken = [weak = weak_from_this(), i, of = version](const result<engine::usage_counter>& found) {
        const auto self = weak.lock();
        if (!self || !found) return;
        const std::lock_guard lock(self->mutex);
        if (self->version != of) return;
        self->limited_ones[i].used = *found;
        self->limited_ones[i].is_known = true;
      };
      if (!engine.query_usage(limited_ones[i].account, limited_ones[i].number, std::move(taken))) return;
    }
  }

  void set(protocol_names fresh, const engine::policy* rules) {
    std::vector<limited> found;
    const auto add = [&](const engine::policy::account& a, const std::string& number, const engine::usage_limits& l) {
      if (!l.any() || found.size() == limits_max) return;
      found.push_back({a.name, number, l, a.rules.zone ? a.rules.zone : utc});
    };
    if (rules != nullptr) {
      for (const auto& [name, a] : rules->accounts()) {
        add(a, "", a.rules.limits);
        for (const auto& [number, l] : a.rules.numbers) add(a, number, l);
      }
    }
    const std::lock_guard lock(mutex);
    names = std::move(fresh);
    limited_ones = std::move(found);
    ++version;
    asked_at.reset();
  }

  engine::engine& engine;
  const client_sessions& sessions;
  const bool other_names;
  const std::shared_ptr<const engine::time_zone> utc = *engine::time_zone::load("UTC");
  std::mutex mutex;  // guards what follows
  protocol_names names;
  std::vector<limited> limited_ones;
  std::uint64_t version = 0;
  std::optional<std::chrono::steady_clock::time_point> asked_at;
};

traffic_metrics::traffic_metrics(metrics& registry, engine::engine& e, const client_sessions& sessions,
                                 bool other_names)
    : state_(std::make_shared<state>(e, sessions, other_names)) {
  collected_ = registry.on_collect([s = state_.get()](metric_sink& out) { s->collect(out); });
}

traffic_metrics::~traffic_metrics() { collected_.reset(); }

void traffic_metrics::set(protocol_names names, std::shared_ptr<const engine::policy> rules) {
  state_->set(std::move(names), rules.get());
}

}  // namespace msgkit::app
