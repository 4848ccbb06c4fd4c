"""A msggw with narrow limits, and peers that misbehave. The configuration of the attack tests is written here."""
import os
import socket
import statistics
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import CARRIER_ID, CARRIER_PASSWORD, DIRECTORY_KEY, Msggw, binary, toml_string  # noqa: E402
from peers import free_port, http_get, wait_until  # noqa: E402
from raw_smpp import (DELIVER_SM, ENQUIRE_LINK, ENQUIRE_LINK_RESP, HEADER, SUBMIT_SM, SUBMIT_SM_RESP,  # noqa: E402
                      RawClient, pdu, submit_sm_body)

BIND_RECEIVER, BIND_TRANSMITTER = 0x01, 0x02
GENERIC_NACK = 0x80000000
OK, INVALID_MESSAGE_LENGTH, INVALID_COMMAND_LENGTH, INVALID_COMMAND_ID = 0x00, 0x01, 0x02, 0x03
INVALID_BIND_STATUS, ALREADY_BOUND, SYSTEM_ERROR = 0x04, 0x05, 0x08
INVALID_PASSWORD, THROTTLED = 0x0E, 0x58
TEMPORARY_APP_ERROR, PERMANENT_APP_ERROR = 0x64, 0x65

# Two clients. Messages to 1... belong to the first, to 2... to the second, everything else goes to the carrier.
FIRST, SECOND = ("first", "first-pw"), ("second", "second-p")
FIRST_NUMBER, SECOND_NUMBER, CARRIER_NUMBER = "15550001", "25550002", "46700123456"


class Gateway(Msggw):
    """`smpp`, `engine`, `carrier`, `client` and `log` are lines for the tables of these names. A test that has a `postgres`
    keeps its messages there, the others in a file."""

    def __init__(self, test, carrier_port=None, smpp="", engine="", carrier="", client="", log='level = "info"',
                 launcher=(), environment=None):
        self.test = test
        self.launcher, self.environment = list(launcher), environment
        self.smpp_port, self.http_port = free_port(), free_port()
        self.store = test.scratch / "msggw.db"
        self.config = test.write("msggw.toml", f"""\
[store]
{test.postgres.store_lines() if hasattr(test, "postgres") else "path = " + toml_string(str(self.store))}
[directory]
encryption_key = "{DIRECTORY_KEY}"
[log]
{log}
[http]
listen = "127.0.0.1:{self.http_port}"
[metrics]
listen = "127.0.0.1:0"
[engine]
{engine}
[smpp]
listen = "127.0.0.1:{self.smpp_port}"
{smpp}
[[clients]]
system_id = "{FIRST[0]}"
password = "{FIRST[1]}"
binds_max = 1000
{client}
[[clients]]
system_id = "{SECOND[0]}"
password = "{SECOND[1]}"
binds_max = 1000
[[carriers]]
name = "upstream"
host = "127.0.0.1"
port = {carrier_port or free_port()}
system_id = "{CARRIER_ID}"
password = "{CARRIER_PASSWORD}"
reconnect_initial = "100ms"
reconnect_maximum = "200ms"
{carrier}
[[routes]]
destination = "1"
to = ["client:{FIRST[0]}"]
[[routes]]
destination = "2"
to = ["client:{SECOND[0]}"]
[[routes]]
to = ["carrier:upstream"]
""")
        self.program = None
        self.start()

    def start(self):
        arguments = [*self.launcher, binary("msggw"), "--config", self.config]
        self.program = self.test.start("msggw", arguments, self.environment)
        wait_until(self.is_ready, 20, lambda: f"/ready of\n{self.program.tail()}")

    def memory_bytes(self):
        """Resident memory of the process."""
        for line in Path(f"/proc/{self.program.process.pid}/status").read_text().split("\n"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.program.process.pid}/fd"))

    def log(self):
        return self.program.err_path.read_text(errors="replace")

    def metric(self, name, **labels):
        """The sum of the series of that name that have these labels."""
        status, text = http_get(f"http://127.0.0.1:{self.http_port}/metrics")
        assert status == 200, status
        total = 0.0
        for line in text.split("\n"):
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(f'{k}="{v}"' in series for k, v in labels.items()):
                total += float(value)
        return total

    def connect(self, receive_buffer=None):
        """A TCP connection on which nothing has been said."""
        s = socket.socket()
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.settimeout(10)
        s.connect(("127.0.0.1", self.smpp_port))
        return s


