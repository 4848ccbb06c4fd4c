"""Carriers with an HTTP API on a running gateway, against mock carriers over real HTTP and HTTPS: messages out, messages
and receipts in, and what goes wrong on either way."""
import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import ADMIN_KEY, Api  # noqa: E402
from gateway import Msggw, binary, free_port, to_text  # noqa: E402
from mock_carriers import Endpoint, Telnyx, Twilio, all_carriers, make_certificate  # noqa: E402
from peers import PeerTest, wait_until  # noqa: E402

PUBLIC = "https://gw.example.org"  # what the carriers were told to call: a proxy stands before the gateway
METADATA = "http://169.254.169.254/latest/meta-data/"


class HttpCarrierTest(PeerTest):
    allowed = '["127.0.0.1"]'
    certificate = None
    on_unknown = "resend"

    def setUp(self):
        super().setUp()
        gateway = Msggw.__new__(Msggw)
        gateway.test, gateway.name = self, "msggw"
        gateway.smpp_port, gateway.http_port = free_port(), free_port()
        if self.certificate is True:
            self.certificate = make_certificate(self.scratch)
        ca_file = f'ca_file = "{self.certificate[0]}"' if self.certificate else ""
        gateway.config = self.write("msggw.toml", f"""\
[store]
path = "{self.scratch}/msggw.db"
[engine]
retry_initial = "200ms"
throttle_initial = "100ms"
on_unknown = "{self.on_unknown}"
[http]
listen = "127.0.0.1:{gateway.http_port}"
api_key = "{ADMIN_KEY}"
public_url = "{PUBLIC}"
[outbound]
allowed_addresses = {self.allowed}
{ca_file}
[metrics]
listen = "127.0.0.1:{free_port()}"
[smpp]
listen = "127.0.0.1:{gateway.smpp_port}"
""")
        gateway.start()
        self.gateway, self.api = gateway, Api(gateway.http_port)
        self.client = self.add("/clients", {"username": "alice", "password": "secret-3"})
        self.numbers = 0

    def add(self, path, body):
        status, answer, _ = self.api.ask("POST", path, body)
        self.assertEqual(status, 201, answer)
        return answer

    def endpoint(self, answer):
        endpoint = Endpoint(answer, self.certificate)
        self._closers.callback(endpoint.close)
        return endpoint

    def connect(self, carrier, answer):
        """The carrier's endpoint, with a number of alice's that it serves in `carrier.number`."""
        endpoint = self.endpoint(answer)
        made = self.add("/carriers", carrier.definition(endpoint.url))
        self.numbers += 1
        carrier.number = f"1555000{self.numbers:04d}"
        carrier.webhook_id = made["webhook_id"]
        self.add(f"/clients/{self.client['id']}/numbers", {"number": carrier.number, "carrier": carrier.type})
        return endpoint

    def submit(self, carrier, text="hello", to="46700123456"):
        """Our id of a message that alice submitted over SMPP."""
        done = subprocess.run([
            str(binary("smppc")), "send", "--port", str(self.gateway.smpp_port), "--system-id", "alice", "--password",
            "secret-3", "--from", carrier.number, "--to", to, "--text", text, "--json", "--receipt", "--mode", "tx"],
            capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + self.gateway.program.tail())
        return json.loads(done.stdout.splitlines()[0])["message_id"]

    def message(self, message_id):
        status, answer, _ = self.api.ask("GET", f"/messages/{message_id}")
        return answer if status == 200 else None

    def wait_for(self, message_id, state, seconds=20):
        def reached():
            m = self.message(message_id)
            return m if m and m["state"] == state else None
        return wait_until(reached, seconds,
                          lambda: f"{state}: {self.message(message_id)}\n{self.gateway.program.tail()}")

    def call(self, carrier, body, way="inbound", secret=None, headers=None, **more):
        """(status, body) of the gateway's answer to a webhook."""
        path = f"/{way}/{carrier.webhook_id}"
        fields, body = carrier.webhook(PUBLIC + path, body, secret, **more)
        if headers is not None:
            fields = headers
        status, answer, _ = self.api.ask("POST", path, body, {"Content-Type": carrier.content_type, **fields},
                                         authorization=fields.get("Authorization", "none"))
        return status, answer

    def received(self, count):
        """What alice gets when she binds."""
        program = self.start("listen", [
            binary("smppc"), "listen", "--mode", "rx", "--count", str(count), "--seconds", "15", "--port",
            str(self.gateway.smpp_port), "--system-id", "alice", "--password", "secret-3"])
        self.assertEqual(program.wait(25), 0, program.tail())
        return [json.loads(line) for line in program.output().splitlines()]


