// The disk fails at every single write and sync of a whole scenario. Never a false acknowledgement: what was
// acknowledged is there afterwards, what was refused is not, and a sync that failed is not believed later.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "driver.hpp"
#include "engine/sqlite_store.hpp"
#include "faulty_vfs.hpp"
#include "temporary_directory.hpp"

using namespace msgkit;
using namespace msgkit::engine;
using namespace msgkit::engine::test;

namespace {

std::unique_ptr<store> open_store(const std::string& path, const char* vfs) {
  std::string why;
  auto s = sqlite_store::open({.path = path, .vfs = vfs, .checkpoint_pages = 12, .cache_kib = 1'024}, &why);
  EXPECT_TRUE(s) << why;
  return s ? *std::move(s) : nullptr;
}

// A client, a carrier and what they were told.
class scenario {
 public:
  explicit scenario(std::string path)
      : path_(std::move(path)), store_(open_store(path_, faulty_vfs::name)),
        work_(std::make_unique<processor>(core_options{}, processor_options{}, routes({to({{"carrier:up1"}})}), *store_)) {
    EXPECT_TRUE(work_->start(now_));
    run({link_state{"carrier:up1", 1, 7, true, 100}});
  }

  // `rounds` batches, each with submits, answers to earlier sends and reports; stops early when power was cut.
  void play(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      std::vector<event> batch;
      for (int k = 0; k < 3; ++k) {
        auto c = text_message();
        c.body.resize(k == 0 ? 1'500 : 100, 'x');
        batch.push_back(driver::make_submit(std::move(c), ++token_));
      }
      for (const auto& s : open_) {
        if (s.content->kind == message_kind::receipt) {
          batch.push_back(outcome(s, attempt_outcome::delivered));
        } else {
          const auto carrier_id = "c" + std::to_string(s.id.key());
          batch.push_back(sent(s, carrier_id));
          to_report_[++token_] = carrier_id;
        }
      }
      open_.clear();
      if (i % 2 == 1)
        for (const auto& [token, carrier_id] : to_report_) batch.push_back(delivery(carrier_id, message_state::delivered, "carrier:up1", token));
      run(std::move(batch));
      now_ += 50ms;
    }
  }
  void recover() {
    for (int i = 0; i < 50 && work_->store_faulted(); ++i) {
      now_ = work_->next_deadline();
      run({});
    }
    EXPECT_FALSE(work_->store_faulted());
  }
  void close() {
    work_.reset();
    store_.reset();
  }
  [[nodiscard]] bool faulted() const { return work_->store_faulted(); }

  // What a fresh process finds.
  void check(bool refused_must_be_gone) {
    const auto ids = all_ids();
    auto s = open_store(path_, faulty_vfs::name);  // a fresh process; this VFS spares us waiting for the real disk
    ASSERT_TRUE(s);
    std::map<message_id, int> receipts;
    std::set<message_id> found;
    for (const auto id : ids) {
      const auto m = s->find(id);
      ASSERT_TRUE(m);
      ASSERT_TRUE(m->has_value());
      if ((*m)->content->kind == message_kind::receipt) ++receipts[(*m)->content->receipt->receipt_of];
      else found.insert(id);
    }
    for (const auto id : accepted_) EXPECT_TRUE(found.contains(id)) << "acknowledged and lost";
    if (refused_must_be_gone) {
      EXPECT_EQ(found.size(), accepted_.size()) << "refused and there";
    }
    for (const auto& carrier_id : reported_) {
      const message_id id{std::stoull(carrier_id.substr(1))};
      EXPECT_EQ(s->find(id)->value().progress.state, message_state::delivered) << "report acknowledged and lost";
      EXPECT_EQ(receipts[id], 1);
    }
  }
  [[nodiscard]] std::size_t accepted_count() const { return accepted_.size(); }
  [[nodiscard]] std::size_t refused_count() const { return refused_; }

 private:
  void run(std::vector<event> batch) {
    for (const auto& a : work_->run(batch, now_)) {
      if (const auto* ok = std::get_if<accepted>(&a)) accepted_.insert(ok->id);
      if (const auto* no = std::get_if<refused>(&a)) refused_ += !to_report_.contains(no->token.value);
      if (const auto* s = std::get_if<send>(&a)) open_.push_back(*s);
      if (const auto* r = std::get_if<report_done>(&a)) {
        const auto at = to_report_.find(r->token.value);
        ASSERT_NE(at, to_report_.end()) << "answered twice";
        // A report whose answer was refused may have counted already.
        reported_.push_back(at->second);
        to_report_.erase(at);
      }
    }
  }
  std::vector<message_id> all_ids() const {
    sqlite3* db = nullptr;
    sqlite3_stmt* q = nullptr;
    std::vector<message_id> ids;
    sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READWRITE, faulty_vfs::name);
    sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", nullptr, nullptr, nullptr);
    sqlite3_prepare_v2(db, "SELECT id FROM message", -1, &q, nullptr);
    while (sqlite3_step(q) == SQLITE_ROW) ids.emplace_back(static_cast<std::uint64_t>(sqlite3_column_int64(q, 0)));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return ids;
  }

  std::string path_;
  std::unique_ptr<store> store_;
  std::unique_ptr<processor> work_;
  wall_time now_ = t0;
  std::uint64_t token_ = 0;
  std::vector<send> open_;
  std::map<std::uint64_t, std::string> to_report_;
  std::set<message_id> accepted_;
  std::vector<std::string> reported_;
  std::size_t refused_ = 0;
};

class DiskFault : public ::testing::TestWithParam<std::pair<const char*, disk_fault>> {
 protected:
  static constexpr int rounds = 16;
};

}  // namespace

TEST(FaultyVfs, LosesWhatWasNotSynced) {
  temporary_directory dir{true};
  auto& disk = faulty_vfs::instance();
  scenario s{dir.file("messages.db")};
  s.play(4);
  disk.cut_power();
  s.close();
  disk.power_on();
  s.check(false);
}

// One fault at every operation, recovery in the same process, then a fresh look at the file.
TEST_P(DiskFault, AtEveryOperationIsRefusedAndRecoveredFrom) {
  auto& disk = faulty_vfs::instance();
  std::uint64_t tried = 0;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    temporary_directory dir{true};
    scenario s{dir.file("messages.db")};
    disk.arm(n, GetParam().second);
    s.play(rounds);
    const bool failed = disk.has_failed();
    disk.disarm();
    s.recover();
    s.play(3);
    if (failed) {
      EXPECT_LT(s.accepted_count(), static_cast<std::size_t>((rounds + 3) * 3) + 1);
    } else {
      EXPECT_EQ(s.refused_count(), 0u);
    }
    s.close();
    s.check(true);
    if (!failed || HasFailure()) break;
    ++tried;
  }
  EXPECT_GT(tried, GetParam().second == disk_fault::sync_error ? 20u : 200u) << "the scenario became too small";
}

