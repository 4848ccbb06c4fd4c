#include "mmsgw/store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mmsgw/model_json.hpp"

namespace msgkit::app::mms {
namespace {

constexpr std::int64_t code(recipient_state s) noexcept { return static_cast<std::int64_t>(s); }
std::int64_t integer(std::size_t n) noexcept { return static_cast<std::int64_t>(n); }

constexpr std::size_t index_digits = 4;

recipient_key key_of(sql_rows& rows, std::size_t i) {
  return {rows.text(i, 0), static_cast<std::size_t>(rows.number(i, 1))};
}

}  // namespace

std::string linked_peer(const std::string& gateway_name) { return "linked:" + gateway_name; }
std::string inline_message_id(std::string id) {
  if (id.size() < index_digits) return {};
  return id.replace(id.size() - index_digits, index_digits, index_digits, '0');
}
std::string inline_part_id(const std::string& message_id, std::size_t index) {
  return message_id.substr(0, message_id.size() - index_digits) + fmt::format("{:04x}", index + 1);
}

store::store(std::unique_ptr<database> db, std::string instance) : db_(std::move(db)), instance_(std::move(instance)) {}
store::~store() = default;

bool store::transaction(const std::function<bool()>& work) {
  if (!db_->begin()) return false;
  has_news_ = false;
  if (work() && (!has_news_ || is_alone_ || !is_shared() || db_->call(instance_)) && db_->commit()) return true;
  db_->rollback();
  return false;
}

bool store::part_of_transaction(const std::function<bool()>& work, bool& good) {
  if (!db_->savepoint()) return false;
  good = work();
  return good ? db_->release_savepoint() : db_->rollback_to_savepoint();
}

std::size_t store::changed(const char* sql, values v) {
  sql_rows rows;
  return db_->run(sql, v, &rows) ? rows.changed : 0;
}

// ---- templates and media

bool store::use_media(const std::string& owner, const message_template& t) {
  if (!run("DELETE FROM media_use WHERE owner = ?1", {owner})) return false;
  for (const auto& p : t.parts)
    if (!p.is_inline && !run("INSERT INTO media_use VALUES(?1, ?2) ON CONFLICT DO NOTHING", {owner, p.id}))
      return false;
  return true;
}

bool store::drop_unused_media() {
  return run("DELETE FROM media WHERE NOT EXISTS (SELECT 1 FROM media_use WHERE media_id = media.id)", {});
}

bool store::put_template(const message_template& t, std::int64_t now_ms) {
  return run("INSERT INTO template VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET changed_ms = excluded.changed_ms, "
             "body = excluded.body",
             {t.id, now_ms, to_text(t)}) &&
         use_media(t.id, t);
}

std::optional<message_template> store::get_template(const std::string& id) {
  sql_rows rows;
  if (!db_->run("SELECT body FROM template WHERE id = ?1", {id}, &rows) || rows.empty()) return std::nullopt;
  return template_from_text(rows.text(0, 0));
}

std::vector<std::string> store::template_ids(std::size_t limit) {
  std::vector<std::string> all;
  sql_rows rows;
  if (!db_->run("SELECT id FROM template ORDER BY id LIMIT ?1", {integer(limit)}, &rows)) return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(rows.text(i, 0));
  return all;
}

bool store::delete_template(const std::string& id) {
  return run("DELETE FROM template WHERE id = ?1", {id}) && run("DELETE FROM media_use WHERE owner = ?1", {id}) &&
         drop_unused_media();
}

bool store::put_part(const part& p, std::int64_t now_ms) {
  return run("INSERT INTO part VALUES(?1, ?2, ?3)", {p.id, now_ms, to_text(p)}) &&
         run("INSERT INTO media_use VALUES(?1, ?2)", {p.id, p.id});
}

std::optional<part> store::get_part(const std::string& id) {
  sql_rows rows;
  if (!db_->run("SELECT body FROM part WHERE id = ?1", {id}, &rows) || rows.empty()) return std::nullopt;
  return part_from_text(rows.text(0, 0));
}

bool store::put_media(const std::string& id, const std::string& type, const std::string& name,
                      std::string_view content) {
  return run("INSERT INTO media VALUES(?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE SET content = excluded.content",
             {id, type, name, sql_octets{content}});
}

std::optional<store::media> store::get_media(const std::string& id) {
  sql_rows rows;
  if (!db_->run("SELECT type, name, content FROM media WHERE id = ?1", {id}, &rows)) return std::nullopt;
  if (rows.empty()) return get_inline_media(id);
  return media{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2)};
}

