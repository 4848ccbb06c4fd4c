#include "msgkit/mm7/codec.hpp"

#include "msgkit/core/backoff.hpp"
#include "soap.hpp"
#include "xml.hpp"

namespace msgkit::mm7 {
namespace {

constexpr std::string_view envelope_id = "mm7-envelope", content_id = "mm7-content";

class writer {
 public:
  explicit writer(std::string& out) : out_(out) {}

  std::optional<fault> error;

  // A group is written only when something stands in it, but SenderIdentification is mandatory and may be empty.
  void begin(std::string_view name) {
    group_ = name;
    out_.append("<").append(name).append(">");
  }
  void end() { out_.append("</").append(group_).append(">"); }

  void element(std::string_view name, std::string_view value) {
    out_.append("<").append(name).append(">");
    append_escaped(out_, value);
    out_.append("</").append(name).append(">");
  }
  void text(std::string_view name, const std::string& v, presence need) {
    if (has(name, !v.empty(), need)) element(name, v);
  }
  void choice(std::string_view name, const std::string& v, std::span<const std::string_view>, presence need) { text(name, v, need); }
  void boolean(std::string_view name, const std::optional<bool>& v, presence need) {
    if (has(name, v.has_value(), need)) element(name, *v ? "true" : "false");
  }
  void date(std::string_view name, const std::optional<wall_time>& v, presence need) {
    if (has(name, v.has_value(), need)) element(name, format_date_time(*v));
  }
  void when(std::string_view name, const std::optional<relative_or_absolute>& v, presence need) {
    if (has(name, v.has_value(), need)) element(name, format(*v));
  }
  void wrapped_address(std::string_view name, const std::optional<address>& a, presence need) {
    if (!has(name, a.has_value(), need)) return;
    out_.append("<").append(name).append(">");
    write(*a);
    out_.append("</").append(name).append(">");
  }
  void recipients(std::string_view name, const recipient_list& r, presence need) {
    if (!has(name, r.size() != 0, need)) return;
    out_.append("<").append(name).append(">");
    list("To", r.to);
    list("Cc", r.cc);
    list("Bcc", r.bcc);
    out_.append("</").append(name).append(">");
  }
  void status(std::string_view name, const mm7::status& s, presence) {
    out_.append("<").append(name).append(">");
    element("StatusCode", std::to_string(static_cast<unsigned>(s.code)));
    element("StatusText", s.text.empty() ? to_string(s.code) : std::string_view{s.text});
    if (!s.details.empty()) element("Details", s.details);
    out_.append("</").append(name).append(">");
  }
  void content(std::string_view name, const std::optional<content_reference>& c, presence need) {
    if (!has(name, c.has_value(), need)) return;
    out_.append("<").append(name);
    write_attribute("href", c->href);
    if (c->allow_adaptations) out_.append(" allowAdaptations=\"").append(*c->allow_adaptations ? "true" : "false").append("\"");
    out_.append("/>");
  }
  void attribute(std::string_view name, std::string_view which, const std::string& v) {
    if (v.empty()) return;
    out_.append("<").append(name);
    write_attribute(which, v);
    out_.append("/>");
  }
  void sequences(std::string_view name, std::string_view item, const std::vector<sequence_address>& all) {
    each(name, item, all, [this](const sequence_address& a) { write(a.address); });
  }
  void sequences(std::string_view name, std::string_view item, const std::vector<sequence_date>& all) {
    each(name, item, all, [this](const sequence_date& d) { out_ += format_date_time(d.date); });
  }

 private:
  bool has(std::string_view name, bool is_set, presence need) {
    if (!is_set && need == presence::required && !error) error = fault{make_error_code(errc::element_missing), name, 0};
    return is_set;
  }
  void write_attribute(std::string_view name, std::string_view value) {
    out_.append(" ").append(name).append("=\"");
    append_escaped(out_, value);
    out_.append("\"");
  }
  void list(std::string_view name, const std::vector<address>& all) {
    if (all.empty()) return;
    out_.append("<").append(name).append(">");
    for (const auto& a : all) write(a);
    out_.append("</").append(name).append(">");
  }
  void write(const address& a) {
    const std::string_view name = a.kind == address_kind::number ? "Number" : a.kind == address_kind::email ? "RFC2822Address" : "ShortCode";
    out_.append("<").append(name);
    if (a.display_only) out_ += " displayOnly=\"true\"";
    if (!a.coding.empty()) write_attribute("addressCoding", a.coding);
    if (!a.id.empty()) write_attribute("id", a.id);
    out_.append(">");
    append_escaped(out_, a.value);
    out_.append("</").append(name).append(">");
  }
  template <class T, class F>
  void each(std::string_view name, std::string_view item, const std::vector<T>& all, F&& f) {
    if (all.empty()) return;
    out_.append("<").append(name).append(">");
    for (const auto& one : all) {
      out_.append("<").append(item).append(" sequence=\"").append(std::to_string(one.sequence)).append("\">");
      f(one);
      out_.append("</").append(item).append(">");
    }
    out_.append("</").append(name).append(">");
  }

