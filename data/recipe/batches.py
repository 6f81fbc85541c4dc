# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of token ids to train on.

A window holds T + 1 tokens and starts at the start of a turn; the next one starts at the turn that
did not fit, so a few tokens are seen twice and no window begins inside a turn. In most windows
conversations do not see each other and each starts at position 0, as when confab generates. Some
windows run on instead: one position after the other over all borders, so that late positions are
trained too.

Sources are mixed by weight times tokens. Each goes through its conversations in an order of its
own, drawn anew at every pass. Where the speakers are alike, the roles turn round at every pass."""
from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import vocabulary


@dataclass
class Batch:
    """Arrays [B, T] (ids [B, T + 1]) and the state of the mixture behind them."""
    ids: np.ndarray  # int64
    position: np.ndarray  # int64
    document: np.ndarray  # int64; attention stays within equal numbers
    weight: np.ndarray  # float32, of each predicted token's loss
    state: dict[str, Any]


class Mixture:
    """An endless, repeatable stream of batches. Its state is small and can be saved."""

    def __init__(self, work: Path, seed: int, user_weight: float, run_on: float,
                 weights: dict[str, list[float]] | None = None) -> None:
        """WEIGHTS override those of sources.json: by source [weight, weight_end]."""
        data = np.load(work / "train.npz")
        rows = json.loads((work / "sources.json").read_text())
        self._ids, self._starts, self._alike = data["ids"], data["starts"], data["alike"]
        ids = vocabulary.Vocabulary(work) if (work / "vocab.json").exists() else None
        if ids is None:
            raise SystemExit(f"{work} holds no vocab.json: run vocabulary.py first")
        self._user, self._assistant = ids.user, ids.assistant
        lengths = np.diff(self._starts)
        self._members = [np.flatnonzero(data["source"] == i) for i in range(len(rows))]
        self._tokens = np.array([lengths[m].sum() for m in self._members], dtype=np.float64)
        weights = weights or {}
        unknown = set(weights) - {row["name"] for row in rows}
        if unknown:
            raise SystemExit(f"weights are given for {', '.join(sorted(unknown))}: no such source")
        self._weights = np.array([weights.get(row["name"], [row["weight"], row["weight_end"]])
                                  for row in rows])
        self._seed, self._user_weight, self._run_on = seed, user_weight, run_on
        self._orders: dict[tuple[int, int], np.ndarray] = {}
        self.n_tokens = int(self._tokens.sum())
        self.state: dict[str, Any] = {
            "random": random.Random(seed).getstate(), "number": 0,
            "passes": [0] * len(rows), "at": [0] * len(rows),
            "ids": np.zeros(0, np.int64), "documents": np.zeros(0, np.int64)}
        self._random = random.Random()

    def shares(self, glide: float) -> np.ndarray:
        """Each source's part of the tokens; GLIDE goes from 0 to 1 while training ends."""
        weight = self._weights[:, 0] * (1 - glide) + self._weights[:, 1] * glide
        mass = weight * self._tokens
        return mass / mass.sum()

    def epochs(self, state: dict[str, Any]) -> list[float]:
        """How often each source was gone through in a state."""
        return [passes + at / max(1, len(members)) for passes, at, members in
                zip(state["passes"], state["at"], self._members)]

    def _next_conversation(self, source: int) -> np.ndarray:
        state = self.state
        turn, at = state["passes"][source], state["at"][source]
        key = (source, turn)
        if key not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k[0] != source}
            rng = np.random.default_rng([self._seed, source, turn])
            self._orders[key] = rng.permutation(self._members[source])
        one = int(self._orders[key][at])
        if at + 1 == len(self._members[source]):
            state["passes"][source], state["at"][source] = turn + 1, 0
        else:
            state["at"][source] = at + 1
        ids = self._ids[self._starts[one]:self._starts[one + 1]].astype(np.int64)
        if self._alike[one] and (one * 2654435761 % 97 + turn) % 2:
            user, assistant = ids == self._user, ids == self._assistant
            ids[user], ids[assistant] = self._assistant, self._user
        return ids

    def _fill(self, n: int, shares: list[float]) -> None:
        """At least N tokens in the state."""
        state = self.state
        ids, documents, have = [state["ids"]], [state["documents"]], len(state["ids"])
        while have < n:
            source = self._random.choices(range(len(shares)), shares)[0]
            more = self._next_conversation(source)
            ids.append(more)
            documents.append(np.full(len(more), state["number"]))
            state["number"] += 1
            have += len(more)
        state["ids"], state["documents"] = np.concatenate(ids), np.concatenate(documents)

    def batch(self, n_windows: int, length: int, n_ctx: int, glide: float) -> Batch:
        """The next batch: N_WINDOWS windows of LENGTH."""
        shares = (self.shares(glide) / np.maximum(1, self._mean_lengths())).tolist()
        self.state = copy.copy(self.state)
        self.state["passes"], self.state["at"] = list(self.state["passes"]), list(self.state["at"])
        self._random.setstate(self.state["random"])
        shape = (n_windows, length)
        ids = np.zeros((n_windows, length + 1), np.int64)
        position, document = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        weight = np.zeros(shape, np.float32)
        for row in range(n_windows):
            self._fill(length + 1, shares)
            state = self.state
            ids[row], documents = state["ids"][:length + 1], state["documents"][:length + 1]
            marks = (ids[row] == self._user) | (ids[row] == self._assistant)
            places = np.arange(length + 1)
            last_mark = int(np.flatnonzero(marks)[-1]) if marks.any() else 0
            cut = last_mark if last_mark > 0 else length
            state["ids"], state["documents"] = state["ids"][cut:], state["documents"][cut:]
            role = ids[row][np.maximum.accumulate(np.where(marks, places, 0))]
            weight[row] = np.where(role[1:] == self._assistant, 1.0, self._user_weight)
            weight[row][marks[1:]] = 0.0  # who speaks next is known, or cannot be foretold
            if self._random.random() < self._run_on:
                position[row] = places[:-1] + self._random.randrange(n_ctx - length + 1)
            else:
                new = np.r_[True, documents[1:-1] != documents[:-2]]
                position[row] = places[:-1] - np.maximum.accumulate(np.where(new, places[:-1], 0))
                document[row] = documents[:-1] - documents[0] + 1
        self.state["random"] = self._random.getstate()
        return Batch(ids, position, document, weight, self.state)

    def _mean_lengths(self) -> np.ndarray:
        return self._tokens / np.maximum(1, [len(members) for members in self._members])


def validation(work: Path, limit: int) -> tuple[list[np.ndarray], list[str]]:
    """The ids of validation conversations, at most LIMIT of each source (0: all), and the name of
    each one's source."""
    data = np.load(work / "valid.npz")
    names = [row["name"] for row in json.loads((work / "sources.json").read_text())]
    taken = [0] * len(names)
    ids: list[np.ndarray] = []
    whose: list[str] = []
    for i, source in enumerate(data["source"]):
        if limit and taken[source] >= limit:
            continue
        taken[source] += 1
        ids.append(data["ids"][data["starts"][i]:data["starts"][i + 1]].astype(np.int64))
        whose.append(names[source])
    return ids, whose
