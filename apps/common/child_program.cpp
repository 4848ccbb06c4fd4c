#include "common/child_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace msgkit::app {
namespace {

constexpr int first_given = 3;        // after standard input, output and error
constexpr int beyond_the_given = 64;  // where copies are out of the way of those
constexpr std::size_t descriptors_max = 8;
constexpr std::size_t words_octets_max = 200;

class owned_descriptor {
 public:
  explicit owned_descriptor(int fd) : fd_(fd) {}
  owned_descriptor(owned_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&&) = delete;
  ~owned_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

owned_descriptor copy_out_of_the_way(int fd) {
  return owned_descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, beyond_the_given));
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& t : texts) out.push_back(const_cast<char*>(t.c_str()));
  out.push_back(nullptr);
  return out;
}

// Everything that the child needs, made before it is: after the fork it may only make system calls.
struct prepared {
  std::vector<std::string> words;
  std::vector<char*> arguments, environment;
  std::vector<owned_descriptor> given;  // for 0, 1, 2, 3, ...
  std::array<std::pair<__rlimit_resource, rlimit>, 5> limits;
  pid_t parent;
};

void limit(__rlimit_resource what, const rlimit& to) {
  if (::setrlimit(what, &to) != 0) ::_exit(127);
}

[[noreturn]] void become(const char* path, const prepared& p) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != p.parent) ::_exit(127);  // it went before we asked
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)::unshare(CLONE_NEWUSER | CLONE_NEWNET);  // may be forbidden; the rest does not depend on it
  for (std::size_t i = 0; i < p.given.size(); ++i)
    if (::dup2(p.given[i].get(), static_cast<int>(i)) < 0) ::_exit(127);
  ::close_range(static_cast<unsigned>(p.given.size()), ~0U, 0);
  for (const auto& [what, to] : p.limits) limit(what, to);
  for (const int s : {SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::signal(s, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(path, p.arguments.data(), p.environment.data());
  ::_exit(127);
}

program_end not_started(int error) { return {program_end::how::not_started, error, std::strerror(error)}; }

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  for (auto& c : text)
    if (c < 0x20 || c > 0x7E) c = '?';
  text.resize(std::min(text.size(), words_octets_max));
  return text;
}

// How the wait for it ended; `exited` when the program did by itself.
program_end::how wait_for(int process, int cancel, std::chrono::milliseconds timeout) {
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + timeout;
  for (;;) {
    std::array<pollfd, 2> waited{{{process, POLLIN, 0}, {cancel, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    const auto ready = ::poll(waited.data(), waited.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (waited[0].revents != 0) return program_end::how::exited;
    return ready > 0 ? program_end::how::canceled : program_end::how::timed_out;
  }
}

}  // namespace

std::optional<memory_file> memory_file::make(std::string_view content) {
  memory_file file(::memfd_create("msgkit", MFD_CLOEXEC));
  if (file.fd_ < 0) return std::nullopt;
  while (!content.empty()) {
    const auto n = ::write(file.fd_, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return file;
}

memory_file::memory_file(memory_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
memory_file::~memory_file() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t memory_file::size() const {
  struct stat s {};
  return ::fstat(fd_, &s) == 0 ? static_cast<std::size_t>(s.st_size) : 0;
}

std::string memory_file::read(std::size_t octets_max) const {
  std::string out(std::min(size(), octets_max), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const auto n = ::pread(fd_, out.data() + have, out.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

void memory_file::clear() {
  if (::ftruncate(fd_, 0) == 0) ::lseek(fd_, 0, SEEK_SET);
}

program_end run_program(const program_order& order, const program_limits& limits, int cancel) {
  auto said = memory_file::make();
  owned_descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!said || nothing.get() < 0 || order.descriptors.size() > descriptors_max) return not_started(EMFILE);
  prepared p;
  p.parent = ::getpid();
  p.words = order.arguments;
  p.words.insert(p.words.begin(), order.path);
  p.arguments = pointers_to(p.words);
  p.environment = pointers_to(order.environment);
  for (const int fd : {nothing.get(), nothing.get(), said->descriptor()}) p.given.push_back(copy_out_of_the_way(fd));
  for (const int fd : order.descriptors) p.given.push_back(copy_out_of_the_way(fd));
  for (const auto& fd : p.given)
    if (fd.get() < 0) return not_started(errno);
  static_assert(first_given == 3);
  const auto processor = static_cast<rlim_t>(std::chrono::ceil<std::chrono::seconds>(limits.timeout).count());
  const auto files = static_cast<rlim_t>(2 * beyond_the_given);
  p.limits = {{{RLIMIT_AS, {limits.memory_octets_max, limits.memory_octets_max}},
               {RLIMIT_FSIZE, {limits.file_octets_max, limits.file_octets_max}},
               {RLIMIT_CPU, {processor, processor + 1}},
               {RLIMIT_NOFILE, {files, files}},
               {RLIMIT_CORE, {0, 0}}}};
  const auto child = ::fork();
  if (child == 0) become(order.path.c_str(), p);
  if (child < 0) return not_started(errno);
  ::setpgid(child, child);  // whoever of the two comes first
  const owned_descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const auto pidfd_error = errno;
  auto how = process.get() < 0 ? program_end::how::not_started : wait_for(process.get(), cancel, limits.timeout);
  ::kill(-child, SIGKILL);  // not yet waited for, so nobody else has its number
  ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (how == program_end::how::not_started) return not_started(pidfd_error);
  program_end end{how, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), first_line(said->read(4'096))};
  if (how != program_end::how::exited) return end;
  if (!WIFEXITED(status)) end.is = WTERMSIG(status) == SIGXCPU ? program_end::how::timed_out : program_end::how::killed;
  return end;
}

std::string find_program(std::string_view name) {
  const auto may_run = [](const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string_view::npos) {
    std::string path(name);
    return path.starts_with('/') && may_run(path) ? path : std::string();
  }
  const auto* const path = std::getenv("PATH");
  std::string_view left = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty() && !left.empty()) {
    const auto end = std::min(left.find(':'), left.size());
    auto candidate = std::string(left.substr(0, end)) + '/' + std::string(name);
    if (candidate.starts_with('/') && may_run(candidate)) return candidate;
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return {};
}

}  // namespace msgkit::app
