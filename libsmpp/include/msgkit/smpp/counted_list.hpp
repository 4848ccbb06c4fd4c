// A list whose length precedes it in one octet: the destinations of submit_multi and the failures of its response.
// Like tlv_list it is a view over encoded octets, decoded element by element while iterating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"
#include "msgkit/smpp/errc.hpp"

namespace msgkit::smpp {

// Element types: dest_address, unsuccess_sme, listed_message.
// Decodes one element at the front of `octets` and returns the octets it
// took. Errors: as decode().
template <class Element>
result<std::size_t> decode_element(bytes_view octets, Element& out);
// Appends one element. Errors: as encode().
template <class Element>
result<void> encode_element(const Element& element, byte_vector& out);

template <class Element>
class counted_list {
 public:
  using element_type = Element;
  constexpr counted_list() = default;
  // `encoded` must hold `count` well-formed elements: comes from decode() or counted_list_builder.
  constexpr counted_list(bytes_view encoded, std::uint8_t count) noexcept : encoded_(encoded), count_(count) {}

  class iterator {
   public:
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    iterator() = default;
    explicit iterator(bytes_view rest) : rest_(rest) { read(); }
    const Element& operator*() const noexcept { return current_; }
    const Element* operator->() const noexcept { return &current_; }
    iterator& operator++() {
      rest_ = rest_.subspan(taken_);
      read();
      return *this;
    }
    iterator operator++(int) {
      auto copy = *this;
      ++*this;
      return copy;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.rest_.size() == b.rest_.size(); }

   private:
    void read() {
      current_ = {};
      if (rest_.empty()) return;
      const auto taken = decode_element(rest_, current_);
      if (taken) taken_ = *taken;
      else rest_ = {};
    }
    bytes_view rest_{};
    Element current_{};
    std::size_t taken_ = 0;
  };

  [[nodiscard]] iterator begin() const { return iterator(encoded_); }
  [[nodiscard]] iterator end() const { return {}; }
  [[nodiscard]] constexpr std::uint8_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr bytes_view encoded() const noexcept { return encoded_; }

  friend bool operator==(const counted_list& a, const counted_list& b) noexcept {
    return a.count_ == b.count_ && as_text(a.encoded_) == as_text(b.encoded_);
  }

 private:
  bytes_view encoded_{};
  std::uint8_t count_ = 0;
};

// Must outlive the PDU that uses its list().
template <class Element>
class counted_list_builder {
 public:
  // Errors: errc::value_out_of_range for a 256th element; else as encode().
  result<void> add(const Element& element) {
    if (count_ == 255) return errc::value_out_of_range;
    if (auto ok = encode_element(element, encoded_); !ok) return ok;
    ++count_;
    return {};
  }
  [[nodiscard]] counted_list<Element> list() const noexcept { return {encoded_, count_}; }

 private:
  byte_vector encoded_;
  std::uint8_t count_ = 0;
};

}  // namespace msgkit::smpp
