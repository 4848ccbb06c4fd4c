#include "smppc/target.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

struct named_mode {
  std::string_view name;
  smpp::bind_mode mode;
};
constexpr named_mode modes[] = {{"tx", smpp::bind_mode::transmitter},
                                {"rx", smpp::bind_mode::receiver},
                                {"trx", smpp::bind_mode::transceiver},
                                {"pair", smpp::bind_mode::transmitter}};

struct named_version {
  std::string_view name;
  std::uint8_t version;
};
constexpr named_version versions[] = {{"3.3", 0x33}, {"3.4", 0x34}, {"5.0", 0x50}};

tls_options make_tls_options(const target_options& o) {
  return {.certificate_file = o.certificate_file,
          .private_key_file = o.key_file,
          .ca_file = o.ca_file,
          .verify_peer = !o.tls_insecure};
}

std::string read_password(target_options& o) {
  if (o.password_file.empty()) return {};
  std::ifstream file(o.password_file);
  if (!file || !std::getline(file, o.password)) return fmt::format("--password-file: cannot read {}", o.password_file);
  if (o.password.ends_with('\r')) o.password.pop_back();
  return {};
}

// Message text is shown: that is what --dump is for. Passwords are not.
void dump(const smpp::traced_pdu& p) {
  const auto name = smpp::command_name(p.head.id);
  fmt::print(stderr, "{} {} sequence={} status={}\n{}", p.way == smpp::direction::sent ? "->" : "<-",
             name.empty() ? "unknown" : name, p.head.sequence, smpp::status_name(p.head.status), hex_dump(p.octets));
}

}  // namespace

std::string prepare(target_options& o) {
  if (std::ranges::find(modes, o.mode, &named_mode::name) == std::end(modes))
    return fmt::format("--mode: {} is none of tx, rx, trx, pair", o.mode);
  if (std::ranges::find(versions, o.version, &named_version::name) == std::end(versions))
    return fmt::format("--interface-version: {} is none of 3.3, 3.4, 5.0", o.version);
  if (o.version == "3.3" && o.mode == "trx") return "--mode: SMPP 3.3 has no transceiver, use tx, rx or pair";
  if (o.window < 1 || o.window > smpp::window_size_max)
    return fmt::format("--window: {} is outside 1..{}", o.window, smpp::window_size_max);
  for (const auto& [name, value] : {std::pair{"--connect-timeout", o.connect_timeout_seconds},
                                    {"--response-timeout", o.response_timeout_seconds}})
    if (value < 0.001 || value > 86'400) return fmt::format("{}: {} is outside 0.001..86400", name, value);
  if (o.enquire_link_seconds < 0 || o.enquire_link_seconds > 86'400)
    return fmt::format("--enquire-link: {} is outside 0..86400", o.enquire_link_seconds);
  if (auto problem = read_password(o); !problem.empty()) return problem;
  if (!o.tls) return {};
  const auto context = tls_context::make(make_tls_options(o), tls_role::client);
  if (!context) return fmt::format("TLS {}: {}", context.error().field, context.error().code.message());
  return {};
}

smpp::client_options make_client_options(const target_options& o) {
  smpp::client_options c;
  c.connect.host = o.host;
  c.connect.port = o.port;
  c.connect.timeout = to_milliseconds(o.connect_timeout_seconds);
  if (o.tls) c.connect.tls = *tls_context::make(make_tls_options(o), tls_role::client);
  c.system_id = o.system_id;
  c.password = o.password;
  c.system_type = o.system_type;
  c.address_range = o.address_range;
  c.mode = std::ranges::find(modes, o.mode, &named_mode::name)->mode;
  c.interface_version = std::ranges::find(versions, o.version, &named_version::name)->version;
  auto& session = c.connection.session;
  session.interface_version = c.interface_version;
  session.window_size = o.window;
  session.response_timeout = to_milliseconds(o.response_timeout_seconds);
  session.enquire_link_interval = to_milliseconds(o.enquire_link_seconds);
  c.reconnect = false;
  c.reconnect_backoff.initial = to_milliseconds(o.reconnect_seconds);
  c.reconnect_backoff.maximum = std::max(c.reconnect_backoff.maximum, c.reconnect_backoff.initial);
  if (o.dump) c.trace = smpp::pdu_trace::make(dump);
  if (c.trace) c.trace->trace_all(true);
  return c;
}

smpp::client_pool_options make_pool_options(const target_options& o) {
  return {.client = make_client_options(o), .pairs = o.mode == "pair"};
}

address_argument parse_address(std::string_view text) {
  if (text.empty()) return {};
  if (text.starts_with('+')) return {smpp::ton::international, smpp::npi::isdn, std::string(text.substr(1))};
  const bool is_digits = std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (is_digits) return {smpp::ton::unknown, smpp::npi::isdn, std::string(text)};
  return {smpp::ton::alphanumeric, smpp::npi::unknown, std::string(text)};
}

}  // namespace msgkit::app
