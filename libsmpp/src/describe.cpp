#include "msgkit/smpp/describe.hpp"

#include <array>
#include <optional>

#include "msgkit/core/json_writer.hpp"
#include "msgkit/smpp/message.hpp"

namespace msgkit::smpp {
namespace {

// The visitor behind describe().
class describer {
 public:
  explicit describer(field_sink& sink) noexcept : sink_(sink) {}

  template <class T>
  void octet(std::string_view name, const T& v) {
    sink_.on_number(name, static_cast<std::uint8_t>(v));
  }
  void octet_between(std::string_view name, std::uint8_t v, std::uint8_t, std::uint8_t, errc) {
    sink_.on_number(name, v);
  }
  void u32(std::string_view name, std::uint32_t v) { sink_.on_number(name, v); }
  void cstring(std::string_view name, std::string_view v, std::size_t) { sink_.on_text(name, v); }
  void optional_cstring(std::string_view name, std::string_view v, std::size_t, const tlv_list&) {
    sink_.on_text(name, v);
  }
  void time(std::string_view name, std::string_view v) { sink_.on_text(name, v); }
  void counted_octets(std::string_view count_name, std::string_view name, std::string_view v, std::size_t) {
    sink_.on_number(count_name, v.size());
    sink_.on_octets(name, as_bytes(v));
  }
  template <class Element>
  void list(std::string_view count_name, std::string_view name, const counted_list<Element>& v, std::uint8_t) {
    sink_.on_number(count_name, v.size());
    sink_.on_list_begin(name);
    for (const auto& each : v) {
      sink_.on_element_begin();
      Element::fields(*this, each);
      sink_.on_element_end();
    }
    sink_.on_list_end();
  }
  void tlvs(std::string_view, const tlv_list& v) { sink_.on_tlvs(v); }
  template <class Pdu>
  bool body_may_be_absent(const Pdu&) const noexcept {
    return false;
  }

 private:
  field_sink& sink_;
};

std::array<std::uint8_t, 4> big(std::uint32_t value) noexcept {
  std::array<std::uint8_t, 4> octets;
  store_big(octets.data(), value);
  return octets;
}

class json_sink final : public field_sink {
 public:
  explicit json_sink(json_writer& json) noexcept : json_(json) {}

  void on_number(std::string_view name, std::uint64_t value) override {
    json_.key(name);
    json_.number(value);
  }
  void on_text(std::string_view name, std::string_view value) override {
    json_.key(name);
    json_.text(value);
  }
  void on_octets(std::string_view name, bytes_view value) override {
    json_.key(name);
    json_.hex(value);
  }
  void on_list_begin(std::string_view name) override {
    json_.key(name);
    json_.begin_array();
  }
  void on_element_begin() override { json_.begin_object(); }
  void on_element_end() override { json_.end_object(); }
  void on_list_end() override { json_.end_array(); }
  void on_tlvs(const tlv_list& tlvs) override {
    json_.key("tlvs");
    json_.begin_array();
    for (const auto& each : tlvs) write(each);
    json_.end_array();
  }

 private:
  void write(const tlv& each) {
    std::array<std::uint8_t, 2> tag_octets;
    store_big(tag_octets.data(), static_cast<std::uint16_t>(each.tag));
    const auto* info = find_tlv(each.tag);
    const auto kind = info == nullptr ? tlv_kind::octets : info->kind;
    json_.begin_object();
    json_.key("tag");
    json_.hex(tag_octets, "0x");
    json_.key("name");
    json_.text_or_null(info == nullptr ? std::string_view{} : info->name);
    json_.key("value");
    if (const auto integer = each.as_integer(); integer && kind == tlv_kind::integer) json_.number(*integer);
    else if (kind == tlv_kind::text) json_.text(each.as_cstring());
    else json_.hex(each.value);
    json_.end_object();
  }

  json_writer& json_;
};

template <class Pdu>
// Nothing where a PDU carries no message, or does not say how it is coded.
std::optional<std::string> find_text(const Pdu& m, const peer_profile& profile) {
  if constexpr (requires { m.data_coding; }) {
    auto message = message_octets(m, profile);
    if (message.empty()) return std::nullopt;
    text_context context;
    if constexpr (requires { m.esm_class; }) {
      if (has_udh(m.esm_class)) {
        const auto parts = split_user_data(message);
        if (!parts) return std::nullopt;
        message = parts->body;
        context = {parts->header.languages(), parts->header.size()};
      }
    }
    auto decoded = decode_text(message, m.data_coding, profile.coding, context);
    if (decoded) return std::move(decoded->text);
  }
  return std::nullopt;
}

void write_head(json_writer& json, const header& h) {
  json.key("command");
  json.text_or_null(command_name(h.id));
  json.key("command_id");
  json.hex(big(static_cast<std::uint32_t>(h.id)), "0x");
  json.key("command_status");
  json.number(static_cast<std::uint32_t>(h.status));
  json.key("command_status_name");
  json.text(status_name(h.status));
  json.key("sequence_number");
  json.number(h.sequence);
}

void write_diagnostics(json_writer& json, const diagnostics& notes) {
  json.key("diagnostics");
  json.begin_array();
  for (const auto& each : notes.kept()) {
    json.begin_object();
    json.key("field");
    json.text(each.field);
    json.key("offset");
    json.number(each.offset);
    json.key("kind");
    json.text(to_string(each.kind));
    json.end_object();
  }
  json.end_array();
  if (notes.count() > notes.kept().size()) {
    json.key("diagnostics_left_out");
    json.number(notes.count() - notes.kept().size());
  }
}

}  // namespace

void describe(const pdu& p, field_sink& sink) {
  std::visit(
      [&]<class Pdu>(const Pdu& m) {
        if constexpr (std::is_same_v<Pdu, unknown_pdu>) {
          sink.on_octets("body", m.body);
        } else {
          describer d(sink);
          Pdu::fields(d, m);
        }
      },
      static_cast<const pdu_variant&>(p));
}

std::string to_json(const pdu& p, const diagnostics& notes, json_options options) {
  json_writer json;
  json.begin_object();
  write_head(json, p.head);
  json_sink sink(json);
  describe(p, sink);
  if (options.with_text) {
    const auto text = std::visit([&](const auto& m) { return find_text(m, options.profile); },
                                 static_cast<const pdu_variant&>(p));
    if (text) {
      json.key("text");
      json.text(*text);
    }
  }
  write_diagnostics(json, notes);
  json.end_object();
  return json.take();
}

std::string summary(const header& h) {
  const auto name = command_name(h.id);
  std::string line = name.empty() ? "command 0x" + to_hex(big(static_cast<std::uint32_t>(h.id))) : std::string(name);
  if (is_response(h.id) || h.status != command_status::ok) line.append(" ").append(status_name(h.status));
  return line + " sequence " + std::to_string(h.sequence);
}

}  // namespace msgkit::smpp
