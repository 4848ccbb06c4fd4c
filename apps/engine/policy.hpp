// What the operator wants of clients, numbers and their recipients beyond routing: usage limits, block and allow lists,
// quiet hours, keywords, automatic replies, whole messages. Immutable: a reload builds a new one and swaps the pointer
// (core::set_policy). Thread-safe because it never changes. A core without a policy does none of it and pays nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/price_list.hpp"
#include "engine/time_zone.hpp"
#include "engine/usage.hpp"

namespace msgkit::engine {

// Numbers and prefixes: "46700000001" is one number, "4670*" all that begin so, "*" every one.
class number_list {
 public:
  number_list() = default;
  // Throws std::invalid_argument for an empty entry or a `*` that is not at the end.
  explicit number_list(std::vector<std::string> entries);
  [[nodiscard]] bool contains(std::string_view number) const;
  [[nodiscard]] bool empty() const noexcept { return numbers_.empty() && prefixes_.empty(); }

 private:
  std::vector<std::string> numbers_, prefixes_;  // sorted; of the prefixes none begins with another one
};

// Local hours in which nothing is sent to a recipient; what comes then waits for their end.
struct quiet_hours {
  std::uint32_t begin = 21 * 60, end = 8 * 60;  // minutes of the recipient's day; equal: never quiet
  std::shared_ptr<const time_zone> zone{};      // of recipients that `zones` does not know; null: UTC
  std::vector<std::pair<std::string, std::shared_ptr<const time_zone>>> zones{};  // by prefix of the number

  [[nodiscard]] const time_zone& zone_of(std::string_view number) const;
  // When it may be sent: `now`, or the end of the quiet hours.
  [[nodiscard]] wall_time after(wall_time now, std::string_view number) const;
};

// What means what in one language. Keywords are compared folded, as whole texts; trailing punctuation is ignored.
struct keyword_set {
  std::string language{};
  std::vector<std::string> stop{}, start{}, help{};
  std::string stop_reply{}, start_reply{}, help_reply{};  // empty: no answer
};
enum class keyword_meaning : std::uint8_t { none, stop, start, help };

// Numbers that one opt-out covers.
struct number_pool {
  std::string name{};                   // 1..64 octets, no NUL
  std::vector<std::string> numbers{};   // ours, as messages carry them
  std::vector<keyword_set> keywords{};  // the first match counts; empty: keywords mean nothing here
  bool forward_keywords = true;         // the client gets those messages too
  std::string auto_reply{};             // to every other text; empty: none
  std::chrono::seconds reply_pause{60}; // between two answers to the same number
  std::uint32_t replies_per_day_max = 10;  // to the same number
};

// What the counter of messages of kind mms is kept under, instead of `number` alone.
inline std::string mms_counter_of(std::string_view number) { return std::string("mms:").append(number); }

struct account_rules {
  std::shared_ptr<const time_zone> zone{};       // of its days and months; null: UTC
  usage_limits limits{};                         // of all its numbers together
  std::map<std::string, usage_limits, std::less<>> numbers{};  // of each number
  // The same for messages of kind mms, each of which counts as one; these have counters of their own.
  usage_limits mms_limits{};
  std::map<std::string, usage_limits, std::less<>> mms_numbers{};
  number_list block_to{}, block_from{};
  number_list allow_to{};                        // when not empty nothing else is allowed
  std::shared_ptr<const quiet_hours> quiet{};    // for the recipients of what it sends
  std::shared_ptr<const price_list> prices{};    // of what it sends; null: it pays nothing here
  bool prepaid = true;                           // it pays them before (credit.hpp)
  std::optional<least_margin> margin{};          // none: routes may cost more than the price
  bool refund_failed = true;  // what failed for good costs nothing
  bool erase_text = false;  // of what it sends and receives nothing stays that the recipient's side has taken
  bool whole_messages = false;                   // parts wait for each other, both from it and to it
  std::set<std::string, std::less<>> no_stop_notices{};  // its numbers from which `stop_notice` is not sent
};

// What some systems say by themselves after a first text. As an SMS of its own, and exactly so.
constexpr std::string_view stop_notice = "Reply STOP to end messages.";

class policy {
 public:
  // Throws std::invalid_argument naming the pool or account and what is wrong.
  policy(std::map<std::string, account_rules, std::less<>> accounts, std::vector<number_pool> pools,
         number_list block_to = {}, number_list block_from = {});
  policy(const policy&) = delete;
  policy& operator=(const policy&) = delete;

  struct account {
    std::string name;
    account_rules rules;
  };
  [[nodiscard]] const account* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, account, std::less<>>& accounts() const noexcept { return accounts_; }
  // Whose number it is, when that account has limits for it or rules.
  [[nodiscard]] const account* owner(std::string_view number) const;
  [[nodiscard]] const account* mms_owner(std::string_view number) const;  // by account_rules::mms_numbers
  [[nodiscard]] const number_pool* find_pool(std::string_view name) const;
  [[nodiscard]] const number_pool* pool_of(std::string_view number) const;
  [[nodiscard]] std::vector<std::string> pool_names() const;
  [[nodiscard]] bool is_blocked(const account* from, std::string_view source, std::string_view destination) const;

  struct meaning {
    keyword_meaning what = keyword_meaning::none;
    const std::string* keyword = nullptr;
    const std::string* reply = nullptr;
  };
  [[nodiscard]] static meaning meaning_of(const number_pool& pool, std::string_view text);
  [[nodiscard]] bool joins_parts() const noexcept { return joins_parts_; }
  [[nodiscard]] bool erases_text() const noexcept { return erases_text_; }
  [[nodiscard]] bool has_prepaid() const noexcept { return has_prepaid_; }
  [[nodiscard]] bool has_quiet_hours() const noexcept { return has_quiet_hours_; }

 private:
  std::map<std::string, account, std::less<>> accounts_;
  std::vector<number_pool> pools_;
  std::unordered_map<std::string, const number_pool*> pool_by_number_;
  std::unordered_map<std::string, const account*> owner_by_number_, mms_owner_by_number_;
  number_list block_to_, block_from_;
  bool has_quiet_hours_ = false, joins_parts_ = false, erases_text_ = false, has_prepaid_ = false;
};

// The keyword sets that come with msgkit: those regulators name, and what people write in other languages.
// Null: no such language ("en", "es", "fr", "de", "sv", ...).
const keyword_set* built_in_keywords(std::string_view language);
std::vector<std::string_view> built_in_keyword_languages();

}  // namespace msgkit::engine
