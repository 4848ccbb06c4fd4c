"""Messages with media on a running gateway: from web clients out through carriers, in from carriers to clients, and what
is handed out under /media. The carriers and the servers that hold the media are mocks over real HTTP."""
import base64
import json
import re
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_http_carriers as carriers  # noqa: E402  (the module, so that its tests do not run twice)
from api import basic  # noqa: E402
from mock_carriers import Bandwidth, Endpoint, Telnyx, Twilio, form  # noqa: E402
from peers import PeerTest, free_port, wait_until  # noqa: E402
from postgres import Postgres  # noqa: E402
from two_gateways import Gateway  # noqa: E402

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
NOT_FOUND = {"error": {"code": "not_found", "message": "there is no such medium"}}
WEB = basic("web", "secret-5")
NUMBER = "15559990001"


def media_server(files, login=None):
    """Answers GETs of `files`: path to (type, octets), or to a whole answer. With `login`: 401 without it."""
    def answer(request):
        if login and request["headers"].get("Authorization") != login:
            return 401, {}, b""
        found = files.get(request["path"].split("?")[0])
        if found is None:
            return 404, {}, b""
        if len(found) == 3:
            return found
        return 200, {"Content-Type": found[0]}, found[1]
    return answer


def sent_media(carrier, request):
    """(text, media URLs) of a message that the gateway sent."""
    if carrier.type == "twilio":
        fields = urllib.parse.parse_qs(request["body"].decode())
        return fields.get("Body", [""])[0], fields.get("MediaUrl", [])
    m = json.loads(request["body"])
    return m.get("text", ""), m.get("media_urls" if carrier.type == "telnyx" else "media", [])


def inbound_media(carrier, event, source, destination, text, urls):
    if carrier.type == "twilio":
        fields = {"MessageSid": event, "From": "+" + source, "To": "+" + destination, "Body": text,
                  "NumMedia": str(len(urls)), "SmsStatus": "received"}
        for i, url in enumerate(urls):
            fields[f"MediaUrl{i}"], fields[f"MediaContentType{i}"] = url, "image/jpeg"
        return form(fields)
    body = json.loads(carrier.inbound(event, source, destination, text))
    if carrier.type == "telnyx":
        body["data"]["payload"]["media"] = [{"url": u, "content_type": "image/jpeg", "size": 1} for u in urls]
    else:
        body[0]["message"]["media"] = urls
    return json.dumps(body).encode()


