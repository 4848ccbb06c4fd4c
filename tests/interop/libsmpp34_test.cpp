// libsmpp34, another implementation of SMPP 3.4, decodes what we encode, and we decode what it encodes: generated PDUs,
// field by field. Both sides name their fields as the specification does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <regex>
#include <sstream>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"

extern "C" {
#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
// In this order: the second header uses the first one's types.
#include <libsmpp34/smpp34_params.h>
}

using namespace msgkit;
namespace smpp = msgkit::smpp;

namespace {

constexpr std::uint64_t seeds = 100;
using named_values = std::vector<std::pair<std::string, std::string>>;  // sorted: it keeps lists in reverse order

// PDUs of printable values that both sides accept.
class plain_maker {
 public:
  explicit plain_maker(std::uint64_t seed) : random_(seed) {}

  template <class T>
  void octet(std::string_view name, T& v) {
    static constexpr std::uint8_t npis[] = {0, 1, 3, 4, 6, 8, 9, 10, 14, 18};
    // It checks these against the specification's lists.
    if (name.ends_with("_ton")) v = static_cast<T>(below(7));
    else if (name.ends_with("_npi")) v = static_cast<T>(npis[below(std::size(npis))]);
    else if (name == "interface_version") v = static_cast<T>(0x34);
    else v = static_cast<T>(below(256));
  }
  void octet_between(std::string_view, std::uint8_t& v, std::uint8_t low, std::uint8_t high, smpp::errc) {
    v = static_cast<std::uint8_t>(low + below(high - low + 1u));
  }
  void u32(std::string_view, std::uint32_t& v) { v = static_cast<std::uint32_t>(1 + below(5)); }
  void cstring(std::string_view, std::string_view& v, std::size_t max) { v = text(below(max)); }
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const smpp::tlv_list&) {
    cstring(name, v, max);
  }
  void time(std::string_view, std::string_view& v) { v = text(below(2) * 16); }
  void counted_octets(std::string_view, std::string_view, std::string_view& v, std::size_t max) {
    v = text(below(max - 1));  // it does not pack the 254 octets that 3.4 allows
  }
  template <class Element>
  void list(std::string_view, std::string_view, smpp::counted_list<Element>& v, std::uint8_t count_min) {
    auto& builder = std::get<std::deque<smpp::counted_list_builder<Element>>>(lists_).emplace_back();
    for (auto count = count_min + below(4); count > 0; --count) {
      Element element;
      Element::fields(*this, element);
      EXPECT_TRUE(builder.add(element));
    }
    v = builder.list();
  }
  void tlvs(std::string_view, smpp::tlv_list&) {}
  template <class Pdu>
  bool body_may_be_absent(const Pdu&) {
    return false;
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

 private:
  std::string_view text(std::size_t length) {
    static constexpr std::string_view characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    auto& made = texts_.emplace_back(length, ' ');
    for (char& c : made) c = characters[below(characters.size())];
    return made;
  }
  std::mt19937_64 random_;
  std::deque<std::string> texts_;
  std::tuple<std::deque<smpp::counted_list_builder<smpp::dest_address>>,
             std::deque<smpp::counted_list_builder<smpp::unsuccess_sme>>>
      lists_;
};

class collector final : public smpp::field_sink {
 public:
  void on_number(std::string_view name, std::uint64_t value) override { add(name, std::to_string(value)); }
  void on_text(std::string_view name, std::string_view value) override { add(name, std::string(value)); }
  void on_octets(std::string_view name, bytes_view value) override { add(name, std::string(as_text(value))); }
  void on_list_begin(std::string_view) override {}
  void on_element_begin() override {}
  void on_element_end() override {}
  void on_list_end() override {}
  void on_tlvs(const smpp::tlv_list&) override {}
  named_values values;

