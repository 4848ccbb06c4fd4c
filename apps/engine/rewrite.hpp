// Rules of the operator that change messages on their way. The message that is stored stays as its sender gave it, so
// that receipts, queries and history speak of that one; what goes on is made of it anew each time:
//   rules without `carrier` apply when the message comes in, before it is checked and routed (again at each attempt, as
//   of the time it was accepted, so that rules that changed meanwhile count);
//   rules with `carrier` apply at each attempt, after those, for the carrier or client that is to have the message.
// In the order of the list; each sees what those before it made. Immutable and thread-safe; a reload builds another one
// and swaps the pointer (core::set_rewrites). Deterministic: no clock, no randomness.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/events.hpp"
#include "engine/routing.hpp"

namespace msgkit::engine {

enum class text_charset : std::uint8_t { as_needed, gsm7, ucs2 };

// Texts are the connectors' business: the engine knows no alphabet. Called on the engine's thread; keeps no state.
struct text_codec {
  virtual ~text_codec() = default;
  // In UTF-8. Nothing for binary contents, media, and parts of long messages, whose texts no rule reads or changes.
  [[nodiscard]] virtual std::optional<std::string> read(const message_content& c) const = 0;
  // Gives `c` another text. False, and nothing changed: it cannot be written, or takes more than body_octets_max.
  virtual bool write(message_content& c, std::string_view utf8, text_charset charset) const = 0;
};

enum class rewrite_origin : std::uint8_t { any, clients, carriers };

struct number_rewrite {
  std::string country{};               // to E.164, as numbers of this country are dialled; empty: no
  std::string strip{}, add{};          // another beginning: only of numbers that begin with `strip`
  std::vector<std::string> replace{};  // another number or name (1..11 letters) instead; of several always the same one
                                       // for a recipient
  [[nodiscard]] bool any() const noexcept {
    return !country.empty() || !strip.empty() || !add.empty() || !replace.empty();
  }
};

struct rewrite_rule {
  std::string name{};  // 1..64 octets; in traces and errors
  // When: everything that is named must hold. Patterns: `*` stands for any characters, `?` for one.
  rewrite_origin origin = rewrite_origin::any;
  std::string account{};                // "client:alice", "carrier:a"; pattern
  std::string carrier{};                // "carrier:b", "client:alice", "carrier:*"; makes it a rule for attempts
  std::string source{}, destination{};  // patterns, of the numbers as they are by now
  std::string keyword{};                // the first word of the text, in any case
  std::string text_begins{};            // in any case
  std::string tag{};                    // set by a rule before this one, or of the client's number
  time_window hours{};
  // Then:
  number_rewrite new_source{}, new_destination{};
  std::string text_prefix{}, text_suffix{};  // {from}, {to}, {account} stand for those
  std::string text_find{}, text_replace{};   // each place; literally
  text_charset charset = text_charset::as_needed;
  std::string set_tag{};
  std::optional<std::uint8_t> priority{};  // 0..3; on intake only, as the next two
  std::chrono::seconds validity{0};        // 0: as it is
  std::string route_to{};                  // "carrier:b": there and nowhere else
  std::optional<refusal> refuse{};         // on intake the answer; on an attempt it ends as rejected
  bool drop = false;                       // it is accepted and ends as rejected
  bool stop = false;                       // no further rule of this kind
};
constexpr std::size_t rewrite_rules_max = 1'000;
constexpr std::size_t rewrite_text_octets_max = 1'600;  // of what a rule adds
constexpr std::size_t rewrite_pool_max = 1'000;

struct rewritten {
  content_ptr content{};  // never null; the one given when nothing changed
  std::string tag{};
  std::string endpoint{};  // forced
  std::optional<refusal> refused{};
  bool dropped = false;
  std::string rules{};  // those that did something, for the trace; at most about 255 octets
};

class rewrite_rules {
 public:
  // `tags`: of numbers of clients, as messages carry them. `codec` null: rules leave texts alone.
  // Throws std::invalid_argument naming rule, field and what is expected.
  explicit rewrite_rules(std::vector<rewrite_rule> rules, std::shared_ptr<const text_codec> codec = nullptr,
                         std::unordered_map<std::string, std::string> tags = {});

  [[nodiscard]] rewritten on_intake(const content_ptr& c, wall_time accepted_at) const;
  // `c` and `tag` as on_intake() gave them.
  [[nodiscard]] rewritten towards(std::string_view endpoint, const content_ptr& c, std::string_view tag,
                                  wall_time now) const;
  [[nodiscard]] bool has_intake() const noexcept { return !intake_.empty(); }
  [[nodiscard]] bool has_towards() const noexcept { return !towards_.empty(); }

 private:
  rewritten run(const std::vector<rewrite_rule>& rules, std::string_view endpoint, const content_ptr& c,
                std::string_view tag, wall_time now) const;
  std::vector<rewrite_rule> intake_, towards_;
  std::shared_ptr<const text_codec> codec_;
  std::unordered_map<std::string, std::string> tags_;
};

// Takes at most as many steps as both lengths multiplied.
bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

// The engine's words for a refusal that a rule may choose: blocked, no_route, invalid, queue_full. None for others.
std::optional<refusal> refusal_of_rule(std::string_view name) noexcept;

}  // namespace msgkit::engine
