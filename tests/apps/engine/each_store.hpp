// A processor driven by hand on whichever store the test's parameter names: what the engine promises holds on all.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver.hpp"
#include "engine/sqlite_store.hpp"
#include "mariadb_server.hpp"
#include "postgres_fixture.hpp"
#include "temporary_directory.hpp"

namespace msgkit::engine::test {

class EachStore : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "postgres") {
      MSGKIT_NEEDS_POSTGRES();
      schema_ = fresh_schema();
    } else if (GetParam() == "mariadb") {
      MSGKIT_NEEDS_MARIADB();
      schema_ = fresh_database();
    }
    restart();
  }

  // The process ends after its last commit and starts again on what is stored.
  void restart() {
    work_.reset();
    if (GetParam() == "memory") {
      store_ = store_ ? std::make_unique<memory_store>(static_cast<memory_store&>(*store_).after_crash())
                      : std::make_unique<memory_store>();
    } else if (GetParam() == "postgres") {
      store_.reset();
      auto o = postgres_options(schema_);
      o.number_index = number_index_;
      store_ = open_postgres(o);
    } else if (GetParam() == "mariadb") {
      store_.reset();
      auto o = shared_mariadb().options(schema_);
      o.number_index = number_index_;
      store_ = open_mariadb(o);
    } else {
      store_.reset();
      std::string why;
      auto opened = sqlite_store::open({.path = dir_.file("messages.db"), .number_index = number_index_}, &why);
      ASSERT_TRUE(opened) << why;
      store_ = *std::move(opened);
    }
    ASSERT_NE(store_, nullptr);
    work_ = std::make_unique<processor>(options_, processor_options_, table_, *store_);
    ASSERT_TRUE(work_->start(now_));
    work_->state().set_policy(rules_);
  }
  void configure(core_options o) {
    options_ = std::move(o);
    restart();
  }
  void set_rules(std::map<std::string, account_rules, std::less<>> accounts, std::vector<number_pool> pools = {}) {
    rules_ = std::make_shared<const policy>(std::move(accounts), std::move(pools));
    work_->state().set_policy(rules_);
  }
  void set_routes(std::vector<route> list) {
    table_ = routes(std::move(list));
    work_->state().set_routes(table_);
  }

  std::vector<action> run(std::vector<event> events) {
    auto& out = work_->run(events, now_);
    return {std::make_move_iterator(out.begin()), std::make_move_iterator(out.end())};
  }
  template <class... Events>
  std::vector<action> post(Events... events) {
    std::vector<event> list;
    (list.emplace_back(std::move(events)), ...);
    return run(std::move(list));
  }
  std::vector<action> pass(std::chrono::milliseconds t) {
    now_ += t;
    return run({});
  }
  std::vector<action> up(std::string endpoint, std::uint64_t link = 1, std::uint32_t capacity = 100) {
    return post(link_state{std::move(endpoint), link, 7, true, capacity});
  }
  // One that must be accepted.
  accepted take(submit s) { return only<accepted>(post(std::move(s))); }
  refused refuse(submit s) { return only<refused>(post(std::move(s))); }
  message stored(message_id id) {
    auto found = work_->find(id);
    EXPECT_TRUE(found && found->has_value());
    return found && found->has_value() ? **found : message{};
  }
  const core_stats& stats() { return work_->state().stats(); }

  temporary_directory dir_;
  std::string schema_;
  bool number_index_ = true;
  core_options options_;
  processor_options processor_options_;
  std::shared_ptr<const route_table> table_ = routes({to({{"carrier:up1"}})});
  std::shared_ptr<const policy> rules_;
  std::unique_ptr<store> store_;
  std::unique_ptr<processor> work_;
  wall_time now_ = t0;
};

#define MSGKIT_ON_EACH_STORE(suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Each, suite, ::testing::Values("memory", "sqlite", "postgres", "mariadb"), \
                           [](const auto& i) { return i.param; })

inline submit with(message_content c, submit_extras x, std::uint64_t token = 1) {
  return submit{{3, token}, std::make_shared<const message_content>(std::move(c)), false,
                std::make_shared<const submit_extras>(std::move(x))};
}
inline submit plain(message_content c, std::uint64_t token = 1) { return driver::make_submit(std::move(c), token); }

}  // namespace msgkit::engine::test
