#include "mmsgw/store.hpp"

#include <sqlite3.h>

#include <filesystem>

#include "mmsgw/model_json.hpp"

namespace msgkit::app::mms {
namespace {

constexpr int schema_version = 1;
constexpr const char* schema = R"(
  CREATE TABLE template(id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE message(id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX message_created ON message(created_ms);
  CREATE TABLE recipient(message_id TEXT NOT NULL, n INTEGER NOT NULL, number TEXT NOT NULL, role INTEGER NOT NULL,
                         state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, grp TEXT NOT NULL,
                         carrier_id TEXT, PRIMARY KEY(message_id, n)) WITHOUT ROWID;
  CREATE INDEX recipient_due ON recipient(grp, due_ms) WHERE state = 0;
  CREATE INDEX recipient_sending ON recipient(state) WHERE state = 1;
  CREATE INDEX recipient_carrier ON recipient(carrier_id) WHERE carrier_id IS NOT NULL;
  CREATE TABLE event(message_id TEXT NOT NULL, body TEXT NOT NULL);
  CREATE INDEX event_message ON event(message_id);
  CREATE TABLE media(id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL);
  CREATE TABLE media_use(owner TEXT NOT NULL, media_id TEXT NOT NULL, PRIMARY KEY(owner, media_id)) WITHOUT ROWID;
  CREATE INDEX media_use_media ON media_use(media_id);
  CREATE TABLE inbound(peer TEXT NOT NULL, peer_ref TEXT NOT NULL, recipient TEXT NOT NULL, message_id TEXT NOT NULL,
                       at_ms INTEGER NOT NULL, PRIMARY KEY(peer, peer_ref, recipient)) WITHOUT ROWID;
  CREATE TABLE callback(id TEXT PRIMARY KEY, url TEXT NOT NULL, body TEXT NOT NULL, attempts INTEGER NOT NULL,
                        due_ms INTEGER NOT NULL, dead INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX callback_due ON callback(due_ms) WHERE dead = 0;
  CREATE TABLE answer(id TEXT PRIMARY KEY, message_id TEXT NOT NULL, gateway TEXT NOT NULL, kind INTEGER NOT NULL,
                      recipient TEXT NOT NULL, code TEXT NOT NULL, description TEXT NOT NULL, attempts INTEGER NOT NULL,
                      due_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX answer_due ON answer(due_ms);
)";

// One prepared statement, for as long as it takes. Binding and stepping go on after an error and do nothing.
class query {
 public:
  query(sqlite3* db, const char* sql) { good_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) == SQLITE_OK; }
  ~query() { sqlite3_finalize(statement_); }
  query(const query&) = delete;
  query& operator=(const query&) = delete;

  query& bind(std::int64_t v) { return checked(sqlite3_bind_int64(statement_, ++at_, v)); }
  query& bind(std::size_t v) { return bind(static_cast<std::int64_t>(v)); }
  query& bind(unsigned v) { return bind(static_cast<std::int64_t>(v)); }
  query& bind(const std::string& v) {  // static: the text outlives the step
    return checked(sqlite3_bind_text(statement_, ++at_, v.data(), static_cast<int>(v.size()), SQLITE_STATIC));
  }
  query& bind_octets(std::string_view v) {
    return checked(sqlite3_bind_blob64(statement_, ++at_, v.empty() ? "" : v.data(), v.size(), SQLITE_STATIC));
  }
  bool next() {
    if (!good_) return false;
    const int rc = sqlite3_step(statement_);
    good_ = rc == SQLITE_ROW || rc == SQLITE_DONE;
    return rc == SQLITE_ROW;
  }
  bool run() {
    while (next()) {}
    return good_;
  }
  [[nodiscard]] std::int64_t number(int i) const { return sqlite3_column_int64(statement_, i); }
  [[nodiscard]] std::string text(int i) const {
    const auto* const octets = static_cast<const char*>(sqlite3_column_blob(statement_, i));
    return octets == nullptr ? std::string() : std::string(octets, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i)));
  }

 private:
  query& checked(int rc) {
    good_ = good_ && rc == SQLITE_OK;
    return *this;
  }
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
  bool good_ = false;
};

constexpr std::int64_t code(recipient_state s) noexcept { return static_cast<std::int64_t>(s); }

}  // namespace

std::unique_ptr<store> store::open(const std::string& path, std::string& why) {
  const std::filesystem::path file = path;
  std::error_code ec;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ec);
  std::unique_ptr<store> s(new store);
  const auto fail = [&](const std::string& text) {
    why = path + ": " + text;
    return nullptr;
  };
  if (sqlite3_open_v2(path.c_str(), &s->db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) != SQLITE_OK) return fail(s->error_text());
  constexpr int busy_ms = 2'000;
  sqlite3_busy_timeout(s->db_, busy_ms);
  // Exclusive: two processes on one file would both send what is due.
  if (!s->execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")) return fail(s->error_text());
  std::int64_t found = 0;
  {
    query version(s->db_, "PRAGMA user_version");
    if (!version.next()) return fail(s->error_text());
    found = version.number(0);
  }
  if (found > schema_version) return fail("was written by a newer version of mmsgw");
  if (found == 0) {
    const auto create = std::string("BEGIN IMMEDIATE;") + schema + "PRAGMA user_version = 1; COMMIT";
    if (!s->execute(create.c_str())) return fail(s->error_text());
  }
  if (!s->execute("BEGIN IMMEDIATE; UPDATE callback SET due_ms = 0 WHERE dead = 0; UPDATE answer SET due_ms = 0; COMMIT")) return fail(s->error_text());
  return s;
}

store::~store() { sqlite3_close(db_); }

bool store::execute(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
std::string store::error_text() const { return sqlite3_errmsg(db_); }

bool store::transaction(const std::function<bool()>& work) {
  if (!execute("BEGIN IMMEDIATE")) return false;
  if (work() && execute("COMMIT")) return true;
  execute("ROLLBACK");
  return false;
}

// ---- templates and media

bool store::use_media(const std::string& owner, const message_template& t) {
  if (!query(db_, "DELETE FROM media_use WHERE owner = ?1").bind(owner).run()) return false;
  for (const auto& p : t.parts)
    if (!query(db_, "INSERT OR IGNORE INTO media_use VALUES(?1, ?2)").bind(owner).bind(p.id).run()) return false;
  return true;
}

bool store::drop_unused_media() {
  return query(db_, "DELETE FROM media WHERE id NOT IN (SELECT media_id FROM media_use)").run();
}

bool store::put_template(const message_template& t) {
  return query(db_, "INSERT INTO template VALUES(?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body").bind(t.id).bind(to_text(t)).run() &&
         use_media(t.id, t);
}

std::optional<message_template> store::get_template(const std::string& id) {
  query q(db_, "SELECT body FROM template WHERE id = ?1");
  if (!q.bind(id).next()) return std::nullopt;
  return template_from_text(q.text(0));
}

std::vector<std::string> store::template_ids(std::size_t limit) {
  std::vector<std::string> all;
  query q(db_, "SELECT id FROM template ORDER BY id LIMIT ?1");
  q.bind(limit);
  while (q.next()) all.push_back(q.text(0));
  return all;
}

bool store::delete_template(const std::string& id) {
  return query(db_, "DELETE FROM template WHERE id = ?1").bind(id).run() &&
         query(db_, "DELETE FROM media_use WHERE owner = ?1").bind(id).run() && drop_unused_media();
}

bool store::put_media(const std::string& id, const std::string& type, const std::string& name, std::string_view content) {
  return query(db_, "INSERT OR REPLACE INTO media VALUES(?1, ?2, ?3, ?4)").bind(id).bind(type).bind(name).bind_octets(content).run();
}

std::optional<store::media> store::get_media(const std::string& id) {
  query q(db_, "SELECT type, name, content FROM media WHERE id = ?1");
  if (!q.bind(id).next()) return std::nullopt;
  return media{q.text(0), q.text(1), q.text(2)};
}

// ---- messages

bool store::insert_message(const message& m, std::int64_t due_ms) {
  if (!query(db_, "INSERT INTO message VALUES(?1, ?2, ?3)").bind(m.id).bind(m.created_ms).bind(to_text(m)).run()) return false;
  for (const auto& r : m.recipients) {
    query q(db_, "INSERT INTO recipient VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, NULL)");
    q.bind(m.id).bind(r.index).bind(r.number).bind(static_cast<std::int64_t>(r.role)).bind(code(r.state)).bind(due_ms).bind(m.group);
    if (!q.run()) return false;
  }
  return use_media(m.id, m.content);
}

bool store::update_message(const message& m) {
  return query(db_, "UPDATE message SET body = ?2 WHERE id = ?1").bind(m.id).bind(to_text(m)).run();
}

std::optional<message> store::get_message(const std::string& id) {
  query q(db_, "SELECT body FROM message WHERE id = ?1");
  if (!q.bind(id).next()) return std::nullopt;
  auto m = message_from_text(q.text(0));
  if (!m) return m;
  query rows(db_, "SELECT n, number, role, state, attempts FROM recipient WHERE message_id = ?1 ORDER BY n");
  rows.bind(id);
  while (rows.next())
    m->recipients.push_back({static_cast<std::size_t>(rows.number(0)), rows.text(1), static_cast<recipient_role>(rows.number(2)),
                             static_cast<recipient_state>(rows.number(3)), static_cast<unsigned>(rows.number(4))});
  return m;
}

std::vector<recipient_key> store::due(const std::string& group, std::int64_t now_ms, std::size_t limit) {
  std::vector<recipient_key> all;
  query q(db_, "SELECT message_id, n FROM recipient WHERE state = 0 AND grp = ?1 AND due_ms <= ?2 ORDER BY due_ms LIMIT ?3");
  q.bind(group).bind(now_ms).bind(limit);
  while (q.next()) all.push_back({q.text(0), static_cast<std::size_t>(q.number(1))});
  return all;
}

std::optional<std::int64_t> store::next_due() {
  query q(db_, R"(SELECT min(due_ms) FROM (
      SELECT min(due_ms) AS due_ms FROM recipient WHERE state = 0
      UNION ALL SELECT min(due_ms) FROM callback WHERE dead = 0
      UNION ALL SELECT min(due_ms) FROM answer) WHERE due_ms IS NOT NULL)");
  if (!q.next() || q.text(0).empty()) return std::nullopt;
  return q.number(0);
}

std::vector<recipient_key> store::interrupted() {
  std::vector<recipient_key> all;
  query q(db_, "SELECT message_id, n FROM recipient WHERE state = 1");
  while (q.next()) all.push_back({q.text(0), static_cast<std::size_t>(q.number(1))});
  return all;
}

bool store::set_state(const recipient_key& k, recipient_state s, unsigned attempts, std::int64_t due_ms) {
  return query(db_, "UPDATE recipient SET state = ?3, attempts = ?4, due_ms = ?5 WHERE message_id = ?1 AND n = ?2")
      .bind(k.message_id).bind(k.index).bind(code(s)).bind(attempts).bind(due_ms).run();
}

bool store::set_carrier_id(const recipient_key& k, const std::string& carrier_id) {
  return query(db_, "UPDATE recipient SET carrier_id = ?3 WHERE message_id = ?1 AND n = ?2").bind(k.message_id).bind(k.index).bind(carrier_id).run();
}

std::optional<recipient_key> store::find_by_carrier_id(const std::string& carrier_id) {
  query q(db_, "SELECT message_id, n FROM recipient WHERE carrier_id = ?1");
  if (!q.bind(carrier_id).next()) return std::nullopt;
  return recipient_key{q.text(0), static_cast<std::size_t>(q.number(1))};
}

bool store::add_event(const std::string& message_id, const std::string& json) {
  return query(db_, "INSERT INTO event VALUES(?1, ?2)").bind(message_id).bind(json).run();
}

std::vector<std::string> store::events(const std::string& message_id) {
  std::vector<std::string> all;
  query q(db_, "SELECT body FROM event WHERE message_id = ?1 ORDER BY rowid");
  q.bind(message_id);
  while (q.next()) all.push_back(q.text(0));
  return all;
}

// ---- what came in before

std::optional<std::string> store::find_inbound(const std::string& peer, const std::string& peer_ref) {
  query q(db_, "SELECT message_id FROM inbound WHERE peer = ?1 AND peer_ref = ?2 LIMIT 1");
  if (!q.bind(peer).bind(peer_ref).next()) return std::nullopt;
  return q.text(0);
}

bool store::is_known(const std::string& peer, const std::string& peer_ref, const std::string& recipient) {
  query q(db_, "SELECT 1 FROM inbound WHERE peer = ?1 AND peer_ref = ?2 AND recipient = ?3");
  return q.bind(peer).bind(peer_ref).bind(recipient).next();
}

bool store::remember_inbound(const std::string& peer, const std::string& peer_ref, const std::string& recipient,
                             const std::string& message_id, std::int64_t now_ms) {
  return query(db_, "INSERT INTO inbound VALUES(?1, ?2, ?3, ?4, ?5)").bind(peer).bind(peer_ref).bind(recipient).bind(message_id).bind(now_ms).run();
}

// ---- callbacks and answers

bool store::add_callback(const callback& c) {
  return query(db_, "INSERT INTO callback VALUES(?1, ?2, ?3, 0, 0, 0)").bind(c.id).bind(c.url).bind(c.body).run();
}

std::vector<callback> store::take_callbacks(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit) {
  std::vector<callback> all;
  {
    query q(db_, "SELECT id, url, body, attempts FROM callback WHERE dead = 0 AND due_ms <= ?1 ORDER BY due_ms LIMIT ?2");
    q.bind(now_ms).bind(limit);
    while (q.next()) all.push_back({q.text(0), q.text(1), q.text(2), static_cast<unsigned>(q.number(3))});
  }
  if (all.empty()) return all;
  const bool good = transaction([&] {
    for (const auto& c : all)
      if (!query(db_, "UPDATE callback SET due_ms = ?2 WHERE id = ?1").bind(c.id).bind(until_ms).run()) return false;
    return true;
  });
  if (!good) all.clear();
  return all;
}

bool store::finish_callback(const std::string& id) { return query(db_, "DELETE FROM callback WHERE id = ?1").bind(id).run(); }

bool store::postpone_callback(const std::string& id, unsigned attempts, std::int64_t due_ms, bool is_dead) {
  return query(db_, "UPDATE callback SET attempts = ?2, due_ms = ?3, dead = ?4 WHERE id = ?1")
      .bind(id).bind(attempts).bind(due_ms).bind(std::int64_t{is_dead}).run();
}

std::vector<callback> store::dead_callbacks(std::size_t limit) {
  std::vector<callback> all;
  query q(db_, "SELECT id, url, body, attempts FROM callback WHERE dead = 1 ORDER BY id LIMIT ?1");
  q.bind(limit);
  while (q.next()) all.push_back({q.text(0), q.text(1), q.text(2), static_cast<unsigned>(q.number(3))});
  return all;
}

bool store::revive_callbacks(std::int64_t now_ms) {
  return query(db_, "UPDATE callback SET dead = 0, attempts = 0, due_ms = ?1 WHERE dead = 1").bind(now_ms).run();
}

bool store::add_answer(const answer_order& a) {
  return query(db_, "INSERT INTO answer VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0)")
      .bind(a.id).bind(a.message_id).bind(a.gateway).bind(static_cast<std::int64_t>(a.kind)).bind(a.recipient).bind(a.code).bind(a.description).run();
}

std::vector<answer_order> store::take_answers(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit) {
  std::vector<answer_order> all;
  {
    query q(db_, "SELECT id, message_id, gateway, kind, recipient, code, description, attempts FROM answer WHERE due_ms <= ?1 ORDER BY due_ms LIMIT ?2");
    q.bind(now_ms).bind(limit);
    while (q.next())
      all.push_back({q.text(0), q.text(1), q.text(2), static_cast<answer_kind>(q.number(3)), q.text(4), q.text(5), q.text(6),
                     static_cast<unsigned>(q.number(7))});
  }
  if (all.empty()) return all;
  const bool good = transaction([&] {
    for (const auto& a : all)
      if (!postpone_answer(a.id, a.attempts, until_ms)) return false;
    return true;
  });
  if (!good) all.clear();
  return all;
}

bool store::finish_answer(const std::string& id) { return query(db_, "DELETE FROM answer WHERE id = ?1").bind(id).run(); }

bool store::postpone_answer(const std::string& id, unsigned attempts, std::int64_t due_ms) {
  return query(db_, "UPDATE answer SET attempts = ?2, due_ms = ?3 WHERE id = ?1").bind(id).bind(attempts).bind(due_ms).run();
}

// ---- housekeeping

bool store::purge(std::int64_t before_ms) {
  return transaction([&] {
    constexpr const char* old = "(SELECT id FROM message WHERE created_ms < ?1)";
    for (const auto* table : {"recipient WHERE message_id", "event WHERE message_id", "media_use WHERE owner"})
      if (!query(db_, (std::string("DELETE FROM ") + table + " IN " + old).c_str()).bind(before_ms).run()) return false;
    return query(db_, "DELETE FROM message WHERE created_ms < ?1").bind(before_ms).run() &&
           query(db_, "DELETE FROM inbound WHERE at_ms < ?1").bind(before_ms).run() && drop_unused_media();
  });
}

store::counts store::count() {
  counts c;
  query q(db_, R"(SELECT (SELECT count(*) FROM recipient WHERE state = 0), (SELECT count(*) FROM callback WHERE dead = 0),
                         (SELECT count(*) FROM callback WHERE dead = 1), (SELECT count(*) FROM answer))");
  if (q.next()) c = {q.number(0), q.number(1), q.number(2), q.number(3)};
  return c;
}

}  // namespace msgkit::app::mms
