"""kill -9 of goip_xmpp with messages under way in both directions.

Each round lets SMS arrive at the device and chats leave alice's client, kills the bridge at a random moment and starts it
again on the same files. In the end
  - each SMS that the device saw acknowledged is in alice's chat, under one message id;
  - each chat with a receipt was sent by the device, once;
  - a chat that the device sent and whose receipt the crash has prevented has an error that says `unknown`;
  - any other error, and no answer at all, means that it was not sent; but for those whose delivery report the device has
    said four times in vain, which wait for it.

    MSGKIT_CRASH_ROUNDS   rounds, default 20
    MSGKIT_CRASH_SEED     of the random moments; printed, so that a run can be repeated
"""
import os
import random
import time
import unittest

from bridge import DOMAIN, LINE, BridgeTest, wait_until
from xmpp_servers import Ejabberd, ejabberd_code

ROUNDS = int(os.environ.get("MSGKIT_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("MSGKIT_CRASH_SEED", str(int(time.time()))))
PER_ROUND = 3  # each way
# From datagrams that nobody has looked at to messages that are through.
KILL_AFTER_SECONDS = (0.0, 0.35)


class Rounds:
    rounds = ROUNDS

    def test_nothing_is_lost_or_claimed(self):
        dice = random.Random(SEED)
        print(f"seed {SEED}, {self.rounds} rounds", flush=True)
        # Each kill may leave a session open in the device, which would have no room after five of them.
        bridge, device = self.start_all("--sending", "20", "--report", "20", "--keepalive", "100",
                                        "--sessions", str(self.rounds + 5))
        client = self.client(f"to:+3725552@{DOMAIN}", "obey", seconds=60 + 10 * self.rounds)
        for n in range(self.rounds):
            wait_until(self.is_ready, 30, bridge.tail)
            for k in range(PER_ROUND):
                device.command(f"sms {LINE} +3725551 in-{n}-{k}")
                client.command(f"send:out-{n}-{k}")
            time.sleep(dice.uniform(*KILL_AFTER_SECONDS))  # the moment is what the test is about
            bridge.kill()
            bridge = self.start_bridge()
        wait_until(self.is_ready, 30, bridge.tail)
        client.command("send:last")
        self.chats_have_their_truth(device, client)
        self.acknowledged_sms_are_in_the_chat(device, client)

    def chats_have_their_truth(self, device, client):
        names = {}
        sent, unreported = [], set()

        def answers(kind):
            return {names[e["id"]]: e.get("text", "") for e in client.events(kind) if e["id"] in names}

        def is_settled():
            names.update({e["id"]: e["body"] for e in client.events("sent")})
            log = [words.split() for words in device.output().split("\n") if words]
            texts = {words[3]: words[4] for words in log if words[0] == "sent"}
            about = {words[3]: words[4] for words in log if words[0] == "reporting"}
            sent[:] = [words[4] for words in log if words[0] == "sent"]
            unreported.update(texts[about[words[3]]] for words in log if words[0] == "given-up" and words[3] in about)
            known = answers("receipt").keys() | answers("error").keys()
            return "last" in known and (known | unreported).issuperset(sent)
        wait_until(is_settled, 60, lambda: f"an answer to {sorted(set(sent) - answers('receipt').keys() - answers('error').keys())} and the last "
                                     f"chat, seed {SEED}\n{client.tail()}")
        receipted, failed = answers("receipt"), answers("error")
        self.assertEqual(len(names), self.rounds * PER_ROUND + 1)
        self.assertEqual([n for n in receipted if sent.count(n) != 1], [], f"seed {SEED}")
        self.assertEqual([n for n in names.values() if sent.count(n) > 1], [], f"seed {SEED}")
        told_unknown = {n for n, words in failed.items() if "unknown" in words}
        self.assertEqual([n for n in sent if n not in receipted.keys() | told_unknown | unreported], [], f"seed {SEED}")
        print(f"of {len(names)} chats {len(receipted)} receipted, {len(told_unknown)} unknown ({len(told_unknown & set(sent))}"
              f" of them sent), {len(failed) - len(told_unknown)} refused, {len(unreported)} without a report,"
              f" {len(names) - len(receipted.keys() | failed.keys() | unreported)} lost on their way to the bridge", flush=True)

    def acknowledged_sms_are_in_the_chat(self, device, client):
        output = device.output().split("\n")
        texts = dict(words.split()[3:5] for words in output if words.startswith(f"arrived {LINE} RECEIVE"))
        acknowledged = {texts[words.split()[3]] for words in output if words.startswith(f"acknowledged {LINE} RECEIVE")}

        def missing():
            return acknowledged - {m["body"] for m in client.events("message")}
        wait_until(lambda: not missing(), 60, lambda: f"{sorted(missing())}, seed {SEED}\n{client.tail()}")
        chats = [(m["body"], m["id"]) for m in client.events("message") if m["body"].startswith("in-")]
        bodies = [body for body, _ in set(chats)]
        self.assertEqual([b for b in bodies if bodies.count(b) > 1], [], f"two chats of one SMS, seed {SEED}")
        print(f"of {len(texts)} SMS {len(acknowledged)} acknowledged, {len(bodies)} in the chat, {len(chats) - len(set(chats))}"
              " shown again under the same id", flush=True)


class ProsodyKill9(Rounds, BridgeTest):
    pass


class EjabberdKill9(Rounds, BridgeTest):
    server_class = Ejabberd
    rounds = max(1, ROUNDS // 4)

    @staticmethod
    def server_available():
        return ejabberd_code() is not None


if __name__ == "__main__":
    unittest.main(verbosity=2)
