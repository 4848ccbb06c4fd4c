#include "vectors.hpp"

namespace msgkit::test {

std::filesystem::path vectors_directory() { return MSGKIT_TEST_VECTORS; }

}  // namespace msgkit::test
