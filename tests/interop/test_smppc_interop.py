"""smppc against node-smpp as the message centre: what it sends is understood, what it is answered it shows."""
import json
import os
import shutil
import subprocess
import unittest

from gateway import binary
from peers import PeerTest, free_port, node_available, require, server_arguments
from scenario import MESSAGES, MO_MESSAGES, as_set, write_json

USER, PASSWORD = "smppc", "secret"
FROM, TO = "447700900001", "46700123456"


class SmppcInteropTest(PeerTest):
    def setUp(self):
        super().setUp()
        require(node_available(), "node-smpp")
        self.port = free_port()
        mo = write_json(self, "mo.json", MO_MESSAGES)
        self.server = self.start("node_server", server_arguments(self.port, USER, PASSWORD, mo))
        self.server.wait_for_event("listening")

    def run_command(self, command, *arguments, password=PASSWORD):
        done = subprocess.run([str(binary("smppc")), command, "--port", str(self.port), "--system-id", USER,
                               *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False,
                              env={**os.environ, "SMPPC_PASSWORD": password})
        return done.returncode, done.stdout, done.stderr

    def send(self, text, *arguments):
        status, out, err = self.run_command("send", "--from", FROM, "--to", TO, "--json", "--text", text, *arguments)
        self.assertEqual(status, 0, err)
        return json.loads(out.splitlines()[0])["message_id"]

    def test_messages_of_every_kind_and_their_receipts(self):
        for m in MESSAGES:
            status, out, err = self.run_command("send", "--from", m["from"], "--to", m["to"], "--text", m["text"],
                                                "--wait-receipt", "--mode", "pair" if m["id"] % 2 else "trx")
            self.assertEqual(status, 0, err)
            self.assertIn("DELIVRD", out)
        self.server.wait_for_event("message", count=len(MESSAGES))
        self.assertEqual(as_set(self.server.events("message")), as_set(MESSAGES))

    def test_a_wrong_password_is_reported(self):
        status, _, err = self.run_command("send", "--to", TO, "--text", "x", password="wrong")
        self.assertEqual(status, 1)
        self.assertIn("ESME_RBINDFAIL", err)

    def test_listen_prints_what_arrives(self):
        status, out, err = self.run_command("listen", "--mode", "rx", "--seconds", 10, "--count", len(MO_MESSAGES))
        self.assertEqual(status, 0, err)
        self.assertEqual({json.loads(line)["command"] for line in out.splitlines()}, {"deliver_sm"})
        self.server.wait_for_event("mo_response", count=len(MO_MESSAGES))

    def test_query_cancel_and_replace(self):
        sent = self.send("first")
        status, out, err = self.run_command("query", sent, "--from", FROM)
        self.assertEqual((status, out), (0, f"{sent} ENROUTE\n"), err)
        self.assertEqual(self.run_command("replace", sent, "--from", FROM, "--text", "second")[:2], (0, "ok\n"))
        self.assertEqual(self.server.wait_for_event("replace")[0]["text"], "second")
        self.assertEqual(self.run_command("cancel", sent, "--from", FROM, "--to", TO)[:2], (0, "ok\n"))
        status, out, _ = self.run_command("query", sent, "--from", FROM, "--json")
        answer = json.loads(out)
        self.assertEqual((status, answer["command"], answer["message_state"]), (0, "query_sm_resp", 4))
        for command in ("query", "cancel"):
            status, _, err = self.run_command(command, "nothing", "--from", FROM)
            self.assertEqual(status, 1)
            self.assertIn("FAIL", err)

    def test_broadcast(self):
        at = ("--interface-version", "5.0", "--from", FROM)
        status, out, err = self.run_command("broadcast", *at, "--area", "north", "--area", "hex:0073", "--content-type",
                                            "1:1", "--repetitions", 3, "--frequency", "5m", "--text", "storm", "--json")
        self.assertEqual(status, 0, err)
        message_id = json.loads(out)["message_id"]
        seen = self.server.wait_for_event("broadcast")[0]
        self.assertEqual((seen["text"], seen["repetitions"], seen["message_id"]), ("storm", 3, message_id))
        status, out, err = self.run_command("query-broadcast", *at, message_id)
        self.assertEqual((status, out), (0, f"{message_id} ENROUTE\n"), err)
        self.assertEqual(self.run_command("cancel-broadcast", *at, message_id)[:2], (0, "ok\n"))
        self.assertEqual(self.run_command("query-broadcast", *at, message_id)[1], f"{message_id} DELETED\n")
        self.assertEqual(self.run_command("broadcast", *at, "--text", "x")[0], 2)

    def certificate(self, name, *more):
        """A self-signed certificate: (its file, that of its key)."""
        files = self.scratch / f"{name}.pem", self.scratch / f"{name}-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", files[1], "-out", files[0], *more], check=True, capture_output=True)
        return files

    def test_tls_with_certificates_on_both_sides(self):
        require(shutil.which("openssl"), "openssl")
        server, server_key = self.certificate("server", "-addext", "subjectAltName=IP:127.0.0.1")
        client, client_key = self.certificate("client")
        self.port = free_port()
        node = self.start("node_tls", [*server_arguments(self.port, USER, PASSWORD), "--tls-cert", server, "--tls-key",
                                       server_key, "--tls-ca", client])
        node.wait_for_event("listening")
        message = ("--from", FROM, "--to", TO, "--text", "over TLS", "--tls")
        ours = ("--cert-file", client, "--key-file", client_key)
        for arguments, status in (((*ours, "--ca-file", server), 0), ((*ours, "--tls-insecure"), 0),
                                  ((*ours, "--ca-file", client), 1), (("--ca-file", server), 1)):
            done = self.run_command("send", *message, *arguments)
            self.assertEqual(done[0], status, (arguments, done))
        self.assertEqual([m["text"] for m in node.wait_for_event("message", count=2)], ["over TLS"] * 2)

    def test_load(self):
        status, out, err = self.run_command("load", "--count", 500, "--binds", 2, "--receipts", "--json")
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertEqual((result["accepted"], result["receipts"]), (500, 500))


if __name__ == "__main__":
    unittest.main(verbosity=2)
