"""A throw-away MariaDB server on a unix socket, stopped by its process id. It refuses to run as root, so a test that is
root starts it as an unprivileged user."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from peers import wait_until

DATABASE, PASSWORD = "msggw", "d4tabase"


class Mariadb:
    def __init__(self, test):
        # A short path: that of a socket has 107 octets at most.
        self.directory = Path(tempfile.mkdtemp(prefix="msgkit_mdb_"))
        test.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.test = test
        self.as_user = []
        if os.geteuid() == 0:
            user = next(u for u in ("mysql", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
            shutil.chown(self.directory, user)
            self.as_user = ["setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups"]
        subprocess.run([*self.as_user, "mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data",
                        "--skip-test-db", "--auth-root-authentication-method=normal"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory)
        self.start()
        self.sql(f"CREATE DATABASE {DATABASE}; CREATE USER msggw@localhost IDENTIFIED BY '{PASSWORD}';"
                 f"GRANT ALL ON {DATABASE}.* TO msggw@localhost")

    def start(self):
        # Commits are forced to disk as in earnest; setpriv becomes the server, so the process id is the server's.
        self.program = self.test.start("mariadbd", [*self.as_user, shutil.which("mariadbd", path="/usr/sbin:/usr/bin"),
                                                    "--no-defaults", f"--datadir={self.directory}/data",
                                                    f"--socket={self.directory}/socket", "--skip-networking",
                                                    f"--pid-file={self.directory}/pid"])
        wait_until(self.answers, 30, self.program.tail)

    def kill(self):
        self.program.signal(signal.SIGKILL)
        self.program.process.wait()

    def answers(self):
        return self.client("SELECT 1").returncode == 0

    def client(self, text):
        return subprocess.run(["mariadb", "--no-defaults", "--user=root", f"--socket={self.directory}/socket", "-e", text],
                              capture_output=True, check=False)

    def sql(self, text):
        done = self.client(text)
        assert done.returncode == 0, done.stderr

    def store_lines(self):
        return (f'type = "mariadb"\nsocket = "{self.directory}/socket"\nuser = "msggw"\npassword = "{PASSWORD}"\n'
                f'database = "{DATABASE}"')
