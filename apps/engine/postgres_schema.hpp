// Every word of SQL the PostgreSQL store says. Constants only: nothing is ever put into them.
#pragma once

#include <array>

namespace msgkit::engine {

// Our statements all go through an index. The planner is told so, because before the first ANALYZE of a table that was
// empty a moment ago it would read it from end to end. A commit must be on disk when it returns, whatever the server's
// default. A client that has gone without a word is noticed within half a minute.
constexpr const char* postgres_limits =
    "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),"
    " set_config('idle_in_transaction_session_timeout', $1, false), set_config('enable_seqscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),"
    " set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false),"
    " set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    "   THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

// Version n is reached by running the first n migrations; each is one transaction and may run in two gateways at once.
constexpr const char* postgres_version_table =
    "BEGIN; SELECT pg_advisory_xact_lock(1836279659);"
    "CREATE TABLE IF NOT EXISTS msgkit_schema(version integer PRIMARY KEY); COMMIT";
constexpr const char* postgres_read_version = "SELECT coalesce(max(version), 0) FROM msgkit_schema";

constexpr std::array<const char*, 5> postgres_migrations{
    // Room in the pages lets an update of progress stay in its page and leave the indexes alone.
    R"(BEGIN;
    SELECT pg_advisory_xact_lock(1836279659);
    CREATE TABLE IF NOT EXISTS msgkit_instance(
      number smallint PRIMARY KEY CHECK (number BETWEEN 0 AND 1023), name text NOT NULL UNIQUE,
      epoch bigint NOT NULL, lease_until timestamptz NOT NULL) WITH (fillfactor = 20);
    CREATE TABLE IF NOT EXISTS msgkit_message(
      id bigint PRIMARY KEY, owner smallint NOT NULL, settled boolean NOT NULL,
      progress bytea NOT NULL, content bytea NOT NULL) WITH (fillfactor = 60);
    ALTER TABLE msgkit_message ALTER content SET STORAGE EXTERNAL, ALTER progress SET STORAGE PLAIN;
    CREATE INDEX IF NOT EXISTS msgkit_message_active ON msgkit_message(owner, id) WHERE NOT settled;
    INSERT INTO msgkit_schema VALUES(1) ON CONFLICT DO NOTHING;
    COMMIT)",
    R"(BEGIN;
    SELECT pg_advisory_xact_lock(1836279659);
    CREATE TABLE IF NOT EXISTS msgkit_fact(key bytea PRIMARY KEY, expires bigint, value bytea NOT NULL) WITH (fillfactor = 70);
    CREATE INDEX IF NOT EXISTS msgkit_fact_expires ON msgkit_fact(expires) WHERE expires IS NOT NULL;
    INSERT INTO msgkit_schema VALUES(2) ON CONFLICT DO NOTHING;
    COMMIT)",
    // Sessions end with the server anyway; the inbox holds reports that were acknowledged.
    R"(BEGIN;
    SELECT pg_advisory_xact_lock(1836279659);
    CREATE UNLOGGED TABLE IF NOT EXISTS msgkit_session(
      endpoint text NOT NULL, instance smallint NOT NULL, PRIMARY KEY(instance, endpoint));
    CREATE TABLE IF NOT EXISTS msgkit_inbox(
      seq bigserial PRIMARY KEY, receiver smallint NOT NULL, message bigint, octets bytea);
    CREATE INDEX IF NOT EXISTS msgkit_inbox_receiver ON msgkit_inbox(receiver, seq);
    INSERT INTO msgkit_schema VALUES(3) ON CONFLICT DO NOTHING;
    COMMIT)",
    // The index of numbers knows every message from `numbers_from` on. Who does not write into it is still here while an
    // instance that lives does not say `indexes`: those of an older version leave that as it is.
    R"(BEGIN;
    SELECT pg_advisory_xact_lock(1836279659);
    CREATE TABLE IF NOT EXISTS msgkit_number(day integer, number bigint, id bigint, PRIMARY KEY(day, number, id));
    CREATE TABLE IF NOT EXISTS msgkit_setting(name text PRIMARY KEY, value bigint NOT NULL);
    ALTER TABLE msgkit_instance ADD COLUMN IF NOT EXISTS indexes boolean NOT NULL DEFAULT false;
    INSERT INTO msgkit_schema VALUES(4) ON CONFLICT DO NOTHING;
    COMMIT)",
    // The index as runs: a row for each write, merged into sorted runs by whoever wrote enough. Instances of an older
    // version use no index any more, because ours say that they do not write into theirs.
    R"(BEGIN;
    SELECT pg_advisory_xact_lock(1836279659);
    CREATE TABLE IF NOT EXISTS msgkit_number_new(
      seq bigserial PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL, entries bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS msgkit_number_run(run bigserial PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS msgkit_number_run_last ON msgkit_number_run(last, run);
    CREATE TABLE IF NOT EXISTS msgkit_number_slot(
      run bigint, slot smallint, entries bytea NOT NULL, PRIMARY KEY(run, slot));
    ALTER TABLE msgkit_number_new ALTER entries SET STORAGE EXTERNAL;
    ALTER TABLE msgkit_number_slot ALTER entries SET STORAGE EXTERNAL;
    ALTER TABLE msgkit_instance ADD COLUMN IF NOT EXISTS keeps_runs boolean NOT NULL DEFAULT false;
    INSERT INTO msgkit_schema VALUES(5) ON CONFLICT DO NOTHING;
    COMMIT)"};

// Run by everybody who joins: the table of version 4 goes once nobody who lives writes into it.
constexpr const char* postgres_drop_old_numbers =
    R"(DO $$ BEGIN
      IF to_regclass('msgkit_number') IS NOT NULL AND EXISTS(SELECT FROM msgkit_setting WHERE name = 'runs_from') THEN
        DROP TABLE IF EXISTS msgkit_number;
      END IF;
    END $$)";

