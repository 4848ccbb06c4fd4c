// A queue on disk: records with checksums in append-only segments. What was appended is promised to nobody before it is
// synced; one sync serves all records appended before it (group commit), and may run on another thread:
//
//   auto n = s.append(record);
//   if (s.wants_sync()) { auto job = s.begin_sync(); /* any thread */ auto done = job(); /* back here */
//   s.end_sync(done); } while (auto r = s.next(); r && *r) deliver(**r);      // in order, later s.done((*r)->number)
//   in any order s.store_mark();                                       // so that a restart does not begin with what is
//   done
//
// After a crash come again: what was not done, and what was done since the last mark. A tail that the crash cut off is
// taken away; damage before it loses the rest of that segment and is counted. A failed sync is never tried again,
// because the system may have forgotten what it could not write: the spool then takes nothing more. Not thread-safe,
// but for the job of begin_sync().
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/spool/files.hpp"

namespace msgkit::bridge {

enum class spool_full : std::uint8_t {
  reject_new,   // append() says queue_full
  drop_oldest,  // the oldest segment goes, its open records are counted as dropped
};

struct spool_options {
  std::uint64_t bytes_max = 1024 * 1024 * 1024;    // of all segments
  std::uint64_t segment_bytes = 16 * 1024 * 1024;  // at most a quarter of bytes_max
  std::size_t record_bytes_max = 4 * 1024 * 1024;
  spool_full when_full = spool_full::reject_new;
};

struct spool_record {
  std::uint64_t number = 0;
  bytes_view octets{};  // valid until the next next()
};

class spool {
 public:
  // Errors: of the files.
  static result<std::shared_ptr<spool>> open(std::unique_ptr<spool_files> files, spool_options options);

  // The number of the record, ascending. Errors: value_out_of_range (empty), packet_too_large, queue_full,
  // spool_damaged (a sync failed before), of the files.
  result<std::uint64_t> append(bytes_view record);
  [[nodiscard]] std::uint64_t synced() const noexcept { return synced_; }  // highest number
  [[nodiscard]] bool wants_sync() const noexcept { return !is_syncing_ && !is_broken_ && appended_ > synced_; }
  std::function<result<void>()> begin_sync();
  void end_sync(const result<void>& outcome);

  // Errors: of the files.
  result<std::optional<spool_record>> next();
  void done(std::uint64_t number);
  void store_mark();

  [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t waiting() const noexcept {
    return appended_ + 1 - first_open();
  }  // about: records not done
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::uint64_t damaged_segments() const noexcept { return damaged_; }

 private:
  struct segment {
    std::uint64_t file = 0;  // the number of its first record
    std::uint64_t last = 0;
    std::uint64_t size = 0;
  };
  struct open_record {
    std::uint64_t number = 0;
    bool is_done = false;
  };
  spool(std::unique_ptr<spool_files> files, spool_options options) : files_(std::move(files)), options_(options) {}
  [[nodiscard]] std::uint64_t first_open() const noexcept { return open_.empty() ? unread_ : open_.front().number; }
  result<void> recover();
  result<void> scan(segment& s, bool is_last);
  result<void> make_room(std::uint64_t bytes);
  result<void> fill(const segment& s, std::uint64_t offset, std::size_t size);
  void remove_finished();
  void remove_front();

  std::shared_ptr<spool_files> files_;
  spool_options options_;
  std::deque<segment> segments_;
  bool may_append_ = false;  // to the last segment: it was begun by us
  std::uint64_t bytes_ = 0;
  std::uint64_t appended_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t syncing_ = 0;
  bool is_syncing_ = false;
  bool is_broken_ = false;
  std::uint64_t unread_ = 1;      // no record below it is to be read any more
  std::deque<open_record> open_;  // read, in order; the first one is not done
  std::uint64_t marked_ = 0;
  std::uint64_t read_file_ = 0;  // where next() goes on
  std::uint64_t read_offset_ = 0;
  byte_vector chunk_;
  std::uint64_t chunk_file_ = 0;
  std::uint64_t chunk_offset_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t damaged_ = 0;
};

// CRC-32C (Castagnoli) of `octets`, going on from `crc`.
std::uint32_t crc32c(bytes_view octets, std::uint32_t crc = 0) noexcept;

}  // namespace msgkit::bridge
