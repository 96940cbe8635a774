"""A W&B logger that needs no hand work, never asks, and never holds training up."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pandas as pd
import wandb
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from requests.utils import get_netrc_auth

from spgen_lit.files import first_line, write_json

Mode = Literal["auto", "online", "offline"]
_PATIENCE = 3.0  # seconds for a server that does not answer at all
_IDENTITY = "wandb.json"
#: Measures whose curves over temperature are charted; all are in ``temperatures.csv``.
_CURVES = ("energy", "scanmatch", "nss", "diversity")
#: Columns of results that are drawn over temperature, and what charts call them.
_CURVED = {"value": "model", "observers": "observers", "other_image": "chance"}


class Dashboard(WandbLogger):
    """Logs a run to W&B: online where there is a key and a server, offline everywhere else.

    Nothing is asked for at a terminal. Offline, one line says how to upload the run later.
    The run's id is kept beside the checkpoints, so that a resumed run goes on in its own
    charts. Metrics keep their names (``train/``, ``val/``, ``adaptation/``, ``gradient/``),
    which W&B groups into sections.

    Args:
        folder: The run's folder.
        project: W&B's project.
        name: Name of the run.
        group: Runs of one sweep share a group.
        tags: Words to find the run by.
        entity: User or team; None for the key's own.
        mode: ``auto``, or ``online`` or ``offline`` whatever is found. The environment's
            ``WANDB_MODE`` takes precedence.
        resume_from: Checkpoint that the run goes on from.
    """

    def __init__(
        self,
        folder: str,
        project: str = "spgen-lit",
        name: str | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        entity: str | None = None,
        mode: Mode = "auto",
        resume_from: str | None = None,
    ) -> None:
        chosen, self._reason = find_mode(mode)
        self._folder = Path(folder)
        super().__init__(
            name=name,
            save_dir=folder,
            project=project,
            id=_former_id(resume_from),
            group=group,
            tags=list(dict.fromkeys(tags)) or None,
            entity=entity,
            mode=chosen,
            # A server that goes away must not hold up the end of a run either: what was not
            # uploaded stays on disk.
            # Offline W&B has nothing to say that the one line above it does not.
            settings=wandb.Settings(
                quiet=True, silent=chosen == "offline", init_timeout=30, finish_timeout=60
            ),
        )

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """W&B's run, begun at first use."""
        begun = self._experiment is not None
        try:
            run = super().experiment
        except (wandb.Error, TimeoutError) as error:
            self._reason = f"the server refused: {first_line(error)}"
            self._wandb_init["mode"] = "offline"
            run = super().experiment
        if not begun and isinstance(run, wandb.Run):
            self._introduce(run)
        return run

    def _introduce(self, run: wandb.Run) -> None:
        """Say where the run is to be seen, and keep its id beside the checkpoints."""
        if self._wandb_init["mode"] == "offline":
            folder = Path(run.dir).parent
            print(f"W&B: offline, {self._reason}; upload with: wandb sync {folder}", flush=True)
        elif run.url:
            print(f"W&B: {run.url}", flush=True)
        identity = {"id": run.id, "project": self._project, "mode": self._wandb_init["mode"]}
        write_json(self._folder / "checkpoints" / _IDENTITY, identity, indent=None)

    @rank_zero_only
    def log_examples(self, rows: Sequence[Mapping[str, Any]], step: int) -> None:
        """Log fixed example images as a table.

        Args:
            rows: ``domain``, ``image`` and ``picture``, an RGB array, each.
            step: Steps of training so far.
        """
        columns = ["step", "domain", "image", "model and observers"]
        data = [[step, row["domain"], row["image"], wandb.Image(row["picture"])] for row in rows]
        self.log_table("examples", columns=columns, data=data, step=step)

    @rank_zero_only
    def log_data(self, checksums: Mapping[str, str]) -> None:
        """Note which data the run saw, name to checksum, beside its checkpoint in the lineage."""
        for name, checksum in checksums.items():
            artifact = wandb.Artifact(name, type="dataset", metadata={"checksum": checksum})
            with artifact.new_file("checksum.txt", mode="w") as file:
                file.write(f"{checksum}\n")
            self.experiment.log_artifact(artifact)

    @rank_zero_only
    def log_results(self, results: Path, checkpoint: str | None, energy: float) -> None:
        """Log what was scored after training: figures, curves over temperature, checkpoint.

        Args:
            results: Folder with ``summary.json`` and perhaps ``temperatures.csv`` for each set.
            checkpoint: File of the best checkpoint.
            energy: Its validation energy.
        """
        run = self.experiment
        run.summary["validation_energy"] = energy
        for file in sorted(results.glob("*/summary.json")):
            name = file.parent.name
            metrics = json.loads(file.read_text(encoding="utf-8"))["metrics"]
            scores = pd.DataFrame(metrics, index=[*_CURVED, "normalized"], dtype=float).T
            run.summary.update(scores["value"].dropna().add_prefix(f"results/{name}/").to_dict())
            table = scores.rename_axis("measure").rename(columns=_CURVED).reset_index()
            run.log({f"scores/{name}": wandb.Table(dataframe=table)})
            if (file.parent / "temperatures.csv").is_file():
                run.log(temperature_curves(file.parent / "temperatures.csv", name))
        if checkpoint and Path(checkpoint).is_file():
            facts = {"validation_energy": energy, "file": Path(checkpoint).name}
            artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=facts)
            artifact.add_file(checkpoint, name="best.ckpt")
            run.log_artifact(artifact, aliases=["best", "latest"])

    @rank_zero_only
    def close(self, failure: object = None, *_: object) -> None:
        """End W&B's run, so that the next one in this process is another."""
        if self._experiment is not None:
            self._experiment.finish(exit_code=int(failure is not None))
            self._experiment = None


def find_mode(mode: Mode) -> tuple[str, str]:
    """Whether to log online, and why not.

    Returns:
        ``online``, ``offline`` or what the environment's ``WANDB_MODE`` says; the reason
        for ``offline``.
    """
    forced = os.environ.get("WANDB_MODE")
    if forced:
        return ("offline" if forced == "dryrun" else forced), f"WANDB_MODE={forced}"
    if mode != "auto":
        return mode, f"logger.wandb.mode={mode}"
    address = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    host = address.hostname or "api.wandb.ai"
    key = os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE")
    if not (key or get_netrc_auth(f"https://{host}")):
        return "offline", "no key found (set WANDB_API_KEY, or run wandb login once)"
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except OSError as error:
        return "offline", f"{host}:{port} cannot be reached ({error.strerror or error})"
    return "online", ""


def _former_id(checkpoint: str | None) -> str | None:
    if checkpoint is None:
        return None
    try:
        text = (Path(checkpoint).parent / _IDENTITY).read_text(encoding="utf-8")
        return str(json.loads(text)["id"])
    except (OSError, ValueError, KeyError):
        return None


def temperature_curves(table: Path, name: str) -> dict[str, Any]:
    """Charts of a set's measures over temperature, from its ``temperatures.csv``."""
    rows = pd.read_csv(table).dropna(subset=list(_CURVED))
    return {
        f"temperature/{name}/{metric}": wandb.plot.line_series(
            xs=curve["temperature"].tolist(),
            ys=[curve[column].tolist() for column in _CURVED],
            keys=list(_CURVED.values()),
            title=f"{metric} on {name}",
            xname="temperature",
        )
        for metric, curve in rows[rows["metric"].isin(_CURVES)].groupby("metric")
    }
