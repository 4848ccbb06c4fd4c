#include "msggw/directory_config.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/digest.hpp"
#include "msggw/directory/postgres_document_store.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

// Made with a link: whoever comes first wins, and nobody ever reads half a key.
bool make_key_file(const std::string& path, std::string& problem) {
  constexpr std::size_t key_octets = 32;
  const auto key = to_hex(as_bytes(random_octets(key_octets))) + "\n";
  const auto fresh = path + "." + std::to_string(getpid());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto failed = [&] {
    problem = path + ": " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    ::unlink(fresh.c_str());
    return false;
  };
  if (fd < 0) return failed();
  if (::write(fd, key.data(), key.size()) != static_cast<ssize_t>(key.size()) || ::fsync(fd) != 0) return failed();
  if (::link(fresh.c_str(), path.c_str()) != 0 && errno != EEXIST) return failed();
  ::close(fd);
  ::unlink(fresh.c_str());
  return true;
}

bool read_key_file(const std::string& path, std::string& key, std::string& problem) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec) && !make_key_file(path, problem)) return false;
  std::ifstream file(path);
  key.assign(std::istreambuf_iterator<char>(file), {});
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  if (file.bad() || key.empty()) problem = path + ": holds no key";
  return problem.empty();
}

}  // namespace

directory_config read_directory_config(config_reader r, const store_config& store) {
  directory_config c;
  std::string usual = "var/directory.db";
  if (const auto* sqlite = std::get_if<engine::sqlite_store_options>(&store))
    usual = (std::filesystem::path(sqlite->path).parent_path() / "directory.db").string();
  if (const auto* postgres = std::get_if<engine::postgres_store_options>(&store)) c.server = *postgres;
  else c.path = r.text("path", usual);
  c.encryption_key = r.secret("encryption_key");
  if (c.encryption_key.empty()) {
    if (c.server)
      r.fail("encryption_key", "is needed with PostgreSQL, the same on every gateway that shares the database");
    return c;
  }
  if (const auto problem = secret_box::check_key(c.encryption_key); !problem.empty()) r.fail("encryption_key", problem);
  return c;
}

std::unique_ptr<directory> open_directory(const directory_config& config, directory::options options,
                                          std::string& problem) {
  const auto parent = std::filesystem::path(config.path).parent_path();
  std::error_code ec;
  if (!parent.empty()) std::filesystem::create_directories(parent, ec);
  auto key = config.encryption_key;
  if (key.empty() && !read_key_file(config.path + ".key", key, problem)) return nullptr;
  if (const auto wrong = secret_box::check_key(key); !wrong.empty()) {
    problem = config.path + ".key: " + wrong;
    return nullptr;
  }
  auto store = config.server ? open_postgres_document_store(*config.server, problem)
                             : open_sqlite_document_store(config.path, problem);
  if (!store) return nullptr;
  auto opened = std::make_unique<directory>(std::move(store), secret_box({key}), std::move(options));
  if (!opened->load(problem)) return nullptr;
  return opened;
}

}  // namespace msgkit::app
