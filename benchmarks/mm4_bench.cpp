// libmm4 against mimetic alone for the same 40 KB mail, and the memory that a large message needs.
#include <mimetic/mimetic.h>

#include <cstdio>
#include <cstdlib>

#include "allocations.hpp"
#include "harness.hpp"
#include "msgkit/core/mime/spool.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/smtp/data.hpp"

using namespace msgkit;
using namespace msgkit::bench;

namespace {

constexpr std::size_t small_picture = 29'000;  // 40 KB as a mail
constexpr std::size_t large_picture = 7'500'000;  // 10 MB as a mail
constexpr std::size_t read_bytes = 64 * 1024;
constexpr double memory_limit = 3.0;

std::string picture(std::size_t size) {
  std::string octets(size, 0);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<char>(i * 131 + (i >> 7));
  return octets;
}

mm4::forward_req sample() {
  mm4::forward_req m;
  m.transaction_id = "t-1@mms.example";
  m.message_id = "m-1@mms.example";
  m.from = *mm4::parse_address("+46700000001");
  m.to = *mm4::parse_address_list("+46700000002");
  m.subject = "a picture";
  m.date = wall_time{};
  m.ack_request = true;
  m.delivery_report = true;
  m.priority = mm4::priority::normal;
  return m;
}

// SMIL, a text and a picture.
byte_vector mail_with(const std::string& octets) {
  std::vector<mime::out_part> parts;
  parts.push_back({.type = mime::parse_media_type("image/jpeg"), .content = as_bytes(octets)});
  parts.push_back({.type = mime::parse_media_type("text/plain"), .content = as_bytes("hello")});
  const mm4::content c(std::move(parts));
  auto mail = mm4::encode(sample(), {}, &c);
  if (!mail) std::abort();
  return *std::move(mail);
}

std::size_t read_all(bytes_view mail) {
  const auto m = mm4::decode(mail);
  if (!m) std::abort();
  std::size_t total = 0;
  for (const auto* p : m->document.leaves()) {
    const auto octets = mime::decode(*p, 100'000'000);
    if (!octets) std::abort();
    total += octets->size();
  }
  return total;
}

// What mimetic does with it: parts copied, base64 decoded, headers unread.
std::size_t read_by_mimetic(const std::string& mail) {
  mimetic::MimeEntity entity;
  entity.load(mail.begin(), mail.end());
  std::size_t total = 0;
  for (const auto* part : entity.body().parts()) {
    const std::string& body = part->body();
    std::string out(body.size(), 0);
    mimetic::Base64::Decoder decoder;
    mimetic::decode(body.begin(), body.end(), decoder, out.data());
    keep(out.data());
    total += out.size();
  }
  return total;
}

// Through dot-stuffing into memory, decoded, the picture decoded. In units of the mail's size.
double received_memory(const byte_vector& mail) {
  byte_vector wire;
  mm4::smtp::data_encoder encoder;
  encoder.append_to(wire, mail);
  encoder.finish(wire);
  reset_peak();
  const auto before = live_bytes();
  mime::spool spool({.memory_bytes_max = 100'000'000});
  mm4::smtp::data_decoder decoder;
  for (bytes_view rest = wire; !rest.empty();) {
    const auto piece = rest.first(std::min(read_bytes, rest.size()));
    (void)decoder.feed(piece, [&spool](bytes_view run) { (void)spool.append(run); });
    rest = rest.subspan(piece.size());
  }
  keep(read_all(*spool.view()));
  return static_cast<double>(peak_bytes() - before) / static_cast<double>(mail.size());
}

// The picture itself, and the mail made of it.
double sent_memory() {
  reset_peak();
  const auto before = live_bytes();
  const auto octets = picture(large_picture);
  const auto mail = mail_with(octets);
  keep(mail.data());
  return static_cast<double>(peak_bytes() - before) / static_cast<double>(mail.size());
}

}  // namespace

int main(int argc, char** argv) {
  const auto octets = picture(small_picture);
  const auto mail = mail_with(octets);
  const std::string text(as_text(mail));
  const auto large = mail_with(picture(large_picture));
  suite s(argc, argv);
  s.add(comparison{.name = "MM4 parse and part decode, " + std::to_string(mail.size() / 1000) + " KB",
                   .subject = "libmm4",
                   .reference = "mimetic and its base64",
                   .unit = "ns/mail",
                   .budget = 2.0,
                   .run_subject = [&](seconds length, std::string&) { return nanoseconds_per_call(length, [&] { keep(read_all(mail)); }); },
                   .run_reference = [&](seconds length, std::string&) {
                     return nanoseconds_per_call(length, [&] { keep(read_by_mimetic(text)); });
                   }});
  s.add(limit{.name = "MM4 memory of a 10 MB message, received",
              .subject = "libmm4",
              .unit = "x its size",
              .value = memory_limit,
              .run_subject = [&](seconds, std::string&) { return received_memory(large); }});
  s.add(limit{.name = "MM4 memory of a 10 MB message, sent",
              .subject = "libmm4",
              .unit = "x its size",
              .value = memory_limit,
              .run_subject = [&](seconds, std::string&) { return sent_memory(); }});
  return s.run();
}
