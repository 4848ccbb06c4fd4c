#include "msgkit/xmppcomp/xep/responder.hpp"

#include <algorithm>

#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view gateway_features[] = {ns::disco_info, ns::disco_items, ns::registration, ns::gateway,
                                                 ns::ping,       ns::receipts,    ns::commands,     ns::vcard,
                                                 ns::version};
constexpr std::string_view contact_features[] = {ns::disco_info, ns::disco_items, ns::receipts, ns::vcard, ns::ping};
constexpr std::string_view command_features[] = {ns::commands, ns::data_form};

template <std::size_t Count>
std::vector<std::string> list(const std::string_view (&features)[Count]) {
  return {std::begin(features), std::end(features)};
}

// Faults of the application in the words of XMPP.
stanza_error error_of(const fault& f) {
  if (f.code.category() == stanza_category()) return static_cast<stanza_condition>(f.code.value());
  if (f.code == errc::jid_invalid || f.code == errc::number_invalid) return stanza_condition::jid_malformed;
  return stanza_condition::internal_server_error;
}

}  // namespace

responder::responder(responder_options options, gateway_directory& directory)
    : options_(std::move(options)), directory_(directory), sessions_(options_.seed) {}

std::optional<element> responder::answer(const element& iq, time_point now) {
  if (!is_request(iq)) return std::nullopt;
  const auto user = jid::parse(iq.get("from")), contact = jid::parse(iq.get("to"));
  if (!user || !contact) return make_error(iq, stanza_condition::jid_malformed);
  user_ = *user;
  contact_ = *contact;
  const auto found = dispatch(iq, now);
  if (!found) return make_error(iq, error_of(found.error()));
  auto out = make_result(iq);
  if (*found) out.add(**found);
  return out;
}

responder::payload responder::dispatch(const element& iq, time_point now) {
  if (iq.children.empty()) return stanza_condition::bad_request;
  const bool is_gateway = contact_.local().empty();
  if (!is_gateway && !directory_.knows(contact_)) return stanza_condition::item_not_found;
  if (const auto node = disco_info_node(iq)) return info(*node);
  if (const auto node = disco_items_node(iq)) return items(*node);
  if (iq.child("ping", ns::ping) != nullptr) return payload(std::optional<element>{});
  if (iq.child("vCard", ns::vcard) != nullptr) {
    if (iq.get("type") == "set") return stanza_condition::not_allowed;
    if (is_gateway) return std::optional(make_vcard({.full_name = options_.name}));
    const auto card = directory_.card(user_, contact_);
    return card ? payload(std::optional(make_vcard(*card))) : payload(stanza_condition::item_not_found);
  }
  if (auto request = parse_command(iq)) return *request ? command(**request, now) : payload(request->error());
  if (!is_gateway) return stanza_condition::service_unavailable;
  if (iq.child("query", ns::version) != nullptr && iq.get("type") == "get")
    return std::optional(make_version(options_.version));
  if (const auto request = parse_registration(iq)) return registration(*request);
  if (const auto typed = gateway_prompt_of(iq)) return prompt(iq, *typed);
  return stanza_condition::service_unavailable;
}

responder::payload responder::info(std::string_view node) const {
  disco_info found{.node = std::string(node)};
  if (node.empty()) {
    if (contact_.local().empty()) {
      found.identities.push_back({"gateway", "sms", options_.name});
      found.features = list(gateway_features);
    } else {
      found.identities.push_back({"client", "phone", contact_.local()});
      found.features = list(contact_features);
    }
    return std::optional(make_disco_info(found));
  }
  const auto commands = directory_.commands(user_);
  if (node == ns::commands) {
    found.identities.push_back({"automation", "command-list", "Commands"});
    return std::optional(make_disco_info(found));
  }
  const auto* command = find_command(commands, node);
  if (command == nullptr) return stanza_condition::item_not_found;
  found.identities.push_back({"automation", "command-node", command->name});
  found.features = list(command_features);
  return std::optional(make_disco_info(found));
}

responder::payload responder::items(std::string_view node) {
  if (node.empty())
    return std::optional(
        make_disco_items(contact_.local().empty() ? directory_.items(user_) : std::vector<disco_item>{}));
  const auto commands = directory_.commands(user_);
  if (node != ns::commands)
    return find_command(commands, node) != nullptr ? payload(std::optional(make_disco_items({}, node)))
                                                   : payload(stanza_condition::item_not_found);
  std::vector<disco_item> found;
  for (const auto& c : commands) found.push_back({contact_.bare().to_string(), c.node, c.name});
  return std::optional(make_disco_items(found, node));
}

responder::payload responder::registration(const registration_request& request) {
  if (request.action == registration_action::ask) {
    const auto form = directory_.registration_form(user_);
    if (!form) return form.error();
    return std::optional(make_registration(*form, directory_.is_registered(user_)));
  }
  const auto done = request.action == registration_action::remove
                        ? directory_.remove_registration(user_)
                        : directory_.submit_registration(user_, request.form);
  return done ? payload(std::optional<element>{}) : payload(done.error());
}

responder::payload responder::prompt(const element& iq, std::string_view typed) const {
  if (iq.get("type") == "get")
    return std::optional(make_gateway_prompt(options_.prompt_description, options_.prompt));
  const auto number = number_of_local(typed, options_.numbers);
  if (!number) return stanza_condition::jid_malformed;
  return std::optional(make_gateway_address(*number + "@" + contact_.domain()));
}

responder::payload responder::command(const command_request& request, time_point now) {
  const auto commands = directory_.commands(user_);
  if (find_command(commands, request.node) == nullptr) return stanza_condition::item_not_found;
  const auto owner = user_.to_string();
  std::string id = request.session_id;
  if (id.empty()) id = sessions_.begin(owner, request.node, now);
  auto* session = sessions_.find(id, owner, request.node, now);
  if (session == nullptr) return stanza_condition::bad_request;  // XEP-0050 table 1: bad-sessionid, session-expired
  command_reply reply{.status = command_status::canceled};
  if (request.action != command_action::cancel) {
    if (!request.session_id.empty()) ++session->stage;
    auto ran = directory_.run({user_, contact_, request, session});
    if (!ran) {
      sessions_.end(id);
      return ran.error();
    }
    reply = std::move(*ran);
  }
  if (reply.status != command_status::executing) sessions_.end(id);
  return std::optional(make_command_reply(request.node, id, reply));
}

const command_info* responder::find_command(const std::vector<command_info>& all, std::string_view node) const {
  const auto found = std::ranges::find(all, node, &command_info::node);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace msgkit::xmppcomp
