#include "connectors/smpp_settings.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/password.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

struct permission_name {
  std::string_view name;
  bool client_permissions::*flag;
};
constexpr std::array<permission_name, 7> permission_names{{{"submit", &client_permissions::submit},
                                                           {"multi", &client_permissions::multi},
                                                           {"data", &client_permissions::data},
                                                           {"query", &client_permissions::query},
                                                           {"cancel", &client_permissions::cancel},
                                                           {"replace", &client_permissions::replace},
                                                           {"broadcast", &client_permissions::broadcast}}};

client_permissions read_permissions(config_reader& r, const client_permissions& fallback) {
  if (!r.has("permissions")) return fallback;
  client_permissions out{false, false, false, false, false, false, false};
  for (const auto& word : r.texts("permissions")) {
    const auto known = std::ranges::find(permission_names, word, &permission_name::name);
    if (known != permission_names.end()) out.*(known->flag) = true;
    else r.fail("permissions", word + " is none of submit, multi, data, query, cancel, replace, broadcast");
  }
  return out;
}

}  // namespace

smpp::charset read_charset(config_reader& r, std::string_view key) {
  using c = smpp::charset;
  return r.choice<c>(key, c::gsm7,
                     {{"gsm7", c::gsm7},
                      {"gsm7_packed", c::gsm7_packed},
                      {"latin1", c::latin1},
                      {"ascii", c::ascii},
                      {"utf8", c::utf8}});
}

smpp::long_message_method read_long_messages(config_reader& r, smpp::long_message_method fallback) {
  using m = smpp::long_message_method;
  return r.choice<m>("long_messages", fallback,
                     {{"udh8", m::udh8}, {"udh16", m::udh16}, {"sar", m::sar}, {"payload", m::payload}});
}

text_economy read_economy(config_reader& r) {
  text_economy e;
  for (const auto& name : r.texts("national_tables")) {
    const auto bit = language_bit(name);
    if (bit == 0) r.fail("national_tables", name + " is none of " + language_names());
    e.languages = static_cast<std::uint16_t>(e.languages | bit);
  }
  e.transliterate = r.flag("transliterate", false);
  return e;
}

void read_session(config_reader& r, smpp::session_options& s) {
  s.bind_timeout = r.time("bind_timeout", 30s, 1s, 1h);
  s.response_timeout = r.time("response_timeout", 60s, 1s, 1h);
  s.enquire_link_interval = r.time("enquire_link_interval", 30s, 0s, 24h);
  s.enquire_link_timeout = r.time("enquire_link_timeout", 10s, 1s, 1h);
  s.inactivity_timeout = r.time("inactivity_timeout", 0s, 0s, 24h);
  s.partial_pdu_timeout = r.time("partial_pdu_timeout", 30s, 1s, 1h);
  s.unbind_timeout = r.time("unbind_timeout", 2s, 100ms, 1min);
  if (r.has("peer")) read_peer(r.table("peer"), s.profile);
  s.pdu_bytes_max = r.bytes("pdu_bytes_max", smpp::pdu_bytes_max_default, 1024, 1024 * 1024);
}

void read_peer(config_reader r, smpp::peer_profile& p) {
  using enum smpp::strictness;
  const auto strictness = [&](std::string_view key, smpp::strictness fallback) {
    return r.choice<smpp::strictness>(key, fallback, {{"strict", strict}, {"lenient", lenient}});
  };
  p.messages = strictness("messages", p.messages);
  p.others = strictness("others", p.others);
  p.limits = r.choice<smpp::length_limits>("lengths", p.limits,
                                           {{"specification", smpp::length_limits::specification},
                                            {"tolerated", smpp::length_limits::tolerated}});
  p.payload_before_text = r.flag("payload_before_text", p.payload_before_text);
  p.texts_end_in_nul = r.flag("texts_end_in_nul", p.texts_end_in_nul);
  p.pdu_bytes_sent_max = r.bytes("pdu_bytes_sent_max", p.pdu_bytes_sent_max, 512, 1024 * 1024);
  p.message_id_bytes_max = r.size("message_id_bytes_max", p.message_id_bytes_max, 9, 65);
  p.error_responses_have_body = r.flag("error_responses_have_body", p.error_responses_have_body);
  p.tlvs_below_3_4 = r.flag("tlvs_below_3_4", p.tlvs_below_3_4);
  p.already_bound_is_success = r.flag("already_bound_is_success", p.already_bound_is_success);
  p.missing_version_is_3_3 = r.flag("missing_version_is_3_3", p.missing_version_is_3_3);
  p.submit_failed_is_congestion = r.flag("submit_failed_is_congestion", p.submit_failed_is_congestion);
  p.numbers = r.choice<smpp::number_prefix>("international_numbers", p.numbers,
                                            {{"as_given", smpp::number_prefix::as_given},
                                             {"bare", smpp::number_prefix::none},
                                             {"plus", smpp::number_prefix::plus}});
}

smpp::rate_options read_rate(config_reader& r) {
  return {.per_second = r.number("segments_per_second", 0, 0, 1e6),
          .follows_peer = r.flag("slow_down_when_asked", true)};
}

std::shared_ptr<tls_context> read_tls(config_reader r, std::string_view key, tls_role role) {
  if (!r.has(key)) return nullptr;
  auto t = r.table(key);
  tls_options o;
  o.certificate_file = role == tls_role::server ? t.required_text("certificate_file") : t.text("certificate_file");
  o.private_key_file = role == tls_role::server ? t.required_text("private_key_file") : t.text("private_key_file");
  o.ca_file = t.text("ca_file");
  o.verify_peer = t.flag("verify_peer", true);
  auto context = tls_context::make(o, role);
  if (context) return *context;
  t.fail(context.error().field, context.error().code.message());
  return nullptr;
}

smpp_account read_smpp_account(config_reader& r, const smpp_account& usual) {
  smpp_account a;
  a.system_id = r.required_text("system_id", 15);
  a.password = r.required_secret("password");
  if (const auto problem = check_stored_password(a.password); !problem.empty()) r.fail("password", problem);
  if (!a.password.empty() && !is_password_hash(a.password))
    r.warn("password", "is stored in clear text; store the output of --hash-password instead");
  a.name = r.text("name", a.system_id, 64);
  a.binds_max = r.size("binds_max", usual.binds_max, 1, 100'000);
  a.allow_transmitter = r.flag("allow_transmitter", usual.allow_transmitter);
  a.allow_receiver = r.flag("allow_receiver", usual.allow_receiver);
  a.deliver_window = r.size("deliver_window", usual.deliver_window, 1, 65'536);
  a.segments_per_second = r.number("segments_per_second", usual.segments_per_second, 0, 1e6);
  a.permissions = read_permissions(r, usual.permissions);
  const auto addresses = r.texts("allowed_addresses");
  if (auto ranges = ip_ranges::parse(addresses)) a.allowed_addresses = *std::move(ranges);
  else r.fail("allowed_addresses", addresses[ranges.error().offset] + " is no address and no range like 192.0.2.0/24");
  for (const auto& sender : r.texts("senders")) {
    if (!a.senders) a.senders.emplace();
    a.senders->insert(sender.starts_with('+') ? sender.substr(1) : sender);
  }
  a.profile.default_charset = read_charset(r, "default_charset");
  a.profile.long_messages = read_long_messages(r, usual.profile.long_messages);
  a.profile.economy = read_economy(r);
  // What a client receives is shown as it was written; what it sends it wants short.
  a.profile.transliterate_sent = std::exchange(a.profile.economy.transliterate, false);
  return a;
}

}  // namespace msgkit::app
