#include "connectors/mms.hpp"

#include <algorithm>

#include "connectors/media_types.hpp"
#include "connectors/plain_text.hpp"
#include "engine/octets.hpp"

namespace msgkit::app {
namespace {

constexpr std::uint8_t version = 1,
                       version_of_groups = 2;  // the same octets; what is older shall not take it for its own
constexpr std::uint8_t octets_coding = 0x04;   // nobody takes it for text
constexpr std::size_t token_octets_max = 64, type_octets_max = 128, url_octets_max = 2'048;

byte_vector encode(const mms_message& m) {
  byte_vector out;
  engine::octet_writer w{out};
  w.octet(m.is_group ? version_of_groups : version);
  w.string(cut_utf8(m.subject, mms_subject_octets_max));
  w.string(cut_utf8(m.text, mms_text_octets_max));
  w.string(m.base_url);
  const auto media = std::min(m.media.size(), mms_media_max);
  w.number(media);
  for (std::size_t i = 0; i < media; ++i) {
    w.string(m.media[i].token);
    w.string(m.media[i].type);
    w.string(cut_utf8(m.media[i].name, mms_name_octets_max));
    w.number(m.media[i].size);
  }
  const auto recipients = std::min(m.recipients.size(), mms_recipients_max);
  w.number(recipients);
  for (std::size_t i = 0; i < recipients; ++i) w.string(m.recipients[i]);
  w.number(m.media_lost);
  return out;
}

std::optional<mms_message> decode(bytes_view octets) {
  engine::octet_reader in{octets};
  mms_message m;
  const auto written_as = in.octet("version");
  m.is_group = written_as == version_of_groups;
  if (!m.is_group && written_as != version) in.fail("version");
  m.subject = in.string("subject", mms_subject_octets_max);
  m.text = in.string("text", mms_text_octets_max);
  m.base_url = in.string("base_url", url_octets_max);
  for (auto left = in.number("media", mms_media_max); left > 0 && !in.failed(); --left) {
    mms_medium one;
    one.token = in.string("token", token_octets_max);
    one.type = in.string("type", type_octets_max);
    one.name = in.string("name", mms_name_octets_max);
    one.size = in.number("size");
    m.media.push_back(std::move(one));
  }
  for (auto left = in.number("recipients", mms_recipients_max); left > 0 && !in.failed(); --left)
    m.recipients.emplace_back(in.string("recipient", engine::address_octets_max));
  m.media_lost = in.number32("media_lost");
  if (!in.at_end()) in.fail("end");
  if (in.failed()) return std::nullopt;
  return m;
}

}  // namespace

std::string cut_utf8(std::string_view text, std::size_t octets_max) {
  if (text.size() <= octets_max) return std::string(text);
  std::size_t end = octets_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

engine::content_ptr mms_content(const mms_message& m, std::string account, const std::string& from,
                                const std::string& to) {
  auto c = std::make_shared<engine::message_content>(*from_plain_text({}, std::move(account), from, to));
  c->kind = engine::message_kind::mms;
  c->coding = octets_coding;
  c->body = encode(m);
  return c;
}

std::optional<mms_message> read_mms(const engine::message_content& c) {
  if (c.kind != engine::message_kind::mms) return std::nullopt;
  return decode(c.body);
}

bool is_group(const engine::message_content& c) {
  return c.kind == engine::message_kind::mms && !c.body.empty() && c.body.front() == version_of_groups;
}

std::string media_url(const mms_message& m, const mms_medium& what) {
  return m.base_url + "/media/" + what.token + std::string(extension_of(what.type));
}

std::string text_with_links(const mms_message& m) {
  std::string out;
  const auto add_line = [&out](std::string_view line) {
    if (line.empty()) return;
    if (!out.empty()) out += '\n';
    out += line;
  };
  add_line(m.subject);
  add_line(m.text);
  for (const auto& each : m.media) add_line(media_url(m, each));
  return out;
}

engine::content_ptr sms_of(engine::content_ptr c) {
  if (c->kind != engine::message_kind::mms) return c;
  const auto m = read_mms(*c);
  const auto text = from_plain_text(m ? text_with_links(*m) : std::string(), {}, {}, {});
  auto sms = std::make_shared<engine::message_content>(*c);
  sms->kind = engine::message_kind::sms;
  sms->body = text->body;
  sms->coding = text->coding;
  return sms;
}

}  // namespace msgkit::app
