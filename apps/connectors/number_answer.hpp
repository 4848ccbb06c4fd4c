// What is said about a telephone number: by which number and to which network it is routed since it was ported. Pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

enum class number_fate : std::uint8_t {
  found,
  not_found,  // it is not ported, or not known: routed as it is
  failed,     // nobody could say
};

struct number_answer {
  number_fate fate = number_fate::failed;
  std::string routing{};  // digits, in some countries with letters A to F before them; empty: as it is
  std::string network{};  // "24001", or any other name; empty: not known
};

// "+46 70-123" is "4670123": what routing numbers are compared as. Nothing: it is none, or longer than 32 characters.
std::optional<std::string> routing_digits(std::string_view text);
// Whether it may be the name of a network: at most 64 printable characters of ASCII without blanks.
bool is_network_name(std::string_view text) noexcept;

// Where a service's JSON has them. Several pointers for the network are written one behind the other: code of the
// country, then of the network.
struct number_answer_shape {
  std::string routing = "/routing_number";
  std::vector<std::string> network{"/network"};
};
// Of an HTTP status and a body. 404 and 204 are not_found, and so is an answer that has neither; what cannot be read is
// failed.
number_answer read_number_answer(const number_answer_shape& shape, unsigned status, std::string_view body);

}  // namespace msgkit::app
