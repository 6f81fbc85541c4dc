# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the configurations of a pack within a budget of minutes.

    python3 run_packed.py --out RESULTS --minutes 9 [--configs gpu.toml …] [--threads N]

Each configuration, in the order given (all of them by name when none is), gets RESULTS/NAME: the
exported Hugging Face folder in F16, log.jsonl, loss.svg. One that has no `steps` gets the minutes
that are left, divided by the configurations that are left. A configuration is started only while a
minute is left, and is stopped (its checkpoint kept) when the budget ends. results.md compares them
by validation bits per byte.

--parts FOLDER writes the best model, all logs and the table as a tar file cut into parts of 15 MiB,
for a way back that takes only small files: cat FOLDER/results.tar.* | tar x."""
from __future__ import annotations

import dataclasses
import io
import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import common
import export
import plot

DATA = ["train.npz", "valid.npz", "sources.json", "vocab.json", "merges.txt"]
RESERVE = 20.0  # seconds for the export
PART = 15 << 20  # bytes


@dataclasses.dataclass
class Result:
    """What a configuration came to."""
    name: str
    bits: float
    tokens: int
    seconds: float
    note: str


def last_valid(log: list[dict[str, Any]]) -> dict[str, Any]:
    """The last row of the log with validation figures."""
    rows = [row for row in log if "valid" in row]
    return rows[-1] if rows else {"valid": {"all": float("inf")}, "tokens": 0, "seconds": 0.0}


def train_one(config: Path, out: Path, minutes: float, threads: int) -> Result:
    """Trains, exports and draws one configuration, in a process of its own."""
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    for name in DATA:
        target = work / name
        if not target.exists():
            target.symlink_to((common.HERE / "data" / name).resolve())
    settings = common.read_toml(config)
    own_steps = settings["train"].get("steps", 0)
    line = [sys.executable, str(common.HERE / "train.py"), "--config", str(config), "--work",
            str(work), "--threads", str(threads)]
    if not own_steps:
        line += ["--minutes", f"{minutes:.2f}"]
    note = ""
    with open(out / "train.txt", "w", encoding="utf-8") as told:
        try:
            done = subprocess.run(line, stdout=told, stderr=subprocess.STDOUT, check=False,
                                  timeout=60 * minutes + (0 if own_steps else RESERVE))
            note = "" if done.returncode == 0 else "failed, see train.txt"
        except subprocess.TimeoutExpired:
            note = "stopped by the budget"
    log_path = work / "log.jsonl"
    log = list(common.read_lines(log_path)) if log_path.exists() else []
    row = last_valid(log)
    if (work / "model.pt").exists():
        export.export(settings, work, out / "model")
        shutil.copy(log_path, out / "log.jsonl")
        try:
            common.write_whole(out / "loss.svg", plot.draw(log))
        except SystemExit as reason:
            note += str(reason)
    return Result(config.stem, row["valid"]["all"], row["tokens"], row["seconds"], note)


def report(results: list[Result]) -> str:
    """A table, the best first."""
    lines = ["| configuration | bits per byte | tokens | seconds | note |", "| --- | --- | --- | --- "
             "| --- |"]
    for r in sorted(results, key=lambda one: one.bits):
        lines.append(f"| {r.name} | {r.bits:.4f} | {r.tokens} | {r.seconds:.0f} | {r.note} |")
    return "\n".join(lines) + "\n"


def write_parts(out: Path, folder: Path, best: Result) -> None:
    """The best model, logs, pictures and the table, as parts of a tar file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(out.rglob("*")):
            inside = path.relative_to(out)
            is_model = inside.parts[:2] == (best.name, "model")
            if path.is_file() and "work" not in inside.parts and ("model" not in inside.parts or
                                                                  is_model):
                tar.add(path, arcname=str(inside))
    data = packed.getvalue()
    for i in range(0, len(data), PART):
        common.write_whole(folder / f"results.tar.{i // PART:02d}", data[i:i + PART])


def run(out: Path, minutes: float, names: list[str], threads: int, parts: str | None) -> None:
    """The whole run."""
    end = time.monotonic() + 60 * minutes - RESERVE
    configs = [common.HERE / "configs" / name for name in names] or \
        sorted((common.HERE / "configs").glob("*.toml"))
    results: list[Result] = []
    for i, config in enumerate(configs):
        left = (end - time.monotonic()) / 60
        if results and left < 1:
            results.append(Result(config.stem, float("inf"), 0, 0, "no time left"))
            continue
        steps = common.read_toml(config)["train"].get("steps", 0)
        share = left if steps else left / (len(configs) - i)
        results.append(train_one(config, out / config.stem, share, threads))
        common.write_whole(out / "results.md", report(results))
        print(json.dumps(dataclasses.asdict(results[-1])), flush=True)
    common.write_whole(out / "results.md", report(results))
    print(report(results))
    exported = [r for r in results if (out / r.name / "model").exists()]
    if not exported:
        raise SystemExit("no configuration came to its end: see train.txt in the folders of "
                         f"{out}")
    if parts:
        write_parts(out, Path(parts), min(exported, key=lambda one: one.bits))


if __name__ == "__main__":
    args = common.arguments(__doc__, out=Path("results"), minutes=9.0, configs=[], threads=0,
                            parts=None)
    run(args.out, args.minutes, args.configs, args.threads, args.parts)
