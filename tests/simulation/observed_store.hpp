// Tells the ledger what became durable, on the way to the store that keeps it.
#pragma once

#include "engine/store.hpp"
#include "ledger.hpp"

namespace msgkit::simulation {

class observed_store final : public engine::store {
 public:
  observed_store(engine::store& inner, ledger& book) : inner_(inner), book_(book) {}

  result<void> commit(std::span<const engine::record> records) override {
    book_.store_begins(records);
    auto done = inner_.commit(records);
    if (done) book_.store_wrote(records);
    else book_.store_failed(records);
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
  result<engine::load_report> load_active(const message_handler& m, const corrupt_handler& c) override {
    return inner_.load_active(m, c);
  }
  result<std::optional<engine::message>> find(engine::message_id id) override { return inner_.find(id); }
  result<engine::message_id> last_id() override { return inner_.last_id(); }
  result<std::size_t> purge(engine::message_id before, std::size_t limit) override { return inner_.purge(before, limit); }
  [[nodiscard]] std::string_view error_text() const override { return inner_.error_text(); }

 private:
  engine::store& inner_;
  ledger& book_;
};

}  // namespace msgkit::simulation
