// What goes wrong in a request, where the decoder says so, and the status a message centre answers.
#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

byte_vector encoded(const auto& m) {
  byte_vector octets;
  if (!encode(m, 1, octets, command_status::ok, length_limits::tolerated)) throw std::runtime_error("bad sample");
  return octets;
}

void set_length(byte_vector& octets) { store_big(octets.data(), static_cast<std::uint32_t>(octets.size())); }

struct expectation {
  errc code;
  std::string_view field;
  command_status status;
};

void expect_fault(const byte_vector& octets, const expectation& e) {
  const auto m = decode(octets);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, e.code) << m.error().code.message();
  EXPECT_EQ(m.error().field, e.field);
  EXPECT_EQ(status_for(m.error()), e.status) << status_name(status_for(m.error()));
}

TEST(DecodeErrors, ABodyThatEndsEarlyIsAnInvalidCommandLength) {
  const auto whole = test::read_hex("smpp/submit_sm_every_field.hex");
  const auto message_at = whole.size() - 12 - 5;  // two TLVs of two octets, five octets of text
  for (std::size_t length = header_bytes; length < message_at; ++length) {
    byte_vector octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    set_length(octets);
    const auto m = decode(octets);
    ASSERT_FALSE(m) << length;
    EXPECT_EQ(m.error().code, errc::truncated) << length;
    EXPECT_EQ(status_for(m.error()), command_status::invalid_command_length);
  }
  for (std::size_t length = message_at; length < message_at + 5; ++length) {
    byte_vector octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    set_length(octets);
    expect_fault(octets, {errc::message_too_long, "short_message", command_status::invalid_message_length});
  }
}

TEST(DecodeErrors, ABodyThatIsLongerThanItsFieldsIsATlvStreamOrPadding) {
  auto octets = encoded(submit_sm{.short_message = "hi"});
  for (unsigned padding = 1; padding < 4; ++padding) {
    octets.push_back(0xff);
    set_length(octets);
    diagnostics notes;
    ASSERT_TRUE(decode(octets, &notes)) << padding;
    EXPECT_EQ(test::kinds(notes), std::vector{diagnostic_kind::trailing_octets});
  }
  octets.push_back(0xff);
  set_length(octets);
  expect_fault(octets, {errc::tlv_stream_invalid, "tlvs", command_status::invalid_tlv_stream});
}

TEST(DecodeErrors, AMessageLengthBeyondTheEndIsAnInvalidMessageLength) {
  auto octets = encoded(submit_sm{.short_message = "hi"});
  for (unsigned length = 3; length < 256; ++length) {
    octets[octets.size() - 3] = static_cast<std::uint8_t>(length);
    expect_fault(octets, {errc::message_too_long, "short_message", command_status::invalid_message_length});
  }
  const std::string longest(255, 'x');
  EXPECT_EQ(decode_as<submit_sm>(encoded(submit_sm{.short_message = longest}))->short_message, longest);
}

TEST(DecodeErrors, AUserDataHeaderWithoutRoomIsAnInvalidMessageLength) {
  const auto expect_no_room = [](const auto& m, std::string_view field) {
    expect_fault(encoded(m), {errc::user_data_header_invalid, field, command_status::invalid_message_length});
  };
  expect_no_room(submit_sm{.esm_class = esm::udh_indicator}, "message_payload");
  expect_no_room(submit_sm{.esm_class = esm::udh_indicator, .short_message = "\x05\x00\x03\x01\x02"}, "short_message");
  expect_no_room(submit_sm{.esm_class = esm::udh_indicator, .short_message = "\xff"}, "short_message");
  tlv_builder payload;
  ASSERT_TRUE(payload.add(tag::message_payload, as_bytes("\x03hi")));
  expect_no_room(submit_sm{.esm_class = esm::udh_indicator, .tlvs = payload.list()}, "message_payload");
  expect_no_room(data_sm{.esm_class = esm::udh_indicator, .tlvs = payload.list()}, "message_payload");
  expect_no_room(data_sm{.esm_class = esm::udh_indicator}, "message_payload");

  tlv_builder fits;
  ASSERT_TRUE(fits.add(tag::message_payload, as_bytes("\x02hi")));
  EXPECT_TRUE(decode(encoded(submit_sm{.esm_class = esm::udh_indicator, .tlvs = fits.list()})));
  EXPECT_TRUE(decode(encoded(submit_sm{.esm_class = esm::udh_indicator, .short_message = "\x02hi"})));
}