  std::string& out_;
  std::string_view group_;
};

result<std::string> write_envelope(const envelope& e) {
  constexpr std::size_t usual = 1024;
  std::string out;
  out.reserve(usual);
  out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<env:Envelope xmlns:env=\"").append(soap_namespace);
  out += "\"><env:Header><mm7:TransactionID xmlns:mm7=\"";
  append_escaped(out, e.ns);
  out += "\" env:mustUnderstand=\"1\">";
  append_escaped(out, e.transaction_id);
  out += "</mm7:TransactionID></env:Header><env:Body>";
  const auto name = name_of(e.operation);
  const auto* failed = status_of(e.operation);
  if (e.is_fault) {
    const bool client = failed != nullptr && static_cast<unsigned>(failed->code) / 1000 != 3;
    out += client ? "<env:Fault><faultcode>env:Client</faultcode><faultstring>Client error</faultstring><detail>"
                  : "<env:Fault><faultcode>env:Server</faultcode><faultstring>Server error</faultstring><detail>";
  }
  out.append("<").append(name).append(" xmlns=\"");
  append_escaped(out, e.ns);
  out += "\">";
  writer w(out);
  w.element("MM7Version", e.version);
  std::visit([&w](const auto& o) { std::decay_t<decltype(o)>::fields(w, o); }, e.operation);
  if (w.error) return *w.error;
  out.append("</").append(name).append(">");
  if (e.is_fault) out += "</detail></env:Fault>";
  out += "</env:Body></env:Envelope>\r\n";
  return out;
}

void set_content(operation& o) {
  std::visit(
      [](auto& x) {
        if constexpr (requires { x.content; }) {
          if (!x.content) x.content.emplace();
          x.content->href = "cid:" + std::string(content_id);
        }
      },
      o);
}

}  // namespace

result<http_body> encode(const envelope& e, const std::vector<mime::out_part>& parts) {
  http_body out;
  if (parts.empty()) {
    auto xml = write_envelope(e);
    if (!xml) return xml.error();
    out.content_type = "text/xml; charset=\"utf-8\"";
    append(out.body, *xml);
    return out;
  }
  auto with_content = e;
  set_content(with_content.operation);
  auto xml = write_envelope(with_content);
  if (!xml) return xml.error();
  const auto seed = mix(std::hash<std::string>{}(e.transaction_id));
  std::vector<mime::out_part> outer;
  outer.push_back({.type = mime::parse_media_type("text/xml; charset=utf-8"), .id = std::string(envelope_id), .content = as_bytes(*xml)});
  byte_vector inner;
  if (parts.size() == 1) {
    outer.push_back(parts.front());
    outer.back().id = content_id;
  } else {
    mime::multipart_options o{.kind = mime::multipart_kind::related, .seed = seed + 1};
    o.start = parts.front().id;
    o.root_type = parts.front().type.essence();
    auto header = mime::plan_multipart(parts, o);
    if (!header) return header.error();
    if (auto ok = mime::append_multipart(inner, parts, o); !ok) return ok.error();
    outer.push_back({.type = mime::parse_media_type(header->content_type), .id = std::string(content_id), .content = inner});
  }
  // Parts inside are encoded already; the whole travels as it is.
  const bool nested = parts.size() != 1;
  mime::multipart_options o{.kind = mime::multipart_kind::related, .start = std::string(envelope_id), .root_type = "text/xml", .seed = seed, .binary = nested};
  auto header = mime::plan_multipart(outer, o);
  if (!header) return header.error();
  if (auto ok = mime::append_multipart(out.body, outer, o); !ok) return ok.error();
  out.content_type = header->content_type;
  return out;
}

envelope make_fault(const fault& f, std::string_view transaction_id, bool from_relay, std::string_view version) {
  envelope e;
  e.transaction_id = transaction_id;
  e.version = version;
  e.is_fault = true;
  mm7::status s{status_for(f), {}, f.code.message()};
  if (!f.field.empty()) s.details += " (" + std::string(f.field) + ')';
  if (from_relay) {
    rs_error_rsp r;
    r.status = std::move(s);
    e.operation = std::move(r);
  } else {
    vasp_error_rsp r;
    r.status = std::move(s);
    e.operation = std::move(r);
  }
  return e;
}

}  // namespace msgkit::mm7
