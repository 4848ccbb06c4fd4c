#include "msgkit/smpp/text/udh.hpp"

#include "msgkit/smpp/text/text_error.hpp"

namespace msgkit::smpp {
namespace {

constexpr std::size_t header_octets_max = 255;  // what UDHL can count

fault fail(text_errc e, std::size_t offset) { return {make_error_code(e), "user_data_header", offset}; }

}  // namespace

std::optional<information_element> user_data_header::find(std::uint8_t id) const noexcept {
  std::optional<information_element> last;
  for (const auto element : *this) {
    if (element.id == id) last = element;
  }
  return last;
}

std::optional<concatenation> user_data_header::concatenation() const noexcept {
  std::optional<struct concatenation> last;
  for (const auto [id, data] : *this) {
    struct concatenation c;
    if (id == element_id::concatenation_8 && data.size() == 3) {
      c = {data[0], data[1], data[2], reference_width::udh8};
    } else if (id == element_id::concatenation_16 && data.size() == 4) {
      c = {load_big<std::uint16_t>(data.data()), data[2], data[3], reference_width::udh16};
    } else {
      continue;
    }
    if (is_valid(c)) last = c;
  }
  return last;
}

std::optional<port_addresses> user_data_header::ports() const noexcept {
  std::optional<port_addresses> last;
  for (const auto [id, data] : *this) {
    if (id == element_id::ports_8 && data.size() == 2) {
      last = port_addresses{data[0], data[1], false};
    } else if (id == element_id::ports_16 && data.size() == 4) {
      last = port_addresses{load_big<std::uint16_t>(&data[0]), load_big<std::uint16_t>(&data[2]), true};
    }
  }
  return last;
}

gsm7_alphabet user_data_header::languages() const noexcept {
  gsm7_alphabet out;
  for (const auto [id, data] : *this) {
    if (data.size() != 1) continue;
    if (id == element_id::locking_shift) out.locking = static_cast<gsm7_language>(data[0]);
    if (id == element_id::single_shift) out.single = static_cast<gsm7_language>(data[0]);
  }
  return out;
}

result<user_data> split_user_data(bytes_view octets) {
  if (octets.empty() || octets[0] + std::size_t{1} > octets.size()) return fail(text_errc::header_exceeds_payload, 0);
  const std::size_t end = octets[0] + std::size_t{1};
  for (std::size_t i = 1; i < end;) {
    if (i + 2 > end || i + 2 + octets[i + 1] > end) return fail(text_errc::element_exceeds_header, i + 1);
    i += std::size_t{2} + octets[i + 1];
  }
  user_data out;
  out.header.present_ = true;
  out.header.elements_ = octets.subspan(1, end - 1);
  out.body = octets.subspan(end);
  return out;
}

udh_builder& udh_builder::add(std::uint8_t id, bytes_view data) {
  if (elements_.size() + 2 + data.size() > header_octets_max) {
    too_long_ = true;
    return *this;
  }
  elements_.push_back(id);
  elements_.push_back(static_cast<std::uint8_t>(data.size()));
  append(elements_, data);
  return *this;
}

udh_builder& udh_builder::add(const concatenation& c) {
  const auto low = static_cast<std::uint8_t>(c.reference);
  const bool wide = c.width == reference_width::udh16 || (c.width == reference_width::sar && c.reference > 0xFF);
  if (!wide) {
    const std::uint8_t data[] = {low, c.total, c.sequence};
    return add(element_id::concatenation_8, data);
  }
  const std::uint8_t data[] = {static_cast<std::uint8_t>(c.reference >> 8), low, c.total, c.sequence};
  return add(element_id::concatenation_16, data);
}

udh_builder& udh_builder::add(const port_addresses& p) {
  std::uint8_t data[4];
  if (p.wide) {
    store_big(&data[0], p.destination);
    store_big(&data[2], p.source);
    return add(element_id::ports_16, data);
  }
  data[0] = static_cast<std::uint8_t>(p.destination);
  data[1] = static_cast<std::uint8_t>(p.source);
  return add(element_id::ports_8, bytes_view{data, 2});
}

udh_builder& udh_builder::add(const gsm7_alphabet& languages) {
  const auto put = [this](std::uint8_t id, gsm7_language language) {
    const std::uint8_t data[] = {static_cast<std::uint8_t>(language)};
    if (language != gsm7_language::none) add(id, data);
  };
  put(element_id::single_shift, languages.single);
  put(element_id::locking_shift, languages.locking);
  return *this;
}

result<byte_vector> udh_builder::octets() const {
  if (too_long_) return fail(text_errc::header_too_long, 0);
  byte_vector out;
  if (elements_.empty()) return out;
  out.reserve(elements_.size() + 1);
  out.push_back(static_cast<std::uint8_t>(elements_.size()));
  append(out, elements_);
  return out;
}

}  // namespace msgkit::smpp
