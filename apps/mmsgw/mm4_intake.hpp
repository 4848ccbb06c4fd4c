// Gives what MM4 peers send to the hub, whichever way their mails come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mmsgw/hub.hpp"
#include "mmsgw/mm4_link.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/net/server.hpp"
#include "msgkit/mm4/smtp/reply.hpp"

namespace msgkit::app::mms {

// A mail that waits to be kept. Its views live as long as it does.
class mm4_arrival {
 public:
  virtual ~mm4_arrival() = default;
  [[nodiscard]] virtual const std::string& gateway() const = 0;
  [[nodiscard]] virtual const mm4::peer_profile& profile() const = 0;
  [[nodiscard]] virtual const mm4::envelope& envelope() const = 0;
  [[nodiscard]] virtual const mm4::message& message() const = 0;
  [[nodiscard]] virtual const mime::document& document() const = 0;
  // One of them, once.
  virtual void accept(const std::string& text) = 0;
  virtual void refuse(const mm4::smtp::reply& r) = 0;
};

class mm4_intake {
 public:
  mm4_intake(hub& h, std::vector<std::shared_ptr<mm4_link>> links, std::size_t part_bytes_max)
      : hub_(h), links_(std::move(links)), part_bytes_max_(part_bytes_max) {}

  void take(const std::shared_ptr<mm4_arrival>& a);

 private:
  using arrival = std::shared_ptr<mm4_arrival>;
  void take(const arrival& a, const mm4::forward_req& f);
  void take(const arrival& a, const mm4::forward_res& r);
  void take(const arrival& a, const mm4::delivery_report_req& r);
  void take(const arrival& a, const mm4::read_reply_report_req& r);
  void take(const arrival& a, const mm4::response_headers& r);
  template <class R>
  void report(const arrival& a, const R& r, event_state state, const std::string& code, std::string text);

  hub& hub_;
  std::vector<std::shared_ptr<mm4_link>> links_;
  std::size_t part_bytes_max_;
};

// For the MM4 server; a peer's name is its gateway's.
std::shared_ptr<mm4::server_handler> make_mm4_handler(std::shared_ptr<mm4_intake> intake);

}  // namespace msgkit::app::mms
