// The relay between an MQTT broker and Redis as one state machine without socket, thread or clock.
//
// It has four links, each a connection of its own, and drives the sessions on them; with a Redis Cluster there are
// more. The driver opens the links that are wanted, moves octets, and opens a link again when it is closed:
//
//   r.connected(link::mqtt, now);   r.feed(link::mqtt, octets, now);   r.disconnected(link::mqtt, reason, now);
//   for each link: if (!r.is_wanted(l)) close; else dial r.address(l), where it gives one
//                  transmit(r.output(l)); r.clear_output(l); if (r.is_closed(l)) reopen later
//                  if (!r.may_read(l)) pause
//   wake_at(r.next_deadline());     r.on_time(now);
//
// Nothing is acknowledged upstream before it is accepted downstream: PUBACK or PUBREC after the Redis reply to every
// delivery of the message, XACK after PUBACK or PUBCOMP. What a lost connection left open is sent again. What can never
// be delivered goes to the dead letter stream, and is then acknowledged.
//
// In a cluster each key is written at the node that owns its slot, a sharded channel is subscribed there, and each slot
// that holds source streams has a reader of its own. MOVED and ASK are followed; what belongs to a node that is away
// waits without holding up the others, so order is kept per key only while its slot stays where it is.
//
// Not thread-safe: owned by one driver.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "msgkit/bridge/mqtt/session.hpp"
#include "msgkit/bridge/redis/cluster.hpp"
#include "msgkit/bridge/redis/session.hpp"
#include "msgkit/bridge/relay/echo_filter.hpp"
#include "msgkit/bridge/relay/rate_alarm.hpp"
#include "msgkit/bridge/rules/rule.hpp"
#include "msgkit/bridge/spool/spool.hpp"

