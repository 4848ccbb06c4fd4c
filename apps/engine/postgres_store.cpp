#include "engine/postgres_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/postgres_schema.hpp"
#include "engine/postgres_store_impl.hpp"
#include "engine/record_codec.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t load_page_rows = 2'000;
// One statement of a batch; a batch may have several.
constexpr std::size_t chunk_rows_max = 2'000;
constexpr std::size_t chunk_octets_max = 8 * 1024 * 1024;
constexpr int enrol_tries = 3;  // another instance may take the number we saw free
constexpr std::chrono::milliseconds join_pause{20};
constexpr std::string_view state_fenced = "22012";  // division_by_zero, raised by `hold` on purpose

}  // namespace

result<message> read_row(const postgres_rows& rows, std::size_t i) {
  const auto progress_octets = unseal(rows.octets(i, 1));
  if (!progress_octets) return progress_octets.error();
  auto progress = decode_progress(*progress_octets);
  if (!progress) return progress.error();
  const auto content_octets = unseal(rows.octets(i, 2));
  if (!content_octets) return content_octets.error();
  auto content = decode_content(*content_octets);
  if (!content) return content.error();
  return message{id_of(rows.integer(i, 0)), std::make_shared<const message_content>(*std::move(content)),
                 *std::move(progress)};
}

void hand_over(const postgres_rows& rows, load_report& report, const store::message_handler& on_message,
               const store::corrupt_handler& on_corrupt) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (auto m = read_row(rows, i)) {
      on_message(*std::move(m));
      ++report.loaded;
    } else {
      on_corrupt(id_of(rows.integer(i, 0)), m.error());
      ++report.corrupt;
    }
  }
}

std::string check(const postgres_store_options& o) {
  if (o.dsn.empty()) return "dsn: is missing, e.g. \"host=/run/postgresql dbname=msgkit\"";
  if (const auto why = postgres_connection::check(o.dsn); !why.empty()) return "dsn: " + why;
  if (o.instance.empty() || o.instance.size() > 64) return "instance: a name of 1..64 octets is needed";
  if (o.statement_timeout * 2 > o.lease) return "lease: must be at least twice statement_timeout";
  return {};
}

postgres_store::postgres_store(postgres_store_options options)
    : options_(std::move(options)), scratch_(std::make_unique<scratch>()) {}

postgres_store::~postgres_store() {
  if (db_ && joined_ && !faulted_) (void)leave();
}

result<std::unique_ptr<postgres_store>> postgres_store::open(postgres_store_options options, std::string* error_text) {
  std::unique_ptr<postgres_store> self{new postgres_store{std::move(options)}};
  result<void> opened = [&]() -> result<void> {
    if (auto why = check(self->options_); !why.empty()) return self->open_failed("has a wrong configuration", why);
    if (auto done = self->connect(); !done) return done;
    if (auto done = self->migrate(); !done) return done;
    if (auto done = self->set_up(); !done) return done;
    return self->join(self->options_.connect_timeout);
  }();
  if (!opened) {
    if (error_text != nullptr) *error_text = self->error_text_;
    return opened.error();
  }
  return self;
}

// ---- coming and going ---------------------------------------------------------------------------------------------

result<void> postgres_store::connect() {
  std::string why;
  db_.reset();
  // The server's own limit comes first, so that the connection survives a statement that takes too long.
  db_ = postgres_connection::open(options_.dsn, options_.password, options_.connect_timeout,
                                  options_.statement_timeout + std::chrono::seconds{2}, why);
  if (!db_) return open_failed("cannot be reached", why);
  postgres_parameters p;
  p.text(std::to_string(options_.statement_timeout.count()));
  if (!db_->prepare("limits", postgres_limits) || !db_->query("limits", p))
    return open_failed("cannot be configured", db_->error().text);
  return {};
}

result<void> postgres_store::migrate() {
  if (!db_->script(postgres_version_table) || !db_->prepare("version", postgres_read_version))
    return open_failed("cannot be initialised", db_->error().text);
  const auto found = db_->query("version", {});
  if (!found) return open_failed("cannot be read", db_->error().text);
  const auto version = found->integer(0, 0);
  const auto newest = static_cast<std::int64_t>(postgres_migrations.size());
  if (version > newest) {
    error_text_ = fmt::format("store postgres has schema version {}, this program knows up to {}", version, newest);
    return fault{make_error_code(errc::store_newer), "store"};
  }
  for (auto v = version; v < newest; ++v)
    if (!db_->script(postgres_migrations[static_cast<std::size_t>(v)]))
      return open_failed(fmt::format("cannot be brought to schema version {}", v + 1), db_->error().text);
  return {};
}

result<void> postgres_store::set_up() {
  for (const auto& s : postgres_statements)
    if (!db_->prepare(s.name, s.text)) return open_failed("cannot use its tables", db_->error().text);
  return {};
}

