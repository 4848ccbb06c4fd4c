#include "goip_xmpp/config.hpp"

#include "connectors/number_pattern.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

// The lines of [[goip.lines]] that a user of [[xmpp.users]] has are those of his carrier.
void check_carriers(config_reader& reader, const goip_xmpp_config& c) {
  std::set<std::string> carriers, served;
  for (const auto& l : c.goip.lines) carriers.insert(l.carrier);
  for (std::size_t i = 0; i < c.xmpp.options.users.size(); ++i) {
    const auto& carrier = c.xmpp.carriers[i];
    const auto& jid = c.xmpp.options.users[i].jid;
    if (carrier.empty()) reader.fail("xmpp.users", jid + " needs a carrier: the id of a line");
    else if (!carriers.contains(carrier))
      reader.fail("xmpp.users", "carrier " + carrier + " is none of [[goip.lines]]");
    served.insert(carrier);
  }
  for (const auto& l : c.goip.lines)
    if (!served.contains(l.carrier)) reader.warn("goip.lines", "nobody gets what arrives on " + l.line.id);
}

class planner {
 public:
  explicit planner(bridge_plan& out) : plan_(out) {}

  void add_line(goip_line l, bool enabled) {
    l.line.enabled = l.line.enabled && enabled;
    lines_of_carrier_[l.carrier].push_back(l.line.id);
    if (!l.msisdn.empty()) number_of_carrier_.emplace(l.carrier, l.msisdn);
    plan_.lines.push_back(std::move(l));
  }

  // The first user of a carrier gets what arrives on its lines.
  void add_user(xmpp_user u, const std::string& carrier) {
    const auto parsed = xmppcomp::jid::parse(u.jid);
    const auto lines = lines_of_carrier_.find(carrier);
    if (!parsed || lines == lines_of_carrier_.end()) return;
    u.jid = parsed->to_string();
    u.name = u.jid;
    if (const auto number = number_of_carrier_.find(carrier); u.number.empty() && number != number_of_carrier_.end())
      u.number = number->second;
    if (u.number.empty()) u.number = lines->second.front();
    const auto client = "client:" + u.name, endpoint = "carrier:" + carrier;
    plan_.routes.push_back({.name = "from " + u.jid, .account = client, .targets = {{.endpoint = endpoint}}});
    if (receivers_.insert(carrier).second) {
      plan_.routes.push_back({.name = "from line " + carrier, .account = endpoint, .targets = {{.endpoint = client}}});
      for (const auto& id : lines->second) plan_.receiver_of_line.emplace(id, u.jid);
    }
    plan_.lines_of_user[u.jid] = lines->second;
    plan_.users.push_back(std::move(u));
  }

 private:
  bridge_plan& plan_;
  std::map<std::string, std::vector<std::string>> lines_of_carrier_;
  std::map<std::string, std::string> number_of_carrier_;
  std::set<std::string> receivers_;
};

// Empty when the line can be used.
std::string problem_of(const stored_line& l, const bridge_plan& plan, xmpp_user& user) {
  for (const auto& known : plan.lines)
    if (known.line.id == l.id) return "its id " + l.id + " is in use";
  const auto jid = xmppcomp::jid::parse(l.jid);
  if (!jid || jid->local().empty() || !jid->is_bare()) return l.jid + " is no bare address like alice@example.org";
  if (plan.lines_of_user.contains(jid->to_string())) return l.jid + " has another line";
  std::string why;
  if (!l.allow.empty()) user.may_send_to = number_pattern(l.allow, why);
  return why;
}

}  // namespace

goip_xmpp_config read_goip_xmpp_config(config_reader& reader) {
  goip_xmpp_config c;
  c.store = read_store_config(reader.table("store"), "var/goip_xmpp.db");
  c.goip = read_goip(reader.table("goip"), true);
  c.xmpp = read_xmpp(reader.table("xmpp"), xmpp_rows::partial);
  const auto& domain = c.xmpp.options.component.session.domain;
  c.user_domain = reader.text("xmpp.user_domain", domain.substr(std::min(domain.size(), domain.find('.') + 1)), 1'000);
  check_carriers(reader, c);
  auto records = reader.table("records");
  c.records_path = records.text("path", "var/goip_xmpp_records.db");
  c.log_time = std::chrono::hours{24 * records.u32("log_days", 30, 0, 36'500)};
  c.notices = reader.flag("notices", true);
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2790});
  c.engine.processor.retention = c.log_time;
  // Whether a lost answer hid a sent SMS cannot be known: it is told, not repeated.
  c.engine.core.endpoints["carrier:*"].on_unknown = engine::unknown_policy::fail;
  return c;
}

bridge_plan make_plan(const goip_xmpp_config& config, const std::vector<stored_line>& stored,
                      const std::set<std::string>& switched_off) {
  bridge_plan plan;
  planner p(plan);
  for (const auto& l : config.goip.lines) p.add_line(l, !switched_off.contains(l.line.id));
  for (std::size_t i = 0; i < config.xmpp.options.users.size(); ++i)
    p.add_user(config.xmpp.options.users[i], config.xmpp.carriers[i]);
  for (const auto& s : stored) {
    xmpp_user user{.jid = s.jid, .number = s.number};
    if (auto why = problem_of(s, plan, user); !why.empty()) {
      plan.problems.push_back(s.extension + ": " + why);
      continue;
    }
    goip_line line;
    line.line.id = line.carrier = s.id;
    line.line.password = s.password;
    line.msisdn = s.number;
    p.add_line(std::move(line), !switched_off.contains(s.id));
    p.add_user(std::move(user), s.id);
  }
  return plan;
}

}  // namespace msgkit::app
