// The `name:value;` fields of a notification, as a view over the received octets.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace msgkit::goip {

struct field {
  std::string_view name{};   // up to the first ':'; the whole field when it has none
  std::string_view value{};  // may contain ':' itself
  bool has_value = false;    // there was a ':'
};

// Walks the fields in order; empty ones (";;") are skipped. Allocates nothing.
class field_list {
 public:
  class iterator {
   public:
    iterator() = default;
    explicit iterator(std::string_view rest) noexcept : rest_(rest) { advance(); }
    const field& operator*() const noexcept { return current_; }
    const field* operator->() const noexcept { return &current_; }
    iterator& operator++() noexcept {
      advance();
      return *this;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.at_end_ == b.at_end_ && (a.at_end_ || a.rest_.data() == b.rest_.data());
    }

   private:
    void advance() noexcept;
    std::string_view rest_{};
    field current_{};
    bool at_end_ = true;
  };

  field_list() = default;
  explicit field_list(std::string_view raw) noexcept : raw_(raw) {}
  [[nodiscard]] iterator begin() const noexcept { return iterator(raw_); }
  [[nodiscard]] iterator end() const noexcept { return {}; }
  [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
  // The first field of this name; none when it is not there.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

 private:
  std::string_view raw_{};
};

}  // namespace msgkit::goip
