"""msggw between SIM lines of a GoIP device and users of an XMPP server: Prosody, slixmpp and our fake device.

    MSGKIT_BIN_DIR       the directory apps/ of the build tree
    MSGKIT_FAKE_DEVICE   examples/goip_fake_device
"""
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import binary  # noqa: E402
from peers import PeerTest, free_port, http_get, require, wait_until  # noqa: E402
from xmpp_servers import DOMAIN, SECRET, Prosody, prosody_available, slixmpp_available, user_command  # noqa: E402

ALICE_NUMBER, STRANGER = "+4790000001", "+4712345678"


def free_udp_port():
    return free_port()  # of TCP, and as good as any for UDP on loopback


class LinesAndChatsTest(PeerTest):
    def setUp(self):
        super().setUp()
        require(prosody_available() and slixmpp_available(), "Prosody with slixmpp")
        self.server = Prosody(self)
        self.goip_port, self.http_port = free_udp_port(), free_port()
        self.config = self.write("msggw.toml", f"""\
[store]
path = "{self.scratch}/msggw.db"
[http]
listen = "127.0.0.1:{self.http_port}"
[metrics]
listen = "127.0.0.1:{free_port()}"
[smpp]
listen = "127.0.0.1:{free_port()}"
[goip]
listen = "127.0.0.1:{self.goip_port}"
[[goip.lines]]
id = "g1"
password = "line-secret"
carrier = "sim"
number = "{ALICE_NUMBER}"
pacing = "0s"
[xmpp]
server = "127.0.0.1:{self.server.component_port}"
domain = "{DOMAIN}"
secret = "{SECRET}"
[[xmpp.users]]
jid = "alice@localhost"
name = "alice"
number = "{ALICE_NUMBER}"
carrier = "sim"
""")
        self.start_gateway()

    def start_gateway(self):
        self.msggw = self.start("msggw", [binary("msggw"), "--config", self.config])
        wait_until(lambda: self.metric("xmpp_component_up") == "1", 30, self.msggw.tail)

    def metric(self, name):
        try:
            text = http_get(f"http://127.0.0.1:{self.http_port}/metrics")[1]
        except OSError:
            return None
        return next((line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name)), None)

    def device(self, name="device"):
        device = self.start(name, [os.environ["MSGKIT_FAKE_DEVICE"], "127.0.0.1", self.goip_port, "--line", "g1:line-secret",
                                   "--sending", 10, "--report", 10], takes_commands=True)
        wait_until(lambda: "registered g1" in device.output(), 20, device.tail)
        return device

    def user(self, *steps):
        user = self.start("user", user_command(self.server, *steps))
        user.wait_for_event("online", 60)
        return user

    def test_both_ways_with_receipts(self):
        device = self.device()
        user = self.user(f"to:{STRANGER}@{DOMAIN}", "send:out of the chat", "wait:1")
        wait_until(lambda: f"sent g1 {STRANGER} 1 out of the chat" in device.output(), 30, device.tail)
        user.wait_for_event("receipt", 30)
        device.command(f"sms g1 {STRANGER} into the chat; yes")
        user.wait_for_event("done", 60)
        message = user.events("message")[0]
        self.assertEqual((message["sender"], message["body"]), (f"{STRANGER}@{DOMAIN}", "into the chat; yes"))
        self.assertEqual(user.events("error"), [])
        for text in ("line-secret", SECRET, "out of the chat", "into the chat"):
            self.assertNotIn(text, self.msggw.tail())

    def test_what_comes_while_the_user_is_away_waits_and_survives_kill_9(self):
        device = self.device()
        self.server.stop()
        device.command(f"sms g1 {STRANGER} while away")
        wait_until(lambda: "acknowledged g1 RECEIVE" in device.output(), 30, device.tail)
        self.msggw.kill()
        self.server.start()
        self.start_gateway()
        user = self.user("wait:1")
        user.wait_for_event("done", 60)
        self.assertEqual([m["body"] for m in user.events("message")], ["while away"])

    def test_what_is_written_while_the_line_is_away_waits(self):
        user = self.user(f"to:{STRANGER}@{DOMAIN}", "send:later", "wait:1")
        user.wait_for_event("sent", 30)
        wait_until(lambda: self.metric("msggw_submits_total") not in (None, "0"), 30, self.msggw.tail)
        device = self.device()
        wait_until(lambda: f"sent g1 {STRANGER} 1 later" in device.output(), 60, device.tail)
        user.wait_for_event("receipt", 30)

    def test_mistakes_are_named(self):
        bad = self.write("bad.toml", """\
[goip]
listen = "nowhere"
[[goip.lines]]
id = "g1"
[xmpp]
domain = "a b"
[[xmpp.users]]
jid = "alice"
number = "1"
carrier = "nobody"
""")
        done = subprocess.run([str(binary("msggw")), "--config", bad, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        for expected in ("goip.listen: ", "goip.lines[0].password: ", "xmpp.domain: ", "xmpp.secret: ",
                         "xmpp.users[0].jid: ", "carrier nobody"):
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
