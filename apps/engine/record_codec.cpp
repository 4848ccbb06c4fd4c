#include "engine/record_codec.hpp"

#include <algorithm>

#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t content_version = 1;
constexpr std::uint8_t progress_version = 1;
constexpr std::size_t error_class_count = 7;
constexpr std::size_t events_octets_max = event_log::events_max * 600;

constexpr std::uint8_t flag_user_data_header = 1;
constexpr std::uint8_t flag_receipt_details = 2;
constexpr std::uint8_t flag_keyword = 4;
constexpr std::uint8_t flag_ignores_quiet_hours = 8;
constexpr std::uint8_t flag_receipts_to = 16;
constexpr std::uint8_t flag_receipt_origin = 32;
constexpr std::uint8_t flag_settled = 1;
constexpr std::uint8_t flag_error = 2;
constexpr std::uint8_t flag_segment_accepted = 1;
constexpr std::uint8_t flag_segment_receipt_expected = 2;

void write(octet_writer& w, const address& a) {
  w.octet(a.type);
  w.octet(a.plan);
  w.string(a.value);
}
address read_address(octet_reader& in, std::string_view field) {
  address a;
  a.type = in.octet(field);
  a.plan = in.octet(field);
  a.value = in.string(field, address_octets_max);
  return a;
}

void write(octet_writer& w, const receipt_details& r) {
  w.number(r.receipt_of.key());
  w.octet(static_cast<std::uint8_t>(r.state));
  w.octet(r.intermediate ? 1 : 0);
  w.number(r.error_code);
  w.string(std::string_view{r.error_text}.substr(0, error_text_octets_max));
  w.time(r.submitted_at);
  w.time(r.done_at);
  w.number(r.segments_submitted);
  w.number(r.segments_delivered);
}
receipt_details read_receipt(octet_reader& in) {
  receipt_details r;
  r.receipt_of = message_id{in.number("receipt_of", INT64_MAX)};
  r.state = in.enumeration<message_state>("receipt_state", message_state_count);
  r.intermediate = in.octet("receipt_intermediate") != 0;
  r.error_code = in.number32("receipt_error_code");
  r.error_text = in.string("receipt_error_text", error_text_octets_max);
  r.submitted_at = in.time("receipt_submitted_at");
  r.done_at = in.time("receipt_done_at");
  r.segments_submitted = static_cast<std::uint16_t>(in.number("receipt_segments_submitted", UINT16_MAX));
  r.segments_delivered = static_cast<std::uint16_t>(in.number("receipt_segments_delivered", UINT16_MAX));
  return r;
}

void write(octet_writer& w, const segment& s) {
  w.octet(static_cast<std::uint8_t>((s.accepted ? flag_segment_accepted : 0) |
                                    (s.receipt_expected ? flag_segment_receipt_expected : 0)));
  w.octet(static_cast<std::uint8_t>(s.state));
  w.string(s.carrier_id);
}
segment read_segment(octet_reader& in) {
  segment s;
  const std::uint8_t flags = in.octet("segment_flags");
  s.accepted = flags & flag_segment_accepted;
  s.receipt_expected = flags & flag_segment_receipt_expected;
  s.state = in.enumeration<message_state>("segment_state", message_state_count);
  s.carrier_id = in.string("carrier_id", carrier_id_octets_max);
  return s;
}

constexpr std::size_t checksum_octets = 4;

// Not cryptographic: it finds accidents. Eight octets a step, because every row passes through here at every commit.
std::uint64_t mixed(bytes_view octets) noexcept {
  std::uint64_t h = 0x9E3779B97F4A7C15u ^ octets.size();
  const auto take = [&h](std::uint64_t v) {
    h = (h ^ v) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
  };
  std::size_t at = 0;
  for (; at + 8 <= octets.size(); at += 8) take(load_big<std::uint64_t>(octets.data() + at));
  std::uint64_t rest = 0;
  for (; at < octets.size(); ++at) rest = rest << 8 | octets[at];
  take(rest);
  return h;
}

std::uint32_t checksum(bytes_view octets) noexcept {
  return static_cast<std::uint32_t>(mixed(octets) * 0xD6E8FEB86659FD93u >> 32);
}

// Of rows that were written before the one above: it did not see the first of more than four octets that end a row.
std::uint32_t earlier_checksum(bytes_view octets) noexcept {
  const auto h = mixed(octets);
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

}  // namespace

void seal(byte_vector& record) { append_big(record, checksum(record)); }

result<bytes_view> unseal(bytes_view sealed) {
  if (sealed.size() < checksum_octets) return fault{make_error_code(errc::record_corrupt), "checksum", sealed.size()};
  const auto body = sealed.first(sealed.size() - checksum_octets);
  const auto stored = load_big<std::uint32_t>(sealed.data() + body.size());
  if (stored != checksum(body) && stored != earlier_checksum(body))
    return fault{make_error_code(errc::record_corrupt), "checksum", body.size()};
  return body;
}

