#!/usr/bin/python3
"""A user with slixmpp: does what its arguments say, in order, and prints one JSON object per event.

    xmpp_client.py PORT JID PASSWORD GATEWAY SECONDS step...

Steps: to:ADDRESS (of the contact from now on), send:TEXT (asks for a receipt), state (typing notice), disco, items, ping, commands, ussd:CODE, register:NUMBER,
prompt:TEXT, subscribe, wait:COUNT (until COUNT chat messages came), obey (steps from standard input, one a line, until
its end). It leaves after the last step.
"""
import asyncio
import json
import sys

import slixmpp
from slixmpp.xmlstream import ET

NUMBER = "+4712345678"


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


class User(slixmpp.ClientXMPP):
    def __init__(self, jid, password, gateway, steps):
        super().__init__(jid, password)
        self.gateway, self.steps, self.messages = gateway, steps, 0
        self.contact = f"{NUMBER}@{gateway}"
        for plugin in ("xep_0030", "xep_0004", "xep_0050", "xep_0077", "xep_0085", "xep_0184", "xep_0199", "xep_0203"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("message_error", self.on_message)
        self.add_event_handler("receipt_received", lambda m: say("receipt", id=m["receipt"]))
        self.add_event_handler("failed_auth", lambda _: say("failed_auth"))
        for kind in ("presence_subscribed", "presence_available", "presence_unavailable", "presence_away"):
            self.add_event_handler(kind, self.on_presence)

    def on_presence(self, p):
        if p["from"].bare != self.boundjid.bare:
            say("presence", type=p["type"], sender=p["from"].bare, status=p["status"])

    def on_message(self, m):
        if m["type"] == "error":
            say("error", id=m["id"], condition=m["error"]["condition"], text=m["error"]["text"])
        elif m["body"]:
            self.messages += 1
            say("message", sender=m["from"].bare, body=m["body"], id=m["id"],
                delayed=m.xml.find("{urn:xmpp:delay}delay") is not None)

    async def started(self, _):
        await self.get_roster()  # only those who asked for it are told of subscriptions
        self.send_presence()
        say("online")
        try:
            for step in self.steps:
                await self.do(step)
        except Exception as e:  # pylint: disable=broad-except
            say("failed", error=repr(e))
        await asyncio.sleep(0.2)  # a late duplicate would show itself
        say("done")
        self.disconnect()

    async def do(self, step):
        name, _, value = step.partition(":")
        await getattr(self, "do_" + name)(value)

    async def do_obey(self, _):
        reader = asyncio.StreamReader()
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            await self.do(line.decode().rstrip("\n"))

    async def query(self, kind, payload):
        iq = self.make_iq(ito=self.gateway, itype=kind)
        iq.append(ET.fromstring(payload))
        return await iq.send(timeout=20)

    async def do_to(self, address):
        self.contact = address

    async def do_send(self, text):
        m = self.make_message(mto=self.contact, mbody=text, mtype="chat")
        m["request_receipt"] = True
        m.send()
        say("sent", id=m["id"], body=text)

    async def do_state(self, _):
        m = self.make_message(mto=self.contact, mtype="chat")
        m["chat_state"] = "composing"
        m.send()

    async def do_disco(self, _):
        info = await self["xep_0030"].get_info(jid=self.gateway, timeout=20)
        say("disco", identities=[list(i[:2]) for i in info["disco_info"]["identities"]],
            features=sorted(info["disco_info"]["features"]))

    async def do_items(self, _):
        items = await self["xep_0030"].get_items(jid=self.gateway, timeout=20)
        say("items", names=[i[2] for i in items["disco_items"]["items"]])

    async def do_ping(self, _):
        await self["xep_0199"].send_ping(self.contact, timeout=20)
        say("pong")

    async def do_commands(self, _):
        items = await self["xep_0050"].get_commands(self.gateway, timeout=20)
        say("commands", nodes=sorted(i[1] for i in items["disco_items"]["items"]))

    async def do_ussd(self, code):
        first = await self["xep_0050"].send_command(self.gateway, "ussd", timeout=20)
        form = first["command"]["form"]
        fields = list(form.get_fields())
        answer = self["xep_0004"].make_form(ftype="submit")
        answer.add_field(var="code", value=code)
        second = await self["xep_0050"].send_command(self.gateway, "ussd", action="complete", payload=answer,
                                                     sessionid=first["command"]["sessionid"], timeout=20)
        say("ussd", fields=fields, status=second["command"]["status"],
            note=second["command"].xml.findtext("{http://jabber.org/protocol/commands}note"))

    async def do_register(self, number):
        form = await self.query("get", "<query xmlns='jabber:iq:register'/>")
        say("registration", text=form["register"]["instructions"])
        await self.query("set", f"<query xmlns='jabber:iq:register'><phone>{number}</phone></query>")

    async def do_prompt(self, text):
        answer = await self.query("set", f"<query xmlns='jabber:iq:gateway'><prompt>{text}</prompt></query>")
        say("prompt", jid=answer.xml.findtext(".//{jabber:iq:gateway}jid"))

    async def do_subscribe(self, _):
        self.send_presence_subscription(self.contact)

    async def do_wait(self, count):
        while self.messages < int(count):
            await asyncio.sleep(0.05)


def main():
    port, jid, password, gateway, seconds, *steps = sys.argv[1:]
    user = User(jid, password, gateway, steps)
    user.connect(address=("127.0.0.1", int(port)), disable_starttls=True, use_ssl=False)
    user.loop.call_later(float(seconds), lambda: (say("timeout"), user.abort()))
    user.process(forever=False)


if __name__ == "__main__":
    main()
