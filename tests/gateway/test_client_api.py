"""What clients get besides sending: reports to addresses that a message names, their history, answers that their numbers
give by themselves; and what the log says of their messages."""
import hashlib
import hmac
import json
import sys
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import basic  # noqa: E402
from gateway import CARRIER_ID, CARRIER_PASSWORD, Smppd  # noqa: E402
from mock_carriers import Endpoint  # noqa: E402
from peers import wait_until  # noqa: E402
from raw_smpp import SUBMIT_SM, RawClient, pdu, submit_sm_body  # noqa: E402
import test_api  # noqa: E402

NUMBER, PHONE = "15550001", "46700123456"


class ClientTest(test_api.ApiTest):
    extra = '[engine]\nretry_initial = "100ms"\n[outbound]\nallowed_addresses = ["127.0.0.1"]\n'
    mo = ()

    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self, self.mo)
        self.msggw = self.empty_gateway(self.extra)
        self.web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web",
                                         "settings": {"webhook_retries": 5}})
        self.auth = basic("web", "secret-5")

    def add_number(self, **fields):
        return self.add(f"/clients/{self.web['id']}/numbers", {"number": NUMBER, "carrier": "up", **fields})

    def before_the_carrier_comes(self, *steps):
        """The carrier has its messages for us as soon as it is bound: what shall be there then is made before."""
        made = self.add("/carriers", {"name": "up", "type": "smpp", "username": CARRIER_ID, "password": CARRIER_PASSWORD,
                                      "smpp": {"port": self.smppd.port, "host": "127.0.0.1"}, "enabled": False})
        for step in steps:
            step()
        self.assertEqual(self.api.ask("PATCH", f"/carriers/{made['id']}", {"enabled": True})[0], 200)

    def wait_for_accepted(self, count):
        return wait_until(lambda: a if len(a := self.smppd.accepted()) >= count else None, 30, self.msggw.program.tail)

    def history(self, status=200, **query):
        got, answer, fields = self.api.ask("GET", "/messages/history?" + urllib.parse.urlencode(query), authorization=self.auth)
        self.assertEqual(got, status, answer)
        return answer, fields


class KannelReports(ClientTest):
    def setUp(self):
        super().setUp()
        self.add_carrier(self.smppd)
        self.add_number()
        self.answers = []
        self.receiver = Endpoint(lambda _: self.answers.pop(0) if self.answers else (200, {}, b""))
        self.addCleanup(self.receiver.close)

    def sendsms(self, **parameters):
        query = urllib.parse.urlencode({"user": "web", "pass": "secret-5", "from": NUMBER, "to": PHONE, "text": "hej",
                                        **parameters})
        return self.api.ask("GET", "/cgi-bin/sendsms?" + query, authorization="none")[:2]

    def reports(self, count):
        seen = wait_until(lambda: s if len(s := self.receiver.seen()) >= count else None, 30, self.msggw.program.tail)
        return [urllib.parse.parse_qs(urllib.parse.urlsplit(r["path"]).query) for r in seen]

    def test_the_address_is_asked_for_what_the_mask_wants(self):
        url = self.receiver.url + "/dlr?type=%d&to=%p&from=%P&smsc=%i&id=%I&fid=%F&text=%A&mine=7"
        self.assertEqual(self.sendsms(**{"dlr-mask": "31", "dlr-url": url})[0], 202)
        reports = sorted(self.reports(2), key=lambda r: -int(r["type"][0]))
        self.assertEqual([r["type"] for r in reports], [["8"], ["1"]])
        for r in reports:
            self.assertEqual((r["to"], r["from"], r["smsc"], r["mine"]), (["+" + PHONE], ["+" + NUMBER], ["up"], ["7"]))
            self.assertEqual(r["fid"], [self.smppd.accepted()[0]["id"]])
            self.assertEqual(r["id"], [self.history()[0]["messages"][0]["id"]])
        self.assertEqual(reports[0]["text"], ["ACK/"])
        self.assertIn("stat:DELIVRD", reports[1]["text"][0])
        self.assertEqual({r["method"] for r in self.receiver.seen()}, {"GET"})

    def test_a_report_that_fails_is_repeated_also_after_kill_9(self):
        self.answers = [(503, {}, b"")] * 3
        self.assertEqual(self.sendsms(dlrmask="1", dlrurl=self.receiver.url + "/dlr?type=%d")[0], 202)
        self.reports(1)
        self.msggw.program.kill()
        self.msggw.start()
        self.assertEqual(self.reports(4)[3]["type"], ["1"])
        self.assertEqual(len({r["headers"]["Webhook-Id"] for r in self.receiver.seen()}), 1)

    def test_nothing_is_asked_without_a_mask_or_for_other_events(self):
        url = self.receiver.url + "/dlr?type=%d&text=%o"
        for mask in ({}, {"dlr-mask": "0"}, {"dlr-mask": "2"}, {"dlr-mask": "4"}):
            self.assertEqual(self.sendsms(**mask, **{"dlr-url": url})[0], 202)
        self.assertEqual(self.sendsms(**{"dlr-mask": "1", "dlr-url": url})[0], 202)
        self.reports(1)
        delivered = lambda: [m for m in self.history()[0]["messages"] if m["status"] == "delivered"]  # noqa: E731
        wait_until(lambda: len(delivered()) == 5, 30, delivered)
        self.assertEqual(len(self.receiver.seen()), 1)

    def test_what_is_no_address_is_refused(self):
        for bad in ({"dlr-mask": "32"}, {"dlr-mask": "x"}, {"dlr-url": "file:///etc/passwd"}, {"dlr-url": "http://u:p@h/"},
                    {"dlr-url": "http://h/" + "x" * 2000}):
            self.assertEqual(self.sendsms(**{"dlr-mask": "1", "dlr-url": "http://h/", **bad})[0], 400, bad)


