#include "msgkit/bridge/rules/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "msgkit/bridge/mqtt/topic.hpp"

namespace msgkit::bridge {
namespace {

using element = pattern_element::kind;
constexpr std::size_t regex_memory_max = 1 << 20;
constexpr std::string_view filter_names[] = {"lower", "upper", "slash_to_colon", "colon_to_slash"};

void add_text(pattern_shape& shape, std::string_view text) {
  for (const char c : text) shape.push_back({element::octet, c});
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_loop(const pattern_element& e) { return e.is == element::level || e.is == element::tail; }

bool share_an_octet(const pattern_element& a, const pattern_element& b) {
  const auto takes = [](const pattern_element& e, char c) {
    return e.is == element::octet ? e.c == c : e.is != element::level || c != '/';
  };
  if (a.is == element::octet) return takes(b, a.c);
  if (b.is == element::octet) return takes(a, b.c);
  return true;
}

}  // namespace

// Walks both patterns at once; a state is a pair of positions.
bool may_overlap(const pattern_shape& a, const pattern_shape& b) {
  const auto width = b.size() + 1;
  std::vector<bool> seen((a.size() + 1) * width);
  std::vector<std::pair<std::size_t, std::size_t>> open{{0, 0}};
  while (!open.empty()) {
    const auto [i, j] = open.back();
    open.pop_back();
    if (i == a.size() && j == b.size()) return true;
    if (seen[i * width + j]) continue;
    seen[i * width + j] = true;
    if (i < a.size() && is_loop(a[i])) open.emplace_back(i + 1, j);
    if (j < b.size() && is_loop(b[j])) open.emplace_back(i, j + 1);
    if (i < a.size() && j < b.size() && share_an_octet(a[i], b[j]))
      open.emplace_back(is_loop(a[i]) ? i : i + 1, is_loop(b[j]) ? j : j + 1);
  }
  return false;
}

bool source_pattern::compile(const std::string& regex, bool octets, std::string& why) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(regex_memory_max);
  options.set_dot_nl(true);
  if (octets) options.set_encoding(RE2::Options::EncodingLatin1);
  auto compiled = std::make_shared<const RE2>(regex, options);
  if (!compiled->ok()) {
    why = "regular expression: " + compiled->error();
    return false;
  }
  regex_ = std::move(compiled);
  return true;
}

bool source_pattern::from_topic(std::string_view text, source_pattern& out, std::string& why) {
  out = {};
  std::string regex;
  pattern_shape shape;
  int unnamed = 0;
  for (std::size_t at = 0, index = 0;; ++index) {
    const auto slash = text.find('/', at);
    const auto level = text.substr(at, slash == std::string_view::npos ? slash : slash - at);
    const bool last = slash == std::string_view::npos;
    const bool braces = level.starts_with('{') && level.ends_with('}') && level.size() > 2;
    auto name = braces ? level.substr(1, level.size() - 2) : std::string_view{};
    const bool tail = level == "#" || (braces && name.ends_with('#'));
    if (braces && tail) name.remove_suffix(1);
    if ((braces && !is_name(name)) || (!braces && level != "#" && level != "+" && level.find_first_of("{}+#") != std::string_view::npos)) {
      why = "level " + std::string(level) + " is neither text, +, {name}, # nor {name#}";
      return false;
    }
    if (tail && !last) {
      why = std::string(level) + " must be the last level";
      return false;
    }
    const bool wildcard = braces || level == "+" || level == "#";
    if (index == 0) out.wildcard_first_ = wildcard;
    if (wildcard) out.names_.push_back(braces ? std::string(name) : std::to_string(++unnamed));
    if (index > 0) out.subscription_ += '/';
    out.subscription_ += tail ? "#" : wildcard ? "+" : std::string(level);
    if (tail) {
      out.shapes_.push_back(shape);  // nothing at all below
      regex += index > 0 ? "(?:/(.*))?" : "(.*)";
      if (index > 0) add_text(shape, "/");
      shape.push_back({element::tail});
    } else {
      if (index > 0) {
        regex += '/';
        add_text(shape, "/");
      }
      regex += wildcard ? "([^/]*)" : RE2::QuoteMeta(re2::StringPiece(level.data(), level.size()));
      if (wildcard) shape.push_back({element::level});
      else add_text(shape, level);
    }
    if (last) break;
    at = slash + 1;
  }
  out.shapes_.push_back(shape);
  auto names = out.names_;
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end()) {
    why = "a capture is named twice";
    return false;
  }
  if (!mqtt::is_topic_filter(out.subscription_)) {
    why = "not a topic filter";
    return false;
  }
  return out.compile(regex, true, why);
}

