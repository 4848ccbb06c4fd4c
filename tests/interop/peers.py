"""Starts and watches the programs of the interoperability and crash tests. Standard library only.

Every program writes to files below one scratch directory per test, is ended through its own process id, and every wait
polls for a condition until a deadline, after which the test fails with the end of the program's output.
"""
import contextlib
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
POLL_SECONDS = 0.02
STOP_SECONDS = 10.0


def in_ci():
    return os.environ.get("CI", "") not in ("", "0", "false")


def require(condition, what):
    """Skips the test visibly when a peer is missing, fails it in continuous integration."""
    if condition:
        return
    if in_ci():
        raise AssertionError(f"{what} is missing")
    raise unittest.SkipTest(f"{what} is missing")


def kernel_ports():
    """The first of the ports that the kernel hands out to clients."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


_given_ports = {}  # each with the name that keeps it ours


def free_port():
    """A TCP port that was free a moment ago, given to no other test that runs, and outside the range the kernel hands out
    to clients: none of their connections can take it before the program under test listens."""
    for _ in range(1000):
        port = random.randrange(10000, min(kernel_ports(), 32768))
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0msgkit_port_{port}")  # no file: gone when this process ends
        except OSError:
            name.close()
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
        _given_ports[port] = name
        return port
    raise AssertionError("no free port in 1000 tries")


def with_free_ports(script, ports):
    """The script with a free port in place of each of these, all at once: one that is free may contain another's digits."""
    free = {port: str(free_port()) for port in ports}
    return re.sub(r"(?<!\d)(?:" + "|".join(free) + r")(?!\d)", lambda found: free[found[0]], script)


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(); raises AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what() if callable(what) else what}")
        time.sleep(POLL_SECONDS)


