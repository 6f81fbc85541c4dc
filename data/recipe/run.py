# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole recipe, or a part of it.

    run.py --config configs/toy.toml --sources sample/sources.toml --corpus sample \\
           --work WORK --out MODEL --confab CONFAB [--start MODEL.gguf] [--steps prepare …]

prepare, vocabulary, train, export, evaluate, check and plot, one after the other, each in a process
of its own; the first that fails ends it. Steps done before are done again, but training goes on
from its checkpoint."""
from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import common

STEPS = ["prepare", "vocabulary", "train", "export", "evaluate", "check", "plot"]


def command(step: str, args: object, config: dict) -> list[str]:
    """The command line of a step."""
    get = lambda name: str(getattr(args, name))
    gguf = str(Path(get("out")).with_suffix(".gguf"))
    confab = ["--confab", get("confab")]
    start = ["--start", get("start")] if getattr(args, "start") else []
    options = {
        "prepare": ["--sources", get("sources"), "--corpus", get("corpus"), "--work", get("work"),
                    "--valid-part", str(config.get("valid_part", 0.02))],
        "vocabulary": ["--work", get("work"), "--size", str(config.get("vocabulary", 8192)),
                       *start],
        "train": ["--config", get("config"), "--work", get("work"), "--threads", get("threads"),
                  *start],
        "export": ["--config", get("config"), "--work", get("work"), "--out", get("out"), *confab],
        "evaluate": ["--work", get("work"), "--model", get("out"), "--gguf", gguf, *confab],
        "check": ["--work", get("work"), "--model", get("out"), "--gguf", gguf, *confab,
                  *(["--llama", get("llama")] if getattr(args, "llama") else [])],
        "plot": ["--work", get("work"), "--out", get("out") + ".svg"],
    }
    return [sys.executable, str(common.HERE / f"{step}.py"), *options[step]]


if __name__ == "__main__":
    arguments = common.arguments(
        __doc__, config=common.HERE / "configs/cpu.toml", sources=common.HERE / "sources.toml",
        corpus=Path("../../../shared/corpus"), work=Path("work"), out=Path("confab-small"),
        confab="confab", llama=None, start=None, threads=0, steps=STEPS)
    settings = common.read_toml(arguments.config)
    for one in arguments.steps:
        if one not in STEPS:
            raise SystemExit(f"--steps: there is no step {one!r}; there are {', '.join(STEPS)}")
        started = time.monotonic()
        print(f"== {one}", flush=True)
        done = subprocess.run(command(one, arguments, settings), check=False)
        if done.returncode:
            raise SystemExit(f"{one}.py failed")
        print(f"== {one}: {time.monotonic() - started:.0f} s", flush=True)
