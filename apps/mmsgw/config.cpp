#include "mmsgw/config.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "connectors/media_adaptation_config.hpp"
#include "engine/postgres_connection.hpp"

namespace msgkit::app::mms {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> read_urls(config_reader& r, std::string_view key) {
  auto urls = r.texts(key);
  for (const auto& u : urls)
    if (!u.starts_with("http://") && !u.starts_with("https://")) r.fail(key, u + " is no URL of http or https");
  return urls;
}

ip_ranges read_ranges(config_reader& r, std::string_view key, std::vector<std::string> fallback = {}) {
  auto ranges = ip_ranges::parse(r.texts(key, std::move(fallback)));
  if (ranges) return *std::move(ranges);
  r.fail(key, "must hold addresses and ranges such as 192.0.2.0/24");
  return {};
}

url_guard read_guard(config_reader& r, bool public_only) {
  url_guard g;
  g.https_only = r.flag("https_only", false);
  g.public_only = r.flag("public_only", public_only);
  g.also_allowed = read_ranges(r, "allowed_addresses");
  return g;
}

std::vector<std::string> read_prefixes(config_reader& r, std::string_view key) {
  auto all = r.texts(key);
  for (const auto& p : all) {
    const auto digits = digits_of(p);
    if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos)
      r.fail(key, p + " is no prefix of numbers");
  }
  return all;
}

// A suffix over MM4 is the type of the number, which libmm4 writes, or none.
addressing read_addressing(config_reader& r, bool is_mm4) {
  constexpr std::string_view typed = "/TYPE=PLMN";
  addressing a;
  a.dest_prefix = r.text("dest_prefix", "", 32);
  a.origin_prefix = r.text("origin_prefix", "", 32);
  a.dest_suffix = r.text("dest_suffix", is_mm4 ? typed : "", 32);
  a.origin_suffix = r.text("origin_suffix", is_mm4 ? typed : "", 32);
  for (const auto* key : {"dest_suffix", "origin_suffix"}) {
    const auto text = key == std::string_view("dest_suffix") ? a.dest_suffix : a.origin_suffix;
    if (is_mm4 && !text.empty() && text != typed) r.fail(key, text + " must be /TYPE=PLMN or empty");
  }
  if (is_mm4 && a.dest_suffix != a.origin_suffix) r.fail("origin_suffix", "must be the same as dest_suffix");
  return a;
}

// Whole thousandths of a currency's unit, all in the same one.
gateway_prices read_prices(config_reader& r) {
  using engine::price_list;
  gateway_prices p;
  p.cost = r.integer<std::uint64_t>("cost", 0, 0, price_list::price_max);
  std::vector<price_list::price> by_prefix;
  std::set<std::string> seen;
  for (auto one : r.tables("prices")) {
    const auto prefix = one.text("prefix", "", 32), network = one.text("network", "", 64);
    const auto digits = std::string(digits_of(prefix));
    const auto cost = one.integer<std::uint64_t>("cost", 0, 0, price_list::price_max);
    if (!one.has("cost")) one.fail("cost", "is required");
    if (digits.empty() == network.empty()) one.fail("prefix", "a price has a prefix or a network");
    if (digits.find_first_not_of("0123456789") != digits.npos) one.fail("prefix", prefix + " is no prefix of numbers");
    else if (!seen.insert(network.empty() ? "prefix " + digits : "network " + network).second)
      one.fail(network.empty() ? "prefix" : "network", "is there twice");
    else if (network.empty()) by_prefix.push_back({digits, cost});
    else p.by_network[network] = cost;
  }
  p.by_prefix = price_list(std::move(by_prefix));
  return p;
}

