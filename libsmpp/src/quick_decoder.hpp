// The visitor that decodes what nearly every PDU is: exactly as the specification says. It only knows good and bad;
// whatever is unusual is bad here and decoded again by `decoder`, which tolerates, notes and explains.
// Its cursor stays in registers because no part of it is ever called out of line; keep it so.
#pragma once

#include <algorithm>
#include <cstring>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {

class quick_decoder {
 public:
  explicit quick_decoder(bytes_view body) noexcept : p_(body.data()), end_(body.data() + body.size()) {}

  // Every field was there and nothing is left over.
  [[nodiscard]] bool good() const noexcept { return good_ && p_ == end_; }

  template <class T>
  [[gnu::always_inline]] void octet(std::string_view, T& v) noexcept {
    if (p_ == end_) [[unlikely]]
      return fail();
    v = static_cast<T>(*p_++);
  }
  [[gnu::always_inline]] void octet_between(std::string_view name, std::uint8_t& v, std::uint8_t low,
                                            std::uint8_t high, errc) noexcept {
    octet(name, v);
    if (v < low || v > high) fail();
  }
  [[gnu::always_inline]] void u32(std::string_view, std::uint32_t& v) noexcept {
    if (room() < 4) [[unlikely]]
      return fail();
    v = load_big<std::uint32_t>(p_);
    p_ += 4;
  }
  [[gnu::always_inline]] void cstring(std::string_view, std::string_view& v, std::size_t max) noexcept {
    if (p_ == end_) [[unlikely]]
      return fail();
    const auto* nul = *p_ == 0 ? p_ : static_cast<const std::uint8_t*>(std::memchr(p_, 0, std::min(room(), max)));
    if (nul == nullptr) [[unlikely]]
      return fail();
    v = as_text(bytes_view{p_, nul});
    p_ = nul + 1;
  }
  [[gnu::always_inline]] void optional_cstring(std::string_view name, std::string_view& v, std::size_t max,
                                               const tlv_list&) noexcept {
    cstring(name, v, max);
  }
  [[gnu::always_inline]] void time(std::string_view name, std::string_view& v) noexcept {
    cstring(name, v, 17);
    if (!v.empty() && v.size() != 16) [[unlikely]]
      fail();
  }
  [[gnu::always_inline]] void counted_octets(std::string_view name, std::string_view, std::string_view& v,
                                             std::size_t) noexcept {
    std::uint8_t count = 0;
    octet(name, count);
    if (room() < count) [[unlikely]]
      return fail();
    v = as_text(bytes_view{p_, count});
    p_ += count;
  }
  template <class Element>
  [[gnu::always_inline]] void list(std::string_view name, std::string_view, counted_list<Element>& v,
                                   std::uint8_t count_min) noexcept {
    std::uint8_t count = 0;
    octet(name, count);
    if (count < count_min) [[unlikely]]
      fail();
    const auto* start = p_;
    for (unsigned i = 0; i < count && good_; ++i) {
      Element element;
      Element::fields(*this, element);
    }
    v = {bytes_view{start, p_}, count};
  }
  [[gnu::always_inline]] void tlvs(std::string_view, tlv_list& v) noexcept {
    const auto* start = p_;
    while (room() >= 4) {
      const std::size_t length = load_big<std::uint16_t>(p_ + 2);
      if (length > room() - 4) [[unlikely]]
        return fail();
      p_ += 4 + length;
    }
    v = tlv_list(bytes_view{start, p_});
  }
  template <class Pdu>
  [[nodiscard]] bool body_may_be_absent(const Pdu&) const noexcept {
    return false;
  }

 private:
  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - p_); }
  [[gnu::always_inline]] void fail() noexcept {
    good_ = false;
    p_ = end_;
  }

  const std::uint8_t* p_;
  const std::uint8_t* end_;
  bool good_ = true;
};

}  // namespace msgkit::smpp