def always_good(carrier):
    """Takes every message, under ids that count up."""
    count, lock = [0], threading.Lock()

    def answer(_):
        with lock:
            count[0] += 1
            status, body = carrier.good(count[0])
        return status, {"Content-Type": "application/json"}, body.encode()
    return answer


class AllCarriers(HttpCarrierTest):
    certificate = True

    def test_texts_go_out_and_receipts_come_back(self):
        for carrier in all_carriers(self.scratch):
            with self.subTest(carrier.type):
                endpoint = self.connect(carrier, always_good(carrier))
                good, bad = self.submit(carrier, "héllo & = wörld"), self.submit(carrier, "second")
                self.wait_for(bad, "sent")
                by_id = {self.wait_for(m, "sent")["segments"][0]["carrier_id"]: m for m in (good, bad)}
                request = next(r for r in endpoint.seen() if b"second" not in r["body"])
                self.assertEqual(request["path"], carrier.path)
                self.assertEqual(request["headers"].get("Authorization"), carrier.login())
                self.assertEqual(carrier.sent(request), ("+" + carrier.number, "+46700123456", "héllo & = wörld"))
                for number, is_good in ((1, True), (2, False)):
                    status, answer = self.call(carrier, carrier.status(number, is_good), "status")
                    self.assertEqual((status, answer), carrier.inbound_answer)
                    message = by_id[carrier.carrier_id(number)]
                    self.wait_for(message, "delivered" if is_good else "undelivered")

    def test_texts_come_in(self):
        carriers = all_carriers(self.scratch)
        for carrier in carriers:
            self.connect(carrier, always_good(carrier))
            event = carrier.inbound(f"ev-{carrier.type}", "46700999999", carrier.number, f"from {carrier.type} é")
            self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
        got = self.received(len(carriers))
        self.assertEqual(sorted(m["text"] for m in got), sorted(f"from {c.type} é" for c in carriers))
        self.assertEqual({m["destination_addr"] for m in got}, {c.number for c in carriers})

    def test_a_long_text_comes_in_whole(self):
        carrier, text = Twilio(), "héllo wörld " * 40
        self.connect(carrier, always_good(carrier))
        event = carrier.inbound("long", "46700999999", carrier.number, text)
        self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
        tlvs = {t["name"]: t["value"] for t in self.received(1)[0]["tlvs"]}
        self.assertEqual(to_text(bytes.fromhex(tlvs["message_payload"]), 0), text)

    def test_a_wrong_or_missing_signature_changes_nothing(self):
        for carrier in all_carriers(self.scratch):
            with self.subTest(carrier.type):
                self.connect(carrier, always_good(carrier))
                event = carrier.inbound("ev", "46700999999", carrier.number, "forged")
                self.assertEqual(self.call(carrier, event, secret="not:this")[0], 403)
                if carrier.type != "vonage":  # which signs in the body
                    self.assertEqual(self.call(carrier, event, headers={})[0], 403)
        self.assertEqual(self.api.ask("POST", "/inbound/0123456789abcdef0123456789abcdef", b"x")[0], 404)
        _, text, _ = self.api.ask("GET", "/metrics")
        self.assertIn('webhook_signature_failures_total{carrier="twilio",reason="wrong"} 1', text)

    def test_an_error_of_the_carrier_ends_the_message(self):
        for carrier in all_carriers(self.scratch):
            with self.subTest(carrier.type):
                endpoint = self.connect(carrier, lambda _, c=carrier: c.error)
                message = self.wait_for(self.submit(carrier), "rejected")
                self.assertEqual(message["attempts"], 1)
                self.assertEqual(len(endpoint.seen()), 1)


