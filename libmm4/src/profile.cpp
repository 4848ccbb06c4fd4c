#include "msgkit/mm4/profile.hpp"

#include <algorithm>

#include "text.hpp"

namespace msgkit::mm4 {
namespace {

// An e-mail address stays; a number gets the domain of its side.
std::string mailbox(address a, const peer_profile& p, std::string_view domain) {
  apply(p.outgoing_numbers, a);
  return to_string(a, p.envelope_style, domain);
}

void add_recipient(envelope& e, std::string mailbox) {
  if (std::ranges::find(e.rcpt_to, mailbox) == e.rcpt_to.end()) e.rcpt_to.push_back(std::move(mailbox));
}

std::vector<address> all_recipients(const forward_req& m) {
  auto all = m.to;
  all.insert(all.end(), m.cc.begin(), m.cc.end());
  return all;
}

}  // namespace

void apply(const std::vector<prefix_rule>& rules, address& a) {
  if (!a.is_telephone()) return;
  const auto rule = std::ranges::find_if(rules, [&a](const prefix_rule& r) { return a.value.starts_with(r.from); });
  if (rule != rules.end()) a.value.replace(0, rule->from.size(), rule->to);
}

envelope make_envelope(const message& m, const peer_profile& p) {
  envelope e;
  if (const auto* forward = std::get_if<forward_req>(&m)) {
    if (forward->from) e.mail_from = mailbox(*forward->from, p, p.domain);
    if (!p.fixed_recipient.empty()) e.rcpt_to = {p.fixed_recipient};
    else
      for (const auto& a : all_recipients(*forward)) add_recipient(e, mailbox(a, p, p.peer_domain));
    // A name or host is no mailbox; the system speaks for it.
    if (e.mail_from.find('@') == std::string::npos) e.mail_from = p.system_address();
    return e;
  }
  e.mail_from = p.system_address();
  const bool is_report = is_request(type_of(m));
  if (is_report && !p.fixed_recipient.empty()) e.rcpt_to = {p.fixed_recipient};
  else
    for (const auto& a : common_of(m).to)
      add_recipient(e, a.domain.empty() ? mailbox(a, p, p.peer_domain)
                                        : to_string(a, a.typed ? address_style::typed_with_domain : address_style::with_domain, a.domain));
  return e;
}

std::vector<addressed_request> address_mails(const forward_req& m, const peer_profile& p) {
  std::vector<addressed_request> mails;
  auto whole = make_envelope(m, p);
  if (!p.one_recipient_per_mail || whole.rcpt_to.size() < 2) {
    mails.push_back({m, std::move(whole)});
    return mails;
  }
  for (auto& recipient : whole.rcpt_to) {
    mails.push_back({m, {whole.mail_from, {std::move(recipient)}}});
    mails.back().request.transaction_id += '-' + std::to_string(mails.size());
  }
  return mails;
}

}  // namespace msgkit::mm4
