// What an HTTP peer sends: answers read at once and octet by octet are the same, or refused both times; authorizations
// are values or errors.
#include <cstdlib>
#include <optional>

#include "msgkit/mm7/exchange.hpp"
#include "msgkit/mm7/http_authorization.hpp"
#include "msgkit/mm7/http_response_reader.hpp"

using namespace msgkit;

namespace {

std::optional<mm7::http_response> read(bytes_view octets, std::size_t piece) {
  mm7::http_response_reader r({.head_bytes_max = 4'096, .fields_max = 20, .body_bytes_max = 4'096});
  while (!octets.empty()) {
    const auto take = octets.size() < piece ? octets.size() : piece;
    if (!r.feed(octets.first(take))) return std::nullopt;
    octets = octets.subspan(take);
  }
  if (!r.finish()) return std::nullopt;
  return std::move(r.response());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  const auto whole = read(octets, size + 1), split = read(octets, 1);
  if (whole.has_value() != split.has_value() || (whole && (whole->body != split->body || whole->status != split->status))) std::abort();
  if (whole) {
    mm7::submit_req m;
    m.recipients.to = {{.value = "+12025550101"}};
    const mm7::envelope request{.transaction_id = "t-1", .operation = std::move(m)};
    const auto a = mm7::read_answer(request, whole->status, whole->fields.value("Content-Type"), whole->body);
    if (a.verdict == mm7::verdict::accepted && !a.status) std::abort();
    for (const auto& f : whole->fields) (void)mm7::parse_http_authorization(f.value);
  }
  if (const auto all = mm7::parse_http_authorization(as_text(octets))) {
    for (const auto& a : *all) {
      const auto basic = mm7::parse_basic_authorization(a);
      if (const auto again = basic ? mm7::basic_authorization(*basic) : result<std::string>(mm7::errc::http_malformed)) {
        const auto parsed = mm7::parse_http_authorization(*again);
        if (!parsed || !mm7::parse_basic_authorization(parsed->front())) std::abort();
      }
    }
  }
  return 0;
}
