// A throw-away MariaDB server on a unix socket below a directory of its own, stopped by its process id.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "engine/mariadb_store.hpp"
#include "temporary_directory.hpp"

// Skips visibly where MariaDB is missing; fails in continuous integration.
#define MSGKIT_NEEDS_MARIADB()                                                           \
  do {                                                                                   \
    if (mariadb_server::is_installed()) break;                                           \
    if (std::getenv("CI") != nullptr) FAIL() << "the package mariadb-server is missing"; \
    GTEST_SKIP() << "the package mariadb-server is missing";                             \
  } while (false)

class mariadb_server {
 public:
  static bool is_installed();

  // Made and running; throws std::runtime_error with the log when it cannot.
  mariadb_server();
  ~mariadb_server();
  mariadb_server(const mariadb_server&) = delete;
  mariadb_server& operator=(const mariadb_server&) = delete;

  void start();  // after stop() or kill()
  void stop();
  void kill();
  void pause();
  void resume();
  // Throws when it fails; `database` may be empty.
  void sql(const std::string& text, const std::string& database = {}) const;
  // Of a store in a database of that name, which is made on first use.
  [[nodiscard]] msgkit::engine::mariadb_store_options options(const std::string& database) const;

 private:
  [[nodiscard]] msgkit::engine::mariadb_server_options server(const std::string& database) const;
  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }

  temporary_directory dir_;
  pid_t pid_ = -1;
};

// One server for all tests of a program, a database of its own for each test.
inline mariadb_server& shared_mariadb() {
  static mariadb_server server;
  return server;
}

inline std::string fresh_database() {
  static int number = 0;
  return "d" + std::to_string(++number);
}

inline std::unique_ptr<msgkit::engine::mariadb_store> open_mariadb(const msgkit::engine::mariadb_store_options& o) {
  std::string why;
  auto s = msgkit::engine::mariadb_store::open(o, &why);
  EXPECT_TRUE(s) << why;
  return s ? *std::move(s) : nullptr;
}
