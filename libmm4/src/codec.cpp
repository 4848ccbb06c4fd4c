#include "msgkit/mm4/codec.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/core/mime/encoded_word.hpp"
#include "text.hpp"

namespace msgkit::mm4 {
namespace {

constexpr std::string_view type_header = "X-Mms-Message-Type";
constexpr std::string_view version_header = "X-Mms-3GPP-MMS-Version";

// Other names under which headers come, in the order of trust.
struct header_alias {
  std::string_view canonical, alias;
};
constexpr header_alias aliases[] = {
    {version_header, "X-Mms-3GPP-Version"},
    {"X-Mms-MM-Status-Code", "X-Mms-Status"},
    {"X-Mms-MM-Status-Code", "X-Mms-Status-Code"},
    {"X-Mms-Read-Status", "X-Mms-MM-Read-Status"},
    {"X-Mms-Read-Reply", "X-Mms-Read-Report"},
    {"X-Mms-Previously-sent-date-and-time", "X-Mms-Previously-Sent-Date"},
    {"From", "X-Mms-Sender-Address"},
    {"To", "X-Mms-To"},
    {"To", "X-Mms-Rcpt-To"},
};

bool is_alias(std::string_view name) noexcept {
  return std::ranges::any_of(aliases, [name](const header_alias& a) { return mime::equal_ignoring_case(a.alias, name); });
}

// Quotes and brackets in either order: "<id>", <id>, "id".
std::string normal_id(std::string_view text) {
  text = unquoted(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = unquoted(text.substr(1, text.size() - 2));
  return std::string(text);
}

bool is_version(std::string_view v) noexcept {
  return !v.empty() && v.size() <= 16 && std::ranges::all_of(v, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }) &&
         v.find('.') != std::string_view::npos;
}

// ---- reading

class header_reader {
 public:
  header_reader(const mime::field_list& fields, const peer_profile& p, std::vector<diagnostic>& notes)
      : fields_(fields), profile_(p), notes_(notes) {}

  std::optional<fault> error;

  void text(std::string_view name, std::string& out, presence need) {
    if (const auto* v = find(name, need)) out = unquoted(*v);
  }
  void words(std::string_view name, std::string& out, presence need) {
    if (const auto* v = find(name, need)) out = mime::decode_words(*v);
  }
  void id(std::string_view name, std::string& out, presence need) {
    if (const auto* v = find(name, need)) out = normal_id(*v);
  }
  void address(std::string_view name, std::optional<mm4::address>& out, presence need) {
    const auto* v = find(name, need);
    if (v == nullptr) return;
    auto a = parse_address(mime::decode_words(*v));
    if (!a) return fail(a.error().code, name, need);
    apply(profile_.incoming_numbers, *a);
    out = *std::move(a);
  }
  void addresses(std::string_view name, std::vector<mm4::address>& out, presence need) {
    const auto* v = find(name, need);
    if (v == nullptr) return;
    auto list = parse_address_list(mime::decode_words(*v), profile_.recipients_max);
    // Recipients are never dropped silently.
    if (!list) return fail(list.error().code, name, presence::required);
    for (auto& a : *list) apply(profile_.incoming_numbers, a);
    out = *std::move(list);
    if (out.empty() && need == presence::required) fail(make_error_code(errc::header_missing), name, need);
  }
  void date(std::string_view name, std::optional<wall_time>& out, presence need) {
    const auto* v = find(name, need);
    if (v == nullptr) return;
    out = parse_date(*v);
    if (!out) note(diagnostic_kind::value_unreadable, name);  // the caller has the time of reception
  }
  void expiry(std::string_view name, std::optional<mm4::expiry>& out, presence need) {
    const auto* v = find(name, need);
    if (v != nullptr && !(out = parse_expiry(*v))) fail(make_error_code(errc::header_invalid), name, need);
  }
  void yes_no(std::string_view name, std::optional<bool>& out, presence need) {
    const auto* v = find(name, need);
    if (v != nullptr && !(out = parse_yes_no(*v))) fail(make_error_code(errc::header_invalid), name, need);
  }
  template <class E>
  void value(std::string_view name, std::optional<E>& out, presence need) {
    const auto* v = find(name, need);
    if (v != nullptr && !(out = parse_value<E>(*v))) fail(make_error_code(errc::header_invalid), name, need);
  }
  template <class E>
  void value(std::string_view name, E& out, presence need) {
    std::optional<E> parsed;
    value(name, parsed, need);
    if (parsed) out = *parsed;
  }
  void number(std::string_view name, std::optional<std::uint32_t>& out, presence need) {
    const auto* v = find(name, need);
    if (v == nullptr) return;
    const auto text = unquoted(*v);
    std::uint32_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc{} || end != text.data() + text.size()) return fail(make_error_code(errc::header_invalid), name, need);
    out = n;
  }
  void repeated(std::string_view name, std::vector<std::string>& out, presence need) {
    const auto* first = find(name, need);
    if (first == nullptr) return;
    out.push_back(*first);
    for (const auto& f : fields_)
      if (&f.value != first && mime::equal_ignoring_case(f.name, name)) out.push_back(f.value);
    std::erase_if(notes_, [name](const diagnostic& d) { return d.kind == diagnostic_kind::duplicate_header && d.header == name; });
  }

