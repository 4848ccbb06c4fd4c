// Segmentation and reassembly. First octets: coding, method, user data size, order; the rest is the text. What was cut
// comes back whole from the reassembler, in any order, with duplicates. A second run feeds arbitrary positions.
#include <cstdlib>

#include <algorithm>
#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/reassembly.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

constexpr text_coding codings[] = {
    {charset::gsm7, {}},
    {charset::ucs2, {}},
    {charset::octets, {}},
    {charset::utf8, {}},
    {charset::gsm7, {gsm7_language::hindi, gsm7_language::hindi}},
    {charset::gsm7, {.single = gsm7_language::turkish}},
    {charset::shift_jis, {}},
    {charset::euc_jp, {}},
    {charset::euc_kr, {}},
    {charset::latin1, {}},
};

byte_vector join(const std::vector<stored_part>& parts) {
  byte_vector out;
  for (const auto& p : parts) append(out, bytes_view{p.body});
  return out;
}

void undo(const split_message& m, const text_coding& coding, const split_options& options, bytes_view expected,
          std::uint64_t seed) {
  byte_vector plain;
  for (const auto& p : m.parts) {
    append(plain, p.body());
    const std::size_t units = p.body().size() / (coding.alphabet == charset::ucs2 ? 2 : 1);
    check(m.payload || units <= part_capacity(coding.alphabet, p.header_octets, options.user_data_octets));
  }
  check(std::equal(plain.begin(), plain.end(), expected.begin(), expected.end()));
  if (m.parts.size() < 2) return;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < m.parts.size(); ++i) order.insert(order.end(), 1 + mix(seed + i) % 2, i);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[mix(seed ^ i) % i]);
  reassembler r{{.octets_max = 1 << 22, .message_octets_max = 1 << 20}};
  int completed = 0;
  for (const auto i : order) {
    auto position = m.parts[i].position;
    if (m.has_header) {
      const auto ud = split_user_data(m.parts[i].octets);
      check(ud.has_value());
      position = ud->header.concatenation().value();
    }
    const auto done = r.add({"a", "b", "c"}, position, {.body = m.parts[i].body()}, time_point{});
    if (done.outcome != reassembly_outcome::complete) continue;
    ++completed;
    check(join(done.message->parts) == plain);
  }
  check(completed >= 1);
}

void feed_anything(bytes_view octets) {
  reassembler r{{.entries_max = 8, .octets_max = 2'000, .message_octets_max = 1'000, .completed_max = 2}};
  time_point now{};
  for (std::size_t i = 0; i + 5 <= octets.size();) {
    const auto* p = &octets[i];
    const concatenation position{static_cast<std::uint16_t>(p[0] & 3), static_cast<std::uint8_t>(p[1] & 7),
                                 static_cast<std::uint8_t>(p[2] & 7), static_cast<reference_width>((p[0] >> 4) % 3)};
    const std::size_t length = std::min<std::size_t>(p[3], octets.size() - i - 5);
    now += std::chrono::seconds{p[4]};
    const auto done = r.add({{}, "1", "2"}, position, {.body = octets.subspan(i + 5, length)}, now);
    check(done.message.has_value() == (done.outcome == reassembly_outcome::complete));
    if (done.message) check(is_valid_utf8(decode_message(*done.message)->text));
    check(r.octets() <= 2'000 && r.size() <= 9);
    if (p[4] % 16 == 0) r.expire(now);
    i += 5 + length;
  }
  r.expire(now + std::chrono::hours{2});
  check(r.size() == 0 && r.octets() == 0 && r.next_deadline() == never);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const auto& coding = codings[data[0] % std::size(codings)];
  const bytes_view rest{data + 4, size - 4};
  const split_options options{.method = static_cast<long_message_method>(data[1] & 3),
                              .reference = static_cast<std::uint16_t>(data[1] << 4 | data[3]),
                              .sar_wide = (data[1] & 4) != 0,
                              .parts_max = data[0] / std::size(codings) * 12 + std::size_t{1},
                              .user_data_octets = data[2]};
  if (const auto m = split_octets(rest, coding, options)) undo(*m, coding, options, rest, data[3]);
  if (const auto m = split_text(as_text(rest), coding, options)) {
    const auto encoded = encode_text(as_text(rest), coding);
    check(encoded.has_value());
    undo(*m, coding, options, *encoded, data[3]);
  }
  for (const auto alphabet : {charset::iso_2022_jp, charset::gsm7_packed}) {
    const auto m = split_text(as_text(rest), {alphabet, {}}, options);
    if (!m || m->payload) continue;
    for (const auto& p : m->parts) check(p.octets.size() <= options.user_data_octets);
  }
  feed_anything(rest);
  return 0;
}
