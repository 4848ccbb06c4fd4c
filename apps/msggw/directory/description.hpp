// How the objects of the directory describe themselves: each has one function
//
//   template <class V, class S> static void fields(V& visit, S& self)
//
// that names every field once, with the values it may have. Reading and writing JSON, storing, masking of secrets and
// the API's own description of itself all follow from that.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/time.hpp"

namespace msgkit::app {

// Lengths count octets of UTF-8.
struct text_rule {
  std::size_t min = 0, max = 255;
  bool (*accepts)(std::string_view) = nullptr;  // null: any text
  std::string_view expects{};                   // what `accepts` accepts, in words
};

struct number_rule {
  std::int64_t min = 0, max = std::numeric_limits<std::int64_t>::max();
};

struct list_rule {
  std::size_t items_max = 100;
  text_rule item{};
};

// A secret is written to the store sealed, or hashed when it is only ever compared, and never shown.
enum class secret_use : std::uint8_t {
  compared,  // stored as a password hash
  spoken,    // we must say it to a peer: stored sealed
};

template <class E>
struct name_of {
  std::string_view name;
  E value;
};

// Rules that several objects share.
namespace accepts {
bool name(std::string_view text);    // letters, digits, '_', '-', '.', '@'
bool digits(std::string_view text);  // a number as it is stored: digits only
bool address_range(std::string_view text);
bool http_url(std::string_view text);
bool host_port(std::string_view text);  // see read_host_port()
bool time_zone(std::string_view text);  // known to the system, "UTC" always
bool date_time(std::string_view text);  // RFC 3339
bool language(std::string_view text);   // with a national table of short messages
bool country(std::string_view text);    // one that engine/number.hpp knows; or empty
}  // namespace accepts

// "mms.example.org", "mms.example.org:2566", "192.0.2.1:25", "[2001:db8::1]:25". Nothing for what is none.
struct host_port {
  std::string host{};
  std::uint16_t port = 0;
};
std::optional<host_port> read_host_port(std::string_view text, std::uint16_t usual_port);

// RFC 3339, to the second. Nothing for what is none.
std::optional<wall_time> read_date_time(std::string_view text);
// Whether such a time has come; false for what is none.
bool is_past(std::string_view date_time);

}  // namespace msgkit::app
