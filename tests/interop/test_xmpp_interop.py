"""A component of libxmppcomp with Prosody and ejabberd, and users with slixmpp and go-sendxmpp."""
import os
import shutil
import signal
import unittest
from pathlib import Path

from peers import PeerTest, require, wait_until
from xmpp_servers import DOMAIN, PASSWORD, SECRET, Ejabberd, Prosody, ejabberd_code, prosody_available
from xmpp_servers import slixmpp_available, user_command

NUMBER = f"+4712345678@{DOMAIN}"


class Cases:
    """Run for each server."""

    def setUp(self):
        super().setUp()
        require(slixmpp_available(), "python3-slixmpp")
        self.server = self.make_server()

    def component(self, name="component", secret=SECRET):
        binary = Path(os.environ["MSGKIT_XMPP_COMPONENT"])
        return self.start(name, [binary, "127.0.0.1", self.server.component_port, DOMAIN, secret, "localhost",
                                 "alice@localhost"])

    def open_component(self):
        component = self.component()
        component.wait_for_event("pong", 20)
        return component

    def client(self, *steps):
        return self.start("client", user_command(self.server, *steps))

    def run_client(self, *steps):
        client = self.client(*steps)
        client.wait_for_event("done", 60)
        self.assertEqual(client.events("failed") + client.events("timeout"), [], client.tail())
        return client

    def test_login_and_ping(self):
        component = self.open_component()
        self.assertEqual(component.events("pong")[0]["error"], "")
        self.run_client("ping").wait_for_event("pong")

    def test_wrong_secret(self):
        component = self.component(secret="wrong")
        closed = component.wait_for_event("closed", 20)[0]
        self.assertEqual(closed["reason"], "stream error not-authorized")
        self.assertGreaterEqual(closed["retry_ms"], 48_000)

    def test_conflict(self):
        first = self.open_component()
        second = self.component("second")
        if self.server.conflict_is_refused:
            closed = second.wait_for_event("closed", 20)[0]
            self.assertEqual(closed["reason"], "stream error conflict")
            self.assertGreaterEqual(closed["retry_ms"], 48_000)
        else:
            second.wait_for_event("open", 20)
        self.assertTrue(first.running)
        self.assertEqual(first.events("closed"), [])

    def test_messages_both_ways_with_receipts(self):
        component = self.open_component()
        text = "h\u00e9llo <b>&amp;</b> \U0001F600"
        client = self.run_client("state", f"send:{text}", "wait:1")
        self.assertEqual([e["body"] for e in client.events("message")], ["echo: " + text])
        self.assertEqual(client.events("message")[0]["sender"], NUMBER)
        self.assertEqual([e["id"] for e in client.events("receipt")], [client.events("sent")[0]["id"]])
        seen = component.events("message")
        self.assertEqual([e["body"] for e in seen if e["content"] == 0], [text])
        self.assertEqual(component.wait_for_event("receipt")[0]["id"], "echo-1")
        self.assertEqual(component.wait_for_event("outcome")[0]["error"], "")

    def test_a_refused_message_is_an_error_for_the_client(self):
        self.open_component()
        client = self.client("send:refuse me", "send:and then this", "wait:1")
        client.wait_for_event("done", 60)
        error = client.events("error")[0]
        self.assertEqual((error["condition"], error["text"]), ("recipient-unavailable", "the line is down"))
        self.assertEqual(error["id"], client.events("sent")[0]["id"])

    def test_discovery_commands_registration_and_prompt(self):
        component = self.open_component()
        client = self.run_client("disco", "items", "commands", "ussd:*100#", "register:+4798765432", "prompt:+47 123 45 678")
        disco = client.events("disco")[0]
        self.assertEqual(disco["identities"], [["gateway", "sms"]])
        self.assertIn("urn:xmpp:receipts", disco["features"])
        self.assertEqual(client.events("items")[0]["names"], ["Line 1"])
        self.assertEqual(client.events("commands")[0]["nodes"], ["status", "ussd"])
        ussd = client.events("ussd")[0]
        self.assertEqual((ussd["fields"], ussd["status"], ussd["note"]), (["code"], "completed", "sent *100#"))
        self.assertEqual(client.events("registration")[0]["text"], "Your number")
        self.assertEqual(component.events("registered")[0]["phone"], "+4798765432")
        self.assertEqual(client.events("prompt")[0]["jid"], NUMBER)

    def test_subscribing_shows_the_line(self):
        self.open_component()
        client = self.client("subscribe", "wait:1")  # never comes: the test ends it
        presences = client.wait_for_event("presence", 30, count=2)
        self.assertIn(("subscribed", NUMBER), {(p["type"], p["sender"]) for p in presences})
        self.assertIn("no network", {p["status"] for p in presences})

    def test_messages_queued_while_the_server_is_down_arrive_once(self):
        component = self.open_component()
        self.server.stop()
        component.wait_for_event("closed", 20)
        for _ in range(5):
            pushed = component.events("closed")[-1]["queued"]
            component.signal(signal.SIGUSR1)
            wait_until(lambda n=pushed: component.events("closed")[-1]["queued"] > n, 20, component.tail)
        self.assertEqual(component.events("outcome"), [])
        self.server.start()
        component.wait_for_event("outcome", 30, count=5)
        self.assertEqual({o["error"] for o in component.events("outcome")}, {""})
        client = self.run_client("wait:5")  # kept by the server for its user
        self.assertEqual([m["body"] for m in client.events("message")], [f"queued {n}" for n in range(1, 6)])

    def test_a_restart_between_messages_loses_none(self):
        component = self.open_component()
        expected = []
        for n in range(1, 13):
            component.signal(signal.SIGUSR1)
            expected.append(f"queued {n}")
            if n in (4, 8):
                opened = len(component.events("open"))
                self.server.stop()
                self.server.start()
                component.wait_for_event("open", 30, count=opened + 1)
            wait_until(lambda: len(component.events("outcome")) >= n, 30, component.tail)
        client = self.run_client("wait:12")
        bodies = [m["body"] for m in client.events("message")]
        self.assertEqual(sorted(set(bodies)), sorted(expected))
        repeated = [m for m in client.events("message") if bodies.count(m["body"]) > 1]
        self.assertTrue(all(m["delayed"] for m in repeated[1::2]), repeated)


