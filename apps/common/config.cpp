#include "common/config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <toml++/toml.h>
#include <variant>

#include "common/config_value.hpp"
#include "msgkit/core/secure.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

constexpr std::size_t config_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr std::string_view masked = "\"********\"";

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += {'\\', c};
    else if (c == '\n') out += "\\n";
    else if (octet < 0x20 || octet == 0x7f) out += fmt::format("\\u{:04x}", octet);
    else out += c;
  }
  return out + '"';
}

std::string_view type_name(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  if (node.is_string()) return "a string";
  if (node.is_integer()) return "an integer";
  if (node.is_floating_point()) return "a number";
  if (node.is_boolean()) return "a boolean";
  return "a date or time";
}

std::optional<std::string> read_limited(const std::filesystem::path& path, std::size_t bytes_max, std::string& why) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ec;
  if (!file || std::filesystem::is_directory(path, ec)) {
    why = "cannot be read";
    return std::nullopt;
  }
  std::string out(bytes_max + 1, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) why = "cannot be read";
  else if (out.size() > bytes_max) why = fmt::format("is larger than {}", format_size(bytes_max));
  else return out;
  return std::nullopt;
}

// The NAME of a text that is exactly "${NAME}".
std::optional<std::string_view> variable_of(std::string_view text) {
  if (!text.starts_with("${") || !text.ends_with('}')) return std::nullopt;
  return text.substr(2, text.size() - 3);
}

}  // namespace

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equal = text.find('=');
    if (equal != std::string_view::npos) out.emplace(text.substr(0, equal), text.substr(equal + 1));
  }
  return out;
}

std::string config_endpoint::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

struct config_reader::state {
  struct record {
    std::string path;
    std::string shown;
    std::string where;
  };

  toml::table root;
  std::string name;
  std::filesystem::path directory;
  config_sources sources;
  std::set<std::string, std::less<>> known;        // every path a getter asked for
  std::set<std::string, std::less<>> known_roots;  // top-level alias keys
  std::set<std::string, std::less<>> used_variables;
  std::vector<record> records;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  // An empty variable counts as unset: compose files pass on what nobody set.
  [[nodiscard]] const std::string* variable(const std::string& variable_name) {
    const auto it = sources.environment.find(variable_name);
    if (it == sources.environment.end()) return nullptr;
    used_variables.insert(variable_name);
    return it->second.empty() ? nullptr : &it->second;
  }
  [[nodiscard]] std::string position(const toml::node& node) const {
    const auto& begin = node.source().begin;
    return fmt::format("{}:{}:{}", name, begin.line, begin.column);
  }
  void find_unknown(const toml::table& table, const std::string& prefix);
  void find_unknown(const toml::node& node, const std::string& path, std::string_view key, const std::string& prefix);
  [[nodiscard]] bool is_known_table(const std::string& path) const {
    const auto begins = [&](char separator) {
      const auto it = known.lower_bound(path + separator);
      return it != known.end() && it->starts_with(path + separator);
    };
    return begins('.') || begins('[');
  }
};

// One key's value, wherever it comes from. `value` is monostate for a table or list, which `node` then holds.
struct config_reader::found {
  std::variant<std::monostate, std::string, std::int64_t, double, bool> value{};
  const toml::node* node = nullptr;
  std::string where = "default";
  bool present = false;

  [[nodiscard]] std::string shown() const {
    if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
    if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    return node == nullptr ? "nothing" : std::string(type_name(*node));
  }
  [[nodiscard]] const std::string* as_text() const { return std::get_if<std::string>(&value); }

  void take(const toml::node& n) {
    node = &n;
    if (const auto* s = n.as_string()) value = s->get();
    else if (const auto* i = n.as_integer()) value = i->get();
    else if (const auto* d = n.as_floating_point()) value = d->get();
    else if (const auto* b = n.as_boolean()) value = b->get();
  }
};

config_reader::config_reader(std::shared_ptr<state> s, std::string prefix, const void* table)
    : state_(std::move(s)), prefix_(std::move(prefix)), table_(table) {}

config_reader config_reader::from_file(const std::string& path, config_sources sources) {
  std::string why;
  if (auto text = read_limited(path, config_bytes_max, why)) return from_text(*text, path, std::move(sources));
  auto reader = from_text("", path, std::move(sources));
  reader.state_->errors.push_back(fmt::format("{}: {}", path, why));
  return reader;
}