// The disk stays broken for a while, recovery included: nothing is accepted until all of it has worked.
TEST_P(DiskFault, ThatLastsKeepsEverythingRefused) {
  auto& disk = faulty_vfs::instance();
  for (std::uint64_t n = 1; n < 200; n += 7) {
    SCOPED_TRACE("operation " + std::to_string(n));
    temporary_directory dir{true};
    scenario s{dir.file("messages.db")};
    disk.arm(n, GetParam().second, 6);
    s.play(rounds * 2);
    disk.disarm();
    s.recover();
    s.play(2);
    s.close();
    s.check(true);
    if (HasFailure()) break;
  }
}

// The machine loses power right after the fault.
TEST_P(DiskFault, FollowedByAPowerCutLosesNothingAcknowledged) {
  auto& disk = faulty_vfs::instance();
  for (std::uint64_t n = 1; n < 400; n += 3) {
    SCOPED_TRACE("operation " + std::to_string(n));
    temporary_directory dir{true};
    scenario s{dir.file("messages.db")};
    disk.arm(n, GetParam().second);
    s.play(rounds);
    const bool failed = disk.has_failed();
    disk.cut_power();
    s.close();
    disk.power_on();
    disk.disarm();
    s.check(false);
    if (!failed || HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DiskFault,
                         ::testing::Values(std::pair{"write_error", disk_fault::write_error},
                                           std::pair{"write_torn", disk_fault::write_torn},
                                           std::pair{"disk_full", disk_fault::disk_full},
                                           std::pair{"sync_error", disk_fault::sync_error}),
                         [](const auto& i) { return std::string{i.param.first}; });
