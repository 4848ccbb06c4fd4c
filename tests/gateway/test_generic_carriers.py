"""Carriers that an operator describes by a template, against mock carriers over real HTTP: the examples of
docs/carriers.md, read from there."""
import base64
import hashlib
import hmac
import json
import re
import sys
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_http_carriers as carriers  # noqa: E402
import test_media as media  # noqa: E402  (the modules, so that their tests do not run twice)
from mock_carriers import Carrier, basic  # noqa: E402
from peers import wait_until  # noqa: E402

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "carriers.md").read_text()
EXAMPLES = {e["name"]: e for e in map(json.loads, re.findall(r"```json\n(.*?)```", DOCUMENT, re.S))}


class Described(Carrier):
    """A carrier as an example of the document describes it; `changes` are other keys of its template."""

    def __init__(self, name, **changes):
        self.type, self.changes = name, changes
        example = EXAMPLES[name]
        self.username, self.password = example["username"], example["password"]
        self.secret = example["signing_secret"]

    def definition(self, base_url):
        example = EXAMPLES[self.type]
        return {**example, "base_url": base_url, "timeout_secs": 5, "template": {**example["template"], **self.changes}}

    def login(self):
        return basic(self.username, self.password)


class Forms(Described):
    """Wants a form with its key in a header, answers JSON, signs its webhooks, which are JSON."""
    inbound_answer = None  # it names the event

    def __init__(self, **changes):
        super().__init__("forms", **changes)

    def good(self, number):
        return 200, json.dumps({"status": "accepted", "message_id": self.carrier_id(number)})

    def carrier_id(self, number):
        return f"f-{number}"

    def webhook(self, url, body, secret=None, at=None):
        stamp = str(int(at or time.time()))
        mac = hmac.new((secret or self.secret).encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Signature": "sha256=" + mac, "X-Timestamp": stamp}, body

    def inbound(self, event, source, destination, text, urls=()):
        return json.dumps({"type": "message", "id": event, "from": "+" + source, "to": "+" + destination, "text": text,
                           "media": list(urls)}).encode()

    def status(self, number, word="delivered", error=None):
        return json.dumps({"type": "state", "id": f"s{number}{word}", "message_id": self.carrier_id(number),
                           "state": word, "error": error}).encode()


class Kannel(Described):
    """sendsms of Kannel: a GET, and words for an answer. Its calls prove themselves by what stands in their URL."""
    content_type = "text/plain"

    def __init__(self, **changes):
        super().__init__("kannel", **changes)

    def good(self, _):
        return 202, "0: Accepted for delivery"


def fields_of(request):
    return dict(urllib.parse.parse_qsl(request["body"].decode(), keep_blank_values=True))


def query_of(request):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlparse(request["path"]).query, keep_blank_values=True,
                                       encoding="utf-8"))


def parted():
    return Forms(parts={"policy": "udh"},
                 body={**EXAMPLES["forms"]["template"]["body"], "udh": "${udh_hex}", "part": "${part_number}"})


class GenericTest(carriers.HttpCarrierTest):
    def get(self, carrier, way, query):
        status, answer, _ = self.api.ask("GET", f"/{way}/{carrier.webhook_id}?{urllib.parse.urlencode(query)}")
        return status, answer


