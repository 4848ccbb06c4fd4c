// Typed reading of an app's TOML configuration.
//
// A reader is a view of one table. Every getter takes a key (dotted keys descend), a default, and its limits. Mistakes
// never stop the reading: each is recorded with key, value, allowed range and file:line:column, so that an operator
// sees all of them at once, and the getter returns the default. After the last getter call finish(), which also
// reports keys nobody asked for; then ok(), errors_text() and describe() tell the result.
//
// Where a value comes from, first match wins:
//   1. environment PREFIX_A_B_C for key a.b.c (rows of an array of tables: PREFIX_CARRIERS_0_HOST)
//   2. environment variable named in the alias table        3. the file's key
//   4. a top-level key of the file named in the alias table  5. the default
// In the environment everything is text: lists are separated by commas.
// Texts of the form "${NAME}" are replaced by that environment variable.
//
// Cheap to copy; copies share one record of mistakes. Not thread-safe.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace msgkit::app {

// A name from elsewhere (an environment variable, or an upper-case key at the top of the file) for one of our keys.
struct config_alias {
  std::string_view name;
  std::string_view key;
};

struct config_sources {
  std::string env_prefix{};                         // "MSGGW"; empty: only aliases are looked up
  std::vector<config_alias> aliases{};              // the views must outlive the reader (string literals)
  std::map<std::string, std::string> environment{};  // see process_environment()
};

std::map<std::string, std::string> process_environment();

struct config_endpoint {
  std::string host = "127.0.0.1";  // without brackets for IPv6
  std::uint16_t port = 0;

  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const config_endpoint&, const config_endpoint&) = default;
};

class config_reader {
 public:
  using milliseconds = std::chrono::milliseconds;

  // An unreadable or ill-formed file gives a reader with that one error.
  static config_reader from_file(const std::string& path, config_sources sources = {});
  // A file that `translate` turns into TOML first; mistakes then name keys, not lines.
  using translator = std::function<std::optional<std::string>(const std::string& text, std::string& why)>;
  static config_reader from_translated_file(const std::string& path, const translator& translate,
                                            config_sources sources = {});
  static config_reader from_text(std::string_view toml, std::string name = "config.toml", config_sources sources = {});

