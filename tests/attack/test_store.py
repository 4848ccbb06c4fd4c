"""A disk that is full and files that are damaged, against the running gateway.

The numbers in the test names are the cases of docs/attack-cases.md. MSGKIT_BIN_DIR is the build directory,
MSGKIT_SLOW_DISK_LIBRARY the library that makes a program's disk slow.
"""
import os
import resource
import time
import unittest
from collections import Counter

from gateway_under_attack import CARRIER_NUMBER, OK, SYSTEM_ERROR, THROTTLED, Client, Gateway
from gateway import Smppd, binary
from peers import PeerTest, http_get, wait_until
from raw_smpp import SUBMIT_SM, pdu, submit_sm_body


class SlowStore(PeerTest):
    def test_50_a_store_that_takes_long(self):
        slow = self.scratch / "slow"
        gateway = Gateway(self, Smppd(self).port, smpp="inbound_window = 100",
                          environment={"LD_PRELOAD": os.environ["MSGKIT_SLOW_DISK_LIBRARY"], "MSGKIT_SLOW_DISK": str(slow)})
        client = Client(gateway)
        self.assertEqual(client.submit(text=b"before")[0], OK)
        slow.touch()
        client.send(b"".join(pdu(SUBMIT_SM, 1000 + i, submit_sm_body("1", CARRIER_NUMBER, f"slow {i}".encode()))
                             for i in range(300)))
        # Nothing is acknowledged, what is beyond the window is asked to slow down, and everything else answers.
        self.assertEqual(Counter(client.receive()[1] for _ in range(200)), {THROTTLED: 200})
        asked = time.monotonic()
        self.assertEqual(http_get(f"http://127.0.0.1:{gateway.http_port}/health")[0], 200)
        self.assertEqual(http_get(f"http://127.0.0.1:{gateway.http_port}/metrics")[0], 200)
        self.assertLess(time.monotonic() - asked, 2)
        Client(gateway).close()  # binds as ever
        slow.unlink()
        self.assertEqual(Counter(client.receive()[1] for _ in range(100)), {OK: 100})


class Store(PeerTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.gateway = Gateway(self, self.smppd.port)
        self.log_file = self.gateway.store.with_name("msggw.db-wal")

    def arrived(self):
        return Counter(bytes.fromhex(r["octets"]).decode() for r in self.smppd.accepted())

    def limit_files(self, octets):
        """From now on the gateway's writes beyond that size fail, as on a full disk."""
        _, hard = resource.prlimit(self.gateway.program.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.gateway.program.process.pid, resource.RLIMIT_FSIZE, (octets, hard))

    def submit_all(self, client, names):
        client.send(b"".join(pdu(SUBMIT_SM, 1000 + i, submit_sm_body("1", CARRIER_NUMBER, name.encode()))
                             for i, name in enumerate(names)))
        return {names[sequence - 1000]: status for _, status, sequence, _ in (client.receive() for _ in names)}

    def test_47_a_full_disk(self):
        client = Client(self.gateway)
        answers = self.submit_all(client, [f"before {i}" for i in range(50)])
        self.assertEqual(set(answers.values()), {OK})
        self.limit_files(self.log_file.stat().st_size)
        full = {}
        for number in range(5):
            full.update(self.submit_all(client, [f"full {number} {i}" for i in range(20)]))
        # What fits into the space that is left is good; most is refused for now, and no connection is lost.
        refused = {n for n, status in full.items() if status != OK}
        self.assertEqual({full[n] for n in refused}, {SYSTEM_ERROR})
        self.assertGreater(len(refused), 50)
        self.assertTrue(client.is_alive())
        self.assertEqual(http_get(f"http://127.0.0.1:{self.gateway.http_port}/health")[0], 200)
        self.assertEqual(http_get(f"http://127.0.0.1:{self.gateway.http_port}/ready")[0], 503)
        self.limit_files(resource.RLIM_INFINITY)
        wait_until(self.gateway.is_ready, 30, "recovery by itself")
        self.assertEqual(client.submit(text=b"after")[0], OK)
        kept = {n for n, status in {**answers, **full}.items() if status == OK} | {"after"}
        wait_until(lambda: not kept - self.arrived().keys(), 20, lambda: f"{kept - self.arrived().keys()}")
        self.assertEqual(self.arrived().keys() & refused, set(), "a refused message was sent")

    def settled_messages(self, count):
        """Names of messages that were acknowledged, in a log that the kill leaves behind. No carrier takes them away."""
        self.smppd.program.stop()
        wait_until(lambda: self.gateway.metric("msggw_endpoint_up", endpoint="carrier:upstream") == 0, 10, "no carrier")
        client = Client(self.gateway)
        names = [f"kept {i}" for i in range(count)]
        for name in names:  # one commit each
            self.assertEqual(client.submit(text=name.encode())[0], OK)
        self.gateway.program.kill()
        return names

    def all_but_the_last_wait(self, names):
        def queued():
            return self.gateway.metric("msggw_endpoint_queued_messages", endpoint="carrier:upstream")
        wait_until(lambda: queued() >= len(names) - 1, 5, lambda: f"{len(names) - 1} queued messages, it is {queued()}")

    def refuses_to_start(self):
        program = self.start("msggw", [binary("msggw"), "--config", self.gateway.config])
        self.assertEqual(program.wait(10), 1, program.tail())
        return program.err_path.read_text(errors="replace")

    def test_49_a_torn_tail_is_cut(self):
        names = self.settled_messages(20)
        whole = self.log_file.read_bytes()
        self.log_file.write_bytes(whole[:-5000])  # inside the last commit
        self.gateway.start()
        self.all_but_the_last_wait(names)
        self.gateway.program.stop()

    def test_49_a_flipped_bit_at_the_tail_is_cut(self):
        names = self.settled_messages(20)
        self.flip(self.log_file, -100)
        self.gateway.start()
        self.all_but_the_last_wait(names)

    def test_49_a_flipped_bit_in_the_middle_of_the_log_is_refused(self):
        self.settled_messages(20)
        self.flip(self.log_file, self.log_file.stat().st_size // 2)
        damaged = self.log_file.read_bytes()
        for _ in range(2):
            text = self.refuses_to_start()
            self.assertIn(str(self.log_file), text)
        self.assertEqual(self.log_file.read_bytes(), damaged, "the evidence is left alone")

    def test_49_damage_in_the_main_file_is_refused(self):
        self.settled_messages(20)
        self.gateway.start()
        self.gateway.program.stop()  # an orderly end moves everything into the main file
        size = self.gateway.store.stat().st_size
        for at in (30, 3 * 8192, 8192):  # the header's reserved octets and format; a page's own header
            self.flip(self.gateway.store, min(at, size - 1))
        text = self.refuses_to_start()
        self.assertIn(str(self.gateway.store), text)

    def test_49_a_file_that_is_no_store_is_refused(self):
        self.gateway.program.stop()
        for content in (b"not a database at all" * 1000, b"SQLite format 3\0" + b"\xff" * 8176):
            self.gateway.store.write_bytes(content)
            self.assertIn(str(self.gateway.store), self.refuses_to_start())
            self.assertEqual(self.gateway.store.read_bytes(), content)

    def flip(self, path, at):
        octets = bytearray(path.read_bytes())
        octets[at] ^= 0x10
        path.write_bytes(octets)


if __name__ == "__main__":
    unittest.main(verbosity=2)
