#include "connectors/mm4_mail.hpp"

#include <algorithm>

#include "msgkit/core/mime/entity.hpp"

namespace msgkit::app {
namespace {

std::string name_of(const mime::part& p, std::size_t index) {
  if (!p.name.empty()) return p.name;
  auto name = mime::safe_file_name(p.location.empty() ? p.id : p.location);
  return name.empty() ? "part-" + std::to_string(index + 1) : name;
}

// Of a text that is the mail itself the last line end belongs to the mail: none can be sent without.
bool ends_with_mail(const mime::part& p) {
  const bool is_as_it_is =
      p.encoding != mime::transfer_encoding::base64 && p.encoding != mime::transfer_encoding::quoted_printable;
  return p.depth == 0 && is_as_it_is && p.type.type == "text";
}

}  // namespace

mm4::address mm4_address_of(const std::string& text) {
  auto a = mm4::parse_address(text);
  return a ? *std::move(a) : mm4::address{.kind = mm4::address_kind::alphanumeric, .value = text};
}

result<std::vector<mail_part>> mail_parts_of(const mime::document& mail, std::size_t part_octets_max) {
  std::vector<mail_part> parts;
  for (const auto* part : mail.leaves()) {
    auto content = mime::decode(*part, part_octets_max);
    if (!content) return content.error();
    auto text = as_text(*content);
    if (ends_with_mail(*part) && text.ends_with("\r\n")) text.remove_suffix(2);
    parts.push_back({name_of(*part, parts.size()), mime::to_string(part->type), std::string(text)});
  }
  return parts;
}

const mm4::smtp::reply& deciding_answer(const mm4::delivery& d) noexcept {
  const bool is_refused =
      !d.recipients.empty() && d.recipients.front().answer.code != 0 && !d.recipients.front().answer.is_positive();
  return is_refused ? d.recipients.front().answer : d.answer;
}

std::vector<mm4::address> mm4_recipients_of(const mm4::envelope& envelope, const mm4::forward_req& f) {
  std::vector<mm4::address> out;
  const auto add = [&out](const mm4::address& one) {
    if (std::ranges::none_of(out, [&](const mm4::address& other) { return other.value == one.value; }))
      out.push_back(one);
  };
  for (const auto& mailbox : envelope.rcpt_to)
    if (const auto number = mm4::parse_address(mailbox); number && number->is_telephone()) add(*number);
  if (!out.empty()) return out;
  for (const auto& one : f.to) add(one);
  for (const auto& one : f.cc) add(one);
  return out;
}

}  // namespace msgkit::app
