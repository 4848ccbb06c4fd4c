#include "msggw/media/media_api.hpp"

#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

// A token may be followed by an extension, for carriers that want one.
std::string token_of(std::string_view segment) { return std::string(segment.substr(0, segment.find('.'))); }

// As RFC 6266 has it: for those who know UTF-8 and for those who do not.
std::string disposition_of(const std::string& name) {
  if (name.empty()) return "attachment";
  std::string plain, encoded;
  for (const char c : name) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    plain += is_plain ? c : '_';
    if (is_plain) encoded += c;
    else encoded += '%' + to_hex(as_bytes(std::string_view(&c, 1)));
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

http_response response_of(const medium& m) {
  http_response r{.status = 200, .body = m.content, .content_type = m.type};
  r.fields = {{"Content-Disposition", disposition_of(m.name)},
              {"X-Content-Type-Options", "nosniff"},
              {"Content-Security-Policy", "default-src 'none'; sandbox"},
              {"Cache-Control", "private, max-age=3600"},
              {"Referrer-Policy", "no-referrer"},
              {"X-Robots-Tag", "noindex"}};
  return r;
}

http_response busy() {
  auto r = http_error(503, "busy", "media cannot be read now, try again");
  r.fields.push_back({"Retry-After", "5"});
  return r;
}

void find(media_shelf& shelf, const http_request& r, const http_responder& to) {
  const bool asked = shelf.find(token_of(r.path_parameter("token")), [to](media_find what, const medium& m) {
    if (what == media_find::found) to.send(response_of(m));
    else if (what == media_find::failed) to.send(busy());
    else to.send(http_error(404, "not_found", "there is no such medium"));
  });
  if (!asked) to.send(busy());
}

}  // namespace

void add_media_route(http_router& router, media_shelf& shelf) {
  router.add("GET", "/media/{token}",
             [&shelf](const http_request& r, const http_responder& to) { find(shelf, r, to); });
}

}  // namespace msgkit::app
