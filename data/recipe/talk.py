# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations held with a model through confab, and what can be measured of its replies."""
from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Iterator

import common


@dataclass
class Reply:
    """A reply and where it stands."""
    model: str
    item: str  # "opening 17", "scripted 3.2"
    before: list[str]  # the turns before, the user's last one included
    text: str
    reason: str  # stop, length, context
    tokens: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_openings(path: Path) -> list[str]:
    """An opening a line."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_scripted(path: Path) -> list[list[str]]:
    """Conversations, an empty line between them; '#' begins a comment."""
    out: list[list[str]] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.strip():
            out[-1].append(line.strip())
        elif out[-1]:
            out.append([])
    return [turns for turns in out if turns]


class Talker:
    """Asks one model. OPTIONS are confab's, such as ["-t", "0.7"]. The loop detector never runs
    in commands."""

    def __init__(self, confab: str, name: str, model: Path, options: list[str], seed: int) -> None:
        self._name, self._seed = name, seed
        self._base = [confab, "--json", "-m", str(model), "--threads", "1", *options]

    def _ask(self, text: str, number: int, before: list[str],
             after: list[str]) -> tuple[str, str, int]:
        """Text, reason and tokens of one reply. BEFORE are options, AFTER those of `ask`."""
        done = subprocess.run([*self._base, "--seed", str(self._seed * 100000 + number), *before,
                               "ask", *after, "--", text], check=True, capture_output=True,
                              text=True)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        reply = "".join(event["text"] for event in events if event["event"] == "token")
        return reply.strip(), events[-1]["reason"], events[-1]["tokens"]

    def opening(self, index: int, text: str) -> Reply:
        """The reply to an opening."""
        reply, reason, tokens = self._ask(text, 10 * index, ["--no-save"], [])
        return Reply(self._name, f"opening {index + 1}", [text], reply, reason, tokens)

    def conversation(self, index: int, turns: list[str]) -> Iterator[Reply]:
        """The replies of a scripted conversation, kept in a database of its own."""
        before: list[str] = []
        with tempfile.TemporaryDirectory() as folder:
            for i, turn in enumerate(turns):
                before = [*before, turn]
                reply, reason, tokens = self._ask(turn, 5000 + 10 * index + i, [
                    "--db", f"{folder}/talk.db"], ["-c", "last"] if i else [])
                yield Reply(self._name, f"scripted {index + 1}.{i + 1}", before, reply, reason, tokens)
                before = [*before, reply]


def loops(reply: Reply) -> bool:
    """Whether a reply goes round in circles: a run of three words or more three times in a row, a
    sentence of four words or more twice, or the very reply given before in this conversation."""
    words = re.findall(r"[\w']+", reply.text.lower())
    for size in range(3, 1 + len(words) // 3):
        for i in range(len(words) - 3 * size + 1):
            one = words[i:i + size]
            if one == words[i + size:i + 2 * size] == words[i + 2 * size:i + 3 * size]:
                return True
    sentences = [s.strip().lower() for s in re.split(r"[.!?]+", reply.text)]
    long = [s for s in sentences if len(s.split()) >= 4]
    if len(long) != len(set(long)):
        return True
    earlier = {turn.lower() for turn in reply.before[1::2]}
    return len(words) >= 4 and reply.text.lower() in earlier


def figures(replies: list[Reply]) -> dict[str, float]:
    """What can be counted without reading: parts that end by themselves, loop or are empty, mean
    words, and distinct pairs of words among all of them."""
    n = max(1, len(replies))
    pairs = [pair for r in replies for pair in zip(r.text.lower().split(), r.text.lower().split()[1:])]
    return {"replies": len(replies), "ends": sum(r.reason == "stop" for r in replies) / n,
            "loops": sum(loops(r) for r in replies) / n,
            "empty": sum(not r.text for r in replies) / n,
            "words": sum(len(r.text.split()) for r in replies) / n,
            "distinct": len(set(pairs)) / max(1, len(pairs))}


def hold_all(talker: Talker, openings: list[str], scripted: list[list[str]]) -> list[Reply]:
    """All openings and conversations with one model."""
    replies = [talker.opening(i, text) for i, text in enumerate(openings)]
    for i, turns in enumerate(scripted):
        replies += talker.conversation(i, turns)
    return replies


def read_replies(path: Path) -> list[Reply]:
    """Replies that were kept."""
    return [Reply(**row) for row in common.read_lines(path)]
