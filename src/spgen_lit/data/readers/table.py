"""Own data: one row a fixation or sample, in columns and units that are declared, never guessed."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import yaml

from spgen_lit.data.images import list_files, list_images
from spgen_lit.data.readers.base import FileReader, Problems, SetFile, measure, need, sort_splits
from spgen_lit.data.readers.rows import load_table, numbers, text
from spgen_lit.data.readers.trackers import load_asc, load_bids, load_psychopy
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Array, FirstFixation, Scanpath, Task, Viewing

DECLARATION = "gaze.yaml"
TRACKERS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("trackers.yaml").read_text(encoding="utf-8")
)
_DEFAULTS = {"image": "image", "x": "x", "y": "y", "observer": "observer", "decimal": "."}
_PARTS = ("image", "observer", "trial", "split")
_NUMBERS = ("x", "y", "duration", "order", "width", "height")
_PLACED = ("picture_left", "picture_top", "picture_width", "picture_height")
_TOLD = ("seconds", "px_per_degree")
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

    root: str | Path
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
    keep: Mapping[str, Any] | None = None
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
        stored = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if not isinstance(stored, dict) or set(stored) - set(known):
            raise ValueError(f"{path}: needs settings of a table ({', '.join(known)})")
        given = {key: getattr(self, key) for key in known}
        if self.file is None and Path(self.root).is_file():
            given["file"] = Path(self.root).name
        plain = {key: value for key, value in given.items() if value is not None}
        return stored | {key: _plain(value) for key, value in plain.items()}

    def whole(self) -> Self:
        """The same reader with everything filled in that is declared elsewhere.

        Raises:
            ValueError: Naming what is not declared.
        """
        declared = self.declaration()
        tracker = declared.get("tracker")
        if tracker is not None and tracker not in TRACKERS:
            raise ValueError(f"tracker must be one of {', '.join(TRACKERS)}, found {tracker!r}")
        preset = TRACKERS.get(tracker or "", {})
        values = {**_DEFAULTS, **preset, **declared}
        images = "images" if (self.folder / "images").is_dir() else "."
        values.setdefault("images", images)
        absent = {key: None if value == "none" else value for key, value in values.items()}
        reader = replace(self, **absent, root=self.folder)
        reader._validate()
        return reader

    def _validate(self) -> None:
        if self.units not in ("px", "relative"):
            raise ValueError(f"{self.folder}: units must be px or relative, found {self.units!r}")
        if self.duration and self.time not in ("ms", "s"):
            raise ValueError(
                f"{self.folder}: time must be ms or s for durations, found {self.time!r}"
            )
        for key, allowed in (
            ("eye", ("left", "right", "average")),
            ("origin", ("corner", "center")),
            ("first_fixation", ("free", "given")),
            ("task", ("free", "memory", "search", "question")),
        ):
            value = getattr(self, key)
            if value is not None and value not in allowed:
                raise ValueError(f"{key} must be one of {', '.join(allowed)}, found {value!r}")
        if self.units == "px" and self.size is None and not (self.width and self.height):
            raise ValueError(
                f"{self.folder}: px need the size they count: give `size` as [width, height] of "
                "the screen or `image`, or name the columns `width` and `height`"
            )
        placed = isinstance(self.size, (tuple, list)) or self.width
        if self.picture in ("centered", "fitted") and not placed:
            raise ValueError(f"picture={self.picture} needs size: [width, height] of the screen")

    def _read(self, problems: Problems) -> GazeSet:
        return self.whole()._gaze(problems)

    def _gaze(self, problems: Problems) -> GazeSet:
        known = SetFile.load(self.folder, problems)
        frame = self._load(problems)
        if not len(frame) and not known:
            raise ValueError(f"{self.folder / str(self.file)}: the table has no rows")
        rows = self._rows(frame, problems)
        stimuli = known.stimuli if known else self._stimuli(rows["image"].unique(), problems)
        paths: list[Scanpath] = []
        members: dict[str, list[str]] = {}
        for key, trial in rows.groupby(["image", "observer", "trial"], sort=False):
            image, observer = str(key[0]), str(key[1])
            where = f"{trial['where'].iloc[0]} (image {image}, observer {observer})"
            if image not in stimuli:
                problems.add(where, f"image missing: no file {image} in {self._folder()}")
                continue
            if (split := str(trial["split"].iloc[0])) != "":
                members.setdefault(split, []).append(image)
            try:
                paths.append(self._scanpath(stimuli[image], observer, trial))
            except ValueError as error:
                problems.add(where, str(error))
        if known:
            return known.gaze_set(paths)
        paths.sort(key=lambda path: (path.image, path.observer))
        splits = sort_splits(members, problems, self.folder)
        return GazeSet(self.name or self.folder.resolve().name, stimuli, paths, "eye", splits)

    def _load(self, problems: Problems) -> pd.DataFrame:
        """All tables one below the other, with a column ``where`` and those of their names."""
        frames = []
        for path, parts in self._files():
            frame = self._one(path)
            if not len(frame.columns):
                continue
            first = 1 if path.suffix == ".json" else 2
            frame["where"] = [f"{path}: row {row + first}" for row in range(len(frame))]
            frames.append(frame.assign(**{f"{{{part}}}": value for part, value in parts.items()}))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _one(self, path: Path) -> pd.DataFrame:
        if path.name.endswith("_physio.tsv.gz"):
            return load_bids(path)
        if path.suffix in (".asc", ".hdf5"):
            if self.begins is None:
                raise ValueError(
                    f"{path}: give begins, a regular expression of the messages at which pictures "
                    r"appear, with the picture's name as its group: begins='IMAGE (\S+)'"
                )
            load = load_asc if path.suffix == ".asc" else load_psychopy
            return load(path, self.begins, self.ends)
        return load_table(path, self.delimiter, self.encoding, self.missing or ())

    def _files(self) -> Iterator[tuple[Path, dict[str, str]]]:
        pattern = self.file
        if pattern is None:
            raise FileNotFoundError(
                f"{self.folder} is a folder or is missing: set `file` to the table's name"
            )
        if not re.search(r"[{*]", pattern):
            table = self.folder / pattern
            yield need(table, "table", "Set `root` to the table, or `file` to its name."), {}
            return
        pieces = re.split(r"(\{\w+\}|\*\*/|\*)", pattern)
        special = {"**/": "(?:.*/)?", "*": "[^/]*?"}
        regex = "".join(
            f"(?P<{piece[1:-1]}>[^/]+?)"
            if piece.startswith("{")
            else special.get(piece, re.escape(piece))
            for piece in pieces
        )
        found = False
        for path in list_files(self.folder):
            match = re.fullmatch(regex, path.relative_to(self.folder).as_posix())
            if match:
                found = True
                yield path, match.groupdict()
        if not found:
            raise FileNotFoundError(f"no table {pattern} in {self.folder}; set `file`")

    def _rows(self, frame: pd.DataFrame, problems: Problems) -> pd.DataFrame:
        """One row a fixation: where, image, observer, trial, split, x, y, duration and so on.

        Trials with a bad number are reported and left out.
        """
        columns = self._columns(frame)
        frame = self._kept(frame, columns)
        rows = pd.DataFrame({"where": frame["where"]})
        for key in _PARTS:
            rows[key] = text(frame[columns[key][0]]) if key in columns else ""
        for key in _TOLD:
            if key in frame and getattr(self, key) is None:
                rows[key] = frame[key]
        bad: dict[int, str] = {}
        for key in (*_NUMBERS, *_PLACED):
            values = []
            for column in columns.get(key, ()):
                found, wrong = numbers(frame[column], self.decimal or ".")
                values.append(found)
                bad |= {row: f"column {column} {what}" for row, what in wrong.items()}
            if values:
                rows[key] = values[0] if len(values) == 1 else _mean(values)
        half = rows["x"].isna() != rows["y"].isna()
        bad = {int(row): "x or y is empty" for row in np.flatnonzero(half)} | bad
        keys = ["image", "observer", "trial"]
        for row, what in bad.items():
            where, image, observer = rows.iloc[row][["where", "image", "observer"]]
            problems.add(f"{where} (image {image}, observer {observer})", what)
        if bad:
            trial = pd.MultiIndex.from_frame(rows[keys])
            rows = rows[~trial.isin(trial[list(bad)])]
        if "merge" not in columns:
            return rows
        return _merged(rows, text(frame[columns["merge"][0]]).loc[rows.index])

    def _kept(self, frame: pd.DataFrame, columns: Mapping[str, list[str]]) -> pd.DataFrame:
        """The rows that count, of the eye that is asked for."""
        for column, wanted in (self.keep or {}).items():
            cells = frame[columns[f"keep {column}"][0]]
            listed = wanted if isinstance(wanted, (list, tuple)) else [wanted]
            values = {str(value).lower() for value in listed}
            chosen = cells.notna() if values == {"*"} else text(cells).str.lower().isin(values)
            if len(frame) and not chosen.any():
                raise ValueError(
                    f"{self.folder}: no row has {', '.join(values)} in column {column}; it holds "
                    f"{', '.join(sorted(text(cells).unique())[:5])}"
                )
            frame = frame[chosen]
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
        named: dict[str, Any] = {f"keep {column}": column for column in self.keep or {}}
        for key in (*_PARTS, *_NUMBERS, "merge"):
            inside = f"{{{key}}}"  # in the names of the files
            named[key] = inside if inside in frame else getattr(self, key)
        for key in ("x", "y"):
            if not isinstance(named[key], str) and self.eye in ("left", "right"):
                named[key] = named[key][("left", "right").index(self.eye)]
        if isinstance(self.picture, (tuple, list)) and isinstance(self.picture[0], str):
            named |= zip(_PLACED, self.picture, strict=True)
        found, absent = {}, []
        for key, names in named.items():
            if names is None:
                continue
            found[key] = [names] if isinstance(names, str) else list(names)
            for place, name in enumerate(found[key]):
                there = [choice for choice in name.split("|") if choice in frame]
                found[key][place] = there[0] if there else name
                absent += [] if there else [name]
        if absent:
            there = [str(name) for name in frame if name != "where"]
            raise ValueError(
                f"{self.folder / str(self.file)}: no column {', '.join(absent)}; it has "
                f"{', '.join(there)}. Name the columns by image, x, y, observer, trial, order, "
                "duration, width, height (none where there is none)"
            )
        return found

    def _folder(self) -> Path:
        return self.folder / (self.images or ".")

    def _stimuli(self, images: Sequence[str], problems: Problems) -> dict[str, Stimulus]:
        folder = need(self._folder(), "folder of images", "Set `images` to it.")
        found = list_images(folder)
        files = {path.parent.name: path for path in found if path.stem == "reference_image"}
        files |= {path.stem: path for path in found}
        files |= {path.name: path for path in found}
        whole = {path.relative_to(folder).as_posix(): path for path in found}
        shared = Counter(name for path in found for name in {path.name, path.stem})
        for image in images:
            if shared[image] > 1 and image not in whole:
                what = f"{shared[image]} images are called {image}; name them with their folders"
                problems.add(folder, what)
        files |= whole
        return measure(((i, files[i]) for i in sorted(images) if i in files), problems)

    def _scanpath(self, stimulus: Stimulus, observer: str, trial: pd.DataFrame) -> Scanpath:
        rows = trial[trial["x"].notna()]
        if self.order:
            rows = rows.sort_values("order", kind="stable")
        durations = None
        if self.duration:
            lasting = rows["duration"].to_numpy() / (1000 if self.time == "ms" else 1)
            known = np.isfinite(lasting)
            if known.any() and not known.all():
                raise ValueError(f"{known.sum()} of {len(rows)} fixations have a duration")
            durations = lasting if known.all() else None
        xy, width = self._placed(stimulus, rows)
        # BIDS says for each trial how long the picture was shown, and how far the screen was.
        told = {key: trial[key].iloc[0] for key in _TOLD if key in trial}
        seconds = told.get("seconds") if self.seconds is None else self.seconds
        degree = told.get("px_per_degree") if self.px_per_degree is None else self.px_per_degree
        if degree is not None and self.units == "px":
            degree = float(degree * stimulus.size[0] / width)
        viewing = Viewing(seconds, degree, self.first_fixation, self.task)
        return Scanpath(stimulus.id, stimulus.size, xy, durations, observer, viewing)

    def _placed(self, stimulus: Stimulus, rows: pd.DataFrame) -> tuple[Array, float]:
        """Places in shares of the image ``(fixation, 2)``, and the picture's width in px."""
        xy = rows[["x", "y"]].to_numpy(np.float64)
        own = np.asarray(stimulus.size, np.float64)
        screen = np.ones(2)
        if self.width and self.height:
            screen = rows[["width", "height"]].to_numpy(np.float64)
        elif self.size is not None:
            screen = own if self.size == "image" else np.asarray(self.size, np.float64)
        if self.units == "relative":
            xy = xy * screen
        if self.origin == "center":
            xy = xy * [1, -1 if self.y_up else 1] + screen / 2
        elif self.y_up:
            xy = np.column_stack([xy[:, 0], (screen - xy)[:, 1]])
        corner, sides = self._rectangle(own, screen, rows)
        width = float(np.atleast_2d(sides)[0, 0]) if sides.size else own[0]
        return (xy - corner) / sides, width

    def _rectangle(self, own: Array, screen: Array, rows: pd.DataFrame) -> tuple[Array, Array]:
        """Left and top, width and height of the picture on the screen in px."""
        if self.picture is None:
            aspect = (own[0] / own[1]) / (screen[..., 0] / screen[..., 1])
            if self.units == "px" and np.abs(np.log(aspect)).max(initial=0) > _ASPECT:
                width, height = np.atleast_2d(screen)[0]
                raise ValueError(
                    f"an image of {own[0]:g}x{own[1]:g} px does not fill {width:g}x{height:g} px: "
                    "say where it lay by picture: centered, fitted, or [left, top, width, height] "
                    f"([0, 0, {width:g}, {height:g}] if it was stretched)"
                )
            return np.zeros(2), screen
        if self.picture == "centered":
            return (screen - own) / 2, np.broadcast_to(own, screen.shape)
        if self.picture == "fitted":
            sides = own * (screen / own).min(axis=-1, keepdims=True)
            return (screen - sides) / 2, sides
        if isinstance(self.picture[0], str):
            box = rows[list(_PLACED)].to_numpy(np.float64)
            return box[:, :2], box[:, 2:]
        box = np.asarray(self.picture, np.float64)
        return box[:2], box[2:]


def _plain(value: Any) -> Any:
    """A setting as YAML holds it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _mean(values: list[Array]) -> Array:
    """Mean of two eyes, or the one that is there."""
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def _merged(rows: pd.DataFrame, numbered: pd.Series) -> pd.DataFrame:
    """One row for each run of rows of a trial with the same fixation number."""
    keys = rows[["image", "observer", "trial"]].assign(number=numbered)
    run = (keys != keys.shift()).any(axis=1).cumsum()
    how = dict.fromkeys(rows, "first")
    how |= {"x": "mean", "y": "mean"} | ({"duration": "max"} if "duration" in rows else {})
    return rows.groupby(run, sort=False).agg(how).reset_index(drop=True)
