#include "msgkit/smpp/text/receipt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

enum class label : std::uint8_t { id, sub, dlvrd, submit_date, done_date, stat, err, text };
constexpr std::size_t label_count = 8;

struct spelling {
  std::string_view word;  // lower case, with its colon
  label which;
};
constexpr spelling spellings[] = {
    {"id:", label::id},
    {"sub:", label::sub},
    {"dlvrd:", label::dlvrd},
    {"submit date:", label::submit_date},
    {"submit_date:", label::submit_date},
    {"submitdate:", label::submit_date},
    {"done date:", label::done_date},
    {"done_date:", label::done_date},
    {"donedate:", label::done_date},
    {"stat:", label::stat},
    {"err:", label::err},
    {"text:", label::text},
};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}
std::string_view first_word(std::string_view s) {
  s = trim(s);
  return s.substr(0, static_cast<std::size_t>(std::find_if(s.begin(), s.end(), is_space) - s.begin()));
}

const spelling* label_at(std::string_view text, std::size_t at) {
  for (const auto& s : spellings) {
    if (text.size() - at < s.word.size()) continue;
    const auto here = text.substr(at, s.word.size());
    if (std::equal(here.begin(), here.end(), s.word.begin(), [](char a, char b) { return lower(a) == b; })) return &s;
  }
  return nullptr;
}

// The raw value of every label; the first occurrence of a label counts.
struct fields {
  std::array<std::optional<std::string_view>, label_count> values{};
  std::optional<std::string_view>& operator[](label l) { return values[static_cast<std::size_t>(l)]; }
  std::string_view get(label l) const { return values[static_cast<std::size_t>(l)].value_or(std::string_view{}); }
};

fields scan(std::string_view text) {
  fields out;
  std::optional<label> open;  // the label whose value is being read
  std::size_t value_start = 0;
  const auto close = [&](std::size_t end) {
    if (open && !out[*open]) out[*open] = text.substr(value_start, end - value_start);
  };
  for (std::size_t i = 0; i < text.size();) {
    const bool word_start = i == 0 || is_space(text[i - 1]);
    const spelling* found = word_start ? label_at(text, i) : nullptr;
    if (found == nullptr) {
      ++i;
      continue;
    }
    close(i);
    open = found->which;
    value_start = i += found->word.size();
    if (open == label::text && out[label::stat]) break;  // the rest is text, whatever it looks like
  }
  close(text.size());
  return out;
}

std::optional<std::uint32_t> parse_count(std::string_view digits) {
  if (!all_digits(digits) || digits.size() > 9) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
  return value;
}

std::string as_utf8(std::string_view text) {
  return is_valid_utf8(text) ? std::string{text} : latin1_to_utf8(as_bytes(text));
}

bool is_zero_date(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c == '0' || c == '+' || c == '-'; });
}

void read_text_fields(const fields& f, const receipt_options& options, receipt& out) {
  const auto count = [&](label l) -> std::optional<std::uint32_t> {
    const auto word = first_word(f.get(l));
    const auto value = parse_count(word);
    out.irregular = out.irregular || (!word.empty() && !value);
    return value;
  };
  const auto date = [&](label l) -> std::optional<wall_time> {
    const auto word = first_word(f.get(l));
    const auto value = parse_receipt_date(word, options);
    out.irregular = out.irregular || (!value && !is_zero_date(word));
    return value;
  };
  out.text_id = first_word(f.get(label::id));
  out.submitted = count(label::sub);
  out.delivered = count(label::dlvrd);
  out.submit_date = date(label::submit_date);
  out.done_date = date(label::done_date);
  out.stat = first_word(f.get(label::stat));
  out.err = first_word(f.get(label::err));
  out.err_number = parse_count(out.err);
  out.text = as_utf8(trim(f.get(label::text)));
  out.state = state_from_stat(out.stat);
  out.irregular = out.irregular || (!out.stat.empty() && !out.state);
}

