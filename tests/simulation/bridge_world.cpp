#include "bridge_world.hpp"

#include <array>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>

#include "msgkit/bridge/relay/relay.hpp"
#include "played_broker.hpp"
#include "played_redis.hpp"

namespace msgkit::simulation {
namespace {

using namespace bridge;
using namespace std::chrono_literals;

constexpr auto trouble_time = 40s;  // how long messages are given and things break
constexpr auto rest_time = 10min;   // within which all has to come to rest afterwards
constexpr std::size_t window = 50;
constexpr std::size_t queue = 200;  // also of messages that came over connections that are gone
const time_point start = time_point{} + 1h;

class world {
 public:
  explicit world(const bridge_run_options& o) : options_(o), random_(o.seed) {
    broker_.send = [this](bytes_view octets) { to_bridge(link::mqtt, octets); };
    broker_.on_acknowledged = [this](const std::string& payload) {
      if (in_redis().contains(payload)) return;
      fail("the broker was acknowledged " + payload + ", which Redis does not have");
    };
    redis_.send = [this](std::size_t l, const std::string& reply) { to_bridge(link(l), as_bytes(reply)); };
    redis_.on_acknowledged = [this](const std::string&, const played_redis::entry& e) {
      if (broker_.received.contains(e.fields.at(0).second)) return;
      fail("Redis was acknowledged " + e.fields.at(0).second + ", which the broker does not have");
    };
    if (o.redis_loses) redis_.forgets = [this] { return below(20) == 0; };
    start_bridge();
  }

  bridge_run_result run() {
    for (std::size_t i = 0; i < options_.messages; ++i) {
      at(now_ + spread(trouble_time), [this, i] { broker_.give(std::to_string(i)); });
      at(now_ + spread(trouble_time), [this, i] { redis_.add("down", {{"p", std::to_string(i)}}, now_); });
    }
    at(now_ + spread(2s), [this] { make_trouble(); });
    while (result_.failures.empty() && now_ < start + trouble_time + rest_time && !is_at_rest()) step();
    judge();
    return result_;
  }

 private:
  struct line {
    bool is_up = false;
    bool is_dialling = false;
    bool is_silent = false;
    std::uint64_t connection = 0;
    time_point to_server{}, to_bridge{};  // nothing overtakes what was sent before
    std::vector<byte_vector> held{};      // while the relay does not read
  };
  struct happening {
    time_point at{};
    std::uint64_t order = 0;
    std::function<void()> what{};
    bool operator<(const happening& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::chrono::milliseconds spread(std::chrono::milliseconds most) {
    return std::chrono::milliseconds(below(static_cast<std::uint64_t>(most.count())) + 1);
  }
  void at(time_point when, std::function<void()> what) { agenda_.push({when, ++order_, std::move(what)}); }
  wall_time wall() const {
    return wall_time{std::chrono::duration_cast<std::chrono::milliseconds>(now_ - start)} + 24h;
  }
  void fail(std::string what) { result_.failures.push_back(std::move(what)); }
  line& line_of(link l) { return lines_.at(static_cast<std::size_t>(l)); }

  static rule_set rules() {
    rule_config up;
    up.name = "up";
    up.source = "up/{x}";
    up.qos = 2;
    up.target = "up";
    rule_config down;
    down.name = "down";
    down.from = endpoint::stream;
    down.source = "down";
    down.to = endpoint::mqtt;
    down.target = "down/1";
    std::vector<rule_error> errors;
    return rule_set::make(std::vector{up, down}, errors);
  }

  void start_bridge() {
    relay_options o;
    o.mqtt.client_id = "bridge";
    o.mqtt.receive_maximum = o.mqtt.send_window = window;
    o.entries_max = window;
    o.queue_max = queue;
    o.deliveries_max = 0;  // here each entry is to arrive, however often it was tried
    o.claim_min_idle = 20s;
    relay_ = std::make_unique<relay>(rules(), o);
    dial();
  }

  void dial() {
    for (const auto l : roles) {
      auto& on = line_of(l);
      if (!relay_->is_wanted(l) || on.is_up || std::exchange(on.is_dialling, true)) continue;
      at(now_ + spread(500ms), [this, l, connection = on.connection] {
        if (connection != line_of(l).connection) return;
        auto& opened = line_of(l);
        opened = {.is_up = true, .connection = opened.connection + 1, .to_server = now_, .to_bridge = now_};
        if (l != link::mqtt) redis_.connected(static_cast<std::size_t>(l));
        relay_->connected(l, now_, wall());
        settle();
      });
    }
  }

  // Whole now, at the server or never: what is under way is lost with the connection.
  void cut(link l) {
    auto& on = line_of(l);
    if (!on.is_up) return;
    on = {.connection = on.connection + 1};
    if (l == link::mqtt) broker_.disconnected();
    else redis_.disconnected(static_cast<std::size_t>(l));
    relay_->disconnected(l, std::make_error_code(std::errc::connection_reset), now_, wall());
    settle();
  }

  void to_bridge(link l, bytes_view octets) {
    auto& on = line_of(l);
    if (!on.is_up || on.is_silent) return;
    send_pieces(octets, on.to_bridge, [this, l, connection = on.connection](const byte_vector& piece) {
      auto& arrived_at = line_of(l);
      if (arrived_at.connection != connection || arrived_at.is_silent) return;
      arrived_at.held.push_back(piece);
      settle();
    });
  }

  void to_server(link l, bytes_view octets) {
    auto& on = line_of(l);
    if (on.is_silent) return;
    send_pieces(octets, on.to_server, [this, l, connection = on.connection](const byte_vector& piece) {
      if (line_of(l).connection != connection || line_of(l).is_silent) return;
      if (l == link::mqtt) broker_.receive(piece);
      else redis_.receive(static_cast<std::size_t>(l), piece, now_);
    });
  }

  template <class F>
  void send_pieces(bytes_view octets, time_point& not_before, F deliver) {
    while (!octets.empty()) {
      const auto size = below(4) == 0 ? below(octets.size()) + 1 : octets.size();
      not_before = std::max(not_before, now_ + std::chrono::microseconds(below(below(10) == 0 ? 200'000 : 2'000)));
      at(not_before,
         [deliver, piece = byte_vector(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size))] {
           deliver(piece);
         });
      octets = octets.subspan(size);
    }
  }

