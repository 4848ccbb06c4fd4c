#include "msgkit/smpp/text/segmentation.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "cut_points.hpp"
#include "msgkit/core/backoff.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

fault fail(text_errc e, std::size_t offset = 0) { return {make_error_code(e), "short_message", offset}; }

bool is_gsm7(charset c) { return c == charset::gsm7 || c == charset::gsm7_packed; }

// A part's capacity in octets of the unpacked body.
std::size_t body_octets(charset alphabet, std::size_t header_octets, std::size_t user_data_octets) {
  return part_capacity(alphabet, header_octets, user_data_octets) * (alphabet == charset::ucs2 ? 2 : 1);
}

// Everything about the headers of one message, settled before anything is cut.
struct layout {
  text_coding coding;
  split_options options;
  udh_builder common;  // elements that every part carries
  bool header_needed = false;
  std::size_t single_octets = 0;  // body capacity without concatenation
  std::size_t part_octets = 0;    // and with
};

result<layout> make_layout(const text_coding& coding, const split_options& options) {
  layout out{.coding = coding, .options = options, .common = {}};
  auto& o = out.options;
  o.parts_max = std::clamp<std::size_t>(o.parts_max, 1, part_count_max);
  if (!o.elements.empty()) {
    byte_vector header;
    if (o.elements.size() > 255) return fail(text_errc::header_too_long);
    header.push_back(static_cast<std::uint8_t>(o.elements.size()));
    append(header, o.elements);
    const auto checked = split_user_data(header);
    if (!checked) return checked.error();
    for (const auto& [id, data] : checked->header) out.common.add(id, data);
  }
  if (is_gsm7(coding.alphabet)) out.common.add(coding.languages);
  out.header_needed = !out.common.empty();
  if (o.method == long_message_method::sar && out.header_needed) {
    o.method = o.sar_wide ? long_message_method::udh16 : long_message_method::udh8;
  }
  const bool wide = o.method == long_message_method::udh16 || (o.method == long_message_method::sar && o.sar_wide);
  if (!wide) o.reference &= 0xFF;

  const auto header = out.common.octets();
  if (!header) return header.error();
  const bool carried_alone = o.method == long_message_method::payload;
  if (!carried_alone && header->size() > o.user_data_octets) return fail(text_errc::no_room);
  const std::size_t first = header->empty() ? 1 : header->size();
  out.single_octets = body_octets(coding.alphabet, header->size(), o.user_data_octets);
  out.part_octets = body_octets(coding.alphabet, first + (wide ? 6 : 5), o.user_data_octets);
  return out;
}

concatenation position_of(const layout& l, std::size_t total, std::size_t index) {
  auto width = reference_width::udh8;
  if (l.options.method == long_message_method::udh16) width = reference_width::udh16;
  if (l.options.method == long_message_method::sar) width = reference_width::sar;
  return {l.options.reference, static_cast<std::uint8_t>(total), static_cast<std::uint8_t>(index + 1), width};
}

void append_body(const layout& l, bytes_view body, message_part& part) {
  if (l.coding.alphabet != charset::gsm7_packed) return append(part.octets, body);
  const std::size_t fill = gsm7_fill_bits(part.header_octets);
  const std::size_t before = part.octets.size();
  gsm7_pack(body, fill, part.octets);
  // The CR that protects a last CR must not make a full part too long.
  if (part.octets.size() > l.options.user_data_octets && l.options.method != long_message_method::payload) {
    part.octets.resize(before);
    gsm7_pack(body, fill, part.octets, gsm7_padding::zero);
  }
}

result<message_part> make_part(const layout& l, bytes_view body, std::size_t total, std::size_t index) {
  message_part part;
  part.position = position_of(l, total, index);
  auto builder = udh_builder{};
  if (total > 1 && l.options.method != long_message_method::sar) builder.add(part.position);
  auto header = l.header_needed || !builder.empty() ? l.common.octets() : byte_vector{};
  if (!header) return header.error();
  if (!builder.empty()) {  // concatenation first, as every peer expects it
    auto whole = builder.octets();
    if (!header->empty()) whole->insert(whole->end(), header->begin() + 1, header->end());
    if (whole->size() > 256) return fail(text_errc::header_too_long);
    whole->front() = static_cast<std::uint8_t>(whole->size() - 1);
    header = std::move(whole);
  }
  part.header_octets = header->size();
  part.octets = *std::move(header);
  part.octets.reserve(part.octets.size() + body.size());
  append_body(l, body, part);
  return part;
}

result<split_message> assemble(const layout& l, const std::vector<bytes_view>& bodies) {
  split_message out;
  out.payload = l.options.method == long_message_method::payload;
  out.sar_tlvs = l.options.method == long_message_method::sar && bodies.size() > 1;
  out.parts.reserve(bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    auto part = make_part(l, bodies[i], bodies.size(), i);
    if (!part) return part.error();
    out.has_header = out.has_header || part->header_octets > 0;
    out.parts.push_back(*std::move(part));
  }
  const bool too_long = out.parts.front().octets.size() > message_payload_octets_max;
  if (out.payload && too_long) return fail(text_errc::text_too_long);
  return out;
}

