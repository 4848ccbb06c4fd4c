// What happens to messages: they are kept, sent when their time comes, and followed to their end; the application hears
// of each step by callback. Nothing is answered before it is committed. One executor, one thread; the store blocks it.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/http_client.hpp"
#include "common/metrics.hpp"
#include "connectors/mail_part.hpp"
#include "connectors/media_class.hpp"
#include "connectors/number_lookup.hpp"
#include "mmsgw/addressing.hpp"
#include "mmsgw/gateway_link.hpp"
#include "mmsgw/routing.hpp"
#include "mmsgw/store.hpp"
#include "msgkit/core/backoff.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app::mms {

class part_adapter;
struct part_adaptation;

struct hub_options {
  route_list routes{};  // what comes in and has a route is passed on; what applications send without a group follows
  std::string default_group{};               // theirs, or this
  std::vector<std::string> other_groups{};   // whose gateways other processes have
  std::vector<std::string> received_urls{};  // told of inbound messages
  std::vector<std::string> events_urls{};    // told of every event, besides the message's own
  std::vector<std::string> secrets{};        // sign callbacks, see sign_webhook()
  url_guard callback_guard{};
  std::chrono::milliseconds callback_timeout{10'000};
  unsigned callback_attempts_max = 12;
  std::string media_prefix{};  // of content_url in callbacks
  url_guard media_guard{};
  std::vector<std::string> file_roots{};  // directories that file URLs may name
  std::size_t part_bytes_max = 5 * 1024 * 1024;
  unsigned attempts_max = 8;
  backoff_options retry{.initial = std::chrono::seconds{1}, .maximum = std::chrono::minutes{5}};
  std::chrono::milliseconds message_lifetime{std::chrono::hours{24 * 7}};
  std::chrono::milliseconds template_lifetime{0};        // since the last change; 0: until it is deleted
  std::chrono::milliseconds beat_interval{2'000};        // how often this process says that it lives
  std::chrono::milliseconds beat_lease{10'000};          // without a word for so long, others take over
  std::chrono::milliseconds poll_interval{5'000};        // how soon work of another process is seen that did not call
  std::chrono::milliseconds heartbeat_interval{30'000};  // of gateways; 0: none
  unsigned heartbeats_missed_max = 10;                   // then a gateway is down until one succeeds
  std::size_t in_flight_max = 32;                        // of a gateway
  std::function<std::string()> make_id{};                // instead of chance, for simulations
};

// Of one gateway, beside the link.
struct gateway_options {
  double tps_limit = 0;  // messages a second, 0: none
  std::vector<std::string> events_urls{};
  std::vector<std::string> received_urls{};  // told of what came in here, besides those of all gateways
  bool auto_ack = true, auto_dr = false;
  mms::addressing addressing{};
  number_filter recipients{}, senders{};     // of what it may carry
  gateway_prices prices{};
  bool overflow = false;                     // while it is full, dearer ones of its group take its messages
  media_class in_class = media_class::none;  // what its messages may weigh, where media are adapted
  [[nodiscard]] bool carries(std::string_view origin, std::string_view number) const {
    return recipients.takes(number) && senders.takes(origin);
  }
};

using inbound_part = mail_part;

// A new content for a message of a peer; what is empty stays.
struct replacement {
  std::vector<inbound_part> parts{};
  std::int64_t earliest_delivery = 0;
  std::string content_class{};
  std::optional<bool> drm{}, content_adaptation{}, can_redistribute{};
};
struct change_order {
  std::string message_id{};              // what our answer called it, or the LinkedID it came with
  std::optional<replacement> content{};  // nothing: the message is withdrawn
};
enum class change_fate : std::uint8_t { done, unknown_message, too_late, failed };
// By recipient's number.
struct change_result {
  std::vector<std::string> done{}, asked{}, too_late{};
};

enum class intake : std::uint8_t { stored, repeated, failed };
enum class report_fate : std::uint8_t { recorded, unknown_message, failed };

class hub {
 public:
  hub(asio::any_io_executor executor, std::unique_ptr<store> s, http_client& http, hub_options options, metrics& m);
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  void add(std::shared_ptr<gateway_link> link, gateway_options o);
  // From now on media are made to fit the class of the gateway.
  void adapt_with(std::unique_ptr<part_adapter> adapter);
  // What holds from now on, for messages that wait too; of the gateways those that are here, by name. The times of this
  // process among the others stay as they are.
  void reconfigure(hub_options options, const std::map<std::string, gateway_options>& gateways);
  // By what recipients' numbers are routed from now on; null: by themselves. `waits`: what nobody could say is asked
  // again later, and the message waits; otherwise it goes by its own number.
  void set_lookup(std::unique_ptr<number_lookup> lookup, bool waits);
  [[nodiscard]] bool has_group(const std::string& group) const;
  [[nodiscard]] std::vector<std::string> groups() const;
  // Takes up what was left by the last run.
  void start();
  // Another process has left something to do.
  void called();
  // Looks at once at what is due.
  void wake() { soon(); }
  // Begins nothing more; calls `done` when the gateways have finished.
  void drain(std::function<void()> done);

  [[nodiscard]] store& data() noexcept { return *store_; }
  [[nodiscard]] std::int64_t now_ms() const;
  [[nodiscard]] const hub_options& options() const noexcept { return options_; }

  // A message to be sent: id and times are filled in. Empty: the store cannot commit.
  std::string submit(message m);
  // From a peer. `done` runs once it is committed, with the message's id, also that of a repeated one.
  void receive(const std::string& gateway, message m, std::vector<inbound_part> parts,
               std::function<void(intake, const std::string&)> done);
  // The peer's system says what became of a transaction.
  struct acknowledgement {
    std::string transaction_id{};
    bool is_good = false, may_try_again = false;
    std::string code{}, text{};
  };
  void acknowledged(const std::string& gateway, acknowledgement a, std::function<void(report_fate)> done);
  // What became of a message for a recipient; `number` may be empty when the id names one recipient.
  struct report {
    std::string message_id{};  // ours, or the carrier's id
    std::string number{};
    event_state state = event_state::undefined;
    std::string code{}, text{};
  };
  void reported(const std::string& gateway, report r, std::function<void(report_fate)> done);
  // The application answers for an inbound message. False: the store cannot commit.
  bool order(answer_order a);
  // An outbound message is withdrawn, or gets another content, for those who do not have it yet; a peer that took it
  // over MM7 is asked, and CANCELED, REPLACED or REJECTED say what it did. Nothing: the store cannot commit.
  std::optional<change_result> cancel(const message& m);
  std::optional<change_result> replace(message m, message_template content);
  // The same by the peer a message came from; `done` runs once it is committed.
  void change(const std::string& gateway, change_order c, std::function<void(change_fate)> done);

 private:
  struct gateway {
    std::shared_ptr<gateway_link> link;
    gateway_options options;
    std::size_t in_flight = 0;
    double next_ms = 0;              // by the pace
    std::int64_t resting_until = 0;  // after failures: others of the group go first
    unsigned failures = 0;
    std::int64_t probe_at = 0;
    unsigned missed = 0;  // heartbeats, in a row
    bool is_down = false, is_probed = false;
    gauge up;
  };
  struct attempt {
    std::shared_ptr<message> what{};
    std::shared_ptr<const std::vector<loaded_part>> parts{};
    recipient_key key{};
    std::size_t gateway_index = 0;
    std::int64_t found_ms = 0;  // when it was due
    const char* code = "";      // not empty: it fails without being sent, for this
    const char* why = "";
    bool is_recorded = false;
  };
  struct job {
    std::function<bool()> work;      // in a transaction; undone alone when false
    std::function<void(bool)> done;  // whether it is durable
  };
  struct fetch;

  // What comes in together is committed together.
  void later(std::function<bool()> work, std::function<void(bool)> done);
  void flush();
  bool commit(std::vector<job>& jobs, std::vector<char>& good);
  void pump();
  bool pump_group(const std::string& group);
  void begin(std::vector<attempt> all);
  void submit(const recipient_key& k, std::size_t gateway_index, submission s);
  static double take_pace(gateway& g, std::int64_t now);
  [[nodiscard]] bool has_to_fit(const gateway& g, const message& m, const std::vector<loaded_part>& parts) const;
  void fit_and_submit(const recipient_key& k, std::size_t gateway_index, submission s);
  void fitted(const recipient_key& k, std::size_t gateway_index, submission s, const part_adaptation& a);
  void submit_at(double at_ms, const recipient_key& k, std::size_t gateway_index, submission s);
  void give_back(const recipient_key& k, std::size_t gateway_index);
  void stop_adapting();
  void stop_links(std::function<void()> done);
  bool record(attempt& a);
  void ended(const recipient_key& k, std::size_t gateway_index, const submit_result& r);
  void conclude(const recipient_key& k, const std::string& gateway_name, std::shared_ptr<const submit_result> r);
  bool keep_result(const recipient_key& k, const std::string& gateway_name, const submit_result& r);
  [[nodiscard]] bool is_full(const gateway& g, std::int64_t now) const;
  [[nodiscard]] bool may_send(const std::string& group, std::int64_t now) const;
  gateway* choose(const message& what, const recipient& to, const destination& d, std::int64_t now);
  [[nodiscard]] bool is_barred(const message& m, const recipient& r) const;
  [[nodiscard]] std::int64_t expiry_of(const message& m) const;
  [[nodiscard]] std::optional<std::string> route(const message& m, const recipient& r, const destination& d,
                                                 std::string_view from) const;
  enum class knowledge : std::uint8_t { known, being_asked, is_late };
  knowledge look_up(const recipient& r, destination& d);
  void postpone(const std::vector<std::pair<recipient_key, unsigned>>& all);
  [[nodiscard]] bool prices_need_lookup(const std::string& group) const;
  [[nodiscard]] std::string sender_of(const message& m) const;
  void route_now(message& m, std::string_view from);
  [[nodiscard]] std::string healthiest(const std::vector<std::string>& groups, const message& m,
                                       const recipient& r) const;
  bool pump_unrouted();
  void leave_groups_that_are_down();
  [[nodiscard]] const gateway* find(const std::string& name) const;
  std::shared_ptr<const std::vector<loaded_part>> load_parts(const message& m);
  void fetch_parts(const message& m);
  void fetch_next(std::shared_ptr<fetch> f);
  void fetched(std::shared_ptr<fetch> f, const std::string& content, const std::string& problem);
  void fetch_failed(const std::string& message_id, const std::string& problem);
  bool read_file(const std::string& url, std::string& content, std::string& problem) const;
  bool fail(const message& m, const recipient& r, const std::string& code, const std::string& text,
            const std::string& gateway);
  bool retry_or_fail(const message& m, const recipient& r, unsigned attempts, const std::string& code,
                     const std::string& text, const std::string& gateway);
  bool note(const message& m, event_state s, std::vector<std::string> numbers, const std::string& code,
            const std::string& text, const std::string& gateway);
  bool call_back(const std::vector<std::string>& urls, const std::string& body);
  bool keep_report(const std::string& gateway_name, const report& r, report_fate& fate);
  bool keep_early_reports(const std::string& carrier_id, const std::string& gateway_name);
  bool keep_inbound(const std::string& gateway_name, message& m, const std::vector<inbound_part>& parts,
                    intake& outcome);
  [[nodiscard]] std::optional<message> relay_of(const message& m, const std::string& gateway_name) const;
  bool relay(message out);
  bool change_outbound(const message& m, const message_template* content, change_result& out);
  bool keep_change(const answer_order& a, bool good, const std::string& why);
  bool keep_change_order(const std::string& gateway_name, const change_order& c, change_fate& fate);
  std::optional<std::string> place_parts(message& m, const std::vector<inbound_part>& parts,
                                         const std::string& gateway_name);
  bool tell_received(const message& m, const std::string& gateway_name);
  bool announce(const message& m, const event& e);
  bool pass_back(const message& m, const event& e);
  bool order_answers(const message& m, const std::string& gateway_name, const std::vector<std::string>& numbers,
                     bool is_repeated);
  void send_callbacks();
  void send_answers();
  void give_answer(const gateway& g, const answer_order& a, std::shared_ptr<const message> about,
                   std::shared_ptr<const std::vector<loaded_part>> parts);
  void answered(const answer_order& a, answer_verdict v, const std::string& why);
  void arm();
  void beat();
  void take_over();
  void probe(std::size_t gateway_index);
  void purge_regularly();
  void soon();
  [[nodiscard]] std::string new_id() const;
  [[nodiscard]] std::int64_t retry_at(unsigned attempts, std::string_view seed) const;

  asio::any_io_executor executor_;
  std::unique_ptr<store> store_;
  http_client& http_;
  hub_options options_;
  std::vector<gateway> gateways_;
  std::set<std::string> fetching_;  // messages whose parts are under way
  driver_timer timer_, purge_timer_, beat_timer_;
  metrics& metrics_;
  std::unique_ptr<part_adapter> adapter_;  // null: parts go as they are
  std::shared_ptr<void> adapter_collected_;
  std::list<driver_timer> paced_;  // of messages that were adapted and wait for their turn
  std::vector<job> jobs_;
  std::vector<std::function<void()>> again_;  // what could not be committed, tried with the next beat
  std::size_t callbacks_under_way_ = 0, answers_under_way_ = 0, turn_ = 0;
  bool is_draining_ = false, is_pump_posted_ = false, is_flush_posted_ = false;
  bool has_unrouted_ = true;  // perhaps
  std::unique_ptr<number_lookup> lookup_;
  bool lookup_waits_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  counter sent_, failed_, received_, repeated_, callbacks_failed_;
};

// 32 hexadecimal digits: 12 of the milliseconds since 1970, so that new rows lie side by side, and 80 bits of chance.
std::string make_id();

}  // namespace msgkit::app::mms
