"""The HTTP API on a running gateway: what administrators change takes effect at once, what clients send arrives."""
import subprocess
import sys
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import openapi  # noqa: E402
from api import ADMIN_KEY, Api, basic  # noqa: E402
from gateway import CARRIER_ID, CARRIER_PASSWORD, Msggw, Smppd, binary, free_port  # noqa: E402
from peers import PeerTest, wait_until  # noqa: E402


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

    def test_every_documented_operation_is_there(self):
        self.empty_gateway()
        client = self.add("/clients", {"username": "alice", "password": "secret-3"})["id"]
        self.add("/carriers", {"name": "up", "type": "smpp", "username": "u", "password": "p", "smpp": {"host": "h"}})
        for path, body in [("numbers", {"number": "15550001"}), ("api-keys", {"name": "k"})]:
            self.add(f"/clients/{client}/{path}", body)
        self.add("/routes", {"name": "all", "to": [{"endpoint": "carrier:up"}]})
        for method, pattern in openapi.operations():
            with self.subTest(f"{method} {pattern}"):
                path = pattern.replace("{client}", str(client)).replace("{id}", "77").replace("{item}", "1")
                status, answer, _ = self.api.ask(method, path, {} if method != "GET" else None)
                self.assertNotEqual(status, 405, answer)
                if status == 404:  # the object is missing, not the route
                    self.assertNotIn("no such path", answer["error"]["message"])
        for path in ("/clients", "/carriers", "/routes", "/rewrites", f"/clients/{client}/numbers", f"/clients/{client}/api-keys",
                     f"/clients/{client}", f"/clients/{client}/settings", "/audit"):
            self.assertEqual(self.api.ask("GET", path)[0], 200)


