// The engine without sockets: a client that submits, a carrier that takes and reports, a client that takes receipts.
// Counted are complete message lives: submit, attempt, answer, report, receipt, its attempt and answer. The reference
// writes as many octets as one life does with plain prepared INSERTs, one transaction per batch.
// On PostgreSQL also durable submits alone, a hundred at a time as ten connections with a window of ten give them, beside
// a bare loop of COPY with one row of 300 octets each. The server is started here, with fsync.
#include <fmt/format.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "apps/engine/postgres_server.hpp"
#include "engine/postgres_store.hpp"
#include "engine/processor.hpp"
#include "engine/sqlite_store.hpp"
#include "harness.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using steady = std::chrono::steady_clock;

namespace {

constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};

double processor_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

// Runs `round`, which returns how many lives it completed, until time is up. Gives lives per second.
template <class F>
double measure(bench::seconds length, std::string& note, F&& round) {
  std::vector<double> took;
  std::uint64_t lives = 0;
  for (int i = 0; i < 30; ++i) round();  // fill the pipeline
  const auto start = steady::now();
  const double cpu = processor_seconds();
  bench::seconds elapsed{};
  do {
    const auto before = steady::now();
    lives += round();
    const auto now = steady::now();
    took.push_back(std::chrono::duration<double, std::micro>(now - before).count());
    elapsed = now - start;
  } while (elapsed < length);
  std::ranges::sort(took);
  note = fmt::format("{:.1f} us processor time each; batch p50 {:.0f} us, p99 {:.0f} us",
                     (processor_seconds() - cpu) * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, lives)),
                     took[took.size() / 2], took[took.size() * 99 / 100]);
  return static_cast<double>(lives) / elapsed.count();
}

// 120 octets of text, a number each, a few optional fields: what a text message with a receipt costs.
content_ptr make_content(std::uint64_t n) {
  auto c = std::make_shared<message_content>();
  c->account = "client:alice";
  c->source = {5, 0, "SHOP"};
  c->destination = {1, 1, "4670" + std::to_string(1'000'000 + n % 9'000'000)};
  c->body.assign(120, 'm');
  c->passthrough.assign(24, 0x11);
  c->receipt_wanted = receipt_on_success | receipt_on_failure;
  return c;
}

double engine_lives(store& s, std::size_t batch, bench::seconds length, std::string& note) {
  const auto table = std::make_shared<const route_table>(
      std::vector<route>{{.name = "all", .targets = {{"carrier:up1"}}}});
  processor work{core_options{}, processor_options{}, table, s};
  if (!work.start(t0)) std::abort();
  wall_time now = t0;
  std::vector<event> events{link_state{"carrier:up1", 1, 1, true, 1'000'000}, link_state{"client:alice", 2, 2, true, 1'000'000}};
  work.run(events, now);
  std::uint64_t n = 0, carrier_id = 0, lives = 0;
  std::vector<attempt_result> results;
  std::deque<std::string> reports;
  return measure(length, note, [&]() -> std::uint64_t {
    const auto before = lives;
    now += std::chrono::milliseconds{1};
    for (std::size_t i = 0; i < batch; ++i) events.emplace_back(submit{{3, ++n}, make_content(n)});
    for (auto& r : results) events.emplace_back(std::move(r));
    results.clear();
    while (reports.size() > batch * 10) {  // reports come some batches after the answers
      events.emplace_back(report{.token = {4, n}, .endpoint = "carrier:up1", .carrier_id = std::move(reports.front()),
                                 .state = message_state::delivered});
      reports.pop_front();
    }
    for (const auto& a : work.run(events, now)) {
      const auto* s_ = std::get_if<send>(&a);
      if (s_ == nullptr) continue;
      attempt_result r{.id = s_->id, .attempt = s_->attempt, .outcome = attempt_outcome::delivered};
      if (s_->content->kind == message_kind::sms) {
        r.outcome = attempt_outcome::sent;
        reports.push_back(fmt::format("{:010x}", ++carrier_id));
        r.segments.push_back({true, true, reports.back()});
      } else {
        ++lives;
      }
      results.push_back(std::move(r));
    }
    return lives - before;
  });
}

// The floor: as many octets as one life writes (content, receipt, five states of progress), as one row each.
double plain_inserts(const std::string& path, std::size_t batch, bench::seconds length, std::string& note) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  sqlite3_exec(db, "PRAGMA page_size=8192; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=4000; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)", nullptr, nullptr, nullptr);
  sqlite3_stmt *insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t(b) VALUES(?1)", -1, &insert, nullptr);
  const std::string octets(800, 'r');
  const double rate = measure(length, note, [&]() -> std::uint64_t {
    sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
    for (std::size_t i = 0; i < batch; ++i) {
      sqlite3_bind_blob(insert, 1, octets.data(), static_cast<int>(octets.size()), SQLITE_STATIC);
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
    return batch;
  });
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
}

