#include "mariadb_server.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "server_process.hpp"

namespace {

using namespace std::chrono_literals;

const passwd* server_user() { return unprivileged({"mysql", "nobody"}); }

std::string program(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/usr/bin/", "/usr/local/bin/"})
    if (std::filesystem::exists(directory + name)) return directory + name;
  return {};
}

}  // namespace

bool mariadb_server::is_installed() { return !program("mariadbd").empty() && !program("mariadb-install-db").empty(); }

mariadb_server::mariadb_server() {
  if (const passwd* user = server_user())
    if (::chown(file("").c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
  const auto made = launch({program("mariadb-install-db"), "--no-defaults", "--datadir=" + file("data"), "--skip-test-db",
                            "--auth-root-authentication-method=normal"},
                           file("log"), file(""), server_user());
  if (finish(made) != 0) throw std::runtime_error("mariadb-install-db failed: " + content(file("log")));
  start();
}

mariadb_server::~mariadb_server() {
  if (pid_ > 0) kill();
}

void mariadb_server::start() {
  // The log is written at every commit and not synced by the tests' wish: the machine does not lose power.
  pid_ = launch({program("mariadbd"), "--no-defaults", "--datadir=" + file("data"), "--socket=" + file("socket"),
                 "--skip-networking", "--pid-file=" + file("pid"), "--innodb-flush-log-at-trx-commit=2",
                 "--innodb-buffer-pool-size=32M", "--innodb-doublewrite=0"},
                file("log"), file(""), server_user());
  for (int i = 0; i < 600; ++i) {
    try {
      return sql("SELECT 1");
    } catch (const std::runtime_error&) {
      if (int status = 0; ::waitpid(pid_, &status, WNOHANG) == pid_) break;
      std::this_thread::sleep_for(50ms);
    }
  }
  throw std::runtime_error("mariadbd does not start: " + content(file("log")));
}

void mariadb_server::stop() {
  ::kill(pid_, SIGTERM);
  finish(std::exchange(pid_, -1));
}

void mariadb_server::kill() {
  ::kill(pid_, SIGKILL);
  finish(std::exchange(pid_, -1));
}

void mariadb_server::pause() { freeze(pid_); }
void mariadb_server::resume() { ::kill(pid_, SIGCONT); }

msgkit::engine::mariadb_server_options mariadb_server::server(const std::string& database) const {
  return {.socket = file("socket"), .user = "root", .database = database, .connect_timeout = 3s, .statement_timeout = 5s};
}

void mariadb_server::sql(const std::string& text, const std::string& database) const {
  std::string why;
  const auto connection = msgkit::engine::mariadb_connection::open(server(database), why);
  if (!connection) throw std::runtime_error(why);
  if (!connection->run(text)) throw std::runtime_error(connection->error());
}

msgkit::engine::mariadb_store_options mariadb_server::options(const std::string& database) const {
  sql("CREATE DATABASE IF NOT EXISTS " + database);
  return {.server = server(database), .durable = false};
}
