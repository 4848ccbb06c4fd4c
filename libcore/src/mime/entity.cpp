#include "msgkit/core/mime/entity.hpp"

#include <algorithm>

#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/mime/encoded_word.hpp"
#include "msgkit/core/mime/percent.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::mime {
namespace {
struct delimiter {
  std::size_t at = 0;    // of its line
  std::size_t next = 0;  // first octet after its line
  bool closes = false;
};

// The next line that is "--boundary" or "--boundary--" and blanks, whole.
class delimiter_finder {
 public:
  delimiter_finder(bytes_view body, std::string_view boundary) : body_(body), boundary_(boundary) {}

  bool next(delimiter& d) {
    for (const auto text = as_text(body_); from_ < text.size(); ++from_) {
      // Base64 has no hyphens, text has few.
      from_ = std::min(text.find('-', from_), text.size());
      const bool begins_line = from_ == 0 || from_ == text.size() || text[from_ - 1] == '\n';
      if (!begins_line || !text.substr(from_).starts_with("--") || !text.substr(from_ + 2).starts_with(boundary_))
        continue;
      d.at = from_;
      auto i = from_ + 2 + boundary_.size();
      d.closes = text.substr(i).starts_with("--");
      if (d.closes) i += 2;
      while (i < body_.size() && (body_[i] == ' ' || body_[i] == '\t')) ++i;
      if (i < body_.size() && body_[i] == '\r') ++i;
      if (i < body_.size() && body_[i] != '\n') continue;
      d.next = std::min(i + 1, body_.size());
      from_ = d.next;
      return true;
    }
    return false;
  }

 private:
  bytes_view body_;
  std::string_view boundary_;
  std::size_t from_ = 0;
};

// The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
bytes_view without_last_line_end(bytes_view octets) noexcept {
  if (!octets.empty() && octets.back() == '\n') octets = octets.first(octets.size() - 1);
  if (!octets.empty() && octets.back() == '\r') octets = octets.first(octets.size() - 1);
  return octets;
}

class reader {
 public:
  reader(bytes_view all, const limits& l) : all_(all), limits_(l) {
    constexpr std::size_t usual = 3;
    document_.parts.reserve(usual);
  }

  result<void> read_entity(bytes_view octets, std::size_t parent, std::size_t depth) {
    const bool is_top = depth == 0;
    auto header = read_header(octets, limits_, !is_top);
    if (!header) return moved(header.error(), octets);
    if (!header->ended && (!is_top || header->length != octets.size() || header->fields.size() > 0))
      note(diagnostic::header_without_empty_line);
    if (header->mbox_line) note(diagnostic::mbox_line);
    if (is_top && has_bare_newline(octets.first(header->length))) note(diagnostic::bare_newline);
    return add(std::move(header->fields), octets.subspan(header->length), parent, depth);
  }

  result<void> add(field_list fields, bytes_view body, std::size_t parent, std::size_t depth) {
    if (document_.parts.size() > limits_.part_count_max) return at(errc::too_many_parts, body);
    part p;
    p.fields = std::move(fields);
    p.type = parse_media_type(p.fields.value("Content-Type"));
    p.encoding = parse_transfer_encoding(p.fields.value("Content-Transfer-Encoding"));
    p.id = normal_content_id(p.fields.value("Content-ID"));
    p.location = decode_words(p.fields.value("Content-Location"));
    p.name = name_of(p);
    p.body = body;
    p.parent = parent;
    p.depth = depth;
    if (!p.is_multipart() && p.encoding == transfer_encoding::seven_bit && ascii_prefix(as_text(body)) < body.size()) {
      p.encoding = transfer_encoding::eight_bit;
      note(diagnostic::eight_bit_unlabelled);
    }
    const bool is_multipart = p.is_multipart();
    const std::string boundary(is_multipart ? p.type.get("boundary") : std::string_view{});
    document_.parts.push_back(std::move(p));
    if (!is_multipart) return {};
    if (boundary.empty() || boundary.size() > boundary_length_max) return at(errc::boundary_missing, body);
    if (depth >= limits_.depth_max) return at(errc::too_deep, body);
    return read_parts(body, boundary, document_.parts.size() - 1, depth);
  }