class SendTest(ApiTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway()
        self.add_carrier(self.smppd)
        self.web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web"})
        self.number = self.add_number("15550001")
        self.auth = basic("web", "secret-5")

    def path(self, rest):
        return f"/clients/{self.web['id']}/{rest}"

    def add_number(self, number):
        return self.add(self.path("numbers"), {"number": number, "carrier": "up"})

    def post(self, body, path="/messages", auth=None, headers=None):
        return self.api.ask("POST", path, body, headers, auth or self.auth)

    def set(self, **settings):
        self.assertEqual(self.api.ask("PUT", self.path("settings"), settings)[0], 200)

    def wait_for_accepted(self, count):
        return wait_until(lambda: self.smppd.accepted() if len(self.smppd.accepted()) >= count else None, 20,
                          lambda: f"{count} messages, have {self.smppd.accepted()}")

    def state(self, message_id, auth=None):
        return self.api.ask("GET", f"/messages/{message_id}", authorization=auth or self.auth)[1].get("state")

    def test_a_message_is_sent_and_followed(self):
        status, answer, _ = self.post({"from": "+15550001", "to": "+46700123456", "text": "hej"})
        self.assertEqual((status, answer["status"]), (202, "queued"), answer)
        wait_until(lambda: self.state(answer["id"]) == "delivered", 20, "delivery")
        self.assertEqual(self.state(answer["id"], basic("admin", ADMIN_KEY)), "delivered")
        accepted = self.wait_for_accepted(1)[0]
        self.assertEqual((accepted["from"], accepted["to"], bytes.fromhex(accepted["octets"])),
                         ("15550001", "46700123456", b"hej"))

    def test_nobody_sees_or_withdraws_the_messages_of_others(self):
        self.add("/clients", {"username": "eve", "password": "secret-6", "type": "web"})
        _, answer, _ = self.post({"to": "46700123456", "text": "x", "send_at": "2034-01-01T00:00:00+01:00"})
        path, eve = f"/messages/{answer['id']}", basic("eve", "secret-6")
        self.assertEqual(self.api.ask("GET", path, authorization=eve)[0], 404)
        self.assertEqual(self.api.ask("DELETE", path, authorization=eve)[0], 404)
        self.assertEqual(self.api.ask("POST", path + "/cancel", authorization=self.auth)[0], 200)
        self.assertEqual(self.state(answer["id"]), "canceled")
        self.assertEqual(self.api.ask("DELETE", path, authorization=self.auth)[0], 404)

    def test_bodies_of_other_products(self):
        status, answer, _ = self.post({"data": {"payload": {"from": {"phone_number": "+15550001"}, "text": "t",
                                                            "to": [{"phone_number": "+46700123456"},
                                                                   {"phone_number": "+46700123457"}]}}})
        self.assertEqual((status, len(answer["messages"])), (202, 2))
        self.assertEqual(answer["data"]["id"], answer["id"])
        self.set(api_format="bicom")
        status, answer, _ = self.post({"from": "15550001", "to": "46700123456", "text": "b", "media_urls": []})
        self.assertEqual((status, answer), (200, {"status": "success", "message": ""}))
        status, answer, _ = self.post({"from": "15550001", "to": "nobody", "text": "b"})
        self.assertEqual((status, answer["status"]), (400, "error"))
        self.wait_for_accepted(3)

    def test_what_is_wrong_is_named(self):
        for body, status, word in [({"to": "46700123456"}, 400, "text"), ({"text": "x"}, 400, "to"),
                                   ({"to": "4670x", "text": "x"}, 400, "to"), (b"{", 400, "body"),
                                   ({"to": ["46700123456"] * 51, "text": "x"}, 400, "to"),
                                   ({"to": "46700123456", "text": "x", "media": [{"url": "ftp://a"}]}, 400, "media"),
                                   ({"to": "46700123456", "text": "x", "send_at": "tomorrow"}, 400, "send_at"),
                                   ({"from": "15550002", "to": "46700123456", "text": "x"}, 403, "from"),
                                   ({"from": "1555", "to": "46700123456", "text": "x"}, 403, "from")]:
            with self.subTest(body):
                got, answer, _ = self.post(body)
                self.assertEqual(got, status, answer)
                self.assertIn(word, answer["error"]["message"])

    def test_who_may(self):
        body = {"to": "46700123456", "text": "x"}
        self.assertEqual(self.post(body, auth=basic("web", "wrong"))[0], 401)
        self.assertEqual(self.post(body, auth=basic("nobody", "wrong"))[0], 401)
        token = "Bearer " + self.auth.split(" ")[1]
        self.assertIn("basic", self.post(body, auth=token)[1]["error"]["message"])
        self.set(auth_method="bearer")
        self.assertEqual(self.post(body, auth=token)[0], 202)
        self.add("/clients", {"username": "phone", "password": "secret-7"})
        self.assertEqual(self.post(body, auth=basic("phone", "secret-7"))[0], 403)
        self.api.ask("PATCH", f"/clients/{self.web['id']}", {"allowed_addresses": ["192.0.2.0/24"]})
        self.assertEqual(self.post(body, auth=token)[0], 403)

    def key(self, **fields):
        answer = self.add(self.path("api-keys"), {"name": "k", **fields})
        return "Bearer " + answer["key"], answer["id"]

    def test_api_keys(self):
        body = {"from": "15550001", "to": "46700123456", "text": "x"}
        key, key_id = self.key()
        self.assertEqual(self.post(body, auth=key)[0], 202)
        self.api.ask("PATCH", self.path(f"api-keys/{key_id}"), {"active": False})
        self.assertEqual(self.post(body, auth=key)[0], 401)
        self.assertEqual(self.post(body, auth=self.key(scopes=["usage"])[0])[0], 403)
        self.assertEqual(self.post(body, auth=self.key(expires_at="2020-01-01T00:00:00Z")[0])[0], 401)
        self.assertEqual(self.post(body, auth=self.key(expires_at="2999-01-01T00:00:00Z")[0])[0], 202)
        other = self.add_number("15550002")
        limited = self.key(allowed_number_ids=[other["id"]])[0]
        self.assertEqual(self.post(body, auth=limited)[0], 403)
        self.assertEqual(self.post({**body, "from": "15550002"}, auth=limited)[0], 202)
        slow = self.key(rate_limit=2)[0]
        self.assertEqual([self.post(body, auth=slow)[0] for _ in range(3)], [202, 202, 429])
        status, answer, fields = self.post(body, auth=slow)
        self.assertEqual((status, answer["error"], answer["rate_limit"]), (429, "rate_limit_exceeded", 2))
        self.assertGreaterEqual(int(fields["Retry-After"]), 1)

    def test_a_client_beyond_its_rate_is_told_to_wait(self):
        self.set(segments_per_second=2)
        answers = [self.post({"to": "46700123456", "text": "x" * 200}) for _ in range(3)]
        self.assertEqual(answers[0][0], 202)
        self.assertIn(429, [a[0] for a in answers])

    def test_an_idempotency_key_survives_kill_9(self):
        body, key = {"to": "46700123456", "text": "once"}, {"Idempotency-Key": "order-17"}
        status, first, _ = self.post(body, headers=key)
        self.assertEqual(status, 202)
        self.wait_for_accepted(1)
        self.msggw.program.kill()
        self.msggw.start()
        self.assertEqual(self.post(body, headers=key)[:2], (202, first))
        status, answer, _ = self.post({**body, "text": "other"}, headers=key)
        self.assertEqual((status, answer["error"]["code"]), (409, "conflict"))
        self.assertEqual(self.post(body, headers={"Idempotency-Key": "order-18"})[0], 202)
        self.assertEqual(len(self.wait_for_accepted(2)), 2)

    def test_limits_hold_and_show(self):
        self.set(sms_daily_limit=3)
        body = {"to": "46700123456", "text": "x"}
        self.assertEqual([self.post(body)[0] for _ in range(4)], [202, 202, 202, 429])
        answer = self.post(body)[1]
        self.assertEqual((answer["error"], answer["limit_type"]), ("rate_limit_exceeded", "daily_sms"))
        status, usage, _ = self.api.ask("GET", "/messages/usage", authorization=self.auth)
        self.assertEqual(status, 200, usage)
        self.assertEqual(usage["client"]["sms"]["daily"], {"current_usage": 3, "limit": 3, "remaining": 0})
        self.assertEqual(usage["numbers"][0]["number"], "15550001")
        self.set(sms_daily_limit=4)
        self.assertEqual(self.post(body)[0], 202)

    def test_stats_name_who_is_connected(self):
        wait_until(lambda: self.api.ask("GET", "/stats")[1]["carriers"][0]["up"], 20, "the carrier")
        stats = self.api.ask("GET", "/stats")[1]
        self.assertEqual((stats["smpp_connected_clients"], stats["carriers"][0]["type"]), (0, "smpp"))
        status = self.api.ask("GET", f"/clients/{self.web['id']}/smpp-status")[1]
        self.assertEqual((status["username"], status["online"]), ("web", False))
        self.assertEqual(self.api.ask("GET", "/opt-outs")[:2], (200, []))
        self.assertEqual(self.api.ask("GET", "/stats", authorization=self.auth)[0], 401)

    def test_nothing_secret_is_logged(self):
        key, _ = self.key()
        self.post({"to": "46700123456", "text": "canary-body"}, auth=key)
        self.post({"to": "46700123456", "text": "canary-body"}, auth=basic("web", "canary-password"))
        self.kannel(text="canary-body", password="canary-password")
        self.api.ask("POST", "/messages", b'{"canary-json', authorization="Bearer canary-token")
        self.wait_for_accepted(1)
        log = self.msggw.program.output() + self.msggw.program.err_path.read_text()
        self.assertIn("ready", log)
        for secret in ("canary", "secret-5", key.split(" ")[1], ADMIN_KEY, CARRIER_PASSWORD):
            self.assertNotIn(secret, log)

    def batch(self, batch_id, rest=""):
        return self.api.ask("GET", f"/messages/batch/{batch_id}{rest}", authorization=self.auth)[1]

    def test_a_batch_is_sent_item_by_item(self):
        status, answer, _ = self.post({"text_template": "hi {{name}}", "throttle_per_second": 500, "messages": [
            {"to": "+46700123456", "variables": {"name": "Ann"}}, {"to": "nobody"}, {"to": "46700123457", "text": "yo"}]},
            "/messages/batch")
        self.assertEqual((status, answer["total_count"]), (202, 3), answer)
        done = wait_until(lambda: b if (b := self.batch(answer["id"]))["status"] == "completed" else None, 20, "its end")
        self.assertEqual((done["sent_count"], done["failed_count"], done["from"]), (2, 1, "15550001"))
        items = self.batch(answer["id"], "/messages?per_page=2")["messages"]
        self.assertEqual([i["status"] for i in items], ["sent", "failed"])
        self.assertIn("to", items[1]["error"])
        self.assertIsNotNone(self.state(items[0]["message_id"]))
        texts = {bytes.fromhex(m["octets"]) for m in self.wait_for_accepted(2)}
        self.assertEqual(texts, {b"hi Ann", b"yo"})
        self.assertEqual(self.post({}, f"/messages/batch/{answer['id']}/cancel")[0], 409)
        self.add("/clients", {"username": "eve", "password": "secret-6", "type": "web"})
        eve = basic("eve", "secret-6")
        self.assertEqual(self.api.ask("GET", f"/messages/batch/{answer['id']}", authorization=eve)[0], 404)

    def test_a_batch_goes_on_after_kill_9_and_sends_nothing_twice(self):
        count = 30
        messages = [{"to": str(46700100000 + i), "text": "n"} for i in range(count)]
        answer = self.post({"throttle_per_second": 10, "messages": messages}, "/messages/batch")[1]
        self.wait_for_accepted(10)
        self.msggw.program.kill()
        self.msggw.start()
        wait_until(lambda: self.batch(answer["id"])["status"] == "completed", 30, lambda: self.batch(answer["id"]))
        self.wait_for_accepted(count)
        ids = [i["message_id"] for i in self.batch(answer["id"], "/messages?per_page=100")["messages"]]
        self.assertEqual(len(set(ids)), count)

    def test_a_cancelled_batch_stops(self):
        messages = [{"to": str(46700100000 + i), "text": "n"} for i in range(200)]
        answer = self.post({"throttle_per_second": 1, "messages": messages}, "/messages/batch")[1]
        one = f"/messages/batch/{answer['id']}"
        self.assertEqual(self.api.ask("DELETE", one + "/messages/199", authorization=self.auth)[0], 200)
        self.assertEqual(self.batch(answer["id"])["cancelled_count"], 1)
        self.assertEqual(self.post({}, one + "/cancel")[0], 200)
        done = self.batch(answer["id"])
        self.assertEqual((done["status"], done["pending_count"]), ("cancelled", 0))
        self.assertEqual(self.api.ask("GET", "/messages/batch", authorization=self.auth)[1]["batches"][0]["id"], answer["id"])

    def kannel(self, data=None, **parameters):
        query = urllib.parse.urlencode({"username": "web", "password": "secret-5", "from": "15550001",
                                        "to": "+46700123456", "text": "hej", **parameters})
        if data is not None:
            return self.api.ask("POST", "/cgi-bin/sendsms", query.encode(), authorization="none")[:2]
        return self.api.ask("GET", "/cgi-bin/sendsms?" + query, authorization="none")[:2]

    def test_sendsms_as_kannel_has_it(self):
        self.assertEqual(self.kannel(), (202, "0: Accepted for delivery"))
        self.assertEqual(self.kannel(b"", to="46700123456 46700123457"), (202, "0: Accepted for delivery"))
        self.assertEqual(self.kannel(deferred="600"), (202, "3: Queued for later delivery"))
        self.assertEqual(self.kannel(password="x"), (403, "Authorization failed for sendsms"))
        self.assertEqual(self.kannel(udh="050003")[0], 400)
        self.assertEqual(self.kannel(**{"from": "15550009"})[0], 400)
        self.assertEqual(self.kannel(text="h\xe9".encode("latin1"), charset="ISO-8859-1")[0], 202)
        self.assertEqual(bytes.fromhex(self.wait_for_accepted(4)[3]["octets"]), b"h\x05")


if __name__ == "__main__":
    unittest.main()
