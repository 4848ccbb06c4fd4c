#include "msggw/config.hpp"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <set>

#include "common/password.hpp"
#include "connectors/smpp_settings.hpp"
#include "msggw/environment.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

engine::id_form read_id_form(config_reader& r, std::string_view key) {
  using f = engine::id_form;
  return r.choice<f>(key, f::folded,
                     {{"folded", f::folded}, {"exact", f::exact}, {"decimal", f::decimal}, {"hex", f::hex}});
}

engine::unknown_policy read_unknown_policy(config_reader& r) {
  using p = engine::unknown_policy;
  return r.choice<p>("on_unknown", p::resend, {{"resend", p::resend}, {"fail", p::fail}});
}

engine::engine_options read_engine(config_reader r, bool shared_store) {
  engine::engine_options o;
  auto& c = o.core;
  const auto seconds = [](std::chrono::milliseconds t) { return std::chrono::duration_cast<std::chrono::seconds>(t); };
  c.instance = r.u32("instance", 0, 0, 1023);
  if (shared_store && r.has("instance")) r.fail("instance", "is allotted by the database of store.type = \"postgres\"");
  c.active_messages_max = r.size("active_messages_max", 1'000'000, 1, 10'000'000);
  c.attempts_max = r.u32("attempts_max", 16, 1, 1000);
  c.retry.initial = r.time("retry_initial", 5s, 10ms, 1h);
  c.retry.maximum = r.time("retry_maximum", 10min, 10ms, 24h);
  c.throttle_initial = r.time("throttle_initial", 1s, 10ms, 1min);
  c.throttle_maximum = r.time("throttle_maximum", 30s, 10ms, 1h);
  c.validity_default = seconds(r.time("validity_default", 48h, 1min, 24h * 365));
  c.receipt_validity = seconds(r.time("receipt_validity", 24h * 7, 1min, 24h * 365));
  c.report_wait = seconds(r.time("report_wait", 72h, 1min, 24h * 365));
  c.early_report_wait = seconds(r.time("early_report_wait", 5min, 1s, 1h));
  c.on_unknown = read_unknown_policy(r);
  c.breaker.failures = r.u32("breaker_failures", 20, 0, 1'000'000);
  c.breaker.open = r.time("breaker_open", 10s, 10ms, 24h);
  c.breaker.open_maximum = r.time("breaker_open_maximum", 5min, 10ms, 24h);
  c.breaker.tries = r.u32("breaker_tries", 1, 1, 1000);
  c.duplicate_window = seconds(r.time("duplicate_window", 24h * 7, 1s, 24h * 366));
  c.idempotency_window = seconds(r.time("idempotency_window", 24h, 1s, 24h * 366));
  c.parts_wait = seconds(r.time("parts_wait", 30min, 1s, 24h * 7));
  c.forward_incomplete = r.flag("forward_incomplete", true);
  o.processor.facts_max = r.size("facts_max", 5'000'000, 1'000, 1'000'000'000);
  c.endpoint_default.queue_max = r.size("endpoint_queue_max", 200'000, 1, 10'000'000);
  o.processor.retention = std::chrono::duration_cast<std::chrono::hours>(r.time("retention", 24h * 30, 0s, 24h * 3650));
  if (const auto problem = engine::check(c); !problem.empty()) r.fail("", problem);
  return o;
}

smpp_account read_client(config_reader r, std::vector<engine::route>& routes, rules_config& rules) {
  auto a = read_smpp_account(r, {});
  const auto numbers = r.texts("numbers");
  read_account_rules(r, "client:" + a.name, numbers, rules);
  for (const auto& number : numbers) {
    engine::route to_client{.name = "number " + number, .destination = number, .destination_exact = true};
    to_client.targets.push_back({.endpoint = "client:" + a.name});
    routes.push_back(std::move(to_client));
  }
  return a;
}

smpp_server_options read_smpp(config_reader& all, std::vector<engine::route>& routes, rules_config& rules) {
  smpp_server_options o;
  auto r = all.table("smpp");
  const auto listen = r.endpoint("listen", {.host = "127.0.0.1", .port = 2775});
  o.server.accept.listen_host = listen.host;
  o.server.accept.listen_port = listen.port;
  o.server.accept.connections_max = r.size("connections_max", 10'000, 1, 1'000'000);
  o.server.accept.connections_per_address_max = r.size("connections_per_address_max", 1'000, 1, 1'000'000);
  o.server.accept.proxy_protocol = r.flag("proxy_protocol", false);
  o.server.accept.tls = read_tls(r, "tls", tls_role::server);
  o.system_id = r.text("system_id", "msgkit", 15);
  read_session(r, o.server.connection.session);
  o.server.connection.session.inbound_window_size = r.size("inbound_window", 1'000, 1, 100'000);
  o.server.connection.session.window_size = 10'000;  // each account's deliver_window is the limit
  o.server.connection.output_bytes_max = r.bytes("output_bytes_max", 4 * 1024 * 1024, 64 * 1024, 256 * 1024 * 1024);
  std::set<std::string> names;
  for (auto& row : all.tables("clients")) {
    o.accounts.push_back(read_client(row, routes, rules));
    if (!names.insert(o.accounts.back().system_id).second)
      row.fail("system_id", o.accounts.back().system_id + " is used twice");
  }
  return o;
}

smpp_carrier_options read_carrier(config_reader r, engine::endpoint_options& endpoint) {
  smpp_carrier_options o;
  o.name = r.required_text("name", 64);
  auto& c = o.client;
  c.connect.host = r.required_text("host", 255);
  c.connect.port = r.u16("port", 2775, 1);
  c.connect.timeout = r.time("connect_timeout", 10s, 100ms, 5min);
  c.connect.tls = read_tls(r, "tls", tls_role::client);
  c.system_id = r.required_text("system_id", 15);
  c.password = r.secret("password");
  c.system_type = r.text("system_type", "", 12);
  c.mode = r.choice<smpp::bind_mode>("mode", smpp::bind_mode::transceiver,
                                     {{"transceiver", smpp::bind_mode::transceiver},
                                      {"transmitter", smpp::bind_mode::transmitter},
                                      {"receiver", smpp::bind_mode::receiver}});
  c.interface_version =
      r.choice<std::uint8_t>("interface_version", 0x34, {{"3.3", 0x33}, {"3.4", 0x34}, {"5.0", 0x50}});
  c.connection.session.interface_version = c.interface_version;
  c.address_range = r.text("address_range", "", 40);
  c.reconnect_backoff.initial = r.time("reconnect_initial", 500ms, 10ms, 1h);
  c.reconnect_backoff.maximum = r.time("reconnect_maximum", 30s, 10ms, 1h);
  read_session(r, c.connection.session);
  c.connection.session.window_size = r.size("window", 10, 1, 10'000);
  c.connection.session.inbound_window_size = r.size("inbound_window", 10'000, 1, 100'000);
  o.binds = r.size("binds", 1, 1, 100);
  o.rate = read_rate(r);
  o.receipts = r.choice<receipt_policy>("receipts", receipt_policy::always,
                                        {{"always", receipt_policy::always}, {"requested", receipt_policy::requested}});
  o.profile.default_charset = read_charset(r, "default_charset");
  o.profile.long_messages = read_long_messages(r, smpp::long_message_method::udh8);
  o.profile.economy = read_economy(r);
  o.profile.forward_validity = r.flag("forward_validity", true);
  endpoint.queue_max = r.size("queue_max", endpoint.queue_max, 1, 10'000'000);
  endpoint.ids.submit = read_id_form(r, "submit_id");
  endpoint.ids.report = read_id_form(r, "receipt_id");
  if (r.has("on_unknown")) endpoint.on_unknown = read_unknown_policy(r);
  return o;
}

engine::route read_route(config_reader r, const std::set<std::string, std::less<>>& endpoints) {
  engine::route route;
  route.destination = r.text("destination", "", 64);
  route.destination_exact = r.flag("exact", false);
  route.source_prefix = r.text("source", "", 64);
  route.account = r.text("from", "", 128);
  route.name = r.text("name", r.path("").empty() ? "route" : r.path(""), 128);
  std::uint32_t priority = 0;
  for (const auto& name : r.texts("to")) route.targets.push_back({.endpoint = name, .priority = priority++});
  for (auto& t : r.tables("targets"))
    route.targets.push_back({.endpoint = t.required_text("endpoint", 128),
                             .priority = t.u32("priority", 0, 0, 1000),
                             .weight = t.u32("weight", 1, 1, 1000),
                             .cost = t.number("cost", 0, 0, 1e9)});
  route.media_only = r.flag("media_only", false);
  read_route_conditions(r, route);
  if (route.targets.empty()) r.fail("to", "a route needs at least one endpoint, e.g. [\"carrier:NAME\"]");
  for (const auto& target : route.targets)
    if (!endpoints.contains(target.endpoint))
      r.fail("to", target.endpoint + " is neither carrier:NAME nor client:NAME of this configuration");
  if (!route.account.empty() && !endpoints.contains(route.account))
    r.fail("from", route.account + " is neither carrier:NAME nor client:NAME of this configuration");
  return route;
}

using endpoint_names = std::set<std::string, std::less<>>;

// A user's number leads to him; what he writes goes to his carrier, if he has one.
void add_routes_of(const xmpp_settings& chats, std::vector<engine::route>& routes) {
  for (std::size_t i = 0; i < chats.options.users.size(); ++i) {
    const auto& u = chats.options.users[i];
    const auto client = "client:" + u.name;
    const auto digits = u.number.starts_with('+') ? u.number.substr(1) : u.number;  // as numbers stand in messages
    engine::route in{.name = "number " + u.number, .destination = digits, .destination_exact = true};
    in.targets.push_back({.endpoint = client});
    routes.push_back(std::move(in));
    if (chats.ways[i].carrier.empty()) continue;
    engine::route out{.name = "chats of " + u.name, .account = client};
    out.targets.push_back({.endpoint = "carrier:" + chats.ways[i].carrier});
    routes.push_back(std::move(out));
  }
}

void read_lines_and_chats(config_reader& all, msggw_config& c, endpoint_names& endpoints) {
  endpoint_names lines;  // several lines may serve one carrier
  if (all.has("goip")) {
    c.goip = read_goip(all.table("goip"));
    for (const auto& l : c.goip->lines) lines.insert("carrier:" + l.carrier);
  }
  for (const auto& name : lines)
    if (!endpoints.insert(name).second) all.fail("goip.lines", name + " is also one of [[carriers]]");
  if (!all.has("xmpp")) return;
  c.xmpp = read_xmpp(all.table("xmpp"));
  for (const auto& u : c.xmpp->options.users) endpoints.insert("client:" + u.name);
  for (const auto& [name, more, receives] : c.xmpp->ways)
    if (!name.empty() && !endpoints.contains("carrier:" + name))
      all.fail("xmpp.users", "carrier " + name + " is neither of [[carriers]] nor of [[goip.lines]]");
  add_routes_of(*c.xmpp, c.routes);
}

void read_http(config_reader& all, msggw_config& c) {
  auto r = all.table("http");
  c.http = r.endpoint("listen", {.host = "127.0.0.1", .port = 3000});
  c.http_api_key = r.secret("api_key");
  std::error_code ec;
  const bool is_loopback = asio::ip::make_address(c.http.host, ec).is_loopback();
  if (c.http_api_key.empty() && !is_loopback)
    r.fail("api_key", "is required when http.listen is not a loopback address");
  c.outbound.public_url = r.text("public_url", "");
  while (c.outbound.public_url.ends_with('/')) c.outbound.public_url.pop_back();
  const auto& url = c.outbound.public_url;
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://"))
    r.fail("public_url", "is what carriers call, like https://gw.example.org");
  if (auto proxies = ip_ranges::parse(r.texts("trusted_proxies"))) c.trusted_proxies = *std::move(proxies);
  else r.fail("trusted_proxies", "holds something that is no address or range");
  auto out = all.table("outbound");
  c.outbound.ca_file = out.text("ca_file", "");
  c.outbound.guard.https_only = out.flag("https_only", false);
  if (auto ranges = ip_ranges::parse(out.texts("allowed_addresses")))
    c.outbound.guard.also_allowed = *std::move(ranges);
  else out.fail("allowed_addresses", "holds something that is no address or range");
  auto m = all.table("metrics");
  c.metrics = m.endpoint("listen", {.host = "127.0.0.1", .port = 2550});
  c.metrics_path = m.text("path", "/metrics", 255);
  if (!c.metrics_path.starts_with('/') || c.metrics_path == "/health" || c.metrics_path == "/ready")
    m.fail("path", "begins with / and is neither /health nor /ready");
  c.logs_messages = all.flag("log.messages", false);
  c.metrics_other_names = m.flag("other_names", false);
  auto w = all.table("webhooks");
  c.webhooks.retries = w.u32("retries", c.webhooks.retries, 0, 100);
  c.webhooks.timeout =
      std::chrono::duration_cast<std::chrono::seconds>(w.time("timeout", c.webhooks.timeout, 1s, 2min));
  auto a = all.table("auto_reply");
  c.auto_reply.enabled = a.flag("enabled", true);
  c.auto_reply.default_message = a.text("default_message", "", 1'600);
}

}  // namespace

msggw_config read_msggw_config(config_reader& reader) {
  msggw_config c;
  c.store = read_store_config(reader.table("store"), "var/msggw.db");
  c.directory = read_directory_config(reader.table("directory"), c.store);
  c.engine = read_engine(reader.table("engine"), std::holds_alternative<engine::postgres_store_options>(c.store));
  read_price_lists(reader, c.rules);
  c.smpp = read_smpp(reader, c.routes, c.rules);
  std::set<std::string, std::less<>> endpoints;
  for (const auto& a : c.smpp.accounts) endpoints.insert("client:" + a.name);
  for (auto& row : reader.tables("carriers")) {
    auto endpoint = c.engine.core.endpoint_default;
    c.carriers.push_back(read_carrier(row, endpoint));
    const auto name = "carrier:" + c.carriers.back().name;
    read_account_rules(row, name, {}, c.rules);
    if (!endpoints.insert(name).second) row.fail("name", c.carriers.back().name + " is used twice");
    c.engine.core.endpoints[name] = endpoint;
  }
  read_lines_and_chats(reader, c, endpoints);
  c.mm4 = read_mm4_config(reader, c.routes, c.rules, endpoints);
  for (auto& row : reader.tables("routes")) c.routes.push_back(read_route(row, endpoints));
  read_pools(reader, c.rules);
  c.rewrites = read_rewrites(reader);
  read_http(reader, c);
  c.media = read_media_config(reader.table("media"), c.store, c.outbound, c.http);
  if (c.mm4 && !c.media.adaptation)
    for (const auto& p : c.mm4->peers)
      if (p.in_class != media_class::none)
        reader.fail("mm4_peers", "media_class of " + p.name + " needs media.adaptation.enabled = true");
  judge_foreign_names(reader, process_environment());
  return c;
}

}  // namespace msgkit::app
