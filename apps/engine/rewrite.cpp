#include "engine/rewrite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/number.hpp"
#include "engine/text_fold.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t name_octets_max = 64, pattern_octets_max = 64, number_octets_max = 20, sender_octets_max = 11;
constexpr std::size_t trace_octets_max = 255, text_octets_max = 32 * 1024;
constexpr std::uint16_t day_minutes = 1'440;
constexpr std::uint8_t type_unknown = 0, type_international = 1, type_alphanumeric = 5, plan_none = 0, plan_e164 = 1;

constexpr refusal refusals_of_rules[]{refusal::blocked, refusal::no_route, refusal::invalid, refusal::queue_full};

bool is_digits(std::string_view t) noexcept {
  return !t.empty() && std::ranges::all_of(t, [](char c) { return c >= '0' && c <= '9'; });
}
bool is_number(std::string_view t) noexcept { return is_digits(t.starts_with('+') ? t.substr(1) : t); }

// ---- what a rule may be -------------------------------------------------------------------------------------------

struct rule_check {
  const rewrite_rule& r;

  [[noreturn]] void fail(std::string_view field, std::string_view why) const {
    throw std::invalid_argument(fmt::format("rewrite \"{}\": {}: {}", r.name, field, why));
  }
  void at_most(std::string_view field, std::string_view value, std::size_t max) const {
    if (value.size() > max) fail(field, fmt::format("{} octets are more than {}", value.size(), max));
  }

  void number(std::string_view field, const number_rewrite& n, bool name_allowed) const {
    if (!n.country.empty() && find_country(n.country) == nullptr) fail(field, n.country + " is no country like SE");
    at_most(field, n.strip, number_octets_max);
    at_most(field, n.add, number_octets_max);
    if (!n.replace.empty() && (!n.country.empty() || !n.strip.empty() || !n.add.empty()))
      fail(field, "replace goes with no other change");
    if (n.replace.size() > rewrite_pool_max)
      fail(field, fmt::format("replace: {} is outside 1..{}", n.replace.size(), rewrite_pool_max));
    for (const auto& v : n.replace) {
      if (is_number(v) && v.size() <= number_octets_max) continue;
      const bool printable = std::ranges::all_of(v, [](char c) { return c >= ' ' && c <= '~'; });
      if (!name_allowed || v.empty() || v.size() > sender_octets_max || !printable)
        fail(field, fmt::format("replace: \"{}\" is {}", v,
                                name_allowed ? "neither a number nor a name of 1..11 characters" : "no number"));
    }
  }

  void operator()() const {
    if (r.name.empty() || r.name.size() > name_octets_max) fail("name", "1..64 octets are needed");
    for (const auto& [field, value] : {std::pair{"source", &r.source}, {"destination", &r.destination}})
      at_most(field, *value, pattern_octets_max);
    at_most("account", r.account, account_octets_max);
    at_most("carrier", r.carrier, account_octets_max);
    at_most("tag", r.tag, name_octets_max);
    at_most("set_tag", r.set_tag, name_octets_max);
    at_most("text_begins", r.text_begins, 160);
    if (!r.keyword.empty() && fold_word(r.keyword) != fold_text(r.keyword)) fail("keyword", "one word is needed");
    if (!r.text_begins.empty() && fold_text(r.text_begins).empty()) fail("text_begins", "has no letters");
    if (r.hours.begin >= day_minutes || r.hours.end >= day_minutes) fail("hours", "outside 00:00..23:59");
    if ((r.hours.days & 0x7F) == 0) fail("days", "at least one is needed");
    number("source", r.new_source, true);
    number("destination", r.new_destination, false);
    for (const auto& [field, value] : {std::pair{"text_prefix", &r.text_prefix},
                                       {"text_suffix", &r.text_suffix},
                                       {"text_find", &r.text_find},
                                       {"text_replace", &r.text_replace}})
      at_most(field, *value, rewrite_text_octets_max);
    if (r.text_find.empty() && !r.text_replace.empty()) fail("text_replace", "text_find is needed with it");
    if (r.priority && *r.priority > 3) fail("priority", fmt::format("{} is outside 0..3", *r.priority));
    if (r.validity.count() < 0) fail("validity", "must not be negative");
    if (!r.route_to.empty() && !r.route_to.starts_with("carrier:") && !r.route_to.starts_with("client:"))
      fail("route_to", "must be carrier:NAME or client:NAME");
    if (r.refuse && std::ranges::find(refusals_of_rules, *r.refuse) == std::end(refusals_of_rules))
      fail("refuse", "must be one of blocked, no_route, invalid, queue_full");
    if (r.refuse && r.drop) fail("drop", "goes not with refuse");
    if (!r.carrier.empty() && (r.priority || r.validity.count() != 0 || !r.route_to.empty()))
      fail("carrier", "priority, validity and route_to are for rules without carrier: they apply before routing");
  }
};

