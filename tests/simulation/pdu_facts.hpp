// What a simulated peer needs to know about a submit_sm or deliver_sm.
#pragma once

#include "msgkit/smpp/codec.hpp"
#include "msgkit/smpp/text/udh.hpp"
#include "reference.hpp"

namespace msgkit::simulation {

template <class Pdu>
bytes_view user_data(const Pdu& m) {
  if (!m.short_message.empty()) return as_bytes(m.short_message);
  const auto payload = m.tlvs.find(smpp::tag::message_payload);
  return payload ? payload->value : bytes_view{};
}

template <class Pdu>
smpp::concatenation part_of(const Pdu& m) {
  if (smpp::has_udh(m.esm_class)) {
    const auto split = smpp::split_user_data(user_data(m));
    if (split)
      if (const auto c = split->header.concatenation()) return *c;
  }
  const auto total = m.tlvs.find_integer(smpp::tag::sar_total_segments);
  const auto sequence = m.tlvs.find_integer(smpp::tag::sar_segment_seqnum);
  if (total && sequence)
    return {.total = static_cast<std::uint8_t>(*total), .sequence = static_cast<std::uint8_t>(*sequence)};
  return {};
}

template <class Pdu>
std::string reference_of(const Pdu& m) {
  return reference_in(as_text(user_data(m)));
}

}  // namespace msgkit::simulation
