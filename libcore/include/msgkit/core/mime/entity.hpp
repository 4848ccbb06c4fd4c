// A MIME message as a tree of parts that point into the message.
//
// Header blocks and structure are read by a scan of our own with limits; boundaries count only as whole lines.
// mimetic's parser sees neither: it is not line-anchored, recurses without end, copies, and rewrites what it reads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/mime/errc.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/media_type.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mime {

constexpr std::size_t boundary_length_max = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t no_parent = static_cast<std::size_t>(-1);

struct part {
  field_list fields{};
  media_type type{};
  std::string id{};        // Content-ID without brackets and quotes
  std::string location{};  // Content-Location
  std::string name{};      // file name of Content-Disposition, else name of Content-Type; UTF-8, never a path
  transfer_encoding encoding = transfer_encoding::seven_bit;
  bytes_view body{};       // as sent: decode() undoes the transfer encoding. Of a multipart: everything inside
  std::size_t parent = no_parent;  // index of the multipart around it
  std::size_t depth = 0;           // 0: the message itself

  [[nodiscard]] bool is_multipart() const noexcept { return type.is_multipart(); }
  [[nodiscard]] std::string_view charset() const noexcept { return type.get("charset"); }
  [[nodiscard]] bool is_smil() const noexcept { return type.is("application/smil") || type.is("application/smil+xml"); }
};

enum class diagnostic : std::uint8_t {
  bare_newline,               // a header block has lines that end in LF alone
  mbox_line,                  // "From " line before the header
  header_without_empty_line,  // the header runs into the end, or a part's header into its body
  missing_close_delimiter,    // the last part runs to the end; nothing proves that it is whole
  eight_bit_unlabelled,       // octets above 127 in a part that says 7bit
};
std::string_view to_string(diagnostic d) noexcept;

struct document {
  std::vector<part> parts{};  // [0] is the message; then depth first, in the order sent
  std::vector<diagnostic> diagnostics{};  // each at most once

  [[nodiscard]] const part& message() const noexcept { return parts.front(); }
  [[nodiscard]] bool has(diagnostic d) const noexcept;
  // The parts that are content, with the presentation (SMIL, or what `start` names) first.
  [[nodiscard]] std::vector<const part*> leaves() const;
  // The presentation: what the start parameter of a multipart/related names, else the first SMIL part; null without one.
  [[nodiscard]] const part* presentation() const noexcept;
  // The part a SMIL src or a MM7 href means: Content-Location, then cid: and Content-ID, then name; any case,
  // percent-decoded. Null when nothing matches; the result never depends on anything outside the message.
  [[nodiscard]] const part* resolve(std::string_view reference) const;
};

// `octets` must outlive the document. Without a header of its own a body, as HTTP carries it, is parsed by parse_body().
// Errors: those of limits, boundary_missing, no_parts, header_malformed; the offset counts from the start of `octets`.
result<document> parse(bytes_view octets, const limits& l = {});
// The header came by other means: `fields` are those of the whole body.
result<document> parse_body(field_list fields, bytes_view body, const limits& l = {});

// The content of a part, its transfer encoding undone, at most `bytes_max` octets.
// Errors: base64_invalid, transfer_encoding_unknown, part_too_long.
result<byte_vector> decode(const part& p, std::size_t bytes_max);
// Piece by piece.
result<void> decode(const part& p, std::size_t bytes_max, const octet_sink& sink);
// As UTF-8, whatever its charset.
result<std::string> decode_text(const part& p, std::size_t bytes_max);

// Content-ID as sent to the form compared: without blanks, quotes, brackets and a leading "cid:".
std::string normal_content_id(std::string_view value);
// The last component of a file name that somebody sent, without separators and control characters.
std::string safe_file_name(std::string_view name);

}  // namespace msgkit::mime
