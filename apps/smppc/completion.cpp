#include "smppc/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include <fmt/format.h>

namespace msgkit::app {
namespace {

// Options that take the name of a file.
bool takes_file(const std::string& option) { return option.ends_with("file") || option == "--config"; }

bool is_flag(const CLI::Option& o) { return o.get_expected_max() == 0; }

std::vector<std::string> names_of(const CLI::Option& o) {
  std::vector<std::string> names;
  for (const auto& n : o.get_lnames()) names.push_back("--" + n);
  return names;
}

std::string without_quotes(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == '[' || c == ']' || c == '`'; });
  std::ranges::replace(text, ':', ';');
  return text;
}

std::string bash(const CLI::App& app) {
  std::string commands, cases, files, values;
  for (const auto* c : app.get_subcommands({})) {
    commands += (commands.empty() ? "" : " ") + c->get_name();
    std::string options;
    for (const auto* o : c->get_options()) {
      for (const auto& n : names_of(*o)) {
        options += (options.empty() ? "" : " ") + n;
        const auto pattern = '|' + n + '|';
        if (is_flag(*o)) continue;
        auto& list = takes_file(n) ? files : values;
        if (('|' + list + '|').find(pattern) == std::string::npos) list += (list.empty() ? "" : "|") + n;
      }
    }
    cases += fmt::format("    {}) words=\"{}\" ;;\n", c->get_name(), options);
  }
  return fmt::format(R"(# bash completion of {0}, made by: {0} completion bash
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=
  case $previous in
    {1}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    {2}) return ;;
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "{3} --help --version" -- "$current"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{4}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _{0} {0}
)",
                     app.get_name(), files, values, commands, cases);
}

std::string zsh(const CLI::App& app) {
  std::string commands, cases;
  for (const auto* c : app.get_subcommands({})) {
    commands += fmt::format("    '{}:{}'\n", c->get_name(), without_quotes(c->get_description()));
    cases += fmt::format("    {}) _arguments", c->get_name());
    for (const auto* o : c->get_options())
      for (const auto& n : names_of(*o)) {
        const auto value = is_flag(*o) ? "" : takes_file(n) ? ":file:_files" : ":value: ";
        cases += fmt::format(" \\\n      '{}[{}]{}'", n, without_quotes(o->get_description()), value);
      }
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef {0}
# zsh completion of {0}, made by: {0} completion zsh
_{0}() {{
  local -a commands=(
{1}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{2}  esac
}}
_{0} "$@"
)",
                     app.get_name(), commands, cases);
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash(app);
  return shell == "zsh" ? zsh(app) : std::string();
}

}  // namespace msgkit::app
