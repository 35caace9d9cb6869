"""Whether a run may begin in its folder, or go on with what is there: the settings that are kept in it say so."""

from __future__ import annotations

import os
from pathlib import Path

from pagesight.engine.training.saving import remove_leftovers, writing
from pagesight.engine.training.settings import PAIRS, STAGES, TrainingSettings, differences, full_name
from pagesight.engine.training.settings_file import as_toml, read_settings
from pagesight.storage.errors import ConfigError, TrainingExists

SETTINGS_FILE = "settings.toml"
# What may differ when a run goes on: the numbers stay the same.
MAY_DIFFER = {"report_to", "offline", "device", "out"}  # out: they are kept in it, wherever it is now
MAY_DIFFER_OF_STAGE = {"log_every", "save_every", "keep_checkpoints", "checkpointing"}


def check_settings(settings: TrainingSettings, folder: Path, *, resume: bool, first: bool) -> None:
    """Raise ConfigError unless a run with these settings can begin in the folder, or go on with what is there.

    first: whether this process is the first one of the run, which keeps them: the others may find them kept already.
    """
    kept = folder / SETTINGS_FILE
    if kept.exists():
        if not resume and first:
            raise TrainingExists(settings.out)
        changed = [
            name for name in differences(settings, read_settings(kept)) if _matters(name) and _used(name, folder)
        ]
        if changed:
            raise ConfigError(f"the run in {folder} has other settings: {', '.join(changed)} differ")
    elif resume and not any(folder.glob("*/")):
        raise ConfigError(f"{folder} has no training run that could be resumed")


def keep_settings(settings: TrainingSettings, folder: Path) -> None:
    """Write them into the folder, and take away what saves that were killed have left."""
    kept = folder / SETTINGS_FILE
    with writing(folder):
        building = kept.with_name(f".{kept.name}")
        building.write_text(as_toml(settings), encoding="utf-8")
        os.replace(building, kept)
        remove_leftovers(settings.out)


def _matters(name: str) -> bool:
    return name not in MAY_DIFFER and name.rpartition(".")[2] not in MAY_DIFFER_OF_STAGE


def _used(name: str, folder: Path) -> bool:
    """Whether a setting has had a part in what is there. Those of a stage have from its first checkpoint on."""
    stage = next((one for one in STAGES if f"{name}.".startswith(f"{full_name(one)}.")), None)
    if stage is None:
        return True
    with_it = STAGES if stage == PAIRS else (stage,)  # tasks start from what pairs gives
    kept = ("checkpoint-*", "[!.]*.safetensors")
    return any(any((folder / one).glob(pattern)) for one in with_it for pattern in kept)
