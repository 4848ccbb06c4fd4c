#include "msgkit/smpp/message_state.hpp"

#include <algorithm>
#include <iterator>

namespace msgkit::smpp {
namespace {

struct stat_entry {
  std::string_view word;
  message_state state;
};

// The first ten are what we write, in the order of the enumeration; the rest is what others write.
constexpr stat_entry stat_table[] = {
    {"SCHEDLD", message_state::scheduled},   {"ENROUTE", message_state::enroute},
    {"DELIVRD", message_state::delivered},   {"EXPIRED", message_state::expired},
    {"DELETED", message_state::deleted},     {"UNDELIV", message_state::undeliverable},
    {"ACCEPTD", message_state::accepted},    {"UNKNOWN", message_state::unknown},
    {"REJECTD", message_state::rejected},    {"SKIPPED", message_state::skipped},
    {"SCHEDULED", message_state::scheduled}, {"DELIVERED", message_state::delivered},
    {"UNDELIVERABLE", message_state::undeliverable}, {"UNDELIVERED", message_state::undeliverable},
    {"ACCEPTED", message_state::accepted},   {"REJECTED", message_state::rejected},
    {"FAILED", message_state::undeliverable}, {"ACKED", message_state::enroute},
    {"BUFFRED", message_state::enroute},     {"BUFFERD", message_state::enroute},
    {"BUFFERED", message_state::enroute},
};
constexpr std::size_t state_count = 10;

constexpr bool first_words_follow_the_enumeration() {
  for (std::size_t i = 0; i < state_count; ++i) {
    if (static_cast<std::size_t>(stat_table[i].state) != i) return false;
  }
  return true;
}
static_assert(first_words_follow_the_enumeration());

constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string_view stat_word(message_state state) noexcept {
  const auto i = static_cast<std::size_t>(state);
  return i < state_count ? stat_table[i].word : "UNKNOWN";
}

std::optional<message_state> state_from_stat(std::string_view word) noexcept {
  const auto same = [word](const stat_entry& e) {
    return std::equal(word.begin(), word.end(), e.word.begin(), e.word.end(),
                      [](char a, char b) { return upper(a) == b; });
  };
  const auto* it = std::find_if(std::begin(stat_table), std::end(stat_table), same);
  return it != std::end(stat_table) ? std::optional(it->state) : std::nullopt;
}

bool is_final(message_state state) noexcept {
  return state >= message_state::delivered && state <= message_state::skipped;
}

}  // namespace msgkit::smpp
