#include "msgkit/bridge/rules/rule.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/mqtt/topic.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::string_view variables[] = {"topic", "channel", "stream", "payload", "qos", "retain", "id", "now_ms"};
constexpr std::size_t redis_name_bytes_max = 512 * 1024;

std::string_view found_in(const std::vector<std::pair<std::string_view, std::string_view>>& all,
                          std::string_view name) {
  for (const auto& [key, v] : all)
    if (key == name) return v;
  return {};
}

std::string variable(const message& m, std::string_view name, std::int64_t now_ms) {
  if (name == "topic" || name == "channel" || name == "stream") return std::string(m.name);
  if (name == "payload") return std::string(m.payload);
  if (name == "qos") return std::to_string(m.qos);
  if (name == "retain") return m.retain ? "1" : "0";
  if (name == "id") return std::string(m.id);
  if (name == "now_ms") return std::to_string(now_ms);
  if (name.starts_with("prop:")) return std::string(found_in(m.user_properties, name.substr(5)));
  return std::string(found_in(m.fields, name.substr(6)));  // field:
}

bool is_name_valid(endpoint to, const std::string& name) {
  if (to == endpoint::mqtt) return mqtt::is_topic_name(name);
  return !name.empty() && name.size() <= redis_name_bytes_max;
}

}  // namespace

std::string rule::subscription() const {
  const auto& s = source_.subscription();
  return config_.share.empty() ? s : "$share/" + config_.share + "/" + s;
}

bool rule::compile(const rule_config& c, std::vector<rule_error>& errors) {
  config_ = c;
  std::string why;
  const auto fail = [&](std::string_view key) {
    errors.push_back({c.name, std::string(key), why});
    return false;
  };
  if ((c.from == endpoint::mqtt) == (c.to == endpoint::mqtt)) {
    why = "exactly one of source and target is MQTT";
    return fail("to");
  }
  if (c.qos > 2 || c.target_qos > 2) {
    why = "is outside 0..2";
    return fail("qos");
  }
  if (!c.share.empty() && (c.from != endpoint::mqtt || c.share.find_first_of("/+#") != std::string::npos)) {
    why = "is for MQTT sources, without / + and #";
    return fail("share");
  }
  if (c.single && c.from != endpoint::channel && c.from != endpoint::sharded) {
    why = "is for channels: other sources are shared already";
    return fail("single");
  }
  bool good = false;
  if (!c.regex.empty()) good = source_pattern::from_regex(c.regex, c.source, c.from == endpoint::mqtt, source_, why);
  else if (c.from == endpoint::mqtt) good = source_pattern::from_topic(c.source, source_, why);
  else if (c.is_pattern) good = source_pattern::from_glob(c.source, source_, why);
  else good = source_pattern::from_exact(c.source, source_);
  if (!good) {
    if (why.empty()) why = "is empty";
    return fail("from");
  }
  if (source_.capture_names().size() > 32) {
    why = "has more than 32 captures";
    return fail("from");
  }
  const auto is_known = [&](std::string_view name) {
    return std::ranges::find(variables, name) != std::end(variables) ||
           (name.starts_with("prop:") && c.from == endpoint::mqtt) ||
           (name.starts_with("field:") && c.from == endpoint::stream) ||
           std::ranges::find(source_.capture_names(), name) != source_.capture_names().end();
  };
  if (!name_template::parse(c.target, is_known, target_, why)) return fail("to");
  if (target_.is_constant() && !is_name_valid(c.to, c.target)) {
    why = c.target + " is not a topic name";
    return fail("to");
  }
  if (!c.dedupe.empty() && !name_template::parse(c.dedupe, is_known, dedupe_, why)) return fail("dedupe");
  if (!c.dedupe.empty() && (c.to == endpoint::mqtt || c.dedupe_ttl.count() < 1)) {
    why = c.to == endpoint::mqtt ? "is for targets in Redis" : "keeps names for less than 1 s";
    return fail("dedupe");
  }
  if ((c.payload == payload_form::pick) == c.pick.empty()) {
    why = "pick and its path belong together";
    return fail("pick");
  }
  return true;
}

void rule::apply(const message& m, std::span<const capture> captures, std::int64_t now_ms, delivery& out) const {
  out.by = this;
  out.to = config_.to;
  out.qos = config_.target_qos;
  out.retain = config_.retain == retain_rule::set || (config_.retain == retain_rule::keep && m.retain);
  // Captured text cannot add a level on the other side.
  const std::string_view separators = config_.to == endpoint::mqtt ? "/" : ":";
  const auto value_of = [&](std::string_view name) {
    const auto found = std::ranges::find(captures, name, &capture::name);
    if (found == captures.end()) return variable(m, name, now_ms);
    return config_.raw_captures ? std::string(found->value) : percent_encoded(found->value, separators);
  };
  target_.expand(value_of, out.name);
  if (!config_.dedupe.empty()) dedupe_.expand(value_of, out.dedupe);
  if (!is_name_valid(config_.to, out.name)) out.error = make_error_code(errc::name_invalid);
  if (m.expires_at_ms != 0 && m.expires_at_ms <= now_ms) out.error = make_error_code(errc::message_expired);
  bool good = true;
  switch (config_.payload) {
    case payload_form::raw: out.payload = m.payload; break;
    case payload_form::base64: out.payload = base64_encoded(m.payload); break;
    case payload_form::base64_decode: good = base64_decoded(m.payload, out.payload); break;
    case payload_form::pick: good = json_picked(m.payload, config_.pick, out.payload); break;
    case payload_form::json:
      // A stream entry has fields for all of it.
      if (config_.to == endpoint::stream) out.payload = m.payload;
      else out.payload = json_envelope(m, now_ms);
  }
  if (!good) out.error = make_error_code(errc::payload_invalid);
}

