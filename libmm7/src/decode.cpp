#include "decode.hpp"

#include <algorithm>
#include <charconv>

#include "soap.hpp"
#include "xml.hpp"

namespace msgkit::mm7 {
namespace {

std::optional<bool> parse_boolean(std::string_view text) noexcept {
  if (mime::equal_ignoring_case(text, "true") || text == "1") return true;
  if (mime::equal_ignoring_case(text, "false") || text == "0") return false;
  return std::nullopt;
}

class reader {
 public:
  reader(pugi::xml_node operation, const limits& l, std::vector<std::string_view>& unreadable)
      : operation_(operation), limits_(l), unreadable_(unreadable) {}

  std::optional<fault> error;

  void begin(std::string_view name) { group_ = element_index(operation_.find(name)); }
  void end() { group_ = {}; }

  void text(std::string_view name, std::string& out, presence need) {
    if (const auto node = find(name, need)) out = text_of(node);
    if (need == presence::required && out.empty()) fail(errc::element_missing, name);
  }
  void choice(std::string_view name, std::string& out, std::span<const std::string_view> known, presence need) {
    text(name, out, need);
    // "Deleted without being read" and its like.
    for (const auto k : known)
      if (mime::equal_ignoring_case(k, out) || (k == "Deleted" && mime::starts_ignoring_case(out, k))) out = k;
  }
  void boolean(std::string_view name, std::optional<bool>& out, presence need) {
    if (const auto node = find(name, need); node && !(out = parse_boolean(text_of(node)))) unreadable_.push_back(name);
  }
  void date(std::string_view name, std::optional<wall_time>& out, presence need) {
    if (const auto node = find(name, need); node && !(out = parse_date_time(text_of(node)))) unreadable_.push_back(name);
  }
  void when(std::string_view name, std::optional<relative_or_absolute>& out, presence need) {
    if (const auto node = find(name, need); node && !(out = parse_relative_or_absolute(text_of(node)))) unreadable_.push_back(name);
  }
  void wrapped_address(std::string_view name, std::optional<address>& out, presence need) {
    const auto node = find(name, need);
    if (!node) return;
    std::vector<address> found;
    collect(node, found, 0);
    if (!found.empty()) out = found.front();
    else if (need == presence::required) fail(errc::element_invalid, name);
    else unreadable_.push_back(name);
  }
  void recipients(std::string_view name, recipient_list& out, presence need) {
    const auto node = find(name, need);
    if (!node) return;
    for (const auto child : node.children()) {
      const auto kind = local_name(child.name());
      if (kind == "To") collect(child, out.to, 0);
      else if (kind == "Cc") collect(child, out.cc, 0);
      else if (kind == "Bcc") collect(child, out.bcc, 0);
      if (out.size() > limits_.recipients_max) return fail(errc::too_many_recipients, name);
    }
    if (out.size() == 0 && need == presence::required) fail(errc::element_missing, name);
  }
  void status(std::string_view name, mm7::status& out, presence need) {
    const auto node = find(name, need);
    if (!node) return;
    const auto code = text_of(child_of(node, "StatusCode"));
    unsigned number = 0;
    const auto [end_at, ec] = std::from_chars(code.data(), code.data() + code.size(), number);
    if (ec != std::errc{} || end_at != code.data() + code.size() || number < 1000 || number > 9999) return fail(errc::element_invalid, "StatusCode");
    out.code = static_cast<status_code>(number);
    out.text = text_of(child_of(node, "StatusText"));
    out.details = text_of(child_of(node, "Details"));
  }
  void content(std::string_view name, std::optional<content_reference>& out, presence need) {
    const auto node = find(name, need);
    if (!node) return;
    out.emplace();
    out->href = mime::trim(attribute_of(node, "href").value());
    if (const auto a = attribute_of(node, "allowAdaptations")) out->allow_adaptations = parse_boolean(mime::trim(a.value()));
  }
  void attribute(std::string_view name, std::string_view which, std::string& out) {
    if (const auto node = find(name, presence::optional)) out = attribute_of(node, which).value();
  }
  void sequences(std::string_view name, std::string_view item, std::vector<sequence_address>& out) {
    each(name, item, [&](pugi::xml_node node, std::uint32_t n) {
      std::vector<address> found;
      collect(node, found, 0);
      if (!found.empty()) out.push_back({n, found.front()});
    });
  }
  void sequences(std::string_view name, std::string_view item, std::vector<sequence_date>& out) {
    each(name, item, [&](pugi::xml_node node, std::uint32_t n) {
      if (const auto t = parse_date_time(text_of(node))) out.push_back({n, *t});
    });
  }

