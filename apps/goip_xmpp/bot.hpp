// What users say to their line's own number: `status`, and USSD codes for everything else.
#pragma once

#include <string>

#include "goip_xmpp/config.hpp"

namespace msgkit::app {

// Runs on the executor of `lines` and `users`, which outlive it.
class bot {
 public:
  bot(const goip_xmpp_config& config, goip_lines& lines, xmpp_users& users)
      : config_(config), lines_(lines), users_(users) {}

  // True when the chat was for the bot.
  bool take(const xmpp_user& user, const std::string& number, const std::string& text);
  // USSD text of the network that nobody asked for, to the line's receiver.
  void push_ussd(const std::string& line, const std::string& text);

 private:
  [[nodiscard]] std::string number_of(const std::string& line) const;
  const goip_xmpp_config& config_;
  goip_lines& lines_;
  xmpp_users& users_;
};

// The lines of the answer to `status`.
std::string describe(const goip::line_status& s);

}  // namespace msgkit::app
