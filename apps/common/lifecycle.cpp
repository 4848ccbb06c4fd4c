#include "common/lifecycle.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include "common/command_line.hpp"
#include "common/log.hpp"
#include "common/loki_push.hpp"
#include "common/sd_notify.hpp"

namespace msgkit::app {
namespace {

constexpr logger log{"daemon"};
constexpr std::size_t threads_default_max = 8;

struct common_settings {
  log_options logging;
  std::size_t threads = 0;
  std::chrono::milliseconds drain_timeout{10'000};
  loki_options loki{};
};

loki_options read_loki(config_reader r, std::string_view app) {
  loki_options o;
  o.enabled = r.flag("enabled", false);
  o.url = r.text("url", "", 2048);
  o.username = r.text("username", "", 255);
  o.password = r.secret("password");
  o.job = r.text("job", app, 64);
  o.server_id = r.text("server_id", "", 64);
  o.ca_file = r.text("ca_file", "");
  o.queue_lines_max = r.size("queue_lines_max", o.queue_lines_max, 100, 1'000'000);
  o.batch_lines_max = r.size("batch_lines_max", o.batch_lines_max, 1, 100'000);
  o.batch_wait = r.time("batch_wait", o.batch_wait, std::chrono::milliseconds{10}, std::chrono::minutes{1});
  if (o.enabled && !o.url.starts_with("http://") && !o.url.starts_with("https://"))
    r.fail("url", "is where Loki is, like http://loki.example.net:3100");
  return o;
}

common_settings read_common(config_reader& config, const daemon_spec& spec, const command_line& line) {
  common_settings out;
  out.logging.level = config.choice<log_level>("log.level", log_level::info,
                                               {{"trace", log_level::trace},
                                                {"debug", log_level::debug},
                                                {"info", log_level::info},
                                                {"warn", log_level::warn},
                                                {"error", log_level::error},
                                                {"off", log_level::off}});
  out.logging.format =
      config.choice<log_format>("log.format", log_format::text, {{"text", log_format::text}, {"json", log_format::json}});
  if (line.level) out.logging.level = *line.level;
  if (line.json_logs) out.logging.format = log_format::json;
  out.threads = config.size("threads", 0, 0, 256);
  if (out.threads == 0) out.threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, threads_default_max);
  out.drain_timeout = config.time("drain_timeout", out.drain_timeout, std::chrono::seconds{0}, std::chrono::minutes{10});
  out.loki = read_loki(config.table("loki"), spec.name);
  return out;
}

config_reader open_config(const daemon_spec& spec, const command_line& line) {
  config_sources sources{.env_prefix = std::string(spec.env_prefix),
                         .aliases = spec.aliases,
                         .environment = process_environment()};
  if (line.config_file.ends_with(".json") && spec.translate_json)
    return config_reader::from_translated_file(line.config_file, spec.translate_json, std::move(sources));
  if ((line.config_file.ends_with(".ini") || line.config_file.ends_with(".conf")) && spec.translate_ini)
    return config_reader::from_translated_file(line.config_file, spec.translate_ini, std::move(sources));
  if (!line.config_file.empty()) return config_reader::from_file(line.config_file, std::move(sources));
  std::error_code ec;
  for (const auto& path : spec.default_configs)
    if (std::filesystem::exists(path, ec)) return config_reader::from_file(path, std::move(sources));
  return config_reader::from_text("", "no configuration file", std::move(sources));
}

constexpr int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

sigset_t handled_set() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : handled_signals) sigaddset(&set, signal);
  return set;
}

// The handled signals as descriptor: no handler ever interrupts a thread, and one that comes during the start waits.
// They have to be blocked in every thread, thus before the first one is made; apps make some in their constructors.
int open_signals() {
  const auto set = handled_set();
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return fd;
}

void print(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }

// One process's run, from start() to the exit code.
class runner {
 public:
  runner(const daemon_spec& spec, const command_line& line, const common_settings& settings, std::unique_ptr<daemon> app)
      : spec_(spec),
        line_(line),
        settings_(settings),
        pool_(settings.threads),
        app_(std::move(app)),
        context_{loop_.get_executor(), pool_, metrics_, [this](int code) { stop_later(code); }} {}

  int run() {
    metrics_.add_process_metrics(spec_.name, spec_.version, spec_.revision);
    if (settings_.loki.enabled) loki_ = std::make_shared<loki_push>(settings_.loki, metrics_);
    set_log_tap(loki_);
    wait_signal();
    if (!app_->start(context_)) {
      app_->stop();
      pool_.stop();
      end_log_push();
      return exit_failed;
    }
    log.info("started", {{"app", spec_.name}, {"version", spec_.version}, {"threads", pool_.size()}});
    sd_notify("READY=1");
    kick_watchdog();
    loop_.run();
    app_->stop();
    pool_.stop();
    run_leftovers(loop_);
    log.info("stopped", {{"code", code_}});
    end_log_push();
    return code_;
  }

