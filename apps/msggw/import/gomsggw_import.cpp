#include "msggw/import/gomsggw_import.hpp"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::string_view actor = "import";

std::string text_of(const import_row& row, std::string_view column) {
  const auto at = row.find(column);
  return at == row.end() ? std::string() : at->second;
}

bool flag_of(const import_row& row, std::string_view column) {
  const auto v = text_of(row, column);
  return v == "1" || v == "t" || v == "true";
}

std::int64_t number_of(const import_row& row, std::string_view column) {
  const auto v = text_of(row, column);
  std::int64_t n = 0;
  std::from_chars(v.data(), v.data() + v.size(), n);
  return n;
}

void copy_text(json& to, const char* name, const import_row& row, std::string_view column) {
  if (auto v = text_of(row, column); !v.empty()) to[name] = std::move(v);
}
// Only what is above zero: zero stands for "none" there and for the default here.
void copy_number(json& to, const char* name, const import_row& row, std::string_view column) {
  if (const auto n = number_of(row, column); n > 0) to[name] = n;
}

void copy_limits(json& to, const import_row& row) {
  for (const char* name : {"sms_burst_limit", "sms_daily_limit", "sms_monthly_limit", "mms_burst_limit",
                           "mms_daily_limit", "mms_monthly_limit"})
    copy_number(to, name, row, name);
  if (row.contains("limit_both")) to["limit_both"] = flag_of(row, "limit_both");
}

std::string digits_of(const std::string& number) {
  std::string out;
  for (const char c : number)
    if (c >= '0' && c <= '9') out += c;
  return out;
}

class importer {
 public:
  importer(gomsggw_source& from, const std::string& key, directory& into) : from_(from), key_(key), into_(into) {}

  import_report run() {
    read("carriers", [this](const import_row& r) { carrier_from(r); });
    read("client_settings", [this](const import_row& r) { settings_[text_of(r, "client_id")] = r; });
    read("clients", [this](const import_row& r) { client_from(r); });
    read("number_settings", [this](const import_row& r) { number_settings_[text_of(r, "number_id")] = r; });
    read("client_numbers", [this](const import_row& r) { number_from(r); });
    read("client_failovers", [this](const import_row& r) { failover_from(r); });
    read("api_key_numbers", [this](const import_row& r) { key_numbers_.emplace(text_of(r, "api_key_id"), r); });
    read("tenant_api_keys", [this](const import_row& r) { key_from(r); });
    return report_;
  }

 private:
  void note(std::string text) { report_.notes.push_back(std::move(text)); }

  template <class F>
  void read(std::string_view table, F&& each) {
    if (report_.failed) return;
    std::string why;
    const auto rows = from_.read(table, why);
    if (!rows) {
      report_.failed = true;
      return note(why);
    }
    for (const auto& r : *rows) each(r);
  }

  // Nothing, and a note, when the key does not fit.
  std::optional<std::string> secret(const import_row& row, std::string_view column, const std::string& whose) {
    auto opened = open_gomsggw_secret(text_of(row, column), key_);
    if (!opened) note(whose + ": " + std::string(column) + " does not open with this key (see --blank-key); left out");
    return opened;
  }

  template <class T>
  object_id make(const json& fields, const std::string& what) {
    const auto result = into_.create<T>(fields, std::string(actor));
    if (const auto* made = std::get_if<changed<T>>(&result)) return made->id;
    std::string reasons;
    for (const auto& r : std::get<change_error>(result).reasons) reasons += (reasons.empty() ? "" : "; ") + r;
    note(what + ": " + reasons + "; left out");
    return 0;
  }

  void carrier_from(const import_row& row) {
    const auto name = text_of(row, "name"), what = "carrier " + name;
    if (into_.current()->carrier_of(name) != 0) return note(what + ": is there already");
    const auto username = secret(row, "username", what), password = secret(row, "password", what);
    if (!username || !password) return;
    json fields{{"name", name}, {"type", text_of(row, "type")}, {"username", *username}, {"password", *password}};
    copy_text(fields, "profile_id", row, "profile_id");
    const auto id = make<carrier>(fields, what);
    if (id == 0) return;
    ++report_.carriers;
    note(what + ": its webhooks have a new address: /inbound/" + into_.current()->find<carrier>(id)->webhook_id);
  }

  json settings_of(const import_row& row) {
    json s = json::object();
    for (const char* name : {"auth_method", "api_format", "default_webhook"}) copy_text(s, name, row, name);
    for (const char* name : {"webhook_retries", "webhook_timeout_secs"}) copy_number(s, name, row, name);
    for (const char* name : {"disable_message_splitting", "include_raw_segments"})
      if (row.contains(name)) s[name] = flag_of(row, name);
    copy_limits(s, row);
    return s;
  }

  void client_from(const import_row& row) {
    const auto username = text_of(row, "username"), what = "client " + username;
    if (const auto id = into_.current()->client_of(username); id != 0) {
      clients_[text_of(row, "id")] = id;
      return note(what + ": is there already");
    }
    const auto password = secret(row, "password", what);
    if (!password) return;
    json fields{{"username", username}, {"password", *password}, {"log_privacy", flag_of(row, "log_privacy")}};
    for (const char* name : {"name", "type", "address", "timezone"}) copy_text(fields, name, row, name);
    if (const auto s = settings_.find(text_of(row, "id")); s != settings_.end())
      fields["settings"] = settings_of(s->second);
    const auto id = make<client>(fields, what);
    if (id == 0) return;
    clients_[text_of(row, "id")] = id;
    ++report_.clients;
  }