 private:
  void add(std::string_view name, std::string value) { values.emplace_back(name, std::move(value)); }
};

named_values our_view(const smpp::pdu& p) {
  collector all;
  all.on_number("command_length", p.head.command_length);
  all.on_number("command_id", static_cast<std::uint32_t>(p.head.id));
  all.on_number("command_status", static_cast<std::uint32_t>(p.head.status));
  all.on_number("sequence_number", p.head.sequence);
  smpp::describe(p, all);
  std::ranges::sort(all.values);
  return all.values;
}

// One of its PDU structures, whichever it is.
class foreign_pdu {
 public:
  // False with the reason in smpp34_strerror.
  bool unpack(bytes_view octets) {
    return smpp34_unpack2(storage_.data(), octets.data(), static_cast<int>(octets.size())) == 0;
  }
  byte_vector pack() {
    byte_vector out(70'000);
    int length = 0;
    if (smpp34_pack2(out.data(), static_cast<int>(out.size()), &length, storage_.data()) != 0) return {};
    out.resize(static_cast<std::size_t>(length));
    return out;
  }
  named_values view() {
    byte_vector text(64 * 1024);
    EXPECT_EQ(smpp34_dumpPdu2(text.data(), static_cast<int>(text.size()), storage_.data()), 0);
    static const std::regex number(R"((\w+) +\[([0-9A-F]+)\] +- \[.*\])"), string(R"((\w+) +\[(\w*)\])");
    named_values all;
    std::istringstream lines(reinterpret_cast<const char*>(text.data()));
    for (std::string line; std::getline(lines, line);) {
      std::smatch m;
      if (std::regex_match(line, m, number)) all.emplace_back(m[1], std::to_string(std::stoul(m[2], nullptr, 16)));
      else if (std::regex_match(line, m, string)) all.emplace_back(m[1], m[2]);
      else EXPECT_TRUE(line.empty()) << line;
    }
    std::ranges::sort(all);
    return all;
  }
  template <class Struct>
  Struct& as() {
    return *reinterpret_cast<Struct*>(storage_.data());
  }

 private:
  // Larger than every one of them, and zero, padding included: it takes what it did not set for pointers.
  static constexpr std::size_t words = std::max({sizeof(submit_sm_t), sizeof(submit_multi_t), sizeof(data_sm_t),
                                                 sizeof(deliver_sm_t), sizeof(replace_sm_t)}) / 8 + 512;
  std::vector<std::uint64_t> storage_ = std::vector<std::uint64_t>(words);
};

// What it does not allow although 3.4 does, or allows only so.
template <class Pdu>
Pdu acceptable(Pdu m) {
  if constexpr (Pdu::id == smpp::command_id::deliver_sm) m.schedule_delivery_time = m.validity_period = {};
  if constexpr (Pdu::id == smpp::command_id::deliver_sm_resp) m.message_id = {};
  if constexpr (Pdu::id == smpp::command_id::data_sm) m.source_addr = m.source_addr.substr(0, 20);
  if constexpr (requires { m.esm_class; }) m.esm_class &= static_cast<std::uint8_t>(~smpp::esm::udh_indicator);
  return m;
}

template <class... Pdus>
struct pdus {};
using version_3_4 = pdus<
    smpp::bind_transmitter, smpp::bind_transmitter_resp, smpp::bind_receiver, smpp::bind_receiver_resp,
    smpp::bind_transceiver, smpp::bind_transceiver_resp, smpp::outbind, smpp::unbind, smpp::unbind_resp,
    smpp::generic_nack, smpp::submit_sm, smpp::submit_sm_resp, smpp::submit_multi, smpp::submit_multi_resp,
    smpp::deliver_sm, smpp::deliver_sm_resp, smpp::data_sm, smpp::data_sm_resp, smpp::query_sm, smpp::query_sm_resp,
    smpp::cancel_sm, smpp::cancel_sm_resp, smpp::replace_sm, smpp::replace_sm_resp, smpp::enquire_link,
    smpp::enquire_link_resp, smpp::alert_notification>;

template <class Pdu>
void expect_agreement(std::uint64_t seed) {
  SCOPED_TRACE(std::string(smpp::command_name(Pdu::id)) + " seed " + std::to_string(seed));
  plain_maker values(seed);
  Pdu m;
  Pdu::fields(values, m);
  m = acceptable(m);
  byte_vector ours;
  ASSERT_TRUE(smpp::encode(m, static_cast<std::uint32_t>(1 + seed), ours));
  const auto decoded = smpp::decode(ours);
  ASSERT_TRUE(decoded);

  foreign_pdu theirs;
  ASSERT_TRUE(theirs.unpack(ours)) << smpp34_strerror;
  EXPECT_EQ(theirs.view(), our_view(*decoded));

  const auto packed = theirs.pack();
  const auto back = smpp::decode(packed);
  ASSERT_TRUE(back) << back.error().code.message() << " in " << back.error().field;
  EXPECT_EQ(our_view(*back), our_view(*decoded));
  constexpr bool has_list = requires { m.dest_addresses; } || requires { m.unsuccess_smes; };
  if (!has_list) {
    EXPECT_EQ(to_hex(packed), to_hex(ours));
  }
  if constexpr (requires { m.dest_addresses; }) destroy_dad(theirs.as<submit_multi_t>().dest_addr_def);
  if constexpr (requires { m.unsuccess_smes; }) destroy_udad(theirs.as<submit_multi_resp_t>().unsuccess_smes);
}

template <class... Pdus>
void for_each_pdu(pdus<Pdus...>) {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) (expect_agreement<Pdus>(seed), ...);
}

}  // namespace

