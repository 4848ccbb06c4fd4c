// Builds a multipart and reads it back.
#include <cstdio>
#include <msgkit/core/mime/builder.hpp>
#include <msgkit/core/mime/entity.hpp>

namespace mime = msgkit::mime;

int main() {
  const std::vector<mime::out_part> parts = {{.content = msgkit::as_bytes("one")}, {.content = msgkit::as_bytes("two")}};
  msgkit::byte_vector mail;
  const auto header = mime::plan_multipart(parts, {});
  const bool built = header && mime::append_field(mail, "Content-Type", header->content_type);
  msgkit::append(mail, "\r\n");
  const auto document = built && mime::append_multipart(mail, parts, {}) ? mime::parse(mail) : mime::errc::no_parts;
  const bool works = document && document->leaves().size() == 2;
  std::puts(works ? "core_mime works" : "core_mime is broken");
  return works ? 0 : 1;
}
