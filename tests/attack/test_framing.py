"""Octets that are no SMPP, broken PDUs, wrong states and strange sequence numbers against the running gateway.

The numbers in the test names are the cases of docs/attack-cases.md. MSGKIT_BIN_DIR is the build directory.
"""
import random
import struct
import unittest

from gateway_under_attack import (ALREADY_BOUND, BIND_RECEIVER, BIND_TRANSMITTER, CARRIER_NUMBER, FIRST, FIRST_NUMBER,
                                  GENERIC_NACK, INVALID_BIND_STATUS, INVALID_COMMAND_ID, INVALID_COMMAND_LENGTH,
                                  INVALID_MESSAGE_LENGTH, OK, SECOND, Client, Gateway, bind_octets, read_to_end)
from gateway import Smppd
from peers import PeerTest, wait_until
from raw_smpp import (BIND_TRANSCEIVER, DELIVER_SM, DELIVER_SM_RESP, ENQUIRE_LINK, HEADER, SUBMIT_SM, SUBMIT_SM_RESP,
                      pdu, submit_sm_body)

INVALID_TLV_STREAM = 0xC0
MESSAGE_PAYLOAD = 0x0424
NACK_OF_A_LENGTH = pdu(GENERIC_NACK, 0, status=INVALID_COMMAND_LENGTH)


def tlv(tag, value=b""):
    return struct.pack(">HH", tag, len(value)) + value


