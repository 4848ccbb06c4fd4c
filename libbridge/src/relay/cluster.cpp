// The part of the relay that knows about nodes of a Redis Cluster: which links there are to be, and where to.
#include <algorithm>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/relay/relay.hpp"
#include "relay/parts.hpp"

namespace msgkit::bridge {
namespace {

using namespace std::chrono_literals;
constexpr auto refresh_interval = 15s;  // while all is well; a redirect or a lost connection asks sooner
constexpr auto refresh_soon = 100ms;
constexpr auto refresh_while_away = 1s;
constexpr std::uint64_t left_cookie = 2;  // SUNSUBSCRIBE, whose outcome does not matter
// Of all roles together: a node that names ever new ones by ASK opens no more.
constexpr std::size_t links_max = 4 * redis::cluster_map::nodes_max;
constexpr auto extra_time = 60s;  // for a node that owns nothing: asked first, or about to get a slot

}  // namespace

link relay::number_of(const redis_link& l) const noexcept {
  for (std::size_t i = 0; i < redis_.size(); ++i)
    if (&redis_[i] == &l) return link(i + 1);
  return link::mqtt;
}

bool relay::owns_slots(const redis::node_address& a) const noexcept {
  return std::ranges::find(map_.nodes(), a) != map_.nodes().end();
}

bool relay::is_needed(link role) const noexcept {
  if (role == link::subscriber) return has_channels_ || !shards_.empty();
  return role != link::reader || !streams_.empty();
}

bool relay::is_up(link role) const noexcept {
  if (role == link::mqtt || !is_cluster()) return is_ready(role) || !is_needed(role);
  const auto ready = [](const redis_link& l) { return l.ready && !l.session.is_closed(); };
  if (role == link::subscriber)
    return (!has_channels_ || home_ready_) &&
           std::ranges::all_of(shards_, [this](const shard& s) { return s.confirmed || (s.single && !holds_single_); });
  if (role == link::reader)
    return std::ranges::all_of(groups_, [&](const reader_group& g) { return ready(redis_of(g.at)); });
  return map_.is_known() && std::ranges::all_of(map_.nodes(), [&](const redis::node_address& a) {
           return std::ranges::any_of(
               redis_, [&](const redis_link& l) { return l.role == link::writer && l.at == a && ready(l); });
         });
}

// The link of that role to that node; a new one, or one that nobody needs any more.
relay::redis_link& relay::link_to(link role, const redis::node_address& at) {
  redis_link* unused = nullptr;
  for (auto& l : redis_) {
    if (l.role != role) continue;
    if (l.wanted && l.at == at) return l;
    if (!l.wanted && l.session.is_closed() && unused == nullptr) unused = &l;
  }
  if (unused == nullptr) unused = &redis_.emplace_back(role, session_for(role));
  unused->at = at;
  unused->wanted = true;
  unused->keep_until = {};
  return *unused;
}

// False while it has commands open: their outcome would not be known.
bool relay::retire(redis_link& l) {
  if (l.session.open_commands() > 0 && l.role == link::writer) return false;
  l.wanted = false;
  if (!l.session.is_closed()) l.session.close(make_error_code(errc::node_moved));
  return true;
}

void relay::move_link(redis_link& l, const redis::node_address& to) {
  l.at = to;
  l.wanted = true;
  if (!l.session.is_closed()) l.session.close(make_error_code(errc::node_moved));
}

void relay::arrange_links() {
  if (!is_cluster() || !std::exchange(arrange_, false)) return;
  arrange_writers();
  if (map_.is_known()) {
    arrange_subscribers();
    arrange_readers();
  }
  unpark_ = true;
  const bool well = is_up(link::writer) && is_up(link::subscriber) && is_up(link::reader);
  refresh_at_ = std::min(refresh_at_, now_ + (well ? std::chrono::milliseconds(refresh_interval) : refresh_while_away));
}

void relay::arrange_writers() {
  writers_.clear();
  for (const auto& a : map_.nodes()) writers_.push_back(&link_to(link::writer, a));
  const bool any =
      std::ranges::any_of(redis_, [](const redis_link& l) { return l.role == link::writer && l.wanted && l.ready; });
  if (!any)
    for (const auto& a : options_.cluster) link_to(link::writer, a).keep_until = now_ + extra_time;
  for (auto& l : redis_)
    if (l.role == link::writer && l.wanted && l.keep_until <= now_ && !owns_slots(l.at)) (void)retire(l);
}

void relay::arrange_subscribers() {
  const auto nodes = map_.nodes();
  if (has_channels_) {
    if (!owns_slots(home_)) {
      home_ = nodes[home_turn_ % nodes.size()];
      home_ready_ = false;
      subscribed_.clear();
    }
    auto& at = link_to(link::subscriber, home_);
    if (at.ready && !home_ready_ && at.session.open_commands() == 0) {
      subscribed_.clear();
      subscribe_redis(at);
    }
  }
  ask_shards();
  for (auto& l : redis_) {
    if (l.role != link::subscriber || !l.wanted || (has_channels_ && l.at == home_)) continue;
    const auto needs = [&](const shard& s) {
      const auto* const owner = map_.owner(redis::slot_of(s.channel));
      return owner == nullptr ? s.confirmed && s.asked == number_of(l) : *owner == l.at;
    };
    if (std::ranges::none_of(shards_, needs)) (void)retire(l);
  }
}

// Each where its slot is: the names of one SSUBSCRIBE have to share a slot.
void relay::ask_shards() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    auto& s = shards_[i];
    const auto* const owner = map_.owner(redis::slot_of(s.channel));
    if (owner == nullptr) continue;
    auto& at = link_to(link::subscriber, *owner);
    const auto number = number_of(at);
    if (s.single && !holds_single_) {
      if (!is_some(std::exchange(s.asked, {}))) continue;
      s.confirmed = false;
      const std::string_view left = s.channel;
      if (at.ready) (void)at.session.subscribe("SUNSUBSCRIBE", {&left, 1}, left_cookie, now_);
      continue;
    }
    if (!at.ready || s.asked == number) continue;
    const std::string_view name = s.channel;
    if (!at.session.subscribe("SSUBSCRIBE", {&name, 1}, shard_cookie + i, now_)) continue;
    s.asked = number;
    s.confirmed = false;
  }
}

