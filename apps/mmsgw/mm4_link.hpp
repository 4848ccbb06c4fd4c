// A gateway over MM4: mails to one peer.
#pragma once

#include "connectors/mm4_settings.hpp"
#include "mmsgw/gateway_link.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/prober.hpp"
#include "msgkit/mm4/net/client.hpp"

namespace msgkit::app::mms {

struct mm4_gateway : mm4_peer_settings {
  std::string group{};
  std::string maildir{};  // where a mail server puts this peer's mails; empty: nowhere
  std::string applic_id{}, reply_applic_id{}, aux_applic_info{};
  std::string mmsip_address{}, forward_route{}, return_route{};  // of hubs that route by them
  gateway_options options{};
};

class mm4_link final : public gateway_link {
 public:
  mm4_link(asio::any_io_executor executor, mm4_gateway settings);
  ~mm4_link() override;

  void submit(submission s, std::function<void(submit_result)> done) override;
  void answer(const answer_order& a, const message& about, std::shared_ptr<const std::vector<loaded_part>> parts,
              std::function<void(answer_verdict, std::string)> done) override;
  void probe(std::function<void(bool)> done) override;
  void stop(std::function<void()> done) override;
  // Sent once, not kept: the response to a report, which the peer repeats if it misses it.
  void respond(const mm4::message& request);
  [[nodiscard]] const mm4::peer_profile& profile() const noexcept { return settings_.profile; }

 private:
  void send(const mm4::message& m, std::function<void(answer_verdict, std::string)> done);

  mm4_gateway settings_;
  std::shared_ptr<mm4::client> client_;
  std::unique_ptr<prober> prober_;
};

}  // namespace msgkit::app::mms
