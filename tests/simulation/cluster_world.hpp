// Two instances on one shared store, in virtual time and driven by one seed: a client that binds now here, now there, and
// asks again under its key until it has an answer; a carrier with a bind at each that reports over either; commits that
// fail, processes that die and come back. Checked: no acknowledged message lost, one message for one key, nothing carried
// or received twice without need, the limit never exceeded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/processor.hpp"
#include "msgkit/core/backoff.hpp"
#include "shared_memory_store.hpp"

namespace msgkit::engine::simulation {

struct cluster_options {
  std::uint64_t seed = 1;
  std::size_t messages = 40;
  std::uint64_t day_limit = 0;  // 0: none
  bool faults = true;
};

class cluster_world {
 public:
  explicit cluster_world(cluster_options options);
  // Runs until everything has come to rest. The first broken promise, or empty.
  std::string run();
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] std::size_t accepted_keys() const;
  [[nodiscard]] core_stats totals() const { return totals_; }

 private:
  static constexpr std::size_t instances = 2;
  struct instance {
    std::unique_ptr<shared_memory_store> db;
    std::unique_ptr<processor> work;
    std::vector<event> inbox;
    std::uint64_t life = 0, client_link = 0, carrier_link = 0;
    std::map<message_id, std::uint32_t> open;  // sends without a result
    bool running = false;
  };
  struct request {  // of the client, under its key
    message_id id{};
    bool acknowledged = false, refused_for_good = false;
  };
  struct carried {
    std::string carrier_id;
    bool reported = false;
  };

  std::uint64_t random(std::uint64_t below) { return (state_ = mix(state_)) % below; }
  bool chance(std::uint64_t percent) { return random(100) < percent; }
  void at(std::chrono::milliseconds delay, std::function<void()> what) { agenda_.emplace(now_ + delay, std::move(what)); }
  void broken(const std::string& what);
  void start(std::size_t i);
  void die(std::size_t i);
  void step(std::size_t i);
  void carry_out(std::size_t i, const std::vector<action>& actions);
  void on_send(std::size_t i, const send& s);
  void ask(std::uint64_t key);
  void report_later(std::uint64_t n);
  void bind_client(std::size_t i);
  [[nodiscard]] std::string waiting() const;
  void check_end();

  cluster_options options_;
  std::uint64_t state_;
  wall_time now_;
  std::multimap<wall_time, std::function<void()>> agenda_;
  shared_memory hub_;
  std::array<instance, instances> nodes_;
  std::shared_ptr<const policy> rules_;
  bool calm_ = false;
  std::uint64_t next_token_ = 0, next_link_ = 0, next_carried_ = 0;
  std::map<std::uint64_t, std::uint64_t> asked_;         // token -> key, of requests without an answer
  std::map<std::uint64_t, std::uint64_t> report_tokens_; // token -> carried
  std::map<std::uint64_t, request> requests_;
  std::map<std::uint64_t, carried> carried_;
  std::map<message_id, int> times_carried_, times_received_;
  std::set<message_id> excused_;
  std::string problem_;
  std::size_t deaths_ = 0, failures_ = 0;
  core_stats totals_;
};

}  // namespace msgkit::engine::simulation
