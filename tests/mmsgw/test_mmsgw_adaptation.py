"""Media that are made to fit the class of the gateway they go to. Pictures, sounds and films are real ones, and hostile
ones, for the very programs that mmsgw calls; at the other side stands a second mmsgw without classes."""
import base64
import os
import shutil
import signal
import smtplib
import subprocess
import sys
import time
import unittest
from email.message import EmailMessage
from pathlib import Path

from mmsgw import FROM, OTHER, TO, Application, Gateway, MmsgwTest, mm4_gateway, mm7_gateway
from gateway import binary
from media_files import CLASSES, exif_of, noise, png_bomb, tool
from peers import free_port, require


class AdaptationTest(MmsgwTest):
    """`a` adapts, `b` shows what arrived."""

    def setUp(self):
        for program in ("gm", "ffmpeg"):
            require(shutil.which(program), program)
        super().setUp()

    def make(self, peers, adaptation="", **settings):
        """`peers`: lines of [[gateways]] for `a`, or what makes them of `b`."""
        self.at_b = Application(self)
        self.a, self.b = Gateway(self, "a", ""), Gateway(self, "b", "", self.at_b)
        self.b.peers = mm4_gateway("a", "a", 9, "b.test", "a.test") + mm7_gateway("a7", "http://127.0.0.1:9/")
        self.a.peers = peers(self.b)
        self.a.extra = f"[media.adaptation]\nenabled = true\n{adaptation}\n"
        self.a.settings |= settings
        self.b.start(), self.a.start()

    def mail_with(self, keys='media_class = "300k"', name="b"):
        return lambda b: mm4_gateway(name, name, b.mm4_port, "a.test", "b.test") + keys + "\n"

    def path(self, name):
        return Path(self.scratch) / name

    def template(self, files, **more):
        parts = [{"content_name": name, "content_type": kind, "content_base64": base64.b64encode(octets).decode()}
                 for name, kind, octets in files]
        return self.a.template(parts=parts, **more)["id"]

    def send(self, files, to=TO, gateway="b", **more):
        return self.a.send(self.template(files, **more), destination=to, gateway=gateway)

    def arrived(self, to, count=1):
        """The parts of the message for a number: (type, name, octets)."""
        def messages():
            return [m for m in self.at_b.received() if to in m["destination"] + m["cc"] + m["bcc"]]
        self.wait(lambda: len(messages()) >= count, self.a, self.b)
        return [(p["content_type"].split(";")[0], p["content_name"], self.b.call("GET", f"/media/{p['part_id']}")[1])
                for p in messages()[count - 1]["template"]["parts"]]

    def picture(self, to, count=1):
        return [octets for kind, _, octets in self.arrived(to, count) if kind.startswith("image/")][0]

    def failure(self, message):
        self.wait(lambda: "FAILED" in self.a.states(message), self.a)
        return [(e["code"], e["description"]) for e in self.a.events(message) if e["state"] == "FAILED"][0]

    def made(self, result):
        text = self.a.call("GET", "/metrics", prefix="")[1].decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("media_adaptations_total") and f'"{result}"' in line)

    def size_of(self, octets):
        path = self.path("seen.jpg")
        path.write_bytes(octets)
        return tuple(int(n) for n in tool("gm", "identify", "-format", "%w %h ", str(path)).split()[:2])

    def large(self, name="big.jpg", width=900, height=700, *more):
        return noise(self.path(name), width, height, *(more or ("-quality", "95")))


