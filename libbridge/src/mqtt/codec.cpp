#include "msgkit/bridge/mqtt/codec.hpp"

#include <array>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/mqtt/topic.hpp"

namespace msgkit::bridge::mqtt {
namespace {

constexpr std::string_view protocol_name = "MQTT";

constexpr std::uint8_t fixed_flags(packet_type t) noexcept {
  return t == packet_type::pubrel || t == packet_type::subscribe || t == packet_type::unsubscribe ? 2 : 0;
}

// What encoder and size need to know alike: which octets a field takes.
template <class Sink>
class writer {
 public:
  writer(Sink& sink, version v) : sink_(sink), version_(v) {}

  void protocol(std::string_view, version v) {
    text({}, protocol_name);
    sink_.octet(static_cast<std::uint8_t>(v));
    version_ = v;
  }
  void octet(std::string_view, std::uint8_t v) { sink_.octet(v); }
  void flag(std::string_view, bool v) { sink_.octet(v ? 1 : 0); }
  void connect_reason(std::string_view, reason_code r) {
    sink_.octet(version_ == version::v5 ? static_cast<std::uint8_t>(r) : to_v3_return_code(r));
  }
  void u16(std::string_view, std::uint16_t v) { sink_.u16(v); }
  void packet_id(std::string_view name, std::uint16_t v) {
    check([&] { return v != 0; }, errc::packet_id_zero, name);
    sink_.u16(v);
  }
  void text(std::string_view name, std::string_view v) {
    check([&] { return is_mqtt_text(v); }, errc::invalid_utf8, name);
    counted(name, as_bytes(v));
  }
  void topic(std::string_view name, std::string_view v) {
    check([&] { return is_topic_name(v); }, errc::topic_name_invalid, name);
    counted(name, as_bytes(v));
  }
  void publish_topic(std::string_view name, std::string_view v) {
    if (v.empty() && version_ == version::v5) sink_.u16(0);  // the alias says it
    else topic(name, v);
  }
  void binary(std::string_view name, bytes_view v) { counted(name, v); }
  void properties(std::string_view, const mqtt::properties& p, property_places place) {
    if (version_ != version::v5) return;
    if constexpr (Sink::checks) {
      if (const auto good = check_properties(p.octets(), place); !good && !fault_) fault_ = good.error();
    }
    sink_.variable(static_cast<std::uint32_t>(p.octets().size()));
    sink_.octets(p.octets());
  }
  void tail(reason_code r, const mqtt::properties& p, property_places place) {
    if (version_ != version::v5 || (r == reason_code::success && p.empty())) return;
    sink_.octet(static_cast<std::uint8_t>(r));
    if (!p.empty()) properties({}, p, place);
  }
  void rest(std::string_view, bytes_view v) { sink_.octets(v); }
  void list(std::string_view name, const std::vector<subscription>& all) {
    check([&] { return !all.empty(); }, errc::truncated, name);
    for (const auto& s : all) {
      filter(name, s.filter);
      sink_.octet(version_ == version::v5 ? s.options() : static_cast<std::uint8_t>(s.qos));
    }
  }
  void list(std::string_view name, const std::vector<std::string_view>& all) {
    check([&] { return !all.empty(); }, errc::truncated, name);
    for (const auto f : all) filter(name, f);
  }

  [[nodiscard]] const std::optional<fault>& failed() const noexcept { return fault_; }

 private:
  void filter(std::string_view name, std::string_view f) {
    shared_filter ignored;
    check([&] { return split_shared(f, ignored); }, errc::topic_filter_invalid, name);
    counted(name, as_bytes(f));
  }
  void counted(std::string_view name, bytes_view v) {
    check([&] { return v.size() <= text_bytes_max; }, errc::field_too_long, name);
    sink_.u16(static_cast<std::uint16_t>(v.size()));
    sink_.octets(v);
  }
  template <class Test>
  void check(Test good, errc why, std::string_view name) {
    if constexpr (Sink::checks) {
      if (!fault_ && !good()) fault_ = fault{make_error_code(why), name};
    }
  }

  Sink& sink_;
  version version_;
  std::optional<fault> fault_;
};

struct size_sink {
  static constexpr bool checks = true;
  std::size_t size = 0;
  void octet(std::uint8_t) noexcept { ++size; }
  void u16(std::uint16_t) noexcept { size += 2; }
  void variable(std::uint32_t v) noexcept { size += variable_bytes(v); }
  void octets(bytes_view v) noexcept { size += v.size(); }
};

// Writes without looking: size_sink and its checks went before.
struct memory_sink {
  static constexpr bool checks = false;
  std::uint8_t* at;
  void octet(std::uint8_t v) noexcept { *at++ = v; }
  void u16(std::uint16_t v) noexcept {
    store_big(at, v);
    at += 2;
  }
  void variable(std::uint32_t v) noexcept {
    for (; v >= 128; v >>= 7) octet(static_cast<std::uint8_t>(v | 0x80));
    octet(static_cast<std::uint8_t>(v));
  }
  void octets(bytes_view v) noexcept {
    if (!v.empty()) std::memcpy(at, v.data(), v.size());
    at += v.size();
  }
};

class reader {
 public:
  reader(bytes_view body, version v) : body_(body), version_(v) {}