class Secrets(ClientTest):
    mo = ({"from": PHONE, "to": NUMBER, "text": "to you"},)

    def test_both_secrets_sign_while_they_change(self):
        receiver = Endpoint(lambda _: (200, {}, b""))
        self.addCleanup(receiver.close)
        settings = {"default_webhook": receiver.url, "webhook_secret": "new-1", "webhook_secret_old": "old-1"}
        self.assertEqual(self.api.ask("PUT", f"/clients/{self.web['id']}/settings", settings)[0], 200)
        self.before_the_carrier_comes(self.add_number)
        request = wait_until(receiver.seen, 30, self.msggw.program.tail)[0]
        fields = {k.lower(): v for k, v in request["headers"].items()}
        for secret in ("new-1", "old-1"):
            mac = hmac.new(secret.encode(), fields["webhook-timestamp"].encode() + b"." + request["body"], hashlib.sha256)
            self.assertIn("v1=" + mac.hexdigest(), fields["webhook-signature"])


class KannelGuard(ClientTest):
    extra = ""

    def test_nothing_inside_is_asked(self):
        self.add_carrier(self.smppd)
        self.add_number()
        receiver = Endpoint(lambda _: (200, {}, b""))
        self.addCleanup(receiver.close)
        query = urllib.parse.urlencode({"user": "web", "pass": "secret-5", "from": NUMBER, "to": PHONE, "text": "x",
                                        "dlr-mask": "1", "dlr-url": receiver.url + "/dlr"})
        self.assertEqual(self.api.ask("GET", "/cgi-bin/sendsms?" + query, authorization="none")[0], 202)
        find = lambda: self.api.ask("GET", "/messages?kind=receipt")[1]["messages"]  # noqa: E731
        wait_until(lambda: find() and find()[0]["state"] == "rejected", 30, find)
        self.assertEqual(receiver.seen(), [])


class History(ClientTest):
    mo = ({"from": PHONE, "to": NUMBER, "text": "to you"},)

    def test_pages_filters_and_counts(self):
        self.before_the_carrier_comes(self.add_number)
        for i in range(5):
            status = self.api.ask("POST", "/messages", {"to": f"4670000000{i % 2}", "text": "x" * (200 if i == 4 else 1)},
                                  authorization=self.auth)[0]
            self.assertEqual(status, 202)
        everything = lambda: self.history()[0]["messages"]  # noqa: E731
        wait_until(lambda: [m["status"] for m in everything() if m["direction"] == "outbound"] == ["delivered"] * 5, 30, everything)
        out, fields = self.history(direction="outbound", per_page=2, page=3)
        self.assertEqual((out["total_count"], out["page"], out["per_page"], len(out["messages"])), (5, 3, 2, 1))
        self.assertEqual((fields["X-Total-Count"], fields["X-Page"], fields["X-Per-Page"]), ("5", "3", "2"))
        newest = self.history(direction="outbound")[0]["messages"][0]
        self.assertEqual((newest["from"], newest["to"], newest["carrier"], newest["internal"], newest["total_segments"]),
                         (NUMBER, "46700000000", "up", False, 2))
        of_number = self.history(to="+46700000001")[0]
        self.assertEqual((of_number["total_count"], of_number["total_is_exact"], of_number["counted_since"]), (2, True, None))
        inbound = wait_until(lambda: self.history(direction="inbound")[0]["messages"], 30, everything)
        self.assertEqual((inbound[0]["from"], inbound[0]["carrier"]), (PHONE, "up"))
        today = time.strftime("%Y-%m-%d", time.gmtime())
        self.assertEqual(self.history(until="2026-01-01")[0]["messages"], [])
        self.assertEqual(self.history(since="2026-01-01", **{"from": NUMBER})[0]["total_count"], 5, today)
        for bad in ({"page": 0}, {"per_page": 201}, {"direction": "up"}, {"since": "yesterday"}, {"type": "mms"}, {"to": "x"}):
            self.history(400, **bad)

    def test_nobody_sees_the_history_of_others(self):
        self.add_carrier(self.smppd)
        self.add_number()
        self.api.ask("POST", "/messages", {"to": PHONE, "text": "x"}, authorization=self.auth)
        self.add("/clients", {"username": "other", "password": "secret-6", "type": "web"})
        self.auth = basic("other", "secret-6")
        self.assertEqual(self.history()[0]["messages"], [])