TEST(Libsmpp34, DecodesWhatWeEncodeAndTheReverse) { for_each_pdu(version_3_4{}); }

TEST(Libsmpp34, CarriesTheTlvsItKnowsBothWays) {
  std::size_t known = 0;
  std::string refused;
  for (unsigned number = 0; number < 0x1400; ++number) {
    const auto* info = smpp::find_tlv(static_cast<smpp::tag>(number));
    if (info == nullptr || number == 0x0428 || (number >= 0x0600 && number < 0x1000)) continue;  // 5.0
    const bool is_flag = info->tag == smpp::tag::alert_on_message_delivery;  // no value in 3.4
    const auto length = is_flag ? std::size_t{0} : std::max<std::size_t>(info->length_min, 1);
    byte_vector value(length);
    for (std::size_t i = 0; i < length; ++i) value[i] = static_cast<std::uint8_t>(i + 1);
    if (info->kind == smpp::tlv_kind::text) value.back() = 0;
    smpp::tlv_builder tlvs;
    ASSERT_TRUE(tlvs.add(info->tag, value));
    byte_vector ours;
    ASSERT_TRUE(smpp::encode(smpp::data_sm{.source_addr = "1", .tlvs = tlvs.list()}, 1, ours));
    foreign_pdu theirs;
    SCOPED_TRACE(std::string(info->name));
    ASSERT_TRUE(theirs.unpack(ours)) << smpp34_strerror;
    const auto* first = theirs.as<data_sm_t>().tlv;
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->tag, number);
    EXPECT_EQ(first->length, length);
    // Integers are in the machine's order there, its_session_info among them.
    const bool is_integer = info->kind == smpp::tlv_kind::integer || info->tag == smpp::tag::its_session_info;
    if (is_integer && length == 2) EXPECT_EQ(first->value.val16, load_big<std::uint16_t>(value.data()));
    else if (is_integer && length == 4) EXPECT_EQ(first->value.val32, load_big<std::uint32_t>(value.data()));
    else EXPECT_EQ(std::memcmp(first->value.octet, value.data(), length), 0);
    EXPECT_EQ(to_hex(theirs.pack()), to_hex(ours));
    destroy_tlv(theirs.as<data_sm_t>().tlv);
    ++known;
  }
  EXPECT_EQ(known, 44u);
}
