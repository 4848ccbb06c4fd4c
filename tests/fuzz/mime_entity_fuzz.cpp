// Any octets are a document or an error; every view of a document lies inside its input, limits hold, decoding is bounded.
#include <cstdlib>

#include "msgkit/core/mime/encoded_word.hpp"
#include "msgkit/core/mime/entity.hpp"

using namespace msgkit;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_inside(bytes_view inner, bytes_view outer) {
  return inner.empty() || (inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  const mime::limits limits{.message_bytes_max = 65'536, .header_bytes_max = 4'096, .field_bytes_max = 1'024, .field_count_max = 50,
                            .part_count_max = 20, .depth_max = 4};
  const auto document = mime::parse(octets, limits);
  if (!document) {
    check(document.error().offset <= size);
    return 0;
  }
  check(!document->parts.empty() && document->parts.size() <= limits.part_count_max + 1);
  for (const auto& p : document->parts) {
    check(is_inside(p.body, octets) && p.depth <= limits.depth_max);
    check(p.fields.size() <= limits.field_count_max);
    check(p.name.find('/') == std::string::npos && p.name.find('\0') == std::string::npos);
    for (const auto& f : p.fields) check(mime::is_safe_value(mime::decode_words(f.value)));
    const auto whole = mime::decode(p, 10'000);
    if (whole) check(whole->size() <= 10'000);
    byte_vector pieces;
    const auto streamed = mime::decode(p, 10'000, [&pieces](bytes_view piece) {
      append(pieces, piece);
      return true;
    });
    check(streamed.has_value() == whole.has_value());
    if (whole) check(pieces == *whole);
    (void)mime::decode_text(p, 10'000);
    (void)document->resolve(p.location);
  }
  check(document->leaves().size() <= document->parts.size());
  return 0;
}
