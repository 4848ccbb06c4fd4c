#include "msgkit/mm7/http_response_reader.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/mm7/errc.hpp"

namespace msgkit::mm7 {
namespace {

fault malformed(std::string_view field) noexcept { return {make_error_code(errc::http_malformed), field, 0}; }
fault too_large(std::string_view field) noexcept { return {make_error_code(errc::http_too_large), field, 0}; }

std::optional<std::size_t> number(std::string_view text, int base) noexcept {
  std::size_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool lists(const mime::field_list& fields, std::string_view name, std::string_view word) {
  for (const auto& f : fields) {
    if (!mime::equal_ignoring_case(f.name, name)) continue;
    for (std::string_view rest = f.value; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (mime::equal_ignoring_case(mime::trim(rest.substr(0, comma)), word)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace

result<void> http_response_reader::feed(bytes_view octets) {
  while (!octets.empty()) {
    if (state_ == state::done) return malformed("octets after the answer");
    if (state_ == state::body || state_ == state::chunk || state_ == state::until_close) {
      const auto taken = take_body(octets);
      if (!taken) return taken.error();
      octets = octets.subspan(*taken);
      continue;
    }
    const auto end = std::ranges::find(octets, std::uint8_t{'\n'});
    const auto piece = octets.first(static_cast<std::size_t>(end - octets.begin()));
    head_bytes_ += piece.size() + 1;
    if (head_bytes_ > limits_.head_bytes_max) return too_large("head");
    line_ += as_text(piece);
    if (end == octets.end()) return {};
    octets = octets.subspan(piece.size() + 1);
    if (!line_.ends_with('\r')) return malformed("line end");
    line_.pop_back();
    const auto line = std::exchange(line_, {});
    if (auto ok = take_line(line); !ok) return ok;
  }
  return {};
}

result<void> http_response_reader::take_line(std::string_view line) {
  switch (state_) {
    case state::head: return take_head_line(line);
    case state::chunk_size: return take_chunk_size(line);
    case state::chunk_end:
      if (!line.empty()) return malformed("chunk");
      state_ = state::chunk_size;
      return {};
    default:  // trailers say nothing that we use
      if (line.empty()) complete();
      return {};
  }
}

result<void> http_response_reader::take_head_line(std::string_view line) {
  if (!has_status_) {
    // "HTTP/1.1 200 OK", the text may be missing
    const bool is_known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
    const auto code = is_known && line.size() >= 12 ? number(line.substr(9, 3), 10) : std::nullopt;
    if (!code || *code < 100 || (line.size() > 12 && line[12] != ' ')) return malformed("status line");
    is_http_1_1_ = line[7] == '1';
    reading_.status = static_cast<unsigned>(*code);
    has_status_ = true;
    return {};
  }
  if (line.empty()) return end_of_head();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line.find_first_of(" \t") < colon || !mime::is_safe_value(line))
    return malformed("field");
  if (reading_.fields.size() == limits_.fields_max) return too_large("fields");
  reading_.fields.add(std::string(line.substr(0, colon)), std::string(mime::trim(line.substr(colon + 1))));
  return {};
}

result<void> http_response_reader::end_of_head() {
  const auto& fields = reading_.fields;
  if (reading_.status < 200) {  // 100 Continue and its like; 101 was never asked for
    if (reading_.status == 101) return malformed("status line");
    reading_ = {};
    has_status_ = false;
    return {};
  }
  reading_.keep_alive = is_http_1_1_ ? !lists(fields, "Connection", "close") : lists(fields, "Connection", "keep-alive");
  const bool has_length = fields.count("Content-Length") != 0, has_coding = fields.count("Transfer-Encoding") != 0;
  if (has_coding) {
    if (has_length || fields.count("Transfer-Encoding") != 1 || !is_http_1_1_ ||
        !mime::equal_ignoring_case(fields.value("Transfer-Encoding"), "chunked"))
      return malformed("Transfer-Encoding");
    state_ = state::chunk_size;
    return {};
  }
  if (reading_.status == 204 || reading_.status == 304) {
    complete();
    return {};
  }
  if (!has_length) {
    reading_.keep_alive = false;
    state_ = state::until_close;
    return {};
  }
  const auto length = number(fields.value("Content-Length"), 10);
  if (!length || fields.count("Content-Length") != 1) return malformed("Content-Length");
  if (*length > limits_.body_bytes_max) return too_large("Content-Length");
  left_ = *length;
  state_ = state::body;
  if (left_ == 0) complete();
  return {};
}

result<void> http_response_reader::take_chunk_size(std::string_view line) {
  const auto size = number(mime::trim(line.substr(0, line.find(';'))), 16);
  if (!size) return malformed("chunk");
  if (*size > limits_.body_bytes_max - reading_.body.size()) return too_large("chunk");
  left_ = *size;
  state_ = left_ == 0 ? state::trailer : state::chunk;
  return {};
}

result<std::size_t> http_response_reader::take_body(bytes_view octets) {
  const auto take = state_ == state::until_close ? octets.size() : std::min(left_, octets.size());
  if (take > limits_.body_bytes_max - reading_.body.size()) return too_large("body");
  append(reading_.body, octets.first(take));
  if (state_ == state::until_close) return take;
  left_ -= take;
  if (left_ == 0 && state_ == state::body) complete();
  else if (left_ == 0) state_ = state::chunk_end;
  return take;
}

result<void> http_response_reader::finish() {
  if (state_ == state::until_close) complete();
  if (state_ == state::done || is_fresh()) return {};
  return malformed("end of the answer");
}

void http_response_reader::complete() {
  state_ = state::done;
  done_ = std::move(reading_);
}

}  // namespace msgkit::mm7
