// The two visitors that turn a PDU into octets: `measurer` checks every limit and adds up the size, `writer` then copies
// without checks.
#pragma once

#include <cstring>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/counted_list.hpp"
#include "msgkit/smpp/errc.hpp"
#include "msgkit/smpp/tlv.hpp"

namespace msgkit::smpp {

// C-octet strings are short: a few words are looked at faster than memchr is called.
[[gnu::always_inline]] inline bool has_nul(std::string_view v) noexcept {
  const char* p = v.data();
  std::size_t n = v.size();
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    if (((word - 0x0101010101010101u) & ~word & 0x8080808080808080u) != 0) return true;
  }
  for (; n != 0; --n)
    if (*p++ == '\0') return true;
  return false;
}

// Octets of the list once its last TLV is whole: a tolerated truncated TLV is written with the length it really has.
inline std::size_t encoded_bytes(const tlv_list& list) noexcept {
  std::size_t total = 0;
  for (const auto& each : list) total += 4 + each.value.size();
  return total;
}

class measurer {
 public:
  explicit measurer(bool is_error_response) noexcept : is_error_response_(is_error_response) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] const fault& error() const noexcept { return fault_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  template <class T>
  void octet(std::string_view, const T&) noexcept {
    ++size_;
  }
  void u32(std::string_view, const std::uint32_t&) noexcept { size_ += 4; }
  [[gnu::always_inline]] void cstring(std::string_view name, std::string_view v, std::size_t max) noexcept {
    if (v.size() >= max) [[unlikely]]
      fail(errc::field_too_long, name);
    else if (has_nul(v)) [[unlikely]]
      fail(errc::embedded_nul, name);
    size_ += v.size() + 1;
  }
  void long_cstring(std::string_view name, std::string_view v, std::size_t, std::size_t accepted) noexcept {
    cstring(name, v, accepted);
  }
  void optional_cstring(std::string_view name, std::string_view v, std::size_t max, const tlv_list& list) noexcept {
    if (!is_error_response_ || !v.empty() || !list.empty()) cstring(name, v, max);
  }
  [[gnu::always_inline]] void time(std::string_view name, std::string_view v) noexcept {
    if (!v.empty() && v.size() != 16) fail(errc::invalid_time_length, name);
    cstring(name, v, 17);
  }
  [[gnu::always_inline]] void counted_octets(std::string_view, std::string_view name, std::string_view v,
                                             std::size_t max) noexcept {
    if (v.size() > max) [[unlikely]]
      fail(errc::field_too_long, name);
    size_ += 1 + v.size();
  }
  template <class Element>
  void list(std::string_view, std::string_view, const counted_list<Element>& v) noexcept {
    size_ += 1 + v.encoded().size();
  }
  void tlvs(std::string_view, const tlv_list& v) noexcept {
    if (!v.empty()) size_ += encoded_bytes(v);
  }
  void require(std::string_view name, bool holds, errc otherwise) noexcept {
    if (!holds) fail(otherwise, name);
  }
  [[nodiscard]] bool body_may_be_absent() const noexcept { return is_error_response_; }

 private:
  void fail(errc code, std::string_view name) noexcept {
    if (!failed_) fault_ = {make_error_code(code), name, size_};
    failed_ = true;
  }
  fault fault_{};
  std::size_t size_ = 0;
  bool is_error_response_;
  bool failed_ = false;
};

class writer {
 public:
  writer(std::uint8_t* p, bool is_error_response) noexcept : p_(p), is_error_response_(is_error_response) {}

  template <class T>
  void octet(std::string_view, const T& v) noexcept {
    *p_++ = static_cast<std::uint8_t>(v);
  }
  void u32(std::string_view, const std::uint32_t& v) noexcept {
    store_big(p_, v);
    p_ += 4;
  }
  [[gnu::always_inline]] void cstring(std::string_view, std::string_view v, std::size_t) noexcept {
    copy(v);
    *p_++ = 0;
  }
  void long_cstring(std::string_view name, std::string_view v, std::size_t max, std::size_t) noexcept {
    cstring(name, v, max);
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
  void list(std::string_view, std::string_view, const counted_list<Element>& v) noexcept {
    *p_++ = v.size();
    copy(as_text(v.encoded()));
  }
  void tlvs(std::string_view, const tlv_list& v) noexcept {
    for (const auto& each : v) {
      store_big(p_, static_cast<std::uint16_t>(each.tag));
      store_big(p_ + 2, static_cast<std::uint16_t>(each.value.size()));
      p_ += 4;
      copy(as_text(each.value));
    }
  }
  void require(std::string_view, bool, errc) noexcept {}
  [[nodiscard]] bool body_may_be_absent() const noexcept { return is_error_response_; }

 private:
  [[gnu::always_inline]] void copy(std::string_view v) noexcept {
    if (!v.empty()) std::memcpy(p_, v.data(), v.size());
    p_ += v.size();
  }
  std::uint8_t* p_;
  bool is_error_response_;
};

}  // namespace msgkit::smpp
