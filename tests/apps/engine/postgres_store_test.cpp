// What is special about the store in PostgreSQL: set-up, faults of server and connection, several instances.
#include "engine/postgres_store.hpp"

#include <signal.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "driver.hpp"
#include "engine/error.hpp"
#include "postgres_fixture.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

message make(std::uint64_t key) {
  auto c = std::make_shared<message_content>();
  c->account = "client:alice";
  c->destination.value = "46700000001";
  c->body = byte_vector(40, 0x42);
  message m{message_id{key}, c, {}};
  m.progress.state = message_state::queued;
  m.progress.valid_until = wall_time::max();
  return m;
}

result<void> write(store& s, std::uint64_t key) {
  const auto m = make(key);
  const record r[] = {{m.id, true, m.content.get(), &m.progress}};
  return s.commit(r);
}

std::set<std::uint64_t> active_ids(store& s) {
  std::set<std::uint64_t> out;
  EXPECT_TRUE(s.load_active([&](message&& m) { out.insert(m.id.key()); },
                            [](message_id, const fault&) { ADD_FAILURE() << "corrupt"; }));
  return out;
}

// Recovery may fail some times while a server starts.
void recover_in_time(store& s) {
  for (int i = 0; i < 600; ++i) {
    if (s.recover()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  FAIL() << s.error_text();
}

class PostgresStore : public ::testing::Test {
 protected:
  void SetUp() override {
    MSGKIT_NEEDS_POSTGRES();
    schema_ = fresh_schema();
  }
  postgres_store_options options(const std::string& instance = "gw1") { return postgres_options(schema_, instance); }
  std::string sql(const std::string& text) { return shared_postgres().sql(text, schema_); }
  std::string open_error(const postgres_store_options& o, errc expected) {
    std::string why;
    const auto s = postgres_store::open(o, &why);
    EXPECT_FALSE(s);
    if (!s) {
      EXPECT_EQ(s.error().code, expected);
    }
    return why;
  }
  std::string schema_;
};

using PostgresInstances = PostgresStore;

}  // namespace

// ---- set-up -------------------------------------------------------------------------------------------------------

TEST_F(PostgresStore, ConfigurationMistakesAreNamedWithoutConnecting) {
  EXPECT_EQ(check(postgres_store_options{.instance = "a"}).substr(0, 4), "dsn:");
  EXPECT_NE(check({.dsn = "host=x hots=y", .instance = "a"}).find("hots"), std::string::npos);
  EXPECT_EQ(check({.dsn = "host=x", .instance = ""}).substr(0, 9), "instance:");
  EXPECT_EQ(check({.dsn = "host=x", .instance = "a", .lease = std::chrono::seconds{1}}).substr(0, 6), "lease:");
  EXPECT_EQ(check({.dsn = "postgresql://gw@db/msgkit", .instance = "a"}), "");
}

TEST_F(PostgresStore, ErrorsSayWhatIsWrongAndKeepThePassword) {
  auto o = options();
  o.dsn = "host=/nonexistent dbname=x";
  o.password = "hunter2";
  const auto text = open_error(o, errc::store_open_failed);
  EXPECT_NE(text.find("cannot be reached"), std::string::npos) << text;
  EXPECT_NE(text.find("/nonexistent"), std::string::npos) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST_F(PostgresStore, RefusesANewerSchema) {
  open_postgres(options()).reset();
  sql("INSERT INTO msgkit_schema VALUES(99)");
  EXPECT_EQ(open_error(options(), errc::store_newer), "store postgres has schema version 99, this program knows up to 5");
}

TEST_F(PostgresStore, TwoGatewaysMayCreateTheTablesAtOnce) {
  std::vector<std::future<bool>> all;
  const auto dsn = options().dsn;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::async(std::launch::async, [dsn, i] {
      return static_cast<bool>(postgres_store::open({.dsn = dsn, .instance = "gw" + std::to_string(i)}));
    }));
  }
  for (auto& f : all) EXPECT_TRUE(f.get());
  EXPECT_EQ(sql("SELECT count(DISTINCT number) FROM msgkit_instance"), "4");
}

