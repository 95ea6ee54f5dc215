"""The pictures of act 4: digits emerging from noise, the learning curve, and the images side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import SIDE, Theme, bare, figure, sheet


@dataclass(frozen=True)
class Emerging:
    """Images of shape (stop, digit, sample, pixel), and real ones of shape (digit, sample, pixel)."""

    stops: Sequence[int]
    images: np.ndarray
    real: np.ndarray


@dataclass(frozen=True)
class Learning:
    stops: Sequence[int]
    curves: dict[str, list[float]]
    distances: dict[str, float]
    digit: int
    projections: dict[int, np.ndarray]
    real: np.ndarray


@dataclass(frozen=True)
class BeforeAfter:
    images: dict[str, np.ndarray]


def emerging(data: Emerging, theme: Theme) -> Figure:
    fig = figure(theme, 10, 3.75, "Digits emerge from noise: all the network ever sees is sorted projections")
    ax = fig.subplots()
    digits, samples, pixels = data.real.shape
    shown = sheet(np.concatenate([data.images, data.real[None]]).reshape(-1, digits * samples, pixels))
    # Digits stand apart from each other, and the real ones from those that were learnt.
    pitch, gap = SIDE + 1, 3
    bottom = len(data.stops) * pitch
    shown = np.insert(shown, np.repeat(np.arange(1, digits) * samples * pitch, gap), 0, axis=1)
    shown = np.insert(shown, [bottom] * gap, 0, axis=0)
    ax.imshow(shown, cmap=theme.pen, vmin=0, vmax=1)
    bare(ax)
    rows = [*(np.arange(len(data.stops)) * pitch), bottom + gap]
    names = [*(f"step {stop:,}" if stop else "untrained" for stop in data.stops), "real"]
    ax.set_yticks(np.array(rows) + SIDE / 2 - 0.5, names, color=theme.ink)
    ax.tick_params(length=0, pad=8)
    return fig


def learning(data: Learning, theme: Theme) -> Figure:
    end = data.distances["trained through the exact sort"]
    title = f"Training through the sort closes the distance from {data.curves['sorted'][0]:.3f} to {end:.3f}"
    fig = figure(theme, 10, 4.4, title)
    left, right = fig.subplots(1, 2)
    _projections(left, data, theme)
    _curve(right, data, theme)
    return fig


def _projections(ax: Any, data: Learning, theme: Theme) -> None:
    share = (np.arange(data.real.size) + 0.5) / data.real.size
    ax.plot(share, data.real, color=theme.ink, linewidth=5, alpha=0.22, solid_capstyle="butt")
    ax.annotate("real", (share[8], data.real[8]), (6, -16), textcoords="offset points", color=theme.ink)
    for fade, values in zip(np.linspace(0.3, 1, len(data.projections)), data.projections.values(), strict=True):
        ax.plot(share, values, color=theme.sortax, alpha=fade, linewidth=1.8)
    low, high = ax.get_ylim()
    at = -np.inf
    for stop, values in sorted(data.projections.items(), key=lambda item: item[1][-1]):
        # Curves that end close together keep their labels apart.
        at = max(values[-1], at + 0.06 * (high - low))
        text = f"step {stop:,}" if stop else "untrained"
        ax.text(share[-1] + 0.02, at, text, va="center", color=theme.sortax, fontsize=8.5)
    ax.set(xlabel="place in the order, as a share", ylabel="sorted projection", xlim=(0, 1.2), xticks=(0, 0.5, 1))
    ax.set_title(f"What the loss compares: one direction, the digit {data.digit}")


def _curve(ax: Any, data: Learning, theme: Theme) -> None:
    # Step 0 has no place on a logarithmic axis: it stands where step 3 would.
    steps = np.maximum(data.stops, 3)
    for name, color, text in (("unsorted", theme.jax, "without the sort"), ("sorted", theme.sortax, "through the sort")):
        ax.plot(steps, data.curves[name], "o-", color=color, markersize=5, markeredgewidth=0)
        end = (steps[-1], data.curves[name][-1])
        ax.annotate(text, end, (0, 11), textcoords="offset points", ha="right", color=color)
    for name, side, shift in (("real digits", "top", -3), ("a Gaussian for each digit", "bottom", 3)):
        ax.axhline(data.distances[name], color=theme.ink, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        at = (steps[0], data.distances[name])
        ax.annotate(name, at, (0, shift), textcoords="offset points", va=side, fontsize=8.5, color=theme.muted)
    ax.set_xscale("log")
    ax.set_xticks(steps, [f"{stop:,}" for stop in data.stops])
    ax.minorticks_off()
    ax.set(ylim=(0, None), xlabel="steps of training", ylabel="Wasserstein distance (SciPy)")
    ax.set_title("Distance to digits it has not seen")


def before_after(data: BeforeAfter, theme: Theme) -> Figure:
    fig = figure(theme, 10, 4.05, "With the sort the variety of handwriting is learnt; without it, the mean digit")
    panels = ("untrained", "trained without the sort", "trained through the exact sort", "real digits")
    for ax, name in zip(fig.subplots(2, 2).flat, panels, strict=True):
        ax.imshow(sheet(data.images[name].swapaxes(0, 1)), cmap=theme.pen, vmin=0, vmax=1)
        ax.set_title(name, color=theme.sortax if "exact" in name else theme.ink, fontsize=9.5)
        bare(ax)
    return fig
