# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampling settings compared: sweep.py --confab CONFAB --model MODEL [--openings 40 --scripted 6]

For each combination of temperature, top-p and repeat penalty the openings and scripted conversations
of readings/ are held, and counted: what ends by itself, loops, how long and how varied the replies
are. Choose where nothing loops and nearly all ends, and of those the liveliest; then read some."""
from __future__ import annotations

import itertools
from pathlib import Path

import common
import talk

TEMPERATURES = ["0", "0.5", "0.7", "0.9"]
TOP_PS = ["0.8", "0.9", "1"]
PENALTIES = ["1", "1.1", "1.2"]


def combinations(temperatures: list[str], top_ps: list[str],
                 penalties: list[str]) -> list[tuple[str, str, str]]:
    """All of them; top-p says nothing at temperature 0."""
    return [(t, p, r) for t, p, r in itertools.product(temperatures, top_ps, penalties)
            if float(t) > 0 or p == top_ps[0]]


def run(confab: str, model: Path, n_openings: int, n_scripted: int, seed: int,
        grid: list[tuple[str, str, str]]) -> str:
    """A table, a row a combination."""
    openings = talk.read_openings(common.HERE / "readings/openings.txt")
    openings = openings[::max(1, len(openings) // n_openings)][:n_openings]
    scripted = talk.read_scripted(common.HERE / "readings/scripted.txt")[:n_scripted]
    lines = ["| temperature | top-p | repeat penalty | end by themselves | loop | words | distinct "
             "pairs |", "| --- | --- | --- | --- | --- | --- | --- |"]
    print("\n".join(lines), flush=True)
    for temperature, top_p, penalty in grid:
        talker = talk.Talker(confab, "model", model, ["-n", "120", "-t", temperature, "-p", top_p,
                                                      "--repeat-penalty", penalty], seed)
        v = talk.figures(talk.hold_all(talker, openings, scripted))
        lines.append(f"| {temperature} | {top_p} | {penalty} | {v['ends']:.1%} | {v['loops']:.1%} | "
                     f"{v['words']:.1f} | {v['distinct']:.2f} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    args = common.arguments(__doc__, confab="confab", model=Path("confab-small.gguf"),
                            openings=40, scripted=6, seed=1, temperatures=TEMPERATURES,
                            top_ps=TOP_PS, penalties=PENALTIES, out=None)
    result = run(args.confab, args.model, args.openings, args.scripted, args.seed,
                 combinations(args.temperatures, args.top_ps, args.penalties))
    if args.out:
        common.write_whole(Path(args.out), result)