def accepts_connections(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def http_get(url, seconds=5):
    """(status, body); a refused connection is (0, reason)."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError as e:
        return 0, str(e)


class Program:
    """A child process with its output in <scratch>/<name>.out and .err. With `takes_commands` it reads those of command()."""

    def __init__(self, name, arguments, scratch, environment=None, takes_commands=False):
        self.name = name
        self.out_path = Path(scratch) / f"{name}.out"
        self.err_path = Path(scratch) / f"{name}.err"
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            # Its own process group, so that a Ctrl-C at the terminal reaches the test first.
            self.process = subprocess.Popen([str(a) for a in arguments], stdout=out, stderr=err, cwd=scratch,
                                            stdin=subprocess.PIPE if takes_commands else subprocess.DEVNULL,
                                            env={**os.environ, **(environment or {})},
                                            start_new_session=True)

    @property
    def running(self):
        return self.process.poll() is None

    def output(self):
        return self.out_path.read_text(errors="replace")

    def tail(self):
        """What a person needs to see when this program is the reason of a failure."""
        parts = [f"--- {self.name} (pid {self.process.pid}, exit status {self.process.poll()})"]
        for path in (self.out_path, self.err_path):
            text = path.read_text(errors="replace")
            if text:
                parts.append(f"{path.name}: ...{text[-3000:]}")
        return "\n".join(parts)

    def events(self, kind=None):
        """The complete JSON lines of its output, those of one kind if given."""
        lines = self.output().split("\n")[:-1]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [e for e in events if kind is None or e["event"] == kind]

    def wait_for_event(self, kind, seconds=10, count=1):
        def condition():
            found = self.events(kind)
            if len(found) >= count:
                return found
            if not self.running:
                found = self.events(kind)
                if len(found) >= count:
                    return found
                raise AssertionError(f"{self.name} ended before {count} x {kind}\n{self.tail()}")
            return None
        return wait_until(condition, seconds, lambda: f"{count} x {kind} from\n{self.tail()}")

    def wait_for_port(self, port, seconds=10):
        def condition():
            if not self.running:
                raise AssertionError(f"{self.name} ended before it listened\n{self.tail()}")
            return accepts_connections(port)
        wait_until(condition, seconds, lambda: f"port {port} of\n{self.tail()}")

    def wait(self, seconds):
        """Its exit status; fails when it does not end by itself in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s\n{self.tail()}") from None

    def command(self, text):
        """One line on its standard input."""
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def kill(self):
        """SIGKILL, then reaps it."""
        self.signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM, and SIGKILL for one that does not listen. Returns the exit status."""
        self.signal(signal.SIGTERM)
        if self.process.stdin:
            self.process.stdin.close()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode


class HttpCatcher:
    """A web server that answers 200 to everything and remembers the requests: (path, {parameter: value})."""

    def __init__(self):
        self.requests = []
        catcher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                # Latin-1 keeps every octet; what it means is for the test to say.
                query = urllib.parse.parse_qs(url.query, keep_blank_values=True, encoding="latin-1")
                catcher.requests.append((url.path, {k: v[0] for k, v in query.items()}))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def caught(self, path):
        return [parameters for p, parameters in list(self.requests) if p == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class PeerTest(unittest.TestCase):
    """Gives each test a scratch directory and ends whatever it started, last first."""

    def setUp(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="msgkit_"))
        self.programs = []
        self._closers = contextlib.ExitStack()

    def tearDown(self):
        try:
            for program in reversed(self.programs):
                program.stop()
        finally:
            self._closers.close()
            if self._failed():
                print(f"{self.id()}: output kept in {self.scratch}")
                for program in self.programs:
                    print(program.tail())
            else:
                shutil.rmtree(self.scratch, ignore_errors=True)

    def _failed(self):
        outcome = self._outcome
        result = getattr(outcome, "result", None)
        broken = list(getattr(result, "failures", [])) + list(getattr(result, "errors", []))
        return any(test is self for test, _ in broken)

    def start(self, name, arguments, environment=None, takes_commands=False):
        program = Program(name, arguments, self.scratch, environment, takes_commands)
        self.programs.append(program)
        return program

    def catcher(self):
        catcher = HttpCatcher()
        self._closers.callback(catcher.close)
        return catcher

    def write(self, name, text):
        path = self.scratch / name
        path.write_text(text, encoding="utf-8")
        return path


# ---- the peers nobody here wrote

def node_available():
    return shutil.which("node") is not None and (HERE / "node_modules" / "smpp").is_dir()


def net_smpp_available():
    return shutil.which("perl") is not None and subprocess.run(
        ["perl", "-MNet::SMPP", "-e", "1"], stderr=subprocess.DEVNULL).returncode == 0


def find_in_sbin(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def kannel_available():
    return find_in_sbin("bearerbox") is not None and find_in_sbin("smsbox") is not None


def client_arguments(script, port, system_id, password, messages_file, mo_count, seconds):
    interpreter = {"js": "node", "pl": "perl"}[script.split(".")[-1]]
    return [interpreter, HERE / script, "--port", port, "--system-id", system_id, "--password", password,
            "--messages", messages_file, "--mo", mo_count, "--timeout", seconds]


def server_arguments(port, system_id, password, mo_file=None):
    arguments = ["node", HERE / "node_server.js", "--port", port, "--system-id", system_id, "--password", password]
    return arguments + (["--mo", mo_file] if mo_file else [])


def kannel_config(directory, smsc_port, system_id, password, admin_port, smsbox_port, sendsms_port, mo_url):
    """One SMPP transceiver bind to the gateway under test; MO messages go to mo_url."""
    return f"""\
group = core
admin-port = {admin_port}
admin-password = admin
admin-interface = 127.0.0.1
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
box-deny-ip = *.*.*.*
log-file = {directory}/bearerbox.log
log-level = 0
store-type = file
store-location = {directory}/kannel.store
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = gateway
host = 127.0.0.1
port = {smsc_port}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
reconnect-delay = 1
enquire-link-interval = 5

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1
log-file = {directory}/smsbox.log
log-level = 0

group = sendsms-user
username = test
password = test
concatenation = true
max-messages = 10

group = sms-service
keyword = default
get-url = "{mo_url}?from=%p&to=%P&text=%b&coding=%c"
max-messages = 0
"""


class Kannel:
    """bearerbox and smsbox as an SMPP client of the gateway under test."""

    def __init__(self, test, smsc_port, system_id, password):
        self.catcher = test.catcher()
        self.sendsms_port = free_port()
        self.admin_port = free_port()
        smsbox_port = free_port()
        config = test.write("kannel.conf", kannel_config(
            test.scratch, smsc_port, system_id, password, self.admin_port, smsbox_port, self.sendsms_port,
            self.catcher.url("/mo")))
        self.bearerbox = test.start("bearerbox", [find_in_sbin("bearerbox"), "-v", "1", config])
        self.bearerbox.wait_for_port(smsbox_port, 20)
        self.smsbox = test.start("smsbox", [find_in_sbin("smsbox"), "-v", "1", config])
        self.smsbox.wait_for_port(self.sendsms_port, 20)
        # Its port is open before it knows the bearerbox, without which it takes no message.
        wait_until(lambda: "Connected to bearerbox" in self.smsbox.tail(), 30, self.smsbox.tail)
        wait_until(self.is_bound, 30, lambda: f"the bind of Kannel\n{self.bearerbox.tail()}")

    def is_bound(self):
        status, body = http_get(f"http://127.0.0.1:{self.admin_port}/status.txt?password=admin")
        return status == 200 and "gateway" in body and "(online" in body

    def send(self, message):
        """Queues a message; its receipts arrive at /dlr with `id` and `type` (1: delivered, 8: accepted)."""
        dlr = self.catcher.url("/dlr") + f"?id={message['id']}&type=%d&smsc_id=%F"
        parameters = {"username": "test", "password": "test", "from": message["from"], "to": message["to"],
                      "text": message["text"], "charset": "UTF-8", "coding": "2" if message["coding"] == 8 else "0",
                      "dlr-mask": "31", "dlr-url": dlr}
        status, body = http_get(f"http://127.0.0.1:{self.sendsms_port}/cgi-bin/sendsms?" +
                                urllib.parse.urlencode(parameters, encoding="utf-8"))
        if status != 202:
            raise AssertionError(f"sendsms: {status} {body}")

    def receipt_types(self, message):
        return {int(p["type"]) for p in self.catcher.caught("/dlr") if p["id"] == str(message["id"])}

    def mo_messages(self):
        """Kannel hands on UTF-8, or UTF-16 for coding 2, and writes international numbers with a plus."""
        return [{"from": p["from"].lstrip("+"), "to": p["to"].lstrip("+"),
                 "text": p["text"].encode("latin-1").decode("utf-16-be" if p["coding"] == "2" else "utf-8")}
                for p in self.catcher.caught("/mo")]
