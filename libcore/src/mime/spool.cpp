#include "msgkit/core/mime/spool.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {

struct spool::impl {
  explicit impl(spool_options o) : options(std::move(o)) {}
  ~impl() {
    unmap();
    if (file >= 0) ::close(file);
  }

  void unmap() {
    if (mapped != nullptr) ::munmap(mapped, mapped_size);
    mapped = nullptr;
    mapped_size = 0;
  }
  bool open_file() {
    auto name = options.directory + "/msgkit-XXXXXX";
    file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) return false;
    ::unlink(name.c_str());
    return true;
  }
  bool write_all(bytes_view octets) {
    while (!octets.empty()) {
      const auto count = ::pwrite(file, octets.data(), octets.size(), static_cast<off_t>(file_size));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      file_size += static_cast<std::size_t>(count);
      octets = octets.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }

  spool_options options;
  byte_vector memory;
  int file = -1;
  std::size_t file_size = 0;
  void* mapped = nullptr;
  std::size_t mapped_size = 0;
};

spool::spool(spool_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
spool::~spool() = default;
spool::spool(spool&&) noexcept = default;
spool& spool::operator=(spool&&) noexcept = default;

result<void> spool::append(bytes_view octets) {
  auto& s = *impl_;
  s.unmap();
  if (s.file < 0 && s.memory.size() + octets.size() <= s.options.memory_bytes_max) {
    msgkit::append(s.memory, octets);
    return {};
  }
  if (s.file < 0) {
    if (!s.open_file() || !s.write_all(s.memory)) {
      if (s.file >= 0) ::close(s.file);
      s.file = -1;
      s.file_size = 0;
      return errc::spool_failed;
    }
    byte_vector{}.swap(s.memory);
  }
  const auto before = s.file_size;
  if (s.write_all(octets)) return {};
  s.file_size = before;  // a part of it may stand behind, and is written over by the next
  return errc::spool_failed;
}

result<bytes_view> spool::view() {
  auto& s = *impl_;
  if (s.file < 0) return bytes_view{s.memory};
  if (s.mapped == nullptr && s.file_size != 0) {
    void* where = ::mmap(nullptr, s.file_size, PROT_READ, MAP_PRIVATE, s.file, 0);
    if (where == MAP_FAILED) return errc::spool_failed;
    s.mapped = where;
    s.mapped_size = s.file_size;
  }
  return bytes_view{static_cast<const std::uint8_t*>(s.mapped), s.mapped_size};
}

std::size_t spool::size() const noexcept { return impl_->file < 0 ? impl_->memory.size() : impl_->file_size; }
bool spool::is_on_disk() const noexcept { return impl_->file >= 0; }

}  // namespace msgkit::mime
