// Between the engine's message and peers that take text as text and know no data coding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/message.hpp"

namespace msgkit::app {

// The text of a message for a carrier that takes text: UTF-8, without user data header. Nothing for binary content.
struct plain_text {
  std::string text;
  bool is_gsm7 = true;
};
// `transliterate`: what GSM 7-bit cannot show in similar characters, where all can be replaced.
std::optional<plain_text> to_plain_text(const engine::message_content& c, bool transliterate = false);
// A text that came in as the engine's content.
engine::content_ptr from_plain_text(std::string_view utf8, std::string account, const std::string& from,
                                    const std::string& to, bool transliterate = false);

// Digits and nothing else.
bool is_number(std::string_view text) noexcept;

}  // namespace msgkit::app
