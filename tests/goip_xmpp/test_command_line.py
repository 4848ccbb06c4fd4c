"""The verbs of goip_xmpp, without and with a running bridge, and what it takes over from goippy."""
import os
import sqlite3
import stat
import subprocess
import unittest

from bridge import BINARY, DEVICE, DOMAIN, OWN, BridgeTest, PeerTest, RawDevice, wait_until

GOIPPY_CONFIG = """\
# made by hand
XMPP_DOMAIN            = "localhost"
XMPP_DATA_DOMAIN       = "sms.localhost"
XMPP_COMPONENT_JID     = "sms.localhost"
XMPP_COMPONENT_SECRET  = 's3"cr\\\\3t'   # quoted
XMPP_HOST              = "127.0.0.1"
XMPP_PORT              = 5347
GOIP_BIND              = "0.0.0.0"
GOIP_PORT              = 44445
DB_BACKEND             = "sqlite"
DB_FILE                = "{database}"
LOG_DAYS               = 3
open("{trap}", "w")
"""
GOIPPY_TABLES = """
CREATE TABLE goippy_gateways(id INTEGER PRIMARY KEY, ext TEXT UNIQUE, goip_id TEXT UNIQUE, goip_pass TEXT, channel INTEGER,
  msisdn TEXT, allow_regex TEXT, enabled INTEGER DEFAULT 1, created_at TEXT);
CREATE TABLE goippy_calls(id INTEGER PRIMARY KEY, ts INTEGER, goip_id TEXT, ext TEXT, direction INTEGER, remote_num TEXT,
  cause TEXT, msisdn TEXT, raw TEXT, created_at TEXT);
CREATE TABLE goippy_log(id INTEGER PRIMARY KEY, dir TEXT, msisdn TEXT, xmpp_jid TEXT, body TEXT, status TEXT,
  created_at TEXT);
INSERT INTO goippy_log(dir, msisdn, xmpp_jid, body, status, created_at)
  VALUES('in', '+3725551', '2001@localhost', 'tere; ü', 'recv', '2025-11-01 12:00:00'),
        ('out', '+3725552', '2001@localhost/phone', 'vastus', 'sms_sent', '2025-11-01 12:00:01'),
        ('out', '+3725553', '2002@localhost', 'ei', 'error:No gateway', '2025-11-01 12:00:01');
INSERT INTO goippy_gateways(ext, goip_id, goip_pass, msisdn, allow_regex, enabled)
  VALUES('2001', 'goippy_2001', 'one', '+37250001', '.*', 1), ('2002', 'goippy_2002', 'two', NULL, '^\\+372', 0);
INSERT INTO goippy_calls(ts, goip_id, direction, remote_num, cause)
  VALUES(1700000000, 'goippy_2001', 1, '+3725551', NULL), (1700000060, 'goippy_2001', NULL, '+3725551', 'Normal');
"""


def run(*arguments, status=0, **more):
    done = subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60, **more)
    assert done.returncode == status, (arguments, done)
    return done.stdout + done.stderr


class WithoutBridge(PeerTest):
    def write_config(self):
        config = self.scratch / "c.toml"
        config.write_text(f"""\
[records]
path = "{self.scratch}/records.db"
[xmpp]
domain = "sms.example.org"
secret = "x"
[[goip.lines]]
id = "g1"
password = "pw"
[[xmpp.users]]
jid = "alice@example.org"
carrier = "g1"
""")
        return config

    def test_lines_come_change_and_go(self):
        config = self.write_config()
        self.assertIn("2001@example.org", run("add", 2001, "secret", "-c", config))
        run("add", 2002, "-", "--id", "dev2", "--jid", "bob@example.org", "--allow", r"^\+372", "-c", config, input="typed\n")
        run("disable", 2001, "-c", config)
        run("disable", "g1", "-c", config)
        table = {row.split()[1]: row.split() for row in run("list-lines", "-c", config).splitlines()[1:]}
        self.assertEqual([table[i][3] for i in ("g1", "goippy_2001", "dev2")], ["no", "no", "yes"])
        self.assertEqual(table["dev2"][-1], r"^\+372")
        run("enable", "goippy_2001", "-c", config)
        run("remove", 2002, "-c", config)
        shown = run("list-lines", "-c", config)
        self.assertNotIn("dev2", shown)
        self.assertNotIn("secret", shown)
        self.assertEqual(stat.S_IMODE(os.stat(self.scratch / "records.db").st_mode), 0o600)

    def test_mistakes_are_named(self):
        config = self.write_config()
        for arguments, words in (((2001, "a b"), "password"), ((2001, "x", "--allow", "("), "regular expression"),
                                 ((2001, "x", "--jid", "nobody"), "bare address"), ((2001, "x", "--id", "g1"), "has a line g1")):
            self.assertIn(words, run("add", *arguments, "-c", config, status=1))
        self.assertIn("no line 9", run("remove", 9, "-c", config, status=1))
        self.assertIn("no line 9", run("ussd", 9, "*100#", "-c", config, status=1))
        self.assertIn("no bridge runs", run("ussd", "g1", "*100#", "--timeout", 1, "-c", config, status=1))
        self.assertIn("required", run("add", "-c", config, status=2))

    def test_instances(self):
        place = ("--directory", self.scratch / "etc", "--no-systemd")
        run("install", *place)
        run("install", "second", *place)
        run("install", "third", *place)
        texts = [(self.scratch / "etc" / f"{name}.toml").read_text() for name in ("goip_xmpp", "second", "third")]
        for port in (44444, 44445, 44446, 2790, 2791, 2792):
            self.assertEqual(sum(f':{port}"' in t for t in texts), 1, port)
        self.assertIn('"/var/lib/goip_xmpp/second_goip_xmpp.db"', texts[1])
        for name in ("goip_xmpp", "second", "third"):
            run("--check", "--config", self.scratch / "etc" / f"{name}.toml")
        self.assertIn("third", run("list", *place))
        run("uninstall", "third", *place)
        self.assertNotIn("third", run("list", *place))
        self.assertIn("name is", run("install", "../x", *place, status=1))
        self.assertIn("there is no", run("uninstall", "fourth", *place, status=1))

    def test_sample(self):
        sample = run("sample")
        self.assertIn("[[goip.lines]]", sample)
        run("sample", self.scratch / "s.toml")
        self.assertEqual((self.scratch / "s.toml").read_text(), sample)
        self.assertIn("exists", run("sample", self.scratch / "s.toml", status=1))

    def test_import_from_goippy(self):
        database, trap = self.scratch / "goippy.db", self.scratch / "trap"
        with sqlite3.connect(database) as db:
            db.executescript(GOIPPY_TABLES)
        config, output = self.scratch / "goippy.conf", self.scratch / "new.toml"
        config.write_text(GOIPPY_CONFIG.format(database=database, trap=trap))
        said = run("import", config, "--output", output, "--state-directory", self.scratch / "state")
        self.assertIn("2 lines (1 disabled), 2 calls, 3 messages", said)
        with sqlite3.connect(self.scratch / "state" / "goip_xmpp.db") as db:
            self.assertEqual(db.execute("SELECT count(*) FROM message").fetchone(), (3,))
        self.assertFalse(trap.exists())
        effective = run("--check", "--config", output)
        for words in ('"0.0.0.0:44445"', '"127.0.0.1:5347"', 'xmpp.domain = "sms.localhost"', "records.log_days = 3"):
            self.assertIn(words, effective)
        table = {row.split()[0]: row.split() for row in run("list-lines", "-c", output).splitlines()[1:]}
        self.assertEqual(table["2001"][1:4], ["goippy_2001", "+37250001", "yes"])
        self.assertEqual((table["2002"][3], table["2002"][-1]), ("no", r"^\+372"))
        self.assertIn("exists", run("import", config, "--output", output, status=1))


