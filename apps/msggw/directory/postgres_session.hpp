// A connection to PostgreSQL that comes back by itself, as the directory and the batches use it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/postgres_connection.hpp"
#include "engine/postgres_schema.hpp"
#include "engine/postgres_store.hpp"

namespace msgkit::app {

// Not thread-safe. Every call may block, for the server's connect_timeout or statement_timeout at most.
class postgres_session {
 public:
  using rows = std::vector<engine::postgres_rows>;

  // `schema` is one script, made to be run again and by several gateways at once. Both must outlive the session.
  postgres_session(engine::postgres_store_options server, const char* schema,
                   std::span<const engine::postgres_statement> statements)
      : server_(std::move(server)), schema_(schema), statements_(statements) {}

  // True with a connection that has the tables and the statements; makes one when there is none.
  bool connect();

  // A transaction: begin, add..., finish. When finish() fails, and the connection is still there, nothing is changed.
  bool begin();
  void add(const char* name, const engine::postgres_parameters& p) { good_ = good_ && db_->add(name, p); }
  bool finish(rows* out = nullptr);
  // A transaction of one statement, with its rows.
  bool query(const char* name, const engine::postgres_parameters& p, rows& out);

  // Of the last call that failed. The state is empty when the connection was the matter.
  [[nodiscard]] const engine::postgres_error& error() const noexcept { return error_; }

 private:
  bool failed();

  engine::postgres_store_options server_;
  const char* schema_;
  std::span<const engine::postgres_statement> statements_;
  std::unique_ptr<engine::postgres_connection> db_;
  engine::postgres_error error_;
  bool good_ = false;
};

}  // namespace msgkit::app
