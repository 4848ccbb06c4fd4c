// A regular expression for texts of strangers: RE2, so its time grows with the length of the text alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace msgkit::app {

// An immutable value; copies share the compiled pattern. Thread-safe. Matches anywhere in a text unless anchored by ^
// and $. Like texts are equal patterns.
class text_pattern {
 public:
  // Matches nothing.
  text_pattern() = default;
  // Nothing, with the reason in `why`, when it is none or too large.
  static std::optional<text_pattern> make(std::string text, std::string& why);

  [[nodiscard]] bool empty() const noexcept { return !compiled_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool matches(std::string_view in) const;
  // What its first group holds, or all that it matched when it has no group; nothing when it does not match.
  [[nodiscard]] std::optional<std::string> find(std::string_view in) const;
  // The number of groups.
  [[nodiscard]] int groups() const;

  friend bool operator==(const text_pattern& a, const text_pattern& b) { return a.text_ == b.text_; }

 private:
  struct compiled;
  std::string text_{};
  std::shared_ptr<const compiled> compiled_{};
};

}  // namespace msgkit::app