class StopNotices(HttpCarrierTest):
    NOTICE = "Reply STOP to end messages."

    def test_a_number_that_ignores_them_does_not_send_them(self):
        carrier = Twilio()
        endpoint = self.connect(carrier, always_good(carrier))
        self.wait_for(self.submit(carrier, self.NOTICE), "sent")
        numbers = f"/clients/{self.client['id']}/numbers"
        made = self.api.ask("GET", numbers)[1][0]
        self.assertEqual(self.api.ask("PUT", f"{numbers}/{made['id']}", {"ignore_stop_cmd_sending": True})[0], 200)
        message = self.wait_for(self.submit(carrier, self.NOTICE), "canceled")
        self.assertEqual(message["attempts"], 0)
        self.wait_for(self.submit(carrier, "Reply STOP to end messages"), "sent")
        self.assertEqual(len(endpoint.seen()), 2)


class Trouble(HttpCarrierTest):
    on_unknown = "fail"

    def test_429_is_repeated_later_and_503_too(self):
        carrier, answers = Twilio(), [(429, {"Retry-After": "1"}, b'{"code":20429}'), (503, {}, b"busy")]
        good = always_good(carrier)
        endpoint = self.connect(carrier, lambda r: answers.pop(0) if answers else good(r))
        self.wait_for(self.submit(carrier), "sent")
        self.assertEqual(len(endpoint.seen()), 3)

    def test_no_answer_leaves_the_outcome_unknown_and_is_not_sent_twice(self):
        for fate in ("cut", "slow", "endless"):
            with self.subTest(fate):
                carrier, released = Twilio(), threading.Event()
                self._closers.callback(released.set)

                def answer(_, fate=fate, released=released):
                    if fate == "slow":
                        released.wait(60)
                    return (201, {}, b"x" * 3_000_000) if fate == "endless" else None
                definition = carrier.definition
                carrier.definition = lambda url, f=fate, d=definition: {**d(url), "name": f}
                endpoint = self.endpoint(answer)
                made = self.add("/carriers", carrier.definition(endpoint.url))
                self.numbers += 1
                carrier.number = f"1555000{self.numbers:04d}"
                self.add(f"/clients/{self.client['id']}/numbers", {"number": carrier.number, "carrier": made["name"]})
                message = self.submit(carrier)
                wait_until(lambda m=message: (self.message(m) or {}).get("settled"), 20,
                           lambda m=message: f"{self.message(m)}\n{self.gateway.program.tail()}")
                self.assertNotIn(self.message(message)["state"], ("sent", "delivered"))
                self.assertEqual(len(endpoint.seen()), 1)

    def test_a_carrier_that_changes_while_it_is_asked_is_waited_for_at_the_end(self):
        carrier, released = Twilio(), threading.Event()
        self._closers.callback(released.set)
        endpoint = self.connect(carrier, lambda _: released.wait(60) and None)
        self.submit(carrier)
        wait_until(endpoint.seen, 20, self.gateway.program.tail)
        made = next(c for c in self.carriers() if c["name"] == "twilio")
        self.assertEqual(self.api.ask("PATCH", f"/carriers/{made['id']}", {"timeout_secs": 100})[0], 200)
        self.gateway.program.signal(signal.SIGTERM)
        self.assertEqual(self.gateway.program.wait(20), 0)

    def carriers(self):
        listed = self.api.ask("GET", "/carriers")[1]
        return listed if isinstance(listed, list) else next(v for v in listed.values() if isinstance(v, list))

    def test_a_redirect_is_not_followed(self):
        carrier = Twilio()
        elsewhere = self.endpoint(lambda _: (201, {}, b'{"sid":"SM1"}'))
        targets = [METADATA, elsewhere.url + "/x"]
        endpoint = self.connect(carrier, lambda _: (307, {"Location": targets.pop(0) if targets else METADATA}, b""))
        for _ in range(2):
            message = self.submit(carrier)
            wait_until(lambda: len(endpoint.seen()) > 0 and self.message(message)["attempts"] > 0, 20, "an attempt")
            self.assertNotIn(self.message(message)["state"], ("sent", "delivered"))
        self.assertEqual(elsewhere.seen(), [])

    def test_webhooks_beyond_the_limit_or_unreadable_are_refused(self):
        carrier = Telnyx(self.scratch)
        self.connect(carrier, always_good(carrier))
        for body in (b"[" * 10_000, b'{"data":', b"\xff\xfe", b"null", b'{"data":1e999}'):
            self.assertIn(self.call(carrier, body)[0], (204, 400), body[:20])
        self.assertEqual(self.call(carrier, b" " * (2 * 1024 * 1024))[0], 413)
        event = carrier.inbound("late", "46700999999", carrier.number, "late")
        self.assertEqual(self.call(carrier, event, at=time.time() - 400)[0], 403)
        self.assertEqual(self.call(carrier, event)[0], 204)

    def test_a_carrier_that_is_refused_is_not_there(self):
        for wrong in ({"type": "pigeon"}, {"timeout_secs": 0}, {"base_url": "file:///etc/passwd"}, {"name": ""}):
            status, answer, _ = self.api.ask("POST", "/carriers", {**Twilio().definition("http://127.0.0.1"), **wrong})
            self.assertEqual(status, 400, answer)
        self.assertNotIn("twilio", json.dumps(self.api.ask("GET", "/carriers")[1]))

    def test_the_old_secret_is_good_while_it_is_rotated(self):
        carrier = Twilio()
        carrier.secret, carrier.secret_old = "new-secret", "12345"
        self.connect(carrier, always_good(carrier))
        for event, secret in (("a", "new-secret"), ("b", "12345")):
            body = carrier.inbound(event, "46700999999", carrier.number, event)
            self.assertEqual(self.call(carrier, body, secret=secret)[0], 200)
        self.assertEqual(self.call(carrier, body, secret="other")[0], 403)

    def test_an_accepted_webhook_survives_kill_9(self):
        carrier = Twilio()
        self.connect(carrier, always_good(carrier))
        self.assertEqual(self.call(carrier, carrier.inbound("e", "46700999999", carrier.number, "kept"))[0], 200)
        self.gateway.program.kill()
        self.gateway.start()
        self.assertEqual([m["text"] for m in self.received(1)], ["kept"])

    def test_no_secret_and_no_text_is_logged(self):
        carrier = Twilio()
        carrier.password, carrier.username = "canary-password", "AC00000000000000000000000000000001"
        self.connect(carrier, always_good(carrier))
        self.wait_for(self.submit(carrier, "canary-text"), "sent")
        self.call(carrier, carrier.inbound("e", "46700999999", carrier.number, "canary-text"))
        self.call(carrier, carrier.inbound("e", "46700999999", carrier.number, "canary-text"), secret="wrong")
        for canary in ("canary-text", "canary-password", carrier.webhook_id):
            self.assertNotIn(canary, self.gateway.program.output())


