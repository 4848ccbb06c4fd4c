#include "postgres_server.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

#include "server_process.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Debian keeps the server's programs out of PATH, one directory per version.
fs::path bin_directory() {
  std::vector<fs::path> candidates;
  std::error_code ec;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ec)) candidates.push_back(version.path() / "bin");
  for (const char* more : {"/usr/local/bin", "/usr/bin"}) candidates.emplace_back(more);
  for (const auto& d : candidates)
    if (fs::exists(d / "initdb") && fs::exists(d / "postgres")) return d;
  return {};
}

const passwd* server_user() { return unprivileged({"postgres", "nobody"}); }

}  // namespace

bool postgres_server::is_installed() { return !bin_directory().empty(); }

postgres_server::postgres_server(bool durable) : durable_(durable) {
  if (const passwd* user = server_user()) {
    if (::chown(dir_.file("").c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown failed");
  }
  const auto initdb = launch({bin_directory() / "initdb", "--pgdata", file("data"), "--username", "msgkit", "--auth", "trust",
                              "--no-sync", "--encoding", "UTF8", "--no-instructions"},
                             file("log"), file(""), server_user());
  if (finish(initdb) != 0) throw std::runtime_error("initdb failed: " + content(file("log")));
  start();
}

postgres_server::~postgres_server() {
  if (pid_ > 0) kill();
}

void postgres_server::start() {
  ::unlink(file("data/postmaster.pid").c_str());
  pid_ = launch({bin_directory() / "postgres", "-D", file("data"), "-k", file(""), "-c", "listen_addresses=", "-c",
                 durable_ ? "fsync=on" : "fsync=off", "-c", durable_ ? "shared_buffers=256MB" : "shared_buffers=16MB", "-c",
                 "max_wal_size=4GB", "-c", "max_connections=30"},
                file("log"), file(""), server_user());
  for (int i = 0; i < 600; ++i) {
    try {
      sql("SELECT 1");
      return;
    } catch (const std::runtime_error&) {
      if (int status = 0; ::waitpid(pid_, &status, WNOHANG) == pid_) break;
      std::this_thread::sleep_for(50ms);
    }
  }
  throw std::runtime_error("postgres does not start: " + content(file("log")));
}

void postgres_server::stop() {
  ::kill(pid_, SIGINT);  // "fast": ends connections
  finish(pid_);
  pid_ = -1;
}

// Children notice that their postmaster has gone; a new one must wait for the last of them to leave shared memory.
void postgres_server::kill() {
  signal_all(SIGKILL);
  finish(pid_);
  pid_ = -1;
}
void postgres_server::pause() { signal_all(SIGSTOP); }
void postgres_server::resume() { signal_all(SIGCONT); }

void postgres_server::signal_all(int number) const {
  const auto children = content("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
  const auto send = [number](pid_t pid) {
    if (number == SIGSTOP) freeze(pid);
    else ::kill(pid, number);
  };
  send(pid_);
  std::size_t at = 0;
  while (at < children.size()) {
    const auto end = children.find(' ', at);
    if (const int child = std::atoi(children.substr(at, end - at).c_str()); child > 1) send(child);
    if (end == std::string::npos) break;
    at = end + 1;
  }
}

std::string postgres_server::sql(const std::string& text, const std::string& schema) const {
  // A file of its own for each call: two threads may ask at once.
  static std::atomic<unsigned> calls{0};
  const auto out = file("psql." + std::to_string(++calls) + ".out");
  const auto psql = fs::exists(bin_directory() / "psql") ? bin_directory() / "psql" : fs::path{"/usr/bin/psql"};
  const auto pid = launch({psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                           "host=" + file("") + " user=msgkit dbname=postgres options=-csearch_path=" + schema, "-c", text},
                          out, file(""), server_user());
  const int status = finish(pid);
  auto answer = content(out);
  ::unlink(out.c_str());
  while (!answer.empty() && answer.back() == '\n') answer.pop_back();
  if (status != 0) throw std::runtime_error(answer);
  return answer;
}

std::string postgres_server::dsn(const std::string& schema) const {
  sql("CREATE SCHEMA IF NOT EXISTS " + schema);
  return "host=" + file("") + " user=msgkit dbname=postgres options=-csearch_path=" + schema;
}
