"""Metrics on maps: how well a saliency map or density predicts where people looked.

Places are x, y in px of the map; a place is on the map where 0 <= x < width and 0 <= y < height,
and takes the value of the pixel it falls into. Places off the map are dropped (except by
:func:`congruency`, where they are misses): :func:`off_map` counts them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

Map = NDArray[np.float64]


def fixation_density(xy: ArrayLike, size: tuple[int, int], sigma: float) -> Map:
    """Gaussian-blurred fixations as a probability density.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``; places off the map are dropped.
        size: Width and height in px.
        sigma: Standard deviation of the blur in px, often one degree.

    Returns:
        ``(height, width)``, summing to 1; uniform where no fixation is on the map.

    Raises:
        ValueError: For a sigma not above 0.
    """
    if not sigma > 0:
        raise ValueError(f"fixation_density needs sigma above 0 px, found {sigma}")
    counts = np.zeros((size[1], size[0]))
    rows, columns = _pixels(xy, counts.shape)
    np.add.at(counts, (rows, columns), 1.0)
    blurred = gaussian_filter(counts, sigma, mode="constant", truncate=6.0)
    return normalised(blurred)


def off_map(xy: ArrayLike, size: tuple[int, int]) -> int:
    """How many places ``(fixation, 2 or more)`` lie off a map of this width and height."""
    return len(np.asarray(xy)) - len(_pixels(xy, (size[1], size[0]))[0])


def nss(xy: ArrayLike, saliency: ArrayLike) -> float:
    """Normalised scanpath saliency: mean z-score (ddof 0) at the fixations; higher is better.

    Every fixation counts, repeated ones too.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``.
        saliency: Map ``(height, width)``.

    Returns:
        NaN without a fixation on the map or for a constant map.
    """
    values = _map(saliency)
    at = _pixels(xy, values.shape)
    spread = float(values.std())
    if len(at[0]) == 0 or values.max() == values.min():
        return math.nan
    return float((values[at].mean() - values.mean()) / spread)


def auc_judd(xy: ArrayLike, saliency: ArrayLike) -> float:
    """Area under the ROC curve, fixated pixels against all others (Judd et al. 2009), no jitter.

    Thresholds are the values at the fixations; a pixel at a threshold counts as above it, for
    fixations and others alike; every fixation counts, an unfixated pixel once. 0.5 is chance.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``.
        saliency: Map ``(height, width)``.

    Returns:
        In [0, 1]; NaN without a fixation on the map.
    """
    values = _map(saliency)
    at = _pixels(xy, values.shape)
    others = np.ones(values.shape, dtype=np.bool_)
    others[at] = False
    positive, negative = np.sort(values[at]), np.sort(values[others])
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    thresholds = np.unique(positive)[::-1]
    rates = [
        np.concatenate([[0.0], 1 - np.searchsorted(side, thresholds) / len(side), [1.0]])
        for side in (positive, negative)
    ]
    return float(np.trapezoid(rates[0], rates[1]))


def shuffled_auc(xy: ArrayLike, saliency: ArrayLike, others: ArrayLike) -> float:
    """AUC of fixated places against fixations made on other images; 0.5 is chance.

    The probability that a fixation has a higher value than one from another image, ties half
    (all of ``others`` used, so there is no sampling noise). Centre bias earns nothing.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``.
        saliency: Map ``(height, width)``.
        others: Fixations on other images, in px of this map ``(fixation, 2 or more)``.

    Returns:
        In [0, 1]; NaN without places on the map on either side.
    """
    values = _map(saliency)
    positive = values[_pixels(xy, values.shape)]
    negative = values[_pixels(others, values.shape)]
    if len(positive) == 0 or len(negative) == 0:
        return math.nan
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    wins = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def information_gain(xy: ArrayLike, density: ArrayLike, baseline: ArrayLike) -> float:
    """Information gain over a baseline density in bits per fixation; higher is better.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``.
        density: Probability density ``(height, width)``, summing to 1; see :func:`normalised`.
        baseline: Density to compare with (centre bias, uniform), same shape.

    Returns:
        NaN without a fixation on the map; -inf where the density is 0 at one.

    Raises:
        ValueError: For maps that are no densities or of different shapes.
    """
    model, base = _map(density), _map(baseline)
    _same(model, base)
    for name, each in (("density", model), ("baseline", base)):
        if (each < 0).any() or not math.isclose(each.sum(), 1.0, abs_tol=1e-6):
            raise ValueError(
                f"information_gain needs true densities: {name} sums to {each.sum():.6g} with "
                f"least value {each.min():.3g}; use normalised() first"
            )
    at = _pixels(xy, model.shape)
    if len(at[0]) == 0:
        return math.nan
    with np.errstate(divide="ignore"):
        return float((np.log2(model[at]) - np.log2(base[at])).mean())


def cc(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson correlation of two maps ``(height, width)`` in [-1, 1]; NaN if one is constant."""
    one, two = _map(a), _map(b)
    _same(one, two)
    x, y = one - one.mean(), two - two.mean()
    norm = math.sqrt(float((x * x).sum()) * float((y * y).sum()))
    return float((x * y).sum() / norm) if norm > 0 else math.nan