config_reader config_reader::from_translated_file(const std::string& path, const translator& translate,
                                                  config_sources sources) {
  std::string why;
  const auto text = read_limited(path, config_bytes_max, why);
  const auto toml = text ? translate(*text, why) : std::nullopt;
  auto reader = from_text(toml.value_or(""), path, std::move(sources));
  if (!toml) reader.state_->errors.push_back(fmt::format("{}: {}", path, why));
  return reader;
}

config_reader config_reader::from_text(std::string_view toml, std::string name, config_sources sources) {
  auto made = std::make_shared<state>();
  made->name = std::move(name);
  made->directory = std::filesystem::path(made->name).parent_path();
  made->sources = std::move(sources);
  try {
    made->root = toml::parse(toml, std::string_view(made->name));
  } catch (const toml::parse_error& e) {
    const auto& begin = e.source().begin;
    made->errors.push_back(
        fmt::format("{}:{}:{}: {}", made->name, begin.line, begin.column, std::string_view(e.description())));
  }
  const void* root = &made->root;
  return {std::move(made), {}, root};
}

std::string config_reader::path(std::string_view key) const {
  return prefix_.empty() ? std::string(key) : fmt::format("{}.{}", prefix_, key);
}

std::string config_reader::env_name(std::string_view key) const {
  if (state_->sources.env_prefix.empty()) return {};
  std::string out = state_->sources.env_prefix + '_';
  for (const char c : path(key)) {
    if (c == ']') continue;
    if (c >= 'a' && c <= 'z') out += static_cast<char>(c - 'a' + 'A');
    else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) out += c;
    else out += '_';
  }
  return out;
}

