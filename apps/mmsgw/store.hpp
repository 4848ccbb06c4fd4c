// Everything mmsgw must not lose, in one SQLite file (WAL, synchronous=FULL): media too, so that a message and its
// content are committed together and nothing has to be swept up after a crash.
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

#include "mmsgw/model.hpp"

struct sqlite3;

namespace msgkit::app::mms {

struct recipient_key {
  std::string message_id{};
  std::size_t index = 0;
};

struct callback {
  std::string id{}, url{}, body{};
  unsigned attempts = 0;
};

class store {
 public:
  // Null with the reason in `why`. Attempts and answers that a crash interrupted are due again.
  static std::unique_ptr<store> open(const std::string& path, std::string& why);
  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  // Commits when `work` returns true. False: nothing has happened. Not nested.
  bool transaction(const std::function<bool()>& work);
  [[nodiscard]] std::string error_text() const;

  bool put_template(const message_template& t);
  std::optional<message_template> get_template(const std::string& id);
  std::vector<std::string> template_ids(std::size_t limit);
  bool delete_template(const std::string& id);  // true also when there was none

  bool put_media(const std::string& id, const std::string& type, const std::string& name, std::string_view content);
  struct media {
    std::string type{}, name{}, content{};
  };
  std::optional<media> get_media(const std::string& id);

  // With its recipients, due at `due_ms`.
  bool insert_message(const message& m, std::int64_t due_ms);
  bool update_message(const message& m);  // all but recipients
  std::optional<message> get_message(const std::string& id);

  // Queued recipients of a group whose time has come, oldest first.
  std::vector<recipient_key> due(const std::string& group, std::int64_t now_ms, std::size_t limit);
  std::optional<std::int64_t> next_due();
  bool set_state(const recipient_key& k, recipient_state s, unsigned attempts, std::int64_t due_ms);
  bool set_carrier_id(const recipient_key& k, const std::string& carrier_id);
  std::optional<recipient_key> find_by_carrier_id(const std::string& carrier_id);
  // Those an interrupted attempt left behind; asked once, at the start.
  std::vector<recipient_key> interrupted();

  bool add_event(const std::string& message_id, const std::string& json);
  std::vector<std::string> events(const std::string& message_id);

  // What came in before, by peer, the peer's message id and recipient.
  bool is_known(const std::string& peer, const std::string& peer_ref, const std::string& recipient);
  std::optional<std::string> find_inbound(const std::string& peer, const std::string& peer_ref);
  bool remember_inbound(const std::string& peer, const std::string& peer_ref, const std::string& recipient,
                        const std::string& message_id, std::int64_t now_ms);

  bool add_callback(const callback& c);
  // Due ones; they are not due again before `until_ms`.
  std::vector<callback> take_callbacks(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit);
  bool finish_callback(const std::string& id);
  bool postpone_callback(const std::string& id, unsigned attempts, std::int64_t due_ms, bool is_dead);
  std::vector<callback> dead_callbacks(std::size_t limit);
  bool revive_callbacks(std::int64_t now_ms);

  bool add_answer(const answer_order& a);
  std::vector<answer_order> take_answers(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit);
  bool finish_answer(const std::string& id);
  bool postpone_answer(const std::string& id, unsigned attempts, std::int64_t due_ms);

  // Forgets messages made before `before_ms` and media nobody uses any more.
  bool purge(std::int64_t before_ms);
  struct counts {
    std::int64_t queued = 0, callbacks = 0, dead_callbacks = 0, answers = 0;
  };
  counts count();

 private:
  store() = default;
  bool execute(const char* sql);
  bool use_media(const std::string& owner, const message_template& t);
  bool drop_unused_media();

  sqlite3* db_ = nullptr;
};

}  // namespace msgkit::app::mms
