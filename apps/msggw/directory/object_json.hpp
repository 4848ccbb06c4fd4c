// Objects of the directory as JSON: for the API and for the store, from the one description of each.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret_box.hpp"
#include "msggw/directory/objects.hpp"

namespace msgkit::app {

// What stands in the API's answers: no secret, only "<name>_set".
template <class T>
nlohmann::ordered_json shown_json(const T& object);

// Takes over the fields that `json` names; others, and those that are null, keep their value. Secrets that are only
// compared are hashed here, which takes scrypt's time. `errors` receives one line for each field that is unknown, of
// the wrong type or out of range; the object is then half changed: throw it away.
template <class T>
void read_json(const nlohmann::json& json, T& object, std::vector<std::string>& errors);
// The same for a new object: fields that must not be empty must be there.
template <class T>
void read_new_json(const nlohmann::json& json, T& object, std::vector<std::string>& errors);

// What stands in the store: everything, secrets sealed for `place` ("carrier/7").
template <class T>
std::string stored_json(const T& object, const secret_box& box, std::string_view place);
// False with the reason in `why` when the text is not what stored_json() wrote, or a secret does not open.
template <class T>
[[nodiscard]] bool read_stored_json(std::string_view text, T& object, const secret_box& box, std::string_view place,
                                    std::string& why);

}  // namespace msgkit::app
