// Writes a multipart body, or a single part, into octets that any mail or HTTP peer reads: CRLF line ends, lines of at
// most 998 octets, base64 for everything that is not plain short-lined ASCII, and a boundary that occurs nowhere inside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/media_type.hpp"

namespace msgkit::mime {

struct out_part {
  media_type type{};
  std::string id{};        // written as <id>; no brackets
  std::string location{};
  std::string name{};      // written as parameter of Content-Type
  bytes_view content{};    // must live until the part is written
};

enum class multipart_kind : std::uint8_t { related, mixed };

struct multipart_options {
  multipart_kind kind = multipart_kind::mixed;
  std::string start{};      // related: id of the root part; empty: none is named
  std::string root_type{};  // related: type parameter, e.g. application/smil
  std::uint64_t seed = 0;   // of the boundary: anything that differs between messages
  bool binary = false;      // no transfer encoding, as HTTP allows
};

// What stands in the header of the whole: Content-Type and, of a single part, its transfer encoding.
struct built_header {
  std::string content_type{};
  std::string transfer_encoding{};  // empty for a multipart
};

// The header for these parts: one part without options stands alone, otherwise a multipart.
// Errors: unsafe_value.
result<built_header> plan_multipart(const std::vector<out_part>& parts, const multipart_options& o);
// Appends the body that belongs to the header of the same arguments. Reserves what it needs at once.
result<void> append_multipart(byte_vector& out, const std::vector<out_part>& parts, const multipart_options& o);

// A lone part, without a multipart around it.
result<built_header> plan_single(const out_part& p);
void append_single(byte_vector& out, const out_part& p);

}  // namespace msgkit::mime