namespace msgkit::bridge {

enum class link : std::uint16_t {
  mqtt,
  writer,      // PUBLISH, XADD, XACK
  subscriber,  // SUBSCRIBE and its kin
  reader,      // XREADGROUP, which blocks
  // Further ones exist in a cluster alone; role() tells which of these each of them is.
};
constexpr link roles[] = {link::mqtt, link::writer, link::subscriber, link::reader};

struct relay_options {
  mqtt::session_options mqtt{};
  redis::session_options redis{};
  // Not empty: a Redis Cluster, of which these are asked first.
  std::vector<redis::node_address> cluster{};
  std::string instance = "msgkit";  // marks what this bridge has sent
  std::uint32_t hops_max = 1;
  std::string group = "msgkit";       // consumer group of stream sources
  std::string consumer = "msgkit-1";  // unique per replica
  std::size_t entries_max = 1'000;    // stream entries between XREADGROUP and XACK
  // QoS 0 and pub/sub messages waiting for a link; beyond, the newest is dropped.
  std::size_t queue_max = 10'000;
  // Of names and payloads of all open messages. Beyond, QoS 0 and pub/sub messages are dropped, and neither the broker
  // nor a stream is read.
  std::size_t queue_bytes_max = 64 * 1024 * 1024;
  std::shared_ptr<bridge::spool> spool{};  // of the rules that say so; belongs to this relay alone
  std::size_t spool_ahead_max = 1'000;     // records read from it and not delivered yet
  std::chrono::milliseconds block{1'000};  // of XREADGROUP
  std::chrono::milliseconds retry_delay{500};
  std::chrono::milliseconds claim_interval{30'000};
  std::chrono::milliseconds claim_min_idle{60'000};
  std::uint64_t deliveries_max = 5;  // of one stream entry over all consumers; then it is a dead letter. 0: no limit
  // An entry counts as delivered to a stream when that many replicas have it (WAIT); 0: when Redis has answered.
  std::uint32_t wait_replicas = 0;
  std::chrono::milliseconds wait_timeout{1'000};     // of one WAIT; it is asked again
  std::optional<echo_filter_options> echo_filter{};  // for channels, and for MQTT 3.1.1
  rate_alarm_options loop_alarm{};                   // of rules that another one could lead back
  // Rules that say `single` are served by the relay that holds this key of Redis. Without renewal it is free after the
  // time, so that long nobody may serve them when the holder dies.
  std::string single_lock = "bridge:single";
  std::chrono::milliseconds single_time{10'000};
  std::string dead_letters = "bridge:dead";
  std::uint64_t dead_letters_maxlen = 100'000;
  // A message has left us: how long it was here. Called from within feed() and the like; must not call the relay.
  std::function<void(std::chrono::nanoseconds)> on_finished{};
};

struct relay_counters {
  std::uint64_t from_mqtt = 0;
  std::uint64_t from_redis = 0;
  std::uint64_t to_redis = 0;  // deliveries accepted
  std::uint64_t to_mqtt = 0;
  std::uint64_t unmatched = 0;
  std::uint64_t dropped_full = 0;  // at most once messages over a limit, or that the spool did not take
  std::uint64_t spooled = 0;
  std::uint64_t spool_refused = 0;  // appends that failed; what is to be acknowledged is tried again
  std::uint64_t duplicates = 0;     // dropped by a rule's dedupe
  std::uint64_t dropped_loop = 0;   // came from this bridge, or over hops_max
  std::uint64_t dropped_echo = 0;   // taken for what this bridge has sent
  std::uint64_t acknowledged = 0;   // messages whose source was told
  std::uint64_t unreplicated = 0;   // WAIT that ended with too few replicas
  std::uint64_t dead = 0;           // written to the dead letter stream
  std::uint64_t dead_lost = 0;      // and that failed too
  std::uint64_t retried = 0;
  std::uint64_t no_receiver = 0;           // PUBLISH that nobody listened to
  std::uint64_t qos_downgraded = 0;        // QoS 0 arrived on a subscription of 1 or 2
  std::uint64_t subscriptions_weaker = 0;  // the broker grants a lower QoS than asked for
  std::uint64_t subscriptions_refused = 0;
  std::uint64_t sessions_lost = 0;  // the broker forgot us while we were away: what it had queued is lost
};

// Of one rule. A message counts for each rule that takes it.
struct rule_counters {
  std::uint64_t received = 0;
  std::uint64_t forwarded = 0;  // accepted by the other side
  std::uint64_t dead = 0;       // dead letters
  std::uint64_t duplicates = 0;
  std::uint64_t no_receiver = 0;
};

class relay {
 public:
  relay(rule_set rules, relay_options options);

  // Links are numbered 0.. and stay; in a cluster the number grows.
  [[nodiscard]] std::size_t link_count() const noexcept { return redis_.size() + 1; }
  [[nodiscard]] link role(link l) const noexcept;
  [[nodiscard]] bool is_wanted(link l) const noexcept;
  // The node of the cluster it is to be connected to. Null: there is no cluster, the server is the driver's to know. It
  // may change whenever the link is closed, and is valid until the next call of feed() and the like.
  [[nodiscard]] const redis::node_address* address(link l) const noexcept;
  void connected(link l, time_point now, wall_time wall);
  void feed(link l, bytes_view octets, time_point now, wall_time wall);
  void disconnected(link l, std::error_code reason, time_point now, wall_time wall);
  [[nodiscard]] bytes_view output(link l) const noexcept;
  void clear_output(link l) noexcept;
  [[nodiscard]] bool is_closed(link l) const noexcept;
  // False: as many messages are open as may be; the peer has to wait.
  [[nodiscard]] bool may_read(link l) const noexcept;
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now, wall_time wall);

  // Greeted, authenticated and, where it subscribes, subscribed.
  [[nodiscard]] bool is_ready(link l) const noexcept;
  // The rules need that role.
  [[nodiscard]] bool is_needed(link role) const noexcept;
  // All that is to be done in that role can be done.
  [[nodiscard]] bool is_up(link role) const noexcept;
  // Why a link was closed last; empty while it has not been.
  [[nodiscard]] std::string_view last_error(link l) const noexcept;
  // Messages accepted and not acknowledged upstream yet, and those waiting without that.
  [[nodiscard]] std::size_t open_messages() const noexcept { return open_.size(); }
  // How long the oldest of them has been here; looks at all of them.
  [[nodiscard]] std::chrono::nanoseconds oldest_open(time_point now) const noexcept;
  [[nodiscard]] std::size_t open_from_mqtt() const noexcept { return open_from_mqtt_; }
  // Takes no more messages; those open are finished.
  void drain();
  // From now on these rules: what they have in common with the former ones stays subscribed, and open messages are
  // finished as they were begun.
  void change_rules(rule_set fresh, time_point now, wall_time wall);
  // It serves the rules that say `single`.
  [[nodiscard]] bool holds_single() const noexcept { return holds_single_; }
  [[nodiscard]] bool is_drained() const noexcept {
    return draining_ && open_.empty() && acks_.empty() && acking_.empty();
  }
  // The spool of the options as its driver sees it: while wants_sync(), run what begin_sync() gives, on any thread, and
  // come back with the outcome.
  [[nodiscard]] bool wants_sync() const noexcept { return options_.spool && options_.spool->wants_sync(); }
  std::function<result<void>()> begin_sync() { return options_.spool->begin_sync(); }
  void end_sync(const result<void>& outcome, time_point now, wall_time wall);
  // False while the spool takes nothing.
  [[nodiscard]] bool is_spool_writable() const noexcept { return spool_retry_at_ == never && !is_spool_broken(); }
  [[nodiscard]] const bridge::spool* spool() const noexcept { return options_.spool.get(); }
  void say_goodbye() { mqtt_.disconnect(); }
  [[nodiscard]] const relay_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] const rule_set& rules() const noexcept { return rules_; }
  // By the index of a rule in rules().
  [[nodiscard]] const rule_counters& counters_of(std::size_t rule) const noexcept { return states_[rule]->counters; }
  // Its messages come much faster than they did, and another rule could lead them back.
  [[nodiscard]] bool is_loop_suspected(std::size_t rule, time_point now) const noexcept {
    return states_[rule]->has_reverse && states_[rule]->alarm.is_raised(now);
  }

 private:
  // A message from either side, until all its deliveries are done.
  struct open_message {
    mqtt::ack_token token{};  // from MQTT
    std::string stream{};     // from a stream, with its entry
    std::string entry{};
    bool from_mqtt = false;
    std::size_t left = 0;
    time_point since{};
    std::size_t bytes = 0;
  };
  // Whom a delivery is done for: an open message, or a record of the spool.
  struct job_owner {
    std::uint64_t message = 0;
    std::uint64_t record = 0;
  };
  struct rule_state {
    std::string name{};
    rule_counters counters{};
    rate_alarm alarm{};
    bool has_reverse = false;
  };
  struct redis_job {
    job_owner owner{};
    rule_state* by = nullptr;  // null: of a rule that is gone
    bool dead_letter = false;
    bool is_publish = false;
    bool is_deduped = false;
    std::uint8_t redirects = 0;
    link ask_at{};  // ASK sent it there; link::mqtt: nowhere
    std::int64_t expires_at_ms = 0;
    std::string origin{};  // for a dead letter, as is the argument that holds the payload
    std::uint32_t payload_at = 0;
    std::vector<std::string> arguments{};
  };
  struct mqtt_job {
    job_owner owner{};
    rule_state* by = nullptr;
    std::string topic{};
    std::string payload{};
    std::uint8_t qos = 0;
    bool retain = false;
    std::int64_t expires_at_ms = 0;
    mqtt::property_builder properties{};
  };
  struct ack_batch {
    std::string stream{};
    std::vector<std::string> ids{};
    link ask_at{};
  };
  // One connection to Redis.
  struct redis_link {
    redis_link(link r, redis::session s) : role(r), session(std::move(s)) {}
    link role;
    redis::session session;
    redis::node_address at{};  // in a cluster
    bool wanted = false;
    bool ready = false;
    bool was_full = false;                 // something waits for room in its pipeline
    bool asks = false;                     // its slot is on its way to this node: each command needs ASKING
    std::size_t group = 0;                 // of a reader
    std::deque<redis_job> unreplicated{};  // written, and to be waited for
    std::size_t waited_for = 0;            // how many of them the WAIT under way is about
    std::uint64_t wait_cookie = 0;
    time_point keep_until{};  // wanted that long although it owns nothing
    std::string error{};
  };
  // Streams that are read by one command: all of them, or in a cluster those of one slot.
  struct reader_group {
    link at{};
    std::vector<std::size_t> streams{};
    std::size_t groups_left = 0;  // XGROUP CREATE not answered
    bool reading = false;
  };
  struct shard {
    std::string channel{};
    bool single = false;
    link asked{};  // where its subscription was asked for; link::mqtt: nowhere
    bool confirmed = false;
  };
  static constexpr std::size_t index(link l) noexcept { return static_cast<std::size_t>(l); }
  static constexpr bool is_some(link l) noexcept { return l != link::mqtt; }
  redis_link& redis_of(link l) noexcept { return redis_[index(l) - 1]; }
  [[nodiscard]] const redis_link& redis_of(link l) const noexcept { return redis_[index(l) - 1]; }
  [[nodiscard]] link number_of(const redis_link& l) const noexcept;
  [[nodiscard]] bool is_cluster() const noexcept { return !options_.cluster.empty(); }

  void work(time_point now, wall_time wall);
  bool drain_mqtt();
  bool drain_redis(link l);
  void on_redis_ready(link l);
  void on_redis_reply(link l, const redis::event& e);
  void on_redis_closed(link l);
  void on_mqtt_message(const mqtt::event& e);
  void on_mqtt_outcome(std::uint64_t cookie, mqtt::reason_code reason);
  using subscription_list = std::vector<std::pair<std::string, mqtt::subscription>>;
  using channel_set = std::set<std::pair<std::string, std::string>>;  // verb and name
  [[nodiscard]] subscription_list mqtt_subscriptions() const;
  void subscribe_mqtt(const subscription_list& list);
  void on_subscribed(const mqtt::event& e);
  void unsubscribe_mqtt();
  void note_sources();
  [[nodiscard]] channel_set wanted_channels() const;
  void subscribe_redis(redis_link& at);
  void pump_lock();
  void on_lock(const redis::event& e);
  void hold_single(bool held);
  void release_single();
  void on_writer_reply(redis_link& at, const redis::event& e);
  void on_delivered(redis_link& at, const redis::event& e, redis_job job);
  void on_reader_reply(redis_link& at, const redis::event& e);
  void on_stream_replies(const reader_group& group, const redis::value& reply);
  void on_channel_message(const redis::event& e);
  void on_entries(std::string_view stream, const redis::value& entries);
  void on_entries_again(std::string_view stream, const redis::value& entries);
  [[nodiscard]] bool reads_pending(std::string_view stream) const;
  void on_claimed(std::size_t stream, const redis::value& reply);
  void on_entry(std::string_view stream, std::string_view id, const redis::value& fields);
  std::uint64_t accept(open_message m, const message& source, const std::vector<delivery>& deliveries,
                       std::size_t more = 0);
  [[nodiscard]] redis_job make_redis_job(const message& m, const delivery& d) const;
  [[nodiscard]] mqtt_job make_mqtt_job(const message& m, const delivery& d) const;
  [[nodiscard]] bool is_full(std::size_t waiting) const noexcept;
  [[nodiscard]] bool is_spool_broken() const noexcept { return options_.spool && options_.spool->is_broken(); }
  static byte_vector packed(const redis_job& j);
  static byte_vector packed(const mqtt_job& j);
  bool unpack(const spool_record& r);
  bool pump_spool();
  void refuse_spooled();
  void finish(job_owner owner);
  void note_deliveries(std::size_t stream, const redis::value& pending);
  void bury(job_owner owner, rule_state* by, std::string_view reason, std::string_view origin,
            std::string_view payload);
  void finish_one(std::uint64_t id);
  void pump_redis();
  bool pump_mqtt();
  void pump_acks();
  void pump_waits();
  void on_replicated(redis_link& at, const redis::event& e);
  void on_written(const redis_job& job);
  void note_rules();
  rule_state* state_of(const delivery& d) { return states_[static_cast<std::size_t>(d.by - rules_.rules().data())]; }
  void read_streams();
  bool send_reader(redis_link& at, std::span<const std::string_view> arguments, std::uint64_t cookie,
                   std::chrono::milliseconds blocks_for = {});
  void claim_stale();
  [[nodiscard]] redis::session session_for(link role) const;
  redis_link* writer_for(std::string_view key, link ask_at = link::mqtt);
  void group_streams();
  // The cluster.
  void arrange_links();
  void arrange_writers();
  void arrange_subscribers();
  void arrange_readers();
  redis_link& link_to(link role, const redis::node_address& at);
  bool retire(redis_link& l);
  void move_link(redis_link& l, const redis::node_address& to);
  void refresh_map();
  void on_map(redis_link& at, const redis::event& e);
  bool follow_redirect(redis_link& at, std::string_view error, link& ask_at);
  void redirect_reader(redis_link& at, std::string_view error);
  void ask_shards();
  void on_shard_reply(redis_link& at, const redis::event& e);
  void lose_shards(link at);
  [[nodiscard]] bool owns_slots(const redis::node_address& a) const noexcept;
  bool is_looping(const message& m);
  [[nodiscard]] bool is_window_overrun() const noexcept { return open_in_window_ > options_.mqtt.receive_maximum; }

  rule_set rules_;
  relay_options options_;
  std::map<std::string, rule_state, std::less<>> all_states_;  // by name; none goes, as jobs point to them
  std::vector<rule_state*> states_;                            // as rules_
  std::optional<bridge::echo_filter> echoes_;
  mqtt::session mqtt_;
  std::deque<redis_link> redis_;  // of link 1 on; none moves or goes
  std::string mqtt_error_;
  bool mqtt_ready_ = false;
  std::vector<std::string> streams_;    // sources
  std::vector<std::string> read_from_;  // per stream: the id to read own pending entries from, ">" for new ones
  std::vector<reader_group> groups_;
  redis::cluster_map map_;
  std::vector<redis_link*> writers_;  // as map_.nodes()
  bool arrange_ = true;
  std::uint64_t map_cookie_ = 0;  // of CLUSTER SLOTS, while it is not answered
  std::size_t map_turn_ = 0;
  time_point refresh_at_ = never;
  redis::node_address home_;  // of the channels that are not sharded
  std::size_t home_turn_ = 0;
  bool home_ready_ = false;
  bool has_channels_ = false;
  channel_set subscribed_;                                     // asked for at the home link
  std::map<std::uint64_t, std::vector<mqtt::qos>> asked_qos_;  // by cookie of a SUBSCRIBE
  std::set<std::string> left_filters_;  // of rules that are gone, until the broker has forgotten them
  bool has_single_ = false;
  bool holds_single_ = false;
  std::uint64_t lock_cookie_ = 0;  // while the lock is asked for
  time_point lock_asked_{};
  time_point lock_at_ = never;     // to be asked for again
  time_point lock_until_ = never;  // held so long
  std::vector<shard> shards_;
  bool draining_ = false;
  bool working_ = false;
  bool was_online_ = false;
  time_point now_{};
  wall_time wall_{};
  time_point retry_at_ = never;
  time_point claim_at_ = never;

  std::uint64_t next_id_ = 0;
  std::unordered_map<std::uint64_t, open_message> open_;
  std::map<std::pair<std::string, std::string>, std::uint64_t, std::less<>> entries_;  // open, by stream and id
  std::size_t open_from_mqtt_ = 0;
  std::uint64_t window_connection_ = 0;  // the connection that open_in_window_ is about
  std::size_t open_in_window_ = 0;       // messages of this connection to be acknowledged
  std::size_t open_bytes_ = 0;
  struct spooling {
    std::uint64_t message = 0;
    std::uint64_t record = 0;  // once it is appended
    byte_vector octets{};
  };
  std::deque<spooling> to_spool_;
  std::deque<spooling> at_spool_;                           // appended, not synced
  std::unordered_map<std::uint64_t, std::size_t> records_;  // read from the spool and not done, with their octets
  std::size_t records_bytes_ = 0;
  time_point spool_retry_at_ = never;
  std::deque<redis_job> to_redis_;  // waiting for the link
  std::deque<redis_job> parked_;    // in a cluster: for a node that is away
  bool unpark_ = false;
  std::unordered_map<std::uint64_t, redis_job> at_redis_;  // sent, by cookie
  std::deque<mqtt_job> to_mqtt_;
  std::unordered_map<std::uint64_t, mqtt_job> at_mqtt_;
  std::deque<ack_batch> acks_;
  std::unordered_map<std::uint64_t, ack_batch> acking_;
  std::vector<ack_batch> acked_;  // while a reader begins anew: Redis may still list them as pending
  std::unordered_map<std::uint64_t, std::size_t> claiming_;  // cookie to stream
  std::unordered_map<std::uint64_t, std::size_t> looking_;   // XPENDING, likewise
  std::set<std::pair<std::size_t, std::string>> worn_out_;   // stream and entry that was delivered too often
  relay_counters counters_;
};

}  // namespace msgkit::bridge