 private:
  void end_log_push() {
    set_log_tap(nullptr);
    if (loki_) loki_->stop();
  }

  void wait_signal() {
    signals_.async_wait(asio::posix::descriptor_base::wait_read, [this](std::error_code ec) {
      if (ec) return;
      signalfd_siginfo info;
      while (read(signals_.native_handle(), &info, sizeof info) == sizeof info)
        on_signal(static_cast<int>(info.ssi_signo));
      wait_signal();
    });
  }

  void on_signal(int signal) {
    if (signal == SIGHUP) return reload();
    if (signal == SIGUSR1) return next_log_level();
    if (draining_) {
      log.warn("second signal: ending at once");
      // Destructors and flushing are skipped on purpose: whoever sends a second signal wants the process gone.
      _exit(exit_failed);
    }
    log.info("draining", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"},
                          {"deadline_ms", settings_.drain_timeout.count()}});
    begin_drain(exit_ok);
  }

  void stop_later(int code) {
    asio::post(loop_, [this, code] {
      if (!draining_) begin_drain(code);
    });
  }

  void begin_drain(int code) {
    draining_ = true;
    code_ = code;
    sd_notify("STOPPING=1");
    deadline_.expires_after(settings_.drain_timeout);
    deadline_.async_wait([this](std::error_code ec) {
      if (ec) return;
      log.warn("drain deadline passed; closing what is left");
      loop_.stop();
    });
    app_->drain([this] { asio::post(loop_, [this] { loop_.stop(); }); });
  }

  void reload() {
    if (draining_) return;
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
    sd_notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
    auto config = open_config(spec_, line_);
    const auto settings = read_common(config, spec_, line_);
    const auto apply = app_->reload(config);
    config.finish();
    for (const auto& warning : config.warnings()) log.warn("configuration", {{"warning", warning}});
    if (config.ok()) {
      configure_logging(settings.logging);
      settings_.drain_timeout = settings.drain_timeout;
      if (apply) apply();
      log.info("configuration reloaded");
    } else {
      for (const auto& error : config.errors()) log.error("configuration refused, the running one stays", {{"error", error}});
    }
    sd_notify("READY=1");
  }

  static void next_log_level() {
    const auto now = current_log_level();
    set_log_level(now == log_level::debug ? log_level::trace : now == log_level::trace ? log_level::info : log_level::debug);
    log.warn("log level changed", {{"level", to_string(current_log_level())}});
  }

  void kick_watchdog() {
    const auto interval = sd_watchdog_interval();
    if (!interval) return;
    sd_notify("WATCHDOG=1");
    watchdog_.expires_after(*interval);
    watchdog_.async_wait([this](std::error_code ec) {
      if (!ec) kick_watchdog();
    });
  }

  const daemon_spec& spec_;
  const command_line& line_;
  common_settings settings_;
  asio::io_context loop_{1};
  asio::posix::stream_descriptor signals_{loop_, open_signals()};
  asio::steady_timer deadline_{loop_};
  asio::steady_timer watchdog_{loop_};
  metrics metrics_;
  std::shared_ptr<loki_push> loki_;  // what it counts is in metrics_
  io_pool pool_;
  std::unique_ptr<daemon> app_;  // destroyed first: its parts use all of the above
  daemon_context context_;
  bool draining_ = false;
  int code_ = exit_ok;
};

}  // namespace

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

int run_daemon(int argc, const char* const* argv, const daemon_spec& spec) try {
  std::signal(SIGPIPE, SIG_IGN);  // before the first word to standard error, which nobody may read
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit shall look like a full disk
  const auto signals = handled_set();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before anything makes a thread: see open_signals()
  command_line line;
  if (const auto code = parse_command_line(argc, argv, spec, line)) return *code;
  auto config = open_config(spec, line);
  auto app = spec.make();
  common_settings settings;
  // After a file that does not parse every key is missing; complaints about that would only hide the reason.
  if (config.ok()) {
    settings = read_common(config, spec, line);
    app->configure(config);
    config.finish();
  }
  for (const auto& warning : config.warnings()) print(stderr, fmt::format("{}: warning: {}\n", spec.name, warning));
  if (!config.ok()) {
    print(stderr, config.errors_text());
    return exit_configuration;
  }
  if (line.check) {
    print(stdout, config.describe() + app->check_text() + "configuration is valid\n");
    return exit_ok;
  }
  if (line.explain) {
    print(stdout, app->explain(*line.explain));
    return exit_ok;
  }
  configure_logging(settings.logging);
  raise_descriptor_limit();
  return runner(spec, line, settings, std::move(app)).run();
} catch (const std::exception& e) {
  print(stderr, fmt::format("{}: {}\n", spec.name, e.what()));
  return exit_failed;
}

}  // namespace msgkit::app
