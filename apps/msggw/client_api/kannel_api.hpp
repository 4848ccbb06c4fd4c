// /cgi-bin/sendsms as Kannel's users know it (Kannel 1.4.5 user guide, tables 7-16 and 7-17).
#pragma once

#include "msggw/client_api/api_access.hpp"
#include "msggw/client_api/sender.hpp"

namespace msgkit::app {

// GET and POST. Taken: username, password, from, to (several apart by spaces), text, charset (UTF-8, ISO-8859-1,
// UTF-16BE), coding, validity and deferred (minutes), priority, dlr-mask, dlr-url, and their short names. Parameters
// that would change what arrives and are not supported (udh, mclass, ...) are refused, not ignored. Both must outlive
// the router's requests.
void add_kannel_routes(http_router& router, api_access& access, sender& sending);

}  // namespace msgkit::app
