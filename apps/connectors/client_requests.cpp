#include "connectors/client_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "msgkit/smpp/text/time_format.hpp"

namespace msgkit::app {
namespace {

using smpp::command_id;
using smpp::command_status;
using smpp::tag;

// Events of one submit_multi share a number; which destination an answer is about travels in the upper bits.
constexpr unsigned slot_bits = 54;
constexpr std::uint64_t slot_mask = (std::uint64_t{1} << slot_bits) - 1;

smpp::message_state state_of(const engine::query_done& q) {
  using from = engine::message_state;
  using to = smpp::message_state;
  switch (q.state) {
    case from::delivered: return to::delivered;
    case from::expired: return to::expired;
    case from::canceled: return to::deleted;
    case from::undelivered: return to::undeliverable;
    case from::rejected: return to::rejected;
    case from::unknown: return to::unknown;
    case from::accepted:
    case from::queued:
    case from::sending:
    case from::sent: break;
  }
  return q.scheduled ? to::scheduled : to::enroute;
}

command_status refused_status(command_id command, engine::refusal reason) {
  using enum engine::refusal;
  if (reason == too_late) {
    if (command == command_id::replace_sm) return command_status::replace_failed;
    return command == command_id::cancel_broadcast_sm ? command_status::broadcast_cancel_failed
                                                      : command_status::cancel_failed;
  }
  // A search among all messages is rationed; other requests have met a full queue.
  if (reason == queue_full && command == command_id::cancel_sm) return command_status::throttled;
  return status_of(reason);
}

template <class Pdu>
smpp::submit_sm as_submit(const Pdu& m) {
  return {.service_type = m.service_type,
          .source_addr_ton = m.source_addr_ton,
          .source_addr_npi = m.source_addr_npi,
          .source_addr = m.source_addr,
          .priority_flag = m.priority_flag,
          .schedule_delivery_time = m.schedule_delivery_time,
          .validity_period = m.validity_period,
          .replace_if_present_flag = m.replace_if_present_flag,
          .data_coding = m.data_coding,
          .sm_default_msg_id = m.sm_default_msg_id,
          .tlvs = m.tlvs};
}

// The areas as they were asked for, in the order they came.
smpp::tlv_list passthrough_tlvs(const engine::query_done& q) {
  constexpr std::size_t fixed_octets = 4;  // see sms_conversion.cpp
  if (!q.content || q.content->passthrough.size() < fixed_octets) return {};
  return smpp::tlv_list(bytes_view(q.content->passthrough).subspan(fixed_octets));
}

}  // namespace

std::string to_text(engine::message_id id, message_id_style style) {
  switch (style) {
    case message_id_style::decimal: return fmt::format("{}", id.key());
    case message_id_style::hexadecimal: return fmt::format("{:X}", id.key());
    case message_id_style::uuid: break;
  }
  return id.text();
}

std::optional<engine::message_id> read_message_id(std::string_view text, message_id_style style) {
  if (style == message_id_style::uuid) {
    const auto id = engine::message_id::parse(text);
    return id ? std::optional(*id) : std::nullopt;
  }
  std::uint64_t key = 0;
  const int base = style == message_id_style::decimal ? 10 : 16;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key, base);
  if (error != std::errc{} || end != text.data() + text.size() || key == 0 || key >> 63 != 0) return std::nullopt;
  return engine::message_id{key};
}

bool is_forbidden(command_id command, const client_permissions& p) noexcept {
  switch (command) {
    case command_id::submit_sm: return !p.submit;
    case command_id::submit_multi: return !p.multi;
    case command_id::data_sm: return !p.data;
    case command_id::query_sm: return !p.query;
    case command_id::cancel_sm: return !p.cancel;
    case command_id::replace_sm: return !p.replace;
    case command_id::broadcast_sm:
    case command_id::query_broadcast_sm:
    case command_id::cancel_broadcast_sm: return !p.broadcast;
    default: return false;
  }
}

struct client_requests::opening {
  smpp::connection& from;
  const smpp::header& head;
  std::string_view account;
  const sms_profile& profile;
  wall_time now;
  const scripted_answer& script;
};

