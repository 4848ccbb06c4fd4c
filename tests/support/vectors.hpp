// Where the test vectors lie: tests/vectors of the source tree.
#pragma once

#include <filesystem>

namespace msgkit::test {

std::filesystem::path vectors_directory();

}  // namespace msgkit::test
