"""The data module: mixing domains, keeping target gaze away, refusing what cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from PIL import Image

from spgen_lit.batch import SourceBatch, TargetBatch
from spgen_lit.data.augment import Augment
from spgen_lit.data.images import ImageError
from spgen_lit.data.module import DomainMix
from spgen_lit.data.readers.folder import Folder
from spgen_lit.data.records import GazeSet, Stimulus
from spgen_lit.scanpath import Scanpath


@dataclass
class Plain:
    """Images whose grey tells their number, with one observer's gaze where they have any."""

    root: Path
    count: int
    gaze: bool = True
    name: str = "set"
    kind: str = "eye"
    observers: tuple[str, ...] = ("a",)

    def read(self) -> GazeSet:
        self.root.mkdir(parents=True, exist_ok=True)
        stimuli, paths = {}, []
        for number in range(self.count):
            name = f"{number}.png"
            Image.new("RGB", (32, 32), (number, 0, 0)).save(self.root / name)
            stimuli[name] = Stimulus(name, self.root / name, (32, 32))
            if self.gaze:
                xy = np.array([[0.25, 0.5], [0.75, 0.125]])
                for observer in self.observers:
                    paths.append(Scanpath(name, (32, 32), xy, np.array([0.2, 0.3]), observer))
        return GazeSet(self.name, stimuli, paths, self.kind if self.gaze else "none")


def _mix(tmp_path: Path, source: dict[str, Any], target: dict[str, Any], **more: Any) -> DomainMix:
    settings = {"size": (32, 32), "cache_dir": tmp_path / "cache", "allow_same_images": True}
    return DomainMix(source, target, **{**settings, **more})


