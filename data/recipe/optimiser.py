# SPDX-License-Identifier: GPL-3.0-or-later
"""Muon for the matrices of the blocks, Adam for embeddings, norms and biases.

Muon: momentum, then the nearest orthogonal matrix by a quintic Newton-Schulz iteration
(K. Jordan, https://kellerjordan.github.io/posts/muon/). Query, key and value count as three."""
from __future__ import annotations

import collections
import re
from typing import Any

import torch
from torch import Tensor, nn

_BLOCK_MATRIX = re.compile(r"h\.\d+\.(attn|mlp)\.\w+\.weight$")


def orthogonal(g: Tensor, dtype: torch.dtype) -> Tensor:
    """The orthogonal factor of each of g [k, r, c], r <= c, nearly."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (g / (g.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(5):
        square = torch.bmm(x, x.transpose(1, 2))
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.float()


def _gradient(p: nn.Parameter) -> Tensor:
    assert p.grad is not None, "step comes after backward"
    return p.grad


class Optimiser:
    """Both methods over one model. The learning rates are multiplied by `step`'s SCALE."""

    def __init__(self, model: nn.Module, lr_muon: float, lr_adam: float, decay: float,
                 dtype: torch.dtype) -> None:
        self._named = dict(model.named_parameters())
        self._lr_muon, self._lr_adam, self._decay, self._dtype = lr_muon, lr_adam, decay, dtype
        self._muon = [name for name in self._named if _BLOCK_MATRIX.search(name)]
        self._adam = [name for name in self._named if not _BLOCK_MATRIX.search(name)]
        self._first = {name: torch.zeros_like(p) for name, p in self._named.items()}
        self._second = {name: torch.zeros_like(self._named[name]) for name in self._adam}
        self._steps = 0
        self._newton = orthogonal

    def compile(self) -> None:
        """From now on the iteration of Muon runs compiled; fails at once if it cannot."""
        compiled = torch.compile(orthogonal)
        for shape in sorted({tuple(sorted(self._named[name].shape)) for name in self._muon}):
            compiled(torch.randn(2, *shape, device=self._named[self._muon[0]].device), self._dtype)
        self._newton = compiled

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"first": self._first, "second": self._second, "steps": self._steps}

    def load(self, state: dict[str, Any]) -> None:
        """The other way."""
        for own, kept in ((self._first, state["first"]), (self._second, state["second"])):
            for name, value in own.items():
                value.copy_(kept[name])
        self._steps = state["steps"]

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """One step with the gradients of the model, which are used up."""
        self._steps += 1
        self._step_adam(scale)
        self._step_muon(scale, 0.85 + 0.1 * min(1.0, self._steps / 300))
        for p in self._named.values():
            p.grad = None

    def _step_adam(self, scale: float) -> None:
        b1, b2, t = 0.9, 0.98, self._steps
        params: list[Tensor] = [self._named[name] for name in self._adam]
        grads = [_gradient(self._named[name]) for name in self._adam]
        first = [self._first[name] for name in self._adam]
        second = [self._second[name] for name in self._adam]
        norm = torch.stack([g.norm() for g in grads]).norm()
        torch._foreach_mul_(grads, torch.clamp(1.0 / (norm + 1e-6), max=1.0))
        torch._foreach_lerp_(first, grads, 1 - b1)
        torch._foreach_mul_(second, b2)
        torch._foreach_addcmul_(second, grads, grads, 1 - b2)
        below = torch._foreach_div(second, 1 - b2 ** t)
        torch._foreach_sqrt_(below)
        torch._foreach_add_(below, 1e-8)
        torch._foreach_addcdiv_(params, first, below, -self._lr_adam * scale / (1 - b1 ** t))

    def _step_muon(self, scale: float, momentum: float) -> None:
        groups: dict[tuple[int, int], list[tuple[Tensor, Tensor, float]]] = \
            collections.defaultdict(list)
        for name in self._muon:
            p, m = self._named[name], self._first[name]
            g = _gradient(p)
            m.mul_(momentum).add_(g)
            u = g + momentum * m
            rows, columns = u.shape
            if "c_attn" in name:
                for part in range(3):
                    cut = slice(part * rows, (part + 1) * rows)
                    groups[(rows, rows)].append((p[:, cut], u[:, cut], 1.0))
            elif rows > columns:
                groups[(columns, rows)].append((p.t(), u.t(), 1.0))
            else:
                groups[(rows, columns)].append((p, u, (columns / rows) ** 0.5))
        for items in groups.values():
            updates = self._newton(torch.stack([u for _, u, _ in items]), self._dtype)
            for (matrix, _, factor), update in zip(items, updates):
                matrix.mul_(1 - self._lr_muon * scale * self._decay)
                matrix.add_(update, alpha=-self._lr_muon * scale * factor)
