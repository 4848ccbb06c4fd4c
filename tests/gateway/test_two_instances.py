"""The loss and duplication matrix of docs/several-gateways.md: two msggw on one PostgreSQL, and what happens when one dies,
moves, pauses or is slow to hear. In every case nothing acknowledged is lost; what may come twice is stated as a number."""
import os
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from two_gateways import (DELIVER_WINDOW, PUBLIC, SETTLE_SECONDS, WINDOW, Load,  # noqa: E402
                          RawClient, TwoGateways, is_health_answered, text_of, wait_until)
from api import basic  # noqa: E402
from gateway import binary  # noqa: E402
from mock_carriers import Twilio  # noqa: E402
from raw_smpp import DELIVER_SM  # noqa: E402

CLIENTS_NUMBER = "447700900001"


class Death(TwoGateways):
    def test_kill_9_of_one_gateway(self):
        self.assertLessEqual(self.under_load(self.kill_first), WINDOW)

    def test_one_gateway_after_the_other_is_restarted(self):
        def restart():
            for gateway in self.both:
                self.assertEqual(gateway.program.stop(), 0, gateway.program.tail())
                gateway.start()
        self.assertEqual(self.under_load(restart), 0)

    def test_postgresql_is_restarted_at_once(self):
        def restart():
            self.postgres.program.signal(signal.SIGQUIT)  # what pg_ctl restart -m immediate sends
            self.postgres.program.wait(20)
            self.assertTrue(is_health_answered(self.first))
            self.postgres.start()
            for gateway in self.both:
                wait_until(gateway.is_ready, 60, gateway.program.tail)
        self.assertEqual(self.under_load(restart), 0)

    def test_a_batch_goes_on_at_the_other_gateway(self):
        client = self.add(self.first, "/clients", {"username": "web", "password": "secret-5", "type": "web"})
        self.add(self.first, f"/clients/{client['id']}/numbers", {"number": "15550001"})
        auth, count = basic("web", "secret-5"), 30
        status, batch = self.first.ask("POST", "/messages/batch", {"throttle_per_second": 10, "messages": [
            {"to": str(46700100000 + i), "text": f"item {i}"} for i in range(count)]}, authorization=auth)
        self.assertEqual(status, 202, batch)
        wait_until(lambda: len(self.arrived()) >= 10, 20, self.tails)
        self.first.program.kill()
        one = f"/messages/batch/{batch['id']}"
        get = lambda rest="": self.second.ask("GET", one + rest, authorization=auth)[1]  # noqa: E731
        wait_until(lambda: get()["status"] == "completed", SETTLE_SECONDS, lambda: f"{get()}\n{self.tails()}")
        self.assertEqual(get()["sent_count"], count)
        self.assertEqual(len({i["message_id"] for i in get("/messages?per_page=100")["messages"]}), count)
        wait_until(lambda: len(self.arrived()) == count, SETTLE_SECONDS, self.tails)
        self.assertLessEqual(sum(self.arrived().values()) - count, WINDOW)


class Place(TwoGateways):
    def receipt_delay_ms(self):
        return 2000

    def test_a_client_bound_at_the_other_gateway_gets_its_message(self):
        receiver = self.second.bind()
        for i in range(20):
            self.submit(self.sender, f"to you {i}".encode(), CLIENTS_NUMBER)
        texts = self.deliveries(receiver, lambda t: len(t) == 20)
        self.assertEqual(set(texts.values()), {1})

    def test_a_client_moves_in_the_middle_of_its_window(self):
        names = {f"moving {i}" for i in range(40)}
        for name in sorted(names):
            self.submit(self.sender, name.encode(), CLIENTS_NUMBER)
        receiver = self.first.bind()
        seen = set(self.deliveries(receiver, lambda t: len(t) >= 10))
        while True:  # the window fills; nothing is acknowledged any more
            command_id, _, _, body = receiver.receive()
            if command_id == DELIVER_SM:
                last = text_of(body)
                break
        receiver.close()
        again = self.deliveries(self.second.bind(), lambda t: not names - seen - t.keys())
        self.assertIn(last, again, "what was not acknowledged comes again")
        self.assertLessEqual(sum(again.values()) - len(names - seen), DELIVER_WINDOW)
        self.assertLessEqual(set(again.values()), {1})

    def test_parts_of_a_long_message_arrive_at_both(self):
        clients = [g.bind() for g in self.both]
        parts = [bytes([5, 0, 3, 200, 2, n]) + text for n, text in ((1, b"first half, "), (2, b"second half"))]
        ids = [self.submit(c, p, esm_class=0x40) for c, p in zip(clients, parts)]
        wait_until(lambda: len(self.smppd.accepted()) >= 1, 30, self.tails)
        self.assertEqual(ids[0], ids[1], "both parts have the id of the message they make")
        self.submit(clients[0], b"a later one")
        wait_until(lambda: self.arrived()["a later one"], 30, self.tails)
        self.assertEqual(self.arrived(), {"first half, second half": 1, "a later one": 1})

    def test_a_receipt_comes_back_over_the_gateway_that_lives(self):
        message_id = self.submit(self.first.bind(), b"with receipt", registered_delivery=1)
        # Known to be sent: before that the other one sends it again.
        state = lambda: self.first.ask("GET", f"/messages/{message_id}")[1].get("state")  # noqa: E731
        wait_until(lambda: state() in ("sent", "delivered"), 20, self.tails)
        self.first.program.kill()  # its bind is gone: the carrier has the other one for its receipt
        texts = self.deliveries(self.second.bind(timeout=60), lambda t: t, SETTLE_SECONDS)
        self.assertEqual([t for t in texts if f"id:{message_id} " in t and "stat:DELIVRD" in t], list(texts))
        self.assertEqual(self.arrived()["with receipt"], 1)

    def setUp(self):
        super().setUp()
        self.add(self.second, "/clients", {"username": "sender", "password": "secret-8",
                                           "settings": {"any_sender": True}})
        self.sender = wait_until(lambda: self.try_bind(self.first, ("sender", "secret-8")), 10, self.tails)

    def try_bind(self, gateway, who):
        try:
            return gateway.bind(who)
        except ConnectionError:
            return None


