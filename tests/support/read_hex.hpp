// Test vectors: octets as hexadecimal text with '#' comment lines, in tests/vectors.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/hex.hpp"
#include "support/vectors.hpp"

namespace msgkit::test {

// `name` is relative to tests/vectors: "smpp/query_sm_basic.hex". Throws when the file is missing or not hexadecimal.
inline byte_vector read_hex(const std::string& name) {
  std::ifstream file(vectors_directory() / name);
  if (!file) throw std::runtime_error("no test vector " + name);
  std::string text;
  for (std::string line; std::getline(file, line);)
    if (!line.starts_with('#')) text += line;
  auto octets = from_hex(text);
  if (!octets) throw std::runtime_error("not hexadecimal: " + name);
  return *std::move(octets);
}

// The vectors of one folder, as names for read_hex, sorted.
inline std::vector<std::string> list_vectors(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(vectors_directory() / folder))
    if (entry.path().extension() == ".hex") names.push_back(folder + "/" + entry.path().filename().string());
  std::sort(names.begin(), names.end());
  if (names.empty()) throw std::runtime_error("no test vectors in " + folder);
  return names;
}

}  // namespace msgkit::test
