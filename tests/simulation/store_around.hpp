// A store that passes everything on to another one: what stands between them overrides what it watches or breaks.
#pragma once

#include "engine/store.hpp"

namespace msgkit::simulation {

class store_around : public engine::store {
 public:
  explicit store_around(engine::store& inner) : inner_(inner) {}
  result<void> write(const engine::changes& c) override { return inner_.write(c); }
  result<void> look_up(std::span<const std::string> keys, const fact_handler& f) override { return inner_.look_up(keys, f); }
  result<void> scan(std::string_view prefix, std::string_view after, std::size_t limit, const fact_handler& f) override {
    return inner_.scan(prefix, after, limit, f);
  }
  result<std::vector<std::string>> overdue(std::string_view prefix, wall_time before, std::size_t limit) override {
    return inner_.overdue(prefix, before, limit);
  }
  result<std::size_t> purge_facts(wall_time before, char spared, std::size_t limit) override {
    return inner_.purge_facts(before, spared, limit);
  }
  result<std::uint64_t> fact_count() override { return inner_.fact_count(); }
  result<void> recover() override { return inner_.recover(); }
  result<void> remove(std::span<const engine::message_id> ids) override { return inner_.remove(ids); }
  result<engine::load_report> load_active(const message_handler& m, const corrupt_handler& c) override {
    return inner_.load_active(m, c);
  }
  result<std::optional<engine::message>> find(engine::message_id id) override { return inner_.find(id); }
  result<engine::load_report> browse(engine::message_id from, engine::message_id before, std::size_t limit,
                                     const message_handler& m, const corrupt_handler& c) override {
    return inner_.browse(from, before, limit, m, c);
  }
  result<engine::message_id> last_id() override { return inner_.last_id(); }
  result<std::size_t> purge(engine::message_id before, std::size_t limit) override { return inner_.purge(before, limit); }
  [[nodiscard]] std::string_view error_text() const override { return inner_.error_text(); }

 protected:
  engine::store& inner_;
};

}  // namespace msgkit::simulation
