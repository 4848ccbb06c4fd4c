// A program that is a script of the shell, in a directory of its own, and counts its runs.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace msgkit::app::test {

class scripted_program {
 public:
  explicit scripted_program(const std::string& script) : directory_(::testing::TempDir() + "scripted_XXXXXX") {
    if (::mkdtemp(directory_.data()) == nullptr) {
      ADD_FAILURE() << "no directory";
      return;
    }
    std::ofstream(path()) << "#!/bin/sh\necho run >> " << runs() << '\n' << script << '\n';
    ::chmod(path().c_str(), 0700);
  }
  ~scripted_program() {
    ::unlink(path().c_str());
    ::unlink(runs().c_str());
    ::rmdir(directory_.c_str());
  }
  scripted_program(const scripted_program&) = delete;
  scripted_program& operator=(const scripted_program&) = delete;

  [[nodiscard]] std::string path() const { return directory_ + "/gm"; }
  [[nodiscard]] std::size_t run_count() const {
    std::ifstream in(runs());
    std::string line;
    std::size_t n = 0;
    while (std::getline(in, line)) ++n;
    return n;
  }

 private:
  [[nodiscard]] std::string runs() const { return directory_ + "/runs"; }
  std::string directory_;
};

}  // namespace msgkit::app::test
