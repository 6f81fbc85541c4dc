# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers by act: what a model of a few million parameters can learn to say rightly.

What is said to the model is marked with an act and a slot: "[win] your raise" stands for a success
and what it is about. acts.txt has the answers to each act. Few forms, learnt well and filled with
the user's own words, fit what was said more often than sentences that are another one each time."""
from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Iterator

import common

MARK = re.compile(r"\[(\w+)\] ?(.*)$")
SECOND = 0.75  # of the answers that may have a second sentence


@dataclass
class Act:
    """The answers to an act: first sentences, second ones, and what stands alone. With `written`
    there are none but the one that was written for what was said."""
    first: list[str] = field(default_factory=list)
    second: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    written: bool = False

    @property
    def has_slot(self) -> bool:
        """Whether its answers name something."""
        return any("{" in text for text in self.first + self.alone)


@dataclass(frozen=True)
class Told:
    """What is said, the answer that was written for it and its mark, as far as there are any."""
    said: str
    act: str = ""
    slot: str = ""
    answer: str = ""
    place: str = ""  # file and line, for what has to be said about it


def load(path: Path) -> dict[str, Act]:
    """The acts of acts.txt by name."""
    acts: dict[str, Act] = {}
    own: Act | None = None
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        line = line.strip()
        mark = MARK.match(line)
        if not line or line.startswith("#"):
            continue
        if mark:
            own = acts.setdefault(mark[1], Act())
        elif own is None:
            raise SystemExit(f"{path}, line {number}: stands before the first act")
        elif line == "*":
            own.written = True
        else:
            kind = {"+": own.second, "=": own.alone}.get(line[0], own.first)
            kind.append(line.lstrip("+= "))
    for name, act in acts.items():
        if not (act.written or act.first or act.alone):
            raise SystemExit(f"{path}: the act {name!r} has no answers")
    return acts


def parse(text: str, name: str) -> Iterator[list[Told]]:
    """Conversations: a line "> …" is the user's, the lines below it are the answer, a mark may
    follow; an empty line ends a conversation, '#' begins a comment."""
    told: list[Told] = []
    for number, line in enumerate(text.split("\n") + [""], 1):
        line, place = line.strip(), f"{name}, line {number}"
        mark = MARK.match(line)
        if line.startswith(">"):
            told.append(Told(line[1:].strip(), place=place))
        elif line.startswith("#"):
            continue
        elif not line:
            if told:
                yield told
            told = []
        elif not told or told[-1].act:
            raise SystemExit(f"{place}: {line!r} stands below nothing that is said")
        elif mark:
            told[-1] = replace(told[-1], act=mark[1], slot=mark[2].strip())
        else:
            told[-1] = replace(told[-1], answer=(told[-1].answer + " " + line).strip())


def _fill(text: str, slot: str) -> str:
    return text.replace("{}", slot).replace("{^}", slot[:1].upper() + slot[1:])


def answer(act: Act, told: Told, rng: random.Random, used: set[str]) -> str:
    """An answer to what was told, as far as can be of sentences that are not in USED; they are added
    to it."""
    def fresh(choices: list[str]) -> str:
        text = rng.choice([one for one in choices if one not in used] or choices)
        used.add(text)
        return text
    if act.written:
        return told.answer
    n = len(act.first)
    if rng.random() * (n + len(act.alone)) >= n:
        return _fill(fresh(act.alone), told.slot)
    text = _fill(fresh(act.first), told.slot)
    if act.second and not text.endswith("?") and rng.random() < SECOND:
        text += " " + fresh(act.second)
    return text


def turns(acts: dict[str, Act], conversation: list[Told], number: int) -> list[str]:
    """What is marked of the conversation, with answers drawn for the NUMBERth time."""
    marked = [told for told in conversation if told.act]
    rng = random.Random(common.digest("\n".join([f"acts {number}"] + [told.said for told in marked])))
    used: set[str] = set()
    out: list[str] = []
    for told in marked:
        if told.act not in acts:
            raise SystemExit(f"{told.place}: acts.txt has no act {told.act!r}")
        out += [told.said, answer(acts[told.act], told, rng, used)]
    return out
