#include "msggw/media/mm4_part.hpp"

#include "common/log.hpp"
#include "connectors/media_adaptation_config.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"mm4"};

std::string word(mm4_verdict v) {
  return v == mm4_verdict::taken ? "taken" : v == mm4_verdict::busy ? "busy" : "refused";
}

class observer final : public mm4_peers_observer {
 public:
  explicit observer(metrics& registry) : registry_(registry) {}

  void on_message(const std::string& peer, mm4_verdict v, std::string_view why) override {
    registry_.counter("mm4_messages_total", "Messages of MM4 peers", {{"peer", peer}, {"result", word(v)}}).add();
    if (v != mm4_verdict::taken) log_.warn("a message was not taken", {{"peer", peer}, {"reason", why}});
  }
  void on_attempt(const std::string& peer, engine::attempt_outcome o) override {
    const bool is_good = o == engine::attempt_outcome::sent || o == engine::attempt_outcome::delivered;
    registry_
        .counter("mm4_mails_total", "Mails handed to MM4 peers",
                 {{"peer", peer}, {"result", is_good ? "taken" : "failed"}})
        .add();
  }
  void on_report(const std::string& peer, std::string_view kind) override {
    registry_
        .counter("mm4_reports_total", "Responses, delivery and read reports of MM4 peers",
                 {{"peer", peer}, {"kind", std::string(kind)}})
        .add();
  }
  void on_denied(const std::string& address, std::string_view why) override {
    registry_.counter("mm4_denied_total", "Connections of nobody we know").add();
    log_.warn("a peer was refused", {{"address", address}, {"reason", why}});
  }

 private:
  metrics& registry_;
};

mm4_peer read_peer(config_reader& r, const mm4_names& names) {
  const auto name = r.required_text("name", 64);
  mm4_peer p;
  static_cast<mm4_peer_settings&>(p) = read_mm4_peer(r, names);
  p.name = name;
  p.endpoint = r.choice<std::string>("as", "client:", {{"client", "client:"}, {"carrier", "carrier:"}}) + name;
  p.numbers = r.texts("numbers");
  p.in_class = read_media_class(r);
  for (auto& n : p.numbers)
    if (n.starts_with('+')) n.erase(0, 1);
  return p;
}

mm4_names read_names(config_reader& r) {
  mm4_names n;
  n.host_name = r.text("host_name", n.host_name, 255);
  n.originator_address = r.text("originator_address", "", 320);
  const auto at = n.originator_address.find('@');
  const auto domain = at == std::string::npos ? std::string() : n.originator_address.substr(at + 1);
  n.local_domain = r.text("local_domain", domain.empty() ? n.host_name : domain, 255);
  return n;
}

}  // namespace

std::optional<mm4_peers_options> read_mm4_config(config_reader& all, std::vector<engine::route>& routes,
                                                 rules_config& rules, std::set<std::string, std::less<>>& endpoints) {
  auto rows = all.tables("mm4_peers");
  auto r = all.table("mm4");
  const bool is_wanted = all.has("mm4") || r.has("listen");
  mm4_peers_options o;
  const auto listen = r.endpoint("listen", {.host = "127.0.0.1", .port = 2566});
  o.server.accept.listen_host = listen.host;
  o.server.accept.listen_port = listen.port;
  o.server.accept.proxy_protocol = r.flag("proxy_protocol", false);
  const auto names = read_names(r);
  o.server.session.host_name = names.host_name;
  o.names = names;
  const auto mail_octets_max = r.bytes("mail_bytes_max", 16 * 1024 * 1024, 1024, 256 * 1024 * 1024);
  o.server.session.message_bytes_max = mail_octets_max;
  o.server.limits.message_bytes_max = mail_octets_max;
  o.part_octets_max = mail_octets_max;
  (r.flag("tls", false) ? o.server.accept.tls : o.server.starttls) = read_listener_tls(r);
  for (auto& row : rows) {
    auto p = read_peer(row, names);
    if (!endpoints.insert(p.endpoint).second) row.fail("name", p.endpoint + " is used twice");
    read_account_rules(row, p.endpoint, p.numbers, rules);
    // Its texts are another client's.
    if (const auto found = rules.accounts.find(p.endpoint); found != rules.accounts.end())
      found->second.numbers.clear();
    if (p.endpoint.starts_with("client:")) {
      for (const auto& n : p.numbers) {
        engine::route to_peer{.name = "MMS for " + n, .destination = n, .destination_exact = true, .media_only = true};
        to_peer.targets.push_back({.endpoint = p.endpoint});
        routes.push_back(std::move(to_peer));
      }
    }
    o.peers.push_back(std::move(p));
  }
  if (rows.empty() && !is_wanted) return std::nullopt;
  return o;
}

std::shared_ptr<mm4_peers_observer> make_mm4_observer(metrics& registry) {
  return std::make_shared<observer>(registry);
}

}  // namespace msgkit::app
