"""Wireshark's SMPP dissector reads what libsmpp encodes: one sample of every PDU and TLV, field by field.

The samples and what they mean come from smpp_samples (MSGKIT_SMPP_SAMPLES); tshark's view of the same octets must hold
every value. What the dissector does not know is listed here, so that a sample that is silently skipped is a failure.
"""
import datetime
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from peers import require

PORT = "2775"
# SMPP 3.3 only: the dissector does not take these for SMPP at all.
UNKNOWN = {"param_retrieve", "param_retrieve_resp", "query_last_msgs", "query_last_msgs_resp", "query_msg_details",
           "query_msg_details_resp"}
# Counts that it uses and does not show.
NO_FIELD = {"number_of_dests", "dest_flag", "no_unsuccess"}
# TLVs whose value it shows under another name, or in pieces: field -> octets of the value, as a slice and a mask.
OTHER_NAME = {
    "sc_interface_version": "SC_interface_version", "billing_identification": "billing_id",
    "dest_addr_np_information": "dest_addr_np_info", "broadcast_service_group": "broadcast_service_group",
    "broadcast_content_type_info": "broadcast_content_type.info",
    "alert_on_message_delivery": "alert_on_message_delivery_type",
}
PIECES = {
    "network_error_code": {"network_error.type": (0, 1, 0xFF), "network_error.code": (1, 3, 0xFFFF)},
    "callback_num_pres_ind": {"callback_num.pres": (0, 1, 0x0C), "callback_num.scrn": (0, 1, 0x03)},
    "ms_msg_wait_facilities": {"msg_wait.ind": (0, 1, 0x80), "msg_wait.type": (0, 1, 0x03)},
    "broadcast_content_type": {"broadcast_content_type.nw": (0, 1, 0xFF), "broadcast_content_type.type": (1, 3, 0xFFFF)},
    "broadcast_frequency_interval": {"broadcast_frequency_interval.unit": (0, 1, 0xFF),
                                     "broadcast_frequency_interval.value": (1, 3, 0xFFFF)},
    "its_session_info": {"its_session.number": (0, 1, 0xFF), "its_session.sequence": (1, 2, 0xFE),
                         "its_session.ind": (1, 2, 0x01)},
    "broadcast_area_identifier": {"broadcast_area_identifier.format": (0, 1, 0xFF)},
}
# Two octets in SMPP 5.0; the dissector of Debian 12 reads the first.
ONE_OCTET_READ = {"broadcast_rep_num"}
# Shown as a label without a value: callback numbers.
LABELS = {"callback_num": "callback_num", "callback_num_atag": "callback_num_atag"}
BIT_FIELDS = {
    "esm_class": {"esm.submit.msg_mode": 0x03, "esm.submit.msg_type": 0x3C, "esm.submit.features": 0xC0},
    "registered_delivery": {"regdel.receipt": 0x03, "regdel.acks": 0x0C, "regdel.notif": 0x10},
}


def lowest_bit(mask):
    return (mask & -mask).bit_length() - 1


def flatten(pairs, into):
    """All (name, value) below one layer, in order; a name may stand there several times."""
    for name, value in pairs:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            into.append((name, None))
            flatten(value, into)
        else:
            into.append((name, value))
    return into


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def as_octets(text):
    return bytes.fromhex(text.replace(":", ""))


def point_in_time(text):
    """"Nov 21, 2026 05:30:01.000000000 UTC" as SMPP writes it."""
    at = datetime.datetime.strptime(text.split(".")[0], "%b %d, %Y %H:%M:%S")
    return at.strftime("%y%m%d%H%M%S") + "000+"


def span_in_seconds(text):
    """"000002030405000R" in seconds; years and months are zero in the samples."""
    days, hours, minutes, seconds = (int(text[i:i + 2]) for i in (4, 6, 8, 10))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class Packet:
    """What tshark says about one PDU."""

    def __init__(self, layer):
        self.fields = flatten(layer, [])

    def values(self, name):
        return [v for n, v in self.fields if n == "smpp." + name]

    def has(self, name):
        return any(n == "smpp." + name for n, _ in self.fields)


def run_tshark(frames, scratch):
    dump, capture = Path(scratch) / "frames.txt", Path(scratch) / "frames.pcap"
    with open(dump, "w") as f:
        for octets in frames:
            for at in range(0, len(octets), 16):
                f.write(f"{at:06x} {octets[at:at + 16].hex(' ')}\n")
            f.write("\n")
    subprocess.run(["text2pcap", "-q", "-T", f"{PORT},{PORT}", dump, capture], check=True, timeout=60,
                   capture_output=True)
    done = subprocess.run(["tshark", "-r", capture, "-d", f"tcp.port=={PORT},smpp", "-T", "json"], check=True, timeout=120,
                          capture_output=True, env={**os.environ, "TZ": "UTC", "HOME": scratch})
    packets = json.loads(done.stdout, object_pairs_hook=list)
    layers = [dict(dict(p)["_source"])["layers"] for p in packets]
    return [Packet(next(value for name, value in layer if name == "smpp")) for layer in layers]


