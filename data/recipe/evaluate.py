# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of an exported model on the validation conversations.

    evaluate.py --work WORK --model MODEL [--confab CONFAB --gguf MODEL.gguf]

prints bits per byte by source, computed with PyTorch in float32 from the folder's F16 weights. With
--confab also what `confab score --chat` says of the folder and of the GGUF, in both alignments of
the roles; the first must agree with PyTorch's."""
from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

import common
import export
import model as models
import scoring
import vocabulary


def load(folder: Path) -> models.Model:
    """The exported weights, widened to float32."""
    config = json.loads((folder / "config.json").read_text())
    shape = models.Shape(config["n_layer"], config["n_head"], config["n_embd"], config["n_ctx"],
                         config["vocab_size"])
    model = models.Model(shape)
    tensors = export.read_safetensors(folder / "model.safetensors")
    model.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in tensors.items()})
    return model.eval()


def encode(words: vocabulary.Vocabulary, rows: list[dict], first: str = "user") -> list[np.ndarray]:
    """The ids of conversations."""
    return [np.array(words.conversation(row["turns"], first), dtype=np.int64) for row in rows]


def confab_score(confab: str, model: Path, rows: list[dict], first: str = "user") -> dict[str, float]:
    """Bits per byte by source and of all, as `confab score --chat` counts them."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({"messages": common.messages(row["turns"], first)}) + "\n")
        file.flush()
        done = subprocess.run([confab, "--json", "-m", str(model), "score", "--chat", file.name],
                              check=True, capture_output=True, text=True)
    values = [json.loads(line) for line in done.stdout.splitlines()]
    bits: dict[str, float] = {}
    size: dict[str, int] = {}
    for row, value in zip(rows, values):
        for group in (row["source"], "all"):
            bits[group] = bits.get(group, 0.0) + value["bits_per_byte"] * value["bytes"]
            size[group] = size.get(group, 0) + value["bytes"]
    return {group: bits[group] / size[group] for group in sorted(bits)}


def fitting(rows: list[dict], words: vocabulary.Vocabulary, n_ctx: int) -> list[dict]:
    """The conversations that fit into the context, so that no window matters."""
    return [row for row in rows if len(words.conversation(row["turns"])) <= n_ctx]


def compare(confab: str, folder: Path, gguf: Path | None, rows: list[dict]) -> str:
    """A table of what confab says."""
    columns = [("folder, F16", folder, "user"), ("folder, roles swapped", folder, "assistant")]
    if gguf:
        columns.append(("GGUF, Q8_0", gguf, "user"))
    results = [confab_score(confab, model, rows, first) for _, model, first in columns]
    lines = ["| source | " + " | ".join(name for name, _, _ in columns) + " |",
             "| --- " * (len(columns) + 1) + "|"]
    for group in results[0]:
        lines.append(f"| {group} | " + " | ".join(f"{r[group]:.4f}" for r in results) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    args = common.arguments(__doc__, work=Path("work"), model=Path("confab-small"), confab=None,
                            gguf=None, limit=0, threads=0)
    if args.threads:
        torch.set_num_threads(args.threads)
    words = vocabulary.Vocabulary(args.model)
    all_rows = list(common.read_lines(args.work / "valid.jsonl"))
    if args.limit:
        all_rows = all_rows[::max(1, len(all_rows) // args.limit)]
    decoder = load(args.model)
    print(scoring.table(scoring.score(decoder, encode(words, all_rows),
                                      [row["source"] for row in all_rows], words)))
    if args.confab:
        some = fitting(all_rows, words, decoder.shape.n_ctx)
        own = scoring.score(decoder, encode(words, some), [row["source"] for row in some], words)
        print(f"of {len(some)} conversations that fit into the context, PyTorch: "
              f"{own['all'].bits_per_byte:.4f} bits per byte; confab:\n")
        print(compare(args.confab, args.model, Path(args.gguf) if args.gguf else None, some))
