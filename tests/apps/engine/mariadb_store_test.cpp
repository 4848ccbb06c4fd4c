// What is particular to MariaDB; what every store promises is in store_test.cpp.
#include "engine/mariadb_store.hpp"

#include <thread>

#include "engine/error.hpp"
#include "mariadb_server.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace std::chrono_literals;

namespace {

struct MariadbStore : ::testing::Test {
  void SetUp() override {
    MSGKIT_NEEDS_MARIADB();
    options = shared_mariadb().options(database);
  }
  message make(std::uint64_t key) {
    auto c = std::make_shared<message_content>();
    c->account = "client:alice";
    c->body = byte_vector(20, 0x27);  // quotes: no way out of a literal
    message m{message_id{key}, c, {}};
    m.progress.state = message_state::queued;
    return m;
  }
  static bool commit(store& s, const message& m) {
    const record r{m.id, true, m.content.get(), &m.progress};
    return s.commit(std::span(&r, 1)).has_value();
  }
  static std::size_t active(store& s) {
    std::size_t n = 0;
    const auto report = s.load_active([&](message&&) { ++n; }, [](message_id, const fault&) {});
    EXPECT_TRUE(report);
    return n;
  }
  std::string refusal() {
    std::string why;
    const auto s = mariadb_store::open(options, &why);
    EXPECT_FALSE(s);
    return why;
  }
  std::string database = fresh_database();
  mariadb_store_options options;
};

}  // namespace

TEST_F(MariadbStore, RefusesASecondGateway) {
  const auto first = open_mariadb(options);
  options.server.connect_timeout = 1s;
  EXPECT_NE(refusal().find("another gateway uses this database"), std::string::npos);
}

TEST_F(MariadbStore, RefusesAServerThatDoesNotSync) {
  options.durable = true;
  EXPECT_NE(refusal().find("innodb_flush_log_at_trx_commit is 2"), std::string::npos);
}

TEST_F(MariadbStore, RefusesANewerSchema) {
  open_mariadb(options).reset();
  shared_mariadb().sql("UPDATE msgkit_state SET value = 9 WHERE name = 'schema'", database);
  EXPECT_EQ(refusal(), "store mariadb has schema version 9, this program knows up to 2");
}

TEST_F(MariadbStore, NamesWhatIsWrong) {
  EXPECT_EQ(check(mariadb_store_options{}), "database: is missing");
  options.server.password = "s3cret";
  options.server.user = "nobody-we-know";
  const auto why = refusal();
  EXPECT_NE(why.find("Access denied"), std::string::npos) << why;
  EXPECT_EQ(why.find("s3cret"), std::string::npos);
  options.server.socket = "/nowhere/socket";
  EXPECT_NE(refusal().find("/nowhere/socket"), std::string::npos);
}

TEST_F(MariadbStore, AServerThatIsKilledLosesNothing) {
  mariadb_server server;
  options = server.options("d");
  const auto s = open_mariadb(options);
  ASSERT_TRUE(commit(*s, make(1)));
  server.kill();
  EXPECT_FALSE(commit(*s, make(2)));
  EXPECT_FALSE(commit(*s, make(2))) << "until it recovers";
  EXPECT_FALSE(s->recover());
  EXPECT_NE(s->error_text().find("cannot be reached"), std::string_view::npos) << s->error_text();
  server.start();
  ASSERT_TRUE(s->recover()) << s->error_text();
  EXPECT_EQ(active(*s), 1u);
  ASSERT_TRUE(commit(*s, make(2)));
  EXPECT_EQ(active(*s), 2u);
}

TEST_F(MariadbStore, AServerThatStandsStillIsGivenUpAndItsCommitSettled) {
  mariadb_server server;
  options = server.options("d");
  options.server.statement_timeout = 1s;
  options.server.connect_timeout = 10s;
  const auto s = open_mariadb(options);
  ASSERT_TRUE(commit(*s, make(1)));
  server.pause();
  EXPECT_FALSE(commit(*s, make(2)));
  server.resume();
  ASSERT_TRUE(s->recover()) << s->error_text();
  // All or nothing of the second, and for good.
  const auto after = active(*s);
  EXPECT_TRUE(after == 1 || after == 2);
  EXPECT_EQ(active(*s), after);
  EXPECT_EQ(s->find(message_id{2})->has_value(), after == 2);
}

TEST_F(MariadbStore, AGatewayThatWasReplacedStaysOut) {
  const auto s = open_mariadb(options);
  ASSERT_TRUE(commit(*s, make(1)));
  // Its connection is cut, and another one is there first.
  shared_mariadb().sql("SET @id = (SELECT IS_USED_LOCK(CONCAT('msgkit.', SHA1('" + database + "'))));"
                       "EXECUTE IMMEDIATE CONCAT('KILL ', @id)");
  open_mariadb(options).reset();
  EXPECT_FALSE(commit(*s, make(2)));
  EXPECT_FALSE(s->recover());
  EXPECT_NE(s->error_text().find("another gateway has worked on it meanwhile"), std::string_view::npos) << s->error_text();
}

TEST_F(MariadbStore, ADamagedRowIsReportedAndTheOthersLoaded) {
  const auto s = open_mariadb(options);
  for (std::uint64_t k = 1; k <= 3; ++k) ASSERT_TRUE(commit(*s, make(k)));
  shared_mariadb().sql("UPDATE msgkit_content SET content = x'0102' WHERE id = 2", database);
  std::vector<std::uint64_t> bad;
  const auto report = s->load_active([](message&&) {}, [&](message_id id, const fault&) { bad.push_back(id.key()); });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->loaded, 2u);
  EXPECT_EQ(bad, std::vector<std::uint64_t>{2});
}
