"""The acts of the tour, in order. A new act is one more file here, and its pictures one more in `pictures/`."""

from . import claims, digits, medians, soft, ties, timings

ACTS = (claims.ACT, ties.ACT, medians.ACT, digits.ACT, soft.ACT, timings.ACT)