class WebClients(HttpCarrierTest):
    SECRET = "whsec-1"

    def web_client(self, carrier, answer, **settings):
        """A web client with a number that `carrier` serves; its webhook answers as `answer` says."""
        hook = self.endpoint(answer)
        self.connect(carrier, always_good(carrier))
        web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web", "settings": {
            "default_webhook": hook.url + "/hook", "webhook_secret": self.SECRET, **settings}})
        carrier.number = "15559990001"
        self.add(f"/clients/{web['id']}/numbers", {"number": carrier.number, "carrier": carrier.type, "tag": "blue"})
        return hook

    def bring(self, carrier, event, text="for the web"):
        body = carrier.inbound(event, "46700999999", carrier.number, text)
        self.assertEqual(self.call(carrier, body), carrier.inbound_answer)

    def check_signature(self, request):
        fields = {k.lower(): v for k, v in request["headers"].items()}
        at = fields["webhook-timestamp"]
        self.assertLess(abs(time.time() - int(at)), 300)
        mac = hmac.new(self.SECRET.encode(), at.encode() + b"." + request["body"], hashlib.sha256).hexdigest()
        self.assertEqual(fields["webhook-signature"], "v1=" + mac)
        self.assertNotIn("authorization", fields)
        return fields["webhook-id"]

    def test_a_text_reaches_the_webhook_signed(self):
        for settings in ({}, {"api_format": "telnyx"}):
            with self.subTest(settings):
                carrier = Twilio()
                hook = self.web_client(carrier, lambda _: (204, {}, b""), **settings)
                self.bring(carrier, "e1")
                wait_until(hook.seen, 20, self.gateway.program.tail)
                request = hook.seen()[0]
                self.check_signature(request)
                body = json.loads(request["body"])
                if settings:
                    self.assertEqual(body["data"]["event_type"], "message.received")
                    self.assertEqual(body["data"]["payload"]["text"], "for the web")
                else:
                    self.assertEqual((body["from"], body["to"], body["text"], body["tag"]),
                                     ("+46700999999", "+15559990001", "for the web", "blue"))
                self.tearDown()
                self.setUp()

    def test_segments_are_told_to_who_wants_them(self):
        carrier = Twilio()
        hook = self.web_client(carrier, lambda _: (204, {}, b""), include_raw_segments=True)
        self.bring(carrier, "e1", "hé")
        wait_until(hook.seen, 20, self.gateway.program.tail)
        self.assertEqual(json.loads(hook.seen()[0]["body"])["raw_segments"], [{"data_coding": 0, "octets": "6805"}])

    def test_a_failing_webhook_is_tried_again_with_the_same_id(self):
        carrier, answers = Twilio(), [(500, {}, b""), None, (302, {"Location": METADATA}, b"")]
        hook = self.web_client(carrier, lambda _: answers.pop(0) if answers else (200, {}, b"ok"))
        self.bring(carrier, "e1")
        wait_until(lambda: len(hook.seen()) == 4, 30, self.gateway.program.tail)
        self.assertEqual(len({self.check_signature(r) for r in hook.seen()}), 1)

    def test_a_text_waits_through_kill_9_for_its_webhook(self):
        carrier, works = Twilio(), threading.Event()
        hook = self.web_client(carrier, lambda _: (200, {}, b"") if works.is_set() else (503, {}, b""))
        self.bring(carrier, "e1")
        wait_until(hook.seen, 20, self.gateway.program.tail)
        self.gateway.program.kill()
        works.set()
        before = len(hook.seen())
        self.gateway.start()
        wait_until(lambda: len(hook.seen()) > before, 30, self.gateway.program.tail)

    def test_an_endless_answer_counts_by_its_status(self):
        carrier = Twilio()
        hook = self.web_client(carrier, lambda _: (200, {}, b"x" * 3_000_000))
        self.bring(carrier, "e1")

        def delivered():
            text = self.api.ask("GET", "/metrics")[1]
            return 'webhook_total{client="web",code="200",result="delivered"} 1' in text
        wait_until(delivered, 20, self.gateway.program.tail)
        self.assertEqual(len(hook.seen()), 1)


class Guard(HttpCarrierTest):
    allowed = "[]"

    def test_nothing_is_sent_to_an_address_that_is_not_public(self):
        carrier = Twilio()
        endpoint = self.connect(carrier, always_good(carrier))
        self.wait_for(self.submit(carrier), "rejected")
        self.assertEqual(endpoint.seen(), [])


if __name__ == "__main__":
    unittest.main()