result<std::vector<bytes_view>> cut(const layout& l, bytes_view octets) {
  const cut_points points{octets, l.coding};
  const std::size_t total = points.count(0, l.part_octets, l.options.parts_max);
  if (total == 0) return fail(text_errc::no_room);
  if (total > l.options.parts_max) return fail(text_errc::too_many_parts);
  std::vector<bytes_view> bodies;
  bodies.reserve(total);
  for (std::size_t from = 0; from < octets.size();) {
    std::size_t end = points.hard(from, l.part_octets);
    const std::size_t soft_end = points.soft(from, end);
    const std::size_t left = total - bodies.size() - 1;
    if (soft_end != end && points.count(soft_end, l.part_octets, left) <= left) end = soft_end;
    bodies.push_back(octets.subspan(from, end - from));
    from = end;
  }
  return bodies;
}

result<split_message> split_with(const layout& l, bytes_view octets) {
  const bool single = l.options.method == long_message_method::payload || octets.size() <= l.single_octets;
  if (single) {
    if (octets.size() > 2 * message_payload_octets_max) return fail(text_errc::text_too_long);
    return assemble(l, {octets});
  }
  const auto bodies = cut(l, octets);
  if (!bodies) return bodies.error();
  return assemble(l, *bodies);
}

// --- ISO-2022-JP switches character sets by escape sequences, so every part is encoded for itself. ---

constexpr std::size_t escape_sequence_octets = 3;

// Length of the longest prefix of `utf8` whose encoding has at most `limit` octets.
result<std::size_t> stateful_prefix(std::string_view utf8, const text_coding& coding, std::size_t limit) {
  std::size_t i = 0;
  std::size_t used = 0;
  std::string current;  // the escape sequence in force; empty is ASCII
  while (i < utf8.size()) {
    std::size_t end = i;
    bool ill_formed = false;
    next_code_point(utf8, end, ill_formed);
    const auto alone = encode_text(utf8.substr(i, end - i), coding);
    if (!alone) return fault{alone.error().code, alone.error().field, alone.error().offset + i};
    std::string set;
    std::size_t cost = alone->size();
    if (cost > 2 * escape_sequence_octets && alone->front() == 0x1B) {
      set = as_text(*alone).substr(0, escape_sequence_octets);
      cost -= 2 * escape_sequence_octets;
    }
    if (set != current) cost += escape_sequence_octets;
    const std::size_t closing = set.empty() ? 0 : escape_sequence_octets;
    if (used + cost + closing > limit) return i;
    used += cost;
    current = std::move(set);
    i = end;
  }
  return i;
}

result<split_message> split_stateful(std::string_view utf8, const layout& l) {
  const auto whole = encode_text(utf8, l.coding);
  if (!whole) return whole.error();
  if (l.options.method == long_message_method::payload || whole->size() <= l.single_octets) {
    return split_with(l, *whole);
  }
  std::vector<byte_vector> encoded;
  while (!utf8.empty()) {
    const auto length = stateful_prefix(utf8, l.coding, l.part_octets);
    if (!length) return length.error();
    if (*length == 0) return fail(text_errc::no_room);
    if (encoded.size() == l.options.parts_max) return fail(text_errc::too_many_parts);
    auto octets = encode_text(utf8.substr(0, *length), l.coding);
    if (!octets) return octets.error();
    encoded.push_back(*std::move(octets));
    utf8.remove_prefix(*length);
  }
  return assemble(l, {encoded.begin(), encoded.end()});
}

}  // namespace

result<split_message> split_text(std::string_view utf8, const text_coding& coding, const split_options& options) {
  const auto l = make_layout(coding, options);
  if (!l) return l.error();
  if (coding.alphabet == charset::iso_2022_jp) return split_stateful(utf8, *l);
  auto unpacked = coding;
  if (coding.alphabet == charset::gsm7_packed) unpacked.alphabet = charset::gsm7;
  const auto octets = encode_text(utf8, unpacked);
  if (!octets) return octets.error();
  return split_with(*l, *octets);
}

result<split_message> split_octets(bytes_view octets, const text_coding& coding, const split_options& options) {
  const auto l = make_layout(coding, options);
  if (!l) return l.error();
  if (coding.alphabet != charset::iso_2022_jp) return split_with(*l, octets);
  const auto text = decode_text(octets, coding.alphabet);
  if (!text) return text.error();
  return split_stateful(text->text, *l);
}

reference_counter::reference_counter(std::uint64_t seed, std::size_t slots) : slots_(std::max<std::size_t>(slots, 1)) {
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i] = static_cast<std::uint16_t>(mix(seed ^ mix(i)));
}

std::uint16_t reference_counter::next(std::string_view source, std::string_view destination) {
  const auto hash = mix(std::hash<std::string_view>{}(source)) ^ std::hash<std::string_view>{}(destination);
  return ++slots_[static_cast<std::size_t>(mix(hash) % slots_.size())];
}

}  // namespace msgkit::smpp
