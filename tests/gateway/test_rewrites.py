"""Rules that change messages on their way, alphabets and prices: made over the API and in the file, on a running gateway."""
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from api import basic  # noqa: E402
from gateway import Smppd  # noqa: E402
from peers import wait_until  # noqa: E402
import test_api  # noqa: E402

NUMBER, PHONE = "15550001", "46700123456"
PRICES = """\
[[price_lists]]
name = "retail"
prices = [{prefix = "47", price = 100}]
"""


class Rewrites(test_api.ApiTest):
    def setUp(self):
        super().setUp()
        self.smppd = Smppd(self)
        self.msggw = self.empty_gateway(PRICES)
        self.add_carrier(self.smppd)
        self.web = self.add("/clients", {"username": "web", "password": "secret-5", "type": "web"})
        self.add(f"/clients/{self.web['id']}/numbers", {"number": NUMBER, "carrier": "up", "tag": "vip"})
        self.auth = basic("web", "secret-5")

    def post(self, text="hej", to=PHONE):
        return self.api.ask("POST", "/messages", {"from": NUMBER, "to": to, "text": text}, authorization=self.auth)[:2]

    def taken(self, count):
        """(from, to, text) of the latest message at the carrier, when it has so many."""
        got = wait_until(lambda: a if len(a := self.smppd.accepted()) >= count else None, 30, self.msggw.program.tail)
        coding = "utf-16-be" if got[count - 1]["data_coding"] == 8 else "latin-1"
        return got[count - 1]["from"], got[count - 1]["to"], bytes.fromhex(got[count - 1]["octets"]).decode(coding)

    def test_a_rule_of_the_api_holds_at_once_and_the_client_sees_its_own_message(self):
        rule = self.add("/rewrites", {"name": "brand", "direction": "from_clients", "account": "client:web", "tag": "vip",
                                      "source_replace": ["Shop"], "destination_strip": "46", "destination_add": "0",
                                      "text_prefix": "Shop to {to}: ", "text_find": "hej", "text_replace": "hallå"})
        status, answer = self.post()
        self.assertEqual(status, 202, answer)
        sender, to, text = self.taken(1)
        self.assertEqual((sender, to), ("Shop", "0700123456"))
        self.assertTrue(text.startswith("Shop to 46700123456: hall"), text)
        message = lambda: self.api.ask("GET", f"/messages/{answer['id']}", authorization=self.auth)[1]  # noqa: E731
        wait_until(lambda: message()["state"] == "delivered", 30, message)
        self.assertEqual((message()["from"], message()["to"]), (NUMBER, PHONE))
        self.assertEqual(self.api.ask("PATCH", f"/rewrites/{rule['id']}", {"enabled": False})[0], 200)
        self.post()
        self.assertEqual(self.taken(2), (NUMBER, PHONE, "hej"))

    def test_a_rule_refuses_and_one_that_cannot_work_is_not_taken(self):
        self.add("/rewrites", {"name": "no spam", "text_begins": "win", "refuse": "blocked", "position": 2})
        status, answer = self.post("WIN a car")
        self.assertEqual((status, answer["error"]["code"]), (422, "blocked"))
        for wrong, word in (({"source_replace": ["NoSuchLongName"]}, "1..11"), ({"refuse": "maybe"}, "refuse"),
                            ({"hours": "9-17"}, "hours"), ({"priority": "7"}, "priority"), ({"days": ["mo1"]}, "days"),
                            ({"carrier": "carrier:*", "route_to": "carrier:up"}, "carrier")):
            status, answer = self.api.ask("POST", "/rewrites", {"name": "wrong", **wrong})[:2]
            self.assertEqual(status, 400, answer)
            self.assertIn(word, answer["error"]["message"])
        self.assertEqual(self.api.ask("POST", "/rewrites", {"name": "no spam"})[0], 409)
        self.assertEqual([r["name"] for r in self.api.ask("GET", "/rewrites")[1]], ["no spam"])

    def test_rules_of_the_file_come_with_sighup(self):
        config = Path(self.msggw.config)
        text = config.read_text()
        config.write_text(text + '[[rewrites]]\nname = "of up"\ncarrier = "carrier:up"\nsource_replace = ["11111"]\n'
                                 'text_suffix = " /up"\n')
        self.msggw.program.signal(signal.SIGHUP)
        count = 0

        def changed():
            nonlocal count
            count += 1
            self.post()
            return self.taken(count) == ("11111", PHONE, "hej /up")

        wait_until(changed, 30, self.msggw.program.tail)
        config.write_text(text + '[[rewrites]]\nname = "bad"\npriority = "9"\n')
        self.msggw.program.signal(signal.SIGHUP)
        wait_until(lambda: "rewrites" in self.msggw.program.tail(), 30, self.msggw.program.tail)
        self.post()
        self.assertEqual(self.taken(count + 1)[0], "11111", "a bad file changes nothing")

    def test_tables_and_similar_characters_are_switched_on_by_carrier_and_client(self):
        text = "Şişli'de öğle yemeği: ığşçİ " * 5  # 140 characters
        up = self.api.ask("GET", "/carriers")[1][0]
        self.post(text)
        self.assertEqual(wait_until(lambda: [p["data_coding"] for p in self.smppd.accepted()] if len(self.smppd.accepted()) == 3
                                    else None, 30, self.msggw.program.tail), [8, 8, 8])
        status, answer = self.api.ask("PATCH", f"/carriers/{up['id']}", {"smpp": {**up["smpp"],
                                                                                  "national_tables": ["turkish"]}})[:2]
        self.assertEqual((status, answer["smpp"]["national_tables"]), (200, ["turkish"]), answer)
        self.post(text)
        self.taken(4)
        part = self.smppd.accepted()[3]
        self.assertEqual((len(self.smppd.accepted()), part["data_coding"], part["esm_class"] & 0x40), (4, 0, 0x40))
        self.assertEqual(self.api.ask("PUT", f"/clients/{self.web['id']}/settings", {"transliterate": True})[0], 200)
        self.post("“mamá”")
        self.assertEqual(self.taken(5)[2], '"mama"')
        status, answer = self.api.ask("PATCH", f"/carriers/{up['id']}", {"smpp": {**up["smpp"],
                                                                                  "national_tables": ["klingon"]}})[:2]
        self.assertEqual(status, 400, answer)

    def test_a_client_whose_price_leaves_no_margin_is_told_so(self):
        self.add("/routes", {"name": "norway", "destination": "47", "cheapest_first": True, "quality_min": 80,
                             "to": [{"endpoint": "carrier:up", "cost": 75}]})
        number = self.api.ask("GET", f"/clients/{self.web['id']}/numbers")[1][0]
        self.assertEqual(self.api.ask("PATCH", f"/clients/{self.web['id']}/numbers/{number['id']}", {"carrier": ""})[0], 200)

        def price(**settings):
            self.assertEqual(self.api.ask("PUT", f"/clients/{self.web['id']}/settings", settings)[0], 200)

        price(price_list="retail", prepaid=False, keep_margin=True, margin_percent=30)
        status, answer = self.post(to="4790000001")
        self.assertEqual((status, answer["error"]["code"]), (422, "too_dear"), answer)
        price(margin_percent=20)
        self.assertEqual(self.post(to="4790000001")[0], 202)
        self.assertEqual(self.taken(1)[1], "4790000001")
        status, answer = self.api.ask("PUT", f"/clients/{self.web['id']}/settings",
                                      {"price_list": "", "keep_margin": True})[:2]
        self.assertEqual(status, 400, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
