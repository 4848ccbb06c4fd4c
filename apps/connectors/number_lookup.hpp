// Number portability: asks for the routing number and the network of a recipient before it is routed. Answers are kept
// for a while; whoever asks for a number that is being asked for shares the answer; a source that fails again and again
// rests.
//
// Not thread-safe: one executor. Numbers do not go into logs.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/metrics.hpp"
#include "connectors/number_answer.hpp"
#include "connectors/ported_numbers.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {

// Somebody who knows.
class number_source {
 public:
  using handler = std::function<void(number_answer)>;
  number_source() = default;
  virtual ~number_source() = default;
  number_source(const number_source&) = delete;
  number_source& operator=(const number_source&) = delete;

  // `number` in digits. Calls `done` once within a time of its own, on the executor of who asks, later; not after the
  // source has gone.
  virtual void ask(const std::string& number, handler done) = 0;
};

struct number_lookup_options {
  std::shared_ptr<const ported_numbers> file{};  // looked into first; null: none
  std::chrono::milliseconds found_ttl{std::chrono::hours{1}}, not_found_ttl{std::chrono::hours{1}};
  std::chrono::milliseconds failed_ttl{5'000};  // as long a source rests, too
  std::size_t cache_max = 100'000;              // answers; the oldest make room
  std::size_t questions_max = 32;               // open at the source
  std::size_t waiting_max = 10'000;             // further ones, and who waits for one answer
  unsigned failures_max = 5;                    // in a row, then the source rests
};

class number_lookup {
 public:
  // `source` null: what the file does not have is not found.
  number_lookup(asio::any_io_executor executor, std::unique_ptr<number_source> source, number_lookup_options options,
                metrics& m);
  ~number_lookup();  // handlers are not called any more
  number_lookup(const number_lookup&) = delete;
  number_lookup& operator=(const number_lookup&) = delete;

  // `number` in digits. What is known at once; `failed` too, while that was a moment ago or the source rests.
  std::optional<number_answer> known(const std::string& number);
  // `done` runs once, later. False: too many wait, ask again later.
  [[nodiscard]] bool find(const std::string& number, number_source::handler done);
  // How long a failure is remembered.
  [[nodiscard]] std::chrono::milliseconds retry_after() const noexcept { return options_.failed_ttl; }
  [[nodiscard]] bool is_asking(const std::string& number) const { return open_.contains(number); }

 private:
  struct kept {
    number_answer answer;
    time_point until;
  };
  void ask_next();
  void answered(const std::string& number, number_answer a, time_point asked);
  void keep(const std::string& number, const number_answer& a);

  asio::any_io_executor executor_;
  std::unique_ptr<number_source> source_;
  number_lookup_options options_;
  std::unordered_map<std::string, kept> cache_;
  std::deque<std::string> oldest_;  // keys of cache_ in the order they came
  std::unordered_map<std::string, std::vector<number_source::handler>> open_;
  std::deque<std::string> waiting_;  // of these, not asked for yet
  std::size_t asked_ = 0;
  unsigned failures_ = 0;  // in a row
  time_point rests_until_{};
  counter hits_, found_, not_found_, failed_;
  histogram seconds_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace msgkit::app
