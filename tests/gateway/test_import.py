"""msggw import: a database as Gomsggw leaves it, made here, becomes clients, numbers and carriers that work."""
import base64
import hashlib
import os
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import basic  # noqa: E402
from gateway import binary  # noqa: E402
import test_api  # noqa: E402
from postgres import Postgres  # noqa: E402

KEY = "their encryption key"
SCHEMA = """
CREATE TABLE clients(id integer PRIMARY KEY, username text, password text, address text, name text, type text,
  timezone text, log_privacy boolean);
CREATE TABLE client_settings(id integer PRIMARY KEY, client_id integer, auth_method text, api_format text,
  default_webhook text, webhook_retries integer, sms_daily_limit bigint, limit_both boolean);
CREATE TABLE client_numbers(id integer PRIMARY KEY, client_id integer, number text, carrier text, tag text, "group" text,
  ignore_stop_cmd_sending boolean, web_hook text);
CREATE TABLE number_settings(id integer PRIMARY KEY, number_id integer, sms_burst_limit bigint,
  auto_reply_enabled boolean, auto_reply_message text, auto_reply_cooldown_sec integer);
CREATE TABLE client_failovers(id integer PRIMARY KEY, primary_client_id integer, fallback_client_id integer,
  priority integer, enabled boolean);
CREATE TABLE carriers(id integer PRIMARY KEY, name text, type text, username text, password text, uuid text,
  profile_id text);
CREATE TABLE tenant_api_keys(id integer PRIMARY KEY, client_id integer, name text, key_hash text, key_prefix text,
  scopes text, rate_limit integer, active boolean, expires_at text);
CREATE TABLE api_key_numbers(id integer PRIMARY KEY, api_key_id integer, number_id integer, number text);
"""


API_KEY = "gw_live_" + "5f" * 32


def key_hash(key):
    return hashlib.sha256(key.encode()).hexdigest()


def sealed(text, key=KEY):
    """As theirs: base64 of an initialisation vector and AES-256-CFB under the key, filled up with zero octets."""
    vector = os.urandom(16)
    done = subprocess.run(["openssl", "enc", "-aes-256-cfb", "-K", key.encode().ljust(32, b"\0")[:32].hex(), "-iv",
                           vector.hex()], input=text.encode(), capture_output=True, check=True)
    return base64.b64encode(vector + done.stdout).decode()


def rows(key=KEY):
    """(table, values) of everything."""
    return [
        ("carriers", (1, "tw", "twilio", sealed("AC1", key), sealed("token-1", key), "5f", "")),
        ("carriers", (2, "ovp", "onevoiceplus", sealed("u", key), sealed("p", key), "60", "")),
        ("clients", (4, "alice", sealed("secret-3", key), "192.0.2.1", "Alice & Co", "legacy", "America/Vancouver", True)),
        ("clients", (9, "shop", sealed("långt lösenord", key), "", "", "web", "UTC", False)),
        ("client_settings", (1, 9, "basic", "generic", "https://shop.example/hook", 4, 500, True)),
        ("client_numbers", (31, 4, "15550001", "tw", "t", "g", False, "")),
        ("client_numbers", (32, 9, "+15550002", "ovp", "", "", True, "https://shop.example/two")),
        ("client_numbers", (33, 77, "15550003", "tw", "", "", False, "")),
        ("number_settings", (1, 32, 5, True, "we are closed", 90)),
        ("client_failovers", (1, 4, 9, 2, True)),
        ("tenant_api_keys", (1, 9, "all", key_hash(API_KEY), API_KEY[:16], "send,usage", 60, True, "2999-01-31 12:00:00+00")),
        ("tenant_api_keys", (2, 9, "one number", "ab" * 32, "gw_live_abab", "send", 0, True, "")),
        ("tenant_api_keys", (3, 9, "lost number", "cd" * 32, "gw_live_cdcd", "", 0, True, "")),
        ("tenant_api_keys", (4, 77, "nobody's", "ef" * 32, "gw_live_efef", "", 0, True, "")),
        ("api_key_numbers", (1, 2, 32, "+15550002")),
        ("api_key_numbers", (2, 3, 33, "+15550003")),
    ]


def insert(execute, mark, key=KEY):
    for table, values in rows(key):
        execute(f"INSERT INTO {table} VALUES({', '.join([mark] * len(values))})", values)


