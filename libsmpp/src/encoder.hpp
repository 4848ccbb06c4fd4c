// The two visitors that turn a PDU into octets: `measurer` checks every limit and adds up the size, `writer` then
// copies without checks.
#pragma once

#include <cstring>
#include <type_traits>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {

// Whether any of the eight octets of `word` is zero.
constexpr bool word_has_nul(std::uint64_t word) noexcept {
  return ((word - 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0;
}

// C-octet strings are short: a few overlapping words are looked at faster than memchr is called.
[[gnu::always_inline]] inline bool has_nul(std::string_view v) noexcept {
  const char* p = v.data();
  const std::size_t n = v.size();
  const auto load = [](const char* from, std::size_t octets) {
    std::uint64_t word = ~std::uint64_t{0};
    std::memcpy(&word, from, octets);
    return word;
  };
  if (n >= 8) {
    for (std::size_t i = 0; i + 8 < n; i += 8)
      if (word_has_nul(load(p + i, 8))) return true;
    return word_has_nul(load(p + n - 8, 8));
  }
  if (n >= 4) return word_has_nul(load(p, 4)) || word_has_nul(load(p + n - 4, 4));
  return n != 0 && (p[0] == '\0' || p[n / 2] == '\0' || p[n - 1] == '\0');
}

class measurer {
 public:
  measurer(bool is_error_response, length_limits limits) noexcept
      : is_error_response_(is_error_response), limits_(limits) {}

  [[nodiscard]] bool failed() const noexcept { return code_ != errc{}; }
  // Precondition: failed().
  [[nodiscard]] fault error() const noexcept { return {make_error_code(code_), field_, offset_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Octets of the PDU's TLVs, and where a last one begins that declares more octets than there are (else npos): it is
  // written with the length it really has.
  [[nodiscard]] std::size_t tlv_bytes() const noexcept { return tlv_bytes_; }
  [[nodiscard]] std::size_t cut_tlv() const noexcept { return cut_tlv_; }
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  template <class T>
  void octet(std::string_view, const T&) noexcept {
    ++size_;
  }
  void octet_between(std::string_view name, std::uint8_t v, std::uint8_t low, std::uint8_t high,
                     errc otherwise) noexcept {
    if (v < low || v > high) fail(otherwise, name);
    ++size_;
  }
  void u32(std::string_view, const std::uint32_t&) noexcept { size_ += 4; }
  [[gnu::always_inline]] void cstring(std::string_view name, std::string_view v, std::size_t max) noexcept {
    if (v.size() >= max && is_too_long(v)) [[unlikely]]
      fail(errc::field_too_long, name);
    else if (has_nul(v)) [[unlikely]]
      fail(errc::embedded_nul, name);
    size_ += v.size() + 1;
  }
  void optional_cstring(std::string_view name, std::string_view v, std::size_t max, const tlv_list& list) noexcept {
    if (!is_error_response_ || !v.empty() || !list.empty()) cstring(name, v, max);
  }
  [[gnu::always_inline]] void time(std::string_view name, std::string_view v) noexcept {
    if (!v.empty() && v.size() != 16 && limits_ == length_limits::specification) [[unlikely]]
      fail(errc::invalid_time_length, name);
    cstring(name, v, 17);
  }
  [[gnu::always_inline]] void counted_octets(std::string_view, std::string_view name, std::string_view v,
                                             std::size_t max) noexcept {
    if (v.size() > max) [[unlikely]]
      fail(errc::field_too_long, name);
    size_ += 1 + v.size();
  }
  template <class Element>
  void list(std::string_view count_name, std::string_view, const counted_list<Element>& v,
            std::uint8_t count_min) noexcept {
    if (v.size() < count_min) fail(errc::value_out_of_range, count_name);
    size_ += 1 + v.encoded().size();
  }
  [[gnu::always_inline]] void tlvs(std::string_view, const tlv_list& v) noexcept {
    const auto octets = v.encoded();
    std::size_t at = 0;
    while (octets.size() - at >= 4) {
      const std::size_t next = at + 4 + load_big<std::uint16_t>(octets.data() + at + 2);
      if (next > octets.size()) [[unlikely]] {
        cut_tlv_ = at;
        at = octets.size();
        break;
      }
      at = next;
    }
    tlv_bytes_ = at;
    size_ += at;
  }
  template <class Pdu>
  [[nodiscard]] bool body_may_be_absent(const Pdu& m) const noexcept {
    return is_error_response_ && m == Pdu{};
  }

 private:
  [[nodiscard]] bool is_too_long(std::string_view v) const noexcept {
    return limits_ == length_limits::specification || v.size() >= cstring_bytes_tolerated;
  }
  void fail(errc code, std::string_view name) noexcept {
    if (failed()) return;
    code_ = code;
    field_ = name;
    offset_ = header_bytes + size_;
  }
  std::size_t size_ = 0;
  std::size_t tlv_bytes_ = 0;
  std::size_t cut_tlv_ = npos;
  std::string_view field_{};
  std::size_t offset_ = 0;
  errc code_{};
  bool is_error_response_;
  length_limits limits_;
};

class writer {
 public:
  writer(std::uint8_t* p, bool is_error_response, const measurer& measured) noexcept
      : p_(p), measured_(measured), is_error_response_(is_error_response) {}

  template <class T>
  void octet(std::string_view, const T& v) noexcept {
    *p_++ = static_cast<std::uint8_t>(v);
  }
  void octet_between(std::string_view, std::uint8_t v, std::uint8_t, std::uint8_t, errc) noexcept { *p_++ = v; }
  void u32(std::string_view, const std::uint32_t& v) noexcept {
    store_big(p_, v);
    p_ += 4;
  }
  [[gnu::always_inline]] void cstring(std::string_view, std::string_view v, std::size_t) noexcept {
    copy(v);
    *p_++ = 0;
  }
  void optional_cstring(std::string_view name, std::string_view v, std::size_t max, const tlv_list& list) noexcept {
    if (!is_error_response_ || !v.empty() || !list.empty()) cstring(name, v, max);
  }
  [[gnu::always_inline]] void time(std::string_view name, std::string_view v) noexcept { cstring(name, v, 17); }
  [[gnu::always_inline]] void counted_octets(std::string_view, std::string_view, std::string_view v,
                                             std::size_t) noexcept {
    *p_++ = static_cast<std::uint8_t>(v.size());
    copy(v);
  }
  template <class Element>
  void list(std::string_view, std::string_view, const counted_list<Element>& v, std::uint8_t) noexcept {
    *p_++ = v.size();
    copy(as_text(v.encoded()));
  }
  [[gnu::always_inline]] void tlvs(std::string_view, const tlv_list& v) noexcept {
    auto* const start = p_;
    const auto cut = measured_.cut_tlv();
    copy(as_text(v.encoded()).substr(0, measured_.tlv_bytes()));
    if (cut != measurer::npos) [[unlikely]]
      store_big(start + cut + 2, static_cast<std::uint16_t>(measured_.tlv_bytes() - cut - 4));
  }
  template <class Pdu>
  [[nodiscard]] bool body_may_be_absent(const Pdu& m) const noexcept {
    return is_error_response_ && m == Pdu{};
  }

 private:
  [[gnu::always_inline]] void copy(std::string_view v) noexcept {
    if (!v.empty()) std::memcpy(p_, v.data(), v.size());
    p_ += v.size();
  }
  std::uint8_t* p_;
  const measurer& measured_;
  bool is_error_response_;
};

}  // namespace msgkit::smpp
