#include "msgkit/bridge/spool/spool.hpp"

#include <algorithm>
#include <array>

namespace msgkit::bridge {
namespace {

// A record: size of the payload, checksum of all that follows, number, payload.
constexpr std::size_t header_bytes = 16;
constexpr std::size_t mark_bytes = 12;  // number, checksum
constexpr std::size_t chunk_bytes = 256 * 1024;

constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto v = i;
    for (int bit = 0; bit < 8; ++bit) v = (v & 1) != 0 ? v >> 1 ^ 0x82F63B78 : v >> 1;
    table[i] = v;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(bytes_view octets, std::uint32_t crc) noexcept {
  crc = ~crc;
  for (const auto o : octets) crc = crc_table[(crc ^ o) & 0xFF] ^ crc >> 8;
  return ~crc;
}

result<std::shared_ptr<spool>> spool::open(std::unique_ptr<spool_files> files, spool_options options) {
  options.segment_bytes = std::max<std::uint64_t>(1, std::min(options.segment_bytes, options.bytes_max / 4));
  std::shared_ptr<spool> made(new spool(std::move(files), options));
  if (const auto done = made->recover(); !done) return done.error();
  return made;
}

result<void> spool::recover() {
  byte_vector mark;
  if (const auto done = files_->load_mark(mark); !done) return done;
  // Each half was written in turn, so a torn write leaves the other one.
  for (std::size_t at = 0; at + mark_bytes <= mark.size(); at += mark_bytes)
    if (crc32c(bytes_view(mark).subspan(at, 8)) == load_big<std::uint32_t>(&mark[at + 8]))
      unread_ = std::max(unread_, load_big<std::uint64_t>(&mark[at]));
  const auto listed = files_->list();
  if (!listed) return listed.error();
  for (const auto file : *listed) {
    segment s{.file = file, .last = file - 1};
    if (const auto done = scan(s, file == listed->back()); !done) return done;
    if (s.size == 0) {
      if (const auto done = files_->remove(file); !done) return done;
      continue;
    }
    segments_.push_back(s);
    bytes_ += s.size;
    appended_ = std::max(appended_, s.last);
  }
  appended_ = std::max(appended_, unread_ - 1);
  synced_ = appended_;
  if (!segments_.empty()) unread_ = std::max(unread_, segments_.front().file);
  marked_ = unread_;
  remove_finished();
  if (!segments_.empty()) read_file_ = segments_.front().file;
  return {};
}

// Finds the last good record.
result<void> spool::scan(segment& s, bool is_last) {
  while (true) {
    if (const auto done = fill(s, s.size, header_bytes); !done) return done;
    const auto at = static_cast<std::size_t>(s.size - chunk_offset_);
    const auto there = chunk_.size() - at;
    if (there == 0) return {};
    bool good = there >= header_bytes;
    std::size_t size = 0;
    if (good) {
      size = load_big<std::uint32_t>(&chunk_[at]);
      good = size > 0 && size <= options_.record_bytes_max;
    }
    if (good) {
      if (const auto done = fill(s, s.size, header_bytes + size); !done) return done;
      const auto head = static_cast<std::size_t>(s.size - chunk_offset_);
      good = chunk_.size() - head >= header_bytes + size &&
             crc32c(bytes_view(chunk_).subspan(head + 8, 8 + size)) == load_big<std::uint32_t>(&chunk_[head + 4]) &&
             load_big<std::uint64_t>(&chunk_[head + 8]) == s.last + 1;
    }
    if (!good) {
      if (is_last) return files_->truncate(s.file, s.size);
      ++damaged_;
      return {};
    }
    s.size += header_bytes + size;
    ++s.last;
  }
}

// Makes `size` octets from `offset` part of the chunk, or as many as there are.
result<void> spool::fill(const segment& s, std::uint64_t offset, std::size_t size) {
  if (chunk_file_ == s.file && offset >= chunk_offset_ && offset + size <= chunk_offset_ + chunk_.size()) return {};
  chunk_file_ = s.file;
  chunk_offset_ = offset;
  auto done = files_->read(s.file, offset, std::max(size, chunk_bytes), chunk_);
  if (!done) chunk_file_ = 0;
  return done;
}

result<std::uint64_t> spool::append(bytes_view record) {
  if (is_broken_) return errc::spool_damaged;
  if (record.empty()) return errc::value_out_of_range;
  if (record.size() > options_.record_bytes_max) return errc::packet_too_large;
  const auto total = header_bytes + record.size();
  if (const auto room = make_room(total); !room) return room.error();
  const auto number = appended_ + 1;
  const bool fits = may_append_ && segments_.back().size + total <= options_.segment_bytes;
  const auto file = fits ? segments_.back().file : number;

  byte_vector octets;
  octets.reserve(total);
  append_big(octets, static_cast<std::uint32_t>(record.size()));
  append_big(octets, std::uint32_t{0});
  append_big(octets, number);
  msgkit::append(octets, record);
  store_big(&octets[4], crc32c(bytes_view(octets).subspan(8)));
  if (const auto done = files_->append(file, octets); !done) return done.error();
  if (!fits) {
    segments_.push_back({.file = number});
    may_append_ = true;
    if (segments_.size() == 1) {
      read_file_ = number;
      read_offset_ = 0;
    }
  }
  segments_.back().last = appended_ = number;
  segments_.back().size += total;
  bytes_ += total;
  return number;
}

result<void> spool::make_room(std::uint64_t bytes) {
  while (bytes_ + bytes > options_.bytes_max) {
    if (options_.when_full == spool_full::reject_new || segments_.size() < 2) return errc::queue_full;
    const auto end = segments_.front().last + 1;
    for (; !open_.empty() && open_.front().number < end; open_.pop_front()) dropped_ += !open_.front().is_done;
    if (unread_ < end) dropped_ += end - unread_;
    unread_ = std::max(unread_, end);
    remove_front();
  }
  return {};
}

std::function<result<void>()> spool::begin_sync() {
  is_syncing_ = true;
  syncing_ = appended_;
  std::vector<std::uint64_t> files;
  for (const auto& s : segments_)
    if (s.last > synced_) files.push_back(s.file);
  return files_->sync_job(files);
}

void spool::end_sync(const result<void>& outcome) {
  is_syncing_ = false;
  if (outcome) synced_ = std::max(synced_, syncing_);
  else is_broken_ = true;
}

result<std::optional<spool_record>> spool::next() {
  while (true) {
    const auto s = std::ranges::find(segments_, read_file_, &segment::file);
    if (s == segments_.end()) return std::optional<spool_record>{};
    if (read_offset_ >= s->size) {
      if (s + 1 == segments_.end()) return std::optional<spool_record>{};
      read_file_ = (s + 1)->file;
      read_offset_ = 0;
      continue;
    }
    if (const auto done = fill(*s, read_offset_, header_bytes); !done) return done.error();
    auto at = static_cast<std::size_t>(read_offset_ - chunk_offset_);
    if (chunk_.size() - at < header_bytes) return errc::spool_damaged;
    const auto size = load_big<std::uint32_t>(&chunk_[at]);
    if (const auto done = fill(*s, read_offset_, header_bytes + size); !done) return done.error();
    at = static_cast<std::size_t>(read_offset_ - chunk_offset_);
    const auto total = header_bytes + std::size_t{size};
    if (chunk_.size() - at < total) return errc::spool_damaged;
    const auto octets = bytes_view(chunk_).subspan(at, total);
    if (crc32c(octets.subspan(8)) != load_big<std::uint32_t>(&octets[4])) return errc::spool_damaged;
    read_offset_ += total;
    const auto number = load_big<std::uint64_t>(&octets[8]);
    if (number < unread_) continue;
    unread_ = number + 1;
    open_.push_back({number});
    return std::optional(spool_record{number, octets.subspan(header_bytes)});
  }
}

void spool::done(std::uint64_t number) {
  const auto found = std::ranges::lower_bound(open_, number, {}, &open_record::number);
  if (found == open_.end() || found->number != number) return;  // dropped meanwhile
  found->is_done = true;
  while (!open_.empty() && open_.front().is_done) open_.pop_front();
}

void spool::store_mark() {
  const auto first = first_open();
  if (marked_ == first) return;
  byte_vector octets;
  for (const auto number : {marked_, first}) {
    const auto at = octets.size();
    append_big(octets, number);
    append_big(octets, crc32c(bytes_view(octets).subspan(at)));
  }
  // Without it more comes again than has to, and nothing is lost.
  if (files_->store_mark(octets)) marked_ = first;
  remove_finished();
}

void spool::remove_finished() {
  while (!segments_.empty() && segments_.front().last < marked_ && !is_syncing_) {
    if (may_append_ && segments_.size() == 1 && segments_.front().size < options_.segment_bytes) return;  // goes on
    remove_front();
  }
}

void spool::remove_front() {
  const auto gone = segments_.front();
  bytes_ -= gone.size;
  segments_.pop_front();
  if (segments_.empty()) may_append_ = false;
  if (read_file_ == gone.file) {
    read_file_ = segments_.empty() ? 0 : segments_.front().file;
    read_offset_ = 0;
  }
  (void)files_->remove(gone.file);  // found again at the next start, and removed then
}

}  // namespace msgkit::bridge
