// RESP2 and RESP3 replies. The decoder takes octets in any pieces, keeps its place, and never recurses: a reply is a flat
// list of nodes in document order, of which value is a cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::bridge::redis {

enum class kind : std::uint8_t {
  simple,     // + text
  error,      // - and ! text
  integer,    // :
  bulk,       // $ and = (without its "txt:")
  null,       // $-1, *-1 and _
  boolean,    // #
  real,       // , text
  big,        // ( text
  array,      // *
  map,        // % children are key, value, key, value
  set,        // ~
  push,       // >
  attribute,  // | children as map, then the reply it belongs to follows as a node of its own
};

struct decoder_limits {
  std::size_t line_bytes_max = 64 * 1024;
  std::size_t bulk_bytes_max = 16 * 1024 * 1024;
  std::size_t reply_bytes_max = 64 * 1024 * 1024;
  std::size_t elements_max = 1'000'000;  // of one reply, all levels together
  std::size_t depth_max = 16;
};

struct node {
  redis::kind kind{};
  std::uint32_t children = 0;  // direct ones
  std::uint32_t end = 0;       // index behind the last descendant
  std::size_t offset = 0;      // of its text
  std::size_t length = 0;
  std::int64_t integer = 0;
};

// A place in a decoded reply; valid until the next next() or feed() of its decoder.
class value {
 public:
  value() = default;
  value(const node* nodes, const std::uint8_t* octets, std::size_t at) : nodes_(nodes), octets_(octets), at_(at) {}

  [[nodiscard]] redis::kind kind() const noexcept { return nodes_ == nullptr ? redis::kind::null : nodes_[at_].kind; }
  [[nodiscard]] bool is_error() const noexcept { return kind() == redis::kind::error; }
  [[nodiscard]] bool is_null() const noexcept { return kind() == redis::kind::null; }
  // Of simple, error, bulk, real, big; empty otherwise.
  [[nodiscard]] std::string_view text() const noexcept;
  [[nodiscard]] std::int64_t integer() const noexcept { return nodes_ == nullptr ? 0 : nodes_[at_].integer; }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_ == nullptr ? 0 : nodes_[at_].children; }

  class iterator;  // over the direct children, attributes left out
  [[nodiscard]] iterator begin() const;
  [[nodiscard]] iterator end() const;
  // The i-th child, null beyond the last. Linear.
  [[nodiscard]] value child(std::size_t i) const;

 private:
  const node* nodes_ = nullptr;
  const std::uint8_t* octets_ = nullptr;
  std::size_t at_ = 0;
};

class value::iterator {
 public:
  iterator(const value& of, std::size_t at) : of_(of), at_(at) { skip_attributes(); }
  value operator*() const { return {of_.nodes_, of_.octets_, at_}; }
  iterator& operator++() {
    at_ = of_.nodes_[at_].end;
    skip_attributes();
    return *this;
  }
  bool operator==(const iterator& other) const noexcept { return at_ == other.at_; }

 private:
  void skip_attributes() {
    if (of_.nodes_ == nullptr) return;
    while (at_ < of_.nodes_[of_.at_].end && of_.nodes_[at_].kind == redis::kind::attribute) at_ = of_.nodes_[at_].end;
  }
  value of_;
  std::size_t at_;
};
inline value::iterator value::begin() const { return {*this, nodes_ == nullptr ? 0 : at_ + 1}; }
inline value::iterator value::end() const { return {*this, nodes_ == nullptr ? 0 : nodes_[at_].end}; }

class decoder {
 public:
  explicit decoder(decoder_limits limits = {}) : limits_(limits) {}

  void feed(bytes_view octets);
  // The next whole reply, nullopt while it is incomplete. After an error the stream is lost.
  // Errors: resp_*, packet_too_large, value_out_of_range.
  result<std::optional<value>> next();
  void reset();

 private:
  enum class step : std::uint8_t { done, more, failed };
  step scan();
  step scan_node();
  step fail(bridge::errc why, std::string_view field);
  step scalar(node n);
  step open(node n, std::uint64_t count);
  void close_levels();

  struct level {
    std::uint32_t node = 0;
    std::uint64_t left = 0;
  };
  decoder_limits limits_;
  byte_vector buffer_;
  std::size_t start_ = 0;  // of the reply under way
  std::size_t at_ = 0;     // scanned so far
  std::size_t line_at_ = 0;  // where the search for CRLF goes on
  std::vector<node> nodes_;
  std::vector<level> open_;
  fault fault_{};
};

}  // namespace msgkit::bridge::redis
