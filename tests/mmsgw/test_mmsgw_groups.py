"""Several gateways of a group, several processes on one database, limits of time and rate, mails by Maildir."""
import base64
import os
import signal
import smtplib
import threading
import time
import unittest
import urllib.error
import urllib.request

from mmsgw import FROM, TO, Application, Gateway, MmsgwTest, mm4_gateway, mm7_gateway
from gateway import binary
from mm4_peers import Postfix, aiosmtpd
from peers import free_port
from postgres import Postgres

TEXT = [{"content_name": "t.txt", "content_type": "text/plain", "content": "hello"}]
MAIL = "\r\n".join([
    f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version: 6.10.0", "X-Mms-Message-Type: MM4_forward.REQ",
    'X-Mms-Transaction-ID: "t"', 'X-Mms-Message-ID: "{}@peer.test"', "Content-Type: text/plain", "", "hello", ""])


class GroupsTest(MmsgwTest):
    def test_gateways_of_a_group_share_and_stand_in(self):
        dead = free_port()
        (first, first_port), (second, second_port) = aiosmtpd(self), aiosmtpd(self)
        peers = [mm4_gateway(name, "carrier", port, "a.test", "b.test")
                 for name, port in (("one", first_port), ("two", second_port), ("dead", dead))]
        a = Gateway(self, "a", "".join(peers)).start()
        template = a.template(parts=TEXT)["id"]
        sent = [a.send(template, destination=f"+1202555{i:04}", gateway="carrier") for i in range(30)]
        self.wait(lambda: all("SENT" in a.states(s) for s in sent), a)
        by = {e["gateway"] for s in sent for e in a.events(s) if e["state"] == "SENT"}
        self.assertEqual(by, {"one", "two"})
        first.stop()
        more = [a.send(template, destination=f"+1202556{i:04}", gateway="carrier") for i in range(10)]
        self.wait(lambda: all("SENT" in a.states(s) for s in more), a)
        self.assertEqual({e["gateway"] for s in more for e in a.events(s) if e["state"] == "SENT"}, {"two"})
        self.assertTrue(second.running)

    def test_heartbeats_take_a_gateway_out_and_back(self):
        _, port = aiosmtpd(self)
        dead = free_port()
        a = Gateway(self, "a", mm4_gateway("one", "carrier", port, "a.test", "b.test") + mm4_gateway("dead", "carrier", dead, "a.test", "b.test"))
        a.settings |= {"gateway_heartbeat_interval": '"50ms"', "gateway_max_missed_heartbeats": 2}
        a.start()
        self.wait(lambda: a.metric("mmsgw_gateway_up") == 1, a)
        sent = a.send(a.template(parts=TEXT)["id"], destination=TO, gateway="carrier")
        self.wait(lambda: "SENT" in a.states(sent), a)
        listener = Gateway(self, "b", mm4_gateway("x", "x", 9, "b.test", "a.test"))
        listener.mm4_port = dead
        listener.start()
        self.wait(lambda: a.metric("mmsgw_gateway_up") == 2, a)

    def test_tries_end(self):
        a = Gateway(self, "a", mm4_gateway("dead", "dead", free_port(), "a.test", "b.test"))
        a.settings["max_gateway_retries"] = 2
        a.start()
        sent = a.send(a.template(parts=TEXT)["id"], destination=TO)
        self.wait(lambda: "FAILED" in a.states(sent), a)
        self.assertEqual(a.states(sent), ["SCHEDULED", "FAILED"])

    def test_expiry_and_times(self):
        _, port = aiosmtpd(self)
        a = Gateway(self, "a", mm4_gateway("dead", "dead", free_port(), "a.test", "b.test") + mm4_gateway("good", "good", port, "a.test", "b.test"))
        a.start()
        expired = a.send(a.template(parts=TEXT, expire_after=1)["id"], destination=TO, gateway="dead")
        self.wait(lambda: "FAILED" in a.states(expired), a)
        self.assertEqual([e["code"] for e in a.events(expired) if e["state"] == "FAILED"], ["408"])
        begin = int(time.time())
        later = a.send(a.template(parts=TEXT, earliest_delivery=begin + 2)["id"], destination=TO, gateway="good")
        self.wait(lambda: "SENT" in a.states(later), a)
        self.assertGreaterEqual([e["timestamp"] for e in a.events(later) if e["state"] == "SENT"][0], begin + 2)
        over = a.call("POST", f"/mms/outbound/{a.template(parts=TEXT, latest_delivery=begin - 1)['id']}", {"destination": TO, "gateway": "good"})
        self.assertEqual(over[0], 422)

    def test_the_rate_of_a_gateway_is_kept(self):
        _, port = aiosmtpd(self)
        a = Gateway(self, "a", mm4_gateway("slow", "slow", port, "a.test", "b.test") + "tps_limit = 10\n").start()
        template = a.template(parts=TEXT)["id"]
        begin = time.monotonic()
        sent = [a.send(template, destination=f"+1202555{i:04}") for i in range(20)]
        self.wait(lambda: all("SENT" in a.states(s) for s in sent), a)
        self.assertGreater(time.monotonic() - begin, 1.5)  # 20 at 10 a second, with a burst of 0.1 s: never faster

    def test_prefixes_say_which_gateway_carries(self):
        (_, north), (_, any_port) = aiosmtpd(self), aiosmtpd(self)
        peers = mm4_gateway("north", "all", north, "a.test", "b.test") + 'allowed_prefixes = ["+1"]\ndenied_prefixes = ["+1900"]\n' \
            + mm4_gateway("rest", "all", any_port, "a.test", "b.test") + 'denied_prefixes = ["1"]\nallowed_sender_prefixes = ["+1202555"]\n'
        a = Gateway(self, "a", peers).start()
        sent = a.send(a.template(parts=TEXT)["id"], destination="+12025550101,+467000001,+19005550100")
        self.wait(lambda: sorted(a.states(sent)).count("SENT") == 2 and "FAILED" in a.states(sent), a)
        by = {e["destinations"][0]: (e["state"], e["gateway"], e["code"]) for e in a.events(sent) if e["state"] in ("SENT", "FAILED")}
        self.assertEqual(by["+12025550101"][:2], ("SENT", "north"))
        self.assertEqual(by["+467000001"][:2], ("SENT", "rest"))
        self.assertEqual(by["+19005550100"], ("FAILED", "", "403"))

    def test_numbers_are_written_as_the_peer_wants_them(self):
        a, b, application = self.pair()
        a.peers += 'dest_prefix = "+1"\norigin_prefix = "+"\n'
        b.start(), a.start()
        sent = a.send(a.template(parts=TEXT, origin="12025550100")["id"], destination="2025550101")
        self.wait(lambda: application.received(), a, b)
        got = application.received()[0]
        self.assertEqual((got["origin"], got["destination"]), (FROM, [TO]))
        b.call("POST", f"/mms/inbound/dr/{got['id']}", {"status": "200"})
        self.wait(lambda: "DELIVERED" in a.states(sent), a, b)  # though the peer knows the recipient by another number

    def test_the_configuration_is_read_again(self):
        _, port = aiosmtpd(self)
        first, second = Application(self), Application(self)
        inbound = 'inbound_username = "u"\ninbound_password = "{}"\n'
        def peers(more, password):
            return mm4_gateway("one", "one", port, "a.test", "b.test") + more + mm7_gateway("two", "http://127.0.0.1:9/", inbound.format(password))
        a = Gateway(self, "a", peers("", "old"), first).start()
        config = os.path.join(self.scratch, "a.toml")
        with open(config, encoding="utf-8") as file:
            text = file.read()

        def again(new, expected):
            with open(config, "w", encoding="utf-8") as file:
                file.write(new)
            seen = a.process.tail().count(expected)
            os.kill(a.process.process.pid, signal.SIGHUP)
            self.wait(lambda: a.process.tail().count(expected) > seen, a)

        def knocks(password):
            request = urllib.request.Request(f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms/inbound/two", b"x", method="POST")
            request.add_header("Authorization", "Basic " + base64.b64encode(f"u:{password}".encode()).decode())
            try:
                return urllib.request.urlopen(request, timeout=20).status
            except urllib.error.HTTPError as refused:
                return refused.code
        template = a.template(parts=TEXT)["id"]
        sent = a.send(template, destination=TO, gateway="one")
        self.wait(lambda: "SENT" in a.states(sent), a)
        self.assertEqual((knocks("old"), knocks("new")), (200, 401))
        again(text + "unknown = 1\n", "configuration refused")
        again(text.replace(peers("", "old"), peers('denied_prefixes = ["+1"]\n', "new")).replace(first.url, second.url),
              "configuration reloaded")
        self.wait(lambda: (knocks("old"), knocks("new")) == (401, 200), a)
        sent = a.send(template, destination=TO, gateway="one")
        self.wait(lambda: "FAILED" in a.states(sent), a)
        self.wait(lambda: any(e.get("state") == "FAILED" for e, _ in second.all()), a)
        again(text.replace(f":{port}", ":9"), "takes effect at the next start")

    def test_import_of_their_files(self):
        """The files of the product whose API this is, together and one by itself."""
        _, port = aiosmtpd(self)
        gateway = self.write("gw.conf", f"[gateway]\nprotocol=MM4\nname=GW-1\ngroup=GW\ncarrier=any\n[outbound]\n"
                             f"remote_host=127.0.0.1:{port}\nlocal_domain=own.test\noriginator_address=mms@own.test\nheartbeat=HELO 250\n"
                             "[addressing]\ndest_prefix=+\ndest_suffix=/TYPE=PLMN\norigin_prefix=+\norigin_suffix=/TYPE=PLMN\n")
        http, smtp = free_port(), free_port()
        general = self.write("mmsgw.conf", f"[general]\napi_url=http://127.0.0.1:{http}/\napi_dev_port={http}\nmms_ttl=14400\n"
                             "default_gateway=GW\n[message_storage]\nhost=localhost\n")
        receiver = self.write("mm4rx.conf", f"[general]\nsmtp_host=127.0.0.1\nsmtp_port={smtp}\n[peers]\n127.0.0.1=GW\n")
        made = os.path.join(self.scratch, "made.toml")
        command = self.start("import", [binary("mmsgw"), "import", general, gateway, receiver, "--output", made])
        self.assertEqual(command.wait(30), 0, command.tail())
        self.assertIn(f"{gateway}:5: [gateway] carrier = any: has no meaning here", command.tail())
        self.assertEqual(os.stat(made).st_mode & 0o77, 0)
        again = self.start("again", [binary("mmsgw"), "import", gateway, "--output", made])
        self.assertEqual(again.wait(30), 1, again.tail())
        for name, config in (("imported", made), ("direct", gateway)):
            check = self.start(name, [binary("mmsgw"), "--check", "--config", config])
            self.assertEqual(check.wait(30), 0, check.tail())
            self.assertIn("configuration is valid", check.output())
        bad = self.write("bad.conf", "[gateway]\nname=a\ntps_limit=fast\n")
        refused = self.start("refused", [binary("mmsgw"), "import", bad])
        self.assertEqual(refused.wait(30), 2, refused.tail())
        self.assertIn(f"{bad}:3: [gateway] tps_limit = fast: must be a number from 0 to 100000", refused.tail())
        a = Gateway(self, "a", "")
        a.http_port = http
        with open(made, "a", encoding="utf-8") as file:
            file.write(f'[store]\npath = "{self.scratch}/imported.db"\n')
        a.process = self.start("a", [binary("mmsgw"), "--config", made])
        self.wait(a.is_ready, a)
        sent = a.send(a.template(parts=TEXT)["id"], destination="12025550101")
        self.wait(lambda: "SENT" in a.states(sent), a)

    def test_some_recipients_fail_alone(self):
        a, b, application = self.pair()
        b.start(), a.start()
        template = a.template(parts=TEXT)["id"]
        sent = a.send(template, destination=[TO, "+12025550103"])
        self.wait(lambda: a.states(sent).count("ACKNOWLEDGED") == 2, a, b)
        for m in application.received():
            status = "200" if TO in m["destination"] and len(m["destination"]) == 1 else "406"
            number = m["destination"][0]
            b.call("POST", f"/mms/inbound/dr/{m['id']}", {"status": status, "applies_to": number})
        self.wait(lambda: "DELIVERED" in a.states(sent) or "FAILED" in a.states(sent), a, b)
        events = [e for e in a.events(sent) if e["state"] in ("DELIVERED", "FAILED")]
        self.assertTrue(all(len(e["destinations"]) == 1 for e in events), events)

    def test_a_maildir_that_postfix_fills(self):
        application = Application(self)
        directory = os.path.join(self.scratch, "mail")
        relay = Postfix(self, 9, directory)
        a = Gateway(self, "a", mm4_gateway("peer", "peer", free_port(), "a.test", "peer.test") + f'maildir = "{directory}"\n', application)
        a.start()

        def deliver(mail):
            with smtplib.SMTP("127.0.0.1", relay.port, timeout=20) as client:
                client.sendmail("x@peer.test", [f"{TO}/TYPE=PLMN@a.test"], mail)
        for number in range(3):
            deliver(MAIL.format(f"m{number}"))
        deliver(MAIL.format("m0"))  # again
        deliver("Subject: no MMS\r\n\r\nhello\r\n")
        self.wait(lambda: len(application.received()) == 3, a, relay)
        self.wait(lambda: os.listdir(os.path.join(directory, "refused")), a, relay)
        self.wait(lambda: not os.listdir(os.path.join(directory, "new")), a, relay)
        self.assertEqual({m["peer_ref"] for m in application.received()}, {f"m{n}@peer.test" for n in range(3)})
        self.assertEqual(application.received()[0]["destination"], [TO])
        self.assertEqual(a.process.stop(), 0, a.process.tail())

    def test_processes_on_one_database(self):
        """Two share the queue of a group; one is killed while it has messages, the other one takes them over."""
        database = Postgres(self)
        store = f'type = "postgres"\ndsn = "{database.dsn}"\nlease = "1s"\n'
        application = Application(self)
        b = Gateway(self, "b", "", application)
        processes = [Gateway(self, name, "") for name in ("a1", "a2")]
        b.peers = mm4_gateway("a", "a", processes[1].mm4_port, "b.test", "a.test")
        b.start()
        for one in processes:
            one.store = store
            one.peers = mm4_gateway("b", "b", b.mm4_port, "a.test", "b.test")
        threads = [threading.Thread(target=one.start) for one in processes]  # together: who makes the tables?
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = processes
        template = first.template(parts=TEXT)["id"]
        sent = [first.send(template, destination=TO) for _ in range(20)]
        self.wait(lambda: all("ACKNOWLEDGED" in second.states(s) for s in sent), first, second, b)
        self.wait(lambda: len(application.received()) >= 20, second, b)  # told after it is acknowledged
        self.assertEqual(len(application.received()), 20)
        sent = [first.send(template, destination=TO) for _ in range(20)]
        first.process.kill()
        self.wait(lambda: all("ACKNOWLEDGED" in second.states(s) for s in sent), second, b)
        self.wait(lambda: len({m["id"] for m in application.received()}) == 40, second, b)
        # The database goes and comes back: nothing is acknowledged meanwhile, and sending goes on.
        database.kill()
        self.assertEqual(second.call("POST", f"/mms/outbound/{template}", {"destination": TO})[0], 503)
        database.start()
        self.wait(lambda: second.call("POST", f"/mms/outbound/{template}", {"destination": TO})[0] == 202, second)
        self.wait(lambda: len({m["id"] for m in application.received()}) == 41, second, b)

    def test_processes_call_each_other(self):
        """What one leaves for a group of another leaves at once, though nobody looks by itself for 30 seconds."""
        database = Postgres(self)
        store = f'type = "postgres"\ndsn = "{database.dsn}"\npoll_interval = "30s"\n'
        _, port = aiosmtpd(self)
        front = Gateway(self, "front", mm4_gateway("dead", "dead", free_port(), "a.test", "b.test"))
        back = Gateway(self, "back", mm4_gateway("good", "good", port, "a.test", "b.test"))
        for one, other in ((front, "good"), (back, "dead")):
            one.store = store
            one.peers += '[[routes]]\nfrom = "application"\nto = ["dead", "good"]\n'  # the same for both: either may route
            one.settings |= {"gateway_heartbeat_interval": '"0s"', "other_groups": f'["{other}"]'}
            one.start()
        template = front.template(parts=TEXT)["id"]

        def leaves_promptly():
            begin = time.monotonic()
            sent = front.send(template, destination=TO, gateway="good")
            self.wait(lambda: "SENT" in front.states(sent), front, back)
            self.assertLess(time.monotonic() - begin, 15)
        for _ in range(5):
            leaves_promptly()
        # A route leads from what front's own gateway cannot carry to the other process, when it is queued again.
        begin = time.monotonic()
        sent = front.send(template, destination=TO)
        self.wait(lambda: "SENT" in front.states(sent), front, back)
        self.assertLess(time.monotonic() - begin, 15)
        # Connections are lost, and made again.
        heard = back.process.tail().count("other processes are not heard")
        database.kill()
        self.wait(lambda: back.process.tail().count("other processes are not heard") > heard, back)
        database.start()
        self.wait(lambda: front.call("POST", f"/mms/outbound/{template}", {"destination": TO, "gateway": "good"})[0] == 202, front)
        self.wait(lambda: database.sql("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN mmsgw'") == "2", front, back)
        leaves_promptly()

    def test_a_database_of_the_version_before_is_taken_over(self):
        database = Postgres(self)
        _, port = aiosmtpd(self)
        a = Gateway(self, "a", mm4_gateway("good", "good", port, "a.test", "b.test"))
        a.store = f'type = "postgres"\ndsn = "{database.dsn}"\n'
        a.start()
        template = a.template(parts=TEXT)["id"]
        before = a.send(template, destination=TO)
        self.wait(lambda: "SENT" in a.states(before), a)
        self.assertEqual(a.process.stop(), 0, a.process.tail())
        database.sql("ALTER TABLE mmsgw.recipient DROP COLUMN routed; UPDATE mmsgw.version SET number = 2")
        a.start()
        self.assertEqual(database.sql("SELECT number FROM mmsgw.version"), "3")
        self.assertIn("SENT", a.states(before))
        after = a.send(template, destination=TO)
        self.wait(lambda: "SENT" in a.states(after), a)


if __name__ == "__main__":
    unittest.main()
