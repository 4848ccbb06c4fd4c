// Ad-hoc commands (XEP-0050): what a user asks for, what we answer, and the sessions between a command's stages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"
#include "msgkit/xmppcomp/xep/data_form.hpp"

namespace msgkit::xmppcomp {

enum class command_action : std::uint8_t { execute, next, prev, complete, cancel };
enum class command_status : std::uint8_t { executing, completed, canceled };
enum class note_type : std::uint8_t { info, warn, error };

struct command_request {
  std::string node{};
  std::string session_id{};  // empty: the first stage
  command_action action = command_action::execute;
  std::optional<data_form> form{};
};
// Nullopt when the iq is no command. An unknown action is fault stanza_condition::bad_request.
std::optional<result<command_request>> parse_command(const element& iq);
element make_command_request(const command_request& request);

struct command_reply {
  command_status status = command_status::completed;
  std::vector<command_action> actions{};  // of an executing one: next, prev, complete; the first is the default
  std::optional<data_form> form{};
  std::string note{};
  note_type note_kind = note_type::info;
};
element make_command_reply(std::string_view node, std::string_view session_id, const command_reply& reply);

struct command_reply_view {
  std::string node{}, session_id{}, status{}, note{};
  std::optional<data_form> form{};
};
// What a client reads from an answer.
std::optional<command_reply_view> parse_command_reply(const element& iq);

// Which stage of which command a user is in. A session belongs to the full address that began it, ends with its command
// or after `lifetime`, and there are at most `sessions_max`; a new one then pushes out the oldest.
class command_sessions {
 public:
  explicit command_sessions(std::uint64_t seed = 0, std::chrono::seconds lifetime = std::chrono::minutes(10),
                            std::size_t sessions_max = 1'000)
      : seed_(seed), lifetime_(lifetime), sessions_max_(sessions_max) {}

  struct entry {
    std::string owner{}, node{};
    std::uint32_t stage = 0;    // how often the command has been continued
    std::vector<std::pair<std::string, std::string>> memory{};  // whatever the command keeps between its stages
    time_point deadline{};
    std::uint64_t order = 0;
  };
  // A new session; its id cannot be guessed from others without knowing the seed.
  std::string begin(std::string_view owner, std::string_view node, time_point now);
  // Null when there is none of that owner and node. Valid until the next call of begin() or end().
  entry* find(std::string_view session_id, std::string_view owner, std::string_view node, time_point now);
  void end(std::string_view session_id);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  void make_room(time_point now);

  std::uint64_t seed_;
  std::chrono::seconds lifetime_;
  std::size_t sessions_max_;
  std::uint64_t count_ = 0;
  std::unordered_map<std::string, entry> entries_;
};

}  // namespace msgkit::xmppcomp