bool source_pattern::from_glob(std::string_view text, source_pattern& out, std::string& why) {
  out = {};
  out.subscription_ = text;
  std::string regex;
  pattern_shape shape;
  int count = 0;
  const auto quoted = [&regex](std::string_view c) { regex += RE2::QuoteMeta(re2::StringPiece(c.data(), c.size())); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '*' || c == '?') {
      regex += c == '*' ? "(.*)" : "(.)";
      shape.push_back({c == '*' ? element::tail : element::any_octet});
      out.names_.push_back(std::to_string(++count));
    } else if (c == '[') {
      const auto end = text.find(']', i + 1);
      if (end == std::string_view::npos || end == i + 1) {
        why = "a [ is not closed";
        return false;
      }
      regex += text.substr(i, end - i + 1);
      shape.push_back({element::any_octet});
      i = end;
    } else {
      if (c == '\\' && i + 1 < text.size()) ++i;
      quoted(text.substr(i, 1));
      add_text(shape, text.substr(i, 1));
    }
  }
  out.shapes_.push_back(shape);
  return out.compile(regex, true, why);
}

bool source_pattern::from_exact(std::string_view text, source_pattern& out) {
  out = {};
  out.subscription_ = text;
  add_text(out.shapes_.emplace_back(), text);
  std::string ignored;
  return !text.empty() && out.compile(RE2::QuoteMeta(re2::StringPiece(text.data(), text.size())), true, ignored);
}

bool source_pattern::from_regex(std::string_view regex, std::string_view subscription, bool is_topic,
                                source_pattern& out, std::string& why) {
  if (is_topic ? !from_topic(subscription, out, why) : !from_glob(subscription, out, why)) return false;
  if (!out.compile(std::string(regex), false, why)) return false;
  out.names_.clear();
  const auto& named = out.regex_->CapturingGroupNames();
  for (int i = 1; i <= out.regex_->NumberOfCapturingGroups(); ++i) {
    const auto found = named.find(i);
    out.names_.push_back(found == named.end() ? std::to_string(i) : found->second);
  }
  return true;
}

bool source_pattern::match(std::string_view name, std::vector<capture>& captures) const {
  captures.clear();
  if (!regex_ || (wildcard_first_ && name.starts_with('$'))) return false;
  const auto count = static_cast<int>(names_.size()) + 1;
  re2::StringPiece groups[33];
  if (count > 33) return false;
  if (!regex_->Match(re2::StringPiece(name.data(), name.size()), 0, name.size(), RE2::ANCHOR_BOTH, groups, count))
    return false;
  for (std::size_t i = 0; i < names_.size(); ++i)
    captures.push_back({names_[i], {groups[i + 1].data(), groups[i + 1].size()}});
  return true;
}

bool name_template::parse(std::string_view text, const std::function<bool(std::string_view)>& is_known,
                          name_template& out, std::string& why) {
  out = {};
  while (!text.empty()) {
    const auto brace = text.find('{');
    if (brace != 0) {
      const auto literal = text.substr(0, brace);
      if (literal.find('}') != std::string_view::npos) {
        why = "a } has no {";
        return false;
      }
      out.parts_.push_back({false, std::string(literal)});
      add_text(out.shape_, literal);
      text.remove_prefix(literal.size());
      continue;
    }
    const auto end = text.find('}');
    if (end == std::string_view::npos) {
      why = "a { is not closed";
      return false;
    }
    auto inside = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    part p{.variable = true};
    const auto bar = inside.find('|');
    p.text = inside.substr(0, bar);
    inside = bar == std::string_view::npos ? std::string_view{} : inside.substr(bar + 1);
    while (!inside.empty()) {
      const auto next = inside.find('|');
      const auto filter = inside.substr(0, next);
      const bool has_default = filter.starts_with("default(") && filter.ends_with(')');
      if (!has_default && std::ranges::find(filter_names, filter) == std::end(filter_names)) {
        why = "there is no filter " + std::string(filter);
        return false;
      }
      p.filters.emplace_back(filter);
      inside = next == std::string_view::npos ? std::string_view{} : inside.substr(next + 1);
    }
    if (!is_known(p.text)) {
      why = "{" + p.text + "} is not defined by the source";
      return false;
    }
    out.parts_.push_back(std::move(p));
    out.shape_.push_back({element::tail});
    out.constant_ = false;
  }
  if (out.parts_.empty()) why = "a name is missing";
  return !out.parts_.empty();
}

void name_template::expand(const std::function<std::string(std::string_view)>& lookup, std::string& out) const {
  for (const auto& p : parts_) {
    if (!p.variable) {
      out += p.text;
      continue;
    }
    auto v = lookup(p.text);
    for (const auto& f : p.filters) {
      if (f == "lower" || f == "upper") {
        const char first = f == "lower" ? 'A' : 'a';
        for (auto& c : v)
          if (c >= first && c <= first + 25) c = static_cast<char>(c ^ 0x20);
      } else if (f == "slash_to_colon") {
        std::ranges::replace(v, '/', ':');
      } else if (f == "colon_to_slash") {
        std::ranges::replace(v, ':', '/');
      } else if (v.empty()) {
        v = f.substr(8, f.size() - 9);  // default(x)
      }
    }
    out += v;
  }
}

std::string percent_encoded(std::string_view text, std::string_view separators) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c != '%' && separators.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    const auto o = static_cast<unsigned char>(c);
    out += {'%', digits[o >> 4], digits[o & 15]};
  }
  return out;
}

}  // namespace msgkit::bridge
