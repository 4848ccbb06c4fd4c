// The visitor that fills a PDU from octets. Once a field has failed the rest read nothing, so descriptions need no
// error handling; the first fault is kept.
#pragma once

#include <algorithm>
#include <cstring>

#include "msgkit/core/bytes.hpp"
#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {

struct decode_rules {
  // What an MC must check before it accepts a message: lengths of strings, times and TLVs. Receipts and responses are
  // decoded leniently instead, because refusing one loses an outcome.
  bool is_strict = true;
  bool is_error_response = false;
};

class decoder {
 public:
  decoder(bytes_view frame, std::size_t body_offset, decode_rules rules, diagnostics* notes) noexcept
      : begin_(frame.data()),
        p_(frame.data() + body_offset),
        end_(frame.data() + frame.size()),
        notes_(notes),
        rules_(rules) {}

  [[nodiscard]] bool failed() const noexcept { return error_.code != errc{}; }
  // Precondition: failed().
  [[nodiscard]] fault error() const noexcept { return {make_error_code(error_.code), error_.field, error_.offset}; }
  // Fails with what strict rules would have refused first, if anything.
  void refuse_deviations() noexcept {
    if (deviation_.code != errc{}) error_ = deviation_;
  }
  void fail(errc code, std::string_view name, std::size_t at) noexcept {
    if (!failed()) error_ = {code, name, at};
    p_ = end_;
  }
  void note(std::string_view name, std::size_t at, diagnostic_kind kind) noexcept {
    if (notes_ != nullptr && !failed()) notes_->add({name, at, kind});
  }
  [[nodiscard]] std::size_t offset() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

  template <class T>
  [[gnu::always_inline]] void octet(std::string_view name, T& v) noexcept {
    if (p_ == end_) [[unlikely]]
      return run_out(name);
    v = static_cast<T>(*p_++);
  }
  void octet_between(std::string_view name, std::uint8_t& v, std::uint8_t low, std::uint8_t high,
                     errc otherwise) noexcept {
    octet(name, v);
    if (v < low || v > high) fail(otherwise, name, offset() - 1);
  }
  void u32(std::string_view name, std::uint32_t& v) noexcept {
    if (room() < 4) return run_out(name);
    v = load_big<std::uint32_t>(p_);
    p_ += 4;
  }

  [[gnu::always_inline]] void cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept {
    if (p_ != end_ && *p_ == 0) {
      v = {reinterpret_cast<const char*>(p_), 0};
      ++p_;
    } else if (const auto* nul = find_nul(max)) [[likely]] {
      take(v, nul);
    } else {
      read_odd_cstring(name, v, max);
    }
  }

  // The first field of a response: may be absent altogether, or lack its NUL at the end of the PDU.
  void optional_cstring(std::string_view name, std::string_view& v, std::size_t max, const tlv_list&) noexcept {
    if (p_ == end_) {
      if (!rules_.is_error_response) note(name, offset(), diagnostic_kind::missing_fields);
    } else if (const auto* nul = find_nul(max)) {
      take(v, nul);
    } else {
      read_odd_optional_cstring(name, v, max);
    }
  }

  [[gnu::always_inline]] void time(std::string_view name, std::string_view& v) noexcept {
    const auto at = offset();
    cstring(name, v, time_bytes_max);
    if (!v.empty() && v.size() != time_bytes_max - 1) [[unlikely]]
      tolerate(errc::invalid_time_length, name, at, diagnostic_kind::invalid_time_length);
  }

  [[gnu::always_inline]] void counted_octets(std::string_view count_name, std::string_view name, std::string_view& v,
                                             std::size_t) noexcept {
    std::uint8_t count = 0;
    octet(count_name, count);
    if (room() < count) [[unlikely]]
      return fail(errc::message_too_long, name, offset());
    v = as_text(bytes_view{p_, count});
    p_ += count;
  }

  template <class Element>
  void list(std::string_view count_name, std::string_view, counted_list<Element>& v, std::uint8_t count_min) noexcept {
    std::uint8_t count = 0;
    octet(count_name, count);
    if (count < count_min) return fail(errc::value_out_of_range, count_name, offset() - 1);
    const auto* start = p_;
    const auto* whole = p_;
    std::uint8_t read = 0;
    for (; read < count; ++read) {
      Element element;
      Element::fields(*this, element);
      if (failed()) return;
      if (ran_out_) break;
      whole = p_;
    }
    v = {bytes_view{start, whole}, read};
  }

  [[gnu::always_inline]] void tlvs(std::string_view name, tlv_list& v) noexcept {
    if (p_ != end_) [[unlikely]]
      read_tlvs(name, v);
  }

  // Bodies of error responses are often left out.
  template <class Pdu>
  [[nodiscard]] bool body_may_be_absent(const Pdu&) const noexcept {
    return p_ == end_ && rules_.is_error_response;
  }

 private:
  static constexpr std::size_t time_bytes_max = 17;

  // A fault without the std::error_code, whose construction is a call into the standard library.
  struct mark {
    errc code{};
    std::string_view field{};
    std::size_t offset = 0;
  };

  [[nodiscard]] std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - p_); }

  [[nodiscard]] [[gnu::always_inline]] const std::uint8_t* find_nul(std::size_t max) const noexcept {
    const std::size_t limit = std::min(room(), max);
    return limit == 0 ? nullptr : static_cast<const std::uint8_t*>(std::memchr(p_, 0, limit));
  }
  [[gnu::always_inline]] void take(std::string_view& v, const std::uint8_t* nul) noexcept {
    v = as_text(bytes_view{p_, nul});
    p_ = nul + 1;
  }

  // Strict rules fail here; lenient ones remember and go on. Returns whether to go on.
  bool tolerate(errc code, std::string_view name, std::size_t at, diagnostic_kind kind) noexcept;
  void run_out(std::string_view name) noexcept;
  void read_odd_cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept;
  void read_odd_optional_cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept;
  void read_tlvs(std::string_view name, tlv_list& v) noexcept;

  const std::uint8_t* begin_;
  const std::uint8_t* p_;
  const std::uint8_t* end_;
  diagnostics* notes_;
  decode_rules rules_;
  bool ran_out_ = false;
  mark error_{};
  mark deviation_{};
};

}  // namespace msgkit::smpp
