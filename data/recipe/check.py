# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds an exported model against other programs.

    check.py --model MODEL --gguf MODEL.gguf --confab CONFAB [--llama LLAMA-CLI]

- token ids of transformers, of confab and of this recipe are the same, also for broken and foreign
  text, and so is a conversation through the chat template;
- the F16 weights give the same logits in transformers (in float32) and in confab, within 2e-3, and
  the same greedy reply;
- llama.cpp loads the GGUF and writes a few tokens, when a llama-cli is given (or a llama-server,
  which is asked over HTTP).

Prints a line a check and ends with status 1 when one fails."""
from __future__ import annotations

import json
import random
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

import common
import vocabulary

TEXTS = [
    "Hello! How are you?", " two  spaces\tand a tab\n\nand lines ", "It's 2024, isn't it? I'd say 1,000.",
    "naïve café — “quotes” … €5", "你好，世界！我喜欢茶。", "👋🏽 emoji 👨‍👩‍👧 family", "<|endoftext|> is text, <|user|> too",
    "x" * 70, "", " ", "don't DON'T Don’t", "a\u0301 combining, ligature ﬁ", "0123456789 3.14159 1e-9",
]
TOLERANCE = 2e-3  # of F16 weights, see DESIGN: "within 2e-3 of transformers"
GAP = 1e-2  # a best token is only compared where the second is further off than this

failures = 0


def tell(good: bool, what: str) -> None:
    """A line of the report."""
    global failures
    failures += not good
    print(("ok: " if good else "FAILED: ") + what, flush=True)


class Confab:
    """The program under test."""

    def __init__(self, program: str, model: Path) -> None:
        self._program, self._model = program, model

    def run(self, *args: str, feed: bytes = b"") -> bytes:
        """Standard output of a command with this model."""
        return subprocess.run([self._program, "-m", str(self._model), "--threads", "1", *args],
                              input=feed, check=True, stdout=subprocess.PIPE).stdout

    def ids(self, text: str) -> list[int]:
        """Token ids of a text."""
        return [int(i) for i in self.run("tokenize", "-", feed=text.encode()).split()]

    def logits(self, ids: list[int], n_vocab: int) -> np.ndarray:
        """[n, n_vocab], float32."""
        with tempfile.NamedTemporaryFile() as file:
            self.run("logits", "--ids", ",".join(map(str, ids)), "-o", file.name)
            return np.fromfile(file.name, dtype="<f4").reshape(len(ids), n_vocab)


def random_texts(n: int, seed: int = 7) -> list[str]:
    """Strings of all kinds of characters."""
    rng = random.Random(seed)
    kinds = [lambda: chr(rng.randrange(32, 127)), lambda: rng.choice(" \n\t'"),
             lambda: chr(rng.randrange(0xA0, 0x250)), lambda: chr(rng.randrange(0x4E00, 0x9FFF)),
             lambda: rng.choice(["the", " and", "ing", " I'm", "12", " you"])]
    return ["".join(rng.choice(kinds)() for _ in range(rng.randrange(1, 40))) for _ in range(n)]


def check_ids(folder: Path, confab: Confab, lines: list[str]) -> None:
    """The three tokenizers agree."""
    from transformers import AutoTokenizer
    theirs: Any = AutoTokenizer.from_pretrained(str(folder))
    own = vocabulary.Vocabulary(folder)
    texts = TEXTS + random_texts(40) + lines
    apart = 0
    for text in texts:
        expected = own.encode(text)
        has_special = any(name in text for name in common.SPECIALS)
        if not has_special and theirs(text, add_special_tokens=False)["input_ids"] != expected:
            apart += 1
            print(f"  transformers differs at {text[:60]!r}")
        if confab.ids(text) != expected:
            apart += 1
            print(f"  confab differs at {text[:60]!r}: {confab.ids(text)[:12]}, {expected[:12]}")
    tell(apart == 0, f"token ids of {len(texts)} texts, {apart} differ")
    turns = ["Hello!", "Hi. How are you?", "Fine, thanks."]
    applied: Any = theirs.apply_chat_template(common.messages(turns), add_generation_prompt=True,
                                              return_dict=True)["input_ids"]
    tell(list(applied) == own.conversation(turns, cue=True), "the chat template in transformers")


def check_logits(folder: Path, confab: Confab, conversations: list[list[str]]) -> None:
    """The same logits at every position, and the same greedy replies."""
    import torch
    from transformers import AutoModelForCausalLM
    theirs: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
    own = vocabulary.Vocabulary(folder)
    worst, n_positions = 0.0, 0
    for turns in conversations:
        ids = own.conversation(turns, cue=True)[:theirs.config.n_positions]
        with torch.no_grad():
            expected = theirs(torch.tensor([ids])).logits[0].numpy()
        worst = max(worst, float(np.abs(confab.logits(ids, len(own)) - expected).max()))
        n_positions += len(ids)
    tell(worst <= TOLERANCE, f"logits at {n_positions} positions differ by at most {worst:.2g}")
    apart = 0
    for turns in conversations[:10]:
        ids = own.conversation(turns[:1], cue=True)
        begin, clear = len(ids), True
        while len(ids) - begin < 40:
            with torch.no_grad():
                best = theirs(torch.tensor([ids])).logits[0, -1].topk(2)
            clear = clear and float(best.values[0] - best.values[1]) >= GAP
            if not clear or int(best.indices[0]) == own.end:
                break
            ids.append(int(best.indices[0]))
        expected_text = own.decode(ids[begin:]).strip()
        reply = confab.run("--no-save", "--kv", "f32", "-t", "0", "-n", "40", "--repeat-penalty", "1",
                           "ask", "--", turns[0]).decode("utf-8", "replace").strip()
        same = reply == expected_text if clear else reply.startswith(expected_text)
        if not same:
            apart += 1
            print(f"  {turns[0]!r}: {reply!r}, transformers {expected_text!r}")
    tell(apart == 0, f"greedy replies to {len(conversations[:10])} openings, {apart} differ")


def ask_server(program: str, gguf: Path) -> str:
    """A completion of llama-server."""
    port = random.SystemRandom().randrange(20000, 60000)
    with subprocess.Popen([program, "-m", str(gguf), "--port", str(port), "--host", "127.0.0.1", "-t",
                           "1", "-c", "512"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        try:
            body = json.dumps({"prompt": "<|user|>Hello!<|endoftext|><|assistant|>", "n_predict": 12,
                               "temperature": 0}).encode()
            for _ in range(60):
                time.sleep(0.5)
                if server.poll() is not None:
                    return ""
                try:
                    request = urllib.request.Request(f"http://127.0.0.1:{port}/completion", body,
                                                     {"Content-Type": "application/json"})
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        return json.load(answer)["content"]
                except OSError:
                    continue
            return ""
        finally:
            server.terminate()


def check_llama(program: str, gguf: Path) -> None:
    """llama.cpp takes the file."""
    if "server" in Path(program).name:
        text = ask_server(program, gguf)
    else:
        # A single turn of a chat, through the template in the file.
        done = subprocess.run([program, "-m", str(gguf), "-t", "1", "-c", "512", "-n", "12", "-st",
                               "--temp", "0", "-p", "Hello!"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        text = done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
        text = text.partition("> Hello!\n")[2].partition("[ Prompt")[0]
    tell(bool(re.search(r"\w", text)), f"llama.cpp writes {text.strip()[-60:]!r}")


def run(folder: Path, gguf: Path, program: str, llama: str | None, work: Path) -> None:
    """All checks."""
    rows = list(common.read_lines(work / "valid.jsonl"))[:12]
    confab = Confab(program, folder)
    check_ids(folder, confab, [turn for row in rows for turn in row["turns"]][:40])
    check_logits(folder, confab, [row["turns"] for row in rows])
    quantised = Confab(program, gguf)
    text = rows[0]["turns"][0]
    tell(quantised.ids(text) == confab.ids(text), "the GGUF's tokenizer is the folder's")
    if llama:
        check_llama(llama, gguf)


if __name__ == "__main__":
    args = common.arguments(__doc__, model=Path("confab-small"), gguf=Path("confab-small.gguf"),
                            confab="confab", llama=None, work=Path("work"))
    run(args.model, args.gguf, args.confab, args.llama, args.work)
    raise SystemExit(1 if failures else 0)