class Directory(TwoGateways):
    def bound(self, gateway, who):
        try:
            RawClient(gateway.smpp_port, *who, timeout=20).close()
            return True
        except ConnectionError:
            return False

    def test_what_is_changed_at_one_gateway_holds_at_the_other_within_a_second(self):
        began, rounds = time.monotonic(), 8
        for i in range(rounds):
            here, there = self.both if i % 2 == 0 else self.both[::-1]
            who = (f"client{i}", "secret-3")
            self.add(here, "/clients", {"username": who[0], "password": who[1]})
            wait_until(lambda: self.bound(there, who), 20, there.program.tail)
        # Together, because a single one may meet a busy machine. The poll alone would take two seconds each.
        self.assertLess(time.monotonic() - began, rounds)

    def test_a_revoked_key_and_a_removed_client_are_gone_everywhere(self):
        client = self.add(self.first, "/clients", {"username": "web", "password": "secret-5", "type": "web"})
        key = self.add(self.second, f"/clients/{client['id']}/api-keys", {"name": "k", "scopes": ["usage"]})
        usage = lambda g: g.ask("GET", "/messages/usage", authorization="Bearer " + key["key"])[0]  # noqa: E731
        wait_until(lambda: usage(self.first) == 200, 10, self.tails)
        self.assertEqual(self.first.ask("DELETE", f"/clients/{client['id']}/api-keys/{key['id']}")[0], 200)
        wait_until(lambda: usage(self.second) == 401, 10, self.tails)
        self.assertEqual(self.second.ask("DELETE", f"/clients/{client['id']}")[0], 200)
        wait_until(lambda: self.first.ask("GET", f"/clients/{client['id']}")[0] == 404, 10, self.tails)

    def test_a_lost_notification_and_a_lost_server_are_made_up_for(self):
        ended = self.postgres.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                  " WHERE query = 'LISTEN msgkit_directory'")
        self.assertEqual(ended, "2")
        self.add(self.first, "/clients", {"username": "lost", "password": "secret-3"})
        wait_until(lambda: self.bound(self.second, ("lost", "secret-3")), 20, self.tails)
        self.postgres.kill()
        self.assertEqual(self.first.ask("POST", "/clients", {"username": "no", "password": "secret-3"})[0], 503)
        self.postgres.start()
        wait_until(lambda: self.first.ask("POST", "/clients", {"username": "back", "password": "secret-3"})[0] == 201,
                   30, self.tails)
        wait_until(lambda: self.bound(self.second, ("back", "secret-3")), 30, self.tails)
        self.assertFalse(self.bound(self.second, ("no", "secret-3")))

    def test_a_gateway_with_another_key_does_not_start(self):
        self.add(self.first, "/carriers", {"name": "x", "type": "smpp", "username": "u", "password": "p",
                                           "smpp": {"host": "127.0.0.1", "port": 1}})
        self.second.program.stop()
        config = Path(self.second.config)
        config.write_text(config.read_text().replace('encryption_key = "0011', 'encryption_key = "1111'))
        program = self.start("other", [binary("msggw"), "--config", config])
        self.assertEqual(program.wait(30), 1, program.tail())
        self.assertIn("cannot open the directory", program.tail())


