#include "msggw/gateway_metrics.hpp"

#include <map>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"smpp"};

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
        binds_(registry, "smpp_carrier_binds_total", "Binds gained and lost", "carrier", "event"),
        registry_(registry) {}

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
  void on_slowed_down(const std::string& carrier, double segments_per_second) override {
    registry_.counter("smpp_carrier_slowdowns_total", "Times a carrier's complaint lowered the pace", {{"carrier", carrier}})
        .add();
    log_.warn("carrier asks to slow down", {{"carrier", carrier}, {"segments_per_second", segments_per_second}});
  }
  void on_receipt(const std::string& carrier, bool understood) override {
    receipts_.add(carrier, understood ? 1 : 0, understood ? "true" : "false");
  }
  void on_deliver(const std::string& carrier, smpp::command_status status) override {
    delivers_.add(carrier, static_cast<std::uint32_t>(status), smpp::status_name(status));
  }

 private:
  counter_family submits_, delivers_, receipts_, binds_;
  metrics& registry_;
};

}  // namespace

std::shared_ptr<smpp_server_observer> make_server_observer(metrics& registry) {
  return std::make_shared<server_observer>(registry);
}

std::shared_ptr<smpp_carrier_observer> make_carrier_observer(metrics& registry) {
  return std::make_shared<carrier_observer>(registry);
}

}  // namespace msgkit::app