  void protocol(std::string_view name, version& v) {
    std::string_view protocol;
    text(name, protocol);
    std::uint8_t level = 0;
    octet(name, level);
    require(protocol == protocol_name && (level == 4 || level == 5), name, errc::protocol_invalid);
    v = version_ = static_cast<version>(level);
  }
  void octet(std::string_view name, std::uint8_t& v) {
    if (const auto* p = take(name, 1)) v = *p;
  }
  void flag(std::string_view name, bool& v) {
    std::uint8_t o = 0;
    octet(name, o);
    require(o <= 1, name);
    v = o == 1;
  }
  void connect_reason(std::string_view name, reason_code& r) {
    std::uint8_t o = 0;
    octet(name, o);
    r = version_ == version::v5 ? static_cast<reason_code>(o) : from_v3_return_code(o);
  }
  void u16(std::string_view name, std::uint16_t& v) {
    if (const auto* p = take(name, 2)) v = load_big<std::uint16_t>(p);
  }
  void packet_id(std::string_view name, std::uint16_t& v) {
    u16(name, v);
    require(v != 0, name, errc::packet_id_zero);
  }
  void text(std::string_view name, std::string_view& v) {
    bytes_view b;
    binary(name, b);
    v = as_text(b);
    require(is_mqtt_text(v), name, errc::invalid_utf8);
  }
  void topic(std::string_view name, std::string_view& v) {
    text(name, v);
    require(is_topic_name(v), name, errc::topic_name_invalid);
  }
  void publish_topic(std::string_view name, std::string_view& v) {
    text(name, v);
    require((v.empty() && version_ == version::v5) || is_topic_name(v), name, errc::topic_name_invalid);
  }
  void binary(std::string_view name, bytes_view& v) {
    std::uint16_t length = 0;
    u16(name, length);
    if (const auto* p = take(name, length)) v = {p, length};
  }
  void properties(std::string_view name, mqtt::properties& p, property_places place) {
    if (version_ != version::v5 || fault_) return;
    std::uint32_t length = 0;
    const auto used = read_variable(body_.subspan(at_), length);
    if (!used) return fail(errc::remaining_length_invalid, name);
    if (*used == 0) return fail(errc::truncated, name);
    at_ += *used;
    const auto start = at_;
    const auto* octets = take(name, length);
    if (octets == nullptr) return;
    p = mqtt::properties({octets, length});
    if (const auto good = check_properties(p.octets(), place); !good)
      fault_ = fault{good.error().code, good.error().field, start + good.error().offset};
  }
  void tail(reason_code& r, mqtt::properties& p, property_places place) {
    if (version_ != version::v5 || at_ == body_.size()) return;
    std::uint8_t o = 0;
    octet("reason", o);
    r = static_cast<reason_code>(o);
    if (at_ != body_.size()) properties("properties", p, place);
  }
  void rest(std::string_view, bytes_view& v) {
    if (fault_) return;
    v = body_.subspan(at_);
    at_ = body_.size();
  }
  void list(std::string_view name, std::vector<subscription>& all) {
    do {
      auto& s = all.emplace_back();
      std::uint8_t options = 0;
      filter(name, s.filter);
      octet(name, options);
      require(s.set_options(options) && (version_ == version::v5 || options <= 2), name);
    } while (!fault_ && at_ < body_.size());
  }
  void list(std::string_view name, std::vector<std::string_view>& all) {
    do filter(name, all.emplace_back());
    while (!fault_ && at_ < body_.size());
  }
  void require(bool good, std::string_view name, errc why = errc::value_out_of_range) {
    if (!good) fail(why, name);
  }
  void finish() { require(at_ == body_.size(), "body", errc::trailing_octets); }
  [[nodiscard]] const std::optional<fault>& failed() const noexcept { return fault_; }

 private:
  void filter(std::string_view name, std::string_view& f) {
    text(name, f);
    shared_filter ignored;
    require(split_shared(f, ignored), name, errc::topic_filter_invalid);
  }
  void fail(errc why, std::string_view name) {
    if (!fault_) fault_ = fault{make_error_code(why), name, at_};
  }
  const std::uint8_t* take(std::string_view name, std::size_t count) {
    if (fault_) return nullptr;
    if (body_.size() - at_ < count) {
      fail(errc::truncated, name);
      return nullptr;
    }
    const auto* p = body_.data() + at_;
    at_ += count;
    return p;
  }

