#include "goip_xmpp/goippy_import.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <charconv>
#include <functional>

#include "common/sqlite_query.hpp"
#include "connectors/plain_text.hpp"
#include "engine/mariadb_connection.hpp"

namespace msgkit::app {
namespace {

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r");
  return first == s.npos ? std::string_view{} : s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

// The text of a Python literal, or the digits of a number. False for anything else.
bool read_literal(std::string_view v, std::string& out) {
  if (v.empty()) return false;
  const char quote = v.front();
  if (quote != '"' && quote != '\'') {
    const auto end = v.find_first_not_of("0123456789");
    out = v.substr(0, end);
    return !out.empty() && (end == v.npos || trimmed(v.substr(end)).empty() || trimmed(v.substr(end)).front() == '#');
  }
  for (std::size_t i = 1; i < v.size(); ++i) {
    if (v[i] == quote) return true;
    if (v[i] == '\\' && i + 1 < v.size()) ++i;
    out += v[i];
  }
  return false;
}

std::string value_of(const goippy_settings& s, const std::string& key, std::string fallback = {}) {
  const auto found = s.find(key);
  return found == s.end() ? std::move(fallback) : found->second;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

std::int64_t integer(std::string_view text) {
  std::int64_t v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v);
  return v;
}

using row = std::vector<std::string>;
// Runs a query, and hands over its rows as texts.
using reader = std::function<bool(const std::string& sql, std::size_t columns, const std::function<void(row)>& take)>;

bool read_records(const reader& read, const std::string& user_domain, records& into, import_counts& counts) {
  into.begin();
  bool good = true;
  const auto take_line = [&](row r) {
    const stored_line line{.extension = r[0],
                           .id = r[1],
                           .password = r[2],
                           .number = r[3],
                           .jid = r[0] + "@" + user_domain,
                           .allow = r[4] == ".*" ? "" : r[4]};
    good = into.put_line(line) && good;
    if (r[5] == "0") good = into.set_enabled(line.id, false) && good, ++counts.disabled;
    ++counts.lines;
  };
  good = read(
             "SELECT ext, goip_id, goip_pass, coalesce(msisdn, ''), coalesce(allow_regex, ''), enabled"
             " FROM goippy_gateways ORDER BY id",
             6, take_line) &&
         good;
  // There a beginning and an end are two rows, and both have become calls here.
  const auto take_call = [&](row r) {
    call_record c{.started = integer(r[1]), .remote = r[3], .cause = r[4]};
    if (r[2] == "1" || r[2] == "2") c.inbound = r[2] == "1";
    else std::swap(c.started, c.ended);
    good = into.add_call(r[0], c) && good;
    ++counts.calls;
  };
  good =
      read(
          "SELECT goip_id, ts, coalesce(direction, 0), coalesce(remote_num, ''), coalesce(cause, '') FROM goippy_calls"
          " ORDER BY id",
          5, take_call) &&
      good;
  return into.commit() && good;
}

// Writes rows of goippy_log as settled messages, some at a time.
class message_writer {
 public:
  message_writer(engine::store& store, const std::vector<stored_line>& lines) : store_(store) {
    for (const auto& l : lines) lines_[l.jid] = l;
  }
  // dir, msisdn (the other side's), xmpp_jid, body, status, seconds since 1970
  bool add(const row& r) {
    const auto found = lines_.find(r[2].substr(0, r[2].find('/')));
    const auto line = found == lines_.end() ? stored_line{.id = "goippy", .number = "goippy"} : found->second;
    const auto& own = line.number.empty() ? line.id : line.number;
    const bool is_inbound = r[0] == "in";
    const auto carrier = "carrier:" + line.id, client = "client:" + r[2].substr(0, r[2].find('/'));
    engine::message m;
    m.content = is_inbound ? from_plain_text(r[3], carrier, r[1], own) : from_plain_text(r[3], client, own, r[1]);
    const auto at = wall_time{} + std::chrono::seconds(integer(r[5]));
    m.id = ids_.next(at);
    auto& p = m.progress;
    constexpr std::string_view error_mark = "error:";
    const bool has_failed = r[4].starts_with(error_mark);
    p.state = has_failed   ? engine::message_state::undelivered
              : is_inbound ? engine::message_state::delivered
                           : engine::message_state::sent;
    if (has_failed) p.error = {.kind = engine::error_class::permanent, .text = r[4].substr(error_mark.size())};
    p.settled = true;
    p.attempts = 1;
    p.endpoint = is_inbound ? client : carrier;
    p.accepted_at = p.sent_at = p.done_at = p.valid_until = at;
    if (m.content->body.size() > engine::body_octets_max) return true;  // no SMS
    ++count_;
    waiting_.push_back(std::move(m));
    return waiting_.size() < batch || flush();
  }
  bool flush() {
    std::vector<engine::record> rows;
    for (const auto& m : waiting_)
      rows.push_back({.id = m.id, .is_new = true, .content = m.content.get(), .progress = &m.progress});
    const bool done = rows.empty() || store_.commit(rows);
    waiting_.clear();
    return done;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  static constexpr std::size_t batch = 1'000;
  engine::store& store_;
  std::map<std::string, stored_line> lines_;  // by user
  engine::id_source ids_;
  std::vector<engine::message> waiting_;
  std::size_t count_ = 0;
};

// What went wrong, empty when nothing did. `epoch` turns a time of the database into seconds since 1970.
std::string read_tables(const reader& read, const std::string& epoch, const std::string& user_domain, records& into,
                        engine::store& messages, import_counts& counts, const std::function<std::string()>& reason) {
  if (const auto last = messages.last_id(); !last || *last) return "the store is not new";
  if (!read_records(read, user_domain, into, counts)) return reason();
  message_writer writer(messages, into.lines());
  bool is_written = true;
  const auto sql =
      "SELECT dir, coalesce(msisdn, ''), coalesce(xmpp_jid, ''), coalesce(body, ''), coalesce(status, ''), " + epoch +
      "(created_at) FROM goippy_log ORDER BY created_at, id";
  const bool is_read = read(sql, 6, [&](const row& r) { is_written = is_written && writer.add(r); });
  is_written = is_written && writer.flush();
  counts.messages = writer.count();
  if (!is_read) return reason();
  return is_written ? std::string{} : std::string(messages.error_text());
}

}  // namespace

goippy_settings parse_goippy_config(std::string_view text) {
  goippy_settings all;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    if (equals == line.npos || line.front() == '#') continue;
    std::string value;
    if (read_literal(trimmed(line.substr(equals + 1)), value))
      all[std::string(trimmed(line.substr(0, equals)))] = value;
  }
  return all;
}

std::string translated_config(const goippy_settings& s, const std::string& state) {
  constexpr std::string_view placeholder = "0000@example.org";  // of its sample
  auto fallback = value_of(s, "XMPP_FALLBACK_DEST");
  if (fallback == placeholder) fallback.clear();
  const auto component = value_of(s, "XMPP_COMPONENT_JID", value_of(s, "XMPP_DATA_DOMAIN"));
  return fmt::format(
      "# Made of a configuration of goippy. The lines are in the records: `goip_xmpp list-lines` shows them.\n"
      "[store]\npath = {}\n\n[records]\npath = {}\nlog_days = {}\n\n[goip]\nlisten = {}\n\n"
      "[xmpp]\nserver = {}\ndomain = {}\nuser_domain = {}\nsecret = {}\nfallback = {}\n",
      quoted(state + "/goip_xmpp.db"), quoted(state + "/goip_xmpp_records.db"), integer(value_of(s, "LOG_DAYS", "0")),
      quoted(value_of(s, "GOIP_BIND", "0.0.0.0") + ":" + value_of(s, "GOIP_PORT", "44444")),
      quoted(value_of(s, "XMPP_HOST", "127.0.0.1") + ":" + value_of(s, "XMPP_PORT", "5347")), quoted(component),
      quoted(value_of(s, "XMPP_DOMAIN")), quoted(value_of(s, "XMPP_COMPONENT_SECRET")), quoted(fallback));
}

bool import_goippy_database(const goippy_settings& s, const std::string& database, records& into,
                            engine::store& messages, import_counts& counts, std::string& problem) {
  const auto domain = value_of(s, "XMPP_DOMAIN");
  if (database.empty() && value_of(s, "DB_BACKEND", "mysql") == "mysql") {
    engine::mariadb_server_options o{.host = value_of(s, "DB_HOST", "localhost"),
                                     .user = value_of(s, "DB_USER"),
                                     .password = value_of(s, "DB_PASS"),
                                     .database = value_of(s, "DB_BASE")};
    const auto port = integer(value_of(s, "DB_PORT", "3306"));
    o.port = static_cast<std::uint16_t>(port);
    if (o.host.starts_with('/')) o.socket = o.host;
    const auto server = engine::mariadb_connection::open(o, problem);
    if (!server) return false;
    const reader read = [&](const std::string& sql, std::size_t columns, const std::function<void(row)>& take) {
      return server->query(sql, [&](const engine::mariadb_connection::row& r) {
        row texts;
        for (std::size_t i = 0; i < columns; ++i) texts.emplace_back(r.text(i));
        take(std::move(texts));
      });
    };
    problem = read_tables(read, "unix_timestamp", domain, into, messages, counts,
                          [&] { return std::string(server->error()); });
    return problem.empty();
  }
  const auto file = database.empty() ? value_of(s, "DB_FILE", "/var/lib/goippy/goippy.db") : database;
  sqlite3* db = nullptr;
  const auto opened = sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closer(db, sqlite3_close);
  const auto reason = [&] { return file + ": " + sqlite3_errmsg(db); };
  const reader read = [&](const std::string& sql, std::size_t columns, const std::function<void(row)>& take) {
    sqlite_query q(db, sql.c_str());
    while (q.next()) {
      row texts;
      for (std::size_t i = 0; i < columns; ++i) texts.push_back(q.text(static_cast<int>(i)));
      take(std::move(texts));
    }
    return q.good();
  };
  problem = opened == SQLITE_OK ? read_tables(read, "unixepoch", domain, into, messages, counts, reason) : reason();
  return problem.empty();
}

}  // namespace msgkit::app
