#include "msgkit/xmppcomp/stream_parser.hpp"

#include <expat.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "msgkit/core/xml_text.hpp"


namespace msgkit::xmppcomp {
namespace {

constexpr std::size_t slice_bytes = 4 * 1024;  // bounds how many stanzas one call of expat can yield
constexpr std::size_t namespace_bytes_max = 256;
constexpr std::size_t slots_kept_max = 32;     // stanzas whose memory is used again
constexpr std::size_t children_kept_max = 16;  // of each
constexpr char separator[] = "\n";  // between namespace and name; expat refuses it inside a namespace

// Expat remembers every name it has ever seen. Its memory is counted, so that a peer that invents names for ever cannot
// make it grow: beyond `renew_bytes` a new parser takes over at the next stanza, beyond `bytes_max` nothing is given.
constexpr std::size_t renew_bytes = 256 * 1024;
constexpr std::size_t bytes_max = 8 * 1024 * 1024;

thread_local std::size_t* memory_in_use = nullptr;

void* count(void* p) {
  if (p != nullptr) *memory_in_use += malloc_usable_size(p);
  return p;
}
void* counted_malloc(std::size_t size) {
  return *memory_in_use + size > bytes_max ? nullptr : count(std::malloc(size));
}
void* counted_realloc(void* p, std::size_t size) {
  if (*memory_in_use + size > bytes_max) return nullptr;
  const std::size_t before = p == nullptr ? 0 : malloc_usable_size(p);
  void* moved = std::realloc(p, size);
  if (moved != nullptr) *memory_in_use -= before;
  return count(moved);
}
void counted_free(void* p) {
  if (p != nullptr) *memory_in_use -= malloc_usable_size(p);
  std::free(p);
}

class memory_scope {
 public:
  explicit memory_scope(std::size_t& counter) noexcept : outer_(std::exchange(memory_in_use, &counter)) {}
  ~memory_scope() { memory_in_use = outer_; }
  memory_scope(const memory_scope&) = delete;
  memory_scope& operator=(const memory_scope&) = delete;

