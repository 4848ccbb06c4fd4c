"""smppd as its users meet it: clients nobody here wrote bind to it directly, every operation of the protocol is answered
against its store, and what is scripted happens. MSGKIT_BIN_DIR is the directory apps/ of the build tree."""
import json
import signal
import struct
import sys
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import binary, joined_texts, toml_string  # noqa: E402
from peers import (PeerTest, free_port, http_get, kannel_available, net_smpp_available, node_available,  # noqa: E402
                   require, wait_until)
from raw_smpp import DELIVER_SM, ENQUIRE_LINK, RawClient, pdu, submit_sm_body  # noqa: E402
from scenario import MESSAGES, MO_MESSAGES, as_set, run_client, run_kannel  # noqa: E402

USER, PASSWORD = "test", "secret"
QUERY_SM, SUBMIT_MULTI, DATA_SM, CANCEL_SM, REPLACE_SM = 0x03, 0x21, 0x103, 0x08, 0x07
BROADCAST_SM, QUERY_BROADCAST_SM, CANCEL_BROADCAST_SM = 0x111, 0x112, 0x113
OK, PROHIBITED, THROTTLED = 0, 0x101, 0x58
ENROUTE, DELIVERED, EXPIRED, DELETED = 1, 2, 3, 4

IN_AN_HOUR, IN_TWO_SECONDS = "000000010000000R", "000000000002000R"


def cstring(text):
    return text.encode() + b"\0"


