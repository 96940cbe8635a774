"""MATLAB files of any age as plain Python: structs as dicts, cells as lists, no MATLAB."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from scipy.io.matlab import MatlabOpaque

from spgen_lit.data.readers.guarded import guarded

Value = Any  # what MATLAB stores: text, arrays, lists of cells, structs
Struct = dict[str, Value]


def load_matlab(path: str | Path, variable: str | None = None) -> Value:
    """Variables of a ``.mat`` file, or one of them, of version 4 to 7 (scipy) or 7.3 (HDF5).

    A struct becomes a dict, an array of structs a list of dicts, a cell a list (column by
    column), text a str, a ``containers.Map`` a dict, numbers an array shaped as in MATLAB.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no MATLAB file, a damaged one, or without the variable; the message
            names it.
    """
    (content,) = guarded(_load, Path(path), "MATLAB")
    if variable is not None and variable not in content:
        raise ValueError(f"{path}: needs the variable {variable}, found {sorted(content)}")
    return content if variable is None else content[variable]


def _load(path: Path) -> Iterator[Struct]:
    yield _load_hdf5(path) if h5py.is_hdf5(path) else _load_scipy(path)


def listed(value: Value) -> list[Value]:
    """A list of a struct array, a cell or a single value: MATLAB keeps no such difference."""
    if isinstance(value, list):
        return value
    if isinstance(value, np.ndarray):
        return list(value.ravel(order="F"))
    return [value]


def points(value: Value) -> np.ndarray:
    """Numbers ``(n, 2 or more)`` of a MATLAB matrix, empty ones included.

    Raises:
        ValueError: For anything else, with the shape found.
    """
    array = np.asarray(value if not isinstance(value, list) or value else np.empty((0, 2)))
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind not in "fiu":
        raise ValueError(f"needs a matrix (n, 2) of x and y, found {array.dtype} {array.shape}")
    return array.astype(np.float64)


def _load_scipy(path: Path) -> Struct:
    raw = scipy.io.loadmat(path)
    content: Struct = {}
    opaque = []
    for name, value in raw.items():
        if isinstance(value, MatlabOpaque):
            opaque.append(np.asarray(value)["s0"].ravel()[0].decode())
        elif not name.startswith("__"):
            content[name] = _plain(value)
    if opaque:
        # scipy leaves objects undecoded; their fields lie in a small MAT file of their own.
        space = np.asarray(raw["__function_workspace__"]).ravel().tobytes()
        inner = scipy.io.loadmat(io.BytesIO(b" " * 124 + space[:4] + space[8:]))
        fields = [_plain(value) for value in inner.values() if isinstance(value, np.ndarray)]
        content.update(zip(opaque, _maps(fields), strict=False))
    return content


def _plain(value: Value) -> Value:
    if not isinstance(value, np.ndarray):
        return value
    flat = value.ravel(order="F")
    if isinstance(value, MatlabOpaque) or value.dtype.names:
        names = value.dtype.names or ()
        items = [{name: _plain(item[name]) for name in names} for item in flat]
        return items[0] if len(items) == 1 else items
    if value.dtype == object:
        return [_plain(item) for item in flat]
    if value.dtype.kind in "US":
        texts = [str(item) for item in flat]
        return texts[0] if len(texts) == 1 else texts or ""
    return value


def _maps(value: Value) -> list[Struct]:
    """Every ``containers.Map`` stored somewhere in an object's fields."""
    if isinstance(value, list):
        return [found for item in value for found in _maps(item)]
    if not isinstance(value, dict):
        return []
    if "keys" in value and "values" in value:
        return [dict(zip(map(str, listed(value["keys"])), listed(value["values"]), strict=True))]
    return [found for item in value.values() for found in _maps(item)]


def _load_hdf5(path: Path) -> Struct:
    with h5py.File(path, "r") as file:
        content: Struct = {}
        objects = []
        for name, item in file.items():
            if name.startswith("#"):
                continue
            if _class(item) == "containers.Map":
                objects.append(name)
            else:
                content[name] = _from_hdf5(file, item)
        if objects:
            cells = file["#subsystem#/MCOS"][()].ravel()
            maps = _maps([_from_hdf5(file, file[cell]) for cell in cells])
            content.update(zip(objects, maps, strict=False))
        return content


def _class(item: Value) -> str:
    return np.bytes_(item.attrs.get("MATLAB_class", b"")).decode()


def _from_hdf5(file: h5py.File, item: Value) -> Value:
    if isinstance(item, h5py.Group):
        fields = {name: item[name] for name in item}
        arrays = [f for f in fields.values() if isinstance(f, h5py.Dataset) and not _class(f)]
        if arrays and all(f.dtype == h5py.ref_dtype for f in arrays):
            columns = {
                name: [_from_hdf5(file, file[ref]) for ref in field[()].ravel()]
                for name, field in fields.items()
            }
            count = len(next(iter(columns.values())))
            return [{name: column[i] for name, column in columns.items()} for i in range(count)]
        return {name: _from_hdf5(file, field) for name, field in fields.items()}
    kind = _class(item)
    if item.attrs.get("MATLAB_empty", 0) or kind == "canonical empty":
        return "" if kind == "char" else [] if kind in ("cell", "struct") else np.empty((0, 0))
    if item.dtype == h5py.ref_dtype:
        return [_from_hdf5(file, file[ref]) for ref in item[()].ravel()]
    values = item[()].T  # MATLAB stores columns first, HDF5 rows first
    return "".join(map(chr, values.ravel())) if kind == "char" else values