class Framing(PeerTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.gateway = Gateway(self, self.smppd.port)

    def bystander_lives(self):
        client = Client(self.gateway, SECOND)
        self.assertTrue(client.is_alive())
        client.close()

    def test_01_a_length_below_sixteen_is_nacked_and_cut(self):
        for length in range(16):
            s = self.gateway.connect()
            s.sendall(struct.pack(">I", length))  # nothing after it: the answer must not wait for more
            self.assertEqual(read_to_end(s), NACK_OF_A_LENGTH, length)
            bound = Client(self.gateway)
            bound.send(struct.pack(">I", length) + b"x" * 12)
            self.assertEqual(read_to_end(bound.socket), NACK_OF_A_LENGTH, length)
        self.bystander_lives()
        wait_until(lambda: self.gateway.log().count("command_length") >= 32, 5, "one line for each cut")
        self.assertEqual(self.gateway.metric("smpp_server_unbound_closes_total"), 16)
        self.assertEqual(self.gateway.metric("smpp_server_session_ends_total", client=FIRST[0]), 16)

    def test_02_a_huge_length_takes_no_memory(self):
        for length in (65 * 1024 + 1, 0x48545450, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            s = self.gateway.connect()
            s.sendall(struct.pack(">I", length))
            self.assertEqual(read_to_end(s), NACK_OF_A_LENGTH, hex(length))
        before = self.gateway.memory_bytes()
        for _ in range(300):
            bound = Client(self.gateway)
            bound.send(struct.pack(">IIII", 0x7FFFFFFF, SUBMIT_SM, 0, 2) + b"x" * 1000)
            read_to_end(bound.socket)
        self.assertLess(self.gateway.memory_bytes() - before, 8 << 20)
        self.bystander_lives()

    def test_03_a_body_of_the_wrong_length_is_answered_and_the_session_stays(self):
        client = Client(self.gateway)
        whole = submit_sm_body("447700900001", CARRIER_NUMBER, b"hello")
        for length in range(len(whole)):
            command_id, status, body = client.call(SUBMIT_SM, whole[:length])
            self.assertEqual((command_id, body), (SUBMIT_SM_RESP, b""), length)
            self.assertNotEqual(status, OK, length)
        self.assertEqual(client.call(SUBMIT_SM, b"")[1], INVALID_COMMAND_LENGTH)
        # Longer: what follows the last field is read as TLVs, and is none.
        self.assertEqual(client.call(SUBMIT_SM, whole + b"\x04\x24\x00\x05x")[1], INVALID_TLV_STREAM)
        self.assertTrue(client.is_alive())
        self.assertEqual(client.submit()[0], OK)

    def test_04_a_wrong_message_length_is_refused(self):
        client = Client(self.gateway)
        head = submit_sm_body("447700900001", CARRIER_NUMBER, b"")[:-1]
        for octets in (b"\xff" + b"x" * 20, b"\xff", b"\x06hello"):
            self.assertEqual(client.call(SUBMIT_SM, head + octets)[1], INVALID_MESSAGE_LENGTH, octets)
        udhi = bytearray(head + b"\0")
        udhi[head.index(CARRIER_NUMBER.encode()) + len(CARRIER_NUMBER) + 1] = 0x40  # esm_class
        self.assertEqual(client.call(SUBMIT_SM, bytes(udhi))[1], INVALID_MESSAGE_LENGTH)
        # A header that is longer than the message.
        udhi[-1:] = b"\x02\x09\x00"
        self.assertEqual(client.call(SUBMIT_SM, bytes(udhi))[1], INVALID_MESSAGE_LENGTH)
        self.assertEqual(client.submit()[0], OK)

    def test_05_a_string_without_end_names_its_field(self):
        client = Client(self.gateway)

        def body(service=b"\0", source=b"1\0", destination=b"2\0", schedule=b"\0", validity=b"\0"):
            return (service + b"\1\1" + source + b"\1\1" + destination + b"\0\0\0" + schedule + validity +
                    b"\0\0\0\0\x02hi")
        long = b"7" * 300
        cases = [("service", 0x15), ("source", 0x0A), ("destination", 0x0B), ("schedule", 0x61), ("validity", 0x62)]
        for field, status in cases:
            self.assertEqual(client.call(SUBMIT_SM, body(**{field: long}))[1:], (status, b""), field)
        self.assertTrue(client.is_alive())

    def test_06_tlvs(self):
        client = Client(self.gateway)
        head = submit_sm_body("447700900001", CARRIER_NUMBER, b"")
        self.assertEqual(client.call(SUBMIT_SM, head + b"\x14\x01\xff\xffx")[1], INVALID_TLV_STREAM)
        twice = tlv(MESSAGE_PAYLOAD, b"the first") + tlv(MESSAGE_PAYLOAD, b"the second")
        self.assertEqual(client.call(SUBMIT_SM, head + twice)[1], OK)
        strange = tlv(0x1499, b"vendor") + tlv(MESSAGE_PAYLOAD, b"strange")
        self.assertEqual(client.call(SUBMIT_SM, head + strange)[1], OK)
        many = b"".join(tlv(0x2000 + i % 0x1000) for i in range(10_000)) + tlv(MESSAGE_PAYLOAD, b"many")
        client.socket.settimeout(5)
        self.assertEqual(client.call(SUBMIT_SM, head + many)[1], OK)
        texts = {"the first", "strange", "many"}

        def arrived():
            return {bytes.fromhex(r["octets"]).decode() for r in self.smppd.accepted()}
        wait_until(lambda: len(arrived()) >= 3, 10, lambda: f"{texts}, there are {arrived()}")
        self.assertEqual(arrived(), texts)

    def test_07_other_protocols_are_cut(self):
        noise = random.Random(7)
        first_octets = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /cgi-bin/sendsms HTTP/1.0\r\n\r\n",
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 500, b"SSH-2.0-x\r\n", b"EHLO x\r\n",
                        b"\x05\x01\x00\x00", b"\x00" * 64]
        first_octets += [bytes([noise.randrange(1, 256)]) + noise.randbytes(200) for _ in range(50)]
        for octets in first_octets:
            s = self.gateway.connect()
            s.sendall(octets)
            self.assertIn(read_to_end(s), (NACK_OF_A_LENGTH, b""), octets)
        self.bystander_lives()

    def test_08_wrong_states(self):
        s = self.gateway.connect()
        s.sendall(pdu(SUBMIT_SM, 5, submit_sm_body("1", "2", b"early")))
        self.assertEqual(read_to_end(s), pdu(SUBMIT_SM_RESP, 5, status=INVALID_BIND_STATUS))
        client = Client(self.gateway)
        self.assertEqual(client.call(BIND_TRANSCEIVER, bind_octets(b"first", b"first-pw")[16:])[1], ALREADY_BOUND)
        self.assertTrue(client.is_alive())
        receiver = self.bound(BIND_RECEIVER)
        receiver.sendall(pdu(SUBMIT_SM, 6, submit_sm_body("1", CARRIER_NUMBER, b"from a receiver")))
        self.assertEqual(HEADER.unpack(receiver.recv(16))[1:], (SUBMIT_SM_RESP, INVALID_BIND_STATUS, 6))
        # A transmitter gets no deliver_sm: the message waits for a receiver.
        client.close()
        receiver.close()
        wait_until(lambda: self.gateway.metric("msggw_endpoint_links", endpoint="client:first") == 0, 5, "no receiver")
        transmitter = self.bound(BIND_TRANSMITTER)
        sender = Client(self.gateway, SECOND)
        self.assertEqual(sender.submit(FIRST_NUMBER, b"wait")[0], OK)
        transmitter.sendall(pdu(ENQUIRE_LINK, 9))
        self.assertEqual(HEADER.unpack(transmitter.recv(16))[3], 9)
        transmitter.settimeout(0.2)
        self.assertRaises(TimeoutError, transmitter.recv, 16)
        client = Client(self.gateway)
        sequence, body = client.next_deliver()
        self.assertIn(b"wait", body)
        client.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))

    def bound(self, mode):
        s = self.gateway.connect()
        s.sendall(bind_octets(b"first", b"first-pw", mode))
        length, _, status, _ = HEADER.unpack(s.recv(16))
        self.assertEqual(status, OK)
        s.recv(length - 16)
        return s

    def test_09_responses_that_nobody_asked_for_complete_nothing(self):
        receiver = Client(self.gateway)
        status, message_id = Client(self.gateway, SECOND).submit(FIRST_NUMBER, b"once")
        self.assertEqual(status, OK)
        sequence, _ = receiver.next_deliver()
        for stranger in (sequence + 1, sequence + 1000, 0, 0xFFFFFFFF):
            receiver.send(pdu(DELIVER_SM_RESP, stranger, b"\0"))
        receiver.send(pdu(SUBMIT_SM_RESP, sequence, b"x\0"))  # the right number on the wrong command
        self.assertTrue(receiver.is_alive())
        self.assertEqual(self.gateway.message(message_id)["state"], "sending")
        receiver.send(pdu(DELIVER_SM_RESP, sequence, b"\0") * 3)
        wait_until(lambda: self.gateway.message(message_id)["state"] == "delivered", 5, "the delivery")
        self.assertTrue(receiver.is_alive())
        receiver.close()
        wait_until(lambda: self.gateway.metric("smpp_server_unmatched_responses_total") == 7, 5, "seven in the metric")

    def test_10_sequence_numbers_are_taken_as_they_are(self):
        client = Client(self.gateway)
        body = submit_sm_body("447700900001", CARRIER_NUMBER, b"odd")
        for sequence in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            client.send(pdu(SUBMIT_SM, sequence, body))
            command_id, status, answered, _ = client.receive()
            self.assertEqual((command_id, status, answered), (SUBMIT_SM_RESP, OK, sequence))
        # The same number twice before the first answer: two messages, two answers.
        client.send(pdu(SUBMIT_SM, 77, body) * 2)
        answers = [client.receive() for _ in range(2)]
        self.assertEqual([(a[0], a[1], a[2]) for a in answers], [(SUBMIT_SM_RESP, OK, 77)] * 2)
        self.assertNotEqual(answers[0][3], answers[1][3], "two messages have one id")

    def test_an_unknown_command_is_nacked_with_its_sequence(self):
        client = Client(self.gateway)
        self.assertEqual(client.call(0x00010203, b"vendor")[:2], (GENERIC_NACK, INVALID_COMMAND_ID))
        self.assertEqual(client.call(DELIVER_SM, b"")[1], INVALID_BIND_STATUS)
        self.assertTrue(client.is_alive())


if __name__ == "__main__":
    unittest.main(verbosity=2)