@pytest.mark.parametrize(("source", "target", "batches"), [(12, 3, (2, 4)), (6, 40, (3, None))])
def test_any_two_sizes_and_batches_mix_and_either_may_be_longer(
    tmp_path: Path, source: int, target: int, batches: tuple[int, int | None]
) -> None:
    data = _mix(
        tmp_path,
        {"a": Plain(tmp_path / "a", source)},
        {"b": Plain(tmp_path / "b", target, gaze=False)},
        batch_size=batches[0],
        target_batch_size=batches[1],
    )
    data.setup()
    steps = [batch for batch, *_ in data.train_dataloader()]
    train = len(data.parts["source", "train"].stimuli)
    assert len(steps) == data.steps == -(-train // batches[0])
    for step in steps:
        assert isinstance(step["source"], SourceBatch) and isinstance(step["target"], TargetBatch)
        assert step["source"].images.shape == (batches[0], 3, 32, 32)
        assert len(step["target"].ids) == (batches[1] or batches[0])
        assert step["source"].images.dtype == torch.uint8
    seen = {i for step in steps for i in step["source"].ids}
    assert seen == set(data.parts["source", "train"].stimuli)


def test_target_gaze_never_reaches_training_and_held_out_images_do_not_either(
    tmp_path: Path,
) -> None:
    data = _mix(
        tmp_path,
        {"a": Plain(tmp_path / "a", 10)},
        {"b": Plain(tmp_path / "b", 20)},
        val=0.2,
        test=0.2,
        batch_size=4,
    )
    data.setup()
    assert data.parts["target", "test"].paths  # it is there for evaluation
    held_out = {*data.parts["target", "val"].stimuli, *data.parts["target", "test"].stimuli}
    assert TargetBatch._fields == ("images", "ids")
    for _ in range(5):
        for batch, *_ in data.train_dataloader():
            assert not held_out & set(batch["target"].ids)
    assert not {*data.parts["source", "train"].stimuli} & {*data.parts["source", "test"].stimuli}


def test_spawned_processes_get_it_with_frozen_readers(tmp_path: Path) -> None:
    made = DomainMix({"photos": Folder(tmp_path)}, {}, augment=Augment())
    # What Lightning does to all arguments before it trains in spawned processes on CPUs.
    assert apply_to_collection([made], torch.nn.Module, lambda module: module) == [made]


def test_without_a_target_there_is_no_target_batch(tmp_path: Path) -> None:
    data = _mix(tmp_path, {"a": Plain(tmp_path / "a", 10)}, {})
    data.setup()
    assert set(next(iter(data.train_dataloader()))[0]) == {"source"}


@pytest.mark.parametrize("world", [1, 2, 3])
def test_each_validation_image_goes_to_one_rank(tmp_path: Path, world: int) -> None:
    data = _mix(tmp_path, {"a": Plain(tmp_path / "a", 40)}, {}, val=0.5)
    data.setup()
    seen = []
    for rank in range(world):
        data.trainer = SimpleNamespace(global_rank=rank, world_size=world)
        seen.append([i for batch in data.val_dataloader() for i in batch.ids])
    assert sorted(i for ids in seen for i in ids) == sorted(data.parts["source", "val"].stimuli)
    assert max(map(len, seen)) - min(map(len, seen)) <= 1


def test_several_sources_are_told_apart_and_weighed(tmp_path: Path) -> None:
    data = _mix(
        tmp_path,
        {"a": Plain(tmp_path / "a", 6), "b": Plain(tmp_path / "b", 6)},
        {},
        weights={"b": 0.25},
        batch_size=10,
    )
    data.setup()
    batch = next(iter(data.train_dataloader()))[0]["source"]
    for i, weight in zip(batch.ids, batch.weights.tolist(), strict=True):
        assert weight == (0.25 if i.startswith("b/") else 1.0)


def test_the_same_seed_draws_the_same_batches_and_workers_change_nothing(tmp_path: Path) -> None:
    def drawn(seed: int, workers: int) -> list[tuple[list[str], int]]:
        data = _mix(
            tmp_path,
            {"a": Plain(tmp_path / "a", 9)},
            {},
            seed=seed,
            workers=workers,
            augment=Augment(flip=0.5),
            batch_size=4,
        )
        data.setup()
        return [
            (b["source"].ids, int(b["source"].paths.xy.mul(1000).sum()))
            for b, *_ in data.train_dataloader()
        ]

    assert drawn(0, 0) == drawn(0, 2)
    assert drawn(0, 0) != drawn(1, 0)


def _refused(tmp_path: Path, source: Any, target: Any = None, **more: Any) -> str:
    data = _mix(tmp_path, source, target or {}, **more)
    with pytest.raises((ValueError, OSError)) as error:
        data.setup()
    return str(error.value)


def test_what_cannot_be_trained_on_is_refused_by_name(tmp_path: Path) -> None:
    good = {"a": Plain(tmp_path / "a", 10)}
    bare = {"bare": Plain(tmp_path / "b", 10, gaze=False)}
    assert "data.source 'bare' has 10 images but no gaze" in _refused(tmp_path, bare)
    assert "data.source names no set" in _refused(tmp_path, {})
    assert "data.weights names ['c']; the source sets are ['a']" in _refused(
        tmp_path, good, weights={"c": 1.0}
    )
    (tmp_path / "empty").mkdir()
    message = _refused(tmp_path, good, {"b": Folder(tmp_path / "empty")})
    assert f"in {tmp_path / 'empty'}" in message and "image not found" in message
    message = _refused(tmp_path, good, {"b": Folder(tmp_path / "nowhere")})
    assert "nowhere" in message and "data.target.<name>.root" in message
    assert "data.val" in _refused(tmp_path, good, val=0.0)


def test_images_that_cannot_be_read_are_all_named_before_training(tmp_path: Path) -> None:
    folder = tmp_path / "paintings"
    Plain(folder, 3).read()
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    data = _mix(tmp_path, {"a": Plain(tmp_path / "a", 10)}, {"b": Folder(folder)})
    with pytest.raises(ImageError, match=r"paintings/1.png: damaged or cut-off PNG"):
        data.setup()


@pytest.mark.parametrize("sizes", [{"batch_size": 0}, {"target_batch_size": 0}])
def test_batches_hold_something(tmp_path: Path, sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_batch_size=512, found 0"):
        _mix(tmp_path, {}, {}, **sizes)


@dataclass
class Noise(Plain):
    """Images of noise, those of one seed the same everywhere; the last is nearly the first."""

    seed: int = 0
    suffix: str = "png"

    def read(self) -> GazeSet:
        found = super().read()
        for number, stimulus in enumerate(found.stimuli.values()):
            kind = 0 if number == self.count - 1 else number
            rng = np.random.default_rng([self.seed, kind])
            pixels = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            pixels[0, 0] = number
            Image.fromarray(pixels).save(stimulus.path)
        return found


def test_images_that_are_nearly_the_same_never_part(tmp_path: Path) -> None:
    for seed in range(4):
        data = _mix(tmp_path, {"a": Noise(tmp_path / "a", 12)}, {}, split_seed=seed, val=0.4)
        data.setup()
        homes = {key: split for (_, split), part in data.parts.items() for key in part.stimuli}
        assert homes["0.png"] == homes["11.png"]


def test_a_training_picture_in_the_target_is_refused_unless_allowed(tmp_path: Path) -> None:
    source, target = Noise(tmp_path / "a", 12), Noise(tmp_path / "b", 12, gaze=False)
    refused = _mix(tmp_path, {"a": source}, {"b": target}, allow_same_images=False)
    with pytest.raises(ValueError, match=r"pictures .* another domain too: a/\d+.png is b/\d+.png"):
        refused.setup()
    other = Noise(tmp_path / "c", 12, gaze=False, seed=5)
    data = _mix(tmp_path, {"a": source}, {"b": other}, allow_same_images=False)
    data.setup()
    seen = data.trained_on
    assert set(seen["a"]) == {s.id for s in data.parts["source", "train"].stimuli.values()}
    assert len(seen["b"]) == 12 and all(len(content) == 16 for content in seen["b"].values())


def test_an_experiment_that_adapts_asks_for_a_target_and_names_two_ways(tmp_path: Path) -> None:
    data = _mix(tmp_path, {"a": Plain(tmp_path / "a", 6)}, {}, needs_target=True)
    with pytest.raises(ValueError, match=r"data\.target is empty") as error:
        data.setup()
    assert "data.target.folder.root=FOLDER" in str(error.value)
    assert "data/target=NAME" in str(error.value)


def test_a_simulated_target_beside_a_recorded_source_must_be_asked_for(tmp_path: Path) -> None:
    recorded = {"mine": Plain(tmp_path / "a", 6)}
    simulated = {"gallery": Plain(tmp_path / "b", 6, kind="simulated")}
    with pytest.raises(ValueError, match=r"'gallery' is simulated .*data\.simulated_target=true"):
        _mix(tmp_path, recorded, simulated).setup()
    _mix(tmp_path, recorded, simulated, simulated_target=True).setup()
    _mix(tmp_path, {"g": Plain(tmp_path / "c", 6, kind="simulated")}, simulated).setup()


def test_observers_held_out_are_seen_in_testing_alone(tmp_path: Path) -> None:
    source = {"a": Plain(tmp_path / "a", 12, observers=tuple("abcdef"))}
    data = _mix(tmp_path, source, {}, held_out_observers=0.3, test=0.2)
    data.setup()
    seen = {
        split: {
            path.observer for paths in data.parts["source", split].paths.values() for path in paths
        }
        for split in ("train", "val", "test")
    }
    assert len(seen["test"]) == 2
    assert seen["train"] == seen["val"] == set("abcdef") - seen["test"]
    with pytest.raises(ValueError, match="too few to hold some out"):
        _mix(tmp_path, {"a": Plain(tmp_path / "a", 6)}, {}, held_out_observers=0.5).setup()
