// Mails that a mail server has put into a Maildir: every file of new/ is offered to the intake. What is kept is
// removed, what is refused for good goes to refused/ beside it, everything else stays for the next look.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "mmsgw/mm4_intake.hpp"
#include "msgkit/core/mime/entity.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app::mms {

struct maildir_options {
  std::string directory{};
  std::string gateway{};  // whose mails these are
  mm4::peer_profile profile{};
  mime::limits limits{};
  std::chrono::milliseconds interval{500};
  std::size_t batch = 100;  // files offered and not answered yet
};

class maildir : public std::enable_shared_from_this<maildir> {
 public:
  maildir(asio::any_io_executor executor, maildir_options options, std::shared_ptr<mm4_intake> intake);

  // Makes the directories that are missing. False with the reason in `why`.
  bool start(std::string& why);
  void stop();

 private:
  void look();
  void offer(const std::string& file);
  void finish(const std::string& file);
  void reject(const std::string& file, const std::string& why);

  maildir_options options_;
  std::shared_ptr<mm4_intake> intake_;
  driver_timer timer_;
  std::set<std::string> offered_;
  bool is_stopped_ = false;

  friend class mail_file;
};

}  // namespace msgkit::app::mms
