#include "msgkit/smpp/net/pdu_trace.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"

namespace msgkit::smpp {
namespace {

std::string_view password_of(const pdu& p) noexcept {
  std::string_view password;
  std::visit(
      [&password](const auto& m) {
        if constexpr (requires { m.password; }) password = m.password;
      },
      static_cast<const pdu_variant&>(p));
  return password;
}

bool has_password(command_id id) noexcept {
  return id == command_id::bind_receiver || id == command_id::bind_transmitter || id == command_id::bind_transceiver ||
         id == command_id::outbind;
}

// The PDU with its password unreadable; nothing but the header when it does not decode.
byte_vector without_password(bytes_view octets) {
  byte_vector copy(octets.begin(), octets.end());
  const auto decoded = decode(octets);
  if (!decoded) {
    copy.resize(std::min(copy.size(), header_bytes));
    return copy;
  }
  const auto password = password_of(*decoded);
  if (password.empty()) return copy;
  const auto at = as_bytes(password).data() - octets.data();
  std::fill_n(copy.begin() + at, password.size(), static_cast<std::uint8_t>('*'));
  return copy;
}

}  // namespace

std::string trace_line(const traced_pdu& p) {
  const auto command = command_name(p.head.id);
  auto line = fmt::format("{} {} {} {} {} sequence {}", p.way == direction::sent ? "->" : "<-", p.connection, p.peer,
                          p.name.empty() ? "-" : p.name,
                          command.empty() ? fmt::format("0x{:08x}", static_cast<std::uint32_t>(p.head.id)) : command,
                          p.head.sequence);
  if (p.head.status != command_status::ok) line += fmt::format(" {}", status_name(p.head.status));
  line += ' ';
  append_hex(line, p.octets);
  return line;
}

// One connection's part. The connection keeps it, so its end is the end of the connection.
class pdu_trace::member final : public pdu_observer, public std::enable_shared_from_this<member> {
 public:
  member(std::shared_ptr<state> s, connection& c);
  ~member() override;
  void on_pdu(direction d, const header& h, bytes_view octets) override;
  // With the mutex of the state held. The session itself is switched on its own executor.
  void switch_to(bool on);

  const std::weak_ptr<connection> from;
  const std::uint64_t id;
  const std::string peer;
  std::string name;
  bool is_on = false;
  bool by_session = false;  // trace_session() said so

 private:
  std::shared_ptr<state> state_;
  asio::any_io_executor executor_;
};

struct pdu_trace::state {
  [[nodiscard]] bool wants(const member& m) const { return all || m.by_session || names.contains(m.name); }
  void refresh() {
    for (const auto& [id, m] : members) m->switch_to(wants(*m));
  }
  sink show;
  mutable std::mutex mutex;
  std::map<std::uint64_t, member*> members;  // each takes itself out
  std::set<std::string> names;
  bool all = false;
};

pdu_trace::member::member(std::shared_ptr<state> s, connection& c)
    : from(c.weak_from_this()), id(c.id()), peer(c.peer().to_string()), state_(std::move(s)), executor_(c.executor()) {}

pdu_trace::member::~member() {
  const std::lock_guard lock(state_->mutex);
  state_->members.erase(id);
}

void pdu_trace::member::switch_to(bool on) {
  if (std::exchange(is_on, on) == on) return;
  asio::post(executor_, [weak = from, self = weak_from_this(), on] {
    const auto c = weak.lock();
    const auto observer = self.lock();  // gone when the connection got another trace
    if (c && observer) c->set_observer(on ? observer.get() : nullptr);
  });
}

void pdu_trace::member::on_pdu(direction d, const header& h, bytes_view octets) {
  traced_pdu seen{.connection = id, .peer = peer, .way = d, .head = h, .octets = octets};
  byte_vector copy;
  if (has_password(h.id)) seen.octets = copy = without_password(octets);
  std::string called;
  {
    const std::lock_guard lock(state_->mutex);
    called = name;
  }
  seen.name = called;
  state_->show(seen);
}

pdu_trace::pdu_trace(sink s) : state_(std::make_shared<state>()) { state_->show = std::move(s); }
pdu_trace::~pdu_trace() { trace_all(false); }

void pdu_trace::add(connection& c, std::string name) {
  auto made = std::make_shared<member>(state_, c);
  made->name = std::move(name);
  c.keep_observer(made);
  const std::lock_guard lock(state_->mutex);
  state_->members[c.id()] = made.get();
  made->is_on = state_->wants(*made);
  c.set_observer(made->is_on ? made.get() : nullptr);
}

void pdu_trace::set_name(const connection& c, std::string name) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->members.find(c.id());
  if (found == state_->members.end()) return;
  found->second->name = std::move(name);
  found->second->switch_to(state_->wants(*found->second));
}

void pdu_trace::trace_all(bool on) {
  const std::lock_guard lock(state_->mutex);
  state_->all = on;
  if (!on) {
    state_->names.clear();
    for (const auto& [id, m] : state_->members) m->by_session = false;
  }
  state_->refresh();
}

void pdu_trace::trace_name(const std::string& name, bool on) {
  const std::lock_guard lock(state_->mutex);
  if (on) state_->names.insert(name);
  else state_->names.erase(name);
  state_->refresh();
}

bool pdu_trace::trace_session(std::uint64_t connection_id, bool on) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->members.find(connection_id);
  if (found == state_->members.end()) return false;
  found->second->by_session = on;
  found->second->switch_to(state_->wants(*found->second));
  return true;
}

std::size_t pdu_trace::traced() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::size_t>(
      std::count_if(state_->members.begin(), state_->members.end(), [](const auto& m) { return m.second->is_on; }));
}

}  // namespace msgkit::smpp
