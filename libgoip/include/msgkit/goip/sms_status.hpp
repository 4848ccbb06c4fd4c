// The codes in `errorstatus:<n>` (RP and TP causes of GSM 04.11 and 03.40, +CMS ERROR of 07.05) and in DELIVER's `state`.
#pragma once

#include <cstdint>
#include <string_view>

namespace msgkit::goip {

enum class failure_class : std::uint8_t {
  temporary,  // another try may succeed
  permanent,  // it will not
};

struct sms_status_info {
  std::int64_t code = 0;
  failure_class kind{};
  std::string_view words{};
};

// Null for a code that is not in the table.
const sms_status_info* find_sms_status(std::int64_t code) noexcept;
// Unlisted codes count as temporary: manufacturers use their own, mostly for a weak signal.
failure_class classify_sms_status(std::int64_t code) noexcept;

// TP-Status of a delivery report.
enum class delivery_state : std::uint8_t { delivered, underway, failed };
delivery_state classify_delivery(std::int64_t state) noexcept;

}  // namespace msgkit::goip
