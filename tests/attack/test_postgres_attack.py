"""Cases 49 to 52 with the messages in PostgreSQL: the tests of the embedded store where they apply as they are, and what
only a server can suffer. MSGKIT_BIN_DIR is the build directory, MSGKIT_STEP_CLOCK the library that steps a clock."""
import re
import subprocess
import unittest
from collections import Counter
from pathlib import Path

import test_process as process
from gateway_under_attack import CARRIER_NUMBER, OK, SYSTEM_ERROR, Client, Gateway
from gateway import Smppd, binary
from peers import PeerTest, http_get, wait_until
from postgres import Postgres
from raw_smpp import SUBMIT_SM, pdu, submit_sm_body


class OnPostgres:
    initdb_options = ()

    def setUp(self):
        super().setUp()
        self.postgres = Postgres(self, self.initdb_options)


class ProcessOnPostgres(OnPostgres, process.Process):
    pass


class Damage(OnPostgres, PeerTest):
    initdb_options = ("--data-checksums",)

    def setUp(self):
        super().setUp()
        self.gateway = Gateway(self)  # its carrier is not there: messages wait

    def submit_all(self, count=20):
        client = Client(self.gateway)
        for i in range(count):  # one commit each
            self.assertEqual(client.submit(text=f"kept {i}".encode())[0], OK)
        return count

    def queued(self):
        return self.gateway.metric("msggw_endpoint_queued_messages", endpoint="carrier:upstream")

    def flip(self, path, at):
        with open(path, "r+b") as file:
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ 0x10]))

    def test_49_a_damaged_row_is_named_and_the_others_go_on(self):
        count = self.submit_all()
        self.gateway.program.stop()
        self.postgres.sql("UPDATE msgkit_message SET content = set_byte(content, 20, get_byte(content, 20) # 16)"
                          " WHERE id = (SELECT id FROM msgkit_message ORDER BY id LIMIT 1)")
        self.gateway.start()
        wait_until(lambda: self.queued() == count - 1, 10, lambda: f"{count - 1} queued messages, it is {self.queued()}")
        self.assertEqual(self.gateway.metric("msggw_store_damaged_rows_total"), 1)
        self.assertIn("checksum", self.gateway.log())

    def test_49_a_damaged_page_is_refused_at_start(self):
        self.submit_all()
        self.gateway.program.stop()
        self.postgres.sql("CHECKPOINT")
        page = self.postgres.directory / "data" / self.postgres.sql("SELECT pg_relation_filepath('msgkit_message')")
        self.postgres.program.stop()
        self.flip(page, page.stat().st_size - 1000)
        self.postgres.start()
        program = self.start("msggw", [binary("msggw"), "--config", self.gateway.config])
        self.assertEqual(program.wait(20), 1, program.tail())
        self.assertIn("invalid page", program.tail())

    def test_49_a_torn_last_commit_of_the_servers_log_is_cut(self):
        count = self.submit_all()
        self.gateway.program.kill()
        self.postgres.kill()
        log, at = self.last_commit()
        self.flip(log, at + 16)  # within the record's header and its checksum's reach
        self.postgres.start()
        self.gateway.start()
        wait_until(lambda: self.queued() >= count - 1, 10, lambda: f"{count - 1} queued messages, it is {self.queued()}")

    def last_commit(self):
        """The file of the server's log that holds the last commit of a message, and where in it."""
        directory = self.postgres.directory / "data" / "pg_wal"
        first = min(p.name for p in directory.iterdir() if re.fullmatch("[0-9A-F]{24}", p.name))
        dump = subprocess.run([self.postgres.bin / "pg_waldump", "-p", directory, first], capture_output=True, text=True,
                              check=False).stdout  # it ends with an error where the log does
        high, low = re.findall(r"lsn: ([0-9A-F]+)/([0-9A-F]+), prev \S+, desc: COMMIT", dump)[-1]
        segment = 16 * 1024 * 1024
        return directory / f"00000001{int(high, 16):08X}{int(low, 16) // segment:08X}", int(low, 16) % segment


class NoConnections(OnPostgres, PeerTest):
    def test_50_no_connection_to_be_had(self):
        self.postgres.sql("CREATE ROLE gw LOGIN")
        self.postgres.sql("CREATE DATABASE gw OWNER gw")
        owner, self.postgres.dsn = self.postgres.dsn, f"host={self.postgres.directory} user=gw dbname=gw"
        smppd = Smppd(self)
        gateway = Gateway(self, smppd.port)
        self.postgres.dsn = owner
        client = Client(gateway)
        self.assertEqual(client.submit(text=b"before")[0], OK)
        self.postgres.sql("ALTER ROLE gw CONNECTION LIMIT 0")
        self.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gw'")
        names = [f"meanwhile {i}" for i in range(50)]
        client.send(b"".join(pdu(SUBMIT_SM, 1000 + i, submit_sm_body("1", CARRIER_NUMBER, name.encode()))
                             for i, name in enumerate(names)))
        self.assertEqual(Counter(client.receive()[1] for _ in names), {SYSTEM_ERROR: len(names)})
        self.assertEqual(http_get(f"http://127.0.0.1:{gateway.http_port}/health")[0], 200)
        self.assertEqual(http_get(f"http://127.0.0.1:{gateway.http_port}/ready")[0], 503)
        Client(gateway).close()  # binds as ever
        self.postgres.sql("ALTER ROLE gw CONNECTION LIMIT -1")
        wait_until(gateway.is_ready, 40, "recovery by itself")
        self.assertEqual(client.submit(text=b"after")[0], OK)
        arrived = lambda: {bytes.fromhex(r["octets"]).decode() for r in smppd.accepted()}  # noqa: E731
        wait_until(lambda: arrived() >= {"before", "after"}, 20, arrived)
        self.assertEqual(arrived() & set(names), set(), "a refused message was sent")


if __name__ == "__main__":
    unittest.main(verbosity=2)
