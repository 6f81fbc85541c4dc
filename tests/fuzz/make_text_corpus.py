# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/fuzz/corpus/text, markdown and config.  Run it in tests/fuzz.

The first byte of a text chooses the pieces and the width (tests/text_check.h, markdown_check.h)."""
import os

TEXTS = {
    "ascii": b"\x0bThe quick brown fox, jumps; over the lazy-dog.\n\nAgain: a/b/c don't 3.14 ",
    "wide": "\x11我正在学习人工智能。全角ＡＢＣ、かな、한국어\n中文 and ascii".encode(),
    "marks": "\x07e\u0301e\u0301\u0302\u0303\u0304\u0305\u0306 \u0e01\u0e33 \u0915\u094d\u0937\u093f".encode(),
    "emoji": "\x0d👩\u200d👩\u200d👧\u200d👦 👍🏽 ☂\ufe0f ☂\ufe0e 1\ufe0f\u20e3 🇩🇪🇫🇷🇨 🏴\U000e0067\U000e0062\U000e007f".encode(),
    "bidi": "\x05a\u202eb\u202c\u2066c\u2069\u200e\u061c \u05d0\u05d1 \u0627\u0644".encode(),
    "controls": bytes(range(0x1f)) + b"\x7f\xc2\x80\xc2\x9b31m\xc2\xad\t\t\r\n\r",
    "escapes": b"\x03\x1b[31mred\x1b[0m\x1b]0;title\x07\x1bPq#0\x1b\\\x1b[200~paste\x1b[201~\x1b[1;3A\x1bOP\x1b[<0;3;4M",
    "broken": b"\x09ok \xff\xfe \xc0\x80 \xe4\xbd \xf0\x9f\x98 \xed\xa0\x80 \xf4\x90\x80\x80 \xf8\x88\x80\x80\x80 end\xe4",
    "breaks": "\x02a\u00a0b\u2028c\u2029d\u0085e\u200bf\u2060g\u00adh—i…j(k)«l»".encode(),
    "planes": "\x13\uffff\ufdd0\ufffe\U0001ffff\U0010ffff\ue000\U000f0000\U00020000".encode(),
    "long": b"\x40" + b"x" * 300 + "字".encode() * 60,
    "paste": b"\x04\x1b[200~" + b"line\r\n\x01\x1b[A" * 8,
}

MARKDOWNS = {
    "blocks": b"\x50# One\n\n- a\n  - b\n    ```py\n    c = 1\n\n    ```\n1. d\n> e\n> > f\n\n---\nTwo\n===\n",
    "inline": "\x31a **b *c* `d`** [e](f \"g\") ![h](i) <http://j.k> http://l.m \\* &amp; **中文**é".encode(),
    "open": b"\x2f**a `b [c](d *e\n```\nf\n- ```\n  g\n> ```\n> h",
    "deep": b"\x14" + b"> - 1. " * 30 + b"a\n" + b"*_**__" * 20 + b"b" + b"[" * 40 + b"](c)" * 40,
    "fences": b"\x47```\n~~~\n```\n~~~\n```\n- ```\n> ~~~ x\n```` y\n```\n````\n",
    "broken": b"\x23*\xe4\xbd* `\xff\xf0\x9f` [\x1b](\xe2\x80\xae)\r\n\x00# \xc2\n",
}

CONFIGS = {
    "whole": r'''# a comment
temperature = 0.8 ; another
top-p=0.95
system = "You are brief.\nYou like \"tea\" \\ \t\u{2615}."
theme = dark

[preset wild]
temperature = 1.3
top-k = 40

[template bot]
system    = "{text}\n\n"
user      = "User: {text}\nBot:"
assistant = " {text}<|endoftext|>\n"
stop      = "<|endoftext|>"
stop      = "\nUser:"
verbatim = on

[keys]
regenerate = "r"
'''.encode(),
    "empty": b"",
    "bom": b"\xef\xbb\xbftemperature = 1\n",
    "crlf": b"temperature = 1\r\n[preset a]\r\ntop-p = 0.5\r\n",
    "no-newline": b"top-k = 5",
    "unknown": b"temprature = 1\n",
    "range": b"temperature = -1\n",
    "nan": b"temperature = nan\n",
    "twice": b"[template a]\nuser = \"x{text}\"\n[template a]\nuser = \"y{text}\"\n",
    "no-text": b"[template a]\nuser = \"no text\"\nassistant = \"{text}{text}\"\n",
    "escape": b"system = \"\\u{110000}\"\n",
    "open-quote": b"system = \"never closed\n",
    "surrogate": b"system = \"\\u{d800}\\u{0}\"\n",
    "section": b"[preset]\n[]\n[template \"x\"]\n[nonsense y]\n",
    "continued": b"system = one\n  two\n\tthree\n",
    "nul": b"system = a\0b\n",
    "latin1": b"system = caf\xe9\n",
    "many": b"".join(b"[preset p%d]\ntop-k = %d\n" % (i, i) for i in range(60)),
    "lines": b"system = \"{text}\"\nuser = \"{text}\"\nassistant = \"{text}\"\nstop = \"a\\nb\"\n",
}

for folder, files in (("text", TEXTS), ("markdown", MARKDOWNS), ("config", CONFIGS)):
    os.makedirs("corpus/" + folder, exist_ok=True)
    for name, data in files.items():
        with open(f"corpus/{folder}/{name}", "wb") as out:
            out.write(data)
