"""The HTTP API on a running gateway: what administrators change takes effect at once, what clients send arrives."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import ADMIN_KEY, Api  # noqa: E402
from gateway import CARRIER_ID, CARRIER_PASSWORD, Msggw, Smppd, binary, free_port  # noqa: E402
from peers import PeerTest, wait_until  # noqa: E402
import subprocess  # noqa: E402


class ApiTest(PeerTest):
    def empty_gateway(self, extra=""):
        """A gateway whose configuration file knows no client, no carrier and no route."""
        msggw = Msggw.__new__(Msggw)
        msggw.test, msggw.name = self, "msggw"
        msggw.smpp_port, msggw.http_port = free_port(), free_port()
        msggw.config = self.write("msggw.toml", f"""\
[store]
path = "{self.scratch}/msggw.db"
[http]
listen = "127.0.0.1:{msggw.http_port}"
api_key = "{ADMIN_KEY}"
[metrics]
listen = "127.0.0.1:{free_port()}"
[smpp]
listen = "127.0.0.1:{msggw.smpp_port}"
{extra}""")
        msggw.start()
        self.api = Api(msggw.http_port)
        return msggw

    def add(self, path, body, status=201):
        got, answer, _ = self.api.ask("POST", path, body)
        self.assertEqual(got, status, answer)
        return answer

    def add_carrier(self, smppd):
        return self.add("/carriers", {"name": "up", "type": "smpp", "username": CARRIER_ID,
                                      "password": CARRIER_PASSWORD, "smpp": {"port": smppd.port, "host": "127.0.0.1"}})

    def send(self, port, *more, system_id="alice", password="secret-3"):
        return subprocess.run([str(binary("smppc")), "send", "--port", str(port), "--system-id", system_id,
                               "--password", password, "--from", "15550001", "--to", "46700123456", "--text", "hello",
                               "--json", *more], capture_output=True, text=True, timeout=30, check=False)


class DirectoryTest(ApiTest):
    def test_what_is_added_works_at_once_and_after_a_restart(self):
        smppd = Smppd(self)
        msggw = self.empty_gateway()
        self.assertNotEqual(self.send(msggw.smpp_port).returncode, 0)
        client = self.add("/clients", {"username": "alice", "password": "secret-3"})
        self.add_carrier(smppd)
        self.add(f"/clients/{client['id']}/numbers", {"number": "+1 555 0001", "carrier": "up"})
        done = self.send(msggw.smpp_port, "--wait-receipt")
        self.assertEqual(done.returncode, 0, done.stderr + msggw.program.tail())
        msggw.program.kill()
        msggw.start()
        self.assertEqual(self.send(msggw.smpp_port, "--wait-receipt").returncode, 0)
        self.assertEqual(len(smppd.accepted()), 2)

    def test_a_changed_password_and_a_removed_client_count_at_once(self):
        msggw = self.empty_gateway()
        client = self.add("/clients", {"username": "alice", "password": "secret-3"})
        one = f"/clients/{client['id']}"
        self.assertEqual(self.api.ask("PATCH", one + "/password", {"new_password": "secret-4"})[0], 200)
        self.assertIn("ESME_RINVPASWD", self.send(msggw.smpp_port).stderr)
        self.assertNotIn("ESME_RINVPASWD", self.send(msggw.smpp_port, password="secret-4").stderr)
        self.assertEqual(self.api.ask("DELETE", one)[0], 200)
        self.assertIn("ESME_RINVPASWD", self.send(msggw.smpp_port, password="secret-4").stderr)

    def test_a_removed_carrier_is_unbound(self):
        smppd = Smppd(self)
        self.empty_gateway()
        carrier = self.add_carrier(smppd)
        ready = lambda: str(self.api.ask("GET", "/ready")[1])  # noqa: E731
        wait_until(lambda: "1 of 1 carriers" in ready(), 20, ready)
        self.assertEqual(self.api.ask("DELETE", f"/carriers/{carrier['id']}")[0], 200)
        self.assertIn("0 of 0 carriers", ready())

    def test_the_directory_wants_the_key_even_on_loopback(self):
        msggw = self.empty_gateway()
        text = Path(msggw.config).read_text().replace(f'api_key = "{ADMIN_KEY}"\n', "")
        self.assertEqual(self.api.ask("GET", "/clients", authorization="Bearer wrong")[0], 401)
        Path(msggw.config).write_text(text)
        msggw.program.kill()
        msggw.start()
        self.assertEqual(self.api.ask("GET", "/clients")[0], 403)


if __name__ == "__main__":
    unittest.main()