class Tshark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("tshark", "text2pcap"):
            require(shutil.which(program), f"{program} (Debian: tshark)")
        samples = subprocess.run([os.environ["MSGKIT_SMPP_SAMPLES"]], check=True, capture_output=True, text=True, timeout=60)
        lines = [line.split("\t") for line in samples.stdout.splitlines()]
        known = [(bytes.fromhex(h), json.loads(j)) for h, j in lines if json.loads(j)["command"] not in UNKNOWN]
        cls.octets = [octets for octets, _ in known]
        cls.expected = [meaning for _, meaning in known]
        with tempfile.TemporaryDirectory() as scratch:
            cls.seen = run_tshark(cls.octets, scratch)

    def test_sees_one_pdu_for_each_sample(self):
        self.assertEqual(len(self.seen), len(self.expected))
        self.assertEqual(len(self.seen), 33 + 65)  # PDUs and TLVs

    def test_agrees_on_every_header(self):
        for octets, ours, theirs in zip(self.octets, self.expected, self.seen):
            with self.subTest(ours["command"]):
                self.assertEqual(number(theirs.values("command_length")[0]), len(octets))
                self.assertEqual(number(theirs.values("command_id")[0]), int(ours["command_id"], 16))
                self.assertEqual(number(theirs.values("sequence_number")[0]), ours["sequence_number"])

    def expect_field(self, name, value, theirs):
        """`value` is ours; takes tshark's values of that name in their order, so that lists compare too."""
        if name in BIT_FIELDS:
            for piece, mask in BIT_FIELDS[name].items():
                self.assertEqual(number(theirs.values(piece)[0]), (value & mask) >> lowest_bit(mask), piece)
        elif name == "short_message":
            self.assertEqual(as_octets(theirs.values("message")[0]), bytes.fromhex(value))
        elif isinstance(value, str) and value.endswith("R") and name == "validity_period":
            self.assertEqual(float(theirs.values(name + "_r")[0]), span_in_seconds(value))
        elif name in ("schedule_delivery_time", "validity_period", "final_date"):
            self.assertEqual(point_in_time(theirs.values(name)[0]), value)
        elif isinstance(value, int):
            self.assertIn(value, [number(v) for v in theirs.values(name)], name)
        else:
            self.assertIn(value, theirs.values(name), name)

    def test_agrees_on_every_mandatory_field(self):
        pdus = set()
        for ours, theirs in zip(self.expected, self.seen):
            command = ours["command"]
            if ours["tlvs"]:
                continue
            pdus.add(command)
            with self.subTest(command):
                head = ("command", "command_id", "command_status", "command_status_name", "sequence_number", "tlvs",
                        "text", "diagnostics")
                for name, value in ours.items():
                    if name in head or name in NO_FIELD:
                        continue
                    if not isinstance(value, list):
                        self.expect_field(name, value, theirs)
                        continue
                    for element in value:
                        for inner, inner_value in element.items():
                            if inner not in NO_FIELD:
                                self.expect_field(inner, inner_value, theirs)
        self.assertEqual(len(pdus), 33)

    def test_agrees_on_every_tlv(self):
        compared = 0
        for octets, ours, theirs in zip(self.octets, self.expected, self.seen):
            for tlv in ours["tlvs"]:
                name, raw = tlv["name"], octets[len(octets) - self.value_bytes(octets):]
                with self.subTest(tag=tlv["tag"], name=name):
                    self.assertEqual(number(theirs.values("opt_param_tag")[0]), int(tlv["tag"], 16))
                    self.assertEqual(number(theirs.values("opt_param_len")[0]), len(raw))
                    self.expect_tlv(name, tlv["value"], raw, theirs)
                    compared += 1
        self.assertEqual(compared, 65)

    @staticmethod
    def value_bytes(octets):
        """The length of the only TLV of a sample whose mandatory part is that of the plain submit_sm."""
        mandatory = 16 + len(b"\0\0\0001\0\0\0002\0") + 10
        return len(octets) - mandatory - 4

    def expect_tlv(self, name, value, raw, theirs):
        if name is None:
            self.assertEqual(as_octets(theirs.values("vendor_op")[0]), raw)
        elif name in LABELS:
            self.assertTrue(theirs.has(LABELS[name]))
        elif name in PIECES:
            for piece, (start, end, mask) in PIECES[name].items():
                expected = (int.from_bytes(raw[start:end], "big") & mask) >> lowest_bit(mask)
                self.assertEqual(number(theirs.values(piece)[0]), expected, piece)
        elif name == "broadcast_end_time":
            self.assertEqual(point_in_time(theirs.values(name)[0]), value)
        else:
            shown = theirs.values(OTHER_NAME.get(name, name))
            self.assertTrue(shown, name)
            if name in ONE_OCTET_READ:
                self.assertIn(number(shown[0]), (value, raw[0]))
            elif isinstance(value, int):
                self.assertEqual(number(shown[0]), value)
            elif ":" in shown[0] or shown[0] == raw.hex():
                self.assertEqual(as_octets(shown[0]), raw)
            else:
                text = raw.rstrip(b"\0").decode("ascii")
                self.assertIn(shown[0], (text, str(raw[0]), f"0x{raw[0]:02x}"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