  [[nodiscard]] bool knows(std::string_view name) const noexcept {
    return std::ranges::any_of(seen_, [name](std::string_view s) { return mime::equal_ignoring_case(s, name); }) || is_alias(name);
  }
  void note(diagnostic_kind kind, std::string_view name) { notes_.push_back({kind, name}); }

  const std::string* find(std::string_view name, presence need) {
    seen_.push_back(name);
    if (const auto* v = fields_.find(name)) {
      if (fields_.count(name) > 1) note(diagnostic_kind::duplicate_header, name);
      if (!v->empty() || need == presence::optional) return v->empty() ? nullptr : v;
    }
    for (const auto& a : aliases) {
      if (a.canonical != name) continue;
      const auto* v = fields_.find(a.alias);
      if (v == nullptr || v->empty()) continue;
      note(diagnostic_kind::alias_used, name);
      return v;
    }
    if (need == presence::required || (need == presence::mandatory && profile_.strict))
      set_error(make_error_code(errc::header_missing), name);
    else if (need == presence::mandatory) note(diagnostic_kind::header_missing, name);
    return nullptr;
  }

 private:
  void fail(std::error_code code, std::string_view name, presence need) {
    if (need == presence::required || profile_.strict) set_error(code, name);
    else note(diagnostic_kind::value_unreadable, name);
  }
  void set_error(std::error_code code, std::string_view name) {
    if (!error) error = fault{code, name, 0};
  }

  const mime::field_list& fields_;
  const peer_profile& profile_;
  std::vector<diagnostic>& notes_;
  std::vector<std::string_view> seen_;
};

message make_message(message_type t) {
  switch (t) {
    case message_type::forward_req: return forward_req{};
    case message_type::forward_res: return forward_res{};
    case message_type::delivery_report_req: return delivery_report_req{};
    case message_type::delivery_report_res: return delivery_report_res{};
    case message_type::read_reply_report_req: return read_reply_report_req{};
    case message_type::read_reply_report_res: return read_reply_report_res{};
  }
  return forward_req{};
}

result<message_type> read_type(header_reader& reader, const peer_profile& p) {
  const auto* text = reader.find(type_header, presence::optional);
  if (text == nullptr) {
    if (!p.assume_forward) return fault{make_error_code(errc::message_type_missing), type_header, 0};
    reader.note(diagnostic_kind::type_assumed, type_header);
    return message_type::forward_req;
  }
  const auto t = parse_value<message_type>(*text);
  if (!t) return fault{make_error_code(errc::message_type_unknown), type_header, 0};
  return *t;
}

std::optional<fault> read_version(header_reader& reader, const peer_profile& p, std::string& version) {
  const auto* text = reader.find(version_header, presence::optional);
  if (text != nullptr) version = unquoted(*text);
  if (is_version(version)) return std::nullopt;
  if (p.strict) return fault{make_error_code(errc::version_unsupported), version_header, 0};
  reader.note(diagnostic_kind::version_unknown, version_header);
  return std::nullopt;
}

// What no list of headers can say: rules between them.
std::optional<fault> complete(forward_req& m, header_reader& reader) {
  if (m.to.empty() && m.cc.empty()) return fault{make_error_code(errc::recipients_missing), "To", 0};
  if (m.message_id.empty() && !m.rfc_message_id.empty()) {
    m.message_id = normal_id(m.rfc_message_id);
    reader.note(diagnostic_kind::message_id_assumed, "X-Mms-Message-ID");
  }
  return std::nullopt;
}

// ---- writing

class header_writer {
 public:
  header_writer(byte_vector& out, const peer_profile& p, bool complete = true)
      : out_(out), profile_(p), complete_(complete) {}

  std::optional<fault> error;