class ImportTest(test_api.ApiTest):
    def make_file(self, key=KEY):
        path = self.scratch / "theirs.db"
        with sqlite3.connect(path) as db:
            db.executescript(SCHEMA)
            insert(db.execute, "?", key)
        db.close()
        return path

    def run_import(self, source, *more, key=KEY, status=0):
        done = subprocess.run([str(binary("msggw")), "import", "--gomsggw", str(source), "--config", self.msggw.config, *more],
                              capture_output=True, text=True, timeout=60, cwd=self.scratch, check=False,
                              env={**os.environ, "GOMSGGW_ENCRYPTION_KEY": key})
        self.assertEqual(done.returncode, status, done.stderr)
        for secret in ("secret-3", "token-1", "lösenord"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.stdout.strip(), done.stderr

    def stopped_gateway(self):
        self.msggw = self.empty_gateway()
        self.msggw.program.stop()

    def get(self, path):
        status, answer, _ = self.api.ask("GET", path)
        self.assertEqual(status, 200, answer)
        return answer

    def check_imported(self):
        self.msggw.start()
        clients = {c["username"]: c for c in self.get("/clients")}
        self.assertEqual(set(clients), {"alice", "shop"})
        alice, shop = clients["alice"], clients["shop"]
        self.assertEqual((alice["name"], alice["timezone"], alice["log_privacy"], alice["type"]),
                         ("Alice & Co", "America/Vancouver", True, "legacy"))
        settings = shop["settings"]
        self.assertEqual((settings["default_webhook"], settings["webhook_retries"], settings["sms_daily_limit"],
                          settings["limit_both"]), ("https://shop.example/hook", 4, 500, True))
        self.assertEqual([(n["number"], n["carrier"], n["tag"], n["group"])
                          for n in self.get(f"/clients/{alice['id']}/numbers")], [("15550001", "tw", "t", "g")])
        number = self.get(f"/clients/{shop['id']}/numbers")[0]
        self.assertEqual((number["number"], number["carrier"], number["webhook"], number["ignore_stop_cmd_sending"],
                          number["sms_burst_limit"], number["auto_reply_message"], number["auto_reply_cooldown_secs"]),
                         ("15550002", "", "https://shop.example/two", True, 5, "we are closed", 90))
        failover = self.get(f"/clients/{alice['id']}/failovers")[0]
        self.assertEqual((failover["fallback_client_id"], failover["priority"], failover["enabled"]), (shop["id"], 2, True))
        self.assertEqual([c["name"] for c in self.get("/carriers")], ["tw"])
        keys = {k["name"]: k for k in self.get(f"/clients/{shop['id']}/api-keys")}
        self.assertEqual(set(keys), {"all", "one number"})
        self.assertEqual((keys["all"]["scopes"], keys["all"]["rate_limit"], keys["all"]["expires_at"]),
                         (["send", "usage"], 60, "2999-01-31T12:00:00+00:00"))
        self.assertEqual(keys["one number"]["allowed_number_ids"], [number["id"]])
        status, answer, _ = self.api.ask("GET", "/messages/usage", authorization="Bearer " + API_KEY)
        self.assertEqual(status, 200, answer)
        # Their password is good here: the answer is about the client, not about who asks.
        self.assertEqual(self.api.ask("GET", "/messages/usage", authorization=basic("shop", "långt lösenord"))[0], 200)
        self.assertNotIn("ESME_RINVPASWD", self.send(self.msggw.smpp_port).stderr)

    def test_a_sqlite_file_is_taken_over_and_again_without_effect(self):
        self.stopped_gateway()
        source = self.make_file()
        said, notes = self.run_import(source)
        self.assertEqual(said, "imported 1 carriers, 2 clients, 2 numbers, 1 failovers, 2 API keys")
        for part in ("carrier ovp: type: must be one of", "number 15550003: its client was not imported", "API key nobody's: its client was not imported",
                     "API key lost number: none of its numbers is here",
                     "its carrier ovp is not here", "carrier tw: its webhooks have a new address: /inbound/"):
            self.assertIn(part, notes)
        said, notes = self.run_import(source)
        self.assertEqual(said, "imported 0 carriers, 0 clients, 0 numbers, 0 failovers, 0 API keys")
        self.assertIn("client alice: is there already", notes)
        self.check_imported()

    def test_a_dump_is_taken_over(self):
        self.stopped_gateway()
        with sqlite3.connect(self.make_file()) as db:
            dump = self.write("theirs.sql", "\n".join(db.iterdump()))
        db.close()
        self.run_import(dump)
        self.check_imported()

    def test_postgresql_is_taken_over(self):
        self.stopped_gateway()
        theirs = Postgres(self)
        literal = lambda v: str(v).lower() if isinstance(v, bool | int) else "'" + v.replace("'", "''") + "'"  # noqa: E731
        theirs.sql(SCHEMA + "".join(f"INSERT INTO {table} VALUES({', '.join(map(literal, values))});"
                                    for table, values in rows()))
        said, _ = self.run_import(theirs.dsn)
        self.assertEqual(said, "imported 1 carriers, 2 clients, 2 numbers, 1 failovers, 2 API keys")
        self.check_imported()

    def test_a_dry_run_changes_nothing(self):
        self.stopped_gateway()
        said, _ = self.run_import(self.make_file(), "--dry-run")
        self.assertEqual(said, "would import 1 carriers, 2 clients, 2 numbers, 1 failovers, 2 API keys")
        self.msggw.start()
        self.assertEqual(self.get("/clients"), [])

    def test_a_wrong_key_is_told_and_imports_no_secrets(self):
        self.stopped_gateway()
        said, notes = self.run_import(self.make_file(), key="another one")
        self.assertEqual(said, "imported 0 carriers, 0 clients, 0 numbers, 0 failovers, 0 API keys")
        self.assertIn("client alice: password does not open with this key", notes)

    def test_early_versions_sealed_with_a_blank_key(self):
        self.stopped_gateway()
        said, _ = self.run_import(self.make_file(key=""), "--blank-key")
        self.assertEqual(said, "imported 1 carriers, 2 clients, 2 numbers, 1 failovers, 2 API keys")

    def test_what_is_no_database_is_refused(self):
        self.stopped_gateway()
        self.assertIn("cannot be read", self.run_import(self.scratch / "none.db", status=1)[1])
        self.assertIn("neither a SQLite file nor a dump", self.run_import(self.write("x.sql", "hello"), status=1)[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
