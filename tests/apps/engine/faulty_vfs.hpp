// A SQLite VFS over the real one that fails on demand and models what a disk may do: what was written since the last
// successful sync of a file is lost when a sync fails (the kernel drops pages it could not write) or power is cut.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

namespace msgkit::engine::test {

enum class disk_fault : std::uint8_t { write_error, write_torn, disk_full, sync_error };

class faulty_vfs {
 public:
  static constexpr const char* name = "msgkit_faulty";
  static faulty_vfs& instance();  // registers itself

  // Operations (writes, truncates and syncs) since the last reset().
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  // Counts afresh; the n-th operation fails, and the `times` - 1 that follow (0: none ever).
  void arm(std::uint64_t n, disk_fault how, std::uint64_t times = 1);
  void disarm() { arm(0, disk_fault::write_error, 0); }
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }
  // Every open file loses what was not synced. The handles are useless afterwards: close them.
  void cut_power();

  // For the file methods.
  bool fails(bool is_sync) noexcept;
  [[nodiscard]] disk_fault how() const noexcept { return how_; }
  [[nodiscard]] bool power_is_off() const noexcept { return off_; }
  void power_on() noexcept { off_ = false; }
  sqlite3_vfs* real() const noexcept { return real_; }

 private:
  faulty_vfs();
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs own_{};
  std::uint64_t operations_ = 0, at_ = 0, times_ = 0;
  disk_fault how_ = disk_fault::write_error;
  bool failed_ = false, off_ = false;
};

}  // namespace msgkit::engine::test
