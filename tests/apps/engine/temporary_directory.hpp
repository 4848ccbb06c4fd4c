// A directory of one test, removed afterwards.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

class temporary_directory {
 public:
  // `in_memory`: on a file system without a disk where there is one, for tests that bring their own model of a disk.
  explicit temporary_directory(bool in_memory = false) {
    const bool shm = in_memory && std::filesystem::is_directory("/dev/shm");
    const std::filesystem::path parent = shm ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / "msgkit-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::filesystem::filesystem_error{"mkdtemp", name, {}};
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};
