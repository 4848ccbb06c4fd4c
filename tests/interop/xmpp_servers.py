"""Prosody and ejabberd with a throw-away configuration on free loopback ports: users alice and bob at localhost, the
component sms.localhost. Started and stopped by process id; nothing of the packages' own services is touched."""
import glob
import os
import shutil
import subprocess
import tempfile

from pathlib import Path

from peers import HERE, Program, find_in_sbin, free_port

DOMAIN, SECRET, PASSWORD = "sms.localhost", "s3cr3t", "pw"
USERS = ("alice", "bob", *(f"{name}{n}" for n in range(1, 41) for name in ("a", "b")))

SYSTEM_PYTHON = "/usr/bin/python3"  # slixmpp is Debian's; another interpreter in PATH would not see it


def prosody_available():
    return find_in_sbin("prosody") is not None and shutil.which("openssl") is not None


def slixmpp_available():
    return Path(SYSTEM_PYTHON).exists() and subprocess.run(
        [SYSTEM_PYTHON, "-c", "import slixmpp"], stderr=subprocess.DEVNULL).returncode == 0


def user_command(server, *steps, user="alice", seconds=60):
    return [SYSTEM_PYTHON, HERE / "xmpp_client.py", server.c2s_port, f"{user}@localhost", PASSWORD, DOMAIN, seconds, *steps]


def ejabberd_code():
    found = glob.glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.beam")
    return os.path.dirname(found[0]) if found and shutil.which("erl") else None


class XmppServer:
    """`test` is a PeerTest, or a ServerHome. start() may be called again after stop()."""

    def __init__(self, test, keeps_messages=True):
        self.test, self.keeps_messages = test, keeps_messages  # for users who are away
        self.home = test.scratch / self.name
        self.home.mkdir()
        self.c2s_port, self.component_port = free_port(), free_port()
        self.program = None
        self.configure()
        self.start()

    def start(self):
        self.program = self.test.start(self.name, self.command(), self.environment())
        self.program.wait_for_port(self.component_port, 30)
        self.program.wait_for_port(self.c2s_port, 30)

    def stop(self):
        self.program.stop()

    def environment(self):
        return {}

    def make_certificate(self):
        key, certificate = self.home / "key.pem", self.home / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        return key, certificate


class ServerHome:
    """What a server needs that outlives one test: a directory, and somebody to stop it."""

    def __init__(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="msgkit_"))
        self.programs = []

    def start(self, name, arguments, environment=None):
        self.programs.append(Program(name, arguments, self.scratch, environment))
        return self.programs[-1]

    def close(self):
        for program in reversed(self.programs):
            program.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)


class Prosody(XmppServer):
    name = "prosody"
    conflict_is_refused = True

    def __init__(self, test, host_options="", name="prosody", **options):
        self.name, self.host_options = name, host_options
        super().__init__(test, **options)

    def configure(self):
        accounts = self.home / "data" / "localhost" / "accounts"
        accounts.mkdir(parents=True)
        for user in USERS:
            (accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        key, certificate = self.make_certificate()
        as_root = "run_as_root = true" if os.geteuid() == 0 else ""
        (self.home / "prosody.cfg.lua").write_text(f"""\
{as_root}
pidfile = "{self.home}/prosody.pid"
data_path = "{self.home}/data"
log = {{ info = "{self.home}/prosody.log" }}
certificates = "{self.home}"
ssl = {{ key = "{key}"; certificate = "{certificate}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {self.c2s_port} }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {self.component_port} }}
s2s_ports = {{ }}
modules_disabled = {{ "s2s"{'' if self.keeps_messages else '; "offline"'} }}
modules_enabled = {{ "roster"; "saslauth"; "tls"; "disco"; "ping"; "message"; "presence"; "iq" }}
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
plugin_paths = {{ "{HERE.parents[1] / 'deploy' / 'prosody'}" }}
VirtualHost "localhost"
{self.host_options}
Component "{DOMAIN}"
  component_secret = "{SECRET}"
""")

    def command(self):
        return [find_in_sbin("prosody"), "--config", self.home / "prosody.cfg.lua", "-F"]


class Ejabberd(XmppServer):
    """Run by erl itself, without Erlang's distribution, and so without the port mapper that would stay behind."""
    name = "ejabberd"
    conflict_is_refused = False  # it accepts both and shares the traffic between them

    def configure(self):
        key, certificate = self.make_certificate()
        (self.home / "ejabberd.yml").write_text(f"""\
hosts: [localhost]
loglevel: 4
certfiles: ["{key}", "{certificate}"]
listen:
  - {{port: {self.c2s_port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, access: c2s}}
  - {{port: {self.component_port}, ip: "127.0.0.1", module: ejabberd_service, access: all,
     hosts: {{"{DOMAIN}": {{password: "{SECRET}"}}}}}}
access_rules: {{c2s: {{allow: all}}}}
auth_method: [internal]
modules: {{mod_disco: {{}}, mod_ping: {{}}, mod_roster: {{}}{', mod_offline: {}' if self.keeps_messages else ''}}}
""")

    def command(self):
        register = ",".join(f'ejabberd_auth:try_register(<<"{u}">>,<<"localhost">>,<<"{PASSWORD}">>)' for u in USERS)
        return ["erl", "-noinput", "-pa", ejabberd_code(), "-mnesia", "dir", f'"{self.home}/spool"', "-s", "ejabberd",
                "-eval", register + "."]

    def environment(self):
        return {"EJABBERD_CONFIG_PATH": str(self.home / "ejabberd.yml"), "EJABBERD_LOG_PATH": str(self.home / "log"),
                "ERL_CRASH_DUMP": str(self.home / "crash"), "HOME": str(self.home)}
