#include "goip_xmpp/instances.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "common/exit_code.hpp"

extern char** environ;

namespace msgkit::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view base_name = "goip_xmpp";

int fail(std::string_view words) {
  fmt::print(stderr, "goip_xmpp: {}\n", words);
  return exit_failed;
}

bool is_name(const std::string& name) {
  static const RE2 rule("[A-Za-z0-9_-]{1,32}");
  return RE2::FullMatch(name, rule);
}

std::string unit_of(const std::string& name) {
  return name.empty() ? "goip_xmpp.service" : "goip_xmpp@" + name + ".service";
}

fs::path file_of(const instance_place& place, const std::string& name) {
  return fs::path(place.directory) / ((name.empty() ? std::string(base_name) : name) + ".toml");
}

std::string read_file(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Secrets may stand in it: for its owner and group alone, and those of the directory.
bool write_config(const fs::path& path, const std::string& text) {
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

// False when there is none, or it says no.
bool systemctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "systemctl");
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, "systemctl", nullptr, nullptr, argv.data(), environ) != 0) return false;
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool has_systemd(const instance_place& place) { return place.use_systemd && fs::exists("/run/systemd/system"); }

std::vector<fs::path> configs(const instance_place& place) {
  std::vector<fs::path> all;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(place.directory, ec))
    if (entry.path().extension() == ".toml") all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

const RE2& listen_line() {
  static const RE2 rule(R"((?m)^(\s*listen\s*=\s*"[^"]*:)(\d{1,5})("))");
  return rule;
}

std::set<int> ports_in_use(const instance_place& place) {
  std::set<int> used;
  for (const auto& file : configs(place)) {
    const auto text = read_file(file);
    re2::StringPiece rest(text);
    std::string before, port, after;
    while (RE2::FindAndConsume(&rest, listen_line(), &before, &port, &after)) used.insert(std::stoi(port));
  }
  return used;
}

// Every `listen` gets the next port that no instance has; files of the instance begin with its name.
std::string adapted(std::string text, const std::string& name, std::set<int> used) {
  std::string out;
  re2::StringPiece rest(text);
  const auto* from = text.data();
  std::string before, port, after;
  while (RE2::FindAndConsume(&rest, listen_line(), &before, &port, &after)) {
    int fresh = std::stoi(port);
    while (fresh != 0 && used.contains(fresh)) ++fresh;
    used.insert(fresh);
    const auto matched = before.size() + port.size() + after.size();
    out.append(from, static_cast<std::size_t>(rest.data() - from) - matched);
    out += before + std::to_string(fresh) + after;
    from = rest.data();
  }
  out.append(from, static_cast<std::size_t>(text.data() + text.size() - from));
  RE2::GlobalReplace(&out, R"((?m)^(\s*path\s*=\s*"(?:[^"]*/)?)([^"/]+"))", "\\1" + name + "_\\2");
  return out;
}

}  // namespace

int write_sample(const std::string& file) {
  if (file.empty()) {
    fmt::print("{}", sample_config());
    return exit_ok;
  }
  if (!write_config(file, std::string(sample_config())))
    return fail("cannot write " + file + ": it exists, or may not be");
  fmt::print("wrote {}\n", file);
  return exit_ok;
}

int install_instance(const instance_place& place, const std::string& name) {
  if (!name.empty() && (!is_name(name) || name == base_name))
    return fail("an instance's name is 1 to 32 letters, digits, _ and -, and not goip_xmpp");
  const auto file = file_of(place, name), base = file_of(place, "");
  if (fs::exists(file)) {
    fmt::print("{} is there already\n", file.string());
  } else {
    auto text = fs::exists(base) ? read_file(base) : std::string(sample_config());
    if (!name.empty()) text = adapted(std::move(text), name, ports_in_use(place));
    if (!write_config(file, text)) return fail("cannot write " + file.string());
    // The service's user is of the group that may read the base configuration.
    if (struct stat like{}; stat(base.c_str(), &like) == 0 && chown(file.c_str(), geteuid(), like.st_gid) != 0)
      return fail("cannot give " + file.string() + " to the group of " + base.string());
    fmt::print("wrote {}\n", file.string());
  }
  if (!has_systemd(place)) {
    fmt::print("to run it: goip_xmpp --config {}\n", file.string());
    return exit_ok;
  }
  if (!systemctl({"daemon-reload"}) || !systemctl({"enable", "--now", unit_of(name)}))
    return fail("systemctl could not start " + unit_of(name));
  fmt::print("{} is enabled and started\n", unit_of(name));
  return exit_ok;
}

int uninstall_instance(const instance_place& place, const std::string& name) {
  if (!name.empty() && !is_name(name)) return fail(name + " is no instance");
  const auto file = file_of(place, name);
  if (!fs::exists(file)) return fail("there is no " + file.string());
  if (has_systemd(place) && !systemctl({"disable", "--now", unit_of(name)}))
    return fail("systemctl could not stop " + unit_of(name));
  std::error_code ec;
  if (!name.empty() && !fs::remove(file, ec)) return fail("cannot delete " + file.string());
  fmt::print("{}; what it stored stays\n", name.empty() ? "disabled" : "deleted " + file.string());
  return exit_ok;
}

int list_instances(const instance_place& place) {
  const auto files = configs(place);
  for (const auto& file : files) {
    const auto stem = file.stem().string();
    const auto unit = unit_of(stem == base_name ? "" : stem);
    const auto state = !has_systemd(place)                         ? "unknown"
                       : systemctl({"is-active", "--quiet", unit}) ? "active"
                                                                   : "inactive";
    fmt::print("{:<16} {:<9} {}\n", stem, state, file.string());
  }
  if (files.empty()) fmt::print("no instances in {}\n", place.directory);
  return exit_ok;
}

}  // namespace msgkit::app
