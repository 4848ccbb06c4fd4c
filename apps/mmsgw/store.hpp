// Everything mmsgw must not lose, in one database: media too, so that a message and its content are committed together
// and nothing has to be swept up after a crash. On PostgreSQL several processes share it: what is due is claimed by one
// of them, and given back when that one is no longer heard of.
//
// Synchronous: a call that returns true is durable, inside transaction() when that returns true. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mmsgw/database.hpp"
#include "mmsgw/model.hpp"

namespace msgkit::app::mms {

struct recipient_key {
  std::string message_id{};
  std::size_t index = 0;
};

struct callback {
  std::string id{}, url{}, body{};
  unsigned attempts = 0;
};

// Under which the LinkedIDs of a gateway's messages stand among what came in.
std::string linked_peer(const std::string& gateway_name);
// The contents of a small inbound message stand in its row. Its id ends in zeros, where those of its parts count.
inline constexpr std::size_t inline_octets_max = 64 * 1024;
std::string inline_message_id(std::string id);
std::string inline_part_id(const std::string& message_id, std::size_t index);

class store {
 public:
  // `instance` is this run of this process. What other runs on an unshared database have left behind is nobody's.
  store(std::unique_ptr<database> db, std::string instance);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  // Commits when `work` returns true. False: nothing has happened. Not nested.
  bool transaction(const std::function<bool()>& work);
  // Inside a transaction: `work` alone is undone when it returns false. False: nothing in the transaction can be kept.
  bool part_of_transaction(const std::function<bool()>& work, bool& good);
  [[nodiscard]] std::string error_text() const { return db_->error_text(); }
  // Whether the last statement failed: then "not found" says nothing.
  [[nodiscard]] bool has_failed() const noexcept { return db_->has_failed(); }
  [[nodiscard]] bool is_shared() const noexcept { return db_->is_shared(); }
  // Another process is there: from now until a beat() finds none it is called when a transaction leaves something to
  // do.
  void expect_others() noexcept { is_alone_ = false; }
  [[nodiscard]] const std::string& instance() const noexcept { return instance_; }

  bool put_template(const message_template& t, std::int64_t now_ms);
  std::optional<message_template> get_template(const std::string& id);
  std::vector<std::string> template_ids(std::size_t limit);
  bool delete_template(const std::string& id);  // true also when there was none

  // A part by itself, until a template takes it up.
  bool put_part(const part& p, std::int64_t now_ms);
  std::optional<part> get_part(const std::string& id);

  bool put_media(const std::string& id, const std::string& type, const std::string& name, std::string_view content);
  struct media {
    std::string type{}, name{}, content{};
  };
  std::optional<media> get_media(const std::string& id);
  bool has_media(const std::string& id);

  // With its recipients, due at `due_ms`, each for its own group or that of the message. Those of a message without a
  // group are routed anew whenever they are queued again.
  bool insert_message(const message& m, std::int64_t due_ms);
  // In one row, with the contents of those of its parts that are inline.
  bool insert_inbound(const message& m, std::string_view contents);
  bool update_message(const message& m);  // all but recipients of outbound messages
  bool update_content(const message& m);  // likewise, and its media are others
  std::optional<message> get_message(const std::string& id);
  std::vector<std::string> message_ids(bool is_inbound, std::size_t limit);  // the newest first
  // Ids above `after`, of messages made from `from_ms` until before `to_ms`, in ascending order.
  std::vector<std::string> message_page(const std::string& after, std::int64_t from_ms, std::int64_t to_ms,
                                        std::size_t limit);
  std::int64_t media_octets(const std::string& message_id);  // of all its parts that are here

  // Queued recipients of a group whose time has come, oldest first.
  std::vector<recipient_key> due(const std::string& group, std::int64_t now_ms, std::size_t limit);
  // A queued recipient without a group gets one. False: another process was faster, or the database failed.
  bool set_group(const recipient_key& k, const std::string& group);
  // Those in the queue of a group that are there by a route have none again.
  bool leave_group(const std::string& group);
  std::optional<std::int64_t> next_due();
  // Queued and still due at `now_ms` -> sending, for this instance. False: somebody else has it, or the database
  // failed.
  bool claim(const recipient_key& k, unsigned attempts, std::int64_t now_ms);
  // False also when the state is no longer `from`: another process was faster, and the caller has to look again.
  bool set_state(const recipient_key& k, recipient_state from, recipient_state to, unsigned attempts,
                 std::int64_t due_ms);
  bool set_carrier_id(const recipient_key& k, const std::string& carrier_id);
  std::string carrier_id_of(const recipient_key& k);  // empty: none yet
  std::optional<recipient_key> find_by_carrier_id(const std::string& carrier_id);
  // Reports that came before the answer that says what they are about.
  bool keep_early(const std::string& carrier_id, std::int64_t now_ms, const std::string& body);
  bool take_early(const std::string& carrier_id, std::vector<std::string>& bodies);
  // Whether a recipient of the group has been sent to and nobody knows yet what the peer calls it.
  bool has_open_attempts(const std::string& group);

  // Says that this instance lives. Those not heard of since `before_ms` are gone, with their callbacks and answers,
  // which are due again; interrupted() then has their attempts.
  bool beat(std::int64_t now_ms, std::int64_t before_ms);
  std::vector<recipient_key> interrupted(std::size_t limit);

  bool add_event(const std::string& message_id, const std::string& json);
  std::vector<std::string> events(const std::string& message_id);

  // What came in before, by peer, the peer's message id and recipient.
  std::optional<std::string> find_inbound(const std::string& peer, const std::string& peer_ref);
  // False: it is there already. Nothing: the database failed.
  std::optional<bool> remember_inbound(const std::string& peer, const std::string& peer_ref,
                                       const std::string& recipient, const std::string& message_id,
                                       std::int64_t now_ms);

  bool add_callback(const callback& c);
  // Due ones; they are not due again before `until_ms`.
  std::vector<callback> take_callbacks(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit);
  bool finish_callback(const std::string& id);
  bool postpone_callback(const std::string& id, unsigned attempts, std::int64_t due_ms, bool is_dead);
  std::vector<callback> dead_callbacks(std::size_t limit);
  bool revive_callbacks(std::int64_t now_ms);

  bool add_answer(const answer_order& a);
  std::vector<answer_order> take_answers(const std::string& gateway, std::int64_t now_ms, std::int64_t until_ms,
                                         std::size_t limit);
  bool finish_answer(const std::string& id);
  bool postpone_answer(const std::string& id, unsigned attempts, std::int64_t due_ms);

  // Forgets messages made before `messages_before_ms`, templates and parts unchanged since `templates_before_ms`, and
  // media nobody uses any more. Some messages at a time: `more` says whether there are others.
  bool purge(std::int64_t messages_before_ms, std::int64_t templates_before_ms, bool& more);
  struct counts {
    std::int64_t queued = 0, callbacks = 0, dead_callbacks = 0, answers = 0;
  };
  counts count();

 private:
  using values = std::initializer_list<sql_value>;
  bool run(const char* sql, values v) { return db_->run(sql, v); }
  bool drop_message(sql_rows& rows, std::size_t i);
  std::optional<media> get_inline_media(const std::string& id);
  std::size_t changed(const char* sql, values v);
  bool use_media(const std::string& owner, const message_template& t);
  bool drop_unused_media();

  std::unique_ptr<database> db_;
  std::string instance_;
  bool is_alone_ = false;  // as far as we know; the first beat calls whoever is there
  bool has_news_ = false;  // in this transaction
  bool is_first_beat_ = true;
};

}  // namespace msgkit::app::mms
