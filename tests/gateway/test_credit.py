"""Clients that pay before: holds and charges, refusals, top-ups, crashes, two gateways; and the pace that gateways share."""
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import basic  # noqa: E402
from gateway import Smppd  # noqa: E402
from peers import wait_until  # noqa: E402
from raw_smpp import SUBMIT_SM, RawClient, pdu, submit_sm_body  # noqa: E402
from two_gateways import TwoGateways  # noqa: E402
import test_api  # noqa: E402
from test_operations import samples  # noqa: E402

ESME_NO_CREDIT = 0x402
PRICES = """
[[price_lists]]
name = "retail"
prices = [{prefix = "46", price = 30}, {prefix = "4670", price = 50}]
"""


class OnSqlite(test_api.ApiTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway(PRICES)
        self.add_carrier(self.smppd)
        paid = {"price_list": "retail"}
        self.web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web", "settings": paid})
        self.add(f"/clients/{self.web['id']}/numbers", {"number": "15550001", "carrier": "up"})
        self.auth = basic("web", "secret-5")

    def credit(self, client="web"):
        return self.api.ask("GET", f"/credit/{client}")[1]

    def top_up(self, amount, reference, client="web", status=200):
        got, answer, _ = self.api.ask("POST", f"/credit/{client}", {"amount": amount, "reference": reference})
        self.assertEqual(got, status, answer)
        return answer

    def post(self, to="46700123456", **headers):
        return self.api.ask("POST", "/messages", {"to": to, "text": "x"}, headers, self.auth)[0]

    def ledger(self, after=0, client="web"):
        return self.api.ask("GET", f"/credit/{client}/ledger?after={after}")[1]

    def settled(self, balance, client="web"):
        wait_until(lambda: (self.credit(client)["balance"], self.credit(client)["held"]) == (balance, 0), 120,
                   lambda: f"{self.credit(client)}\n{self.ledger(client=client)}")

    def test_messages_are_held_for_charged_and_refused(self):
        self.assertEqual(self.post(), 402)
        self.top_up(100, "invoice 1")
        self.assertEqual([self.post(), self.post(), self.post()], [202, 202, 402])
        self.assertEqual(self.post(to="4915550001"), 422)
        self.settled(0)
        own = self.api.ask("GET", "/credit", authorization=self.auth)
        self.assertEqual((own[0], own[1]), (200, self.credit()))
        self.assertEqual(self.api.ask("GET", "/credit", authorization=basic("web", "wrong"))[0], 401)
        kinds = [e["kind"] for e in self.ledger()]
        self.assertEqual((kinds[0], kinds.count("hold"), kinds.count("charge")), ("top-up", 2, 2))
        self.assertEqual(len(self.ledger(after=4)), 1)
        metrics = samples(self.msggw.http_port)
        self.assertEqual((metrics["msggw_credit_charged_units_total"][""], metrics["msggw_credit_refused_total"][""]), (100, 2))
        audit = [e for e in self.api.ask("GET", "/audit")[1] if e["kind"] == "credit"]
        self.assertEqual([(e["id"], e["after"]["amount"], e["after"]["reference"]) for e in audit],
                         [(self.web["id"], 100, "invoice 1")])
        # Who asks again after an answer that was lost is noted too: the first time may not have been.
        self.top_up(100, "invoice 1")
        noted = [e["after"]["repeated"] for e in self.api.ask("GET", "/audit")[1] if e["kind"] == "credit"]
        self.assertEqual((self.credit()["balance"], sorted(noted)), (0, [False, True]))

    def test_over_smpp_the_status_says_so(self):
        self.api.ask("PUT", f"/clients/{self.web['id']}/settings", {"price_list": ""})
        self.assertEqual(self.post(), 202)
        alice = self.add("/clients", {"username": "alice", "password": "secret-3", "settings": {"price_list": "retail"}})
        self.add(f"/clients/{alice['id']}/numbers", {"number": "15550002", "carrier": "up"})
        self.top_up(30, "a", "alice")
        client = RawClient(self.msggw.smpp_port, "alice", "secret-3")
        self.addCleanup(client.close)
        statuses = []
        for sequence, to in enumerate(("46800000001", "46800000001"), 2):
            client.send(pdu(SUBMIT_SM, sequence, submit_sm_body("15550002", to, b"x")))
            statuses.append(client.receive()[1])
        self.assertEqual(statuses, [0, ESME_NO_CREDIT])

    def test_a_top_up_that_is_asked_again_is_booked_once(self):
        for _ in range(2):
            self.assertEqual(self.top_up(70, "invoice 2")["balance"], 70)
        self.top_up(71, "invoice 2", status=409)
        self.assertEqual(self.top_up(-20, "correction")["balance"], 50)
        self.top_up(1, "x", "nobody", 404)
        for body in ({"amount": 0, "reference": "x"}, {"amount": 1.5, "reference": "x"}, {"amount": 1}, {"amount": 1, "reference": ""}):
            self.assertEqual(self.api.ask("POST", "/credit/web", body)[0], 400, body)

    def test_nothing_is_charged_twice_over_kill_9(self):
        """Messages under keys of their own, asked again after each death: one hold and one charge each."""
        count = 30
        self.top_up(50 * count, "a")
        taken = set()
        for round_ in range(3):
            for n in range(count):
                if n in taken:
                    continue
                if self.post(to=f"467000000{n:02}", **{"Idempotency-Key": f"k{n}"}) == 202:
                    taken.add(n)
                if len(taken) == (round_ + 1) * count // 3:
                    break
            self.msggw.program.kill()
            self.msggw.start()
            for n in sorted(taken)[:3]:
                self.assertEqual(self.post(to=f"467000000{n:02}", **{"Idempotency-Key": f"k{n}"}), 202)
        self.assertEqual(len(taken), count)
        self.settled(0)
        entries = self.ledger()
        charged = [e["message"] for e in entries if e["kind"] == "charge"]
        self.assertEqual((len(charged), len(set(charged))), (count, count))
        self.assertEqual([e["number"] for e in entries], list(range(1, 2 * count + 2)))


class OnPostgres(TwoGateways):
    """One client of both gateways."""

    def setUp(self):
        super().setUp()
        for gateway in self.both:
            gateway.program.stop()
            config = Path(gateway.config)
            config.write_text(config.read_text() + PRICES)
            gateway.start()

    def make_client(self, **settings):
        client = self.add(self.first, "/clients", {"username": "web", "password": "secret-5", "type": "web",
                                                   "settings": settings})
        self.add(self.first, f"/clients/{client['id']}/numbers", {"number": "15550001"})
        self.auth = basic("web", "secret-5")
        known = lambda: self.second.ask("GET", f"/clients/{client['id']}/numbers")[1]  # noqa: E731
        wait_until(lambda: isinstance(known(), list) and known(), 20, self.tails)

    def post(self, gateway, text="x"):
        return gateway.ask("POST", "/messages", {"to": "46700123456", "text": text}, authorization=self.auth)[0]

    def test_both_gateways_spend_the_same_credit(self):
        self.make_client(price_list="retail")
        self.assertEqual(self.second.ask("POST", "/credit/web", {"amount": 250, "reference": "a"})[0], 200)
        answers = [self.post(self.both[i % 2]) for i in range(8)]
        self.assertEqual(sorted(answers), [202] * 5 + [402] * 3)
        credit = lambda: self.first.ask("GET", "/credit/web")[1]  # noqa: E731
        wait_until(lambda: (credit()["balance"], credit()["held"]) == (0, 0), 30, lambda: f"{credit()}\n{self.tails()}")

    def measure(self, gateways, seconds):
        """Parts taken a second by `gateways`, which are asked all the time; and how long it took."""
        taken, began = [0] * len(gateways), time.monotonic()

        def ask(i):
            while time.monotonic() - began < seconds:
                taken[i] += self.PARTS if self.post(gateways[i], "y" * 153 * self.PARTS) == 202 else 0
                time.sleep(0.02)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(gateways))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return taken, time.monotonic() - began

    PACE, PARTS = 10, 5

    def test_a_pace_is_shared_and_is_whole_again_when_one_dies(self):
        self.make_client(segments_per_second=self.PACE)
        for gateway in self.both:
            self.assertEqual(self.post(gateway), 202)
        told = lambda: self.postgres.sql("SELECT count(*) FROM msgkit_session WHERE endpoint = 'pace:client:web'")  # noqa: E731
        wait_until(lambda: told() == "2", 30, told)
        self.measure(self.both, 2)  # what both had for themselves is used up
        taken, seconds = self.measure(self.both, 6)
        # Full buckets of both are a second's worth together; each may owe a message.
        self.assertLessEqual(sum(taken), self.PACE * seconds + self.PACE + 2 * self.PARTS, taken)
        self.assertTrue(all(taken), taken)
        self.first.program.kill()

        def has_all_of_it():
            alone, length = self.measure([self.second], 4)
            return alone[0] >= 0.7 * self.PACE * length
        wait_until(has_all_of_it, 90, self.tails)


if __name__ == "__main__":
    unittest.main(verbosity=2)
