// The part of the relay that reads Redis: replies, pub/sub messages, stream entries.
#include <algorithm>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/relay/relay.hpp"
#include "relay/parts.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::size_t worn_out_max = 10'000;
constexpr std::uint64_t pending_cookie = 16;  // XPENDING of the first stream on the reader's link

}  // namespace

bool relay::drain_redis(link l) {
  bool any = false;
  auto& s = redis_of(l);
  while (const auto e = s.next_event()) {
    any = true;
    switch (e->kind) {
      case redis::event_kind::ready:
        ready_[index(l)] = l != link::subscriber;
        if (l == link::subscriber) subscribe_redis();
        if (l == link::reader) {
          groups_left_ = streams_.size();
          reading_ = false;
          read_from_.assign(streams_.size(), "0");
          if (claim_at_ == never) claim_at_ = now_ + options_.claim_interval;
          for (std::size_t i = 0; i < streams_.size(); ++i) {
            (void)s.command(views({"XGROUP", "CREATE", streams_[i], options_.group, "0", "MKSTREAM"}), 1, now_);
            (void)s.command(views({"XPENDING", streams_[i], options_.group, "-", "+", "1000", options_.consumer}),
                            pending_cookie + i, now_);
          }
        }
        break;
      case redis::event_kind::reply:
        if (l == link::writer) on_writer_reply(*e);
        else if (l == link::reader) on_reader_reply(*e);
        else if (e->error || e->reply.is_error()) ++counters_.subscriptions_refused;
        else ready_[index(l)] = true;
        if (e->reply.is_error()) errors_[index(l)] = e->reply.text();
        break;
      case redis::event_kind::message: on_channel_message(*e); break;
      case redis::event_kind::closed:
        ready_[index(l)] = false;
        errors_[index(l)] = e->reply.is_error() ? std::string(e->reply.text()) : e->error.message();
        if (l == link::reader) reading_ = false;
        break;
    }
  }
  return any;
}

void relay::on_writer_reply(const redis::event& e) {
  const auto text = e.reply.text();
  const auto why = redis::classify(text);
  const bool failed = e.error || e.reply.is_error();
  const bool again = e.error || (failed && (why == redis::error_class::retry || why == redis::error_class::reconnect ||
                                            why == redis::error_class::redirect));
  if (!e.error && again) {
    retry_at_ = now_ + options_.retry_delay;
    if (why == redis::error_class::reconnect) redis_of(link::writer).close(make_error_code(errc::not_connected));
  }
  if (const auto claim = claiming_.find(e.cookie); claim != claiming_.end()) {
    const auto stream = claim->second;
    claiming_.erase(claim);
    if (!failed) on_claimed(stream, e.reply);
    return;
  }
  if (const auto ack = acking_.find(e.cookie); ack != acking_.end()) {
    auto batch = std::move(ack->second);
    acking_.erase(ack);
    if (again) acks_.push_back(std::move(batch));
    return;
  }
  if (const auto look = looking_.find(e.cookie); look != looking_.end()) {
    const auto stream = look->second;
    looking_.erase(look);
    if (!failed) note_deliveries(stream, e.reply);
    return;
  }
  const auto found = at_redis_.find(e.cookie);
  if (found == at_redis_.end()) return;
  auto job = std::move(found->second);
  at_redis_.erase(found);
  if (again) {
    ++counters_.retried;
    to_redis_.push_back(std::move(job));
    return;
  }
  if (!failed) {
    const bool seen_before = job.is_deduped && e.reply.is_null();
    if (job.dead_letter) ++counters_.dead;
    else if (seen_before) ++counters_.duplicates;
    else ++counters_.to_redis;
    counters_.no_receiver += job.is_publish && !seen_before && e.reply.integer() == 0;
  } else if (job.dead_letter) {
    ++counters_.dead_lost;
  } else {
    return bury(job.owner, "", text, job.origin, job.arguments[job.payload_at]);
  }
  finish(job.owner);
}

// ---- Redis as a source

void relay::subscribe_redis() {
  const auto ask = [&](std::string_view verb, endpoint from, bool is_pattern) {
    std::vector<std::string_view> names;
    for (const auto& r : rules_.rules()) {
      const auto& c = r.config();
      const bool glob = c.is_pattern || !c.regex.empty();
      if (c.from == from && glob == is_pattern && std::ranges::find(names, c.source) == names.end())
        names.push_back(c.source);
    }
    if (!names.empty()) (void)redis_of(link::subscriber).subscribe(verb, names, 1, now_);
  };
  ask("SUBSCRIBE", endpoint::channel, false);
  ask("PSUBSCRIBE", endpoint::channel, true);
  ask("SSUBSCRIBE", endpoint::sharded, false);
}

void relay::on_channel_message(const redis::event& e) {
  ++counters_.from_redis;
  if (is_full(to_mqtt_.size()) || draining_) {
    ++counters_.dropped_full;
    return;
  }
  message m{.name = e.channel, .via = e.pattern.empty() ? e.channel : e.pattern, .payload = e.payload};
  std::vector<delivery> deliveries;
  std::size_t matched = 0;
  for (const auto from : {endpoint::channel, endpoint::sharded}) {
    m.from = from;
    matched += rules_.apply(m, wall_.time_since_epoch().count(), deliveries);
  }
  if (matched == 0) ++counters_.unmatched;
  m.origin = options_.instance;
  m.hops = 1;
  (void)accept({}, m, deliveries);
}

