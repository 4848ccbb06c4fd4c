"""goip_xmpp between a GoIP device without hardware and Prosody, with slixmpp as the user."""
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
from peers import PeerTest, free_port, http_get, require, wait_until  # noqa: E402
from xmpp_servers import DOMAIN, SECRET, Prosody, prosody_available, slixmpp_available, user_command  # noqa: E402

LINE, PASSWORD, OWN = "g1", "pw", "+37250001"


class BridgeTest(PeerTest):
    def setUp(self):
        super().setUp()
        require(prosody_available(), "prosody")
        require(slixmpp_available(), "python3-slixmpp")
        self.server = Prosody(self)
        self.goip_port, self.http_port = free_port(), free_port()

    def start_bridge(self, secret=SECRET):
        config = self.scratch / "goip_xmpp.toml"
        config.write_text(f"""\
[store]
path = "{self.scratch}/bridge.db"
[records]
path = "{self.scratch}/records.db"
[goip]
listen = "127.0.0.1:{self.goip_port}"
[xmpp]
server = "127.0.0.1:{self.server.component_port}"
domain = "{DOMAIN}"
secret = "{secret}"
ping = "localhost"
[http]
listen = "127.0.0.1:{self.http_port}"
[[goip.lines]]
id = "{LINE}"
password = "{PASSWORD}"
number = "{OWN}"
pacing = "0s"
[[xmpp.users]]
jid = "alice@localhost"
carrier = "{LINE}"
allow = '^\\+372'
""")
        binary = Path(os.environ["MSGKIT_BIN_DIR"]) / "goip_xmpp" / "goip_xmpp"
        bridge = self.start("goip_xmpp", [binary, "--config", config])
        bridge.wait_for_port(self.http_port)
        return bridge

    def start_device(self, *options):
        binary = Path(os.environ["MSGKIT_EXAMPLES_DIR"]) / "goip_fake_device"
        return self.start("device", [binary, "127.0.0.1", self.goip_port, "--line", f"{LINE}:{PASSWORD}:{OWN}",
                                     "--keepalive", "200", "--sending", "50", "--report", "50", *options],
                          takes_commands=True)

    def is_ready(self):
        return http_get(f"http://127.0.0.1:{self.http_port}/ready")[0] == 200

    def line_is_online(self):
        return 'goip_line_up{line="g1"} 1' in http_get(f"http://127.0.0.1:{self.http_port}/metrics")[1]

    def start_all(self, *device_options):
        bridge, device = self.start_bridge(), self.start_device(*device_options)
        wait_until(self.is_ready, 20, "the bridge to be ready")
        wait_until(self.line_is_online, 20, "the line to be online")
        return bridge, device

    def run_client(self, *steps):
        client = self.start("client", user_command(self.server, *steps))
        client.wait_for_event("done", 60)
        self.assertEqual(client.events("failed") + client.events("timeout"), [], client.tail())
        return client

    def test_inbound_sms_is_a_chat(self):
        _, device = self.start_all()
        client = self.start("client", user_command(self.server, "wait:1"))
        client.wait_for_event("online", 20)
        device.command(f"sms {LINE} +3725551 a;b:c;id:g2;srcnum:112;msg:z")
        message = client.wait_for_event("message", 20)[0]
        self.assertEqual(message["sender"], f"+3725551@{DOMAIN}")
        self.assertEqual(message["body"], "a;b:c;id:g2;srcnum:112;msg:z")
        client.wait_for_event("done", 60)
        self.assertEqual(len(client.events("message")), 1)

    def test_sms_that_came_while_the_server_was_away_arrives_once(self):
        _, device = self.start_all()
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 20, "the bridge to see that the server is away")
        device.command(f"sms {LINE} +3725551 meanwhile")
        self.server.start()
        client = self.run_client("wait:1")
        self.assertEqual([m["body"] for m in client.events("message")], ["meanwhile"])

    def stored(self):
        return 'goip_inbound_total{line="g1",stored="true"} 1' in http_get(f"http://127.0.0.1:{self.http_port}/metrics")[1]

    def test_acknowledged_sms_survives_kill_9(self):
        bridge, device = self.start_all()
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 20, "the bridge to see that the server is away")
        device.command(f"sms {LINE} +3725551 survivor")
        wait_until(self.stored, 20, "the SMS to be stored")
        bridge.kill()
        self.server.start()
        self.start_bridge()
        client = self.run_client("wait:1")
        self.assertEqual([m["body"] for m in client.events("message")], ["survivor"])

    def test_duplicate_datagrams_make_one_chat(self):
        _, device = self.start_all("--duplicate", "1")
        client = self.start("client", user_command(self.server, "wait:1"))
        client.wait_for_event("online", 20)
        device.command(f"sms {LINE} +3725551 once")
        client.wait_for_event("done", 60)
        self.assertEqual([m["body"] for m in client.events("message")], ["once"])

    def test_outbound_chat_is_sent_and_receipted(self):
        self.start_all()
        client = self.start("client", user_command(self.server, f"to:+3725552@{DOMAIN}", "send:tere", "wait:1"))
        sent = client.wait_for_event("sent", 20)[0]
        receipt = client.wait_for_event("receipt", 30)[0]
        self.assertEqual(receipt["id"], sent["id"])

    def test_destination_outside_the_pattern_is_refused(self):
        self.start_all()
        client = self.start("client", user_command(self.server, f"to:+9995552@{DOMAIN}", "send:no", "wait:1"))
        sent = client.wait_for_event("sent", 20)[0]
        error = client.wait_for_event("error", 30)[0]
        self.assertEqual((error["id"], error["condition"]), (sent["id"], "forbidden"))

    def test_user_who_is_not_listed_is_refused(self):
        self.start_all()
        client = self.start("client", user_command(self.server, f"to:+3725552@{DOMAIN}", "send:no", "wait:1",
                                                   user="bob"))
        self.assertEqual(client.wait_for_event("error", 30)[0]["condition"], "registration-required")

    def test_status_and_ussd_on_the_own_number(self):
        self.start_all()
        client = self.run_client(f"to:{OWN}@{DOMAIN}", "send:status", "wait:1", "send:*100#", "wait:2")
        status, ussd = (m["body"] for m in client.events("message"))
        self.assertIn("GSM: LOGIN", status)
        self.assertTrue(ussd.startswith("[USSD] "), ussd)

    def test_wrong_secret_is_not_ready(self):
        bridge = self.start_bridge(secret="wrong")
        wait_until(lambda: "not-authorized" in bridge.tail(), 20, "the reason in the log")
        self.assertFalse(self.is_ready())
        self.assertEqual(http_get(f"http://127.0.0.1:{self.http_port}/health")[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
