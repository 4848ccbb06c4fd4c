// Gateways with one mistake each: what the simulation must find, or its silence means nothing.
#pragma once

#include "gateway.hpp"

namespace msgkit::simulation {

mutation forgetful_store();      // says that it has committed, and now and then has not
mutation hasty_acknowledgement();  // clients are answered before the engine has seen their message
mutation repeated_sends();       // some messages are handed to the connector twice
mutation swallowed_results();    // the engine does not learn how some attempts ended
mutation swallowed_reports();    // some receipts are acknowledged and dropped
mutation forgotten_duplicates();  // mails that come again are new
mutation forgotten_media();      // says that it has kept a medium, and now and then has not
mutation wide_window();          // more requests towards carriers than was agreed

}  // namespace msgkit::simulation
