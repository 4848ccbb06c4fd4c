// The clients of the configuration file and of the directory as one: who may bind, whose numbers lead where.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "connectors/web_clients.hpp"
#include "engine/routing.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// The accounts that may bind: the file's, then the directory's legacy clients that are enabled. The file's win over the
// directory's of the same name.
std::vector<smpp_account> accounts_of(const std::vector<smpp_account>& fixed, const directory_snapshot& managed);

// The directory's web clients that are enabled, with the webhooks of their numbers.
std::vector<web_client> web_clients_of(const directory_snapshot& managed);

// The file's routes, then those of the directory: each number to its client, what a number sends to the number's
// carrier, and the rules.
// With `mm4`, MMS to the number of a client with MM4 go there, and what it sends by MM4 takes the same ways.
std::vector<engine::route> routes_of(const std::vector<engine::route>& fixed, const directory_snapshot& managed,
                                     bool mm4);

// Which protocol stands behind each endpoint: "client:shop" -> "http"; `more` knows those of other tables of the file.
std::map<std::string, std::string, std::less<>> protocols_of(const std::vector<smpp_account>& fixed_clients,
                                                             const std::vector<smpp_carrier_options>& fixed_carriers,
                                                             const directory_snapshot& managed,
                                                             std::map<std::string, std::string, std::less<>> more);

}  // namespace msgkit::app
