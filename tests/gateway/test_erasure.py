"""A number is forgotten on an administrator's order: messages, receipts, media, batches, the audit and the files themselves."""
import base64
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import basic  # noqa: E402
from gateway import Smppd  # noqa: E402
from peers import wait_until  # noqa: E402
from two_gateways import TwoGateways  # noqa: E402
import test_api  # noqa: E402

PERSON, OTHER, MASK = "46711111111", "46722222222", "46*********"
JPEG = b"\xff\xd8\xff\xe0" + bytes(200) + b"\xff\xd9"


class Steps:
    """What both kinds of store go through; `ask(method, path, body, authorization)` gives (status, answer)."""

    def order(self, number=PERSON):
        status, answer = self.ask("POST", "/erasures", {"number": "+" + number})
        self.assertEqual(status, 202, answer)
        self.assertEqual(answer["number"], MASK)
        return answer["id"]

    def wait_until_done(self, order, ask=None):
        one = lambda: (ask or self.ask)("GET", f"/erasures/{order}")[1]  # noqa: E731
        return wait_until(lambda: one() if one()["status"] == "done" else None, 60, one)

    def found(self, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        return self.ask("GET", f"/messages?limit=200&{text}")[1]["messages"]

    def post(self, to, **more):
        status, answer = self.ask("POST", "/messages", {"to": to, "text": "for you alone", **more}, self.auth)
        self.assertEqual(status, 202, answer)
        return answer["id"]

    def make_client(self):
        client = self.ask("POST", "/clients", {"username": "web", "password": "secret-5", "type": "web"})[1]
        self.auth = basic("web", "secret-5")
        status, answer = self.ask("POST", f"/clients/{client['id']}/numbers", {"number": "15550001", "carrier": self.carrier})
        self.assertEqual(status, 201, answer)

    def wait_for_delivered(self, count, **query):
        all_ = lambda: self.found(state="delivered", kind="sms", **query)  # noqa: E731
        wait_until(lambda: len(all_()) >= count, 30, all_)


class OnSqlite(Steps, test_api.ApiTest):
    carrier = "up"

    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway(f'[media]\npath = "{self.scratch}/media"\n')
        self.add_carrier(self.smppd)
        self.make_client()

    def ask(self, method, path, body=None, authorization=None):
        return self.api.ask(method, path, body, None, authorization)[:2]

    def test_messages_receipts_media_and_batches_forget_a_number(self):
        self.post(PERSON)
        self.post(PERSON, media=[{"content": base64.b64encode(JPEG).decode(), "content_type": "image/jpeg"}])
        self.post(OTHER)
        status, batch = self.ask("POST", "/messages/batch", {"messages": [{"to": PERSON, "text": "one of many"},
                                                                           {"to": OTHER, "text": "kept"}]}, self.auth)
        self.assertEqual(status, 202, batch)
        self.wait_for_delivered(2, to=PERSON)
        self.wait_for_delivered(2, to=OTHER)
        media = lambda: [p for p in Path(self.scratch, "media").rglob("*") if p.is_file()]  # noqa: E731
        self.assertEqual(len(media()), 1)
        wait_until(lambda: self.ask("GET", f"/messages/batch/{batch['id']}", None, self.auth)[1]["status"] == "completed", 30,
                   lambda: "the batch")
        wait_until(lambda: all(m["state"] in ("delivered", "sent") for m in self.found(to=PERSON)), 30, lambda: self.found(to=PERSON))
        order = self.order()
        done = self.wait_until_done(order)
        self.assertGreaterEqual(done["messages"], 3)
        self.assertEqual((done["media"], done["batch_items"], done["waiting"]), (1, 1, 0))
        self.assertEqual(self.found(to=PERSON), [])
        self.assertEqual(media(), [])
        self.assertEqual(len(self.found(to=OTHER, kind="sms")), 2)
        items = self.ask("GET", f"/messages/batch/{batch['id']}/messages", None, self.auth)[1]["messages"]
        self.assertEqual([PERSON in str(i) for i in items], [False, False])
        audit = self.ask("GET", "/audit")[1]
        self.assertEqual([(e["action"], e["id"]) for e in audit if e["kind"] == "erasure"], [("update", order), ("create", order)])
        self.assertNotIn(PERSON, str(audit))
        self.assertNotIn(PERSON, str(self.ask("GET", "/erasures")[1]))
        self.assertNotIn(PERSON, self.msggw.program.err_path.read_text())

    def test_what_is_on_its_way_is_erased_at_its_end_also_after_kill_9(self):
        self.smppd.program.stop()
        waits = self.post(PERSON)
        order = self.order()
        one = lambda: self.ask("GET", f"/erasures/{order}")[1]  # noqa: E731
        wait_until(lambda: one()["waiting"] == 1, 30, one)
        self.assertEqual(one()["status"], "working")
        self.msggw.program.kill()
        self.msggw.start()
        self.assertEqual(self.ask("GET", f"/messages/{waits}")[1]["to"], PERSON, "it is to arrive first")
        self.assertEqual(self.ask("DELETE", f"/messages/{waits}", None, self.auth)[0], 200)
        self.wait_until_done(order)
        self.assertEqual(self.ask("GET", f"/messages/{waits}")[1]["to"], MASK)

    def test_what_is_no_number_and_who_may_not(self):
        for body in ({}, {"number": "x"}, {"number": 4671}, {"number": PERSON, "more": 1}):
            self.assertEqual(self.ask("POST", "/erasures", body)[0], 400, body)
        key = self.ask("POST", "/administrators", {"name": "op", "role": "operator"})[1]["key"]
        self.assertEqual(self.ask("POST", "/erasures", {"number": PERSON}, "Bearer " + key)[0], 403)
        self.assertEqual(self.ask("GET", "/erasures/1")[0], 404)


class OnPostgres(Steps, TwoGateways):
    carrier = ""

    def ask(self, method, path, body=None, authorization=None):
        return self.first.ask(method, path, body, authorization=authorization)

    def test_the_other_gateway_goes_on_when_one_dies(self):
        self.make_client()
        for _ in range(3):
            self.post(PERSON)
        self.wait_for_delivered(3, to=PERSON)
        there = lambda *a: self.second.ask(*a)  # noqa: E731
        wait_until(lambda: there("GET", "/clients")[1], 10, self.tails)
        self.smppd.program.stop()
        waits = self.post(PERSON)
        order = self.order()
        wait_until(lambda: there("GET", f"/erasures/{order}")[1]["waiting"] == 1, 30, self.tails)
        self.first.program.kill()
        began = time.monotonic()
        withdrawn = lambda: self.second.ask("DELETE", f"/messages/{waits}", authorization=self.auth)[0] == 200  # noqa: E731
        wait_until(withdrawn, 60, self.tails)  # once it has been taken over
        done = self.wait_until_done(order, there)
        self.assertLess(time.monotonic() - began, 100)
        self.assertEqual(done["waiting"], 0)
        number = lambda table, column: self.postgres.sql(  # noqa: E731
            f"SELECT count(*) FROM {table} WHERE position('{PERSON}'::bytea in {column}) > 0")
        self.assertEqual((number("msgkit_message", "content"), number("msgkit_message", "progress")), ("0", "0"))
        self.assertEqual(number("msgkit_fact", "value"), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
