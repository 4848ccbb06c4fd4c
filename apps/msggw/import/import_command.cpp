#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>

#include "common/digest.hpp"
#include "common/exit_code.hpp"
#include "connectors/http_dialect.hpp"
#include "msggw/directory_config.hpp"
#include "msggw/import/gomsggw_import.hpp"

namespace msgkit::app {
namespace {

directory::options directory_options() {
  auto types = http_dialect_names();
  types.emplace_back("smpp");
  return {.carrier_types = std::move(types),
          .now = [] { return std::chrono::floor<wall_time::duration>(std::chrono::system_clock::now()); },
          .random = random_octets};
}

// In memory and gone afterwards.
std::unique_ptr<directory> dry_directory(std::string& problem) {
  auto d =
      std::make_unique<directory>(make_memory_document_store(), secret_box({random_octets(32)}), directory_options());
  return d->load(problem) ? std::move(d) : nullptr;
}

std::unique_ptr<directory> configured_directory(const std::string& file, const std::vector<config_alias>& aliases,
                                                std::string& problem) {
  config_sources sources{.env_prefix = "MSGGW", .aliases = aliases, .environment = process_environment()};
  auto reader = file.empty() ? config_reader::from_text("", "no configuration file", std::move(sources))
                             : config_reader::from_file(file, std::move(sources));
  const auto store = read_store_config(reader.table("store"), "var/msggw.db");
  const auto config = read_directory_config(reader.table("directory"), store);
  if (reader.ok()) return open_directory(config, directory_options(), problem);
  problem = reader.errors_text();
  return nullptr;
}

int fail(const std::string& why) {
  fmt::print(stderr, "msggw import: {}\n", why);
  return exit_failed;
}

}  // namespace

int run_import(int argc, const char* const* argv, const std::vector<config_alias>& aliases) {
  CLI::App cli{
      "Takes over clients, numbers, failovers, API keys and carriers of a Gomsggw database. Stop the gateway before.",
      "msggw import"};
  std::string where, config;
  bool blank_key = false, dry_run = false;
  cli.add_option("--gomsggw", where, "Its PostgreSQL as a connection string, or a SQLite file or dump")->required();
  cli.add_option("-c,--config", config, "Configuration of msggw: where the directory is")->type_name("FILE");
  cli.add_flag("--blank-key", blank_key, "Its secrets were sealed by an early version, which had no key");
  cli.add_flag("--dry-run", dry_run, "Say what would be imported into an empty directory; change nothing");
  cli.footer("GOMSGGW_ENCRYPTION_KEY holds the ENCRYPTION_KEY that Gomsggw ran with.");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return cli.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "msggw import: {} (see --help)\n", e.what());
    return exit_configuration;
  }
  const char* const key = std::getenv("GOMSGGW_ENCRYPTION_KEY");
  if (key == nullptr && !blank_key) return fail("GOMSGGW_ENCRYPTION_KEY is not set (or give --blank-key)");
  std::string problem;
  const auto source = open_gomsggw(where, problem);
  if (!source) return fail(problem);
  const auto into = dry_run ? dry_directory(problem) : configured_directory(config, aliases, problem);
  if (!into) return fail(problem);
  const auto report = import_gomsggw(*source, blank_key ? "" : key, *into);
  for (const auto& n : report.notes) fmt::print(stderr, "{}\n", n);
  fmt::print("{}{} carriers, {} clients, {} numbers, {} failovers, {} API keys\n",
             dry_run ? "would import " : "imported ", report.carriers, report.clients, report.numbers, report.failovers,
             report.api_keys);
  return report.failed ? exit_failed : exit_ok;
}

}  // namespace msgkit::app