gateway_options read_gateway_options(config_reader& r, bool is_mm4) {
  gateway_options o;
  o.tps_limit = r.number("tps_limit", 0, 0, 100'000);
  o.events_urls = read_urls(r, "events_url");
  o.received_urls = read_urls(r, "mms_received_url");
  o.addressing = read_addressing(r, is_mm4);
  o.recipients = {read_prefixes(r, "allowed_prefixes"), read_prefixes(r, "denied_prefixes")};
  o.senders = {read_prefixes(r, "allowed_sender_prefixes"), read_prefixes(r, "denied_sender_prefixes")};
  o.prices = read_prices(r);
  o.overflow = r.flag("overflow", false);
  o.in_class = read_media_class(r);
  o.auto_ack = r.flag("auto_ack", true);
  o.auto_dr = r.flag("auto_dr", false);
  return o;
}

void read_store(config_reader r, mmsgw_config& c) {
  c.store_path = r.text("path", "var/mmsgw.db");
  enum class kind { sqlite, postgres };
  if (r.choice<kind>("type", kind::sqlite, {{"sqlite", kind::sqlite}, {"postgres", kind::postgres}}) == kind::sqlite)
    return;
  postgres_options o;
  o.dsn = r.required_text("dsn");
  o.password = r.secret("password");
  o.connect_timeout = r.time("connect_timeout", 5s, 100ms, 5min);
  o.statement_timeout = r.time("statement_timeout", 10s, 100ms, 5min);
  if (const auto problem = engine::postgres_connection::check(o.dsn); !problem.empty()) r.fail("dsn", problem);
  c.hub.beat_lease = r.time("lease", 10s, 1s, 1h);
  c.hub.beat_interval = c.hub.beat_lease / 5;
  c.hub.poll_interval = r.time("poll_interval", 5s, 10ms, 1min);
  c.postgres = std::move(o);
}

mm4_gateway read_mm4(config_reader& r, const mmsgw_config& c) {
  mm4_gateway g;
  static_cast<mm4_peer_settings&>(g) = read_mm4_peer(r, {.host_name = c.mm4_host_name});
  g.maildir = r.text("maildir");
  g.mmsip_address = r.text("mmsip_address");
  g.forward_route = r.text("forward_route");
  g.return_route = r.text("return_route");
  return g;
}

mm7_gateway read_mm7(config_reader& r) {
  mm7_gateway g;
  const auto text = r.required_text("remote_host");
  const auto url = mm7::parse_http_url(text);
  if (!url) r.fail("remote_host", text + " is no URL of http or https");
  const auto tls = read_client_tls(r);
  if (url) {
    g.client.connect = {.host = url->host, .port = url->port};
    g.client.target = url->target;
    if (url->is_tls) g.client.connect.tls = tls;
  }
  g.client.password = {r.text("username"), r.secret("password")};
  using s = mm7::client_scheme;
  g.client.scheme = r.choice<s>("authentication", s::challenged,
                                {{"challenged", s::challenged}, {"basic", s::basic}, {"digest", s::digest}});
  g.client.response_timeout = r.time("timeout", 10s, 100ms, 10min);
  g.client.connections_max = r.size("connections", 4, 1, 100);
  g.client.fields = {{"User-Agent", "msgkit"}};
  g.version = r.text("version", "6.8.0", 32);
  g.vasp_id = r.text("vaspid");
  g.vas_id = r.text("vasid");
  g.service_code = r.text("service_code");
  g.request_delivery_report = r.flag("request_delivery_report", true);
  g.request_read_receipt = r.flag("request_read_receipt", true);
  g.extended_operations = r.flag("extended_operations", false);
  g.callers.allowed_addresses = read_ranges(r, "allowed_addresses", {"127.0.0.0/8", "::1"});
  g.callers.username = r.text("inbound_username");
  g.callers.password = r.secret("inbound_password");
  return g;
}

template <class G>
void read_common(config_reader& r, G& g, bool is_mm4) {
  g.applic_id = r.text("applic_id");
  g.reply_applic_id = r.text("reply_applic_id");
  g.aux_applic_info = r.text("aux_applic_info");
  g.options = read_gateway_options(r, is_mm4);
}

route_list read_routes(config_reader& reader, const std::set<std::string>& names, const std::set<std::string>& groups) {
  std::vector<mms_route> all;
  for (auto r : reader.tables("routes")) {
    mms_route route{.from = r.text("from", "", 64),
                    .prefix = r.text("prefix", "", 32),
                    .network = r.text("network", "", 64),
                    .to = r.texts("to")};
    if (!route.from.empty() && route.from != application_name && !names.contains(route.from))
      r.fail("from", route.from + " is no name of [[gateways]], nor \"application\"");
    if (digits_of(route.prefix).find_first_not_of("0123456789") != std::string_view::npos)
      r.fail("prefix", route.prefix + " is no prefix of numbers");
    if (route.to.empty()) r.fail("to", "is required: a group of [[gateways]], or several");
    for (const auto& group : route.to)
      if (!groups.contains(group)) r.fail("to", group + " is no group of [[gateways]]");
    if (!route.to.empty()) all.push_back(std::move(route));
  }
  return route_list(std::move(all));
}

void read_gateways(config_reader& reader, mmsgw_config& c) {
  enum class protocol { mm4, mm7 };
  std::set<std::string> names, groups;
  for (auto r : reader.tables("gateways")) {
    const auto name = r.required_text("name", 64);
    const auto group = r.text("group", name, 64);
    if (!names.insert(name).second) r.fail("name", name + " is there twice");
    if (name == application_name) r.fail("name", name + " is what [[routes]] call those that are no gateways");
    // The path of its intake; "ack" and its like are other resources.
    if (!is_path_segment(name)) r.fail("name", name + " may have letters, digits, '-', '_' and '.'");
    const auto kind = r.choice<protocol>("protocol", protocol::mm4, {{"MM4", protocol::mm4}, {"MM7", protocol::mm7}});
    const auto read = [&](auto g, auto& all) {
      g.name = name;
      g.group = group;
      read_common(r, g, kind == protocol::mm4);
      all.push_back(std::move(g));
    };
    if (kind == protocol::mm4) {
      read(read_mm4(r, c), c.mm4_gateways);
      auto& g = c.mm4_gateways.back();
      if (g.options.addressing.dest_suffix.empty()) {
        g.profile.header_style = mm4::address_style::bare;
        g.profile.envelope_style = mm4::address_style::with_domain;
      }
    } else read(read_mm7(r), c.mm7_gateways);
    const auto& options = kind == protocol::mm4 ? c.mm4_gateways.back().options : c.mm7_gateways.back().options;
    if (options.in_class != media_class::none && !c.adaptation)
      r.fail("media_class", "needs media.adaptation.enabled = true");
    groups.insert(group);
  }
  if (names.empty()) reader.fail("gateways", "at least one is needed");
  c.hub.other_groups = reader.texts("other_groups");
  if (!c.hub.other_groups.empty() && !c.postgres) reader.fail("other_groups", "needs store.type = \"postgres\"");
  groups.insert(c.hub.other_groups.begin(), c.hub.other_groups.end());
  c.hub.routes = read_routes(reader, names, groups);
  c.hub.default_group = reader.text("default_gateway", groups.empty() ? "" : *groups.begin());
  if (!groups.empty() && !groups.contains(c.hub.default_group))
    reader.fail("default_gateway", c.hub.default_group + " is no group of [[gateways]]");
}

}  // namespace

