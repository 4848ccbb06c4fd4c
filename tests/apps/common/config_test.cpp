#include "common/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "common/config_value.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

config_reader reader(std::string_view toml, std::map<std::string, std::string> environment = {}) {
  return config_reader::from_text(toml, "msggw.toml",
                                  {.env_prefix = "MSGGW",
                                   .aliases = {{"SMPP_LISTEN", "smpp.listen"}, {"API_KEY", "api.key"}},
                                   .environment = std::move(environment)});
}

TEST(Config, ReadsEveryType) {
  auto r = reader(R"(
name = "gw"
[smpp]
port = 2775
ratio = 0.25
tls = true
timeout = "1m30s"
body = "64KiB"
listen = "0.0.0.0:9550"
hosts = ["a", "b"]
)");
  EXPECT_EQ(r.text("name"), "gw");
  EXPECT_EQ(r.u16("smpp.port", 1, 1), 2775);
  EXPECT_DOUBLE_EQ(r.number("smpp.ratio", 1, 0, 1), 0.25);
  auto smpp = r.table("smpp");
  EXPECT_TRUE(smpp.flag("tls", false));
  EXPECT_EQ(smpp.time("timeout", 1s), 90s);
  EXPECT_EQ(smpp.bytes("body", 1), 65536u);
  EXPECT_EQ(smpp.endpoint("listen", {}), (config_endpoint{"0.0.0.0", 9550}));
  EXPECT_THAT(smpp.texts("hosts"), ElementsAre("a", "b"));
  r.finish();
  EXPECT_TRUE(r.ok()) << r.errors_text();
}

TEST(Config, GivesDefaultsForWhatIsAbsent) {
  auto r = reader("");
  EXPECT_EQ(r.u16("port", 2775), 2775);
  EXPECT_EQ(r.time("t", 500ms), 500ms);
  EXPECT_EQ(r.table("tls").text("file", "x"), "x");
  EXPECT_THAT(r.tables("carriers"), IsEmpty());
  r.finish();
  EXPECT_TRUE(r.ok());
}

TEST(Config, NamesKeyValueRangeAndPlaceOfEveryMistake) {
  auto r = reader("[listen]\nport = 99999\nhost = 5\nwait = \"soon\"\nmode = \"loud\"\nsize = \"3 apples\"\n");
  EXPECT_EQ(r.u16("listen.port", 2775, 1, 65535), 2775);
  EXPECT_EQ(r.text("listen.host", "h"), "h");
  EXPECT_EQ(r.time("listen.wait", 3s, 1s, 60s), 3s);
  enum class mode { quiet, normal };
  EXPECT_EQ(r.choice<mode>("listen.mode", mode::normal, {{"quiet", mode::quiet}, {"normal", mode::normal}}),
            mode::normal);
  EXPECT_EQ(r.bytes("listen.size", 7), 7u);
  r.finish();
  EXPECT_THAT(r.errors(),
              ElementsAre("listen.port: 99999 is outside 1..65535 (msggw.toml:2:8)",
                          "listen.host: 5 is not a string (msggw.toml:3:8)",
                          "listen.wait: \"soon\" is not a duration such as 500ms, 30s, 5m or 2h in 1s..1m "
                          "(msggw.toml:4:8)",
                          "listen.mode: \"loud\" is none of quiet, normal (msggw.toml:5:8)",
                          "listen.size: \"3 apples\" is not a size such as 4096, 64KiB or 1MiB (msggw.toml:6:8)"));
}

TEST(Config, PointsAtSyntaxErrors) {
  auto r = reader("a = 1\nb = [1,\n");
  ASSERT_EQ(r.errors().size(), 1u);
  EXPECT_THAT(r.errors()[0], HasSubstr("msggw.toml:"));
  auto twice = reader("a = 1\na = 2\n");
  EXPECT_FALSE(twice.ok());
}

TEST(Config, ReportsAFileThatCannotBeRead) {
  auto r = config_reader::from_file("/nonexistent/msggw.toml");
  EXPECT_THAT(r.errors(), ElementsAre("/nonexistent/msggw.toml: cannot be read"));
  EXPECT_FALSE(config_reader::from_file("/").ok());
}

