#include "goip_xmpp/goippy_import.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdio>

#include "connectors/plain_text.hpp"

#include "engine/memory_store.hpp"
#include "goip_xmpp/config.hpp"

using namespace msgkit;
using namespace msgkit::app;

TEST(GoippyImport, OnlyPlainAssignmentsAreRead) {
  const auto s = parse_goippy_config(
      "A = \"x # y\"  # comment\n  B='it\\'s'\nC = 42 # n\nD = 1+1\n#E = 1\nF = \"open\n"
      "G = os.environ['X']\nimport os\nH=\"\"\n");
  const goippy_settings expected{{"A", "x # y"}, {"B", "it's"}, {"C", "42"}, {"H", ""}};
  EXPECT_EQ(s, expected);
}

TEST(GoippyImport, TheTranslationIsOurConfigurationWithTheSameMeaning) {
  const auto text = translated_config({{"XMPP_DOMAIN", "example.org"},
                                       {"XMPP_COMPONENT_JID", "data.example.org"},
                                       {"XMPP_COMPONENT_SECRET", "a\"b\\c"},
                                       {"XMPP_HOST", "192.0.2.1"},
                                       {"XMPP_PORT", "5348"},
                                       {"GOIP_PORT", "44445"},
                                       {"XMPP_FALLBACK_DEST", "op@example.org"},
                                       {"LOG_DAYS", "3"}},
                                      "/var/lib/x");
  auto reader = config_reader::from_text(text);
  const auto c = read_goip_xmpp_config(reader);
  reader.finish();
  ASSERT_TRUE(reader.ok()) << reader.errors_text();
  const auto& component = c.xmpp.options.component;
  EXPECT_EQ(component.session.domain, "data.example.org");
  EXPECT_EQ(component.session.secret, "a\"b\\c");
  EXPECT_EQ(component.connect.host, "192.0.2.1");
  EXPECT_EQ(component.connect.port, 5348);
  EXPECT_EQ(c.user_domain, "example.org");
  EXPECT_EQ(c.goip.server.listen[0].host, "0.0.0.0");
  EXPECT_EQ(c.goip.server.listen[0].port, 44445);
  EXPECT_EQ(c.log_time, std::chrono::hours{72});
  EXPECT_EQ(c.records_path, "/var/lib/x/goip_xmpp_records.db");
  EXPECT_EQ(c.fallback, "op@example.org");
}

TEST(GoippyImport, TheFallbackOfTheSampleIsNone) {
  const auto text = translated_config({{"XMPP_FALLBACK_DEST", "0000@example.org"}}, "/x");
  EXPECT_NE(text.find("fallback = \"\""), std::string::npos) << text;
}

TEST(GoippyImport, ADatabaseThatIsNotThereIsNamed) {
  std::string problem;
  const auto into = records::open(":memory:", problem);
  ASSERT_TRUE(into) << problem;
  engine::memory_store messages;
  import_counts counts;
  EXPECT_FALSE(import_goippy_database({}, "/nowhere/goippy.db", *into, messages, counts, problem));
  EXPECT_NE(problem.find("/nowhere/goippy.db"), std::string::npos);
}

namespace {

struct GoippyDatabase : ::testing::Test {
  GoippyDatabase() {
    path = ::testing::TempDir() + "goippy_import_test.db";
    std::remove(path.c_str());
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, R"(
      CREATE TABLE goippy_gateways(id INTEGER PRIMARY KEY, ext, goip_id, goip_pass, msisdn, allow_regex, enabled);
      CREATE TABLE goippy_calls(id INTEGER PRIMARY KEY, ts, goip_id, direction, remote_num, cause);
      CREATE TABLE goippy_log(id INTEGER PRIMARY KEY, dir, msisdn, xmpp_jid, body, status, created_at);
      INSERT INTO goippy_gateways VALUES(1, '2001', 'goippy_2001', 'pw', '+37250001', '.*', 1);
      INSERT INTO goippy_log VALUES
        (1, 'in', '+3725551', '2001@a.test', 'tere; ü', 'recv', '2025-11-01 12:00:00'),
        (2, 'out', '+3725552', '2001@a.test/phone', 'vastus', 'sms_sent', '2025-11-01 12:00:01'),
        (3, 'out', '+3725553', 'gone@a.test', NULL, 'error:No gateway', '2025-11-01 12:00:01');)",
                           nullptr, nullptr, nullptr),
              SQLITE_OK);
    sqlite3_close(db);
    into = records::open(":memory:", problem);
  }
  ~GoippyDatabase() override { std::remove(path.c_str()); }
  bool import() { return import_goippy_database({{"XMPP_DOMAIN", "a.test"}}, path, *into, messages, counts, problem); }

  std::string path, problem;
  std::unique_ptr<records> into;
  engine::memory_store messages;
  import_counts counts;
};

}  // namespace

TEST_F(GoippyDatabase, TheMessageLogBecomesSettledMessages) {
  ASSERT_TRUE(import()) << problem;
  EXPECT_EQ(counts.messages, 3u);
  std::vector<engine::message> all;
  ASSERT_TRUE(messages.browse(
      {}, engine::message_id{INT64_MAX}, 10, [&](engine::message&& m) { all.push_back(m); },
      [](engine::message_id, const fault&) { FAIL(); }));
  ASSERT_EQ(all.size(), 3u);  // the newest first
  EXPECT_EQ(to_plain_text(*all[2].content)->text, "tere; ü");
  EXPECT_EQ(all[2].content->account, "carrier:goippy_2001");
  EXPECT_EQ(all[2].content->source.value, "3725551");
  EXPECT_EQ(all[2].content->destination.value, "37250001");
  EXPECT_EQ(all[2].progress.state, engine::message_state::delivered);
  EXPECT_EQ(all[1].content->account, "client:2001@a.test");
  EXPECT_EQ(all[1].progress.state, engine::message_state::sent);
  EXPECT_EQ(all[0].progress.error.text, "No gateway");
  for (const auto& m : all) {
    EXPECT_TRUE(m.progress.settled);
    EXPECT_EQ(std::chrono::floor<std::chrono::days>(m.id.time()),
              std::chrono::sys_days{std::chrono::year{2025} / 11 / 1});
  }
}

TEST_F(GoippyDatabase, AStoreThatIsInUseIsLeftAlone) {
  ASSERT_TRUE(import()) << problem;
  EXPECT_FALSE(import());
  EXPECT_EQ(problem, "the store is not new");
}
