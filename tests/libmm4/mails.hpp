// Mails of tests/vectors/mm4, and how to find a header in one.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "msgkit/core/mime/entity.hpp"
#include "support/vectors.hpp"

namespace msgkit::mm4::test {

inline std::string read_mail(const std::string& name) {
  std::ifstream file(msgkit::test::vectors_directory() / "mm4" / (name + ".eml"), std::ios::binary);
  if (!file) throw std::runtime_error("no mail " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> all_mails() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(msgkit::test::vectors_directory() / "mm4"))
    names.push_back(entry.path().stem().string());
  return names;
}

// The value of a header as it was written, "-" without it.
inline std::string header_of(bytes_view mail, std::string_view name) {
  const auto block = mime::read_header(mail, {});
  const auto* value = block ? block->fields.find(name) : nullptr;
  return value == nullptr ? "-" : *value;
}

}  // namespace msgkit::mm4::test
