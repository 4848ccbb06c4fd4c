"""The bridge with its messages in PostgreSQL and MariaDB, and goippy's database in MariaDB."""
import shutil
import unittest

from bridge import DOMAIN, LINE, BridgeTest, PeerTest, require, wait_until
from mariadb import DATABASE, PASSWORD, Mariadb
from postgres import Postgres
from test_command_line import GOIPPY_CONFIG, run


def require_mariadb():
    require(shutil.which("mariadb-install-db"), "mariadb-server")


class Cases:
    def test_both_ways_and_through_kill_9(self):
        bridge, device = self.start_all()
        client = self.client(f"to:+3725552@{DOMAIN}", "send:tere", "wait:1")
        client.wait_for_event("receipt", 60)
        client.stop()
        self.server.stop()
        wait_until(lambda: not self.is_ready(), 30, "the bridge to see that the server is away")
        device.command(f"sms {LINE} +3725551 survivor")
        wait_until(lambda: "acknowledged g1 RECEIVE" in device.output(), 30, device.tail)
        bridge.kill()
        self.server.start()
        self.start_bridge()
        self.assertEqual(self.bodies(self.run_client("wait:1")), ["survivor"])


class OnPostgres(Cases, BridgeTest):
    def setUp(self):
        super().setUp()
        self.postgres = Postgres(self)

    def store(self, database):
        return self.postgres.store_lines()


class OnMariadb(Cases, BridgeTest):
    def setUp(self):
        super().setUp()
        require_mariadb()
        self.mariadb = Mariadb(self)

    def store(self, database):
        return self.mariadb.store_lines()


class ImportFromMariadb(PeerTest):
    def test_gateways_and_calls_are_taken_over(self):
        require_mariadb()
        mariadb = Mariadb(self)
        mariadb.sql(f"""USE {DATABASE};
            CREATE TABLE goippy_gateways(id INT AUTO_INCREMENT PRIMARY KEY, ext VARCHAR(32) UNIQUE, goip_id VARCHAR(64) UNIQUE,
              goip_pass VARCHAR(64), channel INT, msisdn VARCHAR(32), allow_regex VARCHAR(255), enabled TINYINT(1) DEFAULT 1);
            CREATE TABLE goippy_calls(id BIGINT AUTO_INCREMENT PRIMARY KEY, ts INT, goip_id VARCHAR(64), ext VARCHAR(32),
              direction TINYINT, remote_num VARCHAR(32), cause VARCHAR(32));
            CREATE TABLE goippy_log(id BIGINT AUTO_INCREMENT PRIMARY KEY, dir ENUM('in', 'out'), msisdn VARCHAR(32),
              xmpp_jid VARCHAR(255), body TEXT, status VARCHAR(64), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO goippy_log(dir, msisdn, xmpp_jid, body, status) VALUES('in', '+3725551', '2001@localhost', 'x', 'recv');
            INSERT INTO goippy_gateways(ext, goip_id, goip_pass, allow_regex) VALUES('2001', 'goippy_2001', 'one', '^[+]372');
            INSERT INTO goippy_calls(ts, goip_id, direction, remote_num) VALUES(1700000000, 'goippy_2001', 2, '+3725551');""")
        config = self.scratch / "goippy.conf"
        text = GOIPPY_CONFIG.format(database="unused", trap=self.scratch / "trap").replace('"sqlite"', '"mysql"')
        config.write_text(text + f"""DB_HOST = "{mariadb.directory}/socket"
DB_BASE = "{DATABASE}"
DB_USER = "msggw"
DB_PASS = "{PASSWORD}"
""")
        output = self.scratch / "new.toml"
        self.assertIn("1 lines (0 disabled), 1 calls, 1 messages",
                      run("import", config, "--output", output, "--state-directory", self.scratch / "state"))
        self.assertIn("^[+]372", run("list-lines", "-c", output))


if __name__ == "__main__":
    unittest.main(verbosity=2)
