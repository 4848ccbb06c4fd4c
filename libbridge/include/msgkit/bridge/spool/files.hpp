// Where a spool keeps its segments: numbered append-only files and one small mark.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::bridge {

// Errors are those of the system. Not thread-safe, but for what sync_job() returns.
class spool_files {
 public:
  virtual ~spool_files() = default;
  // In ascending order.
  virtual result<std::vector<std::uint64_t>> list() = 0;
  // Makes the file when it is not there. All of `octets` or, where the system allows to take it back, nothing.
  virtual result<void> append(std::uint64_t file, bytes_view octets) = 0;
  // Replaces `out` by up to `size` octets from `offset`.
  virtual result<void> read(std::uint64_t file, std::uint64_t offset, std::size_t size, byte_vector& out) = 0;
  virtual result<void> truncate(std::uint64_t file, std::uint64_t size) = 0;
  virtual result<void> remove(std::uint64_t file) = 0;
  // To be called once, from any thread: what was appended to these files before this call is on the medium when it
  // succeeds.
  virtual std::function<result<void>()> sync_job(std::span<const std::uint64_t> files) = 0;
  // A few octets that are replaced as a whole; not necessarily on the medium. Empty when there were none.
  virtual result<void> store_mark(bytes_view octets) = 0;
  virtual result<void> load_mark(byte_vector& out) = 0;
};

// In a directory of its own, made when missing (mode 0700) and locked against a second process.
// Errors: of the system; `field` names the call.
result<std::unique_ptr<spool_files>> open_spool_directory(const std::filesystem::path& directory);

}  // namespace msgkit::bridge