TEST_F(PostgresStore, ADamagedRowIsReportedAndTheOthersLoaded) {
  const auto s = open_postgres(options());
  for (const std::uint64_t k : {1u, 2u, 3u}) ASSERT_TRUE(write(*s, k));
  sql("UPDATE msgkit_message SET content = '\\x0102030405060708' WHERE id = 2");
  std::vector<std::uint64_t> good, bad;
  const auto report = s->load_active([&](message&& m) { good.push_back(m.id.key()); },
                                     [&](message_id id, const fault&) { bad.push_back(id.key()); });
  ASSERT_TRUE(report);
  EXPECT_EQ(good, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(bad, (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(s->find(message_id{2}).error().code, errc::record_corrupt);
}

TEST_F(PostgresStore, CommitsAreSynchronousWhateverTheServerSays) {
  sql("ALTER ROLE msgkit SET synchronous_commit = off");
  const auto s = open_postgres(options());
  sql("ALTER ROLE msgkit RESET synchronous_commit");
  sql("CREATE TABLE seen(mode text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " INSERT INTO seen VALUES(current_setting('synchronous_commit')); RETURN NULL; END $$;"
      " CREATE TRIGGER note AFTER INSERT ON msgkit_message EXECUTE FUNCTION note()");
  ASSERT_TRUE(write(*s, 1)) << s->error_text();
  EXPECT_EQ(sql("SELECT mode FROM seen"), "on");
}

// ---- faults -------------------------------------------------------------------------------------------------------

TEST_F(PostgresStore, AfterAKilledServerEveryAcknowledgedCommitIsThere) {
  const auto s = open_postgres(options());
  std::set<std::uint64_t> acknowledged, refused;
  std::uint64_t key = 0;
  for (int round = 0; round < 3; ++round) {
    std::atomic<bool> killed{false};
    std::thread killer{[&, round] {
      std::this_thread::sleep_for(std::chrono::milliseconds{30 + 17 * round});
      shared_postgres().kill();
      killed = true;
    }};
    for (bool good = true; good;) {
      good = static_cast<bool>(write(*s, ++key));
      (good ? acknowledged : refused).insert(key);
    }
    killer.join();
    EXPECT_FALSE(write(*s, ++key)) << "a store that failed takes nothing before it has recovered";
    shared_postgres().start();
    recover_in_time(*s);
    const auto found = active_ids(*s);
    for (const auto k : acknowledged) ASSERT_TRUE(found.contains(k)) << k;
    for (const auto k : found) ASSERT_TRUE(acknowledged.contains(k) || refused.contains(k)) << k;
    ASSERT_TRUE(write(*s, ++key));
    acknowledged.insert(key);
  }
  EXPECT_GT(acknowledged.size(), 10u);
}

TEST_F(PostgresStore, AServerThatIsStoppedRefusesAtOnceAndIsFoundAgain) {
  const auto s = open_postgres(options());
  ASSERT_TRUE(write(*s, 1));
  shared_postgres().stop();
  EXPECT_FALSE(write(*s, 2));
  EXPECT_FALSE(s->recover());
  EXPECT_NE(s->error_text().find("cannot be reached"), std::string_view::npos) << s->error_text();
  shared_postgres().start();
  recover_in_time(*s);
  EXPECT_EQ(active_ids(*s), std::set<std::uint64_t>{1});
}

// The answer is lost while the transaction waits inside the server. Recovery shuts it out: whatever the late statement
// does afterwards, the batch does not appear behind our back.
TEST_F(PostgresStore, ACommitWhoseAnswerWasLostIsSettledByRecovery) {
  auto o = options();
  o.statement_timeout = std::chrono::milliseconds{300};
  const auto s = open_postgres(o);
  ASSERT_TRUE(write(*s, 1));
  shared_postgres().pause();
  EXPECT_FALSE(write(*s, 2));
  EXPECT_NE(s->error_text().find("no answer in time"), std::string_view::npos) << s->error_text();
  shared_postgres().resume();
  recover_in_time(*s);
  const auto found = active_ids(*s);
  EXPECT_TRUE(found.contains(1));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(active_ids(*s), found) << "nothing arrives late";
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

TEST_F(PostgresStore, AConnectionThatIsCutIsReplaced) {
  const auto s = open_postgres(options());
  ASSERT_TRUE(write(*s, 1));
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'msgkit'");
  EXPECT_FALSE(write(*s, 2));
  recover_in_time(*s);
  ASSERT_TRUE(write(*s, 3));
  EXPECT_EQ(active_ids(*s), (std::set<std::uint64_t>{1, 3}));
}

TEST_F(PostgresStore, ALockedTableEndsInTheStatementTimeout) {
  auto o = options();
  o.statement_timeout = std::chrono::milliseconds{200};
  const auto s = open_postgres(o);
  // Locked until it is ended from here, however slow this machine is.
  std::thread other{[&] {
    EXPECT_THROW(sql("BEGIN; LOCK TABLE msgkit_message; SELECT pg_sleep(60); COMMIT"), std::runtime_error);
  }};
  const auto locked = [&] {
    return sql("SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation ="
               " 'msgkit_message'::regclass") == "1";
  };
  for (int i = 0; i < 500 && !locked(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{10});
  EXPECT_FALSE(write(*s, 1));
  EXPECT_NE(s->error_text().find("timeout"), std::string_view::npos) << s->error_text();
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
  other.join();
  recover_in_time(*s);
  EXPECT_TRUE(write(*s, 1));
}

// Stands for every error of the server in the middle of a batch, a full disk among them.
TEST_F(PostgresStore, AnErrorInTheMiddleOfABatchLeavesNothingOfIt) {
  const auto s = open_postgres(options());
  sql("ALTER TABLE msgkit_message ADD CHECK (id <> 7)");
  std::vector<message> list;
  std::vector<record> r;
  for (std::uint64_t k = 1; k <= 10; ++k) list.push_back(make(k));
  for (const auto& m : list) r.push_back({m.id, true, m.content.get(), &m.progress});
  EXPECT_FALSE(s->commit(r));
  EXPECT_NE(s->error_text().find("23514"), std::string_view::npos) << s->error_text();
  recover_in_time(*s);
  EXPECT_TRUE(active_ids(*s).empty());
  ASSERT_TRUE(write(*s, 1));
}

// ---- several instances --------------------------------------------------------------------------------------------

TEST_F(PostgresInstances, HaveNumbersOfTheirOwnAndKeepThem) {
  auto a = open_postgres(options("a"));
  const auto b = open_postgres(options("b"));
  EXPECT_NE(a->instance_number(), b->instance_number());
  const auto number = a->instance_number();
  a.reset();
  EXPECT_EQ(open_postgres(options("a"))->instance_number(), number);
}

TEST_F(PostgresInstances, TwoOfOneNameAreRefused) {
  const auto a = open_postgres(options("a"));
  auto second = options("a");
  second.connect_timeout = std::chrono::milliseconds{300};
  const auto why = open_error(second, errc::store_open_failed);
  EXPECT_NE(why.find("instance a is in use"), std::string::npos) << why;
  EXPECT_TRUE(write(*a, 1)) << "the first one is not disturbed";
}

TEST_F(PostgresInstances, LoadOnlyTheirOwnMessagesAndFindAll) {
  const auto a = open_postgres(options("a")), b = open_postgres(options("b"));
  ASSERT_TRUE(write(*a, 1));
  ASSERT_TRUE(write(*b, 2));
  EXPECT_EQ(active_ids(*a), std::set<std::uint64_t>{1});
  EXPECT_EQ(active_ids(*b), std::set<std::uint64_t>{2});
  EXPECT_TRUE(a->find(message_id{2})->has_value());
}

namespace {

std::set<std::uint64_t> taken_over_by(store& s) {
  std::set<std::uint64_t> out;
  EXPECT_TRUE(s.upkeep([&](message&& m) { out.insert(m.id.key()); },
                       [](message_id, const fault&) { ADD_FAILURE() << "corrupt"; })) << s.error_text();
  return out;
}

}  // namespace

TEST_F(PostgresInstances, LeaveTheMessagesOfALivingOneAlone) {
  const auto a = open_postgres(options("a")), b = open_postgres(options("b"));
  ASSERT_TRUE(write(*a, 1));
  EXPECT_TRUE(taken_over_by(*b).empty());
}

TEST_F(PostgresInstances, TakeOverFromOneThatIsSilentAndShutItOut) {
  const auto a = open_postgres(options("a")), b = open_postgres(options("b"));
  ASSERT_TRUE(write(*a, 1));
  sql("UPDATE msgkit_instance SET lease_until = clock_timestamp() - interval '1 s' WHERE name = 'a'");
  EXPECT_EQ(taken_over_by(*b), std::set<std::uint64_t>{1});
  EXPECT_TRUE(taken_over_by(*b).empty());
  // It wakes up and knows nothing of it.
  EXPECT_FALSE(write(*a, 3));
  EXPECT_NE(a->error_text().find("was taken over"), std::string_view::npos) << a->error_text();
  recover_in_time(*a);
  EXPECT_TRUE(active_ids(*a).empty());
  ASSERT_TRUE(write(*a, 4));
  EXPECT_EQ(active_ids(*b), std::set<std::uint64_t>{1});
}

TEST_F(PostgresInstances, TakeOverInPiecesFromOneThatLeft) {
  auto o = options("b");
  o.takeover_rows_max = 2;
  auto a = open_postgres(options("a"));
  const auto b = open_postgres(o);
  for (std::uint64_t k = 1; k <= 5; ++k) ASSERT_TRUE(write(*a, k));
  a.reset();
  EXPECT_EQ(taken_over_by(*b).size(), 2u);
  a = open_postgres(options("a"));  // comes back in between and keeps what is left
  EXPECT_TRUE(taken_over_by(*b).empty());
  EXPECT_EQ(active_ids(*a).size(), 3u);
  EXPECT_EQ(active_ids(*b).size(), 2u);
}

TEST_F(PostgresInstances, SeveralTakersShareWithoutOverlap) {
  auto a = open_postgres(options("a"));
  for (std::uint64_t k = 1; k <= 60; ++k) ASSERT_TRUE(write(*a, k));
  a.reset();
  std::vector<std::unique_ptr<postgres_store>> takers;
  for (int i = 0; i < 4; ++i) {
    auto o = options("t" + std::to_string(i));
    o.takeover_rows_max = 7;
    takers.push_back(open_postgres(o));
  }
  std::vector<std::set<std::uint64_t>> got(takers.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < takers.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 30; ++n) got[i].merge(taken_over_by(*takers[i]));
    });
  }
  for (auto& t : threads) t.join();
  std::set<std::uint64_t> all;
  std::size_t sum = 0;
  for (const auto& g : got) {
    sum += g.size();
    all.insert(g.begin(), g.end());
  }
  EXPECT_EQ(sum, 60u);
  EXPECT_EQ(all.size(), 60u);
}

// Two engines over one database: what one has accepted and not sent when it dies, the other one sends.
TEST_F(PostgresInstances, AnEngineSendsWhatADeadOneHadAccepted) {
  const auto first = open_postgres(options("a"));
  const auto second = open_postgres(options("b"));
  core_options mine, other;
  mine.instance = *first->instance_number();
  other.instance = *second->instance_number();
  processor a{mine, {}, routes({to({{"carrier:up1"}})}), *first};
  processor b{other, {}, routes({to({{"carrier:up1"}})}), *second};
  const wall_time t{std::chrono::milliseconds{1'790'000'000'000}};
  ASSERT_TRUE(a.start(t));
  ASSERT_TRUE(b.start(t));
  std::vector<event> events{driver::make_submit(text_message(), 1), driver::make_submit(text_message(), 2)};
  std::set<message_id> ids;
  for (const auto& what : a.run(events, t))
    if (const auto* ok = std::get_if<accepted>(&what)) ids.insert(ok->id);
  ASSERT_EQ(ids.size(), 2u);
  sql("UPDATE msgkit_instance SET lease_until = clock_timestamp() - interval '1 s' WHERE name = 'a'");

  events = {link_state{"carrier:up1", 1, 7, true, 10}};
  b.run(events, t);
  std::set<message_id> sent_ids;
  events = {tick{}};
  for (const auto& what : b.run(events, t + second->upkeep_interval()))
    if (const auto* s = std::get_if<send>(&what)) sent_ids.insert(s->id);
  EXPECT_EQ(sent_ids, ids);

  // The first one wakes with a carrier: it must not send them too.
  events = {link_state{"carrier:up1", 2, 8, true, 10}, driver::make_submit(text_message(), 3)};
  for (const auto& what : a.run(events, t)) EXPECT_FALSE(std::holds_alternative<send>(what));
  EXPECT_TRUE(a.store_faulted());
  events = {tick{}};
  for (const auto& what : a.run(events, a.next_deadline())) EXPECT_FALSE(std::holds_alternative<send>(what));
  EXPECT_FALSE(a.store_faulted());
  EXPECT_EQ(a.state().active(), 0u);
}
