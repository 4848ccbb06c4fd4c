#include "smppd/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct read_result {
  smppd_config config;
  std::string errors;
};
read_result read(const std::string& toml) {
  auto reader = config_reader::from_text(toml);
  read_result out{read_smppd_config(reader), {}};
  reader.table("log").text("level");
  reader.table("log").text("format");
  reader.finish();
  if (!reader.ok()) out.errors = reader.errors_text();
  return out;
}

TEST(SmppdConfig, ReadsUsersStorageAndBehaviours) {
  const auto r = read(R"(
listen = "127.0.0.1:2999"
message_ids = "hex"
receipt_delay = "50ms"
[storage]
type = "sqlite"
path = "x.db"
[[users]]
system_id = "alice"
password = "secret"
numbers = ["123"]
permissions = ["submit", "query"]
segments_per_second = 5
allowed_addresses = ["10.0.0.0/8"]
[[behaviours]]
destination = "46"
status = "ESME_RTHROTTLED"
share = 0.5
[[behaviours]]
pattern = "47.*"
state = "EXPIRED"
error = "042"
)");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_EQ(r.config.storage, storage_kind::sqlite);
  ASSERT_EQ(r.config.smpp.accounts.size(), 1u);
  const auto& a = r.config.smpp.accounts[0];
  EXPECT_TRUE(a.permissions.submit && a.permissions.query);
  EXPECT_FALSE(a.permissions.cancel || a.permissions.broadcast);
  EXPECT_TRUE(a.allowed_addresses.contains("10.1.2.3"));
  EXPECT_EQ(a.segments_per_second, 5);
  ASSERT_EQ(r.config.behaviours.size(), 2u);
  EXPECT_EQ(r.config.behaviours[0].answer->status, smpp::command_status::throttled);
  EXPECT_EQ(r.config.behaviours[1].end->state, engine::message_state::expired);
  EXPECT_EQ(r.config.behaviours[1].end->delay, 50ms);
}

TEST(SmppdConfig, ReadsHowPeersDiffer) {
  const auto r = read(R"(
[peer]
messages = "lenient"
lengths = "tolerated"
payload_before_text = true
pdu_bytes_sent_max = 7424
message_id_bytes_max = 9
already_bound_is_success = false
international_numbers = "plus"
)");
  EXPECT_THAT(r.errors, IsEmpty());
  const smpp::peer_profile expected{.messages = smpp::strictness::lenient,
                                    .payload_before_text = true,
                                    .limits = smpp::length_limits::tolerated,
                                    .pdu_bytes_sent_max = 7424,
                                    .message_id_bytes_max = 9,
                                    .already_bound_is_success = false,
                                    .numbers = smpp::number_prefix::plus};
  EXPECT_EQ(r.config.smpp.server.connection.session.profile, expected);
  EXPECT_THAT(read("[peer]\nmessage_id_bytes_max = 8").errors, HasSubstr("peer.message_id_bytes_max"));
  EXPECT_THAT(read("[peer]\nmessages = \"loose\"").errors, HasSubstr("strict, lenient"));
}

TEST(SmppdConfig, NamesEachMistake) {
  EXPECT_THAT(read("[[users]]\nsystem_id = \"a\"\npassword = \"p\"\npermissions = [\"fly\"]").errors,
              HasSubstr("fly is none of"));
  EXPECT_THAT(read("[[users]]\nsystem_id = \"a\"\npassword = \"p\"\nallowed_addresses = [\"10.0.0.0/99\"]").errors,
              HasSubstr("10.0.0.0/99 is no address"));
  EXPECT_THAT(read("[[behaviours]]\ndestination = \"4\"").errors, HasSubstr("needs something to do"));
  EXPECT_THAT(read("[[behaviours]]\npattern = \"(\"\nstate = \"DELIVRD\"").errors, HasSubstr("behaviours[0].pattern"));
  EXPECT_THAT(read("[[behaviours]]\nstatus = \"ESME_NOPE\"").errors, HasSubstr("ESME_NOPE is neither"));
  EXPECT_THAT(read("[[event_files]]\npath = \"x\"\nevents = [\"born\"]").errors, HasSubstr("born is none of"));
  EXPECT_THAT(read("[storage]\ntype = \"paper\"").errors, HasSubstr("paper"));
}