 private:
  template <class F>
  void each(std::string_view name, std::string_view item, F&& f) {
    const auto node = find(name, presence::optional);
    for (const auto child : node.children())
      if (local_name(child.name()) == item) f(child, attribute_of(child, "sequence").as_uint());
  }
  // In the group first: some peers leave the group out.
  pugi::xml_node find(std::string_view name, presence need) {
    auto node = group_.find(name);
    if (!node) node = operation_.find(name);
    if (!node && need == presence::required) fail(errc::element_missing, name);
    return node;
  }
  void fail(errc e, std::string_view name) {
    if (!error) error = fault{make_error_code(e), name, 0};
  }
  // Every address at or below a node; text without an element counts as one, and so do extra levels.
  void collect(pugi::xml_node node, std::vector<address>& out, int level) const {
    if (level > 3 || out.size() > limits_.recipients_max) return;
    bool has_elements = false;
    for (const auto child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      has_elements = true;
      const auto kind = local_name(child.name());
      if (kind == "Number") add(child, address_kind::number, out);
      else if (kind == "RFC2822Address" || kind == "RFC822Address") add(child, address_kind::email, out);
      else if (kind == "ShortCode") add(child, address_kind::short_code, out);
      else collect(child, out, level + 1);
    }
    if (!has_elements) {
      const auto text = text_of(node);
      if (!text.empty()) add(node, text.find('@') == std::string_view::npos ? address_kind::number : address_kind::email, out);
    }
  }
  static void add(pugi::xml_node node, address_kind kind, std::vector<address>& out) {
    auto text = text_of(node);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '/' && mime::starts_ignoring_case(text.substr(i), "/TYPE=")) text = text.substr(0, i);
    if (text.empty()) return;
    const auto display = parse_boolean(mime::trim(attribute_of(node, "displayOnly").value()));
    out.push_back({kind, std::string(text), display.value_or(false), attribute_of(node, "addressCoding").value(), attribute_of(node, "id").value()});
  }

  element_index operation_, group_;
  const limits& limits_;
  std::vector<std::string_view>& unreadable_;
};

template <std::size_t... I>
bool make_operation(std::string_view name, operation& out, std::index_sequence<I...>) {
  return ((std::variant_alternative_t<I, operation>::name == name && (out.emplace<I>(), true)) || ...);
}

// False: there is none of that name.
bool make_operation(std::string_view name, operation& out) {
  // Clients that spell the error element otherwise.
  if (name == "VaspErrorRsp" || name == "MM7VASPErrorRsp") name = vasp_error_rsp::name;
  return make_operation(name, out, std::make_index_sequence<std::variant_size_v<operation>>{});
}

std::string namespace_of(pugi::xml_node node) {
  const std::string_view full = node.name();
  const auto colon = full.find(':');
  const auto wanted = colon == std::string_view::npos ? std::string("xmlns") : "xmlns:" + std::string(full.substr(0, colon));
  for (auto n = node; n; n = n.parent())
    if (const auto a = n.attribute(wanted.c_str())) return a.value();
  return {};
}

pugi::xml_node first_element(pugi::xml_node parent) {
  for (const auto child : parent.children())
    if (child.type() == pugi::node_element) return child;
  return {};
}

result<void> read_envelope(const pugi::xml_document& xml, received& r, const limits& l, std::string* transaction_id) {
  auto& e = r.envelope;
  const auto root = xml.document_element();
  // SOAP 1.2 and documents of other kinds.
  const auto root_namespace = namespace_of(root);
  if (local_name(root.name()) != "Envelope" || (!root_namespace.empty() && root_namespace != soap_namespace)) return errc::not_soap;
  const auto body = child_of(root, "Body");
  const auto id = child_of(child_of(root, "Header"), "TransactionID");
  e.transaction_id = text_of(id);
  if (transaction_id != nullptr) *transaction_id = e.transaction_id;
  if (!body) return errc::not_soap;
  auto node = first_element(body);
  if (!node) return errc::operation_missing;
  if (local_name(node.name()) == "Fault") {
    e.is_fault = true;
    const auto detail = child_of(node, "detail");
    const auto inner = first_element(detail);
    if (!inner) {  // a fault of the SOAP layer says no more than client or server
      const bool is_client = text_of(child_of(node, "faultcode")).ends_with("Client");
      rs_error_rsp error;
      error.status = {is_client ? status_code::client_error : status_code::server_error,
                      std::string(text_of(child_of(node, "faultstring"))), {}};
      e.operation = std::move(error);
      return {};
    }
    node = inner;
  }
  if (!make_operation(local_name(node.name()), e.operation)) return errc::operation_unknown;
  e.ns = namespace_of(node);
  if (const auto version = text_of(child_of(node, "MM7Version")); !version.empty()) e.version = version;
  if (e.transaction_id.empty() && !e.is_fault) return fault{make_error_code(errc::transaction_id_missing), "TransactionID", 0};
  reader visitor(node, l, r.unreadable);
  std::visit([&visitor](auto& o) { std::decay_t<decltype(o)>::fields(visitor, o); }, e.operation);
  if (visitor.error) return *visitor.error;
  return {};
}

bool is_xml(const mime::part& p) noexcept { return p.type.is("text/xml") || p.type.is("application/xml") || p.type.is("application/soap+xml"); }

// The content of a part, copied to `storage` only when a transfer encoding has to be undone.
result<bytes_view> octets_of(const mime::part& p, std::size_t bytes_max, byte_vector& storage) {
  const bool is_encoded = p.encoding == mime::transfer_encoding::base64 ||
                          p.encoding == mime::transfer_encoding::quoted_printable ||
                          p.encoding == mime::transfer_encoding::unknown;
  if (!is_encoded && p.body.size() <= bytes_max) return p.body;
  auto decoded = mime::decode(p, bytes_max);
  if (!decoded) return decoded.error();
  storage = *std::move(decoded);
  return bytes_view{storage};
}

// What start names, else the first part.
const mime::part* envelope_part(const mime::document& d) {
  const auto start = mime::normal_content_id(d.message().type.get("start"));
  for (const auto& p : d.parts)
    if (p.parent == 0 && !start.empty() && mime::equal_ignoring_case(p.id, start)) return &p;
  for (const auto& p : d.parts)
    if (p.parent == 0) return &p;
  return nullptr;
}

// The part that href names; without a match the first other one, because peers' references are often wrong.
void find_content(received& r, const mime::part* envelope) {
  const auto* reference = content_of(r.envelope.operation);
  if (reference != nullptr) {
    const auto* found = r.document.resolve(reference->href);
    if (found != nullptr && found != envelope && found->parent != mime::no_parent) {
      r.content = found;
      return;
    }
  }
  for (const bool xml_too : {false, true}) {
    for (const auto& p : r.document.parts) {
      if (p.parent != 0 || &p == envelope || (!xml_too && is_xml(p))) continue;
      r.content = &p;
      r.content_guessed = true;
      return;
    }
  }
}

}  // namespace

