// Reference of the durable server rows: the bare exchange with every answer held until an SQLite transaction holds the
// request (WAL, synchronous=FULL), committed in whatever groups form by themselves.
#pragma once

#include <cstdint>
#include <filesystem>

#include "references/load_client.hpp"

namespace msgkit::bench {

struct commit_result {
  load_result load{};
  std::uint64_t commits = 0;
  std::uint64_t rows = 0;  // found in the database after the run; at least load.accepted
  double fdatasync_p50_us = 0;

  // Latencies, rows per commit and the disk's own sync time, for a row's note.
  [[nodiscard]] std::string to_string() const;
};

// Writes a database below `directory`, which must lie on the file system the subject uses, and removes it.
// Throws std::runtime_error when SQLite refuses, when an acknowledged row is missing afterwards, and when the disk
// answers fdatasync within 20 us, which no durable disk does.
commit_result run_bare_commit(load_options options, const std::filesystem::path& directory);

// Median time of fdatasync after an 8 KiB write at the end of a file in `directory`.
double fdatasync_p50_us(const std::filesystem::path& directory);

}  // namespace msgkit::bench
