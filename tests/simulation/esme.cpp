#include "esme.hpp"

#include <algorithm>

#include "pdu_facts.hpp"

namespace msgkit::simulation {
namespace {

using smpp::command_status;

}  // namespace

struct esme::bind final : smpp::client_handler {
  bind(std::weak_ptr<esme> o, std::size_t i, smpp::bind_mode m) : owner(std::move(o)), index(i), mode(m) {}
  void on_bound(smpp::client&) override { with([&](esme& o) { o.bound(*this); }); }
  void on_unbound(smpp::client&, std::error_code why, std::chrono::milliseconds retry_in) override {
    with([&](esme& o) { o.log_.add("{}/{} is not bound: {}, again in {}", o.name(), index, why.message(), retry_in.count()); });
  }
  void on_request(smpp::client&, const smpp::pdu& m) override { with([&](esme& o) { o.take(*this, m); }); }
  void on_outcome(smpp::client&, const smpp::outcome& r) override { with([&](esme& o) { o.outcome(r); }); }
  void on_batch_end(smpp::client&) override { with([&](esme& o) { o.pump(); }); }
  template <class F>
  void with(F&& f) {
    if (const auto live = owner.lock()) f(*live);
  }
  std::weak_ptr<esme> owner;
  std::size_t index;
  smpp::bind_mode mode;
  std::shared_ptr<smpp::client> session;
  bool leaving = false;
};

esme::esme(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book, client_plan plan)
    : loop_(loop), random_(random), log_(log), book_(book), plan_(std::move(plan)) {}

void esme::start(test::virtual_network& network) {
  for (std::size_t i = 0; i < plan_.binds.size(); ++i) {
    smpp::client_options o;
    o.dial = [this, &network](connector::handler done) {
      network.dial(plan_.name, std::string(gateway_host), std::move(done));
    };
    o.mode = plan_.binds[i];
    o.system_id = plan_.name;
    o.password = "secret";
    o.connection.session.window_size = plan_.window;
    o.connection.session.response_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.response_timeout);
    o.connection.session.bind_timeout = 5s;
    o.connection.session.enquire_link_interval = 8s;
    o.connection.session.enquire_link_timeout = 3s;
    o.connection.session.unbind_timeout = 2s;
    o.reconnect_backoff = {.initial = 300ms, .maximum = 4s};
    o.reconnect_seed = static_cast<std::uint64_t>(plan_.letter) * 100 + i + 1;
    auto b = std::make_shared<bind>(weak_from_this(), i, o.mode);
    b->session = smpp::client::make(loop_.executor(), o, b);
    binds_.push_back(b);
    b->session->start();
  }
}

void esme::stop() {
  for (const auto& b : std::exchange(binds_, {})) {
    b->session->stop();
    b->session.reset();  // they keep each other alive
  }
}

void esme::calm_down() {
  calm_ = true;
  plan_.manners = {};
  pump();
}

void esme::leave(duration d) {
  auto& b = binds_[random_.below(binds_.size())];
  if (b->leaving) return;
  b->leaving = true;
  const bool in_a_hurry = random_.chance(0.3);
  log_.add("{}/{} leaves{}", name(), b->index, in_a_hurry ? " in a hurry" : "");
  const auto come_back = [weak = std::weak_ptr<bind>(b)] {
    if (const auto live = weak.lock()) {
      live->leaving = false;
      live->session->start();
    }
  };
  if (in_a_hurry) {
    b->session->stop();
    return loop_.after(random_.between(0ms, 300ms), come_back);
  }
  b->session->stop([this, d, come_back] { loop_.after(d, come_back); });
}

// ---- submits

void esme::new_message() {
  outgoing m;
  const auto number = messages_.size() + 1;
  m.reference = make_reference(plan_.letter, number);
  std::size_t length = random_.between(10, 150);
  if (random_.chance(0.1)) {
    m.as_payload = true;
    length = long_length(random_, 900);
  }
  m.is_piece = !m.as_payload && random_.chance(0.1);
  if (m.is_piece) length = random_.between(20, 120);
  m.text = text_for(m.reference, length);
  m.destination = fmt::format("4670{:07}", number);
  constexpr std::uint8_t wishes[] = {0, 1, 1, 1, 2, 3, 0x11};
  m.registered_delivery = wishes[random_.below(std::size(wishes))];
  m.short_lived = random_.chance(0.05);
  m.priority = static_cast<std::uint8_t>(random_.chance(0.2) ? random_.below(4) : 0);
  messages_.push_back(std::move(m));
  todo_.push_back(messages_.size() - 1);
  pump();
}

