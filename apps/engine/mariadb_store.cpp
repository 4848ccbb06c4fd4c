#include "engine/mariadb_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/error.hpp"
#include "engine/record_codec.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t load_page_rows = 2'000;
constexpr std::size_t statements_octets_max = 4 * 1024 * 1024;  // of one round trip; less where the server takes less

// Progress and content apart, as the former is written some five times.
constexpr std::array<std::string_view, 2> migrations{
    "CREATE TABLE msgkit_message(id BIGINT UNSIGNED PRIMARY KEY, active TINYINT NULL, progress LONGBLOB NOT NULL,"
    " KEY by_activity(active, id)) ENGINE=InnoDB;"
    "CREATE TABLE msgkit_content(id BIGINT UNSIGNED PRIMARY KEY, content LONGBLOB NOT NULL) ENGINE=InnoDB;"
    "CREATE TABLE msgkit_fact(k VARBINARY(1024) PRIMARY KEY, expires BIGINT NULL, value LONGBLOB NOT NULL,"
    " KEY by_expiry(expires)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;",
    "CREATE TABLE IF NOT EXISTS msgkit_number(day INT, number BIGINT, id BIGINT UNSIGNED, PRIMARY KEY(day, number, id)) ENGINE=InnoDB;"};

constexpr std::string_view select_message =
    "SELECT m.id, m.progress, c.content FROM msgkit_message m JOIN msgkit_content c ON c.id = m.id WHERE ";

fault failed(std::string_view field) { return fault{make_error_code(errc::store_failed), field}; }

message_id id_of(std::int64_t v) { return message_id{static_cast<std::uint64_t>(v)}; }

// Columns: id, progress, content.
result<message> read_row(const mariadb_connection::row& row) {
  const auto progress_octets = unseal(row.octets(1));
  if (!progress_octets) return progress_octets.error();
  auto progress = decode_progress(*progress_octets);
  if (!progress) return progress.error();
  const auto content_octets = unseal(row.octets(2));
  if (!content_octets) return content_octets.error();
  auto content = decode_content(*content_octets);
  if (!content) return content.error();
  return message{id_of(row.integer(0)), std::make_shared<const message_content>(*std::move(content)),
                 *std::move(progress)};
}

void hand_over(const mariadb_connection::row& row, load_report& report, const store::message_handler& on_message,
               const store::corrupt_handler& on_corrupt) {
  if (auto m = read_row(row)) {
    on_message(*std::move(m));
    ++report.loaded;
  } else {
    on_corrupt(id_of(row.integer(0)), m.error());
    ++report.corrupt;
  }
}

void hand_over(const mariadb_connection::row& row, const store::fact_handler& on_fact) {
  on_fact(row.text(0), fact{std::string{row.text(2)}, wall_time{std::chrono::milliseconds{row.integer(1)}}});
}

std::string literal(std::string_view octets) {
  std::string out;
  append_sql(out, as_bytes(octets));
  return out;
}

// "(1,2,3)" for IN.
template <class List, class F>
std::string list_of(const List& list, F&& write) {
  std::string out{"("};
  for (const auto& each : list) {
    if (out.size() > 1) out += ',';
    write(out, each);
  }
  out += ')';
  return out;
}

}  // namespace

std::string check(const mariadb_store_options& o) {
  if (o.server.database.empty()) return "database: is missing";
  if (o.server.user.empty()) return "user: is missing";
  return {};
}

mariadb_store::mariadb_store(mariadb_store_options options) : options_(std::move(options)) {}
mariadb_store::~mariadb_store() = default;

result<std::unique_ptr<mariadb_store>> mariadb_store::open(mariadb_store_options options, std::string* error_text) {
  std::unique_ptr<mariadb_store> self{new mariadb_store{std::move(options)}};
  const auto opened = [&]() -> result<void> {
    if (const auto why = check(self->options_); !why.empty()) return self->open_failed("has a wrong configuration", why);
    if (auto done = self->connect(); !done) return done;
    if (auto done = self->migrate(); !done) return done;
    return self->enter(false);
  }();
  if (!opened) {
    if (error_text != nullptr) *error_text = self->error_text_;
    return opened.error();
  }
  return self;
}