  bytes_view body_;
  version version_;
  std::size_t at_ = 0;
  std::optional<fault> fault_;
};

template <class Packet>
result<packet> decode_as(const frame& f, version v) {
  result<packet> out(std::in_place, std::in_place_type<Packet>);
  auto& p = *std::get_if<Packet>(&*out);
  if constexpr (requires { p.set_header_flags(f.flags); }) {
    if (!p.set_header_flags(f.flags)) return fault{make_error_code(errc::header_flags_invalid), "flags"};
  } else if (f.flags != fixed_flags(f.type)) {
    return fault{make_error_code(errc::header_flags_invalid), "flags"};
  }
  reader r(f.body, v);
  Packet::fields(r, p);
  r.finish();
  if (r.failed()) return *r.failed();
  if constexpr (std::is_same_v<Packet, publish>) {
    if (p.topic.empty() && !p.properties.find(property_id::topic_alias))
      return fault{make_error_code(errc::topic_name_invalid), "topic"};
  }
  return out;
}

using decoder = result<packet> (*)(const frame&, version);
template <class... Packets>
constexpr auto make_decoders(std::variant<Packets...>*) {
  return std::array<decoder, sizeof...(Packets)>{&decode_as<Packets>...};
}
constexpr auto decoders = make_decoders(static_cast<packet*>(nullptr));  // in the order of packet_type, from 1

}  // namespace

result<std::optional<frame>> next_frame(bytes_view octets, std::size_t bytes_max) {
  if (octets.empty()) return std::optional<frame>{};
  if (octets[0] < 0x10) return fault{make_error_code(errc::packet_type_invalid), "type"};
  std::uint32_t length = 0;
  const auto used = read_variable(octets.subspan(1), length);
  if (!used) return fault{make_error_code(errc::remaining_length_invalid), "remaining_length", 1};
  if (*used == 0) return std::optional<frame>{};
  const std::size_t size = 1 + *used + length;
  if (size > bytes_max) return fault{make_error_code(errc::packet_too_large), "remaining_length", 1};
  if (octets.size() < size) return std::optional<frame>{};
  return std::optional<frame>(frame{static_cast<packet_type>(octets[0] >> 4), static_cast<std::uint8_t>(octets[0] & 15),
                                    octets.subspan(1 + *used, length), size});
}

result<packet> decode(const frame& f, version v) {
  if (f.type == packet_type::auth && v != version::v5)
    return fault{make_error_code(errc::packet_type_invalid), "type"};
  const auto index = static_cast<std::size_t>(f.type) - 1;
  if (index >= decoders.size()) return fault{make_error_code(errc::packet_type_invalid), "type"};
  return decoders[index](f, v);
}

template <class Packet>
result<void> encode(const Packet& p, version v, byte_vector& out) {
  size_sink size;
  writer<size_sink> checked(size, v);
  Packet::fields(checked, p);
  if (checked.failed()) return *checked.failed();
  if constexpr (std::is_same_v<Packet, publish>) {
    if (p.topic.empty() && !p.properties.find(property_id::topic_alias))
      return fault{make_error_code(errc::topic_name_invalid), "topic"};
  }
  if (size.size > remaining_length_max) return fault{make_error_code(errc::packet_too_large), "remaining_length"};
  std::uint8_t flags = fixed_flags(Packet::type);
  if constexpr (requires { p.header_flags(); }) flags = p.header_flags();
  const auto length = static_cast<std::uint32_t>(size.size);
  const auto at = out.size();
  out.resize(at + 1 + variable_bytes(length) + length);
  memory_sink memory{out.data() + at};
  memory.octet(static_cast<std::uint8_t>(static_cast<unsigned>(Packet::type) << 4 | flags));
  memory.variable(length);
  Packet::fields(writer<memory_sink>(memory, v), p);
  return {};
}

template result<void> encode(const connect&, version, byte_vector&);
template result<void> encode(const connack&, version, byte_vector&);
template result<void> encode(const publish&, version, byte_vector&);
template result<void> encode(const puback&, version, byte_vector&);
template result<void> encode(const pubrec&, version, byte_vector&);
template result<void> encode(const pubrel&, version, byte_vector&);
template result<void> encode(const pubcomp&, version, byte_vector&);
template result<void> encode(const subscribe&, version, byte_vector&);
template result<void> encode(const suback&, version, byte_vector&);
template result<void> encode(const unsubscribe&, version, byte_vector&);
template result<void> encode(const unsuback&, version, byte_vector&);
template result<void> encode(const pingreq&, version, byte_vector&);
template result<void> encode(const pingresp&, version, byte_vector&);
template result<void> encode(const disconnect&, version, byte_vector&);
template result<void> encode(const auth&, version, byte_vector&);

}  // namespace msgkit::bridge::mqtt
