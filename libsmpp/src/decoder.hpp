// The visitor that fills a PDU from octets. Once a field has failed the rest read nothing, so descriptions need no
// error handling; the first fault is kept.
#pragma once

#include <cstring>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/counted_list.hpp"
#include "msgkit/smpp/diagnostics.hpp"
#include "msgkit/smpp/errc.hpp"
#include "msgkit/smpp/header.hpp"
#include "msgkit/smpp/tlv.hpp"

namespace msgkit::smpp {

class decoder {
 public:
  // `strict`: what an MC must check before it accepts a message (lengths of times and TLVs). Receipts and responses are
  // decoded leniently instead, because refusing one loses an outcome.
  decoder(bytes_view frame, std::size_t body_offset, bool strict, bool is_error_response, diagnostics* notes) noexcept
      : begin_(frame.data()),
        p_(frame.data() + body_offset),
        end_(frame.data() + frame.size()),
        notes_(notes),
        strict_(strict),
        is_error_response_(is_error_response) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] const fault& error() const noexcept { return fault_; }
  [[nodiscard]] std::size_t offset() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

  template <class T>
  [[gnu::always_inline]] void octet(std::string_view name, T& v) noexcept {
    if (p_ == end_) [[unlikely]]
      return fail(errc::truncated, name);
    v = static_cast<T>(*p_++);
  }

  void u32(std::string_view name, std::uint32_t& v) noexcept {
    if (room() < 4) return fail(errc::truncated, name);
    v = load_big<std::uint32_t>(p_);
    p_ += 4;
  }

  [[gnu::always_inline]] void cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept {
    const std::size_t limit = std::min(room(), max);
    const auto* nul = static_cast<const std::uint8_t*>(std::memchr(p_, 0, limit));
    if (nul == nullptr) [[unlikely]]
      return fail(limit < max ? errc::truncated : errc::missing_terminator, name);
    take(v, nul);
  }

  // Longer than the specification's `max` is noted, longer than `accepted` fails.
  void long_cstring(std::string_view name, std::string_view& v, std::size_t max, std::size_t accepted) noexcept {
    const auto at = offset();
    cstring(name, v, accepted);
    if (v.size() >= max) note(name, at, diagnostic_kind::field_too_long);
  }

  // The first field of a response: may be absent altogether, or lack its NUL at the end of the PDU.
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const tlv_list&) noexcept {
    if (p_ == end_) return;
    const std::size_t limit = std::min(room(), max);
    if (const auto* nul = static_cast<const std::uint8_t*>(std::memchr(p_, 0, limit))) return take(v, nul);
    if (room() > max) return fail(errc::missing_terminator, name);
    note(name, offset(), diagnostic_kind::missing_terminator);
    v = as_text(bytes_view{p_, end_});
    p_ = end_;
  }

  [[gnu::always_inline]] void time(std::string_view name, std::string_view& v) noexcept {
    const auto at = offset();
    cstring(name, v, time_bytes_max);
    if (strict_ && !failed_ && !v.empty() && v.size() != time_bytes_max - 1) [[unlikely]]
      fail_at(errc::invalid_time_length, name, at);
  }

  [[gnu::always_inline]] void counted_octets(std::string_view count_name, std::string_view name, std::string_view& v,
                                             std::size_t) noexcept {
    std::uint8_t count = 0;
    octet(count_name, count);
    if (room() < count) [[unlikely]]
      return fail(errc::message_too_long, name);
    v = as_text(bytes_view{p_, count});
    p_ += count;
  }

  template <class Element>
  void list(std::string_view count_name, std::string_view, counted_list<Element>& v) noexcept {
    std::uint8_t count = 0;
    octet(count_name, count);
    const auto* start = p_;
    for (unsigned i = 0; i < count && !failed_; ++i) {
      Element element;
      Element::fields(*this, element);
    }
    if (!failed_) v = {bytes_view{start, p_}, count};
  }

  [[gnu::always_inline]] void tlvs(std::string_view name, tlv_list& v) noexcept {
    if (p_ != end_) [[unlikely]]
      read_tlvs(name, v);
  }

  void require(std::string_view name, bool holds, errc otherwise) noexcept {
    if (!holds) fail(otherwise, name);
  }

  // Bodies of error responses are often left out.
  [[nodiscard]] bool body_may_be_absent() const noexcept { return p_ == end_ && is_error_response_; }

 private:
  static constexpr std::size_t time_bytes_max = 17;

  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - p_); }

  void take(std::string_view& v, const std::uint8_t* nul) noexcept {
    v = as_text(bytes_view{p_, nul});
    p_ = nul + 1;
  }

  void read_tlvs(std::string_view name, tlv_list& v) noexcept;

  void fail(errc code, std::string_view name) noexcept { fail_at(code, name, offset()); }
  void fail_at(errc code, std::string_view name, std::size_t at) noexcept {
    if (!failed_) fault_ = {make_error_code(code), name, at};
    failed_ = true;
    p_ = end_;
  }
  void note(std::string_view name, std::size_t at, diagnostic_kind kind) noexcept {
    if (notes_ != nullptr && !failed_) notes_->add({name, at, kind});
  }

  const std::uint8_t* begin_;
  const std::uint8_t* p_;
  const std::uint8_t* end_;
  diagnostics* notes_;
  fault fault_{};
  bool strict_;
  bool is_error_response_;
  bool failed_ = false;
};

}  // namespace msgkit::smpp