std::optional<store::media> store::get_inline_media(const std::string& id) {
  sql_rows rows;
  if (!db_->run("SELECT body, contents FROM message WHERE id = ?1 AND contents IS NOT NULL", {inline_message_id(id)},
                &rows) ||
      rows.empty())
    return std::nullopt;
  const auto m = message_from_text(rows.text(0, 0));
  if (!m) return std::nullopt;
  const auto p = std::ranges::find_if(m->content.parts, [&](const part& one) { return one.is_inline && one.id == id; });
  const auto all = rows.text(0, 1);
  if (p == m->content.parts.end() || p->inline_at < 0 || static_cast<std::size_t>(p->inline_at) > all.size())
    return std::nullopt;
  return media{p->type, p->name,
               all.substr(static_cast<std::size_t>(p->inline_at), static_cast<std::size_t>(p->inline_octets))};
}

bool store::has_media(const std::string& id) {
  sql_rows rows;
  return db_->run("SELECT 1 FROM media WHERE id = ?1", {id}, &rows) && !rows.empty();
}

// ---- messages

bool store::insert_message(const message& m, std::int64_t due_ms) {
  has_news_ = has_news_ || !m.is_inbound;
  if (!run("INSERT INTO message(id, created_ms, inbound, body) VALUES(?1, ?2, ?3, ?4)",
           {m.id, m.created_ms, std::int64_t{m.is_inbound}, to_text(m)}))
    return false;
  if (m.is_inbound) return use_media(m.id, m.content);
  for (const auto& r : m.recipients) {
    const bool good = run(
        "INSERT INTO recipient(message_id, n, number, role, state, attempts, due_ms, grp, routed) VALUES(?1, ?2, ?3, "
        "?4, ?5, 0, ?6, ?7, ?8)",
        {m.id, integer(r.index), r.number, static_cast<std::int64_t>(r.role), code(r.state), due_ms,
         m.group.empty() ? r.group : m.group, std::int64_t{m.group.empty()}});
    if (!good) return false;
  }
  return use_media(m.id, m.content);
}

bool store::insert_inbound(const message& m, std::string_view contents) {
  if (contents.empty()) return insert_message(m, 0);
  return run("INSERT INTO message VALUES(?1, ?2, 1, ?3, ?4)", {m.id, m.created_ms, to_text(m), sql_octets{contents}});
}

bool store::update_message(const message& m) {
  return run("UPDATE message SET body = ?2 WHERE id = ?1", {m.id, to_text(m)});
}

bool store::update_content(const message& m) { return update_message(m) && use_media(m.id, m.content); }

std::optional<message> store::get_message(const std::string& id) {
  sql_rows rows;
  if (!db_->run("SELECT body FROM message WHERE id = ?1", {id}, &rows) || rows.empty()) return std::nullopt;
  auto m = message_from_text(rows.text(0, 0));
  if (!m || (m->is_inbound && !m->recipients.empty())) return m;  // those of version 1 have rows
  if (!db_->run("SELECT number, n, role, state, attempts, grp FROM recipient WHERE message_id = ?1 ORDER BY n", {id},
                &rows))
    return std::nullopt;
  for (std::size_t i = 0; i < rows.size(); ++i)
    m->recipients.push_back(
        {static_cast<std::size_t>(rows.number(i, 1)), rows.text(i, 0), static_cast<recipient_role>(rows.number(i, 2)),
         static_cast<recipient_state>(rows.number(i, 3)), static_cast<unsigned>(rows.number(i, 4)), rows.text(i, 5)});
  return m;
}

