"""Which gateway a message goes through: by prefix, by what it costs, by what works."""
import time
import unittest

from mmsgw import TO, Gateway, MmsgwTest, mm4_gateway
from mm4_peers import aiosmtpd
from peers import free_port

TEXT = [{"content_name": "t.txt", "content_type": "text/plain", "content": "hello"}]


class RoutingTest(MmsgwTest):
    def gateway(self, name, group, port, more=""):
        return mm4_gateway(name, group, port, "a.test", "b.test") + more + "\n"

    def carriers(self, gateway, message):
        """The gateway that had the message, by recipient."""
        return {e["destinations"][0]: e["gateway"] for e in gateway.events(message) if e["state"] == "SENT"}

    def sent(self, gateway, *messages):
        self.wait(lambda: all("SENT" in gateway.states(m) for m in messages), gateway)
        return messages

    def test_the_cheapest_gateway_carries(self):
        (first, cheap), (_, dear) = aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("dear", "all", dear, 'cost = 12\nprices = [{prefix = "+46", cost = 4}]')
                    + self.gateway("cheap", "all", cheap, 'cost = 20\nprices = [{prefix = "+1", cost = 5}]')).start()
        template = a.template(parts=TEXT)["id"]
        message = a.send(template, destination=f"{TO},+467000001,+4477009000001")
        self.wait(lambda: a.states(message).count("SENT") == 3, a)
        self.assertEqual(self.carriers(a, message), {TO: "cheap", "+467000001": "dear", "+4477009000001": "dear"})
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(10)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"cheap"})
        first.stop()
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(5)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"dear"})

    def test_a_full_gateway_is_waited_for_unless_it_overflows(self):
        (_, cheap), (_, dear) = aiosmtpd(self), aiosmtpd(self)
        for name, more, expected in (("waits", "", {"cheap"}), ("overflows", "overflow = true", {"cheap", "dear"})):
            a = Gateway(self, name, self.gateway("cheap", "all", cheap, "tps_limit = 10\ncost = 1\n" + more)
                        + self.gateway("dear", "all", dear, "cost = 2")).start()
            template = a.template(parts=TEXT)["id"]
            begin = time.monotonic()
            messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(15)))
            self.assertEqual({self.carriers(a, m)[TO] for m in messages}, expected)
            if not more:
                self.assertGreater(time.monotonic() - begin, 1)
            self.assertEqual(a.process.stop(), 0, a.process.tail())

    def test_applications_follow_routes(self):
        (_, one), (_, two), (_, rest) = aiosmtpd(self), aiosmtpd(self), aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("one", "one", one) + self.gateway("two", "two", two) + self.gateway("rest", "rest", rest)
                    + '[[routes]]\nfrom = "application"\nprefix = "+1"\nto = "one"\n'
                    + '[[routes]]\nfrom = "application"\nprefix = "+1303"\nto = "two"\n'
                    + '[[routes]]\nto = "two"\n')  # of peers
        a.settings["default_gateway"] = '"rest"'
        a.start()
        template = a.template(parts=TEXT)["id"]
        message = a.send(template, destination=f"{TO},+13035550100,+467000001")
        self.wait(lambda: a.states(message).count("SENT") == 3, a)
        self.assertEqual(self.carriers(a, message), {TO: "one", "+13035550100": "two", "+467000001": "rest"})
        shown = a.call("GET", f"/mms/outbound/{message}")[1]
        self.assertEqual(shown["gateway"], "")
        self.assertEqual({r["number"]: r["gateway"] for r in shown["recipients"]}, self.carriers(a, message))
        self.assertEqual({r["group"] for r in a.call("GET", "/records")[1]["records"]}, {"one", "two", "rest"})
        message = a.send(template, destination=TO, gateway="rest")  # what names a group goes there
        self.sent(a, message)
        self.assertEqual(self.carriers(a, message), {TO: "rest"})

    def test_groups_of_a_route_stand_in(self):
        dead = free_port()
        _, port = aiosmtpd(self)
        a = Gateway(self, "a", self.gateway("first", "first", dead) + self.gateway("second", "second", port)
                    + '[[routes]]\nfrom = "application"\nto = ["first", "second"]\n')
        a.settings |= {"gateway_heartbeat_interval": '"0s"'}
        a.start()
        template = a.template(parts=TEXT)["id"]
        messages = self.sent(a, *(a.send(template, destination=TO) for _ in range(5)))
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"second"})

    def test_what_waits_for_a_group_that_is_down_leaves_it(self):
        dead, port = free_port(), free_port()
        a = Gateway(self, "a", self.gateway("first", "first", dead) + self.gateway("second", "second", port)
                    + '[[routes]]\nfrom = "application"\nto = ["first", "second"]\n')
        a.settings |= {"gateway_heartbeat_interval": '"50ms"', "gateway_max_missed_heartbeats": 1}
        a.start()
        self.wait(lambda: a.metric("mmsgw_gateway_up") == 0, a)
        template = a.template(parts=TEXT)["id"]
        messages = [a.send(template, destination=TO) for _ in range(5)]
        self.assertEqual({r["gateway"] for m in messages for r in a.call("GET", f"/mms/outbound/{m}")[1]["recipients"]}, {"first"})
        listener = Gateway(self, "b", mm4_gateway("x", "x", 9, "b.test", "a.test"))
        listener.mm4_port = port
        listener.start()
        self.sent(a, *messages)
        self.assertEqual({self.carriers(a, m)[TO] for m in messages}, {"second"})


if __name__ == "__main__":
    unittest.main()