  // Strings. `required_text` reports a missing or empty one. Lengths count octets.
  std::string text(std::string_view key, std::string_view fallback = {}, std::size_t bytes_max = 4096);
  std::string required_text(std::string_view key, std::size_t bytes_max = 4096);
  std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback = {});
  // Like text, but never shown; `<key>_file` names a file holding the secret (relative to the configuration's own
  // directory, one trailing line break dropped, at most 64 KiB).
  std::string secret(std::string_view key, std::string_view fallback = {});
  std::string required_secret(std::string_view key);

  template <std::integral T>
  T integer(std::string_view key, T fallback, T min = std::numeric_limits<T>::min(),
            T max = std::numeric_limits<T>::max());
  std::uint16_t u16(std::string_view key, std::uint16_t fallback, std::uint16_t min = 0, std::uint16_t max = 65535) {
    return integer<std::uint16_t>(key, fallback, min, max);
  }
  std::uint32_t u32(std::string_view key, std::uint32_t fallback, std::uint32_t min = 0,
                    std::uint32_t max = std::numeric_limits<std::uint32_t>::max()) {
    return integer<std::uint32_t>(key, fallback, min, max);
  }
  // TOML integers are signed: sizes end at 2^63 - 1.
  std::size_t size(std::string_view key, std::size_t fallback, std::size_t min = 0,
                   std::size_t max = std::numeric_limits<std::int64_t>::max()) {
    return integer<std::size_t>(key, fallback, min, max);
  }
  double number(std::string_view key, double fallback, double min, double max);
  bool flag(std::string_view key, bool fallback);

  // "500ms", "30s", "5m", "2h", "1d", "1h30m"; a bare integer counts seconds.
  milliseconds time(std::string_view key, milliseconds fallback, milliseconds min = milliseconds{0},
                    milliseconds max = std::chrono::hours{24 * 3650});
  // "64KiB", "16MB", or a bare integer of octets. KB and KiB both mean 1024.
  std::size_t bytes(std::string_view key, std::size_t fallback, std::size_t min = 0,
                    std::size_t max = std::numeric_limits<std::int64_t>::max());
  // "0.0.0.0:2775", "[::]:2775", ":2775" (all addresses) or just a port (the fallback's host).
  config_endpoint endpoint(std::string_view key, const config_endpoint& fallback);

  template <class E>
  struct named {
    std::string_view name;
    E value;
  };
  // One of a list of names. Precondition: `fallback` is in the list.
  template <class E>
  E choice(std::string_view key, E fallback, std::initializer_list<named<E>> names);

  // A sub-table, empty when the file has none. Declares the table known: its unread keys are reported one by one.
  config_reader table(std::string_view key);
  // The rows of [[key]]; none when absent.
  std::vector<config_reader> tables(std::string_view key);
  // The tables under [key.NAME], in the file's order by name.
  std::vector<std::pair<std::string, config_reader>> named_tables(std::string_view key);

  // Whether any source gives the key.
  [[nodiscard]] bool has(std::string_view key) const;
  // Whether the alias table has this name.
  [[nodiscard]] bool is_alias(std::string_view name) const;
  // "carriers[1].host": the full path of a key of this table, for messages.
  [[nodiscard]] std::string path(std::string_view key) const;

  // An app's own findings, placed at the key's position.
  void fail(std::string_view key, std::string_view message);
  void warn(std::string_view key, std::string_view message);

  // Reports keys that no getter asked for, with a suggestion. Call once, on any reader of the file.
  void finish();
  [[nodiscard]] bool ok() const noexcept;
  [[nodiscard]] const std::vector<std::string>& errors() const noexcept;
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;
  [[nodiscard]] std::string errors_text() const;  // one per line
  // The effective configuration in the order it was read: `key = value  # where from`. Secrets are masked.
  [[nodiscard]] std::string describe() const;

 private:
  struct state;
  struct found;
  config_reader(std::shared_ptr<state> s, std::string prefix, const void* table);

  [[nodiscard]] found find(std::string_view key) const;
  [[nodiscard]] std::string env_name(std::string_view key) const;
  bool expand(std::string_view key, found& f) const;
  std::string text_in(std::string_view key, std::string_view fallback, std::size_t bytes_max, bool required);
  std::int64_t integer_in(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
  std::size_t choice_in(std::string_view key, std::size_t fallback, std::span<const std::string_view> names);
  std::string secret_in(std::string_view key, std::string_view fallback, bool required);
  std::string read_secret_file(std::string_view key, const found& f) const;
  void reject(std::string_view key, const found& f, std::string_view message) const;
  void note(std::string_view key, const found& f, std::string shown) const;

  std::shared_ptr<state> state_;
  std::string prefix_;
  const void* table_ = nullptr;  // the TOML table, owned by the state; null when the file has none
};

template <std::integral T>
T config_reader::integer(std::string_view key, T fallback, T min, T max) {
  constexpr auto wide_max = std::numeric_limits<std::int64_t>::max();
  const auto wide = [](T v) { return std::in_range<std::int64_t>(v) ? static_cast<std::int64_t>(v) : wide_max; };
  return static_cast<T>(integer_in(key, wide(fallback), wide(min), wide(max)));
}

template <class E>
E config_reader::choice(std::string_view key, E fallback, std::initializer_list<named<E>> names) {
  std::vector<std::string_view> list;
  std::size_t index = 0;
  for (const auto& n : names) {
    if (n.value == fallback) index = list.size();
    list.push_back(n.name);
  }
  return (names.begin() + choice_in(key, index, list))->value;
}

}  // namespace msgkit::app