  void settle() {
    if (std::exchange(is_settling_, true)) return;
    for (bool any = true; any;) {
      any = false;
      for (const auto l : roles) {
        auto& on = line_of(l);
        if (!on.is_up) continue;
        if (!on.held.empty() && relay_->may_read(l)) {
          const auto piece = std::move(on.held.front());
          on.held.erase(on.held.begin());
          relay_->feed(l, piece, now_, wall());
          any = true;
        }
        if (!relay_->output(l).empty()) {
          to_server(l, relay_->output(l));
          relay_->clear_output(l);
        }
        if (!relay_->is_closed(l)) continue;
        cut(l);
        any = true;
      }
    }
    is_settling_ = false;
    if (relay_->open_messages() > queue + 3 * window + 2) fail("more messages are open than may be");
    dial();
  }

  void make_trouble() {
    if (now_ >= start + trouble_time) {
      redis_.loading_until = {};
      return;  // a silent connection stays so until the relay gives it up
    }
    const auto l = roles[below(roles_count)];
    switch (below(8)) {
      case 0:
        ++result_.crashes;
        for (const auto each : roles) cut_quietly(each);
        start_bridge();
        break;
      case 1:
        ++result_.restarts;
        cut(link::mqtt);
        break;
      case 2:
        ++result_.restarts;
        for (const auto each : {link::writer, link::reader}) cut(each);
        redis_.loading_until = now_ + spread(3s);
        break;
      case 3:
        ++result_.silences;
        line_of(l).is_silent = line_of(l).is_up;
        break;
      default: ++result_.cuts; cut(l);
    }
    at(now_ + spread(2s), [this] { make_trouble(); });
  }

  // The process is gone: nobody is told.
  void cut_quietly(link l) {
    auto& on = line_of(l);
    if (on.is_up && l == link::mqtt) broker_.disconnected();
    if (on.is_up && l != link::mqtt) redis_.disconnected(static_cast<std::size_t>(l));
    on = {.connection = on.connection + 1};
  }

  void step() {
    auto next = std::min(relay_->next_deadline(), redis_.next_deadline());
    if (!agenda_.empty() && agenda_.top().at <= next) {
      const auto first = agenda_.top();
      agenda_.pop();
      now_ = std::max(now_, first.at);
      first.what();
      return settle();
    }
    now_ = std::max(now_, next);
    redis_.on_time(now_);
    relay_->on_time(now_, wall());
    settle();
  }

  std::map<std::string, std::size_t> in_redis() {
    std::map<std::string, std::size_t> out;
    for (const auto& e : redis_.at("up").entries)
      for (const auto& [key, v] : e.fields)
        if (key == "p") ++out[v];
    return out;
  }

  bool is_at_rest() {
    return now_ > start + trouble_time + 1s && broker_.is_idle() && relay_->open_messages() == 0 &&
           redis_.at("down").open.empty() && broker_.received.size() >= options_.messages;
  }

  void judge() {
    if (result_.failures.empty() && !is_at_rest()) fail("it did not come to rest");
    const auto up = in_redis();
    for (std::size_t i = 0; i < options_.messages; ++i) {
      if (!up.contains(std::to_string(i))) fail("up " + std::to_string(i) + " is missing");
      if (!broker_.received.contains(std::to_string(i))) fail("down " + std::to_string(i) + " is missing");
    }
    for (const auto& [payload, count] : up) result_.up += count, result_.doubled += count - 1;
    for (const auto& [payload, count] : broker_.received) result_.down += count, result_.doubled += count - 1;
    // Each time something breaks, what was open each way may come twice.
    const auto broken = result_.cuts + 2 * result_.restarts + result_.silences + 3 * result_.crashes + 1;
    if (result_.doubled > broken * 2 * (window + 1)) fail("more came twice than the windows hold");
  }

  static constexpr std::size_t roles_count = std::size(roles);
  bridge_run_options options_;
  std::mt19937_64 random_;
  time_point now_ = start;
  std::priority_queue<happening> agenda_;
  std::uint64_t order_ = 0;
  std::array<line, roles_count> lines_{};
  played_broker broker_;
  played_redis redis_;
  std::unique_ptr<relay> relay_;
  bool is_settling_ = false;
  bridge_run_result result_;
};

}  // namespace

bridge_run_result run_bridge_seed(const bridge_run_options& options) { return world(options).run(); }

}  // namespace msgkit::simulation
