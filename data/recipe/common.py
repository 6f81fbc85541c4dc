# SPDX-License-Identifier: GPL-3.0-or-later
"""What every step shares: the form of a conversation, configurations, files written whole."""
from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Iterable, Iterator

HERE = Path(__file__).resolve().parent

END, USER, ASSISTANT = "<|endoftext|>", "<|user|>", "<|assistant|>"
SPECIALS = [END, USER, ASSISTANT]  # the last ids of the vocabulary, in this order

# What transformers applies and confab recognises; the same form as `Vocabulary.conversation`.
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'user' %}"
    "{{ '<|user|>' + m['content'] | trim + '<|endoftext|>' }}"
    "{% elif m['role'] == 'assistant' %}"
    "{{ '<|assistant|>' + m['content'] | trim + '<|endoftext|>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def arguments(doc: str | None, **options: Any) -> argparse.Namespace:
    """The command line of a step: `name=default`, a Path default makes a Path, a bool a switch."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action="store_true")
        elif isinstance(default, list):
            parser.add_argument(flag, nargs="*", default=default)
        elif default is None:
            parser.add_argument(flag)
        else:
            parser.add_argument(flag, type=type(default) if not isinstance(default, Path) else Path,
                                default=default, help=f"default: {default}")
    return parser.parse_args()


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary."""
    with open(path, "rb") as file:
        return tomllib.load(file)


def open_text(path: Path) -> Any:
    """A text file to read, also one packed with xz."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


def read_lines(path: Path) -> Iterator[Any]:
    """The values of a file of JSON lines."""
    with open_text(path) as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def write_whole(path: Path, data: bytes | str) -> None:
    """Writes a file so that a reader finds the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="." + path.name)
    with os.fdopen(handle, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, 0o644)
    os.replace(name, path)


def write_json(path: Path, value: Any) -> None:
    """A JSON file for people to read, too."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """A file of JSON lines."""
    write_whole(path, "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values))


def digest(text: str) -> int:
    """64 bits that depend on the text alone: for splits and for draws that must not move."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def part_of(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return digest(text) / 2.0**64


def messages(turns: list[str], first: str = "user") -> list[dict[str, str]]:
    """Turns in OpenAI's form, the roles alternating from FIRST."""
    roles = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    return [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