std::vector<std::string> store::message_ids(bool is_inbound, std::size_t limit) {
  std::vector<std::string> all;
  sql_rows rows;
  if (!db_->run("SELECT id FROM message WHERE inbound = ?1 ORDER BY created_ms DESC, id DESC LIMIT ?2",
                {std::int64_t{is_inbound}, integer(limit)}, &rows))
    return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(rows.text(i, 0));
  return all;
}

std::vector<std::string> store::message_page(const std::string& after, std::int64_t from_ms, std::int64_t to_ms,
                                             std::size_t limit) {
  std::vector<std::string> all;
  sql_rows rows;
  if (!db_->run("SELECT id FROM message WHERE id > ?1 AND created_ms >= ?2 AND created_ms < ?3 ORDER BY id LIMIT ?4",
                {after, from_ms, to_ms, integer(limit)}, &rows))
    return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(rows.text(i, 0));
  return all;
}

std::int64_t store::media_octets(const std::string& message_id) {
  std::int64_t beside = 0;
  if (const auto m = get_message(message_id))
    for (const auto& p : m->content.parts) beside += p.inline_octets;
  sql_rows rows;
  const bool good = db_->run(
      "SELECT coalesce(sum(length(m.content)), 0) FROM media_use u JOIN media m ON m.id = u.media_id WHERE u.owner = "
      "?1",
      {message_id}, &rows);
  return beside + (good && !rows.empty() ? rows.number(0, 0) : 0);
}

std::vector<recipient_key> store::due(const std::string& group, std::int64_t now_ms, std::size_t limit) {
  std::vector<recipient_key> all;
  sql_rows rows;
  if (!db_->run(
          "SELECT message_id, n FROM recipient WHERE state = 0 AND grp = ?1 AND due_ms <= ?2 ORDER BY due_ms LIMIT ?3",
          {group, now_ms, integer(limit)}, &rows))
    return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(key_of(rows, i));
  return all;
}

bool store::set_group(const recipient_key& k, const std::string& group) {
  has_news_ = true;
  return changed("UPDATE recipient SET grp = ?3 WHERE message_id = ?1 AND n = ?2 AND state = 0 AND grp = ''",
                 {k.message_id, integer(k.index), group}) == 1;
}

bool store::leave_group(const std::string& group) {
  return run("UPDATE recipient SET grp = '' WHERE grp = ?1 AND state = 0 AND routed = 1", {group});
}

std::optional<std::int64_t> store::next_due() {
  sql_rows rows;
  const bool good = db_->run(R"(SELECT min(due_ms), count(due_ms) FROM (
      SELECT min(due_ms) AS due_ms FROM recipient WHERE state = 0
      UNION ALL SELECT min(due_ms) FROM callback WHERE dead = 0
      UNION ALL SELECT min(due_ms) FROM answer) AS t)",
                             {}, &rows);
  if (!good || rows.empty() || rows.number(0, 1) == 0) return std::nullopt;
  return rows.number(0, 0);
}

bool store::claim(const recipient_key& k, unsigned attempts, std::int64_t now_ms) {
  return changed(
             "UPDATE recipient SET state = 1, attempts = ?3, due_ms = 0, owner = ?4 WHERE message_id = ?1 AND n = ?2 "
             "AND state = 0 AND due_ms <= ?5",
             {k.message_id, integer(k.index), integer(attempts), instance_, now_ms}) == 1;
}

bool store::set_state(const recipient_key& k, recipient_state from, recipient_state to, unsigned attempts,
                      std::int64_t due_ms) {
  has_news_ = has_news_ || to == recipient_state::queued;
  return changed(
             "UPDATE recipient SET state = ?3, attempts = ?4, due_ms = ?5, owner = NULL, grp = CASE WHEN CAST(?3 AS "
             "BIGINT) = 0 AND routed = 1 THEN '' ELSE grp END WHERE message_id = ?1 AND n = ?2 AND state = ?6",
             {k.message_id, integer(k.index), code(to), integer(attempts), due_ms, code(from)}) == 1;
}