class MediaTest(carriers.HttpCarrierTest):
    def setUp(self):
        super().setUp()
        self.hook = self.endpoint(lambda _: (204, {}, b""))
        self.web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web",
                                         "settings": {"default_webhook": self.hook.url + "/hook"}})
        self.numbers_made = 0

    def number_of(self, carrier, number=NUMBER):
        made = self.add(f"/clients/{self.web['id']}/numbers", {"number": number, "carrier": carrier.type})
        return made["number"]

    def carrier_for_web(self, carrier, number=NUMBER):
        endpoint = self.connect(carrier, carriers.always_good(carrier))
        carrier.number = self.number_of(carrier, number)
        return endpoint

    def send(self, body, headers=None):
        return self.api.ask("POST", "/messages", body, headers, authorization=WEB)

    def fetch(self, url):
        """(status, headers, octets) of what the gateway hands out under a URL that it gave to others."""
        path = urllib.parse.urlparse(url).path
        try:
            with urllib.request.urlopen(self.api.url + path, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def hooked(self, count=1):
        wait_until(lambda: len(self.hook.seen()) >= count, 20, self.gateway.program.tail)
        return [json.loads(r["body"]) for r in self.hook.seen()]


class Groups(MediaTest):
    def test_a_group_is_one_message_where_the_carrier_takes_groups(self):
        files = self.endpoint(media_server({"/cat.jpg": ("image/jpeg", JPEG)}))
        to = ["+46700123456", "+46700123457", "+46700123458"]
        for i, (carrier, path) in enumerate(((Telnyx(self.scratch), "/v2/messages/group_mms"), (Bandwidth(), "/messages"))):
            for media in ([{"url": files.url + "/cat.jpg"}], []):
                with self.subTest(carrier.type, media=bool(media)):
                    if media:
                        endpoint = self.carrier_for_web(carrier, f"1555999{i:04d}")
                    before = len(endpoint.seen())
                    status, answer, _ = self.send({"from": carrier.number, "to": to, "text": "all of you", "subject": "s",
                                                   "group": True, "receipt": True, "media": media})
                    self.assertEqual(status, 202, answer)
                    self.assertNotIn("messages", answer)
                    self.wait_for(answer["id"], "sent")
                    requests = endpoint.seen()[before:]
                    self.assertEqual(len(requests), 1)
                    self.assertTrue(requests[0]["path"].endswith(path), requests[0]["path"])
                    body = json.loads(requests[0]["body"])
                    self.assertEqual((body["to"], body["text"], body["from"]), (to, "all of you", "+" + carrier.number))
                    self.assertNotIn("messaging_profile_id", body)
                    self.assertEqual(len(sent_media(carrier, requests[0])[1]), len(media))
            self.assertEqual(self.call(carrier, carrier.status(1, True), "status")[0], carrier.inbound_answer[0])

    def test_a_group_is_one_message_each_where_it_cannot_be_one(self):
        files = self.endpoint(media_server({"/cat.jpg": ("image/jpeg", JPEG)}))
        telnyx, twilio = Telnyx(self.scratch), Twilio()
        endpoints = self.carrier_for_web(telnyx, "15559990001"), self.carrier_for_web(twilio, "15559990002")
        media = [{"url": files.url + "/cat.jpg"}]
        cases = (({"from": telnyx.number, "to": ["46700123456", "46700123457"]}, 0, 2),  # nobody asked for a group
                 ({"from": telnyx.number, "to": [f"467001234{i:02}" for i in range(9)], "group": True}, 0, 9),
                 ({"from": twilio.number, "to": ["46700123456", "46700123457"], "group": True}, 1, 2))
        for body, which, count in cases:
            with self.subTest(body):
                before = len(endpoints[which].seen())
                status, answer, _ = self.send({**body, "text": "hi", "media": media})
                self.assertEqual(status, 202, answer)
                self.assertEqual(len(answer["messages"]), count)
                for m in answer["messages"]:
                    self.wait_for(m["id"], "sent")
                self.assertEqual(len(endpoints[which].seen()) - before, count)
        # One of them is a client here, whom no carrier can reach for us.
        status, answer, _ = self.send({"from": telnyx.number, "to": ["46700123456", twilio.number], "text": "hi", "group": True})
        self.assertEqual((status, len(answer["messages"])), (202, 2), answer)
        self.assertEqual(self.send({"from": telnyx.number, "to": ["46700123456", "46700123457"], "text": "hi", "group": 1})[0], 400)

    def test_a_group_that_a_route_leads_elsewhere_ends_with_the_reason(self):
        telnyx, twilio = Telnyx(self.scratch), Twilio()
        self.carrier_for_web(telnyx, "15559990001")
        self.carrier_for_web(twilio, "15559990002")
        self.add("/routes", {"name": "elsewhere", "destination": "46700123456", "exact": True,
                             "to": [{"endpoint": "carrier:twilio"}]})
        status, answer, _ = self.send({"from": telnyx.number, "to": ["46700123456", "46700123457"], "text": "hi", "group": True})
        self.assertEqual(status, 202, answer)
        self.assertIn("takes no messages to a group", str(self.wait_for(answer["id"], "rejected")))


class Outbound(MediaTest):
    def test_text_and_media_reach_the_carrier(self):
        files = self.endpoint(media_server({"/a/cat.jpg": ("image/jpeg", JPEG), "/dog": ("image/png", PNG)}))
        for i, carrier in enumerate((Twilio(), Telnyx(self.scratch), Bandwidth())):
            with self.subTest(carrier.type):
                endpoint = self.carrier_for_web(carrier, f"1555999{i:04d}")
                status, answer, _ = self.send({
                    "from": carrier.number, "to": "46700123456", "text": "lööck & see", "receipt": True,
                    "media": [{"url": files.url + "/a/cat.jpg"}, {"url": files.url + "/dog?x=1", "filename": "dög.png"}]})
                self.assertEqual(status, 202, answer)
                message = self.wait_for(answer["id"], "sent")
                self.assertEqual(message["kind"], "mms")
                text, urls = sent_media(carrier, endpoint.seen()[0])
                self.assertEqual(text, "lööck & see")
                for url, octets, name in zip(urls, (JPEG, PNG), ("cat.jpg", "d%C3%B6g.png"), strict=True):
                    self.assertRegex(url, "^" + re.escape(carriers.PUBLIC) + r"/media/[0-9a-f]{32}\.(jpg|png)$")
                    status, fields, got = self.fetch(url)
                    self.assertEqual((status, got), (200, octets))
                    self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
                    self.assertIn("sandbox", fields["Content-Security-Policy"])
                    self.assertIn("attachment", fields["Content-Disposition"])
                    self.assertIn("filename*=UTF-8''" + name.lower(), fields["Content-Disposition"].replace("%C3%B6", "%c3%b6"))
                self.assertEqual(self.call(carrier, carrier.status(1, True), "status")[0], carrier.inbound_answer[0])
                self.wait_for(answer["id"], "delivered")

    def test_each_shape_of_request_carries_media(self):
        files = self.endpoint(media_server({"/cat.jpg": ("image/jpeg", JPEG)}))
        carrier = Twilio()
        endpoint = self.carrier_for_web(carrier)
        url = files.url + "/cat.jpg"
        inline = {"content": base64.b64encode(JPEG).decode(), "content_type": "image/jpeg", "filename": "cat.jpg"}
        bodies = [({"to": "46700123456", "text": "a", "media": [inline]}, 202),
                  ({"to": "46700123456", "media": [{"url": url}]}, 202),
                  ({"from": "+" + NUMBER, "to": "46700123456", "text": "c", "media_urls": [url]}, 202),
                  ({"data": {"payload": {"from": {"phone_number": "+" + NUMBER}, "text": "d",
                                         "to": [{"phone_number": "+46700123456"}],
                                         "media": [{"url": url, "content_type": "image/jpeg"}]}}}, 202)]
        for i, (body, expected) in enumerate(bodies):
            with self.subTest(i):
                status, answer, _ = self.send(body)
                self.assertEqual(status, expected, answer)
                wait_until(lambda i=i: len(endpoint.seen()) == i + 1, 20, self.gateway.program.tail)
                _, urls = sent_media(carrier, endpoint.seen()[i])
                self.assertEqual(self.fetch(urls[0])[2], JPEG)
        self.assertEqual(answer["data"]["type"], "MMS")
        self.api.ask("PATCH", f"/clients/{self.web['id']}", {"settings": {"api_format": "bicom"}})
        status, answer, _ = self.send({"from": NUMBER, "to": "46700123456", "text": "b", "media_urls": [url]})
        self.assertEqual((status, answer), (200, {"status": "success", "message": ""}))

    def test_limits_of_media_messages_hold_and_show(self):
        carrier = Twilio()
        self.carrier_for_web(carrier)
        self.api.ask("PATCH", f"/clients/{self.web['id']}", {"settings": {"mms_daily_limit": 2, "sms_daily_limit": 1}})
        body = {"to": "46700123456", "text": "x" * 400, "media": [{"content": base64.b64encode(PNG).decode()}]}
        self.assertEqual([self.send(body)[0] for _ in range(3)], [202, 202, 429])
        self.assertEqual(self.send(body)[1]["limit_type"], "daily_mms")
        self.assertEqual(self.send({"to": "46700123456", "text": "x"})[0], 202)
        usage = self.api.ask("GET", "/messages/usage", authorization=WEB)[1]
        self.assertEqual(usage["client"]["mms"]["daily"], {"current_usage": 2, "limit": 2, "remaining": 0})
        self.assertEqual(usage["client"]["sms"]["daily"], {"current_usage": 1, "limit": 1, "remaining": 0})
        self.assertIn("mms", usage["numbers"][0])

    def test_what_is_no_medium_is_refused_and_nothing_is_sent(self):
        files = self.endpoint(media_server({
            "/page.jpg": ("text/html", b"<html>"), "/fake.jpg": ("image/jpeg", b"<html>"), "/empty.jpg": ("image/jpeg", b""),
            "/large.jpg": ("image/jpeg", JPEG + bytes(6_000_000)), "/inside": (302, {"Location": carriers.METADATA}, b""),
            "/down": (503, {}, b""), "/svg": ("image/svg+xml", b"<svg/>")}))
        carrier = Twilio()
        endpoint = self.carrier_for_web(carrier)
        for path, status, words in (("/page.jpg", 422, "text/html"), ("/fake.jpg", 422, "not what its type says"),
                                    ("/empty.jpg", 422, "empty"), ("/large.jpg", 422, "larger"),
                                    ("/absent", 422, "404"), ("/inside", 422, "not allowed"), ("/down", 502, "503"),
                                    ("/svg", 422, "svg")):
            with self.subTest(path):
                got, answer, _ = self.send({"to": "46700123456", "text": "x", "media_urls": [files.url + path]})
                self.assertEqual(got, status, answer)
                self.assertIn(words, answer["error"]["message"])
        for body, words in (({"media": [{"url": "file:///etc/passwd"}]}, "http"), ({"media": [{"content": "%"}]}, "base64"),
                            ({"media": [{}]}, "either"), ({"media": "x"}, "list"),
                            ({"media_urls": ["http://a"] * 11}, "at most")):
            with self.subTest(body):
                got, answer, _ = self.send({"to": "46700123456", "text": "x", **body})
                self.assertEqual(got, 400, answer)
                self.assertIn(words, answer["error"]["message"])
        self.assertEqual(endpoint.seen(), [])

    def test_an_accepted_message_keeps_its_media_over_kill_9(self):
        carrier = Twilio()
        endpoint = self.carrier_for_web(carrier)
        content = base64.b64encode(PNG).decode()
        status, answer, _ = self.send({"to": "46700123456", "text": "kept", "media": [{"content": content}]})
        self.assertEqual(status, 202, answer)
        self.gateway.program.kill()
        self.gateway.start()
        wait_until(endpoint.seen, 30, self.gateway.program.tail)
        _, urls = sent_media(carrier, endpoint.seen()[0])
        self.assertEqual(self.fetch(urls[0])[2], PNG)


class Inbound(MediaTest):
    def test_media_of_carriers_reach_the_webhook(self):
        for i, carrier in enumerate((Twilio(), Telnyx(self.scratch), Bandwidth())):
            with self.subTest(carrier.type):
                login = None if carrier.type == "telnyx" else carrier.login()
                files = media_server({"/m/1": ("image/jpeg", JPEG), "/m/2": ("image/png", PNG)}, login)
                endpoint = self.connect(carrier, files)
                carrier.number = self.number_of(carrier, f"1555999{i:04d}")
                event = inbound_media(carrier, f"ev{i}", "46700999999", carrier.number, "säe",
                                      [endpoint.url + "/m/1", endpoint.url + "/m/2"])
                for _ in range(2):  # carriers repeat themselves
                    self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
                got = self.hooked(i + 1)[i]
                self.assertEqual((got["type"], got["text"], got["from"]), ("mms", "säe", "+46700999999"))
                self.assertEqual([m["content_type"] for m in got["media"]], ["image/jpeg", "image/png"])
                self.assertEqual([m["size"] for m in got["media"]], [len(JPEG), len(PNG)])
                for medium, octets in zip(got["media"], (JPEG, PNG)):
                    status, fields, content = self.fetch(medium["url"])
                    self.assertEqual((status, content), (200, octets))
                    self.assertEqual(fields["Content-Type"], medium["content_type"])

    def test_formats_of_clients(self):
        carrier = Twilio()
        endpoint = self.connect(carrier, media_server({"/m/1": ("image/jpeg", JPEG)}, carrier.login()))
        self.number_of(carrier)
        for i, shape in enumerate(("bicom", "telnyx")):
            self.api.ask("PATCH", f"/clients/{self.web['id']}", {"settings": {"api_format": shape}})
            event = inbound_media(carrier, f"ev{i}", "46700999999", NUMBER, "hi", [endpoint.url + "/m/1"])
            self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
            got = self.hooked(i + 1)[i]
            urls = got["media_urls"] if shape == "bicom" else [m["url"] for m in got["data"]["payload"]["media"]]
            self.assertEqual(self.fetch(urls[0])[2], JPEG)

    def test_a_medium_that_is_not_to_be_had_takes_nothing_with_it(self):
        carrier, away = Twilio(), [True, True]

        def answer(request):
            if request["path"] == "/m/late" and away:
                away.pop()
                return 503, {}, b""
            return media_server({"/m/late": ("image/jpeg", JPEG), "/page": ("text/html", b"<html>")})(request)
        endpoint = self.connect(carrier, answer)
        self.number_of(carrier)
        event = inbound_media(carrier, "e", "46700999999", NUMBER, "the text",
                              [endpoint.url + path for path in ("/m/late", "/m/gone", "/page")])
        self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
        got = self.hooked()[0]
        self.assertEqual((got["text"], len(got["media"]), got["media_lost"]), ("the text", 1, 2))
        self.assertEqual(self.fetch(got["media"][0]["url"])[2], JPEG)

    def test_the_password_goes_to_the_carrier_alone(self):
        carrier = Twilio()
        self.connect(carrier, carriers.always_good(carrier))
        self.number_of(carrier)
        elsewhere = self.endpoint(media_server({"/m": ("image/jpeg", JPEG)}))
        event = inbound_media(carrier, "e", "46700999999", NUMBER, "x", [elsewhere.url + "/m"])
        self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
        self.assertEqual(len(self.hooked()[0]["media"]), 1)
        self.assertNotIn("Authorization", elsewhere.seen()[0]["headers"])

    def test_a_client_without_media_gets_text_and_links(self):
        carrier = Twilio()
        endpoint = self.connect(carrier, media_server({"/m": ("image/jpeg", JPEG)}, carrier.login()))
        event = inbound_media(carrier, "e", "46700999999", carrier.number, "look", [endpoint.url + "/m"])
        self.assertEqual(self.call(carrier, event), carrier.inbound_answer)
        text, link = self.received(1)[0]["text"].split("\n")
        self.assertEqual(text, "look")
        self.assertEqual(self.fetch(link)[2], JPEG)

    def test_a_message_to_several_reaches_each_of_ours_once(self):
        carrier = Telnyx(self.scratch)
        endpoint = self.connect(carrier, media_server({"/m": ("image/jpeg", JPEG)}))
        first, second = self.number_of(carrier, "15559990001"), self.number_of(carrier, "15559990002")
        body = json.loads(inbound_media(carrier, "e", "46700999999", "46700777777", "all", [endpoint.url + "/m"]))
        body["data"]["payload"]["to"].append({"phone_number": "+" + first})
        body["data"]["payload"]["cc"] = [{"phone_number": "+" + second}]
        for _ in range(2):
            self.assertEqual(self.call(carrier, json.dumps(body).encode()), carrier.inbound_answer)
        got = self.hooked(2)
        self.assertEqual({m["to"] for m in got}, {"+" + first, "+" + second})
        for m in got:
            self.assertEqual(m["recipients"], ["+46700777777", "+" + first, "+" + second])


class Handout(MediaTest):
    def test_nobody_learns_which_media_there_are(self):
        self.carrier_for_web(Twilio())
        content = base64.b64encode(PNG).decode()
        self.assertEqual(self.send({"to": "46700123456", "media": [{"content": content}]})[0], 202)
        stored = [p for p in (self.scratch / "media").rglob("*") if p.is_file()]
        self.assertEqual(len(stored), 1)
        token = stored[0].name
        self.assertEqual(stored[0].stat().st_mode & 0o077, 0)
        self.assertEqual(self.fetch(f"/media/{token}")[2], PNG)
        self.assertEqual(self.fetch(f"/media/{token}.png")[2], PNG)
        other = token[:-1] + ("0" if token[-1] != "0" else "1")
        for guess in (other, token[:-1], token.upper() if token.upper() != token else "A" * 32, token[:2],
                      f"..%2F{token[:2]}%2F{token}", "%2e%2e", "a" * 5_000):
            with self.subTest(guess[:40]):
                status, _, body = self.fetch(f"/media/{guess}")
                self.assertEqual((status, json.loads(body)), (404, NOT_FOUND))
        for listing in ("/media", "/media/"):
            self.assertEqual(self.fetch(listing)[0], 404)

    def test_no_token_is_logged(self):
        carrier = Twilio()
        endpoint = self.carrier_for_web(carrier)
        content = base64.b64encode(PNG).decode()
        self.send({"to": "46700123456", "text": "x", "media": [{"content": content, "filename": "canary.png"}]})
        wait_until(endpoint.seen, 20, self.gateway.program.tail)
        _, urls = sent_media(carrier, endpoint.seen()[0])
        self.fetch(urls[0])
        token = urls[0].rsplit("/", 1)[1].split(".")[0]
        for canary in (token, "canary.png"):
            self.assertNotIn(canary, self.gateway.program.output())


class Guard(MediaTest):
    allowed = "[]"

    def test_nothing_is_fetched_from_an_address_that_is_not_public(self):
        files = self.endpoint(media_server({"/a.jpg": ("image/jpeg", JPEG)}))
        self.carrier_for_web(Twilio())
        for url in (files.url + "/a.jpg", carriers.METADATA, "http://[::1]:1/x",
                    files.url.replace("127.0.0.1", "0x7f000001") + "/a.jpg"):
            status, answer, _ = self.send({"to": "46700123456", "text": "x", "media_urls": [url]})
            self.assertIn(status, (422, 502), answer)  # the last one may be no address at all
        self.assertEqual(files.seen(), [])


class Shared(PeerTest):
    def test_media_are_there_at_each_gateway_of_a_database(self):
        postgres = Postgres(self)
        one, two = (Gateway(self, name, free_port(), postgres.store_lines(name),
                            {"MSGGW_OUTBOUND_ALLOWED_ADDRESSES": "127.0.0.1"}) for name in ("one", "two"))
        hook = Endpoint(lambda _: (204, {}, b""))
        self._closers.callback(hook.close)
        web = one.ask("POST", "/clients", {"username": "web", "password": "secret-5", "type": "web",
                                           "settings": {"default_webhook": hook.url}})[1]
        one.ask("POST", f"/clients/{web['id']}/numbers", {"number": NUMBER})
        body = {"to": NUMBER, "media": [{"content": base64.b64encode(JPEG).decode()}]}

        def taken():  # the second gateway hears of the client, then of its number, within seconds
            return two.ask("POST", "/messages", body, authorization=WEB)[0] == 202
        wait_until(taken, 20, two.program.tail)
        wait_until(hook.seen, 20, two.program.tail)
        url = json.loads(hook.seen()[0]["body"])["media"][0]["url"]
        two.program.kill()
        with urllib.request.urlopen(one.api.url + urllib.parse.urlparse(url).path, timeout=20) as answer:
            self.assertEqual(answer.read(), JPEG)


if __name__ == "__main__":
    unittest.main()
