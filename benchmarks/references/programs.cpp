#include "references/programs.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace msgkit::bench {

namespace fs = std::filesystem;

program::program(const std::vector<std::string>& command, const fs::path& log) {
  pid_ = fork();
  if (pid_ != 0) return;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

program::~program() {
  kill(pid_, SIGTERM);
  for (int i = 0; i < 100; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double program::cpu_seconds() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // up to field 14, utime
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t program::resident_bytes() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  const std::string text((std::istreambuf_iterator<char>(status)), {});
  return static_cast<std::size_t>(number_after(text, "VmRSS:")) * 1024;
}

fs::path program_path(const std::string& name) {
  const auto self = fs::read_symlink("/proc/self/exe");
  return self.parent_path().parent_path() / "apps" / name / name;
}

fs::path source_path(const std::string& relative) { return fs::path(MSGKIT_SOURCE_DIR) / relative; }

std::uint16_t free_port() {
  static std::set<std::uint16_t> given;  // the system may offer one again before somebody listens there
  while (true) {
    asio::io_context io;
    const asio::ip::tcp::acceptor probe(io, {asio::ip::make_address("127.0.0.1"), 0});
    const auto port = probe.local_endpoint().port();
    if (given.insert(port).second) return port;
  }
}

void wait_for_port(std::uint16_t port) {
  for (int i = 0; i < 200; ++i) {
    asio::io_context io;
    asio::ip::tcp::socket probe(io);
    std::error_code ec;
    probe.connect({asio::ip::make_address("127.0.0.1"), port}, ec);
    if (!ec) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  throw std::runtime_error("nothing listens on port " + std::to_string(port));
}

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::array<char, 4096> chunk{};
  while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), count);
  pclose(pipe);
  return text;
}

double number_after(const std::string& text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string::npos) throw std::runtime_error("no " + std::string(key) + " in: " + text);
  return std::strtod(text.c_str() + at + key.size(), nullptr);
}

void write_file(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace msgkit::bench
