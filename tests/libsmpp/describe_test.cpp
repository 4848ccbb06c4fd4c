#include "msgkit/smpp/describe.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "msgkit/core/utf.hpp"
#include "support/decode_vector.hpp"
#include "support/sample_pdu.hpp"

namespace msgkit::smpp {
namespace {

std::string json_of(const std::string& vector) {
  const auto octets = test::read_hex("smpp/" + vector + ".hex");
  diagnostics notes;
  const auto decoded = decode(octets, &notes);
  if (!decoded) throw std::runtime_error(decoded.error().code.message());
  return to_json(*decoded, notes);
}

// Just enough of RFC 8259 to tell JSON from something else.
class json_checker {
 public:
  static bool accepts(std::string_view text) {
    json_checker c{text};
    return c.value() && c.rest_.empty();
  }

 private:
  explicit json_checker(std::string_view text) : rest_(text) {}
  bool eat(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  static bool is_escape(char c) { return std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos; }
  bool string() {
    if (!eat("\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) return false;
      if (eat("\\") && (rest_.empty() || !is_escape(rest_[0]))) return false;
      rest_.remove_prefix(1);
    }
    return eat("\"");
  }
  bool sequence(char close, bool with_keys) {
    if (eat({&close, 1})) return true;
    do {
      if (with_keys && !(string() && eat(":"))) return false;
      if (!value()) return false;
    } while (eat(","));
    return eat({&close, 1});
  }
  bool value() {
    if (eat("{")) return sequence('}', true);
    if (eat("[")) return sequence(']', false);
    if (eat("null")) return true;
    if (!rest_.empty() && rest_[0] == '"') return string();
    const auto digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(digits);
    return digits > 0;
  }
  std::string_view rest_;
};

TEST(Describe, WritesASubmit) {
  EXPECT_EQ(json_of("submit_sm_every_field"),
            R"({"command":"submit_sm","command_id":"0x00000004","command_status":0,"command_status_name":"ESME_ROK",)"
            R"("sequence_number":287454020,"service_type":"WAP","source_addr_ton":5,"source_addr_npi":0,)"
            R"("source_addr":"Sender","dest_addr_ton":1,"dest_addr_npi":1,"destination_addr":"447700900123",)"
            R"("esm_class":3,"protocol_id":127,"priority_flag":2,"schedule_delivery_time":"260102030405012+",)"
            R"("validity_period":"000002000000000R","registered_delivery":17,"replace_if_present_flag":1,)"
            R"("data_coding":245,"sm_default_msg_id":7,"sm_length":5,"short_message":"610062ff63","tlvs":[)"
            R"({"tag":"0x0204","name":"user_message_reference","value":4660},)"
            R"({"tag":"0x020c","name":"sar_msg_ref_num","value":48879}],"diagnostics":[]})");
}

TEST(Describe, WritesListsAndElements) {
  EXPECT_EQ(json_of("submit_multi_resp_failures"),
            R"({"command":"submit_multi_resp","command_id":"0x80000021","command_status":0,)"
            R"("command_status_name":"ESME_ROK","sequence_number":13,"message_id":"football","no_unsuccess":2,)"
            R"("unsuccess_sme":[{"dest_addr_ton":38,"dest_addr_npi":33,"destination_addr":"Bob1",)"
            R"("error_status_code":19},{"dest_addr_ton":0,"dest_addr_npi":0,"destination_addr":"Bob2",)"
            R"("error_status_code":20}],"tlvs":[],"diagnostics":[]})");
  EXPECT_THAT(json_of("submit_multi_basic"),
              testing::HasSubstr(R"("dest_address":[{"dest_flag":1,"dest_addr_ton":1,"dest_addr_npi":1,)"
                                 R"("destination_addr":"447700900123"},{"dest_flag":2,"dl_name":"friends"}])"));
}

TEST(Describe, WritesAnUnknownPduAsHex) {
  const auto octets = test::read_hex("smpp/unknown_then_enquire_link.hex");
  EXPECT_EQ(to_json(*decode(octets)),
            R"({"command":null,"command_id":"0x00000110","command_status":0,"command_status_name":"ESME_ROK",)"
            R"("sequence_number":171192039,"body":"0f","diagnostics":[]})");
}

TEST(Describe, WritesUnknownStatusesTagsAndDiagnostics) {
  EXPECT_THAT(json_of("submit_sm_vendor_tlv"),
              testing::HasSubstr(R"("tlvs":[{"tag":"0x1403","name":null,"value":"3338363336"}])"));
  const auto receipt = json_of("deliver_sm_receipt_cut_tlv");
  EXPECT_THAT(receipt, testing::HasSubstr(R"({"tag":"0x001e","name":"receipted_message_id","value":"3005"})"));
  EXPECT_THAT(receipt,
              testing::HasSubstr(R"("diagnostics":[{"field":"tlvs","offset":155,"kind":"truncated_tlv"}])"));
  pdu p{submit_sm_resp{}};
  p.head = {17, command_id::submit_sm_resp, static_cast<command_status>(0x401), 1};
  EXPECT_THAT(to_json(p), testing::HasSubstr(R"("command_status":1025,"command_status_name":"0x00000401")"));
  diagnostics many;
  for (std::size_t i = 0; i < 20; ++i) many.add({"tlvs", i, diagnostic_kind::duplicate_tlv});
  EXPECT_THAT(to_json(p, many), testing::EndsWith(R"("diagnostics_left_out":4})"));
}

TEST(Describe, DecodesTextWithoutItsUserDataHeader) {
  const auto part = json_of("deliver_sm_ucs2_part");
  EXPECT_THAT(part, testing::HasSubstr("\"text\":\"ngh\u1eaf nghi\u00eang nghi\u1ec5ng ng\u1ea3\""));
  EXPECT_THAT(json_of("data_sm_every_field"), testing::HasSubstr(R"("text":"Hi")"));  // from message_payload
  EXPECT_THAT(json_of("deliver_sm_unexpected_tlv"), testing::HasSubstr(R"("text":"hello")"));
  EXPECT_THAT(json_of("submit_sm_message_payload_beside_text"), testing::Not(testing::HasSubstr(R"("text":"test")")));
  EXPECT_THAT(json_of("enquire_link_basic"), testing::Not(testing::HasSubstr("\"text\"")));
  EXPECT_THAT(json_of("submit_sm_every_field"), testing::Not(testing::HasSubstr("\"text\"")));  // binary

  const auto octets = test::read_hex("smpp/deliver_sm_unexpected_tlv.hex");
  EXPECT_THAT(to_json(*decode(octets), {}, {.with_text = false}), testing::Not(testing::HasSubstr("\"text\"")));
}

TEST(Describe, EscapesWhatJsonCannotCarry) {
  pdu p{submit_sm_resp{.message_id = "\"\\\n\r\t\x01\x1f\x7f\xff\xc3\xa9\xed\xa0\x80"}};
  p.head.id = command_id::submit_sm_resp;
  EXPECT_THAT(to_json(p),
              testing::HasSubstr("\"message_id\":\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\\u007f\ufffd\u00e9\ufffd"));
}

TEST(Describe, IsJsonForEveryPdu) {
  test::for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      test::sample_maker samples(seed);
      pdu p{samples.make<Pdu>()};
      p.head = {16, Pdu::id, static_cast<command_status>(samples.below(0x500)), 7};
      const auto json = to_json(p);
      ASSERT_TRUE(json_checker::accepts(json)) << json;
      ASSERT_TRUE(is_valid_utf8(json));
    }
  });
  for (const auto& name : test::list_vectors("smpp")) {
    const auto octets = test::read_hex(name);
    if (const auto decoded = decode(octets)) {
      EXPECT_TRUE(json_checker::accepts(to_json(*decoded))) << name;
    }
  }
}

TEST(Describe, HandsFieldsToASinkInWireOrder) {
  struct names final : field_sink {
    std::vector<std::string> seen;
    void on_number(std::string_view name, std::uint64_t) override { seen.emplace_back(name); }
    void on_text(std::string_view name, std::string_view) override { seen.emplace_back(name); }
    void on_octets(std::string_view name, bytes_view) override { seen.emplace_back(name); }
    void on_list_begin(std::string_view name) override { seen.push_back(std::string(name) + "["); }
    void on_element_begin() override { seen.emplace_back("{"); }
    void on_element_end() override { seen.emplace_back("}"); }
    void on_list_end() override { seen.emplace_back("]"); }
    void on_tlvs(const tlv_list&) override { seen.emplace_back("tlvs"); }
  } sink;
  const auto octets = test::read_hex("smpp/submit_multi_resp_failures.hex");
  describe(*decode(octets), sink);
  EXPECT_EQ(sink.seen, (std::vector<std::string>{
                           "message_id", "no_unsuccess", "unsuccess_sme[",
                           "{", "dest_addr_ton", "dest_addr_npi", "destination_addr", "error_status_code", "}",
                           "{", "dest_addr_ton", "dest_addr_npi", "destination_addr", "error_status_code", "}",
                           "]", "tlvs"}));
}

TEST(Describe, SummarizesWithoutContents) {
  EXPECT_EQ(summary({16, command_id::submit_sm, command_status::ok, 7}), "submit_sm sequence 7");
  EXPECT_EQ(summary({16, command_id::submit_sm_resp, command_status::ok, 7}), "submit_sm_resp ESME_ROK sequence 7");
  EXPECT_EQ(summary({16, command_id::submit_sm_resp, command_status::throttled, 7}),
            "submit_sm_resp ESME_RTHROTTLED sequence 7");
  EXPECT_EQ(summary({16, static_cast<command_id>(0x110), static_cast<command_status>(0x401), 0xffffffff}),
            "command 0x00000110 0x00000401 sequence 4294967295");
}

}  // namespace
}  // namespace msgkit::smpp
