// A session and fake devices with a bad network between them, in virtual time. Whatever is lost, repeated, late, in the
// wrong order or moved: each SMS has one outcome and it is true, and nothing inbound is acknowledged before it is kept,
// lost after it was acknowledged, or handed out twice.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "goip_fake_device/fake_line.hpp"
#include "goip_fake_device/lossy_link.hpp"
#include "msgkit/goip/session.hpp"
#include "support/random_source.hpp"

namespace msgkit::goip::test {
namespace {

using namespace std::chrono_literals;
using goip_fake::fake_line;
using goip_fake::lossy_link;
using msgkit::test::random_source;

struct device {
  std::string id;
  line_key key{};
  fake_line line;
  lossy_link up, down;
  endpoint at;
};

class bad_world {
 public:
  bad_world(std::uint64_t seed, goip_fake::link_quality quality) : random_(seed), session_({}, seed) {
    for (std::uint8_t n = 0; n < 3; ++n) {
      const auto id = "g" + std::to_string(n);
      const auto key = *session_.add_line({.id = id, .password = "pw" + id, .pacing = 500ms});
      goip_fake::line_options o{.id = id, .password = "pw" + id};
      if (n > 0) o.report_after = 50ms * n;  // may overtake the OK
      devices_.push_back(std::make_unique<device>(device{id, key, fake_line(o, now_),
                                                         lossy_link(quality, random_.next()),
                                                         lossy_link(quality, random_.next()),
                                                         endpoint::ipv4(10, 0, 0, n, 10991)}));
    }
  }

  session_counters run() {
    for (int i = 0; i < 25; ++i) {
      run_for(random_.between(duration{0}, duration{8s}));
      act();
    }
    for (auto& d : devices_) d->up.set_quality({}), d->down.set_quality({});
    run_for(30min);
    judge();
    return session_.counters();
  }

 private:
  struct out_sms {
    std::size_t outcomes = 0;
    sms_outcome outcome{};
  };
  struct commit {
    time_point at{};
    ack_token token{};
    std::string text{};
    bool succeeds = true;
  };

