// What a session does when the peer, the network or time misbehaves.
#include "session_pair.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

byte_vector octets(std::string_view hex) { return *from_hex(hex); }

byte_vector submit_octets(std::uint32_t sequence) {
  byte_vector out;
  EXPECT_TRUE(encode(submit_sm{.destination_addr = "1", .short_message = "x"}, sequence, out));
  return out;
}

}  // namespace

TEST(SessionLimits, NacksAndClosesOnALengthBelowSixteen) {
  for (const auto* hex : {"00000000", "00000001", "0000000f", "0000000f00000004000000000000000100"}) {
    pair p;
    p.bind();
    const auto events = feed(p.mc, octets(hex), p.now);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, event_kind::closed);
    EXPECT_EQ(events[0].reason, errc::command_length_invalid);
    const auto answer = headers(p.mc.output());
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].id, command_id::generic_nack);
    EXPECT_EQ(answer[0].status, command_status::invalid_command_length);
    EXPECT_EQ(answer[0].sequence, 0u);
  }
}

TEST(SessionLimits, ClosesOnALengthAboveTheLimitBeforeTheBodyArrives) {
  pair p;
  p.bind();
  const auto events = feed(p.mc, octets("7fffffff000000040000000000000001"), p.now);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason, errc::command_length_invalid);
  EXPECT_EQ(headers(p.mc.output()).at(0).status, command_status::invalid_command_length);
}

TEST(SessionLimits, CutsHttpTlsAndNoiseWithinOneRead) {
  for (const std::string_view noise : {std::string_view("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                                       std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
                                       std::string_view("\xff\xfe\xfd\xfc\xfb", 5)}) {
    pair p;
    const auto events = feed(p.mc, as_bytes(noise), p.now);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, event_kind::closed);
  }
}

TEST(SessionLimits, AnswersAnUndecodableBodyAndStaysBound) {
  pair p;
  p.bind();
  auto broken = submit_octets(7);
  broken.resize(broken.size() - 3);
  store_big(broken.data(), static_cast<std::uint32_t>(broken.size()));
  EXPECT_TRUE(feed(p.mc, broken, p.now).empty());
  const auto answer = headers(p.mc.output()).at(0);
  EXPECT_EQ(answer.id, command_id::submit_sm_resp);
  EXPECT_EQ(answer.sequence, 7u);
  EXPECT_NE(answer.status, command_status::ok);
  EXPECT_TRUE(p.mc.is_bound());
  EXPECT_EQ(feed(p.mc, submit_octets(8), p.now).size(), 1u);
}

TEST(SessionLimits, RefusesASubmitBeforeTheBindAndCloses) {
  pair p;
  const auto events = feed(p.mc, submit_octets(1), p.now);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, event_kind::closed);
  EXPECT_EQ(headers(p.mc.output()).at(0).status, command_status::invalid_bind_status);
}

TEST(SessionLimits, AnswersASecondBindWithAlreadyBound) {
  pair p;
  p.bind();
  byte_vector again;
  ASSERT_TRUE(encode(bind_transceiver{.system_id = "esme"}, 9, again));
  EXPECT_TRUE(feed(p.mc, again, p.now).empty());
  const auto answer = headers(p.mc.output()).at(0);
  EXPECT_EQ(answer.id, command_id::bind_transceiver_resp);
  EXPECT_EQ(answer.status, command_status::already_bound);
  EXPECT_TRUE(p.mc.is_bound());
}

TEST(SessionLimits, RefusesTheWrongDirectionAndStaysBound) {
  pair receiver;
  receiver.bind(bind_mode::receiver);
  EXPECT_TRUE(feed(receiver.mc, submit_octets(4), receiver.now).empty());
  EXPECT_EQ(headers(receiver.mc.output()).at(0).status, command_status::invalid_bind_status);
  EXPECT_TRUE(receiver.mc.is_bound());
  EXPECT_EQ(receiver.esme.request(submit_sm{}, receiver.now).error().code, errc::state_forbids);

  pair transmitter;
  transmitter.bind(bind_mode::transmitter);
  EXPECT_EQ(transmitter.mc.request(deliver_sm{}, transmitter.now).error().code, errc::state_forbids);
  byte_vector deliver;
  ASSERT_TRUE(encode(deliver_sm{}, 5, deliver));
  EXPECT_TRUE(feed(transmitter.esme, deliver, transmitter.now).empty());
  EXPECT_EQ(headers(transmitter.esme.output()).at(0).status, command_status::invalid_bind_status);
}

