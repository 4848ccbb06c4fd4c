// MM7 bodies as HTTP carries them: SOAP alone, or a multipart/related of SOAP and content.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/mime/builder.hpp"
#include "msgkit/core/mime/entity.hpp"
#include "msgkit/mm7/errc.hpp"
#include "msgkit/mm7/message.hpp"

namespace msgkit::mm7 {

struct limits {
  mime::limits mime{};
  std::size_t envelope_bytes_max = 256 * 1024;
  std::size_t depth_max = 64;
  std::size_t elements_max = 10'000;
  std::size_t recipients_max = 1'000;
};

struct envelope {
  std::string transaction_id{};
  std::string version = "6.8.0";  // MM7Version
  std::string ns = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
  mm7::operation operation{};
  bool is_fault = false;          // the operation came, or goes out, inside a SOAP fault
};

struct received {
  mm7::envelope envelope{};
  mime::document document{};             // of a multipart; its parts point into the body. Empty for SOAP alone
  const mime::part* content = nullptr;   // what Content names, or what stands in for it; may be a multipart
  bool content_guessed = false;          // href named nothing: the first other part stands in
  std::vector<std::string_view> unreadable{};  // optional elements whose value was not understood, by name

  // The leaves of the content, presentation first.
  [[nodiscard]] std::vector<const mime::part*> parts() const;
};

// `content_type` is the header's value; `body` must outlive the result. Elements by local name, in any order, of any
// namespace; unknown ones are ignored. The namespace and version found are in the envelope, so that an answer may use them.
// Errors: those of errc and of mime::parse(). `transaction_id`, when given, receives the id as soon as it is known, also
// when an error follows: an error is to be answered with it.
result<received> decode(std::string_view content_type, bytes_view body, const limits& l = {}, std::string* transaction_id = nullptr);

struct http_body {
  std::string content_type{};
  byte_vector body{};
  std::string soap_action = "\"\"";
};

// Elements in the order of REL-6-MM7-1-4. With parts the operation's Content gets the href of the content part: a lone
// part as it is, several as multipart/related with the first as root.
// Errors: element_missing with the element's name, mime::errc::unsafe_value.
result<http_body> encode(const envelope& e, const std::vector<mime::out_part>& parts = {});

// The answer to what decode() refused: a SOAP fault that carries the status, RSErrorRsp from a relay or VASPErrorRsp.
envelope make_fault(const fault& f, std::string_view transaction_id, bool from_relay, std::string_view version = "6.8.0");

}  // namespace msgkit::mm7
