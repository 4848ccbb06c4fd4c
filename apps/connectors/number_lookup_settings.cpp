#include "connectors/number_lookup_settings.hpp"

#include <asio/ip/address.hpp>
#include <fstream>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const ported_numbers> read_file(config_reader& r, const std::string& path) {
  std::ifstream in(path);
  if (!in) {
    r.fail("file", path + " cannot be read");
    return nullptr;
  }
  std::string why;
  auto all = ported_numbers::read(in, why);
  if (!all) r.fail("file", path + ": " + why);
  return all;
}

void check_pointer(config_reader& r, std::string_view key, const std::string& pointer) {
  if (!pointer.empty() && !pointer.starts_with('/'))
    r.fail(key, pointer + " is no JSON pointer such as /result/network");
}

// "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53".
bool is_server(const std::string& text) {
  const auto bracket = text.find(']');
  const bool is_v6 = text.starts_with('[') && bracket != text.npos;
  const auto host = is_v6 ? text.substr(1, bracket - 1) : text.substr(0, text.find(':'));
  const auto port = is_v6 ? text.substr(bracket + 1) : text.substr(std::min(text.find(':'), text.size()));
  std::error_code ec;
  asio::ip::make_address(host, ec);
  return !ec && (port.empty() || (port.size() > 1 && port.size() <= 6 && port[0] == ':' &&
                                  port.find_first_not_of("0123456789", 1) == port.npos));
}

enum_source_options read_dns(config_reader& r, std::string zone) {
  enum_source_options s{.zone = std::move(zone)};
  if (s.zone.starts_with('.') || s.zone.find_first_of(" /:") != s.zone.npos)
    r.fail("enum_zone", s.zone + " is no domain such as e164.arpa");
  for (const auto& server : r.texts("enum_servers")) {
    if (!is_server(server)) r.fail("enum_servers", server + " is no address, with or without a port");
    s.dns.dns_servers += (s.dns.dns_servers.empty() ? "" : ",") + server;
  }
  s.dns.tries = 2;
  return s;
}

number_service_options read_service(config_reader& r, std::string url) {
  number_service_options s{.url = std::move(url)};
  if (!s.url.starts_with("http://") && !s.url.starts_with("https://")) r.fail("url", "must be http or https");
  if (s.url.find("{number}") == s.url.npos) r.fail("url", "must have {number} where the digits belong");
  const auto name = r.text("auth_header", "Authorization", 64);
  if (auto value = r.secret("auth_value"); !value.empty()) s.fields.push_back({name, std::move(value)});
  s.shape.routing = r.text("routing", s.shape.routing, 256);
  s.shape.network = r.texts("network", s.shape.network);
  check_pointer(r, "routing", s.shape.routing);
  for (const auto& p : s.shape.network) check_pointer(r, "network", p);
  s.ca_file = r.text("ca_file");
  s.guard.https_only = r.flag("https_only", false);
  s.guard.public_only = r.flag("public_only", true);
  if (auto ranges = ip_ranges::parse(r.texts("allowed_addresses"))) s.guard.also_allowed = *std::move(ranges);
  else r.fail("allowed_addresses", "must hold addresses and ranges such as 192.0.2.0/24");
  return s;
}

}  // namespace

std::optional<number_lookup_settings> read_number_lookup(config_reader& reader) {
  if (!reader.has("number_lookup")) return std::nullopt;
  auto r = reader.table("number_lookup");
  number_lookup_settings s;
  const auto file = r.text("file");
  if (!file.empty()) s.options.file = read_file(r, file);
  const auto url = r.text("url"), zone = r.text("enum_zone", "", 200);
  const auto timeout = url.empty() && zone.empty() ? 2s : r.time("timeout", 2s, 10ms, 1min);
  if (!url.empty()) {
    s.service = read_service(r, url);
    s.service->timeout = timeout;
  }
  if (!zone.empty()) {
    s.dns = read_dns(r, zone);
    s.dns->dns.timeout = timeout / s.dns->dns.tries;
  }
  if (s.service && s.dns) r.fail("enum_zone", "url is there, too: one of them says where numbers are");
  if (file.empty() && !s.service && !s.dns) r.fail("url", "one of file, url and enum_zone is needed");
  s.options.found_ttl = r.time("found_ttl", 1h, 1s, 30 * 24h);
  s.options.not_found_ttl = r.time("not_found_ttl", 1h, 1s, 30 * 24h);
  s.options.failed_ttl = r.time("failed_ttl", 5s, 10ms, 1h);
  // Enough for what is under way at a time: who asked finds the answer here.
  s.options.cache_max = r.size("cache_max", 100'000, 10'000, 100'000'000);
  s.options.questions_max = r.size("questions_max", 32, 1, 1'000);
  s.waits = r.choice("on_failure", false, {{"own_number", false}, {"later", true}});
  return s;
}

std::unique_ptr<number_lookup> make_number_lookup(const std::optional<number_lookup_settings>& settings,
                                                  const asio::any_io_executor& executor, http_client& http,
                                                  metrics& m) {
  if (!settings) return nullptr;
  std::unique_ptr<number_source> source;
  if (settings->service) source = make_number_service(executor, http, *settings->service);
  if (settings->dns) source = make_enum_source(executor, *settings->dns);
  return std::make_unique<number_lookup>(executor, std::move(source), settings->options, m);
}

}  // namespace msgkit::app
