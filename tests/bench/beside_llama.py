#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""confab's own bench beside llama-bench, in turns on the same files, and the ratios.

    tests/bench/beside_llama.py [options] CONFAB LLAMA-BENCH MODEL.gguf...

Each turn measures every test once with both programs, one after the other, the first one changing
from turn to turn, so that what a shared machine does to one it does to the other.  Printed are the
medians over the turns, their ratio, and the median of the turns' own ratios, which a slow spell
disturbs less."""

import argparse
import json
import os
import statistics
import subprocess
import sys


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("%s: status %d\n%s" % (" ".join(command), done.returncode, done.stderr[-2000:]))
    return done.stdout


def confab(options, model):
    """{(test, n, depth): tokens a second}"""
    speeds = {}
    for kind, ns in (("prompt", options.prompt), ("gen", options.gen)):
        for depth in options.depth if ns else []:
            out = run([options.confab, "bench", "--json", "-m", model, "--reps", "1",
                       "--threads", str(options.threads), "--depth", str(depth),
                       "--" + kind, ",".join(map(str, ns))])
            for line in map(json.loads, out.splitlines()):
                speeds[line["test"], line["n"], line["depth"]] = line["tokens_per_second"]
    return speeds


def llama(options, model):
    out = run([options.llama_bench, "-m", model, "-t", str(options.threads), "-r", "1", "-o", "json",
               "-p", ",".join(map(str, options.prompt)) or "0",
               "-n", ",".join(map(str, options.gen)) or "0",
               "-d", ",".join(map(str, options.depth))])
    speeds = {}
    for test in json.loads(out):
        kind, n = ("gen", test["n_gen"]) if test["n_gen"] else ("prompt", test["n_prompt"])
        speeds[kind, n, test["n_depth"]] = test["avg_ts"]
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("confab")
    parser.add_argument("llama_bench")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--prompt", type=numbers, default=[128, 512])
    parser.add_argument("--gen", type=numbers, default=[128])
    parser.add_argument("--depth", type=numbers, default=[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print("%-28s %-7s %6s %6s %10s %10s %7s %9s" % ("model", "test", "n", "depth", "confab",
                                                    "llama.cpp", "ratio", "by turns"))
    for model in options.models:
        turns = []
        for turn in range(options.turns):
            both = (confab, llama) if turn % 2 == 0 else (llama, confab)
            turns.append({program: program(options, model) for program in both})
        for test in turns[0][confab]:
            ours = [turn[confab][test] for turn in turns]
            theirs = [turn[llama][test] for turn in turns]
            print("%-28s %-7s %6d %6d %10.1f %10.1f %7.2f %9.2f" % (
                (os.path.basename(model)[:28],) + test
                + (statistics.median(ours), statistics.median(theirs),
                   statistics.median(ours) / statistics.median(theirs),
                   statistics.median(a / b for a, b in zip(ours, theirs)))), flush=True)


if __name__ == "__main__":
    main()
