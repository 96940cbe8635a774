"""Own data: one row a fixation or sample, in columns and units that are declared, never guessed."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spgen_lit.data.images import list_files, list_images
from spgen_lit.data.readers.base import (
    FILE,
    FileReader,
    Problems,
    SetBuilder,
    load,
    need,
    require_words,
)
from spgen_lit.data.readers.rows import load_table, numbers, text
from spgen_lit.data.readers.trackers import load_asc, load_bids, load_psychopy
from spgen_lit.data.records import GazeSet
from spgen_lit.scanpath import Array, FirstFixation, Task, Viewing

DECLARATION = "gaze.yaml"
TRACKERS: dict[str, dict[str, Any]] = load(Path(__file__).with_name("trackers.yaml"))
_DEFAULTS = {"image": "image", "x": "x", "y": "y", "observer": "observer", "decimal": "."}
_TEXTS = ("image", "observer", "trial", "split")
_NUMBERS = ("x", "y", "duration", "order", "width", "height")
_BOX = ("picture_left", "picture_top", "picture_width", "picture_height")
_VIEWING = ("seconds", "px_per_degree")
_TRIAL = ["image", "observer", "trial"]
Trial = dict[str, NDArray[Any]]  # column to its values in the rows of one trial
_ASPECT = 0.02  # relative difference of aspects that rounding explains


@dataclass(frozen=True)
class Table(FileReader):
    """A table (CSV, TSV, Parquet, JSON; also ``.gz``) with one row a fixation.

    Rows of one image, observer and trial form a scanpath, in the table's order or that of
    `order`. A row without x and y stands for a path without fixations. Images are found by
    file name or by name without suffix. A setting left at None is taken from ``gaze.yaml``
    beside the table, else from the preset of `tracker`, else it has its default; ``none`` says
    that there is no such column. A column named ``a|b`` is the first of the two that is there.

    Attributes:
        root: The table, or its folder.
        units: ``px`` or ``relative`` (shares of width and height), of x and y.
        file: The table's name, if `root` is a folder; ``{image}``, ``{observer}``, ``{trial}``
            and ``{split}`` stand for parts of the names of several tables, ``*`` for any text,
            ``**`` for folders.
        tracker: Preset of an exporter: one of those in ``trackers.yaml``.
        images: Folder of the images, relative to the table's folder or absolute; ``images``
            by default, if there is such a folder.
        size: What x and y count, the screen or the image: width and height, or ``image`` for
            each image's own size. Not needed where `width` and `height` name columns.
        picture: Where the picture lay on that screen: left, top, width and height in px
            (or four columns), ``centered`` at its own size, or ``fitted`` (as large as fits,
            centered). None where it filled the screen in its own aspect.
        y_up: Whether y grows upwards.
        origin: Where 0, 0 is: a ``corner``, or the ``center`` of the screen.
        image: Column of the image.
        x: Column of x, to the right; two columns for left and right eye.
        y: Column of y, as `x`.
        observer: Column of the observer.
        trial: Column that tells apart repeated viewings.
        order: Column to sort by; the table's order by default.
        duration: Column of durations.
        time: ``ms`` or ``s``, of durations.
        width: Column of the frame's width in px.
        height: Column of the frame's height in px.
        split: Column of the split (train, val, test).
        eye: Which eye to read where there are two: ``left``, ``right``, or their ``average``.
        eye_column: Column that says which eye a row is of; not needed where it is absent.
        keep: Column to the value, or values, of the rows that count; ``*``: any text.
        merge: Column of the number of a fixation: neighboring rows that share it are one.
        begins: Of ``.asc`` and PsychoPy files: regular expression of the message at which a
            picture appears; its group is the picture's name.
        ends: Of the message at which it goes.
        missing: Cells that stand for a missing value.
        encoding: Of text files; found by byte-order mark, else UTF-8.
        decimal: The decimal sign.
        delimiter: Between columns of a text file; None to find it.
        seconds: How long each picture was shown.
        px_per_degree: Pixels of the screen in a degree of visual angle.
        first_fixation: ``given`` where the first fixation was at a cross, else ``free``.
        task: ``free`` viewing, ``memory``, ``search`` or ``question``.
        name: Name of the set; the folder's own name by default.

    Raises:
        ValueError: From `read`, for units that are not declared, naming the row
            and column of bad content, missing columns or images.
        FileNotFoundError: From `read`, if the table is missing.
    """

    units: Literal["px", "relative"] | None = None
    file: str | None = None
    tracker: str | None = None
    images: str | Path | None = None
    size: tuple[float, float] | Literal["image"] | None = None
    picture: Sequence[float] | Sequence[str] | Literal["centered", "fitted"] | None = None
    y_up: bool | None = None
    origin: Literal["corner", "center"] | None = None
    image: str | None = None
    x: str | Sequence[str] | None = None
    y: str | Sequence[str] | None = None
    observer: str | None = None
    trial: str | None = None
    order: str | None = None
    duration: str | None = None
    time: Literal["ms", "s"] | None = None
    width: str | None = None
    height: str | None = None
    split: str | None = None
    eye: Literal["left", "right", "average"] | None = None
    eye_column: str | None = None
    keep: Mapping[str, str | Sequence[str]] | None = None
    merge: str | None = None
    begins: str | None = None
    ends: str | None = None
    missing: Sequence[str] | None = None
    encoding: str | None = None
    decimal: str | None = None
    delimiter: str | None = None
    seconds: float | None = None
    px_per_degree: float | None = None
    first_fixation: FirstFixation | None = None
    task: Task | None = None
    name: str | None = None

    @property
    def folder(self) -> Path:
        """The table's folder, where ``gaze.yaml`` lies."""
        root = Path(self.root)
        return root if root.is_dir() or self.file else root.parent

    def declaration(self) -> dict[str, Any]:
        """What is declared here or in ``gaze.yaml``, as that file holds it.

        Raises:
            ValueError: If ``gaze.yaml`` holds something else than settings of this reader.
        """
        path = self.folder / DECLARATION
        known = [field.name for field in dataclasses.fields(self) if field.name != "root"]
        stored = load(path) if path.is_file() else {}
        if not isinstance(stored, dict) or set(stored) - set(known):
            raise ValueError(f"{path}: needs settings of a table ({', '.join(known)})")
        here = {key: getattr(self, key) for key in known}
        if self.file is None and Path(self.root).is_file():
            here["file"] = Path(self.root).name
        given = {key: value for key, value in here.items() if value is not None}
        return stored | dict(json.loads(json.dumps(given, default=os.fspath)))  # as YAML holds it

    def whole(self) -> Self:
        """The same reader with everything filled in that is declared elsewhere.

        Raises:
            ValueError: Naming what is not declared.
        """
        declared = self.declaration()
        tracker = declared.get("tracker")
        if tracker is not None and tracker not in TRACKERS:
            raise ValueError(f"tracker must be one of {', '.join(TRACKERS)}, found {tracker!r}")
        values = {**_DEFAULTS, **TRACKERS.get(tracker or "", {}), **declared}
        values.setdefault("images", "images" if (self.folder / "images").is_dir() else ".")
        values = {key: None if value == "none" else value for key, value in values.items()}
        whole = replace(self, **values, root=self.folder)
        require_words(whole, self.folder, "units", "time" if whole.duration else "")
        if whole.units == "px" and whole.size is None and not (whole.width and whole.height):
            raise ValueError(
                f"{self.folder}: px need the size they count: give `size` as [width, height] of "
                "the screen or `image`, or name the columns `width` and `height`"
            )
        on_screen = isinstance(whole.size, (tuple, list)) or whole.width
        if whole.picture in ("centered", "fitted") and not on_screen:
            raise ValueError(f"picture={whole.picture} needs size: [width, height] of the screen")
        return whole

    def _read(self, root: Path, problems: Problems) -> GazeSet:
        return self.whole()._gaze(problems)

    def _gaze(self, problems: Problems) -> GazeSet:
        frame = self._load()
        if not len(frame) and not (self.folder / FILE).is_file():
            raise ValueError(f"{self.folder / str(self.file)}: the table has no rows")
        rows = self._rows(frame, problems)
        folder = self.folder / (self.images or ".")
        files = _image_files(folder, rows["image"].unique(), problems)
        builder = SetBuilder(files, folder, problems, self.folder)
        columns = {key: rows[key].to_numpy() for key in rows}
        for (image, observer, _), index in rows.groupby(_TRIAL, sort=False).indices.items():
            trial = {key: values[index] for key, values in columns.items()}
            with problems.at(trial["where"][0]):
                self._add(builder, image, observer, trial)
        return builder.build(self.name or self.folder.resolve().name)

    def _load(self) -> pd.DataFrame:
        """All tables one below the other, with a column ``where`` and those of their names."""
        frames = []
        for path, named in self._files():
            frame = self._load_file(path)
            if len(frame.columns):
                first = 1 if path.suffix == ".json" else 2
                frame["where"] = [f"{path}: row {row + first}" for row in range(len(frame))]
                columns = {f"{{{key}}}": value for key, value in named.items()}
                frames.append(frame.assign(**columns))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _load_file(self, path: Path) -> pd.DataFrame:
        if path.name.endswith("_physio.tsv.gz"):
            return load_bids(path)
        if path.suffix not in (".asc", ".hdf5"):
            return load_table(path, self.delimiter, self.encoding, self.missing or ())
        if self.begins is None:
            raise ValueError(
                f"{path}: give begins, a regular expression of the messages at which pictures "
                r"appear, with the picture's name as its group: begins='IMAGE (\S+)'"
            )
        if path.suffix == ".asc":
            return load_asc(path, self.begins, self.ends, self.px_per_degree)
        return load_psychopy(path, self.begins, self.ends)

    def _files(self) -> Iterator[tuple[Path, dict[str, str]]]:
        """Tables, each with the parts of its name that `file` names."""
        if self.file is None:
            raise FileNotFoundError(
                f"{self.folder} is a folder or is missing: set `file` to the table's name"
            )
        if not re.search(r"[{*]", self.file):
            table = self.folder / self.file
            yield need(table, "table", "Set `root` to the table, or `file` to its name."), {}
            return
        pattern = re.escape(self.file).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*?")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+?)", pattern)
        files = {path.relative_to(self.folder).as_posix(): path for path in list_files(self.folder)}
        found = [match for name in files if (match := re.fullmatch(pattern, name))]
        if not found:
            raise FileNotFoundError(f"no table {self.file} in {self.folder}; set `file`")
        yield from ((files[match.string], match.groupdict()) for match in found)

    def _rows(self, frame: pd.DataFrame, problems: Problems) -> pd.DataFrame:
        """One row a fixation: where, image, observer, trial, split, x, y, duration and so on.

        Trials with a bad number are reported and left out.
        """
        columns = self._columns(frame)
        frame = self._kept(frame, columns)
        rows = frame[["where", *(key for key in _VIEWING if key in frame)]].copy()
        for key in _TEXTS:
            rows[key] = text(frame[columns[key][0]]) if key in columns else ""
        bad: dict[int, str] = {}
        for key in (*_NUMBERS, *_BOX):
            eyes = []
            for column in columns.get(key, ()):
                values, wrong = numbers(frame[column], self.decimal or ".")
                eyes.append(values)
                bad |= {row: f"column {column} {what}" for row, what in wrong.items()}
            if eyes:
                rows[key] = pd.DataFrame(eyes).mean().to_numpy()  # of the eyes that were seen
        if isinstance(self.picture, (tuple, list)) and _BOX[0] not in rows:
            rows[list(_BOX)] = self.picture
        half = rows["x"].isna() != rows["y"].isna()
        bad = {int(row): "x or y is empty" for row in np.flatnonzero(half)} | bad
        named = zip(rows["where"], rows["image"], rows["observer"], strict=True)
        rows["where"] = [f"{row} (image {image}, observer {who})" for row, image, who in named]
        for row, what in bad.items():
            problems.add(rows.at[row, "where"], what)
        trials = pd.MultiIndex.from_frame(rows[_TRIAL])
        rows = rows[~trials.isin(trials[list(bad)])]
        if "merge" in columns:
            rows = _merged(rows, text(frame[columns["merge"][0]]))
        return rows

    def _kept(self, frame: pd.DataFrame, columns: Mapping[str, list[str]]) -> pd.DataFrame:
        """The rows that count, of the declared eye."""
        for column, accepted in (self.keep or {}).items():
            cells = frame[columns[f"keep {column}"][0]]
            several = isinstance(accepted, (list, tuple))
            values = {str(value).lower() for value in (accepted if several else [accepted])}
            kept = cells.notna() if values == {"*"} else text(cells).str.lower().isin(values)
            if len(frame) and not kept.any():
                raise ValueError(
                    f"{self.folder}: no row has {', '.join(values)} in column {column}; it holds "
                    f"{', '.join(sorted(text(cells).unique())[:5])}"
                )
            frame = frame[kept]
        if self.eye_column in frame:
            eyes = text(frame[self.eye_column]).str.lower().str[:1]
            there = sorted(set(eyes) & {"l", "r"})
            if self.eye in ("left", "right") and self.eye[0] in there:
                frame = frame[eyes == self.eye[0]]
            elif self.eye is not None or len(there) > 1:
                raise ValueError(
                    f"{self.folder}: column {self.eye_column} holds rows of the eyes "
                    f"{', '.join(there)}; eye must be left or right, found {self.eye}"
                )
        return frame.reset_index(drop=True)

    def _columns(self, frame: pd.DataFrame) -> dict[str, list[str]]:
        """What a column holds to its name there; two names for two eyes.

        Raises:
            ValueError: Naming every column that is declared and not there.
        """
        named: dict[str, Any] = {f"keep {key}": key for key in self.keep or {}}
        for key in (*_TEXTS, *_NUMBERS, "merge"):
            in_file_name = f"{{{key}}}"
            named[key] = in_file_name if in_file_name in frame else getattr(self, key)
        if isinstance(self.picture, (tuple, list)) and isinstance(self.picture[0], str):
            named |= zip(_BOX, self.picture, strict=True)
        found: dict[str, list[str]] = {}
        for key, names in named.items():
            listed = [names] if isinstance(names, str) else list(names or ())
            if len(listed) == 2 and self.eye in ("left", "right"):
                listed = [listed[("left", "right").index(self.eye)]]
            spellings = [name.split("|") for name in listed]
            found[key] = [next((n for n in s if n in frame), "|".join(s)) for s in spellings]
        absent = [name for names in found.values() for name in names if name not in frame]
        if absent:
            there = [str(name) for name in frame if name != "where"]
            raise ValueError(
                f"{self.folder / str(self.file)}: no column {', '.join(absent)}; it has "
                f"{', '.join(there)}. Name the columns by image, x, y, observer, trial, order, "
                "duration, width, height (none where there is none)"
            )
        return {key: names for key, names in found.items() if names}

    def _add(self, builder: SetBuilder, image: str, observer: str, trial: Trial) -> None:
        """Take the scanpath of one trial into the set."""
        where, split = trial["where"][0], trial["split"][0]
        stimulus = builder.stimulus(image, where)
        if stimulus is None:
            return
        # BIDS says for each trial how long the picture was shown, and how far the screen was.
        shown, degree = (
            trial[key][0] if key in trial and getattr(self, key) is None else getattr(self, key)
            for key in _VIEWING
        )
        seen = np.flatnonzero(~np.isnan(trial["x"]))
        if self.order:
            seen = seen[np.argsort(trial["order"][seen], kind="stable")]
        trial = {key: values[seen] for key, values in trial.items()}
        seconds = trial["duration"] / (1000 if self.time == "ms" else 1) if self.duration else None
        untimed = 0 if seconds is None else np.isnan(seconds).sum()
        if 0 < untimed < len(seen):
            raise ValueError(f"{len(seen) - untimed} of {len(seen)} fixations have a duration")
        xy, width = self._place(np.asarray(stimulus.size, np.float64), trial)
        if degree is not None and self.units == "px":
            degree = float(degree * stimulus.size[0] / width)
        viewing = Viewing(shown, degree, self.first_fixation, self.task)
        timed = None if untimed else seconds
        builder.add(where, image, xy, timed, observer, split, (1, 1), viewing)

    def _place(self, image: Array, trial: Trial) -> tuple[Array, float]:
        """Fixations in relative units of an image of this size, and its width on the screen."""
        xy = np.column_stack([trial["x"], trial["y"]])
        screen = np.ones((max(len(xy), 1), 2))  # a path of no fixation has a screen, too
        if self.width and self.height:
            screen = np.column_stack([trial["width"], trial["height"]])
        elif self.size is not None:
            screen[:] = image if self.size == "image" else self.size
        if self.units == "relative":
            xy = xy * screen
        zero = screen / 2 if self.origin == "center" else screen * [0, bool(self.y_up)]
        xy = zero + xy * [1, -1 if self.y_up else 1]
        corner, sides = self._rectangle(image, screen, trial)
        return (xy - corner) / sides, sides[0, 0] if len(sides) else image[0]

    def _rectangle(self, image: Array, screen: Array, trial: Trial) -> tuple[Array, Array]:
        """Left and top, width and height of the picture on the screen in px, of each fixation."""
        if self.picture is None:
            aspect = (image[0] / image[1]) / (screen[:, 0] / screen[:, 1])
            if self.units == "px" and np.abs(np.log(aspect)).max(initial=0) > _ASPECT:
                width, height = screen[0]
                raise ValueError(
                    f"an image of {image[0]:g}x{image[1]:g} px does not fill {width:g}x{height:g} "
                    "px: say where it lay by picture: centered, fitted, or [left, top, width, "
                    f"height] ([0, 0, {width:g}, {height:g}] if it was stretched)"
                )
            return np.zeros(2), screen
        if self.picture in ("centered", "fitted"):
            fit = (screen / image).min(axis=1, keepdims=True) if self.picture == "fitted" else 1
            sides = np.broadcast_to(image * fit, screen.shape)
            return (screen - sides) / 2, sides
        box = np.column_stack([trial[key] for key in _BOX])
        if not len(box) and not isinstance(self.picture[0], str):
            box = np.asarray([self.picture], np.float64)
        return box[:, :2], box[:, 2:]


def _image_files(folder: Path, images: Sequence[str], problems: Problems) -> dict[str, Path]:
    """Image files by path in the folder, name, stem, or folder of a ``reference_image``."""
    found = list_images(need(folder, "folder of images", "Set `images` to it."))
    files = {path.parent.name: path for path in found if path.stem == "reference_image"}
    files |= {path.stem: path for path in found}
    files |= {path.name: path for path in found}
    by_path = {path.relative_to(folder).as_posix(): path for path in found}
    shared = Counter(name for path in found for name in {path.name, path.stem})
    for image in images:
        if shared[image] > 1 and image not in by_path:
            what = f"{shared[image]} images are called {image}; name them with their folders"
            problems.add(folder, what)
    return files | by_path


def _merged(rows: pd.DataFrame, number: pd.Series) -> pd.DataFrame:
    """One row for each run of rows of a trial with the same fixation number."""
    keys = rows[_TRIAL].assign(number=number)
    run = (keys != keys.shift()).any(axis=1).cumsum()
    how = dict.fromkeys(rows, "first")
    how |= {"x": "mean", "y": "mean"} | ({"duration": "max"} if "duration" in rows else {})
    return rows.groupby(run, sort=False).agg(how).reset_index(drop=True)