TEST(DecodeErrors, AStringWithoutNulNamesItsField) {
  const std::string x(60, 'x');
  const auto source = expectation{errc::missing_terminator, "source_addr", command_status::invalid_source_address};
  const auto destination =
      expectation{errc::missing_terminator, "destination_addr", command_status::invalid_destination_address};
  const auto long_21 = std::string_view(x).substr(0, 21);
  expect_fault(encoded(submit_sm{.source_addr = long_21}), source);
  expect_fault(encoded(submit_sm{.destination_addr = long_21}), destination);
  expect_fault(encoded(query_sm{.source_addr = long_21}), source);
  expect_fault(encoded(replace_sm{.source_addr = long_21}), source);
  expect_fault(encoded(cancel_sm{.destination_addr = long_21}), destination);
  expect_fault(encoded(broadcast_sm{.source_addr = long_21}), source);
  expect_fault(encoded(submit_sm{.service_type = "123456"}),
               {errc::missing_terminator, "service_type", command_status::invalid_service_type});
  expect_fault(encoded(submit_sm{.schedule_delivery_time = std::string_view(x).substr(0, 17)}),
               {errc::missing_terminator, "schedule_delivery_time", command_status::invalid_schedule});
  expect_fault(encoded(submit_sm{.validity_period = std::string_view(x).substr(0, 17)}),
               {errc::missing_terminator, "validity_period", command_status::invalid_expiry});
  const std::string long_65(65, 'x');
  expect_fault(encoded(query_sm{.message_id = long_65}),
               {errc::missing_terminator, "message_id", command_status::invalid_message_id});
  expect_fault(encoded(data_sm{.source_addr = long_65}), source);
  expect_fault(encoded(data_sm{.destination_addr = long_65}), destination);
}

TEST(DecodeErrors, ATimeOfAnotherLengthNamesItsField) {
  expect_fault(encoded(submit_sm{.schedule_delivery_time = "2601020304"}),
               {errc::invalid_time_length, "schedule_delivery_time", command_status::invalid_schedule});
  expect_fault(encoded(submit_sm{.validity_period = "1"}),
               {errc::invalid_time_length, "validity_period", command_status::invalid_expiry});
}

TEST(DecodeErrors, ADistributionListNameWithoutNulNamesItsField) {
  auto octets = test::read_hex("smpp/submit_multi_basic.hex");
  const auto friends = std::search(octets.begin(), octets.end(), std::begin("friends"), std::end("friends") - 1);
  octets.insert(friends, 20, 'x');
  set_length(octets);
  expect_fault(octets, {errc::missing_terminator, "dl_name", command_status::invalid_distribution_list_name});
}

TEST(DecodeErrors, AFieldWithoutAStatusOfItsOwnIsAnInvalidParameterLength) {
  EXPECT_EQ(status_for({make_error_code(errc::missing_terminator), "esme_addr"}), command_status::invalid_tlv_length);
  EXPECT_EQ(status_for({make_error_code(errc::command_unknown), "command_id", 4}), command_status::invalid_command_id);
  EXPECT_EQ(status_for({make_error_code(command_status::throttled)}), command_status::throttled);
}

TEST(DecodeErrors, ATlvBeyondTheEndIsAnInvalidTlvStream) {
  tlv_builder two;
  two.add_u16(tag::user_message_reference, 7).add_cstring(tag::additional_status_info_text, "abc");
  const auto whole = encoded(submit_sm{.tlvs = two.list()});
  for (std::size_t missing = 1; missing <= 4; ++missing) {
    byte_vector octets(whole.begin(), whole.end() - static_cast<std::ptrdiff_t>(missing));
    set_length(octets);
    const auto m = decode(octets);
    ASSERT_FALSE(m);
    EXPECT_EQ(m.error().code, errc::tlv_stream_invalid);
    EXPECT_EQ(m.error().offset, whole.size() - 8);
    EXPECT_EQ(status_for(m.error()), command_status::invalid_tlv_stream);
  }
}

TEST(DecodeErrors, RepeatedAndOddTlvsAreKeptAndNoted) {
  tlv_builder many;
  many.add_u8(tag::sar_total_segments, 3).add_u8(tag::sar_total_segments, 4);                // the first counts
  many.add_u8(tag::callback_num_pres_ind, 1).add_u8(tag::callback_num_pres_ind, 2);          // may repeat
  many.add_u8(tag::user_message_reference, 1);                                               // two octets by rights
  many.add_u32(static_cast<tag>(0x1401), 0xdeadbeef).add_u32(static_cast<tag>(0xffff), 1);   // nobody's
  const auto octets = encoded(submit_sm{.tlvs = many.list()});
  diagnostics notes;
  const auto m = decode_as<submit_sm>(octets, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->tlvs, many.list());
  EXPECT_EQ(m->tlvs.find_integer(tag::sar_total_segments), 3u);
  ASSERT_EQ(test::kinds(notes), (std::vector{diagnostic_kind::duplicate_tlv, diagnostic_kind::tlv_wrong_length}));
  EXPECT_EQ(notes.kept()[0].field, "sar_total_segments");
  EXPECT_EQ(notes.kept()[0].offset, 33u + 5u);
  EXPECT_EQ(notes.kept()[1].field, "user_message_reference");
}

}  // namespace
}  // namespace msgkit::smpp
