#include "smppc/target_config.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/config_value.hpp"
#include "common/json.hpp"

namespace msgkit::app {
namespace {

enum class form : std::uint8_t { text, number, flag, seconds, bind_type, ignored };

struct known_key {
  std::string_view name;
  std::string_view option;
  form value;
};
constexpr known_key known_keys[] = {
    {"host", "--host", form::text},
    {"port", "--port", form::number},
    {"system_id", "--system-id", form::text},
    {"password", "--password", form::text},
    {"password_file", "--password-file", form::text},
    {"system_type", "--system-type", form::text},
    {"address_range", "--address-range", form::text},
    {"bind_type", "--mode", form::bind_type},
    {"interface_version", "--interface-version", form::text},
    {"window", "--window", form::number},
    {"connect_timeout", "--connect-timeout", form::seconds},
    {"read_timeout", "--response-timeout", form::seconds},
    {"response_timeout", "--response-timeout", form::seconds},
    {"write_timeout", "", form::ignored},  // writes never wait here
    {"enquire_link_interval", "--enquire-link", form::seconds},
    {"reconnect_interval", "--reconnect-interval", form::seconds},
    {"max_reconnect_attempts", "--reconnect-attempts", form::number},
    {"tls_enabled", "--tls", form::flag},
    {"tls_skip_verify", "--tls-insecure", form::flag},
    {"tls_ca_file", "--ca-file", form::text},
    {"tls_cert_file", "--cert-file", form::text},
    {"tls_key_file", "--key-file", form::text},
};

struct named_bind {
  std::string_view name, mode;
};
constexpr named_bind bind_types[] = {{"transceiver", "trx"}, {"trx", "trx"},   {"transmitter", "tx"}, {"tx", "tx"},
                                     {"receiver", "rx"},     {"rx", "rx"}, {"pair", "pair"}};

// Empty when the value does not have the form.
std::string value_of(const nlohmann::json& v, form f) {
  switch (f) {
    case form::text: return v.is_string() ? v.get<std::string>() : v.is_number() ? v.dump() : std::string();
    case form::number: return v.is_number_unsigned() ? v.dump() : std::string();
    case form::flag: return v.is_boolean() ? v.dump() : std::string();
    case form::seconds: {
      const auto time = v.is_string() ? parse_duration(v.get<std::string>())
                        : v.is_number_unsigned() ? parse_duration(v.dump())
                                                 : std::nullopt;
      return time ? fmt::format("{}", static_cast<double>(time->count()) / 1000) : std::string();
    }
    case form::bind_type: {
      const auto name = v.is_string() ? v.get<std::string>() : std::string();
      const auto* const found = std::ranges::find(bind_types, name, &named_bind::name);
      return found == std::end(bind_types) ? std::string() : std::string(found->mode);
    }
    case form::ignored: break;
  }
  return "-";
}

constexpr std::string_view expected(form f) {
  switch (f) {
    case form::text: return "a text";
    case form::number: return "a number of 0 or more";
    case form::flag: return "true or false";
    case form::seconds: return "a duration such as \"30s\"";
    case form::bind_type: return "one of transceiver, transmitter, receiver, pair";
    case form::ignored: break;
  }
  return "anything";
}

}  // namespace

std::string read_target_config(const std::string& file, std::vector<config_setting>& settings) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fmt::format("--config: cannot read {}", file);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  nlohmann::json document;
  std::string why;
  if (!parse_json(text, document, why)) return fmt::format("{}: {}", file, why);
  if (!document.is_object()) return fmt::format("{}: is not a JSON object", file);
  const auto client = document.find("client");
  const auto& table = client == document.end() ? document : *client;
  if (!table.is_object()) return fmt::format("{}: client: is not an object", file);
  for (const auto& [key, v] : table.items()) {
    const auto* const known = std::ranges::find(known_keys, key, &known_key::name);
    if (known == std::end(known_keys)) return fmt::format("{}: {}: unknown key", file, key);
    if (v.is_string() && v.get_ref<const std::string&>().empty()) continue;  // not set
    auto value = value_of(v, known->value);
    if (value.empty()) return fmt::format("{}: {}: {} is not {}", file, key,
                                          key == "password" ? "the value" : dump_json(v), expected(known->value));
    if (known->value != form::ignored) settings.push_back({std::string(known->option), std::move(value)});
  }
  return {};
}

}  // namespace msgkit::app