class Client(RawClient):
    """A bound client that counts its sequence numbers."""

    def __init__(self, gateway, who=FIRST, timeout=10):
        super().__init__(gateway.smpp_port, *who, timeout=timeout)
        self.sequence = 1
        self.waiting = []  # deliver_sm that arrived while an answer was expected: (sequence, body)

    def post(self, command_id, body=b""):
        self.sequence += 1
        self.send(pdu(command_id, self.sequence, body))
        return self.sequence

    def call(self, command_id, body=b""):
        """(command_id, status, body) of the answer."""
        return self.answer(self.post(command_id, body))

    def answer(self, wanted):
        while True:
            command_id, status, sequence, body = self.receive()
            if command_id == DELIVER_SM:
                self.waiting.append((sequence, body))
            elif command_id == ENQUIRE_LINK:
                self.send(pdu(ENQUIRE_LINK_RESP, sequence))
            elif sequence == wanted:
                return command_id, status, body

    def submit(self, destination=CARRIER_NUMBER, text=b"hello", **options):
        """(status, message id)"""
        command_id, status, body = self.call(SUBMIT_SM, submit_sm_body("447700900001", destination, text, **options))
        assert command_id == SUBMIT_SM_RESP, hex(command_id)
        return status, body.rstrip(b"\0").decode()

    def is_alive(self):
        return self.call(ENQUIRE_LINK) == (ENQUIRE_LINK_RESP, OK, b"")

    def next_deliver(self):
        while not self.waiting:
            command_id, _, sequence, body = self.receive()
            if command_id == DELIVER_SM:
                self.waiting.append((sequence, body))
            elif command_id == ENQUIRE_LINK:
                self.send(pdu(ENQUIRE_LINK_RESP, sequence))
        return self.waiting.pop(0)

    def reset(self):
        """Leaves with a TCP reset instead of an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def read_to_end(s, seconds=5):
    """Everything the other side sends until it closes; fails when it stays open."""
    octets = b""
    deadline = time.monotonic() + seconds
    while True:
        s.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            return octets
        except TimeoutError:
            raise AssertionError(f"the connection is still open after {seconds} s") from None
        if not piece:
            return octets
        octets += piece


def bind_octets(system_id, password, mode=0x09):
    body = system_id + b"\0" + password + b"\0" + b"\0" + b"\x34" + b"\0\0\0"
    return pdu(mode, 1, body)


class Probe(threading.Thread):
    """An honest session: one submit after the other, and how long each took. Use as a context manager."""

    def __init__(self, gateway, who=SECOND):
        super().__init__(daemon=True)
        self.client = Client(gateway, who)
        self.seconds = []
        self.trouble = None
        self.running = True

    def run(self):
        try:
            while self.running:
                began = time.monotonic()
                status, _ = self.client.submit()
                assert status == OK, hex(status)
                self.seconds.append(time.monotonic() - began)
                time.sleep(0.002)
        except (AssertionError, OSError) as e:
            self.trouble = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.join(15)
        self.client.close()

    def worst_percent(self):
        """The 99th percentile, in seconds."""
        assert self.trouble is None, self.trouble
        assert len(self.seconds) >= 20, f"only {len(self.seconds)} submits were answered"
        return statistics.quantiles(self.seconds, n=100)[98]


class Carrier(threading.Thread):
    """A message centre for one bind that does what the test says: answers binds, then calls `on_pdu`."""

    def __init__(self, on_pdu):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.on_pdu = on_pdu
        self.silent = False  # reads and says nothing any more
        self.submits = []
        self.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        buffer = b""
        try:
            while octets := s.recv(65536):
                buffer += octets
                while len(buffer) >= 4 and len(buffer) >= HEADER.unpack_from(buffer.ljust(16))[0]:
                    length, command_id, _, sequence = HEADER.unpack_from(buffer)
                    body, buffer = buffer[16:length], buffer[length:]
                    if not self.silent:
                        self.serve_pdu(s, command_id, sequence, body)
        except OSError:
            pass
        finally:
            s.close()

    def serve_pdu(self, s, command_id, sequence, body):
        if command_id in (0x01, 0x02, 0x09):
            s.sendall(pdu(command_id | GENERIC_NACK, sequence, b"carrier\0"))
        elif command_id == ENQUIRE_LINK:
            s.sendall(pdu(ENQUIRE_LINK_RESP, sequence))
        else:
            if command_id == SUBMIT_SM:
                self.submits.append(body)
            self.on_pdu(self, s, command_id, sequence, body)

    def close(self):
        self.listener.close()
