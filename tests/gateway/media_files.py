"""Pictures for tests: real ones, hostile ones, and what they say of themselves. Made by the programs that gateways call."""
import os
import struct
import subprocess

CLASSES = {"300k": 300 * 1024, "600k": 600 * 1024, "1m": 1024 * 1024}


def tool(*words):
    done = subprocess.run(words, capture_output=True, timeout=120)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def noise(path, width, height, *more):
    """A picture that does not compress."""
    raw = path.with_suffix(".rgb")
    raw.write_bytes(os.urandom(width * height * 3))
    tool("gm", "convert", "-size", f"{width}x{height}", "-depth", "8", f"rgb:{raw}", *more, str(path))
    return path.read_bytes()


def exif_of(orientation):
    """An APP1 segment with an orientation and a place."""
    def entry(tag, kind, count, value):
        return struct.pack(">HHI4s", tag, kind, count, value)
    latitude = struct.pack(">6I", 59, 1, 20, 1, 3, 1)
    main = struct.pack(">H", 2) + entry(0x0112, 3, 1, struct.pack(">HH", orientation, 0)) + \
        entry(0x8825, 4, 1, struct.pack(">I", 38)) + struct.pack(">I", 0)
    place = struct.pack(">H", 2) + entry(1, 2, 2, b"N\0\0\0") + entry(2, 5, 3, struct.pack(">I", 68)) + struct.pack(">I", 0)
    tiff = b"MM\0*" + struct.pack(">I", 8) + main + place + latitude
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def png_bomb(width, height, row=None):
    """Says that it is huge, and is small. `row`: how many pixels a row really has."""
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes((row or width) * 3 + 1)) for _ in range(64))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"tEXt", b"Comment\0x" * 10) + chunk(b"IDAT", rows + packed.flush()) + chunk(b"IEND", b""))
