// What the engine says, as stanza errors, and what stanza errors mean for the engine.
#pragma once

#include <string_view>

#include "engine/events.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"

namespace msgkit::app {

xmppcomp::stanza_condition condition_of(engine::refusal r);
// Of a message that ended so, and not as delivered.
xmppcomp::stanza_condition condition_of(engine::message_state final_state);
// What the user's client shows beside a chat that was refused.
std::string_view words_of(xmppcomp::stanza_condition c);
// Whether the user's server may take a chat later that it has given back now.
bool is_worth_another_try(const xmppcomp::stanza_error& e);

}  // namespace msgkit::app
