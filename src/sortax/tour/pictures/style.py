"""One look for all pictures, in a light and a dark theme: who is who by colour, and titles that say what was found."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

SIDE = 8
"""Of an image of a digit, in pixels."""


@dataclass(frozen=True)
class Theme:
    name: str
    paper: str
    ink: str
    muted: str
    faint: str
    sortax: str
    jax: str
    hand: str
    average: str
    directional: str
    shades: tuple[str, str]

    @property
    def weight(self) -> Colormap:
        """From nothing to one."""
        return LinearSegmentedColormap.from_list("weight", [self.paper, self.sortax])

    @property
    def order(self) -> Colormap:
        """From the smallest to the largest."""
        return LinearSegmentedColormap.from_list("order", [self.shades[0], self.sortax, self.shades[1]])

    @property
    def pen(self) -> Colormap:
        """From paper to ink."""
        return LinearSegmentedColormap.from_list("pen", [self.paper, self.ink])


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1b2130",
    muted="#646c7d",
    faint="#e4e7ee",
    sortax="#2f5fe0",
    jax="#8a91a0",
    hand="#bcc1cc",
    average="#0d9488",
    directional="#d9480f",
    shades=("#9ed5f2", "#4b1d86"),
)
DARK = Theme(
    name="dark",
    paper="#171b24",
    ink="#e9ecf3",
    muted="#9aa3b5",
    faint="#2b313e",
    sortax="#7aa0ff",
    jax="#8d96a8",
    hand="#596273",
    average="#34c6b5",
    directional="#ff9256",
    shades=("#48709a", "#f0d7ff"),
)
THEMES = (LIGHT, DARK)


@contextlib.contextmanager
def use(theme: Theme) -> Iterator[None]:
    settings: Any = {
        # The one font that comes with matplotlib: pictures are the same on each machine.
        "font.family": "DejaVu Sans",
        "font.size": 9.5,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "savefig.dpi": 180,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.muted,
        "axes.linewidth": 0.8,
        "axes.labelcolor": theme.muted,
        "axes.titlecolor": theme.ink,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.titlepad": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "text.color": theme.ink,
        "grid.color": theme.faint,
        "grid.linewidth": 0.8,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }
    with matplotlib.rc_context(settings):
        yield


def figure(theme: Theme, width: float, height: float, title: str) -> Figure:
    fig = Figure(figsize=(width, height), layout="constrained")
    fig.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr]
    fig.suptitle(title, x=0.012, ha="left", fontsize=12.5, fontweight="bold", color=theme.ink)
    return fig


def bare(ax: Any) -> None:
    """An axes for an image: no ticks, no frame."""
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def sheet(images: np.ndarray) -> np.ndarray:
    """Images of shape (rows, columns, pixels) on one sheet, with a gap of one pixel between them."""
    rows, columns, _ = images.shape
    tiles = np.pad(images.reshape(rows, columns, SIDE, SIDE), ((0, 0), (0, 0), (0, 1), (0, 1)))
    return tiles.transpose(0, 2, 1, 3).reshape(rows * (SIDE + 1), columns * (SIDE + 1))[:-1, :-1]