// Submits that nobody takes further: the acknowledgement is what counts.
double engine_submits(store& s, std::size_t batch, bench::seconds length, std::string& note) {
  const auto table = std::make_shared<const route_table>(
      std::vector<route>{{.name = "all", .targets = {{"carrier:up1"}}}});
  core_options options{.active_messages_max = 10'000'000};
  options.endpoint_default.queue_max = 10'000'000;
  processor work{options, processor_options{}, table, s};
  if (!work.start(t0)) throw std::runtime_error(std::string{s.error_text()});
  wall_time now = t0;
  std::uint64_t n = 0;
  std::vector<event> events;
  return measure(length, note, [&]() -> std::uint64_t {
    now += std::chrono::milliseconds{1};
    for (std::size_t i = 0; i < batch; ++i) events.emplace_back(submit{{3, ++n}, make_content(n)});
    std::uint64_t acknowledged = 0;
    for (const auto& a : work.run(events, now)) acknowledged += std::holds_alternative<accepted>(a) ? 1 : 0;
    if (acknowledged != batch) throw std::runtime_error("a submit was refused: " + std::string{s.error_text()});
    return acknowledged;
  });
}

double copy_loop(const std::string& dsn, std::size_t batch, bench::seconds length, std::string& note) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> c{PQconnectdb(dsn.c_str()), &PQfinish};
  const auto run = [&](const char* sql) { PQclear(PQexec(c.get(), sql)); };
  run("CREATE TABLE t(id bigserial PRIMARY KEY, source text, destination text, at bigint, body bytea, more text)");
  const auto row = "SHOP\t46701000001\t1790000000000\t" + std::string(200, 'm') + "\tclient:alice;carrier:up1;0123456789abcdef\n";
  return measure(length, note, [&]() -> std::uint64_t {
    run("COPY t(source, destination, at, body, more) FROM STDIN");
    for (std::size_t i = 0; i < batch; ++i) PQputCopyData(c.get(), row.data(), static_cast<int>(row.size()));
    PQputCopyEnd(c.get(), nullptr);
    while (PGresult* r = PQgetResult(c.get())) {
      const bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
      PQclear(r);
      if (!good) throw std::runtime_error(PQerrorMessage(c.get()));
    }
    return batch;
  });
}

std::unique_ptr<postgres_store> open_postgres(const postgres_server& server, const std::string& schema) {
  std::string why;
  auto s = postgres_store::open({.dsn = server.dsn(schema), .instance = "bench"}, &why);
  if (!s) throw std::runtime_error{why};
  return *std::move(s);
}

void add_postgres_rows(bench::suite& all) {
  if (!postgres_server::is_installed()) return;
  const auto server = std::make_shared<postgres_server>(true);
  const auto schemas = std::make_shared<int>(0);
  const auto schema = [schemas] { return "b" + std::to_string(++*schemas); };
  all.add(bench::comparison{.name = "durable submits on PostgreSQL, 10 x 10",
                            .subject = "engine on PostgreSQL",
                            .reference = "bare COPY commit loop",
                            .unit = "submits/s",
                            .counts = bench::kind::rate,
                            .budget = 0.4,
                            .run_subject = [=](bench::seconds length, std::string& note) {
                              return engine_submits(*open_postgres(*server, schema()), 100, length, note);
                            },
                            .run_reference = [=](bench::seconds length, std::string& note) {
                              return copy_loop(server->dsn(schema()), 100, length, note);
                            }});
  all.add(bench::comparison{.name = "engine message life on PostgreSQL, batch 100",
                            .subject = "engine on PostgreSQL",
                            .reference = "bare COPY commit loop",
                            .unit = "lives/s",
                            .counts = bench::kind::rate,
                            .budget = 0.1,
                            .run_subject = [=](bench::seconds length, std::string& note) {
                              return engine_lives(*open_postgres(*server, schema()), 100, length, note);
                            },
                            .run_reference = [=](bench::seconds length, std::string& note) {
                              return copy_loop(server->dsn(schema()), 100, length, note);
                            }});
}

// A database of one measurement, in the directory the gateway's would be in.
class scratch {
 public:
  scratch() : path_{fmt::format("engine_store_bench_{}.db", ::getpid())} { remove(); }
  ~scratch() { remove(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void remove() const {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::suite all{argc, argv};
  for (const std::size_t batch : {10u, 100u, 1'000u}) {
    all.add(bench::comparison{
        .name = fmt::format("engine message life, batch {}", batch),
        .subject = "engine on SQLite",
        .reference = "plain inserts of as many octets",
        .unit = "lives/s",
        .counts = bench::kind::rate,
        .budget = 0.2,
        .run_subject = [batch](bench::seconds length, std::string& note) {
          const scratch file;
          std::string why;
          auto s = sqlite_store::open({.path = file.path()}, &why);
          if (!s) throw std::runtime_error{why};
          return engine_lives(**s, batch, length, note);
        },
        .run_reference = [batch](bench::seconds length, std::string& note) {
          const scratch file;
          return plain_inserts(file.path(), batch, length, note);
        }});
  }
  add_postgres_rows(all);
  return all.run();
}
