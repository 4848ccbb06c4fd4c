"""Carriers with an HTTP API as the gateway meets them, over real sockets: what they answer, how they sign what they
call, and how their webhooks look. One class a carrier; `Behaviour` says how the next requests are answered."""
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time
import urllib.parse


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def make_certificate(directory):
    """(certificate, key) of 127.0.0.1, signed by itself."""
    certificate, key = directory / "carrier.pem", directory / "carrier.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Endpoint:
    """An HTTP(S) server that keeps what it was asked and answers as `answer(request)` says: (status, headers, body).
    `request` is a dict of method, path, headers, body. An answer of None closes the connection without a word."""

    def __init__(self, answer, certificate=None):
        self.requests, self._lock = [], threading.Lock()
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body}
                with outer._lock:
                    outer.requests.append(request)
                given = answer(request)
                self.close_connection = given is None
                if given is None:
                    return
                status, fields, data = given
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass  # the gateway may have had enough

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the gateway may leave when it likes

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def seen(self):
        with self._lock:
            return list(self.requests)

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def form(fields):
    return urllib.parse.urlencode(fields).encode()


class Carrier:
    """What the carriers have in common. `sign(url, body)` gives the headers and body of a webhook as this carrier sends
    it; `good` is the answer to a message that it takes under `id`."""
    username, password, secret, secret_old = "user", "pass-word", "", ""
    profile_id = ""
    content_type = "application/json"

    def definition(self, base_url):
        d = {"name": self.type, "type": self.type, "username": self.username, "password": self.password,
             "base_url": base_url, "timeout_secs": 2}
        for key, value in (("signing_secret", self.secret), ("signing_secret_old", self.secret_old),
                           ("profile_id", self.profile_id)):
            if value:
                d[key] = value
        return d

    def sent(self, request):
        """(from, to, text) of a message that the gateway sent."""
        raise NotImplementedError

    def webhook(self, url, body, secret=None):
        """(headers, body), signed."""
        raise NotImplementedError


class Twilio(Carrier):
    type, username, password = "twilio", "AC00000000000000000000000000000001", "12345"
    content_type = "application/x-www-form-urlencoded"
    path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"
    inbound_answer = (200, "<Response/>")

    def login(self):
        return basic(self.username, self.password)

    def good(self, number):
        return 201, json.dumps({"sid": f"SM{number:032x}", "status": "queued"})

    def carrier_id(self, number):
        return f"SM{number:032x}"

    def sent(self, request):
        fields = dict(urllib.parse.parse_qsl(request["body"].decode()))
        return fields["From"], fields["To"], fields["Body"]

    def webhook(self, url, body, secret=None):
        pairs = sorted(set(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)))
        text = url + "".join(name + value for name, value in pairs)
        mac = hmac.new((secret or self.password).encode(), text.encode(), hashlib.sha1).digest()
        return {"X-Twilio-Signature": base64.b64encode(mac).decode()}, body

    def inbound(self, event, source, destination, text):
        return form({"MessageSid": event, "SmsSid": event, "AccountSid": self.username, "From": "+" + source,
                     "To": "+" + destination, "Body": text, "NumMedia": "0", "SmsStatus": "received"})

    def status(self, number, delivered=True):
        sid = self.carrier_id(number)
        return form({"MessageSid": sid, "SmsStatus": "delivered" if delivered else "undelivered",
                     "MessageStatus": "delivered" if delivered else "undelivered"})

    error = (400, {}, b'{"code":21211,"message":"bad To","status":400}')


def ed25519_key():
    """(private key as PEM, public key in base64), fresh."""
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=pem, check=True,
                         capture_output=True).stdout
    return pem, base64.b64encode(der[-32:]).decode()


class Telnyx(Carrier):
    type, password, path = "telnyx", "KEY0123", "/v2/messages"
    inbound_answer = (204, "")

    def __init__(self, scratch):
        pem, self.secret = ed25519_key()
        self.key, self.message = scratch / "telnyx.key", scratch / "telnyx.message"
        self.key.write_bytes(pem)

    def login(self):
        return "Bearer " + self.password

    def good(self, number):
        return 200, json.dumps({"data": {"record_type": "message", "id": self.carrier_id(number)}})

    def carrier_id(self, number):
        return f"40385f64-5717-4562-b3fc-{number:012x}"

    def sent(self, request):
        m = json.loads(request["body"])
        return m["from"], m["to"], m["text"]

    def webhook(self, url, body, secret=None, at=None):
        timestamp = str(int(at or time.time()))
        self.message.write_bytes(timestamp.encode() + b"|" + body)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", self.message],
                                   check=True, capture_output=True).stdout
        if secret:
            signature = bytes(64)
        return {"telnyx-timestamp": timestamp, "telnyx-signature-ed25519": base64.b64encode(signature).decode()}, body

    def inbound(self, event, source, destination, text):
        return json.dumps({"data": {"event_type": "message.received", "id": event, "record_type": "event", "payload": {
            "id": "m-" + event, "from": {"phone_number": "+" + source}, "to": [{"phone_number": "+" + destination}],
            "text": text, "type": "SMS"}}, "meta": {"attempt": 1}}).encode()

    def status(self, number, delivered=True):
        return json.dumps({"data": {"event_type": "message.finalized", "id": f"e{number}", "payload": {
            "id": self.carrier_id(number),
            "to": [{"status": "delivered" if delivered else "delivery_failed"}]}}}).encode()

    error = (422, {}, b'{"errors":[{"code":"40012","title":"bad to"}]}')