config_reader::found config_reader::find(std::string_view key) const {
  found out;
  const auto from_variable = [&](const std::string& variable) {
    const auto* text = state_->variable(variable);
    if (text == nullptr) return false;
    out.value = *text;
    out.where = "environment " + variable;
    return out.present = true;
  };
  const auto from_node = [&](const toml::node* node) {
    if (node == nullptr) return false;
    out.take(*node);
    out.where = state_->position(*node);
    return out.present = true;
  };
  const auto full = path(key);
  if (const auto variable = env_name(key); !variable.empty() && from_variable(variable)) return out;
  const auto is_ours = [&](const config_alias& a) { return a.key == full; };
  for (const auto& alias : state_->sources.aliases)
    if (is_ours(alias) && from_variable(std::string(alias.name))) return out;

  const auto* node = static_cast<const toml::node*>(static_cast<const toml::table*>(table_));
  for (std::string_view rest = key; node != nullptr;) {
    const auto dot = rest.find('.');
    const auto* table = node->as_table();
    node = table == nullptr ? nullptr : table->get(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (from_node(node)) return out;
  for (const auto& alias : state_->sources.aliases)
    if (is_ours(alias) && from_node(state_->root.get(alias.name))) return out;
  return out;
}

void config_reader::reject(std::string_view key, const found& f, std::string_view message) const {
  state_->errors.push_back(f.present ? fmt::format("{}: {} ({})", path(key), message, f.where)
                                     : fmt::format("{}: {} ({})", path(key), message, state_->name));
}

void config_reader::note(std::string_view key, const found& f, std::string shown) const {
  auto full = path(key);
  for (const auto& alias : state_->sources.aliases)
    if (alias.key == full) state_->known_roots.emplace(alias.name);
  if (state_->known.insert(full).second) state_->records.push_back({std::move(full), std::move(shown), f.where});
}

// Replaces a "${NAME}" text by the variable. False, and an error, when it is not set.
bool config_reader::expand(std::string_view key, found& f) const {
  const auto* text = f.as_text();
  if (text == nullptr || f.node == nullptr) return true;
  const auto variable = variable_of(*text);
  if (!variable) return true;
  const std::string name(*variable);
  const auto* value = state_->variable(name);
  if (value == nullptr) {
    reject(key, f, fmt::format("environment variable {} is not set", name));
    return false;
  }
  f.value = *value;
  f.where += ", environment " + name;
  return true;
}

std::string config_reader::text_in(std::string_view key, std::string_view fallback, std::size_t bytes_max,
                                   bool required) {
  auto f = find(key);
  std::string value(fallback);
  if (f.present && expand(key, f)) {
    const auto* text = f.as_text();
    if (text == nullptr) reject(key, f, f.shown() + " is not a string");
    else if (text->size() > bytes_max) reject(key, f, fmt::format("is longer than {} octets", bytes_max));
    else if (!is_valid_utf8(*text)) reject(key, f, "is not UTF-8");
    else if (text->find('\0') != std::string::npos) reject(key, f, "contains a NUL");
    else if (required && text->empty()) reject(key, f, "must not be empty");
    else value = *text;
  } else if (!f.present && required) {
    reject(key, f, "is required");
  }
  note(key, f, in_quotes(value));
  return value;
}

std::string config_reader::text(std::string_view key, std::string_view fallback, std::size_t bytes_max) {
  return text_in(key, fallback, bytes_max, false);
}

std::string config_reader::required_text(std::string_view key, std::size_t bytes_max) {
  return text_in(key, {}, bytes_max, true);
}

std::vector<std::string> config_reader::texts(std::string_view key, std::vector<std::string> fallback) {
  auto f = find(key);
  if (f.present) {
    std::vector<std::string> given;
    const auto* list = f.node == nullptr ? nullptr : f.node->as_array();
    if (const auto* text = f.as_text(); text != nullptr && expand(key, f)) {
      std::stringstream parts(*f.as_text());
      for (std::string part; std::getline(parts, part, ',');) given.push_back(part);
    } else if (list != nullptr) {
      for (const auto& node : *list) {
        if (const auto* item = node.as_string()) given.push_back(item->get());
        else state_->errors.push_back(fmt::format("{}: holds {}, not a string ({})", path(key), type_name(node),
                                                  state_->position(node)));
      }
    } else if (text == nullptr) {
      reject(key, f, f.shown() + " is not a list of strings");
    }
    fallback = std::move(given);
  }
  std::string shown;
  for (const auto& item : fallback) shown += (shown.empty() ? "" : ", ") + in_quotes(item);
  note(key, f, '[' + shown + ']');
  return fallback;
}

std::string config_reader::read_secret_file(std::string_view key, const found& f) const {
  const auto* name = f.as_text();
  if (name == nullptr) {
    reject(key, f, f.shown() + " is not a file name");
    return {};
  }
  std::string why;
  auto text = read_limited(state_->directory / *name, secret_bytes_max, why);
  if (!text) {
    reject(key, f, fmt::format("{} {}", in_quotes(*name), why));
    return {};
  }
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return *std::move(text);
}

std::string config_reader::secret_in(std::string_view key, std::string_view fallback, bool required) {
  const auto file_key = std::string(key) + "_file";
  auto direct = find(key);
  auto file = find(file_key);
  std::string value(fallback);
  if (direct.present && file.present) {
    reject(key, direct, fmt::format("given together with {}; keep one", path(file_key)));
  } else if (file.present && expand(file_key, file)) {
    value = read_secret_file(file_key, file);
  } else if (direct.present && expand(key, direct)) {
    if (const auto* text = direct.as_text()) value = *text;
    else reject(key, direct, "is not a string");
  }
  const bool given = direct.present || file.present;
  if (required && !given) reject(key, direct, fmt::format("is required (or {})", path(file_key)));
  if (required && direct.present && direct.as_text() != nullptr && value.empty()) reject(key, direct, "must not be empty");
  note(key, file.present ? file : direct, value.empty() ? "\"\"" : std::string(masked));
  state_->known.insert(path(file_key));
  return value;
}

std::string config_reader::secret(std::string_view key, std::string_view fallback) {
  return secret_in(key, fallback, false);
}

std::string config_reader::required_secret(std::string_view key) { return secret_in(key, {}, true); }

std::int64_t config_reader::integer_in(std::string_view key, std::int64_t fallback, std::int64_t min,
                                       std::int64_t max) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    auto value = f.as_text() != nullptr ? parse_integer(*f.as_text()) : std::nullopt;
    if (const auto* integer = std::get_if<std::int64_t>(&f.value)) value = *integer;
    if (!value) reject(key, f, fmt::format("{} is not an integer in {}..{}", f.shown(), min, max));
    else if (*value < min || *value > max) reject(key, f, fmt::format("{} is outside {}..{}", *value, min, max));
    else fallback = *value;
  }
  note(key, f, std::to_string(fallback));
  return fallback;
}

double config_reader::number(std::string_view key, double fallback, double min, double max) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    std::optional<double> value;
    if (const auto* integer = std::get_if<std::int64_t>(&f.value)) value = static_cast<double>(*integer);
    if (const auto* number = std::get_if<double>(&f.value)) value = *number;
    if (const auto* text = f.as_text()) {
      std::istringstream in(*text);
      in.imbue(std::locale::classic());
      double parsed = 0;
      if (in >> parsed && in.eof()) value = parsed;
    }
    if (!value) reject(key, f, fmt::format("{} is not a number in {}..{}", f.shown(), min, max));
    else if (!(*value >= min && *value <= max)) reject(key, f, fmt::format("{} is outside {}..{}", *value, min, max));
    else fallback = *value;
  }
  note(key, f, fmt::format("{}", fallback));
  return fallback;
}

