"""The 13 weaknesses that were shown in the bridge this one replaces, each tried on ours with the octets that showed it."""
import unittest

from bridge import DOMAIN, LINE, OWN, PASSWORD, BridgeTest, RawDevice, wait_until

KEEPALIVE = f"req:1;id:{LINE};pass:{PASSWORD};num:{OWN};signal:25;gsm_status:LOGIN;"
SILENCE = 0.5  # an answer on loopback comes at once; one that must not come is waited for so long


class Defects(BridgeTest):
    lines = BridgeTest.lines + f"""\
[[goip.lines]]
id = "g2"
password = "pw2"
number = "+37250002"
[[xmpp.users]]
jid = "{{bob}}@localhost"
carrier = "g2"
"""

    def setUp(self):
        super().setUp()
        self.bridge = self.start_bridge()
        wait_until(self.is_ready, 30, self.bridge.tail)
        self.device = self.raw_device()
        self.assertEqual(self.device.ask(KEEPALIVE), "reg:1;status:200;")

    def raw_device(self):
        device = RawDevice(self.goip_port)
        self.addCleanup(device.close)
        return device

    def receive(self, number, text, source="+3725551", password=PASSWORD, line=LINE):
        return f"RECEIVE:{number};id:{line};password:{password};srcnum:{source};msg:{text}"

    def messages(self, count):
        return [(m["sender"], m["body"]) for m in self.run_client(f"wait:{count}").events("message")]

    def test_01_wrong_password_is_neither_answered_nor_delivered(self):
        self.assertIsNone(self.device.ask(self.receive(1, "forged", password="guess"), SILENCE))
        self.assertEqual(self.device.ask(self.receive(2, "true")), "RECEIVE 2 OK")
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "true")])

    def test_02_unknown_line_is_not_acknowledged(self):
        self.assertIsNone(self.device.ask(self.receive(1, "lost", line="nobody"), SILENCE))
        self.assertIn("goip_authentication_failures_total 1", self.metrics())

    def test_03_repetition_is_acknowledged_again_and_delivered_once(self):
        for _ in range(3):
            self.assertEqual(self.device.ask(self.receive(1, "once")), "RECEIVE 1 OK")
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "once")])

    def test_04_text_reaches_to_the_end(self):
        self.assertEqual(self.device.ask(self.receive(1, "a;b:c;d\nand more")), "RECEIVE 1 OK")
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "a;b:c;d\nand more")])

    def test_05_text_cannot_speak_for_another_line(self):
        self.assertEqual(self.device.ask(self.receive(1, "x;id:g2;srcnum:112;msg:fake")), "RECEIVE 1 OK")
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "x;id:g2;srcnum:112;msg:fake")])

    def test_06_sender_with_a_name_arrives(self):
        self.assertEqual(self.device.ask(self.receive(1, "bill", source="Telia Info")), "RECEIVE 1 OK")
        self.assertEqual(self.messages(1), [(f"telia\\20info@{DOMAIN}", "bill")])

    def test_07_text_that_is_not_utf8_arrives_and_the_stream_stays(self):
        self.device.say(self.receive(1, "").encode() + bytes.fromhex("fffec301 0041"))
        self.assertEqual(self.device.hear(), "RECEIVE 1 OK")
        self.assertEqual(self.device.ask(self.receive(2, "next")), "RECEIVE 2 OK")
        broken, following = self.messages(2)
        self.assertIn("\ufffd", broken[1])
        self.assertTrue(broken[1].endswith("A"), broken)
        self.assertEqual(following[1], "next")
        self.assertTrue(self.is_ready())

    def test_08_replayed_keepalive_does_not_move_the_line(self):
        thief = self.raw_device()
        self.assertEqual(thief.ask(KEEPALIVE), "reg:1;status:200;")
        client = self.client(f"to:+3725552@{DOMAIN}", "send:secret", "wait:1")
        self.assertTrue(self.device.hear(30).startswith("MSG "))
        self.assertIsNone(thief.hear(SILENCE))
        self.assertIn('goip_endpoint_conflicts_total{line="g1"} 1', self.metrics())
        client.stop()

    def test_09_pattern_of_destinations_is_enforced(self):
        client = self.client(f"to:+9995552@{DOMAIN}", "send:no", "wait:1")
        self.assertEqual(client.wait_for_event("error", 30)[0]["condition"], "forbidden")
        self.assertIsNone(self.device.hear(SILENCE))

    def test_10_every_notification_is_acknowledged(self):
        for verb, fields in (("STATE", "gsm_remain_state:IDLE"), ("RECORD", "dir:1;num:+3725551"),
                             ("HANGUP", "num:+3725551,cause:x"), ("EXPIRY", "exp:0"), ("REMAIN", "gsm_remain_time:-1"),
                             ("USSN", "msg:Balance 5;00 EUR"), ("DELIVER", "sms_no:7;state:0;num:+3725551"),
                             ("FOOBAR", "x:y")):
            answer = self.device.ask(f"{verb}:9;id:{LINE};password:{PASSWORD};{fields}", 30)
            self.assertEqual(answer, f"{verb} 9 OK")

    def test_11_sms_while_the_component_is_down_is_kept(self):
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 30, self.bridge.tail)
        self.assertEqual(self.device.ask(self.receive(1, "kept")), "RECEIVE 1 OK")
        self.server.start()
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "kept")])

    def test_12_unreadable_signal_leaves_the_rest_in_force(self):
        self.assertEqual(self.device.ask(KEEPALIVE.replace("signal:25", "signal:abc").replace("LOGIN", "LOGOUT")),
                         "reg:1;status:200;")
        client = self.run_client(f"to:{OWN}@{DOMAIN}", "send:status", "wait:1")
        status = [m["body"] for m in client.events("message") if m["body"].startswith("Line: ")]
        self.assertIn("GSM: LOGOUT, signal unknown", status[0])

    def test_13_records_that_are_locked_stall_nothing(self):
        import sqlite3  # the one place where the test itself opens a database
        other = sqlite3.connect(self.scratch / "bridge_records.db", isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        self.device.say(f"RECORD:1;id:{LINE};password:{PASSWORD};dir:1;num:+3725551")
        self.assertEqual(self.device.hear(), "RECORD 1 OK")
        self.assertEqual(self.device.ask(KEEPALIVE.replace("req:1", "req:2")), "reg:2;status:200;")
        self.assertEqual(self.device.ask(self.receive(2, "through")), "RECEIVE 2 OK")
        other.execute("ROLLBACK")
        self.assertEqual(self.messages(1), [(f"+3725551@{DOMAIN}", "through")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
