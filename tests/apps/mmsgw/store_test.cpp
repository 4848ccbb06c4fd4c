#include "mmsgw/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

using namespace msgkit::app::mms;

namespace {

// A file of the test's own, gone afterwards.
class Store : public testing::Test {
 protected:
  Store() : directory_(std::filesystem::temp_directory_path() / ("mmsgw_store_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
    reopen();
  }
  ~Store() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void reopen() {
    store_.reset();
    std::string why;
    auto db = open_sqlite((directory_ / "db").string(), why);
    ASSERT_TRUE(db) << why;
    store_ = std::make_unique<store>(std::move(db), "run-" + std::to_string(++runs_));
    ASSERT_TRUE(store_->beat(runs_, 0));
  }
  static message make_message(const std::string& id, std::initializer_list<const char*> numbers) {
    message m{.id = id, .group = "g", .origin = "+1", .created_ms = 1'000};
    m.content.id = "t";
    m.content.subject =
        "gr\xC3\xBC\xC3\x9F"
        "e";
    m.content.drm = false;
    m.content.parts = {{.id = "p1", .name = "a.txt", .type = "text/plain"}};
    for (const auto* n : numbers)
      m.recipients.push_back({.index = m.recipients.size(), .number = n, .role = recipient_role::cc});
    return m;
  }
  bool put(const message& m, std::int64_t due = 0) {
    return store_->transaction([&] { return store_->insert_message(m, due); });
  }

  std::filesystem::path directory_;
  std::unique_ptr<store> store_;
  int runs_ = 0;
};

}  // namespace

TEST_F(Store, KeepsAMessageWithItsRecipientsAcrossARestart) {
  ASSERT_TRUE(put(make_message("m", {"+2", "+3"})));
  ASSERT_TRUE(store_->claim({"m", 1}, 3, 5'000));
  EXPECT_FALSE(store_->claim({"m", 1}, 4, 5'000));
  EXPECT_TRUE(store_->interrupted(9).empty());
  ASSERT_TRUE(store_->add_event("m", "{\"a\":1}"));
  reopen();
  const auto m = store_->get_message("m");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->content.subject,
            "gr\xC3\xBC\xC3\x9F"
            "e");
  EXPECT_EQ(m->content.drm, false);
  EXPECT_EQ(m->content.show_sender, std::nullopt);
  EXPECT_EQ(m->created_ms, 1'000);
  ASSERT_EQ(m->recipients.size(), 2u);
  EXPECT_EQ(m->recipients[0].role, recipient_role::cc);
  EXPECT_EQ(m->recipients[1].state, recipient_state::sending);
  EXPECT_EQ(m->recipients[1].attempts, 3u);
  EXPECT_EQ(store_->events("m"), std::vector<std::string>{"{\"a\":1}"});
  ASSERT_EQ(store_->interrupted(9).size(), 1u);
  EXPECT_EQ(store_->interrupted(9)[0].index, 1u);
}

TEST_F(Store, ATransactionThatFailsLeavesNothing) {
  EXPECT_FALSE(store_->transaction([&] { return store_->insert_message(make_message("m", {"+2"}), 0) && false; }));
  EXPECT_FALSE(store_->get_message("m"));
  ASSERT_TRUE(put(make_message("m", {"+2"})));
  EXPECT_FALSE(put(make_message("m", {"+2"})));  // the id is there
}

TEST_F(Store, GivesWhatIsDueByGroupAndTime) {
  ASSERT_TRUE(put(make_message("late", {"+2"}), 500));
  ASSERT_TRUE(put(make_message("early", {"+2"}), 100));
  EXPECT_EQ(store_->next_due(), 100);
  EXPECT_TRUE(store_->due("g", 99, 10).empty());
  EXPECT_TRUE(store_->due("other", 1'000, 10).empty());
  const auto all = store_->due("g", 1'000, 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].message_id, "early");
  ASSERT_TRUE(store_->set_state({"early", 0}, recipient_state::queued, recipient_state::sent, 1, 0));
  EXPECT_FALSE(store_->set_state({"early", 0}, recipient_state::queued, recipient_state::failed, 1, 0));
  EXPECT_EQ(store_->due("g", 1'000, 10).size(), 1u);
}

TEST_F(Store, ContentLivesAsLongAsSomebodyUsesIt) {
  message_template t{.id = "t", .parts = {{.id = "p1"}}};
  const std::string octets("a\0b", 3);
  ASSERT_TRUE(store_->transaction(
      [&] { return store_->put_media("p1", "text/plain", "a.txt", octets) && store_->put_template(t, 1'000); }));
  ASSERT_TRUE(put(make_message("m", {"+2"})));
  ASSERT_TRUE(store_->transaction([&] { return store_->delete_template("t"); }));
  EXPECT_FALSE(store_->get_template("t"));
  ASSERT_TRUE(store_->get_media("p1"));
  EXPECT_EQ(store_->get_media("p1")->content, octets);
  bool more = true;
  ASSERT_TRUE(store_->purge(2'000, 0, more));
  EXPECT_FALSE(more);
  EXPECT_FALSE(store_->get_message("m"));
  EXPECT_FALSE(store_->get_media("p1"));
}

TEST_F(Store, KnowsWhatCameInByPeerReferenceAndRecipient) {
  EXPECT_EQ(store_->remember_inbound("peer", "ref", "+2", "m", 1'000), true);
  EXPECT_EQ(store_->remember_inbound("peer", "ref", "+2", "n", 1'000), false);
  EXPECT_EQ(store_->remember_inbound("peer", "ref", "+3", "m", 1'000), true);
  EXPECT_EQ(store_->remember_inbound("other", "ref", "+2", "n", 1'000), true);
  EXPECT_EQ(store_->find_inbound("peer", "ref"), "m");
}

TEST_F(Store, AnInboundMessageIsOneRowWithItsContents) {
  auto m = make_message("0123456789abcdef0123456789ab0000", {"+2", "+3"});
  m.is_inbound = true;
  m.gateway_id = "peer";
  m.peer_ref = "ref";
  m.linked_id = "link";
  m.first_event = R"({"state":"RECEIVED"})";
  m.recipients[1].state = recipient_state::received;
  const std::string contents("one\0two", 7);
  m.content.parts = {{.id = inline_part_id(m.id, 0),
                      .name = "a",
                      .type = "text/plain",
                      .is_inline = true,
                      .inline_at = 0,
                      .inline_octets = 4},
                     {.id = inline_part_id(m.id, 1),
                      .name = "b",
                      .type = "image/png",
                      .is_inline = true,
                      .inline_at = 4,
                      .inline_octets = 3}};
  ASSERT_TRUE(store_->transaction([&] {
    return store_->insert_inbound(m, contents) && store_->remember_inbound("peer", "ref", "+2", m.id, 1) &&
           store_->remember_inbound(linked_peer("peer"), "link", m.id, m.id, 1);
  }));
  reopen();
  const auto back = store_->get_message(m.id);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->recipients.size(), 2u);
  EXPECT_EQ(back->recipients[1].number, "+3");
  EXPECT_EQ(back->recipients[1].state, recipient_state::received);
  EXPECT_EQ(store_->events(m.id), std::vector<std::string>{m.first_event});
  const auto first = store_->get_media(inline_part_id(m.id, 0)), second = store_->get_media(inline_part_id(m.id, 1));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->content, contents.substr(0, 4));
  EXPECT_EQ(second->type, "image/png");
  EXPECT_EQ(second->content, "two");
  EXPECT_FALSE(store_->get_media(inline_part_id(m.id, 2)));
  EXPECT_FALSE(store_->get_media("x"));
  EXPECT_EQ(store_->media_octets(m.id), 7);
  bool more = true;
  ASSERT_TRUE(store_->purge(2'000, 0, more));
  EXPECT_FALSE(store_->get_media(inline_part_id(m.id, 0)));
  EXPECT_FALSE(store_->find_inbound("peer", "ref"));
  EXPECT_FALSE(store_->find_inbound(linked_peer("peer"), "link"));
}

TEST_F(Store, ForgetsManyMessagesInSeveralSteps) {
  for (int i = 0; i < 501; ++i) ASSERT_TRUE(put(make_message(std::to_string(i), {"+2"})));
  bool more = false;
  ASSERT_TRUE(store_->purge(2'000, 0, more));
  EXPECT_TRUE(more);
  ASSERT_TRUE(store_->purge(2'000, 0, more));
  EXPECT_FALSE(more);
  EXPECT_TRUE(store_->message_page("", 0, 9'000, 10).empty());
}

// A file of version 1: messages in a table without row numbers, inbound recipients in rows of their own.
TEST_F(Store, TakesOverAFileOfVersionOne) {
  store_.reset();
  const auto file = (directory_ / "old").string();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
  auto tables = schema_of({.octets = "BLOB", .unordered = " WITHOUT ROWID", .serial = "INTEGER PRIMARY KEY"});
  const std::string column = ",\n                       contents BLOB)";
  ASSERT_NE(tables.find(column), std::string::npos);
  tables.replace(tables.find(column), column.size(), ") WITHOUT ROWID");
  const std::string routed = " routed BIGINT NOT NULL DEFAULT 0,";  // came with version 3
  ASSERT_NE(tables.find(routed), std::string::npos);
  tables.erase(tables.find(routed), routed.size());
  const std::string rows =
      "CREATE INDEX inbound_time ON inbound(at_ms);"
      "INSERT INTO message VALUES('in', 1000, 1, "
      "'{\"id\":\"in\",\"direction\":1,\"gateway_id\":\"peer\",\"peer_ref\":\"ref\",\"template\":{\"parts\":[{\"part_"
      "id\":\"p\"}]}}');"
      "INSERT INTO recipient(message_id, n, number, role, state, attempts, due_ms, grp) VALUES('in', 0, '+2', 0, 7, 0, "
      "0, 'g');"
      "INSERT INTO event(message_id, body) VALUES('in', '{}'); INSERT INTO media VALUES('p', 'text/plain', 'n', "
      "x'414200');"
      "INSERT INTO media_use VALUES('in', 'p'); INSERT INTO inbound VALUES('peer', 'ref', '+2', 'in', 1000); PRAGMA "
      "user_version = 1;";
  ASSERT_EQ(sqlite3_exec(raw, (tables + rows).c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
  sqlite3_close(raw);
  for (int run = 0; run < 2; ++run) {
    std::string why;
    auto db = open_sqlite(file, why);
    ASSERT_TRUE(db) << why;
    store old(std::move(db), "run");
    const auto m = old.get_message("in");
    ASSERT_TRUE(m);
    ASSERT_EQ(m->recipients.size(), 1u);
    EXPECT_EQ(m->recipients[0].number, "+2");
    EXPECT_EQ(m->recipients[0].state, run == 0 ? recipient_state::received : recipient_state::canceled);
    EXPECT_EQ(old.get_media("p")->content, std::string("AB\0", 3));
    EXPECT_EQ(old.events("in").size(), 1u);
    EXPECT_EQ(old.remember_inbound("peer", "ref", "+2", "again", 2'000), false);
    auto changed = *m;
    changed.recipients[0].state = recipient_state::canceled;
    ASSERT_TRUE(old.transaction([&] {
      return old.update_content(changed) && old.insert_message(make_message("new" + std::to_string(run), {"+3"}), 0);
    }));
  }
}

TEST_F(Store, CallbacksAreLentAndComeBackAfterARestart) {
  ASSERT_TRUE(store_->add_callback({"c", "http://x/", "{}", 0}));
  EXPECT_EQ(store_->take_callbacks(10, 1'000, 5).size(), 1u);
  EXPECT_TRUE(store_->take_callbacks(10, 1'000, 5).empty());
  reopen();
  ASSERT_EQ(store_->take_callbacks(10, 1'000, 5).size(), 1u);
  ASSERT_TRUE(store_->postpone_callback("c", 12, 0, true));
  EXPECT_TRUE(store_->take_callbacks(10'000, 20'000, 5).empty());
  ASSERT_EQ(store_->dead_callbacks(5).size(), 1u);
  ASSERT_TRUE(store_->revive_callbacks(10));
  EXPECT_EQ(store_->take_callbacks(10, 1'000, 5).size(), 1u);
  ASSERT_TRUE(store_->finish_callback("c"));
  EXPECT_EQ(store_->count().callbacks, 0);
}

TEST_F(Store, AnswersAreLentAlike) {
  ASSERT_TRUE(store_->add_answer({.id = "a",
                                  .message_id = "m",
                                  .gateway = "g",
                                  .kind = answer_kind::read_report,
                                  .recipient = "+2",
                                  .code = "200"}));
  const auto taken = store_->take_answers("g", 10, 1'000, 5);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].kind, answer_kind::read_report);
  EXPECT_EQ(taken[0].recipient, "+2");
  EXPECT_TRUE(store_->take_answers("g", 10, 1'000, 5).empty());
  ASSERT_TRUE(store_->finish_answer("a"));
  EXPECT_EQ(store_->count().answers, 0);
}

TEST_F(Store, OneProcessOwnsTheFile) {
  ASSERT_TRUE(put(make_message("m", {"+2"})));
  std::string why;
  EXPECT_FALSE(open_sqlite((directory_ / "db").string(), why));
  EXPECT_NE(why, "");
}

TEST_F(Store, WhatIsRoutedIsRoutedAnewWhenItIsQueuedAgain) {
  auto m = make_message("m", {"+2", "+3"});
  m.group.clear();
  m.recipients[0].group = "a";
  ASSERT_TRUE(put(m));
  ASSERT_TRUE(put(make_message("pinned", {"+4"})));
  EXPECT_EQ(store_->due("a", 9, 9).size(), 1u);
  ASSERT_EQ(store_->due("", 9, 9).size(), 1u);
  EXPECT_TRUE(store_->set_group({"m", 1}, "b"));
  EXPECT_FALSE(store_->set_group({"m", 1}, "c"));  // another process was faster
  EXPECT_EQ(store_->get_message("m")->recipients[1].group, "b");
  for (const auto* id : {"m", "pinned"}) {
    ASSERT_TRUE(store_->claim({id, 0}, 1, 9));
    ASSERT_TRUE(store_->set_state({id, 0}, recipient_state::sending, recipient_state::queued, 1, 5));
  }
  EXPECT_EQ(store_->get_message("m")->recipients[0].group, "");
  EXPECT_EQ(store_->get_message("pinned")->recipients[0].group, "g");
  ASSERT_TRUE(store_->leave_group("b"));
  ASSERT_TRUE(store_->leave_group("g"));
  EXPECT_EQ(store_->due("", 9, 9).size(), 2u);
  EXPECT_EQ(store_->due("g", 9, 9).size(), 1u);
  ASSERT_TRUE(store_->claim({"m", 1}, 1, 9));
  ASSERT_TRUE(store_->set_state({"m", 1}, recipient_state::sending, recipient_state::sent, 1, 0));
  EXPECT_EQ(store_->due("", 9, 9).size(), 1u);
}