class Once(TwoGateways):
    def web(self):
        client = self.add(self.first, "/clients", {"username": "web", "password": "secret-5", "type": "web"})
        self.add(self.second, f"/clients/{client['id']}/numbers", {"number": "15550001"})
        self.client = f"/clients/{client['id']}"
        wait_until(lambda: self.first.ask("GET", self.client + "/numbers")[1], 10, self.tails)
        return basic("web", "secret-5")

    def post(self, gateway, text, auth, **headers):
        return gateway.ask("POST", "/messages", {"to": "46700123456", "text": text}, authorization=auth, headers=headers)

    def test_a_webhook_that_comes_to_both_is_delivered_once(self):
        carrier = Twilio()
        made = self.add(self.first, "/carriers", carrier.definition("http://127.0.0.1:1"))
        path = f"/inbound/{made['webhook_id']}"

        def call(gateway, event, text):
            fields, body = carrier.webhook(PUBLIC + path, carrier.inbound(event, "46700999999", CLIENTS_NUMBER, text))
            headers = {"Content-Type": carrier.content_type, **fields}
            return gateway.api.ask("POST", path, body, headers, authorization=fields.get("Authorization", "none"))[0]
        wait_until(lambda: call(self.second, "one", "once") == 200, 10, self.tails)
        self.assertEqual(call(self.first, "one", "once"), 200)
        self.assertEqual(call(self.first, "two", "end"), 200)
        texts = self.deliveries(self.second.bind(timeout=40), lambda t: {"once", "end"} <= t.keys())
        self.assertEqual(set(texts.values()), {1})

    def test_an_idempotency_key_holds_at_both(self):
        auth, key = self.web(), {"Idempotency-Key": "order-1"}
        answers = [self.post(g, "once", auth, **key) for g in (self.first, self.second, self.first)]
        self.assertEqual({a[0] for a in answers}, {202}, answers)
        self.assertEqual(len({a[1]["id"] for a in answers}), 1)
        self.assertEqual(self.post(self.second, "other", auth, **key)[0], 409)

    def test_a_limit_holds_for_both_together(self):
        auth = self.web()
        self.assertEqual(self.first.ask("PUT", self.client + "/settings", {"sms_daily_limit": 3})[0], 200)
        limit = lambda: self.second.ask("GET", self.client + "/settings")[1]  # noqa: E731
        wait_until(lambda: limit().get("sms_daily_limit", limit().get("settings", {}).get("sms_daily_limit")) == 3, 10, limit)
        answers = [self.post(self.both[i % 2], f"m {i}", auth)[0] for i in range(5)]
        self.assertEqual(answers, [202, 202, 202, 429, 429])


class Skew(TwoGateways):
    """The second gateway's clock is five seconds ahead."""

    @property
    def second_environment(self):
        offset = self.scratch / "offset"
        offset.write_bytes((5 * 10**9).to_bytes(8, sys.byteorder))
        return {"LD_PRELOAD": os.environ["MSGKIT_STEP_CLOCK"], "MSGKIT_CLOCK_OFFSET": str(offset)}

    def test_clocks_that_differ_lose_and_double_nothing(self):
        self.assertLessEqual(self.under_load(self.kill_first), WINDOW)


class FullDisk(TwoGateways):
    """A size limit on the files of the server's processes stands for its full disk."""

    def server_settings(self):
        return ("--wal-segsize=1",)  # the log's files are below the limit, so that it hits the tables

    def test_47_a_full_disk_of_the_server(self):
        self.postgres.limit_files(1024 * 1024)
        senders = [Load(n, self.both) for n in range(4)]
        for sender in senders:
            sender.start()
        try:
            wait_until(lambda: all(len(s.refused) > 20 for s in senders), 60, lambda: f"refusals\n{self.tails()}")
            for gateway in self.both:
                self.assertTrue(is_health_answered(gateway))
            self.postgres.limit_files("unlimited")
            for gateway in self.both:
                wait_until(gateway.is_ready, 60, self.tails)
        finally:
            for sender in senders:
                sender.stopping.set()
            for sender in senders:
                sender.join(30)
        acknowledged = set().union(*(s.acknowledged for s in senders))
        wait_until(lambda: not acknowledged - self.arrived().keys(), SETTLE_SECONDS, self.tails)
        refused = set().union(*(s.refused for s in senders))
        self.assertEqual(refused & self.arrived().keys(), set(), "a refused message was sent")
        self.assertEqual(sum(self.arrived().values()), len(self.arrived()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
