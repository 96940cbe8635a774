"""Renditions of the source's training images in other styles, with people's gaze kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spgen_lit.data.records import Reader, Stimulus

StyleReaders = Mapping[str, Reader | Sequence[Reader]]


def renditions(
    readers: StyleReaders, stimuli: Mapping[str, Stimulus], sets: Mapping[str, str]
) -> dict[str, list[Stimulus]]:
    """Every training image's renditions, from readers of the same images in other styles.

    Args:
        readers: Source set's name to one or several readers, such as
            :class:`~spgen_lit.data.painted.Painted`; its image ids are the source's.
        stimuli: The training images by their identifiers.
        sets: Identifier to the name of its set.

    Returns:
        Identifier to renditions, one of each reader of its set; images of sets without
        readers are absent.

    Raises:
        ValueError: If a reader leaves out images.
    """
    out: dict[str, list[Stimulus]] = {}
    for name, given in readers.items():
        own = [key for key, set_name in sets.items() if set_name == name]
        for reader in list(given) if isinstance(given, Iterable) else [given]:
            rendered = reader.read()
            lacking = [key for key in own if stimuli[key].id not in rendered.stimuli]
            if lacking:
                raise ValueError(
                    f"data.styles {name!r}: {rendered.name} lacks {len(lacking)} of the "
                    f"{len(own)} training images, {', '.join(lacking[:3])} among them; "
                    "render the set that data.source reads"
                )
            for key in own:
                out.setdefault(key, []).append(rendered.stimuli[stimuli[key].id])
    return out
