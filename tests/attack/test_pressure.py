"""Peers that send too much, read too little, are too slow, too many or do not answer, against the running gateway.

The numbers in the test names are the cases of docs/attack-cases.md. MSGKIT_BIN_DIR is the build directory.
"""
import hashlib
import resource
import socket
import time
import unittest
from collections import Counter

from gateway_under_attack import (CARRIER_NUMBER, FIRST, FIRST_NUMBER, GENERIC_NACK, INVALID_PASSWORD, OK,
                                  PERMANENT_APP_ERROR, SECOND, SECOND_NUMBER, TEMPORARY_APP_ERROR, THROTTLED, Carrier,
                                  Client, Gateway, Probe, bind_octets, read_to_end)
from gateway import Smppd
from peers import PeerTest, wait_until
from raw_smpp import (DELIVER_SM_RESP, ENQUIRE_LINK, HEADER, SUBMIT_SM, SUBMIT_SM_RESP, pdu, submit_sm_body)

# What an honest session's 99th percentile may be while others misbehave, on a machine that does other things too.
HONEST_SECONDS_MAX = 0.5


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Pressure(PeerTest):
    def start_gateway(self, **options):
        self.smppd = Smppd(self)
        self.gateway = Gateway(self, self.smppd.port, **options)
        return self.gateway

    def arrived(self):
        return Counter(bytes.fromhex(r["octets"]).decode() for r in self.smppd.accepted())

    def assert_honest(self, probe):
        self.assertLess(probe.worst_percent(), HONEST_SECONDS_MAX)

    def test_11_a_peer_that_overruns_its_window_is_throttled(self):
        gateway = self.start_gateway(smpp="inbound_window = 10")
        client = Client(gateway)
        before = gateway.memory_bytes()
        count = 1000
        client.send(b"".join(pdu(SUBMIT_SM, 2 + i, submit_sm_body("1", CARRIER_NUMBER, b"%d" % i))
                             for i in range(count)))
        answers = [client.receive() for _ in range(count)]
        self.assertEqual({a[0] for a in answers}, {SUBMIT_SM_RESP})
        self.assertEqual({a[2] for a in answers}, set(range(2, 2 + count)), "each sequence once")
        statuses = Counter(a[1] for a in answers)
        self.assertEqual(statuses.keys(), {OK, THROTTLED})
        self.assertGreaterEqual(statuses[OK], 10)
        self.assertLess(gateway.memory_bytes() - before, 8 << 20)
        accepted = {str(a[2] - 2) for a in answers if a[1] == OK}
        wait_until(lambda: self.arrived().keys() == accepted, 10, "exactly the accepted ones at the carrier")
        self.assertEqual(client.submit()[0], OK)
        client.close()
        wait_until(lambda: gateway.metric("smpp_server_throttled_requests_total") == statuses[THROTTLED], 5, "metric")

    def test_12_a_peer_that_does_not_read_is_cut(self):
        gateway = self.start_gateway(smpp='output_bytes_max = "64KiB"')
        before = gateway.memory_bytes()
        with Probe(gateway) as probe:
            slow = Client(gateway)
            slow.socket.settimeout(60)
            sent = 0
            with self.assertRaises(ConnectionError):
                flood = b"".join(pdu(ENQUIRE_LINK, i) for i in range(1, 4001))
                while sent < 1 << 30:
                    slow.send(flood)
                    sent += len(flood)
            time.sleep(0.5)
        self.assert_honest(probe)
        # The kernel's buffers hold a few MiB on both sides; ours 64 KiB.
        self.assertLess(gateway.memory_bytes() - before, 16 << 20)
        wait_until(lambda: gateway.metric("smpp_server_session_ends_total", client=FIRST[0]) == 1, 5, "the metric")
        self.assertIn("does not read", gateway.log())

    def test_12_a_receiver_that_does_not_read_holds_up_nobody(self):
        gateway = self.start_gateway()
        slow = Client(gateway)
        sender = Client(gateway, SECOND)
        for i in range(500):
            self.assertEqual(sender.submit(FIRST_NUMBER, b"to a slow one" * 10)[0], OK)
        with Probe(gateway) as probe:
            sender.submit(SECOND_NUMBER, b"to a quick one")
            self.assertIn(b"to a quick one", sender.next_deliver()[1])
            time.sleep(1)
        self.assert_honest(probe)
        in_flight = gateway.metric("msggw_endpoint_in_flight_messages", endpoint="client:first")
        self.assertLessEqual(in_flight, 100, "more than deliver_window")
        self.assertGreaterEqual(gateway.metric("msggw_endpoint_queued_messages", endpoint="client:first"), 400)
        slow.close()

    def test_13_slowloris(self):
        gateway = self.start_gateway(smpp='bind_timeout = "1s"\npartial_pdu_timeout = "1s"')
        began = time.monotonic()
        s = gateway.connect()
        s.settimeout(0.2)
        octets = iter(bind_octets(b"first", b"first-pw"))
        closed = False
        while not closed and time.monotonic() - began < 10:
            try:
                s.send(bytes([next(octets)]))
                closed = s.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                closed = True
        self.assertTrue(closed, "one octet every 200 ms kept the connection")
        self.assertGreater(time.monotonic() - began, 0.9)
        # Saying nothing at all gives no more time, nor does a bound session that leaves a PDU unfinished.
        self.assertEqual(read_to_end(gateway.connect(), 5), b"")
        bound = Client(gateway)
        bound.send(pdu(ENQUIRE_LINK, 5)[:9])
        self.assertEqual(read_to_end(bound.socket, 5), b"")
        wait_until(lambda: "did not finish" in gateway.log(), 10, "the reason in the log")

    def test_14_a_client_that_does_not_answer_enquire_link_is_cut(self):
        gateway = self.start_gateway(smpp='enquire_link_interval = "1s"\nenquire_link_timeout = "1s"\n')
        dead = Client(gateway)
        sender = Client(gateway, SECOND)
        _, message_id = sender.submit(FIRST_NUMBER, b"to a dead one")
        dead.next_deliver()
        self.assertEqual(HEADER.unpack(read_to_end(dead.socket, 10)[:16])[1], ENQUIRE_LINK)
        wait_until(lambda: gateway.message(message_id)["state"] == "queued", 5, "the message back in the queue")
        events = [e["event"] for e in gateway.message(message_id)["events"]]
        self.assertNotIn("delivered", events)
        self.assertIn("did not answer enquire_link", gateway.log())

    def test_14_what_a_silent_carrier_has_is_not_sent(self):
        carrier = Carrier(lambda c, s, command_id, sequence, body: setattr(c, "silent", True))
        self.addCleanup(carrier.close)
        gateway = Gateway(self, carrier.port, engine='on_unknown = "fail"', carrier='enquire_link_interval = "1s"\n'
                          'enquire_link_timeout = "1s"\nresponse_timeout = "60s"')
        client = Client(gateway)
        status, message_id = client.submit()
        self.assertEqual(status, OK, "the client has its answer whatever the carrier does")
        wait_until(lambda: carrier.submits, 10, "the submit at the carrier")
        message = wait_until(lambda: (m := gateway.message(message_id))["settled"] and m, 10, "the end")
        self.assertEqual(message["state"], "unknown")
        self.assertEqual(message["sent_at"], None)

    def test_15_five_thousand_connections_without_a_bind(self):
        limit = raise_descriptor_limit()
        gateway = self.start_gateway(smpp="connections_max = 700\nconnections_per_address_max = 300")
        if limit < 6000:
            self.skipTest(f"needs 6000 descriptors, the limit is {limit}")
        before = gateway.memory_bytes()
        open_ones = []
        with Probe(gateway) as probe:
            for i in range(5000):
                s = socket.socket()
                s.bind((f"127.0.0.{2 + i % 4}", 0))  # four addresses
                s.connect(("127.0.0.1", gateway.smpp_port))
                open_ones.append(s)
            wait_until(lambda: gateway.metric("smpp_server_connection_refusals_total") >= 4300, 20, "refusals")
            time.sleep(0.5)
        self.assert_honest(probe)
        self.assertLessEqual(gateway.descriptors(), 700 + 100)
        self.assertLess(gateway.memory_bytes() - before, 32 << 20)
        for s in open_ones:
            s.close()
        wait_until(lambda: gateway.descriptors() < 100, 20, "the connections to be forgotten")
        Client(gateway).close()

    def test_15_one_address_cannot_take_all(self):
        gateway = self.start_gateway(smpp="connections_per_address_max = 20")
        held = []
        for _ in range(40):
            s = socket.socket()
            s.bind(("127.0.0.2", 0))
            s.connect(("127.0.0.1", gateway.smpp_port))
            held.append(s)
        wait_until(lambda: gateway.metric("smpp_server_connection_refusals_total") == 20, 5, "20 refusals")
        Client(gateway).close()  # from 127.0.0.1
        for s in held:
            s.close()

    def storm(self, gateway, seconds, rate, one):
        """Calls one() at most `rate` times a second; the number of calls."""
        began, count = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            if count < passed * rate:
                one(gateway)
                count += 1
            else:
                time.sleep(0.0005)
        return count

    def test_15_a_storm_of_binds(self):
        gateway = self.start_gateway()

        def bind_and_leave(g):
            Client(g).close()
        with Probe(gateway) as probe:
            count = self.storm(gateway, 4, 500, bind_and_leave)
        self.assert_honest(probe)
        self.assertGreater(count, 200)
        wait_until(lambda: gateway.metric("smpp_server_bound_sessions") == 0, 10, "all sessions gone")
        self.assertEqual(gateway.metric("smpp_server_binds_total"), count + 1)

    def test_15_a_storm_of_wrong_passwords(self):
        gateway = self.start_gateway()
        attempts = []

        def guess(g):
            s = g.connect()
            name = (FIRST[0], SECOND[0], "nobody")[len(attempts) % 3]
            s.sendall(bind_octets(name.encode(), b"guess"))
            attempts.append(HEADER.unpack(read_to_end(s))[2])
            s.close()
        with Probe(gateway) as probe:
            count = self.storm(gateway, 4, 1000, guess)
        self.assert_honest(probe)
        self.assertGreater(count, 400)
        self.assertEqual(set(attempts), {INVALID_PASSWORD}, "a name that exists is answered like one that does not")
        self.assertEqual(gateway.metric("smpp_server_bind_refusals_total"), count)

    def test_15_hashed_passwords_do_not_queue_without_end(self):
        # scrypt of "right" with N=2^15, r=8, p=1: about 0.1 s of work for each guess.
        salt = bytes(range(16))
        digest = hashlib.scrypt(b"right", salt=salt, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=32)
        hashed = f"scrypt$32768$8$1${salt.hex()}${digest.hex()}"
        gateway = self.start_gateway(client=f'[[clients]]\nsystem_id = "hashed"\npassword = "{hashed}"')
        sockets = []
        with Probe(gateway) as probe:
            for i in range(300):
                s = gateway.connect()
                # An unknown name takes the same way as a wrong password.
                s.sendall(bind_octets(b"hashed" if i % 2 else b"nobody", b"guess%d" % (i % 1000)))
                sockets.append(s)
            statuses = Counter(HEADER.unpack(read_to_end(s, 60))[2] for s in sockets)
        self.assert_honest(probe)
        self.assertEqual(statuses.keys(), {INVALID_PASSWORD, THROTTLED})
        self.assertGreaterEqual(statuses[INVALID_PASSWORD], 64)
        Client(gateway, ("hashed", "right")).close()

    def test_16_a_reset_before_the_answer_stores_once(self):
        gateway = self.start_gateway()
        acknowledged, names = set(), []
        for number in range(20):
            client = Client(gateway)
            mine = [f"reset {number} {i}" for i in range(20)]
            names += mine
            for i, name in enumerate(mine):
                client.send(pdu(SUBMIT_SM, 2 + i, submit_sm_body("1", CARRIER_NUMBER, name.encode())))
            for _ in range(number % 4):
                _, status, sequence, _ = client.receive()
                self.assertEqual(status, OK)
                acknowledged.add(mine[sequence - 2])
            client.reset()
        client = Client(gateway)
        self.assertEqual(client.submit(text=b"last")[0], OK)
        wait_until(lambda: "last" in self.arrived(), 10, "the last message")
        wait_until(lambda: not acknowledged - self.arrived().keys(), 10, "the acknowledged ones")
        self.assertEqual({n for n, count in self.arrived().items() if count > 1}, set(), "stored or sent twice")
        # The client cannot know, so it sends again: a message of its own, because SMPP names no duplicate.
        first, second = client.submit(text=b"again"), client.submit(text=b"again")
        self.assertEqual((first[0], second[0]), (OK, OK))
        self.assertNotEqual(first[1], second[1])
        wait_until(lambda: self.arrived()["again"] == 2, 10, "both")

    def test_17_a_client_refuses_for_now(self):
        gateway = self.start_gateway(engine='retry_initial = "300ms"')
        receiver, sender = Client(gateway), Client(gateway, SECOND)
        _, message_id = sender.submit(FIRST_NUMBER, b"later")
        times = []
        for _ in range(3):
            sequence, body = receiver.next_deliver()
            self.assertIn(b"later", body)
            times.append(time.monotonic())
            receiver.send(pdu(DELIVER_SM_RESP, sequence, status=TEMPORARY_APP_ERROR))
        # Nobody else waits for the one that refuses.
        sender.submit(SECOND_NUMBER, b"mine")
        self.assertIn(b"mine", sender.next_deliver()[1])
        sequence, _ = receiver.next_deliver()
        times.append(time.monotonic())
        receiver.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))
        pauses = [b - a for a, b in zip(times, times[1:])]
        self.assertGreater(pauses[0], 0.2)
        self.assertGreater(pauses[2], pauses[0] * 1.5, "the pauses do not grow")
        wait_until(lambda: gateway.message(message_id)["state"] == "delivered", 5, "the delivery")
        self.assertEqual(gateway.message(message_id)["failures"], 3)

    def test_17_a_client_refuses_for_good(self):
        gateway = self.start_gateway(engine='retry_initial = "100ms"')
        receiver, sender = Client(gateway), Client(gateway, SECOND)
        _, message_id = sender.submit(FIRST_NUMBER, b"never")
        sequence, _ = receiver.next_deliver()
        receiver.send(pdu(DELIVER_SM_RESP, sequence, status=PERMANENT_APP_ERROR))
        message = wait_until(lambda: (m := gateway.message(message_id))["settled"] and m, 5, "the end")
        self.assertEqual(message["state"], "rejected")
        receiver.socket.settimeout(0.5)
        self.assertRaises(TimeoutError, receiver.next_deliver)

    def test_17_a_client_does_not_answer(self):
        gateway = self.start_gateway(smpp='response_timeout = "1s"', engine='retry_initial = "100ms"')
        receiver, sender = Client(gateway), Client(gateway, SECOND)
        _, message_id = sender.submit(FIRST_NUMBER, b"answer me")
        receiver.next_deliver()
        sequence, _ = receiver.next_deliver()  # again, after the timeout
        receiver.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))
        wait_until(lambda: gateway.message(message_id)["state"] == "delivered", 5, "the delivery")
        self.assertEqual(gateway.message(message_id)["attempts"], 2)

    def test_17_the_queue_of_a_client_is_bounded(self):
        gateway = self.start_gateway(engine="endpoint_queue_max = 50")
        sender = Client(gateway, SECOND)
        statuses = Counter(sender.submit(FIRST_NUMBER, b"nobody is there")[0] for _ in range(80))
        self.assertEqual(statuses[OK], 50)
        self.assertEqual(len(statuses), 2)
        self.assertEqual(sender.submit()[0], OK, "others are not full")


if __name__ == "__main__":
    unittest.main(verbosity=2)