bool config_reader::flag(std::string_view key, bool fallback) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    auto value = f.as_text() != nullptr ? parse_flag(*f.as_text()) : std::nullopt;
    if (const auto* flag = std::get_if<bool>(&f.value)) value = *flag;
    if (value) fallback = *value;
    else reject(key, f, f.shown() + " is not true or false");
  }
  note(key, f, fallback ? "true" : "false");
  return fallback;
}

std::chrono::milliseconds config_reader::time(std::string_view key, milliseconds fallback, milliseconds min,
                                              milliseconds max) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    auto value = parse_duration(f.as_text() != nullptr ? std::string_view(*f.as_text()) : "");
    if (const auto* seconds = std::get_if<std::int64_t>(&f.value)) value = parse_duration(std::to_string(*seconds));
    if (!value) {
      reject(key, f, fmt::format("{} is not a duration such as 500ms, 30s, 5m or 2h in {}..{}", f.shown(),
                                 format_duration(min), format_duration(max)));
    } else if (*value < min || *value > max) {
      reject(key, f, fmt::format("{} is outside {}..{}", f.shown(), format_duration(min), format_duration(max)));
    } else {
      fallback = *value;
    }
  }
  note(key, f, in_quotes(format_duration(fallback)));
  return fallback;
}

std::size_t config_reader::bytes(std::string_view key, std::size_t fallback, std::size_t min, std::size_t max) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    auto value = parse_size(f.as_text() != nullptr ? std::string_view(*f.as_text()) : "");
    if (const auto* octets = std::get_if<std::int64_t>(&f.value)) value = *octets;
    if (!value) {
      reject(key, f, fmt::format("{} is not a size such as 4096, 64KiB or 1MiB", f.shown()));
    } else if (std::cmp_less(*value, min) || std::cmp_greater(*value, max)) {
      reject(key, f, fmt::format("{} is outside {}..{}", f.shown(), format_size(min), format_size(max)));
    } else {
      fallback = static_cast<std::size_t>(*value);
    }
  }
  note(key, f, in_quotes(format_size(fallback)));
  return fallback;
}

config_endpoint config_reader::endpoint(std::string_view key, const config_endpoint& fallback) {
  auto f = find(key);
  auto value = fallback;
  if (f.present && expand(key, f)) {
    const auto* port = std::get_if<std::int64_t>(&f.value);
    const auto given = port != nullptr ? std::to_string(*port) : f.as_text() != nullptr ? *f.as_text() : std::string();
    if (const auto parsed = parse_endpoint(given, fallback.host)) value = *parsed;
    else reject(key, f, f.shown() + " is not host:port with a port in 0..65535");
  }
  note(key, f, in_quotes(value.to_string()));
  return value;
}

std::size_t config_reader::choice_in(std::string_view key, std::size_t fallback,
                                     std::span<const std::string_view> names) {
  auto f = find(key);
  if (f.present && expand(key, f)) {
    const auto* text = f.as_text();
    const auto it = text == nullptr ? names.end() : std::ranges::find(names, *text);
    if (it != names.end()) fallback = static_cast<std::size_t>(it - names.begin());
    else reject(key, f, fmt::format("{} is none of {}", f.shown(), fmt::join(names, ", ")));
  }
  note(key, f, in_quotes(names[fallback]));
  return fallback;
}

config_reader config_reader::table(std::string_view key) {
  const auto f = find(key);
  state_->known.insert(path(key) + '.');
  const auto* table = f.node == nullptr ? nullptr : f.node->as_table();
  if (f.present && table == nullptr) reject(key, f, f.shown() + " is not a table");
  return {state_, path(key), table};
}

std::vector<config_reader> config_reader::tables(std::string_view key) {
  std::vector<config_reader> out;
  const auto f = find(key);
  state_->known.insert(path(key) + '[');
  const auto* rows = f.node == nullptr ? nullptr : f.node->as_array();
  if (f.present && rows == nullptr) reject(key, f, f.shown() + " is not a list of tables");
  if (rows == nullptr) return out;
  for (const auto& row : *rows) {
    auto row_path = fmt::format("{}[{}]", path(key), out.size());
    if (!row.is_table())
      state_->errors.push_back(fmt::format("{}: {} is not a table ({})", row_path, type_name(row), state_->position(row)));
    state_->known.insert(row_path + '.');
    out.push_back({state_, std::move(row_path), row.as_table()});
  }
  return out;
}

