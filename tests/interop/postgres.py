"""A throw-away PostgreSQL server on a unix socket in a test's scratch directory. It refuses to run as root, so a test
that is root starts it as the user postgres or nobody."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from peers import require, wait_until


def _bin():
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (directory / "initdb").exists():
            return directory
    found = shutil.which("initdb")
    require(found, "the package postgresql")
    return Path(found).parent


class Postgres:
    def __init__(self, test, initdb_options=()):
        self.bin = _bin()
        # A short path: that of a socket has 107 octets at most.
        self.directory = Path(tempfile.mkdtemp(prefix="msgkit_pg_"))
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.test = test
        self.as_user = []
        if os.geteuid() == 0:
            user = next(u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
            shutil.chown(self.directory, user)
            self.as_user = ["setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups"]
        subprocess.run([*self.as_user, self.bin / "initdb", "--pgdata", self.directory / "data", "--username", "msgkit",
                        "--auth", "trust", "--no-sync", "--no-instructions", *initdb_options], check=True, stdout=subprocess.DEVNULL,
                       cwd=self.directory, env={**os.environ, "LC_ALL": "C"})
        self.dsn = f"host={self.directory} user=msgkit dbname=postgres"
        self.start()

    def start(self):
        (self.directory / "data" / "postmaster.pid").unlink(missing_ok=True)
        # Commits are forced to disk as in earnest; setpriv becomes the server, so the process id is the postmaster's.
        self.program = self.test.start("postgres", [*self.as_user, self.bin / "postgres", "-D", self.directory / "data", "-k",
                                                    self.directory, "-c", "listen_addresses="])
        wait_until(self.answers, 30, self.program.tail)

    def family(self):
        """Process ids of the postmaster and its children."""
        pid = self.program.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [pid, *map(int, children.read_text().split())] if children.exists() else []

    def signal_all(self, number):
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        self.signal_all(signal.SIGKILL)
        self.program.process.wait()

    def limit_files(self, octets):
        """Writes of its clients' processes beyond that size of a file fail from now on, as on a full disk; "unlimited" ends it."""
        pids = self.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        for pid in pids.split():
            subprocess.run([*self.as_user, "prlimit", "--pid", pid, f"--fsize={octets}:unlimited"], check=False,
                           cwd=self.directory, stderr=subprocess.DEVNULL)  # it may have gone

    def answers(self):
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", self.directory], check=False).returncode == 0

    def sql(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.dsn, "-c", text],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def store_lines(self, instance="gw1", lease="30s", statement_timeout="10s"):
        return (f'type = "postgres"\ndsn = "{self.dsn}"\ninstance = "{instance}"\nlease = "{lease}"\n'
                f'statement_timeout = "{statement_timeout}"')
