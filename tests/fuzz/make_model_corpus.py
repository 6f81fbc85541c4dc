# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/fuzz/corpus/gguf and tests/fuzz/corpus/safetensors: a sound file of each kind that has
something of everything, and broken ones, each in one way.  Run it in tests/fuzz."""
import json
import os
import struct


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    return string(key) + struct.pack("<I", kind) + value


def array(kind, n, value):
    return struct.pack("<IQ", kind, n) + value


def tensor(name, dims, kind, offset):
    return string(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims) \
        + struct.pack("<IQ", kind, offset)


def gguf(entries, tensors, data, version=3, n_entries=None, n_tensors=None, alignment=32):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if n_tensors is None else n_tensors,
                                 len(entries) if n_entries is None else n_entries)
    head += b"".join(entries) + b"".join(tensors)
    return head + b"\0" * (-len(head) % alignment) + data


def safetensors(header, data, size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


ENTRIES = [
    entry("general.architecture", 8, string("gpt2")),
    entry("a.bool", 7, b"\1"),
    entry("a.f64", 12, struct.pack("<d", 1.5)),
    entry("a.i8", 1, b"\xff"),
    entry("tokens", 9, array(8, 3, string("a") + string("") + string("ccc"))),
    entry("types", 9, array(5, 2, struct.pack("<ii", 1, -3))),
    entry("scores", 9, array(6, 1, struct.pack("<f", 0.5))),
]
ONE = [tensor("w", [4, 2], 0, 0), tensor("q", [32], 8, 32)]
DATA = bytes(range(96))
GGUF = {
    "sound": gguf(ENTRIES, ONE, DATA),
    "version2": gguf(ENTRIES, ONE, DATA, version=2),
    "version1": gguf(ENTRIES, ONE, DATA, version=1),
    "alignment": gguf([entry("general.alignment", 4, struct.pack("<I", 3))] + ENTRIES, ONE, DATA),
    "overlap": gguf([], [tensor("w", [16], 0, 0), tensor("v", [16], 0, 32)], DATA),
    "past": gguf([], [tensor("w", [16], 0, 1 << 62)], DATA),
    "huge": gguf([], [tensor("w", [1 << 40, 1 << 40], 0, 0)], DATA),
    "counts": gguf([], [], DATA, n_entries=1 << 63, n_tensors=1 << 63),
    "nested": gguf([entry("k", 9, array(9, 1, array(0, 1, b"a")))], [], b""),
    "strings": gguf([entry("k", 9, array(8, 1 << 60, string("a")))], [], b""),
    "twice": gguf(ENTRIES[:1] * 2, [], b""),
    "cut": gguf(ENTRIES, ONE, DATA)[:-70],
    "empty": b"",
}
SOUND = {"__metadata__": {"format": "pt"},
         "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
         "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]},
         "c": {"dtype": "U8", "shape": [], "data_offsets": [22, 23]}}
SAFETENSORS = {
    "sound": safetensors(SOUND, bytes(23)),
    "cut": safetensors(SOUND, bytes(20)),
    "hole": safetensors({"a": SOUND["b"]}, bytes(22)),
    "overlap": safetensors({"a": SOUND["a"], "b": dict(SOUND["b"], data_offsets=[10, 16])},
                           bytes(16)),
    "size": safetensors(SOUND, bytes(23), size=1 << 63),
    "deep": safetensors(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", b""),
    "huge": safetensors({"a": {"dtype": "F32", "shape": [1 << 40, 1 << 40],
                               "data_offsets": [0, 4]}}, bytes(4)),
    "twice": safetensors(b'{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},'
                         b'"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', bytes(1)),
    "utf8": safetensors(b'{"\xff":{}}', b""),
    "empty": b"",
}
for kind, files in (("gguf", GGUF), ("safetensors", SAFETENSORS)):
    os.makedirs(f"corpus/{kind}", exist_ok=True)
    for name, data in files.items():
        with open(f"corpus/{kind}/{name}", "wb") as out:
            out.write(data)