std::vector<std::pair<std::string, config_reader>> config_reader::named_tables(std::string_view key) {
  std::vector<std::pair<std::string, config_reader>> out;
  const auto parent = table(key);
  if (parent.table_ == nullptr) return out;
  for (const auto& [name, node] : *static_cast<const toml::table*>(parent.table_)) {
    const auto row_path = parent.path(name.str());
    if (!node.is_table())
      state_->errors.push_back(fmt::format("{}: {} is not a table ({})", row_path, type_name(node), state_->position(node)));
    state_->known.insert(row_path + '.');
    out.emplace_back(std::string(name.str()), config_reader{state_, row_path, node.as_table()});
  }
  return out;
}

bool config_reader::has(std::string_view key) const { return find(key).present; }

void config_reader::fail(std::string_view key, std::string_view message) { reject(key, find(key), message); }

void config_reader::warn(std::string_view key, std::string_view message) {
  const auto f = find(key);
  state_->warnings.push_back(fmt::format("{}: {} ({})", path(key), message, f.present ? f.where : state_->name));
}

void config_reader::state::find_unknown(const toml::table& table, const std::string& prefix) {
  for (const auto& [key, node] : table) {
    if (prefix.empty() && known_roots.contains(key.str())) continue;
    find_unknown(node, prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str()), key.str(),
                 prefix);
  }
}

void config_reader::state::find_unknown(const toml::node& node, const std::string& path, std::string_view key,
                                        const std::string& prefix) {
  if (known.contains(path)) return;
  if (is_known_table(path)) {
    if (const auto* table = node.as_table()) return find_unknown(*table, path);
    if (const auto* rows = node.as_array()) {
      std::size_t index = 0;
      for (const auto& row : *rows) {
        if (const auto* table = row.as_table()) find_unknown(*table, fmt::format("{}[{}]", path, index));
        ++index;
      }
    }
    return;  // of the wrong type: its getter has said so
  }
  // Suggest among the keys of the same table.
  std::vector<std::string_view> siblings;
  const auto start = prefix.empty() ? 0 : prefix.size() + 1;
  for (const std::string_view candidate : known) {
    if (!prefix.empty() && !(candidate.starts_with(prefix) && candidate.size() > start && candidate[start - 1] == '.'))
      continue;
    const auto name_end = candidate.find_first_of(".[", start);
    if (candidate.size() > start) siblings.push_back(candidate.substr(start, name_end - start));
  }
  const auto near = nearest_word(key, siblings);
  errors.push_back(near.empty() ? fmt::format("{}: unknown key ({})", path, position(node))
                                : fmt::format("{}: unknown key, did you mean {}? ({})", path, near, position(node)));
}

void config_reader::finish() {
  state_->find_unknown(state_->root, {});
  // Only a warning: orchestrators inject variables of their own, e.g. MSGGW_SERVICE_HOST.
  const auto prefix = state_->sources.env_prefix + '_';
  if (prefix.size() == 1) return;
  for (const auto& [name, value] : state_->sources.environment)
    if (name.starts_with(prefix) && !state_->used_variables.contains(name))
      state_->warnings.push_back(fmt::format("environment variable {} matches no key and is ignored", name));
}

bool config_reader::ok() const noexcept { return state_->errors.empty(); }
const std::vector<std::string>& config_reader::errors() const noexcept { return state_->errors; }
const std::vector<std::string>& config_reader::warnings() const noexcept { return state_->warnings; }

std::string config_reader::errors_text() const { return fmt::format("{}\n", fmt::join(state_->errors, "\n")); }

bool config_reader::is_alias(std::string_view name) const {
  return std::ranges::find(state_->sources.aliases, name, &config_alias::name) != state_->sources.aliases.end();
}

std::string config_reader::describe() const {
  std::size_t width = 0;
  for (const auto& r : state_->records) width = std::max(width, r.path.size() + r.shown.size() + 3);
  width = std::min<std::size_t>(width, 60);
  std::string out;
  for (const auto& r : state_->records) out += fmt::format("{:<{}}  # {}\n", r.path + " = " + r.shown, width, r.where);
  return out;
}

}  // namespace msgkit::app