  void number_from(const import_row& row) {
    const auto number = digits_of(text_of(row, "number")), what = "number " + number;
    if (into_.current()->number_of(number) != 0) return note(what + ": is there already");
    const auto owner = clients_.find(text_of(row, "client_id"));
    if (owner == clients_.end()) return note(what + ": its client was not imported; left out");
    json fields{{"client_id", owner->second}, {"number", number}};
    for (const char* name : {"tag", "group"}) copy_text(fields, name, row, name);
    copy_text(fields, "webhook", row, "web_hook");
    fields["ignore_stop_cmd_sending"] = flag_of(row, "ignore_stop_cmd_sending");
    const auto carrier = text_of(row, "carrier");
    if (into_.current()->carrier_of(carrier) != 0) fields["carrier"] = carrier;
    else if (!carrier.empty()) note(what + ": its carrier " + carrier + " is not here; routes decide");
    if (const auto s = number_settings_.find(text_of(row, "id")); s != number_settings_.end()) {
      copy_limits(fields, s->second);
      fields["auto_reply_enabled"] = flag_of(s->second, "auto_reply_enabled");
      copy_text(fields, "auto_reply_message", s->second, "auto_reply_message");
      copy_number(fields, "auto_reply_cooldown_secs", s->second, "auto_reply_cooldown_secs");
      copy_number(fields, "auto_reply_cooldown_secs", s->second, "auto_reply_cooldown_sec");
    }
    report_.numbers += make<client_number>(fields, what) != 0 ? 1 : 0;
  }

  // Only the hash of a key is stored, there as here, so that its owner goes on with it.
  void key_from(const import_row& row) {
    const auto name = text_of(row, "name"), what = "API key " + name;
    const auto hash = text_of(row, "key_hash");
    if (into_.current()->api_key_of(hash) != 0) return note(what + ": is there already");
    const auto owner = clients_.find(text_of(row, "client_id"));
    if (owner == clients_.end()) return note(what + ": its client was not imported; left out");
    constexpr std::size_t hash_digits = 64;
    if (hash.size() != hash_digits || hash.find_first_not_of("0123456789abcdef") != hash.npos)
      return note(what + ": its hash is none; left out");
    json fields{{"client_id", owner->second}, {"name", name.empty() ? "imported" : name}};
    fields["active"] = !row.contains("active") || flag_of(row, "active");
    copy_number(fields, "rate_limit", row, "rate_limit");
    if (const auto printed = text_of(row, "expires_at"); !printed.empty()) {
      auto at = date_time_of(printed);
      if (at.empty()) return note(what + ": its end cannot be read; left out");
      fields["expires_at"] = std::move(at);
    }
    auto scopes = json::array();
    for (const char* scope : {"send", "batch", "usage"})
      if (text_of(row, "scopes").find(scope) != std::string::npos) scopes.push_back(scope);
    if (!scopes.empty()) fields["scopes"] = scopes;
    if (!limit_to_numbers(fields, text_of(row, "id"))) return note(what + ": none of its numbers is here; left out");
    const auto result = into_.import_api_key(fields, std::string(actor), hash, text_of(row, "key_prefix"));
    if (std::holds_alternative<changed<api_key>>(result)) {
      ++report_.api_keys;
      return;
    }
    for (const auto& r : std::get<change_error>(result).reasons) note(what + ": " + r + "; left out");
  }

  // False when it was limited to numbers of which none came along: it must not become a key for all of them.
  bool limit_to_numbers(json& fields, const std::string& key_id) const {
    const auto [first, last] = key_numbers_.equal_range(key_id);
    if (first == last) return true;
    auto ids = json::array();
    for (auto at = first; at != last; ++at)
      if (const auto id = into_.current()->number_of(digits_of(text_of(at->second, "number"))); id != 0)
        ids.push_back(id);
    fields["allowed_number_ids"] = ids;
    return !ids.empty();
  }

  // "2030-01-31 12:00:00+00" as databases print it; empty for what is none.
  static std::string date_time_of(const std::string& printed) {
    constexpr std::size_t seconds_octets = 19, date_octets = 10;
    if (printed.size() < seconds_octets) return {};
    auto at = printed.substr(0, seconds_octets);
    at[date_octets] = 'T';
    const auto zone = printed.find_first_of("+-Z", seconds_octets);
    if (zone == std::string::npos || printed[zone] == 'Z') return at + "Z";
    auto offset = printed.substr(zone, 6);
    if (offset.size() == 3) offset += ":00";
    return read_date_time(at + offset) ? at + offset : std::string();
  }

  void failover_from(const import_row& row) {
    const auto primary = clients_.find(text_of(row, "primary_client_id"));
    const auto fallback = clients_.find(text_of(row, "fallback_client_id"));
    if (primary == clients_.end() || fallback == clients_.end()) return;  // said with the client
    for (const auto& [id, f] : into_.current()->all<failover>())
      if (f->client_id == primary->second && f->fallback_client_id == fallback->second) return;
    const json fields{{"client_id", primary->second},
                      {"fallback_client_id", fallback->second},
                      {"priority", std::max<std::int64_t>(0, number_of(row, "priority"))},
                      {"enabled", !row.contains("enabled") || flag_of(row, "enabled")}};
    report_.failovers += make<failover>(fields, "failover " + text_of(row, "id")) != 0 ? 1 : 0;
  }

  gomsggw_source& from_;
  const std::string& key_;
  directory& into_;
  import_report report_;
  std::map<std::string, import_row> settings_, number_settings_;  // by their id of the owner
  std::multimap<std::string, import_row> key_numbers_;            // by their id of the key
  std::map<std::string, object_id> clients_;                      // by their id
};

}  // namespace

import_report import_gomsggw(gomsggw_source& from, const std::string& encryption_key, directory& into) {
  return importer(from, encryption_key, into).run();
}

}  // namespace msgkit::app
