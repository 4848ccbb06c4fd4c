"""The REST API of mmsgw, held against docs/openapi-mmsgw.yaml; callbacks; what must not be reached through it."""
import gzip
import hashlib
import hmac
import http.server
import os
import threading
import time
import unittest
import urllib.error
import urllib.request

from mmsgw import API, FROM, OTHER, PICTURE, SECRET, TO, Application, Gateway, MmsgwTest, mm4_gateway, mm7_gateway, openapi
from peers import free_port

NOBODY = mm4_gateway("peer", "peer", 9, "a.test", "peer.test")


class ApiTest(MmsgwTest):
    def gateway(self, application=None):
        return Gateway(self, "a", NOBODY, application)

    def test_every_documented_request_has_a_route(self):
        a = Gateway(self, "a", mm7_gateway("0" * 32, "http://127.0.0.1:9/")).start()
        for method, pattern in openapi.operations(API):
            with self.subTest(f"{method} {pattern}"):
                status, answer = a.call(method, pattern.replace("{id}", "0" * 32), {} if method in ("PUT", "POST") else None, prefix="")
                self.assertNotEqual(status, 405, answer)
                if status == 404:
                    self.assertNotIn("no such path", answer["error"]["message"])

    def test_every_route_is_documented(self):
        """Those of the source: there is one line for each."""
        source = open(os.path.join(os.path.dirname(__file__), "../../apps/mmsgw/api.cpp"), encoding="utf-8").read()
        routes = {(line.split('"')[1], "/mmsgw/v1" + line.split('"')[3]) for line in source.splitlines() if line.strip().startswith('add("')}
        self.assertGreater(len(routes), 10)
        self.assertEqual(routes - set(openapi.operations(API)), set())

    def test_templates_and_mistakes(self):
        a = Gateway(self, "a", mm4_gateway("peer", "peer", free_port(), "a.test", "peer.test")).start()
        made = a.template(parts=[{"content_name": "t", "content_type": "text/plain", "content": "x"},
                                 {"content_name": "s", "content_type": "application/smil", "content": "<smil/>"}])
        self.assertEqual([p["content_name"] for p in made["parts"]], ["s", "t"])
        path = "/mms/" + made["id"]
        added = a.call("PUT", path, {"subject": "new", "parts": [{"content_name": "u", "content_type": "text/plain", "content": "y"}]})[1]
        self.assertEqual([p["content_name"] for p in added["parts"]], ["s", "t", "u"])
        cleared = a.call("PUT", path, {"parts": [None, {"content_name": "v", "content_type": "text/plain", "content": "z"}]})[1]
        self.assertEqual([p["content_name"] for p in cleared["parts"]], ["v"])
        self.assertEqual(cleared["subject"], "new")
        for body, status in [({"parts": "x"}, 422), ({"earliest_delivery": "soon"}, 422), ({"message_class": "urgent"}, 422),
                             ({"parts": [{"content_type": "application/x", "content": "a"}]}, 422),
                             ({"subject": "a\r\nBcc: b"}, 422), ({"parts": [{"content_type": "text/plain"}]}, 422)]:
            self.assertEqual(a.call("POST", "/mms", body)[0], status, body)
        self.assertEqual(a.call("POST", f"/mms/outbound/{made['id']}", {})[0], 422)
        self.assertEqual(a.call("POST", f"/mms/outbound/{made['id']}", {"destination": TO, "gateway": "none"})[0], 422)
        self.assertEqual(a.call("POST", f"/mms/outbound/{made['id']}", {"bcc": TO})[0], 202)
        self.assertEqual(a.call("DELETE", path)[0], 204)
        self.assertEqual(a.call("GET", path)[0], 404)
        for missing in ("/mms/outbound/x", "/mms/inbound/x", "/media/x", "/media/..%2f..%2fetc%2fpasswd"):
            self.assertEqual(a.call("GET", missing)[0], 404, missing)

    def test_parts_made_by_themselves(self):
        a = self.gateway().start()
        status, part = a.call("POST", "/mms_part", {"content_name": "p.gif", "content_type": "image/gif", "content": "GIF89a"})
        self.assertEqual(status, 201, part)
        self.assertEqual(a.call("GET", "/mms_part/" + part["part_id"]), (200, part))
        made = a.template(parts=[part["part_id"], {"content_type": "text/plain", "content": "x"}])
        self.assertEqual(made["parts"][0], part)
        self.assertEqual(a.call("GET", "/media/" + part["part_id"])[1], b"GIF89a")
        self.assertEqual(a.call("GET", "/mms_part/" + "0" * 32)[0], 404)
        for wrong in ({"content_type": "video/x-thing"}, {"content_type": "text/plain", "content": "a", "content_url": "http://x/"},
                      {"content_type": "text/plain", "content_base64": "*"}):
            self.assertEqual(a.call("POST", "/mms_part", wrong)[0], 422, wrong)
        self.assertEqual(a.call("POST", "/mms", {"parts": ["0" * 32]})[0], 422)

    def test_a_template_can_send_at_once(self):
        a = self.gateway().start()
        made = a.template(send={"destination": [TO], "cc": OTHER, "priority": "high", "linked_id": "l", "gateway": "peer"})
        message = a.call("GET", "/mms/outbound/" + made["message"])[1]
        self.assertEqual((message["destination"], message["cc"], message["priority"], message["linked_id"], message["direction"]),
                         ([TO], [OTHER], "high", "l", -1))
        self.assertEqual(message["template"]["subject"], made["subject"])
        self.assertEqual(a.call("GET", "/mms/outbound"), (200, {"messages": [made["message"]]}))
        self.assertEqual(a.call("GET", "/mms/inbound"), (200, {"messages": []}))
        self.assertEqual(a.call("POST", "/mms", {"origin": FROM, "parts": [], "send": {}})[0], 422)

    def test_templates_and_messages_are_forgotten_in_time(self):
        a = self.gateway()
        a.settings["mms_template_ttl"] = '"1s"'
        a.start()
        gone = a.template()["id"]
        time.sleep(1.1)  # the life of a template, in the wall clock's time
        a.process.kill()
        a.start()  # forgets what is over
        self.assertEqual(a.call("GET", f"/mms/{gone}")[0], 404)

    def test_the_key_is_asked_for(self):
        a = self.gateway()
        a.lines["http"] = 'api_key = "k-1"'
        a.start()
        self.assertEqual(a.call("GET", "/mms")[0], 401)
        self.assertEqual(a.call("GET", "/media/" + "0" * 32)[0], 401)
        request = urllib.request.Request(f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms", headers={"Authorization": "Bearer k-1"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.status, 200)

    def test_callbacks_are_signed_repeated_and_put_aside(self):
        application = Application(self, refuse=10**6)
        a = self.gateway(application)
        a.lines["callbacks"] = "attempts = 3"
        a.start()
        a.template(send={"destination": TO})
        self.wait(lambda: a.call("GET", "/callbacks/dead")[1]["callbacks"], a)
        dead = a.call("GET", "/callbacks/dead")[1]["callbacks"]
        self.assertEqual({c["attempts"] for c in dead}, {3})
        with application.lock:
            application.refuse = 0
        self.assertEqual(a.call("POST", "/callbacks/retry")[0], 202)
        self.wait(lambda: any(e["state"] == "SCHEDULED" for e, _ in application.all()), a)
        event, headers = next((e, h) for e, h in application.all() if e["state"] == "SCHEDULED")
        self.assertIn("message", event)
        raw = next(c["body"] for c in dead if '"SCHEDULED"' in c["body"])
        wanted = hmac.new(SECRET.encode(), f"{headers['Webhook-Timestamp']}.{raw}".encode(), hashlib.sha256).hexdigest()
        self.assertIn(wanted, headers["Webhook-Signature"])

    def test_parts_come_from_allowed_files_only(self):
        a, b, application = self.pair()
        directory = os.path.join(self.scratch, "content")
        os.mkdir(directory)
        with open(os.path.join(directory, "p.jpg"), "wb") as file:
            file.write(PICTURE)
        a.extra = f'media.file_roots = ["{directory}"]\n'
        b.start(), a.start()
        good = a.template(parts=[{"content_name": "p.jpg", "content_type": "image/jpeg", "content_url": f"file://{directory}/p.jpg"}])
        a.send(good["id"], destination=TO)
        self.wait(lambda: application.received(), a, b)
        self.assertEqual(len(b.call("GET", "/media/" + [p for p in application.received()[0]["template"]["parts"]
                                                        if p["content_type"].startswith("image")][0]["part_id"])[1]), len(PICTURE))
        bad = a.template(parts=[{"content_name": "p", "content_type": "text/plain", "content_url": f"file://{directory}/../a.toml"}])
        a.send(bad["id"], destination=OTHER)
        self.wait(lambda: "no such file below" in a.process.tail(), a)
        self.assertEqual(len(application.received()), 1)

    def content_server(self, answers):
        """An HTTP server that counts; `answers`: path -> (status, headers, body)."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                status, headers, body = answers[self.path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        return f"http://127.0.0.1:{server.server_port}", asked

    def test_parts_are_fetched_from_allowed_addresses_only(self):
        url, asked = self.content_server({"/p.jpg": (200, {}, PICTURE)})
        a, b, application = self.pair()
        b.start(), a.start()

        def send():
            made = a.template(parts=[{"content_name": "p.jpg", "content_type": "image/jpeg", "content_url": url + "/p.jpg"}])
            return a.send(made["id"], destination=TO)
        a.settings["max_gateway_retries"] = 0
        a.process.kill()
        a.start()
        refused = send()
        self.wait(lambda: "FAILED" in a.states(refused), a)
        self.assertEqual(asked, [])
        a.extra = 'media.allowed_addresses = ["127.0.0.1"]\n'
        a.process.kill()
        a.start()
        send()
        self.wait(lambda: application.received(), a, b)
        self.assertEqual(asked, ["/p.jpg"])
        parts = application.received()[0]["template"]["parts"]
        identity = next(p["part_id"] for p in parts if p["content_type"].startswith("image/jpeg"))
        self.assertEqual(b.call("GET", "/media/" + identity)[1], PICTURE)

    def test_36_a_media_id_leads_nowhere_else(self):
        a = self.gateway().start()
        for path in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "%00", "a%00b", "/etc/passwd", "." * 300,
                     "%252e%252e%252fetc", "0" * 31, "0" * 33, "'%20OR%201=1"):
            status, answer = a.call("GET", "/mmsgw/v1/media/" + path, prefix="")
            self.assertIn(status, (400, 404), path)
            self.assertNotIn(b"root:", answer if isinstance(answer, bytes) else str(answer).encode())
        ids = {a.template()["parts"][0]["part_id"] for _ in range(20)}
        self.assertEqual(len(ids), 20)
        for identity in ids:
            self.assertRegex(identity, "^[0-9a-f]{32}$")
        # What a stranger sent is saved, not shown in the application's origin.
        with urllib.request.urlopen(f"http://127.0.0.1:{a.http_port}/mmsgw/v1/media/{ids.pop()}", timeout=20) as answer:
            self.assertIn("attachment", answer.headers["Content-Disposition"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")

    def test_37_nothing_is_decompressed(self):
        bomb = gzip.compress(b"0" * 10_000_000)
        url, _ = self.content_server({"/bomb": (200, {"Content-Encoding": "gzip"}, bomb)})
        a, b, application = self.pair()
        a.extra = 'media.allowed_addresses = ["127.0.0.1"]\n'
        b.start(), a.start()
        request = urllib.request.Request(f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms", bomb,
                                         {"Content-Type": "application/json", "Content-Encoding": "gzip"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        self.assertIn(refused.exception.code, (400, 415))
        refused.exception.close()
        made = a.template(parts=[{"content_name": "i.png", "content_type": "image/png", "content_url": url + "/bomb"}])
        a.send(made["id"], destination=TO)
        # Either it is refused, or its octets go on as they are; they are never ten million.
        self.wait(lambda: application.received() or "content:" in a.process.tail(), a, b)
        for message in application.received():
            for part in message["template"]["parts"]:
                self.assertLessEqual(len(b.call("GET", "/media/" + part["part_id"])[1]), len(bomb))


if __name__ == "__main__":
    unittest.main()
