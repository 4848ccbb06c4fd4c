"""Media that are made to fit the size class of whom they go to. Pictures, sounds and films are real ones, made by the very
programs that the gateway calls; the carriers are mocks over real HTTP and SMTP."""
import base64
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import test_mm4 as mm4  # noqa: E402  (the module, so that its tests do not run twice)
from mock_carriers import Telnyx, Twilio  # noqa: E402
from gateway import binary  # noqa: E402
from media_files import CLASSES, exif_of, noise, png_bomb, tool  # noqa: E402
from peers import http_get, require, wait_until  # noqa: E402
from test_media import NUMBER, inbound_media, media_server, sent_media  # noqa: E402


class AdaptationTest(mm4.Mm4Test):
    adaptation = ""

    def setUp(self):
        for program in ("gm", "ffmpeg"):
            require(shutil.which(program), program)
        super().setUp()

    def configure(self, carrier_keys='media_class = "300k"', more=None):
        self.gateway.program.stop()
        path = Path(self.gateway.config)
        text = path.read_text().split("[media.adaptation]")[0]
        path.write_text(text + f"[media.adaptation]\nenabled = true\n{self.adaptation if more is None else more}\n")
        super().configure(carrier_keys)

    def path(self, name):
        return Path(self.scratch) / name

    def send_files(self, to, files, **more):
        media = [{"content": base64.b64encode(octets).decode(), "filename": name, **rest} for name, octets, *others in files
                 for rest in (others or [{}])]
        status, answer, _ = self.send({"to": to, "media": media, **more})
        self.assertEqual(status, 202, answer)
        return answer["id"]

    def refusal(self, message):
        """The carrier's last word on a message that was rejected."""
        return self.wait_for(message, "rejected", 60)

    def arrived(self, count=1, server=None):
        mail = self.wait_for_mails(server or self.carrier_server, "MM4_forward.REQ", count)[count - 1][2]
        return [(p.get_content_type(), p.get_filename() or p["Content-Location"], p.get_payload(decode=True))
                for p in mail.walk() if not p.is_multipart()]

    def metric(self, result):
        for line in http_get(self.api.url + "/metrics")[1].splitlines():
            if line.startswith("media_adaptations_total") and f'"{result}"' in line:
                return float(line.split()[-1])
        return 0

    def size_of(self, octets, suffix):
        path = self.path("seen." + suffix)
        path.write_bytes(octets)
        return tuple(int(n) for n in tool("gm", "identify", "-format", "%w %h ", str(path)).split()[:2])