// ---- coming and going ---------------------------------------------------------------------------------------------

result<void> mariadb_store::connect() {
  std::string why;
  db_.reset();
  db_ = mariadb_connection::open(options_.server, why);
  if (!db_) return open_failed("cannot be reached", why);
  if (auto done = check_server(); !done) return done;
  // The server drops the lock with the connection; it may need a while to notice that we are gone.
  bool is_ours = false;
  const auto patience = std::chrono::ceil<std::chrono::seconds>(options_.server.connect_timeout).count();
  const auto lock = fmt::format("SELECT GET_LOCK(CONCAT('msgkit.', SHA1(DATABASE())), {})", patience);
  if (!db_->query(lock, [&](const auto& row) { is_ours = row.integer(0) == 1; }))
    return open_failed("cannot be locked", db_->error());
  if (!is_ours) return open_failed("cannot be used", "another gateway uses this database; give each one of its own");
  return {};
}

result<void> mariadb_store::check_server() {
  std::int64_t flush = 0;
  const bool asked = db_->query("SELECT @@innodb_flush_log_at_trx_commit, @@max_allowed_packet", [&](const auto& row) {
    flush = row.integer(0);
    packet_max_ = static_cast<std::size_t>(row.integer(1));
  });
  // Strict: a value that does not fit is an error, not a shorter value.
  if (!asked || !db_->run("SET SESSION sql_mode = 'TRADITIONAL'; SET SESSION autocommit = 1"))
    return open_failed("cannot be configured", db_->error());
  if (options_.durable && flush != 1)
    return open_failed("would lose messages", fmt::format("innodb_flush_log_at_trx_commit is {}, but must be 1", flush));
  if (packet_max_ < 1024 * 1024)
    return open_failed("takes too little at once", fmt::format("max_allowed_packet is {}, but must be 1M or more", packet_max_));
  return {};
}

result<void> mariadb_store::migrate() {
  std::int64_t version = 0;
  if (!db_->run("CREATE TABLE IF NOT EXISTS msgkit_state(name VARCHAR(32) PRIMARY KEY, value BIGINT NOT NULL) ENGINE=InnoDB;"
                "INSERT IGNORE INTO msgkit_state VALUES('schema', 0), ('use', 0)") ||
      !db_->query("SELECT value FROM msgkit_state WHERE name = 'schema'", [&](const auto& row) { version = row.integer(0); }))
    return open_failed("cannot be initialised", db_->error());
  const auto newest = static_cast<std::int64_t>(migrations.size());
  if (version > newest) {
    error_text_ = fmt::format("store mariadb has schema version {}, this program knows up to {}", version, newest);
    return fault{make_error_code(errc::store_newer), "store"};
  }
  // Statements that make tables commit by themselves, so the version follows them.
  for (auto v = version; v < newest; ++v)
    if (!db_->run(migrations[static_cast<std::size_t>(v)]) ||
        !db_->run(fmt::format("UPDATE msgkit_state SET value = {} WHERE name = 'schema'", v + 1)))
      return open_failed(fmt::format("cannot be brought to schema version {}", v + 1), db_->error());
  return {};
}

result<void> mariadb_store::enter(bool is_back) {
  std::int64_t use = 0;
  if (!db_->query("SELECT value FROM msgkit_state WHERE name = 'use'", [&](const auto& row) { use = row.integer(0); }))
    return open_failed("cannot be entered", db_->error());
  if (is_back) {
    if (use == use_) return enter_index();
    return open_failed("cannot be used any more", "another gateway has worked on it meanwhile; restart this one");
  }
  use_ = use + 1;
  if (!db_->run(fmt::format("UPDATE msgkit_state SET value = {} WHERE name = 'use'", use_)))
    return open_failed("cannot be entered", db_->error());
  return enter_index();
}