bool client_requests::is_ours(command_id command) noexcept {
  switch (command) {
    case command_id::submit_sm:
    case command_id::data_sm:
    case command_id::submit_multi:
    case command_id::query_sm:
    case command_id::cancel_sm:
    case command_id::replace_sm:
    case command_id::broadcast_sm:
    case command_id::query_broadcast_sm:
    case command_id::cancel_broadcast_sm: return true;
    default: return false;
  }
}

command_status client_requests::begin(smpp::connection& c, const smpp::pdu& m, std::string_view account,
                                      const sms_profile& profile, wall_time now, const scripted_answer& script) {
  const opening o{c, m.head, account, profile, now, script};
  if (const auto* p = std::get_if<smpp::submit_sm>(&m)) return submit(o, *p);
  if (const auto* p = std::get_if<smpp::data_sm>(&m)) return submit(o, *p);
  if (const auto* p = std::get_if<smpp::submit_multi>(&m)) return submit_many(o, *p);
  if (const auto* p = std::get_if<smpp::broadcast_sm>(&m)) return broadcast(o, *p);
  if (const auto* p = std::get_if<smpp::query_sm>(&m)) return query(o, *p);
  if (const auto* p = std::get_if<smpp::query_broadcast_sm>(&m)) return query(o, *p);
  if (const auto* p = std::get_if<smpp::cancel_sm>(&m)) return cancel(o, *p);
  if (const auto* p = std::get_if<smpp::cancel_broadcast_sm>(&m)) return cancel(o, *p);
  if (const auto* p = std::get_if<smpp::replace_sm>(&m)) return replace(o, *p);
  return command_status::invalid_command_id;
}

std::uint64_t client_requests::add(const opening& o, engine::content_ptr content) {
  return open_.insert({.from = o.from.shared_from_this(),
                       .sequence = o.head.sequence,
                       .command = o.head.id,
                       .script = o.script,
                       .content = std::move(content)});
}

// ---- requests ------------------------------------------------------------------------------------------------------

command_status client_requests::submit(const opening& o, const smpp::submit_sm& m) {
  auto content = to_content(m, o.account, o.profile, o.now);
  if (!content) return smpp::status_for(content.error());
  auto extras = extras_of(m, **content, o.profile, false);
  const auto number = add(o, *content);
  port_.add_ingress(
      engine::submit{{sink_, number}, std::move(*content), m.replace_if_present_flag == 1, std::move(extras)});
  return command_status::ok;
}

command_status client_requests::submit(const opening& o, const smpp::data_sm& m) {
  auto content = to_content(m, o.account, o.profile, o.now);
  if (!content) return smpp::status_for(content.error());
  auto extras = extras_of(m, **content, o.profile, false);
  const auto number = add(o, *content);
  port_.add_ingress(engine::submit{{sink_, number}, std::move(*content), false, std::move(extras)});
  return command_status::ok;
}

command_status client_requests::submit_many(const opening& o, const smpp::submit_multi& m) {
  if (m.dest_addresses.size() == 0) return command_status::invalid_number_of_destinations;
  auto one = as_submit(m);
  one.esm_class = m.esm_class;
  one.protocol_id = m.protocol_id;
  one.registered_delivery = m.registered_delivery;
  one.short_message = m.short_message;
  client_request r{.from = o.from.shared_from_this(),
                   .sequence = o.head.sequence,
                   .command = o.head.id,
                   .open = 0,
                   .script = o.script};
  std::vector<engine::content_ptr> contents;
  for (const auto& d : m.dest_addresses) {
    if (d.dest_flag == smpp::dest_address::distribution_list) {
      r.failures.push_back({{0, 0, std::string(d.dl_name)}, command_status::invalid_distribution_list_name});
      continue;
    }
    one.dest_addr_ton = d.dest_addr_ton;
    one.dest_addr_npi = d.dest_addr_npi;
    one.destination_addr = d.destination_addr;
    auto content = to_content(one, o.account, o.profile, o.now);
    if (!content) {
      const auto status = smpp::status_for(content.error());
      // What is wrong with the message itself is wrong for everybody.
      if (status != command_status::invalid_destination_address) return status;
      r.failures.push_back({{}, status});
      continue;
    }
    r.destinations.push_back((*content)->destination);
    contents.push_back(std::move(*content));
  }
  if (contents.empty()) return r.failures.front().status;
  r.open = contents.size();
  const auto number = open_.insert(std::move(r));
  for (std::size_t i = 0; i < contents.size(); ++i)
    port_.add_ingress(engine::submit{
        {sink_, number | std::uint64_t{i} << slot_bits}, std::move(contents[i]), m.replace_if_present_flag == 1});
  return command_status::ok;
}

