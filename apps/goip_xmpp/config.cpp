#include "goip_xmpp/config.hpp"

#include <algorithm>

#include "connectors/number_pattern.hpp"
#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

// The lines of [[goip.lines]] that a user of [[xmpp.users]] has are those of his carriers.
void check_carriers(config_reader& reader, const goip_xmpp_config& c) {
  std::set<std::string> carriers, served;
  for (const auto& l : c.goip.lines) carriers.insert(l.carrier);
  for (std::size_t i = 0; i < c.xmpp.options.users.size(); ++i) {
    const auto& ways = c.xmpp.ways[i];
    if (ways.carrier.empty())
      reader.fail("xmpp.users", c.xmpp.options.users[i].jid + " needs a carrier: the id of a line");
    auto all = ways.more;
    if (!ways.carrier.empty()) all.push_back(ways.carrier);
    for (const auto& carrier : all) {
      if (!carriers.contains(carrier)) reader.fail("xmpp.users", "carrier " + carrier + " is none of [[goip.lines]]");
      if (ways.receives) served.insert(carrier);
    }
  }
  if (!c.fallback.empty()) return;
  for (const auto& l : c.goip.lines)
    if (!served.contains(l.carrier)) reader.warn("goip.lines", "nobody gets what arrives on " + l.line.id);
}

bool is_user_address(const std::string& text) {
  const auto jid = xmppcomp::jid::parse(text);
  return jid && !jid->local().empty() && jid->is_bare();
}

class planner {
 public:
  explicit planner(bridge_plan& out) : plan_(out) {}

  void add_line(goip_line l, bool enabled) {
    l.line.enabled = l.line.enabled && enabled;
    l.sent_is_delivered = true;  // who writes hears of it, also where no reports come
    auto& c = carriers_[l.carrier];
    c.lines.push_back(l.line.id);
    if (c.number.empty()) c.number = l.msisdn;
    plan_.lines.push_back(std::move(l));
  }

  // The first of `ways` is the way out.
  void add_user(xmpp_user u, const xmpp_ways& ways) {
    const auto parsed = xmppcomp::jid::parse(u.jid);
    const auto first = carriers_.find(ways.carrier);
    if (!parsed || first == carriers_.end()) return;
    u.jid = u.name = parsed->to_string();
    if (u.number.empty()) u.number = first->second.number;
    if (u.number.empty()) u.number = first->second.lines.front();
    const auto jid = u.jid;
    plan_.users.push_back(std::move(u));
    plan_.routes.push_back(
        {.name = "from " + jid, .account = "client:" + jid, .targets = {{.endpoint = "carrier:" + ways.carrier}}});
    add_carrier(plan_.users.back(), ways.carrier, ways.receives);
    for (const auto& each : ways.more) add_way(jid, each, ways.receives);
  }
  // One more carrier of somebody who has one: he answers over it who wrote to its number.
  void add_way(const std::string& jid, const std::string& carrier, bool receives) {
    const auto user = std::ranges::find(plan_.users, jid, &xmpp_user::jid);
    const auto at = carriers_.find(carrier);
    if (user == plan_.users.end() || at == carriers_.end()) return;
    add_carrier(*user, carrier, receives);
    const auto& number = at->second.number;
    const auto digits = number.starts_with('+') ? number.substr(1) : number;
    if (!digits.empty())
      plan_.routes.push_back({.name = "from " + jid + " as " + number,
                              .source_prefix = digits,
                              .account = "client:" + jid,
                              .targets = {{.endpoint = "carrier:" + carrier}}});
  }
  // What has no user, and what came back. He cannot write, unless he is a user besides.
  void set_fallback(const std::string& jid) {
    const auto parsed = xmppcomp::jid::parse(jid);
    if (!parsed) return;
    const auto name = parsed->to_string();
    if (std::ranges::find(plan_.users, name, &xmpp_user::jid) == plan_.users.end())
      plan_.users.push_back({.jid = name, .name = name});
    plan_.routes.push_back(
        {.name = "given back", .account = std::string(returned_account), .targets = {{.endpoint = "client:" + name}}});
    for (const auto& [carrier, c] : carriers_)
      if (c.receivers.empty()) add_receiver(carrier, name);
  }
  void finish() {
    for (auto& l : plan_.lines) l.copies = carriers_[l.carrier].copies;
  }

 private:
  struct sim_group {
    std::vector<std::string> lines{};
    std::string number{};
    std::vector<std::string> receivers{};
    std::vector<std::string> copies{};  // accounts of the receivers after the first
  };

