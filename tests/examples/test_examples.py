"""The examples do what they say, against smppd, msggw and each other. MSGKIT_EXAMPLES_DIR is where they were built."""
import base64
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import CARRIER_ID, CARRIER_PASSWORD, CLIENT_ID, CLIENT_PASSWORD, Msggw, Smppd, toml_string  # noqa: E402
from gateway import joined_texts  # noqa: E402
from peers import PeerTest, accepts_connections, free_port, require, wait_until  # noqa: E402
from xmpp_servers import DOMAIN, SECRET, Prosody, prosody_available, slixmpp_available, user_command  # noqa: E402
from raw_smpp import DELIVER_SM, SUBMIT_SM, RawClient, pdu, submit_sm_body  # noqa: E402

LINES_MAX = 80
FROM, TO = "447700900001", "46700123456"
MM7_ANSWER = """<?xml version="1.0"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
              xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
<env:Header><TransactionID env:mustUnderstand="1">{transaction}</TransactionID></env:Header>
<env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version>
<Status><StatusCode>{status}</StatusCode><StatusText>{text}</StatusText></Status>
<MessageID>id-1</MessageID></SubmitRsp></env:Body></env:Envelope>"""


class ExamplesTest(PeerTest):
    def example(self, name, *arguments, takes_commands=False):
        return self.start(name, [Path(os.environ["MSGKIT_EXAMPLES_DIR"]) / name, *arguments],
                          takes_commands=takes_commands)

    def run_example(self, name, *arguments, status=0):
        """What it printed."""
        program = self.example(name, *arguments)
        self.assertEqual(program.wait(30), status, program.tail())
        return program.output()

    def carrier(self):
        smppd = Smppd(self)
        return smppd, ["127.0.0.1", smppd.port, CARRIER_ID, CARRIER_PASSWORD]

    def test_smpp_send(self):
        smppd, at = self.carrier()
        text = "a text of more than one part, " * 10
        output = self.run_example("smpp_send", *at, FROM, TO, text)
        self.assertIn("part 2 of 2", output)
        self.assertEqual(joined_texts(smppd.accepted()), {(FROM, TO, text)})

    def test_smpp_send_receipt(self):
        smppd, at = self.carrier()
        output = self.run_example("smpp_send_receipt", *at, FROM, TO, "hello")
        self.assertIn(f"accepted as {smppd.accepted()[0]['id']}", output)
        self.assertIn("receipt: DELIVRD", output)

    def test_smpp_send_receipt_without_a_bind(self):
        _, at = self.carrier()
        self.run_example("smpp_send_receipt", *at[:3], "wrong", FROM, TO, "hello", status=1)

    def test_smpp_echo_server(self):
        server = self.example("smpp_echo_server", 0)
        wait_until(lambda: "listening on port" in server.output(), 10, server.tail)
        port = int(server.output().split()[-1])
        client = RawClient(port, "anybody", "anything")
        client.send(pdu(SUBMIT_SM, 2, submit_sm_body(FROM, TO, b"hello")))
        answers = {command_id: body for command_id, _, _, body in (client.receive() for _ in range(2))}
        self.assertIn(b"hello", answers[DELIVER_SM])
        self.assertLess(answers[DELIVER_SM].index(TO.encode()), answers[DELIVER_SM].index(FROM.encode()))
        self.assertIn("bind of anybody", server.output())
        client.close()
        self.assertEqual(server.stop(), 0)

    def test_smpp_tls(self):
        require(shutil.which("openssl"), "openssl")
        certificate, key = self.scratch / "server.pem", self.scratch / "server-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        smppd = Smppd(self)
        gateway = TlsGateway(self, smppd.port, certificate, key)
        at = ["127.0.0.1", gateway.smpp_port, CLIENT_ID, CLIENT_PASSWORD]
        self.assertIn("accepted as", self.run_example("smpp_tls", *at, certificate, FROM, TO, "over TLS"))
        wait_until(lambda: joined_texts(smppd.accepted()) == {(FROM, TO, "over TLS")}, 10, "the message")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other",
                        "-keyout", self.scratch / "other-key.pem", "-out", self.scratch / "other.pem"],
                       check=True, capture_output=True)
        self.run_example("smpp_tls", *at, self.scratch / "other.pem", FROM, TO, "to a stranger", status=1)
        self.run_example("smpp_tls", *at, self.scratch / "none.pem", FROM, TO, "x", status=2)

    def test_smpp_long_text(self):
        self.assertIn("data_coding 0x00, 1 part,", self.run_example("smpp_long_text", "hello"))
        self.assertIn("data_coding 0x08, 2 parts", self.run_example("smpp_long_text", "Привет, мир! " * 7))
        self.assertIn("0003", self.run_example("smpp_long_text", "x" * 161))
        self.assertIn("data_coding 0x00, 1 part, without header\n161 octets",
                      self.run_example("smpp_long_text", "y" * 161, "payload"))
        self.assertIn("020c0002002a020e000102020f000101", self.run_example("smpp_long_text", "z" * 161, "sar"))

    def test_smpp_raw_observer(self):
        _, at = self.carrier()
        lines = self.run_example("smpp_raw_observer", *at, TO, "seen").split("\n")
        names = [line.split()[:2] for line in lines if line[:2] in ("->", "<-")]
        self.assertEqual(names, [["->", "bind_transceiver"], ["<-", "bind_transceiver_resp"], ["->", "submit_sm"],
                                 ["<-", "submit_sm_resp"], ["->", "unbind"], ["<-", "unbind_resp"]])
        described = [json.loads(line) for line in lines if line.startswith("   {")]
        self.assertEqual(described[2]["text"], "seen")

    def test_smpp_client_pool(self):
        smppd, at = self.carrier()
        output = self.run_example("smpp_client_pool", *at, TO, 300)
        self.assertIn("300 accepted, 0 failed, 300 receipts", output)
        self.assertEqual(output.count(": transmitter"), 2)
        self.assertEqual(output.count(": receiver"), 2)
        # Over two binds they may overtake each other.
        self.assertEqual({bytes.fromhex(m["octets"]).decode() for m in smppd.accepted()},
                         {f"message {i}" for i in range(1, 301)})
        self.assertEqual(len(smppd.accepted()), 300)
        self.run_example("smpp_client_pool", *at[:3], "wrong", TO, 1, status=1)

    def test_smpp_server_binds(self):
        server = self.example("smpp_server_binds", 0)
        wait_until(lambda: "listening on port" in server.output(), 10, server.tail)
        port = int(server.output().split()[-1])
        alice, bob, more = (RawClient(port, name, "x") for name in ("alice", "bob", "bob"))
        with self.assertRaises(ConnectionError):
            RawClient(port, "bob", "x")  # two are enough
        alice.send(pdu(SUBMIT_SM, 2, submit_sm_body("1", "bob", b"one")))
        alice.send(pdu(SUBMIT_SM, 3, submit_sm_body("1", "bob", b"two")))
        for client in (bob, more):  # in turns
            command_id, _, _, body = client.receive()
            self.assertEqual(command_id, DELIVER_SM)
            self.assertIn(b"alice\0", body)
        server.signal(signal.SIGUSR1)
        wait_until(lambda: self.trace_a_message(alice, server), 10, server.tail)
        line = next(l for l in server.output().splitlines() if " submit_sm " in l)
        self.assertTrue(line.startswith("<- ") and " alice submit_sm sequence " in line, line)
        for client in (alice, bob, more):
            client.close()
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def trace_a_message(client, server):
        client.send(pdu(SUBMIT_SM, 9, submit_sm_body("1", "nobody", b"x")))
        client.receive()
        return " submit_sm " in server.output()

    def test_smpp_sans_io(self):
        self.assertIn("accepted as 42", self.run_example("smpp_sans_io"))

    def test_goip_sans_io(self):
        output = self.run_example("goip_sans_io")
        self.assertIn("stored: from Bank: Your code is 4711; keep it secret\nserver: RECEIVE 1571812849 OK", output)
        self.assertIn("line g1 is dead", output)

    def goip_device(self, port, *options):
        device = self.example("goip_fake_device", "127.0.0.1", port, "--line", "g1:secret", "--sending", 10, *options,
                              takes_commands=True)
        wait_until(lambda: "registered g1" in device.output(), 10, device.tail)
        return device

    def goip_server(self):
        server = self.example("goip_server", 0, "g1", "secret")
        wait_until(lambda: "listening on port" in server.output(), 10, server.tail)
        return server, int(server.output().split()[-1])

    def test_goip_server(self):
        server, port = self.goip_server()
        device = self.goip_device(port, "--report", 10)
        wait_until(lambda: "line is online at 127.0.0.1:" in server.output(), 10, server.tail)
        device.command("sms g1 +3725 hello; world")
        wait_until(lambda: "report: delivered" in server.output(), 20, server.tail)
        self.assertIn("from +3725: hello; world", server.output())
        self.assertIn("answer is sent", server.output())
        self.assertIn("sent g1 +3725 1 hello; world", device.output())
        self.assertIn("acknowledged g1 RECEIVE ", device.output())
    def test_xmpp_sans_io(self):
        output = self.run_example("xmpp_sans_io")
        self.assertIn("<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>", output)
        self.assertIn("you said hi &amp; bye", output)

    def test_xmpp_echo_component(self):
        require(prosody_available() and slixmpp_available(), "Prosody with slixmpp")
        server = Prosody(self)
        component = self.example("xmpp_echo_component", "127.0.0.1", server.component_port, DOMAIN, SECRET)
        wait_until(lambda: "connected" in component.output(), 20, component.tail)
        user = self.start("user", user_command(server, "send:hello", "wait:1", "disco"))
        user.wait_for_event("done", 60)
        self.assertEqual([m["body"] for m in user.events("message")], ["hello"])
        self.assertEqual(len(user.events("receipt")), 1)
        self.assertEqual(user.events("disco")[0]["identities"], [["gateway", "sms"]])
        wait_until(lambda: "echo-1: the server has it" in component.output(), 10, component.tail)
        self.assertEqual(component.stop(), 0)

    def test_xmpp_echo_component_without_arguments(self):
        self.run_example("xmpp_echo_component", status=2)

    def test_bridge_relay(self):
        """Without brokers; with them it runs in tests/interop/test_bridge.py."""
        relay = self.example("bridge_relay", free_port(), free_port())
        wait_until(lambda: "mqtt down" in relay.output() and "writer down" in relay.output(), 10, relay.tail)

    def mm4_receiver(self):
        receiver = self.example("mm4_receive", 0)
        wait_until(lambda: "listening on port" in receiver.output(), 10, receiver.tail)
        return receiver, receiver.output().split()[-1]

    def test_mm4_send(self):
        receiver, port = self.mm4_receiver()
        output = self.run_example("mm4_send", "127.0.0.1", port, "+" + FROM, "+" + TO, "a text")
        self.assertIn("accepted", output)
        wait_until(lambda: "new" in receiver.output(), 10, receiver.tail)
        self.assertIn("text a text", receiver.output())
        self.assertEqual(receiver.stop(), 0)
        self.run_example("mm4_send", "127.0.0.1", port, "+" + FROM, "+" + TO, "nobody is there", status=1)

    def test_mm4_receive(self):
        receiver, port = self.mm4_receiver()
        picture = self.write("picture.jpg", "not really a picture")
        self.run_example("mm4_send", "127.0.0.1", port, FROM, f"+{TO}, friend@mms.example", "two", picture)
        wait_until(lambda: "new" in receiver.output(), 10, receiver.tail)
        for line in ("X-Mms-Message-Type: MM4_forward.REQ", "part application/smil", "part image/jpeg, 20 octets", "text two"):
            self.assertIn(line, receiver.output())

    def mm7_relay(self, status, text, authorization=None):
        """(URL, list of the bodies taken): a relay that answers every SubmitReq with this status."""
        taken = []

        class Relay(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Authorization"] != authorization:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="mms"')
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                taken.append(body)
                transaction = re.search(rb"TransactionID[^>]*>([^<]*)<", body)[1].decode()
                answer = MM7_ANSWER.format(transaction=transaction, status=status, text=text).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/mm7", taken

    def test_mm7_send(self):
        url, taken = self.mm7_relay(1000, "Success", "Basic " + base64.b64encode(b"shop:secret").decode())
        picture = self.write("picture.jpg", "not really a picture")
        output = self.run_example("mm7_send", url, "shop:secret@vasp1", FROM, TO, "a text", picture)
        self.assertEqual(output, "1000 Success id-1\n")
        body, = taken
        for piece in (b"vasp1", FROM.encode(), TO.encode(), b"a text", b"image/jpeg"):
            self.assertIn(piece, body)
        url, _ = self.mm7_relay(2002, "Message rejected")
        self.assertIn("2002 Message rejected", self.run_example("mm7_send", url, "vasp1", FROM, TO, "a text", status=1))
        self.assertIn("no answer", self.run_example("mm7_send", f"http://127.0.0.1:{free_port()}/", "v", FROM, TO, "x", status=1))

    def test_every_example_fits_on_a_screen(self):
        sources = list((Path(__file__).resolve().parents[2] / "examples").glob("*.cpp"))
        self.assertGreater(len(sources), 5)
        for source in sources:
            self.assertLess(len(source.read_text().split("\n")), LINES_MAX, source.name)
            self.assertTrue(hasattr(self, f"test_{source.stem}"), f"{source.name} has no test")


class TlsGateway(Msggw):
    def __init__(self, test, carrier_port, certificate, key):
        self.tls = (f"[smpp.tls]\ncertificate_file = {toml_string(str(certificate))}\n"
                    f"private_key_file = {toml_string(str(key))}\n")
        super().__init__(test, carrier_port)

    def start(self):
        text = self.config.read_text()
        if self.tls not in text:
            self.config.write_text(text.replace("[[clients]]", self.tls + "\n[[clients]]", 1))
        super().start()
        wait_until(lambda: accepts_connections(self.smpp_port), 5, "the SMPP port")


if __name__ == "__main__":
    unittest.main(verbosity=2)
