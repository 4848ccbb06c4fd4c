"""Two mmsgw of our own over MM4 and MM7, and programs nobody here wrote: Postfix, swaks, smtplib, aiosmtpd, curl, nginx."""
import os
import shutil
import smtplib
import time
import unittest
import urllib.request

from mmsgw import FROM, OTHER, TO, Application, Gateway, MmsgwTest, mm4_gateway, mm7_gateway
from mm4_peers import Postfix, aiosmtpd, swaks
from peers import free_port, require, wait_until


class FlowTest(MmsgwTest):
    def both_ways(self, connect, sent_states):
        """A picture from a to b and one from b to a, at the same time."""
        to_a, to_b = Application(self), Application(self, refuse=2)
        a, b = Gateway(self, "a", "", to_a), Gateway(self, "b", "", to_b)
        connect(a, b)
        b.start(), a.start()
        self.follow(a, b, to_b, sent_states)
        self.follow(b, a, to_a, sent_states)
        self.assertEqual(a.process.stop(), 0, a.process.tail())
        self.assertEqual(b.process.stop(), 0, b.process.tail())

    def test_mm4_both_ways(self):
        def connect(a, b):
            a.peers = mm4_gateway("b", "b", b.mm4_port, "a.test", "b.test")
            b.peers = mm4_gateway("a", "a", a.mm4_port, "b.test", "a.test")
        self.both_ways(connect, ["SENT", "ACKNOWLEDGED"])

    def test_mm7_both_ways(self):
        credentials = 'inbound_username = "acme"\ninbound_password = "secret"\n'

        def connect(a, b):
            a.peers = mm7_gateway("b", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a", credentials)
            b.peers = mm7_gateway("a", f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms/inbound/b", credentials)
        self.both_ways(connect, ["SENT", "ACKNOWLEDGED"])

    def test_a_relay_between_a_client_and_a_carrier(self):
        """A client over MM7, a carrier over MM4; the message goes through, and what becomes of it comes back."""
        at_carrier, at_relay = Application(self), Application(self)
        client, relay, carrier = Gateway(self, "client", ""), Gateway(self, "relay", "", at_relay), Gateway(self, "carrier", "", at_carrier)
        client.peers = mm7_gateway("relay", f"http://127.0.0.1:{relay.http_port}/mmsgw/v1/mms/inbound/client")
        carrier.peers = mm4_gateway("relay", "relay", relay.mm4_port, "carrier.test", "relay.test")
        relay.peers = mm7_gateway("client", f"http://127.0.0.1:{client.http_port}/mmsgw/v1/mms/inbound/relay") \
            + mm4_gateway("carrier", "carrier", carrier.mm4_port, "relay.test", "carrier.test") \
            + '[[routes]]\nfrom = "client"\nprefix = "+1"\nto = "carrier"\n'
        for one in (carrier, relay, client):
            one.start()
        self.follow(client, carrier, at_carrier, ["SENT", "ACKNOWLEDGED"])
        self.assertEqual(at_relay.received(), [])
        passed = [relay.call("GET", f"/mms/outbound/{i}")[1] for i in relay.call("GET", "/mms/outbound")[1]["messages"]]
        self.assertEqual({p["relayed_from"] for p in passed}, set(relay.call("GET", "/mms/inbound")[1]["messages"]))
        # What no route takes is the application's.
        elsewhere = client.send(client.template()["id"], destination="+4670000001")
        self.wait(lambda: at_relay.received(), client, relay)
        self.assertIn("ACKNOWLEDGED", client.states(elsewhere))

    def states_of(self, gateway, identity, direction="outbound"):
        return {r["number"]: r["state"] for r in gateway.call("GET", f"/mms/{direction}/{identity}")[1]["recipients"]}

    def test_a_message_that_waits_is_canceled_or_replaced(self):
        application = Application(self)
        a, b = Gateway(self, "a", ""), Gateway(self, "b", "", application)
        a.peers = mm4_gateway("b", "b", b.mm4_port, "a.test", "b.test")
        b.peers = mm4_gateway("a", "a", a.mm4_port, "b.test", "a.test")
        b.start(), a.start()
        soon = int(time.time()) + 3
        template = a.template(earliest_delivery=soon)["id"]
        gone, changed, also = (a.send(template, destination=f"{TO},{OTHER}") for _ in range(3))
        status, answer = a.call("DELETE", f"/mms/outbound/{gone}")
        self.assertEqual((status, sorted(answer["done"]), answer["asked"]), (202, [TO, OTHER], []))
        self.assertEqual(a.call("POST", f"/mms/outbound/{also}/cancel")[0], 202)
        self.assertEqual(self.states_of(a, gone), {TO: "canceled", OTHER: "canceled"})
        self.assertEqual(a.states(gone), ["SCHEDULED", "CANCELED"])
        self.assertEqual(a.call("DELETE", f"/mms/outbound/{gone}")[0], 409)
        status, answer = a.call("PUT", f"/mms/outbound/{changed}", {"subject": "later", "parts": [
            None, {"content_name": "n.txt", "content_type": "text/plain", "content": "another text"}]})
        self.assertEqual((status, sorted(answer["done"])), (202, [TO, OTHER]))
        self.assertEqual(a.call("PUT", f"/mms/outbound/{changed}", {"template": "0" * 32})[0], 404)
        self.wait(lambda: a.states(changed).count("ACKNOWLEDGED") == 2, a, b)
        self.wait(lambda: len(application.received()) == 2, a, b)
        for message in application.received():
            self.assertEqual(message["template"]["subject"], "later")
            text = [p for p in message["template"]["parts"] if p["content_type"].startswith("text/plain")]
            self.assertEqual([b.call("GET", f"/media/{p['part_id']}")[1].strip() for p in text], [b"another text"])
        # What has left over MM4 nobody can take back.
        self.assertEqual(a.call("DELETE", f"/mms/outbound/{changed}")[0], 409)
        records = a.call("GET", f"/records?limit=1000&from={soon - 60}")[1]["records"]
        by = {(r["message"], r["recipient"]): r["state"] for r in records}
        self.assertEqual(len(by), 6)
        self.assertEqual(by[gone, TO], "canceled")
        self.assertIn(by[changed, TO], ("acknowledged", "delivered"))
        self.assertTrue(all(r["octets"] == len("another text") for r in records if r["message"] == changed and r["parts"] == 1))
        page = a.call("GET", "/records?limit=1")[1]
        self.assertEqual(page["records"][0]["message"], page["next"])
        self.assertNotIn(page["next"], [r["message"] for r in a.call("GET", f"/records?after={page['next']}")[1]["records"]])

    def changes_over_mm7(self, more):
        """A client asks its relay over MM7; the relay holds messages for a carrier that is away, and some for itself."""
        at_carrier, at_relay, at_client = Application(self), Application(self), Application(self)
        client = Gateway(self, "client", "", at_client)
        relay, carrier = Gateway(self, "relay", "", at_relay), Gateway(self, "carrier", "", at_carrier)
        client.peers = mm7_gateway("relay", f"http://127.0.0.1:{relay.http_port}/mmsgw/v1/mms/inbound/client", more)
        relay.peers = mm7_gateway("client", f"http://127.0.0.1:{client.http_port}/mmsgw/v1/mms/inbound/relay") \
            + mm7_gateway("carrier", f"http://127.0.0.1:{carrier.http_port}/mmsgw/v1/mms/inbound/relay") \
            + '[[routes]]\nfrom = "client"\nprefix = "+1"\nto = "carrier"\n'
        carrier.peers = mm7_gateway("relay", f"http://127.0.0.1:{relay.http_port}/mmsgw/v1/mms/inbound/carrier")
        relay.start(), client.start()
        template = client.template()["id"]
        gone, changed = client.send(template, destination=TO), client.send(template, destination=OTHER)
        here, kept = client.send(template, destination="+467000001"), client.send(template, destination="+467000002")
        self.wait(lambda: all("ACKNOWLEDGED" in client.states(m) for m in (gone, changed, here, kept)), client, relay)
        self.assertEqual(client.call("DELETE", f"/mms/outbound/{gone}")[1]["asked"], [TO])
        self.wait(lambda: "CANCELED" in client.states(gone), client, relay)
        self.assertEqual(self.states_of(client, gone), {TO: "canceled"})
        text = [None, {"content_name": "n.txt", "content_type": "text/plain", "content": "another text"}]
        self.assertEqual(client.call("PUT", f"/mms/outbound/{changed}", {"parts": text})[1]["asked"], [OTHER])
        self.wait(lambda: "REPLACED" in client.states(changed), client, relay)
        # The application of the relay hears of those that are its own.
        self.wait(lambda: len(at_relay.received()) == 2, client, relay)
        ours = {m["destination"][0]: m["id"] for m in at_relay.received()}
        client.call("PUT", f"/mms/outbound/{here}", {"parts": text})
        self.wait(lambda: len(at_relay.received()) == 3, client, relay)
        self.assertTrue(any(p["content_type"].startswith("text/plain") for p in at_relay.received()[2]["template"]["parts"]))
        client.call("DELETE", f"/mms/outbound/{here}")
        self.wait(lambda: any(m.get("state") == "CANCELED" and m["message"] == ours["+467000001"] for m, _ in at_relay.all()), client, relay)
        self.assertEqual(self.states_of(relay, ours["+467000001"], "inbound"), {"+467000001": "canceled"})
        # What was reported as delivered stays so.
        relay.call("POST", f"/mms/inbound/dr/{ours['+467000002']}", {"status": "202"})
        self.wait(lambda: "FORWARDED" in client.states(kept), client, relay)
        relay.call("POST", f"/mms/inbound/dr/{ours['+467000002']}", {"status": "406"})
        self.wait(lambda: "FAILED" in client.states(kept), client, relay)
        self.assertEqual(client.call("DELETE", f"/mms/outbound/{kept}")[0], 409)
        carrier.start()
        self.wait(lambda: at_carrier.received(), client, relay, carrier)
        got = at_carrier.received()
        self.assertEqual([m["destination"] for m in got], [[OTHER]])
        parts = [p for p in got[0]["template"]["parts"] if p["content_type"].startswith("text/plain")]
        self.assertEqual([carrier.call("GET", f"/media/{p['part_id']}")[1] for p in parts], [b"another text"])
        # The carrier's application has it: through the relay it is asked, and cancels.
        client.call("DELETE", f"/mms/outbound/{changed}")
        self.wait(lambda: any(m.get("state") == "CANCELED" for m, _ in at_carrier.all()), client, relay, carrier)

    def test_cancel_and_replace_over_mm7(self):
        self.changes_over_mm7("")

    def test_extended_cancel_and_replace_over_mm7(self):
        self.changes_over_mm7("extended_operations = true\n")

    def test_a_peer_that_refuses_a_change_is_heard(self):
        """Another program where the peer was: it knows nothing of the message."""
        at_b = Application(self)
        a, b = Gateway(self, "a", ""), Gateway(self, "b", "", at_b)
        a.peers = mm7_gateway("b", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a")
        b.peers = mm7_gateway("a", "http://127.0.0.1:9/")
        b.start(), a.start()
        sent = a.send(a.template()["id"], destination=TO)
        self.wait(lambda: "ACKNOWLEDGED" in a.states(sent), a, b)
        self.assertEqual(b.process.stop(), 0, b.process.tail())
        os.remove(f"{self.scratch}/b.db")
        b.start()
        a.call("DELETE", f"/mms/outbound/{sent}")
        self.wait(lambda: "REJECTED" in a.states(sent), a, b)
        self.assertIn("not found", a.events(sent)[-1]["description"])
        self.assertEqual(self.states_of(a, sent), {TO: "acknowledged"})

    def test_a_mail_to_aiosmtpd(self):
        server, port = aiosmtpd(self)
        a = Gateway(self, "a", mm4_gateway("peer", "peer", port, "a.test", "peer.test")).start()
        sent = a.send(a.template()["id"], destination=TO)
        self.wait(lambda: "SENT" in a.states(sent), a)
        for line in ("X-Mms-Message-Type: MM4_forward.REQ", f"From: {FROM}/TYPE=PLMN", "Content-Type: application/smil"):
            self.assertIn(line, server.output())

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



if __name__ == "__main__":
    unittest.main()
