# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss curves of a run as SVG: plot.py --work WORK --out loss.svg

Training loss (nats a token, its scale on the left) and bits per byte of each validation source
(on the right) over the tokens seen. Readable on light and on dark."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import common

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 400, 50, 200, 20, 40
COLOURS = ["#888888", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#a05000",
           "#7060c0", "#b0b000"]


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values."""
    for exponent in range(-6, 13):
        for digit in (1, 2, 5):
            step = digit * 10.0 ** exponent
            if (high - low) / step <= most:
                first = -(-low // step)
                return [round((first + i) * step, 9)
                        for i in range(most + 1) if (first + i) * step <= high]
    return [low, high]


class Axes:
    """Maps values to places in the picture."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.x = (0.0, max(xs))
        room = 0.05 * (max(ys) - min(ys) or 1.0)
        self.y = (min(ys) - room, max(ys) + room)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """In pixels."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0] or 1)
        up = (y - self.y[0]) / (self.y[1] - self.y[0] or 1)
        return (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up *
                (HEIGHT - TOP - BOTTOM))

    def line(self, points: list[tuple[float, float]], colour: str, name: str, wide: float) -> str:
        """A curve; its name shows when pointed at."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*p) for p in points))
        return (f'<polyline fill="none" stroke="{colour}" stroke-width="{wide}" '
                f'points="{path}"><title>{name}</title></polyline>')


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#808080") -> str:
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def curves(rows: list[dict[str, Any]]) -> tuple[list[tuple[float, float]],
                                                dict[str, list[tuple[float, float]]]]:
    """Training loss, and bits per byte by source, over millions of tokens."""
    loss = [(row["tokens"] / 1e6, row["loss"]) for row in rows if "loss" in row]
    valid: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for name, value in row.get("valid", {}).items():
            valid.setdefault(name, []).append((row["tokens"] / 1e6, value))
    return loss, valid


def draw(rows: list[dict[str, Any]]) -> str:
    """The picture."""
    loss, valid = curves(rows)
    if len(loss) < 2 or not valid:
        raise SystemExit("the log holds too little to draw")
    xs = [x for x, _ in loss]
    left = Axes(xs, [y for _, y in loss[1:]])
    right = Axes(xs, [y for points in valid.values() for _, y in points])
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11">']
    for tick in ticks(*left.y):
        y = left.place(0, tick)[1]
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                   'stroke="#808080" stroke-opacity="0.25"/>')
        out.append(text(LEFT - 6, y + 4, f"{tick:g}", "end"))
    for tick in ticks(*right.y):
        out.append(text(WIDTH - RIGHT + 6, right.place(0, tick)[1] + 4, f"{tick:g}"))
    for tick in ticks(*left.x):
        out.append(text(left.place(tick, 0)[0], HEIGHT - BOTTOM + 16, f"{tick:g}", "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "million tokens", "middle"))
    out.append(left.line(loss[1:], "#808080", "training loss, nats a token", 1.0))
    out.append(text(WIDTH - RIGHT + 40, TOP + 6, "training loss (left)"))
    for i, (name, points) in enumerate(valid.items()):
        colour = COLOURS[(i + 1) % len(COLOURS)]
        out.append(right.line(points, colour, f"{name}, bits per byte", 2.5 if name == "all" else
                              1.5))
        out.append(text(WIDTH - RIGHT + 40, TOP + 24 + 16 * i, f"{name} {points[-1][1]:.3f}",
                        colour=colour))
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    args = common.arguments(__doc__, work=Path("work"), out=Path("loss.svg"))
    common.write_whole(args.out, draw(list(common.read_lines(args.work / "log.jsonl"))))