// The database is ours alone: what we write from now on is in the index, what is there already is added to it later.
// Switched off it would grow old; switched on again it begins anew.
result<void> mariadb_store::enter_index() {
  const auto last = last_id();
  if (!last) return open_failed("cannot be entered", db_->error());
  indexed_from_ = {};
  const auto begin = fmt::format("INSERT IGNORE INTO msgkit_state VALUES('numbers_from', {})", last->key() + 1);
  const bool done = options_.number_index
                        ? db_->run(begin) && db_->query("SELECT value FROM msgkit_state WHERE name = 'numbers_from'",
                                                        [&](const auto& row) { indexed_from_ = id_of(row.integer(0)); })
                        : db_->run("DELETE FROM msgkit_state WHERE name = 'numbers_from'; TRUNCATE TABLE msgkit_number");
  if (!done) return open_failed("cannot be entered", db_->error());
  return {};
}

result<void> mariadb_store::recover() {
  faulted_ = true;
  if (auto done = connect(); !done) return done;
  faulted_ = false;
  if (auto done = enter(true); !done) {
    faulted_ = true;
    return done;
  }
  return {};
}

fault mariadb_store::open_failed(std::string_view what, std::string_view why) {
  error_text_ = fmt::format("store mariadb {}: {}", what, why);
  return fault{make_error_code(errc::store_open_failed), "store"};
}

fault mariadb_store::fail(std::string_view what) {
  error_text_ = fmt::format("store mariadb: {} failed: {}", what, db_->error());
  faulted_ = true;
  return failed(what);
}

// ---- writing ------------------------------------------------------------------------------------------------------

template <class F>
result<void> mariadb_store::transaction(std::string_view what, F&& body) {
  if (faulted_) return failed(what);
  sql_ = "START TRANSACTION;";
  if (!body()) return fail(what);
  sql_ += "COMMIT";
  if (!db_->run(sql_)) return fail(what);
  return {};
}

bool mariadb_store::flush_when_long(std::size_t limit) {
  if (sql_.size() < limit) return true;
  const bool done = db_->run(sql_);
  sql_.clear();
  return done;
}

result<void> mariadb_store::write(const changes& c) {
  if (c.records.empty() && c.facts.empty() && c.forgotten.empty() && c.erased.empty()) return faulted_ ? result<void>{failed("commit")} : result<void>{};
  return transaction("commit", [&] {
    return add_messages(c.records) && index_messages(c.records) && change_messages(c.records) && change_messages(c.erased) && change_facts(c.facts) &&
           forget_numbers(c.forgotten);
  });
}

// Statements stay below a quarter of a packet, unless one row alone is longer.
bool mariadb_store::add_messages(std::span<const record> records) {
  const auto limit = std::min(statements_octets_max, packet_max_ / 4);
  const auto rows_of = [&](std::string_view head, const auto& write) {
    std::size_t begun = 0;
    for (const auto& r : records) {
      if (!r.is_new) continue;
      sql_ += begun == 0 ? head : std::string_view{","};
      begun = begun == 0 ? sql_.size() : begun;
      octets_.clear();
      write(r);
      if (sql_.size() < limit) continue;
      sql_ += ';';
      begun = 0;
      if (!flush_when_long(limit)) return false;
    }
    if (begun != 0) sql_ += ';';
    return true;
  };
  return rows_of("INSERT INTO msgkit_message VALUES",
                 [&](const record& r) {
                   encode(*r.progress, octets_);
                   seal(octets_);
                   sql_ += fmt::format("({},{},", r.id.key(), r.progress->settled ? "NULL" : "1");
                   append_sql(sql_, octets_);
                   sql_ += ')';
                 }) &&
         rows_of("INSERT INTO msgkit_content VALUES", [&](const record& r) {
           encode(*r.content, octets_);
           seal(octets_);
           sql_ += fmt::format("({},", r.id.key());
           append_sql(sql_, octets_);
           sql_ += ')';
         });
}

