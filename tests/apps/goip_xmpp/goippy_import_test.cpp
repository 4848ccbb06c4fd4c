#include "goip_xmpp/goippy_import.hpp"

#include <gtest/gtest.h>

#include "goip_xmpp/config.hpp"

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
}

TEST(GoippyImport, ADatabaseThatIsNotThereIsNamed) {
  std::string problem;
  const auto into = records::open(":memory:", problem);
  ASSERT_TRUE(into) << problem;
  import_counts counts;
  EXPECT_FALSE(import_goippy_database({}, "/nowhere/goippy.db", *into, counts, problem));
  EXPECT_NE(problem.find("/nowhere/goippy.db"), std::string::npos);
}
