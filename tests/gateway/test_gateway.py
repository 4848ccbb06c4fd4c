"""msggw, smppd and smppc as their users meet them: what is promised about receipts, restarts, retries, reloads and the
command line, each shown on the running programs. MSGKIT_BIN_DIR names the build directory."""
import json
import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import CLIENT_ID, CLIENT_PASSWORD, Msggw, Smppd, binary, free_port, smppd_config  # noqa: E402
from peers import PeerTest, http_get, wait_until  # noqa: E402


def smppc(*arguments, port=None, system_id=CLIENT_ID, password=CLIENT_PASSWORD, seconds=30, stdin=""):
    """Runs smppc to its end: (exit status, standard output, standard error)."""
    command = [str(binary("smppc")), *map(str, arguments)]
    if port is not None:
        command += ["--port", str(port), "--system-id", system_id, "--password", password]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=stdin, check=False)
    return done.returncode, done.stdout, done.stderr


def send(port, *more, to="46700123456", text="hello", **options):
    status, out, err = smppc("send", "--from", "447700900001", "--to", to, "--text", text, "--json", *more, port=port,
                             **options)
    lines = [json.loads(line) for line in out.splitlines()]
    return status, lines, err


class GatewayTest(PeerTest):
    def store(self):
        """Lines of [store]; None for the embedded one."""
        return None

    def gateway(self, carrier_port=None, extra=""):
        msggw = Msggw.__new__(Msggw)
        original = Msggw.start
        Msggw.start = lambda self: None
        try:
            msggw.__init__(self, carrier_port or free_port(), self.store())
        finally:
            Msggw.start = original
        msggw.config = self.write("msggw.toml", Path(msggw.config).read_text() + extra)
        msggw.start()
        return msggw

    def listen(self, port, count, mode="rx", seconds=15):
        program = self.start("listen", [binary("smppc"), "listen", "--mode", mode, "--count", str(count), "--seconds",
                                        str(seconds), "--port", str(port), "--system-id", CLIENT_ID, "--password",
                                        CLIENT_PASSWORD])
        self.assertEqual(program.wait(seconds + 10), 0, program.tail())
        return [json.loads(line) for line in program.output().splitlines()]

    def wait_for_state(self, msggw, message_id, state, seconds=15):
        def reached():
            m = msggw.message(message_id)
            return m if m and m["state"] == state else None
        return wait_until(reached, seconds, lambda: f"{state}, have {msggw.message(message_id)}\n{msggw.program.tail()}")


