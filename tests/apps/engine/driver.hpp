// Drives a processor over a memory store by hand: virtual time, no thread, readable names.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/memory_store.hpp"
#include "engine/processor.hpp"

namespace msgkit::engine::test {

using namespace std::chrono_literals;

constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};  // 2026-09-21

inline std::shared_ptr<const route_table> routes(std::vector<route> list) {
  return std::make_shared<const route_table>(std::move(list));
}
inline route to(std::vector<route_target> targets, std::string destination = "") {
  return {.name = "r", .destination = std::move(destination), .destination_exact = false, .source_prefix = {},
          .account = {}, .targets = std::move(targets)};
}

inline message_content text_message(std::string destination = "46700000001") {
  message_content c;
  c.account = "client:alice";
  c.source = {1, 1, "46709999999"};
  c.destination = {1, 1, std::move(destination)};
  c.body = {'h', 'e', 'l', 'l', 'o'};
  c.receipt_wanted = receipt_on_success | receipt_on_failure;
  return c;
}

class driver {
 public:
  explicit driver(core_options options = {}, std::shared_ptr<const route_table> table = routes({to({{"carrier:up1"}})}))
      : options_(std::move(options)), table_(std::move(table)) {
    restart();
  }

  // The process dies after its last commit and starts again on what is stored.
  void restart() {
    if (work_) store_ = std::make_unique<memory_store>(store_->after_crash());
    work_ = std::make_unique<processor>(options_, processor_options{}, table_, *store_);
    ASSERT_TRUE(work_->start(now_));
  }

  std::vector<action> run(std::vector<event> events = {}) {
    auto& out = work_->run(events, now_);
    return std::vector<action>{std::make_move_iterator(out.begin()), std::make_move_iterator(out.end())};
  }
  template <class... Events>
  std::vector<action> post(Events... events) {
    std::vector<event> list;
    (list.emplace_back(std::move(events)), ...);
    return run(std::move(list));
  }
  std::vector<action> pass(std::chrono::milliseconds t) {
    now_ += t;
    return run();
  }
  // Lets time pass to the next deadline, and runs.
  std::vector<action> pass_to_deadline() {
    now_ = std::max(now_, work_->state().next_deadline());
    return run();
  }

  std::vector<action> up(std::string endpoint, std::uint32_t capacity = 10, std::uint64_t link = 1) {
    return post(link_state{std::move(endpoint), link, 7, true, capacity});
  }
  std::vector<action> down(std::string endpoint, std::uint64_t link = 1) {
    return post(link_state{std::move(endpoint), link, 7, false, 0});
  }
  static submit make_submit(message_content c, std::uint64_t token = 1) {
    return submit{{3, token}, std::make_shared<const message_content>(std::move(c))};
  }

  memory_store& store() { return *store_; }
  processor& work() { return *work_; }
  core& state() { return work_->state(); }
  wall_time now() const { return now_; }
  void set_now(wall_time t) { now_ = t; }
  message stored(message_id id) {
    auto found = work_->find(id);
    EXPECT_TRUE(found && found->has_value());
    return found && found->has_value() ? **found : message{};
  }
  message_state stored_state(message_id id) { return stored(id).progress.state; }

 private:
  core_options options_;
  std::shared_ptr<const route_table> table_;
  std::unique_ptr<memory_store> store_ = std::make_unique<memory_store>();
  std::unique_ptr<processor> work_;
  wall_time now_ = t0;
};

template <class T>
std::vector<T> all(const std::vector<action>& actions) {
  std::vector<T> out;
  for (const auto& a : actions)
    if (const auto* what = std::get_if<T>(&a)) out.push_back(*what);
  return out;
}
// The only action of this kind; a default one and a failure when there is none or more.
template <class T>
T only(const std::vector<action>& actions) {
  const auto found = all<T>(actions);
  EXPECT_EQ(found.size(), 1u);
  return found.size() == 1 ? found.front() : T{};
}

inline attempt_result sent(const send& s, std::string carrier_id = "c1", bool receipt_expected = true) {
  return {.id = s.id, .attempt = s.attempt, .outcome = attempt_outcome::sent,
          .segments = {{true, receipt_expected, std::move(carrier_id)}}};
}
inline attempt_result outcome(const send& s, attempt_outcome o, std::uint32_t code = 0, std::string text = {}) {
  return {.id = s.id, .attempt = s.attempt, .outcome = o, .code = code, .text = std::move(text)};
}
inline report delivery(std::string carrier_id, message_state state = message_state::delivered,
                       std::string endpoint = "carrier:up1", std::uint64_t token = 50) {
  return {.token = {4, token}, .endpoint = std::move(endpoint), .carrier_id = std::move(carrier_id), .state = state};
}
inline std::vector<event_kind> kinds(const message& m) {
  std::vector<event_kind> out;
  for (const auto& e : m.progress.events.entries()) out.push_back(e.kind);
  return out;
}

}  // namespace msgkit::engine::test