struct postgres_statement {
  const char* name;
  const char* text;
};
constexpr postgres_statement postgres_statements[] = {
    // First in every write: locks our row at our epoch until the transaction ends, or ends it with division_by_zero.
    {"hold", "WITH held AS MATERIALIZED (SELECT 1 FROM msgkit_instance WHERE number = $1::bigint AND epoch = $2::bigint"
             " FOR SHARE) SELECT 1 / count(*) FROM held"},
    {"insert", "INSERT INTO msgkit_message(owner, id, settled, progress, content) SELECT $1::bigint, v.*"
               " FROM unnest($2::bigint[], $3::boolean[], $4::bytea[], $5::bytea[]) AS v"},
    {"update", "UPDATE msgkit_message m SET settled = v.settled, progress = v.progress"
               " FROM unnest($1::bigint[], $2::boolean[], $3::bytea[]) AS v(id, settled, progress) WHERE m.id = v.id"},
    {"replace", "UPDATE msgkit_message m SET settled = v.settled, progress = v.progress, content = v.content"
                " FROM unnest($2::bigint[], $3::boolean[], $4::bytea[], $5::bytea[]) AS v(id, settled, progress, content)"
                " WHERE m.id = v.id AND m.owner = $1::bigint"},
    // Nobody works on these any more, whoever did.
    {"erase", "UPDATE msgkit_message m SET progress = v.progress, content = v.content"
              " FROM unnest($2::bigint[], $3::boolean[], $4::bytea[], $5::bytea[]) AS v(id, settled, progress, content)"
              " WHERE m.id = v.id AND m.settled AND $1::bigint >= 0"},
    {"remove", "DELETE FROM msgkit_message WHERE id = ANY($1::bigint[])"},
    {"purge", "DELETE FROM msgkit_message WHERE id IN (SELECT id FROM msgkit_message WHERE id < $1::bigint AND settled"
              " ORDER BY id LIMIT $2::bigint FOR UPDATE SKIP LOCKED)"},
    {"load", "SELECT id, progress, content FROM msgkit_message WHERE owner = $1::bigint AND NOT settled AND id > $2::bigint"
             " ORDER BY id LIMIT $3::bigint"},
    {"browse", "SELECT id, progress, content FROM msgkit_message WHERE id >= $1::bigint AND id < $2::bigint"
               " ORDER BY id DESC LIMIT $3::bigint"},
    {"index", "INSERT INTO msgkit_number_new(first, last, entries) SELECT $1::bigint, $2::bigint, v FROM unnest($3::bytea[]) AS v"},
    {"unmerged", "SELECT coalesce(sum(length(entries)), 0)::bigint FROM msgkit_number_new"},
    // The oldest up to so many octets.
    {"take_new", "DELETE FROM msgkit_number_new WHERE seq IN (SELECT seq FROM msgkit_number_new WHERE seq <= (SELECT"
                 " coalesce(max(seq) FILTER (WHERE octets <= $1::bigint), min(seq)) FROM (SELECT seq, sum(length(entries))"
                 " OVER (ORDER BY seq) AS octets FROM msgkit_number_new) AS n) ORDER BY seq FOR UPDATE SKIP LOCKED) RETURNING entries"},
    {"add_run", "INSERT INTO msgkit_number_run(first, last) VALUES($1::bigint, $2::bigint)"},
    {"add_slots", "INSERT INTO msgkit_number_slot SELECT (SELECT currval(pg_get_serial_sequence('msgkit_number_run', 'run'))), v.*"
                  " FROM unnest($1::bigint[], $2::bytea[]) AS v"},
    // Two that forget would lock the same rows in different order. Nobody who holds this waits for another.
    {"forgets", "SELECT pg_advisory_xact_lock('msgkit_number_run'::regclass::oid::bigint::integer, 0)"},
    // An entry among those that wait for a run, then in runs, so that a run made at the same time is seen.
    {"forget_new", "UPDATE msgkit_number_new n SET entries = overlay(n.entries placing '' from position(v IN n.entries) for length(v))"
                   " FROM unnest($2::bytea[]) AS v WHERE n.first <= $1::bigint AND n.last >= $1::bigint"
                   " AND position(v IN n.entries) % length(v) = 1"},
    {"forget", "UPDATE msgkit_number_slot s SET entries = overlay(s.entries placing '' from position(v IN s.entries) for length(v))"
               " FROM unnest($3::bytea[]) AS v, msgkit_number_run r WHERE r.first <= $1::bigint AND r.last >= $1::bigint"
               " AND s.run = r.run AND s.slot = $2::bigint AND position(v IN s.entries) % length(v) = 1"},
    {"forget_runs", "WITH gone AS (DELETE FROM msgkit_number_run WHERE run IN (SELECT run FROM msgkit_number_run"
                    " WHERE last < $1::bigint ORDER BY last LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING run)"
                    " DELETE FROM msgkit_number_slot s USING gone WHERE s.run = gone.run"},
    {"unmerged_between", "SELECT entries FROM msgkit_number_new WHERE last >= $1::bigint AND first < $2::bigint ORDER BY seq"},
    {"slots", "SELECT r.last, r.run, s.entries FROM (SELECT run, last FROM msgkit_number_run WHERE last >= $2::bigint"
              " AND first < $3::bigint AND (last, run) < ($4::bigint, $5::bigint) ORDER BY last DESC, run DESC LIMIT $6::bigint) AS r"
              " LEFT JOIN msgkit_number_slot s ON s.run = r.run AND s.slot = $1::bigint ORDER BY r.last DESC, r.run DESC"},
    {"find_all", "SELECT id, progress, content FROM msgkit_message WHERE id = ANY($1::bigint[]) ORDER BY id DESC"},
    {"indexed", "SELECT coalesce((SELECT value FROM msgkit_setting WHERE name = 'runs_from'), -1),"
                " coalesce((SELECT min(id) FROM msgkit_message), -1)"},
    // Once all that write also index. Those that come later are new messages; a minute is for clocks that differ.
    {"index_from", "INSERT INTO msgkit_setting SELECT 'runs_from', $1::bigint WHERE NOT EXISTS (SELECT FROM msgkit_instance"
                   " WHERE NOT keeps_runs AND lease_until > '-infinity') ON CONFLICT DO NOTHING"},
    // Everything before is indexed anew, so what is there of it from an earlier time goes.
    {"restart_new", "DELETE FROM msgkit_number_new WHERE last < $1::bigint"
                    " AND EXISTS (SELECT FROM msgkit_setting WHERE name = 'runs_from' AND value = $1::bigint)"},
    {"restart_runs", "WITH gone AS (DELETE FROM msgkit_number_run WHERE last < $1::bigint AND EXISTS (SELECT FROM"
                     " msgkit_setting WHERE name = 'runs_from' AND value = $1::bigint) RETURNING run)"
                     " DELETE FROM msgkit_number_slot s USING gone WHERE s.run = gone.run"},
    // Several instances may read the same messages; the entries of one of them get in.
    {"index_old", "WITH moved AS (UPDATE msgkit_setting SET value = $1::bigint WHERE name = 'runs_from' AND value = $2::bigint"
                  " RETURNING 1) INSERT INTO msgkit_number_new(first, last, entries) SELECT $3::bigint, $4::bigint, v"
                  " FROM moved, unnest($5::bytea[]) AS v"},
    {"says_indexes", "UPDATE msgkit_instance SET indexes = false, keeps_runs = $2::bigint <> 0 WHERE number = $1::bigint"},
    {"not_indexed", "DELETE FROM msgkit_setting WHERE name = 'numbers_from' OR (name = 'runs_from' AND $1::bigint = 0)"},
    {"find", "SELECT id, progress, content FROM msgkit_message WHERE id = $1::bigint"},
    {"last", "SELECT coalesce(max(id), 0) FROM msgkit_message"},

    {"begin", "BEGIN"},
    {"commit", "COMMIT"},
    // In ascending order, so that two instances never wait for each other. Held until the transaction ends.
    {"lock", "SELECT pg_advisory_xact_lock('msgkit_fact'::regclass::oid::bigint::integer, n::integer)"
             " FROM unnest($1::bigint[]) AS n"},
    {"facts", "SELECT key, coalesce(expires, 0), value FROM msgkit_fact WHERE key = ANY($1::bytea[])"},
    {"put", "INSERT INTO msgkit_fact SELECT v.key, nullif(v.expires, 0), v.value"
            " FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS v(key, expires, value)"
            " ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, value = excluded.value"},
    {"drop", "DELETE FROM msgkit_fact WHERE key = ANY($1::bytea[])"},
    {"scan", "SELECT key, coalesce(expires, 0), value FROM msgkit_fact WHERE key >= $1::bytea AND key < $2::bytea"
             " AND key > $3::bytea ORDER BY key LIMIT $4::bigint"},
    {"overdue", "SELECT key FROM msgkit_fact WHERE expires < $3::bigint AND key >= $1::bytea AND key < $2::bytea"
                " ORDER BY expires LIMIT $4::bigint"},
    {"purge_facts", "DELETE FROM msgkit_fact WHERE key IN (SELECT key FROM msgkit_fact WHERE expires < $1::bigint"
                    " AND NOT (key >= $2::bytea AND key < $3::bytea) ORDER BY expires LIMIT $4::bigint FOR UPDATE SKIP LOCKED)"},
    {"count_facts", "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'msgkit_fact'::regclass"},

    // Between instances. One channel for each set of tables; who is not meant looks in vain, which is cheap.
    {"channel", "SELECT 'msgkit_' || 'msgkit_inbox'::regclass::oid::text"},
    {"call", "SELECT pg_notify('msgkit_' || 'msgkit_inbox'::regclass::oid::text, convert_from($1::bytea, 'UTF8'))"},
    {"give", "UPDATE msgkit_message m SET owner = v.receiver FROM unnest($2::bigint[], $3::bigint[]) AS v(id, receiver)"
             " WHERE m.id = v.id AND m.owner = $1::bigint"},
    {"announce_given", "INSERT INTO msgkit_inbox(receiver, message) SELECT v.receiver, v.id"
                       " FROM unnest($1::bigint[], $2::bigint[]) AS v(id, receiver)"},
    {"note", "INSERT INTO msgkit_inbox(receiver, octets) SELECT v.receiver, v.octets"
             " FROM unnest($1::bigint[], $2::bytea[]) AS v(receiver, octets)"},
    {"intake", "WITH mine AS MATERIALIZED (SELECT seq FROM msgkit_inbox WHERE receiver = $1::bigint ORDER BY seq LIMIT $2::bigint),"
               " taken AS (DELETE FROM msgkit_inbox i USING mine WHERE i.seq = mine.seq RETURNING i.seq, i.message, i.octets)"
               " SELECT coalesce(t.message, 0), m.progress, m.content, t.octets, m.id IS NOT NULL FROM taken t"
               " LEFT JOIN msgkit_message m ON m.id = t.message AND m.owner = $1::bigint AND NOT m.settled ORDER BY t.seq"},
    {"present", "INSERT INTO msgkit_session SELECT convert_from(v.endpoint, 'UTF8'), $1::bigint FROM unnest($2::bytea[]) AS v(endpoint)"
                " ON CONFLICT DO NOTHING"},
    {"absent", "DELETE FROM msgkit_session s USING unnest($2::bytea[]) AS v(endpoint)"
               " WHERE s.instance = $1::bigint AND s.endpoint = convert_from(v.endpoint, 'UTF8')"},
    {"absent_all", "DELETE FROM msgkit_session WHERE instance = $1::bigint"},
    {"others", "SELECT number FROM msgkit_instance i WHERE number <> $1::bigint AND (lease_until > clock_timestamp()"
               " OR EXISTS (SELECT FROM msgkit_message m WHERE m.owner = i.number AND NOT m.settled)) ORDER BY number"},
    {"bound", "SELECT s.endpoint, s.instance FROM msgkit_instance i JOIN msgkit_session s ON s.instance = i.number"
              " WHERE i.number <> $1::bigint AND i.lease_until > clock_timestamp() ORDER BY s.endpoint, s.instance"},
    // Notes for one that is gone; not before its messages have been taken over, or they would find nothing.
    {"inherit", "UPDATE msgkit_inbox SET receiver = $1::bigint WHERE message IS NULL AND receiver IN (SELECT number"
                " FROM msgkit_instance i WHERE i.number <> $1::bigint AND i.lease_until = '-infinity'"
                " AND NOT EXISTS (SELECT FROM msgkit_message m WHERE m.owner = i.number AND NOT m.settled))"},

    {"enrol", "INSERT INTO msgkit_instance SELECT min(n), $1::text, 0, '-infinity'::timestamptz FROM generate_series(0, 1023) AS n"
              " WHERE $2::bigint > 0 AND NOT EXISTS (SELECT FROM msgkit_instance WHERE number = n)"
              " AND NOT EXISTS (SELECT FROM msgkit_instance WHERE name = $1::text) HAVING min(n) IS NOT NULL"
              " ON CONFLICT DO NOTHING"},
    // The table's own id keeps databases with several schemas apart.
    {"join", "UPDATE msgkit_instance SET epoch = epoch + 1, lease_until = clock_timestamp() + $2::bigint * interval '1 ms'"
             " WHERE name = $1::text AND (pg_try_advisory_lock('msgkit_instance'::regclass::oid::bigint::integer, number)"
             " OR lease_until < clock_timestamp()) RETURNING number, epoch"},
    {"leave", "UPDATE msgkit_instance SET lease_until = '-infinity' WHERE number = $1::bigint AND epoch = $2::bigint"},
    {"renew", "UPDATE msgkit_instance SET lease_until = clock_timestamp() + $3::bigint * interval '1 ms'"
              " WHERE number = $1::bigint AND epoch = $2::bigint"},
    // Those who were silent for too long are shut out. One in the middle of a commit holds its row and is passed over.
    {"fence", "UPDATE msgkit_instance SET epoch = epoch + 1, lease_until = '-infinity' WHERE number IN"
              " (SELECT number FROM msgkit_instance WHERE number <> $1::bigint AND lease_until < clock_timestamp()"
              " AND lease_until > '-infinity' FOR UPDATE SKIP LOCKED)"},
    // From those shut out and those that have left. Their rows are locked, so that none comes back in the meantime. The
    // last conditions are for another taker that committed since our snapshot: they are judged on the row as it is now.
    {"adopt", "WITH gone AS MATERIALIZED (SELECT number FROM msgkit_instance WHERE number <> $1::bigint"
              " AND lease_until = '-infinity' FOR UPDATE SKIP LOCKED), taken AS MATERIALIZED (SELECT a.id, gone.number FROM gone"
              " CROSS JOIN LATERAL (SELECT id FROM msgkit_message WHERE owner = gone.number AND NOT settled"
              " ORDER BY id LIMIT $2::bigint) AS a LIMIT $2::bigint)"
              " UPDATE msgkit_message m SET owner = $1::bigint FROM taken WHERE m.id = taken.id"
              " AND m.owner = taken.number AND NOT m.settled"
              " RETURNING m.id, m.progress, m.content"},
};

}  // namespace msgkit::engine
