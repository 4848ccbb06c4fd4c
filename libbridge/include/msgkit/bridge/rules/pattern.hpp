// What a rule listens to, and the names it makes: source patterns with captures, and templates that use them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace msgkit::bridge {

// One element of a pattern as the loop analysis sees it.
struct pattern_element {
  enum class kind : std::uint8_t { octet, any_octet, level, tail } is = kind::octet;  // level: no '/', tail: anything
  char c = 0;
};
using pattern_shape = std::vector<pattern_element>;
// Whether some text belongs to both.
bool may_overlap(const pattern_shape& a, const pattern_shape& b);

struct capture {
  std::string_view name{};   // "1", "2", ... for what has no name of its own
  std::string_view value{};  // a view into the matched text
};

// Matching takes linear time, whatever the pattern and the text.
class source_pattern {
 public:
  // "site/{site}/+/{rest#}": levels are text, '+', '{name}' (a '+' with a name), and last '#' or '{name#}'.
  // False with `why` when it is no topic filter of that kind.
  static bool from_topic(std::string_view text, source_pattern& out, std::string& why);
  // A Redis glob: '*', '?', '[a-c]', '\x'. Each '*' and '?' is captured by number.
  static bool from_glob(std::string_view text, source_pattern& out, std::string& why);
  static bool from_exact(std::string_view text, source_pattern& out);
  // RE2 syntax over the whole name; groups with and without names are captured. `subscription` is what is asked for
  // at the broker: a topic filter, or a glob.
  static bool from_regex(std::string_view regex, std::string_view subscription, bool is_topic, source_pattern& out,
                         std::string& why);

  // Empties and fills `captures`.
  bool match(std::string_view name, std::vector<capture>& captures) const;
  [[nodiscard]] const std::string& subscription() const noexcept { return subscription_; }
  [[nodiscard]] const std::vector<std::string>& capture_names() const noexcept { return names_; }
  // "a/#" also means "a", so there may be two.
  [[nodiscard]] const std::vector<pattern_shape>& shapes() const noexcept { return shapes_; }

 private:
  bool compile(const std::string& regex, bool octets, std::string& why);
  std::shared_ptr<const re2::RE2> regex_;
  std::string subscription_;
  std::vector<std::string> names_;
  std::vector<pattern_shape> shapes_;
  bool wildcard_first_ = false;
};

// "tele:{site|lower}": text and variables, each with filters lower, upper, slash_to_colon, colon_to_slash, default(x).
class name_template {
 public:
  // `is_known` judges variable names. False with `why` for a malformed template or an unknown variable or filter.
  static bool parse(std::string_view text, const std::function<bool(std::string_view)>& is_known, name_template& out,
                    std::string& why);
  // `lookup` gives the value of a variable.
  void expand(const std::function<std::string(std::string_view)>& lookup, std::string& out) const;
  [[nodiscard]] const pattern_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] bool is_constant() const noexcept { return constant_; }

 private:
  struct part {
    bool variable = false;
    std::string text{};
    std::vector<std::string> filters{};
  };
  std::vector<part> parts_;
  pattern_shape shape_;
  bool constant_ = true;
};

// '%', and each octet of `separators`, as %XX.
std::string percent_encoded(std::string_view text, std::string_view separators);

}  // namespace msgkit::bridge
