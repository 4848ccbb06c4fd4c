// Texts of short messages for the engine's rules: read from and written to the alphabets that messages are kept in.
#pragma once

#include "engine/rewrite.hpp"

namespace msgkit::app {

// A text with characters beyond GSM 7-bit goes as UCS-2; charset gsm7 first replaces them by similar ones where all can
// be. A message keeps its class (flash).
struct sms_text_codec final : engine::text_codec {
  [[nodiscard]] std::optional<std::string> read(const engine::message_content& c) const override;
  bool write(engine::message_content& c, std::string_view utf8, engine::text_charset charset) const override;
};

}  // namespace msgkit::app
