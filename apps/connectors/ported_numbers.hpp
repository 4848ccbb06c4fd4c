// A list of ported numbers from a file: exact ones and prefixes, some sixteen octets each. Immutable and thread-safe.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/number_answer.hpp"

namespace msgkit::app {

class ported_numbers {
 public:
  static constexpr std::size_t lines_max = 20'000'000;

  // Lines of `number,routing` or `number,routing,network`, either of which may be empty. A number that ends in `*` is a
  // prefix, of which the longest counts; numbers have up to 15 digits, a plus before them does not matter. The last
  // line about a number holds. Empty lines, lines that begin with `#` and a first one that begins with a letter say
  // nothing. Null: `why` names the line that is wrong.
  static std::shared_ptr<const ported_numbers> read(std::istream& in, std::string& why);

  // Null: it is not in the list. `number` in digits.
  [[nodiscard]] const number_answer* find(std::string_view number) const;
  [[nodiscard]] std::size_t size() const noexcept { return exact_.size() + prefixes_.size(); }

 private:
  using row = std::pair<std::uint64_t, std::uint32_t>;  // the digits behind a one, which keeps zeros; which answer
  static const row* at(const std::vector<row>& rows, std::uint64_t key);
  std::vector<row> exact_, prefixes_;   // sorted
  std::vector<number_answer> answers_;  // each once
};

}  // namespace msgkit::app
