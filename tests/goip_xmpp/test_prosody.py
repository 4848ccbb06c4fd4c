"""goip_xmpp with Prosody: all cases, and those where the server makes no difference."""
import signal
import unittest

from bridge import DOMAIN, LINE, BridgeTest, wait_until
from cases import OTHER, Cases, ReturnedCases
from xmpp_servers import Prosody


class ProsodyTest(Cases, BridgeTest):
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
        client = self.client(f"to:+3725552@{DOMAIN}", "send:no", "wait:1", user=self.bob)
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

    def test_old_addresses_by_the_alias_module(self):
        self.server = Prosody(self, 'modules_enabled = { "msgkit_alias" }\nmsgkit_alias_replies = true', "aliases")
        _, device = self.start_all()
        client = self.client("to:+3725552@localhost", "send:old address", "wait:1")
        client.wait_for_event("receipt", 30)
        device.command(f"sms {LINE} {OTHER} answer")
        message = self.finish(client).events("message")[0]
        self.assertEqual((message["sender"], message["body"]), (f"{OTHER}@localhost", "answer"))

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


class SharingTest(BridgeTest):
    """Several users of one line, several lines of one user."""
    lines = BridgeTest.lines + f"""\
more_carriers = ["g2"]
[[xmpp.users]]
jid = "{{bob}}@localhost"
carrier = "{LINE}"
[[goip.lines]]
id = "g2"
password = "pw2"
number = "+37250002"
pacing = "0s"
"""

    def test_every_user_of_a_line_gets_what_arrives(self):
        _, device = self.start_all("--duplicate", "1")
        both = [self.client("wait:1"), self.client("wait:1", user=self.bob)]
        device.command(f"sms {LINE} {OTHER} for both")
        self.assertEqual([self.bodies(self.finish(c)) for c in both], [["for both"]] * 2)
        client = self.client(f"to:+9995552@{DOMAIN}", "send:from bob", "wait:9", user=self.bob)
        client.wait_for_event("receipt", 30)
        self.assertIn("sent g1 +9995552 1 from bob", device.output())

    def test_an_answer_takes_the_line_that_was_written_to(self):
        _, device = self.start_all("--line", "g2:pw2:+37250002")
        wait_until(lambda: 'goip_line_up{line="g2"} 1' in self.metrics(), 30, device.tail)
        client = self.client("wait:1", f"to:{OTHER}@{DOMAIN}", "send:answer", f"to:+3725552@{DOMAIN}", "send:first words",
                             f"to:+37250002@{DOMAIN}", "send:status", "wait:2")
        device.command(f"sms g2 {OTHER} question")
        client.wait_for_event("receipt", 30, count=2)
        self.assertIn(f"sent g2 {OTHER} 1 answer", device.output())
        self.assertIn("sent g1 +3725552 1 first words", device.output())
        question, status = self.bodies(self.finish(client))
        self.assertIn("Number: +37250002", status)


class ProsodyReturnsTest(ReturnedCases, BridgeTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
