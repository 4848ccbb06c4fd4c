#include "msgkit/xmppcomp/xep/commands.hpp"

#include <algorithm>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

// In the order of their enumerations.
constexpr std::string_view action_names[] = {"execute", "next", "prev", "complete", "cancel"};
constexpr std::string_view status_names[] = {"executing", "completed", "canceled"};
constexpr std::string_view note_names[] = {"info", "warn", "error"};

template <class Enum, std::size_t Count>
std::string_view name_of(const std::string_view (&names)[Count], Enum value) noexcept {
  return names[static_cast<std::size_t>(value)];
}

}  // namespace

std::optional<result<command_request>> parse_command(const element& iq) {
  const auto* e = iq.get("type") == "set" ? iq.child("command", ns::commands) : nullptr;
  if (e == nullptr) return std::nullopt;
  command_request request{.node = std::string(e->get("node")), .session_id = std::string(e->get("sessionid"))};
  if (const auto action = e->get("action"); !action.empty()) {
    const auto found = std::ranges::find(action_names, action);
    if (found == std::end(action_names))
      return result<command_request>(fault{make_error_code(stanza_condition::bad_request), "action", 0});
    request.action = static_cast<command_action>(found - std::begin(action_names));
  }
  request.form = parse_form(*e);
  return result<command_request>(std::move(request));
}

element make_command_request(const command_request& request) {
  element e("command", ns::commands);
  e.set("node", request.node).set("action", name_of(action_names, request.action));
  if (!request.session_id.empty()) e.set("sessionid", request.session_id);
  if (request.form) e.add(make_form(*request.form));
  return e;
}

element make_command_reply(std::string_view node, std::string_view session_id, const command_reply& reply) {
  element e("command", ns::commands);
  e.set("node", node).set("sessionid", session_id).set("status", name_of(status_names, reply.status));
  if (reply.status == command_status::executing && !reply.actions.empty()) {
    auto& actions = e.add("actions").set("execute", name_of(action_names, reply.actions.front()));
    for (const auto action : reply.actions) actions.add(name_of(action_names, action));
  }
  if (reply.form) e.add(make_form(*reply.form));
  if (!reply.note.empty()) e.add("note").set("type", name_of(note_names, reply.note_kind)).text = reply.note;
  return e;
}

std::optional<command_reply_view> parse_command_reply(const element& iq) {
  const auto* e = iq.child("command", ns::commands);
  if (e == nullptr) return std::nullopt;
  return command_reply_view{.node = std::string(e->get("node")),
                            .session_id = std::string(e->get("sessionid")),
                            .status = std::string(e->get("status")),
                            .note = std::string(e->child_text("note", ns::commands)),
                            .form = parse_form(*e)};
}

std::string command_sessions::begin(std::string_view owner, std::string_view node, time_point now) {
  make_room(now);
  std::uint8_t octets[8];
  store_big(octets, mix(mix(seed_) ^ ++count_));
  auto id = to_hex(octets);
  entries_.insert_or_assign(id, entry{.owner = std::string(owner),
                                      .node = std::string(node),
                                      .deadline = now + lifetime_,
                                      .order = count_});
  return id;
}

command_sessions::entry* command_sessions::find(std::string_view session_id, std::string_view owner,
                                                std::string_view node, time_point now) {
  const auto found = entries_.find(std::string(session_id));
  if (found == entries_.end()) return nullptr;
  auto& e = found->second;
  if (now >= e.deadline) {
    entries_.erase(found);
    return nullptr;
  }
  return e.owner == owner && e.node == node ? &e : nullptr;
}

void command_sessions::end(std::string_view session_id) { entries_.erase(std::string(session_id)); }

void command_sessions::make_room(time_point now) {
  if (entries_.size() < sessions_max_) return;
  std::erase_if(entries_, [now](const auto& e) { return now >= e.second.deadline; });
  if (entries_.size() < sessions_max_ || entries_.empty()) return;
  entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& e) { return e.second.order; }));
}

}  // namespace msgkit::xmppcomp