bool store::set_carrier_id(const recipient_key& k, const std::string& carrier_id) {
  return run("UPDATE recipient SET carrier_id = ?3 WHERE message_id = ?1 AND n = ?2",
             {k.message_id, integer(k.index), carrier_id});
}

std::string store::carrier_id_of(const recipient_key& k) {
  sql_rows rows;
  const bool good = db_->run("SELECT carrier_id FROM recipient WHERE message_id = ?1 AND n = ?2",
                             {k.message_id, integer(k.index)}, &rows);
  return good && !rows.empty() ? rows.text(0, 0) : std::string();
}

std::optional<recipient_key> store::find_by_carrier_id(const std::string& carrier_id) {
  sql_rows rows;
  if (!db_->run("SELECT message_id, n FROM recipient WHERE carrier_id = ?1", {carrier_id}, &rows) || rows.empty())
    return std::nullopt;
  return key_of(rows, 0);
}

bool store::keep_early(const std::string& carrier_id, std::int64_t now_ms, const std::string& body) {
  return run("INSERT INTO early(carrier_id, at_ms, body) VALUES(?1, ?2, ?3)", {carrier_id, now_ms, body});
}

bool store::take_early(const std::string& carrier_id, std::vector<std::string>& bodies) {
  sql_rows rows;
  if (!db_->run("SELECT body FROM early WHERE carrier_id = ?1 ORDER BY n", {carrier_id}, &rows)) return false;
  if (rows.empty()) return true;
  for (std::size_t i = 0; i < rows.size(); ++i) bodies.push_back(rows.text(i, 0));
  return run("DELETE FROM early WHERE carrier_id = ?1", {carrier_id});
}

bool store::has_open_attempts(const std::string& group) {
  sql_rows rows;
  return db_->run("SELECT 1 FROM recipient WHERE grp = ?1 AND (state = 1 OR (state = 0 AND attempts > 0)) LIMIT 1",
                  {group}, &rows) &&
         !rows.empty();
}

// ---- processes

bool store::beat(std::int64_t now_ms, std::int64_t before_ms) {
  if (!is_shared()) before_ms = now_ms;  // whoever has the file is alone
  sql_rows others;
  const bool is_first = std::exchange(is_first_beat_, false);
  const bool good = transaction([&] {
    has_news_ = is_first;
    return run("INSERT INTO instance VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET seen_ms = excluded.seen_ms",
               {instance_, now_ms}) &&
           run("DELETE FROM instance WHERE seen_ms < ?1 AND id <> ?2", {before_ms, instance_}) &&
           run("UPDATE callback SET due_ms = 0, owner = NULL WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM "
               "instance)",
               {}) &&
           run("UPDATE answer SET due_ms = 0, owner = NULL WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM "
               "instance)",
               {}) &&
           db_->run("SELECT 1 FROM instance WHERE id <> ?1 LIMIT 1", {instance_}, &others);
  });
  if (good) is_alone_ = others.empty();
  return good;
}

std::vector<recipient_key> store::interrupted(std::size_t limit) {
  std::vector<recipient_key> all;
  sql_rows rows;
  if (!db_->run(
          "SELECT message_id, n FROM recipient WHERE state = 1 AND owner NOT IN (SELECT id FROM instance) LIMIT ?1",
          {integer(limit)}, &rows))
    return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(key_of(rows, i));
  return all;
}

// ---- events

bool store::add_event(const std::string& message_id, const std::string& json) {
  return run("INSERT INTO event(message_id, body) VALUES(?1, ?2)", {message_id, json});
}

