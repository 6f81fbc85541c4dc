# SPDX-License-Identifier: GPL-3.0-or-later
"""From WORK/model.pt to a Hugging Face folder in F16, and to the bundled GGUF in Q8_0.

    export.py --config configs/cpu.toml --work WORK --out MODEL [--confab CONFAB]

Without a WORK/model.pt, a MODEL folder that is there already (from a machine that only trained) is
taken as it is, but for the sampling settings of the configuration.

MODEL gets config.json, model.safetensors, vocab.json, merges.txt, tokenizer_config.json (with the
chat template), special_tokens_map.json and generation_config.json; with --confab, `confab model
convert` writes MODEL.gguf beside it. Needs no PyTorch but to read model.pt."""
from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

import common

LICENCE_LINKS = {
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
}


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A safetensors file of F16 or F32 arrays: length of the header, JSON, data."""
    names = {"float16": "F16", "float32": "F32"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, array in tensors.items():
        header[name] = {"dtype": names[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in tensors.values())
    common.write_whole(path, struct.pack("<Q", len(head)) + head + body)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The other way, widened to float32."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    out: dict[str, np.ndarray] = {}
    for name, row in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in row["data_offsets"])
            kind = np.float16 if row["dtype"] == "F16" else np.float32
            out[name] = np.frombuffer(raw[begin:end], kind).reshape(row["shape"]).astype(np.float32)
    return out


def config_json(shape: dict[str, int]) -> dict[str, Any]:
    """config.json of GPT2LMHeadModel."""
    end = shape["vocab_size"] - len(common.SPECIALS)
    return {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"],
        "n_layer": shape["n_layer"], "n_head": shape["n_head"], "n_embd": shape["n_embd"],
        "n_inner": None, "n_positions": shape["n_ctx"], "n_ctx": shape["n_ctx"],
        "vocab_size": shape["vocab_size"], "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-05, "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False,
        "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "initializer_range": 0.02,
        "tie_word_embeddings": True, "use_cache": True, "torch_dtype": "float16",
        "bos_token_id": end, "eos_token_id": end, "pad_token_id": end}


def tokenizer_json(n_ctx: int, vocab_size: int) -> dict[str, Any]:
    """tokenizer_config.json: the special tokens, and the form of a conversation."""
    end = vocab_size - len(common.SPECIALS)
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
             "special": True}
    return {
        "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "add_bos_token": False,
        "errors": "replace", "clean_up_tokenization_spaces": False, "model_max_length": n_ctx,
        "bos_token": common.END, "eos_token": common.END, "unk_token": common.END,
        "pad_token": common.END, "additional_special_tokens": common.SPECIALS[1:],
        "added_tokens_decoder": {str(end + i): {"content": name, **flags}
                                 for i, name in enumerate(common.SPECIALS)},
        "chat_template": common.CHAT_TEMPLATE}


def write_sampling(config: dict[str, Any], out: Path, end: int) -> None:
    """generation_config.json: what the model asks for."""
    wanted: dict[str, Any] = config.get("sampling", {})
    common.write_json(out / "generation_config.json", {"do_sample": True} | wanted | {
        "bos_token_id": end, "eos_token_id": end, "pad_token_id": end})


def export(config: dict[str, Any], work: Path, out: Path) -> None:
    """Writes the folder."""
    if not (work / "model.pt").exists() and (out / "model.safetensors").exists():
        write_sampling(config, out, json.loads((out / "config.json").read_text())["eos_token_id"])
        print(f"{out}: taken as it is")
        return
    import torch  # the rest of this file works without it
    kept = torch.load(work / "model.pt", map_location="cpu", weights_only=False)
    shape: dict[str, int] = kept["shape"]
    tensors = {name: p.to(torch.float16).numpy() for name, p in kept["model"].items()}
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise SystemExit(f"{work / 'model.pt'}: {name} does not fit into F16")
    write_safetensors(out / "model.safetensors", tensors)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(work / name, out / name)
    end = shape["vocab_size"] - len(common.SPECIALS)
    common.write_json(out / "config.json", config_json(shape))
    write_sampling(config, out, end)
    common.write_json(out / "tokenizer_config.json",
                      tokenizer_json(shape["n_ctx"], shape["vocab_size"]))
    common.write_json(out / "special_tokens_map.json", {
        "bos_token": common.END, "eos_token": common.END, "unk_token": common.END,
        "pad_token": common.END, "additional_special_tokens": common.SPECIALS[1:]})
    print(f"{out}: step {kept['step']}, {kept['tokens']} tokens, "
          f"{sum(a.size for a in tensors.values())} parameters", flush=True)


def convert(config: dict[str, Any], out: Path, confab: str) -> Path:
    """MODEL.gguf beside the folder, with what the card says in short."""
    card: dict[str, str] = config.get("card", {})
    licence = card.get("license", "cc-by-4.0")
    keys = {"general.name": card.get("name", out.name),
            "general.description": card.get("description", ""),
            "general.author": "the confab project",
            "general.license": licence, "general.license.link": LICENCE_LINKS.get(licence, "")}
    path = out.with_suffix(".gguf")
    subprocess.run([confab, "model", "convert", str(out), str(path), "--type", "q8_0", "--yes",
                    *(f"{key}={value}" for key, value in keys.items() if value)], check=True)
    return path


if __name__ == "__main__":
    args = common.arguments(__doc__, config=common.HERE / "configs/cpu.toml", work=Path("work"),
                            out=Path("confab-small"), confab=None)
    settings = common.read_toml(args.config)
    export(settings, args.work, args.out)
    if args.confab:
        convert(settings, args.out, args.confab)
