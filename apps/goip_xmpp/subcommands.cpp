#include "goip_xmpp/subcommands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "connectors/number_pattern.hpp"
#include "goip_xmpp/config.hpp"
#include "goip_xmpp/goippy_import.hpp"
#include "goip_xmpp/instances.hpp"
#include "msgkit/goip/session.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

constexpr std::array<std::string_view, 11> verbs{"sample",     "install", "uninstall", "list", "add",   "remove",
                                                 "list-lines", "enable",  "disable",   "ussd", "import"};
constexpr std::chrono::milliseconds job_poll{100};
constexpr std::chrono::seconds job_taken_within{10};

int fail(std::string_view words) {
  fmt::print(stderr, "goip_xmpp: {}\n", words);
  return exit_failed;
}

struct options {
  std::string config{}, extension{}, password{}, id{}, jid{}, number{}, allow{}, code{}, instance{}, file{}, database{},
      output{}, state_directory = "/var/lib/goip_xmpp";
  std::uint32_t timeout_seconds = 150;
  instance_place place{};
};

// The configuration, and the records it names.
struct workplace {
  goip_xmpp_config config;
  std::unique_ptr<records> stored;
};

bool open_workplace(const options& o, const daemon_spec& spec, workplace& out) {
  auto file = o.config;
  for (const auto& each : spec.default_configs)
    if (file.empty() && std::filesystem::exists(each)) file = each;
  if (file.empty()) return fail("no configuration: give --config FILE"), false;
  auto reader = config_reader::from_file(
      file, {.env_prefix = std::string(spec.env_prefix), .aliases = {}, .environment = process_environment()});
  out.config = read_goip_xmpp_config(reader);
  if (!reader.ok()) return fmt::print(stderr, "{}", reader.errors_text()), false;
  std::string problem;
  out.stored = records::open(out.config.records_path, problem);
  return out.stored != nullptr || (fail(problem), false);
}

// The id of a line that is called so: by its extension, or by its id.
std::string id_of(workplace& w, const std::string& name) {
  for (const auto& l : w.stored->lines())
    if (l.extension == name || l.id == name) return l.id;
  for (const auto& l : w.config.goip.lines)
    if (l.line.id == name) return name;
  return {};
}

int add(const options& o, workplace& w) {
  const stored_line line{.extension = o.extension,
                         .id = o.id.empty() ? "goippy_" + o.extension : o.id,
                         .password = o.password,
                         .number = o.number,
                         .jid = o.jid.empty() ? o.extension + "@" + w.config.user_domain : o.jid,
                         .allow = o.allow};
  goip::session rules({}, 1);
  if (const auto possible = rules.add_line({.id = line.id, .password = line.password}); !possible)
    return fail(fmt::format("{}: {}", possible.error().field, possible.error().code.message()));
  const auto jid = xmppcomp::jid::parse(line.jid);
  if (!jid || jid->local().empty() || !jid->is_bare())
    return fail(line.jid + " is no bare address like alice@example.org");
  std::string why;
  if (line.allow.size() > number_pattern_octets_max) return fail("the pattern is longer than 255 octets");
  if (!line.allow.empty() && !number_pattern(line.allow, why)) return fail(why);
  for (const auto& l : w.config.goip.lines)
    if (l.line.id == line.id) return fail("the configuration has a line " + line.id);
  if (!w.stored->put_line(line) || !w.stored->set_enabled(line.id, true)) return fail("cannot write the records");
  fmt::print("line {} of {}, id {}\n", line.extension, jid->to_string(), line.id);
  return exit_ok;
}

int remove(const options& o, workplace& w) {
  if (!w.stored->remove_line(o.extension)) return fail("there is no line " + o.extension + " that was added");
  fmt::print("line {} is gone\n", o.extension);
  return exit_ok;
}

int set_enabled(const options& o, workplace& w, bool enabled) {
  const auto id = id_of(w, o.extension);
  if (id.empty()) return fail("there is no line " + o.extension);
  if (!w.stored->set_enabled(id, enabled)) return fail("cannot write the records");
  fmt::print("line {} is {}\n", id, enabled ? "enabled" : "disabled");
  return exit_ok;
}

