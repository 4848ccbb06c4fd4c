// The encoder refuses what the specification does not allow, field by field, for every PDU: the fields are found
// through the PDUs' own descriptions.
#include <optional>

#include "support/decode_vector.hpp"
#include "support/sample_pdu.hpp"

namespace msgkit::smpp {
namespace {

using test::for_each_pdu;
using test::sample_maker;

struct damage {
  std::string_view field{};
  errc expected{};
  bool is_tolerable = false;  // length_limits::tolerated lets it pass
};

// Damages the `target`-th way of damaging a PDU and says what it did.
class breaker {
 public:
  explicit breaker(std::size_t target) : target_(target) {}
  [[nodiscard]] const std::optional<damage>& done() const { return done_; }

  template <class T>
  void octet(std::string_view, T&) {}
  void octet_between(std::string_view, std::uint8_t&, std::uint8_t, std::uint8_t, errc) {}
  void u32(std::string_view, std::uint32_t&) {}
  void cstring(std::string_view name, std::string_view& v, std::size_t max) {
    offer(v, too_long_.substr(0, max), {name, errc::field_too_long, true});
    offer(v, too_long_.substr(0, cstring_bytes_tolerated), {name, errc::field_too_long});
    for (std::size_t length = 1; length < max; ++length)
      for (const std::size_t at : {std::size_t{0}, length / 2, length - 1})
        offer(v, with_nul(length, at), {name, errc::embedded_nul});
  }
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const tlv_list&) {
    cstring(name, v, max);
  }
  void time(std::string_view name, std::string_view& v) {
    for (const std::size_t length : {1, 12, 15})
      offer(v, too_long_.substr(0, length), {name, errc::invalid_time_length, true});
    offer(v, too_long_.substr(0, 17), {name, errc::invalid_time_length, true});
    offer(v, with_nul(16, 9), {name, errc::embedded_nul});
  }
  void counted_octets(std::string_view, std::string_view name, std::string_view& v, std::size_t max) {
    offer(v, too_long_.substr(0, max + 1), {name, errc::field_too_long});
  }
  template <class Element>
  void list(std::string_view name, std::string_view, counted_list<Element>& v, std::uint8_t count_min) {
    if (count_min > 0 && is_target()) {
      v = {};
      done_ = {name, errc::value_out_of_range};
    }
  }
  void tlvs(std::string_view, tlv_list&) {}
  template <class Pdu>
  bool body_may_be_absent(const Pdu&) {
    return false;
  }

 private:
  bool is_target() { return next_++ == target_; }
  void offer(std::string_view& v, std::string_view bad, damage d) {
    if (!is_target()) return;
    text_ = bad;
    v = text_;
    done_ = d;
  }
  static std::string with_nul(std::size_t length, std::size_t at) {
    std::string made(length, 'n');
    made[at] = '\0';
    return made;
  }

  std::size_t target_;
  std::size_t next_ = 0;
  std::string text_;
  const std::string long_text_ = std::string(300, 'x');
  const std::string_view too_long_ = long_text_;
  std::optional<damage> done_;
};

TEST(EncodeLimits, RefusesEveryDamagedFieldAndWritesNothing) {
  for_each_pdu([]<class Pdu>(std::type_identity<Pdu>) {
    sample_maker samples(1);
    const auto good = samples.make<Pdu>();
    for (std::size_t target = 0;; ++target) {
      auto bad = good;
      breaker breaking(target);
      Pdu::fields(breaking, bad);
      if (!breaking.done()) break;
      const auto& done = *breaking.done();
      SCOPED_TRACE(std::string(command_name(Pdu::id)) + " " + std::string(done.field));

      byte_vector out{9};
      const auto refused = encode(bad, 1, out);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, done.expected);
      EXPECT_EQ(refused.error().field, done.field);
      EXPECT_EQ(out, byte_vector{9});
      std::array<std::uint8_t, 1> one{7};
      EXPECT_EQ(encode_to(bad, 1, one).error().code, done.expected);
      EXPECT_EQ(one[0], 7);
      EXPECT_EQ(encode(bad, 1, out, command_status::ok, length_limits::tolerated).has_value(), done.is_tolerable);
    }
  });
}

TEST(EncodeLimits, RefusesBadDestinationsAndFailures) {
  counted_list_builder<dest_address> to;
  EXPECT_EQ(to.add({.dest_flag = 3}).error().code, errc::destination_flag_invalid);
  EXPECT_EQ(to.add({.destination_addr = "012345678901234567890"}).error().code, errc::field_too_long);
  EXPECT_EQ(to.add({.dest_flag = dest_address::distribution_list, .dl_name = {"a\0b", 3}}).error().code,
            errc::embedded_nul);
  EXPECT_EQ(to.list().size(), 0u);
  EXPECT_TRUE(to.list().encoded().empty());
  counted_list_builder<unsuccess_sme> failed;
  EXPECT_EQ(failed.add({.destination_addr = "012345678901234567890"}).error().field, "destination_addr");
}

TEST(EncodeLimits, AllowsTheLongestOfEverything) {
  const std::string x(64, 'x');
  const std::string text(255, '\0');
  const submit_sm m{.service_type = std::string_view(x).substr(0, 5),
                    .source_addr = std::string_view(x).substr(0, 20),
                    .destination_addr = std::string_view(x).substr(0, 20),
                    .schedule_delivery_time = "260102030405012+",
                    .validity_period = "000002000000000R",
                    .short_message = text};
  byte_vector octets;
  ASSERT_TRUE(encode(m, 1, octets));
  EXPECT_EQ(*decode_as<submit_sm>(octets), m);
}

}  // namespace
}  // namespace msgkit::smpp
