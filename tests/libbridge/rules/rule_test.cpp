#include "msgkit/bridge/rules/rule.hpp"

#include <gtest/gtest.h>

namespace msgkit::bridge {
namespace {

using enum endpoint;

rule_config mqtt_to(endpoint to, std::string source, std::string target) {
  rule_config c;
  c.name = source;
  c.source = std::move(source);
  c.to = to;
  c.target = std::move(target);
  return c;
}
rule_config redis_to_mqtt(endpoint from, std::string source, std::string target) {
  auto c = mqtt_to(mqtt, std::move(source), std::move(target));
  c.from = from;
  return c;
}

std::vector<delivery> run(const std::vector<rule_config>& configs, const message& m) {
  static rule_set rules;  // deliveries point into it
  std::vector<rule_error> errors;
  rules = rule_set::make(configs, errors);
  EXPECT_EQ(rules.rules().size(), configs.size()) << (errors.empty() ? "" : errors[0].text);
  std::vector<delivery> out;
  (void)rules.apply(m, 1'000, out);
  return out;
}

std::string one(const rule_config& c, const message& m) {
  const auto out = run({c}, m);
  if (out.size() != 1) return "(" + std::to_string(out.size()) + " deliveries)";
  return out[0].error ? out[0].error.message() : out[0].name + " " + out[0].payload;
}
message from_topic(std::string_view topic, std::string_view payload = "42") {
  return {.from = mqtt, .name = topic, .payload = payload, .qos = 1};
}

// The ten worked examples of the reference.
TEST(RuleExample, E01Exact) { EXPECT_EQ(one(mqtt_to(channel, "a/b", "a:b"), from_topic("a/b")), "a:b 42"); }
TEST(RuleExample, E02NamedLevels) {
  EXPECT_EQ(one(mqtt_to(channel, "site/{s}/dev/{d}/t", "t.{s}.{d}"), from_topic("site/7/dev/x1/t")), "t.7.x1 42");
}
TEST(RuleExample, E03Tail) {
  EXPECT_EQ(one(mqtt_to(channel, "log/{r#}", "log:{r|slash_to_colon}"), from_topic("log/a/b/c")), "log:a:b:c 42");
}
TEST(RuleExample, E04UnnamedLevel) {
  EXPECT_EQ(one(mqtt_to(channel, "+/into-edge/{r#}", "{1}/{r}"), from_topic("cloud/into-edge/t/x")), "cloud/t/x 42");
}
TEST(RuleExample, E05GlobToRetained) {
  auto c = redis_to_mqtt(channel, "out.*", "dev/{1}/cmd");
  c.is_pattern = true;
  c.retain = retain_rule::set;
  const auto out = run({c}, {.from = channel, .name = "out.x1", .payload = "42"});
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].name, "dev/x1/cmd");
  EXPECT_EQ(out[0].qos, 1);
  EXPECT_TRUE(out[0].retain);
}
TEST(RuleExample, E06SharedIntoAStream) {
  auto c = mqtt_to(stream, "q/{k}", "q:{k}");
  c.share = "gw";
  EXPECT_EQ(one(c, from_topic("q/red")), "q:red 42");
  std::vector<rule_error> errors;
  EXPECT_EQ(rule_set::make(std::vector{c}, errors).rules()[0].subscription(), "$share/gw/q/+");
  std::vector<std::string> storage;
  std::vector<std::string_view> fields;
  append_stream_fields(from_topic("q/red"), "42", storage, fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{"t", "q/red", "p", "42", "q", "1", "r", "0"}));
}
TEST(RuleExample, E07FieldAsTopic) {
  message m{.from = stream, .name = "out", .fields = {{"t", "a/b"}, {"p", "42"}}};
  read_stream_fields(m);
  EXPECT_EQ(one(redis_to_mqtt(stream, "out", "{field:t}"), m), "a/b 42");
}
TEST(RuleExample, E08Regex) {
  auto c = mqtt_to(channel, "#", "{t}.v{v}");
  c.regex = "^v(?P<v>[0-9]+)/(?P<t>.+)$";
  EXPECT_EQ(one(c, from_topic("v2/state")), "state.v2 42");
  EXPECT_EQ(one(c, from_topic("w2/state")), "(0 deliveries)");
}
TEST(RuleExample, E09RequestKeepsItsProperties) {
  auto m = from_topic("rpc/req/1");
  m.response_topic = "r/9";
  m.correlation_data = "c1";
  auto c = mqtt_to(stream, "rpc/req/+", "rpc");
  c.payload = payload_form::json;
  EXPECT_EQ(one(c, m), "rpc 42");
  std::vector<std::string> storage;
  std::vector<std::string_view> fields;
  append_stream_fields(m, "42", storage, fields);
  message back{.from = stream};
  for (std::size_t i = 0; i < fields.size(); i += 2) back.fields.emplace_back(fields[i], fields[i + 1]);
  read_stream_fields(back);
  EXPECT_EQ(back.response_topic, "r/9");
  EXPECT_EQ(back.correlation_data, "c1");
  EXPECT_EQ(back.payload, "42");
}
TEST(RuleExample, E10Base64) {
  auto c = mqtt_to(channel, "bin/#", "bin");
  c.payload = payload_form::base64;
  EXPECT_EQ(one(c, from_topic("bin/x", std::string_view("\0\xff", 2))), "bin AP8=");
  EXPECT_EQ(one(c, from_topic("bin")), "bin NDI=");
}

