#include "decoder.hpp"

#include <bitset>

namespace msgkit::smpp {
namespace {

// Notes wrong lengths and repetitions in one linear pass, however many TLVs there are.
class tlv_inspector {
 public:
  explicit tlv_inspector(diagnostics* notes) noexcept : notes_(notes) {}

  void inspect(const tlv& each, std::size_t offset) noexcept {
    const auto* info = find_tlv(each.tag);
    if (info == nullptr) return;
    if (each.has_wrong_length()) notes_->add({info->name, offset, diagnostic_kind::tlv_wrong_length});
    const auto bit = static_cast<std::uint16_t>(each.tag) % seen_.size();
    if (seen_[bit] && !info->repeatable) notes_->add({info->name, offset, diagnostic_kind::duplicate_tlv});
    seen_[bit] = true;
  }

 private:
  diagnostics* notes_;
  std::bitset<0x1400> seen_;  // every specified tag is below 0x1400
};

}  // namespace

void decoder::read_tlvs(std::string_view name, tlv_list& v) noexcept {
  const auto* start = p_;
  bool is_truncated = false;
  while (room() >= 4 && !is_truncated) {
    const std::size_t declared = load_big<std::uint16_t>(p_ + 2);
    is_truncated = declared > room() - 4;
    if (is_truncated && strict_) return fail(errc::tlv_stream_invalid, name);
    p_ += 4 + std::min(declared, room() - 4);
  }
  v = tlv_list(bytes_view{start, p_});
  if (notes_ != nullptr) {
    tlv_inspector inspector(notes_);
    for (auto it = v.begin(); it != v.end(); ++it)
      inspector.inspect(*it, static_cast<std::size_t>(it.position() - begin_));
  }
  if (is_truncated) note(name, static_cast<std::size_t>(start - begin_), diagnostic_kind::truncated_tlv);
  if (p_ != end_) note(name, offset(), diagnostic_kind::trailing_octets);
  p_ = end_;
}

std::string_view to_string(diagnostic_kind kind) noexcept {
  switch (kind) {
    case diagnostic_kind::trailing_octets: return "trailing_octets";
    case diagnostic_kind::missing_terminator: return "missing_terminator";
    case diagnostic_kind::field_too_long: return "field_too_long";
    case diagnostic_kind::truncated_tlv: return "truncated_tlv";
    case diagnostic_kind::tlv_wrong_length: return "tlv_wrong_length";
    case diagnostic_kind::duplicate_tlv: return "duplicate_tlv";
    case diagnostic_kind::ambiguous_message: return "ambiguous_message";
    case diagnostic_kind::status_in_request: return "status_in_request";
  }
  return "unknown";
}

}  // namespace msgkit::smpp