TEST(SmppdConfig, SharesBecomeBehavioursBehindTheOthers) {
  const auto c = read(
                     "throttle_share = 0.5\nerror_share = 0.25\nundelivered_share = 0.1\n[[behaviours]]\ndestination = "
                     "\"4\"\nstate = \"REJECTD\"")
                     .config;
  ASSERT_EQ(c.behaviours.size(), 4u);
  EXPECT_EQ(c.behaviours[0].destination, "4");
  EXPECT_DOUBLE_EQ(c.behaviours[1].share, 0.5);
  EXPECT_DOUBLE_EQ(c.behaviours[2].share, 0.5) << "a quarter of all is half of those that are left";
  EXPECT_EQ(c.behaviours[3].end->error, "001");
}

const std::string their_config = R"({
  "server": {"host": "0.0.0.0", "port": 2776, "max_connections": 100, "read_timeout": "30s", "write_timeout": "10s",
             "idle_timeout": "300s", "enquire_link_timeout": "60s", "bind_timeout": "30s",
             "tls_enabled": false, "tls_cert_file": "", "tls_key_file": ""},
  "logging": {"level": "info", "format": "text", "output": "stdout", "file": "", "max_size": 100, "max_backups": 3,
              "max_age": 28, "compress": true},
  "storage": {"type": "file", "data_dir": "./data"},
  "metrics": {"enabled": true, "port": 9090, "path": "/metrics"}
})";

TEST(SmppdJson, IsReadAsItIs) {
  std::string why;
  const auto toml = translate_smppd_json(their_config, why);
  ASSERT_TRUE(toml) << why;
  const auto r = read(*toml);
  EXPECT_THAT(r.errors, IsEmpty()) << *toml;
  EXPECT_EQ(r.config.smpp.server.accept.listen_host, "0.0.0.0");
  EXPECT_EQ(r.config.smpp.server.accept.listen_port, 2776);
  EXPECT_EQ(r.config.smpp.server.accept.connections_max, 100u);
  EXPECT_EQ(r.config.smpp.server.connection.session.inactivity_timeout, 300s);
  EXPECT_EQ(r.config.smpp.server.connection.session.enquire_link_interval, 60s);
  EXPECT_EQ(r.config.storage, storage_kind::sqlite);
  EXPECT_EQ(r.config.storage_path, "./data/smppd.db");
  EXPECT_EQ(r.config.http.port, 9090);
}

TEST(SmppdJson, UsersMayBeAdded) {
  std::string why;
  const auto toml =
      translate_smppd_json(R"({"users":[{"system_id":"test","password":"t\"e\\st","permissions":["submit"]}]})", why);
  ASSERT_TRUE(toml) << why;
  const auto r = read(*toml);
  EXPECT_THAT(r.errors, IsEmpty()) << *toml;
  ASSERT_EQ(r.config.smpp.accounts.size(), 1u);
  EXPECT_EQ(r.config.smpp.accounts[0].password, "t\"e\\st");
}

TEST(SmppdJson, RefusesWhatItDoesNotKnow) {
  std::string why;
  EXPECT_FALSE(translate_smppd_json(R"({"server":{"prot":1}})", why));
  EXPECT_EQ(why, "server.prot: is not a key of this configuration");
  EXPECT_FALSE(translate_smppd_json(R"({"server":7})", why));
  EXPECT_FALSE(translate_smppd_json("[]", why));
  EXPECT_FALSE(translate_smppd_json("{", why));
  EXPECT_FALSE(translate_smppd_json(R"({"metrics":{"enabled":true,"path":"/m"}})", why));
  EXPECT_EQ(why, "metrics.path: must be /metrics");
}

}  // namespace
}  // namespace msgkit::app
