# SPDX-License-Identifier: GPL-3.0-or-later
"""The byte-level BPE vocabulary in GPT-2's form, and the token ids of everything.

    vocabulary.py --work WORK --size 8192 [--start MODEL.gguf]

trains on WORK/train.jsonl, or takes the vocabulary of a model to go on from (of its size), writes
vocab.json and merges.txt, then encodes both parts into train.npz and valid.npz (see `encode_part`).

The split pattern is GPT-2's, which confab, transformers and llama.cpp know. Two rules of ours act
on what may merge: digits never join each other, so that every number is spelled digit by digit in
one way; and bytes above 127 only join inside one character, so that scarce foreign text fills no
vocabulary: it is spelled byte by byte, two or three to a character."""
from __future__ import annotations

import collections
import functools
import heapq
import json
from pathlib import Path
from typing import Any, Iterable

import numpy as np

import common
import start

Pair = tuple[str, str]


def byte_alphabet() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte, in the order of its vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}


_ALPHABET = byte_alphabet()
_HIGH = {char for byte, char in _ALPHABET.items() if byte > 127}
_LEAD = {char for byte, char in _ALPHABET.items() if byte >= 0xC0}


def may_merge(left: str, right: str) -> bool:
    """Whether two tokens may become one."""
    if right[0].isdigit() and left[-1].isdigit():
        return False
    if left[-1] in _HIGH or right[0] in _HIGH:
        inside = left[0] in _LEAD and right[0] in _HIGH - _LEAD and len(left + right) <= 4
        return inside and all(c in _HIGH for c in left + right)
    return True


def count_words(texts: Iterable[str]) -> collections.Counter[str]:
    """The pieces that GPT-2's pattern makes of the texts, in the byte alphabet."""
    from tokenizers import pre_tokenizers
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(piece for piece, _ in split.pre_tokenize_str(text))
    return counts


def _merged(symbols: list[str], left: str, right: str) -> list[str]:
    out: list[str] = []
    i = 0
    while i < len(symbols):
        if i + 1 < len(symbols) and symbols[i] == left and symbols[i + 1] == right:
            out.append(left + right)
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def train_merges(words: dict[str, int], n_merges: int) -> list[Pair]:
    """The merges, most frequent pair first; of equals the smaller pair, so that the result depends
    on the words alone. Counts are kept up to date, and a heap with lazy deletion finds the best."""
    symbols = [list(word) for word in words]
    weight = list(words.values())
    count: collections.Counter[Pair] = collections.Counter()
    where: dict[Pair, set[int]] = collections.defaultdict(set)
    for i, word in enumerate(symbols):
        for pair in zip(word, word[1:]):
            count[pair] += weight[i]
            where[pair].add(i)
    heap = [(-n, pair) for pair, n in count.items() if may_merge(*pair)]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while len(merges) < n_merges and heap:
        n, pair = heapq.heappop(heap)
        if n == 0 or count.get(pair, 0) != -n:
            continue  # out of date
        merges.append(pair)
        changed: set[Pair] = set()
        for i in where.pop(pair):
            for old in zip(symbols[i], symbols[i][1:]):
                count[old] -= weight[i]
                changed.add(old)
            symbols[i] = _merged(symbols[i], *pair)
            for new in zip(symbols[i], symbols[i][1:]):
                count[new] += weight[i]
                where[new].add(i)
                changed.add(new)
        del count[pair]
        for other in changed:
            if count.get(other, 0) > 0 and may_merge(*other):
                heapq.heappush(heap, (-count[other], other))
    return merges


