#include "common/process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace msgkit::app {
namespace {

// Fields of /proc/self/stat, numbered as proc(5) does.
struct process_stat {
  double user_ticks = 0;     // 14
  double system_ticks = 0;   // 15
  double threads = 0;        // 20
  double start_ticks = 0;    // 22, since boot
  double virtual_bytes = 0;  // 23
  double resident_pages = 0; // 24
};

bool read_stat(process_stat& out) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  // The second field is the program's name in parentheses and may hold anything.
  const auto close = line.rfind(')');
  if (close == std::string::npos) return false;
  std::istringstream fields(line.substr(close + 1));
  std::string field;
  for (int number = 3; number <= 24 && fields >> field; ++number) {
    const double value = number == 3 ? 0 : std::strtod(field.c_str(), nullptr);
    if (number == 14) out.user_ticks = value;
    else if (number == 15) out.system_ticks = value;
    else if (number == 20) out.threads = value;
    else if (number == 22) out.start_ticks = value;
    else if (number == 23) out.virtual_bytes = value;
    else if (number == 24) out.resident_pages = value;
  }
  return true;
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  return 0;
}

double open_descriptors() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double count = -3;  // ".", "..", and the directory's own descriptor
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

}  // namespace

std::size_t resident_bytes() noexcept {
  long pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
  std::fclose(file);
  return static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void collect_process_metrics(metric_sink& sink) {
  static const double boot = boot_time_seconds();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  process_stat stat;
  if (read_stat(stat)) {
    sink.counter("process_cpu_seconds_total", "User and system CPU time.", (stat.user_ticks + stat.system_ticks) / ticks);
    sink.gauge("process_resident_memory_bytes", "Resident memory.", stat.resident_pages * page);
    sink.gauge("process_virtual_memory_bytes", "Virtual memory.", stat.virtual_bytes);
    sink.gauge("process_threads", "Threads.", stat.threads);
    sink.gauge("process_start_time_seconds", "Start time since the epoch.", boot + stat.start_ticks / ticks);
  }
  sink.gauge("process_open_fds", "Open file descriptors.", open_descriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    sink.gauge("process_max_fds", "Limit of open file descriptors.", static_cast<double>(limit.rlim_cur));
}

}  // namespace msgkit::app
