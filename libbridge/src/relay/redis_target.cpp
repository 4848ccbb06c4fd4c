// The part of the relay that writes Redis: what a delivery becomes, its outcome, acknowledgements of entries.
#include <algorithm>
#include <iterator>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/relay/relay.hpp"
#include "relay/parts.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::uint8_t redirects_max = 5;  // of one delivery in a row; then it waits as after an error

// Not atomic otherwise: a crash between the two would lose the message or let it through twice.
constexpr std::string_view dedupe_script =
    "if redis.call('SET',KEYS[1],'1','NX','EX',ARGV[1]) then return "
    "redis.call(unpack(ARGV,2)) end return false";

// What decides about the slot; empty: any node will do.
std::string_view key_of(const std::vector<std::string>& arguments) noexcept {
  if (arguments[0] == "PUBLISH") return {};
  return arguments[0] == "EVAL" ? arguments[3] : arguments[1];
}

}  // namespace

relay::redis_job relay::make_redis_job(const message& m, const delivery& d) const {
  redis_job job{.expires_at_ms = m.expires_at_ms, .origin = std::string(m.name)};
  auto& a = job.arguments;
  const auto& rule = d.by->config();
  if (!d.dedupe.empty()) {
    job.is_deduped = true;
    const auto tag = redis::hash_tag(d.name);
    const bool keyed = d.to == endpoint::stream;
    a = {"EVAL", std::string(dedupe_script), keyed ? "2" : "1", "{" + std::string(tag) + "}:seen:" + d.dedupe};
    if (keyed) a.push_back(d.name);
    a.push_back(std::to_string(rule.dedupe_ttl.count()));
  }
  if (d.to == endpoint::stream) {
    a.insert(a.end(), {"XADD", d.name});
    if (rule.maxlen != 0) a.insert(a.end(), {"MAXLEN", "~", std::to_string(rule.maxlen)});
    a.emplace_back("*");
    std::vector<std::string> storage;
    std::vector<std::string_view> fields;
    append_stream_fields(m, d.payload, storage, fields);
    job.payload_at = static_cast<std::uint32_t>(a.size() + 3);  // behind t, its value and p
    a.insert(a.end(), fields.begin(), fields.end());
  } else {
    job.is_publish = true;
    a.insert(a.end(), {d.to == endpoint::sharded ? "SPUBLISH" : "PUBLISH", d.name, d.payload});
    job.payload_at = static_cast<std::uint32_t>(a.size() - 1);
  }
  return job;
}

void relay::bury(job_owner owner, rule_state* by, std::string_view reason, std::string_view origin,
                 std::string_view payload) {
  redis_job job{.owner = owner, .by = by, .dead_letter = true};
  job.arguments = {"XADD",
                   options_.dead_letters,
                   "MAXLEN",
                   "~",
                   std::to_string(options_.dead_letters_maxlen),
                   "*",
                   "rule",
                   by != nullptr ? by->name : std::string(),
                   "reason",
                   std::string(reason),
                   "origin",
                   std::string(origin),
                   "p",
                   std::string(payload)};
  to_redis_.push_back(std::move(job));
}

// Null: it has to wait.
relay::redis_link* relay::writer_for(std::string_view key, link ask_at) {
  const auto usable = [](redis_link* l) {
    if (l == nullptr || !l->ready) return false;
    l->was_full = l->session.pipeline_room() < 2;
    return !l->was_full;
  };
  redis_link* found = nullptr;
  if (!is_cluster()) {
    found = &redis_of(link::writer);
  } else if (is_some(ask_at) && redis_of(ask_at).wanted) {
    found = &redis_of(ask_at);
  } else if (key.empty()) {
    const auto any = std::ranges::find_if(writers_, usable);
    return any == writers_.end() ? nullptr : *any;
  } else if (const auto i = map_.owner_index(redis::slot_of(key)); i != 0 && i <= writers_.size()) {
    found = writers_[i - 1u];
  }
  return usable(found) ? found : nullptr;
}

void relay::pump_redis() {
  if (std::exchange(unpark_, false)) {
    to_redis_.insert(to_redis_.begin(), std::make_move_iterator(parked_.begin()),
                     std::make_move_iterator(parked_.end()));
    parked_.clear();
  }
  while (!to_redis_.empty() && (is_cluster() || retry_at_ == never)) {
    auto& first = to_redis_.front();
    if (first.expires_at_ms != 0 && first.expires_at_ms <= wall_.time_since_epoch().count()) {
      const auto job = std::move(first);
      to_redis_.pop_front();
      bury(job.owner, job.by, make_error_code(errc::message_expired).message(), job.origin,
           job.arguments[job.payload_at]);
      continue;
    }
    auto* const writer = writer_for(key_of(first.arguments), first.ask_at);
    if (writer == nullptr && !is_cluster()) return;
    auto job = std::move(first);
    to_redis_.pop_front();
    if (writer == nullptr) {
      parked_.push_back(std::move(job));
      continue;
    }
    if (is_some(std::exchange(job.ask_at, {}))) (void)writer->session.command(words({"ASKING"}), 0, now_);
    const auto cookie = ++next_id_;
    (void)writer->session.command(views(job.arguments), cookie, now_);
    if (echoes_ && job.is_publish)
      echoes_->sent(echo_filter::side::redis, job.arguments[job.payload_at - 1u], job.arguments[job.payload_at], now_);
    at_redis_.emplace(cookie, std::move(job));
  }
}

