// The part of the relay that reads Redis: pub/sub messages and stream entries.
#include <algorithm>
#include <iterator>

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
  auto& at = redis_of(l);
  while (const auto e = at.session.next_event()) {
    any = true;
    switch (e->kind) {
      case redis::event_kind::ready: on_redis_ready(l); break;
      case redis::event_kind::reply:
        if (e->reply.is_error()) at.error = e->reply.text();
        on_redis_reply(l, *e);
        break;
      case redis::event_kind::message: on_channel_message(*e); break;
      case redis::event_kind::unsubscribed:
        if (const auto found = std::ranges::find(shards_, e->channel, &shard::channel); found != shards_.end()) {
          found->confirmed = false;
          found->asked = {};
          refresh_map();
        }
        break;
      case redis::event_kind::closed:
        at.error = e->reply.is_error() ? std::string(e->reply.text()) : e->error.message();
        on_redis_closed(l);
        break;
    }
  }
  return any;
}

void relay::on_redis_ready(link l) {
  auto& at = redis_of(l);
  at.ready = at.role != link::subscriber || is_cluster();
  arrange_ = unpark_ = true;
  if (at.role == link::writer && is_cluster() && !map_.is_known()) refresh_map();
  if (at.role == link::writer && has_single_ && !draining_) lock_at_ = now_;
  if (at.role == link::subscriber && (!is_cluster() || at.at == home_)) {
    subscribed_.clear();
    subscribe_redis(at);
  }
  if (at.role != link::reader || at.group >= groups_.size()) return;
  auto& group = groups_[at.group];
  group.groups_left = group.streams.size();
  group.reading = false;
  if (claim_at_ == never) claim_at_ = now_ + options_.claim_interval;
  for (const auto i : group.streams) {
    read_from_[i] = "0";
    (void)send_reader(at, words({"XGROUP", "CREATE", streams_[i], options_.group, "0", "MKSTREAM"}), 1);
    (void)send_reader(at, words({"XPENDING", streams_[i], options_.group, "-", "+", "1000", options_.consumer}),
                      pending_cookie + i);
  }
}

void relay::on_redis_reply(link l, const redis::event& e) {
  auto& at = redis_of(l);
  if (at.role == link::writer) return on_writer_reply(at, e);
  if (at.role == link::reader) return on_reader_reply(at, e);
  if (e.cookie >= shard_cookie) return on_shard_reply(at, e);
  if (e.cookie != 1) return;
  if (e.error || e.reply.is_error()) {
    ++counters_.subscriptions_refused;
  } else {
    at.ready = true;
    home_ready_ = true;
  }
}

void relay::on_redis_closed(link l) {
  auto& at = redis_of(l);
  at.ready = false;
  arrange_ = true;
  if (at.role == link::reader && at.group < groups_.size()) groups_[at.group].reading = false;
  if (at.role == link::writer) {
    // No WAIT was under way: its outcome would have brought them back.
    counters_.retried += at.unreplicated.size();
    std::ranges::move(at.unreplicated, std::back_inserter(to_redis_));
    at.unreplicated.clear();
  }
  if (at.role == link::subscriber) {
    if (!is_cluster() || at.at == home_) {
      home_ready_ = false;
      home_ = {};  // another node has the same channels
      ++home_turn_;
    }
    lose_shards(l);
  }
}

// ---- Redis as a source

relay::channel_set relay::wanted_channels() const {
  channel_set out;
  for (const auto& r : rules_.rules()) {
    const auto& c = r.config();
    if (c.single && !holds_single_) continue;
    if (c.from == endpoint::sharded && !is_cluster()) out.emplace("SSUBSCRIBE", c.source);  // else where its slot is
    if (c.from == endpoint::channel)
      out.emplace(c.is_pattern || !c.regex.empty() ? "PSUBSCRIBE" : "SUBSCRIBE", c.source);
  }
  return out;
}

