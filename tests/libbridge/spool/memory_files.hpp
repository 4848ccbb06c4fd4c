// Segments in memory that lose what was not synced when the machine "crashes", and fail on demand.
#pragma once

#include <map>
#include <string>

#include "msgkit/bridge/spool/files.hpp"

namespace msgkit::bridge {

struct memory_disk {
  struct file {
    std::string octets;
    std::size_t synced = 0;
  };
  std::map<std::uint64_t, file> files;
  std::string mark;
  std::error_code fail_append{};
  std::error_code fail_sync{};
  int syncs = 0;

  // Of what was not synced, `kept` octets of each file survive.
  void crash(std::size_t kept = 0) {
    for (auto& [number, f] : files) {
      f.octets.resize(std::min(f.octets.size(), f.synced + kept));
      f.synced = f.octets.size();
    }
  }
};

class memory_files final : public spool_files {
 public:
  explicit memory_files(std::shared_ptr<memory_disk> disk) : disk_(std::move(disk)) {}
  result<std::vector<std::uint64_t>> list() override {
    std::vector<std::uint64_t> all;
    for (const auto& [number, f] : disk_->files) all.push_back(number);
    return all;
  }
  result<void> append(std::uint64_t file, bytes_view octets) override {
    if (disk_->fail_append) return fault{disk_->fail_append};
    disk_->files[file].octets.append(as_text(octets));
    return {};
  }
  result<void> read(std::uint64_t file, std::uint64_t offset, std::size_t size, byte_vector& out) override {
    out.clear();
    const std::string_view all(disk_->files.at(file).octets);
    if (offset < all.size()) msgkit::append(out, all.substr(static_cast<std::size_t>(offset), size));
    return {};
  }
  result<void> truncate(std::uint64_t file, std::uint64_t size) override {
    disk_->files.at(file).octets.resize(static_cast<std::size_t>(size));
    return {};
  }
  result<void> remove(std::uint64_t file) override {
    disk_->files.erase(file);
    return {};
  }
  std::function<result<void>()> sync_job(std::span<const std::uint64_t> files) override {
    std::map<std::uint64_t, std::size_t> sizes;
    for (const auto f : files) sizes[f] = disk_->files.at(f).octets.size();
    return [disk = disk_, sizes]() -> result<void> {
      ++disk->syncs;
      if (disk->fail_sync) return fault{disk->fail_sync};
      for (const auto& [number, size] : sizes)
        if (disk->files.contains(number)) disk->files[number].synced = size;
      return {};
    };
  }
  result<void> store_mark(bytes_view octets) override {
    disk_->mark = as_text(octets);
    return {};
  }
  result<void> load_mark(byte_vector& out) override {
    out.assign(disk_->mark.begin(), disk_->mark.end());
    return {};
  }

 private:
  std::shared_ptr<memory_disk> disk_;
};

}  // namespace msgkit::bridge
