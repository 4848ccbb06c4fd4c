#include "msggw/carrier_set.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <future>

#include "common/log.hpp"
#include "msgkit/core/net/tls.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"carriers"};

class smpp_connector final : public carrier_connector {
 public:
  smpp_connector(const asio::any_io_executor& executor, engine::inbox& e, smpp_carrier_options options,
                 std::shared_ptr<smpp_carrier_observer> observer)
      : carrier_(executor, e, std::move(options), std::move(observer)) {}
  void start() override { carrier_.start(); }
  void stop(std::function<void()> done) override { carrier_.stop(std::move(done)); }
  [[nodiscard]] bool is_up() const override { return carrier_.bound() > 0; }

 private:
  smpp_carrier carrier_;
};

smpp::long_message_method long_messages_of(std::string_view name) {
  if (name == "udh16") return smpp::long_message_method::udh16;
  if (name == "sar") return smpp::long_message_method::sar;
  if (name == "payload") return smpp::long_message_method::payload;
  return smpp::long_message_method::udh8;
}

smpp::charset charset_of(std::string_view name) {
  if (name == "latin1") return smpp::charset::latin1;
  if (name == "ascii") return smpp::charset::ascii;
  return smpp::charset::gsm7;
}

bool options_of(const carrier& c, smpp_carrier_options& o, std::string& why) {
  if (c.smpp.host.empty()) {
    why = "smpp.host: is missing";
    return false;
  }
  o.name = c.name;
  o.client.connect.host = c.smpp.host;
  o.client.connect.port = c.smpp.port;
  if (c.smpp.tls) {
    auto context = tls_context::make({}, tls_role::client);
    if (!context) {
      why = "smpp.tls: " + context.error().code.message();
      return false;
    }
    o.client.connect.tls = *context;
  }
  o.client.system_id = c.username;
  o.client.password = c.password;
  o.client.system_type = c.smpp.system_type;
  o.client.connection.session.response_timeout = std::chrono::seconds{c.timeout_secs};
  o.client.connection.session.window_size = c.smpp.window;
  o.client.connection.session.inbound_window_size = 10'000;  // as a carrier of the configuration file
  o.binds = c.smpp.binds;
  o.rate.per_second = c.segments_per_second;
  o.profile.default_charset = charset_of(c.smpp.default_charset);
  o.profile.long_messages = long_messages_of(c.smpp.long_messages);
  o.profile.economy.transliterate = c.transliterate;
  for (const auto& name : c.smpp.national_tables)
    o.profile.economy.languages = static_cast<std::uint16_t>(o.profile.economy.languages | language_bit(name));
  return true;
}

auto key_of(const smpp_carrier_options& o) {
  const auto& s = o.client.connection.session;
  return std::tuple(o.name, o.client.connect.host, o.client.connect.port, o.client.connect.tls == nullptr,
                    o.client.system_id, o.client.password, o.client.system_type, o.client.mode,
                    o.client.interface_version, o.client.address_range, o.binds, o.rate.per_second, o.rate.follows_peer,
                    o.receipts, o.profile.default_charset, o.profile.long_messages, o.profile.forward_validity,
                    o.profile.economy.languages, o.profile.economy.transliterate,
                    s.window_size, s.inbound_window_size, s.bind_timeout, s.response_timeout, s.enquire_link_interval,
                    s.enquire_link_timeout, s.inactivity_timeout, s.partial_pdu_timeout, s.unbind_timeout,
                    s.pdu_bytes_max, s.profile);
}

}  // namespace

carrier_set::carrier_set(io_pool& pool, engine::inbox& e, std::shared_ptr<smpp_carrier_observer> observer)
    : pool_(pool), engine_(e), observer_(std::move(observer)) {
  add_type("smpp",
           [this](const asio::any_io_executor& executor, const carrier& c,
                  std::string& why) -> std::unique_ptr<carrier_connector> {
             smpp_carrier_options options;
             if (!options_of(c, options, why)) return nullptr;
             return std::make_unique<smpp_connector>(executor, engine_, std::move(options), observer_);
           });
}

