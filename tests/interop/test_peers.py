"""The peers against each other, without any program of ours: what fails here is the tests' own fault."""
import unittest

from peers import PeerTest, free_port, kannel_available, net_smpp_available, node_available, require, server_arguments
from raw_smpp import SUBMIT_SM, SUBMIT_SM_RESP, RawClient, pdu, submit_sm_body
from scenario import MESSAGES, MO_MESSAGES, as_set, run_client, run_kannel, write_json

USER, PASSWORD = "client", "secret"


class PeersTest(PeerTest):
    def setUp(self):
        super().setUp()
        require(node_available(), "node-smpp")
        self.port = free_port()
        mo = write_json(self, "mo.json", MO_MESSAGES)
        self.server = self.start("node_server", server_arguments(self.port, USER, PASSWORD, mo))
        self.server.wait_for_event("listening")

    def check_server(self):
        self.server.wait_for_event("message", count=len(MESSAGES))
        self.assertEqual(as_set(self.server.events("message")), as_set(MESSAGES))

    def test_node_smpp_with_node_smpp(self):
        run_client(self, "node_client.js", self.port, USER, PASSWORD)
        self.check_server()

    def test_net_smpp_with_node_smpp(self):
        require(net_smpp_available(), "Net::SMPP")
        run_client(self, "net_smpp_client.pl", self.port, USER, PASSWORD)
        self.check_server()

    def test_kannel_with_node_smpp(self):
        require(kannel_available(), "Kannel")
        run_kannel(self, self.port, USER, PASSWORD)
        self.check_server()

    def test_raw_client_with_node_smpp(self):
        client = RawClient(self.port, USER, PASSWORD)
        client.send(pdu(SUBMIT_SM, 7, submit_sm_body("447700900001", "46700123456", b"raw")))
        while (answer := client.receive())[0] != SUBMIT_SM_RESP:
            pass  # the MO messages
        client.close()
        self.assertEqual(answer[1:3], (0, 7))
        self.assertEqual(self.server.wait_for_event("message")[0]["text"], "raw")

    def test_a_wrong_password_is_seen(self):
        with self.assertRaises(AssertionError):
            run_client(self, "node_client.js", self.port, USER, "wrong", 5)
        self.assertEqual(len(self.server.events("refused")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
