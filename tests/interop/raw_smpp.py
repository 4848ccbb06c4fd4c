"""A few PDUs by hand: a client for tests that must know exactly what was sent and what was answered."""
import socket
import struct

BIND_TRANSCEIVER, SUBMIT_SM, SUBMIT_SM_RESP = 0x00000009, 0x00000004, 0x80000004
ENQUIRE_LINK, ENQUIRE_LINK_RESP, DELIVER_SM, DELIVER_SM_RESP = 0x15, 0x80000015, 0x05, 0x80000005
HEADER = struct.Struct(">IIII")  # command_length, command_id, command_status, sequence_number


def pdu(command_id, sequence, body=b"", status=0):
    return HEADER.pack(HEADER.size + len(body), command_id, status, sequence) + body


def submit_sm_body(source, destination, text, registered_delivery=0):
    """`text` is octets of at most 254; addresses are international."""
    return (b"\0" + b"\1\1" + source.encode() + b"\0" + b"\1\1" + destination.encode() + b"\0" + b"\0\0\0" + b"\0\0" +
            bytes([registered_delivery, 0, 0, 0, len(text)]) + text)


class RawClient:
    """Bound as transceiver. Raises ConnectionError when the other side is gone."""

    def __init__(self, port, system_id, password, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        body = system_id.encode() + b"\0" + password.encode() + b"\0" + b"\0" + b"\x34" + b"\0\0\0"
        self.send(pdu(BIND_TRANSCEIVER, 1, body))
        _, status, _, _ = self.receive()
        if status != 0:
            raise ConnectionError(f"bind refused with status {status:#x}")

    def send(self, octets):
        self.socket.sendall(octets)

    def receive(self):
        """The next PDU: (command_id, status, sequence, body)."""
        length = HEADER.unpack(self._peek(HEADER.size))[0]
        if not HEADER.size <= length <= 65536:
            raise ConnectionError(f"command_length {length}")
        frame = self._peek(length)
        self.buffer = self.buffer[length:]
        _, command_id, status, sequence = HEADER.unpack_from(frame)
        return command_id, status, sequence, frame[HEADER.size:]

    def _peek(self, size):
        while len(self.buffer) < size:
            octets = self.socket.recv(65536)
            if not octets:
                raise ConnectionError("closed by the peer")
            self.buffer += octets
        return self.buffer[:size]

    def close(self):
        self.socket.close()
