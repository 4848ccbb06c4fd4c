// PDUs filled with seeded random values that the specification allows, from the PDUs' own descriptions.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <type_traits>

#include "msgkit/smpp/codec.hpp"

namespace msgkit::test {

// Owns what the samples it makes point to; samples live as long as their maker.
class sample_maker {
 public:
  explicit sample_maker(std::uint64_t seed) : random_(seed) {}

  template <class Pdu>
  Pdu make() {
    Pdu m;
    Pdu::fields(*this, m);
    if constexpr (requires { m.esm_class; }) {
      if (smpp::has_udh(m.esm_class)) {
        // A user data header must fit the message, wherever that is.
        m.esm_class = static_cast<std::uint8_t>(m.esm_class & ~smpp::esm::udh_indicator);
        if constexpr (requires { m.short_message; }) {
          if (!m.short_message.empty() && static_cast<std::uint8_t>(m.short_message[0]) < m.short_message.size())
            m.esm_class |= smpp::esm::udh_indicator;
        }
      }
    }
    return m;
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  // The visitor that fields() asks for.
  template <class T>
  void octet(std::string_view, T& v) {
    v = static_cast<T>(below(256));
  }
  void octet_between(std::string_view, std::uint8_t& v, std::uint8_t low, std::uint8_t high, smpp::errc) {
    v = static_cast<std::uint8_t>(low + below(high - low + 1u));
  }
  void u32(std::string_view, std::uint32_t& v) { v = static_cast<std::uint32_t>(random_()); }
  void cstring(std::string_view, std::string_view& v, std::size_t max) {
    v = text(one_in(4) ? max - 1 : below(max));
  }
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const smpp::tlv_list&) {
    cstring(name, v, max);
  }
  void time(std::string_view, std::string_view& v) { v = text(one_in(2) ? 16 : 0); }
  void counted_octets(std::string_view, std::string_view, std::string_view& v, std::size_t max) {
    v = as_text(octets(one_in(4) ? max : below(max + 1)));
  }
  template <class Element>
  void list(std::string_view, std::string_view, smpp::counted_list<Element>& v, std::uint8_t count_min) {
    auto& builder = std::get<std::deque<smpp::counted_list_builder<Element>>>(lists_).emplace_back();
    const auto count = one_in(8) ? 255 : count_min + below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      Element element;
      Element::fields(*this, element);
      (void)builder.add(element);
    }
    v = builder.list();
  }
  void tlvs(std::string_view, smpp::tlv_list& v) {
    auto& builder = tlvs_.emplace_back();
    for (auto count = below(6); count > 0; --count) {
      const auto tag = one_in(2) ? static_cast<smpp::tag>(below(0x10000)) : known_tags[below(known_tags.size())];
      (void)builder.add(tag, octets(one_in(16) ? below(3000) : below(12)));
    }
    v = builder.list();
  }
  template <class Pdu>
  bool body_may_be_absent(const Pdu&) {
    return false;
  }

 private:
  static constexpr std::array known_tags{
      smpp::tag::user_message_reference, smpp::tag::sar_msg_ref_num, smpp::tag::message_payload,
      smpp::tag::receipted_message_id,   smpp::tag::message_state,   smpp::tag::callback_num,
      smpp::tag::qos_time_to_live,       smpp::tag::alert_on_message_delivery};

  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::string_view text(std::size_t length) {
    auto& made = strings_.emplace_back(length, ' ');
    for (char& c : made) c = static_cast<char>(1 + below(255));
    return made;
  }
  bytes_view octets(std::size_t length) {
    auto& made = strings_.emplace_back(length, ' ');
    for (char& c : made) c = static_cast<char>(below(256));
    return as_bytes(made);
  }

  std::mt19937_64 random_;
  std::deque<std::string> strings_;
  std::deque<smpp::tlv_builder> tlvs_;
  std::tuple<std::deque<smpp::counted_list_builder<smpp::dest_address>>,
             std::deque<smpp::counted_list_builder<smpp::unsuccess_sme>>,
             std::deque<smpp::counted_list_builder<smpp::listed_message>>>
      lists_;
};

// Calls f(std::type_identity<Pdu>{}) for every PDU libsmpp describes.
template <class F, class... Pdus>
void for_each_pdu(F&& f, smpp::type_list<Pdus...>) {
  (f(std::type_identity<Pdus>{}), ...);
}
template <class F>
void for_each_pdu(F&& f) {
  for_each_pdu(f, smpp::all_pdus{});
}

}  // namespace msgkit::test
