// One object of a carrier's template while it is read: what is wrong with it is said by the path of its key. A detail
// of http_dialect_json.cpp.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http_dialect.hpp"

namespace msgkit::app {

template <class E>
struct word {
  std::string_view name;
  E value;
};
template <class Words>
std::string listed(const Words& words) {
  std::string all;
  for (const auto& w : words) all.append(all.empty() ? "" : ", ").append(w.name);
  return all;
}

// Asks for the keys of its object by name. What is absent or null leaves `out` as it is.
class template_section {
 public:
  using json = nlohmann::json;
  static constexpr std::size_t text_octets_max = 4'096;
  static constexpr std::size_t rows_max = 100;

  template_section(const json& from, std::string path, std::vector<std::string>& errors);
  // Afterwards: names the keys that nobody asked for.
  void close();

  const json* find(std::string_view key);
  bool has(std::string_view key) { return find(key) != nullptr; }
  void fail(std::string_view key, std::string_view why);
  [[nodiscard]] std::string path_of(std::string_view key) const;
  std::vector<std::string>& errors() { return errors_; }

  // True when it is there and a text of 1..max octets.
  bool text(std::string_view key, std::string& out, std::size_t max = text_octets_max);
  bool text_in(std::string_view key, const json& j, std::string& out, std::size_t max = text_octets_max);
  template <class N>
  void number(std::string_view key, N& out, std::int64_t min, std::int64_t max) {
    if (const auto found = whole_number(key, min, max)) out = static_cast<N>(*found);
  }
  template <class E, std::size_t N>
  void choice(std::string_view key, E& out, const word<E> (&words)[N]) {
    const auto* const j = find(key);
    if (j == nullptr) return;
    for (const auto& w : words)
      if (j->is_string() && j->get_ref<const std::string&>() == w.name) {
        out = w.value;
        return;
      }
    fail(key, "must be one of " + listed(words));
  }
  // A list of 1..max, each handed to `item(key with index, json)`.
  template <class Item>
  void list(std::string_view key, std::size_t max, const Item& item) {
    const auto* const j = find(key);
    if (j == nullptr) return;
    if (!j->is_array() || j->empty() || j->size() > max)
      return fail(key, fmt::format("must be a list of 1..{} items", max));
    std::size_t i = 0;
    for (const auto& each : *j) item(fmt::format("{}[{}]", key, i++), each);
  }
  void texts(std::string_view key, std::vector<std::string>& out);
  // Calls `read(section)` for the object under the key; false when there is none.
  template <class Read>
  bool object(std::string_view key, const Read& read) {
    const auto* const j = find(key);
    if (j == nullptr) return false;
    template_section inner(*j, path_of(key), errors_);
    read(inner);
    inner.close();
    return true;
  }

  // Fails unless the text is a template of requests.
  void check_request(std::string_view key, const std::string& t);
  void pattern(std::string_view key, text_pattern& out);
  // A pointer into JSON; a plain name is a member of the top.
  bool pointer(std::string_view key, std::string& out);
  // {"pointer": "/id"} or {"regex": "ID: (\\S+)"}.
  void value(std::string_view key, value_at& out);
  void value_here(value_at& out);
  void header_name(std::string_view key, std::string& out);

 private:
  std::optional<std::int64_t> whole_number(std::string_view key, std::int64_t min, std::int64_t max);

  const json& from_;
  std::string path_;
  std::vector<std::string>& errors_;
  std::set<std::string, std::less<>> known_;
};

bool is_header_name(std::string_view name);
std::string as_pointer(const std::string& name_or_pointer);
// Why it is no pointer; empty when it is one. Numbers are limited: a list that is made is as long as its last index.
std::string problem_of_pointer(const std::string& pointer, std::size_t digits_max);

}  // namespace msgkit::app
