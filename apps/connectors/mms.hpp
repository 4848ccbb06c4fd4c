// An MMS as the engine carries it: who else got it, what it says, and which media belong to it. The octets of the media
// are in the media store, under a token that is also the path from which they can be fetched. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/message.hpp"

namespace msgkit::app {

struct mms_medium {
  std::string token{};     // see media_store.hpp
  std::string type{};      // "image/jpeg"
  std::string name{};      // of a file, never a path
  std::uint64_t size = 0;  // octets
  friend bool operator==(const mms_medium&, const mms_medium&) = default;
};

struct mms_message {
  std::string subject{}, text{};          // UTF-8
  std::string base_url{};                 // of the media, without a slash at the end
  std::vector<mms_medium> media{};        // in the sender's order
  std::vector<std::string> recipients{};  // of a message to several: all of them, as addresses are in the engine
  bool is_group = false;                  // one message for all recipients, the first of which is its destination
  std::uint32_t media_lost = 0;           // could not be had from where the message came from
  friend bool operator==(const mms_message&, const mms_message&) = default;
};

// Longer ones are cut, at a character; what there are more of is left out.
constexpr std::size_t mms_subject_octets_max = 256;
constexpr std::size_t mms_text_octets_max = 16 * 1024;
constexpr std::size_t mms_name_octets_max = 128;
constexpr std::size_t mms_media_max = 25;
constexpr std::size_t mms_recipients_max = 100;

// The engine's content of it. `from` and `to` as from_plain_text() takes them.
engine::content_ptr mms_content(const mms_message& m, std::string account, const std::string& from,
                                const std::string& to);
// Whether it is one for several, which only who takes groups can deliver.
bool is_group(const engine::message_content& c);
// Nothing when it is no MMS, or one without its body, or one that we did not write.
std::optional<mms_message> read_mms(const engine::message_content& c);

// Where anybody who knows it can fetch the medium while the store keeps it.
std::string media_url(const mms_message& m, const mms_medium& what);

// For those who take text only: the subject, the text, and a line with the address of each medium.
std::string text_with_links(const mms_message& m);
// The same as the engine's content of an SMS; content that is no MMS comes back as it is.
engine::content_ptr sms_of(engine::content_ptr c);

// At most `octets_max` octets, without half a character at the end.
std::string cut_utf8(std::string_view text, std::size_t octets_max);

}  // namespace msgkit::app
