#include "decoder.hpp"

#include <bitset>

namespace msgkit::smpp {
namespace {

// Notes wrong lengths and repetitions in one linear pass, however many TLVs there are.
class tlv_inspector {
 public:
  explicit tlv_inspector(diagnostics& notes) noexcept : notes_(notes) {}

  void inspect(const tlv& each, std::size_t offset) noexcept {
    const auto* info = find_tlv(each.tag);
    if (info == nullptr) return;
    if (each.has_wrong_length()) notes_.add({info->name, offset, diagnostic_kind::tlv_wrong_length});
    const auto bit = static_cast<std::size_t>(each.tag);
    if (seen_[bit] && !info->repeatable) notes_.add({info->name, offset, diagnostic_kind::duplicate_tlv});
    seen_[bit] = true;
  }

 private:
  static constexpr std::size_t specified_tag_end = 0x1400;  // vendor tags begin here
  static_assert(static_cast<std::size_t>(tag::its_session_info) < specified_tag_end);

  diagnostics& notes_;
  std::bitset<specified_tag_end> seen_;
};

}  // namespace

bool decoder::tolerate(errc code, std::string_view name, std::size_t at, diagnostic_kind kind) noexcept {
  if (failed()) return false;
  if (rules_.is_strict) {
    fail(code, name, at);
    return false;
  }
  if (deviation_.code == errc{}) deviation_ = {code, name, at};
  note(name, at, kind);
  return true;
}

void decoder::run_out(std::string_view name) noexcept {
  if (!rules_.is_error_response) return fail(errc::truncated, name, offset());
  if (!ran_out_) note(name, offset(), diagnostic_kind::missing_fields);
  ran_out_ = true;
  p_ = end_;
}

void decoder::read_odd_cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept {
  const auto at = offset();
  if (!rules_.is_strict) {
    if (const auto* nul = find_nul(cstring_bytes_tolerated)) {
      tolerate(errc::missing_terminator, name, at, diagnostic_kind::field_too_long);
      return take(v, nul);
    }
  }
  if (room() < max) run_out(name);
  else fail(errc::missing_terminator, name, at);
}

void decoder::read_odd_optional_cstring(std::string_view name, std::string_view& v, std::size_t max) noexcept {
  if (room() >= cstring_bytes_tolerated || find_nul(room()) != nullptr) return read_odd_cstring(name, v, max);
  note(name, offset(), diagnostic_kind::missing_terminator);
  v = as_text(bytes_view{p_, end_});
  p_ = end_;
}

void decoder::read_tlvs(std::string_view name, tlv_list& v) noexcept {
  const auto* start = p_;
  while (room() >= 4) {
    const std::size_t declared = load_big<std::uint16_t>(p_ + 2);
    if (declared > room() - 4) {
      if (!tolerate(errc::tlv_stream_invalid, name, offset(), diagnostic_kind::truncated_tlv)) return;
      p_ = end_;
      break;
    }
    p_ += 4 + declared;
  }
  v = tlv_list(bytes_view{start, p_});
  if (notes_ != nullptr) {
    tlv_inspector inspector(*notes_);
    for (auto it = v.begin(); it != v.end(); ++it)
      inspector.inspect(*it, static_cast<std::size_t>(it.position() - begin_));
  }
}

}  // namespace msgkit::smpp