bool is_path_segment(std::string_view name) {
  return std::ranges::all_of(name,
                             [](unsigned char x) { return std::isalnum(x) != 0 || x == '-' || x == '_' || x == '.'; });
}

mmsgw_config read_mmsgw_config(config_reader& reader) {
  mmsgw_config c;
  auto http = reader.table("http");
  c.http = http.endpoint("listen", {"127.0.0.1", 3010});
  c.api.api_key = http.secret("api_key");
  c.api.request_bytes_max = http.bytes("request_bytes_max", 16 * 1024 * 1024, 1024, 256 * 1024 * 1024);
  auto mm4 = reader.table("mm4");
  c.mm4 = mm4.endpoint("listen", {"127.0.0.1", 2566});
  c.mm4_host_name = mm4.text("host_name", "localhost", 255);
  (mm4.flag("tls", false) ? c.mm4_tls : c.mm4_starttls) = read_listener_tls(mm4);
  c.http_tls = read_listener_tls(http);
  const auto api_url = http.text("api_url", (c.http_tls ? "https://" : "http://") + c.http.to_string());
  c.maildir_interval = mm4.time("maildir_interval", 500ms, 10ms, 1h);
  read_store(reader.table("store"), c);
  c.hub.message_lifetime = reader.time("mms_ttl", 7 * 24h, 1h, 366 * 24h);
  c.hub.template_lifetime = reader.time("mms_template_ttl", 0s, 0s, 3660 * 24h);
  c.hub.heartbeat_interval = reader.time("gateway_heartbeat_interval", 30s, 0s, 24h);
  c.hub.heartbeats_missed_max = reader.integer<unsigned>("gateway_max_missed_heartbeats", 10, 1, 1'000);
  c.message_bytes_max = reader.bytes("message_bytes_max", 8 * 1024 * 1024, 1024, 128 * 1024 * 1024);
  c.hub.attempts_max = reader.integer<unsigned>("max_gateway_retries", 7, 0, 1'000) + 1;
  c.hub.retry.initial = reader.time("retry_initial", 1s, 10ms, 1h);
  c.hub.retry.maximum = reader.time("retry_maximum", 5min, 10ms, 24h);
  c.hub.media_prefix = api_url + "/mmsgw/v1/media/";
  auto callbacks = reader.table("callbacks");
  c.hub.received_urls = read_urls(callbacks, "mms_received_url");
  c.hub.events_urls = read_urls(callbacks, "events_url");
  if (const auto secret = callbacks.secret("secret"); !secret.empty()) c.hub.secrets = {secret};
  c.hub.callback_timeout = callbacks.time("timeout", 10s, 100ms, 5min);
  c.hub.callback_attempts_max = callbacks.integer<unsigned>("attempts", 12, 1, 1'000);
  c.hub.callback_guard = read_guard(callbacks, true);
  auto media = reader.table("media");
  c.hub.file_roots = media.texts("file_roots");
  c.hub.part_bytes_max = media.bytes("part_bytes_max", 5 * 1024 * 1024, 1024, 64 * 1024 * 1024);
  c.hub.media_guard = read_guard(media, true);
  c.adaptation = read_media_adaptation(media.table("adaptation"));
  c.lookup = read_number_lookup(reader);
  read_gateways(reader, c);
  return c;
}

}  // namespace msgkit::app::mms
