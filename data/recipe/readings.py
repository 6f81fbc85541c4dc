# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of several models, read blind.

    readings.py generate --confab CONFAB --models small=confab-small.gguf v0=chat-v0 … --out READ
    (write y or n behind each "fits:" in READ/sheet.txt)
    readings.py tally --out READ

generate asks each model for openings.txt and scripted.txt of readings/ (--readings: of another
folder, such as readings/fresh), writes the replies to READ/replies.jsonl, and READ/sheet.txt, where
they stand shuffled without the models' names. Options of one model may follow its path, as in
small=confab-small.gguf,-t,0.6. tally writes READ/table.md: what ends by itself, loops, and fits what
was said."""
from __future__ import annotations

import argparse
import random
import re
import sys
from pathlib import Path

import common
import talk

HEAD = """Does the reply fit what was said? Write y or n behind "fits:". It need not be true or
clever: it must answer or take up what the user said last, make sense as English, and not contradict
what stands above it.
"""


def sheet(replies: list[talk.Reply], seed: int) -> str:
    """The replies, numbered as they stand in replies.jsonl, in shuffled order."""
    order = list(range(len(replies)))
    random.Random(seed).shuffle(order)
    out = [HEAD]
    for i in order:
        reply = replies[i]
        out.append(f"[{i:04d}] fits: ")
        for j, turn in enumerate(reply.before):
            out.append(("    > " if j % 2 == 0 else "    ") + turn.replace("\n", " / "))
        out.append("    => " + reply.text.replace("\n", " / ") + "\n")
    return "\n".join(out)


def read_sheet(text: str) -> dict[int, bool]:
    """The judgements by number."""
    found: dict[int, bool] = {}
    for number, verdict in re.findall(r"^\[(\d{4})\] fits: *(\S*)", text, re.M):
        if verdict[:1].lower() in ("y", "n"):
            found[int(number)] = verdict[:1].lower() == "y"
    return found


def table(replies: list[talk.Reply], judged: dict[int, bool]) -> str:
    """A row a model and kind of item."""
    lines = ["| model | replies | end by themselves | loop | fit | judged | words a reply |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for model in dict.fromkeys(reply.model for reply in replies):
        for kind in ("opening", "scripted", ""):
            some = [(i, r) for i, r in enumerate(replies)
                    if r.model == model and r.item.startswith(kind)]
            if not some:
                continue
            values = talk.figures([r for _, r in some])
            verdicts = [judged[i] for i, _ in some if i in judged]
            fit = f"{sum(verdicts) / len(verdicts):.0%}" if verdicts else "-"
            lines.append(f"| {model}, {kind or 'all'} | {len(some)} | {values['ends']:.0%} | "
                         f"{values['loops']:.1%} | {fit} | {len(verdicts)} | "
                         f"{values['words']:.1f} |")
    return "\n".join(lines) + "\n"


def generate(args: argparse.Namespace) -> None:
    """Holds all conversations and writes the sheet."""
    openings = talk.read_openings(args.readings / "openings.txt")[:args.limit or None]
    scripted = talk.read_scripted(args.readings / "scripted.txt")
    scripted = scripted[:-(-args.limit // 5) if args.limit else None]
    replies: list[talk.Reply] = []
    for one in args.models:
        name, _, what = one.partition("=")
        path, *options = what.split(",")
        talker = talk.Talker(args.confab, name, Path(path), ["-n", "120", *options], args.seed)
        replies += talk.hold_all(talker, openings, scripted)
        print(f"{name}: {len(replies)} replies so far", file=sys.stderr, flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    common.write_lines(args.out / "replies.jsonl", (r.as_dict() for r in replies))
    common.write_whole(args.out / "sheet.txt", sheet(replies, args.seed))
    tally(args)


def tally(args: argparse.Namespace) -> None:
    """Un-blinds the judgements."""
    replies = talk.read_replies(args.out / "replies.jsonl")
    judged = read_sheet((args.out / "sheet.txt").read_text(encoding="utf-8"))
    text = table(replies, judged)
    common.write_whole(args.out / "table.md", text)
    print(text, end="")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["generate", "tally"])
    parser.add_argument("--confab", default="confab")
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--readings", type=Path, default=common.HERE / "readings",
                        help="the folder of openings.txt and scripted.txt")
    parser.add_argument("--out", type=Path, default=Path("readings"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="only this many openings")
    args = parser.parse_args()
    if args.command == "generate" and not args.models:
        parser.error("generate needs --models NAME=PATH …")
    return args


if __name__ == "__main__":
    parsed = parse()
    generate(parsed) if parsed.command == "generate" else tally(parsed)
