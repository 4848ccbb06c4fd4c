// Messages with every element set at random come back as they went out.
#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/mm4/codec.hpp"

namespace msgkit::mm4 {
namespace {

class filler {
 public:
  explicit filler(std::uint64_t seed) : state_(seed) {}

  void text(std::string_view, std::string& s, presence need) { fill(s, need, "abcXYZ019 -_.@/"); }
  void words(std::string_view, std::string& s, presence need) {
    fill(s, need, "abc \"=?_<>&");
    if (!s.empty() && below(2) == 0) s += " gr\xC3\xBC\xC3\x9F" "e \xF0\x9F\x98\x80";
  }
  void id(std::string_view, std::string& s, presence) { s = "id" + std::to_string(next()) + "@mms.example"; }
  void address(std::string_view, std::optional<mm4::address>& a, presence need) {
    if (wanted(need)) a = one();
  }
  void addresses(std::string_view name, std::vector<mm4::address>& list, presence need) {
    if (!wanted(name == "To" ? presence::required : need)) return;
    for (std::size_t n = 1 + below(4); n > 0; --n) list.push_back(one());
  }
  void date(std::string_view, std::optional<wall_time>& t, presence need) {
    if (wanted(need)) t = wall_time{std::chrono::seconds{below(4'000'000'000)}};
  }
  void expiry(std::string_view, std::optional<mm4::expiry>& e, presence need) {
    if (wanted(need)) e = wall_time{std::chrono::seconds{below(4'000'000'000)}};
  }
  void yes_no(std::string_view, std::optional<bool>& b, presence need) {
    if (wanted(need)) b = below(2) == 0;
  }
  template <class E>
  void value(std::string_view, std::optional<E>& v, presence need) {
    if (wanted(need)) v = static_cast<E>(below(2));
  }
  template <class E>
  void value(std::string_view, E& v, presence) { v = static_cast<E>(below(2)); }
  void value(std::string_view, request_status& v, presence) { v = static_cast<request_status>(128 + below(9)); }
  void number(std::string_view, std::optional<std::uint32_t>& n, presence need) {
    if (wanted(need)) n = static_cast<std::uint32_t>(next());
  }
  void repeated(std::string_view, std::vector<std::string>& all, presence) {
    for (std::size_t n = below(3); n > 0; --n) all.push_back(std::to_string(n) + ", +4670012345/TYPE=PLMN");
  }

 private:
  std::uint64_t next() { return state_ = mix(state_); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool wanted(presence need) { return need != presence::optional || below(2) == 0; }
  void fill(std::string& s, presence need, std::string_view alphabet) {
    if (!wanted(need)) return;
    s = "x";
    for (std::size_t n = below(60); n > 0; --n) {
      const char c = alphabet[below(alphabet.size())];
      if (c != ' ' || s.back() != ' ') s += c;
    }
    s += 'y';
  }
  mm4::address one() {
    static constexpr const char* texts[] = {"+12025550100/TYPE=PLMN", "12345/TYPE=PLMN", "user.name@mms.example", "10.0.0.1/TYPE=IPv4",
                                            "fe80::1/TYPE=IPv6", "+12025550100/TYPE=PLMN@mms.example", "+4670012345@mms.example"};
    return *parse_address(texts[below(std::size(texts))]);
  }
  std::uint64_t state_;
};

// Both sides as text: describe() shows every element.
template <class M>
void round_trip(std::uint64_t seed) {
  M m;
  M::fields(filler(seed), m);
  m.version = "6.10.0";
  if constexpr (requires { m.originator_system; }) m.originator_system = "system@mms.example";
  m.sender = "system-user@mms.example";
  if (!m.from) m.from = *parse_address("system-user@mms.example");
  const auto mail = encode(m, {});
  ASSERT_TRUE(mail) << mail.error().code.message() << ' ' << mail.error().field << seed;
  const auto back = decode(*mail, {.strict = true});
  ASSERT_TRUE(back) << back.error().code.message() << ' ' << back.error().field << ' ' << as_text(*mail);
  EXPECT_TRUE(back->diagnostics.empty()) << as_text(*mail);
  ASSERT_TRUE(std::holds_alternative<M>(back->message));
  EXPECT_EQ(describe(back->message), describe(m)) << seed;
  EXPECT_EQ(as_text(*encode(back->message, {})), as_text(*mail)) << seed;
}

TEST(Mm4Generated, EveryMessageRoundTrips) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    round_trip<forward_req>(seed);
    round_trip<forward_res>(seed);
    round_trip<delivery_report_req>(seed);
    round_trip<delivery_report_res>(seed);
    round_trip<read_reply_report_req>(seed);
    round_trip<read_reply_report_res>(seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace msgkit::mm4
