// The engine without sockets: a client that submits, a carrier that takes and reports, a client that takes receipts.
// One line per store and batch size: complete message lives per second and what one costs in processor time, beside a
// reference in the same run: plain prepared INSERTs of the same number of octets, one transaction per batch.
//
//   engine_store_bench [seconds per row] [directory]
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>

#include "engine/memory_store.hpp"
#include "engine/processor.hpp"
#include "engine/sqlite_store.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using steady = std::chrono::steady_clock;

namespace {

constexpr wall_time t0{std::chrono::milliseconds{1'790'000'000'000}};
double seconds = 2.0;
std::filesystem::path directory = std::filesystem::temp_directory_path();

double processor_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

struct row {
  double per_second = 0, cpu_microseconds = 0;
  std::uint64_t p50 = 0, p99 = 0;  // of a batch, microseconds
};

// Runs `round` until time is up; it returns how many lives it completed.
template <class F>
row measure(F&& round) {
  std::vector<std::uint64_t> took;
  std::uint64_t lives = 0;
  for (int i = 0; i < 30; ++i) round();  // fill the pipeline
  const auto start = steady::now();
  const double cpu = processor_seconds();
  double elapsed = 0;
  do {
    const auto before = steady::now();
    lives += round();
    const auto now = steady::now();
    took.push_back(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - before).count()));
    elapsed = std::chrono::duration<double>(now - start).count();
  } while (elapsed < seconds);
  std::ranges::sort(took);
  return {static_cast<double>(lives) / elapsed,
          (processor_seconds() - cpu) * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, lives)),
          took[took.size() / 2], took[took.size() * 99 / 100]};
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

row engine_row(store& s, std::size_t batch) {
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
  return measure([&]() -> std::uint64_t {
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
row reference_row(const std::string& path, std::size_t batch) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  sqlite3_exec(db, "PRAGMA page_size=8192; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=4000; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)", nullptr, nullptr, nullptr);
  sqlite3_stmt *insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t(b) VALUES(?1)", -1, &insert, nullptr);
  const std::string octets(800, 'r');
  const row r = measure([&]() -> std::uint64_t {
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
  return r;
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}
void print(std::string_view what, std::size_t batch, const row& r) {
  fmt::print("{:<28} batch {:>5}  {:>9.0f} lives/s  {:>6.2f} us cpu/life  batch p50 {:>6} us  p99 {:>6} us\n", what, batch,
             r.per_second, r.cpu_microseconds, r.p50, r.p99);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) seconds = std::atof(argv[1]);
  if (argc > 2) directory = argv[2];
  const auto path = (directory / fmt::format("engine_store_bench_{}.db", ::getpid())).string();
  for (const std::size_t batch : {10u, 100u, 1'000u}) {
    memory_store memory;
    print("engine on memory", batch, engine_row(memory, batch));
    remove_database(path);
    {
      std::string why;
      auto s = sqlite_store::open({.path = path}, &why);
      if (!s) {
        fmt::print(stderr, "{}\n", why);
        return 1;
      }
      print("engine on SQLite", batch, engine_row(**s, batch));
    }
    remove_database(path);
    print("reference: plain inserts", batch, reference_row(path, batch));
    remove_database(path);
  }
  return 0;
}
