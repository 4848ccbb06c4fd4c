"""MM4 through mail programs nobody here wrote. MSGKIT_EXAMPLES_DIR is where the examples were built."""
import base64
import os
import smtplib
import unittest
from pathlib import Path

from mm4_peers import Postfix, aiosmtpd, swaks
from peers import PeerTest, wait_until

FROM, TO = "+12025550100", "+12025550101"
RECIPIENT = f"{TO}/TYPE=PLMN@mms.peer.example"
SENDER = f"{FROM}/TYPE=PLMN@mms.own.example"
PICTURE = bytes(range(256)) * 200
TEXT = "gr\u00fc\u00dfe \U0001f600\n.dot at the start of a line"


def mail(identity, extra=""):
    """A forward.REQ as another relay would write it."""
    return "\r\n".join([
        f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "Date: Sat, 21 Nov 2026 05:00:00 +0000", "Subject: from outside",
        "X-Mms-3GPP-MMS-Version: 6.10.0", "X-Mms-Message-Type: MM4_forward.REQ", f'X-Mms-Transaction-ID: "t-{identity}"',
        f'X-Mms-Message-ID: "m-{identity}@peer.example"', *([extra] if extra else []), "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"', "", "--b", "Content-Type: text/plain; charset=utf-8", "",
        "..hello", "--b", "Content-Type: image/jpeg", "Content-Transfer-Encoding: base64", "",
        *[base64.b64encode(PICTURE)[i:i + 76].decode() for i in range(0, len(PICTURE) * 4 // 3 + 4, 76)], "--b--", ""])


class Mm4Test(PeerTest):
    def example(self, name, *arguments):
        return self.start(name, [Path(os.environ["MSGKIT_EXAMPLES_DIR"]) / name, *arguments])

    def receiver(self, *arguments):
        program = self.example("mm4_receive", 0, *arguments)
        wait_until(lambda: "listening on port" in program.output(), 10, program.tail)
        return program, int(program.output().split("listening on port ")[1].split()[0])

    def send(self, port):
        picture = self.write("picture.jpg", "")
        Path(picture).write_bytes(PICTURE)
        program = self.example("mm4_send", "127.0.0.1", port, FROM, TO, TEXT, picture)
        self.assertEqual(program.wait(30), 0, program.tail())
        return program.output()

    def check(self, receiver, *texts):
        for text in texts:
            wait_until(lambda t=text: t in receiver.output(), 30, lambda t=text: f"{t!r} in\n{receiver.tail()}")

    def test_smtplib_to_our_server(self):
        receiver, port = self.receiver()
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.ehlo()
            self.assertTrue(client.has_extn("pipelining") and client.has_extn("8bitmime") and client.has_extn("chunking"))
            client.sendmail(SENDER, [RECIPIENT], mail("1"))
            client.sendmail(SENDER, [RECIPIENT], mail("1"))
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                client.sendmail(SENDER, [RECIPIENT], "Subject: no MM4\r\n\r\nhello\r\n")
            self.assertEqual(refused.exception.smtp_code, 554)
        self.check(receiver, "X-Mms-Transaction-ID: \"t-1\"", "text ..hello", f"part image/jpeg, {len(PICTURE)} octets", "new",
                   "repeated", "refused: no X-Mms-Message-Type")
        self.assertEqual(receiver.stop(), 0)

    def test_our_client_to_aiosmtpd(self):
        server, port = aiosmtpd(self)
        self.assertIn("accepted", self.send(port))
        self.check(server, "X-Mms-Message-Type: MM4_forward.REQ", "application/smil", "END MESSAGE")

    def test_swaks_to_our_server(self):
        receiver, port = self.receiver()
        data = self.write("mail.eml", mail("swaks").replace("\r\n", "\n"))
        for option in ([], ["--pipeline"]):
            program = self.start("swaks", [swaks(), "--server", f"127.0.0.1:{port}", "--from", SENDER[1:], "--to", RECIPIENT[1:],
                                           "--data", f"@{data}", *option])
            self.assertEqual(program.wait(30), 0, program.tail())
        self.check(receiver, "m-swaks@peer.example", f"part image/jpeg, {len(PICTURE)} octets", "repeated")

    def test_through_postfix(self):
        """Our client to Postfix, Postfix to our server, and its acknowledgement the same way back."""
        catcher, catcher_port = aiosmtpd(self)
        receiver, port = self.receiver("127.0.0.1", catcher_port)
        postfix = Postfix(self, port)
        self.assertIn("queued as", self.send(postfix.port))
        self.check(receiver, "part application/smil", f"part image/jpeg, {len(PICTURE)} octets", "text gr\u00fc\u00dfe", ".dot at", "new")
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=10) as client:
            client.sendmail(SENDER, [RECIPIENT], mail("2", "X-Mms-Ack-Request: Yes\r\nX-Mms-Originator-System: mms@peer.example"))
        self.check(receiver, "m-2@peer.example")
        self.check(catcher, "X-Mms-Message-Type: MM4_forward.RES", "X-Mms-Transaction-ID: \"t-2\"", "X-Mms-Request-Status-Code: Ok",
                   "END MESSAGE")
        self.assertEqual(receiver.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
