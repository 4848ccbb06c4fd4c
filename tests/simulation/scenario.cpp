#include "scenario.hpp"

#include <fmt/format.h>

namespace msgkit::simulation {
namespace {

using test::random_source;

// Zero in about half of the seeds, so that each kind of trouble also comes alone.
double share(random_source& r, double maximum) {
  return r.chance(0.5) ? 0 : maximum * static_cast<double>(r.between(1, 100)) / 100;
}
duration interval(random_source& r, duration shortest, duration longest) {
  return r.chance(0.5) ? duration::zero() : r.between(shortest, longest);
}

smpp::session_options session(random_source& r, std::size_t window_max) {
  smpp::session_options s;
  s.window_size = r.between(1, window_max);
  s.bind_timeout = 5s;
  s.response_timeout = std::chrono::milliseconds{r.between(4'000, 12'000)};
  s.enquire_link_interval = std::chrono::milliseconds{r.between(4'000, 15'000)};
  s.enquire_link_timeout = 3s;
  s.partial_pdu_timeout = 8s;
  s.unbind_timeout = 2s;
  return s;
}

app::sms_profile profile(random_source& r, bool may_cut) {
  using method = smpp::long_message_method;
  app::sms_profile p;
  if (r.chance(0.3)) p.default_charset = smpp::charset::latin1;
  constexpr method methods[] = {method::udh8, method::udh16, method::sar, method::payload};
  p.long_messages = may_cut ? methods[r.below(4)] : method::payload;
  return p;
}

client_plan client(random_source& r, std::size_t index, std::size_t messages) {
  client_plan c;
  c.name = fmt::format("esme{}", index + 1);
  c.letter = static_cast<char>('A' + index);
  using mode = smpp::bind_mode;
  if (r.chance(0.3)) c.binds = {mode::transmitter, mode::receiver};
  else c.binds.assign(r.between(1, 3), mode::transceiver);
  c.window = r.between(1, 12);
  c.messages = messages;
  c.response_timeout = r.between(4s, 12s);
  c.manners = {.error_share = share(r, 0.2),
               .silence_share = share(r, 0.05),
               .late_share = share(r, 0.3),
               .give_up_share = share(r, 0.3)};
  c.account.system_id = c.name;
  c.account.password = "secret";
  c.account.name = c.name;
  c.account.deliver_window = r.between(1, 20);
  c.account.profile = profile(r, r.chance(0.3));
  return c;
}

carrier_manners manners(random_source& r) {
  return {.throttled_share = share(r, 0.1),
          .queue_full_share = share(r, 0.05),
          .temporary_share = share(r, 0.1),
          .permanent_share = share(r, 0.1),
          .silence_share = share(r, 0.03),
          .silent_accept_share = share(r, 0.03),
          .late_share = share(r, 0.2),
          .early_receipt_share = share(r, 0.3),
          .double_receipt_share = share(r, 0.2),
          .intermediate_share = share(r, 0.3),
          .undelivered_share = share(r, 0.2),
          .lost_receipt_share = share(r, 0.05),
          .bind_refusal_share = share(r, 0.3)};
}

carrier_plan carrier(random_source& r, std::size_t index, std::size_t messages, engine::core_options& core) {
  carrier_plan c;
  c.name = fmt::format("smsc{}", index + 1);
  c.letter = static_cast<char>('M' + index);
  c.messages = messages;
  c.hex_in_answer = r.chance(0.5);
  c.hex_in_receipt = r.chance(0.5);
  c.manners = manners(r);
  const auto form = [](bool hex) { return hex ? engine::id_form::hex : engine::id_form::decimal; };
  auto& ep = core.endpoints["carrier:" + c.name] = core.endpoint_default;
  ep.ids = {form(c.hex_in_answer), form(c.hex_in_receipt)};

  app::smpp_carrier_options o;
  o.name = c.name;
  o.binds = r.between(1, 3);
  o.rate.per_second = r.chance(0.2) ? static_cast<double>(r.between(5, 50)) : 0;
  o.receipts = r.chance(0.3) ? app::receipt_policy::requested : app::receipt_policy::always;
  o.profile = profile(r, true);
  o.client.system_id = "gateway";
  o.client.password = "secret";
  o.client.connection.session = session(r, 10);
  o.client.reconnect_backoff = {.initial = 200ms, .maximum = 3s};
  o.client.reconnect_seed = index * 100 + 1;
  if (r.chance(0.25)) {
    o.client.mode = smpp::bind_mode::transmitter;
    c.connectors.push_back(o);
    o.client.mode = smpp::bind_mode::receiver;
    o.binds = 1;
    o.client.reconnect_seed += 50;
  }
  c.connectors.push_back(o);
  return c;
}

mail_manners mail_manners_of(random_source& r) {
  return {.temporary_share = share(r, 0.15),
          .permanent_share = share(r, 0.08),
          .recipient_share = share(r, 0.1),
          .silence_share = share(r, 0.04),
          .loss_share = share(r, 0.08),
          .unanswered_loss_share = share(r, 0.08),
          .answered_loss_share = share(r, 0.08),
          .late_share = share(r, 0.2),
          .no_response_share = share(r, 0.2),
          .late_response_share = share(r, 0.5),
          .error_response_share = share(r, 0.1),
          .stray_share = share(r, 0.1),
          .double_share = share(r, 0.3),
          .deferred_share = share(r, 0.3),
          .failed_share = share(r, 0.2),
          .lost_report_share = share(r, 0.1),
          .read_share = share(r, 0.5),
          .repeat_share = share(r, 0.4)};
}

mail_plan mail_peer_of(random_source& r, std::size_t index, bool is_client, std::size_t messages) {
  mail_plan m;
  m.name = fmt::format("{}{}", is_client ? "mail" : "mmsc", index + 1);
  m.host = fmt::format("127.0.{}.{}", is_client ? 1 : 2, index + 1);
  m.letter = static_cast<char>((is_client ? 'S' : 'W') + static_cast<int>(index));
  m.messages = messages;
  m.rude = r.chance(0.3) ? r.between(1, 5) : 0;
  m.connections = r.between(1, 3);
  m.knows_repetitions = r.chance(0.5);
  m.manners = mail_manners_of(r);
  m.session.greeting_timeout = 5s;
  m.session.command_timeout = 6s;
  m.session.data_timeout = 8s;
  m.session.data_end_timeout = std::chrono::milliseconds{r.between(5'000, 15'000)};
  m.session.use_pipelining = r.chance(0.7);

  auto& p = m.settings;
  p.name = m.name;
  p.endpoint = (is_client ? "client:" : "carrier:") + m.name;
  p.allowed_addresses = {m.host};
  if (r.chance(0.3)) p.inbound_username = m.name, p.inbound_password = "secret";
  p.profile.domain = "gateway.test";
  p.profile.peer_domain = m.name + ".test";
  p.client.session = m.session;
  p.client.session.tls = mm4::smtp::tls_policy::never;
  p.client.connections_max = r.between(1, 4);
  p.client.idle_timeout = std::chrono::milliseconds{r.between(500, 20'000)};
  app::use_engine_retries(p.client);
  p.client.retry_seed = index + 1;
  p.request_ack = r.chance(0.7);
  p.request_delivery_report = r.chance(0.7);
  p.request_read_receipt = r.chance(0.5);
  return m;
}

engine::core_options core_options(random_source& r) {
  engine::core_options o;
  o.attempts_max = static_cast<std::uint32_t>(r.chance(0.2) ? r.between(2, 4) : 16);
  o.retry = {.initial = 500ms, .maximum = 8s};
  o.throttle_initial = 200ms;
  o.throttle_maximum = 2s;
  o.validity_default = 900s;
  o.receipt_validity = 3600s;
  o.report_wait = 120s;
  o.early_report_wait = 60s;
  o.early_reports_max = r.chance(0.2) ? 2 : 100;
  o.active_messages_max = r.chance(0.2) ? r.between(5, 40) : 100'000;
  o.endpoint_default.queue_max = r.chance(0.2) ? r.between(3, 20) : 10'000;
  return o;
}

trouble troubles(random_source& r) {
  return {.reset = interval(r, 1s, 15s),
          .stall = interval(r, 2s, 20s),
          .cut = interval(r, 5s, 40s),
          .client_leaves = interval(r, 3s, 30s),
          .host_away = interval(r, 10s, 60s),
          .crash = interval(r, 4s, 40s),
          .restart = interval(r, 10s, 60s),
          .wall_step = r.chance(0.8) ? duration::zero() : interval(r, 5s, 30s),
          .commit_failure_share = share(r, 0.02),
          .inbox_full_share = share(r, 0.02)};
}

}  // namespace

scenario make_scenario(std::uint64_t seed, random_source& r, double load, bool with_mail) {
  scenario s;
  s.seed = seed;
  s.traffic_time = r.between(20s, 60s);
  s.lines.latency_min = std::chrono::microseconds{r.between(100, 2'000)};
  s.lines.latency_max = s.lines.latency_min + std::chrono::microseconds{r.between(0, r.chance(0.2) ? 400'000 : 20'000)};
  if (r.chance(0.4)) s.lines.piece_max = r.between(1, 200);
  if (r.chance(0.2)) s.lines.window_bytes = r.between(200, 4'000);
  s.commit_max = std::chrono::microseconds{r.between(200, r.chance(0.2) ? 300'000 : 8'000)};
  if (r.chance(0.1)) s.inbox_max = r.between(1, 10);
  s.core = core_options(r);
  s.server_session = session(r, 20);
  s.server_session.inbound_window_size = r.chance(0.2) ? r.between(1, 8) : 1'000;
  const auto scaled = [&](std::uint64_t n) { return static_cast<std::size_t>(static_cast<double>(n) * load); };
  const auto clients = with_mail ? 1 : r.between(1, 3), carriers = with_mail ? 1 : r.between(1, 2);
  const std::uint64_t submits_max = with_mail ? 40 : 120, delivers_max = with_mail ? 10 : 60;
  for (std::size_t i = 0; i < clients; ++i) s.clients.push_back(client(r, i, scaled(r.between(5, submits_max))));
  for (std::size_t i = 0; i < carriers; ++i)
    s.carriers.push_back(carrier(r, i, scaled(r.between(0, delivers_max)), s.core));
  if (!r.chance(0.1)) s.troubles = troubles(r);
  if (!with_mail) return s;
  if (r.chance(0.5)) s.troubles.media_failure_share = share(r, 0.05);
  s.mail_session.offer_auth = s.mail_session.auth_without_tls = true;
  s.mail_session.command_timeout = 25s;
  s.mail_session.data_timeout = 8s;
  s.mail_session.message_timeout = 60s;
  const auto mail_clients = r.between(1, 2), mail_carriers = r.between(1, 2);
  for (std::size_t i = 0; i < mail_clients; ++i) s.mail.push_back(mail_peer_of(r, i, true, scaled(r.between(5, 40))));
  for (std::size_t i = 0; i < mail_carriers; ++i) s.mail.push_back(mail_peer_of(r, i, false, scaled(r.between(0, 20))));
  return s;
}

}  // namespace msgkit::simulation
