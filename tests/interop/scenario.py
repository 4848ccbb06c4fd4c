"""What every peer sends and has to get back."""
import json

LONG_GSM = " ".join(f"word{i:03d}" for i in range(50))          # 399 characters, three parts
LONG_UCS2 = " ".join(f"слово{i:02d}" for i in range(25))        # 199 characters, three parts

# data_coding 0 is GSM 03.38, 8 is UCS-2.
MESSAGES = [
    {"id": 1, "from": "447700900001", "to": "46700123456", "text": "plain text", "coding": 0},
    {"id": 2, "from": "447700900001", "to": "46700123457", "text": "a@b costs 5 € {x_y} $ äöü", "coding": 0},
    {"id": 3, "from": "447700900002", "to": "46700123458", "text": LONG_GSM, "coding": 0},
    {"id": 4, "from": "447700900002", "to": "46700123459", "text": "Привет, мир", "coding": 8},
    {"id": 5, "from": "447700900003", "to": "46700123460", "text": LONG_UCS2, "coding": 8},
]
MO_MESSAGES = [
    {"from": "46700123456", "to": "447700900001", "text": "answer @ 5 €", "coding": 0},
    {"from": "46700123457", "to": "447700900002", "text": LONG_GSM, "coding": 0},
    {"from": "46700123458", "to": "447700900003", "text": "ответ", "coding": 8},
]


def write_json(test, name, messages):
    return test.write(name, json.dumps(messages))


def as_set(messages):
    return {(m["from"], m["to"], m["text"]) for m in messages}


def check_client_events(test, client):
    """A node-smpp or Net::SMPP client got an answer and a receipt for every part, and every MO message whole."""
    responses = client.events("response")
    for response in responses:
        test.assertEqual(response["status"], 0, response)
    answered = {(r["id"], r["part"]) for r in responses}
    test.assertEqual(answered, {(m["id"], part) for m in MESSAGES for part in range(3 if m["id"] in (3, 5) else 1)})
    ids = {r["message_id"] for r in responses}
    receipts = client.events("receipt")
    test.assertEqual({r["message_id"] for r in receipts}, ids)
    test.assertEqual({r["state"] for r in receipts}, {"DELIVRD"})
    test.assertEqual(as_set(client.events("mo")), as_set(MO_MESSAGES))


def run_client(test, script, port, system_id, password, seconds=30):
    """Runs a scripted peer through the scenario and checks what it saw."""
    from peers import client_arguments
    messages = write_json(test, "messages.json", MESSAGES)
    name = script.split(".")[0]
    client = test.start(name, client_arguments(script, port, system_id, password, messages, len(MO_MESSAGES), seconds))
    status = client.wait(seconds + 5)
    test.assertEqual(status, 0, client.tail())
    check_client_events(test, client)


def run_kannel(test, port, system_id, password, seconds=60):
    """The same for Kannel, which reports deliveries and MO messages by HTTP."""
    from peers import Kannel, wait_until
    kannel = Kannel(test, port, system_id, password)
    for message in MESSAGES:
        kannel.send(message)
    for message in MESSAGES:
        wait_until(lambda m=message: 1 in kannel.receipt_types(m), seconds,
                   lambda m=message: f"the receipt of message {m['id']}, have {kannel.receipt_types(m)}\n"
                                     f"{kannel.bearerbox.tail()}")
    wait_until(lambda: len(kannel.mo_messages()) >= len(MO_MESSAGES), seconds,
               lambda: f"MO messages, have {kannel.mo_messages()}\n{kannel.bearerbox.tail()}")
    test.assertEqual(as_set(kannel.mo_messages()), as_set(MO_MESSAGES))