class Bandwidth(Carrier):
    type, username, password, profile_id = "bandwidth", "token", "pass-word", "app-1"
    secret, path = "hook:secret-9", "/api/v2/users/token/messages"
    inbound_answer = (204, "")

    def login(self):
        return basic(self.username, self.password)

    def good(self, number):
        return 202, json.dumps({"id": self.carrier_id(number), "segmentCount": 1, "direction": "out"})

    def carrier_id(self, number):
        return f"15897071{number:08d}abcdefg"

    def sent(self, request):
        m = json.loads(request["body"])
        return m["from"], m["to"][0], m["text"]

    def webhook(self, url, body, secret=None):
        return {"Authorization": basic(*(secret or self.secret).split(":"))}, body

    def inbound(self, event, source, destination, text):
        return json.dumps([{"type": "message-received", "to": "+" + destination, "description": "Incoming", "message": {
            "id": event, "direction": "in", "to": ["+" + destination], "from": "+" + source, "text": text}}]).encode()

    def status(self, number, delivered=True):
        return json.dumps([{"type": "message-delivered" if delivered else "message-failed", "description": "ok",
                            "message": {"id": self.carrier_id(number), "direction": "out"}}]).encode()

    error = (400, {}, b'{"type":"request-validation","description":"bad to"}')


class Plivo(Carrier):
    type, username, password = "plivo", "MA1", "authtoken123"
    content_type, path = "application/x-www-form-urlencoded", "/v1/Account/MA1/Message/"
    inbound_answer = (204, "")

    def login(self):
        return basic(self.username, self.password)

    def good(self, number):
        return 202, json.dumps({"message": "queued", "message_uuid": [self.carrier_id(number)], "api_id": "a"})

    def carrier_id(self, number):
        return f"db3ce55a-7f1d-11e1-8ea7-{number:012x}"

    def sent(self, request):
        m = json.loads(request["body"])
        return "+" + m["src"], "+" + m["dst"], m["text"]

    def webhook(self, url, body, secret=None):
        nonce = "05429567804466091622"
        mac = hmac.new((secret or self.password).encode(), (url + nonce).encode(), hashlib.sha256).digest()
        return {"X-Plivo-Signature-V2": base64.b64encode(mac).decode(), "X-Plivo-Signature-V2-Nonce": nonce}, body

    def inbound(self, event, source, destination, text):
        return form({"From": source, "To": destination, "Type": "sms", "Text": text, "MessageUUID": event})

    def status(self, number, delivered=True):
        return form({"MessageUUID": self.carrier_id(number), "Status": "delivered" if delivered else "undelivered"})

    error = (400, {}, b'{"error":"bad dst","api_id":"a"}')


class Vonage(Carrier):
    type, username, password, secret = "vonage", "key1", "apisecret", "sekret"
    content_type, path = "application/x-www-form-urlencoded", "/sms/json"
    inbound_answer = (204, "")

    def login(self):
        return None

    def good(self, number):
        return 200, json.dumps({"message-count": "1", "messages": [
            {"to": "1", "message-id": self.carrier_id(number), "status": "0"}]})

    def carrier_id(self, number):
        return f"0A00000001{number:06X}"

    def sent(self, request):
        fields = dict(urllib.parse.parse_qsl(request["body"].decode()))
        assert (fields["api_key"], fields["api_secret"]) == (self.username, self.password)
        return "+" + fields["from"], "+" + fields["to"], fields["text"]

    def webhook(self, url, body, secret=None):
        fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True), timestamp=str(int(time.time())))
        clean = {k: v.replace("&", "_").replace("=", "_") for k, v in fields.items()}
        text = "".join(f"&{k}={clean[k]}" for k in sorted(clean))
        fields["sig"] = hmac.new((secret or self.secret).encode(), text.encode(), hashlib.sha256).hexdigest()
        return {}, form(fields)

    def inbound(self, event, source, destination, text):
        return form({"msisdn": source, "to": destination, "messageId": event, "text": text, "type": "text"})

    def status(self, number, delivered=True):
        return form({"msisdn": "1", "to": "2", "messageId": self.carrier_id(number),
                     "status": "delivered" if delivered else "failed", "err-code": "0"})

    error = (200, {}, b'{"message-count":"1","messages":[{"status":"3","error-text":"bad to"}]}')


class Sinch(Carrier):
    type, username, password, secret = "sinch", "plan1", "tok3n", "hook:secret-8"
    path = "/xms/v1/plan1/batches"
    inbound_answer = (204, "")

    def login(self):
        return "Bearer " + self.password

    def good(self, number):
        return 201, json.dumps({"id": self.carrier_id(number), "type": "mt_text"})

    def carrier_id(self, number):
        return f"01FC66621XXXXX119Z8PMV{number:04d}"

    def sent(self, request):
        m = json.loads(request["body"])
        return "+" + m["from"], "+" + m["to"][0], m["body"]

    def webhook(self, url, body, secret=None):
        return {"Authorization": basic(*(secret or self.secret).split(":"))}, body

    def inbound(self, event, source, destination, text):
        return json.dumps({"type": "mo_text", "id": event, "from": source, "to": destination, "body": text}).encode()

    def status(self, number, delivered=True):
        return json.dumps({"type": "recipient_delivery_report_sms", "batch_id": self.carrier_id(number), "code": 0,
                           "status": "Delivered" if delivered else "Failed"}).encode()

    error = (400, {}, b'{"code":"syntax_invalid_parameter_format","text":"bad to"}')


def all_carriers(scratch):
    return [Twilio(), Telnyx(scratch), Bandwidth(), Plivo(), Vonage(), Sinch()]
