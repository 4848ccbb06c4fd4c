"""What goip_xmpp does between a GoIP device without hardware and any XMPP server, with slixmpp and go-sendxmpp as users."""
import shutil
import signal

from bridge import DOMAIN, LINE, OWN, PASSWORD, BridgeTest, RawDevice, free_port, http_get, require, wait_until
from xmpp_servers import PASSWORD as USER_PASSWORD

OTHER = "+3725551"


class Cases:
    """The server keeps messages for users who are away."""

    def test_inbound_sms_is_a_chat(self):
        _, device = self.start_all()
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} a;b:c;id:g2;srcnum:112;msg:z")
        message = self.finish(client).events("message")
        self.assertEqual([(m["sender"], m["body"]) for m in message],
                         [(f"{OTHER}@{DOMAIN}", "a;b:c;id:g2;srcnum:112;msg:z")])

    def test_outbound_chat_is_sent_and_receipted(self):
        _, device = self.start_all()
        client = self.client(f"to:+3725552@{DOMAIN}", "send:tere", "wait:1")
        sent = client.wait_for_event("sent", 30)[0]
        self.assertEqual(client.wait_for_event("receipt", 30)[0]["id"], sent["id"])
        self.assertIn("sent g1 +3725552 1 tere", device.output())

    def test_status_log_and_ussd_on_the_own_number(self):
        _, device = self.start_all()
        device.command(f"call {LINE} in +3725553")
        wait_until(lambda: "acknowledged g1 HANGUP" in device.output(), 30, device.tail)
        device.command(f"call {LINE} out +3725554")
        wait_until(lambda: device.output().count("acknowledged g1 HANGUP") == 2, 30, device.tail)
        client = self.run_client(f"to:{OWN}@{DOMAIN}", "send:status", "wait:1", "send:*100#", "wait:2", "send:1", "wait:3",
                                 "send:log", "wait:4", "send:log 1", "wait:5", "send:log 0", "wait:6", f"to:{DOMAIN}",
                                 "send:help", "wait:7")
        status, ussd, choice, log, last, wrong, words = self.bodies(client)
        self.assertIn("GSM: LOGIN", status)
        self.assertEqual(ussd, "[USSD] answer to *100#")
        self.assertEqual(choice, "[USSD] answer to 1")  # from the menu that came
        self.assertEqual(len(log.split("\n")), 2, log)
        self.assertIn("[out] +3725554", log.split("\n")[0])
        self.assertIn("[in] +3725553", log.split("\n")[1])
        self.assertIn("Normal call clearing", last)
        self.assertEqual(len(last.split("\n")), 1)
        self.assertIn("1 to 200", wrong)
        self.assertIn("USSD code", words)

    def test_ussd_that_nobody_asked_for_and_what_is_no_code(self):
        _, device = self.start_all()
        client = self.client(f"to:{OWN}@{DOMAIN}", "send:hello there", "wait:2")
        client.wait_for_event("message", 30)
        device.command(f"ussn {LINE} You have 5 EUR; hurry")
        refused, pushed = self.bodies(self.finish(client))
        self.assertIn("USSD failed: ", refused)
        self.assertEqual(pushed, "[USSD] You have 5 EUR; hurry")

    def test_what_comes_while_the_server_restarts_arrives_once(self):
        _, device = self.start_all()
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 30, "the bridge to see that the server is away")
        device.command(f"sms {LINE} {OTHER} meanwhile")
        wait_until(self.stored, 30, "the SMS to be stored")
        self.server.start()
        self.wait_until_delivered()
        self.assertEqual(self.bodies(self.run_client("wait:1")), ["meanwhile"])

    def test_acknowledged_sms_survives_kill_9(self):
        bridge, device = self.start_all()
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 30, "the bridge to see that the server is away")
        device.command(f"sms {LINE} {OTHER} survivor")
        wait_until(self.stored, 30, "the SMS to be stored")
        bridge.kill()
        self.server.start()
        self.start_bridge()
        self.wait_until_delivered()
        self.assertEqual(self.bodies(self.run_client("wait:1")), ["survivor"])

    def test_wrong_secret_is_not_ready(self):
        bridge = self.start_bridge(secret="wrong")
        wait_until(lambda: "not-authorized" in bridge.tail(), 30, "the reason in the log")
        self.assertFalse(self.is_ready())
        self.assertEqual(http_get(f"http://127.0.0.1:{self.http_port}/health")[0], 200)

    def test_presence_shows_the_line(self):
        _, device = self.start_all()
        client = self.client(f"to:{OWN}@{DOMAIN}", "subscribe", "wait:2")
        wait_until(lambda: any(p["sender"] == f"{OWN}@{DOMAIN}" and "TEST" in p["status"] for p in client.events("presence")),
                   30, client.tail)
        device.command(f"gsm {LINE} off")
        client.wait_for_event("message", 30)
        wait_until(lambda: any(p["type"] == "unavailable" for p in client.events("presence")), 30, client.tail)
        device.command(f"gsm {LINE} on")
        gone, back = self.bodies(self.finish(client))
        self.assertIn("not on the network", gone)
        self.assertIn("back on the network", back)

    def test_menus_of_clients(self):
        self.start_all()
        client = self.run_client("disco", "items", "commands", "ussd:*100#", "wait:1")
        self.assertEqual(client.events("disco")[0]["identities"], [["gateway", "sms"]])
        self.assertEqual(client.events("items")[0]["names"], [f"Line {OWN}"])
        self.assertEqual(client.events("commands")[0]["nodes"], ["log", "status", "ussd"])
        self.assertEqual(self.bodies(client), ["[USSD] answer to *100#"])

    def test_second_component_does_no_harm_to_the_first(self):
        first, device = self.start_all()
        first_goip, self.goip_port = self.goip_port, free_port()
        second = self.start_bridge(name="second", http_port=free_port(), database="second")
        # ejabberd lets both in and shares what users write between them.
        word = "conflict" if self.server.conflict_is_refused else "connected to the XMPP server"
        wait_until(lambda: word in second.tail(), 30, second.tail)
        self.goip_port = first_goip
        self.assertTrue(self.is_ready())
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} still here")
        self.assertEqual(self.bodies(self.finish(client)), ["still here"])
        for bridge in (first, second):  # with ejabberd each has answers that the other waits for
            bridge.kill()

    def test_silent_device_is_seen_and_comes_back(self):
        _, device = self.start_all(goip='dead_after = "1s"\nendpoint_hold = "0s"')
        client = self.client(f"to:+3725552@{DOMAIN}", "wait:1", "send:waits", "wait:2", "wait:3")
        device.signal(signal.SIGSTOP)
        wait_until(lambda: not self.line_is_online(), 30, "the line to be dead")
        client.wait_for_event("sent", 30)
        device.signal(signal.SIGCONT)
        client.wait_for_event("receipt", 60)
        self.assertEqual(device.output().count("sent g1 +3725552"), 1)

    def test_device_that_moved_is_followed(self):
        _, device = self.start_all(goip='endpoint_hold = "0s"')
        device.command(f"move {LINE}")
        client = self.client(f"to:+3725552@{DOMAIN}", "send:after the move", "wait:1")
        client.wait_for_event("receipt", 60)
        self.assertIn("after the move", device.output())

    def test_another_client_program(self):
        require(shutil.which("go-sendxmpp") is not None, "go-sendxmpp")
        _, device = self.start_all()
        message = self.write("message.txt", "by hand\n")
        sender = self.start("go-sendxmpp", ["go-sendxmpp", "-n", "-u", f"{self.alice}@localhost", "-p", USER_PASSWORD, "-j",
                                            f"127.0.0.1:{self.server.c2s_port}", "-m", message, f"+3725552@{DOMAIN}"],
                            {"HOME": str(self.scratch)})
        self.assertEqual(sender.wait(30), 0, sender.tail())
        wait_until(lambda: "sent g1 +3725552 1 by hand" in device.output(), 30, lambda: sender.tail() + device.tail())

    def test_duplicate_and_replayed_datagrams_make_one_chat(self):
        _, device = self.start_all("--duplicate", "1")
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} once")
        self.assertEqual(self.bodies(self.finish(client)), ["once"])
        arrived = next(words for words in device.output().split("\n") if words.startswith("arrived"))
        number = arrived.split()[3]
        datagram = f"RECEIVE:{number};id:{LINE};password:{PASSWORD};srcnum:{OTHER};msg:once"
        raw = RawDevice(self.goip_port)  # somebody who has recorded it
        self.addCleanup(raw.close)
        self.assertEqual(raw.ask(datagram), f"RECEIVE {number} OK")
        self.programs[0].kill()  # what the bridge knows by heart is gone then; what it has stored is not
        self.start_bridge()
        wait_until(self.is_ready, 30, "the bridge to be back")
        self.assertEqual(wait_until(lambda: raw.ask(datagram, 1), 30, "an answer"), f"RECEIVE {number} OK")
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} next")
        self.assertEqual(self.bodies(self.finish(client)), ["next"])

    def test_reports_find_their_sms_after_a_restart(self):
        bridge, device = self.start_all("--report", "1500")
        client = self.client(f"to:+3725552@{DOMAIN}", "send:tere", "wait:1")
        wait_until(lambda: 'goip_sms_sent_total{line="g1",outcome="sent"} 1' in self.metrics(), 30, device.tail)
        self.assertEqual(bridge.stop(), 0)
        self.start_bridge()
        receipt = client.wait_for_event("receipt", 30)[0]
        self.assertEqual(receipt["id"], client.events("sent")[0]["id"])


