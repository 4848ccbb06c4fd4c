#include "played_redis.hpp"

#include <algorithm>

namespace msgkit::simulation {
namespace {

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }
std::string array(std::size_t n) { return "*" + std::to_string(n) + "\r\n"; }
std::string name(std::uint64_t id) { return std::to_string(id) + "-0"; }
std::string text(const played_redis::entry& e) {
  auto out = array(2) + bulk(name(e.id)) + array(2 * e.fields.size());
  for (const auto& [key, v] : e.fields) out += bulk(key) + bulk(v);
  return out;
}
std::size_t place(const std::vector<std::string>& a, std::string_view word) {
  return static_cast<std::size_t>(std::ranges::find(a, word) - a.begin());
}

}  // namespace

void played_redis::add(const std::string& to, std::vector<std::pair<std::string, std::string>> fields,
                       time_point now) {
  streams_[to].entries.push_back({++next_id_, std::move(fields)});
  wake_readers(now);
}

void played_redis::receive(std::size_t connection, bytes_view octets, time_point now) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  found->second.input.feed(octets);
  for (auto v = found->second.input.next(); v && *v; v = found->second.input.next()) {
    command a;
    for (const auto word : **v) a.emplace_back(word.text());
    if (const auto reply = answer(found->second, a, now); !reply.empty()) send(connection, reply);
  }
}

std::string played_redis::answer(connection_state& c, const command& a, time_point now) {
  if (a[0] == "HELLO") return "%0\r\n";
  if (a[0] == "PING") return "+PONG\r\n";
  if (now < loading_until) return "-LOADING Redis is loading the dataset in memory\r\n";
  if (a[0] == "XADD") return add_entry(a, now);
  if (a[0] == "XACK") return acknowledge(a);
  if (a[0] == "XPENDING") return list_pending(a, now);
  if (a[0] == "XAUTOCLAIM") return claim(a, now);
  if (a[0] == "XGROUP") return std::exchange(streams_[a[2]].has_group, true) ? "-BUSYGROUP exists\r\n" : "+OK\r\n";
  if (a[0] != "XREADGROUP") return "-ERR unknown command\r\n";
  const auto reply = read_group(a, now);
  if (!reply.empty()) return reply;
  c.blocked = a;
  c.until = now + std::chrono::milliseconds(std::stoul(a[place(a, "BLOCK") + 1]));
  return {};
}

// XADD key [MAXLEN ~ n] * field value ...
std::string played_redis::add_entry(const command& a, time_point now) {
  if (!forgets()) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (auto i = place(a, "*") + 1; i + 1 < a.size(); i += 2) fields.emplace_back(a[i], a[i + 1]);
    add(a[1], std::move(fields), now);
  }
  return bulk(name(next_id_));
}

std::string played_redis::acknowledge(const command& a) {
  auto& s = streams_[a[1]];
  std::size_t count = 0;
  for (std::size_t i = 3; i < a.size(); ++i) {
    const auto id = std::stoull(a[i]);
    if (s.open.erase(id) == 0) continue;
    ++count;
    on_acknowledged(a[1], *std::ranges::find(s.entries, id, &entry::id));
  }
  return ":" + std::to_string(count) + "\r\n";
}

// XPENDING key group [IDLE ms] - + count [consumer]
std::string played_redis::list_pending(const command& a, time_point now) {
  const auto idle = std::chrono::milliseconds(a[3] == "IDLE" ? std::stoul(a[4]) : 0);
  std::string rows;
  std::size_t count = 0;
  for (const auto& [id, p] : streams_[a[1]].open)
    if (now - p.since >= idle && ++count != 0)
      rows += array(4) + bulk(name(id)) + bulk("c") + ":0\r\n:" + std::to_string(p.deliveries) + "\r\n";
  return array(count) + rows;
}

std::string played_redis::claim(const command& a, time_point now) {
  auto& s = streams_[a[1]];
  std::string rows;
  std::size_t count = 0;
  for (auto& [id, p] : s.open)
    if (now - p.since >= std::chrono::milliseconds(std::stoul(a[4])) && ++count != 0) {
      p = {now, p.deliveries + 1};
      rows += text(*std::ranges::find(s.entries, id, &entry::id));
    }
  return array(3) + bulk("0-0") + array(count) + rows + array(0);
}

// Empty: nothing to say yet. An id instead of > reads what this consumer has pending behind it.
std::string played_redis::read_group(const command& a, time_point now) {
  const auto count = std::stoul(a[place(a, "COUNT") + 1]);
  const auto first = place(a, "STREAMS") + 1;
  const auto streams = (a.size() - first) / 2;
  std::string out;
  std::size_t answered = 0;
  for (std::size_t i = 0; i < streams; ++i) {
    auto& s = streams_[a[first + i]];
    const auto& from = a[first + streams + i];
    std::string rows;
    std::size_t n = 0;
    if (from != ">") {
      for (auto p = s.open.upper_bound(std::stoull(from)); p != s.open.end() && n < count; ++p, ++n) {
        p->second = {now, p->second.deliveries + 1};
        rows += text(*std::ranges::find(s.entries, p->first, &entry::id));
      }
    } else {
      for (const auto& e : s.entries) {
        if (e.id <= s.last_delivered || n == count) continue;
        s.last_delivered = e.id;
        s.open[e.id] = {now, 1};
        rows += text(e);
        ++n;
      }
      if (n == 0) continue;
    }
    ++answered;
    out += bulk(a[first + i]) + array(n) + rows;
  }
  return answered == 0 ? std::string() : "%" + std::to_string(answered) + "\r\n" + out;
}

void played_redis::wake_readers(time_point now) {
  for (auto& [number, c] : connections_) {
    if (c.blocked.empty()) continue;
    auto reply = read_group(c.blocked, now);
    if (reply.empty() && now < c.until) continue;
    c.blocked.clear();
    send(number, reply.empty() ? "_\r\n" : reply);
  }
}

time_point played_redis::next_deadline() const noexcept {
  auto next = never;
  for (const auto& [number, c] : connections_)
    if (!c.blocked.empty()) next = std::min(next, c.until);
  return next;
}

void played_redis::on_time(time_point now) { wake_readers(now); }

}  // namespace msgkit::simulation
