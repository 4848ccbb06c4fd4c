#include "engine/event_log.hpp"

#include <array>

#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::array<std::string_view, event_kind_count> event_names{
    "accepted",         "attempt",    "attempt_sent", "attempt_failed", "attempt_rejected", "attempt_throttled",
    "attempt_unknown",  "attempt_not_sent", "report", "delivered",      "undelivered",      "expired",
    "rejected",         "canceled",   "unknown",      "receipt_created", "recovered", "replaced",
    "duplicate",        "deferred",   "blocked",      "joined",         "moved",
    "rewritten"};
constexpr std::size_t text_max = 255;

message_event read(octet_reader& in) {
  message_event e;
  e.at = in.time("event_time");
  e.kind = in.enumeration<event_kind>("event_kind", event_kind_count);
  e.attempt = in.number32("event_attempt");
  e.code = in.number32("event_code");
  e.endpoint = in.string("event_endpoint", text_max);
  e.detail = in.string("event_detail", text_max);
  return e;
}
void write(byte_vector& out, wall_time at, event_kind kind, std::uint32_t attempt, std::uint32_t code,
           std::string_view endpoint, std::string_view detail) {
  octet_writer w{out};
  w.time(at);
  w.octet(static_cast<std::uint8_t>(kind));
  w.number(attempt);
  w.number(code);
  w.string(endpoint.substr(0, text_max));
  w.string(detail.substr(0, text_max));
}

}  // namespace

std::string_view name(event_kind kind) noexcept { return event_names[static_cast<std::size_t>(kind)]; }

void event_log::add(wall_time at, event_kind kind, std::uint32_t attempt, std::uint32_t code, std::string_view endpoint,
                    std::string_view detail) {
  if (count_ == events_max) {  // rare: a message in trouble
    auto all = entries();
    all.erase(all.begin() + 1);
    octets_.clear();
    for (const auto& e : all) write(octets_, e.at, e.kind, e.attempt, e.code, e.endpoint, e.detail);
    --count_;
    ++dropped_;
  }
  if (octets_.empty()) octets_.reserve(128);
  write(octets_, at, kind, attempt, code, endpoint, detail);
  ++count_;
}

std::vector<message_event> event_log::entries() const {
  std::vector<message_event> out;
  out.reserve(count_);
  octet_reader in{octets_};
  while (!in.at_end()) out.push_back(read(in));
  return out;
}

result<event_log> event_log::decode(bytes_view octets, std::uint32_t dropped) {
  event_log log;
  octet_reader in{octets};
  while (!in.at_end()) {
    if (log.count_ == events_max) in.fail("events");
    (void)read(in);
    if (in.failed()) return in.error();
    ++log.count_;
  }
  log.octets_.assign(octets.begin(), octets.end());
  log.dropped_ = dropped;
  return log;
}

}  // namespace msgkit::engine