class WholeMessages(ClientTest):
    def test_parts_become_one_message_where_the_client_wants_that(self):
        self.add_carrier(self.smppd)
        alice = self.add("/clients", {"username": "alice", "password": "secret-3",
                                      "settings": {"disable_message_splitting": True}})
        self.add(f"/clients/{alice['id']}/numbers", {"number": NUMBER, "carrier": "up"})
        client = RawClient(self.msggw.smpp_port, "alice", "secret-3")
        self.addCleanup(client.close)
        ids = set()
        for number, text in ((2, b"second half"), (1, b"first half, ")):
            body = bytearray(submit_sm_body(NUMBER, PHONE, bytes([5, 0, 3, 200, 2, number]) + text))
            body[body.index(PHONE.encode() + b"\0") + len(PHONE) + 1] = 0x40  # esm_class: there is a header
            client.send(pdu(SUBMIT_SM, number, bytes(body)))
            _, status, _, answer = client.receive()
            self.assertEqual(status, 0)
            ids.add(answer)
        self.assertEqual(len(ids), 1)
        self.assertEqual([bytes.fromhex(m["octets"]) for m in self.wait_for_accepted(1)], [b"first half, second half"])


class Batches(ClientTest):
    def test_a_table_is_a_batch(self):
        self.add_carrier(self.smppd)
        self.add_number()
        table = f'phone,name\n{PHONE},Ann\nnobody,Bo\n46700000002,"C, D"\n'.encode()
        query = urllib.parse.urlencode({"text_template": "hi {{name}}", "throttle_per_second": 100})
        post = lambda body, rest="": self.api.ask("POST", "/messages/batch?" + query, body,  # noqa: E731
                                                  {"Content-Type": "text/csv"}, self.auth)[:2]
        status, batch = post(table)
        self.assertEqual((status, batch["total_count"]), (202, 3), batch)
        self.assertEqual({bytes.fromhex(m["octets"]) for m in self.wait_for_accepted(2)}, {b"hi Ann", b"hi C, D"})
        status, answer = post(b"name\nAnn\n")
        self.assertEqual(status, 400)
        self.assertIn("line 1", answer["error"]["message"])


class AutoReply(ClientTest):
    extra = '[auto_reply]\ndefault_message = "we are closed"\n'
    mo = ({"from": PHONE, "to": NUMBER, "text": "hello?"}, {"from": "46700000077", "to": "15550002", "text": "and you?"})

    def test_a_number_answers_with_its_own_words_or_the_common_ones(self):
        def numbers():
            self.add_number(auto_reply_enabled=True)
            other = self.add_number(number="15550002")
            self.assertEqual(self.api.ask("PUT", f"/numbers/{other['id']}/auto-reply",
                                          {"enabled": True, "message": "my own words", "cooldown_secs": 60})[0], 200)
        self.before_the_carrier_comes(numbers)
        got = {(m["from"], m["to"], bytes.fromhex(m["octets"]).decode()) for m in self.wait_for_accepted(2)}
        self.assertEqual(got, {(NUMBER, PHONE, "we are closed"), ("15550002", "46700000077", "my own words")})


class MessageLog(ClientTest):
    extra = '[log]\nformat = "json"\nmessages = true\n'

    def lines(self):
        text = self.msggw.program.err_path.read_text(errors="replace")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["component"] == "messages"]

    def test_messages_are_logged_without_text_and_numbers_are_masked(self):
        self.add_carrier(self.smppd)
        self.add_number()
        post = lambda: self.api.ask("POST", "/messages", {"to": PHONE, "text": "canary"}, authorization=self.auth)  # noqa: E731
        first = post()[1]["id"]
        ended = lambda i: [m for m in self.lines() if m["id"] == i and m["message"] == "message ended"]  # noqa: E731
        wait_until(lambda: ended(first), 30, self.msggw.program.tail)
        said = [m for m in self.lines() if m["id"] == first]
        self.assertEqual([m["message"] for m in said], ["message accepted", "message ended"])
        self.assertEqual((said[1]["state"], said[1]["account"], said[1]["endpoint"]), ("delivered", "client:web", "carrier:up"))
        self.assertNotIn(PHONE, json.dumps(said))
        self.assertTrue(said[0]["to"].endswith("456"))
        self.assertEqual(self.api.ask("PATCH", f"/clients/{self.web['id']}", {"log_privacy": False})[0], 200)
        second = post()[1]["id"]
        wait_until(lambda: ended(second), 30, self.msggw.program.tail)
        self.assertEqual((ended(second)[0]["from"], ended(second)[0]["to"]), (NUMBER, PHONE))
        self.assertNotIn("canary", self.msggw.program.err_path.read_text(errors="replace"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