// The row of our name, at a new epoch. Two processes of one name would fight over it, hence the lock that ends with the
// connection; a lease that ran out says that whoever holds the lock is no longer heard. `patience` is for the server to
// notice that our predecessor has died.
result<void> postgres_store::join(std::chrono::milliseconds patience) {
  postgres_parameters p;
  p.text(options_.instance);
  p.integer(options_.lease.count());
  std::optional<postgres_rows> rows;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (int i = 0; !rows || rows->size() == 0; ++i) {
    if (i > 0) std::this_thread::sleep_for(join_pause);
    if (!db_->query("enrol", p)) return open_failed("cannot be joined", db_->error().text);
    rows = db_->query("join", p);
    if (!rows) return open_failed("cannot be joined", db_->error().text);
    if (i >= enrol_tries && std::chrono::steady_clock::now() >= deadline) break;
  }
  if (rows->size() == 0) {
    return open_failed("cannot be joined", fmt::format("instance {} is in use by another connection, or all 1024 instance "
                                                       "numbers are taken", options_.instance));
  }
  number_ = static_cast<std::uint32_t>(rows->integer(0, 0));
  epoch_ = rows->integer(0, 1);
  joined_ = true;
  // Before the first message of this life. Without an index here the others' is not complete any more.
  postgres_parameters indexes;
  indexes.integer(number_);
  indexes.integer(options_.number_index ? 1 : 0);
  postgres_parameters keeps;
  keeps.integer(options_.number_index ? 1 : 0);
  if (!db_->query("says_indexes", indexes) || !db_->query("not_indexed", keeps) || !db_->script(postgres_drop_old_numbers))
    return open_failed("cannot be joined", db_->error().text);
  const auto unmerged = db_->query("unmerged", {});
  if (!unmerged || unmerged->size() != 1) return open_failed("cannot be joined", db_->error().text);
  unmerged_octets_ = static_cast<std::size_t>(unmerged->integer(0, 0));
  // Links of an earlier life are no more; those of this one are announced anew by whoever holds them.
  postgres_parameters mine;
  mine.integer(number_);
  if (!db_->query("absent_all", mine)) return open_failed("cannot be joined", db_->error().text);
  if (auto done = listen(); !done) return done;
  db_->begin();
  add_call(call_work);
  if (!db_->finish()) return open_failed("cannot be joined", db_->error().text);
  return {};
}

// What is still ours can be taken over at once.
result<void> postgres_store::leave() {
  postgres_parameters p;
  p.integer(number_);
  p.integer(epoch_);
  if (!db_->query("leave", p)) return fail("leave");
  db_->begin();
  add_call(call_left);
  if (!db_->finish()) return fail("leave");
  return {};
}

result<void> postgres_store::recover() {
  faulted_ = true;
  if (auto done = connect(); !done) return done;
  if (auto done = set_up(); !done) return done;
  if (auto done = join(std::chrono::milliseconds{0}); !done) return done;
  faulted_ = false;
  return {};
}

fault postgres_store::open_failed(std::string_view what, std::string_view why) {
  error_text_ = fmt::format("store postgres {}: {}", what, why);
  return fault{make_error_code(errc::store_open_failed), "store"};
}

fault postgres_store::fail(std::string_view what) {
  const auto& e = db_->error();
  if (e.sqlstate == state_fenced)
    error_text_ = fmt::format("store postgres: {} refused: the lease of instance {} was taken over", what, options_.instance);
  else
    error_text_ = fmt::format("store postgres: {} failed: {}{}", what, e.text,
                              e.sqlstate.empty() ? "" : fmt::format(" (SQLSTATE {})", e.sqlstate));
  faulted_ = true;
  open_ = false;
  return failed(what);
}

// ---- writing ------------------------------------------------------------------------------------------------------

void postgres_store::begin_write() {
  db_->begin();
  if (!open_) add_hold();
}

void postgres_store::add_hold() {
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(number_);
  p.integer(epoch_);
  db_->add("hold", p);
}

bool postgres_store::write_new(std::span<const record> records) {
  if (!write_whole(records, "insert")) return false;
  if (options_.number_index) add_numbers(records);
  return true;
}

bool postgres_store::write_replaced(std::span<const record> records) { return write_whole(records, "replace"); }

bool postgres_store::write_whole(std::span<const record> records, const char* statement) {
  auto& s = *scratch_;
  s.ids.clear();
  s.settled.clear();
  s.octets.clear();
  s.ends.clear();
  for (const auto& r : records) {  // progress and content in turns
    s.ids.push_back(sql(r.id));
    s.settled.push_back(r.progress->settled ? 1 : 0);
    byte_vector one;
    encode(*r.progress, one);
    seal(one);
    append(s.octets, bytes_view{one});
    s.ends.push_back(s.octets.size());
    one.clear();
    encode(*r.content, one);
    seal(one);
    append(s.octets, bytes_view{one});
    s.ends.push_back(s.octets.size());
  }
  const auto piece = [&s](std::size_t i) {
    const std::size_t from = i == 0 ? 0 : s.ends[i - 1];
    return bytes_view{s.octets}.subspan(from, s.ends[i] - from);
  };
  auto& p = s.parameters;
  p.clear();
  p.integer(number_);
  p.integers(s.ids);
  p.booleans(s.settled);
  for (const std::size_t first : {0u, 1u}) {
    p.begin_octets(records.size());
    for (std::size_t i = first; i < s.ends.size(); i += 2) p.octets(piece(i));
  }
  return db_->add(statement, p);
}

