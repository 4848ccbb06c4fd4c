"""Defects of docs/gateway-defects.md that show against one running gateway and have no other place."""
import socket
import sys
import threading
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_api  # noqa: E402  (the module, so that its tests do not run twice)

from api import Api  # noqa: E402
from gateway import Smppd  # noqa: E402
from peers import wait_until  # noqa: E402
from raw_smpp import (BIND_TRANSCEIVER, DELIVER_SM, DELIVER_SM_RESP, ENQUIRE_LINK, ENQUIRE_LINK_RESP, SUBMIT_SM,  # noqa: E402
                      SUBMIT_SM_RESP, RawClient, pdu, submit_sm_body)

BIND_RECEIVER, BIND_TRANSMITTER = 0x01, 0x02
OK, INVALID_SOURCE, INVALID_PASSWORD = 0x00, 0x0A, 0x0E


class Defects(test_api.ApiTest):
    def client(self, name, number=None):
        made = self.add("/clients", {"username": name, "password": "secret-3"})
        if number:
            self.add(f"/clients/{made['id']}/numbers", {"number": number})
        return made["id"]

    def bind(self, name):
        client = RawClient(self.msggw.smpp_port, name, "secret-3")
        self.addCleanup(client.close)
        return client

    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway()
        self.add_carrier(self.smppd)
        self.add("/routes", {"name": "all", "to": [{"endpoint": "carrier:up"}]})

    def submit(self, client, source, destination, text, sequence=9):
        client.send(pdu(SUBMIT_SM, sequence, submit_sm_body(source, destination, text)))
        command_id, status, _, body = client.receive()
        self.assertEqual(command_id, SUBMIT_SM_RESP)
        return status, body

    def next_deliver(self, client):
        while True:
            command_id, _, sequence, body = client.receive()
            if command_id == DELIVER_SM:
                return sequence, body
            if command_id == ENQUIRE_LINK:
                client.send(pdu(ENQUIRE_LINK_RESP, sequence))

    def test_07_equal_sequence_numbers_of_two_clients_are_two_messages(self):
        for name, number in (("alice", "15550001"), ("bob", "15550002")):
            self.client(name, number)
        self.client("sender", "15550003")
        alice, bob, sender = (self.bind(name) for name in ("alice", "bob", "sender"))
        for number in ("15550001", "15550002"):
            self.assertEqual(self.submit(sender, "15550003", number, b"for " + number.encode())[0], OK)
        mine, other = self.next_deliver(alice), self.next_deliver(bob)
        self.assertEqual(mine[0], other[0], "both sessions count from the same number")
        alice.send(pdu(DELIVER_SM_RESP, mine[0], b"\0"))
        bob.close()  # without an answer
        self.assertIn(b"for 15550002", self.next_deliver(self.bind("bob"))[1])
        self.assertEqual(self.submit(sender, "15550003", "15550001", b"the next")[0], OK)
        self.assertIn(b"the next", self.next_deliver(alice)[1], "alice's was confirmed")

    def test_18_a_client_sends_from_its_own_numbers(self):
        alice = self.client("alice", "15550001")
        self.client("bob", "15550002")
        session = self.bind("alice")
        self.assertEqual(self.submit(session, "15550001", "46700000001", b"mine", 1)[0], OK)
        for source in ("15550002", "1555000", "155500011", "Bob", ""):
            with self.subTest(source=source):
                self.assertEqual(self.submit(session, source, "46700000001", b"not mine", 2)[0], INVALID_SOURCE)
        self.add(f"/clients/{alice}/numbers", {"number": "15550003"})
        self.assertEqual(self.submit(session, "15550003", "46700000001", b"new", 3)[0], OK, "at once, in the same session")
        self.api.ask("PUT", f"/clients/{alice}/settings", {"any_sender": True})
        self.assertEqual(self.submit(session, "Alice", "46700000001", b"by name", 4)[0], OK)

    def test_08_every_kind_of_bind_wants_the_password(self):
        self.client("alice")
        for mode in (BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER):
            for password, expected in (("wrong", INVALID_PASSWORD), ("", INVALID_PASSWORD), ("secret-3", OK)):
                with self.subTest(mode=mode, password=password):
                    self.assertEqual(self.bind_status(mode, password), expected)

    def bind_status(self, mode, password):
        client = RawClient.__new__(RawClient)
        client.socket, client.buffer = self.connect(), b""
        client.send(pdu(mode, 1, b"alice\0" + password.encode() + b"\0\0\x34\0\0\0"))
        return client.receive()[1]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.msggw.smpp_port), timeout=10)
        self.addCleanup(s.close)
        return s

    def test_09_a_client_binds_from_its_addresses_only(self):
        one = f"/clients/{self.client('alice')}"
        self.assertEqual(self.api.ask("PATCH", one, {"allowed_addresses": ["192.0.2.0/24"]})[0], 200)
        self.assertNotEqual(self.bind_status(BIND_TRANSCEIVER, "secret-3"), OK)
        self.assertEqual(self.api.ask("PATCH", one, {"allowed_addresses": ["192.0.2.0/24", "127.0.0.0/8"]})[0], 200)
        self.assertEqual(self.bind_status(BIND_TRANSCEIVER, "secret-3"), OK)

    def test_19_every_text_gets_its_answer(self):
        self.client("alice", "15550001")
        alice = self.bind("alice")
        for text in (b"Reply STOP to end messages.", b"STOP", b"stop", b"", b"HELP"):
            status, body = self.submit(alice, "15550001", "46700123456", text)
            self.assertEqual(status, OK, text)
            self.assertGreater(len(body), 1, "with an id")
        wait_until(lambda: len(self.smppd.accepted()) == 5, 20, self.smppd.accepted)

    def test_46_the_directory_changes_under_load(self):
        self.client("alice", "15550001")
        ended, answers = threading.Event(), Counter()

        def load():
            client = RawClient(self.msggw.smpp_port, "alice", "secret-3", timeout=30)
            while not ended.is_set():
                answers[self.submit(client, "15550001", "46700123456", b"x")[0]] += 1
            client.close()

        def read():
            api = Api(self.msggw.http_port)
            while not ended.is_set():
                for path in ("/stats", "/clients", "/metrics"):
                    answers[api.ask("GET", path)[0]] += 1
        threads = [threading.Thread(target=f) for f in (load, load, read)]
        for t in threads:
            t.start()
        try:
            for i in range(20):
                made = self.client(f"client{i}", f"1555010{i:02d}")
                self.assertEqual(self.api.ask("POST", "/clients/reload")[0], 200)
                self.assertEqual(self.api.ask("DELETE", f"/clients/{made}")[0], 200)
        finally:
            ended.set()
            for t in threads:
                t.join(40)
        self.assertEqual(set(answers), {OK, 200})
        self.assertTrue(self.msggw.program.running)


if __name__ == "__main__":
    unittest.main(verbosity=2)
