// One file a medium, in 256 directories by the beginning of its token. A file is written under another name, synced,
// renamed and its directory synced: what has a token's name is whole.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "msggw/media/media_stores.hpp"

namespace msgkit::app {
namespace {

namespace fs = std::filesystem;

// "msgkit-media-1\n", then type, name, expiry in Unix milliseconds and size, each on a line, then the octets.
constexpr std::string_view magic = "msgkit-media-1\n";
constexpr std::size_t head_octets_max = 1'024;
constexpr std::size_t content_octets_max = 256 * 1024 * 1024;
constexpr unsigned shelves = 256;

class file {
 public:
  explicit file(int fd) : fd_(fd) {}
  ~file() {
    if (fd_ >= 0) ::close(fd_);
  }
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  explicit operator bool() const noexcept { return fd_ >= 0; }

  bool write(std::string_view octets) const {
    while (!octets.empty()) {
      const auto n = ::write(fd_, octets.data(), octets.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Up to `max` octets of what is left.
  bool read(std::string& out, std::size_t max) const {
    constexpr std::size_t step = 64 * 1024;
    while (out.size() < max) {
      const auto had = out.size();
      out.resize(std::min(max, had + step));
      const auto n = ::read(fd_, out.data() + had, out.size() - had);
      out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n == 0;
    }
    return true;
  }
  [[nodiscard]] bool sync() const { return ::fsync(fd_) == 0; }

 private:
  int fd_;
};

std::string head_of(const medium& m) {
  return std::string(magic) + m.type + '\n' + m.name + '\n' + std::to_string(m.expires_at.time_since_epoch().count()) +
         '\n' + std::to_string(m.content.size()) + '\n';
}

struct read_head {
  medium what{};
  std::size_t size = 0, length = 0;  // of the content, of the head
};
std::optional<read_head> parse_head(std::string_view octets) {
  if (!octets.starts_with(magic)) return std::nullopt;
  const auto all = octets.size();
  octets.remove_prefix(magic.size());
  const auto line = [&octets]() -> std::optional<std::string_view> {
    const auto end = octets.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto text = octets.substr(0, end);
    octets.remove_prefix(end + 1);
    return text;
  };
  const auto number = [&](auto& value) {
    const auto text = line();
    return text && std::from_chars(text->data(), text->data() + text->size(), value).ec == std::errc{};
  };
  read_head h;
  std::int64_t expires = 0;
  const auto type = line();
  const auto name = type ? line() : std::nullopt;
  if (!name || !number(expires) || !number(h.size)) return std::nullopt;
  h.what = {.type = std::string(*type),
            .name = std::string(*name),
            .expires_at = wall_time{std::chrono::milliseconds{expires}},
            .content = {}};
  h.length = all - octets.size();
  return h;
}

class directory_media_store final : public media_store {
 public:
  explicit directory_media_store(std::string path) : path_(std::move(path)) {}

  bool open() {
    std::error_code ec;
    fs::create_directories(path_, ec);
    if (ec) return failed("cannot be made: " + ec.message());
    return ::chmod(path_.c_str(), S_IRWXU) == 0 || failed(std::strerror(errno));
  }

  bool put(const std::string& token, const medium& m) override {
    const auto shelf = shelf_of(token);
    const auto fresh = shelf + "/." + token;
    if (!make_shelf(shelf)) return failed(std::strerror(errno));
    const auto good = [&] {
      const file f(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
      return f && f.write(head_of(m)) && f.write(m.content) && f.sync();
    };
    if (good() && ::rename(fresh.c_str(), (shelf + '/' + token).c_str()) == 0 && sync_directory(shelf)) return true;
    failed(std::strerror(errno));
    ::unlink(fresh.c_str());
    return false;
  }

  bool get(const std::string& token, wall_time now, std::optional<medium>& out) override {
    out.reset();
    const file f(::open((shelf_of(token) + '/' + token).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!f) return errno == ENOENT || failed(std::strerror(errno));
    std::string octets;
    if (!f.read(octets, head_octets_max + content_octets_max)) return failed(std::strerror(errno));
    auto head = parse_head(octets);
    if (!head || octets.size() - head->length != head->size) return failed("a file is damaged");
    if (head->what.expires_at <= now) return true;
    octets.erase(0, head->length);
    head->what.content = std::move(octets);
    out = std::move(head->what);
    return true;
  }

  bool remove(const std::string& token) override {
    const auto shelf = shelf_of(token);
    if (::unlink((shelf + '/' + token).c_str()) == 0) return sync_directory(shelf) || failed(std::strerror(errno));
    return errno == ENOENT || failed(std::strerror(errno));
  }

  bool remove_expired(wall_time now) override {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string shelf = path_ + '/' + digits[next_ / 16] + digits[next_ % 16];
    next_ = (next_ + 1) % shelves;
    std::error_code ec;
    for (auto at = fs::directory_iterator(shelf, ec); !ec && at != fs::directory_iterator(); at.increment(ec))
      if (is_over(at->path(), now)) ::unlink(at->path().c_str());
    return next_ != 0;
  }

  [[nodiscard]] std::string problem() const override { return path_ + ": " + problem_; }

 private:
  bool failed(std::string why) {
    problem_ = std::move(why);
    return false;
  }
  [[nodiscard]] std::string shelf_of(const std::string& token) const { return path_ + '/' + token.substr(0, 2); }

  [[nodiscard]] bool make_shelf(const std::string& shelf) const {
    if (::mkdir(shelf.c_str(), S_IRWXU) == 0) return sync_directory(path_);
    return errno == EEXIST;
  }
  static bool sync_directory(const std::string& path) {
    const file f(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return f && f.sync();
  }
  // Also what a crash left unfinished, a day later.
  static bool is_over(const fs::path& path, wall_time now) {
    if (path.filename().native().starts_with('.')) {
      struct stat s {};
      const auto day_ago = std::chrono::floor<std::chrono::seconds>(now - std::chrono::hours{24}).time_since_epoch();
      return ::stat(path.c_str(), &s) == 0 && s.st_mtime < day_ago.count();
    }
    const file f(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::string octets;
    if (!f || !f.read(octets, head_octets_max)) return false;
    const auto head = parse_head(octets);
    return head && head->what.expires_at <= now;
  }

  std::string path_, problem_;
  unsigned next_ = 0;  // shelf to be looked through
};

}  // namespace

std::unique_ptr<media_store> open_directory_media_store(const std::string& path, std::string& problem) {
  auto store = std::make_unique<directory_media_store>(path);
  if (store->open()) return store;
  problem = store->problem();
  return nullptr;
}

}  // namespace msgkit::app
