"""smppc as its users meet it, against smppd: every command, its output and its exit codes. MSGKIT_BIN_DIR names the build
directory."""
import json
import os
import shutil
import struct
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))
from gateway import CARRIER_ID, CARRIER_PASSWORD, Smppd, binary, joined_texts  # noqa: E402
from peers import PeerTest, free_port, require, wait_until  # noqa: E402

FROM, TO = "447700900001", "46700123456"
SUBMIT_SM_RESP = "0000001c80000004000000000a342ee1393432353834333135393400"
ENQUIRE_LINK = "0000001000000015000000000a342ee7"


def smppc(*arguments, stdin=b"", environment=None, seconds=30):
    """Runs smppc to its end: (exit status, standard output, standard error)."""
    done = subprocess.run([str(binary("smppc")), *map(str, arguments)], capture_output=True, timeout=seconds, input=stdin,
                          check=False, env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


class OnlineTest(PeerTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)

    def run_command(self, command, *arguments, **options):
        return smppc(command, "--port", self.smppd.port, "--system-id", CARRIER_ID, *arguments,
                     environment={"SMPPC_PASSWORD": CARRIER_PASSWORD}, **options)


class SendTest(OnlineTest):
    def send(self, *arguments):
        status, out, err = self.run_command("send", "--from", FROM, "--to", TO, "--json", *arguments)
        return status, objects(out), err

    def test_one_part_in_every_coding(self):
        cases = [("auto", "price: 5 €", 0), ("auto", "Привет", 8), ("latin1", "señor", 3), ("ucs2", "plain", 8),
                 ("cyrillic", "Привет", 6), ("hebrew", "שלום", 7), ("ascii", "plain", 1), ("euc_kr", "안녕", 14)]
        for coding, text, data_coding in cases:
            status, out, err = self.run_command("send", "--from", FROM, "--to", TO, "--coding", coding, "--text", text,
                                                "--dump")
            self.assertEqual(status, 0, err)
            sent = [line for line in err.splitlines() if line.startswith("-> submit_sm")]
            self.assertEqual(len(sent), 1)
            self.assertEqual(self.smppd.accepted()[-1]["data_coding"], data_coding, coding)
        self.assertEqual(joined_texts(self.smppd.accepted()[:2]), {(FROM, TO, "price: 5 €"), (FROM, TO, "Привет")})

    def test_long_messages_by_every_method(self):
        text = "a text of more than one part, " * 10
        for method, parts in (("udh8", 2), ("udh16", 2), ("sar", 2), ("payload", 1)):
            status, answers, err = self.send("--long", method, "--text", text)
            self.assertEqual((status, len(answers)), (0, parts), err)

    def test_pair_receives_its_receipts_over_the_receiver(self):
        status, answers, err = self.send("--mode", "pair", "--text", "hello", "--wait-receipt")
        self.assertEqual(status, 0, err)
        self.assertEqual(answers[1]["receipt"]["state"], "DELIVRD")
        self.assertEqual(answers[1]["receipt"]["message_id"], answers[0]["message_id"])

    def test_versions(self):
        for version, mode in (("3.3", "tx"), ("3.4", "trx"), ("5.0", "trx")):
            status, _, err = self.send("--interface-version", version, "--mode", mode, "--text", "hello")
            self.assertEqual(status, 0, err)
        self.assertEqual(self.send("--interface-version", "3.3", "--text", "x")[0], 2)

    def test_tlvs_by_number_and_by_name(self):
        _, _, err = self.run_command("send", "--to", TO, "--text", "x", "--dump", "--tlv", "0x1400=text:dlt", "--tlv",
                                     "user_message_reference=0102")
        pdus = objects(smppc("decode", stdin=err.encode())[1])  # what --dump shows is a dump that decode reads
        sent = next(p for p in pdus if p["command"] == "submit_sm")
        self.assertEqual([(t["tag"], t["value"]) for t in sent["tlvs"]], [("0x1400", "646c74"), ("0x0204", 0x0102)])

    def test_transliteration_stays_in_gsm7(self):
        self.assertEqual(self.send("--transliterate", "--text", "“Hola, mamá”")[0], 0)
        self.assertEqual(self.smppd.accepted()[0]["data_coding"], 0)

    def test_passwords_come_from_a_file_and_are_not_dumped(self):
        secret = self.write("secret", CARRIER_PASSWORD + "\n")
        status, _, err = smppc("send", "--port", self.smppd.port, "--system-id", CARRIER_ID, "--password-file", secret,
                               "--to", TO, "--text", "x", "--dump")
        self.assertEqual(status, 0, err)
        self.assertNotIn(CARRIER_PASSWORD.encode().hex(" "), err)
        self.assertIn("bind_transceiver", err)
        self.assertEqual(smppc("send", "--password-file", self.scratch / "none", "--to", TO, "--text", "x")[0], 2)

    def test_a_seed_clients_configuration(self):
        settings = {"host": "127.0.0.1", "port": self.smppd.port, "system_id": CARRIER_ID, "password": CARRIER_PASSWORD,
                    "system_type": "SMPP", "bind_type": "transceiver", "connect_timeout": "10s", "read_timeout": "30s",
                    "write_timeout": "10s", "enquire_link_interval": "30s", "reconnect_interval": "5s",
                    "max_reconnect_attempts": 5, "tls_enabled": False}
        for document in ({"client": settings, "logging": {"level": "info"}}, settings):
            config = self.write("client.json", json.dumps(document))
            self.assertEqual(smppc("send", "--config", config, "--to", TO, "--text", "x")[0], 0)
        # What the command line says counts more.
        status, _, err = smppc("send", "--config", config, "--password", "wrong", "--to", TO, "--text", "x")
        self.assertEqual(status, 1)
        self.assertIn("ESME_RINVPASWD", err)
        for key, value in (("port", "many"), ("connect_timeout", "soon"), ("bind_type", "both"), ("hosst", "x"),
                           ("tls_enabled", "yes"), ("port", 70000)):
            config = self.write("bad.json", json.dumps({"client": {**settings, key: value}}))
            status, _, err = smppc("send", "--config", config, "--to", TO, "--text", "x")
            self.assertEqual(status, 2, (key, err))
            self.assertIn("bad.json", err)

    def test_exit_codes(self):
        self.assertEqual(self.send("--text", "x", "--tlv", "nonsense")[0], 2)
        self.assertEqual(self.send("--text", "x", "--validity", "soon")[0], 2)
        self.assertEqual(self.send("--text", "x", "--mode", "rx")[0], 2)
        self.assertEqual(self.send("--text", "x", "--coding", "ebcdic")[0], 2)
        status, _, err = smppc("send", "--port", free_port(), "--to", TO, "--text", "x")
        self.assertEqual(status, 1)
        self.assertIn("refused", err)

    def test_tls_names_what_is_wrong(self):
        status, _, err = self.send("--text", "x", "--tls", "--ca-file", self.scratch / "none.pem")
        self.assertEqual(status, 2)
        self.assertIn("ca_file", err)


class OperationsTest(OnlineTest):
    def test_query_replace_and_cancel_a_message_that_waits(self):
        status, out, err = self.run_command("send", "--from", FROM, "--to", TO, "--text", "first", "--schedule", 3600, "--json")
        self.assertEqual(status, 0, err)
        message_id = objects(out)[0]["message_id"]

        def state():
            status, out, err = self.run_command("query", message_id, "--from", FROM, "--json")
            self.assertEqual(status, 0, err)
            return objects(out)[0]["message_state"]
        self.assertIn(state(), (0, 1))  # scheduled, or on its way
        self.assertEqual(self.run_command("replace", message_id, "--from", FROM, "--text", "second", "--schedule", 7200)[:2],
                         (0, "ok\n"))
        self.assertEqual(self.run_command("cancel", message_id, "--from", FROM, "--to", TO)[:2], (0, "ok\n"))
        self.assertEqual(state(), 4)
        status, out, err = self.run_command("cancel", message_id, "--from", FROM, "--to", TO)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("ESME_R", err)  # it is gone already

    def test_broadcast(self):
        at = ("--interface-version", "5.0", "--from", FROM)
        status, out, err = self.run_command("broadcast", *at, "--area", "north", "--content-type", "1:1", "--repetitions", 3,
                                            "--frequency", "5m", "--text", "storm", "--schedule", 3600, "--json")
        self.assertEqual(status, 0, err)
        message_id = objects(out)[0]["message_id"]
        self.assertEqual(self.run_command("query-broadcast", *at, message_id)[0], 0)
        status, out, err = self.run_command("cancel-broadcast", *at, message_id)
        self.assertEqual((status, out), (0, "ok\n"), err)
        self.assertEqual(self.run_command("query-broadcast", *at, "nothing")[0], 1)

    def test_usage(self):
        for arguments in (("query",), ("cancel",), ("replace", "1", "--text", "x" * 161), ("broadcast", "--text", "x"),
                          ("broadcast", "--area", "x", "--frequency", "often", "--text", "x"), ("query", "1", "--mode", "rx")):
            self.assertEqual(self.run_command(*arguments)[0], 2, arguments)


class ListenTest(OnlineTest):
    def test_prints_receipts(self):
        listener = self.start("listen", [binary("smppc"), "listen", "--port", self.smppd.port, "--system-id", CARRIER_ID,
                                         "--mode", "rx", "--count", "2", "--seconds", "20"],
                              {"SMPPC_PASSWORD": CARRIER_PASSWORD})
        wait_until(lambda: "bound" in listener.err_path.read_text(), 10, listener.tail)
        for _ in range(2):
            self.assertEqual(self.run_command("send", "--mode", "tx", "--to", TO, "--text", "x", "--receipt")[0], 0)
        self.assertEqual(listener.wait(20), 0, listener.tail())
        self.assertEqual([o["command"] for o in objects(listener.output())], ["deliver_sm", "deliver_sm"])

    def test_gives_up_after_as_many_attempts_as_it_was_told(self):
        status, _, err = smppc("listen", "--port", free_port(), "--reconnect-interval", 0.01, "--reconnect-attempts", 2)
        self.assertEqual(status, 1)
        self.assertEqual(err.count("unbound"), 3, err)


class LoadTest(OnlineTest):
    def load(self, *arguments):
        status, out, err = self.run_command("load", "--json", *arguments)
        return status, json.loads(out) if out else {}, err

    def test_counts_what_was_accepted(self):
        acked = self.scratch / "acked"
        status, result, err = self.load("--count", 500, "--binds", 3, "--receipts", "--acked-file", acked)
        self.assertEqual(status, 0, err)
        self.assertEqual((result["accepted"], result["receipts"], result["errors"]), (500, 500, {}))
        self.assertEqual(len(acked.read_text().splitlines()), 500)
        self.assertEqual(len(self.smppd.accepted()), 500)

    def test_pairs(self):
        status, result, err = self.load("--count", 100, "--mode", "pair", "--binds", 2, "--receipts")
        self.assertEqual((status, result["receipts"]), (0, 100), err)

    def test_a_mix_of_lengths(self):
        status, result, err = self.load("--count", 300, "--mix", "20:70,160:20,400:10")
        self.assertEqual((status, result["accepted"]), (0, 300), err)
        lengths = [len(m["octets"]) // 2 for m in self.smppd.accepted()]
        self.assertTrue({20, 160, 6 + 153} <= set(lengths), set(lengths))  # 400 characters: two full parts and a rest
        self.assertGreater(lengths.count(20), lengths.count(160))
        self.assertEqual(self.load("--mix", "20")[0], 2)

    def test_an_open_schedule_keeps_its_rate_and_shows_the_distribution(self):
        status, result, err = self.load("--rate", 200, "--seconds", 1, "--histogram", "--warm-up", 0.1)
        self.assertEqual(status, 0, err)
        self.assertLessEqual(result["accepted"], 201)
        self.assertGreaterEqual(result["accepted"] + result["overdue"], 195)
        quantiles = [point["quantile"] for point in result["histogram"]]
        latencies = [point["us"] for point in result["histogram"]]
        self.assertEqual((quantiles[0], quantiles[-1]), (0.5, 1))
        self.assertEqual(latencies, sorted(latencies))

    def test_shows_progress_on_standard_error_and_text_on_standard_output(self):
        status, out, _ = self.run_command("load", "--count", 50, "--histogram")
        self.assertEqual(status, 0)
        self.assertIn("50 accepted in", out)
        self.assertIn("p99.9", out)
        self.assertIn("50.000000 %", out)

    def test_usage(self):
        for arguments in (("--binds", 0), ("--rate", -1), ("--seconds", 0), ("--mode", "rx"), ("--text", "x" * 161)):
            self.assertEqual(self.load(*arguments)[0], 2, arguments)


class DecodeTest(unittest.TestCase):
    def decode(self, *arguments, stdin=b""):
        status, out, err = smppc("decode", *arguments, stdin=stdin)
        return status, objects(out), err

    def test_several_pdus_in_one_argument(self):
        status, pdus, err = self.decode(SUBMIT_SM_RESP + ENQUIRE_LINK)
        self.assertEqual(status, 0, err)
        self.assertEqual([p["command"] for p in pdus], ["submit_sm_resp", "enquire_link"])
        self.assertEqual(pdus[0]["message_id"], "94258431594")
        for key in ("command_id", "command_status", "sequence_number", "tlvs", "diagnostics"):
            self.assertIn(key, pdus[0])

    def test_files_with_octets_digits_and_dumps(self):
        octets = bytes.fromhex(SUBMIT_SM_RESP + ENQUIRE_LINK)
        dumps = {
            "binary": octets,
            "digits": (SUBMIT_SM_RESP + "\n" + ENQUIRE_LINK + "  # a comment\n").encode(),
            "xxd": xxd(octets).encode(),
            "hexdump -C": hexdump_c(octets).encode(),
        }
        for name, content in dumps.items():
            status, pdus, err = self.decode(stdin=content)
            self.assertEqual((status, len(pdus)), (0, 2), (name, err))

    def test_tcpdump_output_and_pcap_files(self):
        first = packet("10.0.0.1", 4000, "10.0.0.2", 2775, 100, bytes.fromhex(ENQUIRE_LINK)[:10])
        again = packet("10.0.0.1", 4000, "10.0.0.2", 2775, 100, bytes.fromhex(ENQUIRE_LINK)[:10])
        rest = packet("10.0.0.1", 4000, "10.0.0.2", 2775, 110, bytes.fromhex(ENQUIRE_LINK)[10:])
        back = packet("10.0.0.2", 2775, "10.0.0.1", 4000, 7, bytes.fromhex(SUBMIT_SM_RESP))
        packets = [first, back, again, rest]
        text = "".join(f"12:00:0{i}.1 IP 10.0.0.1.4000 > 10.0.0.2.2775: tcp\n{tcpdump_x(p)}"
                       for i, p in enumerate(packets))
        pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        for p in packets:
            frame = bytes(12) + b"\x08\x00" + p
            pcap += struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
        for content in (text.encode(), pcap):
            status, pdus, err = self.decode(stdin=content)
            self.assertEqual(status, 0, err)
            self.assertEqual([p["command"] for p in pdus], ["enquire_link", "submit_sm_resp"])
            self.assertIn("10.0.0.1:4000 > 10.0.0.2:2775", err)

    def test_every_vector_of_the_library(self):
        for vector in sorted((ROOT / "tests" / "vectors" / "smpp").glob("*.hex")):
            status, pdus, err = self.decode("--file", vector)
            if status == 0:
                self.assertGreaterEqual(len(pdus), 1)
            else:
                self.assertEqual(status, 1)
                self.assertNotEqual(err, "")

    def test_says_why_octets_are_no_pdu(self):
        for octets, reason in (("0000000f", "below 16"), ("00000010000000", "ends inside"), ("xyz", "not hexadecimal")):
            status, pdus, err = self.decode(octets)
            self.assertEqual((status, pdus), (1, []))
            self.assertIn(reason, err)
        self.assertEqual(self.decode("--file", "/nonexistent")[0], 2)
        self.assertEqual(self.decode(stdin=b"")[0], 1)
        self.assertIn("pcapng", self.decode(stdin=b"\x0a\x0d\x0d\x0a" + bytes(40))[2])


class CompletionTest(unittest.TestCase):
    def test_bash_completes_commands_and_options(self):
        require(shutil.which("bash"), "bash")
        script = smppc("completion", "bash")[1]
        for words, expected in ((("smppc", "se"), "send"), (("smppc", "load", "--hist"), "--histogram")):
            probe = script + f"\nCOMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _smppc; echo ${{COMPREPLY[0]}}"
            done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout.strip(), expected, done.stderr)

    def test_zsh_has_every_command(self):
        script = smppc("completion", "zsh")[1]
        self.assertTrue(script.startswith("#compdef smppc\n"))
        for command in ("send", "listen", "query", "cancel", "replace", "broadcast", "load", "decode"):
            self.assertIn(f"'{command}:", script)
        self.assertEqual(smppc("completion", "tcsh")[0], 2)

    def test_the_manual_has_every_option(self):
        manual = (ROOT / "docs" / "man" / "smppc.1").read_text().replace("\\-", "-")
        for command in ("send", "listen", "query", "cancel", "replace", "broadcast", "load", "decode"):
            for word in smppc(command, "--help")[1].replace(",", " ").replace("{false}", "").split():
                if word.startswith("--") and word not in ("--help",):
                    self.assertIn(word, manual, command)


def xxd(octets):
    lines = []
    for at in range(0, len(octets), 16):
        row = octets[at:at + 16]
        pairs = " ".join(row[i:i + 2].hex() for i in range(0, len(row), 2))
        lines.append(f"{at:08x}: {pairs:<39}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}\n")
    return "".join(lines)


def hexdump_c(octets):
    lines = []
    for at in range(0, len(octets), 16):
        row = octets[at:at + 16]
        halves = "  ".join(row[i:i + 8].hex(" ") for i in range(0, len(row), 8))
        lines.append(f"{at:08x}  {halves:<48}  |{''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}|\n")
    return "".join(lines) + f"{len(octets):08x}\n"


def tcpdump_x(octets):
    lines = []
    for at in range(0, len(octets), 16):
        row = octets[at:at + 16]
        lines.append(f"\t0x{at:04x}:  {' '.join(row[i:i + 2].hex() for i in range(0, len(row), 2))}\n")
    return "".join(lines)


def packet(source, source_port, destination, destination_port, sequence, payload):
    """An IPv4 packet with TCP; checksums are left out."""
    address = lambda text: bytes(map(int, text.split(".")))  # noqa: E731
    tcp = struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, 0, 5 << 4, 0x18, 512, 0, 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + address(source) + address(destination) + tcp


if __name__ == "__main__":
    unittest.main(verbosity=2)
