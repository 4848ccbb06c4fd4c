// The tables of names and texts: statuses, faults, diagnostics, commands.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {
namespace {

TEST(Status, KnowsAllOfTheSpecification) {
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (std::uint32_t value = 0; value < 0x600; ++value) {
    const auto* info = find_status(static_cast<command_status>(value));
    if (info == nullptr) continue;
    EXPECT_EQ(static_cast<std::uint32_t>(info->status), value);
    EXPECT_TRUE(info->name.starts_with("ESME_R")) << info->name;
    EXPECT_TRUE(names.insert(info->name).second) << info->name;
    EXPECT_TRUE(texts.insert(info->text).second) << info->text;
    EXPECT_EQ(status_name(info->status), info->name);
  }
  EXPECT_EQ(names.size(), 48u + 19u);
}

TEST(Status, SpellsTheOnesThatMatterMost) {
  EXPECT_EQ(status_name(command_status::ok), "ESME_ROK");
  EXPECT_EQ(status_name(static_cast<command_status>(0x58)), "ESME_RTHROTTLED");
  EXPECT_EQ(status_name(static_cast<command_status>(0xC4)), "ESME_RINVTLVVAL");
  EXPECT_EQ(status_name(static_cast<command_status>(0x112)), "ESME_RINVBCASTCHANIND");
  EXPECT_EQ(status_name(static_cast<command_status>(0x400)), "0x00000400");
  EXPECT_EQ(status_name(static_cast<command_status>(0xffffffff)), "0xFFFFFFFF");
}

TEST(Status, IsTemporaryOnlyWhereALaterTryMaySucceed) {
  std::set<std::uint32_t> temporary;
  for (std::uint32_t value = 0; value < 0x600; ++value)
    if (is_temporary(static_cast<command_status>(value))) temporary.insert(value);
  EXPECT_EQ(temporary, (std::set<std::uint32_t>{0x08, 0x14, 0x58, 0x64}));
}

TEST(Status, IsAnErrorCodeOfItsOwnCategory) {
  const std::error_code ok = command_status::ok;
  EXPECT_FALSE(ok);
  const std::error_code throttled = command_status::throttled;
  EXPECT_TRUE(throttled);
  EXPECT_EQ(throttled.category(), status_category());
  EXPECT_EQ(throttled.message(), "ESME_RTHROTTLED: throttled: over the allowed rate");
  EXPECT_EQ(make_error_code(static_cast<command_status>(0x401)).message(), "0x00000401");
  EXPECT_NE(throttled, make_error_code(static_cast<errc>(0x58)));
}

TEST(Errc, EveryOneHasATextOfItsOwn) {
  std::set<std::string> texts;
  const auto collect = [&](errc first, errc last) {
    for (int value = static_cast<int>(first); value <= static_cast<int>(last); ++value) {
      const auto text = smpp_category().message(value);
      EXPECT_FALSE(text.starts_with("unknown error")) << value;
      EXPECT_TRUE(texts.insert(text).second) << text;
    }
  };
  collect(errc::command_length_invalid, errc::value_out_of_range);
  collect(errc::window_full, errc::pdu_too_long);
  EXPECT_EQ(smpp_category().message(99), "unknown error 99");
  EXPECT_STREQ(smpp_category().name(), "smpp");
}

TEST(Diagnostics, EveryKindHasAName) {
  std::set<std::string_view> names;
  const auto last = static_cast<unsigned>(diagnostic_kind::status_in_request);
  for (unsigned kind = 0; kind <= last; ++kind)
    EXPECT_TRUE(names.insert(to_string(static_cast<diagnostic_kind>(kind))).second);
  EXPECT_EQ(names.count("unknown"), 0u);
  EXPECT_EQ(to_string(static_cast<diagnostic_kind>(last + 1)), "unknown");
}

TEST(Diagnostics, KeepsTheFirstSixteenAndCountsAll) {
  diagnostics notes;
  for (std::size_t i = 0; i < 100; ++i) notes.add({"tlvs", i, diagnostic_kind::duplicate_tlv});
  EXPECT_EQ(notes.count(), 100u);
  ASSERT_EQ(notes.kept().size(), 16u);
  EXPECT_EQ(notes.kept()[15].offset, 15u);
  notes.clear();
  EXPECT_TRUE(notes.kept().empty());
}

TEST(Command, NamesRequestsAndResponses) {
  EXPECT_EQ(command_name(command_id::submit_sm), "submit_sm");
  EXPECT_EQ(command_name(command_id::submit_sm_resp), "submit_sm_resp");
  EXPECT_EQ(command_name(command_id::query_broadcast_sm_resp), "query_broadcast_sm_resp");
  EXPECT_EQ(command_name(command_id::generic_nack), "generic_nack");
  EXPECT_EQ(command_name(command_id::outbind), "outbind");
  EXPECT_EQ(command_name(response_to(command_id::outbind)), "");
  EXPECT_EQ(command_name(static_cast<command_id>(0x110)), "");
  EXPECT_EQ(command_name(static_cast<command_id>(0)), "");
}

TEST(Command, TableFollowsTheOperationMatrix) {
  const auto esme = [](command_id id, session_state s) { return (find_command(id)->esme_states & in(s)) != 0; };
  const auto mc = [](command_id id, session_state s) { return (find_command(id)->mc_states & in(s)) != 0; };
  EXPECT_TRUE(esme(command_id::submit_sm, session_state::bound_tx));
  EXPECT_FALSE(esme(command_id::submit_sm, session_state::bound_rx));
  EXPECT_TRUE(esme(command_id::submit_sm, session_state::bound_trx));
  EXPECT_FALSE(mc(command_id::submit_sm, session_state::bound_trx));
  EXPECT_TRUE(mc(command_id::deliver_sm, session_state::bound_rx));
  EXPECT_FALSE(mc(command_id::deliver_sm, session_state::bound_tx));
  EXPECT_FALSE(esme(command_id::deliver_sm, session_state::bound_trx));
  EXPECT_TRUE(esme(command_id::bind_transceiver, session_state::open));
  EXPECT_TRUE(esme(command_id::bind_transceiver, session_state::outbound));
  EXPECT_FALSE(esme(command_id::bind_transceiver, session_state::bound_trx));
  EXPECT_TRUE(mc(command_id::outbind, session_state::open));
  EXPECT_FALSE(mc(command_id::outbind, session_state::bound_rx));
  EXPECT_TRUE(mc(command_id::data_sm, session_state::bound_tx));
  EXPECT_TRUE(esme(command_id::data_sm, session_state::bound_tx));
  EXPECT_FALSE(esme(command_id::data_sm, session_state::bound_rx));
  EXPECT_TRUE(esme(command_id::enquire_link, session_state::open));
  EXPECT_TRUE(mc(command_id::enquire_link, session_state::unbound));
  EXPECT_FALSE(esme(command_id::unbind, session_state::open));
  EXPECT_TRUE(mc(command_id::alert_notification, session_state::bound_rx));
  EXPECT_EQ(find_command(command_id::generic_nack), nullptr);
  EXPECT_EQ(find_command(command_id::submit_sm_resp), find_command(command_id::submit_sm));
}

TEST(Header, ReadsWhatItWrites) {
  std::uint8_t octets[header_bytes];
  const header h{16, command_id::submit_sm_resp, command_status::throttled, 0x80000001};
  write_header(h, octets);
  EXPECT_EQ(read_header(octets), h);
  EXPECT_EQ(octets[15], 1);
  EXPECT_EQ(octets[11], 0x58);
}

}  // namespace
}  // namespace msgkit::smpp