// ---- one message through the rules --------------------------------------------------------------------------------

std::uint64_t hash_of(std::string_view text) noexcept {  // FNV-1a: the same everywhere
  std::uint64_t h = 14695981039346656037ull;
  for (const char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 1099511628211ull;
  return mix(h);
}

// Another number's type where the value tells.
void retype(address& a) {
  if (a.value.starts_with('0')) a.type = type_unknown, a.plan = plan_e164;
}

bool rewrite(address& a, const number_rewrite& how, std::string_view recipient) {
  const auto before = a;
  if (!how.replace.empty()) {
    const auto& chosen = how.replace[how.replace.size() == 1 ? 0 : hash_of(recipient) % how.replace.size()];
    const bool number = is_number(chosen);
    a = {number ? type_international : type_alphanumeric, number ? plan_e164 : plan_none,
         chosen.starts_with('+') ? chosen.substr(1) : chosen};
    return a != before;
  }
  if (!how.country.empty())
    if (auto e164 = to_e164(a.value, how.country)) a = {type_international, plan_e164, *std::move(e164)};
  if ((!how.strip.empty() || !how.add.empty()) && a.value.starts_with(how.strip)) {
    auto value = how.add + a.value.substr(how.strip.size());
    if (!value.empty() && value.size() <= address_octets_max) {
      a.value = std::move(value);
      retype(a);
    }
  }
  return a != before;
}

std::string filled(std::string_view pattern, const message_content& c) {
  const auto account = std::string_view{c.account}.substr(c.account.find(':') + 1);
  const std::pair<std::string_view, std::string_view> places[]{
      {"{from}", c.source.value}, {"{to}", c.destination.value}, {"{account}", account}};
  std::string out;
  while (!pattern.empty()) {
    const auto* at = std::ranges::find_if(places, [&](const auto& p) { return pattern.starts_with(p.first); });
    if (at == std::end(places)) {
      out += pattern.front();
      pattern.remove_prefix(1);
    } else {
      out += at->second;
      pattern.remove_prefix(at->first.size());
    }
  }
  return out;
}

// One message on its way through a list of rules. Copies it when the first rule changes something.
class passage {
 public:
  passage(const content_ptr& c, std::string_view tag, const text_codec* codec,
          const std::unordered_map<std::string, std::string>& tags, wall_time now)
      : original_(*c), now_(now), codec_(codec), tags_(tags) {
    out_.content = c;
    out_.tag = !tag.empty() ? tag : tag_of(c->source.value);
    if (out_.tag.empty()) out_.tag = tag_of(c->destination.value);
  }

  bool fits(const rewrite_rule& r, std::string_view endpoint) {
    const auto& c = *out_.content;
    const bool from_client = c.account.starts_with("client:"), from_carrier = c.account.starts_with("carrier:");
    if (r.origin == rewrite_origin::clients && !from_client) return false;
    if (r.origin == rewrite_origin::carriers && !from_carrier) return false;
    const auto agrees = [](const std::string& pattern, std::string_view value) {
      return pattern.empty() || matches_pattern(pattern, value);
    };
    if (!agrees(r.carrier, endpoint) || !agrees(r.account, c.account) || !agrees(r.source, c.source.value) ||
        !agrees(r.destination, c.destination.value))
      return false;
    if (!r.tag.empty() && out_.tag != r.tag) return false;
    if (r.hours != time_window{} && !r.hours.contains(now_)) return false;
    if (r.keyword.empty() && r.text_begins.empty()) return true;
    if (text() == nullptr) return false;
    return (r.keyword.empty() || fold_word(*text()) == fold_word(r.keyword)) &&
           (r.text_begins.empty() || fold_text(*text()).starts_with(fold_text(r.text_begins)));
  }

  void carry_out(const rewrite_rule& r) {
    out_.refused = r.refuse;
    out_.dropped = r.drop;
    if (!r.set_tag.empty()) out_.tag = r.set_tag;
    if (!r.route_to.empty()) out_.endpoint = r.route_to;
    // Texts name the numbers as this rule found them.
    if (!r.text_prefix.empty() || !r.text_suffix.empty() || !r.text_find.empty()) change_text(r);
    if (r.charset != text_charset::as_needed) charset_ = r.charset;
    if (r.new_source.any()) {
      auto a = out_.content->source;
      if (rewrite(a, r.new_source, original_.destination.value)) mine().source = std::move(a);
    }
    if (r.new_destination.any()) {
      auto a = out_.content->destination;
      if (rewrite(a, r.new_destination, original_.destination.value)) mine().destination = std::move(a);
    }
    if (r.priority && *r.priority != out_.content->priority) mine().priority = *r.priority;
    if (r.validity.count() != 0) mine().valid_until = std::max(now_, original_.schedule_at) + r.validity;
    if (out_.rules.size() + r.name.size() + 2 <= trace_octets_max)
      out_.rules.append(out_.rules.empty() ? "" : ", ").append(r.name);
  }

  rewritten finish() {
    if ((text_changed_ || charset_ != text_charset::as_needed) && text() != nullptr) {
      auto with_text = *out_.content;
      if (codec_->write(with_text, *text_, charset_)) mine() = std::move(with_text);
    }
    return std::move(out_);
  }
  [[nodiscard]] bool ended() const noexcept { return out_.refused || out_.dropped; }

 private:
  message_content& mine() {
    if (!mine_) {
      mine_ = std::make_shared<message_content>(*out_.content);
      out_.content = mine_;
    }
    return *mine_;
  }
  const std::string* text() {
    if (!text_read_ && codec_ != nullptr) text_ = codec_->read(original_);
    text_read_ = true;
    return text_ ? &*text_ : nullptr;
  }
  // Of the client's number.
  [[nodiscard]] std::string_view tag_of(const std::string& number) const {
    const auto at = tags_.find(number);
    return at == tags_.end() ? std::string_view{} : std::string_view{at->second};
  }
  void change_text(const rewrite_rule& r) {
    if (text() == nullptr) return;
    std::string made;
    if (r.text_find.empty()) {
      made = *text_;
    } else {
      const auto instead = filled(r.text_replace, *out_.content);
      std::size_t at = 0;
      for (auto found = text_->find(r.text_find); found != std::string::npos; found = text_->find(r.text_find, at)) {
        made.append(*text_, at, found - at).append(instead);
        at = found + r.text_find.size();
        if (made.size() > text_octets_max) return;
      }
      made.append(*text_, at);
    }
    made.insert(0, filled(r.text_prefix, *out_.content));
    made += filled(r.text_suffix, *out_.content);
    if (made.size() > text_octets_max || made == *text_) return;
    text_ = std::move(made);
    text_changed_ = true;
  }

  const message_content& original_;
  wall_time now_;
  const text_codec* codec_;
  const std::unordered_map<std::string, std::string>& tags_;
  rewritten out_;
  std::shared_ptr<message_content> mine_;
  std::optional<std::string> text_;
  bool text_read_ = false, text_changed_ = false;
  text_charset charset_ = text_charset::as_needed;
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0, star = std::string_view::npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {  // the latest star takes one more
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::optional<refusal> refusal_of_rule(std::string_view word) noexcept {
  for (const auto r : refusals_of_rules)
    if (name(r) == word) return r;
  return std::nullopt;
}

rewrite_rules::rewrite_rules(std::vector<rewrite_rule> rules, std::shared_ptr<const text_codec> codec,
                             std::unordered_map<std::string, std::string> tags)
    : codec_(std::move(codec)), tags_(std::move(tags)) {
  if (rules.size() > rewrite_rules_max)
    throw std::invalid_argument(fmt::format("rewrites: {} is outside 0..{}", rules.size(), rewrite_rules_max));
  for (auto& r : rules) {
    rule_check{r}();
    (r.carrier.empty() ? intake_ : towards_).push_back(std::move(r));
  }
}

rewritten rewrite_rules::run(const std::vector<rewrite_rule>& rules, std::string_view endpoint, const content_ptr& c,
                             std::string_view tag, wall_time now) const {
  passage way{c, tag, codec_.get(), tags_, now};
  if (c->kind == message_kind::receipt) return way.finish();
  for (const auto& r : rules) {
    if (!way.fits(r, endpoint)) continue;
    way.carry_out(r);
    if (way.ended() || r.stop) break;
  }
  return way.finish();
}

rewritten rewrite_rules::on_intake(const content_ptr& c, wall_time accepted_at) const {
  return run(intake_, {}, c, {}, accepted_at);
}

rewritten rewrite_rules::towards(std::string_view endpoint, const content_ptr& c, std::string_view tag,
                                 wall_time now) const {
  return run(towards_, endpoint, c, tag, now);
}

}  // namespace msgkit::engine