class ReturnedCases:
    """The server keeps nothing for users who are away, and gives their chats back."""
    lines = BridgeTest.lines + f"""\
[[goip.lines]]
id = "g2"
password = "pw2"
number = "+37250002"
"""

    @classmethod
    def new_server(cls):
        super().new_server(keeps_messages=False)

    def test_fallback_gets_what_cannot_be_delivered(self):
        _, device = self.start_all("--line", "g2:pw2:+37250002", xmpp=f'fallback = "{self.bob}@localhost"')
        client = self.client("wait:2", user=self.bob)
        device.command(f"sms {LINE} {OTHER} nobody home")
        client.wait_for_event("message", 30)
        device.command(f"sms g2 {OTHER} nobody's line")
        self.assertEqual(self.bodies(self.finish(client)),
                         [f"[for {self.alice}@localhost, {OWN}] nobody home", "nobody's line"])
        self.assertEqual({m["sender"] for m in client.events("message")}, {f"{OTHER}@{DOMAIN}"})
        client = self.client(f"to:+3725552@{DOMAIN}", "send:no", "wait:1", user=self.bob)  # he is no user
        client.wait_for_event("error", 30)
        self.assertNotIn("sent g", device.output())

    def test_without_one_it_waits_for_the_user(self):
        _, device = self.start_all()
        device.command(f"sms {LINE} {OTHER} patience")
        wait_until(lambda: "xmpp_messages_bounced_total 1" in self.metrics(), 30, device.tail)
        self.assertEqual(self.bodies(self.run_client("wait:1")), ["patience"])
