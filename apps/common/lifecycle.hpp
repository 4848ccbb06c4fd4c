// From main() to exit for the daemons: command line, configuration, logging, signals, service manager, drain.
//
//   SIGTERM, SIGINT  drain with a deadline, then exit 0; a second one ends the process at once with exit 1
//   SIGHUP           read the configuration again; a bad one is refused and the running one stays
//   SIGUSR1          log level: info -> debug -> trace -> info
//   SIGPIPE          ignored
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config.hpp"
#include "common/exit_code.hpp"
#include "common/io_pool.hpp"
#include "common/metrics.hpp"
#include "common/version.hpp"

namespace msgkit::app {

// What a running daemon has around it. Use from the main thread's executor unless stated.
struct daemon_context {
  asio::any_io_executor executor;  // of the main thread, which runs signals and control
  io_pool& pool;                   // for connections
  app::metrics& metrics;           // thread-safe; process metrics are in it
  // Begins the same drain as SIGTERM, but exits with `code`. Thread-safe.
  std::function<void(int code)> request_stop;
};

// An app as the lifecycle sees it. All calls come from the main thread.
class daemon {
 public:
  virtual ~daemon() = default;

  // Reads everything the app needs; mistakes go into the reader. Called once, first; also for --check.
  virtual void configure(config_reader& config) = 0;
  // After configure(): more for --check to print, and the answer to --explain (see daemon_spec::explained).
  [[nodiscard]] virtual std::string check_text() const { return {}; }
  [[nodiscard]] virtual std::string explain(std::string_view) const { return {}; }
  // Opens what it needs and begins to serve. False, after logging why: the process exits 1.
  virtual bool start(daemon_context& context) = 0;
  // Reads a new configuration and returns what would apply it; the caller runs that only when the reader has no
  // errors. An empty function: nothing can change while running.
  virtual std::function<void()> reload(config_reader& config) = 0;
  // Stops taking work, finishes what is in progress, and calls `done` once, from any thread.
  virtual void drain(std::function<void()> done) = 0;
  // Closes everything now. The pool's threads still run; after it returns they are stopped.
  virtual void stop() = 0;
};

struct daemon_spec {
  std::string_view name;         // "msggw"
  std::string_view summary;      // one line for --help
  std::string_view env_prefix;   // "MSGGW"
  std::string_view version = app_version();
  std::string_view revision = app_revision();
  std::vector<config_alias> aliases{};
  // Read when --config is absent: the first that exists. None: defaults and environment alone.
  std::vector<std::string> default_configs{};
  std::function<std::unique_ptr<daemon>()> make;
  // Makes our TOML of a configuration in JSON (a file that ends in .json), as an earlier product wrote it. Nothing with
  // the reason in `why` when it cannot. Null: JSON is read as TOML, and refused.
  std::function<std::optional<std::string>(const std::string& json, std::string& why)> translate_json{};
  std::function<std::optional<std::string>(const std::string& ini, std::string& why)> translate_ini{};  // .ini and .conf
  std::string_view explained{};  // what --explain takes, "TOPIC"; empty: there is no such option
};

// Runs a daemon: --config FILE, --check, --version, --help, --log-level LEVEL, --json-logs. Returns the exit code.
//
// Keys it reads itself:
//   log.level = "info"   log.format = "text"|"json"   threads = 0 (one per processor, at most 8)
//   drain_timeout = "10s" (0s..10m): SIGTERM waits this long for work in progress.   loki.*: see loki_push.hpp
int run_daemon(int argc, const char* const* argv, const daemon_spec& spec);

// Raises the soft limit of open files to the hard one. Returns the limit now in force, 0 when unknown.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace msgkit::app