rule_set rule_set::make(std::span<const rule_config> configs, std::vector<rule_error>& errors) {
  rule_set made;
  for (const auto& c : configs) {
    rule r;
    if (r.compile(c, errors)) made.rules_.push_back(std::move(r));
  }
  made.find_loops(errors);
  return made;
}

// An edge from one rule to each that takes up what it makes; a cycle goes round for ever.
void rule_set::find_loops(std::vector<rule_error>& errors) const {
  const auto count = rules_.size();
  std::vector<std::vector<std::size_t>> next(count);
  for (std::size_t a = 0; a < count; ++a)
    for (std::size_t b = 0; b < count; ++b) {
      if (rules_[a].config_.to != rules_[b].config_.from) continue;
      const auto meets = [&](const pattern_shape& s) { return may_overlap(rules_[a].target_.shape(), s); };
      if (std::ranges::any_of(rules_[b].source_.shapes(), meets)) next[a].push_back(b);
    }
  const auto reaches = [&](std::size_t from, std::size_t goal) {
    std::vector<bool> seen(count);
    std::vector<std::size_t> open(next[from]);
    while (!open.empty()) {
      const auto i = open.back();
      open.pop_back();
      if (i == goal) return true;
      if (seen[i]) continue;
      seen[i] = true;
      open.insert(open.end(), next[i].begin(), next[i].end());
    }
    return false;
  };
  for (std::size_t a = 0; a < count; ++a)
    for (const auto b : next[a]) {
      const bool loop = reaches(b, a) || a == b;
      const bool allowed = rules_[a].config_.allow_loop || rules_[b].config_.allow_loop;
      errors.push_back(
          {rules_[a].config_.name, "to",
           loop ? "what it makes is taken up by rule " + rules_[b].config_.name + ", which leads back here"
                : "what it makes is taken up again by rule " + rules_[b].config_.name + " (an echo of one hop)",
           !loop || allowed});
    }
}

std::size_t rule_set::apply(const message& m, std::int64_t now_ms, std::vector<delivery>& out) const {
  std::vector<capture> captures;
  std::size_t matched = 0;
  for (const auto& r : rules_) {
    if (r.config_.from != m.from || (!m.via.empty() && r.source_.subscription() != m.via)) continue;
    if (!r.source_.match(m.name, captures)) continue;
    ++matched;
    if (!(m.retain && r.config_.retain == retain_rule::drop_retained)) r.apply(m, captures, now_ms, out.emplace_back());
    if (!r.config_.continues) break;
  }
  return matched;
}

void append_stream_fields(const message& m, std::string_view payload, std::vector<std::string>& storage,
                          std::vector<std::string_view>& out) {
  storage.reserve(storage.size() + m.user_properties.size() + 2);  // views into it must stay
  const auto add = [&out](std::string_view name, std::string_view v) { out.insert(out.end(), {name, v}); };
  constexpr std::string_view digits[] = {"0", "1", "2"};
  add("t", m.name);
  add("p", payload);
  add("q", digits[std::min<std::size_t>(m.qos, 2)]);
  add("r", digits[m.retain ? 1 : 0]);
  if (!m.content_type.empty()) add("ct", m.content_type);
  if (!m.response_topic.empty()) add("rt", m.response_topic);
  if (!m.correlation_data.empty()) add("cd", m.correlation_data);
  if (m.payload_is_text) add("pf", "1");
  if (m.expires_at_ms != 0) add("exp_ms", storage.emplace_back(std::to_string(m.expires_at_ms)));
  if (!m.origin.empty()) {
    add("bo", m.origin);
    add("bh", storage.emplace_back(std::to_string(m.hops)));
  }
  for (const auto& [name, v] : m.user_properties) add(storage.emplace_back("u:" + std::string(name)), v);
}

void read_stream_fields(message& m) {
  for (const auto& [name, v] : m.fields) {
    if (name == "p") m.payload = v;
    else if (name == "q") m.qos = v == "2" ? 2 : v == "1" ? 1 : 0;
    else if (name == "r") m.retain = v == "1";
    else if (name == "ct") m.content_type = v;
    else if (name == "rt") m.response_topic = v;
    else if (name == "cd") m.correlation_data = v;
    else if (name == "pf") m.payload_is_text = v == "1";
    else if (name == "bo") m.origin = v;
    else if (name == "bh") (void)std::from_chars(v.data(), v.data() + v.size(), m.hops);
    else if (name == "exp_ms") (void)std::from_chars(v.data(), v.data() + v.size(), m.expires_at_ms);
    else if (name.starts_with("u:")) m.user_properties.emplace_back(name.substr(2), v);
  }
}

}  // namespace msgkit::bridge