class Classes(AdaptationTest):
    def test_each_gateway_gets_its_class_and_the_original_stays(self):
        def peers(b):
            return "".join(self.mail_with(f'media_class = "{c}"', c)(b) for c in [*CLASSES, "none"]) + \
                mm7_gateway("http", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a7") + 'media_class = "300k"\n'
        self.make(peers)
        picture = self.large("big.jpg", 1400, 1000)
        self.assertGreater(len(picture), max(CLASSES.values()))
        template = self.template([("big.jpg", "image/jpeg", picture)])
        for i, (name, limit) in enumerate([*CLASSES.items(), ("http", CLASSES["300k"])]):
            with self.subTest(name):
                self.a.send(template, destination=f"+1202555020{i}", gateway=name)
                octets = self.picture(f"+1202555020{i}")
                self.assertLessEqual(len(octets), limit)
                self.assertGreater(len(octets), limit // 20)
                width, height = self.size_of(octets)
                self.assertAlmostEqual(width / height, 1.4, delta=0.02)
        self.a.send(template, destination=OTHER, gateway="none")
        self.assertEqual(self.picture(OTHER), picture)
        part = self.a.call("GET", f"/mms/{template}")[1]["parts"][0]["part_id"]
        self.assertEqual(self.a.call("GET", f"/media/{part}")[1], picture)

    def test_on_failover_the_other_gateway_gets_its_own_class(self):
        dead = free_port()
        self.make(lambda b: mm4_gateway("dead", "all", dead, "a.test", "b.test") + 'media_class = "300k"\n' +
                  mm4_gateway("alive", "all", b.mm4_port, "a.test", "b.test") + 'media_class = "1m"\n')
        self.assertEqual(self.b.process.stop(), 0, self.b.process.tail())
        sent = self.send([("big.jpg", "image/jpeg", self.large("big.jpg", 1400, 1000))], gateway="all")
        self.wait(lambda: self.made("made") == 2, self.a)  # both have been tried, each with its copy
        self.b.start()
        octets = self.picture(TO)
        self.assertLessEqual(len(octets), CLASSES["1m"])
        self.assertGreater(len(octets), CLASSES["300k"])
        self.wait(lambda: "SENT" in self.a.states(sent), self.a)
        self.assertEqual({e["gateway"] for e in self.a.events(sent) if e["state"] == "SENT"}, {"alive"})

    def test_a_presentation_follows_new_names_and_texts_stay(self):
        self.make(lambda b: self.mail_with()(b) + mm7_gateway("http", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a7") +
                  'media_class = "300k"\n')
        smil = b'<smil><body><par><img src="cid:big.png"/><text src="big.png.txt"/></par></body></smil>'
        files = [("p.smil", "application/smil", smil), ("big.png", "image/png", self.large("big.png", 700, 500, "-depth", "8")),
                 ("big.png.txt", "text/plain; charset=utf-8", "GIF89a gr\u00fc\u00dfe".encode())]
        for to, gateway in ((TO, "b"), (OTHER, "http")):
            with self.subTest(gateway):
                self.send(files, to, gateway)
                parts = {kind: (name, octets) for kind, name, octets in self.arrived(to)}
                self.assertEqual(parts["image/jpeg"][0], "big.jpg")
                self.assertLessEqual(sum(len(o) for _, o in parts.values()), CLASSES["300k"])
                self.assertIn(b'"cid:big.jpg"', parts["application/smil"][1])
                self.assertIn(b'"big.png.txt"', parts["application/smil"][1])
                self.assertEqual(parts["text/plain"], ("big.png.txt", files[2][2]))

    def test_what_must_not_be_changed_is_not(self):
        self.make(self.mail_with())
        picture = self.large()
        for to, more in ((TO, {"content_adaptation": False}), (OTHER, {"drm": True})):
            with self.subTest(str(more)):
                self.send([("big.jpg", "image/jpeg", picture)], to, **more)
                self.assertEqual(self.picture(to), picture)
        self.assertEqual(self.made("made") + self.made("kept"), 0)

    def test_many_recipients_and_several_parts_are_worked_on_once(self):
        self.make(self.mail_with())
        files = [(f"{i}.jpg", "image/jpeg", self.large(f"{i}.jpg", 500, 400)) for i in range(3)]
        numbers = [f"+1202555{i:04}" for i in range(12)]
        self.send(files, ",".join(numbers))
        for n in numbers:
            self.assertLessEqual(sum(len(o) for _, _, o in self.arrived(n)), CLASSES["300k"])
        # Two workers may begin on the same one.
        self.assertLessEqual(self.made("made"), 6)
        self.assertGreaterEqual(self.made("remembered"), 30)

    def test_a_class_may_change_while_it_runs(self):
        self.make(self.mail_with('media_class = "none"'))
        template = self.template([("big.jpg", "image/jpeg", self.large())])
        self.a.send(template, destination=TO)
        self.assertGreater(len(self.picture(TO)), CLASSES["300k"])
        config = self.path("a.toml")
        config.write_text(config.read_text().replace('"none"', '"300k"').replace("[media.adaptation]", "[media.adaptation]\nworkers = 1"))
        self.a.process.signal(signal.SIGHUP)
        self.wait(lambda: "what=media.adaptation" in self.a.process.tail(), self.a)  # that waits for the next start

        def is_fitted():
            is_fitted.count += 1
            number = f"+1202556{is_fitted.count:04}"
            self.a.send(template, destination=number)
            return len(self.picture(number)) <= CLASSES["300k"]
        is_fitted.count = 0
        self.wait(is_fitted, self.a)

    def test_a_film_and_a_sound_are_made_to_fit(self):
        self.make(self.mail_with())
        film, sound = self.path("film.mp4"), self.path("sound.wav")
        tool("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=4", "-f", "lavfi", "-i",
             "sine=d=4", "-c:v", "mpeg4", "-b:v", "4M", "-metadata", "location=+59.0000+018.0000/", "-y", str(film))
        tool("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=d=10", "-ar", "44100", "-ac", "2", "-y", str(sound))
        for to, path, kind, made, name in ((TO, film, "video/mp4", "video/mp4", "film.mp4"),
                                           (OTHER, sound, "audio/wav", "audio/mpeg", "sound.mp3")):
            octets = path.read_bytes()
            self.assertGreater(len(octets), CLASSES["300k"])
            self.send([(path.name, kind, octets)], to)
            got = [(n, o) for k, n, o in self.arrived(to) if k == made]
            self.assertEqual(got[0][0], name)
            self.assertLessEqual(len(got[0][1]), CLASSES["300k"])
            self.assertNotIn(b"+59.0000", got[0][1])
            seen = self.path("seen" + path.suffix)
            seen.write_bytes(got[0][1])
            tool("ffmpeg", "-v", "error", "-i", str(seen), "-f", "null", "-")  # it plays


class Hostile(AdaptationTest):
    def test_a_picture_is_turned_upright_and_says_no_place(self):
        self.make(self.mail_with())
        path = self.path("turned.jpg")
        tool("gm", "convert", "-size", "200x200", "xc:red", "-size", "200x200", "xc:blue", "+append", "-quality", "95", str(path))
        plain = path.read_bytes()
        turned = plain[:2] + exif_of(6) + plain[2:]
        path.write_bytes(turned)
        self.assertIn("59/1", tool("gm", "identify", "-verbose", str(path)).decode())  # it does say where
        # Whatever it is called.
        for to, name, kind in ((TO, "turned.jpg", "image/jpeg"), (OTHER, "turned.png", "image/png")):
            with self.subTest(kind):
                self.send([(name, kind, turned)], to)
                kind, _, octets = [p for p in self.arrived(to) if p[0].startswith("image/")][0]
                self.assertEqual(kind, "image/jpeg")
                self.assertEqual(self.size_of(octets), (200, 400))
                self.assertNotIn(b"Exif", octets)
                seen = str(self.path("seen.jpg"))
                top, bottom = (tool("gm", "convert", seen, "-crop", f"1x1+100+{y}", "-depth", "8", "rgb:-") for y in (50, 350))
                self.assertGreater(top[0], 200)  # red
                self.assertGreater(bottom[2], 200)  # blue

    def test_what_cannot_be_done_fails_with_a_code_and_the_reason(self):
        """Each would be sent again 200 times if it were a failure of the gateway's."""
        self.make(self.mail_with())
        raw = self.path("frames.gray")
        raw.write_bytes(os.urandom(170 * 170))
        tool("gm", "convert", "-size", "170x170", "-depth", "8", *(f"gray:{raw}" for _ in range(16)), str(self.path("a.gif")))
        hostile = [("a.gif", "image/gif", self.path("a.gif").read_bytes(), "413", "gif_too_large"),
                   ("bomb.png", "image/png", png_bomb(50_000, 50_000), "406", "media_unreadable"),
                   ("wide.png", "image/png", png_bomb(2_000_000_000, 1, 100), "406", "media_unreadable"),
                   ("deep.png", "image/png", png_bomb(12_000, 12_000, 100), "406", "media_unreadable"),
                   ("garbage.jpg", "image/jpeg", b"\xff\xd8\xff\xe0" + os.urandom(400_000), "406", "media_unreadable"),
                   ("garbage.gif", "image/gif", b"GIF89a" + os.urandom(400_000), "406", "media_unreadable"),
                   ("garbage.mp4", "video/mp4", b"\0\0\0\x20ftypisom" + os.urandom(400_000), "406", "media_unreadable"),
                   ("page.jpg", "image/jpeg", b"<html><script>alert(1)</script></html>", "406", "media_unreadable"),
                   ("empty.jpg", "image/jpeg", b"", "406", "media_unreadable"),
                   ("playlist.mp3", "audio/mpeg", b"#EXTM3U\nhttp://127.0.0.1:1/x\n/etc/passwd\n" * 12_000, "406", "media_unreadable"),
                   ("long.txt", "text/plain", b"x" * 400_000, "413", "media_too_large"),
                   ("song.mid", "audio/midi", b"MThd" + os.urandom(400_000), "413", "media_too_large")]
        for name, kind, octets, code, reason in hostile:
            with self.subTest(name):
                got = self.failure(self.send([(name, kind, octets)] if octets else [(name, kind, b"\0")]))
                self.assertEqual(got[0], code, got)
                self.assertTrue(got[1].startswith(reason + ": "), got)
        # What can be seen of a cut one is sent, or it is refused: either way it ends.
        good = self.large()
        cut = self.send([("cut.jpg", "image/jpeg", good[:len(good) * 2 // 3])])
        self.wait(lambda: {"SENT", "FAILED"} & set(self.a.states(cut)), self.a)
        self.send([("good.jpg", "image/jpeg", good)], OTHER)  # and the next one goes
        self.picture(OTHER)
        self.assertEqual(self.a.metric("mmsgw_failed_total"), len(hostile) + self.a.states(cut).count("FAILED"))
        self.assertEqual(self.a.metric("mmsgw_gateway_up"), 1)


class Relays(AdaptationTest):
    def relay(self):
        self.make(lambda b: mm4_gateway("client", "client", 9, "a.test", "c.test") +
                  mm7_gateway("client7", "http://127.0.0.1:9/") + self.mail_with()(b) +
                  '[[routes]]\nfrom = "client"\nto = "b"\n[[routes]]\nfrom = "client7"\nto = "b"\n')

    def mail(self, to, octets, kind, name, **more):
        m = EmailMessage()
        headers = {"From": f"{FROM}/TYPE=PLMN", "To": f"{to}/TYPE=PLMN", "X-Mms-3GPP-MMS-Version": "6.10.0",
                   "X-Mms-Message-Type": "MM4_forward.REQ", "X-Mms-Transaction-ID": f'"t{to}"', "X-Mms-Message-ID": f'"{to}@c.test"', **more}
        major, minor = kind.split("/")
        m.add_attachment(octets, maintype=major, subtype=minor, filename=name)
        lines = m.as_bytes().decode().replace("\n", "\r\n")
        with smtplib.SMTP("127.0.0.1", self.a.mm4_port, timeout=20) as client:
            client.sendmail("x@c.test", [f"{to}/TYPE=PLMN@a.test"], "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + lines)

    def test_what_is_passed_on_is_made_to_fit_unless_its_sender_forbids(self):
        self.relay()
        picture = self.large("big.png", 700, 500, "-depth", "8")
        self.mail(TO, picture, "image/png", "big.png")
        kind, name, octets = [p for p in self.arrived(TO) if p[0].startswith("image/")][0]
        self.assertEqual((kind, name), ("image/jpeg", "big.jpg"))
        self.assertLessEqual(len(octets), CLASSES["300k"])
        self.mail(OTHER, picture, "image/png", "big.png", **{"X-Mms-Adaptation-Allowed": "No"})
        self.assertEqual(self.picture(OTHER), picture)
        for number, allowed in (("+12025550103", True), ("+12025550104", False)):
            c = Gateway(self, f"c{allowed}", mm7_gateway("a", f"http://127.0.0.1:{self.a.http_port}/mmsgw/v1/mms/inbound/client7")).start()
            self.a, relay = c, self.a
            self.send([("big.png", "image/png", picture)], number, "a", content_adaptation=allowed)
            self.a = relay
            self.assertEqual(self.picture(number) == picture, not allowed)

    def test_the_content_of_a_replace_request_is_made_to_fit(self):
        self.make(lambda b: mm7_gateway("b", f"http://127.0.0.1:{b.http_port}/mmsgw/v1/mms/inbound/a7") + 'media_class = "300k"\n')
        sent = self.send([("t.txt", "text/plain", b"hello")])
        self.wait(lambda: "ACKNOWLEDGED" in self.a.states(sent), self.a)
        picture = base64.b64encode(self.large()).decode()
        status, answer = self.a.call("PUT", f"/mms/outbound/{sent}", {"parts": [
            None, {"content_name": "big.jpg", "content_type": "image/jpeg", "content_base64": picture}]})
        self.assertEqual((status, answer["asked"]), (202, [TO]))
        self.wait(lambda: "REPLACED" in self.a.states(sent), self.a)
        self.assertLessEqual(len(self.picture(TO, 2)), CLASSES["300k"])
        raw = base64.b64encode(b"\xff\xd8\xff\xe0" + os.urandom(400_000)).decode()
        self.a.call("PUT", f"/mms/outbound/{sent}", {"parts": [
            None, {"content_name": "bad.jpg", "content_type": "image/jpeg", "content_base64": raw}]})
        self.wait(lambda: "REJECTED" in self.a.states(sent), self.a)
        self.assertIn("media_unreadable", self.a.events(sent)[-1]["description"])


class Bounds(AdaptationTest):
    """The programs are scripts that take their time."""

    def script(self, body):
        path = self.path("slow-gm")
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return f'image_program = "{path}"\n'

    def gated(self):
        self.started, self.gate = self.path("started"), self.path("gate")
        return self.script(f"touch {self.started}; [ -e {self.gate} ] || sleep 1000; exec gm \"$@\"")

    def test_who_finds_all_workers_busy_waits_and_has_not_tried(self):
        self.make(self.mail_with(), self.script('sleep 0.2; exec gm "$@"') + "workers = 1\nqueue_max = 1", max_gateway_retries=0)
        numbers = [f"+1202555{i:04}" for i in range(6)]
        sent = [self.send([("big.jpg", "image/jpeg", self.large("big.jpg", 500, 400))], n) for n in numbers]
        for n in numbers:
            self.assertLessEqual(len(self.picture(n)), CLASSES["300k"])
        for s in sent:
            self.wait(lambda m=s: "SENT" in self.a.states(m), self.a)
            self.assertNotIn("FAILED", self.a.states(s))
            self.assertEqual([r["attempts"] for r in self.a.call("GET", f"/mms/outbound/{s}")[1]["recipients"]], [1])

    def test_texts_pass_media_that_wait(self):
        self.make(self.mail_with(), self.gated() + "workers = 1")
        picture = self.send([("big.jpg", "image/jpeg", self.large("big.jpg", 500, 400))])
        self.wait(self.started.exists, self.a)
        self.send([("t.txt", "text/plain", b"hello")], OTHER)
        self.assertIn(b"hello", [octets.strip() for _, _, octets in self.arrived(OTHER)])
        self.assertEqual(self.a.states(picture), ["SCHEDULED"])

    def test_what_takes_too_long_fails(self):
        self.make(self.mail_with(), self.script("sleep 1000") + 'timeout = "500ms"')
        code, why = self.failure(self.send([("big.jpg", "image/jpeg", self.large("big.jpg", 500, 400))]))
        self.assertEqual(code, "406")
        self.assertTrue(why.startswith("media_timeout: "), why)

    def test_the_rate_of_a_gateway_holds_for_what_was_adapted(self):
        self.make(self.mail_with('media_class = "300k"\ntps_limit = 5'))
        template = self.template([("big.jpg", "image/jpeg", self.large("big.jpg", 500, 400))])
        begin = time.monotonic()
        self.a.send(template, destination=",".join(f"+1202555{i:04}" for i in range(12)), gateway="b")
        self.wait(lambda: len(self.at_b.received()) == 12, self.a, self.b)
        self.assertGreater(time.monotonic() - begin, 2)  # at 5 a second, with a burst of 0.1 s: never faster

    def test_kill_9_while_adapting_loses_nothing(self):
        self.make(self.mail_with(), self.gated())
        sent = self.send([("big.jpg", "image/jpeg", self.large())])
        self.wait(self.started.exists, self.a)
        self.a.process.kill()
        self.gate.touch()
        self.a.start()
        self.assertLessEqual(len(self.picture(TO)), CLASSES["300k"])
        self.wait(lambda: "SENT" in self.a.states(sent), self.a)
        self.assertEqual(len(self.at_b.received()), 1)

    def test_sigterm_while_adapting_ends_soon_and_loses_nothing(self):
        self.make(self.mail_with(), self.gated(), max_gateway_retries=0)
        sent = self.send([("big.jpg", "image/jpeg", self.large())])
        self.wait(self.started.exists, self.a)
        self.assertEqual(self.a.process.stop(), 0, self.a.process.tail())
        self.gate.touch()
        self.a.start()
        self.picture(TO)
        self.wait(lambda: "SENT" in self.a.states(sent), self.a)
        self.assertNotIn("UNDEFINED", self.a.states(sent))  # it was put back

    def test_a_missing_program_is_said_before_the_start(self):
        self.make(self.mail_with())
        config = self.path("a.toml")
        text = config.read_text()

        def check(changed):
            config.write_text(changed)
            return subprocess.run([str(binary("mmsgw")), "--config", str(config), "--check"], capture_output=True, text=True, timeout=60)
        for key in ("image_program", "audio_video_program"):
            done = check(text.replace("enabled = true", f'enabled = true\n{key} = "/nonexistent/tool"'))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"media.adaptation.{key}: /nonexistent/tool is not a program", done.stderr)
            self.assertIn("install the package", done.stderr)
        done = check(text.replace("enabled = true", "enabled = false"))
        self.assertIn("media_class: needs media.adaptation.enabled = true", done.stderr)
        self.assertEqual(check(text).returncode, 0)


if __name__ == "__main__":
    unittest.main()
