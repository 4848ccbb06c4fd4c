// Preloaded into a program: its wall clock is off by as many nanoseconds as the file MSGKIT_CLOCK_OFFSET says at the
// moment, a 64-bit integer. The steady clock stays what it is, as when an operator or NTP steps the time.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

const std::atomic<std::int64_t>* map_offset() {
  const char* path = std::getenv("MSGKIT_CLOCK_OFFSET");
  const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  void* at = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return at == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(at);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* out) {
  static const auto* const offset = map_offset();
  const auto done = static_cast<int>(syscall(SYS_clock_gettime, clock, out));
  if (done != 0 || clock != CLOCK_REALTIME || offset == nullptr) return done;
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t now = std::int64_t{out->tv_sec} * second + out->tv_nsec + *offset;
  out->tv_sec = static_cast<time_t>(now / second);
  out->tv_nsec = static_cast<long>(now % second);
  return 0;
}
