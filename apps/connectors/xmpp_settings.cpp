#include "connectors/xmpp_settings.hpp"

#include <algorithm>
#include <set>

#include "connectors/number_pattern.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

xmpp_user read_user(config_reader& r, xmpp_rows rows) {
  xmpp_user u;
  u.jid = r.required_text("jid", 2'000);
  const auto jid = xmppcomp::jid::parse(u.jid);
  if (!u.jid.empty() && (!jid || jid->local().empty() || !jid->is_bare()))
    r.fail("jid", u.jid + " is no bare address like alice@example.org");
  u.name = r.text("name", u.jid, 64);
  u.number = rows == xmpp_rows::complete ? r.required_text("number", 32) : r.text("number", "", 32);
  if (const auto allowed = r.text("allow", "", number_pattern_octets_max); !allowed.empty()) {
    std::string why;
    u.may_send_to = number_pattern(allowed, why);
    if (!u.may_send_to) r.fail("allow", why);
  }
  u.window = r.u32("window", 100, 1, 10'000);
  return u;
}

}  // namespace

xmpp_settings read_xmpp(config_reader r, xmpp_rows rows) {
  xmpp_settings out;
  auto& c = out.options.component;
  const auto server = r.endpoint("server", {.host = "127.0.0.1", .port = 5347});
  c.connect.host = server.host;
  c.connect.port = server.port;
  c.session.domain = r.required_text("domain", 1'000);
  if (!c.session.domain.empty() && !xmppcomp::jid::parse(c.session.domain))
    r.fail("domain", c.session.domain + " is no domain like sms.example.org");
  c.session.secret = r.required_secret("secret");
  c.session.server = r.text("ping", "", 1'000);
  c.session.ping_interval = r.time("ping_interval", 30s, 1s, 1h);
  c.session.ping_timeout = r.time("ping_timeout", 15s, 1s, 1h);
  out.options.gateway_name = r.text("gateway_name", "SMS gateway", 200);
  out.options.numbers.country_code = r.text("country_code", "", 3);
  if (!std::ranges::all_of(out.options.numbers.country_code, [](char d) { return d >= '0' && d <= '9'; }))
    r.fail("country_code", "is not 1..3 digits like 47");
  std::set<std::string> jids;
  for (auto& row : r.tables("users")) {
    out.options.users.push_back(read_user(row, rows));
    auto& ways = out.ways.emplace_back();
    ways.carrier = row.text("carrier", "", 64);
    if (rows == xmpp_rows::partial) ways.more = row.texts("more_carriers"), ways.receives = row.flag("receives", true);
    if (!jids.insert(out.options.users.back().jid).second)
      row.fail("jid", out.options.users.back().jid + " is used twice");
  }
  if (out.options.users.empty() && rows == xmpp_rows::complete)
    r.fail("users", "needs at least one [[xmpp.users]] with jid and number");
  return out;
}

}  // namespace msgkit::app