bool mariadb_store::change_messages(std::span<const record> records) {
  const auto limit = std::min(statements_octets_max, packet_max_ / 4);
  for (const auto& r : records) {
    if (r.is_new) continue;
    octets_.clear();
    encode(*r.progress, octets_);
    seal(octets_);
    sql_ += "UPDATE msgkit_message SET progress=";
    append_sql(sql_, octets_);
    sql_ += fmt::format(",active={} WHERE id={};", r.progress->settled ? "NULL" : "1", r.id.key());
    if (r.is_replaced) {
      octets_.clear();
      encode(*r.content, octets_);
      seal(octets_);
      sql_ += "UPDATE msgkit_content SET content=";
      append_sql(sql_, octets_);
      sql_ += fmt::format(" WHERE id={};", r.id.key());
    }
    if (!flush_when_long(limit)) return false;
  }
  return true;
}

bool mariadb_store::change_facts(std::span<const fact_change> facts) {
  const auto limit = std::min(statements_octets_max, packet_max_ / 4);
  for (const auto& f : facts) {
    if (f.now == nullptr) {
      sql_ += fmt::format("DELETE FROM msgkit_fact WHERE k={};", literal(f.key));
    } else {
      sql_ += fmt::format("REPLACE INTO msgkit_fact VALUES({},{},", literal(f.key),
                          f.now->expires == wall_time{} ? "NULL" : std::to_string(f.now->expires.time_since_epoch().count()));
      append_sql(sql_, as_bytes(f.now->value));
      sql_ += ");";
    }
    if (!flush_when_long(limit)) return false;
  }
  return true;
}

bool mariadb_store::delete_messages(std::span<const std::int64_t> ids) {
  const auto list = list_of(ids, [](std::string& out, std::int64_t id) { out += std::to_string(id); });
  sql_ += fmt::format("DELETE FROM msgkit_message WHERE id IN {0};DELETE FROM msgkit_content WHERE id IN {0};", list);
  return true;
}

result<void> mariadb_store::remove(std::span<const message_id> ids) {
  if (ids.empty()) return {};
  std::vector<std::int64_t> list;
  for (const auto id : ids) list.push_back(static_cast<std::int64_t>(id.key()));
  return transaction("remove", [&] { return delete_messages(list); });
}

result<std::size_t> mariadb_store::purge(message_id before, std::size_t limit) {
  if (faulted_) return failed("purge");
  std::vector<std::int64_t> list;
  const auto select = fmt::format("SELECT id FROM msgkit_message WHERE active IS NULL AND id < {} ORDER BY id LIMIT {}",
                                  before.key(), limit);
  if (!db_->query(select, [&](const auto& row) { list.push_back(row.integer(0)); })) return fail("purge");
  if (list.empty()) return std::size_t{0};
  // Entries of days that no message is left of go in pieces too.
  message_id oldest;
  if (!db_->query("SELECT MIN(id) FROM msgkit_message", [&](const auto& row) { oldest = id_of(row.integer(0)); }))
    return fail("purge");
  const auto forget = fmt::format("DELETE FROM msgkit_number WHERE day < {} LIMIT {};", number_day(oldest), 2 * limit);
  if (auto done = transaction("purge", [&] {
        sql_ += forget;
        return delete_messages(list);
      });
      !done)
    return done.error();
  return list.size();
}

// ---- the index of numbers -----------------------------------------------------------------------------------------

bool mariadb_store::index_messages(std::span<const record> records) {
  if (!options_.number_index) return true;
  std::vector<number_entry> entries;
  for (const auto& r : records) {
    if (!r.is_new) continue;
    const auto two = number_entries(r.id, *r.content);
    entries.insert(entries.end(), two.begin(), two.end());
  }
  return add_numbers(entries);
}

bool mariadb_store::add_numbers(std::span<const number_entry> entries) {
  const auto limit = std::min(statements_octets_max, packet_max_ / 4);
  bool begun = false;
  for (const auto& e : entries) {
    sql_ += begun ? "," : "INSERT IGNORE INTO msgkit_number VALUES";
    begun = true;
    fmt::format_to(std::back_inserter(sql_), "({},{},{})", number_day(e.id), e.number, e.id.key());
    if (sql_.size() < limit) continue;
    sql_ += ';';
    begun = false;
    if (!flush_when_long(limit)) return false;
  }
  if (begun) sql_ += ';';
  return true;
}

