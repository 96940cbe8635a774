"""Prediction for files and folders: its settings; what is sampled, drawn, written and resumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FORMATS = ("png", "svg", "pdf")
REPLAYS = ("mp4", "gif")


@dataclass
class Settings:
    """Keys of ``conf/predict.yaml``, where each is explained.

    Raises:
        ValueError: For a value out of range; the message names the key.
    """

    images: Any = None
    model: str = "natural"
    ckpt_path: str | None = None
    output: str = "outputs/predict"
    samples: int = 10
    viewing_time: float | None = None
    temperature: float | None = None
    seed: int = 0
    device: str = "auto"
    domain: str = "source"
    trust: list[str] = field(default_factory=list)
    batch_size: int = 8
    workers: int = 2
    overlay: bool = True
    formats: list[str] = field(default_factory=lambda: ["png"])
    density: bool = True
    replay: str | None = None
    picture_side: int = 1600
    page: bool = True
    page_limit: int = 500
    people: str | None = None
    regions: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("samples", "batch_size", "workers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.temperature is not None and not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be finite and >= 0, found {self.temperature}")
        if self.viewing_time is not None and not 0 < self.viewing_time < float("inf"):
            raise ValueError(f"viewing_time must be above 0 seconds, found {self.viewing_time}")
        if self.replay not in (None, *REPLAYS):
            raise ValueError(f"replay must be mp4, gif or null, found {self.replay!r}")
        if not set(self.formats) <= set(FORMATS):
            raise ValueError(f"formats must be among {', '.join(FORMATS)}, found {self.formats}")
        if self.picture_side < 16:
            raise ValueError(f"picture_side must be at least 16 px, found {self.picture_side}")
