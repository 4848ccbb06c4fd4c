#include "engine/number.hpp"

#include <algorithm>

namespace msgkit::engine {
namespace {

// Sorted by country code, which lookups rely on; of countries that share a code the one that stands for it comes first.
constexpr country_plan plans[] = {
    {"US", "1", "011", "1", 10, 10},   {"CA", "1", "011", "1", 10, 10},   {"AG", "1", "011", "1", 10, 10},
    {"AI", "1", "011", "1", 10, 10},   {"BB", "1", "011", "1", 10, 10},   {"BM", "1", "011", "1", 10, 10},
    {"BS", "1", "011", "1", 10, 10},   {"DM", "1", "011", "1", 10, 10},   {"DO", "1", "011", "1", 10, 10},
    {"GD", "1", "011", "1", 10, 10},   {"GU", "1", "011", "1", 10, 10},   {"JM", "1", "011", "1", 10, 10},
    {"KN", "1", "011", "1", 10, 10},   {"KY", "1", "011", "1", 10, 10},   {"LC", "1", "011", "1", 10, 10},
    {"PR", "1", "011", "1", 10, 10},   {"TC", "1", "011", "1", 10, 10},   {"TT", "1", "011", "1", 10, 10},
    {"VC", "1", "011", "1", 10, 10},   {"VG", "1", "011", "1", 10, 10},   {"VI", "1", "011", "1", 10, 10},
    {"EG", "20", "00", "0", 7, 10},    {"SS", "211", "00", "0", 9, 9},    {"MA", "212", "00", "0", 9, 9},
    {"DZ", "213", "00", "0", 8, 9},    {"TN", "216", "00", "", 8, 8},     {"LY", "218", "00", "0", 8, 10},
    {"GM", "220", "00", "", 7, 7},     {"SN", "221", "00", "", 9, 9},     {"MR", "222", "00", "", 8, 8},
    {"ML", "223", "00", "", 8, 8},     {"GN", "224", "00", "", 8, 9},     {"CI", "225", "00", "", 10, 10},
    {"BF", "226", "00", "", 8, 8},     {"NE", "227", "00", "", 8, 8},     {"TG", "228", "00", "", 8, 8},
    {"BJ", "229", "00", "", 8, 10},    {"MU", "230", "020", "", 7, 8},    {"LR", "231", "00", "0", 7, 9},
    {"SL", "232", "00", "0", 8, 8},    {"GH", "233", "00", "0", 8, 9},    {"NG", "234", "009", "0", 7, 10},
    {"TD", "235", "00", "", 8, 8},     {"CF", "236", "00", "", 8, 8},     {"CM", "237", "00", "", 8, 9},
    {"CV", "238", "00", "", 7, 7},     {"ST", "239", "00", "", 7, 7},     {"GQ", "240", "00", "", 9, 9},
    {"GA", "241", "00", "0", 7, 8},    {"CG", "242", "00", "", 9, 9},     {"CD", "243", "00", "0", 7, 9},
    {"AO", "244", "00", "", 9, 9},     {"GW", "245", "00", "", 7, 9},     {"IO", "246", "00", "", 7, 7},
    {"SC", "248", "00", "", 7, 7},     {"SD", "249", "00", "0", 9, 9},    {"RW", "250", "00", "0", 9, 9},
    {"ET", "251", "00", "0", 9, 9},    {"SO", "252", "00", "0", 6, 9},    {"DJ", "253", "00", "", 8, 8},
    {"KE", "254", "000", "0", 7, 9},   {"TZ", "255", "000", "0", 9, 9},   {"UG", "256", "000", "0", 9, 9},
    {"BI", "257", "00", "", 8, 8},     {"MZ", "258", "00", "", 8, 9},     {"ZM", "260", "00", "0", 9, 9},
    {"MG", "261", "00", "0", 9, 9},    {"RE", "262", "00", "0", 9, 9},    {"YT", "262", "00", "0", 9, 9},
    {"ZW", "263", "00", "0", 5, 10},   {"NA", "264", "00", "0", 6, 9},    {"MW", "265", "00", "0", 7, 9},
    {"LS", "266", "00", "", 8, 8},     {"BW", "267", "00", "", 7, 8},     {"SZ", "268", "00", "", 8, 8},
    {"KM", "269", "00", "", 7, 7},     {"ZA", "27", "00", "0", 9, 9},     {"SH", "290", "00", "", 4, 5},
    {"ER", "291", "00", "0", 7, 7},    {"AW", "297", "00", "", 7, 7},     {"FO", "298", "00", "", 6, 6},
    {"GL", "299", "00", "", 6, 6},     {"GR", "30", "00", "", 10, 10},    {"NL", "31", "00", "0", 9, 11},
    {"BE", "32", "00", "0", 8, 9},     {"FR", "33", "00", "0", 9, 9},     {"ES", "34", "00", "", 9, 9},
    {"GI", "350", "00", "", 8, 8},     {"PT", "351", "00", "", 9, 9},     {"LU", "352", "00", "", 4, 11},
    {"IE", "353", "00", "0", 7, 10},   {"IS", "354", "00", "", 7, 9},     {"AL", "355", "00", "0", 6, 9},
    {"MT", "356", "00", "", 8, 8},     {"CY", "357", "00", "", 8, 8},     {"FI", "358", "00", "0", 5, 12},
    {"BG", "359", "00", "0", 6, 9},    {"HU", "36", "00", "06", 8, 9},    {"LT", "370", "00", "0", 8, 8},
    {"LV", "371", "00", "", 8, 8},     {"EE", "372", "00", "", 7, 8},     {"MD", "373", "00", "0", 8, 8},
    {"AM", "374", "00", "0", 8, 8},    {"BY", "375", "810", "8", 9, 10},  {"AD", "376", "00", "", 6, 9},
    {"MC", "377", "00", "0", 8, 9},    {"SM", "378", "00", "", 6, 10},    {"UA", "380", "00", "0", 9, 9},
    {"RS", "381", "00", "0", 6, 10},   {"ME", "382", "00", "0", 6, 9},    {"XK", "383", "00", "0", 8, 9},
    {"HR", "385", "00", "0", 8, 9},    {"SI", "386", "00", "0", 8, 8},    {"BA", "387", "00", "0", 8, 9},
    {"MK", "389", "00", "0", 8, 8},    {"IT", "39", "00", "", 6, 11},     {"VA", "39", "00", "", 6, 11},
    {"RO", "40", "00", "0", 9, 9},     {"CH", "41", "00", "0", 9, 9},     {"CZ", "420", "00", "", 9, 9},
    {"SK", "421", "00", "0", 9, 9},    {"LI", "423", "00", "", 7, 9},     {"AT", "43", "00", "0", 4, 13},
    {"GB", "44", "00", "0", 9, 10},    {"GG", "44", "00", "0", 10, 10},   {"IM", "44", "00", "0", 10, 10},
    {"JE", "44", "00", "0", 10, 10},   {"DK", "45", "00", "", 8, 8},      {"SE", "46", "00", "0", 7, 10},
    {"NO", "47", "00", "", 8, 8},      {"PL", "48", "00", "", 9, 9},      {"DE", "49", "00", "0", 5, 13},
    {"FK", "500", "00", "", 5, 5},     {"BZ", "501", "00", "", 7, 7},     {"GT", "502", "00", "", 8, 8},
    {"SV", "503", "00", "", 7, 8},     {"HN", "504", "00", "", 8, 8},     {"NI", "505", "00", "", 8, 8},
    {"CR", "506", "00", "", 8, 8},     {"PA", "507", "00", "", 7, 8},     {"PM", "508", "00", "0", 6, 9},
    {"HT", "509", "00", "", 8, 8},     {"PE", "51", "00", "0", 8, 9},     {"MX", "52", "00", "", 10, 11},
    {"CU", "53", "119", "0", 6, 8},    {"AR", "54", "00", "0", 10, 11},   {"BR", "55", "00", "0", 10, 11},
    {"CL", "56", "00", "", 9, 9},      {"CO", "57", "00", "", 10, 10},    {"VE", "58", "00", "0", 10, 10},
    {"GP", "590", "00", "0", 9, 9},    {"BO", "591", "00", "0", 8, 8},    {"GY", "592", "001", "", 7, 7},
    {"EC", "593", "00", "0", 8, 9},    {"GF", "594", "00", "0", 9, 9},    {"PY", "595", "00", "0", 7, 9},
    {"MQ", "596", "00", "0", 9, 9},    {"SR", "597", "00", "", 6, 7},     {"UY", "598", "00", "0", 8, 8},
    {"CW", "599", "00", "", 7, 8},     {"MY", "60", "00", "0", 8, 10},    {"AU", "61", "0011", "0", 9, 9},
    {"ID", "62", "00", "0", 7, 12},    {"PH", "63", "00", "0", 8, 10},    {"NZ", "64", "00", "0", 8, 10},
    {"SG", "65", "000", "", 8, 8},     {"TH", "66", "001", "0", 8, 9},    {"TL", "670", "00", "", 7, 8},
    {"BN", "673", "00", "", 7, 7},     {"NR", "674", "00", "", 7, 7},     {"PG", "675", "00", "", 7, 8},
    {"TO", "676", "00", "", 5, 7},     {"SB", "677", "00", "", 5, 7},     {"VU", "678", "00", "", 5, 7},
    {"FJ", "679", "00", "", 7, 7},     {"PW", "680", "011", "", 7, 7},    {"WF", "681", "00", "", 6, 6},
    {"CK", "682", "00", "", 5, 5},     {"NU", "683", "00", "", 4, 7},     {"WS", "685", "0", "", 5, 7},
    {"KI", "686", "00", "", 5, 8},     {"NC", "687", "00", "", 6, 6},     {"TV", "688", "00", "", 5, 7},
    {"PF", "689", "00", "", 6, 8},     {"TK", "690", "00", "", 4, 7},     {"FM", "691", "00", "", 7, 7},
    {"MH", "692", "011", "1", 7, 7},   {"RU", "7", "810", "8", 10, 10},   {"KZ", "7", "810", "8", 10, 10},
    {"JP", "81", "010", "0", 9, 10},   {"KR", "82", "00", "0", 8, 11},    {"VN", "84", "00", "0", 8, 10},
    {"KP", "850", "00", "0", 8, 10},   {"HK", "852", "001", "", 8, 8},    {"MO", "853", "00", "", 8, 8},
    {"KH", "855", "001", "0", 8, 9},   {"LA", "856", "00", "0", 8, 10},   {"CN", "86", "00", "0", 7, 11},
    {"BD", "880", "00", "0", 6, 10},   {"TW", "886", "002", "0", 8, 9},   {"TR", "90", "00", "0", 10, 10},
    {"IN", "91", "00", "0", 10, 10},   {"PK", "92", "00", "0", 8, 11},    {"AF", "93", "00", "0", 9, 9},
    {"LK", "94", "00", "0", 9, 9},     {"MM", "95", "00", "0", 6, 10},    {"MV", "960", "00", "", 7, 7},
    {"LB", "961", "00", "0", 7, 8},    {"JO", "962", "00", "0", 8, 9},    {"SY", "963", "00", "0", 8, 9},
    {"IQ", "964", "00", "0", 8, 10},   {"KW", "965", "00", "", 7, 8},     {"SA", "966", "00", "0", 8, 9},
    {"YE", "967", "00", "0", 7, 9},    {"OM", "968", "00", "", 7, 8},     {"PS", "970", "00", "0", 8, 9},
    {"AE", "971", "00", "0", 7, 9},    {"IL", "972", "00", "0", 8, 9},    {"BH", "973", "00", "", 8, 8},
    {"QA", "974", "00", "", 7, 8},     {"BT", "975", "00", "", 7, 8},     {"MN", "976", "001", "0", 8, 8},
    {"NP", "977", "00", "0", 8, 10},   {"IR", "98", "00", "0", 10, 10},   {"TJ", "992", "810", "", 9, 9},
    {"TM", "993", "810", "8", 8, 8},   {"AZ", "994", "00", "0", 9, 9},    {"GE", "995", "00", "0", 9, 9},
    {"KG", "996", "00", "0", 9, 9},    {"UZ", "998", "00", "", 9, 9},
};
static_assert(std::ranges::is_sorted(plans, {}, &country_plan::code));
}  // namespace

std::span<const country_plan> country_plans() noexcept { return plans; }

const country_plan* find_country(std::string_view iso) noexcept {
  const auto at = std::ranges::find(plans, iso, &country_plan::iso);
  return at == std::end(plans) ? nullptr : at;
}

const country_plan* country_of(std::string_view digits) noexcept {
  for (std::size_t n = std::min<std::size_t>(3, digits.size()); n > 0; --n) {  // no code begins with another one
    const auto at = std::ranges::lower_bound(plans, digits.substr(0, n), {}, &country_plan::code);
    if (at != std::end(plans) && at->code == digits.substr(0, n)) return at;
  }
  return nullptr;
}

#ifndef MSGKIT_WITH_LIBPHONENUMBER
namespace {

constexpr std::size_t e164_digits_max = 15;

bool fits(const country_plan& p, std::size_t digits) { return digits >= p.digits_min && digits <= p.digits_max; }

// Of countries with one code any may have numbers of that length.
std::optional<std::string> international(std::string_view digits) {
  const auto* p = country_of(digits);
  if (p == nullptr || digits.size() > e164_digits_max) return std::nullopt;
  auto national = digits.substr(p->code.size());
  // People write the trunk prefix after the country code: +46 (0)70. Where numbers may begin with it the length tells.
  if (!p->trunk.empty() && national.starts_with(p->trunk) && p->trunk == "0") national.remove_prefix(1);
  if (p->trunk == "0" && national.starts_with('0')) return std::nullopt;
  if (!fits(*p, national.size())) return std::nullopt;
  return std::string{p->code}.append(national);
}

}  // namespace

bool has_libphonenumber() noexcept { return false; }

std::optional<std::string> to_e164(std::string_view text, std::string_view iso) {
  std::string digits;
  bool plus = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits.push_back(c);
    else if (c == '+' && digits.empty() && !plus) plus = true;
    else if (c != ' ' && c != '-' && c != '(' && c != ')' && c != '.' && c != '/') return std::nullopt;
    if (digits.size() > e164_digits_max + 5) return std::nullopt;
  }
  if (digits.empty()) return std::nullopt;
  if (plus) return international(digits);
  const std::string_view all = digits;
  const auto* home = iso.empty() ? nullptr : find_country(iso);
  const std::string_view prefix = home != nullptr ? home->international : "00";
  if (all.starts_with(prefix) && all.size() > prefix.size() + 4)
    if (auto number = international(all.substr(prefix.size()))) return number;
  if (home == nullptr) return international(digits);
  if (!home->trunk.empty() && all.starts_with(home->trunk) && fits(*home, all.size() - home->trunk.size()))
    return international(std::string{home->code}.append(all.substr(home->trunk.size())));
  const bool has_code = all.starts_with(home->code) && fits(*home, all.size() - home->code.size());
  if (has_code && !(home->trunk.empty() && fits(*home, all.size()))) return international(digits);
  if (home->trunk.empty() && fits(*home, all.size())) return std::string{home->code}.append(all);
  // Without a trunk prefix where there is one: a national number as some networks give it, or an international one.
  if (auto number = international(digits); number && country_of(digits) != home && !fits(*home, all.size())) return number;
  if (fits(*home, all.size()) && !all.starts_with('0')) return std::string{home->code}.append(all);
  return std::nullopt;
}

#endif

std::string normal_number(std::string_view text, std::string_view iso) {
  if (auto number = to_e164(text, iso)) return *std::move(number);
  return std::string{text};
}

}  // namespace msgkit::engine