bool mariadb_store::forget_numbers(std::span<const number_entry> entries) {
  for (const auto& e : entries)
    fmt::format_to(std::back_inserter(sql_), "DELETE FROM msgkit_number WHERE day={} AND number={} AND id={};",
                   number_day(e.id), e.number, e.id.key());
  return true;
}

result<number_span> mariadb_store::indexed() {
  if (faulted_) return failed("indexed");
  if (!options_.number_index) return number_span{};
  return number_span{indexed_from_, greatest_id};
}

result<store::number_report> mariadb_store::browse_number(std::int64_t key, message_id from, message_id before,
                                                          std::size_t limit, const message_handler& on_message,
                                                          const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  number_report report;
  report.reached = from;
  std::vector<std::int64_t> days;
  const auto which_days = fmt::format("SELECT DISTINCT day FROM msgkit_number WHERE day BETWEEN {} AND {}", number_day(from),
                                      number_day(before));
  if (!db_->query(which_days, [&](const auto& row) { days.push_back(row.integer(0)); })) return fail("browse");
  if (days.empty()) return report;
  std::vector<std::int64_t> ids;
  const auto entries = fmt::format(
      "SELECT id FROM msgkit_number WHERE day IN {} AND number = {} AND id >= {} AND id < {} ORDER BY id DESC LIMIT {}",
      list_of(days, [](std::string& out, std::int64_t day) { out += std::to_string(day); }), key, from.key(), before.key(),
      limit);
  if (!db_->query(entries, [&](const auto& row) { ids.push_back(row.integer(0)); })) return fail("browse");
  if (ids.size() == limit) report.reached = id_of(ids.back());
  if (ids.empty()) return report;
  const auto take = [&](const auto& row) { hand_over(row, report, on_message, on_corrupt); };
  if (!db_->query(fmt::format("{}m.id IN {} ORDER BY m.id DESC", select_message,
                              list_of(ids, [](std::string& out, std::int64_t id) { out += std::to_string(id); })),
                  take))
    return fail("browse");
  return report;
}

// What was there before the index was, from the newest down.
result<bool> mariadb_store::index_more(std::size_t limit) {
  if (faulted_) return failed("index");
  if (!options_.number_index || !indexed_from_) return false;
  std::vector<number_entry> found;
  message_id last;
  const auto rows = browse(message_id{}, indexed_from_, limit,
                           [&](message&& m) {
                             last = m.id;
                             const auto two = number_entries(m.id, *m.content);
                             found.insert(found.end(), two.begin(), two.end());
                           },
                           [&](message_id id, const fault&) { last = id; });
  if (!rows) return rows.error();
  const bool more = rows->loaded + rows->corrupt == limit;
  const message_id from = more ? last : message_id{};
  const auto note = fmt::format("UPDATE msgkit_state SET value = {} WHERE name = 'numbers_from';", from.key());
  if (auto done = transaction("index", [&] {
        sql_ += note;
        return add_numbers(found);
      });
      !done)
    return done.error();
  indexed_from_ = from;
  return more;
}

// ---- reading ------------------------------------------------------------------------------------------------------

result<load_report> mariadb_store::load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("load");
  load_report report;
  std::string from = "m.id >= 0";
  for (;;) {
    std::size_t rows = 0;
    const auto take = [&](const mariadb_connection::row& row) {
      ++rows;
      from = fmt::format("m.id > {}", row.text(0));
      hand_over(row, report, on_message, on_corrupt);
    };
    if (!db_->query(fmt::format("{}m.active = 1 AND {} ORDER BY m.id LIMIT {}", select_message, from, load_page_rows), take))
      return fail("load");
    if (rows < load_page_rows) return report;
  }
}

