#include "msggw/directory/postgres_session.hpp"

#include <algorithm>

namespace msgkit::app {

bool postgres_session::failed() {
  if (db_) error_ = db_->error();
  if (error_.text.empty()) error_.text = "the connection is lost";
  error_.text.insert(0, "postgres: ");
  return false;
}

bool postgres_session::connect() {
  if (db_) (void)db_->notifications();  // notices a server that has gone since the last call
  if (db_ && db_->sound()) return true;
  error_ = {};
  db_ = engine::postgres_connection::open(server_.dsn, server_.password, server_.connect_timeout,
                                          server_.statement_timeout + std::chrono::seconds{2}, error_.text);
  if (!db_) return failed();
  engine::postgres_parameters limits;
  limits.text(std::to_string(server_.statement_timeout.count()));
  const bool good = db_->prepare("limits", engine::postgres_limits) && db_->query("limits", limits) &&
                    db_->script(schema_) &&
                    std::ranges::all_of(statements_, [&](const auto& s) { return db_->prepare(s.name, s.text); });
  if (good) return true;
  failed();
  db_.reset();
  return false;
}

bool postgres_session::begin() {
  good_ = connect();
  if (good_) db_->begin();
  return good_;
}

bool postgres_session::finish(rows* out) {
  if (!db_) return false;
  good_ = good_ && db_->finish(out);
  return good_ || failed();
}

bool postgres_session::query(const char* name, const engine::postgres_parameters& p, rows& out) {
  out.clear();
  if (!begin()) return false;
  add(name, p);
  return finish(&out) && !out.empty();
}

}  // namespace msgkit::app
