# SPDX-License-Identifier: GPL-3.0-or-later
"""The weighted mean of the weights before and after a short last run.

    mix.py --before WORK1 --after WORK2 --part 0.8 --out WORK3

reads model.pt of both folders and writes WORK3/model.pt, PART of it from the second: it keeps more
of what the last run forgot than it loses of what that taught (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). The rest of WORK2 that export.py and card.py read is copied."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

import common


def mix(before: Path, after: Path, part: float, out: Path) -> None:
    """Writes the folder OUT."""
    one, two = (torch.load(work / "model.pt", map_location="cpu", weights_only=False)
                for work in (before, after))
    if one["shape"] != two["shape"]:
        raise SystemExit(f"{before} and {after} hold models of different shapes")
    if (before / "vocab.json").read_bytes() != (after / "vocab.json").read_bytes():
        raise SystemExit(f"{before} and {after} have different vocabularies")
    two["model"] = {name: one["model"][name] * (1 - part) + weights * part
                    for name, weights in two["model"].items()}
    out.mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt", "log.jsonl", "sources.json", "valid.jsonl"):
        if (after / name).exists() and out != after:
            shutil.copy(after / name, out / name)
    torch.save(two, out / "model.new")
    os.replace(out / "model.new", out / "model.pt")


if __name__ == "__main__":
    args = common.arguments(__doc__, before=Path("work"), after=Path("work-last"), part=0.8,
                            out=Path("work-mixed"))
    mix(args.before, args.after, args.part, args.out)