result<std::optional<message>> mariadb_store::find(message_id id) {
  if (faulted_) return failed("find");
  std::optional<result<message>> found;
  if (!db_->query(fmt::format("{}m.id = {}", select_message, id.key()), [&](const auto& row) { found = read_row(row); }))
    return fail("find");
  if (!found) return std::optional<message>{};
  if (!*found) return found->error();
  return std::optional<message>{*std::move(*found)};
}

result<load_report> mariadb_store::browse(message_id from, message_id before, std::size_t limit,
                                          const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  load_report report;
  const auto take = [&](const auto& row) { hand_over(row, report, on_message, on_corrupt); };
  if (!db_->query(fmt::format("{}m.id >= {} AND m.id < {} ORDER BY m.id DESC LIMIT {}", select_message, from.key(),
                              before.key(), limit),
                  take))
    return fail("browse");
  return report;
}

result<message_id> mariadb_store::last_id() {
  if (faulted_) return failed("last_id");
  message_id last;
  if (!db_->query("SELECT MAX(id) FROM msgkit_message", [&](const auto& row) { last = id_of(row.integer(0)); }))
    return fail("last_id");
  return last;
}

// ---- facts --------------------------------------------------------------------------------------------------------

// The database is ours alone, so nothing changes between this and the write.
result<void> mariadb_store::look_up(std::span<const std::string> keys, const fact_handler& on_fact) {
  if (faulted_) return failed("look_up");
  for (std::size_t at = 0; at < keys.size(); at += load_page_rows) {
    const auto page = keys.subspan(at, std::min(load_page_rows, keys.size() - at));
    const auto list = list_of(page, [](std::string& out, const std::string& key) { append_sql(out, as_bytes(key)); });
    if (!db_->query("SELECT k, expires, value FROM msgkit_fact WHERE k IN " + list,
                    [&](const auto& row) { hand_over(row, on_fact); }))
      return fail("look_up");
  }
  return {};
}

result<void> mariadb_store::scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                 const fact_handler& on_fact) {
  if (faulted_) return failed("scan");
  const auto sql = fmt::format("SELECT k, expires, value FROM msgkit_fact WHERE k >= {} AND k < {} AND k > {} ORDER BY k LIMIT {}",
                               literal(prefix), literal(fact_range_end(prefix)), literal(after), limit);
  if (!db_->query(sql, [&](const auto& row) { hand_over(row, on_fact); })) return fail("scan");
  return {};
}

result<std::vector<std::string>> mariadb_store::overdue(std::string_view prefix, wall_time before, std::size_t limit) {
  if (faulted_) return failed("overdue");
  std::vector<std::string> keys;
  const auto sql = fmt::format("SELECT k FROM msgkit_fact WHERE expires < {} AND k >= {} AND k < {} ORDER BY expires LIMIT {}",
                               before.time_since_epoch().count(), literal(prefix), literal(fact_range_end(prefix)), limit);
  if (!db_->query(sql, [&](const auto& row) { keys.emplace_back(row.text(0)); })) return fail("overdue");
  return keys;
}

result<std::size_t> mariadb_store::purge_facts(wall_time before, char spared, std::size_t limit) {
  if (faulted_) return failed("purge");
  const std::string first(1, spared);
  const auto sql = fmt::format("DELETE FROM msgkit_fact WHERE expires < {} AND NOT (k >= {} AND k < {}) ORDER BY expires LIMIT {}",
                               before.time_since_epoch().count(), literal(first), literal(fact_range_end(first)), limit);
  if (!db_->run(sql)) return fail("purge");
  return static_cast<std::size_t>(db_->affected());
}

result<std::uint64_t> mariadb_store::fact_count() {
  if (faulted_) return failed("count");
  std::uint64_t n = 0;
  if (!db_->query("SELECT COUNT(expires) FROM msgkit_fact", [&](const auto& row) { n = static_cast<std::uint64_t>(row.integer(0)); }))
    return fail("count");
  return n;
}

}  // namespace msgkit::engine
