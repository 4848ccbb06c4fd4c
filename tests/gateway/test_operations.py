"""What operators look at: counters that equal a counted run, logs without texts and secrets, searching, texts that are
erased, the dashboard, the names of the environment."""
import http.server
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import ADMIN_KEY, basic  # noqa: E402
from gateway import Smppd, binary, free_port  # noqa: E402
from peers import http_get, wait_until  # noqa: E402
from raw_smpp import SUBMIT_SM, RawClient, pdu, submit_sm_body  # noqa: E402
import test_api  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-text-7391"
CLIENT_PASSWORD = "canary-pw"  # SMPP passwords have eight characters at most; the web client's may be longer
SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$")


def samples(port, path="/metrics"):
    """{name: {labels as text: value}} of /metrics."""
    found = {}
    for line in http_get(f"http://127.0.0.1:{port}{path}")[1].splitlines():
        if match := SAMPLE.match(line):
            found.setdefault(match[1], {})[match[2] or ""] = float(match[3])
    return found


class Operations(test_api.ApiTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway("[log]\nformat = \"json\"\n")
        self.add_carrier(self.smppd)
        self.web = self.add("/clients", {"username": "web", "password": CLIENT_PASSWORD, "type": "web"})
        self.add(f"/clients/{self.web['id']}/numbers", {"number": "15550001", "carrier": "up"})
        self.auth = basic("web", CLIENT_PASSWORD)

    def post(self, to, text=CANARY, status=202):
        got, answer, _ = self.api.ask("POST", "/messages", {"to": to, "text": text}, None, self.auth)
        self.assertEqual(got, status, answer)
        return answer.get("id")

    def find(self, authorization=None, status=200, **query):
        got, answer, _ = self.api.ask("GET", "/messages?" + urllib.parse.urlencode(query), authorization=authorization)
        self.assertEqual(got, status, answer)
        return answer

    def wait_for_delivered(self, count):
        found = lambda: self.find(state="delivered", kind="sms", limit=200)["messages"]  # noqa: E731
        return wait_until(lambda: found() if len(found()) >= count else None, 30, found)

    def metrics(self):
        return samples(self.msggw.http_port)


class MetricsTest(Operations):
    def test_counters_equal_a_counted_run(self):
        sent, refused = 7, 3
        before = self.metrics()
        for n in range(sent):
            self.post(f"4670000000{n}")
        for _ in range(refused):
            self.post("46700000000", text="", status=400)
        self.wait_for_delivered(sent)
        self.assertEqual(len(self.smppd.accepted()), sent)
        expected = {"msggw_submits_total": sent, "msggw_attempts_total": sent, "msggw_retries_total": 0,
                    "msggw_reports_applied_total": sent, "msggw_reports_unmatched_total": 0,
                    'msggw_messages_settled_total{state="delivered"}': sent,
                    'smpp_carrier_submits_total{carrier="up",result="ESME_ROK"}': sent,
                    'smpp_carrier_receipts_total{carrier="up",understood="true"}': sent}
        def counted():
            now = self.metrics()
            value = lambda of, name, labels: of.get(name, {}).get(labels, 0)  # noqa: E731
            split = lambda key: (key.split("{")[0], "{" + key.split("{")[1] if "{" in key else "")  # noqa: E731
            return {key: value(now, *split(key)) - value(before, *split(key)) for key in expected}
        wait_until(lambda: counted() == expected, 20, lambda: f"{expected}, have {counted()}")
        self.assertEqual(self.metrics()["msggw_messages_active"]['{state="sent"}'], 0)

    def test_what_is_told_of_traffic_equals_a_counted_run(self):
        """Two clients, two carriers, one of them away; long texts, limits, an opt-out, binds."""
        self.add("/carriers", {"name": "away", "type": "smpp", "username": "u", "password": "p",
                               "smpp": {"host": "127.0.0.1", "port": free_port()}})
        alice = self.add("/clients", {"username": "alice", "password": "secret-3"})
        self.add(f"/clients/{alice['id']}/numbers", {"number": "15550002", "carrier": "away"})
        self.api.ask("PUT", f"/clients/{self.web['id']}/settings", {"sms_daily_limit": 50, "sms_burst_limit": 40})
        bound = RawClient(self.msggw.smpp_port, "alice", "secret-3")
        self.addCleanup(bound.close)
        began = time.monotonic()
        bound.send(pdu(SUBMIT_SM, 2, submit_sm_body("15550002", "46700123456", b"waits for its carrier")))
        self.assertEqual(bound.receive()[1], 0)
        for n in range(4):
            self.post(f"4670000000{n}")
        self.post("46700000004", "y" * 400)  # three parts
        self.wait_for_delivered(5)
        label = '{direction="outbound",proto_in="http",proto_out="smpp",carrier="up",result="delivered"}'
        expected = {"msggw_messages_total" + label: 5, 'msggw_parts_total{endpoint="carrier:up"}': 7,
                    'msggw_reports_total{endpoint="carrier:up",status="delivered"}': 7,
                    "msggw_submit_latency_seconds_count": 6, 'msggw_submit_latency_seconds_bucket{le="+Inf"}': 6,
                    'msggw_endpoint_queued_messages{endpoint="carrier:away"}': 1,
                    'smpp_binds{client="alice",mode="transceiver"}': 1,
                    'msggw_limit_remaining_segments{client="web",number="",period="day"}': 43,
                    'msggw_limit_remaining_segments{client="web",number="",period="burst"}': 33,
                    "msggw_opt_out_blocked_total": 0, "msggw_joins_begun_total": 0}

        def read():
            now = self.metrics()
            return {key: now.get(key.partition("{")[0], {}).get("".join(key.partition("{")[1:])) for key in expected}
        wait_until(lambda: read() == expected, 20, lambda: f"{expected}\nhave {read()}")
        age = self.metrics()["msggw_endpoint_oldest_seconds"]['{endpoint="carrier:away"}']
        self.assertGreater(age, 0)
        self.assertLess(age, time.monotonic() - began + 1)
        latency = self.metrics()["msggw_submit_latency_seconds_sum"][""]
        self.assertGreater(latency, 0)
        self.assertLess(latency, time.monotonic() - began)
        self.assertNotIn("connected_clients", self.metrics(), "only when asked for")

    def test_the_dashboard_asks_for_what_is_exported(self):
        self.post("46700000001")
        self.assertNotEqual(self.send(self.msggw.smpp_port).returncode, 0)  # nobody of that name: a bind refused
        self.wait_for_delivered(1)
        wait_until(lambda: "msggw_endpoint_up" in self.metrics(), 20, lambda: "the endpoints, told once a second")
        exported = set(self.metrics())
        board = json.loads((ROOT / "deploy/grafana/msggw.json").read_text())
        queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 15)
        word = re.compile(r"\b(?:msggw|smpp|http|webhook|process|log)_[a-z0-9_]+\b(?!\s*=)")
        for query in queries:
            names = word.findall(query)
            self.assertTrue(names, query)
            for name in names:
                self.assertIn(name, exported, query)