  void unknown(const mime::field& f) {
    constexpr std::string_view any = "X-Mms-*";
    if (error) return;
    const bool is_name = !f.name.empty() && std::ranges::all_of(f.name, [](char c) { return c > 32 && c < 127 && c != ':'; });
    auto written = is_name ? mime::append_field(out_, f.name, f.value) : result<void>(mime::errc::unsafe_value);
    if (!written) error = fault{written.error().code, any, 0};
  }
  void line(std::string_view name, std::string_view value) {
    if (error) return;
    auto written = mime::append_field(out_, sent_name(name), value);
    if (!written) error = fault{written.error().code, name, 0};
  }
  void text(std::string_view name, const std::string& v, presence need) {
    if (has(name, !v.empty(), need)) line(name, v);
  }
  void words(std::string_view name, const std::string& v, presence need) {
    if (!has(name, !v.empty(), need)) return;
    if (!mime::is_safe_value(v)) error = fault{make_error_code(mime::errc::unsafe_value), name, 0};
    else line(name, mime::encode_words(v));
  }
  void id(std::string_view name, const std::string& v, presence need) {
    if (!has(name, !v.empty(), need)) return;
    line(name, profile_.quote_ids ? '"' + v + '"' : v);
  }
  void address(std::string_view name, const std::optional<mm4::address>& a, presence need) {
    if (has(name, a.has_value(), need)) line(name, write(*a));
  }
  void addresses(std::string_view name, const std::vector<mm4::address>& list, presence need) {
    if (!has(name, !list.empty(), need)) return;
    std::string text;
    for (const auto& a : list) {
      if (!text.empty()) text += ", ";
      text += write(a);
    }
    line(name, text);
  }
  void date(std::string_view name, const std::optional<wall_time>& t, presence need) {
    if (has(name, t.has_value(), need)) line(name, format_date(*t));
  }
  void expiry(std::string_view name, const std::optional<mm4::expiry>& e, presence need) {
    if (!has(name, e.has_value(), need)) return;
    const auto* relative = std::get_if<std::chrono::seconds>(&*e);
    // A moment can only be told in seconds, and seconds only as a moment, by who knows the date.
    if (relative != nullptr && (profile_.expiry_style == expiry_style::seconds || !date_)) return line(name, std::to_string(relative->count()));
    if (relative == nullptr && profile_.expiry_style == expiry_style::seconds && date_) {
      const auto left = std::chrono::floor<std::chrono::seconds>(std::get<wall_time>(*e) - *date_);
      return line(name, std::to_string(std::max<std::int64_t>(0, left.count())));
    }
    line(name, format_date(expiry_moment(*e, date_.value_or(wall_time{}))));
  }
  void yes_no(std::string_view name, const std::optional<bool>& b, presence need) {
    if (has(name, b.has_value(), need)) line(name, *b ? "Yes" : "No");
  }
  template <class E>
  void value(std::string_view name, const std::optional<E>& v, presence need) {
    if (has(name, v.has_value(), need)) line(name, to_string(*v));
  }
  template <class E>
  void value(std::string_view name, const E& v, presence) { line(name, to_string(v)); }
  void number(std::string_view name, const std::optional<std::uint32_t>& n, presence need) {
    if (has(name, n.has_value(), need)) line(name, std::to_string(*n));
  }
  void repeated(std::string_view name, const std::vector<std::string>& all, presence) {
    for (const auto& v : all) line(name, v);
  }
  void set_date(const std::optional<wall_time>& d) { date_ = d; }

 private:
  bool has(std::string_view name, bool is_set, presence need) {
    if (!is_set && need != presence::optional && complete_ && !error && name != "Sender")
      error = fault{make_error_code(errc::value_missing), name, 0};
    return is_set && !error;
  }
  std::string write(mm4::address a) const {
    apply(profile_.outgoing_numbers, a);
    // A domain that a number came with is part of it; our style is for those that have none.
    if (a.is_telephone() && !a.domain.empty())
      return to_string(a, a.typed ? address_style::typed_with_domain : address_style::with_domain, a.domain);
    return to_string(a, profile_.header_style, profile_.peer_domain);
  }
  std::string_view sent_name(std::string_view name) const {
    const auto found = std::ranges::find(profile_.header_names, name, &header_name_override::canonical);
    return found == profile_.header_names.end() ? name : std::string_view{found->sent_as};
  }