int list_lines(workplace& w) {
  const auto off = w.stored->switched_off();
  std::map<std::string, state_record> states;
  for (auto& s : w.stored->states()) states[s.line] = s;
  fmt::print("{:<12} {:<20} {:<16} {:<8} {:<16} {}\n", "extension", "id", "number", "enabled", "state", "allow");
  const auto print = [&](const std::string& extension, const std::string& id, const std::string& number, bool enabled,
                         const std::string& allow) {
    const auto& s = states[id];
    const auto shown = number.empty() ? s.number : number;
    fmt::print("{:<12} {:<20} {:<16} {:<8} {:<16} {}\n", extension, id, shown.empty() ? "-" : shown,
               enabled ? "yes" : "no", s.state.empty() ? "unknown" : s.state, allow.empty() ? ".*" : allow);
  };
  for (const auto& l : w.config.goip.lines)
    print("-", l.line.id, l.msisdn, l.line.enabled && !off.contains(l.line.id), "as configured");
  for (const auto& l : w.stored->lines()) print(l.extension, l.id, l.number, !off.contains(l.id), l.allow);
  return exit_ok;
}

// The running bridge finds the code in the records, and leaves the answer there.
int ussd(const options& o, workplace& w) {
  using clock = std::chrono::steady_clock;
  const auto id = id_of(w, o.extension);
  if (id.empty()) return fail("there is no line " + o.extension);
  const auto job = w.stored->add_job(id, o.code);
  if (job == 0) return fail("cannot write the records");
  const auto begun = clock::now();
  std::string answer;
  auto state = job_state::waiting;
  while (state == job_state::waiting || state == job_state::taken) {
    std::this_thread::sleep_for(job_poll);
    state = w.stored->job(job, answer);
    const auto waited = clock::now() - begun;
    const std::chrono::seconds patience(o.timeout_seconds);
    if (state == job_state::waiting && waited > std::min(job_taken_within, patience))
      answer = "no bridge runs with this configuration";
    else if (state <= job_state::taken && waited > patience) answer = "no answer in time";
    else continue;
    state = job_state::failed;
  }
  w.stored->drop_job(job);
  if (state == job_state::failed) return fail(answer);
  fmt::print("{}\n", answer);
  return exit_ok;
}

int import(const options& o) {
  std::ifstream in(o.file);
  if (!in) return fail("cannot read " + o.file);
  std::ostringstream text;
  text << in.rdbuf();
  const auto settings = parse_goippy_config(text.str());
  const auto toml = translated_config(settings, o.state_directory);
  auto reader = config_reader::from_text(toml, o.file);
  const auto config = read_goip_xmpp_config(reader);
  if (!reader.ok()) return fmt::print(stderr, "{}", reader.errors_text()), exit_configuration;
  if (std::filesystem::exists(o.output)) return fail(o.output + " exists");
  std::string problem;
  const auto stored = records::open(config.records_path, problem);
  if (!stored) return fail(problem);
  auto messages = open_store(config.store, problem);
  if (!messages) return fail(problem);
  import_counts counts;
  if (!import_goippy_database(settings, o.database, *stored, *messages, counts, problem)) return fail(problem);
  messages.reset();
  hand_over(std::get<engine::sqlite_store_options>(config.store).path);
  for (const auto& p : make_plan(config, stored->lines(), {}).problems) fmt::print("left out: {}\n", p);
  std::ofstream(o.output) << toml;
  std::error_code ec;
  std::filesystem::permissions(
      o.output,
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write | std::filesystem::perms::group_read,
      ec);
  fmt::print("wrote {}; {} lines ({} disabled), {} calls, {} messages\n", o.output, counts.lines, counts.disabled,
             counts.calls, counts.messages);
  return exit_ok;
}

using action = std::function<int()>;