class OtherNamesTest(test_api.ApiTest):
    def test_the_names_of_the_gateway_before_have_true_values(self):
        smppd = Smppd(self)
        msggw = self.empty_gateway()
        msggw.program.stop()
        config = Path(msggw.config)
        config.write_text(config.read_text().replace("[metrics]", '[metrics]\nother_names = true\npath = "/values"'))
        msggw.start()
        self.add_carrier(smppd)
        alice = self.add("/clients", {"username": "alice", "password": "secret-3"})
        self.add(f"/clients/{alice['id']}/numbers", {"number": "15550001", "carrier": "up"})
        self.assertEqual(self.send(msggw.smpp_port, "--wait-receipt").returncode, 0, msggw.program.tail())
        client = RawClient(msggw.smpp_port, "alice", "secret-3")
        self.addCleanup(client.close)
        expected = {("connected_clients", '{protocol="SMPP"}'): 1, ("total_clients", '{protocol="SMPP"}'): 1,
                    ("messages_sent", '{protocol="smpp",direction="outbound"}'): 1,
                    ("message_retries", '{protocol="all"}'): 0, ("server_status", '{service="SMPPServer"}'): 1}

        def read():
            now = samples(msggw.http_port, "/values")
            return {key: now.get(key[0], {}).get(key[1]) for key in expected}
        wait_until(lambda: read() == expected, 20, read)
        self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/metrics")[0], 404)


