// What smppc load sends: one text with a running number in it, or a mix of lengths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::app {

// One submit_sm of the load: which part of which kind of message. Small, so that it can be kept per request.
struct load_part {
  std::uint16_t kind = 0;
  std::uint8_t part = 0;
  std::uint8_t reference = 0;  // of the message its part belongs to
};

class load_messages {
 public:
  // `text`: UTF-8 of at most one short message; "{n}" becomes the number.
  // `mix`: "LENGTH:WEIGHT,..." in characters, e.g. "20:70,160:20,400:10"; takes the place of `text`. Messages that need
  // several parts are cut with 8-bit references, and each part is a submit_sm of its own.
  // The problem in words, naming the option, or empty.
  std::string prepare(const std::string& text, const std::string& mix);

  // The next one in a sequence that is the same in every run: the parts of a message follow each other.
  load_part next();
  // Its short_message; valid until the next call.
  std::string_view octets(load_part what, std::uint64_t number);
  [[nodiscard]] std::uint8_t esm_class(load_part what) const noexcept;
  [[nodiscard]] std::uint8_t data_coding() const noexcept { return data_coding_; }

 private:
  struct kind {
    std::vector<byte_vector> parts;
    std::uint32_t weight = 1;
  };
  std::string prepare_text(const std::string& text);
  std::string prepare_mix(std::string_view mix);

  std::vector<kind> kinds_;
  std::uint64_t total_weight_ = 0;
  std::uint64_t drawn_ = 0;
  load_part current_{};
  std::size_t parts_left_ = 0;
  std::uint8_t data_coding_ = 0;
  smpp::text_coding coding_{};
  byte_vector prefix_, suffix_, scratch_;
  bool has_number_ = false;
};

}  // namespace msgkit::app