def kl(saliency: ArrayLike, people: ArrayLike) -> float:
    """Kullback-Leibler divergence of people's density from the map's, in nats; lower is better.

    sum p log(p / q + eps) with eps = 2.2e-16 inside both, after each map ``(height, width)`` is
    divided by its sum (MIT saliency benchmark). Not symmetric.
    """
    q, p = normalised(saliency), normalised(people)
    _same(q, p)
    eps = float(np.finfo(np.float64).eps)
    return float((p * np.log(eps + p / (q + eps))).sum())


def sim(a: ArrayLike, b: ArrayLike) -> float:
    """Histogram intersection of two maps ``(height, width)`` in [0, 1]; higher is better."""
    p, q = normalised(a), normalised(b)
    _same(p, q)
    return float(np.minimum(p, q).sum())


def normalised(values: ArrayLike, floor: float = 0.0) -> Map:
    """A map of values at least 0 divided by its sum; uniform where it is 0 everywhere.

    Args:
        values: ``(height, width)``.
        floor: Share of the largest value added everywhere, so that no density is 0.

    Raises:
        ValueError: For values below 0 or not finite.
    """
    raw = _map(values)
    if not np.isfinite(raw).all() or (raw < 0).any():
        raise ValueError("a density needs finite values of at least 0: found some that are not")
    lifted = raw + floor * raw.max(initial=0.0)
    total = lifted.sum()
    result: Map = lifted / total if total > 0 else np.full(raw.shape, 1 / max(1, raw.size))
    return result


def congruency(
    xy: ArrayLike, density: ArrayLike, *, area: float | None = 0.2, peak: float | None = None
) -> float:
    """Share of fixations inside the region where other people looked, in [0, 1].

    The region is where people's density reaches a threshold: the value that the stated share of
    the image's area reaches (Torralba et al. 2006), or a stated share of the maximum. A fixation
    off the map is a miss. SPGen's own threshold was never published: figures compare only at one
    threshold.

    Args:
        xy: x, y in px ``(fixation, 2 or more)``.
        density: People's fixation density ``(height, width)``.
        area: Share of the image's area in the region.
        peak: Share of the maximum a pixel needs instead (0.5: half maximum); replaces area.

    Returns:
        NaN without fixations.

    Raises:
        ValueError: For a share outside (0, 1], or with neither given.
    """
    values = _map(density)
    share = area if peak is None else peak
    if share is None or not 0 < share <= 1:
        raise ValueError(f"congruency needs area or peak in (0, 1], found {area} and {peak}")
    if peak is None:
        threshold = float(np.quantile(values, 1 - share))
    else:
        threshold = share * float(values.max())
    count = len(np.asarray(xy))
    inside = values[_pixels(xy, values.shape)] >= threshold
    return float(inside.sum() / count) if count else math.nan


def _map(values: ArrayLike) -> Map:
    result = np.asarray(values, dtype=np.float64)
    if result.ndim != 2:
        raise ValueError(f"a map must have shape (height, width), found {result.shape}")
    return result


def _same(a: Map, b: Map) -> None:
    if a.shape != b.shape:
        raise ValueError(f"maps must have one shape, found {a.shape} and {b.shape}")


def _pixels(xy: ArrayLike, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the places on a map of this shape."""
    places = np.asarray(xy, dtype=np.float64)
    places = places.reshape(0, 2) if places.size == 0 else places
    if places.ndim != 2 or places.shape[1] < 2 or not np.isfinite(places[:, :2]).all():
        raise ValueError(f"fixations must be finite x, y (fixation, 2), found {places.shape}")
    x, y = np.floor(places[:, 0]), np.floor(places[:, 1])
    on = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    return y[on].astype(np.int64), x[on].astype(np.int64)