  void add_carrier(xmpp_user& u, const std::string& name, bool receives) {
    const auto& c = carriers_[name];
    auto& lines = plan_.lines_of_user[u.jid];
    if (std::ranges::find(lines, c.lines.front()) != lines.end()) return;  // named twice
    lines.insert(lines.end(), c.lines.begin(), c.lines.end());
    if (!c.number.empty()) u.numbers.push_back(c.number);
    if (receives) add_receiver(name, u.jid);
  }
  void add_receiver(const std::string& name, const std::string& jid) {
    auto& c = carriers_[name];
    auto account = "carrier:" + name;
    if (!c.receivers.empty()) c.copies.push_back(account += " for " + jid);
    c.receivers.push_back(jid);
    plan_.routes.push_back(
        {.name = "from line " + name + " to " + jid, .account = account, .targets = {{.endpoint = "client:" + jid}}});
    for (const auto& id : c.lines) plan_.receivers_of_line[id].push_back(jid);
  }

  bridge_plan& plan_;
  std::map<std::string, sim_group> carriers_;
};

// Empty when the line can be used.
std::string problem_of(const stored_line& l, const bridge_plan& plan, xmpp_user& user) {
  for (const auto& known : plan.lines)
    if (known.line.id == l.id) return "its id " + l.id + " is in use";
  if (!is_user_address(l.jid)) return l.jid + " is no bare address like alice@example.org";
  std::string why;
  if (!l.allow.empty()) user.may_send_to = number_pattern(l.allow, why);
  return why;
}

// A user of several lines may write where the patterns of all of them permit it.
void restrict_more(xmpp_user& u, std::function<bool(const std::string&)> also) {
  if (!also) return;
  if (!u.may_send_to) u.may_send_to = std::move(also);
  else
    u.may_send_to = [first = std::move(u.may_send_to), second = std::move(also)](const std::string& number) {
      return first(number) && second(number);
    };
}

}  // namespace

goip_xmpp_config read_goip_xmpp_config(config_reader& reader) {
  goip_xmpp_config c;
  c.store = read_store_config(reader.table("store"), "var/goip_xmpp.db");
  c.goip = read_goip(reader.table("goip"), true);
  c.xmpp = read_xmpp(reader.table("xmpp"), xmpp_rows::partial);
  const auto& domain = c.xmpp.options.component.session.domain;
  c.user_domain = reader.text("xmpp.user_domain", domain.substr(std::min(domain.size(), domain.find('.') + 1)), 1'000);
  c.fallback = reader.text("xmpp.fallback", "", 1'000);
  if (!c.fallback.empty() && !is_user_address(c.fallback))
    reader.fail("xmpp.fallback", c.fallback + " is no bare address like operator@example.org");
  if (!c.fallback.empty()) c.xmpp.options.returned_account = returned_account;
  check_carriers(reader, c);
  auto records = reader.table("records");
  c.records_path = records.text("path", "var/goip_xmpp_records.db");
  c.log_time = std::chrono::hours{24 * records.u32("log_days", 30, 0, 36'500)};
  c.notices = reader.flag("notices", true);
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2790});
  c.engine.processor.retention = c.log_time;
  // People wait: soon again at first, and for some hours.
  c.engine.core.retry.initial = 1s;
  c.engine.core.attempts_max = 60;
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
    p.add_user(config.xmpp.options.users[i], config.xmpp.ways[i]);
  for (const auto& s : stored) {
    xmpp_user user{.jid = s.jid, .number = s.number};
    if (auto why = problem_of(s, plan, user); !why.empty()) {
      plan.problems.push_back(s.extension + ": " + why);
      continue;
    }
    user.jid = xmppcomp::jid::parse(s.jid)->to_string();
    goip_line line;
    line.line.id = line.carrier = s.id;
    line.line.password = s.password;
    line.msisdn = s.number;
    p.add_line(std::move(line), !switched_off.contains(s.id));
    const auto known = std::ranges::find(plan.users, user.jid, &xmpp_user::jid);
    if (known == plan.users.end()) {
      p.add_user(std::move(user), {.carrier = s.id});
      continue;
    }
    restrict_more(*known, std::move(user.may_send_to));
    p.add_way(user.jid, s.id, true);
  }
  if (!config.fallback.empty()) p.set_fallback(config.fallback);
  p.finish();
  return plan;
}

}  // namespace msgkit::app
