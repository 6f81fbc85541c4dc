# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations from the patterns of patterns.txt, whose head explains their form.

    patterns.py [--path patterns.txt] [--count 20] [--seed 1]     shows some

A conversation is one to three topics one after the other, now and then with a beginning, an end, or
an aside between; a pattern may be left before its end. Every conversation is drawn from a seed of
its own, so the first N are the same however many are asked for."""
from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import common

SECTIONS = ("opening", "topic", "closing", "aside")


@dataclass
class Exchange:
    """What the user says and what is answered, each one of several lines. A side way is taken
    instead of the exchange before it, and leads no further."""
    side: bool
    words: list[str]
    answers: list[str]

    def stands_alone(self) -> bool:
        """Whether it can be answered without what was said before."""
        said, answered = (set(re.findall(r"\{([\w.]+)\}", " ".join(lines)))
                          for lines in (self.words, self.answers))
        return answered <= said


@dataclass
class Pattern:
    """Exchanges in their order."""
    line: int
    exchanges: list[Exchange] = field(default_factory=list)

    def ways(self) -> list[list[Exchange]]:
        """All ways through it."""
        trunk: list[Exchange] = []
        ways: list[list[Exchange]] = []
        for one in self.exchanges:
            if one.side:
                ways.append(trunk[:-1] + [one])
            else:
                trunk.append(one)
        return ways + [trunk]


@dataclass
class Grammar:
    """The file as it stands."""
    lists: dict[str, list[str]]
    sections: dict[str, list[Pattern]]


def split_top(text: str) -> list[str]:
    """The parts between the "|" that stand outside parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def parse(text: str, name: str = "patterns") -> Grammar:
    """Reads the file; a mistake in it ends the program with the line at fault."""
    grammar = Grammar({}, {section: [] for section in SECTIONS})
    section, pattern = "topic", Pattern(0)
    for number, line in enumerate(text.split("\n") + [""], 1):
        line = line.strip()
        if line.count("(") != line.count(")") and not line.startswith("#"):
            raise SystemExit(f"{name}, line {number}: a parenthesis is open")
        if line.startswith("#"):
            continue
        if line.startswith("@"):
            key, _, entries = line[1:].partition(":")
            grammar.lists.setdefault(key, []).extend(e.strip() for e in split_top(entries))
        elif line.startswith("["):
            section = line.strip("[]")
            if section not in SECTIONS:
                raise SystemExit(f"{name}, line {number}: there is no section {section!r}")
        elif not line:
            if pattern.exchanges and not pattern.exchanges[-1].answers:
                raise SystemExit(f"{name}, line {number}: the last words have no answer")
            if pattern.exchanges:
                grammar.sections[section].append(pattern)
            pattern = Pattern(number + 1)
        elif line[0] in ">|":
            exchanges = pattern.exchanges
            if exchanges and not exchanges[-1].answers:  # one more way to say it
                exchanges[-1].words.append(line[1:].strip())
            elif not exchanges and line[0] == "|":
                raise SystemExit(f"{name}, line {number}: an alternative to nothing")
            else:
                exchanges.append(Exchange(line[0] == "|", [line[1:].strip()], []))
        elif not pattern.exchanges:
            raise SystemExit(f"{name}, line {number}: an answer without a question")
        else:
            pattern.exchanges[-1].answers.append(line)
    for patterns in grammar.sections.values():
        for one in patterns:
            lines = sum([each.words + each.answers for each in one.exchanges], [])
            for key in re.findall(r"\{(\w+)(?:\.\d)?\}", " ".join(lines)):
                if key not in grammar.lists:
                    raise SystemExit(f"{name}, line {one.line}: there is no list {key!r}")
    return grammar


class Speaker:
    """Draws the words of one conversation; what a name stands for stays the same in it."""

    def __init__(self, grammar: Grammar, rng: random.Random) -> None:
        self._grammar, self._random = grammar, rng
        self._bound: dict[str, str] = {}

    def _value(self, slot: str) -> str:
        if slot not in self._bound:
            name = slot.partition(".")[0]
            taken = {value for key, value in self._bound.items() if key.partition(".")[0] == name}
            while True:
                value = self.expand(self._random.choice(self._grammar.lists[name]))
                if value not in taken:
                    break
            self._bound[slot] = value
        return self._bound[slot]

    def expand(self, text: str) -> str:
        """One of the texts that a line stands for."""
        while found := re.search(r"\(([^()]*)\)", text):
            chosen = self._random.choice(found[1].split("|"))
            text = text[:found.start()] + chosen + text[found.end():]
        return re.sub(r"\{([\w.]+)\}", lambda slot: self._value(slot[1]), text)

    def say(self, lines: list[str]) -> str:
        """A turn, with articles and capitals put right."""
        return tidy(self.expand(self._random.choice(lines)))


def tidy(text: str) -> str:
    """English where pieces meet: a before a vowel is an, sentences begin with a capital, blanks and
    marks stand once."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" (?=[.,!?])", "", text)
    text = re.sub(r"\b([Aa]) (?=[aeiou](?!ne\b|nicorn|niversity|sed\b|kulele))", r"\1n ", text)
    text = re.sub(r"([.!?])[.]+", r"\1", text)
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda found: found[0].upper(), text)


def conversation(grammar: Grammar, rng: random.Random) -> list[str]:
    """The turns of one conversation."""
    turns: list[str] = []
    for section, chance in (("opening", 0.25), ("topic", 1.0), ("topic", 0.4), ("topic", 0.15),
                            ("closing", 0.15)):
        if rng.random() >= chance:
            continue
        speaker = Speaker(grammar, rng)
        way = rng.choice(rng.choice(grammar.sections[section]).ways())
        if rng.random() < 0.2:
            way = way[:rng.randint(1, len(way))]
        if turns and rng.random() < 0.25:
            way = [one for one in way if one.stands_alone()] or way
        if section == "topic" and rng.random() < 0.12:
            way = way + rng.choice(grammar.sections["aside"]).ways()[-1]
        for exchange in way:
            turns += [speaker.say(exchange.words), speaker.say(exchange.answers)]
    return turns


def lazy(turns: list[str]) -> list[str]:
    """The way people type: the user's words small and without an end mark."""
    return [turn if i % 2 else turn.lower().rstrip(".!? ") or turn for i, turn in enumerate(turns)]


def plain(text: str) -> str:
    """A text's letters and digits, to find the same words again."""
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def conversations(grammar: Grammar, count: int, seed: int = 1) -> Iterator[list[str]]:
    """COUNT different conversations, fewer if the patterns do not give so many."""
    seen: set[str] = set()
    for number in range(3 * count):
        rng = random.Random(f"{seed} {number}")
        turns = conversation(grammar, rng)
        if rng.random() < 0.2:
            turns = lazy(turns)
        key = "\n".join(turns)
        if key not in seen:
            seen.add(key)
            yield turns
        if len(seen) == count:
            return


def load(path: Path) -> Grammar:
    """The patterns of a file."""
    with common.open_text(path) as file:
        return parse(file.read(), path.name)


if __name__ == "__main__":
    args = common.arguments(__doc__, path=common.HERE / "patterns.txt", count=20, seed=1)
    for some in conversations(load(args.path), args.count, args.seed):
        print("\n".join(("> " if i % 2 == 0 else "") + turn for i, turn in enumerate(some)), "\n")
