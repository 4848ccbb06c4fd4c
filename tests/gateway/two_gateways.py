"""Two gateways on one PostgreSQL, clients that keep them busy, and the account of what was lost and what came twice."""
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import ADMIN_KEY, Api  # noqa: E402
from gateway import (CARRIER_ID, CARRIER_PASSWORD, CLIENT_ID, CLIENT_NUMBERS, CLIENT_PASSWORD, DIRECTORY_KEY, Msggw,  # noqa: E402
                     Smppd, binary, free_port)
from peers import PeerTest, http_get, wait_until  # noqa: E402
from postgres import Postgres  # noqa: E402
from raw_smpp import (DELIVER_SM, DELIVER_SM_RESP, ENQUIRE_LINK, ENQUIRE_LINK_RESP, SUBMIT_SM, SUBMIT_SM_RESP,  # noqa: E402
                      RawClient, pdu, submit_sm_body)

OK = 0
WINDOW = 10  # of a gateway towards the carrier: what may be on the wire when it is killed
DELIVER_WINDOW = 5
PUBLIC = "https://gw.example.org"
SETTLE_SECONDS = 60


class Gateway(Msggw):
    def __init__(self, test, name, carrier_port, store, environment=None):
        self.test, self.name, self.environment = test, name, environment
        self.smpp_port, self.http_port = free_port(), free_port()
        self.config = test.write(f"{name}.toml", f"""\
[store]
{store}
[directory]
encryption_key = "{DIRECTORY_KEY}"
[http]
listen = "127.0.0.1:{self.http_port}"
api_key = "{ADMIN_KEY}"
public_url = "{PUBLIC}"
[metrics]
listen = "127.0.0.1:0"
[engine]
retry_initial = "100ms"
retry_maximum = "500ms"
[smpp]
listen = "127.0.0.1:{self.smpp_port}"
[[clients]]
system_id = "{CLIENT_ID}"
password = "{CLIENT_PASSWORD}"
binds_max = 100
deliver_window = {DELIVER_WINDOW}
whole_messages = true
[[carriers]]
name = "upstream"
host = "127.0.0.1"
port = {carrier_port}
system_id = "{CARRIER_ID}"
password = "{CARRIER_PASSWORD}"
reconnect_initial = "50ms"
reconnect_maximum = "200ms"
window = {WINDOW}
[[routes]]
to = ["carrier:upstream"]
[[routes]]
destination = "{CLIENT_NUMBERS}"
to = ["client:{CLIENT_ID}"]
""")
        self.start()

    def start(self):
        self.program = self.test.start(self.name, [binary("msggw"), "--config", self.config], self.environment)
        wait_until(self.is_ready, 30, lambda: f"/ready of\n{self.program.tail()}")
        self.api = Api(self.http_port)

    def ask(self, method, path, body=None, **more):
        return self.api.ask(method, path, body, **more)[:2]

    def bind(self, who=(CLIENT_ID, CLIENT_PASSWORD), timeout=20):
        client = RawClient(self.smpp_port, *who, timeout=timeout)
        self.test.addCleanup(client.close)
        return client


class Load(threading.Thread):
    """Submits messages with names of their own, a few open at a time, at the first of `gateways` that takes it in; goes to
    the next one when a connection ends. What got no answer is not sent again."""
    OPEN = 10

    def __init__(self, number, gateways):
        super().__init__(daemon=True)
        self.number, self.gateways = number, gateways
        self.acknowledged, self.refused, self.count = set(), set(), 0
        self.stopping = threading.Event()

    def run(self):
        turn = self.number
        while not self.stopping.is_set():
            gateway = self.gateways[turn % len(self.gateways)]
            turn += 1
            try:
                client = RawClient(gateway.smpp_port, CLIENT_ID, CLIENT_PASSWORD, timeout=20)
                try:
                    while not self.stopping.is_set():
                        self.one_round(client)
                        time.sleep(0.02)
                finally:
                    client.close()
            except OSError:
                time.sleep(0.05)

    def one_round(self, client):
        names = {}
        for sequence in range(2, 2 + self.OPEN):
            names[sequence] = f"load {self.number} {self.count}"
            self.count += 1
        client.send(b"".join(pdu(SUBMIT_SM, s, submit_sm_body("15550009", "46700123456", n.encode()))
                             for s, n in names.items()))
        while names:
            command_id, status, sequence, body = client.receive()
            if command_id == SUBMIT_SM_RESP:
                (self.acknowledged if status == OK else self.refused).add(names.pop(sequence))
            elif command_id == ENQUIRE_LINK:
                client.send(pdu(ENQUIRE_LINK_RESP, sequence))
            elif command_id == DELIVER_SM:
                client.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))