TEST(SessionLimits, NacksAnUnknownCommandWithItsSequence) {
  pair p;
  p.bind();
  EXPECT_TRUE(feed(p.mc, octets("0000001100000110000000000a342ee70f"), p.now).empty());
  const auto answer = headers(p.mc.output()).at(0);
  EXPECT_EQ(answer.id, command_id::generic_nack);
  EXPECT_EQ(answer.status, command_status::invalid_command_id);
  EXPECT_EQ(answer.sequence, 0x0a342ee7u);
  EXPECT_TRUE(p.mc.is_bound());
}

TEST(SessionLimits, IgnoresResponsesNobodyAskedFor) {
  pair p;
  p.bind();
  const auto sequence = p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.cookie = 1});
  byte_vector wrong;
  ASSERT_TRUE(encode(submit_sm_resp{.message_id = "x"}, *sequence + 1, wrong));     // unknown sequence
  ASSERT_TRUE(encode(deliver_sm_resp{}, *sequence, wrong));                          // another command
  append(wrong, octets("00000010800001100000000000000001"));                         // unknown response id
  EXPECT_TRUE(feed(p.esme, wrong, p.now).empty());
  EXPECT_EQ(p.esme.counters().unmatched_responses, 3u);
  EXPECT_EQ(p.esme.open_requests(), 1u);
  byte_vector right;
  ASSERT_TRUE(encode(submit_sm_resp{.message_id = "y"}, *sequence, right));
  EXPECT_EQ(feed(p.esme, right, p.now).size(), 1u);
  EXPECT_TRUE(feed(p.esme, right, p.now).empty()) << "a duplicate completes nothing";
}

TEST(SessionLimits, AcceptsOddSequenceNumbersAndEchoesThem) {
  pair p;
  p.bind();
  for (const std::uint32_t sequence : {0u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu}) {
    const auto events = feed(p.mc, submit_octets(sequence), p.now);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].sequence, sequence);
    ASSERT_TRUE(p.mc.respond(sequence, submit_sm_resp{}));
    EXPECT_EQ(headers(p.mc.take_output()).at(0).sequence, sequence);
  }
}

TEST(SessionLimits, ThrottlesAPeerThatOverrunsTheInboundWindow) {
  session_options narrow;
  narrow.inbound_window_size = 10;
  pair p({}, narrow);
  p.bind();
  byte_vector flood;
  for (std::uint32_t i = 1; i <= 1000; ++i) append(flood, submit_octets(i));
  EXPECT_EQ(feed(p.mc, flood, p.now).size(), 10u);
  const auto answers = headers(p.mc.output());
  ASSERT_EQ(answers.size(), 990u);
  for (const auto& answer : answers) EXPECT_EQ(answer.status, command_status::throttled);
  EXPECT_EQ(p.mc.counters().throttled_requests, 990u);
  ASSERT_TRUE(p.mc.respond(1, submit_sm_resp{}));
  EXPECT_EQ(feed(p.mc, submit_octets(2000), p.now).size(), 1u);
}

TEST(SessionLimits, ClosesAPeerThatNeverBindsHoweverSlowlyItTalks) {
  pair p;
  const auto start = p.now;
  byte_vector bind;
  ASSERT_TRUE(encode(bind_transceiver{.system_id = "slow"}, 1, bind));
  for (std::size_t i = 0; i < 2; ++i) {
    p.now += 10s;
    EXPECT_TRUE(feed(p.mc, bytes_view{bind}.subspan(i, 1), p.now).empty());
    p.mc.on_time(p.now);
    EXPECT_FALSE(p.mc.is_closed());
  }
  p.mc.on_time(start + 30s);
  EXPECT_EQ(drain(p.mc).at(0).reason, errc::bind_timeout);
}

// A driver asks for events whenever something is due, not only after it has fed octets.
TEST(SessionLimits, AnUnfinishedPduIsNotForgottenByAskingForEvents) {
  pair p;
  p.bind();
  EXPECT_TRUE(feed(p.mc, octets("000000100000"), p.now).empty());
  EXPECT_TRUE(drain(p.mc).empty());
  const auto deadline = p.now + session_options{}.partial_pdu_timeout;
  EXPECT_LE(p.mc.next_deadline(), deadline);
  p.mc.on_time(deadline);
  const auto events = drain(p.mc);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason, errc::partial_pdu_timeout);
}

TEST(SessionLimits, ClosesAPeerThatLeavesAPduUnfinished) {
  pair p;
  p.bind();
  const auto whole = submit_octets(1);
  EXPECT_TRUE(feed(p.mc, bytes_view{whole}.first(20), p.now).empty());
  p.now += 20s;
  EXPECT_TRUE(feed(p.mc, bytes_view{whole}.subspan(20, 1), p.now).empty());
  p.now += 10s;
  p.mc.on_time(p.now);
  EXPECT_EQ(drain(p.mc).at(0).reason, errc::partial_pdu_timeout);
}

