// Cuts a stream of octets from an XMPP server into its header and stanzas, and refuses what RFC 6120 forbids in one.
//
//   parser.feed(octets);                            // in any pieces
//   while (auto item = parser.next()) { ... }
//
// Comments, processing instructions, document types and entities beyond the five of XML are restricted-xml; limits are
// policy-violation. Memory is bounded by limits.stanza_bytes_max times a constant.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "msgkit/core/bytes.hpp"
#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/stream_error.hpp"

namespace msgkit::xmppcomp {

struct xml_limits {
  std::size_t stanza_bytes_max = 256 * 1024;  // octets from the end of one stanza to the end of the next
  std::size_t token_bytes_max = 16 * 1024;    // one start tag with its attributes, still unfinished
  std::size_t attribute_bytes_max = 4 * 1024;
  std::size_t attributes_max = 64;  // of one element
  std::size_t elements_max = 4'096;  // of one stanza
  std::size_t depth_max = 64;       // of elements in a stanza, itself included
};

// The stream's first tag (RFC 6120 section 4.7). `default_ns` is what the peer declared.
struct stream_header {
  std::string id{};
  std::string from{};
  std::string to{};
  std::string default_ns{};
};

enum class stream_item : std::uint8_t {
  header,  // header() is there
  stanza,  // stanza() is there until the next call of next() or feed()
  end,     // the peer closed its stream
  failed,  // error() says why; nothing follows
};

class stream_parser {
 public:
  explicit stream_parser(const xml_limits& limits = {});
  ~stream_parser();
  stream_parser(stream_parser&&) noexcept;
  stream_parser& operator=(stream_parser&&) noexcept;

  // `octets` need to stay valid until next() has returned nullopt.
  void feed(bytes_view octets);
  std::optional<stream_item> next();

  [[nodiscard]] const stream_header& header() const noexcept;
  [[nodiscard]] const element& stanza() const noexcept;
  [[nodiscard]] stream_condition error() const noexcept;
  // Inside a stanza or tag: a peer that stops here owes us the rest.
  [[nodiscard]] bool is_partial() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::xmppcomp
