// Messages as text, from the one description each of them has.
#pragma once

#include <string>

#include "msgkit/goip/codec.hpp"

namespace msgkit::goip {

struct json_options {
  bool with_secrets = false;  // passwords in clear; else "***"
};

// One JSON object in one line, valid UTF-8 whatever the datagram held: "verb", "count" or "number", "id", "password" where
// the message has them, then every field under its protocol name, null where it is absent, and "others" with the fields
// that have no member.
std::string to_json(const device_message& m, json_options options = {});
std::string to_json(const server_message& m, json_options options = {});

// For a log line: "RECEIVE 1270197307 line g1"; never message text or passwords, and without control characters.
std::string summary(const device_message& m);

}  // namespace msgkit::goip
