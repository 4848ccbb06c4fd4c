// Tells the ledger what became durable, on the way to the store that keeps it.
#pragma once

#include "ledger.hpp"
#include "store_around.hpp"

namespace msgkit::simulation {

class observed_store final : public store_around {
 public:
  observed_store(engine::store& inner, ledger& book) : store_around(inner), book_(book) {}

  result<void> write(const engine::changes& c) override {
    book_.store_begins(c.records);
    auto done = inner_.write(c);
    if (done) book_.store_wrote(c.records);
    else book_.store_failed(c.records);
    return done;
  }
  result<void> recover() override {
    auto done = inner_.recover();
    if (done) book_.store_recovered(inner_);
    return done;
  }
  result<void> remove(std::span<const engine::message_id> ids) override {
    auto done = inner_.remove(ids);
    if (done) book_.store_removed(ids);
    return done;
  }

 private:
  ledger& book_;
};

}  // namespace msgkit::simulation