void relay::read_streams() {
  auto& reader = redis_of(link::reader);
  if (reading_ || draining_ || groups_left_ > 0 || !reader.is_ready() || streams_.empty()) return;
  if (entries_.size() >= options_.entries_max || open_bytes_ >= options_.queue_bytes_max || !mqtt_.is_online()) return;
  const auto count = std::to_string(std::min(read_count_max, options_.entries_max - entries_.size()));
  const auto block = std::to_string(options_.block.count());
  std::vector<std::string_view> a{"XREADGROUP", "GROUP", options_.group, options_.consumer, "COUNT", count};
  a.insert(a.end(), {"BLOCK", block, "STREAMS"});
  a.insert(a.end(), streams_.begin(), streams_.end());
  a.insert(a.end(), read_from_.begin(), read_from_.end());
  reading_ = reader.command(a, 2, now_, options_.block).has_value();
}

void relay::on_reader_reply(const redis::event& e) {
  if (e.cookie == 1) {
    if (!e.error && groups_left_ > 0) --groups_left_;  // BUSYGROUP: it exists
    return;
  }
  if (e.cookie >= pending_cookie) {
    if (!e.error) note_deliveries(static_cast<std::size_t>(e.cookie - pending_cookie), e.reply);
    return;
  }
  reading_ = false;
  if (e.error) return;
  if (e.reply.is_error()) {
    // Somebody deleted a stream: the greeting makes group and stream again.
    redis_of(link::reader).close(make_error_code(errc::not_connected));
    return;
  }
  std::vector<bool> had_pending(streams_.size());
  const auto one = [&](std::string_view stream, const redis::value& entries) {
    const auto at = static_cast<std::size_t>(std::ranges::find(streams_, stream) - streams_.begin());
    if (at == streams_.size()) return;
    if (entries.size() > 0 && read_from_[at] != ">") {
      had_pending[at] = true;
      read_from_[at] = entries.child(entries.size() - 1).child(0).text();
    }
    on_entries(streams_[at], entries);
  };
  if (e.reply.kind() == redis::kind::map) {
    for (auto i = e.reply.begin(); i != e.reply.end(); ++i) {
      const auto name = (*i).text();
      ++i;
      one(name, *i);
    }
  } else {
    for (const auto stream : e.reply) one(stream.child(0).text(), stream.child(1));
  }
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (!had_pending[i]) read_from_[i] = ">";  // own pending entries come first, then new ones
}

void relay::on_entries(std::string_view stream, const redis::value& entries) {
  for (const auto entry : entries) on_entry(stream, entry.child(0).text(), entry.child(1));
}

void relay::on_entry(std::string_view stream, std::string_view id, const redis::value& fields) {
  if (id.empty() || entries_.contains(std::pair(std::string(stream), std::string(id)))) return;
  ++counters_.from_redis;
  message m{.from = endpoint::stream, .name = stream, .qos = 1, .id = id};
  const auto at = static_cast<std::size_t>(std::ranges::find(streams_, stream) - streams_.begin());
  const bool is_worn_out = worn_out_.erase({at, std::string(id)}) != 0;
  for (auto i = fields.begin(); i != fields.end(); ++i) {
    const auto name = (*i).text();
    if (++i == fields.end()) break;
    m.fields.emplace_back(name, (*i).text());
  }
  read_stream_fields(m);
  std::vector<delivery> deliveries;
  if (!is_worn_out && !is_looping(m) && rules_.apply(m, wall_.time_since_epoch().count(), deliveries) == 0)
    ++counters_.unmatched;
  m.origin = options_.instance;
  ++m.hops;
  open_message open{.stream = std::string(stream), .entry = std::string(id)};
  if (!is_worn_out) return (void)accept(std::move(open), m, deliveries);
  const auto number = accept(std::move(open), m, deliveries, 1);
  bury({.message = number}, "", "delivered too often", stream, m.payload);
}

// Entries of a consumer that died. Its name is not deleted: that would lose what it had pending.
void relay::claim_stale() {
  claim_at_ = now_ + options_.claim_interval;
  if (!redis_of(link::writer).is_ready() || draining_ || entries_.size() >= options_.entries_max) return;
  const auto idle = std::to_string(options_.claim_min_idle.count());
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (options_.deliveries_max != 0) {
      const auto look = ++next_id_;
      const std::vector<std::string_view> p{"XPENDING", streams_[i], options_.group, "IDLE", idle, "-", "+", "100"};
      if (redis_of(link::writer).command(p, look, now_)) looking_.emplace(look, i);
    }
    const auto cookie = ++next_id_;
    const std::vector<std::string_view> a{"XAUTOCLAIM", streams_[i], options_.group, options_.consumer,
                                          idle,         "0",         "COUNT",        "100"};
    if (redis_of(link::writer).command(a, cookie, now_)) claiming_.emplace(cookie, i);
  }
}

void relay::on_claimed(std::size_t stream, const redis::value& reply) { on_entries(streams_[stream], reply.child(1)); }

// Entry, consumer, idle time and how often each was delivered; the entries themselves come after it.
void relay::note_deliveries(std::size_t stream, const redis::value& pending) {
  if (options_.deliveries_max == 0 || stream >= streams_.size()) return;
  if (worn_out_.size() >= worn_out_max) worn_out_.clear();  // entries that others took; ours are seen again
  for (const auto row : pending)
    if (row.child(3).integer() >= static_cast<std::int64_t>(options_.deliveries_max))
      worn_out_.emplace(stream, row.child(0).text());
}

void relay::pump_acks() {
  auto& writer = redis_of(link::writer);
  while (!acks_.empty() && retry_at_ == never && writer.pipeline_room() > 0) {
    std::vector<std::string_view> a{"XACK", acks_.front().stream, options_.group};
    a.insert(a.end(), acks_.front().ids.begin(), acks_.front().ids.end());
    const auto cookie = ++next_id_;
    if (!writer.command(a, cookie, now_)) return;
    acking_.emplace(cookie, std::move(acks_.front()));
    acks_.pop_front();
  }
}

}  // namespace msgkit::bridge
