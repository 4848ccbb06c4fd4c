#include "msgkit/bridge/spool/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>

namespace msgkit::bridge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".spool";

fault system_fault(std::string_view call) { return {std::error_code(errno, std::system_category()), call}; }

// A descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int fd = -1) : fd_(fd) {}
  descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  descriptor& operator=(descriptor&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class directory_files final : public spool_files {
 public:
  directory_files(fs::path directory, descriptor folder, descriptor lock)
      : directory_(std::move(directory)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  result<std::vector<std::uint64_t>> list() override {
    std::vector<std::uint64_t> numbers;
    std::error_code ec;
    for (fs::directory_iterator i(directory_, ec), end; !ec && i != end; i.increment(ec)) {
      const auto name = i->path().filename().string();
      std::uint64_t number = 0;
      const auto* const first = name.data();
      if (name.size() != 16 + suffix.size() || !name.ends_with(suffix)) continue;
      if (const auto [at, bad] = std::from_chars(first, first + 16, number, 16); bad == std::errc{} && at == first + 16)
        numbers.push_back(number);
    }
    if (ec) return fault{ec, "readdir"};
    std::ranges::sort(numbers);
    return numbers;
  }

  result<void> append(std::uint64_t file, bytes_view octets) override {
    const auto fd = open(file, true);
    if (!fd) return fd.error();
    const auto before = ::lseek(*fd, 0, SEEK_END);
    while (!octets.empty()) {
      const auto n = ::write(*fd, octets.data(), octets.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        const auto why = system_fault("write");
        (void)!::ftruncate(*fd, before);  // else the next start takes the torn tail away
        return why;
      }
      octets = octets.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  result<void> read(std::uint64_t file, std::uint64_t offset, std::size_t size, byte_vector& out) override {
    out.clear();
    const auto fd = open(file, false);
    if (!fd) return fd.error();
    struct stat about {};
    if (::fstat(*fd, &about) != 0) return system_fault("fstat");
    const auto end = static_cast<std::uint64_t>(about.st_size);
    out.resize(offset >= end ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(size, end - offset)));
    std::size_t at = 0;
    while (at < out.size()) {
      const auto n = ::pread(*fd, out.data() + at, out.size() - at, static_cast<off_t>(offset + at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_fault("pread");
      if (n == 0) break;
      at += static_cast<std::size_t>(n);
    }
    out.resize(at);
    return {};
  }

  result<void> truncate(std::uint64_t file, std::uint64_t size) override {
    const auto fd = open(file, false);
    if (!fd) return fd.error();
    if (::ftruncate(*fd, static_cast<off_t>(size)) != 0) return system_fault("ftruncate");
    return {};
  }

  result<void> remove(std::uint64_t file) override {
    open_.erase(file);
    if (::unlinkat(folder_.get(), name_of(file).c_str(), 0) != 0) return system_fault("unlink");
    return {};
  }

  std::function<result<void>()> sync_job(std::span<const std::uint64_t> files) override {
    auto targets = std::make_shared<std::vector<descriptor>>();
    for (const auto file : files)
      if (const auto fd = open(file, false)) targets->emplace_back(::dup(*fd));
    targets->emplace_back(::dup(folder_.get()));  // a new file is there when its name is
    return [targets]() -> result<void> {
      for (const auto& t : *targets)
        if (t.get() < 0 || ::fdatasync(t.get()) != 0) return system_fault("fdatasync");
      return {};
    };
  }

  result<void> store_mark(bytes_view octets) override {
    if (::pwrite(lock_.get(), octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
      return system_fault("pwrite");
    return {};
  }

  result<void> load_mark(byte_vector& out) override {
    out.resize(64);
    const auto n = ::pread(lock_.get(), out.data(), out.size(), 0);
    out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    if (n < 0) return system_fault("pread");
    return {};
  }

 private:
  static std::string name_of(std::uint64_t file) {
    std::string digits(16, '0');
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, file, 16).ptr;
    std::copy_backward(text, end, digits.end());
    return digits.append(suffix);
  }

  // Readers and the writer use few files at a time; what was not used last is closed.
  result<int> open(std::uint64_t file, bool make) {
    if (const auto found = open_.find(file); found != open_.end()) return found->second.get();
    const int fd = ::openat(folder_.get(), name_of(file).c_str(), O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
    if (fd < 0) return system_fault("open");
    if (open_.size() >= 4) open_.erase(open_.begin());
    open_.emplace(file, descriptor(fd));
    return fd;
  }

  fs::path directory_;
  descriptor folder_;
  descriptor lock_;  // holds the mark too
  std::map<std::uint64_t, descriptor> open_;
};

}  // namespace

result<std::unique_ptr<spool_files>> open_spool_directory(const fs::path& directory) {
  std::error_code ec;
  if (fs::create_directories(directory, ec)) fs::permissions(directory, fs::perms::owner_all, ec);
  if (ec) return fault{ec, "mkdir"};
  descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return system_fault("open");
  descriptor lock(::openat(folder.get(), "mark", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return system_fault("open");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return system_fault("flock");
  return std::unique_ptr<spool_files>(std::make_unique<directory_files>(directory, std::move(folder), std::move(lock)));
}

}  // namespace msgkit::bridge
