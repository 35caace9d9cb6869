"""Settings of a training run as a TOML file: read, checked against the annotations of the values, written."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pagesight.engine.models.jina_v4.checkpoint import TASKS
from pagesight.engine.training.settings import (
    PAIRS,
    SourceSettings,
    StageSettings,
    TrainingSettings,
    full_name,
    unknown,
)
from pagesight.storage.errors import ConfigError


def from_table(table: Mapping[str, Any], *, base: Path) -> TrainingSettings:
    """From what a TOML file says. base: the folder that relative paths start from.

    Keys of a stage at the top are defaults of all stages. Raises ConfigError, for an unknown key with the nearest known one.
    """
    table = dict(table)
    stages = _stage_tables(table)
    own = {f.name for f in fields(TrainingSettings)} - {"stages"}
    of_stages = {f.name for f in fields(StageSettings)}
    common = {}
    for name in list(table):
        if name in of_stages:
            common[name] = table.pop(name)
        elif name not in own:
            raise ConfigError(unknown(name, (*own, *of_stages, PAIRS, "tasks"), "setting"))
    made = {name: _make(StageSettings, {**common, **given}, full_name(name), base) for name, given in stages.items()}
    if "model" in table and (base / str(table["model"])).expanduser().is_dir():
        table["model"] = str(_absolute(table["model"], base))
    if "out" in table:
        table["out"] = _absolute(table["out"], base)
    settings: TrainingSettings = _make(TrainingSettings, {**table, "stages": made}, "", base)
    return settings


def read_settings(path: Path, changes: Mapping[str, Any] | None = None) -> TrainingSettings:
    """Settings from a TOML file. changes: by dotted names, such as "tasks.code.steps"; they win. Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for name, value in (changes or {}).items():
        *outer, last = name.split(".")
        inner = table
        for key in outer:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{path}: {name} cannot be set: {key} is no table")
        inner[last] = value
    try:
        return from_table(table, base=path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_change(text: str) -> tuple[str, Any]:
    """NAME=VALUE to a name and a value of TOML; what is none of its values is text. Raises ConfigError."""
    name, sign, value = text.partition("=")
    name = name.strip()
    if not sign or not name:
        raise ConfigError(f"{text!r} is not NAME=VALUE")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except ValueError:
        return name, value.strip()


def as_toml(settings: TrainingSettings) -> str:
    """All settings, defaults included, as a file that ``read_settings`` gives the same of, wherever it lies if paths are absolute."""
    lines = [_line(f.name, getattr(settings, f.name)) for f in fields(TrainingSettings) if f.name != "stages"]
    for name, stage in settings.stages.items():
        lines += ["", f"[{full_name(name)}]"]
        lines += [_line(f.name, getattr(stage, f.name)) for f in fields(StageSettings)]
    return "\n".join(line for line in lines if line is not None) + "\n"


def _stage_tables(table: dict[str, Any]) -> dict[str, Any]:
    """Take the tables of stages out of a configuration."""
    tasks = table.pop("tasks", {})
    if not isinstance(tasks, dict):
        raise ConfigError("tasks must be tables: [tasks.retrieval], [tasks.text-matching], [tasks.code]")
    for name in tasks:
        if name not in TASKS:
            raise ConfigError(unknown(name, TASKS, "task"))
    stages = dict(tasks)
    if PAIRS in table:
        stages[PAIRS] = table.pop(PAIRS)
    for name, given in stages.items():
        if not isinstance(given, dict):
            raise ConfigError(f"{full_name(name)} must be a table")
    return stages


def _make(kind: type[Any], given: Mapping[str, Any], where: str, base: Path) -> Any:
    """An instance of one of the classes above, its values checked against the annotations."""
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    values = {}
    for name, value in given.items():
        if name not in hints:
            raise ConfigError(unknown(name, tuple(hints), "setting", where))
        values[name] = _value(value, hints[name], prefix + name, base)
    missing = [
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING and f.name not in values
    ]
    if missing:
        raise ConfigError(f"{prefix}{missing[0]} is not set")
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error


def _value(value: Any, hint: Any, name: str, base: Path) -> Any:  # one branch a kind of annotation
    arguments = typing.get_args(hint)
    if hint == tuple[SourceSettings, ...]:
        return tuple(_source(one, name, base) for one in (value if isinstance(value, list | tuple) else [value]))
    if typing.get_origin(hint) is Literal:
        if value not in arguments:
            near = get_close_matches(str(value), arguments, 1)
            did_you = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{name} must be one of {', '.join(arguments)}, not {value!r}{did_you}")
        return value
    if type(None) in arguments:
        return None if value is None else _value(value, next(a for a in arguments if a is not type(None)), name, base)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{name} must be a list, not {value!r}")
        return tuple(_value(one, arguments[0], name, base) for one in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise ConfigError(f"{name} must be {kinds[hint]}, not {value!r}")
    return Path(value) if hint is Path else value


def _source(value: Any, name: str, base: Path) -> SourceSettings:
    if isinstance(value, SourceSettings):
        return value
    given = {"path": value} if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise ConfigError(f"{name} must be paths, or tables with a path, and has {value!r}")
    source: SourceSettings = _make(SourceSettings, given, name, base)
    here = _absolute(source.path, base)
    return replace(source, path=str(here)) if here.exists() else source


def _absolute(path: str | Path, base: Path) -> Path:
    return base / Path(path).expanduser()


def _line(name: str, value: Any) -> str | None:
    return None if value is None else f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, SourceSettings):
        pairs = [(f.name, getattr(value, f.name)) for f in fields(value)]
        return "{" + ", ".join(f"{name} = {_toml(one)}" for name, one in pairs if one is not None) + "}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in text) + '"'
