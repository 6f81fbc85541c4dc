# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits per byte of conversations, counted as `confab score --chat` does: the tokens of the turns'
texts and the end of each turn, over the UTF-8 bytes of the texts; role marks do not count."""
from __future__ import annotations

import collections
import math
from dataclasses import dataclass

import numpy as np
import torch

import model as models
import vocabulary


@dataclass
class Sum:
    """Nats and counts of a group of conversations."""
    nats: float = 0.0
    tokens: int = 0
    size: int = 0

    @property
    def bits_per_byte(self) -> float:
        """The figure that compares between vocabularies."""
        return self.nats / math.log(2) / max(1, self.size)


@torch.no_grad()
def score(model: models.Model, ids: list[np.ndarray], groups: list[str],
          words: vocabulary.Vocabulary, rows: int = 16384) -> dict[str, Sum]:
    """Sums by group, and of "all". Of a conversation longer than the context the part that fits
    counts. ROWS is the number of positions computed at once."""
    device = next(model.parameters()).device
    sizes = torch.from_numpy(words.sizes())
    limit = model.shape.n_ctx
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    sums: dict[str, Sum] = collections.defaultdict(Sum)
    was_training = model.training
    model.eval()
    while order:
        longest = min(limit, len(ids[order[-1]]) - 1)
        take, order = order[-max(1, rows // longest):], order[:-max(1, rows // longest)]
        x = torch.full((len(take), longest + 1), words.end)
        live = torch.zeros(len(take), longest, dtype=torch.bool)
        for row, i in enumerate(take):
            part = torch.from_numpy(ids[i][:longest + 1])
            x[row, :len(part)] = part
            live[row, :len(part) - 1] = True
        live &= (x[:, 1:] != words.user) & (x[:, 1:] != words.assistant)
        position = torch.arange(longest).expand(len(take), longest).to(device)
        nats = model.losses(x.to(device), position, torch.zeros_like(position)).float().cpu()
        counted = sizes[x[:, 1:]]
        for row, i in enumerate(take):
            for group in (groups[i], "all"):
                one = sums[group]
                one.nats += float(nats[row][live[row]].double().sum())
                one.tokens += int(live[row].sum())
                one.size += int(counted[row][live[row]].sum())
    model.train(was_training)
    return dict(sorted(sums.items()))


def table(sums: dict[str, Sum]) -> str:
    """A Markdown table for the card."""
    lines = ["| source | nats a token | bits per byte | tokens | bytes |",
             "| --- | --- | --- | --- | --- |"]
    for group, one in sums.items():
        lines.append(f"| {group} | {one.nats / max(1, one.tokens):.4f} | "
                     f"{one.bits_per_byte:.4f} | {one.tokens} | {one.size} |")
    return "\n".join(lines) + "\n"
