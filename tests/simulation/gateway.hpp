// The gateway under test: the real connectors on a simulated engine on a store that outlives crashes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "observed_store.hpp"
#include "scenario.hpp"
#include "simulated_engine.hpp"

namespace msgkit::simulation {

// Where the self-test puts its mistakes: between processor and store, and between connectors and engine.
struct mutation {
  std::function<std::unique_ptr<engine::store>(engine::store& inner)> around_store{};
  std::function<std::unique_ptr<engine::inbox>(engine::inbox& inner)> around_inbox{};
  std::function<std::unique_ptr<app::media_store>(std::unique_ptr<app::media_store> inner)> around_media{};
  std::size_t extra_window = 0;  // beyond what the ledger knows, towards carriers
};

class gateway {
 public:
  gateway(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book,
          test::virtual_network& network, const scenario& plan, const mutation& mistake);
  ~gateway();
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;

  void start();
  // The process dies at this moment. Before the loop ends, too: what it leaves is cleared away by the loop.
  void crash();
  // SIGTERM as the daemon handles it: drain, engine, connectors. `done` runs when nothing of it is left.
  void shut_down(std::function<void()> done);
  [[nodiscard]] bool is_up() const noexcept { return engine_ != nullptr && !stopping_; }
  // Nothing is on its way through it.
  [[nodiscard]] bool is_done() const;
  engine_conditions& conditions() noexcept { return conditions_; }
  [[nodiscard]] engine::store& store() noexcept { return *medium_; }

 private:
  void start_connectors();
  void start_mail(engine::inbox& inbox);
  void stop_connectors(std::function<void()> done);
  void forget();

  test::virtual_loop& loop_;
  test::random_source& random_;
  journal& log_;
  ledger& book_;
  test::virtual_network& network_;
  const scenario& plan_;
  const mutation& mistake_;
  engine_conditions conditions_;
  std::shared_ptr<const engine::route_table> routes_;
  std::unique_ptr<engine::memory_store> medium_ = std::make_unique<engine::memory_store>();
  std::unique_ptr<observed_store> observed_;
  std::unique_ptr<engine::store> mistaken_store_;
  std::unique_ptr<simulated_engine> engine_;
  std::unique_ptr<engine::inbox> mistaken_inbox_;
  std::unique_ptr<app::smpp_server> clients_;
  std::vector<std::unique_ptr<app::smpp_carrier>> carriers_;
  // What serves MM4 peers; null where there are none.
  std::shared_ptr<app::test::shared_media> media_ = std::make_shared<app::test::shared_media>();
  std::unique_ptr<app::media_shelf> shelf_;
  std::unique_ptr<app::media_intake> intake_;
  std::unique_ptr<app::mm4_peers> mail_;
  std::vector<std::shared_ptr<void>> graveyard_;  // what late callbacks of a dead process may still name
  bool stopping_ = false;
};

}  // namespace msgkit::simulation
