"""Tables and picture of areas of interest for each image of a prediction."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np

from spgen_lit.data.images import ImageError
from spgen_lit.evaluation.aoi import ELSEWHERE, Regions, Visit, probabilities, transitions, visits
from spgen_lit.pictures.interest import Interest, interest_sheet
from spgen_lit.predicting.illustration import Observers, read_within
from spgen_lit.predicting.outputs import Failure, Item, Outputs, from_trials, replace_text, shown
from spgen_lit.predicting.regions import Finder
from spgen_lit.scanpath import Scanpath

#: Columns of the table, and what they hold: see ``spgen_lit.evaluation.aoi.Visit``.
UNITS = {"dwell": "dwell_s", "first_time": "first_time_s"}


def tabulate_regions(
    outputs: Outputs, items: Sequence[Item], find: Finder, observers: Observers, side: int
) -> tuple[int, list[Failure]]:
    """Write ``regions/<key>.csv``, ``….transitions.csv`` and ``….png`` where regions exist.

    Args:
        outputs: The output folder, holding the items' scanpaths.
        items: Images that are done.
        find: An image's key to its regions.
        observers: An image's key to people's scanpaths.
        side: Longest side in px at which the image is read for the picture.

    Returns:
        How many images had regions, and the ones whose files were faulty.
    """
    count, failures = 0, []
    for item in items:
        try:
            regions = find(item.key)
            if regions is None:
                continue
            groups = {"model": from_trials(outputs.read(item)), "people": observers(item.key)}
            groups = {name: paths for name, paths in groups.items() if paths}
            _write(outputs, item, regions, groups, side)
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
) -> None:
    tables = {name: visits(paths, regions) for name, paths in groups.items()}
    counts = {name: transitions(paths, regions) for name, paths in groups.items()}
    replace_text(outputs.file("regions", item, ".csv"), visit_table(tables))
    places = [*regions.names, ELSEWHERE]
    rows: list[Sequence[object]] = []
    for name, steps in counts.items():
        shares = probabilities(steps)
        for (start, end), number in np.ndenumerate(steps):
            share = shares[start, end]
            text = f"{share:.4f}" if math.isfinite(share) else ""
            rows.append((name, places[start], places[end], int(number), text))
    columns = ("group", "from", "to", "count", "probability")
    replace_text(outputs.file("regions", item, ".transitions.csv"), _csv(columns, rows))
    interest = {
        name: Interest(np.array([v.dwell_share for v in tables[name]]), probabilities(steps))
        for name, steps in counts.items()
    }
    picture = read_within(item.path, side)
    target = outputs.file("regions", item, ".png")
    title = shown(item.key)
    interest_sheet(picture, regions.names, regions.labels, interest, title=title, path=target)


def visit_table(tables: Mapping[str, Sequence[Visit]]) -> str:
    """CSV of visits, a row per group and region; empty cells where a figure is undefined."""
    columns = [UNITS.get(column.name, column.name) for column in fields(Visit)]
    rows: list[Sequence[object]] = []
    for name, table in tables.items():
        for visit in table:
            cells = [
                cell if isinstance(cell, str) else f"{cell:.4f}" if math.isfinite(cell) else ""
                for cell in asdict(visit).values()
            ]
            rows.append((name, *cells))
    return _csv(("group", *columns), rows)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