TEST(SessionLimits, ClosesWhenEnquireLinkIsNotAnswered) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.timeout = 2min, .cookie = 8}));
  p.esme.clear_output();
  EXPECT_EQ(p.esme.next_deadline(), p.now + 30s);
  p.esme.on_time(p.now + 30s);
  EXPECT_EQ(headers(p.esme.take_output()).at(0).id, command_id::enquire_link);
  EXPECT_EQ(p.esme.next_deadline(), p.now + 40s);
  p.esme.on_time(p.now + 40s);
  const auto events = drain(p.esme);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, event_kind::failed) << "an unanswered request is not counted as sent";
  EXPECT_EQ(events[0].cookie, 8u);
  EXPECT_EQ(events[1].reason, errc::enquire_link_timeout);
}

TEST(SessionLimits, AnyTrafficShowsThatThePeerIsAlive) {
  pair p;
  p.bind();
  p.esme.on_time(p.now + 30s);
  p.esme.clear_output();
  byte_vector deliver;
  ASSERT_TRUE(encode(deliver_sm{}, 5, deliver));
  feed(p.esme, deliver, p.now + 35s);
  p.esme.on_time(p.now + 40s);
  EXPECT_TRUE(p.esme.is_bound());
}

TEST(SessionLimits, InactivityEndsASessionThatOnlyKeepsItselfAlive) {
  session_options options;
  options.inactivity_timeout = 60s;
  pair p({}, options);
  p.bind();
  const auto start = p.now;
  byte_vector ask;
  ASSERT_TRUE(encode(enquire_link{}, 1, ask));
  for (int i = 1; i < 6; ++i) {
    p.now = start + i * 10s;
    feed(p.mc, ask, p.now);
    p.mc.on_time(p.now);
    EXPECT_TRUE(p.mc.is_bound());
  }
  p.mc.on_time(start + 60s);
  EXPECT_EQ(drain(p.mc).at(0).reason, errc::inactivity_timeout);
}

TEST(SessionLimits, FailsEachRequestAtItsOwnDeadline) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.timeout = 3s, .cookie = 3}));
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.timeout = 1s, .cookie = 1}));
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.timeout = 2s, .cookie = 2}));
  EXPECT_EQ(p.esme.next_deadline(), p.now + 1s);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    p.esme.on_time(p.now + std::chrono::seconds(i));
    const auto events = drain(p.esme);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].cookie, i);
    EXPECT_EQ(events[0].reason, errc::response_timeout);
  }
  EXPECT_TRUE(p.esme.is_bound());
}

TEST(SessionLimits, ALateResponseCompletesNothing) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.timeout = 1s}));
  const auto arrived = p.to_mc().at(0);
  p.esme.on_time(p.now + 1s);
  EXPECT_EQ(drain(p.esme).size(), 1u);
  ASSERT_TRUE(p.mc.respond(arrived.sequence, submit_sm_resp{}));
  EXPECT_TRUE(p.to_esme().empty());
  EXPECT_EQ(p.esme.counters().unmatched_responses, 1u);
}

TEST(SessionLimits, AnsweringTwiceOrWithTheWrongCommandIsRefused) {
  pair p;
  p.bind();
  ASSERT_TRUE(p.esme.request(submit_sm{.destination_addr = "1"}, p.now));
  const auto sequence = p.to_mc().at(0).sequence;
  EXPECT_EQ(p.mc.respond(sequence, deliver_sm_resp{}).error().code, errc::unknown_sequence);
  ASSERT_TRUE(p.mc.respond(sequence, submit_sm_resp{}));
  EXPECT_EQ(p.mc.respond(sequence, submit_sm_resp{}).error().code, errc::unknown_sequence);
  EXPECT_EQ(p.mc.reject(sequence, command_status::system_error).error().code, errc::unknown_sequence);
}

TEST(SessionLimits, AnUndecodableResponseStillIsTheOutcome) {
  pair p;
  p.bind();
  const auto sequence = p.esme.request(submit_sm{.destination_addr = "1"}, p.now, {.cookie = 6});
  byte_vector response;
  ASSERT_TRUE(encode(submit_sm_resp{.message_id = "abc"}, *sequence, response));
  response.insert(response.end() - 1, 200, 'x');  // a message_id beyond every limit
  store_big(response.data(), static_cast<std::uint32_t>(response.size()));
  const auto events = feed(p.esme, response, p.now);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, event_kind::response);
  EXPECT_EQ(events[0].cookie, 6u);
  EXPECT_EQ(p.esme.counters().undecodable_responses, 1u);
}