std::vector<std::string> store::events(const std::string& message_id) {
  std::vector<std::string> all;
  sql_rows rows;
  if (const auto m = get_message(message_id); m && !m->first_event.empty()) all.push_back(m->first_event);
  if (!db_->run("SELECT body FROM event WHERE message_id = ?1 ORDER BY n", {message_id}, &rows)) return all;
  for (std::size_t i = 0; i < rows.size(); ++i) all.push_back(rows.text(i, 0));
  return all;
}

// ---- what came in before

std::optional<std::string> store::find_inbound(const std::string& peer, const std::string& peer_ref) {
  sql_rows rows;
  if (!db_->run("SELECT message_id FROM inbound WHERE peer = ?1 AND peer_ref = ?2 LIMIT 1", {peer, peer_ref}, &rows) ||
      rows.empty())
    return std::nullopt;
  return rows.text(0, 0);
}

std::optional<bool> store::remember_inbound(const std::string& peer, const std::string& peer_ref,
                                            const std::string& recipient, const std::string& message_id,
                                            std::int64_t now_ms) {
  sql_rows rows;
  if (!db_->run("INSERT INTO inbound VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                {peer, peer_ref, recipient, message_id, now_ms}, &rows))
    return std::nullopt;
  return rows.changed == 1;
}

// ---- callbacks and answers

bool store::add_callback(const callback& c) {
  return run("INSERT INTO callback VALUES(?1, ?2, ?3, 0, 0, 0, NULL)", {c.id, c.url, c.body});
}

std::vector<callback> store::take_callbacks(std::int64_t now_ms, std::int64_t until_ms, std::size_t limit) {
  std::vector<callback> all;
  sql_rows rows;
  if (!db_->run("SELECT id, url, body, attempts FROM callback WHERE dead = 0 AND due_ms <= ?1 ORDER BY due_ms LIMIT ?2",
                {now_ms, integer(limit)}, &rows) ||
      rows.empty())
    return all;
  const bool good = transaction([&] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      callback c{rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), static_cast<unsigned>(rows.number(i, 3))};
      if (changed("UPDATE callback SET due_ms = ?2, owner = ?3 WHERE id = ?1 AND due_ms <= ?4",
                  {c.id, until_ms, instance_, now_ms}) == 1)
        all.push_back(std::move(c));
    }
    return true;
  });
  if (!good) all.clear();
  return all;
}

bool store::finish_callback(const std::string& id) { return run("DELETE FROM callback WHERE id = ?1", {id}); }

bool store::postpone_callback(const std::string& id, unsigned attempts, std::int64_t due_ms, bool is_dead) {
  return run("UPDATE callback SET attempts = ?2, due_ms = ?3, dead = ?4, owner = NULL WHERE id = ?1",
             {id, integer(attempts), due_ms, std::int64_t{is_dead}});
}

std::vector<callback> store::dead_callbacks(std::size_t limit) {
  std::vector<callback> all;
  sql_rows rows;
  if (!db_->run("SELECT id, url, body, attempts FROM callback WHERE dead = 1 ORDER BY id LIMIT ?1", {integer(limit)},
                &rows))
    return all;
  for (std::size_t i = 0; i < rows.size(); ++i)
    all.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), static_cast<unsigned>(rows.number(i, 3))});
  return all;
}

bool store::revive_callbacks(std::int64_t now_ms) {
  return run("UPDATE callback SET dead = 0, attempts = 0, due_ms = ?1 WHERE dead = 1", {now_ms});
}

bool store::add_answer(const answer_order& a) {
  has_news_ = true;
  return run("INSERT INTO answer VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, NULL)",
             {a.id, a.message_id, a.gateway, static_cast<std::int64_t>(a.kind), a.recipient, a.code, a.description});
}

