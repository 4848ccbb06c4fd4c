// The engine as connectors see it: one thread around a processor. Everything that waits is taken as one batch, so
// batches grow with load and there is no timer to tune.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/inbox.hpp"
#include "engine/processor.hpp"

namespace msgkit::engine {

struct engine_options {
  core_options core{};
  processor_options processor{};
  std::size_t inbox_events_max = 100'000;  // posted and not yet taken, 100..10'000'000
  std::size_t batch_events_max = 4'096;    // taken at once; bounds the time of a commit
  std::function<void(std::span<const record>)> on_committed{};  // on the engine's thread, after each commit; or empty
};

// Counts per bucket; bucket i holds values below bounds[i], the last one the rest.
struct histogram {
  static constexpr std::array<std::uint64_t, 15> bounds{50,     100,    200,     500,     1'000,     2'000,     5'000, 10'000,
                                                        20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000, 5'000'000};
  std::array<std::uint64_t, bounds.size() + 1> counts{};
  std::uint64_t sum = 0, total = 0;
  void add(std::uint64_t value, std::uint64_t times = 1) noexcept;
};

struct engine_stats {
  core_stats core;
  std::size_t inbox = 0;
  std::uint64_t batches = 0, commits = 0, commit_failures = 0, corrupt_rows = 0;
  processor::removed purged{};
  histogram commit_microseconds;  // apply, commit and release of one batch
  histogram batch_events;
  histogram submit_microseconds;  // from post() to the release of the answer, one value for each submit
  bool store_faulted = false;
  struct endpoint {
    std::string name;
    bool up = false;
    std::size_t links = 0, capacity = 0, in_flight = 0, queued = 0;
    breaker_state breaker = breaker_state::closed;
    std::chrono::milliseconds oldest_age{0};  // of the messages that wait
    std::uint64_t parts = 0;
    std::array<std::uint64_t, message_state_count> reported{};
  };
  struct traffic {
    std::string account, endpoint;
    std::array<std::uint64_t, message_state_count> settled{};
  };
  std::vector<endpoint> endpoints;  // refreshed once a second
  std::vector<traffic> traffics;    // likewise, see traffic_view
};

class engine final : public inbox {
 public:
  using clock = std::function<wall_time()>;
  using logger = std::function<void(bool is_error, std::string_view line)>;

  // `clock` is read once per batch on the engine thread; null means the system clock.
  engine(engine_options options, std::shared_ptr<const route_table> routes, std::unique_ptr<store> s,
         clock clock = {}, logger log = {});
  ~engine() override;  // stops without draining when stop() was not called
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // Loads the store and starts the thread. Errors: those of the store; store_error_text() has the words.
  result<void> start();
  [[nodiscard]] std::string store_error_text() const;

  // ---- from any thread ----

  sink_id add_sink(sink& s) override;
  void remove_sink(sink_id id) override;
  [[nodiscard]] bool post(event&& e) override;
  [[nodiscard]] bool post(std::vector<event>& events) override;

  // Calls back on the engine thread with what is durable. False when the inbox is full or the engine is stopping.
  using query_callback = std::function<void(result<std::optional<message>>)>;
  [[nodiscard]] bool query(message_id id, query_callback callback);

  // The same for a slice of what a filter selects, see message_filter.hpp.
  using search_callback = std::function<void(result<message_slice>)>;
  [[nodiscard]] bool search(message_filter what, message_id before, std::size_t limit, search_callback callback);

  // Call back on the engine thread with what is durable, as query() does.
  using opt_outs_callback = std::function<void(result<std::vector<opt_out_entry>>)>;
  [[nodiscard]] bool list_opt_outs(std::string pool, std::string after, std::size_t limit, opt_outs_callback callback);
  using usage_callback = std::function<void(result<usage_counter>)>;
  [[nodiscard]] bool query_usage(std::string account, std::string number, usage_callback callback);

  // Between two batches, on the engine's thread; see processor.hpp.
  using done_callback = std::function<void(result<void>)>;
  using facts_callback = std::function<void(result<processor::fact_list>)>;
  [[nodiscard]] bool change_fact(std::string key, processor::fact_changer change, done_callback callback);
  [[nodiscard]] bool list_facts(std::string prefix, std::string after, std::size_t limit, facts_callback callback);
  using credit_callback = std::function<void(result<credit_state>)>;
  [[nodiscard]] bool query_credit(std::string account, credit_callback callback);
  using top_up_callback = std::function<void(result<processor::top_up_result>)>;
  [[nodiscard]] bool top_up(std::string account, std::int64_t amount, std::string reference, top_up_callback callback);
  using erasure_callback = std::function<void(result<erasure_step>)>;
  [[nodiscard]] bool erase(std::string number, std::vector<message_id> ids, erasure_callback callback);
  [[nodiscard]] bool erase_remembered(std::string number, done_callback callback);

  // Of the pace of accounts, among the gateways on one store. Valid while the engine is.
  [[nodiscard]] pace_shares& pace() noexcept;

  // Both take effect before the next batch.
  void set_routes(std::shared_ptr<const route_table> routes);
  void set_policy(std::shared_ptr<const policy> rules);
  void set_rewrites(std::shared_ptr<const rewrite_rules> rules);
  [[nodiscard]] engine_stats stats() const;
  // Started, not stopping, and the store accepts.
  [[nodiscard]] bool ready() const noexcept;

  // Starts no more attempts, waits until those in flight have ended or `deadline` passed, finishes the inbox and ends
  // the thread. True when nothing was in flight any more. Call again is harmless.
  bool stop(std::chrono::milliseconds deadline);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::engine
