// Answers the queries that come to a gateway, so that every iq of type get or set has its answer (RFC 6120 section
// 8.2.3): disco#info and disco#items of the gateway, its contacts and commands, ping, version, vCards, registration,
// the address prompt, ad-hoc commands; service-unavailable for everything else.
//
//   struct lines : gateway_directory { ... };        // overrides what this gateway offers
//   responder answers({.domain = "sms.example.org", .name = "SMS"}, directory);
//   if (auto answer = answers.answer(iq, now)) session.send(*answer);
//
// Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/xmppcomp/address.hpp"
#include "msgkit/xmppcomp/jid.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"
#include "msgkit/xmppcomp/xep/commands.hpp"
#include "msgkit/xmppcomp/xep/disco.hpp"
#include "msgkit/xmppcomp/xep/query.hpp"

namespace msgkit::xmppcomp {

struct responder_options {
  std::string domain{};
  std::string name = "SMS gateway";
  software_version version{.name = "msgkit", .version = "0.1.0"};
  std::string prompt_description = "Enter a telephone number to get the address of its owner.";
  std::string prompt = "Telephone number";
  number_rules numbers{};
  std::uint64_t seed = 0;  // of the ids of command sessions; should not be guessable
};

struct command_info {
  std::string node{}, name{};
};
struct command_call {
  jid user{};     // full address of who asks
  jid contact{};  // whom the command was sent to: the gateway or one of its contacts
  command_request request{};
  command_sessions::entry* session = nullptr;  // memory between the stages
};

// What a gateway offers. Every default refuses.
class gateway_directory {
 public:
  virtual ~gateway_directory() = default;
  // Whether there is such a contact, e.g. a number; `contact.local()` is not empty.
  virtual bool knows(const jid& contact) { return bool(number_of_local(contact.local())); }
  // The contacts to show to the user.
  virtual std::vector<disco_item> items(const jid& user) { return (void)user, std::vector<disco_item>{}; }
  virtual std::optional<vcard> card(const jid& user, const jid& contact) {
    return (void)user, vcard{.full_name = contact.local(), .telephone = contact.local()};
  }
  virtual std::vector<command_info> commands(const jid& user) { return (void)user, std::vector<command_info>{}; }
  // One stage of a command of commands(). A reply of status executing keeps the session.
  virtual result<command_reply> run(const command_call& call) { return (void)call, stanza_condition::not_allowed; }
  // Registration is closed unless these are overridden. Errors: stanza_condition.
  virtual result<data_form> registration_form(const jid& user) { return (void)user, stanza_condition::not_allowed; }
  virtual bool is_registered(const jid& user) { return (void)user, false; }
  virtual result<void> submit_registration(const jid& user, const data_form& form) {
    return (void)user, (void)form, stanza_condition::not_allowed;
  }
  virtual result<void> remove_registration(const jid& user) { return (void)user, stanza_condition::not_allowed; }
};

class responder {
 public:
  // `directory` must outlive the responder.
  responder(responder_options options, gateway_directory& directory);

  // The answer to an iq; nullopt when it must not be answered, being an answer itself.
  std::optional<element> answer(const element& iq, time_point now);

 private:
  using payload = result<std::optional<element>>;  // the answer's payload, if it has one
  payload dispatch(const element& iq, time_point now);
  payload info(std::string_view node) const;
  payload items(std::string_view node);
  payload registration(const registration_request& request);
  payload prompt(const element& iq, std::string_view typed) const;
  payload command(const command_request& request, time_point now);
  [[nodiscard]] const command_info* find_command(const std::vector<command_info>& all, std::string_view node) const;

  responder_options options_;
  gateway_directory& directory_;
  command_sessions sessions_;
  jid user_;     // of the iq being answered
  jid contact_;
};

}  // namespace msgkit::xmppcomp