  byte_vector& out_;
  const peer_profile& profile_;
  std::optional<wall_time> date_;
  bool complete_;  // mandatory elements must be there
};

template <class M>
void write_fields(header_writer& w, const M& m, const peer_profile& p) {
  w.set_date(m.date);
  w.line(version_header, m.version.empty() ? p.version : m.version);
  w.line(type_header, to_string(M::type));
  if (!m.rfc_message_id.empty()) w.line("Message-ID", m.rfc_message_id);
  M::fields(w, m);
  for (const auto& f : m.unknown) w.unknown(f);
}

// Responses and reports go out in the name of the system; the specification asks for Sender and originators expect From.
template <class M>
M with_defaults(M m, const peer_profile& p) {
  if constexpr (M::type != message_type::forward_req) {
    if (m.sender.empty()) m.sender = p.system_address();
    if (!m.from) m.from = address{.kind = address_kind::email, .value = p.system_address()};
  } else if (m.ack_request.value_or(false) && m.originator_system.empty()) {
    m.originator_system = p.system_address();
  }
  return m;
}

}  // namespace

std::string_view to_string(diagnostic_kind k) noexcept {
  switch (k) {
    case diagnostic_kind::alias_used: return "alias_used";
    case diagnostic_kind::duplicate_header: return "duplicate_header";
    case diagnostic_kind::header_missing: return "header_missing";
    case diagnostic_kind::value_unreadable: return "value_unreadable";
    case diagnostic_kind::version_unknown: return "version_unknown";
    case diagnostic_kind::type_assumed: return "type_assumed";
    case diagnostic_kind::transaction_id_missing: return "transaction_id_missing";
    case diagnostic_kind::message_id_assumed: return "message_id_assumed";
  }
  return "unknown";
}

bool decoded::has(diagnostic_kind k) const noexcept {
  return std::ranges::any_of(diagnostics, [k](const diagnostic& d) { return d.kind == k; });
}

result<decoded> decode(bytes_view mail, const peer_profile& p, const mime::limits& l) {
  auto document = mime::parse(mail, l);
  if (!document) return document.error();
  decoded d{.message = {}, .document = *std::move(document), .diagnostics = {}};
  const auto& fields = d.document.message().fields;
  header_reader reader(fields, p, d.diagnostics);
  const auto type = read_type(reader, p);
  if (!type) return type.error();
  d.message = make_message(*type);
  auto failed = std::visit(
      [&](auto& m) -> std::optional<fault> {
        using M = std::decay_t<decltype(m)>;
        if (auto bad = read_version(reader, p, m.version)) return bad;
        reader.text("Message-ID", m.rfc_message_id, presence::optional);
        M::fields(reader, m);
        if (reader.error) return reader.error;
        for (const auto& f : fields)
          if (mime::starts_ignoring_case(f.name, "X-Mms-") && !reader.knows(f.name)) m.unknown.push_back(f);
        if (m.transaction_id.empty()) reader.note(diagnostic_kind::transaction_id_missing, "X-Mms-Transaction-ID");
        if constexpr (M::type == message_type::forward_req) return complete(m, reader);
        return std::nullopt;
      },
      d.message);
  if (failed) return *failed;
  return d;
}

result<byte_vector> encode(const message& m, const peer_profile& p, const content* c) {
  byte_vector out;
  header_writer w(out, p);
  const bool has_content = c != nullptr && !c->empty();
  std::visit([&](const auto& x) { write_fields(w, with_defaults(x, p), p); }, m);
  if (w.error) return *w.error;
  if (const auto* f = std::get_if<forward_req>(&m); f != nullptr && f->to.empty() && f->cc.empty())
    return fault{make_error_code(errc::value_missing), "To", 0};
  w.line("MIME-Version", "1.0");
  if (!has_content) {
    w.line("Content-Type", "text/plain; charset=us-ascii");
    if (w.error) return *w.error;
    append(out, "\r\n" + p.body_text + "\r\n");
    return out;
  }
  auto header = c->header();
  if (!header) return header.error();
  w.line("Content-Type", header->content_type);
  if (!header->transfer_encoding.empty()) w.line("Content-Transfer-Encoding", header->transfer_encoding);
  if (w.error) return *w.error;
  append(out, "\r\n");
  if (auto written = c->append_to(out); !written) return written.error();
  return out;
}

std::string describe(const message& m) {
  byte_vector out;
  const peer_profile plain;
  header_writer w(out, plain, false);
  std::visit([&](const auto& x) { write_fields(w, x, plain); }, m);
  std::string text(as_text(out));
  std::erase(text, '\r');
  return text;
}

}  // namespace msgkit::mm4