class ReceiptTest(GatewayTest):
    def test_a_receipt_waits_until_its_client_binds(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        status, lines, _ = send(msggw.smpp_port, "--receipt", "--mode", "tx")
        self.assertEqual(status, 0, lines)
        message_id = lines[0]["message_id"]
        self.wait_for_state(msggw, message_id, "delivered")
        receipts = self.listen(msggw.smpp_port, 1)
        self.assertIn(f"id:{message_id} ", receipts[0]["text"])
        self.assertIn("stat:DELIVRD", receipts[0]["text"])
        self.assertIn({"tag": "0x001e", "name": "receipted_message_id", "value": message_id}, receipts[0]["tlvs"])

    def test_a_receipt_survives_kill_9(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        _, lines, _ = send(msggw.smpp_port, "--receipt", "--mode", "tx")
        message_id = lines[0]["message_id"]
        self.wait_for_state(msggw, message_id, "delivered")
        msggw.program.kill()
        msggw.start()
        self.assertIn(f"id:{message_id} ", self.listen(msggw.smpp_port, 1)[0]["text"])

    def test_a_refused_message_ends_rejected_with_a_receipt(self):
        smppd = self.smppd_with('error_share = 1.0\nerror_status = "ESME_RINVDSTADR"\n')
        msggw = self.gateway(smppd)
        status, lines, err = send(msggw.smpp_port, "--wait-receipt")
        self.assertEqual(status, 3, err)
        self.assertEqual(lines[1]["receipt"]["state"], "REJECTD")
        trace = msggw.message(lines[0]["message_id"])
        self.assertEqual((trace["state"], trace["error"]["code"]), ("rejected", 0x0B))

    def smppd_with(self, settings):
        port = free_port()
        config = self.write("smppd.toml", settings + smppd_config(self.scratch, port, free_port()))
        self.start("smppd", [binary("smppd"), "--config", config]).wait_for_port(port)
        return port


class RetryTest(GatewayTest):
    FAST = '\n[engine]\nretry_initial = "50ms"\nretry_maximum = "200ms"\nthrottle_initial = "50ms"\n'

    def test_a_message_waits_for_its_carrier_across_a_restart(self):
        carrier_port = free_port()
        msggw = self.gateway(carrier_port)
        _, lines, _ = send(msggw.smpp_port)
        message_id = lines[0]["message_id"]
        self.assertEqual(msggw.message(message_id)["state"], "queued")
        msggw.program.kill()
        msggw.start()
        self.assertEqual(msggw.message(message_id)["state"], "queued")
        config = self.write("smppd.toml", smppd_config(self.scratch, carrier_port, free_port()))
        self.start("smppd", [binary("smppd"), "--config", config])
        self.wait_for_state(msggw, message_id, "delivered", 40)

    def test_temporary_errors_are_tried_again_until_one_attempt_works(self):
        port = free_port()
        config = self.write("smppd.toml", "error_share = 1.0\n" + smppd_config(self.scratch, port, free_port()))
        smppd = self.start("smppd", [binary("smppd"), "--config", config])
        smppd.wait_for_port(port)
        msggw = self.gateway(port, self.FAST)
        _, lines, _ = send(msggw.smpp_port)
        message_id = lines[0]["message_id"]
        wait_until(lambda: msggw.message(message_id)["failures"] >= 3, 15, "three failures")
        Path(config).write_text(smppd_config(self.scratch, port, free_port()))
        smppd.signal(signal.SIGHUP)
        trace = self.wait_for_state(msggw, message_id, "delivered")
        self.assertIn("attempt_failed", [e["event"] for e in trace["events"]])

    def test_throttling_is_no_failure(self):
        port = free_port()
        config = self.write("smppd.toml", "throttle_share = 1.0\n" + smppd_config(self.scratch, port, free_port()))
        smppd = self.start("smppd", [binary("smppd"), "--config", config])
        smppd.wait_for_port(port)
        msggw = self.gateway(port, self.FAST)
        _, lines, _ = send(msggw.smpp_port)
        message_id = lines[0]["message_id"]
        wait_until(lambda: msggw.message(message_id)["attempts"] >= 3, 15, "three attempts")
        Path(config).write_text(smppd_config(self.scratch, port, free_port()))
        smppd.signal(signal.SIGHUP)
        self.assertEqual(self.wait_for_state(msggw, message_id, "delivered")["failures"], 0)

    def test_validity_ends_in_a_receipt(self):
        msggw = self.gateway()  # its carrier is never there
        status, lines, _ = send(msggw.smpp_port, "--wait-receipt", "--validity", "1")
        self.assertEqual(status, 3)
        self.assertEqual(lines[1]["receipt"]["state"], "EXPIRED")
        self.assertEqual(msggw.message(lines[0]["message_id"])["state"], "expired")


class OperationTest(GatewayTest):
    def test_reload_adds_a_client_and_refuses_a_bad_file(self):
        msggw = self.gateway()
        status, _, err = send(msggw.smpp_port, system_id="second", password="secret-9")
        self.assertEqual(status, 1)
        self.assertIn("ESME_RINVPASWD", err)
        good = Path(msggw.config).read_text()
        Path(msggw.config).write_text(good + '\n[[clients]]\nsystem_id = "second"\npassword = "secret-9"\n')
        msggw.program.signal(signal.SIGHUP)
        wait_until(lambda: send(msggw.smpp_port, system_id="second", password="secret-9")[0] == 0, 10, "the new client")
        Path(msggw.config).write_text(good + "\n[[clients]]\nsystem_id = 7\n")
        msggw.program.signal(signal.SIGHUP)
        wait_until(lambda: "clients[1].system_id" in msggw.program.tail(), 10, "the refusal in the log")
        self.assertEqual(send(msggw.smpp_port, system_id="second", password="secret-9")[0], 0)

    def test_a_hashed_password_binds_and_a_wrong_one_does_not(self):
        hashed = subprocess.run([str(binary("msggw")), "--hash-password"], input="open-sesame\n", capture_output=True,
                                text=True, check=True).stdout.strip()
        msggw = self.gateway(extra=f'\n[[clients]]\nsystem_id = "hashed"\npassword = "{hashed}"\n')
        self.assertEqual(send(msggw.smpp_port, system_id="hashed", password="open-sesame")[0], 0)
        self.assertEqual(send(msggw.smpp_port, system_id="hashed", password="open-barley")[0], 1)

    def test_health_metrics_and_unknown_messages(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        send(msggw.smpp_port, "--wait-receipt")
        url = f"http://127.0.0.1:{msggw.http_port}"
        self.assertEqual(http_get(url + "/health")[0], 200)
        self.assertEqual(http_get(url + "/messages/nonsense")[0], 404)
        self.assertEqual(http_get(url + "/messages/01a1fbed-2288-7000-8008-24368fd418f3")[0], 404)
        metrics = http_get(url + "/metrics")[1]
        self.assertRegex(metrics, r'(?m)^msggw_messages_settled_total\{state="delivered"\} 2$')
        self.assertRegex(metrics, r'(?m)^msggw_submits_total 1$')
        up = re.compile(r'(?m)^msggw_endpoint_up\{endpoint="carrier:upstream"\} 1$')  # told once a second
        wait_until(lambda: up.search(http_get(url + "/metrics")[1]), 15, "the carrier's metric")

    def test_sigterm_ends_with_success(self):
        msggw = self.gateway()
        msggw.program.signal(signal.SIGTERM)
        self.assertEqual(msggw.program.wait(12), 0, msggw.program.tail())

    def test_an_api_key_guards_traces(self):
        msggw = self.gateway()
        text = Path(msggw.config).read_text().replace("[http]\n", '[http]\napi_key = "k-123"\n')
        Path(msggw.config).write_text(text)
        msggw.program.signal(signal.SIGTERM)
        msggw.program.wait(12)
        msggw.start()
        url = f"http://127.0.0.1:{msggw.http_port}/messages/01a1fbed-2288-7000-8008-24368fd418f3"
        self.assertEqual(http_get(url)[0], 401)

    def test_configuration_mistakes_are_named(self):
        config = self.write("bad.toml", '[smpp]\nlisten = "127.0.0.1:99999"\nconnections_max = 0\nlissten = 1\n'
                                        '[http]\nlisten = "0.0.0.0:3000"\n'
                                        '[[routes]]\nto = ["carrier:nobody"]\n')
        done = subprocess.run([str(binary("msggw")), "--config", config, "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        errors = done.stderr
        for expected in (r"smpp\.listen: .*port in 0\.\.65535.*bad\.toml:2", r"smpp\.connections_max: 0 is outside 1\.\.",
                         r"smpp\.lissten: unknown key", r"http\.api_key: is required", r"carrier:nobody is neither"):
            self.assertTrue(re.search(expected, errors), f"{expected} not in\n{errors}")


class CommandLineTest(GatewayTest):
    def test_decode_explains_pdus(self):
        status, out, _ = smppc("decode", "0000001980000004", "0000000a00000002", "303030303030303000")
        self.assertEqual(status, 0)
        p = json.loads(out)
        self.assertEqual((p["command"], p["command_status"], p["sequence_number"], p["message_id"]),
                         ("submit_sm_resp", 10, 2, "00000000"))

    def test_decode_reads_dumps_from_standard_input(self):
        dump = "000000  00 00 00 10 00 00 00 15  00 00 00 00 0a 34 2e e7   .............4..\n"
        for text in (dump, "00000010000000150000 00000a342ee7\n"):
            status, out, err = smppc("decode", stdin=text)
            self.assertEqual(status, 0, err)
            self.assertEqual(json.loads(out)["command"], "enquire_link")

    def test_decode_says_why_octets_are_no_pdu(self):
        for octets, reason in (("0000000f", "below 16"), ("00000010000000", "ends inside"), ("xyz", "not hexadecimal")):
            status, out, err = smppc("decode", octets)
            self.assertEqual((status, out), (1, ""))
            self.assertIn(reason, err)

    def test_load_counts_what_was_accepted(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        acked = self.scratch / "acked"
        status, out, err = smppc("load", "--count", 500, "--binds", 3, "--receipts", "--json", "--acked-file", acked,
                                 port=msggw.smpp_port)
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertEqual((result["accepted"], result["receipts"], result["errors"]), (500, 500, {}))
        self.assertEqual(len(acked.read_text().splitlines()), 500)
        self.assertEqual(len(smppd.accepted()), 500)

    def test_usage_errors_exit_with_2(self):
        self.assertEqual(smppc("send")[0], 2)
        self.assertEqual(smppc("load", "--binds", 0)[0], 2)
        self.assertEqual(smppc("nonsense")[0], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
