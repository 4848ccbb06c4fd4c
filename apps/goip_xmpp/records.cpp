#include "goip_xmpp/records.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/sqlite_query.hpp"

namespace msgkit::app {
namespace {

constexpr int busy_milliseconds = 5'000;
constexpr std::int64_t repetition_seconds = 60;  // devices say RECORD twice

constexpr const char* schema = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS line(extension TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
    number TEXT NOT NULL, jid TEXT NOT NULL, allow TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS switched_off(line TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS call(id INTEGER PRIMARY KEY, line TEXT NOT NULL, started INTEGER NOT NULL,
    ended INTEGER NOT NULL, inbound INTEGER, remote TEXT NOT NULL, cause TEXT NOT NULL, length INTEGER);
  CREATE INDEX IF NOT EXISTS call_line ON call(line, id);
  CREATE TABLE IF NOT EXISTS line_state(line TEXT PRIMARY KEY, state TEXT, number TEXT, gsm_status TEXT, voip_status TEXT,
    voip_state TEXT, provider TEXT, signal INTEGER, remain_time INTEGER, updated INTEGER);
  CREATE TABLE IF NOT EXISTS ussd(id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL, code TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, answer TEXT NOT NULL DEFAULT '');
)";

std::uint64_t bits(std::int64_t v) { return static_cast<std::uint64_t>(v); }
std::int64_t integer(const sqlite_query& q, int i) { return static_cast<std::int64_t>(q.number(i)); }
// Optional numbers are written as text, and nothing as the empty one.
std::string text_of(const std::optional<std::int64_t>& v) { return v ? std::to_string(*v) : std::string{}; }

}  // namespace

void hand_over(const std::string& path) {
  struct stat directory {};
  const auto parent = std::filesystem::absolute(path).parent_path();
  if (geteuid() != 0 || stat(parent.c_str(), &directory) != 0) return;
  [[maybe_unused]] const auto done = chown(path.c_str(), directory.st_uid, directory.st_gid);
}

std::unique_ptr<records> records::open(const std::string& path, std::string& problem) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (const fs::path p = path; p.has_parent_path()) fs::create_directories(p.parent_path(), ec);
  const bool is_new = !fs::exists(path, ec);
  sqlite3* db = nullptr;
  const auto opened = sqlite3_open(path.c_str(), &db);
  std::unique_ptr<records> made(new records(db));
  if (opened == SQLITE_OK && is_new) {
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, ec);
    hand_over(path);
  }
  if (opened == SQLITE_OK) {
    sqlite3_busy_timeout(db, busy_milliseconds);
    if (sqlite3_exec(db, schema, nullptr, nullptr, nullptr) == SQLITE_OK) return made;
  }
  problem = "cannot open " + path + ": " + sqlite3_errmsg(db);
  return nullptr;
}

records::~records() { sqlite3_close(db_); }

std::uint64_t records::version() {
  sqlite_query q(db_, "PRAGMA data_version");
  return q.next() ? q.number(0) : 0;
}

void records::begin() { sqlite_query(db_, "BEGIN IMMEDIATE").run(); }
bool records::commit() { return sqlite_query(db_, "COMMIT").run(); }

bool records::put_line(const stored_line& l) {
  return sqlite_query(db_,
                      "INSERT INTO line VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(extension) DO UPDATE SET"
                      " id = ?2, password = ?3, number = ?4, jid = ?5, allow = ?6")
      .bind(l.extension)
      .bind(l.id)
      .bind(l.password)
      .bind(l.number)
      .bind(l.jid)
      .bind(l.allow)
      .run();
}

bool records::remove_line(const std::string& extension) {
  return sqlite_query(db_, "DELETE FROM line WHERE extension = ?1").bind(extension).run() && sqlite3_changes(db_) > 0;
}

std::vector<stored_line> records::lines() {
  std::vector<stored_line> all;
  sqlite_query q(db_, "SELECT extension, id, password, number, jid, allow FROM line ORDER BY extension");
  while (q.next()) all.push_back({q.text(0), q.text(1), q.text(2), q.text(3), q.text(4), q.text(5)});
  return all;
}

bool records::set_enabled(const std::string& line, bool enabled) {
  return sqlite_query(db_, enabled ? "DELETE FROM switched_off WHERE line = ?1"
                                   : "INSERT OR IGNORE INTO switched_off VALUES(?1)")
      .bind(line)
      .run();
}

std::set<std::string> records::switched_off() {
  std::set<std::string> all;
  sqlite_query q(db_, "SELECT line FROM switched_off");
  while (q.next()) all.insert(q.text(0));
  return all;
}

