# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundled GGUF as what training goes on from, instead of random weights: its vocabulary and its
weights, the matrices widened from Q8_0. Reads it through the gguf package."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import common

NAMES = {"token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f"}
PARTS = {"attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
         "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"}


def _reader(path: Path) -> Any:
    from gguf import GGUFReader
    if not path.exists():
        raise SystemExit(f"{path}: the model to start from is not there")
    return GGUFReader(path)


def tokens_and_merges(path: Path) -> tuple[list[str], list[str]]:
    """The tokens in the order of their ids, and the merges, "left right" each."""
    fields = _reader(path).fields
    tokens, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "merges"))
    if tokens[-len(common.SPECIALS):] != common.SPECIALS:
        raise SystemExit(f"{path}: its vocabulary does not end with {', '.join(common.SPECIALS)}; "
                         "only a model of this recipe can be started from")
    return tokens, merges


def parameter_name(name: str) -> str:
    """A tensor of the GGUF by Hugging Face's name."""
    stem, _, kind = name.rpartition(".")
    block = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
    own = f"h.{block[1]}.{PARTS[block[2]]}" if block else NAMES[stem]
    return f"transformer.{own}.{kind}"


def weights(path: Path) -> dict[str, np.ndarray]:
    """Float32 arrays by Hugging Face's names; the blocks' matrices are [in, out]."""
    from gguf.quants import dequantize
    out: dict[str, np.ndarray] = {}
    for tensor in _reader(path).tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if values.ndim == 2 and tensor.name.startswith("blk."):
            values = values.T
        out[parameter_name(tensor.name)] = np.ascontiguousarray(values)
    return out
