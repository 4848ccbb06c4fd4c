"""Starts msggw and smppd for the tests. The configuration files of both are written here and nowhere else."""
import json
import os
from pathlib import Path

from peers import free_port, http_get, require, wait_until

# SMPP passwords have eight characters at most; Kannel cuts longer ones without a word.
CLIENT_ID, CLIENT_PASSWORD = "client", "secret-1"
CARRIER_ID, CARRIER_PASSWORD = "gateway", "secret-2"
# MO messages to these numbers belong to the client.
CLIENT_NUMBERS = "447700900"


def binary(name):
    """The path of one of our programs; MSGKIT_BIN_DIR is the directory apps/ of the build tree."""
    directory = os.environ.get("MSGKIT_BIN_DIR", "")
    path = Path(directory).resolve() / name / name
    require(path.is_file(), f"{name} (MSGKIT_BIN_DIR={directory or 'not set'})")
    return path


def toml_string(text):
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string


# Gateways that share a database need the same one; the others may have it too.
DIRECTORY_KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def msggw_config(directory, smpp_port, http_port, metrics_port, carrier_port, store=None):
    """A gateway with one SMPP client and one SMPP carrier; `store`: lines for [store], else a file in `directory`."""
    return f"""\
[store]
{store or "path = " + toml_string(str(directory / "msggw.db"))}

[directory]
encryption_key = "{DIRECTORY_KEY}"

[http]
listen = "127.0.0.1:{http_port}"

[metrics]
listen = "127.0.0.1:{metrics_port}"

[smpp]
listen = "127.0.0.1:{smpp_port}"

[[clients]]
system_id = {toml_string(CLIENT_ID)}
password = {toml_string(CLIENT_PASSWORD)}

[[carriers]]
name = "upstream"
host = "127.0.0.1"
port = {carrier_port}
system_id = {toml_string(CARRIER_ID)}
password = {toml_string(CARRIER_PASSWORD)}
reconnect_initial = "20ms"
window = 500

[[routes]]
to = ["carrier:upstream"]

[[routes]]
destination = {toml_string(CLIENT_NUMBERS)}
from = "carrier:upstream"
to = ["client:{CLIENT_ID}"]
"""


def smppd_config(directory, port, http_port, mo=(), receipt_delay_ms=20):
    """A message centre for the gateway that writes what it accepts to <directory>/accepted.jsonl."""
    text = f"""\
listen = "127.0.0.1:{port}"
record_file = {toml_string(str(directory / "accepted.jsonl"))}
receipt_delay = "{receipt_delay_ms}ms"

[http]
listen = "127.0.0.1:{http_port}"

[[users]]
system_id = {toml_string(CARRIER_ID)}
password = {toml_string(CARRIER_PASSWORD)}
"""
    for message in mo:
        text += f"""
[[mo]]
user = {toml_string(CARRIER_ID)}
from = {toml_string(message["from"])}
to = {toml_string(message["to"])}
text = {toml_string(message["text"])}
count = 1
"""
    return text


class Smppd:
    def __init__(self, test, mo=(), **options):
        self.port = free_port()
        self.record = test.scratch / "accepted.jsonl"
        config = test.write("smppd.toml", smppd_config(test.scratch, self.port, free_port(), mo, **options))
        self.program = test.start("smppd", [binary("smppd"), "--config", config])
        self.program.wait_for_port(self.port)

    def accepted(self):
        """What it took so far, in order: dicts with id, from, to, octets (hex), data_coding, esm_class."""
        if not self.record.exists():
            return []
        return [json.loads(line) for line in self.record.read_text().split("\n")[:-1]]


class Msggw:
    def __init__(self, test, carrier_port, store=None, name="msggw"):
        self.test, self.name = test, name
        self.smpp_port = free_port()
        self.http_port = free_port()
        self.config = test.write(f"{name}.toml", msggw_config(
            test.scratch, self.smpp_port, self.http_port, free_port(), carrier_port, store))
        self.program = None
        self.start()

    def start(self):
        """Again after stop() or kill(): same ports, same store."""
        self.program = self.test.start(self.name, [binary("msggw"), "--config", self.config])
        wait_until(self.is_ready, 20, lambda: f"/ready of\n{self.program.tail()}")

    def is_ready(self):
        if not self.program.running:
            raise AssertionError(f"msggw ended before it was ready\n{self.program.tail()}")
        return http_get(f"http://127.0.0.1:{self.http_port}/ready")[0] == 200

    def message(self, message_id):
        """GET /messages/{id} as a dict, None when there is no such message."""
        status, body = http_get(f"http://127.0.0.1:{self.http_port}/messages/{message_id}")
        return json.loads(body) if status == 200 else None


GSM_BASIC = {0x00: "@", 0x02: "$", 0x05: "é", 0x7C: "ö", 0x7B: "ä", 0x7E: "ü", 0x11: "_"}
GSM_EXTENDED = {0x65: "€", 0x28: "{", 0x29: "}", 0x3C: "[", 0x3E: "]"}


def to_text(octets, coding):
    """The characters the tests use, from GSM 03.38 (one septet per octet) or UCS-2."""
    if coding == 8:
        return octets.decode("utf-16-be")
    text, escaped = "", False
    for octet in octets:
        if escaped:
            text += GSM_EXTENDED.get(octet, "?")
        elif octet != 0x1B:
            text += GSM_BASIC.get(octet, chr(octet))
        escaped = octet == 0x1B and not escaped
    return text


def joined_texts(accepted):
    """{(from, to, text)} of smppd's records, the parts of long messages put together."""
    texts, waiting = set(), {}
    for record in accepted:
        octets, key = bytes.fromhex(record["octets"]), (record["from"], record["to"])
        if not record["esm_class"] & 0x40:
            texts.add((*key, to_text(octets, record["data_coding"])))
            continue
        header, body = octets[1:octets[0] + 1], octets[octets[0] + 1:]
        reference, total, number = header[2:-2], header[-2], header[-1]
        parts = waiting.setdefault((*key, reference, total), {})
        parts[number] = body
        if len(parts) == total:
            whole = b"".join(parts[i] for i in range(1, total + 1))
            texts.add((*key, to_text(whole, record["data_coding"])))
    return texts
