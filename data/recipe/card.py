# SPDX-License-Identifier: GPL-3.0-or-later
"""The card, from card.md and what the run left.

    card.py --config CONFIG --work WORK --model MODEL --gguf MODEL.gguf [--readings READ/table.md]
            --out MODEL.md

Facts are read off the files, never typed: sizes and digest of the GGUF, the licence table of
prepare.py, training from log.jsonl, figures computed anew from the exported weights. What needs a
person's eye (examples, limits) is edited afterwards."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import common
import evaluate
import export
import scoring
import train
import vocabulary

NAMES = {"cc-by-4.0": "CC BY 4.0", "cc-by-sa-4.0": "CC BY-SA 4.0"}


def of_files(folder: Path, gguf: Path) -> dict[str, Any]:
    """What the exported model is."""
    config = json.loads((folder / "config.json").read_text())
    sampling = json.loads((folder / "generation_config.json").read_text())
    tensors = export.read_safetensors(folder / "model.safetensors")
    merges = (folder / "merges.txt").read_text(encoding="utf-8").strip().split("\n")[1:]
    end = config["bos_token_id"]
    penalty = sampling.get("repetition_penalty", 1)
    return {name: config[name] for name in ("n_layer", "n_head", "n_embd", "n_ctx")} | {
        "file": gguf.name, "head_size": config["n_embd"] // config["n_head"],
        "parameters": f"{sum(a.size for a in tensors.values()):,}",
        "embedding": f"{config['vocab_size'] * config['n_embd']:,}",
        "vocab_size": f"{config['vocab_size']:,}", "merges": f"{len(merges):,}",
        "size": f"{gguf.stat().st_size:,}",
        "sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(),
        "end": end, "user": end + 1, "assistant": end + 2,
        "temperature": sampling.get("temperature", 1), "top_p": sampling.get("top_p", 1),
        "penalty": f", repeat penalty {penalty}" if penalty != 1 else ""}


def of_training(config: dict[str, Any], work: Path) -> dict[str, Any]:
    """How it was trained."""
    log = list(common.read_lines(work / "log.jsonl"))
    last = [row for row in log if row.get("finished")]
    if not last:
        raise SystemExit(f"{work / 'log.jsonl'}: the run has not come to its end")
    plan = train.Plan(**config["train"])
    licence = config["card"]["license"]
    return {name: getattr(plan, name) for name in (
        "seed", "lr_muon", "lr_adam", "warmup", "decay_from", "dropout", "user_weight", "batch")} | {
        "tokens": f"{last[-1]['tokens']:,}", "steps": f"{last[-1]['step']:,}",
        "minutes": f"{last[-1]['seconds'] / 60:.1f}", "licence": NAMES.get(licence, licence),
        "licence_id": licence, "description": config["card"]["description"],
        "licence_link": export.LICENCE_LINKS.get(licence, "")}


def of_sources(config: dict[str, Any], work: Path) -> str:
    """The licence table, with the weights that this configuration gave."""
    rows = json.loads((work / "sources.json").read_text())
    for row in rows:
        first, last = config.get("weights", {}).get(row["name"], (row["weight"], row["weight_end"]))
        row["weight"], row["weight_end"] = first, last
    import prepare  # only here: it needs more than the rest
    return prepare.licence_table(rows)


def figures(folder: Path, work: Path) -> str:
    """Bits per byte of the exported weights, on the collections: what was written for this is so
    plain that it would flatter them."""
    words = vocabulary.Vocabulary(folder)
    table = json.loads((work / "sources.json").read_text())
    collected = {row["name"] for row in table if row["kind"] in ("dialogue", "stories")}
    rows = [row for row in common.read_lines(work / "valid.jsonl") if row["source"] in collected]
    return scoring.table(scoring.score(evaluate.load(folder), evaluate.encode(words, rows),
                                       [row["source"] for row in rows], words))


def write(config: dict[str, Any], work: Path, folder: Path, gguf: Path, readings: Path | None,
          out: Path) -> None:
    """Fills the form."""
    facts = of_files(folder, gguf) | of_training(config, work) | {
        "licences": of_sources(config, work).strip(), "figures": figures(folder, work).strip(),
        "readings": readings.read_text(encoding="utf-8").strip() if readings else "None yet."}
    form = (common.HERE / "card.md").read_text(encoding="utf-8")
    common.write_whole(out, form.format_map(facts))


if __name__ == "__main__":
    args = common.arguments(__doc__, config=common.HERE / "configs/cpu.toml", work=Path("work"),
                            model=Path("confab-small"), gguf=Path("confab-small.gguf"),
                            readings=None, out=Path("MODEL.md"))
    write(common.read_toml(args.config), args.work, args.model, args.gguf,
          Path(args.readings) if args.readings else None, args.out)
