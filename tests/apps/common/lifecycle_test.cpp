#include "common/lifecycle.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "common/sd_notify.hpp"
#include "loopback.hpp"

namespace msgkit::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A run of lifecycle_probe with its output in a pipe.
class child {
 public:
  explicit child(std::vector<std::string> arguments, std::vector<std::string> environment = {}, bool as_journal = false) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    struct stat status {};
    fstat(ends[1], &status);
    if (as_journal) environment.push_back(fmt::format("JOURNAL_STREAM={}:{}", status.st_dev, status.st_ino));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    arguments.insert(arguments.begin(), LIFECYCLE_PROBE);
    environment.push_back("PATH=/usr/bin:/bin");
    std::vector<char*> argv;
    std::vector<char*> envp;
    for (auto& a : arguments) argv.push_back(a.data());
    for (auto& e : environment) envp.push_back(e.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, LIFECYCLE_PROBE, &actions, nullptr, argv.data(), envp.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out_ = ends[0];
  }
  ~child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(out_);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  // Reads until the text has appeared; false when the output ends first.
  bool wait_for(std::string_view what) {
    while (text_.find(what) == std::string::npos) {
      char part[4096];
      const auto count = read(out_, part, sizeof part);
      if (count <= 0) return false;
      text_.append(part, static_cast<std::size_t>(count));
    }
    return true;
  }
  void signal(int number) const { kill(pid_, number); }
  int exit_code() {
    wait_for("\x01never");
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  const std::string& text() const { return text_; }
  std::uint16_t port() {
    EXPECT_TRUE(wait_for("\n"));
    EXPECT_TRUE(wait_for("started"));
    const auto at = text_.find("port=");
    return static_cast<std::uint16_t>(std::stoi(text_.substr(at + 5)));
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;
};

struct Lifecycle : ::testing::Test {
  Lifecycle() { std::filesystem::create_directories(directory); }
  ~Lifecycle() override { std::filesystem::remove_all(directory); }
  std::string config(std::string_view text) {
    const auto path = (directory / "probe.toml").string();
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("msgkit_lifecycle_" + std::to_string(getpid()));
};

TEST_F(Lifecycle, ServesAndEndsWithZeroOnSigterm) {
  child c({});
  const auto port = c.port();
  {
    const raw_client client(port);
    client.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.receive_all(), HasSubstr("{\"status\":\"ok\"}"));
  }
  {
    const raw_client client(port);
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.receive_all(), HasSubstr("probe_build_info{version="));
  }
  c.signal(SIGTERM);
  EXPECT_EQ(c.exit_code(), 0);
  EXPECT_THAT(c.text(), HasSubstr("draining signal=SIGTERM"));
}

TEST_F(Lifecycle, EndsAtItsDrainDeadline) {
  child c({"--config", config("hang_on_drain = true\ndrain_timeout = \"50ms\"\n")});
  c.port();
  c.signal(SIGINT);
  EXPECT_EQ(c.exit_code(), 0);
  EXPECT_THAT(c.text(), HasSubstr("drain deadline passed"));
}

TEST_F(Lifecycle, ASecondSignalEndsItAtOnce) {
  child c({"--config", config("hang_on_drain = true\ndrain_timeout = \"10m\"\n")});
  c.port();
  c.signal(SIGTERM);
  EXPECT_TRUE(c.wait_for("draining"));
  c.signal(SIGTERM);
  EXPECT_EQ(c.exit_code(), exit_failed);
}

TEST_F(Lifecycle, ReloadsAndKeepsTheRunningConfigurationWhenTheNewOneIsBad) {
  const auto path = config("greeting = \"one\"\n");
  child c({"--config", path});
  c.port();
  config("greeting = \"two\"\n");
  c.signal(SIGHUP);
  EXPECT_TRUE(c.wait_for("greeting text=two"));
  EXPECT_TRUE(c.wait_for("configuration reloaded"));
  config("greeting = 3\nthreads = \"many\"\n");
  c.signal(SIGHUP);
  EXPECT_TRUE(c.wait_for("greeting: 3 is not a string"));
  EXPECT_TRUE(c.wait_for("threads: "));
  c.signal(SIGTERM);
  EXPECT_EQ(c.exit_code(), 0);
  EXPECT_THAT(c.text(), Not(HasSubstr("greeting text=3")));
}

TEST_F(Lifecycle, ChangesItsLogLevelAndIgnoresSigpipe) {
  child c({});
  c.port();
  c.signal(SIGPIPE);
  c.signal(SIGUSR1);
  EXPECT_TRUE(c.wait_for("log level changed level=debug"));
  c.signal(SIGTERM);
  EXPECT_EQ(c.exit_code(), 0);
}

TEST_F(Lifecycle, ReportsEveryMistakeWithExitCodeTwo) {
  child c({"--config", config("[http]\nlisten = \"nowhere\"\nprot = 1\n[log]\nlevel = \"loud\"\n")});
  EXPECT_EQ(c.exit_code(), exit_configuration);
  EXPECT_THAT(c.text(), HasSubstr("log.level: \"loud\" is none of trace, debug, info, warn, error, off ("));
  EXPECT_THAT(c.text(), HasSubstr("http.listen: \"nowhere\" is not host:port with a port in 0..65535 ("));
  EXPECT_THAT(c.text(), HasSubstr("http.prot: unknown key ("));
  child missing({"--config", (directory / "none.toml").string()});
  EXPECT_EQ(missing.exit_code(), exit_configuration);
  EXPECT_THAT(missing.text(), HasSubstr("none.toml: cannot be read"));
}

TEST_F(Lifecycle, CheckExplainsTheConfigurationAndExits) {
  child c({"--config", config("password = \"hunter2\"\n"), "--check"}, {"PROBE_GREETING=moin"});
  EXPECT_EQ(c.exit_code(), 0);
  EXPECT_THAT(c.text(), HasSubstr("greeting = \"moin\""));
  EXPECT_THAT(c.text(), HasSubstr("# environment PROBE_GREETING"));
  EXPECT_THAT(c.text(), HasSubstr("configuration is valid"));
  EXPECT_THAT(c.text(), Not(HasSubstr("hunter2")));
}

TEST_F(Lifecycle, KnowsItsCommandLine) {
  child version({"--version"});
  EXPECT_EQ(version.exit_code(), 0);
  EXPECT_THAT(version.text(), HasSubstr("probe 0."));
  child help({"--help"});
  EXPECT_EQ(help.exit_code(), 0);
  for (const auto* option : {"--config", "--check", "--version", "--log-level", "--json-logs"})
    EXPECT_THAT(help.text(), HasSubstr(option));
  child wrong({"--frobnicate"});
  EXPECT_EQ(wrong.exit_code(), exit_configuration);
  EXPECT_THAT(wrong.text(), HasSubstr("probe: "));
  child level({"--log-level", "loud"});
  EXPECT_EQ(level.exit_code(), exit_configuration);
}

TEST_F(Lifecycle, LogsJsonWhenAsked) {
  child c({"--json-logs"});
  EXPECT_TRUE(c.wait_for("\"message\":\"started\""));
  c.signal(SIGTERM);
  EXPECT_EQ(c.exit_code(), 0);
}

TEST_F(Lifecycle, GivesTheJournalItsPriorities) {
  child c({}, {}, true);
  c.port();
  c.signal(SIGUSR1);
  EXPECT_TRUE(c.wait_for("log level changed"));
  EXPECT_TRUE(c.text().starts_with("<6>"));
  EXPECT_THAT(c.text(), HasSubstr("\n<4>"));
  child elsewhere({}, {"JOURNAL_STREAM=1:2"});
  elsewhere.port();
  EXPECT_FALSE(elsewhere.text().starts_with("<"));
}

TEST_F(Lifecycle, ExitsWithOneWhenItCannotStart) {
  child c({}, {"PROBE_FAIL_ON_START=true"});
  EXPECT_EQ(c.exit_code(), exit_failed);
}

TEST_F(Lifecycle, TellsTheServiceManager) {
  const auto path = (directory / "notify").string();
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  timeval limit{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto next = [&] {
    char text[256];
    const auto count = recv(fd, text, sizeof text, 0);
    return std::string(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  };
  child c({}, {"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=20000000"});
  EXPECT_EQ(next(), "READY=1");
  EXPECT_EQ(next(), "WATCHDOG=1");
  c.signal(SIGHUP);
  EXPECT_THAT(next(), HasSubstr("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_EQ(next(), "READY=1");
  c.signal(SIGTERM);
  EXPECT_EQ(next(), "STOPPING=1");
  EXPECT_EQ(c.exit_code(), 0);
  close(fd);
}

TEST(SdNotify, DoesNothingWithoutAServiceManager) {
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  EXPECT_FALSE(sd_notify("READY=1"));
  EXPECT_FALSE(sd_watchdog_interval());
}

TEST(IoPool, RunsWorkOnEveryThreadRoundRobin) {
  io_pool pool(3);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  for (std::size_t i = 0; i < 3; ++i) {
    std::promise<void> done;
    asio::post(pool.next(), [&] {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
      done.set_value();
    });
    done.get_future().wait();
  }
  EXPECT_EQ(seen.size(), 3u);
  pool.stop();
  pool.stop();
}

TEST(DescriptorLimit, IsRaisedToTheHardOne) { EXPECT_GT(raise_descriptor_limit(), 0u); }

}  // namespace
}  // namespace msgkit::app