TEST(Config, SuggestsTheKeyThatWasMeant) {
  auto r = reader("[smpp]\nlistne_port = 1\nzzzzzzzzz = 2\n[[carriers]]\nhost = \"a\"\nprot = 3\n[nobody]\nx = 1\n");
  r.u16("smpp.listen_port", 2775);
  for (auto& row : r.tables("carriers")) {
    row.text("host");
    row.u16("port", 1);
  }
  r.finish();
  EXPECT_THAT(r.errors(),
              ::testing::UnorderedElementsAre(
                  "smpp.listne_port: unknown key, did you mean listen_port? (msggw.toml:2:15)",
                  "smpp.zzzzzzzzz: unknown key (msggw.toml:3:13)",
                  "carriers[0].prot: unknown key, did you mean port? (msggw.toml:6:8)",
                  "nobody: unknown key (msggw.toml:7:1)"));
}

TEST(Config, ReadsArraysOfTablesAndNamedTables) {
  auto r = reader("[[carriers]]\nname = \"a\"\n[[carriers]]\nname = \"b\"\nport = 70000\n[users.bob]\nage = 3\n");
  std::vector<std::string> names;
  for (auto& row : r.tables("carriers")) {
    names.push_back(row.required_text("name"));
    row.u16("port", 2775);
  }
  EXPECT_THAT(names, ElementsAre("a", "b"));
  for (auto& [name, user] : r.named_tables("users")) {
    EXPECT_EQ(name, "bob");
    EXPECT_EQ(user.u32("age", 0), 3u);
  }
  r.finish();
  EXPECT_THAT(r.errors(), ElementsAre("carriers[1].port: 70000 is outside 0..65535 (msggw.toml:5:8)"));
}

TEST(Config, SaysWhenATableIsSomethingElse) {
  auto r = reader("tls = 3\ncarriers = \"x\"\n");
  r.table("tls").text("file");
  r.tables("carriers");
  r.finish();
  EXPECT_THAT(r.errors(), ElementsAre("tls: 3 is not a table (msggw.toml:1:7)",
                                      "carriers: \"x\" is not a list of tables (msggw.toml:2:12)"));
}

TEST(Config, EnvironmentWinsOverTheFile) {
  auto r = reader("[smpp]\nport = 1\nhosts = [\"x\"]\n[[carriers]]\nhost = \"a\"\n",
                  {{"MSGGW_SMPP_PORT", "9"}, {"MSGGW_SMPP_TLS", "yes"}, {"MSGGW_SMPP_HOSTS", "p,q"},
                   {"MSGGW_CARRIERS_0_HOST", "b"}, {"MSGGW_SERVICE_HOST", "10.0.0.1"}});
  EXPECT_EQ(r.u16("smpp.port", 2775), 9);
  EXPECT_TRUE(r.flag("smpp.tls", false));
  EXPECT_THAT(r.texts("smpp.hosts"), ElementsAre("p", "q"));
  EXPECT_EQ(r.tables("carriers").at(0).text("host"), "b");
  r.finish();
  EXPECT_TRUE(r.ok()) << r.errors_text();
  EXPECT_THAT(r.warnings(), ElementsAre("environment variable MSGGW_SERVICE_HOST matches no key and is ignored"));
}

TEST(Config, SaysWhichVariableIsWrong) {
  auto r = reader("", {{"MSGGW_SMPP_PORT", "many"}});
  EXPECT_EQ(r.u16("smpp.port", 2775), 2775);
  EXPECT_THAT(r.errors(), ElementsAre("smpp.port: \"many\" is not an integer in 0..65535 (environment MSGGW_SMPP_PORT)"));
}

TEST(Config, AcceptsForeignNamesInEnvironmentAndFile) {
  auto from_env = reader("", {{"SMPP_LISTEN", "0.0.0.0:9550"}});
  EXPECT_EQ(from_env.endpoint("smpp.listen", {}).port, 9550);
  auto from_file = reader("SMPP_LISTEN = \":9551\"\n");
  EXPECT_EQ(from_file.endpoint("smpp.listen", {}), (config_endpoint{"0.0.0.0", 9551}));
  from_file.finish();
  EXPECT_TRUE(from_file.ok()) << from_file.errors_text();
}

TEST(Config, TreatsAnEmptyVariableAsUnset) {
  auto r = reader("[api]\nkey = \"k\"\n", {{"API_KEY", ""}});
  EXPECT_EQ(r.secret("api.key"), "k");
}

