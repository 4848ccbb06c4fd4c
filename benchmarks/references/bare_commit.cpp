#include "references/bare_commit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include "references/bare_server.hpp"

namespace msgkit::bench {
namespace {

namespace fs = std::filesystem;
constexpr double believable_sync_us = 20;

// A directory of its own, removed with everything in it.
class scratch_directory {
 public:
  explicit scratch_directory(const fs::path& parent) {
    std::string name = (parent / "bench.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory can be made in " + parent.string());
    path_ = name;
  }
  ~scratch_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class sqlite_log {
 public:
  explicit sqlite_log(const fs::path& file) {
    sqlite3* db = nullptr;
    const int rc = sqlite3_open(file.c_str(), &db);
    db_.reset(db);
    check(rc);
    execute("pragma journal_mode=wal");
    execute("pragma synchronous=full");
    execute("create table message(id integer primary key, at integer, source text, destination text, pdu blob)");
    sqlite3_stmt* insert = nullptr;
    check(sqlite3_prepare_v2(db, "insert into message(at,source,destination,pdu) values(?,?,?,?)", -1, &insert, nullptr));
    insert_.reset(insert);
  }

  // A benchmark has nobody to report to from the commit thread: a store that fails ends it.
  void commit(const commit_group& group) noexcept {
    try {
      execute("begin immediate");
      for (const bytes_view pdu : group) insert(pdu);
      execute("commit");
      ++commits_;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "bare_commit: %s\n", e.what());
      std::abort();
    }
  }

  std::uint64_t rows() {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_.get(), "select count(*) from message", -1, &statement, nullptr));
    const std::unique_ptr<sqlite3_stmt, finalizer> guard(statement);
    if (sqlite3_step(statement) != SQLITE_ROW) throw std::runtime_error(sqlite3_errmsg(db_.get()));
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement, 0));
  }
  [[nodiscard]] std::uint64_t commits() const { return commits_; }

 private:
  struct closer {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  struct finalizer {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };

  void check(int rc) {
    if (rc != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(db_.get()));
  }
  void execute(const char* sql) { check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr)); }
  void insert(bytes_view pdu) {
    sqlite3_stmt* s = insert_.get();
    sqlite3_bind_int64(s, 1, 1'700'000'000'000);
    sqlite3_bind_text(s, 2, "46700123456", -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, "46709876543210", -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 4, pdu.data(), static_cast<int>(pdu.size()), SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_.get()));
    check(sqlite3_reset(s));
  }

  std::unique_ptr<sqlite3, closer> db_;
  std::unique_ptr<sqlite3_stmt, finalizer> insert_;
  std::uint64_t commits_ = 0;
};

}  // namespace

double fdatasync_p50_us(const fs::path& directory) {
  const scratch_directory scratch(directory);
  const fs::path file = scratch.path() / "sync";
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write in " + directory.string());
  const std::array<char, 8192> block{};
  std::vector<double> times;
  for (int i = 0; i < 101; ++i) {
    if (::write(fd, block.data(), block.size()) < 0) break;
    const auto start = std::chrono::steady_clock::now();
    ::fdatasync(fd);
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  ::close(fd);
  if (times.size() != 101) throw std::runtime_error("cannot write in " + directory.string());
  std::nth_element(times.begin(), times.begin() + 50, times.end());
  return times[50];
}

std::string commit_result::to_string() const {
  return fmt::format("{}, {:.0f} rows/commit, fdatasync p50 {:.0f} us", load.to_string(),
                     static_cast<double>(rows) / static_cast<double>(std::max<std::uint64_t>(commits, 1)),
                     fdatasync_p50_us);
}

commit_result run_bare_commit(load_options options, const fs::path& directory) {
  commit_result result;
  result.fdatasync_p50_us = bench::fdatasync_p50_us(directory);
  if (result.fdatasync_p50_us < believable_sync_us) {
    throw std::runtime_error(fmt::format("fdatasync takes {:.0f} us in {}: that disk does not store durably",
                                         result.fdatasync_p50_us, directory.string()));
  }
  const scratch_directory scratch(directory);
  sqlite_log log(scratch.path() / "log.db");
  {
    const bare_server server([&](const commit_group& group) { log.commit(group); });
    options.port = server.port();
    options.bind = false;
    result.load = run_load(options);
  }
  result.commits = log.commits();
  result.rows = log.rows();
  if (result.rows < result.load.accepted) throw std::runtime_error("acknowledged rows are missing in the database");
  return result;
}

}  // namespace msgkit::bench
