"""other_clients.py MQTT_PORT REDIS_PORT: paho-mqtt and redis-py exchange messages over a bridge with the rules of
bridge_case.py, each both as sender and as receiver."""
import queue
import sys

import paho.mqtt.client as paho
import redis
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

COUNT = 200
LIMIT = 60
received, subscribed = queue.Queue(), queue.Queue()


def text(entry, name):
    return entry[name.encode()].decode()


def main(mqtt_port, redis_port):
    store = redis.Redis(port=redis_port, socket_timeout=LIMIT)
    channels = store.pubsub(ignore_subscribe_messages=True)
    channels.subscribe("tell:py")
    channels.get_message(timeout=LIMIT)
    for version in (paho.MQTTv311, paho.MQTTv5):
        client = paho.Client(f"paho-{version}", protocol=version)
        client.on_message = lambda *a: received.put(a[2])
        client.on_subscribe = lambda *a: subscribed.put(a)
        client.connect("127.0.0.1", mqtt_port)
        client.loop_start()
        client.subscribe([("down/#", 1), ("news/#", 2)])
        subscribed.get(timeout=LIMIT)
        properties = None
        if version == paho.MQTTv5:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ContentType, properties.CorrelationData = "text/plain", b"\x00\xff"
            properties.UserProperty = ("colour", "red")
        stream = f"up:py{version}"
        for i in range(COUNT):
            client.publish(f"up/py{version}", bytes([0, 255]) + str(i).encode(), qos=i % 3, properties=properties)
        entries, last = [], "0"
        while len(entries) < COUNT:
            for _, more in store.xread({stream: last}, block=LIMIT * 1000):
                entries += more
                last = entries[-1][0]
        assert sorted(int(e[b"p"][2:]) for _, e in entries) == list(range(COUNT))
        if version == paho.MQTTv5:
            first = entries[0][1]
            assert (text(first, "ct"), first[b"cd"], text(first, "u:colour")) == ("text/plain", b"\x00\xff", "red"), first
        client.publish("tell/py", "spoken", qos=1)
        message = None
        while message is None:
            message = channels.get_message(timeout=LIMIT)
        assert message["data"] == b"spoken", message
        for i in range(COUNT):
            store.xadd("down", {"k": "py", "p": bytes([0, 255]) + str(i).encode()})
        assert store.publish("news.py", b"\x00read\xff") == 1
        got = [received.get(timeout=LIMIT) for _ in range(COUNT + 1)]
        assert [int(m.payload[2:]) for m in got if m.topic == "down/py"] == list(range(COUNT))
        assert [m.payload for m in got if m.topic == "news/py"] == [b"\x00read\xff"]
        client.disconnect()
        client.loop_stop()
    print("all is well")


main(*map(int, sys.argv[1:]))
