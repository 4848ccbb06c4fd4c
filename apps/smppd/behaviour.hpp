// How the simulated network behaves, by who sends and who is to receive. Pure: no clock, and the draws are computed
// from a seed and a number, so that a run can be repeated.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/client_requests.hpp"
#include "engine/message_state.hpp"

namespace msgkit::app {

// What becomes of a message that was taken.
struct scripted_end {
  engine::message_state state = engine::message_state::delivered;  // a final one
  std::chrono::milliseconds delay{100};
  std::string error{};         // the receipt's err field, "001"; empty: 000
  bool no_report = false;      // the network never says anything
  std::uint32_t repeats = 0;   // the report comes that many times more
  bool enroute_first = false;  // an intermediate report before it
};

// Which messages, which share of them, and what happens. Of the rules that match, the first one with an answer decides
// about the answer, and the first one with an end about the end.
struct behaviour {
  std::string destination{};  // prefix; empty: every one
  bool exact = false;
  std::string pattern{};  // a regular expression that all of the destination must match
  std::string source{};   // prefix
  std::string user{};     // system_id
  double share = 1;       // 0..1 of the messages that match
  std::optional<scripted_answer> answer{};
  std::optional<scripted_end> end{};
};

// Immutable; thread-safe.
class behaviours {
 public:
  // Throws std::invalid_argument naming the rule and its mistake.
  behaviours(std::vector<behaviour> rules, scripted_end usual, std::uint64_t seed);
  ~behaviours();
  behaviours(behaviours&&) noexcept;
  behaviours& operator=(behaviours&&) noexcept;

  // `number` stands for the draw: the same number gives the same decision.
  [[nodiscard]] scripted_answer answer(std::string_view user, std::string_view source, std::string_view destination,
                                       std::uint64_t number) const;
  [[nodiscard]] const scripted_end& end(std::string_view user, std::string_view source, std::string_view destination,
                                        std::uint64_t number) const;

 private:
  struct rule;
  template <class Has>
  const rule* first(std::string_view user, std::string_view source, std::string_view destination, std::uint64_t number,
                    const Has& has) const;
  std::vector<std::unique_ptr<rule>> rules_;
  scripted_end usual_;
  std::uint64_t seed_;
};

}  // namespace msgkit::app