network_error read_network_error(bytes_view octets) {
  if (octets[0] >= '0' && octets[0] <= '9') {
    const auto digits = parse_count(as_text(octets));
    return {0, static_cast<std::uint16_t>(digits.value_or(0))};
  }
  return {octets[0], load_big<std::uint16_t>(&octets[1])};
}

void read_tlvs(const receipt_tlvs& tlvs, receipt& out) {
  out.id = out.text_id;
  if (tlvs.receipted_message_id) {
    auto id = as_text(*tlvs.receipted_message_id);
    id = trim(id.substr(0, id.find('\0')));
    if (!id.empty()) out.id = id;
  }
  if (tlvs.message_state) {
    if (*tlvs.message_state <= static_cast<std::uint8_t>(message_state::skipped)) {
      out.state = static_cast<message_state>(*tlvs.message_state);
    } else {
      out.irregular = true;
    }
  }
  if (tlvs.network_error_code) {
    if (tlvs.network_error_code->size() == 3) out.network = read_network_error(*tlvs.network_error_code);
    else out.irregular = true;
  }
}

}  // namespace

std::optional<wall_time> parse_receipt_date(std::string_view text, const receipt_options& options) {
  if (text.empty() || is_zero_date(text)) return std::nullopt;
  if (text.size() == 16) {
    const auto time = parse_time(text, options.reference_year);
    if (!time) return std::nullopt;
    const auto* absolute = std::get_if<absolute_time>(&*time);
    return absolute != nullptr ? std::optional(absolute->at) : std::nullopt;
  }
  if (!all_digits(text) || (text.size() != 10 && text.size() != 12 && text.size() != 14)) return std::nullopt;
  const auto pair = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
  const bool four_digit_year = text.size() == 14;
  const int year = four_digit_year ? pair(0) * 100 + pair(2) : full_year(pair(0), options.reference_year);
  const std::size_t month = four_digit_year ? 4 : 2;
  const int second = text.size() > 10 ? pair(month + 8) : 0;
  const auto local = make_wall_time(year, pair(month), pair(month + 2), pair(month + 4), pair(month + 6), second);
  return local ? std::optional(*local - options.zone) : std::nullopt;
}

result<receipt> parse_receipt(bytes_view payload, const receipt_tlvs& tlvs, const receipt_options& options) {
  receipt out;
  read_text_fields(scan(as_text(payload)), options, out);
  read_tlvs(tlvs, out);
  if (out.id.empty() && out.stat.empty() && !out.state) {
    return fault{make_error_code(text_errc::not_a_receipt), "short_message", 0};
  }
  return out;
}

std::string format_receipt(const receipt& r, const receipt_format& format) {
  const auto date = [&](const std::optional<wall_time>& at) {
    const std::size_t digits = format.seconds ? 12 : 10;
    return at ? format_absolute(*at + format.zone).substr(0, digits) : std::string(digits, '0');
  };
  const std::string_view stat = r.state ? stat_word(*r.state) : std::string_view{r.stat};
  const std::uint32_t delivered = r.state == message_state::delivered ? 1 : 0;
  std::size_t end = 0;
  bool ill_formed = false;
  for (std::size_t n = 0; n < format.text_characters_max && end < r.text.size(); ++n) {
    next_code_point(r.text, end, ill_formed);
  }
  return fmt::format("id:{} sub:{:03} dlvrd:{:03} submit date:{} done date:{} stat:{} err:{:0>3} text:{}", r.id,
                     r.submitted.value_or(1), r.delivered.value_or(delivered), date(r.submit_date), date(r.done_date),
                     stat.empty() ? "UNKNOWN" : stat, r.err, std::string_view{r.text}.substr(0, end));
}

byte_vector format_network_error(const network_error& e) {
  return {e.network, static_cast<std::uint8_t>(e.code >> 8), static_cast<std::uint8_t>(e.code & 0xFF)};
}

}  // namespace msgkit::smpp
