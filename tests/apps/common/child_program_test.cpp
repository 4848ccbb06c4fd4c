#include "common/child_program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using how = program_end::how;

program_order shell(const std::string& script) { return {.path = "/bin/sh", .arguments = {"-c", script}}; }
// Under a sanitizer our own address space is huge; the programs run here are not instrumented.
constexpr program_limits usual{.timeout = 60s};

// A zombie that nobody has waited for yet is not.
bool is_running(int process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  std::getline(status, line);
  const auto state = line.rfind(") ");
  return state != std::string::npos && line[state + 2] != 'Z' && line[state + 2] != 'X';
}

TEST(ChildProgram, ReadsAndWritesTheFilesItWasGivenAndNothingElse) {
  const auto in = memory_file::make("hello");
  auto out = memory_file::make();
  ASSERT_TRUE(in && out);
  auto order =
      shell("cat /dev/fd/3 > /dev/fd/4; echo $SECRET >> /dev/fd/4; ls /proc/self/fd | tr '\\n' ' ' >> /dev/fd/4");
  order.environment = {"PATH=/usr/bin:/bin"};
  order.descriptors = {in->descriptor(), out->descriptor()};
  const auto ours = ::open("/dev/null", O_RDONLY);  // not close-on-exec, as sockets of some libraries are
  const auto end = run_program(order, usual);
  ::close(ours);
  EXPECT_TRUE(end.is_good()) << end.words;
  // 5 is the directory that `ls` reads.
  EXPECT_EQ(out->read(1'000), "hello\n0 1 2 3 4 5 ");
  out->clear();
  EXPECT_EQ(out->size(), 0U);
}

TEST(ChildProgram, TellsHowItEndedInItsOwnWords) {
  const auto failed = run_program(shell("echo 'no \tgood' >&2; echo more >&2; exit 3"), usual);
  EXPECT_EQ(failed.is, how::exited);
  EXPECT_EQ(failed.code, 3);
  EXPECT_EQ(failed.words, "no ?good");
  const auto killed = run_program(shell("kill -TERM $$"), usual);
  EXPECT_EQ(killed.is, how::killed);
  EXPECT_EQ(killed.code, SIGTERM);
  EXPECT_EQ(run_program({.path = "/nonexistent"}, usual).code, 127);
}

TEST(ChildProgram, HasNoneOfOurBlockedSignalsNorIgnoredOnes) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto end = run_program(shell("grep -E 'SigBlk|SigIgn' /proc/self/status | tr '\\n' ' ' >&2"), usual);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(end.words, "SigBlk:?0000000000000000 SigIgn:?0000000000000000 ");
}

TEST(ChildProgram, IsKilledWithItsChildrenWhenItsTimeIsOver) {
  auto alive = memory_file::make();
  auto order = shell("sleep 1000 & echo $! > /dev/fd/3; wait");
  order.environment = {"PATH=/usr/bin:/bin"};
  order.descriptors = {alive->descriptor()};
  const auto end = run_program(order, {.timeout = 300ms});
  EXPECT_EQ(end.is, how::timed_out);
  const auto child = alive->read(100);
  if (child.empty()) return;  // on a slow machine the time may be over before it was born
  for (int i = 0; i < 3'000 && is_running(std::stoi(child)); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(is_running(std::stoi(child)));
}

TEST(ChildProgram, EndsWhenItIsCanceled) {
  const int cancel = ::eventfd(1, EFD_CLOEXEC);
  EXPECT_EQ(run_program(shell("sleep 1000"), usual, cancel).is, how::canceled);
  ::close(cancel);
}

TEST(ChildProgram, CannotWriteMoreThanItsLimit) {
  auto out = memory_file::make();
  auto order = shell("head -c 1000000 /dev/zero > /dev/fd/3");
  order.environment = {"PATH=/usr/bin:/bin"};
  order.descriptors = {out->descriptor()};
  EXPECT_FALSE(run_program(order, {.timeout = 60s, .file_octets_max = 10'000}).is_good());
  EXPECT_LE(out->size(), 10'000U);
}

TEST(ChildProgram, CannotHaveMoreMemoryThanItsLimit) {
  const auto end = run_program(shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x} >&2"),
                               {.timeout = 60s, .memory_octets_max = 64 * 1024 * 1024});
  EXPECT_FALSE(end.is_good() && end.words == "300000000");
}

TEST(ChildProgram, IsFoundByNameOrByPath) {
  EXPECT_TRUE(find_program("sh").ends_with("/sh"));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_EQ(find_program("no-such-program-here"), "");
  EXPECT_EQ(find_program("/etc/passwd"), "");
  EXPECT_EQ(find_program(""), "");
}

}  // namespace
}  // namespace msgkit::app
