#include "goip_xmpp/config.hpp"

#include <re2/re2.h>

#include <set>

#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

// A user's pattern of the numbers that may be written to; it is searched for, ^ and $ bind it.
std::function<bool(const std::string&)> read_pattern(config_reader& r, std::string_view key) {
  const auto text = r.text(key, "", 255);
  if (text.empty()) return {};
  RE2::Options quiet;
  quiet.set_log_errors(false);
  auto pattern = std::make_shared<const RE2>(text, quiet);
  if (!pattern->ok()) {
    r.fail(key, text + " is no regular expression: " + pattern->error());
    return {};
  }
  return [pattern](const std::string& number) { return RE2::PartialMatch(number, *pattern); };
}

goip_line read_line(config_reader& r) {
  goip_line l;
  l.line.id = r.required_text("id", 64);
  l.line.password = r.required_secret("password");
  l.line.enabled = r.flag("enabled", true);
  l.line.pacing = r.time("pacing", 3s, 0ms, 1h);
  l.msisdn = r.text("number", "", 32);
  l.reports = r.flag("reports", true);
  if (const auto sources = r.texts("allow_from"); !sources.empty()) {
    auto ranges = ip_ranges::parse(sources);
    if (ranges) l.line.source_allowed = goip::only_from(*std::move(ranges));
    else r.fail("allow_from", sources[ranges.error().offset] + " is neither an address nor a range");
  }
  return l;
}

void read_lines(config_reader& reader, goip_xmpp_config& c, std::map<std::string, std::string>& numbers) {
  for (auto& row : reader.tables("lines")) {
    auto l = read_line(row);
    const auto& id = l.line.id;
    if (!numbers.emplace(id, l.msisdn.empty() ? id : l.msisdn).second) row.fail("id", id + " is used twice");
    // Whether a lost answer hid a sent SMS cannot be known: it is told, not repeated.
    c.engine.core.endpoints["carrier:" + id].on_unknown = engine::unknown_policy::fail;
    c.goip.lines.push_back(std::move(l));
  }
  if (numbers.empty()) reader.warn("lines", "there are none: no device is answered");
}

void read_users(config_reader& reader, goip_xmpp_config& c, const std::map<std::string, std::string>& numbers) {
  for (auto& row : reader.tables("users")) {
    xmpp_user u;
    const auto given = row.required_text("jid", 1023);
    const auto line = row.required_text("line", 64);
    u.may_send_to = read_pattern(row, "allow");
    const auto jid = xmppcomp::jid::parse(given);
    const auto number = numbers.find(line);
    if (!line.empty() && number == numbers.end()) row.fail("line", line + " is none of [[lines]]");
    if (!given.empty() && (!jid || jid->local().empty() || !jid->is_bare()))
      row.fail("jid", given + " is not of the form name@domain");
    if (!jid || number == numbers.end()) continue;
    u.jid = u.name = jid->to_string();
    u.number = number->second;
    if (!c.line_of_user.emplace(u.jid, line).second) row.fail("jid", u.jid + " is used twice");
    const auto user = "client:" + u.name, carrier = "carrier:" + line;
    c.routes.push_back({.name = "from " + u.jid, .account = user, .targets = {{.endpoint = carrier}}});
    if (c.receiver_of_line.emplace(line, u.jid).second)
      c.routes.push_back({.name = "from line " + line, .account = carrier, .targets = {{.endpoint = user}}});
    c.xmpp.users.push_back(std::move(u));
  }
  for (const auto& [line, ignored] : numbers)
    if (!c.receiver_of_line.contains(line)) reader.warn("users", "nobody gets what arrives on line " + line);
}

}  // namespace

goip_xmpp_config read_goip_xmpp_config(config_reader& reader) {
  goip_xmpp_config c;
  c.store = read_store_config(reader.table("store"), "var/goip_xmpp.db");
  auto goip = reader.table("goip");
  const auto listen = goip.endpoint("listen", {.host = "127.0.0.1", .port = 44444});
  c.goip.server.listen = {{listen.host, listen.port}};
  auto xmpp = reader.table("xmpp");
  const auto server = xmpp.endpoint("server", {.host = "127.0.0.1", .port = 5347});
  c.xmpp.component.connect.host = server.host;
  c.xmpp.component.connect.port = server.port;
  c.xmpp.component.session.domain = xmpp.required_text("domain", 1023);
  c.xmpp.component.session.secret = xmpp.required_secret("secret");
  c.xmpp.component.session.server = xmpp.text("ping", "", 1023);
  c.xmpp.gateway_name = xmpp.text("name", "SMS gateway", 128);
  c.xmpp.numbers.country_code = xmpp.text("country_code", "", 3);
  std::map<std::string, std::string> numbers;
  read_lines(reader, c, numbers);
  read_users(reader, c, numbers);
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2790});
  return c;
}

}  // namespace msgkit::app
