// Media in memory, which a test may look at and let fail.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connectors/media_store.hpp"

namespace msgkit::app::test {

struct shared_media {
  std::mutex mutex;
  std::map<std::string, medium> all;
  bool fails = false;
};

class memory_media_store final : public media_store {
 public:
  explicit memory_media_store(std::shared_ptr<shared_media> m) : m_(std::move(m)) {}
  bool put(const std::string& token, const medium& m) override {
    const std::lock_guard lock(m_->mutex);
    if (!m_->fails) m_->all[token] = m;
    return !m_->fails;
  }
  bool get(const std::string& token, wall_time, std::optional<medium>& out) override {
    const std::lock_guard lock(m_->mutex);
    out.reset();
    if (const auto at = m_->all.find(token); at != m_->all.end()) out = at->second;
    return !m_->fails;
  }
  bool remove(const std::string& token) override {
    const std::lock_guard lock(m_->mutex);
    if (!m_->fails) m_->all.erase(token);
    return !m_->fails;
  }
  bool remove_expired(wall_time) override { return false; }
  [[nodiscard]] std::string problem() const override { return "full"; }

 private:
  std::shared_ptr<shared_media> m_;
};

}  // namespace msgkit::app::test
