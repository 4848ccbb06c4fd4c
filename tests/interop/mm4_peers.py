"""Mail programs that MM4 has to get along with: a Postfix of our own, aiosmtpd. Standard library only."""
import contextlib
import os
import pwd
import shutil
import signal
from pathlib import Path

from peers import accepts_connections, find_in_sbin, free_port, require, wait_until

AIOSMTPD = "/usr/bin/aiosmtpd"


def runs(pid):
    """False for a zombie too: it is no child of ours, and not every first process of a container collects orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Postfix:
    """A whole instance in the scratch directory: own queue, own configuration, everything relayed to one port, or put
    into a Maildir. The system's Postfix and its queue are not touched. Its master changes users, so it needs root."""

    def __init__(self, test, relay_port, maildir=None):
        require(find_in_sbin("postfix") and os.geteuid() == 0, "Postfix, and root to run an instance of it")
        self.test, self.port = test, free_port()
        home = Path(test.scratch)
        for directory in [home, *home.parents][:1]:
            os.chmod(directory, 0o755)  # its processes run as the user postfix
        self.config = home / "postfix"
        queue, data = home / "queue", home / "data"
        for directory in (self.config, queue, data):
            directory.mkdir(mode=0o755)
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        self.log = home / "postfix.log"
        (self.config / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
maillog_file = {self.log}
maillog_file_prefixes = {home}
multi_instance_name = postfix-msgkit-test
multi_instance_enable = no
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relay_domains = static:all
relay_transport = smtp:[127.0.0.1]:{relay_port}
default_transport = smtp:[127.0.0.1]:{relay_port}
local_recipient_maps =
alias_maps =
alias_database =
smtpd_recipient_restrictions = permit_mynetworks, reject
{self._mailbox_lines(maildir)}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_host_lookup = native
""")
        services = [("pickup", "unix", "n", "60", "1", "pickup"), ("cleanup", "unix", "n", "-", "0", "cleanup"),
                    ("qmgr", "unix", "n", "1", "1", "qmgr"), ("rewrite", "unix", "-", "-", "-", "trivial-rewrite"),
                    ("bounce", "unix", "-", "-", "0", "bounce"), ("defer", "unix", "-", "-", "0", "bounce"),
                    ("trace", "unix", "-", "-", "0", "bounce"), ("verify", "unix", "-", "-", "1", "verify"),
                    ("flush", "unix", "n", "1000?", "0", "flush"), ("proxymap", "unix", "-", "-", "-", "proxymap"),
                    ("smtp", "unix", "-", "-", "-", "smtp"), ("relay", "unix", "-", "-", "-", "smtp"),
                    ("error", "unix", "-", "-", "-", "error"), ("retry", "unix", "-", "-", "-", "error"),
                    ("anvil", "unix", "-", "-", "1", "anvil"), ("scache", "unix", "-", "-", "1", "scache"),
                    ("postlog", "unix-dgram", "n", "-", "1", "postlogd")]
        lines = [f"127.0.0.1:{self.port} inet n - n - - smtpd"]
        lines += [f"{name} {kind} {private} - n {wake} {limit} {command}" for name, kind, private, wake, limit, command in services]
        lines.append("virtual unix - n n - - virtual")
        (self.config / "master.cf").write_text("\n".join(lines) + "\n")
        self.program = test.start("postfix_master", [find_in_sbin("postfix"), "-c", self.config, "start-fg"])
        self.pid_file = queue / "pid" / "master.pid"
        test._closers.callback(self.stop)  # the master outlives the script that starts it
        wait_until(self._is_up, 30, self.tail)

    @staticmethod
    def _mailbox_lines(maildir):
        """All mail into one Maildir instead of to the relay."""
        if maildir is None:
            return ""
        owner = pwd.getpwnam("postfix")
        os.makedirs(maildir, exist_ok=True)
        for name in ("", "new", "cur", "tmp"):
            os.makedirs(os.path.join(maildir, name), exist_ok=True)
            os.chown(os.path.join(maildir, name), owner.pw_uid, owner.pw_gid)
        parent, name = os.path.split(maildir)
        return f"""virtual_mailbox_domains = static:all
virtual_mailbox_base = {parent}
virtual_mailbox_maps = static:{name}/
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
virtual_minimum_uid = 1"""

    def stop(self):
        if not self.pid_file.exists():
            return
        pid = int(self.pid_file.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not runs(pid), 30, f"the end of Postfix (pid {pid})")

    def _is_up(self):
        if not self.program.running:
            raise AssertionError(f"Postfix ended\n{self.tail()}")
        return accepts_connections(self.port)

    def tail(self):
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"{self.program.tail()}\n--- log\n{log[-3000:]}"


def aiosmtpd(test):
    """A server that prints every mail; returns (program, port)."""
    require(Path(AIOSMTPD).exists(), "aiosmtpd")
    port = free_port()
    program = test.start("aiosmtpd", [AIOSMTPD, "-n", "-u", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Debugging", "stdout"],
                         {"PYTHONUNBUFFERED": "1"})
    program.wait_for_port(port)
    return program, port


def swaks():
    require(shutil.which("swaks"), "swaks")
    return shutil.which("swaks")
