#include "smppd/config.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "connectors/smpp_settings.hpp"
#include "smppd/network.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

smpp::command_status read_status(config_reader& r, std::string_view key, smpp::command_status fallback) {
  const auto name = r.text(key, smpp::status_name(fallback), 32);
  for (std::uint32_t value = 0; value <= 0x112; ++value)
    if (const auto* info = smpp::find_status(static_cast<smpp::command_status>(value)); info && info->name == name)
      return info->status;
  std::uint32_t value = 0;
  const auto digits = name.starts_with("0x") ? std::string_view(name).substr(2) : std::string_view(name);
  const auto [end, ec] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, name.starts_with("0x") ? 16 : 10);
  if (ec != std::errc{} || end != digits.data() + digits.size())
    r.fail(key, name + " is neither a status name like ESME_RSYSERR nor a number");
  return static_cast<smpp::command_status>(value);
}

mo_stream read_mo(config_reader r, const std::set<std::string>& users) {
  mo_stream s;
  s.user = r.required_text("user", 15);
  s.from = r.required_text("from", 20);
  s.to = r.required_text("to", 20);
  s.text = r.text("text", "hello", 10'000);
  s.interval = r.time("interval", 1s, 1ms, 24h);
  s.count = r.integer<std::uint64_t>("count", 0);
  if (!s.user.empty() && !users.contains(s.user)) r.fail("user", s.user + " is none of [[users]]");
  return s;
}

engine::message_state read_state(config_reader& r, std::string_view key) {
  using s = engine::message_state;
  return r.choice<s>(key, s::delivered,
                     {{"DELIVRD", s::delivered},
                      {"EXPIRED", s::expired},
                      {"DELETED", s::canceled},
                      {"UNDELIV", s::undelivered},
                      {"UNKNOWN", s::unknown},
                      {"REJECTD", s::rejected}});
}

constexpr std::string_view answer_keys[]{"status", "response_delay", "no_response", "disconnect"};
constexpr std::string_view end_keys[]{"state",      "receipt_delay",   "error",
                                      "no_receipt", "receipt_repeats", "enroute_first"};

bool has_any(const config_reader& r, std::span<const std::string_view> keys) {
  return std::ranges::any_of(keys, [&](std::string_view k) { return r.has(k); });
}

behaviour read_behaviour(config_reader r, const scripted_end& usual) {
  behaviour b;
  b.destination = r.text("destination", "", 20);
  b.exact = r.flag("exact", false);
  b.pattern = r.text("pattern", "", 256);
  b.source = r.text("source", "", 20);
  b.user = r.text("user", "", 15);
  b.share = r.number("share", 1, 0, 1);
  if (has_any(r, answer_keys))
    b.answer = scripted_answer{.status = read_status(r, "status", smpp::command_status::ok),
                               .delay = r.time("response_delay", 0ms, 0ms, 1h),
                               .is_silent = r.flag("no_response", false),
                               .disconnects = r.flag("disconnect", false)};
  if (has_any(r, end_keys))
    b.end = scripted_end{.state = read_state(r, "state"),
                         .delay = r.time("receipt_delay", usual.delay, 0ms, 24h),
                         .error = r.text("error", "", 4),
                         .no_report = r.flag("no_receipt", false),
                         .repeats = r.u32("receipt_repeats", 0, 0, 100),
                         .enroute_first = r.flag("enroute_first", false)};
  if (!b.answer && !b.end) r.fail("", "a behaviour needs something to do, e.g. status or state");
  return b;
}

// The shares of the whole traffic, as behaviours behind those that name numbers.
void read_shares(config_reader& r, smppd_config& c) {
  const double throttle = r.number("throttle_share", 0, 0, 1), error = r.number("error_share", 0, 0, 1);
  const auto status = read_status(r, "error_status", smpp::command_status::system_error);
  auto delay = r.time("response_delay", 0ms, 0ms, 1h);
  // An answer that is held back until its receipt has gone.
  if (r.flag("receipts_before_responses", false)) delay = std::max(delay, c.usual_end.delay + 200ms);
  if (throttle > 0)
    c.behaviours.push_back(
        {.share = throttle, .answer = scripted_answer{.status = smpp::command_status::throttled, .delay = delay}});
  // Of those that are left.
  if (error > 0 && throttle < 1)
    c.behaviours.push_back(
        {.share = std::min(1.0, error / (1 - throttle)), .answer = scripted_answer{.status = status, .delay = delay}});
  if (delay > 0ms) c.behaviours.push_back({.answer = scripted_answer{.delay = delay}});
  const double loss = r.number("receipt_loss_share", 0, 0, 1), undelivered = r.number("undelivered_share", 0, 0, 1);
  auto lost = c.usual_end, failed = c.usual_end;
  lost.no_report = true;
  failed.state = engine::message_state::undelivered;
  failed.error = "001";
  if (loss > 0) c.behaviours.push_back({.share = loss, .end = lost});
  if (undelivered > 0) c.behaviours.push_back({.share = undelivered, .end = failed});
}

std::vector<feed_event> read_feed_events(config_reader& r) {
  std::vector<feed_event> out;
  for (const auto& word : r.texts("events")) {
    const auto known = std::ranges::find(feed_event_names, word);
    if (known == feed_event_names.end()) {
      r.fail("events",
             word + " is none of connected, disconnected, bound, unbound, submitted, delivered, failed, receipt");
      continue;
    }
    out.push_back(static_cast<feed_event>(known - feed_event_names.begin()));
  }
  return out;
}

void read_feeds(config_reader& reader, smppd_config& c) {
  for (auto& r : reader.tables("event_files"))
    c.event_files.push_back({.path = r.required_text("path"), .events = read_feed_events(r)});
  for (auto& r : reader.tables("event_webhooks")) {
    feed_webhook w{.url = r.required_text("url", 2048), .secret = r.secret("secret"), .events = read_feed_events(r)};
    w.queue_max = r.size("queue_max", w.queue_max, 1, 1'000'000);
    w.batch_max = r.size("batch_max", w.batch_max, 1, 10'000);
    w.tries_max = r.u32("tries_max", w.tries_max, 1, 1'000);
    w.allow_private = r.flag("allow_private", false);
    if (!w.url.starts_with("https://") && !w.url.starts_with("http://"))
      r.fail("url", "must begin with https:// or http://");
    c.event_webhooks.push_back(std::move(w));
  }
}

void read_listener(config_reader& r, smpp::server_options& s) {
  const auto listen = r.endpoint("listen", {.host = "127.0.0.1", .port = 2775});
  s.accept.listen_host = listen.host;
  s.accept.listen_port = listen.port;
  s.accept.connections_max = r.size("connections_max", 20'000, 1, 1'000'000);
  s.accept.connections_per_address_max = r.size("connections_per_address_max", s.accept.connections_max, 1, 1'000'000);
  s.accept.proxy_protocol = r.flag("proxy_protocol", false);
  s.accept.tls = read_tls(r, "tls", tls_role::server);
  read_session(r, s.connection.session);
  s.connection.session.inbound_window_size = r.size("inbound_window", 10'000, 1, 100'000);
  s.connection.session.window_size = 65'536;  // each user's deliver_window is the limit
  s.connection.output_bytes_max = r.bytes("output_bytes_max", 64 * 1024 * 1024, 64 * 1024, 1024 * 1024 * 1024);
}

void read_users(config_reader& reader, smppd_config& c, std::set<std::string>& names) {
  const smpp_account usual{.binds_max = 1'000,
                           .deliver_window = reader.size("window", 1'000, 1, 65'536),
                           .permissions = {.broadcast = true},
                           .profile = {.long_messages = smpp::long_message_method::udh8}};
  for (auto& row : reader.tables("users")) {
    auto a = read_smpp_account(row, usual);
    if (!names.insert(a.system_id).second) row.fail("system_id", a.system_id + " is used twice");
    const auto endpoint = "client:" + a.name;
    for (const auto& number : row.texts("numbers"))
      c.routes.push_back({.name = "number " + number,
                          .destination = number,
                          .destination_exact = true,
                          .targets = {{.endpoint = endpoint}}});
    c.routes.push_back(
        {.name = "mo " + a.system_id, .account = mo_account(a.system_id), .targets = {{.endpoint = endpoint}}});
    c.smpp.accounts.push_back(std::move(a));
  }
  if (names.empty()) reader.warn("users", "there are none: nobody can bind");
  c.routes.push_back({.name = "network", .targets = {{.endpoint = std::string(network_endpoint)}}});
}

void read_storage(config_reader r, smppd_config& c) {
  c.storage = r.choice<storage_kind>("type", storage_kind::memory,
                                     {{"memory", storage_kind::memory}, {"sqlite", storage_kind::sqlite}});
  c.storage_path = r.text("path", "var/smppd.db");
  c.settled_max = r.size("settled_max", 100'000, 0, 10'000'000);
  auto& p = c.engine.processor;
  p.retention = std::chrono::duration_cast<std::chrono::hours>(r.time("retention", 24h * 7, 0s, 24h * 3650));
}

}  // namespace

smppd_config read_smppd_config(config_reader& reader) {
  smppd_config c;
  read_storage(reader.table("storage"), c);
  read_listener(reader, c.smpp.server);
  c.smpp.system_id = reader.text("system_id", "smppd", 15);
  c.smpp.ids = reader.choice<message_id_style>("message_ids", message_id_style::decimal,
                                               {{"decimal", message_id_style::decimal},
                                                {"hex", message_id_style::hexadecimal},
                                                {"uuid", message_id_style::uuid}});
  c.usual_end.delay = reader.time("receipt_delay", 100ms, 0ms, 24h);
  c.seed = reader.integer<std::uint64_t>("seed", 1);
  for (auto& row : reader.tables("behaviours")) c.behaviours.push_back(read_behaviour(row, c.usual_end));
  read_shares(reader, c);
  try {
    behaviours check(c.behaviours, c.usual_end, c.seed);
  } catch (const std::invalid_argument& e) {
    reader.fail("behaviours", e.what());
  }
  auto& core = c.engine.core;
  core.active_messages_max = reader.size("messages_max", 2'000'000, 1, 10'000'000);
  core.endpoint_default.queue_max = reader.size("receipts_max", 1'000'000, 1, 10'000'000);
  core.report_wait = 24h;
  // A phone that does not take a message is tried again as a message centre does.
  core.retry = {.initial = 500ms, .maximum = 30s};
  c.network_capacity = reader.u32("network_capacity", 1'000'000, 1, 10'000'000);
  c.record_file = reader.text("record_file");
  std::set<std::string> names;
  read_users(reader, c, names);
  for (auto& row : reader.tables("mo")) c.mo.push_back(read_mo(row, names));
  read_feeds(reader, c);
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2780});
  return c;
}

}  // namespace msgkit::app
