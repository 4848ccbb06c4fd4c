// The JSON configuration of the server that smppd follows, as TOML of ours.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "smppd/config.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

struct key_pair {
  std::string_view theirs,
      ours;  // pointers into the JSON, dotted keys of ours; no `ours`: read and without effect here
};
// `address`, storage and metrics are put together from several keys below.
constexpr std::array<key_pair, 19> keys{{{"/server/max_connections", "connections_max"},
                                         {"/server/read_timeout", "partial_pdu_timeout"},
                                         {"/server/idle_timeout", "inactivity_timeout"},
                                         {"/server/enquire_link_timeout", "enquire_link_interval"},
                                         {"/server/bind_timeout", "bind_timeout"},
                                         {"/server/write_timeout", ""},
                                         {"/server/tls_cert_file", "tls.certificate_file"},
                                         {"/server/tls_key_file", "tls.private_key_file"},
                                         {"/logging/level", "log.level"},
                                         {"/logging/format", "log.format"},
                                         {"/logging/output", ""},
                                         {"/logging/file", ""},
                                         {"/logging/max_size", ""},
                                         {"/logging/max_backups", ""},
                                         {"/logging/max_age", ""},
                                         {"/logging/compress", ""},
                                         {"/server/host", ""},
                                         {"/server/port", ""},
                                         {"/users", ""}}};

// TOML's basic strings are JSON's.
std::string toml_value(const json& v) { return dump_json(v); }

template <class T>
T value_at(const json& j, const char* pointer, T fallback) {
  const json::json_pointer p(pointer);
  if (!j.contains(p)) return fallback;
  if constexpr (std::is_same_v<T, bool>) return j.at(p).is_boolean() ? j.at(p).get<T>() : fallback;
  else if constexpr (std::is_arithmetic_v<T>) return j.at(p).is_number_integer() ? j.at(p).get<T>() : fallback;
  else return j.at(p).is_string() ? j.at(p).get<T>() : fallback;
}

std::string storage_toml(const json& j) {
  const auto type = value_at<std::string>(j, "/storage/type", "memory");
  const auto directory = value_at<std::string>(j, "/storage/data_dir", "./data");
  if (type != "file") return fmt::format("storage.type = {}\n", toml_value(type));
  return fmt::format("storage.type = \"sqlite\"\nstorage.path = {}\n", toml_value(directory + "/smppd.db"));
}

std::string users_toml(const json& j) {
  std::string out;
  if (!j.contains("users") || !j["users"].is_array()) return out;
  for (const auto& user : j["users"]) {
    if (!user.is_object()) continue;
    out += "[[users]]\n";
    for (const auto& [key, value] : user.items()) out += fmt::format("{} = {}\n", key, toml_value(value));
  }
  return out;
}

bool is_known(const std::string& pointer) {
  constexpr std::array<std::string_view, 6> others{"/server/tls_enabled", "/storage/type", "/storage/data_dir",
                                                   "/metrics/enabled",    "/metrics/port", "/metrics/path"};
  return std::ranges::find(keys, pointer, &key_pair::theirs) != keys.end() ||
         std::ranges::find(others, pointer) != others.end();
}

bool check_keys(const json& j, std::string& why) {
  for (const auto& [section, fields] : j.items()) {
    if (section == "users") continue;
    if (!fields.is_object()) {
      why = fmt::format("{}: must be an object", section);
      return false;
    }
    for (const auto& [key, value] : fields.items()) {
      if (is_known("/" + section + "/" + key)) continue;
      why = fmt::format("{}.{}: is not a key of this configuration", section, key);
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> translate_smppd_json(const std::string& text, std::string& why) {
  json j;
  if (!parse_json(text, j, why)) return std::nullopt;
  if (!j.is_object()) {
    why = "is not an object";
    return std::nullopt;
  }
  if (!check_keys(j, why)) return std::nullopt;
  std::string out =
      fmt::format("listen = {}\n", toml_value(value_at<std::string>(j, "/server/host", "127.0.0.1") + ":" +
                                              std::to_string(value_at<int>(j, "/server/port", 2775))));
  const bool tls = value_at(j, "/server/tls_enabled", false);
  for (const auto& k : keys) {
    const json::json_pointer p{std::string(k.theirs)};
    if (k.ours.empty() || !j.contains(p) || (k.ours.starts_with("tls.") && !tls)) continue;
    out += fmt::format("{} = {}\n", k.ours, toml_value(j.at(p)));
  }
  out += storage_toml(j);
  const bool metrics = value_at(j, "/metrics/enabled", false);
  if (metrics && value_at<std::string>(j, "/metrics/path", "/metrics") != "/metrics") {
    why = "metrics.path: must be /metrics";
    return std::nullopt;
  }
  out += fmt::format("http.listen = \"127.0.0.1:{}\"\n", metrics ? value_at<int>(j, "/metrics/port", 9090) : 0);
  return out + users_toml(j);
}

}  // namespace msgkit::app
