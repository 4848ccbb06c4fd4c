"""Clients and a message centre that nobody here wrote, through msggw: every message arrives upstream as it was sent, every
one gets its receipt, and every MO message reaches the client whole. MSGKIT_BIN_DIR is the directory apps/ of the build tree."""
import unittest

from gateway import CARRIER_ID, CARRIER_PASSWORD, CLIENT_ID, CLIENT_PASSWORD, Msggw, Smppd, joined_texts
from peers import (PeerTest, free_port, kannel_available, net_smpp_available, node_available, require, server_arguments,
                   wait_until)
from scenario import MESSAGES, MO_MESSAGES, as_set, run_client, run_kannel, write_json


class ThroughGatewayTest(PeerTest):
    """smppd is the carrier: clients from elsewhere on our server side."""

    def through_gateway(self, run, *arguments):
        smppd = Smppd(self, MO_MESSAGES)
        msggw = Msggw(self, smppd.port)
        run(self, *arguments, msggw.smpp_port, CLIENT_ID, CLIENT_PASSWORD)
        wait_until(lambda: joined_texts(smppd.accepted()) >= as_set(MESSAGES), 10, "every message at the carrier")
        self.assertEqual(joined_texts(smppd.accepted()), as_set(MESSAGES))

    def test_node_smpp(self):
        require(node_available(), "node-smpp")
        self.through_gateway(run_client, "node_client.js")

    def test_net_smpp(self):
        require(net_smpp_available(), "Net::SMPP")
        self.through_gateway(run_client, "net_smpp_client.pl")

    def test_kannel(self):
        require(kannel_available(), "Kannel")
        self.through_gateway(run_kannel)


class ForeignCarrierTest(PeerTest):
    """node-smpp is the carrier: a server from elsewhere on our client side."""

    def test_node_smpp(self):
        require(node_available(), "node-smpp")
        port = free_port()
        mo = write_json(self, "mo.json", MO_MESSAGES)
        server = self.start("node_server", server_arguments(port, CARRIER_ID, CARRIER_PASSWORD, mo))
        server.wait_for_event("listening")
        msggw = Msggw(self, port)
        run_client(self, "node_client.js", msggw.smpp_port, CLIENT_ID, CLIENT_PASSWORD)
        server.wait_for_event("message", count=len(MESSAGES))
        self.assertEqual(as_set(server.events("message")), as_set(MESSAGES))
        # Our answers to its receipts and MO messages.
        parts = len(server.events("submit"))
        answers = (server.wait_for_event("receipt_response", count=parts) +
                   server.wait_for_event("mo_response", count=len(MO_MESSAGES)))
        self.assertEqual({a["status"] for a in answers}, {0})


if __name__ == "__main__":
    unittest.main(verbosity=2)
