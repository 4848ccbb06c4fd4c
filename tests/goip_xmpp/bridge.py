"""A bridge with one line and one user, an XMPP server and a GoIP device without hardware.

The server lives as long as a class of tests; each test has users of its own there, and everything else for itself.
"""
import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
from peers import PeerTest, free_port, http_get, require, wait_until  # noqa: E402
from xmpp_servers import (DOMAIN, SECRET, Prosody, ServerHome, prosody_available, slixmpp_available,  # noqa: E402
                          user_command)

LINE, PASSWORD, OWN = "g1", "pw", "+37250001"
BINARY = Path(os.environ["MSGKIT_BIN_DIR"]) / "goip_xmpp" / "goip_xmpp"
DEVICE = Path(os.environ["MSGKIT_EXAMPLES_DIR"]) / "goip_fake_device"


class BridgeTest(PeerTest):
    server_class = Prosody
    server = None
    tests_begun = 0
    # {alice} and {bob} are the users of the test.
    lines = f"""\
[[goip.lines]]
id = "{LINE}"
password = "{PASSWORD}"
number = "{OWN}"
pacing = "0s"
[[xmpp.users]]
jid = "{{alice}}@localhost"
carrier = "{LINE}"
allow = '^\\+372'
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        require(cls.server_available(), cls.server_class.name)
        require(slixmpp_available(), "python3-slixmpp")
        cls.new_server()

    @classmethod
    def new_server(cls, *arguments, **options):
        home = ServerHome()
        cls.addClassCleanup(home.close)
        cls.server = cls.server_class(home, *arguments, **options)

    def setUp(self):
        super().setUp()
        if not self.server.program.running:  # a test that failed left it so
            self.server.start()
        cls = type(self)
        cls.tests_begun += 1
        self.alice, self.bob = f"a{cls.tests_begun}", f"b{cls.tests_begun}"
        self.goip_port, self.http_port = free_port(), free_port()
        self.config = self.scratch / "goip_xmpp.toml"
        self.client_count = 0

    @staticmethod
    def server_available():
        return prosody_available()

    def store(self, database):
        return f'path = "{self.scratch}/{database}.db"'

    def write_config(self, secret=SECRET, goip="", xmpp="", http_port=None, database="bridge"):
        self.config.write_text(f"""\
[store]
{self.store(database)}
[records]
path = "{self.scratch}/{database}_records.db"
[goip]
listen = "127.0.0.1:{self.goip_port}"
{goip}
[xmpp]
server = "127.0.0.1:{self.server.component_port}"
domain = "{DOMAIN}"
user_domain = "localhost"
secret = "{secret}"
ping = "localhost"
{xmpp}
[http]
listen = "127.0.0.1:{http_port or self.http_port}"
{self.lines.format(alice=self.alice, bob=self.bob)}""")

    def start_bridge(self, name="goip_xmpp", **options):
        self.write_config(**options)
        bridge = self.start(name, [BINARY, "--config", self.config])
        bridge.wait_for_port(options.get("http_port", self.http_port))
        return bridge

    def start_device(self, *options, keepalive=200):
        return self.start("device", [DEVICE, "127.0.0.1", self.goip_port, "--line", f"{LINE}:{PASSWORD}:{OWN}",
                                     "--keepalive", keepalive, "--sending", "50", "--report", "50", "--repeat", "500", *options],
                          takes_commands=True)

    def metrics(self, port=None):
        return http_get(f"http://127.0.0.1:{port or self.http_port}/metrics")[1]

    def is_ready(self):
        return http_get(f"http://127.0.0.1:{self.http_port}/ready")[0] == 200

    def line_is_online(self):
        return 'goip_line_up{line="g1"} 1' in self.metrics()

    def stored(self, count=1):
        return f'goip_inbound_total{{line="g1",stored="true"}} {count}\n' in self.metrics() + "\n"

    def wait_until_delivered(self):
        """The server has the message. ejabberd may show one that comes while its user logs in only the next time."""
        wait_until(lambda: 'goip_xmpp_engine_messages_settled_total{state="delivered"} 1' in self.metrics(), 60,
                   "the server to have the message")

    def start_all(self, *device_options, **bridge_options):
        bridge, device = self.start_bridge(**bridge_options), self.start_device(*device_options)
        wait_until(self.is_ready, 30, lambda: f"the bridge to be ready\n{bridge.tail()}")
        wait_until(self.line_is_online, 30, "the line to be online")
        return bridge, device

    def client(self, *steps, user=None, seconds=60):
        """A user, alice by default, who does `steps`, once she is online."""
        self.client_count += 1
        client = self.start(f"client{self.client_count}",
                            user_command(self.server, *steps, user=user or self.alice, seconds=seconds),
                            takes_commands="obey" in steps)
        client.wait_for_event("online", 60)
        return client

    def run_client(self, *steps, user=None):
        return self.finish(self.client(*steps, user=user))

    def finish(self, client):
        client.wait_for_event("done", 90)
        self.assertEqual(client.events("failed") + client.events("timeout"), [], client.tail())
        return client

    def bodies(self, client):
        return [m["body"] for m in client.events("message")]


class RawDevice:
    """Says exactly the octets it is told to."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))

    def close(self):
        self.socket.close()

    def say(self, datagram):
        self.socket.send(datagram if isinstance(datagram, bytes) else datagram.encode())

    def hear(self, seconds=10):
        """The next datagram, None when there is none."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65536).decode(errors="replace")
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            time.sleep(0.05)  # nobody listens yet
            return None

    def ask(self, datagram, seconds=10):
        self.say(datagram)
        return self.hear(seconds)
