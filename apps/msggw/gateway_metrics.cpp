#include "msggw/gateway_metrics.hpp"

#include <map>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"smpp"};

void collect_core(metric_sink& out, const engine::core_stats& s) {
  const auto count = [&out](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(name, help, static_cast<double>(value));
  };
  count("msggw_submits_total", "Messages offered to the engine", s.submits);
  count("msggw_submit_refusals_total", "Messages the engine refused", s.refusals);
  count("msggw_attempts_total", "Attempts to hand a message on", s.attempts);
  count("msggw_retries_total", "Attempts after the first", s.retries);
  count("msggw_reports_applied_total", "Delivery reports of carriers that changed a message", s.reports_applied);
  count("msggw_reports_repeated_total", "Delivery reports without effect", s.reports_no_effect);
  count("msggw_reports_unmatched_total", "Delivery reports for messages that are not ours", s.reports_unmatched);
  count("msggw_receipts_created_total", "Receipts made for clients", s.receipts_created);
  for (const auto& info : engine::message_state_table) {
    const auto index = static_cast<std::size_t>(info.state);
    const metric_labels state{{"state", std::string(info.name)}};
    if (engine::is_final(info.state))
      out.counter("msggw_messages_settled_total", "Messages that reached their end", static_cast<double>(s.settled[index]),
                  state);
    else
      out.gauge("msggw_messages_active", "Messages on their way", static_cast<double>(s.active[index]), state);
  }
}

void collect_engine(metric_sink& out, const engine::engine_stats& s) {
  collect_core(out, s.core);
  out.gauge("msggw_inbox_events", "Events waiting for the engine", static_cast<double>(s.inbox));
  out.counter("msggw_commits_total", "Transactions committed", static_cast<double>(s.commits));
  out.counter("msggw_commit_failures_total", "Transactions that failed", static_cast<double>(s.commit_failures));
  out.counter("msggw_store_damaged_rows_total", "Stored messages that could not be read",
              static_cast<double>(s.corrupt_rows));
  out.counter("msggw_commit_seconds_total", "Time spent in batches that committed",
              static_cast<double>(s.commit_microseconds.sum) / 1e6);
  out.counter("msggw_batch_events_total", "Events taken in batches", static_cast<double>(s.batch_events.sum));
  out.gauge("msggw_store_faulted", "1 while the store cannot commit", s.store_faulted ? 1 : 0);
  for (const auto& e : s.endpoints) {
    const metric_labels name{{"endpoint", e.name}};
    out.gauge("msggw_endpoint_up", "1 while at least one link is up", e.up ? 1 : 0, name);
    out.gauge("msggw_endpoint_links", "Binds that take messages", static_cast<double>(e.links), name);
    out.gauge("msggw_endpoint_queued_messages", "Messages waiting", static_cast<double>(e.queued), name);
    out.gauge("msggw_endpoint_in_flight_messages", "Messages handed over and unanswered",
              static_cast<double>(e.in_flight), name);
  }
}

// Series by a label pair, found once and kept.
class counter_family {
 public:
  counter_family(metrics& registry, std::string name, std::string help, std::string first, std::string second)
      : registry_(registry), name_(std::move(name)), help_(std::move(help)), first_(std::move(first)),
        second_(std::move(second)) {}

  void add(const std::string& first, std::uint32_t code, std::string_view second) {
    auto [at, is_new] = series_.try_emplace(std::pair(first, code));
    if (is_new) at->second = registry_.counter(name_, help_, {{first_, first}, {second_, std::string(second)}});
    at->second.add();
  }

 private:
  metrics& registry_;
  std::string name_, help_, first_, second_;
  std::map<std::pair<std::string, std::uint32_t>, counter> series_;
};

class server_observer final : public smpp_server_observer {
 public:
  explicit server_observer(metrics& registry)
      : ends_(registry, "smpp_server_session_ends_total", "Bound sessions that ended, by reason", "client", "reason"),
        submits_(registry, "smpp_server_submits_total", "Answers to submits of clients", "client", "status"),
        delivers_(registry, "smpp_server_delivers_total", "Answers of clients to deliveries", "client", "result"),
        binds_(registry.counter("smpp_server_binds_total", "Binds accepted")),
        refused_binds_(registry.counter("smpp_server_bind_refusals_total", "Binds refused")),
        refused_(registry.counter("smpp_server_connection_refusals_total", "Connections refused by a limit")),
        cut_(registry.counter("smpp_server_unbound_closes_total", "Connections that ended without a bind")),
        undecodable_(registry.counter("smpp_server_undecodable_requests_total",
                                      "Requests answered with an error of their form, added when a connection ends")),
        throttled_(registry.counter("smpp_server_throttled_requests_total",
                                    "Requests beyond the inbound window, added when a connection ends")),
        unmatched_(registry.counter("smpp_server_unmatched_responses_total",
                                    "Responses nobody waited for, added when a connection ends")),
        bound_(registry.gauge("smpp_server_bound_sessions", "Sessions bound now")) {}

