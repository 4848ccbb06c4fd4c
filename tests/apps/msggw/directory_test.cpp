#include "msggw/directory/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/password.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using kind = change_error::kind;

const std::string hashed =
    "scrypt$2$8$1$00000000000000000000000000000000$"
    "0000000000000000000000000000000000000000000000000000000000000000";

// A store that several directories share, as instances share a database.
struct shared_store final : document_store {
  explicit shared_store(document_store& to) : to_(to) {}
  store_outcome load(contents& out) override { return to_.load(out); }
  store_outcome version(std::uint64_t& out) override { return to_.version(out); }
  store_outcome commit(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                       std::span<const audit_entry> audit) override {
    return fails ? store_outcome::failed : to_.commit(expected, last_id, changes, audit);
  }
  store_outcome audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) override {
    return to_.audit(before, limit, out);
  }
  std::string error_text() const override { return "disk full"; }
  bool fails = false;
  document_store& to_;
};

struct Directory : ::testing::Test {
  std::unique_ptr<document_store> store = make_memory_document_store();
  shared_store* last_store = nullptr;
  int random_calls = 0;

  std::unique_ptr<directory> make(const std::string& key = "a key of the operator") {
    auto s = std::make_unique<shared_store>(*store);
    last_store = s.get();
    return std::make_unique<directory>(
        std::move(s), secret_box({key}),
        directory::options{
            .carrier_types = {"smpp", "twilio"},
            .now = [] { return wall_time{std::chrono::seconds{1'700'000'000}}; },
            .random = [this](std::size_t n) { return std::string(n, static_cast<char>(++random_calls)); }});
  }
  std::unique_ptr<directory> loaded() {
    auto d = make();
    std::string why;
    EXPECT_TRUE(d->load(why)) << why;
    return d;
  }
  std::unique_ptr<directory> one = loaded();

  template <class T>
  static object_id good(const change_result<T>& r) {
    if (const auto* const e = std::get_if<change_error>(&r)) {
      ADD_FAILURE() << ::testing::PrintToString(e->reasons);
      return 0;
    }
    return std::get<changed<T>>(r).id;
  }
  template <class T>
  static change_error bad(const change_result<T>& r) {
    const auto* const e = std::get_if<change_error>(&r);
    if (e == nullptr) ADD_FAILURE() << "was accepted";
    return e == nullptr ? change_error{} : *e;
  }
  object_id add_client(std::string username) {
    return good(one->create<client>({{"username", username}, {"password", hashed}}, "test"));
  }
  object_id add_carrier(std::string name) {
    return good(one->create<carrier>({{"name", name}, {"type", "twilio"}, {"username", "AC1"}, {"password", "s3cret"}},
                                     "test"));
  }
};

TEST_F(Directory, FindsWhatWasCreatedAtOnce) {
  const auto alice = add_client("alice");
  const auto twilio = add_carrier("tw");
  const auto number =
      good(one->create<client_number>({{"client_id", alice}, {"number", "15551230001"}, {"carrier", "tw"}}, "t"));
  const auto s = one->current();
  EXPECT_EQ(s->client_of("alice"), alice);
  EXPECT_EQ(s->number_of("15551230001"), number);
  EXPECT_EQ(s->carrier_of("tw"), twilio);
  EXPECT_EQ(s->carrier_of_webhook(s->find<carrier>(twilio)->webhook_id), twilio);
  EXPECT_EQ(s->number_of("1555123000"), 0u) << "a part of a number is another number";
}

TEST_F(Directory, SurvivesARestartWithItsSecrets) {
  const auto twilio = add_carrier("tw");
  const auto alice = add_client("alice");
  const auto again = loaded();
  EXPECT_EQ(again->current()->find<carrier>(twilio)->password, "s3cret");
  EXPECT_EQ(*again->current()->find<client>(alice), *one->current()->find<client>(alice));
  document_store::contents raw;
  ASSERT_EQ(store->load(raw), store_outcome::done);
  for (const auto& d : raw.documents) EXPECT_EQ(d.body.find("s3cret"), std::string::npos) << d.body;
}

TEST_F(Directory, DoesNotLoadWithTheWrongKey) {
  add_carrier("tw");
  auto other = make("another key of the operator");
  std::string why;
  EXPECT_FALSE(other->load(why));
  EXPECT_THAT(why, HasSubstr("carrier 1: password: cannot be decrypted"));
}

TEST_F(Directory, HashesPasswordsOfClients) {
  const auto id = good(one->create<client>({{"username", "bob"}, {"password", "secret of bob"}}, "t"));
  const auto stored = one->current()->find<client>(id)->password;
  EXPECT_TRUE(is_password_hash(stored));
  EXPECT_TRUE(verify_password(stored, "secret of bob"));
}

TEST_F(Directory, SaysWhatIsWrongWithAnObject) {
  EXPECT_THAT(bad(one->create<client>({{"username", "al ice"}, {"pasword", "x"}}, "t")).reasons,
              ElementsAre("username: must be letters, digits and _ - . @", "pasword: is not a field of this object"));
  EXPECT_THAT(bad(one->create<client>({{"username", "alice"}}, "t")).reasons, ElementsAre("password: is missing"));
  EXPECT_THAT(bad(one->create<client>(json::array(), "t")).reasons.front(), HasSubstr("must be an object"));
  EXPECT_THAT(bad(one->create<client_number>({{"client_id", 99}, {"number", "123"}}, "t")).reasons,
              ElementsAre("client_id: there is no client 99"));
  EXPECT_THAT(
      bad(one->create<carrier>({{"name", "x"}, {"type", "pigeon"}, {"username", "u"}, {"password", "p"}}, "t")).reasons,
      ElementsAre("type: must be one of smpp, twilio"));
  EXPECT_EQ(one->current()->version(), 0u);
}

TEST_F(Directory, KeepsNamesAndNumbersUnique) {
  const auto alice = add_client("alice");
  EXPECT_EQ(bad(one->create<client>({{"username", "alice"}, {"password", hashed}}, "t")).what, kind::conflict);
  good(one->create<client_number>({{"client_id", alice}, {"number", "123"}}, "t"));
  EXPECT_EQ(bad(one->create<client_number>({{"client_id", alice}, {"number", "123"}}, "t")).what, kind::conflict);
  EXPECT_EQ(bad(one->update<client>(alice, {{"username", "carol"}}, "t")).what, kind::invalid);
}

TEST_F(Directory, UpdatesOnlyWhatIsNamed) {
  const auto twilio = add_carrier("tw");
  good(one->update<carrier>(twilio, {{"segments_per_second", 5}, {"username", nullptr}}, "t"));
  const auto c = one->current()->find<carrier>(twilio);
  EXPECT_EQ(c->segments_per_second, 5u);
  EXPECT_EQ(c->username, "AC1");
  EXPECT_EQ(c->password, "s3cret");
  EXPECT_EQ(bad(one->update<carrier>(77, json::object(), "t")).what, kind::not_found);
}

TEST_F(Directory, RemovesAClientWithAllThatIsIts) {
  const auto alice = add_client("alice"), bob = add_client("bob");
  good(one->create<client_number>({{"client_id", alice}, {"number", "123"}}, "t"));
  good(one->create<failover>({{"client_id", bob}, {"fallback_client_id", alice}}, "t"));
  std::string key;
  good(one->create_api_key({{"client_id", alice}, {"name", "k"}}, "t", key));
  good(one->remove<client>(alice, "t"));
  const auto s = one->current();
  EXPECT_THAT(s->all<client_number>(), IsEmpty());
  EXPECT_THAT(s->all<failover>(), IsEmpty());
  EXPECT_THAT(s->all<api_key>(), IsEmpty());
  EXPECT_EQ(s->all<client>().size(), 1u);
  EXPECT_EQ(s->number_of("123"), 0u);
  EXPECT_EQ(loaded()->current()->all<client>().size(), 1u);
}

TEST_F(Directory, KeepsWhatOthersNeed) {
  const auto twilio = add_carrier("tw");
  const auto alice = add_client("alice");
  const auto number =
      good(one->create<client_number>({{"client_id", alice}, {"number", "123"}, {"carrier", "tw"}}, "t"));
  EXPECT_EQ(bad(one->remove<carrier>(twilio, "t")).what, kind::conflict);
  EXPECT_EQ(bad(one->update<carrier>(twilio, {{"name", "tw2"}}, "t")).what, kind::conflict);
  good(one->remove<client_number>(number, "t"));
  const auto hop = json{{"endpoint", "carrier:tw"}};
  const auto route = good(one->create<routing_rule>({{"name", "all"}, {"to", json::array({hop})}}, "t"));
  EXPECT_THAT(bad(one->remove<carrier>(twilio, "t")).reasons, ElementsAre("route all leads here"));
  good(one->remove<routing_rule>(route, "t"));
  good(one->remove<carrier>(twilio, "t"));
}

TEST_F(Directory, AKeyForARemovedNumberDoesNotOpenTheOthers) {
  const auto alice = add_client("alice");
  const auto a = good(one->create<client_number>({{"client_id", alice}, {"number", "123"}}, "t"));
  good(one->create<client_number>({{"client_id", alice}, {"number", "456"}}, "t"));
  std::string key;
  const auto k =
      good(one->create_api_key({{"client_id", alice}, {"name", "k"}, {"allowed_number_ids", {a}}}, "t", key));
  good(one->remove<client_number>(a, "t"));
  EXPECT_FALSE(one->current()->find<api_key>(k)->active);
}

TEST_F(Directory, ShowsAnApiKeyOnceAndKeepsItsHash) {
  const auto alice = add_client("alice");
  std::string key;
  const auto id = good(one->create_api_key({{"client_id", alice}, {"name", "k"}, {"scopes", {"send"}}}, "t", key));
  EXPECT_EQ(key.size(), 8u + 64);
  EXPECT_EQ(one->current()->api_key_of(to_hex(as_bytes(digest(digest_kind::sha256, key)))), id);
  document_store::contents raw;
  ASSERT_EQ(store->load(raw), store_outcome::done);
  for (const auto& d : raw.documents) EXPECT_EQ(d.body.find(key), std::string::npos);
}

TEST_F(Directory, NeverUsesAnIdTwice) {
  const auto alice = add_client("alice");
  good(one->remove<client>(alice, "t"));
  EXPECT_GT(add_client("bob"), alice);
  EXPECT_GT(Directory::good(loaded()->create<client>({{"username", "c"}, {"password", hashed}}, "t")), alice + 1);
}

TEST_F(Directory, TwoInstancesSeeEachOther) {
  auto two = loaded();
  int heard = 0;
  two->on_change([&](const snapshot_ptr&) { ++heard; });
  const auto alice = add_client("alice");
  EXPECT_TRUE(two->refresh());
  EXPECT_FALSE(two->refresh());
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(two->current()->client_of("alice"), alice);
}

TEST_F(Directory, AChangeIsCheckedOnTopOfWhatAnotherInstanceWrote) {
  auto two = loaded();
  add_client("alice");
  EXPECT_EQ(bad(two->create<client>({{"username", "alice"}, {"password", hashed}}, "t")).what, kind::conflict);
  const auto bob = good(two->create<client>({{"username", "bob"}, {"password", hashed}}, "t"));
  EXPECT_TRUE(one->refresh());
  EXPECT_EQ(one->current()->client_of("bob"), bob);
  EXPECT_EQ(one->current()->all<client>().size(), 2u);
}

TEST_F(Directory, AFailingStoreChangesNothing) {
  auto two = loaded();
  last_store->fails = true;
  const auto e = bad(two->create<client>({{"username", "alice"}, {"password", hashed}}, "t"));
  EXPECT_EQ(e.what, kind::unavailable);
  EXPECT_EQ(two->current()->client_of("alice"), 0u);
}

TEST_F(Directory, AuditsEveryChangeWithoutSecrets) {
  const auto twilio = add_carrier("tw");
  good(one->update<carrier>(twilio, {{"password", "n3w"}, {"enabled", false}}, "eve"));
  good(one->remove<carrier>(twilio, "mallory"));
  std::vector<audit_entry> audit;
  ASSERT_TRUE(one->audit(0, 10, audit));
  ASSERT_EQ(audit.size(), 3u);
  EXPECT_EQ(audit[0].action + audit[1].action + audit[2].action, "deleteupdatecreate");
  EXPECT_EQ(audit[1].actor, "eve");
  EXPECT_THAT(audit[1].before, HasSubstr(R"("enabled":true)"));
  EXPECT_THAT(audit[1].after, HasSubstr(R"("enabled":false)"));
  for (const auto& a : audit) EXPECT_EQ((a.before + a.after).find("s3cret"), std::string::npos);
  ASSERT_TRUE(one->audit(audit[1].version, 10, audit));
  EXPECT_EQ(audit.size(), 1u);
}

}  // namespace
}  // namespace msgkit::app
