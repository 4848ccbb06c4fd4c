"""Signals, descriptors, the clock and the log of the running gateway.

The numbers in the test names are the cases of docs/attack-cases.md. MSGKIT_BIN_DIR is the build directory,
MSGKIT_STEP_CLOCK the library that steps a program's wall clock.
"""
import json
import os
import signal
import struct
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

from gateway_under_attack import (CARRIER_NUMBER, FIRST, FIRST_NUMBER, INVALID_PASSWORD, OK, SECOND, Client, Gateway,
                                  Probe, bind_octets, read_to_end)
from gateway import Smppd
from peers import PeerTest, http_get, wait_until
from raw_smpp import DELIVER_SM_RESP, ENQUIRE_LINK, HEADER, SUBMIT_SM, SUBMIT_SM_RESP, pdu, submit_sm_body


class Load(threading.Thread):
    """Keeps 50 submits open until the connection ends."""

    def __init__(self, gateway, number):
        super().__init__(daemon=True)
        self.client = Client(gateway)
        self.number = number
        self.acknowledged, self.refused = set(), Counter()

    def run(self):
        count, open_ones = 0, {}
        try:
            while True:
                batch = b""
                while len(open_ones) < 50:
                    name = f"load {self.number} {count}"
                    count += 1
                    open_ones[count + 1] = name
                    batch += pdu(SUBMIT_SM, count + 1, submit_sm_body("1", CARRIER_NUMBER, name.encode()))
                self.client.send(batch)
                command_id, status, sequence, _ = self.client.receive()
                if command_id == SUBMIT_SM_RESP:
                    name = open_ones.pop(sequence)
                    if status == OK:
                        self.acknowledged.add(name)
                    else:
                        self.refused[status] += 1
                        time.sleep(0.01)
        except OSError:
            pass
        finally:
            self.client.close()


