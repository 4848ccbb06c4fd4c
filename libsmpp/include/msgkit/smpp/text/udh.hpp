// User data headers (3GPP TS 23.040 section 9.2.3.24): UDHL, then information elements of identifier, length, data.
// Pure and thread-safe; views point into the parsed octets.
//
//   if (auto ud = smpp::split_user_data(pdu.short_message)) {        // only when esm_class has the UDHI bit
//     if (auto part = ud->header.concatenation()) collect(*part, ud->body);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/text/gsm7.hpp"

namespace msgkit::smpp {

namespace element_id {
constexpr std::uint8_t concatenation_8 = 0x00;
constexpr std::uint8_t ports_8 = 0x04;
constexpr std::uint8_t ports_16 = 0x05;
constexpr std::uint8_t concatenation_16 = 0x08;
constexpr std::uint8_t single_shift = 0x24;
constexpr std::uint8_t locking_shift = 0x25;
}  // namespace element_id

// Where a part stands in a long message. From the header, or from the sar_* TLVs.
enum class reference_width : std::uint8_t { udh8, udh16, sar };
struct concatenation {
  std::uint16_t reference = 0;
  std::uint8_t total = 1;
  std::uint8_t sequence = 1;  // 1..total
  reference_width width = reference_width::udh8;
  friend bool operator==(const concatenation&, const concatenation&) = default;
};
// TS 23.040: an element with total 0, sequence 0 or sequence > total is ignored.
constexpr bool is_valid(const concatenation& c) noexcept { return c.sequence >= 1 && c.sequence <= c.total; }

struct port_addresses {
  std::uint16_t destination = 0;
  std::uint16_t source = 0;
  bool wide = true;  // 16-bit numbers
  friend bool operator==(const port_addresses&, const port_addresses&) = default;
};

struct information_element {
  std::uint8_t id = 0;
  bytes_view data{};
};

// A header whose bounds have been checked. Unknown elements stay visible in their order.
class user_data_header {
 public:
  class iterator {
   public:
    using value_type = information_element;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    iterator() = default;
    explicit iterator(const std::uint8_t* at) noexcept : at_(at) {}
    value_type operator*() const noexcept { return {at_[0], {at_ + 2, at_[1]}}; }
    iterator& operator++() noexcept {
      at_ += 2 + at_[1];
      return *this;
    }
    iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    const std::uint8_t* at_ = nullptr;
  };

  user_data_header() = default;
  iterator begin() const noexcept { return iterator{elements_.data()}; }
  iterator end() const noexcept { return iterator{elements_.data() + elements_.size()}; }
  bool empty() const noexcept { return elements_.empty(); }
  // Octets including UDHL; 0 when there is no header.
  std::size_t size() const noexcept { return present_ ? elements_.size() + 1 : 0; }

  // When an element is repeated the last one counts, as TS 23.040 9.2.3.24 says. Elements of a wrong length and
  // concatenations that are not is_valid() are passed over.
  std::optional<information_element> find(std::uint8_t id) const noexcept;
  std::optional<struct concatenation> concatenation() const noexcept;
  std::optional<port_addresses> ports() const noexcept;
  gsm7_alphabet languages() const noexcept;  // an identifier beyond Urdu is passed on as it is

 private:
  friend result<struct user_data> split_user_data(bytes_view octets);
  bytes_view elements_{};
  bool present_ = false;
};

struct user_data {
  user_data_header header{};
  bytes_view body{};
};

// Splits a payload that starts with a user data header.
// Errors: text_errc::header_exceeds_payload (also for an empty payload) and text_errc::element_exceeds_header, each
// with the offset of the offending length octet. Answer ESME_RINVMSGLEN or ESME_RINVESMCLASS; do not show it as text.
result<user_data> split_user_data(bytes_view octets);

// Builds a header. Elements that exceed what UDHL can count make octets() report text_errc::header_too_long.
class udh_builder {
 public:
  udh_builder& add(std::uint8_t id, bytes_view data);
  udh_builder& add(const struct concatenation& c);  // SAR has no element: adds the one that its reference needs
  udh_builder& add(const port_addresses& p);
  udh_builder& add(const gsm7_alphabet& languages);  // one element for each table that is not the default
  bool empty() const noexcept { return elements_.empty(); }
  // The header with UDHL, or nothing at all when no element was added.
  result<byte_vector> octets() const;

 private:
  byte_vector elements_;
  bool too_long_ = false;
};

}  // namespace msgkit::smpp
