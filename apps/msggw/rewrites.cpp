#include "msggw/rewrites.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "common/log.hpp"
#include "connectors/sms_text_codec.hpp"
#include "msggw/directory/rewrite_of.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"rewrites"};

// One table of the file by the object's own description of itself.
struct table_reader {
  config_reader& r;

  void text(std::string_view key, std::string& v, const text_rule& rule) {
    v = r.text(key, v, rule.max);
    if (!v.empty() && rule.accepts != nullptr && !rule.accepts(v))
      r.fail(key, v + " is not " + std::string(rule.expects));
  }
  void texts(std::string_view key, std::vector<std::string>& v, const list_rule& rule) {
    v = r.texts(key);
    if (v.size() > rule.items_max) r.fail(key, "has more than " + std::to_string(rule.items_max) + " items");
  }
  void flag(std::string_view key, bool& v) { v = r.flag(key, v); }
  void number(std::string_view key, std::uint32_t& v, const number_rule& rule) {
    v = r.u32(key, v, static_cast<std::uint32_t>(rule.min), static_cast<std::uint32_t>(rule.max));
  }
  template <class E>
  void choice(std::string_view key, E& v, std::initializer_list<name_of<E>> names) {
    const auto word = r.text(key, {}, 32);
    if (word.empty()) return;
    const auto at = std::ranges::find(names, std::string_view{word}, &name_of<E>::name);
    if (at != names.end()) v = at->value;
    else r.fail(key, word + " is no " + std::string(key));
  }
};

void add(const rewrite& r, std::vector<engine::rewrite_rule>& out) {
  if (!r.enabled) return;
  std::string why;
  engine::rewrite_rule rule;
  if (read_rule(r, rule, why)) out.push_back(std::move(rule));
  else log_.error("a rule is left out", {{"rule", r.name}, {"reason", why}});
}

}  // namespace

std::vector<rewrite> read_rewrites(config_reader& all) {
  std::vector<rewrite> out;
  for (auto& row : all.tables("rewrites")) {
    table_reader reader{row};
    rewrite::fields(reader, out.emplace_back());
    std::string why;
    engine::rewrite_rule rule;
    if (!read_rule(out.back(), rule, why)) row.fail("name", why);
  }
  if (out.size() > engine::rewrite_rules_max) all.fail("rewrites", "are more than 1000");
  return out;
}

std::shared_ptr<const engine::rewrite_rules> rewrites_of(const std::vector<rewrite>& fixed,
                                                         const directory_snapshot& managed) {
  std::vector<engine::rewrite_rule> rules;
  for (const auto& r : fixed) add(r, rules);
  std::vector<const rewrite*> more;
  for (const auto& [id, r] : managed.all<rewrite>()) more.push_back(r.get());
  std::ranges::stable_sort(more, {}, &rewrite::position);
  for (const auto* r : more) add(*r, rules);
  if (rules.empty()) return nullptr;
  if (rules.size() > engine::rewrite_rules_max) {
    log_.error("too many rules: the last ones are left out", {{"rules", rules.size()}});
    rules.resize(engine::rewrite_rules_max);
  }
  std::unordered_map<std::string, std::string> tags;
  for (const auto& [id, n] : managed.all<client_number>())
    if (!n->tag.empty()) tags.emplace(n->number, n->tag);
  return std::make_shared<const engine::rewrite_rules>(std::move(rules), std::make_shared<sms_text_codec>(),
                                                       std::move(tags));
}

}  // namespace msgkit::app