  document take() { return std::move(document_); }

 private:
  result<void> read_parts(bytes_view body, std::string_view boundary, std::size_t self, std::size_t depth) {
    delimiter_finder finder(body, boundary);
    delimiter d;
    if (!finder.next(d) || d.closes) return at(errc::no_parts, body);
    for (bool more = true; more;) {
      const auto start = d.next;
      const bool found = finder.next(d);
      if (!found) note(diagnostic::missing_close_delimiter);
      const auto end = found ? d.at : body.size();
      // An empty part may share its only line end with the delimiter after it.
      auto octets = body.subspan(start, end - start);
      if (found) octets = without_last_line_end(octets);
      // What follows a delimiter on the very last line of a cut message is no part.
      if (found || !octets.empty()) {
        if (auto ok = read_entity(octets, self, depth + 1); !ok) return ok;
      }
      more = found && !d.closes;
    }
    if (document_.parts.size() == self + 1) return at(errc::no_parts, body);
    return {};
  }

  static bool has_bare_newline(bytes_view header) noexcept {
    for (std::size_t i = 0; i < header.size(); ++i)
      if (header[i] == '\n' && (i == 0 || header[i - 1] != '\r')) return true;
    return false;
  }

  static std::string name_of(const part& p) {
    std::string name;
    if (const auto* disposition = p.fields.find("Content-Disposition"))
      name = decode_words(parse_parameters(*disposition).get("filename"));
    if (name.empty()) name = decode_words(p.type.get("name"));
    return safe_file_name(name);
  }

  [[nodiscard]] fault at(errc e, bytes_view where) const {
    return {make_error_code(e), "Content-Type", static_cast<std::size_t>(where.data() - all_.data())};
  }
  [[nodiscard]] fault moved(fault f, bytes_view where) const {
    f.offset += static_cast<std::size_t>(where.data() - all_.data());
    return f;
  }
  void note(diagnostic d) {
    if (!document_.has(d)) document_.diagnostics.push_back(d);
  }

  bytes_view all_;
  const limits& limits_;
  document document_;
};

// Content-ID without what stands around it.
std::string_view bare_content_id(std::string_view value) noexcept {
  value = trim(value);
  // Quotes around brackets and brackets around quotes both occur.
  for (int i = 0; i < 2; ++i) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = trim(value.substr(1, value.size() - 2));
    if (value.size() >= 2 && value.front() == '<' && value.back() == '>')
      value = trim(value.substr(1, value.size() - 2));
  }
  if (starts_ignoring_case(value, "cid:")) value.remove_prefix(4);
  return value;
}

// What two spellings of a reference are compared by: with the percent signs of both resolved.
bool means_same(std::string_view text, std::string_view wanted) {
  if (text.find('%') == std::string_view::npos) return equal_ignoring_case(bare_content_id(text), wanted);
  return equal_ignoring_case(bare_content_id(percent_decode(trim(text))), wanted);
}

}  // namespace

std::string_view to_string(diagnostic d) noexcept {
  switch (d) {
    case diagnostic::bare_newline: return "bare_newline";
    case diagnostic::mbox_line: return "mbox_line";
    case diagnostic::header_without_empty_line: return "header_without_empty_line";
    case diagnostic::missing_close_delimiter: return "missing_close_delimiter";
    case diagnostic::eight_bit_unlabelled: return "eight_bit_unlabelled";
  }
  return "unknown";
}

bool document::has(diagnostic d) const noexcept { return std::ranges::find(diagnostics, d) != diagnostics.end(); }

