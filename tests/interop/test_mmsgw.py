"""Two mmsgw of our own over MM4 and MM7, and programs nobody here wrote: smtplib, curl, nginx."""
import base64
import http.server
import json
import os
import shutil
import smtplib
import threading
import unittest
import urllib.error
import urllib.request

from gateway import binary
from mm4_peers import Postfix, swaks
from peers import PeerTest, free_port, require, wait_until

FROM, TO, OTHER = "+12025550100", "+12025550101", "+12025550102"
PICTURE = bytes(range(256)) * 100
SECRET = "callback-secret"


class Application:
    """The application's side: collects callbacks, can refuse the first ones."""

    def __init__(self, test, refuse=0):
        self.got, self.lock, self.refuse = [], threading.Lock(), refuse
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    refused = outer.refuse > 0
                    outer.refuse -= refused
                    if not refused:
                        outer.got.append((json.loads(body), dict(self.headers)))
                self.send_response(503 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        test.addCleanup(lambda: (self.server.shutdown(), thread.join(), self.server.server_close()))
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback"

    def all(self):
        with self.lock:
            return list(self.got)

    def received(self):
        return [m for m, _ in self.all() if m.get("direction") == 1]


class Gateway:
    """One mmsgw; `peers` are lines of [[gateways]]."""

    def __init__(self, test, name, peers, application=None, extra=""):
        self.test, self.name = test, name
        self.http_port, self.mm4_port = free_port(), free_port()
        self.peers, self.application, self.extra = peers, application, extra
        self.process = None

    def start(self):
        called = f"""
[callbacks]
secret = "{SECRET}"
public_only = false
mms_received_url = ["{self.application.url}"]
events_url = ["{self.application.url}"]
""" if self.application else ""
        config = self.test.write(f"{self.name}.toml", f"""
retry_initial = "50ms"
retry_maximum = "200ms"
max_gateway_retries = 200
{self.extra}
[http]
listen = "127.0.0.1:{self.http_port}"
[mm4]
listen = "127.0.0.1:{self.mm4_port}"
[store]
path = {json.dumps(str(self.test.scratch) + "/" + self.name + ".db")}
{called}
{self.peers}
""")
        self.process = self.test.start(self.name, [binary("mmsgw"), "--config", config])
        wait_until(self.is_ready, 30, self.process.tail)
        return self

    def is_ready(self):
        try:
            return self.call("GET", "/health", prefix="")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, prefix="/mmsgw/v1"):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{prefix}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                raw = answer.read()
                is_json = answer.headers.get("Content-Type", "").startswith("application/json")
                return answer.status, json.loads(raw) if raw and is_json else raw
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def template(self, **more):
        status, made = self.call("POST", "/mms", {
            "origin": FROM, "subject": "gr\u00fc\u00dfe", "message_class": "personal",
            "parts": [{"content_name": "text.txt", "content_type": "text/plain; charset=utf-8", "content": "hello \U0001f600"},
                      {"content_name": "picture.jpg", "content_type": "image/jpeg",
                       "content_base64": base64.b64encode(PICTURE).decode()}], **more})
        self.test.assertEqual(status, 201, made)
        return made

    def send(self, template, **more):
        status, made = self.call("POST", f"/mms/outbound/{template}", more)
        self.test.assertEqual(status, 202, made)
        return made["id"]

    def states(self, identity):
        return [e["state"] for e in self.call("GET", f"/mms/outbound/{identity}")[1]["events"]]


def mm4_gateway(name, group, port, own, other):
    return f"""
[[gateways]]
name = "{name}"
group = "{group}"
protocol = "MM4"
remote_host = "127.0.0.1:{port}"
local_domain = "{own}"
remote_domain = "{other}"
"""


def mm7_gateway(name, url, inbound=""):
    return f"""
[[gateways]]
name = "{name}"
protocol = "MM7"
remote_host = "{url}"
vaspid = "acme"
username = "acme"
password = "secret"
{inbound}
"""


