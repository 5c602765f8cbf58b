"""How learning rates change over a training."""

from __future__ import annotations

import math


def cosine_share(step: int, steps: int, warm_up: float) -> float:
    """Return the share of the highest learning rate at a step, counted from 0, of so many.

    It rises over the share `warm_up` of all steps, then falls along half a cosine (Loshchilov and
    Hutter, "SGDR", ICLR 2017, Eq. 5); neither the first nor the last step is for nothing.

    >>> [round(cosine_share(step, 9, 0.2), 2) for step in (0, 1, 8)]
    [0.5, 1.0, 0.04]
    """
    share = (step + 1) / (steps + 1)
    fall = 0.5 + 0.5 * math.cos(math.pi * (share - warm_up) / (1.0 - warm_up))
    return min(share / warm_up, fall)
