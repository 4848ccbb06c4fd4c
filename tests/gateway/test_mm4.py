"""MM4 peers of a running gateway: clients and carriers that exchange MMS by mail. The peers are Python's smtplib on one
side and a small SMTP server on the other, which answers EHLO in several lines as real ones do."""
import base64
import email
import email.policy
import hashlib
import json
import smtplib
import socketserver
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_media as media  # noqa: E402  (the module, so that its tests do not run twice)
from mock_carriers import Twilio  # noqa: E402
from peers import free_port, wait_until  # noqa: E402
from test_media import JPEG, NUMBER, PNG  # noqa: E402

CLIENT, CARRIER = "127.0.0.2", "127.0.0.3"  # where the peers call from
CLIENT_NUMBER = "15558880001"


class MailServer:
    """Takes mails, or refuses their data with `refusals`, one after the other."""

    def __init__(self):
        self.mails, self.refusals, self.lock = [], [], threading.Lock()
        outer = self

        class Session(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(line.encode() + b"\r\n")

            def handle(self):
                self.say("220 peer ready")
                sender, recipients = "", []
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    if verb == b"EHLO":
                        self.say("250-peer\r\n250-SIZE 10000000\r\n250-8BITMIME\r\n250 PIPELINING")
                    elif verb == b"MAIL":
                        sender, recipients = line, []
                        self.say("250 2.1.0 ok")
                    elif verb == b"RCPT":
                        recipients.append(line.decode().split("<")[1].split(">")[0])
                        self.say("250 2.1.5 ok")
                    elif verb == b"DATA":
                        self.say("354 go on")
                        self.take(sender, recipients)
                    elif verb == b"QUIT":
                        return self.say("221 bye")
                    else:
                        self.say("250 ok")

            def take(self, sender, recipients):
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b".") else line)
                with outer.lock:
                    refusal = outer.refusals.pop(0) if outer.refusals else None
                    if not refusal:
                        mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                        outer.mails.append((sender, recipients, mail))
                self.say(refusal or "250 2.0.0 taken")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

            def handle_error(self, *_):
                pass  # the gateway may be killed

        self.server = Server(("127.0.0.1", 0), Session)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def of(self, kind):
        with self.lock:
            return [m for m in self.mails if m[2]["X-Mms-Message-Type"] == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def forward(transaction, to, sender=CLIENT_NUMBER, text="gr\u00fc\u00dfe = \u00e9", extra=""):
    """A forward whose parts come in three transfer encodings."""
    numbers = ", ".join(f"+{n}/TYPE=PLMN" for n in to)
    subject = base64.b64encode("Gr\u00fc\u00df".encode()).decode()
    return f"""\
From: +{sender}/TYPE=PLMN
To: {numbers}
Date: Wed, 02 Dec 2026 15:53:40 +0100
Subject: =?utf-8?B?{subject}?=
X-Mms-3GPP-MMS-Version: 6.10.0
X-Mms-Message-Type: MM4_forward.REQ
X-Mms-Transaction-ID: "{transaction}"
X-Mms-Message-ID: "m-{transaction}@peer.example"
X-Mms-Originator-System: system@peer.example
X-Mms-Ack-Request: Yes
X-Mms-Delivery-Report: Yes
{extra}MIME-Version: 1.0
Content-Type: multipart/related; boundary=bb; start="<smil>"; type="application/smil"

--bb
Content-Type: application/smil
Content-ID: <smil>
Content-Transfer-Encoding: 7bit

<smil><body/></smil>
--bb
Content-Type: text/plain; charset=utf-8
Content-Location: text.txt
Content-Transfer-Encoding: 8bit

{text}
--bb
Content-Type: image/jpeg; name="cat.jpg"
Content-Transfer-Encoding: base64

{base64.encodebytes(JPEG).decode()}
--bb--
""".replace("\n", "\r\n").encode()


def report(kind, **headers):
    lines = {"X-Mms-3GPP-MMS-Version": "6.10.0", "X-Mms-Message-Type": kind, "Date": "Wed, 02 Dec 2026 15:53:40 +0100",
             "Sender": "system@up.example", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode() + b"\r\nOK\r\n"


class Mm4Test(media.MediaTest):
    def setUp(self):
        super().setUp()
        self.client_server, self.carrier_server = MailServer(), MailServer()
        self._closers.callback(self.client_server.close)
        self._closers.callback(self.carrier_server.close)
        self.mm4_port = free_port()
        self.configure()

    def configure(self, carrier_keys=""):
        self.gateway.program.stop()
        path = Path(self.gateway.config)
        text = path.read_text().split("[mm4]")[0]
        path.write_text(text + f"""\
[mm4]
listen = "127.0.0.1:{self.mm4_port}"
host_name = "gw.example.org"
[[mm4_peers]]
name = "hub"
numbers = ["+{CLIENT_NUMBER}"]
remote_host = "127.0.0.1:{self.client_server.port}"
local_domain = "gw.example.org"
allowed_addresses = ["{CLIENT}"]
[[mm4_peers]]
name = "up"
as = "carrier"
remote_host = "127.0.0.1:{self.carrier_server.port}"
remote_domain = "up.example"
local_domain = "gw.example.org"
allowed_addresses = ["{CARRIER}"]
{carrier_keys}
[[routes]]
destination = "4670"
media_only = true
to = ["carrier:up"]
""")
        self.gateway.start()

    def mail(self, octets, recipients, source=CLIENT):
        with smtplib.SMTP("127.0.0.1", self.mm4_port, source_address=(source, 0), timeout=20) as smtp:
            return smtp.sendmail("system@peer.example", recipients, octets)

    def send_media(self, to, **more):
        content = base64.b64encode(PNG).decode()
        status, answer, _ = self.send({"to": to, "text": "h\u00e4llo", "subject": "S\u00fcbject",
                                       "media": [{"content": content, "filename": "dog.png"}], **more})
        self.assertEqual(status, 202, answer)
        return answer

    def parts(self, mail):
        return {p.get_content_type(): p.get_payload(decode=True) for p in mail.walk() if not p.is_multipart()}

    def wait_for_mails(self, server, kind, count=1):
        wait_until(lambda: len(server.of(kind)) >= count, 20, self.gateway.program.tail)
        return server.of(kind)


class Peers(Mm4Test):
    def test_stats_say_which_clients_are_connected(self):
        stats = lambda: self.api.ask("GET", "/stats")[1]  # noqa: E731
        self.assertEqual((stats()["mm4_connected_clients"], stats()["mm4_clients"]), (0, []))
        with smtplib.SMTP("127.0.0.1", self.mm4_port, source_address=(CLIENT, 0), timeout=20) as smtp:
            smtp.ehlo()
            self.assertEqual(smtp.mail("system@peer.example")[0], 250)
            now = stats()
            self.assertEqual(now["mm4_connected_clients"], 1)
            client = now["mm4_clients"][0]
            self.assertEqual((client["ip_address"], client["active_sessions"]), (CLIENT, 1))
            self.assertEqual(client["client_id"], hashlib.sha256(CLIENT.encode()).hexdigest())
            self.assertLessEqual(client["first_connect_at"], client["last_activity_at"])
        wait_until(lambda: stats()["mm4_connected_clients"] == 0, 20, "the end of the connection")

    def test_a_client_of_mm4_reaches_a_webhook_and_hears_of_it(self):
        self.carrier_for_web(Twilio())
        octets = forward("t-1", [NUMBER])
        for _ in range(2):  # peers repeat what they saw no answer to
            self.mail(octets, [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
        got = self.hooked()[0]
        self.assertEqual((got["type"], got["text"], got["subject"]), ("mms", "gr\u00fc\u00dfe = \u00e9", "Gr\u00fc\u00df"))
        self.assertEqual((got["from"], got["to"]), ("+" + CLIENT_NUMBER, "+" + NUMBER))
        self.assertEqual([(m["content_type"], m["filename"]) for m in got["media"]], [("image/jpeg", "cat.jpg")])
        self.assertEqual(self.fetch(got["media"][0]["url"])[2], JPEG)
        _, to, response = self.wait_for_mails(self.client_server, "MM4_forward.RES")[0]
        self.assertEqual(to, ["system@peer.example"])
        self.assertEqual(response["X-Mms-Transaction-ID"].strip('"'), "t-1")
        self.assertEqual(response["X-Mms-Message-ID"].strip('"'), "m-t-1@peer.example")
        self.assertEqual(response["X-Mms-Request-Status-Code"], "Ok")
        _, _, told = self.wait_for_mails(self.client_server, "MM4_delivery_report.REQ")[0]
        self.assertEqual(told["X-Mms-Message-ID"].strip('"'), "m-t-1@peer.example")
        self.assertEqual(told["X-Mms-MM-Status-Code"], "Retrieved")
        self.assertIn(NUMBER, told["From"])
        self.assertIn(CLIENT_NUMBER, told["To"])
        self.assertEqual(len(self.hook.seen()), 1)

    def test_a_web_client_reaches_a_client_of_mm4(self):
        self.carrier_for_web(Twilio())
        answer = self.send_media(CLIENT_NUMBER)
        sender, to, mail = self.wait_for_mails(self.client_server, "MM4_forward.REQ")[0]
        self.assertIn(NUMBER, sender.decode())
        self.assertIn(CLIENT_NUMBER, to[0])
        parts = self.parts(mail)
        self.assertEqual(parts["image/png"], PNG)
        self.assertEqual(parts["text/plain"].decode(), "h\u00e4llo")
        self.assertIn(b"dog.png", parts["application/smil"])
        self.assertEqual(mail["Subject"], "S\u00fcbject")
        self.wait_for(answer["id"], "sent")

    def test_reports_of_a_carrier_end_the_message(self):
        self.carrier_for_web(Twilio())
        ends = ((report("MM4_delivery_report.REQ", X_Mms_MM_Status_Code="Retrieved"), "delivered"),
                (report("MM4_delivery_report.REQ", X_Mms_MM_Status_Code="Expired"), "expired"),
                (report("MM4_read_reply_report.REQ", X_Mms_Read_Status="Read"), "delivered"),
                (report("MM4_forward.RES", X_Mms_Request_Status_Code="Error-content-not-accepted"), "rejected"))
        for i, (octets, state) in enumerate(ends):
            with self.subTest(state):
                message = self.send_media("46700123456", receipt=True)["id"]
                _, to, mail = self.wait_for_mails(self.carrier_server, "MM4_forward.REQ", i + 1)[i]
                self.assertEqual(to, ["+46700123456/TYPE=PLMN@up.example"])
                self.wait_for(message, "sent")
                ids = (f"X-Mms-Transaction-ID: {mail['X-Mms-Transaction-ID']}\r\n"
                       f"X-Mms-Message-ID: {mail['X-Mms-Message-ID']}\r\n"
                       f"From: +46700123456/TYPE=PLMN\r\nTo: +{NUMBER}/TYPE=PLMN\r\n").encode()
                self.mail(ids + octets, ["system-user@gw.example.org"], CARRIER)
                self.wait_for(message, state)
        self.assertEqual([json.loads(r["body"])["status"] for r in self.wait_for_receipts(4)],
                         ["delivered", "expired", "delivered", "rejected"])

    def wait_for_receipts(self, count):
        def receipts():
            return [r for r in self.hook.seen() if "status" in json.loads(r["body"])]
        wait_until(lambda: len(receipts()) >= count, 20, self.gateway.program.tail)
        return receipts()

    def test_without_a_report_the_acknowledgement_is_the_end(self):
        self.configure("request_delivery_report = false")
        self.carrier_for_web(Twilio())
        message = self.send_media("46700123456")["id"]
        mail = self.wait_for_mails(self.carrier_server, "MM4_forward.REQ")[0][2]
        self.mail(report("MM4_forward.RES", X_Mms_Request_Status_Code="Ok", To="system-user@gw.example.org",
                         X_Mms_Transaction_ID=mail["X-Mms-Transaction-ID"], X_Mms_Message_ID='"theirs"'),
                  ["system-user@gw.example.org"], CARRIER)
        self.wait_for(message, "delivered")

    def test_a_message_to_several_is_a_mail_for_each_and_names_all(self):
        self.carrier_for_web(Twilio())
        answer = self.send_media(["46700123456", "46700123457"])
        self.assertEqual(len(answer["messages"]), 2)
        mails = self.wait_for_mails(self.carrier_server, "MM4_forward.REQ", 2)
        self.assertEqual({to[0].split("/")[0] for _, to, _ in mails}, {"+46700123456", "+46700123457"})
        for _, to, mail in mails:
            self.assertEqual(len(to), 1)
            self.assertIn("46700123456", mail["To"])
            self.assertIn("46700123457", mail["To"])
            self.assertEqual(self.parts(mail)["image/png"], PNG)

    def test_what_a_peer_refuses_for_now_is_sent_again(self):
        self.carrier_for_web(Twilio())
        self.carrier_server.refusals[:] = ["451 4.3.0 later"]
        message = self.send_media("46700123456")["id"]
        self.wait_for(message, "sent")
        self.carrier_server.refusals[:] = ["554 5.6.0 never"]
        self.wait_for(self.send_media("46700123456")["id"], "rejected")
        self.assertEqual(len(self.carrier_server.of("MM4_forward.REQ")), 1)

    def test_who_is_refused(self):
        self.carrier_for_web(Twilio())
        to = [f"+{NUMBER}/TYPE=PLMN@gw.example.org"]
        with self.assertRaises(smtplib.SMTPException):
            self.mail(forward("t-1", [NUMBER]), to, "127.0.0.9")  # nobody we know
        for octets, code in ((forward("t-2", [NUMBER], sender="15557777777"), 550),  # another one's number
                             (forward("t-3", [NUMBER], extra="X-Mms-Forward-Counter: 9\n"), 554),
                             (forward("t-4", [NUMBER]).replace(b"image/jpeg", b"text/html").replace(
                                 base64.encodebytes(JPEG).replace(b"\n", b"\r\n"), b"PGh0bWw+\r\n"), 554)):
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                self.mail(octets, to)
            self.assertEqual(refused.exception.smtp_code, code)
        with self.assertRaises(smtplib.SMTPDataError) as refused:
            self.mail(forward("t-5", ["99900000000"]), ["+99900000000/TYPE=PLMN@gw.example.org"])
        self.assertEqual(refused.exception.smtp_code, 550)
        self.assertEqual(self.hook.seen(), [])

    def test_what_was_taken_survives_kill_9(self):
        carrier = Twilio()
        self.carrier_for_web(carrier)
        self.api.ask("PATCH", f"/clients/{self.web['id']}", {"settings": {"default_webhook": ""}})
        self.mail(forward("t-1", [NUMBER]), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
        self.gateway.program.kill()
        self.gateway.start()
        self.api.ask("PATCH", f"/clients/{self.web['id']}", {"settings": {"default_webhook": self.hook.url + "/hook"}})
        self.assertEqual(self.fetch(self.hooked()[0]["media"][0]["url"])[2], JPEG)


class Managed(Mm4Test):
    """Peers that the API made: they work at once, change at once, and are gone at once."""

    def configure(self, _=""):
        self.gateway.program.stop()
        path = Path(self.gateway.config)
        path.write_text(path.read_text().split("[mm4]")[0] + f"""\
[mm4]
listen = "127.0.0.1:{self.mm4_port}"
host_name = "gw.example.org"
""")
        self.gateway.start()

    def make_client(self, **more):
        made = self.add("/clients", {"username": "hub", "password": "secret-9", "address": f"127.0.0.1:{self.client_server.port}",
                                     "allowed_addresses": [CLIENT], **more})
        self.add(f"/clients/{made['id']}/numbers", {"number": CLIENT_NUMBER, "carrier": "twilio"})
        return made

    def make_carrier(self, **more):
        made = self.add("/carriers", {"name": "up", "type": "mm4", "username": "gw",
                                      "address": f"127.0.0.1:{self.carrier_server.port}", "allowed_addresses": [CARRIER],
                                      "mm4": {"remote_domain": "up.example"}, **more})
        # A route may name it at once.
        self.add("/routes", {"name": "to up", "destination": "4670", "to": [{"endpoint": "carrier:up"}]})
        return made

    def wait_until_served(self, source, sender):
        """Until the listener lets the peer in; what it does with this mail is another matter."""
        def is_let_in():
            try:
                with smtplib.SMTP("127.0.0.1", self.mm4_port, source_address=(source, 0), timeout=20) as smtp:
                    return smtp.ehlo()[0] == 250 and smtp.mail(sender)[0] == 250
            except (smtplib.SMTPException, OSError):
                return False
        wait_until(is_let_in, 20, self.gateway.program.tail)

    def test_a_client_made_over_the_api_works_at_once_both_ways(self):
        self.carrier_for_web(Twilio())
        with self.assertRaises((smtplib.SMTPException, OSError)):
            self.mail(forward("t-0", [NUMBER]), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])  # nobody yet
        made = self.make_client()
        self.wait_until_served(CLIENT, "system@peer.example")
        self.mail(forward("t-1", [NUMBER]), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
        got = self.hooked()[0]
        self.assertEqual((got["from"], got["to"], got["type"]), ("+" + CLIENT_NUMBER, "+" + NUMBER, "mms"))
        told = self.wait_for_mails(self.client_server, "MM4_delivery_report.REQ")[0][2]
        self.assertEqual(told["X-Mms-MM-Status-Code"], "Retrieved")
        answer = self.send_media(CLIENT_NUMBER)
        self.wait_for(answer["id"], "sent")
        mail = self.wait_for_mails(self.client_server, "MM4_forward.REQ")[0][2]
        self.assertEqual(self.parts(mail)["image/png"], PNG)
        # It may send as its own numbers alone.
        with self.assertRaises(smtplib.SMTPDataError) as refused:
            self.mail(forward("t-2", [NUMBER], sender="15557777777"), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
        self.assertEqual(refused.exception.smtp_code, 550)
        # Another address takes what comes from now on.
        other = MailServer()
        self._closers.callback(other.close)
        status, answer, _ = self.api.ask("PATCH", f"/clients/{made['id']}", {"address": f"127.0.0.1:{other.port}"})
        self.assertEqual(status, 200, answer)
        self.send_media(CLIENT_NUMBER)
        self.wait_for_mails(other, "MM4_forward.REQ")
        self.assertEqual(len(self.client_server.of("MM4_forward.REQ")), 1)
        # After a restart it is as it was.
        self.gateway.program.stop()
        self.gateway.start()
        self.send_media(CLIENT_NUMBER)
        self.wait_for_mails(other, "MM4_forward.REQ", 2)
        self.mail(forward("t-3", [NUMBER]), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
        self.hooked(2)
        # And disabled it is a stranger.
        self.assertEqual(self.api.ask("PATCH", f"/clients/{made['id']}", {"enabled": False})[0], 200)

        def is_refused():
            try:
                self.mail(forward("t-4", [NUMBER]), [f"+{NUMBER}/TYPE=PLMN@gw.example.org"])
            except (smtplib.SMTPException, OSError):
                return True
            return False
        wait_until(is_refused, 20, self.gateway.program.tail)

    def test_texts_to_its_number_do_not_go_by_mail(self):
        self.carrier_for_web(Twilio())
        self.make_client()
        status, answer, _ = self.send({"to": CLIENT_NUMBER, "text": "for SMPP"})
        self.assertEqual(status, 202, answer)
        self.wait_for(self.send_media(CLIENT_NUMBER)["id"], "sent")
        self.assertEqual(len(self.client_server.of("MM4_forward.REQ")), 1)
        self.assertEqual(self.message(answer["id"])["state"], "queued")  # nobody is bound

    def test_a_carrier_made_over_the_api_works_at_once_and_changes_at_once(self):
        self.carrier_for_web(Twilio())
        made = self.make_carrier()
        self.assertIn(("up", "mm4", True), [(c["name"], c["type"], c["up"]) for c in self.api.ask("GET", "/stats")[1]["carriers"]])
        message = self.send_media("46700123456", receipt=True)["id"]
        _, to, mail = self.wait_for_mails(self.carrier_server, "MM4_forward.REQ")[0]
        self.assertEqual(to, ["+46700123456/TYPE=PLMN@up.example"])
        self.assertEqual(mail["Sender"], "system-user@gw.example.org")
        self.wait_for(message, "sent")
        # What is on the way ends as it would have, whatever is changed meanwhile.
        status, answer, _ = self.api.ask("PATCH", f"/carriers/{made['id']}", {"mm4": {"remote_domain": "new.example"}})
        self.assertEqual(status, 200, answer)
        self.wait_until_served(CARRIER, "system@up.example")
        ids = (f"X-Mms-Transaction-ID: {mail['X-Mms-Transaction-ID']}\r\nX-Mms-Message-ID: {mail['X-Mms-Message-ID']}\r\n"
               f"From: +46700123456/TYPE=PLMN\r\nTo: +{NUMBER}/TYPE=PLMN\r\n").encode()
        self.mail(ids + report("MM4_delivery_report.REQ", X_Mms_MM_Status_Code="Retrieved"),
                  ["system-user@gw.example.org"], CARRIER)
        self.wait_for(message, "delivered")
        self.send_media("46700123457")
        self.assertEqual(self.wait_for_mails(self.carrier_server, "MM4_forward.REQ", 2)[1][1],
                         ["+46700123457/TYPE=PLMN@new.example"])

    def test_what_is_sent_while_peers_change_arrives_once(self):
        self.carrier_for_web(Twilio())
        made = self.make_carrier()
        messages = []
        for i in range(30):
            messages.append(self.send_media(f"467001234{i:02}")["id"])
            if i % 5 == 4:
                self.api.ask("PATCH", f"/carriers/{made['id']}", {"mm4": {"connections": 1 + i // 5}})
        for message in messages:
            self.wait_for(message, "sent", 60)
        self.assertEqual(len(self.carrier_server.of("MM4_forward.REQ")), 30)

    def test_mistakes_are_named(self):
        for body, why in (({"name": "x", "type": "mm4", "username": "u"}, "address: is missing"),
                          ({"name": "x", "type": "mm4", "username": "u", "address": "a b"}, "address: must be a host"),
                          ({"name": "x", "type": "mm4", "username": "u", "address": "h", "mm4": {"connections": 0}},
                           "mm4.connections: must be 1..100"),
                          ({"name": "x", "type": "mm4", "username": "u", "address": "h", "media_class": "5k"},
                           "media_class: must be one of none, 300k, 600k, 1m")):
            status, answer, _ = self.api.ask("POST", "/carriers", body)
            self.assertEqual(status, 400, answer)
            self.assertIn(why, str(answer))


if __name__ == "__main__":
    unittest.main()
