#include "mqtt_redis/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mqtt_redis/explain.hpp"

namespace msgkit::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct read_result {
  mqtt_redis_config config;
  std::string errors;
  std::vector<std::string> warnings;
  std::string described;
};

read_result read(std::string_view toml) {
  auto reader = config_reader::from_text(toml);
  read_result r;
  if (reader.ok()) r.config = read_mqtt_redis_config(reader);
  reader.finish();
  if (!reader.ok()) r.errors = reader.errors_text();
  r.warnings = reader.warnings();
  r.described = reader.describe();
  return r;
}

constexpr std::string_view both_ways = R"(
[mqtt]
password = "hidden-one"
[redis]
password = "hidden-two"
[[rule]]
name = "up"
from = { mqtt = "site/{site}/up", qos = 1 }
to = { stream = "tele:{site}", maxlen = 1000 }
[[rule]]
name = "down"
from = { pattern = "out.*" }
to = { mqtt = "dev/{1}/cmd", qos = 2 }
retain = "set"
)";

// The shape of the configuration that the earlier gateway shipped.
constexpr std::string_view earlier = R"(
[cloud_cfg]
client_id = "mqtt-messenger-client-1"
version = "V3"
broker = "mqtt"
port = 8883
protocol = ""
sub_topics = ["cloud/into-edge/test-topic"]
[cloud_cfg.auth]
basic_enabled = false
mtls_enabled = true
[cloud_cfg.auth.basic]
username = ""
password = ""
[cloud_cfg.auth.mtls]
ca_file = "certs/mqtt/ca.crt"
cert_file = "certs/mqtt/client.crt"
key_file = "certs/mqtt/client.key"
[edge_cfg]
broker = "redis"
port = 8379
db = 0
sub_topics = ["cloud/test-topic"]
[edge_cfg.auth]
basic_enabled = true
mtls_enabled = true
[edge_cfg.auth.basic]
username = "user"
password = "hidden-three"
[edge_cfg.auth.mtls]
ca_file = "certs/redis/ca.crt"
cert_file = "certs/redis/client.crt"
key_file = "certs/redis/client.key"
)";

TEST(MqttRedisConfig, ReadsRulesOfBothDirections) {
  const auto r = read(both_ways);
  ASSERT_THAT(r.errors, IsEmpty());
  ASSERT_EQ(r.config.links.size(), 1u);
  const auto& link = r.config.links[0];
  ASSERT_EQ(link.rules.size(), 2u);
  EXPECT_EQ(link.mqtt.port, 1883);
  EXPECT_EQ(link.rules[0].maxlen, 1000u);
  EXPECT_TRUE(link.rules[1].is_pattern);
  EXPECT_EQ(link.rules[1].target_qos, 2);
  EXPECT_EQ(link.rules[1].retain, bridge::retain_rule::set);
}

TEST(MqttRedisConfig, NeverShowsPasswords) {
  for (const auto text : {both_ways, earlier}) {
    const auto r = read(text);
    EXPECT_THAT(r.described + explain_links(r.config), Not(HasSubstr("hidden")));
  }
}

TEST(MqttRedisConfig, TakesTheEarlierGatewaysFileAndReportsItsEcho) {
  const auto r = read(earlier);
  ASSERT_THAT(r.errors, IsEmpty());
  const auto& link = r.config.links.at(0);
  EXPECT_FALSE(link.version_5);
  EXPECT_TRUE(link.mqtt.tls);
  EXPECT_EQ(link.mqtt.user, "");
  EXPECT_EQ(link.redis.user, "user");
  EXPECT_EQ(link.redis.certificate_file, "certs/redis/client.crt");
  ASSERT_EQ(r.warnings.size(), 1u);
  EXPECT_THAT(r.warnings[0], HasSubstr("echo of one hop"));
  EXPECT_THAT(explain_name(r.config, "cloud/into-edge/test-topic"), HasSubstr("-> channel cloud/test-topic"));
}

