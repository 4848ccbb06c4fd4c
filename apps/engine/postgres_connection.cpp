#include "engine/postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace msgkit::engine {
namespace {

// Object ids of built-in types, fixed in pg_type.dat.
constexpr std::uint32_t type_bool = 16, type_bytea = 17, type_int8 = 20;

// libpq's messages end with a line break and may have several lines.
std::string one_line(const char* text) {
  std::string out{text == nullptr ? "" : text};
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  std::ranges::replace(out, '\n', ' ');
  return out.empty() ? "no reason given" : out;
}

}  // namespace

// ---- parameters ---------------------------------------------------------------------------------------------------

void postgres_parameters::clear() {
  data_.clear();
  starts_.clear();
}
void postgres_parameters::next() { starts_.push_back(data_.size()); }
void postgres_parameters::integer(std::int64_t value) {
  next();
  append_big(data_, static_cast<std::uint64_t>(value));
}
void postgres_parameters::text(std::string_view value) {
  next();
  data_.insert(data_.end(), value.begin(), value.end());
}
void postgres_parameters::array_head(std::uint32_t element_type, std::size_t count) {
  next();
  append_big(data_, std::uint32_t{count == 0 ? 0u : 1u});  // dimensions
  append_big(data_, std::uint32_t{0});                     // no NULL inside
  append_big(data_, element_type);
  if (count == 0) return;
  append_big(data_, static_cast<std::uint32_t>(count));
  append_big(data_, std::uint32_t{1});  // index of the first element
}
void postgres_parameters::integers(std::span<const std::int64_t> values) {
  array_head(type_int8, values.size());
  for (const auto v : values) {
    append_big(data_, std::uint32_t{8});
    append_big(data_, static_cast<std::uint64_t>(v));
  }
}
void postgres_parameters::begin_octets(std::size_t count) { array_head(type_bytea, count); }
void postgres_parameters::octets(bytes_view value) {
  append_big(data_, static_cast<std::uint32_t>(value.size()));
  data_.insert(data_.end(), value.begin(), value.end());
}
void postgres_parameters::booleans(std::span<const std::uint8_t> values) {
  array_head(type_bool, values.size());
  for (const auto v : values) {
    append_big(data_, std::uint32_t{1});
    data_.push_back(v);
  }
}

// ---- rows ---------------------------------------------------------------------------------------------------------

