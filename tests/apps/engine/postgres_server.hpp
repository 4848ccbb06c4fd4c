// A throw-away PostgreSQL server on a unix socket below a directory of its own, stopped by its process id. The server
// refuses to run as root, so a test that is root starts it as an unprivileged user.
#pragma once

#include <sys/types.h>

#include <string>

#include "temporary_directory.hpp"

class postgres_server {
 public:
  // Whether initdb and postgres are installed.
  static bool is_installed();

  // Made and running; throws std::runtime_error with the log when it cannot. Tests go without fsync: the machine does
  // not lose power, and its disk is shared. Measurements do not.
  explicit postgres_server(bool durable = false);
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  void start();          // after stop() or kill()
  void stop();           // orderly, at once
  void kill();           // SIGKILL to the postmaster; its children end by themselves
  void pause();          // SIGSTOP to the postmaster and all its children
  void resume();
  // Runs SQL by psql in that schema; returns its output without the last line break. Throws when it fails.
  std::string sql(const std::string& text, const std::string& schema = "public") const;
  // Connection string of a schema of its own, made on first use.
  std::string dsn(const std::string& schema) const;

 private:
  void signal_all(int number) const;
  [[nodiscard]] std::string file(const std::string& name) const { return dir_.file(name); }

  temporary_directory dir_;
  bool durable_;
  pid_t pid_ = -1;
};
