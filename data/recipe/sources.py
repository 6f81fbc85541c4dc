# SPDX-License-Identifier: GPL-3.0-or-later
"""The collections: the table in sources.toml, and how each kind is read."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator

import acts
import common
import patterns


@dataclass(frozen=True)
class Source:
    """A row of the table; its fields are explained at the head of sources.toml."""
    name: str
    path: str
    kind: str
    alike: bool
    weight: float
    origin: str
    licence: str
    weight_end: float = -1.0
    min_turns: int = 2
    topics: list[str] = field(default_factory=list)
    held_out: bool = True
    count: int = 0

    @property
    def is_written(self) -> bool:
        """Whether it was written for this line by line, be its answers as they are or by act."""
        return self.kind in ("exchanges", "acts")

    @property
    def last_weight(self) -> float:
        """The weight at the end of training."""
        return self.weight if self.weight_end < 0 else self.weight_end


def read_table(path: Path) -> list[Source]:
    """The sources in the order of the file."""
    rows = [Source(name=name, **row) for name, row in common.read_toml(path).items()]
    for row in rows:
        if row.kind not in READERS:
            raise SystemExit(f"{path}: {row.name} has the kind {row.kind!r}, which is none of "
                             f"{', '.join(READERS)}")
    return rows


def find(row: Source, table: Path, corpus: Path) -> Path:
    """The file of a source: in the corpus, else beside the table."""
    for folder in (corpus, table.parent):
        if (folder / row.path).exists():
            return folder / row.path
    raise SystemExit(f"{row.name}: there is no {row.path} in {corpus} or {table.parent}")


def parse_exchanges(text: str, name: str = "exchanges") -> Iterator[list[str]]:
    """Conversations of exchanges.txt, see acts.parse: what is said and the answers written for it.
    Marks are passed over."""
    for conversation in acts.parse(text, name):
        for told in conversation:
            if not told.answer:
                raise SystemExit(f"{told.place}: {told.said!r} has no answer")
        yield [turn for told in conversation for turn in (told.said, told.answer)]


def _asked_in_readings() -> set[str]:
    """What the readings ask, short phrases aside."""
    lines = [line for name in ("openings.txt", "scripted.txt")
             for path in sorted((common.HERE / "readings").rglob(name))
             for line in path.read_text("utf-8").split("\n")]
    return {patterns.plain(line) for line in lines if len(line.split()) > 3}


def _not_given_away(conversations: Iterable[list[str]]) -> Iterator[list[str]]:
    """Those in which nothing is asked that the readings ask."""
    asked = _asked_in_readings()
    for turns in conversations:
        if not any(patterns.plain(turn) in asked for turn in turns[::2]):
            yield turns


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Text and name of a file, or of all files of a folder."""
    for one in sorted(path.glob("*.txt")) if path.is_dir() else [path]:
        yield one.read_text("utf-8"), one.name


def _read_exchanges(row: Source, path: Path) -> Iterator[list[str]]:
    yield from _not_given_away(turns for file in _files(path) for turns in parse_exchanges(*file))


def _read_acts(row: Source, path: Path) -> Iterator[list[str]]:
    answers = acts.load(common.HERE / "acts.txt")
    told = [one for file in _files(path) for one in acts.parse(*file)]
    drawn = (acts.turns(answers, one, number) for number in range(row.count) for one in told)
    yield from _not_given_away(turns for turns in drawn if turns)


def _read_dialogue(row: Source, path: Path) -> Iterator[list[str]]:
    for value in common.read_lines(path):
        if not row.topics or value.get("topic") in row.topics:
            yield value["turns"]


_ASKS = ["Tell me a story.", "Can you tell me a story?", "Please tell me a short story.",
         "Tell me a story, please.", "Do you know a nice story?", "I would like to hear a story."]
_HERO = re.compile(r"\b(?:named|called) ([A-Z][a-z]+)\b")
_ANIMAL = re.compile(r"\b(?:little|big|old|young|small) (girl|boy|cat|dog|bird|bear|rabbit|fish|"
                     r"frog|mouse|tree|car|duck|fox|lion|pig|horse|cow|bee|turtle)\b")


def request_for(story: str) -> str:
    """What a person may have asked to get this story: it names what is in it, so that a request
    means something to the model."""
    draw = common.part_of("request " + story)
    hero, animal = _HERO.search(story), _ANIMAL.search(story)
    if hero and draw < 0.25:
        return f"Tell me a story about {hero[1]}."
    if animal and draw < 0.7:
        article = "an" if animal[1][0] in "aeiou" else "a"
        return f"Tell me a story about {article} {animal[1]}."
    return _ASKS[int(draw * 997) % len(_ASKS)]


def split_stories(text: str) -> Iterator[str]:
    """Stories stand between <|endoftext|>; where it is missing, an empty line before "Once upon a
    time" begins the next. The first one of a file that starts in its middle is left out."""
    for piece in text.split(common.END):
        for story in re.split(r"\n\s*\n(?=Once upon a time|One day, |There once was )", piece):
            story = story.strip()
            if story[:1].isupper() or story[:1] == '"':
                yield story


def _read_stories(row: Source, path: Path) -> Iterator[list[str]]:
    with common.open_text(path) as file:
        for story in split_stories(file.read()):
            yield [request_for(story), story]


def _read_patterns(row: Source, path: Path) -> Iterator[list[str]]:
    yield from _not_given_away(patterns.conversations(patterns.load(path), row.count))


READERS = {"exchanges": _read_exchanges, "acts": _read_acts, "dialogue": _read_dialogue,
           "stories": _read_stories, "patterns": _read_patterns}


def read(row: Source, table: Path, corpus: Path) -> Iterator[list[str]]:
    """The raw turns of each conversation of a source."""
    return READERS[row.kind](row, find(row, table, corpus))
