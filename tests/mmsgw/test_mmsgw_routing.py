"""Which gateway a message goes through: by prefix, by what it costs, by what works, by where a number was ported to."""
import http.server
import json
import getpass
import os
import shutil
import signal
import smtplib
import socket
import threading
import time
import unittest

from mmsgw import FROM, TO, Gateway, MmsgwTest, mm4_gateway, serve
from mm4_peers import aiosmtpd
from peers import free_port, require, wait_until

TEXT = [{"content_name": "t.txt", "content_type": "text/plain", "content": "hello"}]
MAIL = "\r\n".join([
    f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version: 6.10.0", "X-Mms-Message-Type: MM4_forward.REQ",
    'X-Mms-Transaction-ID: "t{0}"', 'X-Mms-Message-ID: "{0}@peer.test"', "Content-Type: text/plain", "", "hello", ""])


class NumberService:
    """Says over HTTP who carries a number; 404 for those it does not know, and `status` instead of everything."""

    def __init__(self, test, known):
        self.known, self.asked, self.status, self.lock = known, [], None, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                number = self.path.rsplit("/", 1)[1]
                with outer.lock:
                    outer.asked.append(number)
                    answer = outer.known.get(number)
                    status = outer.status or (200 if answer else 404)
                if self.headers["X-Key"] != "lookup-secret":
                    status = 401
                body = json.dumps({"result": answer}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = serve(test, Handler)

    def settings(self, more=""):
        return f"""
[number_lookup]
url = "http://127.0.0.1:{self.server.server_port}/numbers/{{number}}"
public_only = false
auth_header = "X-Key"
auth_value = "lookup-secret"
routing = "/result/rn"
network = ["/result/mcc", "/result/mnc"]
{more}
"""


class RoutingTest(MmsgwTest):
    def gateway(self, name, group, port, more=""):
        return mm4_gateway(name, group, port, "a.test", "b.test") + more + "\n"

    def carriers(self, gateway, message):
        """The gateway that had the message, by recipient."""
        return {e["destinations"][0]: e["gateway"] for e in gateway.events(message) if e["state"] == "SENT"}

    def sent(self, gateway, *messages):
        self.wait(lambda: all("SENT" in gateway.states(m) for m in messages), gateway)
        return messages

    def test_the_cheapest_gateway_carries(self):
        (first, cheap), (_, dear) = aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("dear", "all", dear, 'cost = 12\nprices = [{prefix = "+46", cost = 4}]')
                    + self.gateway("cheap", "all", cheap, 'cost = 20\nprices = [{prefix = "+1", cost = 5}]')).start()
        template = a.template(parts=TEXT)["id"]
        message = a.send(template, destination=f"{TO},+467000001,+4477009000001")
        self.wait(lambda: a.states(message).count("SENT") == 3, a)
        self.assertEqual(self.carriers(a, message), {TO: "cheap", "+467000001": "dear", "+4477009000001": "dear"})
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(10)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"cheap"})
        first.stop()
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(5)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"dear"})

    def test_a_full_gateway_is_waited_for_unless_it_overflows(self):
        (_, cheap), (_, dear) = aiosmtpd(self), aiosmtpd(self)
        for name, more, expected in (("waits", "", {"cheap"}), ("overflows", "overflow = true", {"cheap", "dear"})):
            a = Gateway(self, name, self.gateway("cheap", "all", cheap, "tps_limit = 10\ncost = 1\n" + more)
                        + self.gateway("dear", "all", dear, "cost = 2")).start()
            template = a.template(parts=TEXT)["id"]
            begin = time.monotonic()
            messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(15)))
            self.assertEqual({self.carriers(a, m)[TO] for m in messages}, expected)
            if not more:
                self.assertGreater(time.monotonic() - begin, 1)
            self.assertEqual(a.process.stop(), 0, a.process.tail())

    def test_applications_follow_routes(self):
        (_, one), (_, two), (_, rest) = aiosmtpd(self), aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("one", "one", one) + self.gateway("two", "two", two) + self.gateway("rest", "rest", rest)
                    + '[[routes]]\nfrom = "application"\nprefix = "+1"\nto = "one"\n'
                    + '[[routes]]\nfrom = "application"\nprefix = "+1303"\nto = "two"\n'
                    + '[[routes]]\nto = "two"\n')  # of peers
        a.settings["default_gateway"] = '"rest"'
        a.start()
        template = a.template(parts=TEXT)["id"]
        message = a.send(template, destination=f"{TO},+13035550100,+467000001")
        self.wait(lambda: a.states(message).count("SENT") == 3, a)
        self.assertEqual(self.carriers(a, message), {TO: "one", "+13035550100": "two", "+467000001": "rest"})
        shown = a.call("GET", f"/mms/outbound/{message}")[1]
        self.assertEqual(shown["gateway"], "")
        self.assertEqual({r["number"]: r["gateway"] for r in shown["recipients"]}, self.carriers(a, message))
        self.assertEqual({r["group"] for r in a.call("GET", "/records")[1]["records"]}, {"one", "two", "rest"})
        message = a.send(template, destination=TO, gateway="rest")  # what names a group goes there
        self.sent(a, message)
        self.assertEqual(self.carriers(a, message), {TO: "rest"})

    def test_groups_of_a_route_stand_in(self):
        dead = free_port()
        _, port = aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("first", "first", dead) + self.gateway("second", "second", port)
                    + '[[routes]]\nfrom = "application"\nto = ["first", "second"]\n')
        a.settings |= {"gateway_heartbeat_interval": '"0s"'}
        a.start()
        template = a.template(parts=TEXT)["id"]
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(5)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"second"})

    def test_what_waits_for_a_group_that_is_down_leaves_it(self):
        dead, port = free_port(), free_port()
        a = Gateway(self, "a", self.gateway("first", "first", dead) + self.gateway("second", "second", port)
                    + '[[routes]]\nfrom = "application"\nto = ["first", "second"]\n')
        a.settings |= {"gateway_heartbeat_interval": '"50ms"', "gateway_max_missed_heartbeats": 1}
        a.start()
        self.wait(lambda: a.metric("mmsgw_gateway_up") == 0, a)
        template = a.template(parts=TEXT)["id"]
        messages = [a.send(template, destination=TO) for _ in range(5)]
        self.assertEqual({r["gateway"] for m in messages for r in a.call("GET", f"/mms/outbound/{m}")[1]["recipients"]}, {"first"})
        listener = Gateway(self, "b", mm4_gateway("x", "x", 9, "b.test", "a.test"))
        listener.mm4_port = port
        listener.start()
        self.sent(a, *messages)
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"second"})

    def test_ported_numbers_go_by_what_a_service_says(self):
        service = NumberService(self, {"12025550101": {"rn": "+1-404-555-0000"}, "467000001": {"mcc": "240", "mnc": "01"}})
        (_, one), (_, two), (_, three) = aiosmtpd(self), aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("old", "old", one)
                    + self.gateway("dear", "new", two, 'cost = 9')
                    + self.gateway("cheap", "new", three, 'cost = 20\nprices = [{prefix = "+1404", cost = 1}, {network = "24001", cost = 12}]')
                    + '[[routes]]\nfrom = "application"\nprefix = "+1"\nto = "old"\n'
                    + '[[routes]]\nfrom = "application"\nprefix = "+1404"\nto = "new"\n'
                    + '[[routes]]\nfrom = "application"\nnetwork = "24001"\nto = "new"\n'
                    + service.settings())
        a.settings["default_gateway"] = '"old"'
        a.start()
        template = a.template(parts=TEXT)["id"]
        messages = [a.send(template, destination=f"{TO},+467000001,+12025550199,+4477009000001") for _ in range(5)]
        for message in messages:
            self.wait(lambda message=message: a.states(message).count("SENT") == 4, a)
            self.assertEqual(self.carriers(a, message),
                             {TO: "cheap", "+467000001": "dear", "+12025550199": "old", "+4477009000001": "old"})
        with service.lock:
            self.assertEqual(sorted(service.asked), sorted(set(service.asked)))  # once each
        self.assertEqual(a.metric("number_lookups_total"), 4)
        self.assertNotIn("12025550101", a.process.tail())

    def test_a_service_that_fails_is_done_without_or_waited_for(self):
        for policy in ("own_number", "later"):
            service = NumberService(self, {"12025550101": {"rn": "1404"}})
            (_, one), (_, two) = aiosmtpd(self), aiosmtpd(self)
            a = Gateway(self, policy, self.gateway("old", "old", one) + self.gateway("new", "new", two)
                        + '[[routes]]\nfrom = "application"\nto = "old"\n[[routes]]\nfrom = "application"\nprefix = "1404"\nto = "new"\n'
                        + service.settings(f'on_failure = "{policy}"\nfailed_ttl = "300ms"')).start()
            service.status = 500
            message = a.send(a.template(parts=TEXT)["id"], destination=TO)
            self.wait(lambda a=a: a.metric("number_lookups_total") > 0, a)
            if policy == "own_number":
                self.sent(a, message)
                self.assertEqual(self.carriers(a, message), {TO: "old"})
                self.wait(lambda a=a, service=service: self.recovers(a, service) == {TO: "new"}, a)
            else:
                self.wait(lambda a=a: a.metric("number_lookups_total") > 1, a)
                self.assertEqual(a.states(message), ["SCHEDULED"])
                service.status = None
                self.sent(a, message)
                self.assertEqual(self.carriers(a, message), {TO: "new"})
            self.assertEqual(a.process.stop(), 0, a.process.tail())

    def recovers(self, a, service):
        service.status = None
        message = a.send(a.template(parts=TEXT)["id"], destination=TO)
        self.sent(a, message)
        return self.carriers(a, message)

    def test_ported_numbers_are_found_by_enum(self):
        require(shutil.which("dnsmasq") or os.path.exists("/usr/sbin/dnsmasq"), "the package dnsmasq-base")
        port = free_port()
        records = {"12025550101": "E2U+pstn:tel,!^.*$!tel:+12025550101;npdi;rn=+14045550000!",
                   "467000001": "E2U+MMS:mailto,!^(.*)$!mailto:\\1/TYPE=PLMN@mms.mnc001.mcc240.gprs!"}
        names = [f"--naptr-record={'.'.join(reversed(number))}.e164.test,100,10,u,{rest}" for number, rest in records.items()]
        server = self.start("dnsmasq", [shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-queries",
                                        f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
                                        "--conf-file=/dev/null", "--pid-file=", f"--user={getpass.getuser()}", "--local=/e164.test/", *names])

        def answers():
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex(("127.0.0.1", port)) == 0
        wait_until(answers, 30, server.tail)
        (_, one), (_, two), (_, three) = aiosmtpd(self), aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("old", "old", one) + self.gateway("new", "new", two) + self.gateway("telia", "telia", three)
                    + '[[routes]]\nfrom = "application"\nto = "old"\n[[routes]]\nfrom = "application"\nprefix = "1404"\nto = "new"\n'
                    + '[[routes]]\nfrom = "application"\nnetwork = "240001"\nto = "telia"\n'
                    + f'[number_lookup]\nenum_zone = "e164.test"\nenum_servers = ["127.0.0.1:{port}"]\ntimeout = "20s"\n').start()
        message = a.send(a.template(parts=TEXT)["id"], destination=f"{TO},+467000001,+12025550199")
        self.wait(lambda: a.states(message).count("SENT") == 3, a)
        self.assertEqual(self.carriers(a, message), {TO: "new", "+467000001": "telia", "+12025550199": "old"})
        server.stop()

    def test_a_file_of_ported_numbers_is_read_again(self):
        """What a peer sends is passed on to the network that its recipient is in now."""
        (_, one), (_, two) = aiosmtpd(self), aiosmtpd(self)
        ported = self.write("ported.csv", "number,routing,network\n+12025550101,,first\n")
        a = Gateway(self, "a", self.gateway("client", "client", free_port()) + self.gateway("one", "one", one)
                    + self.gateway("two", "two", two)
                    + '[[routes]]\nfrom = "client"\nnetwork = "first"\nto = "one"\n[[routes]]\nfrom = "client"\nnetwork = "second"\nto = "two"\n'
                    + f'[number_lookup]\nfile = "{ported}"\n').start()

        def passed_on(identity):
            with smtplib.SMTP("127.0.0.1", a.mm4_port, timeout=20) as client:
                client.sendmail("x@peer.test", [f"{TO}/TYPE=PLMN@a.test"], MAIL.format(identity))
            return a.call("GET", "/mms/outbound")[1]["messages"][0]
        first = passed_on("m1")
        self.sent(a, first)
        self.assertEqual(self.carriers(a, first), {TO: "one"})
        for text, expected in (("+120255501*,14045550000,second\n", "reloaded"), ("+1202,\n", "refused")):
            self.write("ported.csv", text)
            os.kill(a.process.process.pid, signal.SIGHUP)
            self.wait(lambda expected=expected: f"configuration {expected}" in a.process.tail(), a)
        self.assertIn("line 1: has neither routing number nor network", a.process.tail())
        second = passed_on("m2")
        self.sent(a, second)
        self.assertEqual(self.carriers(a, second), {TO: "two"})
        self.write("ported.csv", "+12025550101,,third\n")  # nobody is there
        os.kill(a.process.process.pid, signal.SIGHUP)
        self.wait(lambda: a.process.tail().count("configuration reloaded") == 2, a)
        third = passed_on("m3")
        self.wait(lambda: "FAILED" in a.states(third), a)
        self.assertEqual([e["code"] for e in a.events(third) if e["state"] == "FAILED"], ["404"])


if __name__ == "__main__":
    unittest.main()