def tlv(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


class Client(RawClient):
    """Answers what it is sent, and keeps it."""

    def __init__(self, port, user=USER, password=PASSWORD):
        self.delivered = []
        self.sequence = 1
        super().__init__(port, user, password)

    def request(self, command, body=b""):
        """(status, body) of the answer."""
        self.sequence += 1
        self.send(pdu(command, self.sequence, body))
        while True:
            got, status, sequence, answer = self.receive()
            if got & 0x80000000 and sequence == self.sequence:
                return status, answer
            self.answer(got, sequence, answer)

    def answer(self, command, sequence, body):
        if command == DELIVER_SM:
            self.delivered.append(body)
            self.send(pdu(command | 0x80000000, sequence, b"\0"))
        elif command == ENQUIRE_LINK:
            self.send(pdu(command | 0x80000000, sequence))

    def wait_for_delivery(self, count=1):
        while len(self.delivered) < count:
            command, _, sequence, body = self.receive()
            self.answer(command, sequence, body)
        return self.delivered

    def submit(self, to="46700000001", text=b"hello", receipt=0, schedule="", validity=""):
        """The times are the specification's, "000000010000000R" an hour from now."""
        body = submit_sm_body("123", to, text, receipt)
        head = body[:-(len(text) + 7)]
        body = head + cstring(schedule) + cstring(validity) + bytes([receipt, 0, 0, 0, len(text)]) + text
        status, answer = self.request(0x04, body)
        return status, answer.rstrip(b"\0").decode()

    def query(self, message_id, source="123"):
        """(status, message_state)"""
        status, body = self.request(QUERY_SM, cstring(message_id) + b"\1\1" + cstring(source))
        return status, body.split(b"\0", 2)[2][0] if status == OK else None


class SmppdTest(PeerTest):
    def smppd(self, extra="", users=True, name="smppd.toml", text=None):
        self.port, self.http = free_port(), free_port()
        if text is None:
            text = f'listen = "127.0.0.1:{self.port}"\nhttp.listen = "127.0.0.1:{self.http}"\n' + \
                   f'record_file = {toml_string(str(self.scratch / "accepted.jsonl"))}\n' + extra
            if users:
                text += f"\n[[users]]\nsystem_id = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
        self.config = self.write(name, text)
        return self.run_it()

    def run_it(self):
        program = self.start("smppd", [binary("smppd"), "--config", self.config])
        program.wait_for_port(self.port)
        return program

    def client(self, user=USER, password=PASSWORD):
        made = Client(self.port, user, password)
        self.addCleanup(made.close)
        return made

    def get(self, path):
        status, body = http_get(f"http://127.0.0.1:{self.http}{path}")
        return json.loads(body) if status == 200 else status

    def accepted(self):
        return [json.loads(line) for line in (self.scratch / "accepted.jsonl").read_text().split("\n")[:-1]]


class ForeignClientTest(SmppdTest):
    """Clients that nobody here wrote, without a gateway between."""

    def through(self, run, *arguments):
        mo = "".join(f'\n[[mo]]\nuser = "{USER}"\nfrom = {toml_string(m["from"])}\nto = {toml_string(m["to"])}\n'
                     f'text = {toml_string(m["text"])}\ncount = 1\ninterval = "50ms"\n' for m in MO_MESSAGES)
        self.smppd('receipt_delay = "20ms"\n' + mo)
        run(self, *arguments, self.port, USER, PASSWORD)
        wait_until(lambda: joined_texts(self.accepted()) >= as_set(MESSAGES), 10, "every message in the record")

    def test_node_smpp(self):
        require(node_available(), "node-smpp")
        self.through(run_client, "node_client.js")

    def test_net_smpp(self):
        require(net_smpp_available(), "Net::SMPP")
        self.through(run_client, "net_smpp_client.pl")

    def test_kannel(self):
        require(kannel_available(), "Kannel")
        self.through(run_kannel)


class OperationsTest(SmppdTest):
    def test_a_message_is_found_until_it_is_delivered_and_after(self):
        self.smppd('receipt_delay = "300ms"\n')
        c = self.client()
        _, message = c.submit(receipt=1)
        self.assertEqual(c.query(message), (OK, ENROUTE))
        self.assertIn(f"id:{message} ".encode(), c.wait_for_delivery()[0])
        self.assertEqual(c.query(message), (OK, DELIVERED))
        self.assertEqual(c.query("99")[0], 0x0C)
        self.assertEqual(c.query(message, source="999")[0], 0x0C, "not that sender's")

    def test_another_users_messages_are_not_found(self):
        self.smppd('[[users]]\nsystem_id = "eve"\npassword = "guess"\n')
        _, message = self.client().submit()
        self.assertEqual(self.client("eve", "guess").query(message)[0], 0x0C)

    def test_a_scheduled_message_may_be_replaced_and_canceled(self):
        self.smppd()
        c = self.client()
        _, message = c.submit(schedule=IN_AN_HOUR, receipt=1)
        self.assertEqual(c.query(message), (OK, 0), "SCHEDULED")
        replace = cstring(message) + b"\1\1" + cstring("123") + b"\0\0" + b"\1\0" + b"\3new"
        self.assertEqual(c.request(REPLACE_SM, replace)[0], OK)
        cancel = b"\0" + cstring(message) + b"\1\1" + cstring("123") + b"\1\1" + cstring("46700000001")
        self.assertEqual(c.request(CANCEL_SM, cancel)[0], OK)
        self.assertIn(b"stat:DELETED", c.wait_for_delivery()[0])
        self.assertEqual(c.query(message), (OK, DELETED))
        self.assertEqual(c.request(CANCEL_SM, cancel)[0], 0x0C)
        self.assertEqual(c.request(REPLACE_SM, replace)[0], 0x0C)

    def test_a_scheduled_message_leaves_at_its_time(self):
        self.smppd('receipt_delay = "10ms"\n')
        c = self.client()
        before = time.monotonic()
        _, message = c.submit(schedule=IN_TWO_SECONDS, receipt=1)
        self.assertIn(f"id:{message} ".encode(), c.wait_for_delivery()[0])
        self.assertGreater(time.monotonic() - before, 1.5)
        self.assertEqual(c.query(message), (OK, DELIVERED))

    def test_validity_ends_a_message_for_a_user_who_does_not_come(self):
        self.smppd('[[users]]\nsystem_id = "bob"\npassword = "b"\nnumbers = ["555"]\n')
        c = self.client()
        _, message = c.submit(to="555", validity=IN_TWO_SECONDS, receipt=1)
        self.assertIn(b"stat:EXPIRED", c.wait_for_delivery()[0])
        self.assertEqual(c.query(message), (OK, EXPIRED))
        bob = self.client("bob", "b")
        bob.request(ENQUIRE_LINK)
        self.assertEqual(bob.delivered, [])

    def test_messages_to_many_and_data(self):
        self.smppd()
        c = self.client()
        body = b"\0\1\1" + cstring("123") + b"\2" + b"\1\1\1" + cstring("46700000001") + b"\2" + cstring("friends") + \
            b"\0\0\0\0\0\0\0\0\0\2hi"
        status, answer = c.request(SUBMIT_MULTI, body)
        self.assertEqual(status, OK)
        self.assertIn(b"friends\0" + struct.pack(">I", 0x34), answer)
        data = b"\0\1\1" + cstring("123") + b"\1\1" + cstring("46700000002") + b"\0\0\0" + tlv(0x0424, b"payload")
        self.assertEqual(c.request(DATA_SM, data)[0], OK)
        self.assertEqual([bytes.fromhex(m["octets"]) for m in self.accepted()][-1], b"payload")

    def test_a_broadcast_is_queried_and_canceled(self):
        self.smppd('receipt_delay = "100ms"\n')
        c = self.client()
        tlvs = tlv(0x0606, b"\0here") + tlv(0x0601, b"\0\0\0") + tlv(0x0604, b"\0\1") + tlv(0x0605, b"\x09\0\x0a")
        body = b"\0\1\1" + cstring("123") + b"\0\0\0\0\0\0\0" + tlvs
        status, answer = c.request(BROADCAST_SM, body)
        self.assertEqual(status, OK)
        message = answer.split(b"\0")[0].decode()
        query = cstring(message) + b"\1\1" + cstring("123")

        def state():
            got, reply = c.request(QUERY_BROADCAST_SM, query)
            self.assertEqual(got, OK)
            self.assertIn(tlv(0x0606, b"\0here"), reply)
            return reply[reply.index(struct.pack(">HH", 0x0427, 1)) + 4]
        wait_until(lambda: state() == DELIVERED, 10, "the end of the broadcast")
        cancel = b"\0" + cstring(message) + b"\1\1" + cstring("123")
        self.assertEqual(c.request(CANCEL_BROADCAST_SM, cancel)[0], 0x0C, "it is over")
        self.assertEqual(c.request(BROADCAST_SM, body[:-len(tlvs)])[0], 0xC3)

    def test_a_message_to_another_user_reaches_him(self):
        self.smppd('[[users]]\nsystem_id = "bob"\npassword = "b"\nnumbers = ["555"]\n')
        alice, bob = self.client(), self.client("bob", "b")
        alice.submit(to="555", text=b"hi bob", receipt=1)
        self.assertIn(b"hi bob", bob.wait_for_delivery()[0])
        self.assertIn(b"stat:DELIVRD", alice.wait_for_delivery()[0])

    def test_permissions_and_pace(self):
        self.smppd('[[users]]\nsystem_id = "slow"\npassword = "s"\npermissions = ["submit"]\nsegments_per_second = 2\n')
        c = self.client("slow", "s")
        self.assertEqual(c.query("1")[0], PROHIBITED)
        statuses = [c.submit()[0] for _ in range(5)]
        self.assertEqual(statuses[0], OK)
        self.assertIn(THROTTLED, statuses)


class StorageTest(SmppdTest):
    def test_kill_9_loses_nothing_acknowledged(self):
        first = self.smppd(f'receipt_delay = "24h"\n[storage]\ntype = "sqlite"\npath = "{self.scratch}/smppd.db"\n')
        c = self.client()
        taken = [c.submit(to=f"4670000{n:04}")[1] for n in range(200)]
        first.kill()
        self.run_it()
        again = self.client()
        self.assertEqual({again.query(message) for message in taken}, {(OK, ENROUTE)})

    def test_receipts_wait_for_their_client_over_a_restart(self):
        first = self.smppd(f'receipt_delay = "50ms"\n[storage]\ntype = "sqlite"\npath = "{self.scratch}/smppd.db"\n')
        c = self.client()
        _, message = c.submit(receipt=1)
        c.close()
        settled = 'smppd_engine_messages_settled_total{state="delivered"} 1'
        wait_until(lambda: settled in http_get(f"http://127.0.0.1:{self.http}/metrics")[1], 10, "the delivery")
        first.kill()
        self.run_it()
        self.assertIn(message.encode(), self.client().wait_for_delivery()[0])


class ScriptTest(SmppdTest):
    def test_behaviours_by_destination_and_their_reload(self):
        script = '[[behaviours]]\ndestination = "46"\nstatus = "ESME_RINVDSTADR"\n' \
                 '[[behaviours]]\npattern = "47[0-9]+"\nstate = "UNDELIV"\nerror = "042"\n'
        program = self.smppd('receipt_delay = "10ms"\n' + script)
        c = self.client()
        self.assertEqual(c.submit(to="46700000001")[0], 0x0B)
        c.submit(to="4711", receipt=1)
        receipt = c.wait_for_delivery()[0]
        self.assertIn(b"stat:UNDELIV err:042", receipt)
        self.config.write_text(self.config.read_text().replace("ESME_RINVDSTADR", "ESME_RSYSERR"))
        program.signal(signal.SIGHUP)
        wait_until(lambda: c.submit(to="46700000001")[0] == 8, 10, "the new behaviour")
        self.config.write_text(self.config.read_text().replace("ESME_RSYSERR", "ESME_NONSENSE"))
        program.signal(signal.SIGHUP)
        wait_until(lambda: "ESME_NONSENSE" in program.tail(), 10, "the refusal of the bad file")
        self.assertEqual(c.submit(to="46700000001")[0], 8)

    def test_a_script_may_stay_silent_or_hang_up(self):
        self.smppd('[[behaviours]]\ndestination = "1"\nno_response = true\n'
                   '[[behaviours]]\ndestination = "2"\ndisconnect = true\n')
        c = self.client()
        c.send(pdu(0x04, 70, submit_sm_body("123", "1", b"x")))
        self.assertEqual(c.request(ENQUIRE_LINK)[0], OK)
        wait_until(self.accepted, 10, "the message that is not answered")
        with self.assertRaises(ConnectionError):
            c.submit(to="2")


class FollowingTest(SmppdTest):
    def test_events_go_to_a_file_and_a_webhook(self):
        got = []

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self):
                got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        events = self.scratch / "events.jsonl"
        self.smppd(f'receipt_delay = "10ms"\n[[event_files]]\npath = "{events}"\n'
                   f'[[event_webhooks]]\nurl = "http://127.0.0.1:{server.server_port}/"\nsecret = "k"\nallow_private = true\n')
        c = self.client()
        c.submit(receipt=1, text=b"CANARY")
        c.wait_for_delivery()
        c.close()
        wanted = {"connected", "bound", "submitted", "delivered", "receipt", "unbound", "disconnected"}

        def seen():
            lines = events.read_text().split("\n")[:-1]
            return {json.loads(line)["event"] for line in lines} >= wanted
        wait_until(seen, 10, lambda: f"all events, have {events.read_text()}")
        wait_until(lambda: {e["event"] for _, body in got for e in json.loads(body)["events"]} >= wanted, 10,
                   "all events at the webhook")
        self.assertTrue(all("Webhook-Signature" in headers for headers, _ in got))
        self.assertNotIn("CANARY", events.read_text() + str(got))

    def test_http_shows_messages_sessions_and_health(self):
        self.smppd()
        c = self.client()
        _, message = c.submit()
        self.assertEqual(self.get(f"/messages/{message}")["to"], "46700000001")
        self.assertEqual([s["system_id"] for s in self.get("/sessions")], [USER])
        self.assertEqual(http_get(f"http://127.0.0.1:{self.http}/health")[0], 200)
        self.assertIn("smppd_submits_total 1", http_get(f"http://127.0.0.1:{self.http}/metrics")[1])
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/mo", method="POST",
            data=json.dumps({"user": USER, "from": "1", "to": "2", "text": "from a phone"}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(answer.status, 202)
        self.assertIn(b"from a phone", c.wait_for_delivery()[0])

    def delete(self, message):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/messages/{message}", method="DELETE")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def test_http_withdraws_what_is_not_on_its_way(self):
        self.smppd('receipt_delay = "1h"\n')
        c = self.client()
        _, waiting = c.submit(schedule=IN_AN_HOUR, receipt=1)
        _, on_its_way = c.submit()
        self.assertEqual(self.delete(waiting), 204)
        self.assertIn(b"stat:DELETED", c.wait_for_delivery()[0])
        self.assertEqual(c.query(waiting), (OK, DELETED))
        wait_until(lambda: self.get(f"/messages/{on_its_way}")["state"] == "sending", 10, "the attempt")
        self.assertEqual([self.delete(m) for m in (waiting, on_its_way, "99", "x")], [404, 409, 404, 404])


class ConfigurationTest(SmppdTest):
    def test_the_json_of_the_server_it_follows(self):
        self.port, self.http = free_port(), free_port()
        self.config = self.write("server.json", json.dumps({
            "server": {"host": "127.0.0.1", "port": self.port, "max_connections": 100, "read_timeout": "30s",
                       "write_timeout": "10s", "idle_timeout": "300s", "enquire_link_timeout": "60s",
                       "bind_timeout": "30s", "tls_enabled": False, "tls_cert_file": "", "tls_key_file": ""},
            "logging": {"level": "info", "format": "text", "output": "stdout", "file": "", "max_size": 100,
                        "max_backups": 3, "max_age": 28, "compress": True},
            "storage": {"type": "file", "data_dir": str(self.scratch / "data")},
            "metrics": {"enabled": True, "port": self.http, "path": "/metrics"},
            "users": [{"system_id": USER, "password": PASSWORD}]}))
        self.run_it()
        self.assertEqual(self.client().submit()[0], OK)
        self.assertEqual(http_get(f"http://127.0.0.1:{self.http}/metrics")[0], 200)
        self.assertTrue((self.scratch / "data" / "smppd.db").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