void esme::bound(bind& b) {
  log_.add("{}/{} is bound", name(), b.index);
  pump();
}

void esme::pump() {
  std::size_t refused = 0;
  while (!todo_.empty() && refused < binds_.size()) {
    auto& b = *binds_[random_.below(binds_.size())];
    const bool can = b.mode != smpp::bind_mode::receiver && b.session->window_room() > 0;
    if (can && submit(b, todo_.front())) {
      todo_.pop_front();
      refused = 0;
    } else {
      ++refused;
    }
  }
}

bool esme::submit(bind& b, std::size_t index) {
  const auto& o = messages_[index];
  smpp::submit_sm m;
  m.source_addr = plan_.name;
  m.destination_addr = o.destination;
  m.registered_delivery = o.registered_delivery;
  m.priority_flag = o.priority;
  if (o.short_lived) m.validity_period = "000000000005000R";
  smpp::tlv_builder tlvs;
  std::string text = o.text;
  if (o.is_piece) {
    m.esm_class = smpp::esm::udh_indicator;
    text.insert(0, std::string{"\x05\x00\x03\x42\x02\x01", 6});
  }
  if (o.as_payload) (void)tlvs.add(smpp::tag::message_payload, as_bytes(text));
  else m.short_message = text;
  m.tlvs = tlvs.list();
  const auto cookie = last_cookie_ + 1;
  if (!b.session->request(m, {.cookie = cookie})) return false;
  last_cookie_ = cookie;
  open_.emplace(cookie, index);
  log_.add("{}/{} submits {}", name(), b.index, o.reference);
  const auto wanted = [](std::uint8_t r) -> std::uint8_t {
    const std::uint8_t final_bits = (r & 3) == 1 ? 3 : (r & 3) == 2 ? 2 : (r & 3) == 3 ? 1 : 0;
    return static_cast<std::uint8_t>(final_bits | ((r & 0x10) != 0 ? 4 : 0));
  };
  book_.client_submits(o.reference, wanted(o.registered_delivery), o.is_piece);
  return true;
}

void esme::outcome(const smpp::outcome& o) {
  const auto at = open_.find(o.cookie);
  if (at == open_.end()) return log_.fail("{} got an outcome for a request that has had one", name());
  const auto index = at->second;
  open_.erase(at);
  const auto& m = messages_[index];
  log_.add("{} has {}: {}", name(), m.reference, o.error ? o.error.message() : "ok");
  if (!o.error) {
    const auto* response = std::get_if<smpp::submit_sm_resp>(o.response);
    book_.client_accepted(m.reference, response == nullptr ? std::string() : std::string(response->message_id));
  } else if (o.error.category() != smpp::status_category()) {
    book_.client_unanswered(m.reference);
    if (!random_.chance(plan_.manners.give_up_share)) again(index);
  } else if (smpp::is_temporary(static_cast<command_status>(o.error.value()))) {
    again(index);
  } else if (!m.short_lived) {
    log_.fail("{} submitted {} and was refused for good: {}", name(), m.reference, o.error.message());
  }
}

void esme::again(std::size_t index) {
  ++waiting_;
  loop_.after(random_.between(100ms, 2s), [self = shared_from_this(), index] {
    --self->waiting_;
    self->todo_.push_back(index);
    self->pump();
  });
}

// ---- receipts and messages

void esme::take(bind& b, const smpp::pdu& m) {
  const auto* deliver = std::get_if<smpp::deliver_sm>(&m);
  if (deliver == nullptr) return (void)b.session->reject(m.head.sequence, command_status::invalid_command_id);
  const auto key = ledger::delivery_key(*deliver);
  const auto& how = plan_.manners;
  log_.add("{}/{} receives {}", name(), b.index, key);
  if (random_.chance(how.error_share))
    return (void)b.session->reject(m.head.sequence, random_.chance(0.5) ? command_status::receiver_temporary_error
                                                                      : command_status::message_queue_full);
  if (random_.chance(how.silence_share)) return;
  const auto link = b.session->current()->id();
  if (!random_.chance(how.late_share)) return answer(b, link, m.head.sequence, key);
  loop_.after(random_.between(0ms, how.late_max),
              [self = shared_from_this(), weak = binds_[b.index], link, sequence = m.head.sequence, key] {
                self->answer(*weak, link, sequence, key);
              });
}

void esme::answer(bind& b, std::uint64_t link, std::uint32_t sequence, const std::string& key) {
  const auto* c = b.session->current();
  if (c == nullptr || c->id() != link) return;
  if (b.session->respond(sequence, smpp::deliver_sm_resp{})) book_.client_answers(key);
}

}  // namespace msgkit::simulation
