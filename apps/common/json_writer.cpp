#include "common/json_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

bool is_plain(char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; }

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size();) {
    const auto* const begin = text.data() + i;
    const auto run = static_cast<std::size_t>(std::find_if_not(begin, text.data() + text.size(), is_plain) - begin);
    out.append(begin, run);
    i += run;
    if (i == text.size()) return;
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c < ' ') {
      out += "\\u00";
      out += {digits[c >> 4], digits[c & 15]};
    } else {
      append_utf8(out, c);
    }
  }
}

template <std::size_t Digits>
void put(char* at, unsigned value) {
  for (std::size_t i = Digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void append_utc_time(std::string& out, wall_time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  std::array<char, 24> text{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                            '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  put<4>(text.data(), static_cast<unsigned>(std::clamp(static_cast<int>(date.year()), 0, 9999)));
  put<2>(text.data() + 5, static_cast<unsigned>(date.month()));
  put<2>(text.data() + 8, static_cast<unsigned>(date.day()));
  put<2>(text.data() + 11, static_cast<unsigned>(time.hours().count()));
  put<2>(text.data() + 14, static_cast<unsigned>(time.minutes().count()));
  put<2>(text.data() + 17, static_cast<unsigned>(time.seconds().count()));
  put<3>(text.data() + 20, static_cast<unsigned>(time.subseconds().count()));
  out.append(text.data(), text.size());
}

json_writer& json_writer::value(std::string_view text) {
  separate();
  out_ += '"';
  if (std::ranges::all_of(text, is_plain)) out_ += text;
  else append_escaped(out_, text);
  out_ += '"';
  return *this;
}

json_writer& json_writer::value(wall_time at) {
  if (at == wall_time{}) return null();
  separate();
  out_ += '"';
  append_utc_time(out_, at);
  out_ += '"';
  return *this;
}

}  // namespace msgkit::app