const part* document::presentation() const noexcept {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].type.is("multipart/related")) continue;
    const auto* start = parts[i].type.find("start");
    if (start == nullptr) continue;
    const auto id = normal_content_id(*start);
    for (const auto& p : parts)
      if (p.parent == i && !p.is_multipart() && !id.empty() && equal_ignoring_case(p.id, id)) return &p;
  }
  const auto smil = std::ranges::find_if(parts, [](const part& p) { return p.is_smil(); });
  return smil == parts.end() ? nullptr : &*smil;
}

std::vector<const part*> document::leaves() const {
  std::vector<const part*> all;
  const auto* first = presentation();
  if (first != nullptr) all.push_back(first);
  for (const auto& p : parts)
    if (!p.is_multipart() && &p != first) all.push_back(&p);
  return all;
}

const part* document::resolve(std::string_view reference) const {
  const auto decoded = percent_decode(trim(reference));
  const auto wanted = bare_content_id(decoded);
  if (wanted.empty()) return nullptr;
  const auto find = [&](auto&& text_of) -> const part* {
    for (const auto& p : parts)
      if (means_same(text_of(p), wanted)) return &p;
    return nullptr;
  };
  const auto location = [](const part& p) -> std::string_view { return p.location; };
  const auto id = [](const part& p) -> std::string_view { return p.id; };
  const auto name = [](const part& p) -> std::string_view { return p.name; };
  const bool is_id = starts_ignoring_case(trim(reference), "cid:");
  const part* found = is_id ? find(id) : find(location);
  if (found == nullptr) found = is_id ? find(location) : find(id);
  return found == nullptr ? find(name) : found;
}

result<document> parse(bytes_view octets, const limits& l) {
  if (octets.size() > l.message_bytes_max) return errc::message_too_long;
  reader r(octets, l);
  if (auto ok = r.read_entity(octets, no_parent, 0); !ok) return ok.error();
  return r.take();
}

result<document> parse_body(field_list fields, bytes_view body, const limits& l) {
  if (body.size() > l.message_bytes_max) return errc::message_too_long;
  reader r(body, l);
  if (auto ok = r.add(std::move(fields), body, no_parent, 0); !ok) return ok.error();
  return r.take();
}

result<void> decode(const part& p, std::size_t bytes_max, const octet_sink& sink) {
  switch (p.encoding) {
    case transfer_encoding::base64: return decode_base64(p.body, bytes_max, sink);
    case transfer_encoding::quoted_printable: {
      // Decoding only shrinks, so the text bounds the memory.
      const auto octets = decode_quoted_printable(p.body);
      if (octets.size() > bytes_max) return errc::part_too_long;
      if (!octets.empty()) (void)sink(octets);
      return {};
    }
    case transfer_encoding::unknown: return errc::transfer_encoding_unknown;
    default:
      if (p.body.size() > bytes_max) return errc::part_too_long;
      if (!p.body.empty()) (void)sink(p.body);
      return {};
  }
}

result<byte_vector> decode(const part& p, std::size_t bytes_max) {
  if (p.encoding == transfer_encoding::base64) return decode_base64(p.body, bytes_max);
  byte_vector out;
  const auto ok = decode(p, bytes_max, [&out](bytes_view octets) {
    append(out, octets);
    return true;
  });
  if (!ok) return ok.error();
  return out;
}

result<std::string> decode_text(const part& p, std::size_t bytes_max) {
  auto octets = decode(p, bytes_max);
  if (!octets) return octets.error();
  return to_utf8_or_guess(*octets, p.charset());
}

std::string normal_content_id(std::string_view value) { return std::string(bare_content_id(value)); }

std::string safe_file_name(std::string_view name) {
  const auto slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string out;
  for (const char c : name)
    if (static_cast<unsigned char>(c) >= 32 && c != 127) out += c;
  return out == "." || out == ".." ? std::string{} : out;
}

}  // namespace msgkit::mime