class MmsgwTest(PeerTest):
    def wait(self, condition, *gateways):
        wait_until(condition, 30, lambda: "\n".join(g.process.tail() for g in gateways))

    def follow(self, a, b, application, sent_states):
        """A picture from a template of `a` to `b`, its content, and receipts and read replies all the way back."""
        template = a.template()
        sent = a.send(template["id"], destination=f"{TO},{OTHER}")
        self.wait(lambda: {n for m in application.received() for n in m["destination"] + m["bcc"] + m["cc"]} >= {TO, OTHER}, a, b)
        message = application.received()[0]
        self.assertEqual(message["origin"], FROM)
        self.assertEqual(message["template"]["subject"], "gr\u00fc\u00dfe")
        parts = {p["content_type"].split(";")[0]: p for p in message["template"]["parts"]}
        self.assertEqual(b.call("GET", f"/media/{parts['image/jpeg']['part_id']}")[1], PICTURE)
        self.assertEqual(b.call("GET", f"/media/{parts['text/plain']['part_id']}")[1].decode(), "hello \U0001f600")
        for m in application.received():
            self.assertEqual(b.call("POST", f"/mms/inbound/dr/{m['id']}", {"status": "200"})[0], 202)
        self.wait(lambda: a.states(sent).count("DELIVERED") == 2, a, b)
        for m in application.received():
            self.assertEqual(b.call("POST", f"/mms/inbound/rr/{m['id']}", {"status": "200"})[0], 202)
        self.wait(lambda: a.states(sent).count("READ") == 2, a, b)
        for state in sent_states:
            self.assertEqual(a.states(sent).count(state), 2, a.states(sent))
        self.assertEqual(a.states(sent)[0], "SCHEDULED")
        self.assertTrue(all("Webhook-Signature" in headers for _, headers in application.all()))

    def pair(self, refuse=0):
        application = Application(self, refuse)
        a, b = Gateway(self, "a", ""), Gateway(self, "b", "", application)
        a.peers = mm4_gateway("b", "b", b.mm4_port, "a.test", "b.test")
        b.peers = mm4_gateway("a", "a", a.mm4_port, "b.test", "a.test")
        return a, b, application

    def test_mm4_both_ways(self):
        a, b, application = self.pair(refuse=2)
        b.start(), a.start()
        self.follow(a, b, application, ["SENT", "ACKNOWLEDGED"])
        self.assertEqual(a.process.stop(), 0, a.process.tail())
        self.assertEqual(b.process.stop(), 0, b.process.tail())

    def test_mm7_both_ways(self):
        application = Application(self)
        a, b = Gateway(self, "a", ""), Gateway(self, "b", "", application)
        a.peers = mm7_gateway("b", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a")
        b.peers = mm7_gateway("a", f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms/inbound/b",
                              'inbound_username = "acme"\ninbound_password = "secret"\n')
        b.start(), a.start()
        self.follow(a, b, application, ["SENT", "ACKNOWLEDGED"])
        self.assertEqual(a.process.stop(), 0, a.process.tail())

    def test_mm7_with_curl_and_behind_nginx(self):
        application = Application(self)
        a = Gateway(self, "a", mm7_gateway("peer", "http://127.0.0.1:9/", 'inbound_username = "u"\ninbound_password = "p"\n'), application)
        a.start()
        url = f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms/inbound/peer"
        for number, (scheme, target) in enumerate([("--digest", url), ("--basic", url), ("--digest", self.nginx(a.http_port) + "/mmsgw/v1/mms/inbound/peer")]):
            self.assertIn("<StatusCode>1000</StatusCode>", self.curl(target, f"t-{number}", scheme, "u:p"))
        self.assertIn("1000", self.curl(url, "t-0", "--digest", "u:p"))  # again: no second message
        self.assertEqual(self.curl(url, "t-9", "--digest", "u:wrong"), "authentication is required")
        self.wait(lambda: len(application.received()) == 3, a)
        self.assertEqual(a.process.stop(), 0, a.process.tail())
        self.assertEqual(len(application.received()), 3)

    def curl(self, url, transaction, scheme, user):
        require(shutil.which("curl"), "curl")
        namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
        body = self.write(f"{transaction}.mime", "\r\n".join([
            "--b", "Content-Type: text/xml; charset=utf-8", "Content-ID: <e>", "",
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>'
            f'<TransactionID xmlns="{namespace}">{transaction}</TransactionID></e:Header><e:Body><SubmitReq xmlns="{namespace}">'
            f"<MM7Version>6.8.0</MM7Version><SenderIdentification/><Recipients><To><Number>{TO}</Number></To></Recipients>"
            '<Content href="cid:c"/></SubmitReq></e:Body></e:Envelope>',
            "--b", "Content-Type: text/plain", "Content-ID: <c>", "", "hello", "--b--", ""]))
        program = self.start(f"curl-{transaction}", [shutil.which("curl"), "-sS", scheme, "-u", user, "--data-binary", f"@{body}", "-H",
                                                     'Content-Type: multipart/related; boundary=b; type="text/xml"; start="<e>"', url])
        self.assertEqual(program.wait(30), 0, program.tail())
        return program.output().strip()

    def nginx(self, upstream):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        require(os.path.exists(program), "nginx")
        port = free_port()
        config = self.write("nginx.conf", f"""
daemon off; master_process off; pid {self.scratch}/nginx.pid; error_log stderr;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {self.scratch}/body; proxy_temp_path {self.scratch}/proxy; fastcgi_temp_path {self.scratch}/f;
  uwsgi_temp_path {self.scratch}/u; scgi_temp_path {self.scratch}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; }} }}
}}
""")
        server = self.start("nginx", [program, "-e", "stderr", "-c", config])

        def listens():
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                return True
            except OSError:
                return False
        wait_until(listens, 20, server.tail)
        return f"http://127.0.0.1:{port}"

    def test_mm4_through_postfix(self):
        a, b, application = self.pair()
        relay = Postfix(self, b.mm4_port)
        a.peers = mm4_gateway("b", "b", relay.port, "a.test", "b.test")
        b.start(), a.start()
        self.follow(a, b, application, ["SENT", "ACKNOWLEDGED"])

    def test_mail_from_swaks(self):
        application = Application(self)
        a = Gateway(self, "a", mm4_gateway("peer", "peer", free_port(), "a.test", "peer.test"), application).start()
        data = self.write("mail.eml", "\n".join([
            f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version: 6.10.0", "X-Mms-Message-Type: MM4_forward.REQ",
            'X-Mms-Transaction-ID: "t"', 'X-Mms-Message-ID: "m@peer.test"', "Content-Type: text/plain", "", "hello", ""]))
        program = self.start("swaks", [swaks(), "--server", f"127.0.0.1:{a.mm4_port}", "--from", "x@peer.test", "--to",
                                       f"{TO[1:]}/TYPE=PLMN@a.test", "--data", f"@{data}"])
        self.assertEqual(program.wait(30), 0, program.tail())
        self.wait(lambda: application.received(), a)

    def test_mail_from_smtplib_is_taken_once(self):
        application = Application(self)
        a = Gateway(self, "a", mm4_gateway("peer", "peer", free_port(), "a.test", "peer.test"), application).start()
        mail = "\r\n".join([
            f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version: 6.10.0", "X-Mms-Message-Type: MM4_forward.REQ",
            'X-Mms-Transaction-ID: "t"', 'X-Mms-Message-ID: "m@peer.test"', "Content-Type: text/plain", "", "hello", ""])
        for _ in range(2):
            with smtplib.SMTP("127.0.0.1", a.mm4_port, timeout=20) as client:
                client.sendmail("x@peer.test", [f"{TO}/TYPE=PLMN@a.test"], mail)
        self.wait(lambda: application.received(), a)
        self.assertEqual(a.process.stop(), 0, a.process.tail())
        self.assertEqual(len(application.received()), 1)

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

    def test_nothing_acknowledged_is_lost_when_killed(self):
        a, b, application = self.pair()
        b.start(), a.start()
        template = a.template()
        sent = []
        for victim in (a, b, a, b):
            for _ in range(5):
                sent.append(a.send(template["id"], destination=TO))
            victim.process.kill()
            victim.start()
        self.wait(lambda: all("ACKNOWLEDGED" in a.states(s) for s in sent), a, b)
        self.wait(lambda: len({m["peer_ref"] for m in application.received()}) == len(sent), a, b)
        # The receiver tells repetitions apart: one message each, however often it was sent or called back about.
        self.assertEqual(len({m["id"] for m in application.received()}), len(sent))


if __name__ == "__main__":
    unittest.main()
