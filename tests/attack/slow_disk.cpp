// Preloaded into a program: while the file that MSGKIT_SLOW_DISK names exists, writing to the disk takes as long as it is
// there, half a minute at most.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace {

void wait_while_slow() {
  const char* path = std::getenv("MSGKIT_SLOW_DISK");
  for (int i = 0; i < 3'000 && path != nullptr && access(path, F_OK) == 0; ++i) {
    const timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

extern "C" int fdatasync(int file) {
  wait_while_slow();
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

extern "C" int fsync(int file) {
  wait_while_slow();
  return static_cast<int>(syscall(SYS_fsync, file));
}
