"""kill -9 of two mmsgw under load, one sending to the other over MM4 and over MM7, on SQLite and on PostgreSQL.

Every message whose sending was answered with 202 has to reach the other side, as one message; so has every mail that a peer
was told 250 for. Copies that were sent again carry the same ids and are recognised.

    MSGKIT_CRASH_ROUNDS   rounds of each kind are a tenth of it, default 50
    MSGKIT_CRASH_SEED     of the random moments; printed, so that a run can be repeated
"""
import itertools
import os
import random
import smtplib
import threading
import time
import unittest
import urllib.error

from mmsgw import FROM, TO, Application, Gateway, MmsgwTest, mm4_gateway, mm7_gateway
from peers import free_port, wait_until
from postgres import Postgres

ROUNDS = max(1, int(os.environ.get("MSGKIT_CRASH_ROUNDS", "50")) // 10)
SEED = int(os.environ.get("MSGKIT_CRASH_SEED", str(int(time.time()))))
KILL_AFTER_SECONDS = (0.02, 0.5)


class Load(threading.Thread):
    """Does one thing after the other until told to stop; keeps what was answered for."""

    def __init__(self, work):
        super().__init__()
        self.work, self.acknowledged, self.stopping = work, [], threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.acknowledged.append(self.work())
            except (OSError, smtplib.SMTPException, urllib.error.URLError):
                self.stopping.wait(0.01)  # it is being started again

    def end(self):
        self.stopping.set()
        self.join()
        return self.acknowledged


class Kill9Test(MmsgwTest):
    def rounds(self, victims, loads):
        print(f"MSGKIT_CRASH_SEED={SEED}")
        chance = random.Random(SEED)
        for load in loads:
            load.start()
        try:
            for _ in range(ROUNDS):
                for victim in victims:
                    time.sleep(chance.uniform(*KILL_AFTER_SECONDS))
                    victim.process.kill()
                    victim.start()
        finally:
            kept = [load.end() for load in loads]
        return kept

    def sent_and_received(self, a, b, application):
        b.start(), a.start()
        template = a.template(parts=[{"content_name": "t.txt", "content_type": "text/plain", "content": "x" * 2_000}])["id"]
        marks = (f"k{i}" for i in itertools.count())

        def send():
            mark = next(marks)
            status, made = a.call("POST", f"/mms/outbound/{template}", {"destination": TO, "linked_id": mark})
            if status != 202:
                raise OSError(made)
            return made["id"]
        acknowledged, = self.rounds([a, b], [Load(send)])
        self.assertGreater(len(acknowledged), ROUNDS)
        wait_until(lambda: all("ACKNOWLEDGED" in a.states(s) for s in acknowledged), 90,
                   lambda: f"{[(s, a.states(s)) for s in acknowledged if 'ACKNOWLEDGED' not in a.states(s)]}\n{a.process.tail()}\n{b.process.tail()}")
        # Not the number of them: messages whose 202 was cut off come too.
        self.wait(lambda: {m["last_tran_id"].split("-")[0] for m in application.received()} >= set(acknowledged), a, b)
        # One message each at the other side, however often it was sent or called back about. A message whose 202 was cut off
        # may be there too.
        by_reference = {}
        for m in application.received():
            by_reference.setdefault(m["last_tran_id"].split("-")[0], set()).add(m["id"])
        self.assertEqual({len(ids) for ids in by_reference.values()}, {1})
        self.assertLessEqual(len(by_reference), len(acknowledged) + 2 * ROUNDS)

    def test_mm4(self):
        self.sent_and_received(*self.pair())

    def test_mm7(self):
        application = Application(self)
        a, b = Gateway(self, "a", ""), Gateway(self, "b", "", application)
        a.peers = mm7_gateway("b", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a")
        b.peers = mm7_gateway("a", f"http://127.0.0.1:{a.http_port}/mmsgw/v1/mms/inbound/b")
        self.sent_and_received(a, b, application)

    def test_mm4_on_postgresql(self):
        database = Postgres(self)
        a, b, application = self.pair()
        for gateway in (a, b):
            database.sql(f"CREATE DATABASE {gateway.name}")
            gateway.store = f'type = "postgres"\ndsn = "host={database.directory} user=msgkit dbname={gateway.name}"\nlease = "1s"'
        self.sent_and_received(a, b, application)

    def test_mails_that_were_answered_with_250(self):
        application = Application(self)
        b = Gateway(self, "b", mm4_gateway("peer", "peer", free_port(), "b.test", "peer.test"), application).start()
        numbers = itertools.count()

        def mail():
            number = next(numbers)
            text = "\r\n".join([
                f"From: {FROM}/TYPE=PLMN", f"To: {TO}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version: 6.10.0",
                "X-Mms-Message-Type: MM4_forward.REQ", f'X-Mms-Transaction-ID: "t{number}"', f'X-Mms-Message-ID: "m{number}@peer.test"',
                "Content-Type: text/plain", "", "hello", ""])
            with smtplib.SMTP("127.0.0.1", b.mm4_port, timeout=20) as client:
                client.sendmail("x@peer.test", [f"{TO}/TYPE=PLMN@b.test"], text)
            return f"m{number}@peer.test"
        acknowledged, = self.rounds([b], [Load(mail)])
        self.assertGreater(len(acknowledged), ROUNDS)
        self.wait(lambda: {m["peer_ref"] for m in application.received()} >= set(acknowledged), b)
        self.assertEqual(len({m["id"] for m in application.received()}), len({m["peer_ref"] for m in application.received()}))


if __name__ == "__main__":
    unittest.main()