std::vector<const mime::part*> received::parts() const {
  std::vector<const mime::part*> found;
  if (content == nullptr) return found;
  const auto is_inside = [this](const mime::part* p) {
    for (;;) {
      if (p == content) return true;
      if (p->parent == mime::no_parent) return false;
      p = &document.parts[p->parent];
    }
  };
  for (const auto& p : document.parts)
    if (!p.is_multipart() && is_inside(&p)) found.push_back(&p);
  // The root of the content: what its own start names, else the first SMIL.
  const auto start = mime::normal_content_id(content->type.get("start"));
  auto root = std::ranges::find_if(found, [&](const mime::part* p) { return !start.empty() && mime::equal_ignoring_case(p->id, start); });
  if (root == found.end()) root = std::ranges::find_if(found, [](const mime::part* p) { return p->is_smil(); });
  if (root != found.end()) std::rotate(found.begin(), root, root + 1);
  return found;
}

result<received> decode(std::string_view content_type, bytes_view body, const limits& l, std::string* transaction_id) {
  result<received> r(std::in_place);
  if (const auto ok = decode_into(*r, content_type, body, l, transaction_id); !ok) r = ok.error();
  return r;
}

result<void> decode_into(received& r, std::string_view content_type, bytes_view body, const limits& l,
                         std::string* transaction_id) {
  const auto type = mime::parse_media_type(content_type);
  auto octets = body;
  std::string charset(type.get("charset"));
  const mime::part* envelope = nullptr;
  byte_vector decoded;
  // Some say multipart and send XML.
  if (type.is_multipart() && !type.get("boundary").empty()) {
    mime::field_list fields;
    fields.add("Content-Type", std::string(content_type));
    auto document = mime::parse_body(std::move(fields), body, l.mime);
    if (!document) return document.error();
    r.document = *std::move(document);
    envelope = envelope_part(r.document);
    if (envelope == nullptr) return errc::envelope_missing;
    charset = envelope->charset();
    const auto plain = octets_of(*envelope, l.envelope_bytes_max, decoded);
    if (!plain) return plain.error();
    octets = *plain;
  }
  if (octets.size() > l.envelope_bytes_max) return mime::errc::message_too_long;
  xml_tree xml;
  if (auto ok = parse_xml(xml, octets, charset, l); !ok) return ok.error();
  if (auto ok = read_envelope(xml.document, r, l, transaction_id); !ok) return ok.error();
  if (envelope != nullptr) find_content(r, envelope);
  const auto* reference = content_of(r.envelope.operation);
  if (reference != nullptr && !reference->href.empty() && r.content == nullptr) return fault{make_error_code(errc::content_missing), "Content", 0};
  return {};
}

}  // namespace msgkit::mm7
