#include "msggw/client_set.hpp"

#include <algorithm>
#include <unordered_map>

#include "common/log.hpp"
#include "msggw/media/mm4_directory.hpp"
#include "msggw/policy_of.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"clients"};

smpp_account account_of(const client& c) {
  smpp_account a;
  a.system_id = c.username;
  a.password = c.password;
  a.name = c.username;
  a.binds_max = c.binds_max;
  a.segments_per_second = c.settings.segments_per_second;
  a.profile.transliterate_sent = c.settings.transliterate;
  if (auto ranges = ip_ranges::parse(c.allowed_addresses)) a.allowed_addresses = *std::move(ranges);
  if (!c.settings.any_sender) a.senders.emplace();  // its numbers follow
  return a;
}

}  // namespace

std::vector<smpp_account> accounts_of(const std::vector<smpp_account>& fixed, const directory_snapshot& managed) {
  auto all = fixed;
  for (const auto& [id, c] : managed.all<client>()) {
    if (!c->enabled || c->type != client_type::legacy) continue;
    const bool hidden = std::ranges::any_of(
        fixed, [&](const smpp_account& a) { return a.system_id == c->username || a.name == c->username; });
    if (hidden) log_.warn("a client of the directory is hidden by the configuration file's", {{"client", c->username}});
    else all.push_back(account_of(*c));
  }
  std::unordered_map<std::string_view, smpp_account*> restricted;
  for (auto& a : all)
    if (a.senders) restricted.emplace(a.name, &a);
  for (const auto& [id, n] : managed.all<client_number>())
    if (const auto owner = managed.find<client>(n->client_id))
      if (const auto found = restricted.find(owner->username); found != restricted.end())
        found->second->senders->insert(n->number);
  return all;
}

std::vector<web_client> web_clients_of(const directory_snapshot& managed) {
  std::map<object_id, web_client> all;
  for (const auto& [id, c] : managed.all<client>()) {
    if (!c->enabled || c->type != client_type::web) continue;
    const auto& s = c->settings;
    auto& w = all[id];
    w.name = c->username;
    w.url = s.default_webhook;
    for (const auto* secret : {&s.webhook_secret, &s.webhook_secret_old})
      if (!secret->empty()) w.secrets.push_back(*secret);
    w.format = s.format == api_format::telnyx  ? webhook_format::telnyx
               : s.format == api_format::bicom ? webhook_format::bicom
                                               : webhook_format::generic;
    w.raw_segments = s.include_raw_segments;
    w.in_class = c->in_class;
    w.retries = s.webhook_retries;
    w.timeout = std::chrono::seconds{s.webhook_timeout_secs};
  }
  for (const auto& [id, n] : managed.all<client_number>())
    if (const auto owner = all.find(n->client_id); owner != all.end())
      owner->second.numbers[n->number] = {.url = n->webhook, .tag = n->tag, .group = n->group};
  std::vector<web_client> out;
  for (auto& [id, w] : all) out.push_back(std::move(w));
  return out;
}

std::vector<engine::route> routes_of(const std::vector<engine::route>& fixed, const directory_snapshot& managed,
                                     bool mm4) {
  auto all = fixed;
  for (const auto& [id, n] : managed.all<client_number>()) {
    const auto owner = managed.find<client>(n->client_id);
    if (!owner) continue;
    const auto endpoint = "client:" + owner->username;
    engine::route in{.name = "number " + n->number, .destination = n->number, .destination_exact = true};
    in.targets.push_back({.endpoint = endpoint});
    const bool by_mm4 = mm4 && has_mm4(*owner);
    if (by_mm4) {
      auto media = in;
      media.name = "MMS for " + n->number;
      media.media_only = true;
      media.targets.front().endpoint = mm4_endpoint_of(*owner);
      all.push_back(std::move(media));
    }
    all.push_back(std::move(in));
    if (n->carrier.empty()) continue;
    engine::route out{.name = "carrier of " + n->number, .source_prefix = n->number, .account = endpoint};
    out.targets.push_back({.endpoint = "carrier:" + n->carrier});
    if (n->settings.auto_reply_enabled) {  // what the number says by itself takes the same way
      auto answers = out;
      answers.name = "answers of " + n->number;
      answers.account = "care:" + replying_pool(n->number);
      all.push_back(std::move(answers));
    }
    if (by_mm4) {
      auto media = out;
      media.name = "carrier of MMS of " + n->number;
      media.account = mm4_endpoint_of(*owner);
      all.push_back(std::move(media));
    }
    all.push_back(std::move(out));
  }
  for (const auto& [id, r] : managed.all<routing_rule>()) {
    engine::route rule{.name = r->name,
                       .destination = r->destination,
                       .destination_exact = r->exact,
                       .source_prefix = r->source,
                       .account = r->account,
                       .cheapest_first = r->cheapest_first,
                       .quality_min = r->quality_min};
    for (const auto& hop : r->to)
      rule.targets.push_back(
          {.endpoint = hop.endpoint, .priority = hop.priority, .weight = hop.weight, .cost = hop.cost});
    all.push_back(std::move(rule));
  }
  return all;
}

std::map<std::string, std::string, std::less<>> protocols_of(const std::vector<smpp_account>& fixed_clients,
                                                             const std::vector<smpp_carrier_options>& fixed_carriers,
                                                             const directory_snapshot& managed,
                                                             std::map<std::string, std::string, std::less<>> more) {
  for (const auto& a : fixed_clients) more.emplace("client:" + a.name, "smpp");
  for (const auto& c : fixed_carriers) more.emplace("carrier:" + c.name, "smpp");
  for (const auto& [id, c] : managed.all<client>())
    more.emplace("client:" + c->username, c->type == client_type::web ? "http" : "smpp");
  for (const auto& [id, c] : managed.all<client>())
    if (has_mm4(*c)) more.emplace(mm4_endpoint_of(*c), "mm4");
  for (const auto& [id, c] : managed.all<carrier>()) more.emplace("carrier:" + c->name, c->type);
  return more;
}

}  // namespace msgkit::app
