// A small world around the engine's processor: one client, two carriers, a store that fails and a process that crashes,
// all driven by one seed in virtual time. Everything that is promised about messages is checked while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/memory_store.hpp"
#include "engine/processor.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine::simulation {

struct world_options {
  std::uint64_t seed = 1;
  std::size_t messages = 60;
  bool store_faults = true;
  bool crashes = true;
  bool link_faults = true;
};

class world {
 public:
  explicit world(world_options options);

  // Runs until everything has come to rest. The first broken promise, or empty.
  std::string run();

  [[nodiscard]] byte_vector image() const { return store_->image(); }
  [[nodiscard]] std::string summary() const;

 private:
  // What the far side of one link knows. A link that breaks is never used again.
  struct wire {
    std::string endpoint;
    std::uint32_t capacity = 0;
    std::map<message_id, std::uint32_t> open;  // sends without a result, by attempt
    bool up = true;
  };
  struct submitted {
    std::uint64_t token = 0;
    bool answered = false, acknowledged = false, cut_off = false;  // cut off: the process died before it answered
  };
  struct taken {           // by a carrier
    message_id id;
    std::string endpoint;
  };
  struct pending_report {  // repeated until the engine acknowledges it
    std::string endpoint, carrier_id;
    message_state state = message_state::delivered;
  };

  std::uint64_t random(std::uint64_t below);
  bool chance(std::uint64_t percent) { return random(100) < percent; }
  void at(std::chrono::milliseconds delay, std::function<void()> what);
  void post(event e);
  void step();
  void carry_out(std::vector<action>& actions);
  void answered(ingress_token token, bool acknowledged);
  void on_send(const send& s);
  void carrier_takes(const send& s, std::uint64_t life);
  void client_takes(const send& s, std::uint64_t life);
  void finish_send(const send& s, attempt_result r, std::uint64_t life);
  void offer_report(std::uint64_t report);
  void connect(const std::string& endpoint);
  void disconnect(std::uint64_t link);
  void submit_one();
  void crash();
  void start();
  void quiesce();
  void check_end();
  void broken(std::string what);

  world_options options_;
  std::uint64_t state_;
  wall_time now_;
  std::multimap<wall_time, std::function<void()>> agenda_;
  std::unique_ptr<memory_store> store_;
  std::unique_ptr<processor> work_;
  std::vector<event> inbox_;
  bool step_due_ = false, calm_ = false;
  std::uint64_t life_ = 0;  // of the process; what belongs to an earlier one is ignored

  std::uint64_t next_token_ = 0, next_link_ = 0, next_carrier_id_ = 0, next_report_ = 0;
  std::map<std::uint64_t, submitted> submits_;
  std::map<std::uint64_t, std::uint64_t> report_tokens_;  // token -> report
  std::map<std::uint64_t, wire> wires_;
  std::map<std::uint64_t, pending_report> reports_;
  std::map<message_id, int> carried_;          // how often a carrier took it
  std::set<message_id> excused_;               // attempts whose outcome we could not learn: a repetition is right
  std::map<message_id, int> received_;         // receipts the client took, by their own id
  std::map<message_id, message_state> told_;   // by the carrier, final
  std::string problem_;
  std::size_t crashes_ = 0, store_failures_ = 0, refusals_ = 0;
};

}  // namespace msgkit::engine::simulation
