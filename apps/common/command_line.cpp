#include "common/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <map>

#include "common/password.hpp"
#include "msgkit/core/secure.hpp"

namespace msgkit::app {

std::string version_text(std::string_view version, std::string_view revision) {
  return revision.empty() ? std::string(version) : fmt::format("{} ({})", version, revision);
}

namespace {

int print_password_hash(const daemon_spec& spec) {
  std::string password;
  std::getline(std::cin, password);
  if (password.empty()) {
    fmt::print(stderr, "{}: --hash-password: no password on standard input\n", spec.name);
    return exit_configuration;
  }
  fmt::print("{}\n", hash_password(password));
  wipe(password);
  return exit_ok;
}

}  // namespace

std::optional<int> parse_command_line(int argc, const char* const* argv, const daemon_spec& spec, command_line& out) {
  const std::map<std::string, log_level> levels{{"trace", log_level::trace}, {"debug", log_level::debug},
                                                {"info", log_level::info},   {"warn", log_level::warn},
                                                {"error", log_level::error}, {"off", log_level::off}};
  CLI::App cli{std::string(spec.summary), std::string(spec.name)};
  std::string level;
  cli.add_option("-c,--config", out.config_file, "Configuration file (TOML)")->type_name("FILE");
  cli.add_flag("--check", out.check, "Validate and print the effective configuration, then exit");
  if (!spec.explained.empty())
    cli.add_option("--explain", out.explain, "Print what the configuration does with it, then exit")
        ->type_name(std::string(spec.explained));
  bool hash = false;
  cli.add_flag("--hash-password", hash, "Read a password from standard input and print what to store for it");
  cli.add_option("--log-level", level, "trace, debug, info, warn, error or off")->type_name("LEVEL");
  cli.add_flag("--json-logs", out.json_logs, "Log JSON lines");
  cli.set_version_flag("--version", fmt::format("{} {}", spec.name, version_text(spec.version, spec.revision)));
  cli.footer(fmt::format("Any key can be overridden by an environment variable: smpp.port by {}_SMPP_PORT.",
                         spec.env_prefix));
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return cli.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "{}: {} (see --help)\n", spec.name, e.what());
    return exit_configuration;
  }
  if (hash) return print_password_hash(spec);
  if (level.empty()) return std::nullopt;
  const auto found = levels.find(level);
  if (found == levels.end()) {
    fmt::print(stderr, "{}: --log-level: \"{}\" is none of trace, debug, info, warn, error, off\n", spec.name, level);
    return exit_configuration;
  }
  out.level = found->second;
  return std::nullopt;
}

}  // namespace msgkit::app