void postgres_rows::clear(pg_result* r) { PQclear(r); }
std::size_t postgres_rows::size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
std::size_t postgres_rows::columns() const { return static_cast<std::size_t>(PQnfields(result_.get())); }
bytes_view postgres_rows::octets(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {reinterpret_cast<const std::uint8_t*>(PQgetvalue(result_.get(), at, column)),
          static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}
std::int64_t postgres_rows::integer(std::size_t row, int column) const {
  std::uint64_t value = 0;
  const auto raw = octets(row, column);
  for (const auto octet : raw) value = value << 8 | octet;
  if (raw.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  if (raw.size() == 2) return static_cast<std::int16_t>(static_cast<std::uint16_t>(value));
  return static_cast<std::int64_t>(value);
}
std::string_view postgres_rows::text(std::size_t row, int column) const {
  const auto raw = octets(row, column);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}
bool postgres_rows::flag(std::size_t row, int column) const {
  const auto raw = octets(row, column);
  return !raw.empty() && raw[0] != 0;
}
std::size_t postgres_rows::affected() const {
  return static_cast<std::size_t>(std::strtoull(PQcmdTuples(result_.get()), nullptr, 10));
}

// ---- connection ---------------------------------------------------------------------------------------------------

std::string postgres_connection::check(const std::string& dsn) {
  char* why = nullptr;
  PQconninfoOption* found = PQconninfoParse(dsn.c_str(), &why);
  if (found == nullptr) {
    auto text = one_line(why);
    PQfreemem(why);
    return text;
  }
  bool has_password = false;
  for (const auto* o = found; o->keyword != nullptr; ++o)
    if (std::strcmp(o->keyword, "password") == 0 && o->val != nullptr) has_password = true;
  PQconninfoFree(found);
  return has_password ? "holds a password, which belongs into a key of its own" : "";
}

std::unique_ptr<postgres_connection> postgres_connection::open(const std::string& dsn, const std::string& password,
                                                               milliseconds connect_timeout,
                                                               milliseconds answer_timeout, std::string& error) {
  // `dbname` is expanded first; what follows wins over it. A network that swallows packets ends the connection too.
  const auto silence = std::to_string(answer_timeout.count());
  std::vector<const char*> keys{"dbname", "fallback_application_name", "client_encoding", "tcp_user_timeout"};
  std::vector<const char*> values{dsn.c_str(), "msgkit", "UTF8", silence.c_str()};
  if (!password.empty()) {
    keys.push_back("password");
    values.push_back(password.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<postgres_connection> self{
      new postgres_connection{PQconnectStartParams(keys.data(), values.data(), 1), answer_timeout}};
  if (self->c_ == nullptr || !self->connect(std::chrono::steady_clock::now() + connect_timeout)) {
    error = self->error_.text.empty() ? "out of memory" : self->error_.text;
    return nullptr;
  }
  PQsetnonblocking(self->c_, 1);
  PQsetNoticeReceiver(self->c_, [](void*, const PGresult*) {}, nullptr);
  return self;
}

postgres_connection::~postgres_connection() { PQfinish(c_); }

bool postgres_connection::connect(time_point deadline) {
  if (PQstatus(c_) == CONNECTION_BAD) return lost(one_line(PQerrorMessage(c_)));
  for (auto step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK; step = PQconnectPoll(c_)) {
    if (step == PGRES_POLLING_FAILED) return lost(one_line(PQerrorMessage(c_)));
    if (!wait(step == PGRES_POLLING_WRITING, deadline)) return false;
  }
  return true;
}

bool postgres_connection::lost(std::string_view what) {
  sound_ = false;
  error_ = {{}, std::string{what}};
  return false;
}

bool postgres_connection::wait(bool for_write, time_point deadline) {
  pollfd p{PQsocket(c_), static_cast<short>(for_write ? POLLOUT | POLLIN : POLLIN), 0};
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int n = left <= 0 ? 0 : ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
    if (n > 0) return true;
    if (n == 0) return lost("no answer in time");
    if (errno != EINTR) return lost(std::strerror(errno));
  }
}

// Null: no more of the current statement.
pg_result* postgres_connection::next_result(time_point deadline, bool& failed) {
  failed = true;
  for (;;) {
    const int unsent = PQflush(c_);
    if (unsent < 0) return lost(one_line(PQerrorMessage(c_))), nullptr;
    if (PQisBusy(c_) == 0) break;
    if (!wait(unsent > 0, deadline)) return nullptr;
    if (PQconsumeInput(c_) == 0) return lost(one_line(PQerrorMessage(c_))), nullptr;
  }
  failed = false;
  return PQgetResult(c_);
}

void postgres_connection::keep_error(const pg_result* r) {
  const char* state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  error_ = {state == nullptr ? "" : state, text == nullptr ? one_line(PQresultErrorMessage(r)) : one_line(text)};
  if (PQstatus(c_) == CONNECTION_BAD) sound_ = false;
}

void postgres_connection::begin() {
  error_ = {};
  sent_ = 0;
  if (PQpipelineStatus(c_) == PQ_PIPELINE_OFF && PQenterPipelineMode(c_) == 0) lost(one_line(PQerrorMessage(c_)));
}

bool postgres_connection::add(const char* name, const postgres_parameters& p) {
  if (!sound_) return false;
  const int n = static_cast<int>(p.starts_.size());
  std::array<const char*, 8> values{};
  std::array<int, 8> lengths{}, formats{};
  for (std::size_t i = 0; i < p.starts_.size(); ++i) {
    const auto end = i + 1 < p.starts_.size() ? p.starts_[i + 1] : p.data_.size();
    values[i] = reinterpret_cast<const char*>(p.data_.data()) + p.starts_[i];
    if (end == p.starts_[i]) values[i] = "";
    lengths[i] = static_cast<int>(end - p.starts_[i]);
    formats[i] = 1;
  }
  if (PQsendQueryPrepared(c_, name, n, values.data(), lengths.data(), formats.data(), 1) == 0)
    return lost(one_line(PQerrorMessage(c_)));
  ++sent_;
  return true;
}

bool postgres_connection::finish(std::vector<postgres_rows>* rows) {
  if (!sound_) return false;
  if (PQpipelineSync(c_) == 0) return lost(one_line(PQerrorMessage(c_)));
  return collect(rows);
}

// Every statement gives its result and a null, the sync a result of its own. The first error aborts what follows it.
bool postgres_connection::collect(std::vector<postgres_rows>* rows) {
  const auto deadline = std::chrono::steady_clock::now() + answer_timeout_;
  bool good = true, failed = false;
  for (;;) {
    pg_result* r = next_result(deadline, failed);
    if (failed) return false;
    if (r == nullptr) {
      if (PQstatus(c_) == CONNECTION_BAD) return lost(one_line(PQerrorMessage(c_)));
      continue;
    }
    postgres_rows owned{r};
    switch (PQresultStatus(r)) {
      case PGRES_PIPELINE_SYNC: return good;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
        if (rows != nullptr) rows->push_back(std::move(owned));
        break;
      case PGRES_PIPELINE_ABORTED: good = false; break;
      default:
        if (good) keep_error(r);
        good = false;
        if (PQstatus(c_) == CONNECTION_BAD) return lost(error_.text);
    }
  }
}

bool postgres_connection::prepare(const char* name, const char* sql) {
  begin();
  if (!sound_) return false;
  if (PQsendPrepare(c_, name, sql, 0, nullptr) == 0) return lost(one_line(PQerrorMessage(c_)));
  return finish();
}

std::optional<postgres_rows> postgres_connection::query(const char* name, const postgres_parameters& p) {
  std::vector<postgres_rows> rows;
  begin();
  if (!add(name, p) || !finish(&rows) || rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

// The simple protocol: outside pipelines, and in one transaction by itself.
bool postgres_connection::script(const char* sql) {
  error_ = {};
  if (!sound_) return false;
  if (PQpipelineStatus(c_) != PQ_PIPELINE_OFF && PQexitPipelineMode(c_) == 0) return lost(one_line(PQerrorMessage(c_)));
  if (PQsendQuery(c_, sql) == 0) return lost(one_line(PQerrorMessage(c_)));
  const auto deadline = std::chrono::steady_clock::now() + answer_timeout_;
  bool good = true, failed = false;
  while (pg_result* r = next_result(deadline, failed)) {
    const postgres_rows owned{r};
    const auto status = PQresultStatus(r);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) continue;
    if (good) keep_error(r);
    good = false;
  }
  return good && !failed;
}

int postgres_connection::socket() const { return PQsocket(c_); }

std::vector<std::string> postgres_connection::notifications() {
  std::vector<std::string> out;
  if (!sound_) return out;
  if (PQconsumeInput(c_) == 0) {
    lost(one_line(PQerrorMessage(c_)));
    return out;
  }
  while (PGnotify* n = PQnotifies(c_)) {
    if (n->be_pid != PQbackendPID(c_)) out.emplace_back(n->extra);
    PQfreemem(n);
  }
  return out;
}

}  // namespace msgkit::engine
