"""msggw with its messages in MariaDB: what holds on the embedded store, and a server that dies. MSGKIT_BIN_DIR names the
build directory."""
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_gateway as embedded  # noqa: E402  (the modules, so that their tests do not run twice)
import test_postgres as postgres  # noqa: E402

from gateway import Smppd, binary  # noqa: E402
from mariadb import PASSWORD, Mariadb  # noqa: E402
from peers import http_get, wait_until  # noqa: E402


class OnMariadb:
    def setUp(self):
        super().setUp()
        self.mariadb = Mariadb(self)

    def store(self):
        return self.mariadb.store_lines()


class MariadbReceiptTest(OnMariadb, embedded.ReceiptTest):
    pass


class MariadbRetryTest(OnMariadb, embedded.RetryTest):
    pass


class FaultTest(OnMariadb, embedded.GatewayTest):
    def test_a_killed_server_is_waited_for(self):
        smppd = Smppd(self)
        msggw = self.gateway(smppd.port)
        client = postgres.bound(self, msggw)
        answers = postgres.submit_all(client, [f"before {i}" for i in range(50)])
        self.assertEqual(set(answers.values()), {postgres.OK})
        self.mariadb.kill()
        while_down = postgres.submit_all(client, [f"down {i}" for i in range(50)])
        self.assertEqual(set(while_down.values()), {postgres.SYSTEM_ERROR})
        self.assertEqual(http_get(f"http://127.0.0.1:{msggw.http_port}/ready")[0], 503)
        self.mariadb.start()
        wait_until(msggw.is_ready, 40, "recovery by itself")
        answers.update(postgres.submit_all(client, ["after"]))
        self.assertEqual(answers["after"], postgres.OK)
        wait_until(lambda: not answers.keys() - postgres.arrived(smppd).keys(), 20,
                   lambda: answers.keys() - postgres.arrived(smppd).keys())
        self.assertEqual(while_down.keys() & postgres.arrived(smppd).keys(), set(), "a refused message was sent")
        self.assertNotIn(PASSWORD, msggw.program.tail())

    def test_configuration_mistakes_are_named(self):
        config = self.write("bad.toml", '[store]\ntype = "mariadb"\nserver = "db"\n')
        done = subprocess.run([str(binary("msggw")), "--config", config, "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        for expected in ("store.server: ", "store.user: ", "store.database: "):
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