void relay::pump_acks() {
  if (retry_at_ != never) return;
  for (auto batch = acks_.begin(); batch != acks_.end();) {
    auto* const writer = writer_for(batch->stream, batch->ask_at);
    if (writer == nullptr) {
      if (!is_cluster()) return;
      ++batch;
      continue;
    }
    if (is_some(std::exchange(batch->ask_at, {}))) (void)writer->session.command(words({"ASKING"}), 0, now_);
    std::vector<std::string_view> a{"XACK", batch->stream, options_.group};
    a.insert(a.end(), batch->ids.begin(), batch->ids.end());
    const auto cookie = ++next_id_;
    (void)writer->session.command(a, cookie, now_);
    acking_.emplace(cookie, std::move(*batch));
    batch = acks_.erase(batch);
  }
}

void relay::on_writer_reply(redis_link& at, const redis::event& e) {
  if (at.was_full) unpark_ = true;
  if (e.cookie == 0) return;  // ASKING
  if (e.cookie == map_cookie_) return on_map(at, e);
  if (e.cookie == at.wait_cookie) return on_replicated(at, e);
  if (e.cookie == lock_cookie_) return on_lock(e);
  const bool failed = e.error || e.reply.is_error();
  const auto why = e.reply.is_error() ? redis::classify(e.reply.text()) : redis::error_class::permanent;
  const bool later = why == redis::error_class::retry || why == redis::error_class::reconnect;
  if (later) {
    retry_at_ = now_ + options_.retry_delay;
    if (why == redis::error_class::reconnect) at.session.close(make_error_code(errc::not_master));
  }
  if (const auto claim = claiming_.find(e.cookie); claim != claiming_.end()) {
    const auto stream = claim->second;
    claiming_.erase(claim);
    if (!failed) on_claimed(stream, e.reply);
  } else if (const auto ack = acking_.find(e.cookie); ack != acking_.end()) {
    auto batch = std::move(ack->second);
    acking_.erase(ack);
    const bool moved = why == redis::error_class::redirect && follow_redirect(at, e.reply.text(), batch.ask_at);
    if (e.error || moved || later) acks_.push_back(std::move(batch));
    else if (reads_pending(batch.stream)) acked_.push_back(std::move(batch));  // the list may be older than this
    else if (!failed) counters_.acknowledged += batch.ids.size();
  } else if (const auto look = looking_.find(e.cookie); look != looking_.end()) {
    const auto stream = look->second;
    looking_.erase(look);
    if (!failed) note_deliveries(stream, e.reply);
  } else if (const auto found = at_redis_.find(e.cookie); found != at_redis_.end()) {
    auto job = std::move(found->second);
    at_redis_.erase(found);
    on_delivered(at, e, std::move(job));
  }
}

void relay::on_delivered(redis_link& at, const redis::event& e, redis_job job) {
  const auto text = e.reply.text();
  if (e.error) {
    ++counters_.retried;
    return to_redis_.push_back(std::move(job));
  }
  if (e.reply.is_error()) {
    const auto why = redis::classify(text);
    if (why == redis::error_class::redirect && job.redirects < redirects_max && follow_redirect(at, text, job.ask_at)) {
      ++job.redirects;
      return to_redis_.push_back(std::move(job));
    }
    if (why == redis::error_class::retry || why == redis::error_class::reconnect ||
        why == redis::error_class::redirect) {
      ++counters_.retried;
      job.redirects = 0;
      retry_at_ = std::min(retry_at_, now_ + options_.retry_delay);
      return (is_cluster() ? parked_ : to_redis_).push_back(std::move(job));
    }
    if (!job.dead_letter) return bury(job.owner, job.by, text, job.origin, job.arguments[job.payload_at]);
    ++counters_.dead_lost;
    return finish(job.owner);
  }
  const bool seen_before = job.is_deduped && e.reply.is_null();
  auto* const counted = job.by != nullptr && !job.dead_letter ? &job.by->counters : nullptr;
  const bool unheard = job.is_publish && !seen_before && e.reply.integer() == 0;
  counters_.no_receiver += unheard;
  counters_.duplicates += seen_before;
  if (counted != nullptr) {
    counted->no_receiver += unheard;
    counted->duplicates += seen_before;
  }
  if (seen_before) return finish(job.owner);
  if (options_.wait_replicas > 0 && !job.is_publish) return at.unreplicated.push_back(std::move(job));
  on_written(job);
}

void relay::on_written(const redis_job& job) {
  ++(job.dead_letter ? counters_.dead : counters_.to_redis);
  if (job.by != nullptr) ++(job.dead_letter ? job.by->counters.dead : job.by->counters.forwarded);
  finish(job.owner);
}

// One WAIT is about all that was written before it; what comes meanwhile is for the next.
void relay::pump_waits() {
  if (options_.wait_replicas == 0) return;
  const auto count = std::to_string(options_.wait_replicas), limit = std::to_string(options_.wait_timeout.count());
  for (auto& at : redis_) {
    if (at.unreplicated.empty() || at.wait_cookie != 0 || !at.ready || at.session.pipeline_room() == 0) continue;
    at.wait_cookie = ++next_id_;
    at.waited_for = at.unreplicated.size();
    (void)at.session.command(words({"WAIT", count, limit}), at.wait_cookie, now_, options_.wait_timeout);
  }
}

// Too few, and it is asked again: the source is told when they have it. With the connection goes the knowledge of what
// they lack, so that is written again.
void relay::on_replicated(redis_link& at, const redis::event& e) {
  at.wait_cookie = 0;
  if (e.error) {
    counters_.retried += at.unreplicated.size();
    std::ranges::move(at.unreplicated, std::back_inserter(to_redis_));
    at.unreplicated.clear();
    return;
  }
  if (e.reply.integer() < static_cast<std::int64_t>(options_.wait_replicas)) {
    ++counters_.unreplicated;
    return;
  }
  for (; at.waited_for > 0; --at.waited_for) {
    on_written(at.unreplicated.front());
    at.unreplicated.pop_front();
  }
}

}  // namespace msgkit::bridge