class WithBridge(BridgeTest):
    lines = ""  # all come from the command line

    def test_lines_added_while_it_runs(self):
        bridge = self.start_bridge()
        wait_until(self.is_ready, 30, bridge.tail)
        raw = RawDevice(self.goip_port)
        self.addCleanup(raw.close)
        line = f"goippy_{self.alice}"
        self.assertIsNone(raw.ask(f"req:1;id:{line};pass:pw;num:;signal:1;", 0.3))
        run("add", self.alice, "pw", "--number", OWN, "--allow", r"^\+372", "-c", self.config)
        wait_until(lambda: "lines changed" in bridge.tail(), 30, bridge.tail)
        device = self.start("device", [DEVICE, "127.0.0.1", self.goip_port, "--line", f"{line}:pw:{OWN}", "--keepalive",
                                       200, "--sending", 50, "--report", 50], takes_commands=True)
        wait_until(lambda: f'goip_line_up{{line="{line}"}} 1' in self.metrics(), 30, device.tail)
        client = self.client(f"to:+3725552@{DOMAIN}", "send:tere", f"to:+9995552@{DOMAIN}", "send:no", "wait:1")
        client.wait_for_event("receipt", 30)
        self.assertEqual(client.wait_for_event("error", 30)[0]["condition"], "forbidden")
        self.assertEqual(run("ussd", self.alice, "*100#", "-c", self.config).strip(), "answer to *100#")
        wait_until(lambda: "online" in run("list-lines", "-c", self.config), 30, "the state of the line")
        device.command(f"sms {line} +3725551 still enabled")
        self.assertEqual(self.bodies(self.finish(client)), ["still enabled"])
        changes = bridge.tail().count("lines changed")
        run("disable", self.alice, "-c", self.config)
        wait_until(lambda: bridge.tail().count("lines changed") > changes, 30, bridge.tail)
        self.assertIsNone(raw.ask(f"RECEIVE:77;id:{line};password:pw;srcnum:+1;msg:x", 0.5))
        self.assertIn("disabled", run("ussd", self.alice, "*100#", "-c", self.config, status=1))
        run("enable", self.alice, "-c", self.config)
        wait_until(lambda: bridge.tail().count("lines changed") > changes + 1, 30, bridge.tail)
        self.assertEqual(raw.ask(f"RECEIVE:78;id:{line};password:pw;srcnum:+1;msg:x"), "RECEIVE 78 OK")

    def test_old_calls_are_forgotten(self):
        self.write_config()
        run("list-lines", "-c", self.config)  # makes the tables
        with sqlite3.connect(self.scratch / "bridge_records.db") as db:
            db.execute("INSERT INTO call(line, started, ended, remote, cause) VALUES('g1', 1000, 1001, '+1', '')")
            db.execute("INSERT INTO call(line, started, ended, remote, cause) VALUES('g1', unixepoch(), 0, '+2', '')")
        bridge = self.start_bridge()

        def remaining():
            with sqlite3.connect(self.scratch / "bridge_records.db") as db:
                return [row[0] for row in db.execute("SELECT remote FROM call")]
        wait_until(lambda: remaining() == ["+2"], 30, bridge.tail)


if __name__ == "__main__":
    unittest.main(verbosity=2)
