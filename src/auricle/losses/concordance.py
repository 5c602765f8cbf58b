"""Loss for agreement in order, spread and level at once."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.losses.pairwise import labelled

# Batches that spread (and miss) less than this mean square, in units of the labels, have no
# concordance to speak of: dividing by less would blow up rounding noise.
_LEAST = 1e-6


def concordance_loss(predicted: Tensor, label: Tensor) -> Tensor:
    """Return 1 - CCC, the concordance correlation coefficient, in 0..2.

    `CCC = 2 cov(p, y) / (var(p) + var(y) + (mean(p) - mean(y))^2)` over the clips of the batch, all
    moments divided by n. `predicted` and `label` are `[batch]` or `[batch, axis]`; a label that is
    NaN is missing. Axes are averaged; one with fewer than two labels doesn't count, and a batch
    without any costs 0. Constant predictions or labels cost 1. Raises `DataError` when shapes
    differ.

    Source: L. I. Lin, "A concordance correlation coefficient to evaluate reproducibility",
    Biometrics 45 (1989); as a loss, Atmaja and Akagi, "Evaluation of error- and correlation-based
    loss functions", J. Phys. Conf. Ser. 1896 (2021). The code of MMMOS (arXiv 2507.04094, III-C4)
    divides the variances by n - 1 but the covariance by n, so that perfect predictions cost 1/n
    there; here they cost 0.

    >>> label = torch.tensor([1.0, 2.0, 3.0])
    >>> round(concordance_loss(label, label).item(), 6)
    0.0
    >>> round(concordance_loss(label + 1.0, label).item(), 6)
    0.428571
    """
    known_predicted, known_label, known = labelled(predicted, label)
    labels = known.sum(dim=0)
    count = labels.clamp_min(1)
    means = [
        torch.where(known, values, 0.0).sum(dim=0) / count
        for values in (known_predicted, known_label)
    ]
    first = torch.where(known, known_predicted - means[0], 0.0)
    second = torch.where(known, known_label - means[1], 0.0)
    covariance = (first * second).sum(dim=0) / count
    spread = (first.square() + second.square()).sum(dim=0) / count
    total = spread + (means[0] - means[1]).square()
    counted = labels >= 2
    loss = torch.where(counted, 1.0 - 2.0 * covariance / total.clamp_min(_LEAST), 0.0)
    return loss.sum() / counted.sum().clamp_min(1)