class Images(AdaptationTest):
    def test_a_large_picture_fits_each_class_and_the_original_stays(self):
        picture = noise(self.path("big.jpg"), 1400, 1000, "-quality", "95")
        self.assertGreater(len(picture), max(CLASSES.values()))
        for i, (name, limit) in enumerate(CLASSES.items()):
            with self.subTest(name):
                carrier = Telnyx(self.scratch) if i == 0 else Twilio() if i == 1 else mm4.media.Bandwidth()
                endpoint = self.carrier_for_web(carrier, f"1555999{i:04d}")
                made = [c for c in self.api.ask("GET", "/carriers")[1] if c["type"] == carrier.type][0]
                self.assertEqual(self.api.ask("PATCH", f"/carriers/{made['id']}", {"media_class": name})[0], 200)
                message = self.send_files(f"4680055555{i}", [("big.jpg", picture)],
                                          **{"from": carrier.number})
                self.wait_for(message, "sent")
                url = sent_media(carrier, endpoint.seen()[0])[1][0]
                octets = self.fetch(url)[2]
                self.assertLessEqual(len(octets), limit)
                self.assertGreater(len(octets), limit // 20)
                width, height = self.size_of(octets, "jpg")
                self.assertAlmostEqual(width / height, 1.4, delta=0.02)

    def test_the_same_message_to_two_peers_is_adapted_for_each(self):
        self.carrier_for_web(Twilio())
        picture = noise(self.path("big.png"), 700, 500)
        self.assertGreater(len(picture), CLASSES["300k"])
        self.send_files("46700123456", [("big.png", picture)], text="see")
        parts = {kind: (name, octets) for kind, name, octets in self.arrived()}
        self.assertEqual(parts["image/jpeg"][0], "big.jpg")
        self.assertLessEqual(len(parts["image/jpeg"][1]), CLASSES["300k"])
        smil = parts["application/smil"][1]
        self.assertIn(b"big.jpg", smil)
        self.assertNotIn(b"big.png", smil)
        self.send_files(mm4.CLIENT_NUMBER, [("big.png", picture)])  # a peer without a class
        parts = {kind: octets for kind, _, octets in self.arrived(server=self.client_server)}
        self.assertEqual(parts["image/png"], picture)

    def test_a_presentation_of_the_senders_follows_new_names(self):
        self.carrier_for_web(Twilio())
        picture = noise(self.path("big.png"), 700, 500)
        smil = b'<smil><body><par><img src="cid:big.png"/><text src="big.png.txt"/></par></body></smil>'
        self.send_files("46700123456", [("p.smil", smil, {"content_type": "application/smil"}), ("big.png", picture)])
        told = [octets for kind, _, octets in self.arrived() if kind == "application/smil"]
        self.assertIn(b'"cid:big.jpg"', told[-1])
        self.assertIn(b'"big.png.txt"', told[-1])

    def test_a_picture_is_turned_upright_and_says_no_place(self):
        self.carrier_for_web(Twilio())
        path = self.path("turned.jpg")
        tool("gm", "convert", "-size", "200x200", "xc:red", "-size", "200x200", "xc:blue", "+append", "-quality", "95",
             str(path))
        plain = path.read_bytes()
        picture = plain[:2] + exif_of(6) + plain[2:]
        path.write_bytes(picture)
        self.assertIn("59/1", tool("gm", "identify", "-verbose", str(path)).decode())  # it does say where
        self.send_files("46700123456", [("turned.jpg", picture)])
        octets = [o for kind, _, o in self.arrived() if kind == "image/jpeg"][0]
        self.assertEqual(self.size_of(octets, "jpg"), (200, 400))
        self.assertNotIn(b"Exif", octets)
        seen = str(self.path("seen.jpg"))
        top, bottom = (tool("gm", "convert", seen, "-crop", f"1x1+100+{y}", "-depth", "8", "rgb:-") for y in (50, 350))
        self.assertGreater(top[0], 200)  # red
        self.assertGreater(bottom[2], 200)  # blue

    def test_what_fits_and_tells_nothing_goes_as_it_is(self):
        self.carrier_for_web(Twilio())
        tool("gm", "convert", "-size", "64x64", "xc:green", "-strip", str(self.path("small.jpg")))
        picture = self.path("small.jpg").read_bytes()
        self.send_files("46700123456", [("small.jpg", picture)])
        self.assertIn(picture, [octets for _, _, octets in self.arrived()])

    def test_several_share_the_class_and_what_was_made_is_made_once(self):
        self.carrier_for_web(Twilio())
        files = [(f"{i}.jpg", noise(self.path(f"{i}.jpg"), 500, 400, "-quality", "95")) for i in range(3)]
        status, answer, _ = self.send({"to": [f"4670012345{i}" for i in range(4)], "media": [
            {"content": base64.b64encode(o).decode(), "filename": n} for n, o in files]})
        self.assertEqual(status, 202, answer)
        self.wait_for_mails(self.carrier_server, "MM4_forward.REQ", 4)
        for i in range(4):
            self.assertLessEqual(sum(len(o) for _, _, o in self.arrived(i + 1)), CLASSES["300k"])
        # Two workers may begin on the same one.
        self.assertLessEqual(self.metric("made"), 6)
        self.assertGreaterEqual(self.metric("remembered"), 6)

    def test_an_animation_that_cannot_shrink_is_refused_with_the_reason(self):
        self.carrier_for_web(Twilio())
        raw = self.path("frames.gray")
        raw.write_bytes(os.urandom(170 * 170))
        tool("gm", "convert", "-size", "170x170", "-depth", "8", *(f"gray:{raw}" for _ in range(16)), str(self.path("a.gif")))
        animation = self.path("a.gif").read_bytes()
        self.assertGreater(len(animation), CLASSES["300k"])
        message = self.send_files("46700123456", [("a.gif", animation)], receipt=True)
        self.assertIn("gif_too_large", str(self.refusal(message)))
        wait_until(lambda: any(b"rejected" in r["body"] for r in self.hook.seen()), 20, self.gateway.program.tail)

    def test_hostile_files_end_cleanly(self):
        self.carrier_for_web(Twilio())
        good = noise(self.path("good.jpg"), 900, 700, "-quality", "95")
        hostile = {"bomb.png": (png_bomb(50_000, 50_000), "media_unreadable"),
                   "garbage.jpg": (b"\xff\xd8\xff\xe0" + os.urandom(400_000), "media_unreadable"),
                   "garbage.gif": (b"GIF89a" + os.urandom(400_000), "media_unreadable"),
                   "garbage.mp4": (b"\0\0\0\x20ftypisom" + os.urandom(400_000), "media_unreadable"),
                   "playlist.mp3": (b"#EXTM3U\nhttp://127.0.0.1:1/x\n/etc/passwd\n" * 12_000, "media_unreadable"),
                   "big.pdf": (b"%PDF-1.4" + os.urandom(400_000), "media_too_large")}
        for name, (octets, reason) in hostile.items():
            with self.subTest(name):
                kind = {"content_type": "audio/mpeg"} if name.endswith("mp3") else {}
                self.assertIn(reason, str(self.refusal(self.send_files("46700123456", [(name, octets, kind)]))))
        # What can be seen of a truncated one is sent, or it is refused: either way it ends.
        message = self.send_files("46700123457", [("cut.jpg", good[:len(good) * 2 // 3])])
        wait_until(lambda: self.message(message)["state"] in ("sent", "rejected"), 60, self.gateway.program.tail)
        self.send_files("46700123458", [("good.jpg", good)])  # and the next one goes
        wait_until(lambda: any("46700123458" in to[0] for _, to, _ in self.carrier_server.of("MM4_forward.REQ")), 60,
                   self.gateway.program.tail)


class Webhooks(AdaptationTest):
    """What carriers send to a client with a webhook."""

    def receive(self, octets, kind="image/jpeg", name="/big.jpg", **settings):
        self.twilio = Twilio()
        self.carrier_for_web(self.twilio)
        files = self.endpoint(media_server({name: (kind, octets)}))
        status, answer = self.api.ask("PATCH", f"/clients/{self.web['id']}", {"media_class": "300k", "settings": settings})[:2]
        self.assertEqual(status, 200, answer)
        event = inbound_media(self.twilio, "MM1", "46700123456", NUMBER, "look", [files.url + name])
        self.assertEqual(self.call(self.twilio, event)[0], self.twilio.inbound_answer[0])
        return self.hooked()[0]

    def test_media_for_a_client_fit_his_class_and_the_original_stays(self):
        picture = noise(self.path("big.jpg"), 900, 700, "-quality", "95")
        got = self.receive(picture)
        self.assertEqual(got["text"], "look")
        medium = got["media"][0]
        octets = self.fetch(medium["url"])[2]
        self.assertLessEqual(len(octets), CLASSES["300k"])
        self.assertEqual((medium["size"], medium["content_type"]), (len(octets), "image/jpeg"))
        self.assertNotIn("media_refused", got)
        # Another client, without a class, gets what was sent.
        self.assertEqual(self.api.ask("PATCH", f"/clients/{self.web['id']}", {"media_class": "none"})[0], 200)
        files = self.endpoint(media_server({"/big.jpg": ("image/jpeg", picture)}))
        self.call(self.twilio, inbound_media(self.twilio, "MM2", "46700123456", NUMBER, "look", [files.url + "/big.jpg"]))
        self.assertEqual(self.fetch(self.hooked(2)[1]["media"][0]["url"])[2], picture)

    def test_media_that_cannot_be_made_to_fit_reach_the_client_as_they_are(self):
        hostile = b"\xff\xd8\xff\xe0" + os.urandom(400_000)
        got = self.receive(hostile)
        self.assertTrue(got["media_refused"].startswith("media_unreadable: "), got)
        self.assertEqual(self.fetch(got["media"][0]["url"])[2], hostile)

    def test_a_client_with_the_telnyx_format_gets_the_copy_too(self):
        picture = noise(self.path("big.jpg"), 900, 700, "-quality", "95")
        medium = self.receive(picture, api_format="telnyx")["data"]["payload"]["media"][0]
        self.assertLessEqual(medium["size"], CLASSES["300k"])
        self.assertEqual(len(self.fetch(medium["url"])[2]), medium["size"])


class SoundsAndFilms(AdaptationTest):
    def test_a_film_and_a_sound_are_made_to_fit(self):
        self.carrier_for_web(Twilio())
        film, sound = self.path("film.mp4"), self.path("sound.wav")
        tool("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=4", "-f", "lavfi", "-i",
             "sine=d=4", "-c:v", "mpeg4", "-b:v", "4M", "-metadata", "location=+59.0000+018.0000/", "-y", str(film))
        tool("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=d=10", "-ar", "44100", "-ac", "2", "-y", str(sound))
        for i, (path, kind, name) in enumerate(((film, "video/mp4", "film.mp4"), (sound, "audio/mpeg", "sound.mp3"))):
            octets = path.read_bytes()
            self.assertGreater(len(octets), CLASSES["300k"])
            self.send_files("46700123456", [(path.name, octets)])
            got = [(n, o) for k, n, o in self.arrived(i + 1) if k == kind]
            self.assertEqual(got[0][0], name)
            self.assertLessEqual(len(got[0][1]), CLASSES["300k"])
            self.assertNotIn(b"+59.0000", got[0][1])
            made = self.path("made" + path.suffix)
            made.write_bytes(got[0][1])
            tool("ffmpeg", "-v", "error", "-i", str(made), "-f", "null", "-")  # it plays


class Bounds(AdaptationTest):
    """The programs are scripts that take their time."""

    def script(self, body):
        path = Path(self.scratch) / "slow-gm"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def test_a_program_that_takes_too_long_is_killed_with_its_children(self):
        marks = Path(self.scratch) / "marks"
        program = self.script(f"sleep 1000 & echo $! >> {marks}; wait")
        self.configure(more=f'image_program = "{program}"\ntimeout = "700ms"')
        self.carrier_for_web(Twilio())
        picture = noise(self.path("big.jpg"), 900, 700, "-quality", "95")
        self.assertIn("media_timeout", str(self.refusal(self.send_files("46700123456", [("big.jpg", picture)]))))
        if marks.exists():
            for child in marks.read_text().split():
                wait_until(lambda c=child: not Path(f"/proc/{c}/exe").exists(), 20, self.gateway.program.tail)

    def test_no_more_programs_run_at_a_time_than_workers_and_no_message_is_lost(self):
        running = Path(self.scratch) / "running"
        running.mkdir()
        program = self.script(f"touch {running}/$$; ls {running} | wc -l >> {running}.most; sleep 0.2; rm {running}/$$; "
                              "exec gm \"$@\"")
        self.configure(more=f'image_program = "{program}"\nworkers = 2\nqueue_max = 1')
        self.carrier_for_web(Twilio())
        for i in range(8):
            self.send_files(f"4670012345{i}", [("big.jpg", noise(self.path("big.jpg"), 500, 400, "-quality", "95"))])
        self.wait_for_mails(self.carrier_server, "MM4_forward.REQ", 8)
        self.assertLessEqual(max(int(n) for n in Path(f"{running}.most").read_text().split()), 2)

    def test_kill_9_while_adapting_loses_nothing(self):
        gate = Path(self.scratch) / "gate"
        started = Path(self.scratch) / "started"
        program = self.script(f"touch {started}; [ -e {gate} ] || sleep 1000; exec gm \"$@\"")
        self.configure(more=f'image_program = "{program}"')
        self.carrier_for_web(Twilio())
        picture = noise(self.path("big.jpg"), 900, 700, "-quality", "95")
        self.send_files("46700123456", [("big.jpg", picture)])
        wait_until(started.exists, 20, self.gateway.program.tail)
        self.gateway.program.kill()
        gate.touch()
        self.gateway.start()
        self.assertLessEqual(sum(len(o) for _, _, o in self.arrived()), CLASSES["300k"])
        self.assertEqual(len(self.carrier_server.of("MM4_forward.REQ")), 1)

    def test_sigterm_while_adapting_ends_soon_and_loses_nothing(self):
        gate = Path(self.scratch) / "gate"
        started = Path(self.scratch) / "started"
        program = self.script(f"touch {started}; [ -e {gate} ] || sleep 1000; exec gm \"$@\"")
        self.configure(more=f'image_program = "{program}"')
        self.carrier_for_web(Twilio())
        self.send_files("46700123456", [("big.jpg", noise(self.path("big.jpg"), 900, 700, "-quality", "95"))])
        wait_until(started.exists, 20, self.gateway.program.tail)
        self.gateway.program.stop()
        gate.touch()
        self.gateway.start()
        self.arrived()
        self.assertNotIn("unknown", self.gateway.program.tail())

    def test_a_missing_program_is_said_before_the_start(self):
        self.gateway.program.stop()
        config = Path(self.gateway.config)
        text = config.read_text()
        for key in ("image_program", "audio_video_program"):
            config.write_text(text.replace("enabled = true", f'enabled = true\n{key} = "/nonexistent/tool"'))
            done = subprocess.run([str(binary("msggw")), "--config", str(config), "--check"], capture_output=True, text=True,
                                  timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"media.adaptation.{key}: /nonexistent/tool is not a program", done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        config.write_text(text.replace("enabled = true", "enabled = false"))
        done = subprocess.run([str(binary("msggw")), "--config", str(config), "--check"], capture_output=True, text=True,
                              timeout=60)
        self.assertIn("media_class of up needs media.adaptation.enabled = true", done.stderr)
        config.write_text(text)
        self.gateway.start()


if __name__ == "__main__":
    unittest.main()