class ProsodyTest(Cases, PeerTest):
    def make_server(self):
        require(prosody_available(), "Prosody with openssl")
        return Prosody(self)

    def test_go_sendxmpp(self):
        require(shutil.which("go-sendxmpp"), "go-sendxmpp")
        component = self.open_component()
        message = self.write("message.txt", "from another client\n")
        sender = self.start("go-sendxmpp", ["go-sendxmpp", "-n", "-u", "bob@localhost", "-p", PASSWORD, "-j",
                                            f"127.0.0.1:{self.server.c2s_port}", "-m", message, NUMBER],
                            {"HOME": str(self.scratch)})
        self.assertEqual(sender.wait(30), 0, sender.tail())
        seen = component.wait_for_event("message", 20)[0]
        self.assertEqual((seen["content"], seen["body"].strip(), seen["to"]), (0, "from another client", NUMBER))
        self.assertTrue(seen["from"].startswith("bob@localhost/"))

    def test_alias_module(self):
        self.server.stop()
        self.server = Prosody(self, 'modules_enabled = { "msgkit_alias" }\nmsgkit_alias_replies = true', "aliased")
        component = self.open_component()
        client = self.run_client("to:+4712345678@localhost", "send:one", "wait:1", "to:004712345678@localhost", "send:two",
                                 "wait:2", "subscribe")
        self.assertEqual([m["to"] for m in component.events("message")], [NUMBER, NUMBER])
        self.assertEqual({m["sender"] for m in client.events("message")}, {"+4712345678@localhost"})
        self.assertEqual(len(client.events("receipt")), 2)
        component.wait_for_event("presence")

    def test_poison_is_not_ours(self):
        """Text that no XML can carry reaches the client as what can be shown, and the stream goes on."""
        component = self.open_component()
        client = self.run_client("send:bell \u0085 and \ufffd", "wait:1")
        self.assertEqual(client.events("message")[0]["body"], "echo: bell \u0085 and \ufffd")
        self.assertEqual(component.events("closed"), [])


class EjabberdTest(Cases, PeerTest):
    def make_server(self):
        require(ejabberd_code() is not None, "ejabberd")
        return Ejabberd(self)


if __name__ == "__main__":
    unittest.main(verbosity=2)