class Vocabulary:
    """vocab.json and merges.txt of a folder."""

    def __init__(self, folder: Path) -> None:
        self.ids: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self._folder = folder
        self.end, self.user, self.assistant = (self.ids[name] for name in common.SPECIALS)
        self._bytes = {char: byte for byte, char in _ALPHABET.items()}
        self.pieces = {i: piece for piece, i in self.ids.items()}

    @functools.cached_property
    def _bpe(self) -> Any:
        """The encoder of the tokenizers library, which what only reads ids does without."""
        from tokenizers import Tokenizer, models, pre_tokenizers
        lines = (self._folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        merges = [(left, right) for left, _, right in (line.partition(" ") for line in lines[1:])
                  if left]
        bpe = Tokenizer(models.BPE(vocab=self.ids, merges=merges))
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        return bpe

    def __len__(self) -> int:
        return len(self.ids)

    def encode(self, text: str) -> list[int]:
        """The ids of a text; special tokens in it are text like any other."""
        return self._bpe.encode(text).ids

    def conversation(self, turns: list[str], first: str = "user", cue: bool = False) -> list[int]:
        """The ids of a conversation; with CUE the next speaker's turn is opened."""
        roles = [self.user, self.assistant] if first == "user" else [self.assistant, self.user]
        ids: list[int] = []
        for i, turn in enumerate(turns):
            ids += [roles[i % 2], *self.encode(turn), self.end]
        return ids + [roles[len(turns) % 2]] if cue else ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; special tokens by name."""
        out = b""
        for i in ids:
            piece = self.pieces[i]
            out += piece.encode() if piece in common.SPECIALS else \
                bytes(self._bytes[char] for char in piece)
        return out.decode("utf-8", "replace")

    def sizes(self) -> np.ndarray:
        """The bytes of text that each id stands for; 0 for special tokens."""
        return np.array([0 if self.pieces[i] in common.SPECIALS else len(self.pieces[i])
                         for i in range(len(self))], dtype=np.int64)


def write(work: Path, tokens: Iterable[str], merges: list[str]) -> None:
    """vocab.json and merges.txt of WORK, from tokens in the order of their ids and merges as
    "left right"."""
    ids = {token: i for i, token in enumerate(tokens)}
    common.write_whole(work / "vocab.json", json.dumps(ids, ensure_ascii=False))
    common.write_whole(work / "merges.txt", "\n".join(["#version: 0.2", *merges, ""]))
    print(f"{len(ids)} tokens, {len(merges)} merges", flush=True)


def train(work: Path, size: int) -> None:
    """Makes the vocabulary of WORK. Text of little data may give fewer merges; the vocabulary is
    then smaller."""
    rows = common.read_lines(work / "train.jsonl")
    words = count_words(turn for row in rows for turn in row["turns"])
    merges = train_merges({word: n for word, n in sorted(words.items()) if n > 1},
                          size - len(_ALPHABET) - len(common.SPECIALS))
    tokens = [*_ALPHABET.values(), *(left + right for left, right in merges), *common.SPECIALS]
    write(work, dict.fromkeys(tokens), [f"{left} {right}" for left, right in merges])


def encode_part(work: Path, part: str, names: list[str]) -> None:
    """WORK/PART.npz: `ids` (uint16, all conversations one after the other), `starts` (int64, one
    more than there are conversations), `source` (uint8, index into NAMES), `alike` (bool)."""
    vocabulary = Vocabulary(work)
    ids: list[np.ndarray] = []
    source: list[int] = []
    alike: list[bool] = []
    size = n_turns = 0
    for row in common.read_lines(work / f"{part}.jsonl"):
        ids.append(np.array(vocabulary.conversation(row["turns"]), dtype=np.uint16))
        source.append(names.index(row["source"]))
        alike.append(row["alike"])
        size += sum(len(turn.encode()) for turn in row["turns"])
        n_turns += len(row["turns"])
    starts = np.concatenate([[0], np.cumsum([len(one) for one in ids])]).astype(np.int64)
    np.savez(work / f"{part}.npz", ids=np.concatenate(ids), starts=starts,
             source=np.array(source, dtype=np.uint8), alike=np.array(alike))
    print(f"{part}: {len(ids)} conversations, {starts[-1]} tokens, "
          f"{size / max(1, starts[-1] - 2 * n_turns):.2f} bytes a token", flush=True)


def run(work: Path, size: int, model: str | None = None) -> None:
    """The whole step."""
    if not 300 <= size <= 1 << 16:
        raise SystemExit("--size: between 300 and 65536 tokens")
    if model:
        write(work, *start.tokens_and_merges(Path(model)))
    else:
        train(work, size)
    names: list[str] = [row["name"] for row in json.loads((work / "sources.json").read_text())]
    for part in ("train", "valid"):
        encode_part(work, part, names)


if __name__ == "__main__":
    options: Any = common.arguments(__doc__, work=Path("work"), size=8192, start=None)
    run(options.work, options.size, options.start)