command_status client_requests::broadcast(const opening& o, const smpp::broadcast_sm& m) {
  for (const auto needed : {tag::broadcast_area_identifier, tag::broadcast_content_type, tag::broadcast_rep_num,
                            tag::broadcast_frequency_interval})
    if (!m.tlvs.find(needed)) return command_status::missing_tlv;
  auto one = as_submit(m);
  one.destination_addr = broadcast_destination;
  auto content = to_content(one, o.account, o.profile, o.now);
  if (!content) return smpp::status_for(content.error());
  const auto number = add(o, *content);
  port_.add_ingress(engine::submit{{sink_, number}, std::move(*content), m.replace_if_present_flag == 1});
  return command_status::ok;
}

template <class Pdu>
command_status client_requests::query(const opening& o, const Pdu& m) {
  const auto id = read_message_id(m.message_id, style_);
  if (!id) return command_status::invalid_message_id;
  port_.add_ingress(
      engine::query{.token = {sink_, add(o)},
                    .what = {.id = *id, .account = std::string(o.account), .source = std::string(m.source_addr)}});
  return command_status::ok;
}

template <class Pdu>
command_status client_requests::cancel(const opening& o, const Pdu& m) {
  engine::message_selector what{.account = std::string(o.account), .source = std::string(m.source_addr)};
  if constexpr (requires { m.destination_addr; }) what.destination = m.destination_addr;
  else what.destination = broadcast_destination;
  if (m.message_id.empty()) {
    // Everything between two numbers, of one service when it is named (3.4 section 4.9).
    if (what.source.empty() || what.destination.empty()) return command_status::cancel_failed;
    what.service_type = m.service_type;
  } else {
    const auto id = read_message_id(m.message_id, style_);
    if (!id) return command_status::invalid_message_id;
    what.id = *id;
  }
  port_.add_ingress(engine::cancel{.token = {sink_, add(o)}, .what = std::move(what)});
  return command_status::ok;
}

command_status client_requests::replace(const opening& o, const smpp::replace_sm& m) {
  const auto id = read_message_id(m.message_id, style_);
  if (!id) return command_status::invalid_message_id;
  // The old message's coding decides how to read the new octets, and only GSM 7-bit is the same on both sides.
  if (o.profile.default_charset != smpp::charset::gsm7) return command_status::replace_failed;
  const auto schedule = smpp::resolve_time(m.schedule_delivery_time, o.now);
  if (!schedule) return command_status::invalid_schedule;
  const auto validity = smpp::resolve_time(m.validity_period, o.now);
  if (!validity) return command_status::invalid_expiry;
  engine::replace r{.token = {sink_, add(o)},
                    .what = {.id = *id, .account = std::string(o.account), .source = std::string(m.source_addr)},
                    .schedule_at = *schedule,
                    .valid_until = *validity,
                    .receipt_wanted = receipts_wanted(m.registered_delivery)};
  const auto octets = user_data(m);
  r.body.assign(octets.begin(), octets.end());
  port_.add_ingress(std::move(r));
  return command_status::ok;
}

// ---- answers -------------------------------------------------------------------------------------------------------

