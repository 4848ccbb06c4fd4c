#include "msgkit/goip/codec.hpp"

#include <gtest/gtest.h>

namespace msgkit::goip {
namespace {

template <class T>
T parse(std::string_view datagram, diagnostics* notes = nullptr) {
  const auto m = parse_from_device(as_bytes(datagram), notes);
  if (!m) throw std::runtime_error(std::string(datagram) + ": " + m.error().code.message());
  return std::get<T>(*m);
}
template <class T>
T parse_server(std::string_view datagram) {
  const auto m = parse_from_server(as_bytes(datagram));
  if (!m) throw std::runtime_error(std::string(datagram) + ": " + m.error().code.message());
  return std::get<T>(*m);
}
fault fault_of(std::string_view datagram) {
  const auto m = parse_from_device(as_bytes(datagram));
  return m ? fault{} : m.error();
}
template <class Message>
std::string said(const Message& m) {
  byte_vector out;
  if (const auto done = encode(m, out); !done) return "error: " + std::string(done.error().field);
  return std::string(as_text(out));
}
std::string said_by_device(const device_message& m) { return said(m); }
std::string said_by_server(const server_message& m) { return said(m); }

TEST(GoipKeepalive, EveryFieldIsReadByName) {
  const auto m = parse<keepalive>(
      "req:27;id:gw1;pass:pw;num:+3725;signal:29;gsm_status:LOGIN;voip_status:LOGOUT;voip_state:DIALING:123;"
      "remain_time:-1;imei:86;imsi:26;iccid:89;pro:POL 2;idle:11;disable_status:0;SMS_LOGIN:N;SMB_LOGIN:;"
      "CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;s_l_id:4;");
  EXPECT_EQ(m.number, "27");
  EXPECT_EQ(m.id, "gw1");
  EXPECT_EQ(m.password, "pw");
  EXPECT_EQ(m.msisdn, "+3725");
  EXPECT_EQ(m.signal, 29);
  EXPECT_EQ(m.gsm_status, "LOGIN");
  EXPECT_EQ(m.voip_status, "LOGOUT");
  EXPECT_EQ(m.voip_state, "DIALING:123");
  EXPECT_EQ(m.remain_time, -1);
  EXPECT_EQ(m.imei, "86");
  EXPECT_EQ(m.imsi, "26");
  EXPECT_EQ(m.iccid, "89");
  EXPECT_EQ(m.provider, "POL 2");
  EXPECT_EQ(m.idle, 11);
  EXPECT_EQ(m.module_disabled, false);
  EXPECT_EQ(m.sms_login, false);
  EXPECT_EQ(m.smb_login, std::nullopt);
  EXPECT_EQ(m.cell_info, "LAC:7E5,CELL ID:5E5B");
  EXPECT_EQ(m.gprs_attached, true);
  EXPECT_EQ(m.others.find("s_l_id"), "4");
}

TEST(GoipKeepalive, FieldsMayComeInAnyOrderAndWithoutTheLastSemicolon) {
  const auto m = parse<keepalive>("req:1;signal:7;password:pw;id:g1;gsm_status:LOGIN\r\n");
  EXPECT_EQ(m.id, "g1");
  EXPECT_EQ(m.password, "pw");
  EXPECT_EQ(m.signal, 7);
  EXPECT_EQ(m.gsm_status, "LOGIN");
}

TEST(GoipKeepalive, MarksForNothingAreNothing) {
  const auto m = parse<keepalive>("req:1;id:g1;pass:pw;num:(null);pro:<NULL>;signal:;imei:;");
  EXPECT_EQ(m.msisdn, "");
  EXPECT_EQ(m.provider, "");
  EXPECT_EQ(m.signal, std::nullopt);
}

TEST(GoipKeepalive, AnUnreadableValueIsLeftOutAndNoted) {
  diagnostics notes;
  const auto m = parse<keepalive>("req:1;id:g1;pass:pw;signal:abc;idle:99999999999;CGATT:maybe;", &notes);
  EXPECT_EQ(m.signal, std::nullopt);
  EXPECT_EQ(m.idle, std::nullopt);
  ASSERT_EQ(notes.count(), 3u);
  EXPECT_EQ(notes.kept()[0].field, "signal");
  EXPECT_EQ(notes.kept()[0].kind, diagnostic_kind::invalid_value);
}

TEST(GoipNotification, TheTextBeginsAtTheFirstMarkAndEndsWithTheDatagram) {
  const auto m = parse<receive_sms>("RECEIVE:7;id:g1;password:pw;srcnum:+1;smscnum:+2;msg:a;b:c;id:g2;msg:z\n\n");
  EXPECT_EQ(m.id, "g1");
  EXPECT_EQ(m.source, "+1");
  EXPECT_EQ(m.smsc, "+2");
  EXPECT_EQ(m.text, "a;b:c;id:g2;msg:z\n");
}

TEST(GoipNotification, TheFirstOfRepeatedFieldsCounts) {
  diagnostics notes;
  const auto m = parse<receive_sms>("RECEIVE:15;id:g1;id:g2;password:pw;pass:other;srcnum:+1;msg:x", &notes);
  EXPECT_EQ(m.id, "g1");
  EXPECT_EQ(m.password, "pw");
  ASSERT_EQ(notes.count(), 2u);
  EXPECT_EQ(notes.kept()[0].kind, diagnostic_kind::duplicate_field);
}

TEST(GoipNotification, TheCauseOfAHangupIsInsideTheNumber) {
  const auto m = parse<call_hangup>("HANGUP:1;id:g1;password:pw;num:+3725,cause:\"Normal call clearing");
  EXPECT_EQ(m.remote, "+3725");
  EXPECT_EQ(m.cause, "Normal call clearing");
  EXPECT_EQ(parse<call_hangup>("HANGUP:1;id:g1;password:pw;num:,cause:x").remote, "");
  EXPECT_EQ(parse<call_hangup>("HANGUP:1;id:g1;password:pw;num:+1").cause, "");
}

TEST(GoipNotification, WhatIsMissingOrTooLongHasAName) {
  EXPECT_EQ(fault_of("RECEIVE:14;id:g1;password:pw;srcnum:+1").field, "msg");
  EXPECT_EQ(fault_of("req:1;pass:pw;").field, "id");
  EXPECT_EQ(fault_of("req:1;id:" + std::string(65, 'x') + ";pass:pw;").code, errc::field_too_long);
  EXPECT_EQ(fault_of("req:1;id:g1;pass:" + std::string(65, 'x') + ";").field, "password");
  EXPECT_EQ(fault_of("req:1;id:a\x1b;pass:x;").code, errc::forbidden_character);
  EXPECT_EQ(fault_of("req:1;id:a\x1b;pass:x;").offset, 9u);
  EXPECT_EQ(fault_of("receive:1;id:g1;password:pw;msg:x").code, errc::unknown_verb);
  EXPECT_EQ(fault_of("req:;id:g1;").code, errc::invalid_number);
  EXPECT_EQ(fault_of("req:1x;id:g1;").code, errc::invalid_number);
  EXPECT_EQ(fault_of("").code, errc::no_verb);
  EXPECT_EQ(fault_of(std::string(5000, 'A')).code, errc::oversize);
}

TEST(GoipNotification, LongFieldsAreCutNotRefused) {
  diagnostics notes;
  const auto m = parse<receive_sms>("RECEIVE:1;id:g1;password:pw;srcnum:" + std::string(80, '1') + ";msg:x", &notes);
  EXPECT_EQ(m.source.size(), number_bytes_max);
  EXPECT_EQ(notes.kept()[0].kind, diagnostic_kind::field_too_long);
}

TEST(GoipNotification, UnknownVerbsKeepTheirFields) {
  const auto m = parse<other_notification>("FOOBAR:9;id:g1;password:pw;x:y;msg:a;b");
  EXPECT_EQ(m.verb_text, "FOOBAR");
  EXPECT_EQ(m.others.find("x"), "y");
  EXPECT_EQ(m.text, "a;b");
  EXPECT_EQ(said_by_device(m), "FOOBAR:9;id:g1;password:pw;x:y;msg:a;b");
}

TEST(GoipSession, RepliesAreReadWithAndWithoutLineEnd) {
  EXPECT_EQ(parse<password_request>("PASSWORD 11\n").send_id, 11u);
  EXPECT_EQ(parse<send_request>("SEND 11").send_id, 11u);
  EXPECT_EQ(parse<send_wait>(std::string_view("WAIT 11 1\r\n\0", 12)).recipient, 1u);
  EXPECT_EQ(parse<send_ok>("OK 11 1 32\n").sms_no, 32u);
  EXPECT_EQ(parse<send_ok>("OK 11 1\n").sms_no, std::nullopt);
  EXPECT_EQ(parse<send_ok>("OK 11 1 \n").sms_no, std::nullopt);
  EXPECT_EQ(parse<session_done>("DONE 11").send_id, 11u);
  EXPECT_EQ(parse<error_reply>("ERROR 11 1 errorstatus:38\n").message, "1 errorstatus:38");
  EXPECT_EQ(parse<ussd_reply>("USSD 111 Your balance\nis 5").text, "Your balance\nis 5");
  EXPECT_EQ(parse<ussd_error>("USSDERROR 111 timeout").message, "timeout");
  EXPECT_EQ(parse<ussd_exit>("USSDEXIT 111").send_id, 111u);
  EXPECT_EQ(parse<command_reply>("get_gsm_num 879901 13800138000").text, "13800138000");
}

TEST(GoipSession, NumbersOfConversationsFit31Bits) {
  EXPECT_EQ(fault_of("OK 2147483648 1").code, errc::invalid_number);
  EXPECT_EQ(fault_of("OK -1 1").code, errc::invalid_number);
  EXPECT_EQ(parse<send_ok>("OK 2147483647 1").send_id, 2147483647u);
  EXPECT_EQ(fault_of("WAIT 1").code, errc::invalid_number);
  EXPECT_EQ(fault_of("WAIT 1 2 3").code, errc::forbidden_character);
}

TEST(GoipSession, ErrorsSayWhatTheyConcern) {
  EXPECT_EQ(split_error("SENDID").subject, error_subject::session);
  EXPECT_EQ(split_error("GSM_LOGOUT").subject, error_subject::logged_out);
  EXPECT_EQ(split_error("PASSWORD").subject, error_subject::password);
  EXPECT_EQ(split_error("too many sessions").subject, error_subject::other);
  const auto words = split_error("3 errorstatus:38");
  EXPECT_EQ(words.subject, error_subject::recipient);
  EXPECT_EQ(words.recipient, 3u);
  EXPECT_EQ(words.status, 38);
  EXPECT_EQ(split_error("1").status, std::nullopt);
  EXPECT_EQ(split_error("1 GSM_LOGOUT").subject, error_subject::logged_out);
}

TEST(GoipSession, TheServersSideIsWrittenCanonically) {
  EXPECT_EQ(said_by_server(open_session{11, "hello"}), "MSG 11 5 hello\n");
  EXPECT_EQ(said_by_server(open_session{12, "a\nb"}), "MSG 12 3 a\nb\n");
  EXPECT_EQ(said_by_server(open_session{12, "\xD0\x9F"}), "MSG 12 2 \xD0\x9F\n");  // octets, not characters
  EXPECT_EQ(said_by_server(session_password{11, "pw"}), "PASSWORD 11 pw\n");
  EXPECT_EQ(said_by_server(send_recipient{11, 1, "+861"}), "SEND 11 1 +861\n");
  EXPECT_EQ(said_by_server(single_sms{11, 1, "pw", "+861", "a b"}), "SMS 11 1 pw +861 a b");
  EXPECT_EQ(said_by_server(ussd_request{111, "pw", "*100#"}), "USSD 111 pw *100#");
  EXPECT_EQ(said_by_server(ussd_exit_request{111, "pw"}), "USSDEXIT 111 pw");
  EXPECT_EQ(said_by_server(session_done{111}), "DONE 111\n");
  EXPECT_EQ(said_by_server(acknowledgement{"RECEIVE", "-5", verdict::ok, {}}), "RECEIVE -5 OK");
  EXPECT_EQ(said_by_server(acknowledgement{"RECEIVE", "5", verdict::error, "no"}), "RECEIVE 5 ERROR no");
}

TEST(GoipSession, WhatWouldShiftTheFieldsIsNotWritten) {
  EXPECT_EQ(said_by_server(send_recipient{11, 1, "+1 2"}), "error: number");
  EXPECT_EQ(said_by_server(send_recipient{11, 1, "+1\nDONE 11"}), "error: number");
  EXPECT_EQ(said_by_server(session_password{11, "p w"}), "error: password");
  EXPECT_EQ(said_by_server(open_session{1, std::string(3001, 'x')}), "error: text");
  receive_sms m;
  m.number = "1";
  m.id = "g1";
  m.source = "1;id:g2";
  EXPECT_EQ(said_by_device(m), "error: srcnum");
}

TEST(GoipSession, ADeviceReadsWhatTheServerWrites) {
  EXPECT_EQ(parse_server<open_session>("MSG 12 3 a\nb\n").text, "a\nb");
  EXPECT_EQ(parse_server<open_session>("MSG 12 2 a\n").text, "a\n");  // its own line feed, and none behind it
  EXPECT_EQ(parse_server<send_recipient>("SEND 11 1 +861\n").destination, "+861");
  EXPECT_EQ(parse_server<single_sms>("SMS 11 1 pw +861 a b").text, "a b");
  EXPECT_EQ(parse_server<registration_reply>("reg:5;status:200;v:1;").status, 200);
  EXPECT_EQ(parse_server<acknowledgement>("RECEIVE -5 OK\n").number, "-5");
  EXPECT_EQ(parse_server<acknowledgement>("FOOBAR 5 ERROR not this id").message, "not this id");
  EXPECT_EQ(parse_server<acknowledgement>("STATE 5 DISABLE").verdict, verdict::disable);
  EXPECT_EQ(parse_server<command_request>("CF 7 pw 2 3 +372 20").arguments[3], "20");
  EXPECT_FALSE(parse_from_server(as_bytes("MSG 12 9 short\n")));
  EXPECT_FALSE(parse_from_server(as_bytes("MSG 12 2 long\n")));
}

}  // namespace
}  // namespace msgkit::goip
