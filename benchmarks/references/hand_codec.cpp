#include "references/hand_codec.hpp"

#include <cstring>

#include "msgkit/core/bytes.hpp"

namespace msgkit::bench {
namespace {

constexpr std::uint32_t submit_sm_id = 4;
constexpr std::size_t header_bytes = 16;
constexpr std::size_t fixed_octets = 12;     // all one-octet fields of the body, sm_length included
constexpr std::size_t terminator_octets = 5;  // one per C-octet string
constexpr std::size_t short_message_max = 254;
// Maximum sizes, the terminator included.
constexpr std::size_t service_type_max = 6, addr_max = 21, time_max = 17;

// Both cursors live in registers only if every step is inlined, which GCC declines for the longer ones by itself.
class writer {
 public:
  explicit writer(std::uint8_t* p) : p_(p) {}
  void octet(std::uint8_t v) { *p_++ = v; }
  template <class T>
  void big(T v) {
    store_big(p_, v);
    p_ += sizeof v;
  }
  [[gnu::always_inline]] void bytes(std::string_view v) {
    std::memcpy(p_, v.data(), v.size());
    p_ += v.size();
  }
  [[gnu::always_inline]] void cstring(std::string_view v) {
    bytes(v);
    octet(0);
  }

 private:
  std::uint8_t* p_;
};

class reader {
 public:
  reader(const std::uint8_t* p, const std::uint8_t* end) : p_(p), end_(end) {}
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - p_); }
  // Neighbouring one-octet fields share one check.
  template <class... Octets>
  [[gnu::always_inline]] void octets(Octets&... fields) {
    if (left() < sizeof...(fields)) return fail();
    ((fields = *p_++), ...);
  }
  [[gnu::always_inline]] std::string_view cstring(std::size_t max) {
    const std::size_t reach = left() < max ? left() : max;
    const auto* zero = static_cast<const std::uint8_t*>(std::memchr(p_, 0, reach));
    if (zero == nullptr) return fail(), std::string_view{};
    const std::string_view text = as_text({p_, zero});
    p_ = zero + 1;
    return text;
  }
  [[gnu::always_inline]] std::string_view bytes(std::size_t size) {
    if (left() < size) return fail(), std::string_view{};
    const std::string_view text = as_text({p_, size});
    p_ += size;
    return text;
  }
  [[gnu::always_inline]] std::uint16_t big16() {
    if (left() < 2) return fail(), std::uint16_t{0};
    const auto v = load_big<std::uint16_t>(p_);
    p_ += 2;
    return v;
  }

 private:
  void fail() {
    good_ = false;
    p_ = end_;  // whatever follows fails too
  }
  const std::uint8_t* p_;
  const std::uint8_t* end_;
  bool good_ = true;
};

bool lengths_allowed(const hand_submit_sm& m) {
  return m.service_type.size() < service_type_max && m.source_addr.size() < addr_max &&
         m.destination_addr.size() < addr_max && m.schedule_delivery_time.size() < time_max &&
         m.validity_period.size() < time_max && m.short_message.size() <= short_message_max &&
         m.tlv_count <= m.tlvs.size();
}

std::size_t encoded_size(const hand_submit_sm& m) {
  std::size_t size = header_bytes + fixed_octets + terminator_octets + m.service_type.size() + m.source_addr.size() +
                     m.destination_addr.size() + m.schedule_delivery_time.size() + m.validity_period.size() +
                     m.short_message.size();
  for (std::size_t i = 0; i < m.tlv_count; ++i) size += 4 + m.tlvs[i].value.size();
  return size;
}

}  // namespace

std::size_t hand_encode(const hand_submit_sm& m, std::span<std::uint8_t> out) noexcept {
  if (!lengths_allowed(m)) return 0;
  const std::size_t size = encoded_size(m);
  if (size > out.size()) return 0;
  writer w(out.data());
  w.big(static_cast<std::uint32_t>(size));
  w.big(submit_sm_id);
  w.big(m.status);
  w.big(m.sequence);
  w.cstring(m.service_type);
  w.octet(m.source_addr_ton);
  w.octet(m.source_addr_npi);
  w.cstring(m.source_addr);
  w.octet(m.dest_addr_ton);
  w.octet(m.dest_addr_npi);
  w.cstring(m.destination_addr);
  w.octet(m.esm_class);
  w.octet(m.protocol_id);
  w.octet(m.priority_flag);
  w.cstring(m.schedule_delivery_time);
  w.cstring(m.validity_period);
  w.octet(m.registered_delivery);
  w.octet(m.replace_if_present_flag);
  w.octet(m.data_coding);
  w.octet(m.sm_default_msg_id);
  w.octet(static_cast<std::uint8_t>(m.short_message.size()));
  w.bytes(m.short_message);
  for (std::size_t i = 0; i < m.tlv_count; ++i) {
    w.big(m.tlvs[i].tag);
    w.big(static_cast<std::uint16_t>(m.tlvs[i].value.size()));
    w.bytes(m.tlvs[i].value);
  }
  return size;
}

bool hand_decode(std::span<const std::uint8_t> frame, hand_submit_sm& m) noexcept {
  const std::uint8_t* p = frame.data();
  if (frame.size() < header_bytes || load_big<std::uint32_t>(p) != frame.size()) return false;
  if (load_big<std::uint32_t>(p + 4) != submit_sm_id) return false;
  m.status = load_big<std::uint32_t>(p + 8);
  m.sequence = load_big<std::uint32_t>(p + 12);
  reader r(p + header_bytes, p + frame.size());
  m.service_type = r.cstring(service_type_max);
  r.octets(m.source_addr_ton, m.source_addr_npi);
  m.source_addr = r.cstring(addr_max);
  r.octets(m.dest_addr_ton, m.dest_addr_npi);
  m.destination_addr = r.cstring(addr_max);
  r.octets(m.esm_class, m.protocol_id, m.priority_flag);
  m.schedule_delivery_time = r.cstring(time_max);
  m.validity_period = r.cstring(time_max);
  std::uint8_t sm_length = 0;
  r.octets(m.registered_delivery, m.replace_if_present_flag, m.data_coding, m.sm_default_msg_id, sm_length);
  if (sm_length > short_message_max) return false;
  m.short_message = r.bytes(sm_length);
  m.tlv_count = 0;
  while (r.good() && r.left() > 0) {
    if (m.tlv_count == m.tlvs.size()) return false;
    hand_tlv& t = m.tlvs[m.tlv_count++];
    t.tag = r.big16();
    t.value = r.bytes(r.big16());
  }
  return r.good();
}

hand_submit_sm sample_submit_sm() noexcept {
  static constexpr std::string_view text =
      "The quick brown fox jumps over the lazy dog, and then the lazy dog jumps over the quick brown fox. ok";
  hand_submit_sm m;
  m.service_type = "CMT";
  m.source_addr_ton = m.source_addr_npi = m.dest_addr_ton = m.dest_addr_npi = 1;
  m.source_addr = "46700123456";
  m.destination_addr = "46709876543210";
  m.short_message = text.substr(0, 100);
  return m;
}

hand_submit_sm sample_submit_sm_with_tlvs() noexcept {
  using namespace std::string_view_literals;
  hand_submit_sm m = sample_submit_sm();
  m.tlvs[0] = {0x0204, "\0\1"sv};
  m.tlvs[1] = {0x020F, "\2"sv};
  m.tlvs[2] = {0x1400, "opaque-8"sv};
  m.tlv_count = 3;
  return m;
}

}  // namespace msgkit::bench