  void on_bound(const smpp_account& a, const peer_address& peer, smpp::bind_mode) override {
    binds_.add();
    bound_.add(1);
    log_.info("client bound", {{"system_id", a.system_id}, {"peer", peer.to_string()}});
  }
  void on_bind_refused(std::string_view system_id, const peer_address& peer, smpp::command_status status) override {
    refused_binds_.add();
    log_.warn("bind refused",
              {{"system_id", system_id}, {"peer", peer.to_string()}, {"status", smpp::status_name(status)}});
  }
  void on_unbound(const smpp_account& a, const peer_address& peer, std::error_code reason) override {
    bound_.add(-1);
    ends_.add(a.name, code_of(reason), reason ? reason.message() : "unbound");
    log_.info("client unbound", {{"system_id", a.system_id}, {"peer", peer.to_string()}, {"reason", reason}});
  }
  void on_closed(const peer_address& peer, std::error_code reason) override {
    cut_.add();
    log_.info("connection closed without a bind", {{"peer", peer.to_string()}, {"reason", reason}});
  }
  void on_ended(const smpp::session_counters& c) override {
    undecodable_.add(c.undecodable_requests);
    throttled_.add(c.throttled_requests);
    unmatched_.add(c.unmatched_responses);
  }
  void on_refused(refusal why, const peer_address& peer) override {
    constexpr std::string_view reasons[] = {"connections_max", "connections_per_address_max", "proxy_header",
                                            "out_of_descriptors"};
    refused_.add();
    log_.warn("connection refused", {{"peer", peer.to_string()}, {"reason", reasons[static_cast<std::size_t>(why)]}});
  }
  void on_submit(const smpp_account& a, smpp::command_status status) override {
    submits_.add(a.name, static_cast<std::uint32_t>(status), smpp::status_name(status));
  }
  void on_deliver(const smpp_account& a, const engine::message_content&, std::error_code error) override {
    delivers_.add(a.name, static_cast<std::uint32_t>(error.value()), result_name(error));
  }

  static std::string result_name(std::error_code error) {
    if (!error) return "ESME_ROK";
    if (error.category() == smpp::status_category())
      return std::string(smpp::status_name(static_cast<smpp::command_status>(error.value())));
    return error == smpp::errc::response_timeout ? "timeout" : "not_sent";
  }

 private:
  // Error codes of different categories share their values.
  static std::uint32_t code_of(std::error_code reason) {
    const auto category = reason.category() == smpp::smpp_category()     ? 1u
                          : reason.category() == smpp::status_category() ? 2u
                          : reason.category() == std::system_category()  ? 3u
                                                                         : 0u;
    return category << 24 | (static_cast<std::uint32_t>(reason.value()) & 0xFFFFFF);
  }

  counter_family ends_, submits_, delivers_;
  counter binds_, refused_binds_, refused_, cut_, undecodable_, throttled_, unmatched_;
  gauge bound_;
};

class carrier_observer final : public smpp_carrier_observer {
 public:
  explicit carrier_observer(metrics& registry)
      : submits_(registry, "smpp_carrier_submits_total", "Answers of carriers to segments", "carrier", "result"),
        delivers_(registry, "smpp_carrier_deliver_refusals_total", "Messages of carriers refused at once", "carrier",
                  "status"),
        receipts_(registry, "smpp_carrier_receipts_total", "Receipts of carriers", "carrier", "understood"),
        binds_(registry, "smpp_carrier_binds_total", "Binds gained and lost", "carrier", "event") {}

  void on_bound(const std::string& carrier) override {
    binds_.add(carrier, 1, "bound");
    log_.info("bound to carrier", {{"carrier", carrier}});
  }
  void on_unbound(const std::string& carrier, std::error_code reason, std::chrono::milliseconds retry_in) override {
    binds_.add(carrier, 0, "unbound");
    log_.warn("not bound to carrier", {{"carrier", carrier}, {"reason", reason}, {"retry_in_ms", retry_in.count()}});
  }
  void on_submit(const std::string& carrier, std::error_code error) override {
    submits_.add(carrier, static_cast<std::uint32_t>(error.value()), server_observer::result_name(error));
  }
  void on_receipt(const std::string& carrier, bool understood) override {
    receipts_.add(carrier, understood ? 1 : 0, understood ? "true" : "false");
  }
  void on_deliver(const std::string& carrier, smpp::command_status status) override {
    delivers_.add(carrier, static_cast<std::uint32_t>(status), smpp::status_name(status));
  }

 private:
  counter_family submits_, delivers_, receipts_, binds_;
};

}  // namespace

std::shared_ptr<void> collect_engine_metrics(metrics& registry, const engine::engine& e) {
  return registry.on_collect([&e](metric_sink& out) { collect_engine(out, e.stats()); });
}

std::shared_ptr<smpp_server_observer> make_server_observer(metrics& registry) {
  return std::make_shared<server_observer>(registry);
}

std::shared_ptr<smpp_carrier_observer> make_carrier_observer(metrics& registry) {
  return std::make_shared<carrier_observer>(registry);
}

}  // namespace msgkit::app
