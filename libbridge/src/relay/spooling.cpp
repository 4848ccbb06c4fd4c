// The part of the relay that keeps deliveries on disk: what a record is, and how records come and go.
#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/relay/relay.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::uint8_t to_redis_mark = 3, to_mqtt_mark = 4;
constexpr std::uint8_t bit_publish = 1, bit_deduped = 2, bit_retain = 4;
constexpr std::size_t ahead_bytes_max = 16 * 1024 * 1024;

void put_text(byte_vector& out, std::string_view text) {
  append_big(out, static_cast<std::uint32_t>(text.size()));
  append(out, text);
}

// Fields in order; `good` turns false where they run out.
struct field_reader {
  bytes_view rest;
  bool good = true;

  template <class T>
  T number() {
    if (rest.size() < sizeof(T)) return good = false, T{};
    const auto v = load_big<T>(rest.data());
    rest = rest.subspan(sizeof(T));
    return v;
  }
  std::string_view text() {
    const auto size = number<std::uint32_t>();
    if (rest.size() < size) return good = false, std::string_view{};
    const auto v = as_text(rest.first(size));
    rest = rest.subspan(size);
    return v;
  }
};

}  // namespace

byte_vector relay::packed(const redis_job& j) {
  byte_vector out{to_redis_mark,
                  static_cast<std::uint8_t>((j.is_publish ? bit_publish : 0) | (j.is_deduped ? bit_deduped : 0))};
  append_big(out, static_cast<std::uint64_t>(j.expires_at_ms));
  put_text(out, j.by != nullptr ? j.by->name : std::string_view{});
  append_big(out, j.payload_at);
  put_text(out, j.origin);
  for (const auto& a : j.arguments) put_text(out, a);
  return out;
}

byte_vector relay::packed(const mqtt_job& j) {
  byte_vector out{to_mqtt_mark, static_cast<std::uint8_t>(j.retain ? bit_retain : 0)};
  append_big(out, static_cast<std::uint64_t>(j.expires_at_ms));
  put_text(out, j.by != nullptr ? j.by->name : std::string_view{});
  out.push_back(j.qos);
  put_text(out, j.topic);
  put_text(out, j.payload);
  put_text(out, as_text(j.properties.list().octets()));
  return out;
}

// False for a record that another version wrote.
bool relay::unpack(const spool_record& r) {
  field_reader f{r.octets};
  const auto what = f.number<std::uint8_t>();
  const auto bits = f.number<std::uint8_t>();
  const auto expires = static_cast<std::int64_t>(f.number<std::uint64_t>());
  const auto by = all_states_.find(f.text());
  auto* const state = by != all_states_.end() ? &by->second : nullptr;
  if (what == to_redis_mark) {
    redis_job j{.owner = {.record = r.number},
                .by = state,
                .is_publish = (bits & bit_publish) != 0,
                .is_deduped = (bits & bit_deduped) != 0,
                .expires_at_ms = expires};
    j.payload_at = f.number<std::uint32_t>();
    j.origin = f.text();
    while (f.good && !f.rest.empty()) j.arguments.emplace_back(f.text());
    if (!f.good || j.arguments.size() < 3 || j.payload_at >= j.arguments.size()) return false;
    to_redis_.push_back(std::move(j));
    return true;
  }
  if (what != to_mqtt_mark) return false;
  mqtt_job j{.owner = {.record = r.number},
             .by = state,
             .qos = f.number<std::uint8_t>(),
             .retain = (bits & bit_retain) != 0,
             .expires_at_ms = expires};
  j.topic = f.text();
  j.payload = f.text();
  const auto octets = as_bytes(f.text());
  if (!f.good || j.qos > 2 || !mqtt::check_properties(octets, mqtt::in(mqtt::packet_type::publish))) return false;
  for (const auto& p : mqtt::properties(octets)) j.properties.copy(p);
  to_mqtt_.push_back(std::move(j));
  return true;
}

void relay::end_sync(const result<void>& outcome, time_point now, wall_time wall) {
  options_.spool->end_sync(outcome);
  work(now, wall);
}

// Appends what waits, releases what is synced, reads ahead. True when there may be more to do.
bool relay::pump_spool() {
  if (!options_.spool) return false;
  auto& s = *options_.spool;
  bool any = false;
  while (!to_spool_.empty() && spool_retry_at_ == never) {
    auto& first = to_spool_.front();
    const auto number = s.append(first.octets);
    if (!number) {
      refuse_spooled();
      break;
    }
    ++counters_.spooled;
    first.record = *number;
    first.octets = {};
    at_spool_.push_back(std::move(first));
    to_spool_.pop_front();
  }
  while (!at_spool_.empty() && at_spool_.front().record <= s.synced()) {
    const auto message = at_spool_.front().message;
    at_spool_.pop_front();
    finish_one(message);
    any = true;
  }
  while (records_.size() < options_.spool_ahead_max && records_bytes_ < ahead_bytes_max) {
    const auto r = s.next();
    if (!r || !*r) break;
    const auto size = (*r)->octets.size();
    if (!unpack(**r)) {
      s.done((*r)->number);
      ++counters_.dead_lost;
      continue;
    }
    records_.emplace((*r)->number, size);
    records_bytes_ += size;
    any = true;
  }
  return any;
}

// The spool took no more. What nobody waits for an answer to is dropped; the rest waits, unacknowledged.
void relay::refuse_spooled() {
  ++counters_.spool_refused;
  spool_retry_at_ = now_ + options_.retry_delay;
  std::deque<spooling> kept;
  for (auto& waiting : to_spool_) {
    const auto found = open_.find(waiting.message);
    const bool answered = found != open_.end() && (found->second.token.serial != 0 || !found->second.stream.empty());
    if (answered) {
      kept.push_back(std::move(waiting));
    } else {
      ++counters_.dropped_full;
      finish_one(waiting.message);
    }
  }
  to_spool_ = std::move(kept);
}

void relay::finish(job_owner owner) {
  if (owner.record == 0) return finish_one(owner.message);
  const auto found = records_.find(owner.record);
  if (found == records_.end()) return;
  records_bytes_ -= found->second;
  records_.erase(found);
  options_.spool->done(owner.record);
}

}  // namespace msgkit::bridge