void encode(const message_content& c, byte_vector& out) {
  out.reserve(out.size() + c.body.size() + c.passthrough.size() + c.account.size() + c.reference.size() +
              c.source.value.size() + c.destination.value.size() + 64);
  octet_writer w{out};
  w.octet(content_version);
  w.octet(static_cast<std::uint8_t>(c.kind));
  w.octet(static_cast<std::uint8_t>((c.user_data_header ? flag_user_data_header : 0) |
                                    (c.receipt ? flag_receipt_details : 0) | (c.keyword.empty() ? 0 : flag_keyword) |
                                    (c.ignores_quiet_hours ? flag_ignores_quiet_hours : 0) |
                                    (c.receipts_to.empty() ? 0 : flag_receipts_to) |
                                    (c.receipt && !c.receipt->endpoint.empty() ? flag_receipt_origin : 0)));
  w.octet(c.coding);
  w.octet(c.receipt_wanted);
  w.octet(c.priority);
  w.string(c.account);
  write(w, c.source);
  write(w, c.destination);
  w.string(c.body);
  w.string(c.passthrough);
  w.string(c.reference);
  w.string(c.service_type);
  w.time(c.schedule_at);
  w.time(c.valid_until);
  if (c.receipt) write(w, *c.receipt);
  if (!c.keyword.empty()) w.string(c.keyword);
  if (!c.receipts_to.empty()) w.string(c.receipts_to);
  if (c.receipt && !c.receipt->endpoint.empty()) {
    w.string(c.receipt->endpoint);
    w.string(c.receipt->carrier_id);
  }
}

result<message_content> decode_content(bytes_view octets) {
  octet_reader in{octets};
  if (in.octet("version") != content_version) in.fail("version");
  message_content c;
  c.kind = in.enumeration<message_kind>("kind", 3);
  const std::uint8_t flags = in.octet("flags");
  c.user_data_header = flags & flag_user_data_header;
  c.ignores_quiet_hours = flags & flag_ignores_quiet_hours;
  c.coding = in.octet("coding");
  c.receipt_wanted = in.octet("receipt_wanted");
  c.priority = std::min<std::uint8_t>(in.octet("priority"), 3);
  c.account = in.string("account", account_octets_max);
  c.source = read_address(in, "source");
  c.destination = read_address(in, "destination");
  const auto body = as_bytes(in.string("body", body_octets_max));
  c.body.assign(body.begin(), body.end());
  const auto passthrough = as_bytes(in.string("passthrough", passthrough_octets_max));
  c.passthrough.assign(passthrough.begin(), passthrough.end());
  c.reference = in.string("reference", reference_octets_max);
  c.service_type = in.string("service_type", service_type_octets_max);
  c.schedule_at = in.time("schedule_at");
  c.valid_until = in.time("valid_until");
  if (flags & flag_receipt_details) c.receipt = read_receipt(in);
  if (flags & flag_keyword) c.keyword = in.string("keyword", keyword_octets_max);
  if (flags & flag_receipts_to) c.receipts_to = in.string("receipts_to", account_octets_max);
  if (c.receipt && (flags & flag_receipt_origin) != 0) {
    c.receipt->endpoint = in.string("receipt_endpoint", account_octets_max);
    c.receipt->carrier_id = in.string("receipt_carrier_id", carrier_id_octets_max);
  }
  if (!in.at_end()) in.fail("end");
  if (in.failed()) return in.error();
  return c;
}

void encode(const message_progress& p, byte_vector& out) {
  const bool error = p.error != message_error{};
  octet_writer w{out};
  w.octet(progress_version);
  w.octet(static_cast<std::uint8_t>(p.state));
  w.octet(static_cast<std::uint8_t>((p.settled ? flag_settled : 0) | (error ? flag_error : 0)));
  w.number(p.attempts);
  w.number(p.failures);
  w.string(p.endpoint);
  w.time(p.accepted_at);
  w.time(p.valid_until, p.accepted_at);
  w.time(p.next_attempt_at, p.accepted_at);
  w.time(p.sent_at, p.accepted_at);
  w.time(p.done_at, p.accepted_at);
  if (error) {
    w.octet(static_cast<std::uint8_t>(p.error.kind));
    w.number(p.error.code);
    w.string(std::string_view{p.error.text}.substr(0, error_text_octets_max));
  }
  w.number(p.segments.size());
  for (const auto& s : p.segments) write(w, s);
  w.number(p.events.dropped());
  w.string(p.events.encoded());
}

result<message_progress> decode_progress(bytes_view octets) {
  octet_reader in{octets};
  if (in.octet("version") != progress_version) in.fail("version");
  message_progress p;
  p.state = in.enumeration<message_state>("state", message_state_count);
  const std::uint8_t flags = in.octet("flags");
  p.settled = flags & flag_settled;
  p.attempts = in.number32("attempts");
  p.failures = in.number32("failures");
  p.endpoint = in.string("endpoint", account_octets_max);
  p.accepted_at = in.time("accepted_at");
  p.valid_until = in.time("valid_until", p.accepted_at);
  p.next_attempt_at = in.time("next_attempt_at", p.accepted_at);
  p.sent_at = in.time("sent_at", p.accepted_at);
  p.done_at = in.time("done_at", p.accepted_at);
  if (flags & flag_error) {
    p.error.kind = in.enumeration<error_class>("error_class", error_class_count);
    p.error.code = in.number32("error_code");
    p.error.text = in.string("error_text", error_text_octets_max);
  }
  const std::uint64_t segments = in.number("segments", segments_max);
  for (std::uint64_t i = 0; i < segments && !in.failed(); ++i) p.segments.push_back(read_segment(in));
  const std::uint32_t dropped = in.number32("events_dropped");
  const auto events = as_bytes(in.string("events", events_octets_max));
  if (!in.at_end()) in.fail("end");
  if (in.failed()) return in.error();
  auto log = event_log::decode(events, dropped);
  if (!log) return log.error();
  p.events = *std::move(log);
  return p;
}

}  // namespace msgkit::engine