bool records::add_call(const std::string& line, const goip::call_event& e, std::int64_t now) {
  if (e.phase == goip::call_phase::measured)
    return sqlite_query(db_, "UPDATE call SET length = ?2 WHERE id = (SELECT max(id) FROM call WHERE line = ?1)")
        .bind(line)
        .bind(text_of(e.length))
        .run();
  if (e.phase == goip::call_phase::started) {
    sqlite_query known(db_, "SELECT 1 FROM call WHERE line = ?1 AND ended = 0 AND remote = ?2 AND started >= ?3");
    known.bind(line).bind(e.remote).bind(bits(now - repetition_seconds));
    if (known.next()) return true;
    return add_call(line, call_record{.started = now, .inbound = e.inbound, .remote = e.remote});
  }
  sqlite_query end(db_,
                   "UPDATE call SET ended = ?2, cause = ?3 WHERE id = (SELECT max(id) FROM call WHERE line = ?1"
                   " AND ended = 0)");
  if (!end.bind(line).bind(bits(now)).bind(e.cause).run()) return false;
  if (sqlite3_changes(db_) > 0) return true;
  return add_call(line, call_record{.ended = now, .remote = e.remote, .cause = e.cause});
}

bool records::add_call(const std::string& line, const call_record& c) {
  const std::string inbound = c.inbound ? (*c.inbound ? "1" : "0") : "", length = text_of(c.length);
  return sqlite_query(db_,
                      "INSERT INTO call(line, started, ended, inbound, remote, cause, length)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(line)
      .bind(bits(c.started))
      .bind(bits(c.ended))
      .bind(inbound)
      .bind(c.remote)
      .bind(c.cause)
      .bind(length)
      .run();
}

std::vector<call_record> records::calls(const std::string& line, std::size_t limit) {
  std::vector<call_record> all;
  sqlite_query q(db_,
                 "SELECT started, ended, inbound, remote, cause, length FROM call WHERE line = ?1"
                 " ORDER BY id DESC LIMIT ?2");
  q.bind(line).bind(std::uint64_t{limit});
  while (q.next()) {
    call_record c{.started = integer(q, 0), .ended = integer(q, 1), .remote = q.text(3), .cause = q.text(4)};
    if (!q.text(2).empty()) c.inbound = q.text(2) == "1";
    if (!q.text(5).empty()) c.length = integer(q, 5);
    all.push_back(std::move(c));
  }
  return all;
}

bool records::purge_calls(std::int64_t before) {
  return sqlite_query(db_, "DELETE FROM call WHERE max(started, ended) < ?1").bind(bits(before)).run();
}

bool records::put_state(const state_record& s) {
  return sqlite_query(db_, "INSERT OR REPLACE INTO line_state VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
      .bind(s.line)
      .bind(s.state)
      .bind(s.number)
      .bind(s.gsm_status)
      .bind(s.voip_status)
      .bind(s.voip_state)
      .bind(s.provider)
      .bind(bits(s.signal))
      .bind(bits(s.remain_time))
      .bind(bits(s.updated))
      .run();
}

std::vector<state_record> records::states() {
  std::vector<state_record> all;
  sqlite_query q(db_, "SELECT * FROM line_state ORDER BY line");
  while (q.next())
    all.push_back({q.text(0), q.text(1), q.text(2), q.text(3), q.text(4), q.text(5), q.text(6), integer(q, 7),
                   integer(q, 8), integer(q, 9)});
  return all;
}

std::uint64_t records::add_job(const std::string& line, const std::string& code) {
  if (!sqlite_query(db_, "INSERT INTO ussd(line, code) VALUES(?1, ?2)").bind(line).bind(code).run()) return 0;
  return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db_));
}

std::vector<ussd_job> records::take_jobs() {
  std::vector<ussd_job> all;
  {
    sqlite_query q(db_, "SELECT id, line, code FROM ussd WHERE state = 0 ORDER BY id");
    while (q.next()) all.push_back({q.number(0), q.text(1), q.text(2)});
  }
  for (const auto& j : all) sqlite_query(db_, "UPDATE ussd SET state = 1 WHERE id = ?1").bind(j.id).run();
  return all;
}

bool records::finish_job(std::uint64_t id, bool failed, const std::string& answer) {
  const auto state = failed ? job_state::failed : job_state::answered;
  return sqlite_query(db_, "UPDATE ussd SET state = ?2, answer = ?3 WHERE id = ?1")
      .bind(id)
      .bind(static_cast<std::uint64_t>(state))
      .bind(answer)
      .run();
}

job_state records::job(std::uint64_t id, std::string& answer) {
  sqlite_query q(db_, "SELECT state, answer FROM ussd WHERE id = ?1");
  if (!q.bind(id).next()) return job_state::waiting;
  answer = q.text(1);
  return static_cast<job_state>(q.number(0));
}

void records::drop_job(std::uint64_t id) { sqlite_query(db_, "DELETE FROM ussd WHERE id = ?1").bind(id).run(); }

}  // namespace msgkit::app