class TwoGateways(PeerTest):
    lease, statement_timeout = "3s", "1s"
    second_environment = None

    def setUp(self):
        super().setUp()
        self.postgres = Postgres(self, self.server_settings())
        self.smppd = Smppd(self, receipt_delay_ms=self.receipt_delay_ms())
        store = lambda name: self.postgres.store_lines(name, self.lease, self.statement_timeout)  # noqa: E731
        self.first = Gateway(self, "gw1", self.smppd.port, store("gw1"))
        self.second = Gateway(self, "gw2", self.smppd.port, store("gw2"), self.second_environment)
        self.both = [self.first, self.second]

    def server_settings(self):
        return ()

    def receipt_delay_ms(self):
        return 20

    def arrived(self):
        return Counter(bytes.fromhex(r["octets"]).decode(errors="replace") for r in self.smppd.accepted())

    def kill_first(self):
        """Until its lease has been ended by the other one, which takes over what there is."""
        self.first.program.kill()
        fenced = "SELECT count(*) FROM msgkit_instance WHERE name = 'gw1' AND lease_until = '-infinity'"
        wait_until(lambda: self.postgres.sql(fenced) == "1", 40, self.second.program.tail)

    def under_load(self, act, loads=4):
        """Runs `act` while clients submit at both gateways; then every acknowledged message must have arrived, and no
        refused one. Returns how many deliveries were one too many."""
        senders = [Load(n, self.both) for n in range(loads)]
        for s in senders:
            s.start()

        def all_have(count):
            wait_until(lambda: all(len(s.acknowledged) >= count for s in senders), 40,
                       lambda: f"load {[len(s.acknowledged) for s in senders]}\n{self.tails()}")
        try:
            all_have(50)
            act()
            before = max(len(s.acknowledged) for s in senders)
            all_have(before + 50)  # life goes on
        finally:
            for s in senders:
                s.stopping.set()
            for s in senders:
                s.join(30)
        self.assertFalse(any(s.is_alive() for s in senders))
        acknowledged = set().union(*(s.acknowledged for s in senders))
        wait_until(lambda: not acknowledged - self.arrived().keys(), SETTLE_SECONDS,
                   lambda: f"{len(acknowledged - self.arrived().keys())} of {len(acknowledged)}\n{self.tails()}")
        refused = set().union(*(s.refused for s in senders))
        self.assertEqual(refused & self.arrived().keys(), set(), "a refused message was sent")
        return sum(self.arrived().values()) - len(self.arrived())

    def tails(self):
        return "\n".join(g.program.tail() for g in self.both)

    def submit(self, client, name, destination="46700123456", registered_delivery=0, esm_class=0):
        """Our id of an acknowledged message."""
        body = bytearray(submit_sm_body("15550009", destination, name, registered_delivery))
        body[body.index(destination.encode() + b"\0") + len(destination) + 1] = esm_class
        client.send(pdu(SUBMIT_SM, 77, bytes(body)))
        while True:
            command_id, status, _, body = client.receive()
            if command_id == SUBMIT_SM_RESP:
                self.assertEqual(status, OK, self.tails())
                return body.rstrip(b"\0").decode()
            self.assertNotEqual(command_id, DELIVER_SM, "not on this connection")

    def deliveries(self, client, enough, seconds=30):
        """Texts of deliver_sm, each acknowledged, until `enough(texts)`."""
        texts, deadline = Counter(), time.monotonic() + seconds
        while not enough(texts):
            self.assertLess(time.monotonic(), deadline, f"{texts}\n{self.tails()}")
            command_id, _, sequence, body = client.receive()
            if command_id == DELIVER_SM:
                texts[text_of(body)] += 1
                client.send(pdu(DELIVER_SM_RESP, sequence, b"\0"))
            elif command_id == ENQUIRE_LINK:
                client.send(pdu(ENQUIRE_LINK_RESP, sequence))
        return texts

    def add(self, gateway, path, body):
        status, answer = gateway.ask("POST", path, body)
        self.assertEqual(status, 201, answer)
        return answer


def text_of(deliver_sm):
    """short_message of a deliver_sm's body."""
    at = deliver_sm.index(b"\0") + 1          # service_type
    for _ in range(2):                        # addresses
        at = deliver_sm.index(b"\0", at + 2) + 1
    at += 3                                   # esm_class, protocol_id, priority_flag
    for _ in range(2):                        # times
        at = deliver_sm.index(b"\0", at) + 1
    at += 4                                   # registered_delivery, replace_if_present, data_coding, sm_default_msg_id
    return deliver_sm[at + 1:at + 1 + deliver_sm[at]].decode(errors="replace")


def is_health_answered(gateway):
    return http_get(f"http://127.0.0.1:{gateway.http_port}/health")[0] == 200