bool postgres_store::write_changes(std::span<const record> records) {
  auto& s = *scratch_;
  s.ids.clear();
  s.settled.clear();
  for (const auto& r : records) {
    s.ids.push_back(sql(r.id));
    s.settled.push_back(r.progress->settled ? 1 : 0);
  }
  auto& p = s.parameters;
  p.clear();
  p.integers(s.ids);
  p.booleans(s.settled);
  p.begin_octets(records.size());
  for (const auto& r : records) {
    s.octets.clear();
    encode(*r.progress, s.octets);
    seal(s.octets);
    p.octets(s.octets);
  }
  return db_->add("update", p);
}

result<void> postgres_store::write(const changes& c) {
  if (faulted_) return failed("commit");
  if (!open_ && c.records.empty() && c.facts.empty() && c.forgotten.empty() && c.erased.empty() && c.given.empty() && c.notes.empty() && c.presences.empty()) return {};
  begin_write();
  std::vector<record> fresh, replaced, changed;
  std::size_t octets = 0;
  bool good = true;
  const auto flush = [&](std::vector<record>& list, auto writer) {
    if (!list.empty()) good = good && (this->*writer)(list);
    list.clear();
  };
  for (const auto& r : c.records) {
    (r.is_new ? fresh : r.is_replaced ? replaced : changed).push_back(r);
    if (r.is_new || r.is_replaced) octets += r.content->body.size() + r.content->passthrough.size();
    if (fresh.size() + replaced.size() >= chunk_rows_max || octets >= chunk_octets_max) {
      flush(fresh, &postgres_store::write_new);
      flush(replaced, &postgres_store::write_replaced);
      octets = 0;
    }
    if (changed.size() >= chunk_rows_max) flush(changed, &postgres_store::write_changes);
  }
  flush(fresh, &postgres_store::write_new);
  flush(replaced, &postgres_store::write_replaced);
  flush(changed, &postgres_store::write_changes);
  if (!c.erased.empty()) good = good && write_whole(c.erased, "erase");
  add_facts(c.facts);
  forget_numbers(c.forgotten);
  add_for_others(c);
  if (std::exchange(open_, false)) good = good && db_->add("commit", {});
  if (!good || !db_->finish()) return fail("commit");
  (void)merge_numbers_when_due();  // a fault of it is one of the next commit: this one is durable
  return {};
}

result<void> postgres_store::remove(std::span<const message_id> ids) {
  if (faulted_) return failed("remove");
  if (ids.empty()) return {};
  begin_write();
  auto& s = *scratch_;
  s.ids.clear();
  for (const auto id : ids) s.ids.push_back(sql(id));
  s.parameters.clear();
  s.parameters.integers(s.ids);
  if (!db_->add("remove", s.parameters) || !db_->finish()) return fail("remove");
  return {};
}

result<std::size_t> postgres_store::purge(message_id before, std::size_t limit) {
  if (faulted_) return failed("purge");
  begin_write();
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(sql(before));
  p.integer(static_cast<std::int64_t>(limit));
  std::vector<postgres_rows> rows;
  if (!db_->add("purge", p) || !db_->finish(&rows) || rows.size() != 2) return fail("purge");
  if (auto done = forget_old_numbers(limit); !done) return done.error();
  return rows[1].affected();
}

// ---- reading ------------------------------------------------------------------------------------------------------

result<load_report> postgres_store::load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("load");
  load_report report;
  std::int64_t after = -1;
  for (;;) {
    postgres_parameters p;
    p.integer(number_);
    p.integer(after);
    p.integer(load_page_rows);
    const auto rows = db_->query("load", p);
    if (!rows) return fail("load");
    hand_over(*rows, report, on_message, on_corrupt);
    if (rows->size() < load_page_rows) return report;
    after = rows->integer(rows->size() - 1, 0);
  }
}

result<std::optional<message>> postgres_store::find(message_id id) {
  if (faulted_) return failed("find");
  postgres_parameters p;
  p.integer(sql(id));
  const auto rows = db_->query("find", p);
  if (!rows) return fail("find");
  if (rows->size() == 0) return std::optional<message>{};
  auto m = read_row(*rows, 0);
  if (!m) return m.error();
  return std::optional<message>{*std::move(m)};
}

result<load_report> postgres_store::browse(message_id from, message_id before, std::size_t limit,
                                           const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  postgres_parameters p;
  p.integer(sql(from));
  p.integer(sql(before));
  p.integer(static_cast<std::int64_t>(limit));
  const auto rows = db_->query("browse", p);
  if (!rows) return fail("browse");
  load_report report;
  hand_over(*rows, report, on_message, on_corrupt);
  return report;
}

result<message_id> postgres_store::last_id() {
  if (faulted_) return failed("last_id");
  const auto rows = db_->query("last", {});
  if (!rows) return fail("last_id");
  return id_of(rows->integer(0, 0));
}

}  // namespace msgkit::engine