std::optional<client_request> client_requests::take(const engine::action& a) {
  const auto token = std::visit(
      [](const auto& what) {
        if constexpr (requires { what.token; }) return what.token.value;
        else return std::uint64_t{0};
      },
      a);
  auto* const r = open_.find(token & slot_mask);
  if (r == nullptr) return std::nullopt;
  if (const auto* const no = std::get_if<engine::refused>(&a)) {
    const auto status = refused_status(r->command, no->reason);
    if (r->destinations.empty()) r->status = status;
    else r->failures.push_back({r->destinations[token >> slot_bits], status});
  } else if (const auto* const yes = std::get_if<engine::accepted>(&a)) {
    if (r->id == engine::message_id{}) r->id = yes->id;
  } else if (const auto* const found = std::get_if<engine::query_done>(&a)) {
    r->found = *found;
  }
  if (--r->open > 0) return std::nullopt;
  auto done = open_.take(token & slot_mask);
  if (done->id == engine::message_id{} && !done->failures.empty()) done->status = done->failures.front().status;
  return done;
}

void client_requests::respond(const client_request& r) const {
  auto& c = *r.from;
  if (r.status != command_status::ok) return void(c.reject(r.sequence, r.status));
  const auto id = r.id == engine::message_id{} ? std::string() : to_text(r.id, style_);
  switch (r.command) {
    case command_id::submit_sm: (void)c.respond(r.sequence, smpp::submit_sm_resp{.message_id = id}); break;
    case command_id::data_sm: (void)c.respond(r.sequence, smpp::data_sm_resp{.message_id = id}); break;
    case command_id::broadcast_sm: (void)c.respond(r.sequence, smpp::broadcast_sm_resp{.message_id = id}); break;
    case command_id::submit_multi: respond_to_multi(r); break;
    case command_id::cancel_sm: (void)c.respond(r.sequence, smpp::cancel_sm_resp{}); break;
    case command_id::cancel_broadcast_sm: (void)c.respond(r.sequence, smpp::cancel_broadcast_sm_resp{}); break;
    case command_id::replace_sm: (void)c.respond(r.sequence, smpp::replace_sm_resp{}); break;
    case command_id::query_sm:
    case command_id::query_broadcast_sm: respond_to_query(r); break;
    default: (void)c.reject(r.sequence, command_status::system_error); break;
  }
}

void client_requests::respond_to_multi(const client_request& r) const {
  smpp::counted_list_builder<smpp::unsuccess_sme> list;
  for (const auto& f : r.failures)
    (void)list.add({.dest_addr_ton = static_cast<smpp::ton>(f.destination.type),
                    .dest_addr_npi = static_cast<smpp::npi>(f.destination.plan),
                    .destination_addr = f.destination.value,
                    .error_status_code = static_cast<std::uint32_t>(f.status)});
  const auto id = to_text(r.id, style_);
  (void)r.from->respond(r.sequence, smpp::submit_multi_resp{.message_id = id, .unsuccess_smes = list.list()});
}

void client_requests::respond_to_query(const client_request& r) const {
  const auto& q = *r.found;
  const auto id = to_text(q.id, style_);
  const auto state = state_of(q);
  const auto final_date = engine::is_final(q.state) ? smpp::format_absolute(q.done_at) : std::string();
  if (r.command == command_id::query_sm) {
    constexpr std::uint32_t error_max = 255;
    (void)r.from->respond(
        r.sequence, smpp::query_sm_resp{.message_id = id,
                                        .final_date = final_date,
                                        .message_state = state,
                                        .error_code = static_cast<std::uint8_t>(std::min(q.error_code, error_max))});
    return;
  }
  smpp::tlv_builder tlvs;
  tlvs.add_u8(tag::message_state, static_cast<std::uint8_t>(state));
  constexpr std::uint8_t all_of_it = 100, unknown_share = 255;  // 5.0 section 4.8.4.9
  for (const auto& each : passthrough_tlvs(q)) {
    if (each.tag != tag::broadcast_area_identifier) continue;
    (void)tlvs.add(each.tag, each.value);
    tlvs.add_u8(tag::broadcast_area_success, q.state == engine::message_state::delivered ? all_of_it : unknown_share);
  }
  if (!final_date.empty()) tlvs.add_cstring(tag::broadcast_end_time, final_date);
  (void)r.from->respond(r.sequence, smpp::query_broadcast_sm_resp{.message_id = id, .tlvs = tlvs.list()});
}

}  // namespace msgkit::app