  void act() {
    auto& d = *devices_[random_.below(devices_.size())];
    const auto text = "text " + std::to_string(++last_text_);
    switch (random_.below(10)) {
      case 0: case 1: case 2: {
        if (random_.chance(0.2)) d.line.next_fate.error_status = random_.chance(0.5) ? 38 : 28;
        if (random_.chance(0.1)) d.line.next_fate.tells_outcome = false;
        if (random_.chance(0.1)) d.line.next_fate.says_wait = false;
        if (session_.send_sms(d.key, "+3725", text, last_text_, now_)) sms_[last_text_] = {};
        break;
      }
      case 3: case 4: case 5: d.line.deliver_sms("+3726", text, now_); break;
      case 6:  // the NAT gives it another port
        d.at.port = static_cast<std::uint16_t>(random_.between(1024, 65'000));
        break;
      case 7: d.line.set_gsm(random_.chance(0.5), now_), d.line.set_gsm(true, now_); break;
      case 8: d.line.restart(now_); break;
      default:
        if (session_.send_ussd(d.key, "*100#", now_, {.cookie = last_text_})) ussd_[last_text_] = 0;
    }
  }

  void run_for(duration d) {
    const auto end = now_ + d;
    for (;;) {
      settle();
      auto at = std::min(session_.next_deadline(), end);
      for (const auto& each : devices_)
        at = std::min({at, each->line.next_deadline(), each->up.next_deadline(), each->down.next_deadline()});
      for (const auto& c : commits_) at = std::min(at, c.at);
      now_ = std::max(now_, at);
      if (at >= end) return;
    }
  }
  void settle() {
    for (auto& d : devices_) {
      for (const auto& each : d->down.take(now_)) d->line.feed(as_bytes(each), now_);
      d->line.on_time(now_);
      for (auto& each : d->line.take_output()) d->up.send(std::move(each), now_);
      for (const auto& each : d->line.take_log())
        if (each.starts_with("acknowledged ") && each.find("RECEIVE") != each.npos) ++acknowledged_;
      for (const auto& each : d->up.take(now_)) session_.feed(d->at, as_bytes(each), now_);
    }
    session_.on_time(now_);
    take_events();
    finish_commits();
    for (const auto& each : session_.output())
      for (auto& d : devices_)
        if (d->at == each.to) d->down.send(std::string(as_text(each.octets)), now_);
    session_.clear_output();
  }
  // The application: commits take their time and fail at times; only what is committed is acknowledged.
  void take_events() {
    while (auto e = session_.next_event()) {
      if (const auto* m = std::get_if<sms_received>(&*e)) {
        commits_.push_back({now_ + random_.between(duration{0}, duration{4s}), m->token, m->text, random_.chance(0.8)});
      } else if (const auto* done = std::get_if<sms_done>(&*e)) {
        auto& sms = sms_.at(done->cookie);
        ++sms.outcomes;
        sms.outcome = done->outcome;
      } else if (const auto* ussd = std::get_if<ussd_done>(&*e)) {
        ++ussd_.at(ussd->cookie);
      } else if (const auto* report = std::get_if<report_received>(&*e)) {
        const auto key = session_.options_of(report->line)->id + report->identity.number;
        EXPECT_TRUE(reports_.insert(key).second) << "the report " << key << " twice";
        if (report->cookie) {
          EXPECT_EQ(text_of(*report), "text " + std::to_string(*report->cookie));
        }
        session_.acknowledge(report->token);
      }
    }
  }
  std::string text_of(const report_received& report) const {
    for (const auto& d : devices_)
      for (const auto& each : d->line.sent())
        if (d->key == report.line && each.sms_no == report.sms_no) return each.text;
    return {};
  }
  void finish_commits() {
    for (std::size_t i = 0; i < commits_.size();) {
      const auto c = commits_[i];
      if (c.at > now_) {
        ++i;
        continue;
      }
      commits_.erase(commits_.begin() + static_cast<std::ptrdiff_t>(i));
      if (c.succeeds) {
        EXPECT_TRUE(stored_.insert(c.text).second) << c.text << " was handed out twice";
        EXPECT_TRUE(session_.acknowledge(c.token));
      } else {
        EXPECT_TRUE(session_.abandon(c.token));
      }
    }
  }

  void judge() {
    std::map<std::string, std::size_t> sent;
    std::size_t left = 0;
    for (const auto& d : devices_) {
      for (const auto& each : d->line.sent()) ++sent[each.text];
      left += d->line.unacknowledged();
      EXPECT_EQ(session_.pending_sms(d->key), 0u);
    }
    EXPECT_EQ(left, 0u);  // acknowledged, or given up
    for (const auto& [cookie, sms] : sms_) {
      const auto times = sent["text " + std::to_string(cookie)];
      EXPECT_EQ(sms.outcomes, 1u) << "SMS " << cookie;
      EXPECT_LE(times, 1u) << "SMS " << cookie << " left more than once";
      if (sms.outcome == sms_outcome::sent) {
        EXPECT_EQ(times, 1u) << "SMS " << cookie;
      } else if (sms.outcome != sms_outcome::unknown) {
        EXPECT_EQ(times, 0u) << "SMS " << cookie << " is said to have failed";
      }
    }
    for (const auto& [cookie, outcomes] : ussd_) EXPECT_EQ(outcomes, 1u) << "USSD " << cookie;
    EXPECT_LE(acknowledged_, stored_.size());  // never before it was kept
    EXPECT_TRUE(session_.is_idle());
  }

  random_source random_;
  time_point now_ = time_point{} + 1h;
  session session_;
  std::vector<std::unique_ptr<device>> devices_;
  std::vector<commit> commits_;
  std::map<std::uint64_t, out_sms> sms_;
  std::map<std::uint64_t, std::size_t> ussd_;
  std::set<std::string> stored_, reports_;
  std::size_t acknowledged_ = 0;
  std::uint64_t last_text_ = 0;
};

struct GoipLoss : ::testing::TestWithParam<goip_fake::link_quality> {};

TEST_P(GoipLoss, EveryMessageHasOneTrueOutcome) {
  session_counters all;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto seen = bad_world(seed, GetParam()).run();
    if (HasFailure()) return;
    all.sms_sent += seen.sms_sent;
    all.sms_failed += seen.sms_failed;
    all.sms_unknown += seen.sms_unknown;
    all.duplicates += seen.duplicates;
    all.endpoint_moves += seen.endpoint_moves;
  }
  // The worlds were as bad as they should be.
  EXPECT_GT(all.sms_sent, 100u);
  EXPECT_GT(all.sms_failed, 10u);
  EXPECT_GT(all.sms_unknown, 10u);
  EXPECT_GT(all.duplicates, 10u);
  EXPECT_GT(all.endpoint_moves, 10u);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, GoipLoss,
    ::testing::Values(goip_fake::link_quality{}, goip_fake::link_quality{.loss = 0.2},
                      goip_fake::link_quality{.duplicate = 0.4, .delay_max = 700ms},
                      goip_fake::link_quality{.loss = 0.3, .duplicate = 0.3, .delay_min = 50ms, .delay_max = 800ms}));

}  // namespace
}  // namespace msgkit::goip::test