// Asks for what is missing and gives up what nobody wants any more.
void relay::subscribe_redis(redis_link& at) {
  auto wanted = wanted_channels();
  const auto ask = [&](std::string_view verb, std::string_view spoken, const channel_set& in, const channel_set& out) {
    std::vector<std::string_view> names;
    for (const auto& one : in)
      if (one.first == verb && !out.contains(one)) names.push_back(one.second);
    if (!names.empty()) (void)at.session.subscribe(spoken, names, 1, now_);
  };
  constexpr std::pair<std::string_view, std::string_view> verbs[] = {
      {"SUBSCRIBE", "UNSUBSCRIBE"}, {"PSUBSCRIBE", "PUNSUBSCRIBE"}, {"SSUBSCRIBE", "SUNSUBSCRIBE"}};
  for (const auto& [verb, undone] : verbs) {
    ask(verb, verb, wanted, subscribed_);
    ask(verb, undone, subscribed_, wanted);
  }
  subscribed_ = std::move(wanted);
  if (subscribed_.empty()) at.ready = home_ready_ = true;
}

void relay::on_channel_message(const redis::event& e) {
  ++counters_.from_redis;
  if (is_full(to_mqtt_.size()) || draining_) {
    ++counters_.dropped_full;
    return;
  }
  if (echoes_ && echoes_->is_echo(echo_filter::side::redis, e.channel, e.payload, now_)) {
    ++counters_.dropped_echo;
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

// In a cluster one command reads one slot. Whoever reads begins anew, with what is pending.
void relay::group_streams() {
  read_from_.assign(streams_.size(), "0");
  groups_.clear();
  worn_out_.clear();
  claiming_.clear();
  looking_.clear();
  std::vector<redis_link*> readers;
  for (auto& l : redis_) {
    if (l.role != link::reader) continue;
    readers.push_back(&l);
    l.wanted = l.asks = false;
    if (!l.session.is_closed()) l.session.close(make_error_code(errc::not_connected));
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const auto same = std::ranges::find_if(groups_, [&](const reader_group& g) {
      return !is_cluster() || redis::slot_of(streams_[g.streams.front()]) == redis::slot_of(streams_[i]);
    });
    if (same != groups_.end()) {
      same->streams.push_back(i);
      continue;
    }
    if (groups_.size() == readers.size())
      readers.push_back(&redis_.emplace_back(link::reader, session_for(link::reader)));
    auto& at = *readers[groups_.size()];
    at.group = groups_.size();
    at.wanted = !is_cluster();  // there, when its owner is known
    groups_.push_back({.at = number_of(at), .streams = {i}});
  }
  for (auto i = groups_.size(); i < readers.size(); ++i) readers[i]->group = i;
}

bool relay::send_reader(redis_link& at, std::span<const std::string_view> arguments, std::uint64_t cookie,
                        std::chrono::milliseconds blocks_for) {
  if (at.asks && !at.session.command(words({"ASKING"}), 0, now_)) return false;
  return at.session.command(arguments, cookie, now_, blocks_for).has_value();
}

void relay::read_streams() {
  for (auto& group : groups_) {
    auto& at = redis_of(group.at);
    if (group.reading || draining_ || group.groups_left > 0 || !at.session.is_ready()) continue;
    if (entries_.size() >= options_.entries_max || open_bytes_ >= options_.queue_bytes_max || !mqtt_.is_online())
      return;
    const auto count = std::to_string(std::min(read_count_max, options_.entries_max - entries_.size()));
    const auto block = std::to_string(options_.block.count());
    std::vector<std::string_view> a{"XREADGROUP", "GROUP", options_.group, options_.consumer, "COUNT", count};
    a.insert(a.end(), {"BLOCK", block, "STREAMS"});
    for (const auto i : group.streams) a.push_back(streams_[i]);
    for (const auto i : group.streams) a.push_back(read_from_[i]);
    group.reading = send_reader(at, a, 2, options_.block);
  }
}

void relay::on_reader_reply(redis_link& at, const redis::event& e) {
  if (e.cookie == 0 || at.group >= groups_.size()) return;  // ASKING, or of rules that are gone
  auto& group = groups_[at.group];
  if (e.cookie == 2) group.reading = false;
  if (e.error) return;
  if (e.reply.is_error() && redis::classify(e.reply.text()) == redis::error_class::redirect)
    return redirect_reader(at, e.reply.text());
  if (e.cookie == 1) {
    if (group.groups_left > 0) --group.groups_left;  // BUSYGROUP: it exists
  } else if (e.cookie >= pending_cookie) {
    note_deliveries(static_cast<std::size_t>(e.cookie - pending_cookie), e.reply);
  } else if (e.reply.is_error()) {
    // Somebody deleted a stream: the greeting makes group and stream again.
    at.session.close(make_error_code(errc::not_connected));
  } else {
    on_stream_replies(group, e.reply);
  }
}

void relay::on_stream_replies(const reader_group& group, const redis::value& reply) {
  std::vector<bool> had_pending(streams_.size());
  const auto one = [&](std::string_view stream, const redis::value& entries) {
    const auto at = static_cast<std::size_t>(std::ranges::find(streams_, stream) - streams_.begin());
    if (at == streams_.size()) return;
    if (read_from_[at] == ">") return on_entries(streams_[at], entries);
    if (entries.size() > 0) {
      had_pending[at] = true;
      read_from_[at] = entries.child(entries.size() - 1).child(0).text();
    }
    on_entries_again(streams_[at], entries);
  };
  if (reply.kind() == redis::kind::map) {
    for (auto i = reply.begin(); i != reply.end(); ++i) {
      const auto name = (*i).text();
      ++i;
      one(name, *i);
    }
  } else {
    for (const auto stream : reply) one(stream.child(0).text(), stream.child(1));
  }
  for (const auto i : group.streams)
    if (!had_pending[i]) read_from_[i] = ">";  // own pending entries come first, then new ones
  if (std::ranges::all_of(read_from_, [](std::string_view from) { return from == ">"; })) acked_.clear();
}

void relay::on_entries(std::string_view stream, const redis::value& entries) {
  for (const auto entry : entries) on_entry(stream, entry.child(0).text(), entry.child(1));
}

// What Redis listed as pending while its XACK was on the way has been delivered.
void relay::on_entries_again(std::string_view stream, const redis::value& entries) {
  const auto holds = [&](std::string_view id) {
    return [stream, id](const ack_batch& b) { return b.stream == stream && std::ranges::find(b.ids, id) != b.ids.end(); };
  };
  for (const auto entry : entries) {
    const auto id = entry.child(0).text();
    const bool is_delivered = std::ranges::any_of(acks_, holds(id)) || std::ranges::any_of(acked_, holds(id)) ||
                              std::ranges::any_of(acking_, holds(id), &decltype(acking_)::value_type::second);
    if (!is_delivered) on_entry(stream, id, entry.child(1));
  }
}

bool relay::reads_pending(std::string_view stream) const {
  const auto at = std::ranges::find(streams_, stream);
  return at != streams_.end() && read_from_[static_cast<std::size_t>(at - streams_.begin())] != ">";
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
  bury({.message = number}, nullptr, "delivered too often", stream, m.payload);
}

// Entries of a consumer that died. Its name is not deleted: that would lose what it had pending.
void relay::claim_stale() {
  claim_at_ = now_ + options_.claim_interval;
  if (draining_ || entries_.size() >= options_.entries_max) return;
  const auto idle = std::to_string(options_.claim_min_idle.count());
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    auto* const at = writer_for(streams_[i]);
    if (at == nullptr) continue;
    if (options_.deliveries_max != 0) {
      const auto look = ++next_id_;
      const auto p = words({"XPENDING", streams_[i], options_.group, "IDLE", idle, "-", "+", "100"});
      if (at->session.command(p, look, now_)) looking_.emplace(look, i);
    }
    const auto cookie = ++next_id_;
    const auto a = words({"XAUTOCLAIM", streams_[i], options_.group, options_.consumer, idle, "0", "COUNT", "100"});
    if (at->session.command(a, cookie, now_)) claiming_.emplace(cookie, i);
  }
}

void relay::on_claimed(std::size_t stream, const redis::value& reply) { on_entries_again(streams_[stream], reply.child(1)); }

// Entry, consumer, idle time and how often each was delivered; the entries themselves come after it.
void relay::note_deliveries(std::size_t stream, const redis::value& pending) {
  if (options_.deliveries_max == 0 || stream >= streams_.size()) return;
  if (worn_out_.size() >= worn_out_max) worn_out_.clear();  // entries that others took; ours are seen again
  for (const auto row : pending)
    if (row.child(3).integer() >= static_cast<std::int64_t>(options_.deliveries_max))
      worn_out_.emplace(stream, row.child(0).text());
}

}  // namespace msgkit::bridge
