# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs everything that a training run needs into one folder, for a machine without a network.

    pack.py --work WORK --out PACK [--configs configs/gpu.toml …]

PACK holds the code, the configurations, token ids, vocabulary and validation text; it must stay
below 60 MB, which is checked. There, `python3 PACK/run_packed.py --minutes 9 --out RESULTS` trains
one configuration after the other (see its head). Needs only PyTorch and numpy there: the
vocabulary is used, if at all, without the tokenizers library."""
from __future__ import annotations

import shutil
from pathlib import Path

import common

MAX_MB = 60
CODE = ["common.py", "batches.py", "model.py", "optimiser.py", "scoring.py", "start.py", "train.py",
        "export.py", "vocabulary.py", "plot.py", "run_packed.py"]
DATA = ["train.npz", "valid.npz", "valid.jsonl", "sources.json", "licences.md", "vocab.json",
        "merges.txt"]


def pack(work: Path, out: Path, configs: list[Path]) -> None:
    """Fills OUT, which must not exist or be a pack."""
    if out.exists() and not (out / "run_packed.py").exists():
        raise SystemExit(f"{out} is there and is no pack: give another --out")
    shutil.rmtree(out, ignore_errors=True)
    (out / "configs").mkdir(parents=True)
    (out / "data").mkdir()
    for name in CODE:
        shutil.copy(common.HERE / name, out / name)
    for name in DATA:
        if not (work / name).exists():
            raise SystemExit(f"{work} has no {name}: run prepare.py and vocabulary.py first")
        shutil.copy(work / name, out / "data" / name)
    for path in configs:
        shutil.copy(path, out / "configs" / path.name)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    print(f"{out}: {size:.1f} MB")
    if size > MAX_MB:
        raise SystemExit(f"{out} is larger than {MAX_MB} MB")


if __name__ == "__main__":
    args = common.arguments(__doc__, work=Path("work"), out=Path("pack"),
                            configs=[str(common.HERE / "configs/gpu.toml")])
    pack(args.work, args.out, [Path(name) for name in args.configs])