std::string refused(const rule_config& c) {
  std::vector<rule_error> errors;
  const auto rules = rule_set::make(std::vector{c}, errors);
  return rules.rules().empty() && !errors.empty() ? errors[0].key + ": " + errors[0].text : "accepted";
}

TEST(RuleNegative, EmptyLevelsAreLevels) {
  EXPECT_EQ(one(mqtt_to(channel, "a/{x}/b", "c:{x|default(none)}"), from_topic("a//b")), "c:none 42");
  EXPECT_EQ(one(mqtt_to(channel, "a/{x}/b", "c:{x}"), from_topic("a/b")), "(0 deliveries)");
}
TEST(RuleNegative, WildcardsStandWhereTheyMay) {
  EXPECT_EQ(refused(mqtt_to(channel, "a/#/b", "c")), "from: # must be the last level");
  EXPECT_NE(refused(mqtt_to(channel, "a/b+", "c")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "a/{x", "c")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "{x}/{x}", "c")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "", "c")), "accepted");
}
TEST(RuleNegative, TargetUsesOnlyWhatTheSourceDefines) {
  EXPECT_EQ(refused(mqtt_to(channel, "a/+", "c:{x}")), "to: {x} is not defined by the source");
  EXPECT_NE(refused(mqtt_to(channel, "a/{x}", "c:{x|shout}")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "a/{x}", "c:{field:t}")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "a/{x}", "c:{x")), "accepted");
  EXPECT_NE(refused(mqtt_to(channel, "a", "")), "accepted");
  EXPECT_NE(refused(redis_to_mqtt(channel, "c", "a/+")), "accepted");
  EXPECT_NE(refused(mqtt_to(mqtt, "a", "b")), "accepted");
}
TEST(RuleNegative, AResultWithAWildcardIsADeadLetter) {
  message m{.from = stream, .name = "out", .fields = {{"t", "a/+/b"}}};
  EXPECT_EQ(one(redis_to_mqtt(stream, "out", "{field:t}"), m), "resulting name is not valid on the other side");
  m.fields.clear();
  EXPECT_EQ(one(redis_to_mqtt(stream, "out", "{field:t}"), m), "resulting name is not valid on the other side");
  m.fields = {{"t", std::string_view("a\0b", 3)}};
  EXPECT_EQ(one(redis_to_mqtt(stream, "out", "{field:t}"), m), "resulting name is not valid on the other side");
}
TEST(RuleNegative, CapturesAddNoLevels) {
  EXPECT_EQ(one(mqtt_to(channel, "a/{x}", "c:{x}"), from_topic("a/b:c%d")), "c:b%3Ac%25d 42");
  auto c = redis_to_mqtt(channel, "out.*", "dev/{1}");
  c.is_pattern = true;
  const message m{.from = channel, .name = "out.a/b", .payload = "42"};
  EXPECT_EQ(one(c, m), "dev/a%2Fb 42");
  c.raw_captures = true;
  EXPECT_EQ(one(c, m), "dev/a/b 42");
}
TEST(RuleNegative, WildcardsDoNotTakeSystemTopics) {
  EXPECT_EQ(one(mqtt_to(channel, "#", "c"), from_topic("$SYS/x")), "(0 deliveries)");
  EXPECT_EQ(one(mqtt_to(channel, "$SYS/#", "c"), from_topic("$SYS/x")), "c 42");
}

TEST(Rule, ANameWithALineBreakStaysAName) {
  const auto out = run({mqtt_to(channel, "a/{x}", "c:{x}")}, from_topic("a/b\r\nDEL c"));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].name, "c:b\r\nDEL c");  // one argument, counted in octets
}

