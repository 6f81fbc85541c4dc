# SPDX-License-Identifier: GPL-3.0-or-later
"""GPT-2 in PyTorch. Parameters carry Hugging Face's names and its Conv1D layout [in, out], so that
an export only has to round and write them."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The sizes of a model."""
    n_layer: int
    n_head: int
    n_embd: int
    n_ctx: int
    vocab_size: int

    def __post_init__(self) -> None:
        if self.n_embd % self.n_head:
            raise SystemExit(f"n_embd {self.n_embd} is no multiple of n_head {self.n_head}")

    def as_dict(self) -> dict[str, Any]:
        """For checkpoints and config.json."""
        return asdict(self)


class Conv1D(nn.Module):
    """A linear map with the weight [in, out]."""

    def __init__(self, n_in: int, n_out: int, std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * std)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t(), self.bias)


class Attention(nn.Module):
    """Causal self-attention; what adds to the residual stream starts at zero."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.n_head = shape.n_head
        self.c_attn = Conv1D(shape.n_embd, 3 * shape.n_embd, shape.n_embd ** -0.5)
        self.c_proj = Conv1D(shape.n_embd, shape.n_embd, 0.0)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, T, n]; mask [B, 1, T, T], true where looking is allowed."""
        b, t, n = x.shape
        q, k, v = (part.view(b, t, self.n_head, n // self.n_head).transpose(1, 2)
                   for part in self.c_attn(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.c_proj(y.transpose(1, 2).reshape(b, t, n))


class Mlp(nn.Module):
    """Four times as wide inside, GELU in its tanh form."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = Conv1D(shape.n_embd, 4 * shape.n_embd, shape.n_embd ** -0.5)
        self.c_proj = Conv1D(4 * shape.n_embd, shape.n_embd, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """A layer: pre-LayerNorm, attention, pre-LayerNorm, MLP."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.n_embd, eps=1e-5)
        self.attn = Attention(shape)
        self.ln_2 = nn.LayerNorm(shape.n_embd, eps=1e-5)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        x = x + F.dropout(self.attn(self.ln_1(x), mask), dropout, self.training)
        return x + F.dropout(self.mlp(self.ln_2(x)), dropout, self.training)


class Body(nn.Module):
    """All but the head, which is tied to the token embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.wte = nn.Embedding(shape.vocab_size, shape.n_embd)
        self.wpe = nn.Embedding(shape.n_ctx, shape.n_embd)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)
        self.h = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.ln_f = nn.LayerNorm(shape.n_embd, eps=1e-5)


class Model(nn.Module):
    """The decoder; `state_dict` has the names of GPT2LMHeadModel, without the tied head."""

    def __init__(self, shape: Shape, seed: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.shape, self.dropout = shape, dropout
        self.transformer = Body(shape)

    def hidden(self, ids: Tensor, position: Tensor, document: Tensor) -> Tensor:
        """The last hidden state [B, T, n], normed. Attention looks back within a document."""
        body = self.transformer
        t = ids.shape[1]
        mask = torch.ones(t, t, dtype=torch.bool, device=ids.device).tril()[None] & \
            (document[:, :, None] == document[:, None, :])
        x = F.dropout(body.wte(ids) + body.wpe(position), self.dropout, self.training)
        for block in body.h:
            x = block(x, mask[:, None], self.dropout)
        return body.ln_f(x)

    def losses(self, ids: Tensor, position: Tensor, document: Tensor) -> Tensor:
        """Nats [B, T] of ids[:, 1:]."""
        x = self.hidden(ids[:, :-1], position, document)
        logits = F.linear(x, self.transformer.wte.weight).float()
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(),
                               reduction="none").view(ids.shape[0], -1)

    def forward(self, ids: Tensor, position: Tensor, document: Tensor, weight: Tensor) -> Tensor:
        """The weighted mean loss in nats."""
        if ids.device.type == "cpu":
            x = self.hidden(ids[:, :-1], position, document).flatten(0, 1)
            return HeadLoss.apply(x, self.transformer.wte.weight, ids[:, 1:].flatten(),
                                  weight.flatten())
        return (self.losses(ids, position, document) * weight).sum() / weight.sum()


class HeadLoss(torch.autograd.Function):
    """Weighted mean cross entropy of the tied head for the CPU. Forward finds the gradients at
    once, in pieces that stay in the cache: twice as fast as a log-softmax over all of it."""

    ROWS = 256

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """hidden [N, n], head [V, n], target [N], weight [N]."""
        work = head.to(hidden.dtype)
        logits = hidden @ work.t()
        scale = weight / weight.sum()
        total = torch.zeros((), dtype=torch.float32)
        for i in range(0, hidden.shape[0], HeadLoss.ROWS):
            part = logits[i:i + HeadLoss.ROWS]
            own, share = target[i:i + HeadLoss.ROWS, None], scale[i:i + HeadLoss.ROWS, None]
            values = part.float()
            top = values.amax(1, keepdim=True)
            picked = values.gather(1, own) - top
            values = values.sub_(top).exp_()
            sums = values.sum(1, keepdim=True)
            total += ((sums.log() - picked) * share).sum()
            values.mul_(share / sums).scatter_add_(1, own, -share)
            part.copy_(values)
        ctx.save_for_backward(logits @ work, logits.t() @ hidden)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_head = ctx.saved_tensors
        return d_hidden * gradients[0], d_head.float() * gradients[0], None, None
