#include "msgkit/goip/command.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "msgkit/goip/codec.hpp"

namespace msgkit::goip {
namespace {

// An argument that fits its description.
std::string sample(const argument_info& a) {
  switch (a.kind) {
    case argument_kind::integer: return std::to_string(a.high > 9 ? 9 : a.high);
    case argument_kind::number: return "+372";
    case argument_kind::digits:
    case argument_kind::word: break;
  }
  return std::string(static_cast<std::size_t>(a.low), '1');
}

TEST(GoipCommand, EveryRowOfTheTableIsWrittenAndReadAgain) {
  for (const auto& info : command_table()) {
    std::array<std::string, command_arguments_max> samples;
    command_request m{.what = info.what, .send_id = 7, .password = "pw"};
    for (std::size_t i = 0; i < info.argument_count; ++i) m.arguments[i] = samples[i] = sample(info.arguments[i]);
    byte_vector out;
    ASSERT_TRUE(encode(server_message{m}, out)) << info.verb;
    const auto read = parse_from_server(out);
    ASSERT_TRUE(read) << as_text(out);
    const auto& again = std::get<command_request>(*read);
    EXPECT_EQ(again.what, info.what);
    EXPECT_EQ(again.password, "pw");
    EXPECT_EQ(again.arguments, m.arguments);
  }
}

TEST(GoipCommand, VerbsAreUnique) {
  std::set<std::string_view> verbs;
  for (const auto& info : command_table()) EXPECT_TRUE(verbs.insert(info.verb).second) << info.verb;
  EXPECT_EQ(find_command("get_imei")->what, command::get_imei);
  EXPECT_EQ(find_command("START"), nullptr);  // the vendor's internal messages are not ours
}

TEST(GoipCommand, ThePasswordStandsWhereTheDeviceExpectsIt) {
  const auto said = [](command what, std::array<std::string_view, command_arguments_max> arguments) {
    byte_vector out;
    (void)encode(server_message{command_request{what, 7, "pw", arguments}}, out);
    return std::string(as_text(out));
  };
  EXPECT_EQ(said(command::get_gsm_num, {}), "get_gsm_num 7 pw");
  EXPECT_EQ(said(command::set_gsm_num, {"+372"}), "set_gsm_num 7 +372 pw");
  EXPECT_EQ(said(command::call_forward, {"2", "3", "+372555", "20"}), "CF 7 pw 2 3 +372555 20");
  EXPECT_EQ(said(command::gsm_info, {}), "GSM 7 pw");
}

TEST(GoipCommand, ArgumentsAreChecked) {
  const auto check = [](command what, std::vector<std::string_view> arguments) {
    const auto done = check_arguments(info_of(what), arguments);
    return done ? "" : std::string(done.error().field);
  };
  EXPECT_EQ(check(command::get_gsm_num, {}), "");
  EXPECT_EQ(check(command::get_gsm_num, {"x"}), "arguments");
  EXPECT_EQ(check(command::set_gsm_num, {}), "number");
  EXPECT_EQ(check(command::set_gsm_num, {"12 34"}), "number");
  EXPECT_EQ(check(command::set_imei, {"12345678901234"}), "imei");
  EXPECT_EQ(check(command::call_forward, {"9", "3", "1", "20"}), "reason");
  EXPECT_EQ(check(command::call_forward, {"2", "3", "1", "x"}), "seconds");
  EXPECT_EQ(check(command::at_command, {"AT+CSQ pw"}), "command");
  EXPECT_EQ(check(command::status_flag, {"2"}), "value");
}

TEST(GoipCommand, AnswersAreReadByTheirForm) {
  const auto read = [](command what, std::string_view verb, std::string_view text) {
    return read_reply(info_of(what), {verb, 7, text});
  };
  EXPECT_EQ(read(command::get_gsm_num, "get_gsm_num", "138").value, "138");
  EXPECT_EQ(read(command::set_gsm_num, "set_gsm_num", "138 ok").value, "138");
  EXPECT_EQ(read(command::reboot_module, "svr_reboot_module", "OK").kind, reply_kind::ok);
  EXPECT_EQ(read(command::reboot_module, "svr_reboot_module", "busy").kind, reply_kind::refused);
  EXPECT_EQ(read(command::call_forward, "CFOK", "").kind, reply_kind::ok);
  EXPECT_EQ(read(command::call_forward, "CFSTATE", "1 +372").value, "1 +372");
  EXPECT_EQ(read(command::call_forward, "CFERROR", "x").kind, reply_kind::refused);
  EXPECT_EQ(read(command::gsm_info, "GSMERROR", "x").kind, reply_kind::refused);
  EXPECT_EQ(read(command::get_imei, "ERROR", "bad").value, "bad");
  EXPECT_EQ(read(command::get_imei, "get_gsm_num", "138").kind, reply_kind::unrelated);
}

}  // namespace
}  // namespace msgkit::goip
