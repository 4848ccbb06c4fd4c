#include "connectors/xmpp_conditions.hpp"

namespace msgkit::app {

using xmppcomp::stanza_condition;

stanza_condition condition_of(engine::refusal r) {
  switch (r) {
    case engine::refusal::queue_full:
    case engine::refusal::limit_reached:
    case engine::refusal::store_unavailable: return stanza_condition::resource_constraint;
    case engine::refusal::no_credit:
    case engine::refusal::no_price:
    case engine::refusal::conflict:
    case engine::refusal::too_dear:
    case engine::refusal::blocked: return stanza_condition::not_allowed;
    case engine::refusal::no_route:
    case engine::refusal::not_found: return stanza_condition::item_not_found;
    case engine::refusal::invalid: return stanza_condition::not_acceptable;
    case engine::refusal::expired:
    case engine::refusal::too_late: return stanza_condition::remote_server_timeout;
  }
  return stanza_condition::undefined_condition;
}

stanza_condition condition_of(engine::message_state final_state) {
  switch (final_state) {
    case engine::message_state::rejected: return stanza_condition::not_allowed;
    case engine::message_state::expired: return stanza_condition::remote_server_timeout;
    case engine::message_state::unknown: return stanza_condition::undefined_condition;
    default: return stanza_condition::recipient_unavailable;
  }
}

std::string_view words_of(stanza_condition c) {
  switch (c) {
    case stanza_condition::registration_required: return "This address is no user of the gateway.";
    case stanza_condition::recipient_unavailable: return "The gateway is stopping; try again later.";
    case stanza_condition::jid_malformed: return "That is no telephone number.";
    case stanza_condition::forbidden: return "You may not write to this number.";
    case stanza_condition::resource_constraint: return "The gateway is too busy; try again later.";
    case stanza_condition::not_allowed: return "This message is not allowed.";
    case stanza_condition::item_not_found: return "There is no way to this number.";
    case stanza_condition::not_acceptable: return "This message cannot be an SMS.";
    case stanza_condition::remote_server_timeout: return "The message came too late.";
    default: return "The message could not be taken.";
  }
}

bool is_worth_another_try(const xmppcomp::stanza_error& e) {
  switch (e.condition) {
    case stanza_condition::service_unavailable:  // the user is offline, and nobody keeps messages there
    case stanza_condition::recipient_unavailable:
    case stanza_condition::remote_server_not_found:
    case stanza_condition::remote_server_timeout: return true;
    default: return e.type == xmppcomp::error_type::wait;
  }
}

}  // namespace msgkit::app
