"""Starts mmsgw for the tests, and stands for the application behind it."""
import base64
import http.server
import json
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
sys.path.insert(0, str(HERE.parent / "gateway"))
import openapi  # noqa: E402
from gateway import binary  # noqa: E402
from peers import PeerTest, free_port, wait_until  # noqa: E402

API = openapi.load("openapi-mmsgw.yaml")

FROM, TO, OTHER = "+12025550100", "+12025550101", "+12025550102"
PICTURE = bytes(range(256)) * 100
SECRET = "callback-secret"


def serve(test, handler):
    """An HTTP server on a free port until the test ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    test.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
    return server


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

        self.server = serve(test, Handler)
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
        self.process, self.store = None, None
        self.lines = {"http": "", "callbacks": ""}  # further ones of these tables
        self.settings = {"retry_initial": '"50ms"', "retry_maximum": '"200ms"', "max_gateway_retries": 200}

    def start(self):
        called = f"""
[callbacks]
secret = "{SECRET}"
public_only = false
{self.lines["callbacks"]}
mms_received_url = ["{self.application.url}"]
events_url = ["{self.application.url}"]
""" if self.application else ""
        settings = "\n".join(f"{key} = {value}" for key, value in self.settings.items())
        config = self.test.write(f"{self.name}.toml", f"""
{settings}
{self.extra}
[http]
listen = "127.0.0.1:{self.http_port}"
{self.lines["http"]}
[mm4]
listen = "127.0.0.1:{self.mm4_port}"
[store]
{self.store or "path = " + json.dumps(str(self.test.scratch) + "/" + self.name + ".db")}
{called}
{self.peers}
""")
        self.process = self.test.start(self.name, [binary("mmsgw"), "--config", config])
        wait_until(self.is_ready, 30, self.process.tail)
        return self

    def is_ready(self):
        if not self.process.running:
            raise AssertionError(self.process.tail())
        try:
            return self.call("GET", "/health", prefix="")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None, prefix="/mmsgw/v1"):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{prefix}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            raw, kind = answer.read(), answer.headers.get("Content-Type", "")
            got = json.loads(raw) if raw and kind.startswith("application/json") else raw
        # Everything that any test asks is held against the description of the API.
        if answer.status < 500 and prefix:
            openapi.check(method, prefix + path, answer.status, kind, got, API)
        return answer.status, got

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

    def events(self, identity):
        return self.call("GET", f"/mms/outbound/{identity}")[1]["events"]

    def metric(self, name):
        """The sum of a metric over its labels."""
        text = self.call("GET", "/metrics", prefix="")[1].decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)

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
