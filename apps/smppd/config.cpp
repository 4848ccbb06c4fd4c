#include "smppd/config.hpp"

#include <charconv>
#include <set>

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
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                         name.starts_with("0x") ? 16 : 10);
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

}  // namespace

smppd_config read_smppd_config(config_reader& reader) {
  smppd_config c;
  const auto listen = reader.endpoint("listen", {.host = "127.0.0.1", .port = 2775});
  c.server.accept.listen_host = listen.host;
  c.server.accept.listen_port = listen.port;
  c.server.accept.connections_max = reader.size("connections_max", 20'000, 1, 1'000'000);
  c.server.accept.connections_per_address_max = c.server.accept.connections_max;
  auto& session = c.server.connection.session;
  session.window_size = reader.size("window", 1'000, 1, 65'536);
  session.inbound_window_size = reader.size("inbound_window", 10'000, 1, 100'000);
  session.bind_timeout = reader.time("bind_timeout", 30s, 1s, 1h);
  session.enquire_link_interval = reader.time("enquire_link_interval", 30s, 0s, 24h);
  session.response_timeout = reader.time("response_timeout", 60s, 100ms, 1h);

  auto& s = c.simulator;
  s.system_id = reader.text("system_id", "smppd", 15);
  s.ids = reader.choice<id_style>(
      "message_ids", id_style::decimal,
      {{"decimal", id_style::decimal}, {"hex", id_style::hexadecimal}, {"uuid", id_style::uuid_like}});
  s.response_delay = reader.time("response_delay", 0ms, 0ms, 1h);
  s.receipt_delay = reader.time("receipt_delay", 100ms, 0ms, 24h);
  s.receipts_before_responses = reader.flag("receipts_before_responses", false);
  s.throttle_share = reader.number("throttle_share", 0, 0, 1);
  s.error_share = reader.number("error_share", 0, 0, 1);
  s.error_status = read_status(reader, "error_status", smpp::command_status::system_error);
  s.undelivered_share = reader.number("undelivered_share", 0, 0, 1);
  s.receipt_loss_share = reader.number("receipt_loss_share", 0, 0, 1);
  s.seed = reader.integer<std::uint64_t>("seed", 1);
  s.receipts_max = reader.size("receipts_max", 1'000'000, 1, 100'000'000);
  s.record_file = reader.text("record_file");
  std::set<std::string> names;
  for (auto& row : reader.tables("users")) {
    s.users.push_back({.system_id = row.required_text("system_id", 15),
                       .password = row.secret("password"),
                       .binds_max = row.size("binds_max", 1'000, 1, 100'000)});
    if (!names.insert(s.users.back().system_id).second)
      row.fail("system_id", s.users.back().system_id + " is used twice");
  }
  for (auto& row : reader.tables("mo")) s.mo.push_back(read_mo(row, names));
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2780});
  return c;
}

}  // namespace msgkit::app
