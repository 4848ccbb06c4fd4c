#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/exit_code.hpp"
#include "mmsgw/config.hpp"
#include "mmsgw/import.hpp"

namespace msgkit::app::mms {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;

void say(const std::vector<std::string>& lines) {
  for (const auto& l : lines) fmt::print(stderr, "{}\n", l);
}

int fail(const std::string& why, int code) {
  fmt::print(stderr, "mmsgw import: {}\n", why);
  return code;
}

// Passwords are in it.
bool write_private(const std::string& path, const std::string& text, std::string& why) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (fs::exists(path, ec)) return why = path + " is there already", false;
  std::ofstream out(path, std::ios::binary);
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, ec);
  out << text;
  out.close();
  if (out && !ec) return true;
  return why = path + ": cannot be written", false;
}

}  // namespace

std::optional<std::string> translate_ini(const std::string& text, std::string& why) {
  const ini_file file{"", text};
  auto got = import_ini({&file, 1});
  say(got.notes);
  for (const auto& e : got.errors) why += (why.empty() ? "" : "\n") + e;
  if (!got.errors.empty()) return std::nullopt;
  return std::move(got.toml);
}

int run_import(int argc, const char* const* argv) {
  CLI::App cli{"Makes a configuration of mmsgw from the INI files of the product whose API it has.", "mmsgw import"};
  std::vector<std::string> names;
  std::string output;
  cli.add_option("FILES", names, "mmsgw.conf, the file of each gateway, mm4rx.conf")->required();
  cli.add_option("-o,--output", output, "Where to; standard output without it")->type_name("FILE");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return cli.exit(e);
  } catch (const CLI::ParseError& e) {
    return fail(std::string(e.what()) + " (see --help)", exit_configuration);
  }
  std::vector<ini_file> files;
  for (const auto& name : names) {
    std::ifstream in(name, std::ios::binary);
    std::error_code ec;
    if (!in || std::filesystem::is_directory(name, ec)) return fail(name + ": cannot be read", exit_failed);
    if (std::filesystem::file_size(name, ec) > file_bytes_max) return fail(name + ": is too large", exit_failed);
    files.push_back({name, {std::istreambuf_iterator<char>(in), {}}});
  }
  const auto got = import_ini(files);
  say(got.notes);
  say(got.errors);
  if (!got.errors.empty()) return exit_configuration;
  auto reader = config_reader::from_text(got.toml, output.empty() ? "mmsgw.toml" : output);
  (void)read_mmsgw_config(reader);
  reader.finish();
  if (!reader.ok()) {
    fmt::print(stderr, "{}\n", reader.errors_text());
    return exit_configuration;
  }
  if (output.empty()) fmt::print("{}", got.toml);
  else if (std::string why; !write_private(output, got.toml, why)) return fail(why, exit_failed);
  return exit_ok;
}

}  // namespace msgkit::app::mms
