// Delivery receipts, ids and times. The input is TLV presence, then an id TLV of up to 15 octets, then the text. A
// receipt that was parsed and formatted again parses to the same state and id.
#include <cstdlib>

#include <algorithm>

#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "msgkit/smpp/text/time_format.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

bool has_space(std::string_view s) {
  return s.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos;
}

void check_ids(const receipt& r) {
  check(ids_match(r.id, r.id));
  const id_profile profile{.submit = id_base::hexadecimal, .receipt = id_base::decimal};
  const auto key = submit_key(r.id, profile);
  if (const auto back = convert_id(key, id_base::hexadecimal, id_base::decimal);
      back && convert_id(r.id, id_base::decimal, id_base::hexadecimal)) {
    check(*back == normalized_id(r.id));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t id_octets = std::min<std::size_t>(data[1] & 15, size - 2);
  const bytes_view id{data + 2, id_octets};
  const bytes_view text{data + 2 + id_octets, size - 2 - id_octets};
  receipt_tlvs tlvs;
  if ((data[0] & 1) != 0) tlvs.receipted_message_id = id;
  if ((data[0] & 2) != 0) tlvs.message_state = data[1] >> 4;
  if ((data[0] & 4) != 0) tlvs.network_error_code = text.first(std::min<std::size_t>(text.size(), data[0] >> 5));

  parse_receipt_date(as_text(text));
  if (const auto time = parse_time(as_text(text))) {
    if (const auto* at = std::get_if<absolute_time>(&*time)) {
      check(std::get<absolute_time>(*parse_time(format_absolute(at->at, at->offset))) == *at);
    }
    check(resolve_time(as_text(text), wall_time{}).has_value());
  }

  const auto parsed = parse_receipt(text, tlvs, {.zone = std::chrono::minutes{data[0]}});
  if (!parsed) return 0;
  check(is_valid_utf8(parsed->text));
  check_ids(*parsed);
  const auto again = parse_receipt(as_bytes(format_receipt(*parsed)));
  if (parsed->id.empty() || has_space(parsed->id) || has_space(parsed->stat)) return 0;
  check(again.has_value());
  if (parsed->state && parsed->id.find(':') == std::string::npos) {
    check(again->id == parsed->id);
    check(again->state == parsed->state);
  }
  return 0;
}