class FormProvider(GenericTest):
    def test_a_text_goes_out_and_its_receipts_come_back(self):
        carrier = Forms()
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        sent = self.submit(carrier, "héllo & = wörld")
        self.assertEqual(self.wait_for(sent, "sent")["segments"][0]["carrier_id"], "f-1")
        request = endpoint.seen()[0]
        self.assertEqual((request["method"], request["path"]), ("POST", "/v1/messages"))
        self.assertEqual(request["headers"]["X-Api-Key"], "api-key-1")
        self.assertEqual(request["headers"]["Idempotency-Key"], sent + "-1")
        self.assertNotIn("Authorization", request["headers"])
        fields = fields_of(request)
        self.assertEqual((fields["from"], fields["to"], fields["text"], fields["reference"]),
                         ("+" + carrier.number, "+46700123456", "héllo & = wörld", sent))
        self.assertEqual(fields["callback"], f"{carriers.PUBLIC}/status/{carrier.webhook_id}")
        self.assertEqual(self.call(carrier, carrier.status(1, "queued"), "status"), (200, {"received": "s1queued"}))
        self.assertEqual(self.message(sent)["state"], "sent")
        self.assertEqual(self.call(carrier, carrier.status(1), "status")[0], 200)
        self.wait_for(sent, "delivered")

    def test_texts_come_in_once_and_signed_only(self):
        carrier = Forms()
        self.connect(carrier, carriers.always_good(carrier))
        event = carrier.inbound("e1", "46700999999", carrier.number, "from outside é")
        for _ in range(2):  # carriers repeat themselves
            self.assertEqual(self.call(carrier, event), (200, {"received": "e1"}))
        for wrong in ({"secret": "other"}, {"headers": {}}, {"at": time.time() - 400}):
            self.assertEqual(self.call(carrier, carrier.inbound("e2", "467", carrier.number, "forged"), **wrong)[0], 403)
        self.assertEqual([m["text"] for m in self.received(1)], ["from outside é"])
        self.assertEqual(self.call(carrier, b"{")[0], 400)
        self.assertEqual(self.call(carrier, b'{"type":"bill"}')[0], 200)

    def test_each_error_means_what_the_map_says(self):
        carrier, answers = Forms(), []
        good = carriers.always_good(carrier)
        endpoint = self.connect(carrier, lambda r: answers.pop(0) if answers else good(r))

        def refusal(status, code):
            return status, {}, json.dumps({"status": "refused", "error": {"code": code, "text": "no: " + code}}).encode()
        for answer, state, requests in ((refusal(400, "bad_number"), "rejected", 1),
                                        (refusal(200, "unheard_of"), "rejected", 1),
                                        (refusal(400, "maintenance"), "sent", 2),
                                        ((503, {}, b"<html>"), "sent", 2),
                                        (refusal(400, "quota"), "sent", 2),
                                        ((429, {"Retry-After": "1"}, b""), "sent", 2)):
            with self.subTest(answer):
                before, began = len(endpoint.seen()), time.monotonic()
                answers.append(answer)
                message = self.wait_for(self.submit(carrier), state, 40)
                self.assertEqual(len(endpoint.seen()) - before, requests)
                if answer[0] == 429 or b"quota" in answer[2]:
                    self.assertGreaterEqual(time.monotonic() - began, 1)
                if b"bad_number" in answer[2]:
                    self.assertIn("no: bad_number", json.dumps(message))

    def test_opt_outs_are_told(self):
        carrier = Forms()
        refused = [(400, {}, b'{"status":"refused","error":{"code":"blocked"}}')]
        good = carriers.always_good(carrier)
        self.connect(carrier, lambda r: refused.pop(0) if refused else good(r))
        self.wait_for(self.submit(carrier), "rejected")
        sent = self.submit(carrier)
        self.wait_for(sent, "sent")
        self.assertEqual(self.call(carrier, carrier.status(1, "failed", "blocked"), "status")[0], 200)
        self.wait_for(sent, "undelivered")
        self.assertIn('http_carrier_opt_outs_total{carrier="forms"} 1', self.api.ask("GET", "/metrics")[1])

    def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(self):
        carrier, answers = Forms(), [(200, {}, b""), (200, {}, b'{"status":"accepted"}')]
        endpoint = self.connect(carrier, lambda _: answers.pop(0) if answers else carriers.always_good(carrier)(_))
        for _ in range(2):
            before = len(endpoint.seen())
            self.submit(carrier)
            wait_until(lambda: len(endpoint.seen()) > before + 1 or not answers, 30, "sent again: on_unknown is resend")
        wait_until(lambda: len(endpoint.seen()) >= 4, 30, self.gateway.program.tail)

    def test_parts_keep_the_header_they_came_with(self):
        carrier = parted()
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        self.submit(carrier, "0123456789" * 40)  # in three submits, each with its header
        wait_until(lambda: len(endpoint.seen()) == 3, 20, self.gateway.program.tail)
        parts = sorted((fields_of(r) for r in endpoint.seen()), key=lambda p: p["udh"])
        self.assertEqual("".join(p["text"] for p in parts), "0123456789" * 40)
        self.assertEqual([p["udh"][-4:] for p in parts], ["0301", "0302", "0303"])

    def test_a_change_takes_effect_at_once(self):
        carrier = Forms()
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        made = next(c for c in self.api.ask("GET", "/carriers")[1] if c["name"] == "forms")
        self.assertEqual(made["template"], EXAMPLES["forms"]["template"])
        changed = {**made["template"], "method": "PUT", "url": "/v2/messages"}
        status, answer, _ = self.api.ask("PATCH", f"/carriers/{made['id']}", {"template": changed})
        self.assertEqual((status, answer["template"]["method"]), (200, "PUT"))
        self.wait_for(self.submit(carrier), "sent")
        self.assertEqual((endpoint.seen()[0]["method"], endpoint.seen()[0]["path"]), ("PUT", "/v2/messages"))
        self.gateway.program.kill()
        self.gateway.start()
        self.wait_for(self.submit(carrier), "sent")
        self.assertEqual(endpoint.seen()[1]["method"], "PUT")

    def test_a_template_with_mistakes_is_refused_by_name(self):
        good = EXAMPLES["forms"]
        template = good["template"]
        cases = (({"template": {**template, "metod": "POST"}}, "template.metod: is not a key"),
                 ({"template": {**template, "url": "/x/${nobody}"}}, "template.url: unknown name ${nobody}"),
                 ({"template": {**template, "window": 0}}, "template.window: must be a whole number of 1..1000"),
                 ({"template": {**template, "url": "/x"}}, "base_url: is missing"),
                 ({"template": {**template, "signature": {"type": "none"}}}, "needs insecure_webhooks"),
                 ({"template": {**template, "signature": {"type": "addresses", "addresses": ["10.0.0.0/99"]}}},
                  "must be addresses and ranges"),
                 ({"password": ""}, "password: is missing, and the template uses it"),
                 ({"template": {}}, "template: is missing"),
                 ({"type": "twilio"}, "template: is for carriers of type generic"))
        for change, words in cases:
            with self.subTest(words):
                status, answer, _ = self.api.ask("POST", "/carriers", {**good, **change})
                self.assertIn(status, (400, 422) if change in ({"password": ""}, {"template": {}}) else (422,), answer)
                self.assertIn(words.split(",")[0], answer["error"]["message"])
        self.assertEqual(self.api.ask("POST", "/carriers", {**good, "template": "x"})[0], 400)
        self.assertEqual(self.api.ask("POST", "/carriers", {**good, "insecure_webhooks": True, "template": {
            **template, "signature": {"type": "none"}}})[0], 201)

    def test_secrets_are_not_shown_and_not_logged(self):
        carrier = Forms()
        carrier.secret = EXAMPLES["forms"]["signing_secret"]
        self.connect(carrier, carriers.always_good(carrier))
        self.wait_for(self.submit(carrier, "canary-text"), "sent")
        self.call(carrier, carrier.inbound("e", "46700999999", carrier.number, "canary-text"))
        shown = json.dumps(self.api.ask("GET", "/carriers")[1])
        stored = (self.scratch / "msggw.db").read_bytes() + b"".join(
            p.read_bytes() for p in self.scratch.glob("msggw.db-*"))
        for secret in ("api-key-1", "whsec-1"):
            self.assertNotIn(secret, shown)
            self.assertNotIn(secret, self.gateway.program.output())
            self.assertNotIn(secret.encode(), stored)
        self.assertNotIn("canary-text", self.gateway.program.output())