class LogTest(Operations):
    def test_texts_and_secrets_are_not_in_the_logs(self):
        key = self.add(f"/clients/{self.web['id']}/api-keys", {"name": "k"})["key"]
        self.post("46700000001")
        self.assertEqual(self.api.ask("POST", "/messages", {"to": "46700000002", "text": CANARY}, None,
                                      "Bearer " + key)[0], 202)
        self.api.ask("POST", "/messages", {"to": "46700000002", "text": CANARY}, None, basic("web", "canary-wrong"))
        self.api.ask("POST", "/messages", b'{"text": "' + CANARY.encode(), None, self.auth)
        self.assertNotEqual(self.send(self.msggw.smpp_port, password="canary-3").returncode, 0)
        self.wait_for_delivered(2)
        self.msggw.program.kill()
        self.msggw.start()
        text = self.msggw.program.err_path.read_text(errors="replace")  # of both
        lines = [line for line in text.splitlines() if line.startswith("{")]
        self.assertTrue(any('"ready"' in line for line in lines), text)
        for line in lines:
            self.assertIn("component", json.loads(line))
        for secret in (CANARY, "canary-", key, ADMIN_KEY, "gw_live_", self.auth.split()[1], "46700000001"):
            self.assertNotIn(secret, text)


class Loki:
    """Takes what is pushed, after it has refused the first `refusals` requests."""

    def __init__(self, refusals=0):
        loki = self
        self.bodies, self.authorizations, self.refusals = [], [], refusals

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 503 if loki.refusals > 0 else 204
                loki.refusals -= 1
                if status == 204:
                    loki.authorizations.append(self.headers.get("Authorization"))
                    loki.bodies.append((self.path, json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.port = self.server.server_port

    def lines(self):
        return [(stream["stream"], value) for _, body in list(self.bodies) for stream in body["streams"]
                for value in stream["values"]]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class LokiTest(test_api.ApiTest):
    def gateway(self, loki, more=""):
        return self.empty_gateway(f"""[loki]
enabled = true
url = "http://127.0.0.1:{loki.port}"
username = "u"
password = "p"
server_id = "gw1"
batch_wait = "50ms"
{more}""")

    def test_lines_arrive_in_batches_with_labels_after_a_refusal(self):
        loki = Loki(refusals=1)
        self.addCleanup(loki.close)
        msggw = self.gateway(loki)
        ready = lambda: [v for v in loki.lines() if json.loads(v[1][1])["message"] == "ready"]  # noqa: E731
        wait_until(ready, 30, loki.lines)
        labels, (at, _) = ready()[0]
        self.assertEqual(labels, {"job": "msggw", "server_id": "gw1", "level": "info", "type": "msggw"})
        self.assertGreater(int(at), 1_600_000_000 * 10**9)
        self.assertEqual(loki.bodies[0][0], "/loki/api/v1/push")
        self.assertEqual(loki.authorizations[0], basic("u", "p"))
        def settled():
            m = samples(msggw.http_port)
            return m["log_push_queued_lines"][""] == 0 and m["log_push_lines_total"][""] == len(loki.lines())
        wait_until(settled, 20, lambda: samples(msggw.http_port))
        self.assertGreaterEqual(samples(msggw.http_port)["log_push_failures_total"][""], 1)
        msggw.program.stop()
        wait_until(lambda: any(json.loads(v[1])["message"] == "stopped" for _, v in loki.lines()), 10, loki.lines)

    def test_what_does_not_fit_is_dropped_and_counted(self):
        loki = Loki(refusals=10**9)
        self.addCleanup(loki.close)
        msggw = self.gateway(loki, "queue_lines_max = 100\nbatch_lines_max = 10\n")
        for _ in range(130):  # each leaves a line: closed without a bind
            socket.create_connection(("127.0.0.1", msggw.smpp_port), timeout=10).close()
        wait_until(lambda: samples(msggw.http_port)["log_push_dropped_lines_total"][""] > 0, 30,
                   lambda: samples(msggw.http_port))
        self.assertLessEqual(samples(msggw.http_port)["log_push_queued_lines"][""], 100)
        self.assertEqual(loki.bodies, [])

    def test_nothing_is_pushed_unless_asked_for(self):
        self.assertNotIn("log_push_lines_total", samples(self.empty_gateway().http_port))


class SearchTest(Operations):
    def test_messages_are_found_by_what_is_known_of_them(self):
        ids = [self.post(f"4670000000{n % 2}") for n in range(5)]
        self.wait_for_delivered(5)
        found = self.find(self.auth, to="+46700000001")["messages"]
        self.assertEqual([m["id"] for m in found], [ids[3], ids[1]])
        self.assertIn("attempt_sent", [e["event"] for e in found[0]["events"]])
        first = self.find(self.auth, limit=2, kind="sms")
        self.assertEqual([m["id"] for m in first["messages"]], [ids[4], ids[3]])
        rest = self.find(self.auth, kind="sms", before=first["next"])
        self.assertEqual(([m["id"] for m in rest["messages"]], rest["next"]), ([ids[2], ids[1], ids[0]], None))
        self.assertEqual(self.find(account="carrier:up", kind="sms", to="46700000000")["messages"][0]["id"], ids[4])
        self.assertEqual(self.find(until="2026-01-01T00:00:00Z")["messages"], [])
        self.assertEqual(self.find(state="rejected")["messages"], [])
        self.assertEqual(self.find(kind="mms")["messages"], [])
        for query in ({"state": "lost"}, {"since": "yesterday"}, {"before": "7"}, {"limit": 201}, {"kind": "fax"}):
            self.find(status=400, **query)

    def test_clients_find_their_own_messages_only(self):
        self.post("46700000001")
        self.add("/clients", {"username": "other", "password": "secret-6", "type": "web"})
        self.assertEqual(self.find(basic("other", "secret-6"))["messages"], [])
        self.find(basic("other", "secret-6"), status=403, account="client:web")
        self.find("Bearer wrong", status=401)


class EraseTest(Operations):
    def stored(self):
        self.msggw.program.stop()
        with sqlite3.connect(self.scratch / "msggw.db") as db:
            rows = [bytes(r[0]) for r in db.execute("SELECT content FROM message WHERE content IS NOT NULL")]
        return [CANARY.encode() in row for row in rows]

    def test_texts_stay_until_retention_unless_the_client_says_otherwise(self):
        self.post("46700000001")
        self.wait_for_delivered(1)
        self.assertIn(True, self.stored())

    def test_a_text_is_erased_once_it_is_handed_over(self):
        self.assertEqual(self.api.ask("PUT", f"/clients/{self.web['id']}", {"erase_text": True})[0], 200)
        self.post("46700000001")
        self.wait_for_delivered(1)
        self.assertEqual(len(self.smppd.accepted()), 1)
        self.assertIn(CANARY.encode().hex(), self.smppd.accepted()[0]["octets"].lower())
        self.assertEqual(self.metrics()["msggw_texts_erased_total"][""], 1)
        self.assertNotIn(True, self.stored())


class EnvironmentTest(unittest.TestCase):
    DOCUMENT = (ROOT / "docs/operations.md").read_text()

    def documented(self):
        """{name: (key, default)}"""
        rows = re.findall(r"^\| `([A-Z0-9_]+)` \| `([a-z_.]+)` \| (.*) \|$", self.DOCUMENT, re.MULTILINE)
        return {name: (key, default) for name, key, default in rows}

    def check(self, status=0, arguments=(), **environment):
        """What `msggw --check` prints with that environment: ({key: (value, where from)}, standard error)."""
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "MSGKIT_BIN_DIR", "ASAN_OPTIONS")}
        done = subprocess.run([str(binary("msggw")), "--check", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              cwd="/", env={**clean, **environment})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        found = re.findall(r"^(\S+) = (.*?) +# (.*)$", done.stdout, re.MULTILINE)
        return {key: (value, source) for key, value, source in found}, done.stderr

    def test_what_is_documented_is_what_is_read(self):
        coded = dict(re.findall(r'\{"([A-Z0-9_]+)", "([a-z_.]+)"\}', (ROOT / "apps/msggw/main.cpp").read_text()))
        self.assertGreater(len(coded), 25)
        self.assertEqual(coded, {name: key for name, (key, _) in self.documented().items()})

    def test_defaults_are_those_that_are_documented(self):
        plain, _ = self.check()
        postgres, _ = self.check(POSTGRES_DB="x", ENCRYPTION_KEY="k" * 32)
        for name, (key, default) in self.documented().items():
            if default.startswith("("):
                continue
            self.assertIn(key, {**postgres, **plain}, name)
            value, source = plain.get(key) or postgres[key]
            self.assertEqual((value.strip('"'), source), (default.strip('"'), "default"), name)

    def test_every_name_is_read(self):
        values = {"API_KEY": "secret-key", "ENCRYPTION_KEY": "k" * 32, "WEB_LISTEN": "127.0.0.1:3999",
                  "SERVER_ADDRESS": "https://gw.example", "TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.1",
                  "SMPP_LISTEN": "127.0.0.1:9550", "SMPP_TIMEOUT_SECS": "33", "HAPROXY_PROXY_PROTOCOL": "true",
                  "PROMETHEUS_LISTEN": "127.0.0.1:2559", "PROMETHEUS_PATH": "/values", "WEBHOOK_TIMEOUT_SECS": "11",
                  "WEBHOOK_RETRIES": "4", "WEBHOOK_RETRY_DELAY_SECS": "6", "AUTO_REPLY_ENABLED": "false",
                  "AUTO_REPLY_DEFAULT_MESSAGE": "closed", "LOG_LEVEL": "debug", "LOG_FORMAT": "json",
                  "LOKI_ENABLED": "true", "LOKI_URL": "http://loki.example", "LOKI_USERNAME": "u", "LOKI_PASSWORD": "p",
                  "LOKI_JOB": "j", "SERVER_ID": "gw7", "POSTGRES_HOST": "db.example", "POSTGRES_PORT": "5433",
                  "POSTGRES_USER": "gw", "POSTGRES_PASSWORD": "pw", "POSTGRES_DB": "messages",
                  "POSTGRES_SSLMODE": "require", "POSTGRES_TIMEZONE": "Europe/Stockholm"}
        mm4 = {name for name in self.documented() if name.startswith("MM4_")}  # these need peers
        self.assertEqual(values.keys(), self.documented().keys() - mm4)
        read, _ = self.check(**values)
        for name, (key, _) in ((n, row) for n, row in self.documented().items() if n not in mm4):
            self.assertIn(name, read[key][1], f"{name} is not where {key} comes from")
        self.assertEqual(read["store.type"][0], '"postgres"')
        self.assertEqual(read["webhooks.timeout"][0], '"11s"')

    def test_names_of_mm4_are_for_peers_that_say_nothing_themselves(self):
        with tempfile.TemporaryDirectory(prefix="msgkit_mm4_") as scratch:
            file = Path(scratch) / "msggw.toml"
            file.write_text('[[mm4_peers]]\nname = "quiet"\n[[mm4_peers]]\nname = "says"\nlocal_domain = "mms.own"\n'
                            'originator_address = "me@mms.own"\n')
            environment = {"MM4_LISTEN": "127.0.0.1:2599", "MM4_DOMAIN": "mx.gw.example", "MM4_MSG_ID_HOST": "gw.example",
                           "MM4_ORIGINATOR_SYSTEM": "system@gw.example", "MSGGW_STORE_PATH": f"{scratch}/msggw.db"}
            read, _ = self.check(arguments=["--config", str(file)], **environment)
            for name, value in environment.items():
                if name in self.documented():
                    key = self.documented()[name][0]
                    self.assertEqual((read[key][0].strip('"'), read[key][1]), (value, f"environment {name}"))
            peers = {k: v[0].strip('"') for k, v in read.items() if k.startswith("mm4_peers")}
            said = [[v for k, v in sorted(peers.items()) if k.endswith(end)] for end in ("local_domain", "originator_address")]
            self.assertEqual(said, [["gw.example", "mms.own"], ["system@gw.example", "me@mms.own"]])
            read, _ = self.check(arguments=["--config", str(file)], MM4_ORIGINATOR_SYSTEM="system@other.example",
                                 MSGGW_STORE_PATH=f"{scratch}/msggw.db")
            self.assertEqual(read["mm4.local_domain"][0], '"other.example"')
        read, _ = self.check(MM4_LISTEN="127.0.0.1:2599")
        self.assertEqual(read["mm4.listen"][0].strip('"'), "127.0.0.1:2599")

    def test_names_that_mean_nothing_are_refused_or_warned_of(self):
        lists = {word: re.findall(r"`([A-Z0-9_]+)`", text) for word, text in
                 re.findall(r"^- (Refused|Warned of): (.*?\.)$", self.DOCUMENT, re.MULTILINE | re.DOTALL)}
        code = (ROOT / "apps/msggw/environment.cpp").read_text()
        coded = re.findall(r'\{"([A-Z0-9_]+)",\s*"(?:[^"\\]|\\.)*"(?:,\s*(true|false))?', code)
        self.assertEqual({n for n, refused in coded if refused != "false"}, set(lists["Refused"]))
        self.assertEqual({n for n, refused in coded if refused == "false"}, set(lists["Warned of"]))
        _, said = self.check(2, **{name: "x" for name in lists["Refused"]})
        for name in lists["Refused"]:
            self.assertIn(name + ":", said)
        _, said = self.check(**{name: "x" for name in lists["Warned of"]})
        for name in lists["Warned of"]:
            self.assertIn(name + ":", said)
        _, said = self.check(NOTIFY_SENDER_ON_FAILURE="false", DEBUG="false", MM4_LISTEN="")
        self.assertNotIn("means nothing", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