 private:
  std::size_t* outer_;
};

struct qualified_name {
  std::string_view ns, name;
};
qualified_name split(const char* expat_name) noexcept {
  const std::string_view all(expat_name);
  const auto at = all.find(separator[0]);
  if (at == std::string_view::npos) return {{}, all};
  return {all.substr(0, at), all.substr(at + 1)};
}

// All namespaces of stanzas are one to us.
std::string_view content_as_empty(std::string_view ns) noexcept {
  return ns == component_ns || ns == "jabber:client" || ns == "jabber:server" ? std::string_view{} : ns;
}

bool is_white_space(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

stream_condition condition_of(XML_Error e) noexcept {
  switch (e) {
    case XML_ERROR_UNDEFINED_ENTITY:
    case XML_ERROR_RECURSIVE_ENTITY_REF:
    case XML_ERROR_ASYNC_ENTITY:
    case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
    case XML_ERROR_ENTITY_DECLARED_IN_PE: return stream_condition::restricted_xml;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING: return stream_condition::unsupported_encoding;
    case XML_ERROR_UNBOUND_PREFIX: return stream_condition::bad_namespace_prefix;
    case XML_ERROR_NO_MEMORY: return stream_condition::resource_constraint;
    default: return stream_condition::not_well_formed;
  }
}

}  // namespace

struct stream_parser::impl {
  explicit impl(const xml_limits& l) : limits(l) { make_parser(); }
  ~impl() { free_parser(); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  // ---- the parser and its renewal

  void make_parser() {
    const memory_scope scope(memory);
    constexpr XML_Memory_Handling_Suite suite{counted_malloc, counted_realloc, counted_free};
    parser = XML_ParserCreate_MM("UTF-8", &suite, separator);
    if (parser == nullptr) throw std::bad_alloc();
#ifdef MSGKIT_EXPAT_DEFERS
    XML_SetReparseDeferralEnabled(parser, XML_FALSE);  // token_bytes_max bounds what it guards against
#endif
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartNamespaceDeclHandler(parser, on_namespace);
    XML_SetXmlDeclHandler(parser, on_declaration);
    XML_SetStartDoctypeDeclHandler(
        parser, [](void* self, const char*, const char*, const char*, int) { refuse(self); });
    XML_SetCommentHandler(parser, [](void* self, const char*) { refuse(self); });
    XML_SetProcessingInstructionHandler(parser, [](void* self, const char*, const char*) { refuse(self); });
  }

  void free_parser() {
    const memory_scope scope(memory);
    XML_ParserFree(parser);
  }

  // A new parser that has seen the same stream header.
  void renew() {
    free_parser();
    make_parser();
    // The first tag was in streams_ns, so one of its declarations says so.
    const auto own = std::ranges::find(namespaces, streams_ns, &std::pair<std::string, std::string>::second);
    std::string root = "<" + own->first + (own->first.empty() ? "stream" : ":stream");
    for (const auto& [prefix, uri] : namespaces) {
      root += prefix.empty() ? " xmlns='" : " xmlns:" + prefix + "='";
      append_xml_text(root, uri, xml_place::attribute);
      root += '\'';
    }
    root += '>';
    replaying = true;
    depth = 0;
    if (parse(as_bytes(root)) != XML_STATUS_OK) fail(stream_condition::resource_constraint);
    replaying = false;
    fed = boundary = static_cast<XML_Index>(root.size());
  }

  // ---- octets in

  void feed(bytes_view octets) {
    while (!input.empty() && !over) run_slice();
    input = octets;
  }

  // Parses until there is something to hand over or nothing is left.
  void run() {
    while (!input.empty() && !has_items() && !over) run_slice();
  }

  void run_slice() {
    const auto slice = input.first(std::min(input.size(), slice_bytes));
    const XML_Index slice_start = fed;
    fed += static_cast<XML_Index>(slice.size());
    progress = wants_renewal = false;
    const auto status = parse(slice);
    if (wants_renewal && !over) {
      input = input.subspan(static_cast<std::size_t>(boundary - slice_start));
      return renew();
    }
    input = input.subspan(slice.size());
    if (status != XML_STATUS_OK && !over) fail(condition_of(XML_GetErrorCode(parser)));
    check_sizes(slice.size());
  }

  XML_Status parse(bytes_view slice) {
    const memory_scope scope(memory);
    return XML_Parse(parser, as_text(slice).data(), static_cast<int>(slice.size()), 0);
  }

  void check_sizes(std::size_t count) {
    if (over) return;
    unfinished = progress ? 0 : unfinished + count;
    if (unfinished > limits.token_bytes_max || open_bytes() > limits.stanza_bytes_max)
      fail(stream_condition::policy_violation);
  }

  // Octets since the last stanza ended.
  std::size_t open_bytes() const noexcept { return static_cast<std::size_t>(fed - boundary); }
  XML_Index here() const noexcept { return XML_GetCurrentByteIndex(parser) + XML_GetCurrentByteCount(parser); }

  // ---- what expat tells

  static impl& of(void* self) noexcept { return *static_cast<impl*>(self); }
  static void refuse(void* self) noexcept { of(self).fail(stream_condition::restricted_xml); }

  void fail(stream_condition c) noexcept {
    if (over) return;
    over = true;
    last = stream_item::failed;
    error = c;
    XML_StopParser(parser, XML_FALSE);
  }

  static void on_declaration(void* self, const char*, const char* encoding, int) {
    of(self).progress = true;
    if (encoding == nullptr) return;
    std::string name(encoding);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (name != "utf-8") of(self).fail(stream_condition::unsupported_encoding);
  }

  // Called before the start of the element that declares.
  static void on_namespace(void* self, const char* prefix, const char* uri) {
    auto& me = of(self);
    if (me.depth != 0 || me.replaying || me.over) return;
    me.namespaces.emplace_back(prefix == nullptr ? "" : prefix, uri == nullptr ? "" : uri);
    if (prefix == nullptr && uri != nullptr) me.head.default_ns = uri;
  }

  static void on_start(void* self, const char* name, const char** attributes) {
    auto& me = of(self);
    if (me.over) return;
    me.progress = true;
    if (me.depth++ == 0) me.start_stream(split(name), attributes);
    else me.start_element(split(name), attributes);
  }

  void start_stream(qualified_name name, const char** attributes) {
    if (replaying) return;
    if (name.name != "stream") return fail(stream_condition::bad_format);
    if (name.ns != streams_ns) return fail(stream_condition::invalid_namespace);
    for (; attributes[0] != nullptr; attributes += 2) {
      const std::string_view key(attributes[0]);
      if (key == "id") head.id = attributes[1];
      else if (key == "from") head.from = attributes[1];
      else if (key == "to") head.to = attributes[1];
    }
    header_ready = true;
    boundary = here();
  }

  void start_element(qualified_name name, const char** attributes) {
    if (depth - 1 > limits.depth_max || name.ns.size() > namespace_bytes_max || ++element_count > limits.elements_max)
      return fail(stream_condition::policy_violation);
    element* e = nullptr;
    if (stack.empty()) {
      if (ready_count == ready.size()) ready.emplace_back();
      e = &ready[ready_count];
      e->clear();
    } else {
      e = &stack.back()->children.emplace_back();
    }
    e->name = name.name;
    e->ns = content_as_empty(name.ns);
    if (!add_attributes(*e, attributes)) return fail(stream_condition::policy_violation);
    stack.push_back(e);
  }

  bool add_attributes(element& e, const char** attributes) {
    for (std::size_t i = 0; attributes[0] != nullptr; attributes += 2, ++i) {
      const auto name = split(attributes[0]);
      const std::string_view value(attributes[1]);
      if (i >= limits.attributes_max || value.size() > limits.attribute_bytes_max) return false;
      if (name.ns.size() > namespace_bytes_max) return false;
      auto& a = e.attributes.emplace_back();
      a.name = name.name;
      a.value = value;
      a.ns = name.ns;
    }
    return true;
  }

  static void on_end(void* self, const char*) {
    auto& me = of(self);
    if (me.over) return;
    me.progress = true;
    --me.depth;
    if (me.depth == 0) {
      me.over = true;
      me.last = stream_item::end;
      XML_StopParser(me.parser, XML_FALSE);
      return;
    }
    me.stack.pop_back();
    if (me.depth == 1) me.end_stanza();
  }

  void end_stanza() {
    const XML_Index start = std::exchange(boundary, here());
    if (static_cast<std::size_t>(boundary - start) > limits.stanza_bytes_max)
      return fail(stream_condition::policy_violation);
    ++ready_count;
    element_count = 0;
    if (memory < renew_bytes) return;
    wants_renewal = true;
    XML_StopParser(parser, XML_FALSE);
  }

  static void on_text(void* self, const char* text, int length) {
    auto& me = of(self);
    if (me.over) return;
    me.progress = true;
    const std::string_view characters(text, static_cast<std::size_t>(length));
    if (me.stack.empty()) {
      if (!is_white_space(characters)) return me.fail(stream_condition::bad_format);
      me.boundary = me.here();  // keep-alives are no part of the next stanza
      return;
    }
    auto& e = *me.stack.back();
    (e.children.empty() ? e.text : e.children.back().tail) += characters;
  }

  // ---- items out

  bool has_items() const noexcept { return header_ready || ready_next < ready_count; }

  std::optional<stream_item> next() {
    if (ready_next == ready_count && ready_count > 0) recycle();
    run();
    if (std::exchange(header_ready, false)) return stream_item::header;
    if (ready_next < ready_count) {
      current = ready_next++;
      return stream_item::stanza;
    }
    if (!over || told) return std::nullopt;
    told = true;
    return last;
  }

  // All stanzas have been looked at. One that is still being read moves to the front.
  void recycle() {
    if (!stack.empty()) {
      // Only its root moves; pointers to what is below stay.
      std::swap(ready.front(), ready[ready_count]);
      stack.front() = &ready.front();
    }
    if (ready.size() > slots_kept_max) ready.resize(slots_kept_max);
    for (std::size_t i = stack.empty() ? 0 : 1; i < ready.size(); ++i)
      if (ready[i].children.capacity() > children_kept_max) ready[i] = element{};
    ready_next = ready_count = 0;
  }

  xml_limits limits;
  std::size_t memory = 0;  // expat's, in octets
  XML_Parser parser = nullptr;
  bytes_view input{};
  XML_Index fed = 0;       // octets this parser has been given
  XML_Index boundary = 0;  // where the last stanza, or white space between stanzas, ended
  std::size_t unfinished = 0;  // octets since expat last told us anything
  bool progress = false;
  bool wants_renewal = false;
  bool replaying = false;

  stream_header head;
  std::vector<std::pair<std::string, std::string>> namespaces;  // prefixes the stream's first tag declares
  std::size_t depth = 0;
  std::size_t element_count = 0;
  std::vector<element*> stack;  // open elements of the stanza being read

  std::vector<element> ready;  // [0, ready_count) complete; one more may be in the making
  std::size_t ready_count = 0;
  std::size_t ready_next = 0;
  std::size_t current = 0;
  bool header_ready = false;
  bool over = false;
  bool told = false;
  stream_item last{};
  stream_condition error = stream_condition::undefined_condition;
};

stream_parser::stream_parser(const xml_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
stream_parser::~stream_parser() = default;
stream_parser::stream_parser(stream_parser&&) noexcept = default;
stream_parser& stream_parser::operator=(stream_parser&&) noexcept = default;

void stream_parser::feed(bytes_view octets) { impl_->feed(octets); }
std::optional<stream_item> stream_parser::next() { return impl_->next(); }
const stream_header& stream_parser::header() const noexcept { return impl_->head; }
const element& stream_parser::stanza() const noexcept { return impl_->ready[impl_->current]; }
stream_condition stream_parser::error() const noexcept { return impl_->error; }
bool stream_parser::is_partial() const noexcept { return impl_->depth > 0 && impl_->open_bytes() > 0; }

}  // namespace msgkit::xmppcomp
