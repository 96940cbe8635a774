"""Areas of interest: read from shapes or a mask picture, tabulated and drawn for each image."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from spgen_lit.data.images import ImageError, read_image
from spgen_lit.evaluation import tables
from spgen_lit.evaluation.aoi import ELSEWHERE, Regions, probabilities, transitions, visits
from spgen_lit.files import shown
from spgen_lit.pictures.interest import Interest, interest_sheet
from spgen_lit.predicting.illustration import Observers, read_within
from spgen_lit.predicting.outputs import Failure, Item, Outputs
from spgen_lit.scanpath import Scanpath

_SHAPES = ("polygon", "box", "ellipse")
_FORM = (
    '{"width": 800, "height": 600, "regions": [{"name": "face", "polygon": [[x, y], …]} or '
    '{"name": …, "box": [left, top, width, height]} or '
    '{"name": …, "ellipse": [centre x, centre y, radius x, radius y]}]}'
)


def read_regions(path: str | Path) -> Regions:
    """Regions of one image from a ``.json`` of shapes or a mask picture.

    JSON: see ``docs/predict.md``; shapes are in px of the stated width and height, and where
    two overlap the later one counts. Mask: every colour but black is a region, named
    ``1``, ``2``, … in order of grey value for grey masks and ``#rrggbb`` for coloured ones.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For a file of another form; the message names the region and field.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file of regions")
    if file.suffix.lower() != ".json":
        return _from_mask(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    return regions_of(content, str(file))


def regions_of(content: Any, where: str) -> Regions:
    """Regions of one image from the content of a JSON file; ``where`` names it in errors."""
    try:
        width, height = int(content["width"]), int(content["height"])
        shapes = list(content["regions"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: missing or wrong: {error}; needed {_FORM}") from error
    if min(width, height) < 1 or not shapes:
        raise ValueError(f"{where}: needs a positive width and height and at least one region")
    labels = np.zeros((height, width), np.int32)
    names: list[str] = []
    for number, shape in enumerate(shapes):
        name = str(shape.get("name", "")) if isinstance(shape, dict) else ""
        kinds = [kind for kind in _SHAPES if isinstance(shape, dict) and kind in shape]
        if not name or len(kinds) != 1:
            raise ValueError(
                f"{where}: region {number} ({name or 'unnamed'}) needs a name and exactly one of "
                f"{', '.join(_SHAPES)}; needed {_FORM}"
            )
        if name not in names:
            names.append(name)
        outline = _outline(kinds[0], shape[kinds[0]], f"{where}: region {name!r}")
        _fill(labels, outline, names.index(name) + 1)
    return Regions(tuple(names), labels)


def _outline(kind: str, values: Any, where: str) -> NDArray[np.float64]:
    """Corners ``(corner, 2)`` in px of a shape."""
    try:
        given = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.empty(0)
    needed = {"polygon": "three or more [x, y]", "box": "[left, top, width, height]"}
    shape = given.ndim == 2 and given.shape[1] == 2 and len(given) >= 3
    if kind != "polygon":
        shape = given.shape == (4,) and bool((given[2:] > 0).all())
    if not shape or not np.isfinite(given).all():
        form = needed.get(kind, "[centre x, centre y, radius x, radius y]")
        raise ValueError(f"{where}: {kind} needs {form} in px, found {values!r}")
    if kind == "polygon":
        return given
    if kind == "box":
        left, top, width, height = given
        right, bottom = left + width, top + height
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    return given[:2] + given[2:] * np.column_stack([np.cos(angle), np.sin(angle)])


def _fill(labels: NDArray[np.int32], outline: NDArray[np.float64], label: int) -> None:
    """Label, in place, every px whose centre lies inside the outline."""
    height, width = labels.shape
    low = np.clip(np.floor(outline.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)), 0, (width, height)).astype(int)
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    centres = np.column_stack([columns.ravel(), rows.ravel()]) + 0.5
    inside = Outline(outline).contains_points(centres).reshape(columns.shape)
    labels[low[1] : high[1], low[0] : high[0]][inside] = label


def _from_mask(file: Path) -> Regions:
    rgb = read_image(file).astype(np.int32)
    codes = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
    found = [int(code) for code in np.unique(codes) if code]
    if not found:
        raise ValueError(f"{file}: the mask is black all over, so it holds no region")
    if len(found) > 64:
        raise ValueError(
            f"{file}: {len(found)} colours, more than 64 regions; save the mask without "
            "smoothing, as PNG"
        )
    grey = bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())
    names = [str(i + 1) if grey else f"#{code:06x}" for i, code in enumerate(found)]
    labels = np.searchsorted(np.array([0, *found]), codes)
    return Regions(tuple(names), labels)


Finder = Callable[[str], Regions | None]


def find_regions(source: str | Path | None) -> Finder:
    """Look-up of an image's regions by its name.

    Args:
        source: A folder with ``<image>.json`` or ``<image>.png`` beside each other, where
            ``<image>`` is the file name with or without its suffix; or one JSON
            ``{"images": {"<file name>": {"width": …, "height": …, "regions": […]}}}``; or
            None for no regions.

    Returns:
        A function from image name to its regions, or None where it has none; it raises
        ``ValueError`` for a faulty file.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If a file is not such a JSON.
    """
    if source is None:
        return lambda key: None
    place = Path(source)
    if place.is_dir():
        return lambda key: _beside(place, key)
    if not place.is_file():
        raise FileNotFoundError(f"regions={place}: no such file or folder")
    try:
        images = json.loads(place.read_text(encoding="utf-8"))["images"]
        by_name = {str(name): content for name, content in images.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'regions={place}: needed {{"images": {{"<file name>": {_FORM}}}}}, or a folder '
            "with one file an image"
        ) from error

    def listed(key: str) -> Regions | None:
        name = key if key in by_name else Path(key).name
        return regions_of(by_name[name], f"{place}: {name}") if name in by_name else None

    return listed


def _beside(folder: Path, key: str) -> Regions | None:
    name = Path(key)
    stems = (name, name.with_suffix(""), Path(name.name), Path(name.stem))
    for stem in stems:
        for suffix in (".json", ".png"):
            file = folder / f"{stem}{suffix}"
            if file.is_file():
                return read_regions(file)
    return None


#: Columns of the table, and what they hold: see ``spgen_lit.evaluation.aoi.Visit``.
UNITS = {"dwell": "dwell_s", "first_time": "first_time_s"}


def tabulate_regions(
    outputs: Outputs,
    items: Sequence[Item],
    find: Finder,
    observers: Observers,
    side: int,
    warning: str = "",
) -> tuple[int, list[Failure]]:
    """Write ``regions/<key>.csv``, ``….transitions.csv`` and ``….png`` where regions exist.

    Args:
        outputs: The output folder, holding the items' scanpaths.
        items: Images that are done.
        find: An image's key to its regions.
        observers: An image's key to people's scanpaths.
        side: Longest side in px at which the image is read for the picture.
        warning: What must be known of the model, at the foot of the picture.

    Returns:
        How many images had regions, and the ones whose files were faulty.
    """
    count, failures = 0, []
    for item in items:
        try:
            regions = find(item.key)
            if regions is None:
                continue
            paths, _ = outputs.read(item)
            groups = {"model": paths, observers.title: observers.on(item.key)}
            groups = {name: paths for name, paths in groups.items() if paths}
            _write(outputs, item, regions, groups, side, warning)
            count += 1
        except (ValueError, OSError, ImageError) as error:
            failures.append(Failure(item.path, str(error).splitlines()[0]))
    return count, failures


def _write(
    outputs: Outputs,
    item: Item,
    regions: Regions,
    groups: Mapping[str, Sequence[Scanpath]],
    side: int,
    warning: str,
) -> None:
    visited = {name: visits(paths, regions) for name, paths in groups.items()}
    counts = {name: transitions(paths, regions) for name, paths in groups.items()}
    seen = [{"group": name, **asdict(visit)} for name, rows in visited.items() for visit in rows]
    frame = pd.DataFrame(seen).rename(columns=UNITS).round(4)
    tables.write(outputs.file("regions", item, ".csv"), frame)
    places = [*regions.names, ELSEWHERE]
    moved = [
        (name, places[start], places[end], number, probabilities(steps)[start, end])
        for name, steps in counts.items()
        for (start, end), number in np.ndenumerate(steps)
    ]
    frame = pd.DataFrame(moved, columns=["group", "from", "to", "count", "probability"]).round(4)
    tables.write(outputs.file("regions", item, ".transitions.csv"), frame)
    interest = {
        name: Interest(np.array([v.dwell_share for v in visited[name]]), probabilities(steps))
        for name, steps in counts.items()
    }
    picture = read_within(item.path, side)
    interest_sheet(
        picture,
        regions.names,
        regions.labels,
        interest,
        title=shown(item.key),
        warning=warning,
        path=outputs.file("regions", item, ".png"),
    )
