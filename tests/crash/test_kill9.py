"""kill -9 of msggw under load: no acknowledged message may be lost.

Each round sends uniquely numbered messages over two connections, kills the gateway at a random moment, and starts it
again on the same store. In the end every message that was ever acknowledged has to have reached the carrier. One that
reached it more than once must have, for each further copy, an attempt whose outcome the gateway could not know.

    MSGKIT_BIN_DIR        the directory apps/ of the build tree
    MSGKIT_CRASH_ROUNDS   rounds, default 50
    MSGKIT_CRASH_SEED     of the random moments; printed, so that a run can be repeated
"""
import contextlib
import os
import random
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import CLIENT_ID, CLIENT_PASSWORD, Msggw, Smppd  # noqa: E402
from peers import PeerTest, wait_until  # noqa: E402
from postgres import Postgres  # noqa: E402
from raw_smpp import (ENQUIRE_LINK, ENQUIRE_LINK_RESP, SUBMIT_SM, SUBMIT_SM_RESP, RawClient, pdu,  # noqa: E402
                      submit_sm_body)

ROUNDS = int(os.environ.get("MSGKIT_CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("MSGKIT_CRASH_SEED", str(int(time.time()))))
CONNECTIONS, WINDOW = 2, 20
# The kill falls anywhere between the first acknowledgements and a store that is well under load.
KILL_AFTER_SECONDS = (0.02, 0.4)


class Load(threading.Thread):
    """Keeps a window of submits open until the connection dies; remembers what was acknowledged."""

    def __init__(self, port, names):
        super().__init__()
        self.client = RawClient(port, CLIENT_ID, CLIENT_PASSWORD)
        self.names = names
        self.open = {}          # sequence -> name
        self.acknowledged = {}  # name -> message_id
        self.refused = Counter()
        self.trouble = None

    def run(self):
        try:
            sequence = 2
            while True:
                batch = b""
                while len(self.open) < WINDOW:
                    name = next(self.names)
                    self.open[sequence] = name
                    batch += pdu(SUBMIT_SM, sequence, submit_sm_body("447700900001", "46700123456", name.encode()))
                    sequence += 1
                if batch:
                    self.client.send(batch)
                self.take_answer()
        except (ConnectionError, TimeoutError) as e:
            self.trouble = e
        finally:
            self.client.close()

    def take_answer(self):
        command_id, status, sequence, body = self.client.receive()
        if command_id == SUBMIT_SM_RESP:
            name = self.open.pop(sequence)
            if status == 0:
                self.acknowledged[name] = body.rstrip(b"\0").decode()
            else:
                self.refused[status] += 1
        elif command_id == ENQUIRE_LINK:
            self.client.send(pdu(ENQUIRE_LINK_RESP, sequence))


def unique_names(round_number, connection):
    count = 0
    while True:
        yield f"crash {round_number} {connection} {count}"
        count += 1


class Kill9Test(PeerTest):
    def one_round(self, msggw, number, draw):
        loads = [Load(msggw.smpp_port, unique_names(number, c)) for c in range(CONNECTIONS)]
        for load in loads:
            load.start()
        wait_until(lambda: all(load.acknowledged for load in loads), 10, "the first acknowledgements")
        time.sleep(draw.uniform(*KILL_AFTER_SECONDS))
        msggw.program.kill()
        for load in loads:
            load.join(10)
            self.assertIsInstance(load.trouble, ConnectionError, "the load ended before the kill, or not at all")
        msggw.start()
        return loads

    def test_no_acknowledged_message_is_lost(self):
        self.rounds(ROUNDS)

    def test_no_acknowledged_message_is_lost_on_postgres(self):
        self.rounds(max(ROUNDS // 3, 1), Postgres(self).store_lines())

    def rounds(self, rounds, store=None):
        draw = random.Random(SEED)
        smppd = Smppd(self, receipt_delay_ms=5)
        msggw = Msggw(self, smppd.port, store)
        acknowledged, refused = {}, Counter()
        for number in range(rounds):
            for load in self.one_round(msggw, number, draw):
                acknowledged.update(load.acknowledged)
                refused.update(load.refused)

        def arrived():
            return Counter(bytes.fromhex(r["octets"]).decode() for r in smppd.accepted())

        def missing():
            return acknowledged.keys() - arrived().keys()

        # A backlog may take its time to drain, as long as it does.
        left = len(acknowledged) + 1
        while len(missing()) not in (0, left):
            left = len(missing())
            with contextlib.suppress(AssertionError):
                wait_until(lambda: len(missing()) < left, 30, "more messages at the carrier")
        if missing():
            self.fail(f"seed {SEED}: {len(missing())} of {len(acknowledged)} acknowledged messages are lost, "
                      f"e.g. {sorted(missing())[:5]}")
        again = {name: count - 1 for name, count in arrived().items() if count > 1}
        for name in again.keys() & acknowledged.keys():
            message = msggw.message(acknowledged[name])
            self.assertIsNotNone(message, name)
            unknown = sum(event["event"] == "attempt_unknown" for event in message["events"])
            self.assertLessEqual(again[name], unknown, f"{name} was sent again although its outcome was known: {message}")
        print(f"kill -9: {rounds} rounds, seed {SEED}: {len(acknowledged)} acknowledged, 0 lost, "
              f"{len(again)} sent again, {sum(refused.values())} refused", file=sys.stderr)
        self.assertGreater(len(acknowledged), rounds, "there was no load worth the name")


if __name__ == "__main__":
    unittest.main(verbosity=2)