std::vector<answer_order> store::take_answers(const std::string& gateway, std::int64_t now_ms, std::int64_t until_ms,
                                              std::size_t limit) {
  std::vector<answer_order> all;
  sql_rows rows;
  if (!db_->run("SELECT id, message_id, kind, recipient, code, description, attempts FROM answer WHERE gateway = ?1 "
                "AND due_ms <= ?2 "
                "ORDER BY due_ms LIMIT ?3",
                {gateway, now_ms, integer(limit)}, &rows) ||
      rows.empty())
    return all;
  const bool good = transaction([&] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      answer_order a{rows.text(i, 0), rows.text(i, 1), gateway,         static_cast<answer_kind>(rows.number(i, 2)),
                     rows.text(i, 3), rows.text(i, 4), rows.text(i, 5), static_cast<unsigned>(rows.number(i, 6))};
      if (changed("UPDATE answer SET due_ms = ?2, owner = ?3 WHERE id = ?1 AND due_ms <= ?4",
                  {a.id, until_ms, instance_, now_ms}) == 1)
        all.push_back(std::move(a));
    }
    return true;
  });
  if (!good) all.clear();
  return all;
}

bool store::finish_answer(const std::string& id) { return run("DELETE FROM answer WHERE id = ?1", {id}); }

bool store::postpone_answer(const std::string& id, unsigned attempts, std::int64_t due_ms) {
  return run("UPDATE answer SET attempts = ?2, due_ms = ?3, owner = NULL WHERE id = ?1",
             {id, integer(attempts), due_ms});
}

// ---- housekeeping

// Of a row of id, inbound, body.
bool store::drop_message(sql_rows& rows, std::size_t i) {
  const auto id = rows.text(i, 0);
  if (rows.number(i, 1) != 0) {
    const auto m = message_from_text(rows.text(i, 2));
    const auto forget = [&](const std::string& peer, const std::string& ref) {
      return ref.empty() ||
             run("DELETE FROM inbound WHERE peer = ?1 AND peer_ref = ?2 AND message_id = ?3", {peer, ref, id});
    };
    if (m && !(forget(m->gateway_id, m->peer_ref) && forget(linked_peer(m->gateway_id), m->linked_id))) return false;
  }
  return run("DELETE FROM recipient WHERE message_id = ?1", {id}) &&
         run("DELETE FROM event WHERE message_id = ?1", {id}) && run("DELETE FROM media_use WHERE owner = ?1", {id}) &&
         run("DELETE FROM message WHERE id = ?1", {id});
}

bool store::purge(std::int64_t messages_before_ms, std::int64_t templates_before_ms, bool& more) {
  constexpr std::size_t batch = 500;
  more = false;
  return transaction([&] {
    sql_rows rows;
    if (!db_->run("SELECT id, inbound, body FROM message WHERE created_ms < ?1 ORDER BY created_ms LIMIT ?2",
                  {messages_before_ms, integer(batch)}, &rows))
      return false;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!drop_message(rows, i)) return false;
    if (rows.size() == batch) return more = true;
    return run("DELETE FROM early WHERE at_ms < ?1", {messages_before_ms}) &&
           run("DELETE FROM media_use WHERE owner IN (SELECT id FROM template WHERE changed_ms < ?1)",
               {templates_before_ms}) &&
           run("DELETE FROM template WHERE changed_ms < ?1", {templates_before_ms}) &&
           run("DELETE FROM media_use WHERE owner IN (SELECT id FROM part WHERE changed_ms < ?1)",
               {templates_before_ms}) &&
           run("DELETE FROM part WHERE changed_ms < ?1", {templates_before_ms}) && drop_unused_media();
  });
}

store::counts store::count() {
  sql_rows rows;
  const bool good = db_->run(
      R"(SELECT (SELECT count(*) FROM recipient WHERE state = 0), (SELECT count(*) FROM callback WHERE dead = 0),
                                       (SELECT count(*) FROM callback WHERE dead = 1), (SELECT count(*) FROM answer))",
      {}, &rows);
  if (!good || rows.empty()) return {};
  return {rows.number(0, 0), rows.number(0, 1), rows.number(0, 2), rows.number(0, 3)};
}

}  // namespace msgkit::app::mms
