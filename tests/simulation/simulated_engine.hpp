// The engine's thread as a simulation has it: takes what waits as one batch, runs the real processor, and releases the
// actions when the commit would be over. Commits fail and the inbox is full when the scenario says so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/random_source.hpp"
#include "support/virtual_loop.hpp"
#include "engine/inbox.hpp"
#include "engine/memory_store.hpp"
#include "engine/processor.hpp"
#include "journal.hpp"

namespace msgkit::simulation {

struct engine_conditions {
  duration commit_min{}, commit_max{};
  double commit_failure_share = 0;
  double inbox_full_share = 0;
  double media_failure_share = 0;
  std::size_t inbox_max = 100'000;
  std::size_t active_max = 1'000'000;
  std::map<std::string, std::size_t, std::less<>> link_capacity{};  // by endpoint
};

class simulated_engine final : public engine::inbox {
 public:
  // `s` is what the processor writes to, `medium` what is told to fail; both outlive this.
  simulated_engine(test::virtual_loop& loop, test::random_source& random, journal& log, const engine_conditions& now,
                   const engine::core_options& options, std::shared_ptr<const engine::route_table> routes,
                   engine::store& s, engine::memory_store& medium);
  ~simulated_engine() override;

  bool start();
  // Nothing is taken and nothing comes out any more; what was committed stays.
  void die();
  // As engine::stop(): no new attempts, calls `done` when nothing is in flight or the limit is over, then ends.
  void stop(duration limit, std::function<void()> done);

  engine::sink_id add_sink(engine::sink& s) override;
  void remove_sink(engine::sink_id id) override;
  [[nodiscard]] bool post(engine::event&& e) override;
  [[nodiscard]] bool post(std::vector<engine::event>& events) override;

  [[nodiscard]] const engine::core& state() const noexcept { return work_.state(); }
  [[nodiscard]] bool is_idle() const noexcept { return inbox_.empty() && !busy_ && !work_.store_faulted(); }

 private:
  void wake();
  void schedule();
  void run();
  void release();
  void check_limits();

  test::virtual_loop& loop_;
  test::random_source& random_;
  journal& log_;
  const engine_conditions& now_;
  engine::memory_store& medium_;
  engine::processor work_;
  std::vector<engine::event> inbox_, batch_;
  std::vector<engine::action> released_;
  std::vector<engine::sink*> sinks_{nullptr};  // 0 is nobody
  std::function<void()> stopped_;
  time_point stop_by_ = never;
  // Agenda entries outlive us; they look here first.
  struct liveness {
    bool dead = false;
    std::uint64_t generation = 0;  // of the wake-up that counts
  };
  std::shared_ptr<liveness> life_ = std::make_shared<liveness>();
  bool busy_ = false;  // a batch is being committed
};

}  // namespace msgkit::simulation