TEST(Rule, FirstMatchWinsUnlessItContinues) {
  auto first = mqtt_to(channel, "a/#", "one");
  const auto second = mqtt_to(channel, "a/b", "two");
  EXPECT_EQ(run({first, second}, from_topic("a/b")).size(), 1u);
  first.continues = true;
  const auto out = run({first, second}, from_topic("a/b"));
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[1].name, "two");
}

TEST(Rule, RetainedMessagesAreKeptClearedOrDropped) {
  auto c = mqtt_to(channel, "a", "c");
  auto m = from_topic("a");
  m.retain = true;
  EXPECT_TRUE(run({c}, m)[0].retain);
  c.retain = retain_rule::clear;
  EXPECT_FALSE(run({c}, m)[0].retain);
  c.retain = retain_rule::drop_retained;
  EXPECT_TRUE(run({c}, m).empty());
}

TEST(Rule, AnExpiredMessageIsADeadLetter) {
  auto m = from_topic("a");
  m.expires_at_ms = 999;
  EXPECT_EQ(one(mqtt_to(channel, "a", "c"), m), "message expired");
}

TEST(Rule, AMessageThatCameByAGlobIsForItsRulesOnly) {
  auto glob = redis_to_mqtt(channel, "a*", "glob");
  glob.is_pattern = true;
  const auto exact = redis_to_mqtt(channel, "ab", "exact");
  const auto out = run({glob, exact}, {.from = channel, .name = "ab", .via = "ab", .payload = "42"});
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].name, "exact");
}

TEST(Payload, PicksFromJson) {
  std::string out;
  EXPECT_TRUE(json_picked(R"({"a":{"b":"x","c":[1,2]}})", "a.b", out));
  EXPECT_EQ(out, "x");
  EXPECT_TRUE(json_picked(R"({"a":{"b":"x","c":[1,2]}})", "a.c", out));
  EXPECT_EQ(out, "[1,2]");
  EXPECT_FALSE(json_picked(R"({"a":1})", "b", out));
  EXPECT_FALSE(json_picked("{", "a", out));
  EXPECT_FALSE(json_picked(std::string(100'000, '['), "a", out));
}

TEST(Payload, Base64IsExact) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    std::string back;
    EXPECT_TRUE(base64_decoded(base64_encoded(text), back));
    EXPECT_EQ(back, text);
  }
  std::string out;
  for (const auto* bad : {"A", "AP8", "A===", "AB==", "A\n==", "AP9="}) {
    out.clear();
    EXPECT_FALSE(base64_decoded(bad, out)) << bad;
  }
}

TEST(Payload, TheEnvelopeIsJsonWhateverTheOctets) {
  auto m = from_topic("a", std::string_view("\xff\0", 2));
  EXPECT_EQ(json_envelope(m, 7),
            R"({"payload_base64":"/wA=","props":{},"qos":1,"retain":false,"topic":"a","ts":7})");
}

std::string loops(const std::vector<rule_config>& configs) {
  std::vector<rule_error> errors;
  (void)rule_set::make(configs, errors);
  std::string out;
  for (const auto& e : errors) out += e.is_warning ? "w" : "e";
  return out;
}

TEST(LoopAnalysis, FindsRulesThatFeedEachOther) {
  auto there = mqtt_to(channel, "a/{x}", "c:{x}");
  auto back = redis_to_mqtt(channel, "c:*", "a/{1}");
  back.is_pattern = true;
  EXPECT_EQ(loops({there, back}), "ee");
  there.allow_loop = true;
  EXPECT_EQ(loops({there, back}), "ww");
  back.target = "b/{1}";
  EXPECT_EQ(loops({there, back}), "w");  // comes out elsewhere: an echo
  back.source = "d:*";
  EXPECT_EQ(loops({there, back}), "");
  EXPECT_EQ(loops({mqtt_to(stream, "a", "s"), redis_to_mqtt(channel, "s", "b")}), "");  // a stream is no channel
}

TEST(LoopAnalysis, ReportsTheSeedsShippedConfigurationAsAnEcho) {
  EXPECT_EQ(loops({mqtt_to(channel, "cloud/into-edge/test-topic", "cloud/test-topic"),
                   redis_to_mqtt(channel, "cloud/test-topic", "cloud/test-topic")}), "w");
}

TEST(LoopAnalysis, FindsLoopsThroughFourRules) {
  EXPECT_EQ(loops({mqtt_to(channel, "a", "1"), redis_to_mqtt(channel, "1", "b"), mqtt_to(stream, "b", "2"),
                   redis_to_mqtt(stream, "2", "a")}), "eeee");
}

}  // namespace
}  // namespace msgkit::bridge
