// Operations with every element set at random come back as they went out.
#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {
namespace {

class filler {
 public:
  explicit filler(std::uint64_t seed) : state_(seed) {}

  void begin(std::string_view) {}
  void end() {}
  void text(std::string_view, std::string& s, presence need) {
    if (wanted(need)) s = "<v> & \xC3\xBC " + std::to_string(next());
  }
  void choice(std::string_view, std::string& s, std::span<const std::string_view> known, presence need) {
    if (wanted(need)) s = known[below(known.size())];
  }
  void boolean(std::string_view, std::optional<bool>& b, presence need) {
    if (wanted(need)) b = below(2) == 0;
  }
  void date(std::string_view, std::optional<wall_time>& t, presence need) {
    if (wanted(need)) t = wall_time{std::chrono::seconds{below(4'000'000'000)}};
  }
  void when(std::string_view, std::optional<relative_or_absolute>& t, presence need) {
    if (!wanted(need)) return;
    if (below(2) == 0) t = std::chrono::seconds{below(1'000'000)};
    else t = wall_time{std::chrono::seconds{below(4'000'000'000)}};
  }
  void wrapped_address(std::string_view, std::optional<address>& a, presence need) {
    if (wanted(need)) a = one();
  }
  void recipients(std::string_view, recipient_list& r, presence) {
    for (auto* list : {&r.to, &r.cc, &r.bcc})
      for (std::size_t n = below(3); n > 0; --n) list->push_back(one());
    if (r.size() == 0) r.to.push_back(one());
  }
  void status(std::string_view, mm7::status& s, presence) { s = {static_cast<status_code>(1000 + below(4000)), "text", "details " + std::to_string(next())}; }
  void content(std::string_view, std::optional<content_reference>&, presence) {}
  void attribute(std::string_view, std::string_view, std::string& s) { s = "http://x/\"&" + std::to_string(next()); }
  void sequences(std::string_view, std::string_view, std::vector<sequence_address>& all) {
    for (std::size_t n = below(3); n > 0; --n) all.push_back({static_cast<std::uint32_t>(n), one()});
  }
  void sequences(std::string_view, std::string_view, std::vector<sequence_date>& all) {
    for (std::size_t n = below(3); n > 0; --n) all.push_back({static_cast<std::uint32_t>(n), wall_time{std::chrono::seconds{below(1'000'000)}}});
  }

 private:
  std::uint64_t next() { return state_ = mix(state_); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  bool wanted(presence need) { return need == presence::required || below(2) == 0; }
  address one() {
    switch (below(3)) {
      case 0: return {address_kind::number, "+4670" + std::to_string(below(1'000'000)), below(2) == 0, {}, "i"};
      case 1: return {address_kind::email, "a@b.example", false, "encrypted", {}};
      default: return {address_kind::short_code, "72345", false, {}, {}};
    }
  }
  std::uint64_t state_;
};

template <std::size_t... I>
void every(std::uint64_t seed, std::index_sequence<I...>) {
  const auto check = [seed]<class T>(T m) {
    filler f(seed);
    T::fields(f, m);
    envelope e{.transaction_id = "t" + std::to_string(seed), .operation = m};
    e.is_fault = std::is_same_v<T, rs_error_rsp> || std::is_same_v<T, vasp_error_rsp>;
    const auto out = encode(e);
    ASSERT_TRUE(out) << T::name << out.error().field;
    const auto back = decode(out->content_type, out->body);
    ASSERT_TRUE(back) << T::name << ' ' << back.error().code.message() << ' ' << back.error().field << as_text(out->body);
    EXPECT_TRUE(back->unreadable.empty());
    ASSERT_TRUE(std::holds_alternative<T>(back->envelope.operation)) << T::name;
    EXPECT_EQ(as_text(encode(back->envelope)->body), as_text(out->body));
  };
  (check(std::variant_alternative_t<I, operation>{}), ...);
}

TEST(Mm7Generated, EveryOperationRoundTrips) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    every(seed, std::make_index_sequence<std::variant_size_v<operation>>{});
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace msgkit::mm7
