// The fake device keeps to the protocol: what tests rely on when they use it.
#include <gtest/gtest.h>

#include "goip_fake_device/fake_line.hpp"

namespace goip_fake {
namespace {

using namespace std::chrono_literals;
using msgkit::as_bytes;
using texts = std::vector<std::string>;

struct FakeDevice : ::testing::Test {
  texts hear(std::string_view datagram) {
    line.feed(as_bytes(datagram), now);
    return line.take_output();
  }
  texts wait(milliseconds d) {
    now += d;
    line.on_time(now);
    return line.take_output();
  }
  time_point now = time_point{} + 1h;
  fake_line line{{.id = "g1", .password = "pw", .keepalive_interval = 10min}, now};
};

TEST_F(FakeDevice, SaysWhoItIsAndLearnsThatItIsRegistered) {
  const auto said = wait(0ms);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(said[0].starts_with("req:1;id:g1;pass:pw;num:+37250001;signal:25;gsm_status:LOGIN;")) << said[0];
  EXPECT_FALSE(line.is_registered());
  hear("reg:1;status:200;");
  EXPECT_TRUE(line.is_registered());
  hear("reg:2;status:404;");
  EXPECT_FALSE(line.is_registered());
}

TEST_F(FakeDevice, SendsOnceHoweverOftenItIsTold) {
  wait(0ms);
  EXPECT_EQ(hear("MSG 11 5 hello\n"), texts{"PASSWORD 11\n"});
  EXPECT_EQ(hear("MSG 11 5 hello\n"), texts{"PASSWORD 11\n"});
  EXPECT_EQ(hear("PASSWORD 11 no\n"), texts{"ERROR 11 PASSWORD\n"});
  EXPECT_EQ(hear("PASSWORD 11 pw\n"), texts{"SEND 11\n"});
  EXPECT_EQ(hear("SEND 11 1 +1\n"), texts{"WAIT 11 1\n"});
  EXPECT_EQ(hear("SEND 11 1 +1\n"), texts{"WAIT 11 1\n"});
  EXPECT_EQ(wait(2s), texts{"OK 11 1 1\n"});
  EXPECT_EQ(hear("SEND 11 1 +1\n"), texts{"OK 11 1 1\n"});
  EXPECT_EQ(hear("DONE 11\n"), texts{"DONE 11\n"});
  EXPECT_EQ(hear("SEND 11 1 +1\n"), texts{"ERROR 11 SENDID\n"});
  ASSERT_EQ(line.sent().size(), 1u);
  EXPECT_EQ(line.sent()[0].text, "hello");
}

TEST_F(FakeDevice, RepeatsWhatIsNotAcknowledgedThreeTimes) {
  wait(0ms);
  line.deliver_sms("+1", "x", now);
  const auto sms = line.take_output();
  ASSERT_EQ(sms.size(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait(3s), sms);
  EXPECT_EQ(wait(3s), texts{});
  EXPECT_EQ(line.unacknowledged(), 0u);
  line.deliver_sms("+1", "y", now);
  const auto next = line.take_output().at(0);
  hear("RECEIVE " + next.substr(8, next.find(';') - 8) + " OK");
  EXPECT_EQ(line.unacknowledged(), 0u);
}

TEST_F(FakeDevice, FailsWhenItIsAskedTo) {
  wait(0ms);
  line.next_fate.error_status = 38;
  hear("MSG 11 1 x\n");
  hear("PASSWORD 11 pw\n");
  hear("SEND 11 1 +1\n");
  EXPECT_EQ(wait(2s), texts{"ERROR 11 1 errorstatus:38\n"});
  line.next_fate.logged_out = true;
  EXPECT_EQ(hear("SEND 11 2 +1\n"), texts{"ERROR 11 GSM_LOGOUT\n"});
  EXPECT_TRUE(line.sent().empty());
}

TEST_F(FakeDevice, AnswersUssdAndCommands) {
  wait(0ms);
  EXPECT_EQ(hear("USSD 5 pw *100#"), texts{"USSD 5 answer to *100#"});
  EXPECT_EQ(hear("USSDEXIT 5 pw"), texts{"USSDEXIT 5"});
  EXPECT_EQ(hear("get_gsm_num 6 pw"), texts{"get_gsm_num 6 +37250001"});
  EXPECT_EQ(hear("set_gsm_num 7 +5 pw"), texts{"set_gsm_num 7 +5 ok"});
  EXPECT_EQ(hear("svr_reboot_module 8 pw"), texts{"svr_reboot_module 8 ok"});
  EXPECT_EQ(hear("CF 9 pw 2 3 +372 20"), texts{"CFOK 9"});
  EXPECT_EQ(hear("get_imei 6 no"), texts{"ERROR 6 password error\n"});
}

TEST_F(FakeDevice, ForgetsSessionsThatAreNotFinished) {
  wait(0ms);
  for (int i = 1; i <= 5; ++i) hear("MSG " + std::to_string(i) + " 1 x\n");
  EXPECT_EQ(hear("MSG 6 1 x\n"), texts{"ERROR 6 too many sessions\n"});
  wait(90s);
  EXPECT_EQ(hear("MSG 6 1 x\n"), texts{"PASSWORD 6\n"});
}

}  // namespace
}  // namespace goip_fake
