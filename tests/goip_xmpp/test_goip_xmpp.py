"""goip_xmpp between a GoIP device without hardware and an XMPP server, with slixmpp as the user."""
import shutil
import signal
import unittest

from bridge import DOMAIN, LINE, OWN, BridgeTest, free_port, http_get, require, wait_until
from xmpp_servers import PASSWORD, Ejabberd, Prosody, ejabberd_code

OTHER = "+3725551"


class Cases:
    """What holds with every server."""

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
        client = self.run_client(f"to:{OWN}@{DOMAIN}", "send:status", "wait:1", "send:*100#", "wait:2", "send:log", "wait:3",
                                 "send:log 1", "wait:4", "send:log 0", "wait:5", f"to:{DOMAIN}", "send:help", "wait:6")
        status, ussd, log, last, wrong, words = self.bodies(client)
        self.assertIn("GSM: LOGIN", status)
        self.assertEqual(ussd, "[USSD] answer to *100#")
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


class ProsodyTest(Cases, BridgeTest):
    def test_duplicate_datagrams_make_one_chat(self):
        _, device = self.start_all("--duplicate", "1")
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} once")
        self.assertEqual(self.bodies(self.finish(client)), ["once"])

    def test_failures_are_readable(self):
        _, device = self.start_all()
        client = self.client(f"to:+9995552@{DOMAIN}", "send:no", f"to:word@{DOMAIN}", "send:no", "wait:1")
        errors = client.wait_for_event("error", 30, count=2)
        self.assertEqual([e["condition"] for e in errors], ["forbidden", "jid-malformed"])
        self.assertEqual([e["id"] for e in errors], [s["id"] for s in client.events("sent")])
        self.assertIn("may not write", errors[0]["text"])
        client.stop()
        device.command(f"fate {LINE} 21")  # rejected by the network, for good
        client = self.client(f"to:+3725552@{DOMAIN}", "send:refused", "wait:1")
        error = client.wait_for_event("error", 30)[0]
        self.assertEqual(error["id"], client.events("sent")[0]["id"])
        self.assertIn("21", error["text"])

    def test_user_who_is_not_listed_is_refused(self):
        self.start_all()
        client = self.client(f"to:+3725552@{DOMAIN}", "send:no", "wait:1", user="bob")
        self.assertEqual(client.wait_for_event("error", 30)[0]["condition"], "registration-required")

    def test_an_unknown_outcome_is_told_and_not_repeated(self):
        bridge, device = self.start_all()
        device.command(f"fate {LINE} mute")
        client = self.client(f"to:+3725552@{DOMAIN}", "send:perhaps", "wait:1")
        wait_until(lambda: 'goip_xmpp_engine' in self.metrics() and device.output().count("sent g1") == 1, 30, device.tail)
        bridge.kill()  # between the order to send and what became of it
        self.start_bridge()
        error = client.wait_for_event("error", 60)[0]
        self.assertEqual(error["id"], client.events("sent")[0]["id"])
        self.assertIn("unknown", error["text"])
        self.assertEqual(device.output().count("sent g1"), 1, device.tail())

    def test_rounds_of_kill_9_lose_nothing(self):
        bridge, device = self.start_all()
        expected = []
        for n in range(5):
            expected.append(f"round {n}")
            device.command(f"sms {LINE} {OTHER} round {n}")
            wait_until(lambda n=n: device.output().count("acknowledged g1 RECEIVE") > n, 30, device.tail)
            bridge.kill()  # perhaps before the server has read it
            bridge = self.start_bridge()
        wait_until(self.is_ready, 30, bridge.tail)
        client = self.run_client(f"wait:{len(expected)}")
        self.assertEqual(sorted(set(self.bodies(client))), expected)
        repeated = {m["id"] for m in client.events("message") if self.bodies(client).count(m["body"]) > 1}
        self.assertLessEqual(len(client.events("message")), len(expected) + len(repeated))

    def test_second_component_is_refused_and_the_first_goes_on(self):
        _, device = self.start_all()
        first_goip, self.goip_port = self.goip_port, free_port()
        second = self.start_bridge(name="second", http_port=free_port(), database="second")
        wait_until(lambda: "conflict" in second.tail(), 30, second.tail)
        self.goip_port = first_goip
        self.assertTrue(self.is_ready())
        client = self.client("wait:1")
        device.command(f"sms {LINE} {OTHER} still here")
        self.assertEqual(self.bodies(self.finish(client)), ["still here"])

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

    def test_old_addresses_by_the_alias_module(self):
        self.server.stop()
        self.server = Prosody(self, 'modules_enabled = { "msgkit_alias" }\nmsgkit_alias_replies = true', "aliases")
        _, device = self.start_all()
        client = self.client("to:+3725552@localhost", "send:old address", "wait:1")
        client.wait_for_event("receipt", 30)
        device.command(f"sms {LINE} {OTHER} answer")
        message = self.finish(client).events("message")[0]
        self.assertEqual((message["sender"], message["body"]), (f"{OTHER}@localhost", "answer"))

    def test_another_client_program(self):
        require(shutil.which("go-sendxmpp") is not None, "go-sendxmpp")
        _, device = self.start_all()
        message = self.scratch / "message.txt"
        message.write_text("by hand\n")
        sender = self.start("go-sendxmpp", ["go-sendxmpp", "-n", "-u", "alice@localhost", "-p", PASSWORD, "-j",
                                            f"127.0.0.1:{self.server.c2s_port}", "-m", message, f"+3725552@{DOMAIN}"],
                            {"HOME": str(self.scratch)})
        self.assertEqual(sender.wait(30), 0, sender.tail())
        wait_until(lambda: "sent g1 +3725552 1 by hand" in device.output(), 30, lambda: sender.tail() + device.tail())

    def test_reload_keeps_a_bad_file_out_and_takes_a_good_one(self):
        bridge, _ = self.start_all()
        good = self.config.read_text()
        self.config.write_text(good.replace('carrier = "g1"', 'carrier = "nobody"'))
        bridge.signal(signal.SIGHUP)
        wait_until(lambda: "nobody is none of" in bridge.tail(), 30, bridge.tail)
        self.config.write_text(good.replace("^\\+372", "^\\+999"))
        bridge.signal(signal.SIGHUP)
        wait_until(lambda: "configuration" in bridge.tail().split("nobody is none of")[1], 30, bridge.tail)
        client = self.client(f"to:+3725552@{DOMAIN}", "send:no", "wait:1")
        self.assertEqual(client.wait_for_event("error", 30)[0]["condition"], "forbidden")


class EjabberdTest(Cases, BridgeTest):
    server_class = Ejabberd

    @staticmethod
    def server_available():
        return ejabberd_code() is not None


if __name__ == "__main__":
    unittest.main(verbosity=2)
