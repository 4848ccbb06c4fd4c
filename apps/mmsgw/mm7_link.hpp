// A gateway over MM7: requests to one peer, and the intake of what it posts to us.
#pragma once

#include "common/http_router.hpp"
#include "mmsgw/gateway_link.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/mailbox.hpp"
#include "mmsgw/prober.hpp"
#include "msgkit/core/net/ip_ranges.hpp"
#include "msgkit/mm7/net/authentication.hpp"
#include "msgkit/mm7/net/client.hpp"
#include "msgkit/mm7/service.hpp"

namespace msgkit::app::mms {

// Who may post as a peer.
struct mm7_callers {
  ip_ranges allowed_addresses{};
  std::string username{}, password{};  // Basic or Digest, besides
};

struct mm7_gateway {
  std::string name{}, group{};
  mm7::client_options client{};
  std::string version = "6.8.0", vasp_id{}, vas_id{}, service_code{};
  std::string applic_id{}, reply_applic_id{}, aux_applic_info{};
  mm7_callers callers{};
  bool request_delivery_report = true, request_read_receipt = true;
  bool extended_operations = false;  // extendedCancelReq and extendedReplaceReq instead of CancelReq and ReplaceReq
  gateway_options options{};
};

class mm7_link final : public gateway_link, public std::enable_shared_from_this<mm7_link> {
 public:
  // `executor` is the hub's; `intake` is where HTTP requests are read and answered, another thread or the same.
  mm7_link(asio::any_io_executor executor, asio::any_io_executor intake, mm7_gateway settings, hub& h,
           std::size_t part_bytes_max);
  ~mm7_link() override;

  void submit(submission s, std::function<void(submit_result)> done) override;
  void answer(const answer_order& a, const message& about, std::shared_ptr<const std::vector<loaded_part>> parts,
              std::function<void(answer_verdict, std::string)> done) override;
  [[nodiscard]] bool takes_changes() const noexcept override { return true; }
  void probe(std::function<void(bool)> done) override;
  void stop(std::function<void()> done) override;
  // A request from HTTP. These three on the executor of the intake; the last one ends it, before the hub does.
  void post(const http_request& request, const http_responder& responder);
  void admit_only(mm7_callers callers);
  void close_intake() { service_.reset(); }

 private:
  // Reads requests where they come in, and hands what they mean over to the hub.
  void at_hub(std::function<void(hub&)> work);
  void take(const std::shared_ptr<mm7::incoming>& in);
  void take_message(const std::shared_ptr<mm7::incoming>& in, message m, const mm7::recipient_list& to);
  void take_report(const std::shared_ptr<mm7::incoming>& in, const mm7::report& r, event_state state,
                   const std::string& code);
  void take_change(const std::shared_ptr<mm7::incoming>& in, change_order c);
  bool read_parts(const std::shared_ptr<mm7::incoming>& in, std::vector<inbound_part>& parts);
  [[nodiscard]] mm7::operation change_of(const answer_order& a, const message& about) const;
  mm7::admission admit(const mm7::http_call& call, time_point now);
  [[nodiscard]] mm7::envelope wrap(std::string transaction_id, mm7::operation o) const;

  mm7_gateway settings_;
  hub& hub_;
  mailbox hub_box_, intake_box_;
  mm7_callers callers_;  // belongs to the intake
  std::size_t part_bytes_max_;
  std::shared_ptr<mm7::client> client_;
  std::unique_ptr<prober> prober_;
  std::unique_ptr<mm7::server_authentication> authentication_;
  std::unique_ptr<mm7::service> service_;
};

}  // namespace msgkit::app::mms
