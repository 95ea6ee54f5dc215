"""The picture of act 6: time against length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from ..measure import duration, power_of_ten
from .style import Theme, figure


@dataclass(frozen=True)
class Timings:
    sizes: Sequence[int]
    curves: dict[str, dict[str, list[float]]]


def timings(data: Timings, theme: Theme) -> Figure:
    last = {what: pair["jnp.sort"][-1] / pair["sx.sort"][-1] for what, pair in data.curves.items()}
    forward, gradient = last.values()
    title = f"At {power_of_ten(data.sizes[-1])} numbers: {forward:.1f} times less forward, {gradient:.1f} with the gradient"
    fig = figure(theme, 10, 4.5, title)
    every = [t for pair in data.curves.values() for times in pair.values() for t in times]
    for ax, (what, pair) in zip(fig.subplots(1, 2, sharey=True), data.curves.items(), strict=True):
        _panel(ax, data.sizes, pair, theme)
        ax.set_ylim(min(every) * 0.6, max(every) * 1.7)
        ax.set_title(what)
    return fig


def _panel(ax: Any, sizes: Sequence[int], pair: dict[str, list[float]], theme: Theme) -> None:
    colors = {"jnp.sort": theme.jax, "sx.sort": theme.sortax}
    for name, times in pair.items():
        ax.plot(sizes, times, "o-", color=colors[name], markersize=4.5, markeredgewidth=0)
        ax.annotate(
            f"{name}\n{duration(times[-1])}",
            (sizes[-1], times[-1]),
            (9, 0),
            textcoords="offset points",
            va="center",
            color=colors[name],
            fontweight="bold" if name == "sx.sort" else "normal",
        )
    ax.set(xscale="log", yscale="log", xlabel="numbers", xlim=(sizes[0] * 0.7, sizes[-1] * 10))
    powers = [n for n in sizes if n == 10 ** (len(str(n)) - 1)]
    ax.set_xticks(powers, [power_of_ten(n) for n in powers])
    seconds = [10.0**k for k in range(-6, 1)]
    ax.set_yticks(seconds, [duration(s).replace(".00", "").replace(".0", "") for s in seconds])
    ax.minorticks_off()
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=0)
    ax.spines["left"].set_visible(False)
