#include "msgkit/core/mime/builder.hpp"

#include <algorithm>
#include <cstring>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/mime/encoded_word.hpp"
#include "msgkit/core/mime/errc.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mime {
namespace {

constexpr std::size_t line_length_max = 998;

// ASCII in lines that end in CRLF and are short enough to travel as they are.
bool is_plain(const out_part& p) noexcept {
  if (p.type.type != "text" && !p.type.is("application/smil")) return false;
  std::size_t line = 0;
  for (std::size_t i = 0; i < p.content.size(); ++i) {
    const auto c = p.content[i];
    if (c == '\r') {
      if (i + 1 == p.content.size() || p.content[i + 1] != '\n') return false;
    } else if (c == '\n') {
      if (i == 0 || p.content[i - 1] != '\r') return false;
      line = 0;
      continue;
    } else if (c > 126 || (c < 32 && c != '\t')) {
      return false;
    }
    if (++line > line_length_max) return false;
  }
  return true;
}

// Differs from every text it separates. Base64 has no hyphen, so only what travels as it is needs a look.
std::string choose_boundary(const std::vector<out_part>& parts, const multipart_options& o) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    std::string boundary = "=_msgkit_";
    byte_vector octets;
    append_big(octets, mix(o.seed + attempt));
    append_big(octets, mix(mix(o.seed) ^ (attempt + 1)));
    append_hex(boundary, octets);
    const bool occurs = std::ranges::any_of(parts, [&](const out_part& p) {
      return (o.binary || is_plain(p)) &&
             memmem(p.content.data(), p.content.size(), boundary.data(), boundary.size()) != nullptr;
    });
    if (!occurs) return boundary;
  }
}

std::string_view encoding_of(const out_part& p, bool binary) noexcept {
  if (binary) return "binary";
  return is_plain(p) ? "7bit" : "base64";
}

result<std::string> content_type_of(const out_part& p) {
  auto type = p.type;
  if (!p.name.empty() && type.find("name") == nullptr) type.parameters.push_back({"name", encode_words(p.name)});
  auto text = to_string(type);
  if (!is_safe_value(text)) return fault{make_error_code(errc::unsafe_value), "Content-Type", 0};
  return text;
}

result<void> append_part_header(byte_vector& out, const out_part& p, bool binary) {
  auto type = content_type_of(p);
  if (!type) return type.error();
  if (auto ok = append_field(out, "Content-Type", *type); !ok) return ok;
  if (auto ok = append_field(out, "Content-Transfer-Encoding", encoding_of(p, binary)); !ok) return ok;
  if (!p.id.empty())
    if (auto ok = append_field(out, "Content-ID", '<' + p.id + '>'); !ok) return ok;
  if (!p.location.empty())
    if (auto ok = append_field(out, "Content-Location", encode_words(p.location)); !ok) return ok;
  append(out, "\r\n");
  return {};
}

void append_content(byte_vector& out, const out_part& p, bool binary) {
  if (binary || is_plain(p)) append(out, p.content);
  else append_base64(out, p.content);
}

std::size_t size_estimate(const std::vector<out_part>& parts) {
  std::size_t size = 256;
  for (const auto& p : parts) size += base64_length(p.content.size()) + p.id.size() + p.location.size() + p.name.size() + 512;
  return size;
}

}  // namespace

result<built_header> plan_multipart(const std::vector<out_part>& parts, const multipart_options& o) {
  media_type type{.type = "multipart", .subtype = o.kind == multipart_kind::related ? "related" : "mixed"};
  if (!o.root_type.empty()) type.parameters.push_back({"type", o.root_type});
  if (!o.start.empty()) type.parameters.push_back({"start", '<' + o.start + '>'});
  type.parameters.push_back({"boundary", choose_boundary(parts, o)});
  auto text = to_string(type);
  if (!is_safe_value(text)) return fault{make_error_code(errc::unsafe_value), "Content-Type", 0};
  return built_header{std::move(text), {}};
}

result<void> append_multipart(byte_vector& out, const std::vector<out_part>& parts, const multipart_options& o) {
  const auto boundary = choose_boundary(parts, o);
  out.reserve(out.size() + size_estimate(parts));
  for (const auto& p : parts) {
    append(out, "--" + boundary + "\r\n");
    if (auto ok = append_part_header(out, p, o.binary); !ok) return ok;
    append_content(out, p, o.binary);
    append(out, "\r\n");
  }
  append(out, "--" + boundary + "--\r\n");
  return {};
}

result<built_header> plan_single(const out_part& p) {
  auto type = content_type_of(p);
  if (!type) return type.error();
  return built_header{*std::move(type), std::string(encoding_of(p, false))};
}

void append_single(byte_vector& out, const out_part& p) {
  out.reserve(out.size() + base64_length(p.content.size()) + 2);
  append_content(out, p, false);
  if (out.empty() || out.back() != '\n') append(out, "\r\n");
}

}  // namespace msgkit::mime