TEST(MqttRedisConfig, KeepsWhatWildcardsOfTheEarlierGatewayCatch) {
  std::string text(earlier);
  text.replace(text.find("cloud/into-edge/test-topic"), 26, "+/into-edge/a/+/#");
  const auto r = read(text);
  ASSERT_THAT(r.errors, IsEmpty());
  EXPECT_THAT(explain_name(r.config, "cloud/into-edge/a/b/c/d"), HasSubstr("-> channel cloud/a/b/c/d"));
}

TEST(MqttRedisConfig, RefusesTwoRulesThatFeedEachOther) {
  constexpr std::string_view loop = R"(
[[rule]]
name = "there"
from = { mqtt = "a/#" }
to = { channel = "a" }
[[rule]]
name = "back"
from = { channel = "a" }
to = { mqtt = "a/b" }
)";
  EXPECT_THAT(read(loop).errors, HasSubstr("which leads back here"));
  EXPECT_THAT(read(std::string(loop) + "allow_loop = true\n").errors, IsEmpty());
}

TEST(MqttRedisConfig, NamesKeyAndReasonOfEachMistake) {
  EXPECT_THAT(read("").errors, HasSubstr("at least one [[rule]]"));
  EXPECT_THAT(read("[[rule]]\nname=\"x\"\nfrom={mqtt=\"a\",stream=\"b\"}\nto={stream=\"c\"}\n").errors,
              HasSubstr("exactly one of mqtt"));
  EXPECT_THAT(read("[[rule]]\nname=\"x\"\nfrom={mqtt=\"a\"}\nto={stream=\"{nobody}\"}\n").errors, HasSubstr("nobody"));
  EXPECT_THAT(read("[[rule]]\nname=\"x\"\nfrom={mqtt=\"a\",qos=3}\nto={stream=\"b\"}\n").errors, HasSubstr("qos"));
  EXPECT_THAT(
      read("[mqtt]\ncertificate_file=\"x\"\n" + std::string(both_ways.substr(both_ways.find("[redis]")))).errors,
      HasSubstr("go together"));
}

TEST(MqttRedisConfig, ReadsAClusterReplicasAndRulesForOneProcess) {
  constexpr std::string_view redis = "[redis]\ncluster = [\"h:7000\", \"[::1]:7001\"]\nwait_replicas = 2\n";
  constexpr std::string_view rules = R"(
[[rule]]
name = "up"
from = { mqtt = "a/#", share = "gw" }
to = { stream = "a" }
[[rule]]
name = "news"
from = { channel = "news" }
to = { mqtt = "news" }
)";
  const auto r = read(std::string(redis) + std::string(rules) + "single = true\n");
  ASSERT_THAT(r.errors, IsEmpty());
  const auto& link = r.config.links.at(0);
  ASSERT_EQ(link.cluster.size(), 2u);
  EXPECT_EQ(link.cluster[1].host, "::1");
  const auto told = explain_links(r.config);
  for (const auto* part : {"cluster by h:7000", "+cluster|slots", "+asking", "+wait", "~bridge:single:msgkit:main",
                           "accepted when 2 replicas have it", "one process at a time"})
    EXPECT_THAT(told, HasSubstr(part));
  EXPECT_THAT(explain_links(read(rules).config), HasSubstr("of which each takes every message of this one"));
  EXPECT_THAT(read("[redis]\ncluster=[\"h:1\"]\nsentinels=[\"h:2\"]\n" + std::string(rules)).errors,
              HasSubstr("exclude each other"));
  EXPECT_THAT(read("[redis]\ncluster=[\"h:1\"]\ndatabase=1\n" + std::string(rules)).errors, HasSubstr("must be 0"));
  EXPECT_THAT(read("[redis]\ncluster=[\"h\"]\n" + std::string(rules)).errors, HasSubstr("h is not host:port"));
  EXPECT_THAT(read("[[rule]]\nname=\"x\"\nfrom={mqtt=\"a\"}\nto={stream=\"b\"}\nsingle=true\n").errors,
              HasSubstr("is for channels"));
}