class KannelProvider(GenericTest):
    def test_a_text_goes_out_and_its_receipts_come_back(self):
        carrier = Kannel()
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        sent = self.submit(carrier, "héllo Ж")
        self.wait_for(sent, "sent")
        request = endpoint.seen()[0]
        self.assertEqual(request["method"], "GET")
        self.assertTrue(request["path"].startswith("/cgi-bin/sendsms?"))
        asked = query_of(request)
        self.assertEqual((asked["username"], asked["password"], asked["from"], asked["to"], asked["text"], asked["coding"]),
                         ("tester", "foobar", "+" + carrier.number, "+46700123456", "héllo Ж", "2"))
        # What Kannel calls: its escapes filled in.
        called = urllib.parse.urlparse(asked["dlr-url"].replace("%d", "1").replace("%A", "stat:DELIVRD"))
        self.assertEqual(f"{called.scheme}://{called.netloc}", carriers.PUBLIC)
        self.assertEqual(self.api.ask("GET", f"{called.path}?{called.query}")[0], 200)
        self.wait_for(sent, "delivered")
        forged = called.query.replace("dlr-token-1", "dlr-token-2")
        self.assertEqual(self.api.ask("GET", f"{called.path}?{forged}")[0], 403)

    def test_texts_come_in_with_the_token_only(self):
        carrier = Kannel()
        self.connect(carrier, carriers.always_good(carrier))
        text = {"id": "k1", "from": "+46700999999", "to": "+" + carrier.number, "text": "in é"}
        self.assertEqual(self.get(carrier, "inbound", text)[0], 403)
        self.assertEqual(self.get(carrier, "inbound", {**text, "key": "wrong"})[0], 403)
        for _ in range(2):
            self.assertEqual(self.get(carrier, "inbound", {**text, "key": "dlr-token-1"}), (200, ""))
        self.assertEqual([m["text"] for m in self.received(1)], ["in é"])
        for secret in ("dlr-token-1", "foobar"):
            self.assertNotIn(secret, self.gateway.program.output())

    def test_words_of_errors_count(self):
        answers = [(503, {}, b"Temporal failure, try again later."), (403, {}, b"Authorization failed for sendsms"),
                   (400, {}, b"Sender missing and no global set, rejected")]
        carrier = Kannel()
        endpoint = self.connect(carrier, lambda _: answers.pop(0))
        message = self.wait_for(self.submit(carrier), "rejected", 40)
        self.assertEqual(len(endpoint.seen()), 3)
        self.assertIn("Sender missing", json.dumps(message))


