# SPDX-License-Identifier: GPL-3.0-or-later
"""From the collections to clean conversations.

    prepare.py --corpus CORPUS --work WORK [--sources sources.toml]

writes into WORK

    train.jsonl, valid.jsonl   {"source": …, "alike": …, "turns": […]} a line
    sources.json               the table with what was kept of each and what dropped, and why
    licences.md                the table of sources, licences and attributions for the card

The split goes by a hash of the text (of the last turn where there are but two, since short answers
are shared by many questions), so it stays when a collection grows."""
from __future__ import annotations

import collections
import dataclasses
from pathlib import Path
from typing import Any

import clean
import common
import names
import neardup
import patterns
import sources

VALID_PART = 0.02


def longest_run(turns: list[str | None]) -> tuple[int, list[str]]:
    """The longest stretch of usable turns: where it starts, and the turns."""
    best: tuple[int, list[str]] = (0, [])
    run: list[str] = []
    for i, turn in enumerate(turns + [None]):
        if turn is not None:
            run.append(turn)
            continue
        if len(run) > len(best[1]):
            best = (i - len(run), run)
        run = []
    return best


def usable(row: sources.Source, raw: list[str],
           dropped: collections.Counter[str]) -> list[str]:
    """What can be used of a conversation, in tidy English; too little gives an empty list."""
    if row.is_written or row.kind == "patterns":
        return raw  # written with care: as it is
    if row.kind == "stories":
        story, why = clean.clean_story(raw[1])
        if story is None:
            dropped[str(why)] += 1
            return []
        return [raw[0], story]
    cleaned: list[str | None] = []
    for turn in names.fill(raw):
        text, why = clean.clean(turn)
        if why:
            dropped["turns: " + why] += 1
        cleaned.append(text)
    at, turns = longest_run(cleaned)
    if not row.alike and at % 2:  # the second speaker stays the assistant
        turns = turns[1:]
    turns = without_echoes(turns)
    if len(turns) < row.min_turns:
        dropped["too few turns"] += 1
        return []
    return turns


def without_echoes(turns: list[str]) -> list[str]:
    """Ends a conversation where a speaker says the same again or repeats the other: the model
    would learn to go round in circles."""
    seen: set[str] = set()
    for i, turn in enumerate(turns):
        key = "".join(c for c in turn.lower() if c.isalnum())
        if key in seen and len(key) > 12:
            return turns[:i]
        seen.add(key)
    return turns


def variants(row: sources.Source, turns: list[str]) -> list[list[str]]:
    """Of an exchange also the way people type: the questions small and without an end mark."""
    if not row.is_written:
        return [turns]
    lazy = patterns.lazy(turns)
    return [turns] + ([lazy] if lazy != turns else [])


def split_key(row: sources.Source, turns: list[str]) -> str:
    """What decides on which side of the split a conversation stands. What was written for this goes
    by what is asked, so that a conversation stands on one side in both forms of its answers."""
    if row.is_written:
        return "split " + "\n".join(turns[::2]).lower()
    return "split " + (turns[-1] if len(turns) == 2 else "\n".join(turns)).lower()


def licence_table(rows: list[dict[str, Any]]) -> str:
    """The sources for the card, in Markdown."""
    lines = ["| source | conversations | MB of text | weight | origin | licence |",
             "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        if row["train"]:
            glide = f"{row['weight']:g}" if row["weight"] == row["weight_end"] else \
                f"{row['weight']:g} to {row['weight_end']:g}"
            lines.append(f"| {row['name']} | {row['train']:,} | {row['bytes'] / 1e6:.2f} | {glide} "
                         f"| {row['origin']} | {row['licence']} |")
    return "\n".join(lines) + "\n"


def prepare(table: Path, corpus: Path, work: Path, valid_part: float = VALID_PART) -> None:
    """Runs the step; see the head of the file."""
    index = neardup.Index()
    parts: dict[str, list[dict[str, Any]]] = {"train": [], "valid": []}
    report: list[dict[str, Any]] = []
    for row in sources.read_table(table):
        if row.weight <= 0 and row.last_weight <= 0:
            continue
        dropped: collections.Counter[str] = collections.Counter()
        count: collections.Counter[str] = collections.Counter()
        for raw in sources.read(row, table, corpus):
            count["read"] += 1
            turns = usable(row, raw, dropped)
            if not turns:
                continue
            # Patterns and acts are alike by design.
            alone = row.kind in ("patterns", "acts") or index.add("\n".join(turns))
            if not alone and not row.is_written:
                dropped["nearly a duplicate"] += 1
                continue
            held_out = row.held_out and common.part_of(split_key(row, turns)) < valid_part
            part = "valid" if held_out else "train"
            for one in variants(row, turns):
                count[part] += 1
                count["bytes"] += sum(len(turn.encode()) for turn in one) * (part == "train")
                parts[part].append({"source": row.name, "alike": row.alike, "turns": one})
        report.append(dataclasses.asdict(row) | {"weight_end": row.last_weight} |
                      {key: count[key] for key in ("read", "train", "valid", "bytes")} |
                      {"dropped": dict(dropped.most_common())})
        print(f"{row.name}: {dict(count)}, dropped {dict(dropped)}", flush=True)
    for part, values in parts.items():
        common.write_lines(work / f"{part}.jsonl", values)
    common.write_json(work / "sources.json", report)
    common.write_whole(work / "licences.md", licence_table(report))


if __name__ == "__main__":
    args = common.arguments(__doc__, sources=common.HERE / "sources.toml",
                            corpus=Path("../../../shared/corpus"), work=Path("work"),
                            valid_part=VALID_PART)
    prepare(args.sources, args.corpus, args.work, args.valid_part)