TEST(MqttRedisConfig, ReadsSpoolDedupeWebSocketAndLimits) {
  constexpr std::string_view text = R"(
queue_bytes_max = "2MiB"
deliveries_max = 7
reconnect_max = "3s"
mqtt.websocket_path = "/ws"
redis.sentinels = ["one:26379", "[::1]:26380"]
redis.sentinel_password = "hidden-four"
spool = { directory = "/somewhere", bytes_max = "8MiB", when_full = "drop_oldest" }
[[rule]]
name = "up"
from = { mqtt = "a" }
to = { stream = "b" }
spool = true
dedupe = "{prop:id}"
dedupe_ttl = "1m"
)";
  const auto r = read(text);
  ASSERT_THAT(r.errors, IsEmpty());
  const auto& l = r.config.links.at(0);
  EXPECT_EQ(l.queue_bytes_max, 2u * 1024 * 1024);
  EXPECT_EQ(l.deliveries_max, 7u);
  EXPECT_EQ(l.reconnect_max, std::chrono::seconds{3});
  EXPECT_EQ(l.websocket_path, "/ws");
  ASSERT_EQ(l.sentinels.size(), 2u);
  EXPECT_EQ(l.sentinels[1], (config_endpoint{.host = "::1", .port = 26'380}));
  EXPECT_EQ(l.sentinel_master, "mymaster");
  EXPECT_THAT(r.described, Not(HasSubstr("hidden")));
  EXPECT_EQ(l.spool_directory, "/somewhere");
  EXPECT_EQ(l.spool_bytes_max, 8u * 1024 * 1024);
  EXPECT_TRUE(l.spool_drops_oldest);
  EXPECT_TRUE(l.rules[0].spool);
  EXPECT_EQ(l.rules[0].dedupe_ttl, std::chrono::minutes{1});
  EXPECT_THAT(explain_links(r.config), HasSubstr("acknowledged when it is in the spool"));
  std::string wrong(text);
  wrong.replace(wrong.find("one:26379"), 9, "one:70000");
  EXPECT_THAT(read(wrong).errors, HasSubstr("one:70000 is not host:port"));
  std::string without(text);
  without.erase(without.find("spool = {"), without.find("[[rule]]") - without.find("spool = {"));
  EXPECT_THAT(read(without).errors, HasSubstr("spool.directory"));
}

TEST(MqttRedisConfig, RefusesOneClientIdentifierForTwoLinksAtOneBroker) {
  const auto row = [](std::string name) {
    return "[[link]]\nname=\"" + name + "\"\nmqtt.client_id=\"same\"\n[[link.rule]]\nname=\"r\"\n" +
           "from={mqtt=\"a\"}\nto={stream=\"b\"}\n";
  };
  EXPECT_THAT(read(row("one") + row("two")).errors, HasSubstr("another link uses same"));
  EXPECT_THAT(read(row("one")).errors, IsEmpty());
}

TEST(MqttRedisExplain, ShowsNamePayloadAndRuleOfBothDirections) {
  const auto r = read(both_ways);
  EXPECT_EQ(explain_name(r.config, "site/7/up"),
            "mqtt site/7/up -> stream tele:7  payload 42 -> 42  (link main, rule up)\n");
  EXPECT_EQ(explain_name(r.config, "out.x1"),
            "channel out.x1 -> mqtt dev/x1/cmd qos 2 retain 1  payload 42 -> 42  (link main, rule down)\n");
  EXPECT_EQ(explain_name(r.config, "other"), "no rule takes other\n");
}

TEST(MqttRedisExplain, ListsAccessAndGuarantees) {
  const auto text = explain_links(read(both_ways).config);
  EXPECT_THAT(text, HasSubstr("topic read site/+/up"));
  EXPECT_THAT(text, HasSubstr("topic write dev/+/cmd"));
  EXPECT_THAT(text, HasSubstr("+xadd"));
  EXPECT_THAT(text, HasSubstr("~tele:*"));
  EXPECT_THAT(text, HasSubstr("&out.*"));
  EXPECT_THAT(text, HasSubstr("guarantee: at least once; twice when the answer of Redis is lost"));
  EXPECT_THAT(text, HasSubstr("loops: none"));
}

}  // namespace
}  // namespace msgkit::app