TEST(Config, TakesSecretsFromFilesAndVariables) {
  const auto directory = std::filesystem::temp_directory_path() / ("msgkit_config_" + std::to_string(getpid()));
  std::filesystem::create_directory(directory);
  std::ofstream(directory / "key") << "hunter2\n";
  auto r = config_reader::from_text("[a]\npassword_file = \"key\"\n[b]\npassword = \"${PW}\"\n[c]\npassword = \"${NO}\"\n"
                                    "[d]\npassword_file = \"gone\"\n[e]\npassword = \"x\"\npassword_file = \"key\"\n",
                                    (directory / "c.toml").string(), {.environment = {{"PW", "s3cret"}}});
  EXPECT_EQ(r.secret("a.password"), "hunter2");
  EXPECT_EQ(r.secret("b.password"), "s3cret");
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.secret("c.password"), "");
  EXPECT_EQ(r.secret("d.password"), "");
  EXPECT_EQ(r.secret("e.password"), "");
  EXPECT_EQ(r.required_secret("f.password"), "");
  r.finish();
  ASSERT_EQ(r.errors().size(), 4u) << r.errors_text();
  EXPECT_THAT(r.errors()[0], HasSubstr("c.password: environment variable NO is not set"));
  EXPECT_THAT(r.errors()[1], HasSubstr("d.password_file: \"gone\" cannot be read"));
  EXPECT_THAT(r.errors()[2], HasSubstr("e.password: given together with e.password_file"));
  EXPECT_THAT(r.errors()[3], HasSubstr("f.password: is required (or f.password_file)"));
  std::filesystem::remove_all(directory);
}

TEST(Config, DescribesTheEffectiveConfigurationWithSecretsMasked) {
  auto r = reader("[smpp]\nport = 9\npassword = \"hunter2\"\n", {{"MSGGW_SMPP_HOST", "h"}});
  r.u16("smpp.port", 1);
  r.text("smpp.host");
  r.secret("smpp.password");
  r.time("smpp.wait", 90s);
  const auto text = r.describe();
  EXPECT_THAT(text, HasSubstr("smpp.port = 9"));
  EXPECT_THAT(text, HasSubstr("# msggw.toml:2:8"));
  EXPECT_THAT(text, HasSubstr("# environment MSGGW_SMPP_HOST"));
  EXPECT_THAT(text, HasSubstr("smpp.password = \"********\""));
  EXPECT_THAT(text, HasSubstr("smpp.wait = \"90s\""));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("hunter2")));
}

TEST(Config, NeverShowsASecretInAnError) {
  auto r = reader("password = 12345\n");
  r.secret("password");
  EXPECT_THAT(r.errors_text(), ::testing::Not(HasSubstr("12345")));
  EXPECT_FALSE(r.ok());
}

TEST(ConfigValue, ParsesDurations) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("30"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("5min"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1d"), 24h);
  for (const auto* bad : {"", "s", "-1s", "1x", "1h30", "99999999999999999999s", "1 s", "4000d", "1.5s"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const auto value : {0ms, 1ms, 1500ms, 60000ms, 5400000ms}) EXPECT_EQ(parse_duration(format_duration(value)), value);
}

TEST(ConfigValue, ParsesSizes) {
  EXPECT_EQ(parse_size("64KiB"), 65536);
  EXPECT_EQ(parse_size("1MB"), 1 << 20);
  EXPECT_EQ(parse_size("7"), 7);
  for (const auto* bad : {"", "x", "1X", "-1", "9999999999T", "1 KB"}) EXPECT_FALSE(parse_size(bad)) << bad;
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(1000), "1000");
}

TEST(ConfigValue, ParsesEndpoints) {
  EXPECT_EQ(parse_endpoint("[::1]:80", ""), (config_endpoint{"::1", 80}));
  EXPECT_EQ(parse_endpoint("8080", "10.0.0.1"), (config_endpoint{"10.0.0.1", 8080}));
  for (const auto* bad : {"", "host", "host:", "h:65536", "::1:80", "[::1]80", "h:-1", "[]:1"})
    EXPECT_FALSE(parse_endpoint(bad, "d")) << bad;
}

}  // namespace
}  // namespace msgkit::app
