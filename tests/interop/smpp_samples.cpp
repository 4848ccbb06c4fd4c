// Prints one sample of every PDU and one submit_sm for every TLV that libsmpp knows, each in one line:
//   <octets as hex> TAB <the same as JSON>
// A peer that decodes the octets must find the values of the JSON. Values are made from the descriptions: different,
// plausible, the same in every run.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

class sampler {
 public:
  template <class T>
  void octet(std::string_view name, T& v) {
    v = static_cast<T>(octet_for(name));
  }
  void octet_between(std::string_view, std::uint8_t& v, std::uint8_t low, std::uint8_t high, errc) {
    v = static_cast<std::uint8_t>(low + elements_++ % (high - low + 1));
  }
  void u32(std::string_view, std::uint32_t& v) { v = 0x0B; }
  void cstring(std::string_view name, std::string_view& v, std::size_t max) {
    if (name.ends_with("_addr")) return set(v, std::to_string(447700900100 + ++numbers_));
    if (name == "message_id") return set(v, "0001f3a" + std::to_string(++ids_));
    set(v, std::string(name.substr(0, max - 1)));
  }
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const tlv_list&) {
    cstring(name, v, max);
  }
  void time(std::string_view name, std::string_view& v) {
    set(v, name == "validity_period" ? "000002030405000R" : "261121053001000+");
  }
  void counted_octets(std::string_view, std::string_view, std::string_view& v, std::size_t) { set(v, "hello world"); }
  template <class Element>
  void list(std::string_view, std::string_view, counted_list<Element>& v, std::uint8_t) {
    static std::deque<counted_list_builder<Element>> builders;
    auto& builder = builders.emplace_back();
    for (int i = 0; i < 2; ++i) {
      Element element;
      Element::fields(*this, element);
      (void)builder.add(element);
    }
    v = builder.list();
  }
  void tlvs(std::string_view, tlv_list&) {}
  template <class Pdu>
  bool body_may_be_absent(const Pdu&) {
    return false;
  }

 private:
  // Within what the field may say, so that a decoder has no reason to object.
  std::uint8_t octet_for(std::string_view name) {
    if (name.ends_with("_ton")) return static_cast<std::uint8_t>(1 + tons_++ % 5);
    if (name.ends_with("_npi")) return npis[npis_++ % std::size(npis)];
    if (name == "interface_version") return 0x34;
    if (name == "esm_class") return esm::mode_store_and_forward;
    if (name == "registered_delivery") return registered::final_receipt | registered::intermediate;
    if (name == "message_state") return 2;
    if (name == "replace_if_present_flag") return 1;
    if (name == "data_coding") return 0x01;
    if (name == "priority_flag") return 2;
    return static_cast<std::uint8_t>(name.size() + 1);
  }
  void set(std::string_view& v, std::string text) { v = texts_.emplace_back(std::move(text)); }

  static constexpr std::uint8_t npis[] = {1, 3, 8, 9};
  std::deque<std::string> texts_;
  unsigned numbers_ = 0, ids_ = 0, tons_ = 0, npis_ = 0, elements_ = 0;
};

std::uint32_t sequence = 0;

template <class Pdu>
void print(const Pdu& m) {
  byte_vector octets;
  if (!encode(m, ++sequence, octets)) std::abort();
  const auto decoded = decode(octets);
  if (!decoded) std::abort();
  std::printf("%s\t%s\n", to_hex(octets).c_str(), to_json(*decoded).c_str());
}

template <class... Pdus>
void print_all(type_list<Pdus...>) {
  const auto sample = []<class Pdu>(std::type_identity<Pdu>) {
    sampler values;
    Pdu m;
    Pdu::fields(values, m);
    print(m);
  };
  (sample(std::type_identity<Pdus>{}), ...);
}

void print_tlv(const tlv_info& info) {
  tlv_builder tlvs;
  const auto length = std::max<std::size_t>(info.length_min, 1);
  switch (info.kind) {
    case tlv_kind::integer:
      if (length == 1) tlvs.add_u8(info.tag, info.tag == tag::sc_interface_version ? 0x50 : 1);
      else if (length == 2) tlvs.add_u16(info.tag, 0x0102);
      else tlvs.add_u32(info.tag, 0x01020304);
      break;
    case tlv_kind::text:
      tlvs.add_cstring(info.tag, info.tag == tag::broadcast_end_time ? "261121053001000+" : "0001f3a1");
      break;
    case tlv_kind::octets: {
      byte_vector value(std::min<std::size_t>(std::max<std::size_t>(length, 4), info.length_max));
      for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<std::uint8_t>(i + 1);
      (void)tlvs.add(info.tag, value);
      break;
    }
  }
  print(submit_sm{.source_addr = "1", .destination_addr = "2", .tlvs = tlvs.list()});
}

}  // namespace

int main() {
  print_all(all_pdus{});
  for (unsigned t = 0; t <= 0xFFFF; ++t)
    if (const auto* info = find_tlv(static_cast<tag>(t))) print_tlv(*info);
  const std::uint8_t vendor[] = {0xDE, 0xAD};
  tlv_builder tlvs;
  (void)tlvs.add(static_cast<tag>(0x1400), vendor);
  print(submit_sm{.source_addr = "1", .destination_addr = "2", .tlvs = tlvs.list()});
}
