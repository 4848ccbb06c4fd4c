// What users say to their line's own number or to the gateway: `help`, `status`, `log`, `log N`, and USSD codes for
// everything else. The same as ad-hoc commands (XEP-0050) for clients that have menus.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "goip_xmpp/config.hpp"
#include "goip_xmpp/recorder.hpp"

namespace msgkit::app {

class bot final : public xmppcomp::gateway_directory {
 public:
  explicit bot(recorder& r) : recorder_(r) {}
  // Before anything else; all run on `executor` and outlive the bot's last call.
  void connect(asio::any_io_executor executor, goip_lines& lines, xmpp_users& users);
  void set_plan(std::shared_ptr<const bridge_plan> plan) { plan_ = std::move(plan); }

  // True when the chat was for the bot. An empty number is the gateway's own address.
  bool take(const xmpp_user& user, const std::string& number, const std::string& text);
  // USSD text of the network that nobody asked for, to the line's receivers.
  void push_ussd(const std::string& line, const std::string& text);
  // A line went or came back: to its receivers.
  void push_notice(const std::string& line, const std::string& text);
  // What the contacts of a user show: the best of his lines.
  [[nodiscard]] xmppcomp::contact_presence presence(const xmpp_user& user) const;

  std::vector<xmppcomp::disco_item> items(const xmppcomp::jid& user) override;
  std::vector<xmppcomp::command_info> commands(const xmppcomp::jid& user) override;
  result<xmppcomp::command_reply> run(const xmppcomp::command_call& call) override;

 private:
  [[nodiscard]] const xmpp_user* user_of(const std::string& jid) const;
  [[nodiscard]] const std::vector<std::string>& lines_of(const std::string& jid) const;
  [[nodiscard]] std::string number_of(const xmpp_user& user) const;
  [[nodiscard]] std::string number_of_line(const std::string& id) const;
  // What a chat is about: the lines, and the number that answers.
  struct subject {
    std::vector<std::string> lines{};
    std::string from{};
  };
  [[nodiscard]] std::optional<subject> subject_of(const xmpp_user& user, const std::string& number) const;
  [[nodiscard]] std::string status_of(const std::vector<std::string>& lines) const;
  [[nodiscard]] std::string ussd_line_of(const std::vector<std::string>& lines) const;
  void answer(const xmpp_user& user, const subject& about, std::string_view words);
  void send_ussd(const xmpp_user& user, const subject& about, const std::string& code);
  void show_log(const xmpp_user& user, const subject& about, std::string_view count);

  recorder& recorder_;
  asio::any_io_executor executor_;
  goip_lines* lines_ = nullptr;
  xmpp_users* users_ = nullptr;
  std::shared_ptr<const bridge_plan> plan_ = std::make_shared<bridge_plan>();
};

// The lines of the answer to `status`.
std::string describe(const goip::line_status& s);
// One line of the answer to `log`.
std::string describe(const call_record& c);

}  // namespace msgkit::app
