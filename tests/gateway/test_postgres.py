"""msggw with its messages in PostgreSQL: what holds on the embedded store, a server that dies or stands still, and two
gateways that share one database. MSGKIT_BIN_DIR names the build directory."""
import signal
import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_gateway as embedded  # noqa: E402  (the module, so that its tests do not run twice)

from gateway import CLIENT_ID, CLIENT_PASSWORD, DIRECTORY_KEY, Msggw, Smppd, binary, free_port, smppd_config  # noqa: E402
from peers import http_get, wait_until  # noqa: E402
from postgres import Postgres  # noqa: E402
from raw_smpp import SUBMIT_SM, RawClient, pdu, submit_sm_body  # noqa: E402

OK, SYSTEM_ERROR, THROTTLED = 0x00, 0x08, 0x58


class OnPostgres:
    def setUp(self):
        super().setUp()
        self.postgres = Postgres(self)

    def store(self):
        return self.postgres.store_lines()


class PostgresReceiptTest(OnPostgres, embedded.ReceiptTest):
    pass


class PostgresRetryTest(OnPostgres, embedded.RetryTest):
    pass


def bound(test, msggw):
    client = RawClient(msggw.smpp_port, CLIENT_ID, CLIENT_PASSWORD)
    test.addCleanup(client.close)
    return client


def submit_all(client, names):
    client.send(b"".join(pdu(SUBMIT_SM, 1000 + i, submit_sm_body("447700900001", "46700123456", name.encode()))
                         for i, name in enumerate(names)))
    answers = (client.receive() for _ in names)
    return {names[sequence - 1000]: status for _, status, sequence, _ in answers}


def arrived(smppd):
    return Counter(bytes.fromhex(r["octets"]).decode() for r in smppd.accepted())


class FaultTest(OnPostgres, embedded.GatewayTest):
    def test_a_killed_server_is_waited_for(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        client = bound(self, msggw)
        answers = submit_all(client, [f"before {i}" for i in range(50)])
        self.assertEqual(set(answers.values()), {OK})
        self.postgres.kill()
        while_down = submit_all(client, [f"down {i}" for i in range(50)])
        self.assertEqual(set(while_down.values()), {SYSTEM_ERROR})
        self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/health")[0], 200)
        self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/ready")[0], 503)
        self.postgres.start()
        wait_until(msggw.is_ready, 40, "recovery by itself")
        answers.update(submit_all(client, ["after"]))
        self.assertEqual(answers["after"], OK)
        wait_until(lambda: not answers.keys() - arrived(smppd).keys(), 20, lambda: answers.keys() - arrived(smppd).keys())
        self.assertEqual(while_down.keys() & arrived(smppd).keys(), set(), "a refused message was sent")

    def test_a_server_that_stands_still_slows_clients_down_and_nothing_else(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        config = Path(msggw.config)
        config.write_text(config.read_text().replace("[smpp]\n", "[smpp]\ninbound_window = 100\n")
                          .replace('lease = "30s"', 'lease = "10m"').replace('timeout = "10s"', 'timeout = "4m"'))
        msggw.program.stop()
        msggw.start()
        client = bound(self, msggw)
        self.assertEqual(submit_all(client, ["before"]), {"before": OK})
        self.postgres.signal_all(signal.SIGSTOP)
        try:
            client.send(b"".join(pdu(SUBMIT_SM, 2000 + i, submit_sm_body("1", "46700123456", f"slow {i}".encode()))
                                 for i in range(300)))
            self.assertEqual(Counter(client.receive()[1] for _ in range(200)), {THROTTLED: 200})
            self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/health")[0], 200)
            self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/metrics")[0], 200)
            bound(self, msggw)  # binds as ever
        finally:
            self.postgres.signal_all(signal.SIGCONT)
        self.assertEqual(Counter(client.receive()[1] for _ in range(100)), {OK: 100})

    def test_configuration_mistakes_are_named(self):
        config = self.write("bad.toml", '[store]\ntype = "postgres"\ndsn = "host=db password=hunter2"\nlease = "5s"\n'
                                        '[engine]\ninstance = 3\n')
        done = subprocess.run([str(binary("msggw")), "--config", config, "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        for expected in ("store.dsn: holds a password", "engine.instance: is allotted", "directory.encryption_key: is needed"):
            self.assertIn(expected, done.stderr)
        self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_a_server_that_is_not_there_is_named_at_start(self):
        config = self.write("away.toml", '[store]\ntype = "postgres"\ndsn = "host=/nonexistent dbname=x"\n'
                                         f'[directory]\nencryption_key = "{DIRECTORY_KEY}"\n')
        program = self.start("away", [binary("msggw"), "--config", config])
        self.assertEqual(program.wait(20), 1, program.tail())
        self.assertIn("/nonexistent", program.err_path.read_text())


class TwoGatewaysTest(OnPostgres, embedded.GatewayTest):
    def pair(self, carrier_port):
        return [Msggw(self, carrier_port, self.postgres.store_lines(name, "2s", "1s"), name) for name in ("gw1", "gw2")]

    def test_one_sends_what_the_other_had_accepted_when_it_was_killed(self):
        carrier_port = free_port()
        first, second = self.pair(carrier_port)
        names = [f"taken over {i}" for i in range(200)]
        answers = submit_all(bound(self, first), names)
        self.assertEqual(set(answers.values()), {OK})
        first.program.kill()
        self.write("smppd.toml", smppd_config(self.scratch, carrier_port, free_port()))
        smppd = Smppd.__new__(Smppd)
        smppd.record = self.scratch / "accepted.jsonl"
        self.start("smppd", [binary("smppd"), "--config", self.scratch / "smppd.toml"]).wait_for_port(carrier_port)
        wait_until(lambda: not set(names) - arrived(smppd).keys(), 40, second.program.tail)
        self.assertEqual(set(arrived(smppd).values()), {1})
        first.start()  # comes back to nothing: its messages have moved
        self.assertEqual(submit_all(bound(self, first), ["again"]), {"again": OK})
        wait_until(lambda: arrived(smppd)["again"] == 1, 20, first.program.tail)
        self.assertEqual(set(arrived(smppd).values()), {1})

    def test_one_that_was_only_paused_sends_nothing_twice(self):
        carrier_port = free_port()
        first, second = self.pair(carrier_port)
        names = [f"paused {i}" for i in range(100)]
        client = bound(self, first)
        self.assertEqual(set(submit_all(client, names).values()), {OK})
        first.program.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: "taken over" in second.program.tail(), 40, second.program.tail)
        finally:
            first.program.signal(signal.SIGCONT)
        self.write("smppd.toml", smppd_config(self.scratch, carrier_port, free_port()))
        smppd = Smppd.__new__(Smppd)
        smppd.record = self.scratch / "accepted.jsonl"
        self.start("smppd", [binary("smppd"), "--config", self.scratch / "smppd.toml"]).wait_for_port(carrier_port)
        wait_until(lambda: not set(names) - arrived(smppd).keys(), 40, second.program.tail)
        wait_until(first.is_ready, 30, first.program.tail)
        self.assertEqual(set(arrived(smppd).values()), {1})


if __name__ == "__main__":
    unittest.main(verbosity=2)
