// Runs a fuzz target over its committed corpus without libFuzzer, so that every compiler and sanitizer runs it.
// Each seed is fed whole, cut after every octet, and with every octet inverted in turn: the mistakes a decoder
// makes most often, found again on machines that have no clang.
//   <target>_replay <corpus directory or file>...     exits 1 when there is nothing to replay
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using octets = std::vector<std::uint8_t>;

// Bounds the work on a large seed; a seed up to this many octets is cut and changed at every position.
constexpr std::size_t positions_max = 2048;

// The copy has exactly the size of the input, so that AddressSanitizer sees a read one octet past its end.
void feed(const octets& input, std::size_t size) {
  const octets exact(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  octets input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  feed(input, input.size());
  const std::size_t step = std::max<std::size_t>(1, input.size() / positions_max);
  for (std::size_t at = 0; at < input.size(); at += step) {
    feed(input, at);
    input[at] = static_cast<std::uint8_t>(~input[at]);
    feed(input, input.size());
    input[at] = static_cast<std::uint8_t>(~input[at]);
  }
}

std::vector<fs::path> files_below(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : files_below(argv[i])) {
      replay(file);
      ++count;
    }
  }
  std::printf("replayed %zu seeds\n", count);
  return count == 0 ? 1 : 0;
}