carrier_set::~carrier_set() { close(); }

void carrier_set::add_type(std::string type, carrier_factory make) { types_[std::move(type)] = std::move(make); }

std::vector<std::string> carrier_set::types() const {
  std::vector<std::string> names;
  for (const auto& [name, make] : types_) names.push_back(name);
  return names;
}

bool carrier_set::same(const definition& a, const definition& b) {
  if (a.index() != b.index()) return false;
  if (const auto* fixed = std::get_if<smpp_carrier_options>(&a))
    return key_of(*fixed) == key_of(std::get<smpp_carrier_options>(b));
  return std::get<carrier>(a) == std::get<carrier>(b);
}

carrier_set::running carrier_set::start(const definition& wanted) {
  running r{.wanted = wanted, .executor = pool_.next(), .connector = nullptr, .problem = {}};
  if (const auto* fixed = std::get_if<smpp_carrier_options>(&wanted)) {
    r.connector = std::make_shared<smpp_connector>(r.executor, engine_, *fixed, observer_);
  } else {
    const auto& c = std::get<carrier>(wanted);
    const auto type = types_.find(c.type);
    if (type == types_.end()) r.problem = "type: this gateway has no connector for " + c.type;
    else r.connector = type->second(r.executor, c, r.problem);
    if (!r.connector) log_.error("carrier does not run", {{"carrier", c.name}, {"reason", r.problem}});
  }
  if (r.connector) r.connector->start();
  return r;
}

void carrier_set::apply(const std::vector<smpp_carrier_options>& fixed, const directory_snapshot& managed) {
  std::map<std::string, definition> wanted;
  for (const auto& o : fixed) wanted.emplace(o.name, o);
  for (const auto& [id, c] : managed.all<carrier>()) {
    if (!c->enabled) continue;
    if (!wanted.emplace(c->name, *c).second)
      log_.warn("a carrier of the directory is hidden by the configuration file's", {{"carrier", c->name}});
  }
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  for (auto at = running_.begin(); at != running_.end();) {
    const auto found = wanted.find(at->first);
    const bool stays = found != wanted.end() && same(found->second, at->second.wanted);
    if (!stays) retire(std::move(at->second));
    at = stays ? std::next(at) : running_.erase(at);
  }
  for (const auto& [name, w] : wanted)
    if (!running_.contains(name)) running_.emplace(name, start(w));
}

// A connector's sockets belong to its executor, so it is taken down there once its connections are closed.
void carrier_set::retire(running old) {
  if (!old.connector) return;
  auto& connector = *old.connector;
  {
    const std::lock_guard lock(leaving_->mutex);
    ++leaving_->count;
  }
  connector.stop([kept = std::move(old.connector), executor = old.executor, left = leaving_] {
    asio::post(executor, [kept, left]() mutable {
      kept.reset();
      const std::lock_guard lock(left->mutex);
      --left->count;
      left->changed.notify_all();
    });
  });
}

std::vector<carrier_status> carrier_set::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<carrier_status> all;
  for (const auto& [name, r] : running_) {
    const auto* managed = std::get_if<carrier>(&r.wanted);
    all.push_back({name, managed ? managed->type : "smpp", r.connector && r.connector->is_up(), r.problem});
  }
  return all;
}

void carrier_set::stop(std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  auto left = std::make_shared<std::atomic<std::size_t>>(running_.size() + 1);
  const auto one_done = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (const auto& [name, r] : running_) {
    if (r.connector) r.connector->stop(one_done);
    else one_done();
  }
  one_done();
}

void carrier_set::close() {
  std::map<std::string, running> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    all.swap(running_);
  }
  for (auto& [name, r] : all) {
    if (!r.connector) continue;
    std::promise<void> gone;
    asio::post(r.executor, [&] {
      r.connector.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }
  std::unique_lock lock(leaving_->mutex);
  leaving_->changed.wait(lock, [&] { return leaving_->count == 0; });
}

}  // namespace msgkit::app
