"""smppd and smppc under steady load: memory stays flat, descriptors constant, and the tail of latencies where it was.

smppc first measures how much smppd takes, then sends half of that on a fixed schedule, with receipts.

    MSGKIT_BIN_DIR        the directory apps/ of the build tree
    MSGKIT_SOAK_SECONDS   default 12: long enough for leaks per message, too short to judge latencies; from 60 on those are
                          judged too, unless other jobs took much of the machine, which is then said: their bursts are in
                          the tail. scripts/test.sh --soak runs an hour.
"""
import json
import os
import statistics
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from gateway import CARRIER_ID, CARRIER_PASSWORD, binary  # noqa: E402
from peers import PeerTest, free_port  # noqa: E402

SECONDS = float(os.environ.get("MSGKIT_SOAK_SECONDS", "12"))
BINDS, WINDOW = 5, 200
WARM_UP_SHARE = 0.25       # of the run: queues and caches find their size
IS_SHORT = SECONDS < 60    # among other tests: leave the machine some room, and expect others to take theirs
RATE_MAX = 20_000 if IS_SHORT else 10_000_000
GROWTH_SHARE_MAX = 0.03    # of the resident memory, from after the warm-up to the end
GROWTH_BYTES_FLOOR = (8 if IS_SHORT else 1) << 20
PROBE_SECONDS = 2 if IS_SHORT else 5
TAIL_RATIO_MAX, TAIL_SLACK_US = 1.5, 5_000  # the best of the last third against the first
OTHERS_SHARE_MAX = 0.1     # of all CPUs, by processes that are not ours, in the third that had most of it


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def busy_ticks():
    """Of all CPUs, since the machine started."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return user + nice + system + irq + softirq + steal


def ticks_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Others:
    """What the rest of the machine used while we ran."""

    def __init__(self, programs):
        self.pids, self.samples = [os.getpid(), *(p.process.pid for p in programs)], []

    def sample(self):
        self.samples.append((time.monotonic(), busy_ticks() - sum(ticks_of(pid) for pid in self.pids)))

    def most_share(self):
        third = len(self.samples) // 3
        edges = [self.samples[i] for i in (0, third, 2 * third, -1)]
        per_second = os.cpu_count() * os.sysconf("SC_CLK_TCK")
        return max((b[1] - a[1]) / ((b[0] - a[0]) * per_second) for a, b in zip(edges, edges[1:]))


class Watch:
    """Memory and descriptors of one program over time."""

    def __init__(self, program):
        self.program, self.memory, self.files = program, [], []

    def sample(self):
        self.memory.append(resident_bytes(self.program.process.pid))
        self.files.append(descriptors(self.program.process.pid))

    def report(self):
        half = max(len(self.memory) // 8, 1)
        before, after = statistics.median(self.memory[:half]), statistics.median(self.memory[-half:])
        return before, after, set(self.files)


class SoakTest(PeerTest):
    def start_smppd(self):
        self.port = free_port()
        config = self.write("smppd.toml", f"""\
listen = "127.0.0.1:{self.port}"
receipt_delay = "10ms"
window = 10000
inbound_window = 100000
[storage]
settled_max = 1000
[http]
listen = "127.0.0.1:0"
[log]
level = "warn"
[[users]]
system_id = "{CARRIER_ID}"
password = "{CARRIER_PASSWORD}"
""")
        smppd = self.start("smppd", [binary("smppd"), "--config", config])
        smppd.wait_for_port(self.port)
        return smppd

    def load(self, name, *arguments):
        return self.start(name, [binary("smppc"), "load", "--port", self.port, "--system-id", CARRIER_ID, "--binds", BINDS,
                                 "--window", WINDOW, "--receipts", "--receipt-wait", 60, "--response-timeout", 60, "--json",
                                 *arguments],
                          {"SMPPC_PASSWORD": CARRIER_PASSWORD})

    def results(self, program, seconds):
        status = program.wait(seconds)
        return status, [json.loads(line) for line in program.output().splitlines()]

    def test_steady_load(self):
        smppd = self.start_smppd()
        # At its limit it may refuse some; what counts is how much it takes.
        most = self.results(self.load("probe", "--seconds", PROBE_SECONDS), 90)[1][-1]["messages_per_second"]
        rate = int(min(most / 2, RATE_MAX))
        load = self.load("load", "--rate", rate, "--seconds", SECONDS, "--interval", SECONDS / 12)
        watches, others = [Watch(smppd), Watch(load)], Others([smppd, load])
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS - 0.5 and load.running:
            others.sample()
            time.sleep(0.25)
            if time.monotonic() - begun > WARM_UP_SHARE * SECONDS:
                for w in watches:
                    w.sample()
        status, (*intervals, total) = self.results(load, 120)
        self.assertEqual(status, 0, load.tail())
        self.assertEqual(total["errors"], {})
        self.assertEqual(total["receipts"], total["accepted"])
        print(f"\nsoak: {SECONDS:.0f} s at {rate} msg/s of {most:.0f}, {total['accepted']} messages, "
              f"{total['overdue']} overdue, latency {total['latency_us']} us")
        for w in watches:
            before, after, files = w.report()
            print(f"soak: {w.program.name}: {before / 1e6:.1f} MB then {after / 1e6:.1f} MB, descriptors {sorted(files)}")
            self.assertLess(after - before, max(GROWTH_SHARE_MAX * before, GROWTH_BYTES_FLOOR), w.program.name)
            self.assertEqual(len(files), 1, w.program.name)
        tails = [i["latency_us"]["p99"] for i in intervals]
        # What grows is in every interval of the last third, a burst of another job in some.
        first, last = statistics.median(tails[1:len(tails) // 3 + 1]), min(tails[-(len(tails) // 3):])
        share = others.most_share()
        is_quiet = share <= OTHERS_SHARE_MAX
        print(f"soak: p99 of the first third {first:.0f} us, best of the last {last:.0f} us; other jobs took {100 * share:.0f} % "
              f"of the CPUs{'' if is_quiet else ': not judged'}")
        if not IS_SHORT and is_quiet:
            self.assertLess(last, max(TAIL_RATIO_MAX * first, first + TAIL_SLACK_US))


if __name__ == "__main__":
    unittest.main(verbosity=2)