class Process(PeerTest):
    def start_gateway(self, **options):
        self.smppd = Smppd(self)
        self.gateway = Gateway(self, self.smppd.port, **options)
        return self.gateway

    def arrived(self):
        return Counter(bytes.fromhex(r["octets"]).decode() for r in self.smppd.accepted())

    def test_51_sigterm_under_load(self):
        gateway = self.start_gateway()
        loads = [Load(gateway, n) for n in range(4)]
        for load in loads:
            load.start()
        wait_until(lambda: all(len(load.acknowledged) > 100 for load in loads), 20, "load")
        began = time.monotonic()
        gateway.program.signal(signal.SIGTERM)
        self.assertEqual(gateway.program.wait(10), 0)
        self.assertLess(time.monotonic() - began, 10)
        for load in loads:
            load.join(10)
        acknowledged = set().union(*(load.acknowledged for load in loads))
        gateway.start()
        wait_until(lambda: not acknowledged - self.arrived().keys(), 60,
                   lambda: f"{len(acknowledged - self.arrived().keys())} of {len(acknowledged)} acknowledged messages")
        twice = {n for n, count in self.arrived().items() if count > 1}
        self.assertEqual(twice, set(), "a drained gateway sends nothing twice")

    def test_51_sigterm_with_a_client_that_never_answers(self):
        gateway = self.start_gateway()
        deaf = Client(gateway)
        Client(gateway, SECOND).submit(FIRST_NUMBER, b"no answer will come")
        deaf.next_deliver()
        gateway.program.signal(signal.SIGTERM)
        self.assertEqual(gateway.program.wait(10), 0)

    def test_51_sigpipe(self):
        gateway = self.start_gateway()
        with Probe(gateway) as probe:
            gateway.program.signal(signal.SIGPIPE)
            for _ in range(50):
                client = Client(gateway)
                client.send(b"".join(pdu(ENQUIRE_LINK, i) for i in range(2, 500)))
                client.reset()  # the answers meet a closed connection
            gateway.program.signal(signal.SIGPIPE)
            time.sleep(0.5)
        probe.worst_percent()
        self.assertTrue(gateway.program.running)

    def test_51_no_reader_for_the_log(self):
        # The shell's standard error goes into a pipe whose reader ends at once.
        launcher = ["/bin/bash", "-c", 'exec "$@" 2> >(exec true)', "bash"]
        gateway = self.start_gateway(launcher=launcher)
        self.assertEqual(Client(gateway).submit()[0], OK)
        wait_until(lambda: self.arrived()["hello"] == 1, 10, "the message")

    def test_51_no_descriptors_left(self):
        gateway = self.start_gateway(launcher=["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh"])
        with Probe(gateway) as probe:
            count_before = len(probe.seconds)
            crowd = [gateway.connect() for _ in range(100)]  # the kernel completes them, nobody can accept them
            wait_until(lambda: "out_of_descriptors" in gateway.log(), 10, "the log to say why")
            self.assertLessEqual(gateway.descriptors(), 64)
            wait_until(lambda: len(probe.seconds) > count_before + 50, 20, "the session to go on")
            began = self.processor_seconds()
            time.sleep(1)
            self.assertLess(self.processor_seconds() - began, 0.8, "accepting spins")
            for s in crowd:
                s.close()
            wait_until(lambda: http_get(f"http://127.0.0.1:{gateway.http_port}/health")[0] == 200, 10, "recovery")
            self.assertEqual(Client(gateway).submit()[0], OK)
        probe.worst_percent()

    def processor_seconds(self):
        fields = Path(f"/proc/{self.gateway.program.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_51_the_clock_is_stepped(self):
        offset = self.scratch / "offset"
        offset.write_bytes(struct.pack("q", 0))
        gateway = self.start_gateway(environment={"LD_PRELOAD": os.environ["MSGKIT_STEP_CLOCK"],
                                                  "MSGKIT_CLOCK_OFFSET": str(offset)})
        client = Client(gateway)
        ids = [client.submit(text=b"before")[1]]
        hour = 3600 * 10**9
        for step, text in ((hour, b"an hour on"), (-hour, b"an hour back"), (-24 * hour, b"a day back"), (0, b"after")):
            with open(offset, "r+b") as file:
                file.write(struct.pack("q", step))
            status, message_id = client.submit(text=text)
            self.assertEqual(status, OK, text)
            ids.append(message_id)
            wait_until(lambda: self.arrived()[text.decode()] == 1, 10, text)
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(ids, sorted(ids), "ids grow whatever the clock does")
        self.assertTrue(client.is_alive(), "session timers follow the steady clock")
        accepted = gateway.message(ids[1])["accepted_at"], gateway.message(ids[3])["accepted_at"]
        self.assertGreater(accepted[0], accepted[1], "the steps did not reach the gateway")
        for message_id in ids:
            wait_until(lambda: gateway.message(message_id)["state"] == "delivered", 10, "the receipts")

    def test_52_the_log_cannot_be_forged_and_keeps_secrets(self):
        gateway = self.start_gateway()
        self.hostile_talk(gateway)
        log = gateway.log()
        self.assertNotIn("\x1b", log)
        self.assertNotIn("\nFORGED", log)
        self.assertIn("FORGED", log, "the refused name is there, escaped")
        self.assert_no_secrets(log)

    def test_52_json_logs(self):
        gateway = self.start_gateway(log='level = "debug"\nformat = "json"')
        self.hostile_talk(gateway)
        # Warnings about the configuration come before there is a log.
        lines = [line for line in gateway.log().split("\n") if line and not line.startswith("msggw: warning: ")]
        lines = [json.loads(line) for line in lines]
        self.assertTrue(any("FORGED" in line.get("system_id", "") for line in lines))
        self.assertNotIn("\x1b", gateway.log())
        self.assert_no_secrets(gateway.log())

    def hostile_talk(self, gateway):
        for name in (b"x\nFORGED", b"\x1b[2J\x1b[31m", b"\r\nFORGED=1", b'"},{"FORG', b"\xff\xfe\x80\x07\x08"):
            s = gateway.connect()
            s.sendall(bind_octets(name, b"CANARYPW"))
            self.assertEqual(HEADER.unpack(read_to_end(s))[2], INVALID_PASSWORD)
        client, sender = Client(gateway), Client(gateway, SECOND)
        self.assertEqual(client.submit(text=b"CANARYTEXT to the carrier")[0], OK)
        self.assertEqual(sender.submit(FIRST_NUMBER, b"CANARYTEXT to a client")[0], OK)
        sequence, _ = client.next_deliver()
        client.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))
        broken = submit_sm_body("447700900001", CARRIER_NUMBER, b"CANARYTEXT broken")
        self.assertNotEqual(client.call(SUBMIT_SM, broken[:-3])[1], OK)
        wait_until(lambda: self.smppd.accepted(), 10, "the message at the carrier")
        client.send(b"\0\0\0\x01CANARYTEXT garbage")
        read_to_end(client.socket)

    def assert_no_secrets(self, log):
        for secret in ("CANARY", FIRST[1], SECOND[1], b"CANARY".hex(), b"CANARY".hex().upper()):
            self.assertNotIn(secret, log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
