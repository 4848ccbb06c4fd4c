#include "smppc/target.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

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
                                {"trx", smpp::bind_mode::transceiver}};

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

}  // namespace

std::string problem_with(const target_options& o) {
  if (std::ranges::find(modes, o.mode, &named_mode::name) == std::end(modes))
    return fmt::format("--mode: {} is none of tx, rx, trx", o.mode);
  if (std::ranges::find(versions, o.version, &named_version::name) == std::end(versions))
    return fmt::format("--interface-version: {} is none of 3.3, 3.4, 5.0", o.version);
  if (o.window < 1 || o.window > smpp::window_size_max)
    return fmt::format("--window: {} is outside 1..{}", o.window, smpp::window_size_max);
  if (!o.tls) return {};
  const auto context = tls_context::make(make_tls_options(o), tls_role::client);
  if (!context) return fmt::format("TLS {}: {}", context.error().field, context.error().code.message());
  return {};
}

smpp::client_options make_client_options(const target_options& o) {
  smpp::client_options c;
  c.connect.host = o.host;
  c.connect.port = o.port;
  if (o.tls) c.connect.tls = *tls_context::make(make_tls_options(o), tls_role::client);
  c.system_id = o.system_id;
  c.password = o.password;
  c.system_type = o.system_type;
  c.mode = std::ranges::find(modes, o.mode, &named_mode::name)->mode;
  c.interface_version = std::ranges::find(versions, o.version, &named_version::name)->version;
  c.connection.session.interface_version = c.interface_version;
  c.connection.session.window_size = o.window;
  c.connection.session.response_timeout =
      std::chrono::milliseconds(static_cast<std::int64_t>(o.response_timeout_seconds * 1000));
  c.reconnect = false;
  return c;
}

address_argument parse_address(std::string_view text) {
  if (text.starts_with('+')) return {smpp::ton::international, smpp::npi::isdn, std::string(text.substr(1))};
  const bool is_digits = std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (is_digits) return {smpp::ton::unknown, smpp::npi::isdn, std::string(text)};
  return {smpp::ton::alphanumeric, smpp::npi::unknown, std::string(text)};
}

void pdu_dumper::on_pdu(smpp::direction d, const smpp::header& h, bytes_view octets) {
  const auto name = smpp::command_name(h.id);
  fmt::print(stderr, "{} {} sequence={} status={}\n{}", d == smpp::direction::sent ? "->" : "<-",
             name.empty() ? "unknown" : name, h.sequence, smpp::status_name(h.status), hex_dump(octets));
}

}  // namespace msgkit::app