void relay::on_shard_reply(redis_link& at, const redis::event& e) {
  auto& s = shards_[static_cast<std::size_t>(e.cookie - shard_cookie)];
  if (s.asked != number_of(at)) return;
  if (!e.error && !e.reply.is_error()) {
    s.confirmed = true;
    return;
  }
  if (link nowhere{}; !e.error && !follow_redirect(at, e.reply.text(), nowhere)) ++counters_.subscriptions_refused;
  s.asked = {};
}

void relay::lose_shards(link at) {
  for (auto& s : shards_)
    if (s.asked == at) {
      s.asked = {};
      s.confirmed = false;
    }
}

void relay::arrange_readers() {
  for (auto& group : groups_) {
    auto& at = redis_of(group.at);
    const auto* const owner = map_.owner(redis::slot_of(streams_[group.streams.front()]));
    if (owner == nullptr) continue;
    if (at.at == *owner) at.asks = false;
    if (!at.asks && (at.at != *owner || !at.wanted)) move_link(at, *owner);
  }
}

// True: the same command will do at another node, which `ask_at` names when it is for that command alone.
bool relay::follow_redirect(redis_link& at, std::string_view error, link& ask_at) {
  redis::redirect r;
  if (!is_cluster() || !redis::parse_redirect(error, r)) return false;
  if (r.ask && redis_.size() >= links_max) return false;  // it will be asked again, when some are free
  const auto to = map_.follow(r, at.at);
  arrange_ = true;
  if (r.ask) {
    auto& l = link_to(link::writer, to);
    l.keep_until = now_ + extra_time;
    ask_at = number_of(l);
  } else {
    refresh_at_ = std::min(refresh_at_, now_ + refresh_soon);
  }
  return true;
}

void relay::redirect_reader(redis_link& at, std::string_view error) {
  redis::redirect r;
  if (!is_cluster() || !redis::parse_redirect(error, r)) return at.session.close(make_error_code(errc::node_moved));
  const auto to = map_.follow(r, at.at);
  at.asks = r.ask;
  arrange_ = true;
  if (!r.ask) refresh_at_ = std::min(refresh_at_, now_ + refresh_soon);
  move_link(at, to);
}

void relay::refresh_map() {
  if (!is_cluster()) return;
  arrange_ = true;
  refresh_at_ = never;
  if (map_cookie_ != 0) return;
  for (std::size_t i = 0; i < redis_.size(); ++i) {
    auto& at = redis_[map_turn_++ % redis_.size()];
    if (at.role != link::writer || !at.ready || at.session.pipeline_room() == 0) continue;
    map_cookie_ = ++next_id_;
    (void)at.session.command(words({"CLUSTER", "SLOTS"}), map_cookie_, now_);
    return;
  }
}

void relay::on_map(redis_link& at, const redis::event& e) {
  map_cookie_ = 0;
  if (e.error) return;
  if (const auto learned = map_.learn(e.reply, at.at); !learned) {
    if (!e.reply.is_error()) at.error = learned.error().code.message();
    return;
  }
  arrange_ = true;
}

}  // namespace msgkit::bridge