class Addresses(GenericTest):
    def test_webhooks_of_others_are_refused(self):
        for addresses, status in ((["192.0.2.0/24"], 403), (["127.0.0.1"], 200)):
            with self.subTest(addresses):
                carrier = Forms(signature={"type": "addresses", "addresses": addresses})
                definition = carrier.definition
                carrier.definition = lambda url, d=definition, s=status: {**d(url), "name": f"forms{s}"}
                endpoint = self.endpoint(carriers.always_good(carrier))
                carrier.webhook_id = self.add("/carriers", carrier.definition(endpoint.url))["webhook_id"]
                self.assertEqual(self.call(carrier, carrier.inbound("e", "46700999999", "1555", "x"), headers={})[0], status)


class Media(media.MediaTest):
    def test_media_go_out_and_come_in(self):
        files = media.media_server({"/m/1": ("image/jpeg", media.JPEG)}, Forms().login())
        carrier = Forms()
        good = carriers.always_good(carrier)
        endpoint = self.connect(carrier, lambda r: files(r) if r["method"] == "GET" else good(r))
        carrier.number = self.number_of(carrier)
        content = base64.b64encode(media.PNG).decode()
        status, answer, _ = self.send({"to": "46700123456", "text": "lööck", "media": [{"content": content}]})
        self.assertEqual(status, 202, answer)
        self.wait_for(answer["id"], "sent")
        asked = fields_of(endpoint.seen()[0])
        self.assertEqual(asked["text"], "lööck")
        self.assertEqual(self.fetch(asked["media"])[2], media.PNG)
        event = carrier.inbound("e1", "46700999999", carrier.number, "see", [endpoint.url + "/m/1"])
        self.assertEqual(self.call(carrier, event), (200, {"received": "e1"}))
        got = self.hooked()[0]
        self.assertEqual((got["type"], got["text"]), ("mms", "see"))
        self.assertEqual(self.fetch(got["media"][0]["url"])[2], media.JPEG)


    def test_long_texts_are_cut_as_the_policy_says(self):
        carrier, text = parted(), "0123456789" * 40
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        carrier.number = self.number_of(carrier)
        status, answer, _ = self.send({"to": "46700123456", "text": text, "receipt": True})
        self.assertEqual(status, 202, answer)
        message = self.wait_for(answer["id"], "sent")
        self.assertEqual([s["carrier_id"] for s in message["segments"]], ["f-1", "f-2", "f-3"])
        parts = [fields_of(r) for r in endpoint.seen()]
        self.assertEqual("".join(p["text"] for p in parts), text)
        self.assertEqual([p["udh"][-4:] for p in parts], ["0301", "0302", "0303"])
        self.assertEqual(len({p["udh"][:8] for p in parts}), 1)
        for number in (1, 2, 3):
            self.call(carrier, carrier.status(number), "status")
        self.wait_for(answer["id"], "delivered")


class Window(GenericTest):
    def test_no_more_requests_than_the_window(self):
        carrier, released = Forms(window=2), threading.Event()
        self._closers.callback(released.set)
        good = carriers.always_good(carrier)
        endpoint = self.connect(carrier, lambda r: released.wait(60) and good(r))
        sent = [self.submit(carrier, f"m{i}") for i in range(4)]
        wait_until(lambda: len(endpoint.seen()) == 2, 20, self.gateway.program.tail)
        waiting = [self.message(m)["state"] for m in sent]
        self.assertEqual(len(endpoint.seen()), 2, waiting)
        released.set()
        for m in sent:
            self.wait_for(m, "sent")


if __name__ == "__main__":
    unittest.main()
