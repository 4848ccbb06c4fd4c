#include "msggw/media/mm4_directory.hpp"

#include <algorithm>
#include <atomic>

#include "common/log.hpp"
#include "msgkit/core/net/tls.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"mm4"};

std::string check_link(const std::string& address, const mm4_link& l) {
  if (!read_host_port(address, 25)) return "address: must be a host or host:port";
  const auto at = l.originator_address.find('@');
  const bool is_mailbox = at != std::string::npos && at > 0 && at + 1 < l.originator_address.size();
  if (!l.originator_address.empty() && !is_mailbox) return "mm4.originator_address: must be a mailbox";
  if (l.inbound_username.empty() != l.inbound_password.empty())
    return "mm4.inbound_password: goes with mm4.inbound_username";
  return {};
}

// `check_link` has let it pass.
mm4_peer peer_of(const std::string& address, const std::vector<std::string>& allowed, const mm4_link& l,
                 const mm4_names& names) {
  constexpr std::uint16_t smtp = 25, smtps = 465;
  const auto at = *read_host_port(address, l.tls ? smtps : smtp);
  mm4_peer p;
  auto& c = p.client;
  c.connect.host = at.host;
  c.connect.port = at.port;
  c.session.tls = mm4::smtp::tls_policy::never;
  if (l.tls || l.starttls) {
    auto context = tls_context::make({.verify_peer = l.verify_peer}, tls_role::client);
    // Required also when there is no context: then nothing goes, rather than in clear.
    if (!context || !l.tls) c.session.tls = mm4::smtp::tls_policy::required;
    if (context) (l.tls ? c.connect.tls : c.starttls) = *std::move(context);
  }
  c.session.host_name = names.host_name;
  c.connections_max = l.connections;
  use_engine_retries(c);
  auto& f = p.profile;
  f.version = l.version;
  f.domain = l.local_domain.empty() ? names.local_domain : l.local_domain;
  f.peer_domain = l.remote_domain.empty() ? at.host : l.remote_domain;
  // The gateway's own mailbox is that of peers at its domain.
  const bool is_ours = l.originator_address.empty() && names.originator_address.ends_with('@' + f.domain);
  if (const auto& mailbox = is_ours ? names.originator_address : l.originator_address; !mailbox.empty()) {
    f.system_user = mailbox.substr(0, mailbox.find('@'));
    f.domain = mailbox.substr(f.system_user.size() + 1);
  }
  f.fixed_recipient = l.recipient_address;
  f.peer_system_address = l.peer_system_address;
  p.request_ack = l.request_submit_ack;
  p.request_delivery_report = l.request_delivery_report;
  p.request_read_receipt = l.request_read_receipt;
  p.allowed_addresses = allowed;
  p.inbound_username = l.inbound_username;
  p.inbound_password = l.inbound_password;
  return p;
}

mm4_peer peer_of(const client& c, const mm4_names& names) {
  auto p = peer_of(c.address, c.allowed_addresses, c.mm4, names);
  p.in_class = c.in_class;
  return p;
}
mm4_peer peer_of(const carrier& c, const mm4_names& names) {
  auto p = peer_of(c.address, c.allowed_addresses, c.mm4, names);
  p.in_class = c.in_class;
  if (!c.password.empty()) {
    p.client.session.user = c.username;
    p.client.session.password = c.password;
  }
  return p;
}

// There is no connection to watch: it counts as up while messages are taken for it.
class connector final : public carrier_connector {
 public:
  void start() override { is_up_ = true; }
  void stop(std::function<void()> done) override {
    is_up_ = false;
    done();
  }
  [[nodiscard]] bool is_up() const override { return is_up_; }

 private:
  std::atomic<bool> is_up_{false};
};

}  // namespace

void add_mm4_type(carrier_set& carriers) {
  carriers.add_type(
      "mm4",
      [](const asio::any_io_executor&, const carrier& c, std::string& why) -> std::unique_ptr<carrier_connector> {
        why = check_mm4(c);
        return why.empty() ? std::make_unique<connector>() : nullptr;
      });
}

std::string mm4_endpoint_of(const client& c) { return "client:" + c.username + "/mm4"; }
bool has_mm4(const client& c) { return c.enabled && c.type == client_type::legacy && !c.address.empty(); }

std::string check_mm4(const carrier& c) { return check_link(c.address, c.mm4); }
std::string check_mm4(const client& c) { return check_link(c.address, c.mm4); }

template <class T>
void mm4_directory::add(const T& object, const std::string& endpoint, std::vector<std::string> numbers,
                        std::map<std::string, known>& now) {
  if (std::ranges::any_of(fixed_, [&](const mm4_peer& f) { return f.endpoint == endpoint; })) {
    log_.warn("a peer of the directory is hidden by the configuration file's", {{"peer", endpoint}});
    return;
  }
  if (const auto why = check_mm4(object); !why.empty()) {
    log_.warn("a peer of the directory does not run", {{"peer", endpoint}, {"reason", why}});
    return;
  }
  std::ranges::sort(numbers);
  const auto before = known_.find(endpoint);
  if (before != known_.end() && before->second.numbers == numbers && std::holds_alternative<T>(before->second.as) &&
      std::get<T>(before->second.as) == object) {
    now.emplace(endpoint, std::move(before->second));
    return;
  }
  auto p = peer_of(object, names_);
  p.name = p.endpoint = endpoint;
  p.numbers = numbers;
  p.revision = ++revision_;
  now.emplace(endpoint, known{object, std::move(numbers), std::move(p)});
}

std::vector<mm4_peer> mm4_directory::peers_of(const directory_snapshot& managed) {
  std::map<std::string, known> now;
  std::map<object_id, std::vector<std::string>> numbers;
  for (const auto& [id, n] : managed.all<client_number>()) numbers[n->client_id].push_back(n->number);
  for (const auto& [id, c] : managed.all<client>()) {
    if (!has_mm4(*c)) continue;
    auto mine = c->settings.any_sender ? std::vector<std::string>() : numbers[id];
    // No numbers would mean that it may send as anybody: until it has some it may as one that nobody can write.
    if (mine.empty() && !c->settings.any_sender) mine.emplace_back(1, '\0');
    add(*c, mm4_endpoint_of(*c), std::move(mine), now);
  }
  for (const auto& [id, c] : managed.all<carrier>())
    if (c->enabled && c->type == "mm4") add(*c, "carrier:" + c->name, {}, now);
  known_ = std::move(now);
  auto all = fixed_;
  for (const auto& [endpoint, k] : known_) all.push_back(k.peer);
  return all;
}

}  // namespace msgkit::app