void add_instance_verbs(CLI::App& cli, options& o, action& chosen) {
  auto* sample = cli.add_subcommand("sample", "Write a configuration with every key");
  sample->add_option("file", o.file, "Where to; standard output without it");
  sample->callback([&] { chosen = [&o] { return write_sample(o.file); }; });
  const auto with_place = [&o](CLI::App* c) {
    c->add_option("--directory", o.place.directory, "Of the configurations");
    c->add_flag("!--no-systemd", o.place.use_systemd, "Leave services alone");
    return c;
  };
  auto* install = with_place(cli.add_subcommand("install", "Make an instance, and enable and start its service"));
  install->add_option("instance", o.instance, "Its name; the base instance without one");
  install->callback([&] { chosen = [&o] { return install_instance(o.place, o.instance); }; });
  auto* uninstall =
      with_place(cli.add_subcommand("uninstall", "Stop and disable an instance and delete its configuration"));
  uninstall->add_option("instance", o.instance, "Its name; the base instance without one");
  uninstall->callback([&] { chosen = [&o] { return uninstall_instance(o.place, o.instance); }; });
  auto* list = with_place(cli.add_subcommand("list", "The instances of this machine"));
  list->callback([&] { chosen = [&o] { return list_instances(o.place); }; });
}

void add_line_verbs(CLI::App& cli, options& o, const daemon_spec& spec, action& chosen) {
  const auto verb = [&](const char* name, const char* help, std::function<int(workplace&)> what) {
    auto* c = cli.add_subcommand(name, help);
    c->add_option("-c,--config", o.config, "Configuration file (TOML)")->type_name("FILE");
    c->callback([&o, &spec, &chosen, what] {
      chosen = [&o, &spec, what] {
        workplace w;
        return open_workplace(o, spec, w) ? what(w) : int{exit_configuration};
      };
    });
    return c;
  };
  auto* added =
      verb("add", "Add or change a line; a running bridge takes it over", [&o](workplace& w) { return add(o, w); });
  added->add_option("extension", o.extension, "Its name, and its user's at xmpp.user_domain")->required();
  added->add_option("password", o.password, "As the device has it; - reads it from standard input")->required();
  added->add_option("--id", o.id, "The device's SMS client id; goippy_<extension> without it");
  added->add_option("--jid", o.jid, "Its user, when that is not <extension>@<xmpp.user_domain>");
  added->add_option("--number", o.number, "Of its SIM; what the device says without it");
  added->add_option("--allow", o.allow, "Regular expression of permitted destinations");
  const auto with_name = [&o](CLI::App* c) { c->add_option("line", o.extension, "Extension or id")->required(); };
  with_name(verb("remove", "Remove a line that was added", [&o](workplace& w) { return remove(o, w); }));
  with_name(verb("enable", "Enable a line", [&o](workplace& w) { return set_enabled(o, w, true); }));
  with_name(verb("disable", "Disable a line: its device is not answered",
                 [&o](workplace& w) { return set_enabled(o, w, false); }));
  verb("list-lines", "All lines, and what they last said", list_lines);
  auto* code = verb("ussd", "Send a USSD code through a running bridge and print the answer",
                    [&o](workplace& w) { return ussd(o, w); });
  with_name(code);
  code->add_option("code", o.code, "Such as *100#")->required();
  code->add_option("--timeout", o.timeout_seconds, "Seconds to wait for the answer")->check(CLI::Range(1, 600));
}

void add_import(CLI::App& cli, options& o, action& chosen) {
  auto* c = cli.add_subcommand("import", "Take over the configuration and the database of goippy");
  c->add_option("goippy-config", o.file, "Its configuration file")->required();
  c->add_option("--database", o.database, "SQLite file, when it is not where the configuration says");
  c->add_option("--output", o.output, "The configuration to write")->required();
  c->add_option("--state-directory", o.state_directory, "Where the bridge keeps its files");
  c->callback([&] { chosen = [&o] { return import(o); }; });
}

}  // namespace

std::optional<int> run_subcommand(int argc, const char* const* argv, const daemon_spec& spec) {
  if (argc < 2 || std::ranges::find(verbs, std::string_view(argv[1])) == verbs.end()) return std::nullopt;
  CLI::App cli{std::string(spec.summary), std::string(spec.name)};
  cli.require_subcommand(1);
  options o;
  action chosen;
  add_instance_verbs(cli, o, chosen);
  add_line_verbs(cli, o, spec, chosen);
  add_import(cli, o, chosen);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return cli.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "{}: {} (see {} --help)\n", spec.name, e.what(), argv[1]);
    return exit_configuration;
  }
  if (o.password == "-") std::getline(std::cin, o.password);
  return chosen();
}

}  // namespace msgkit::app
