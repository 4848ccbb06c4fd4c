#include "server_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>

namespace {

// The state stands behind the name, which is in brackets and may hold anything. A thread that is gone does not run.
bool runs(const std::filesystem::path& task) {
  const auto stat = content(task / "stat");
  const auto name_end = stat.rfind(") ");
  return name_end != std::string::npos && std::string_view("TtZX").find(stat[name_end + 2]) == std::string_view::npos;
}

bool is_frozen(pid_t pid) {
  std::error_code ec;  // it may end meanwhile
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ec))
    if (runs(task.path())) return false;
  return true;
}

}  // namespace

const passwd* unprivileged(const std::vector<const char*>& names) {
  if (::geteuid() != 0) return nullptr;
  for (const char* name : names)
    if (const passwd* user = ::getpwnam(name)) return user;
  return nullptr;
}

pid_t launch(const std::vector<std::string>& command, const std::string& log, const std::string& directory, const passwd* user) {
  std::vector<char*> argv;
  for (const auto& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0666);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(126);
  if (::chdir(directory.c_str()) != 0) ::_exit(126);
  ::setenv("LC_ALL", "C", 1);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int finish(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void freeze(pid_t pid) {
  using namespace std::chrono_literals;
  ::kill(pid, SIGSTOP);
  for (const auto end = std::chrono::steady_clock::now() + 20s; !is_frozen(pid) && std::chrono::steady_clock::now() < end;)
    std::this_thread::sleep_for(1ms);
}

std::string content(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}
