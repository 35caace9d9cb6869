"""Settings of a run: from TOML and back, and what is said about mistakes."""

from dataclasses import fields
from pathlib import Path

import pytest

from pagesight.engine.training.settings import (
    SourceSettings,
    StageSettings,
    TrainingSettings,
    differences,
    with_all_stages,
)
from pagesight.engine.training.settings_file import as_toml, parse_change, read_settings
from pagesight.storage.errors import ConfigError
from tests.helpers import ROOT

CONFIG = """
model = "jina-embeddings-v4"
out = "adapted"
steps = 20
[tasks.code]
sources = "code.jsonl"
[pairs]
sources = ["pairs.jsonl", {path = "hf://owner/pages", split = "dev", licence = "MIT"}]
learning_rate = 1e-3
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    (tmp_path / "pairs.jsonl").touch()
    return path


def read(config, *changes):
    return read_settings(config, dict(map(parse_change, changes)))


def test_values_at_the_top_are_defaults_of_every_stage_and_paths_start_at_the_file(config, tmp_path):
    settings = read(config)
    assert list(settings.stages) == ["pairs", "code"]  # in the order of training, not of the file
    assert settings.out == tmp_path / "adapted"
    assert {name: stage.steps for name, stage in settings.stages.items()} == {"pairs": 20, "code": 20}
    assert settings.stages["pairs"].learning_rate == 1e-3
    assert settings.stages["code"].learning_rate == StageSettings().learning_rate
    assert settings.stages["pairs"].sources == (
        SourceSettings(path=str(tmp_path / "pairs.jsonl")),
        SourceSettings(path="hf://owner/pages", split="dev", licence="MIT"),
    )


def test_the_copy_gives_the_same_settings_wherever_it_lies(config, tmp_path):
    settings = read(config, "report_to=['tensorboard']", 'pairs.evaluation_metric="MRR@10"', "lora_rank=4")
    copy = tmp_path / "elsewhere" / "settings.toml"
    copy.parent.mkdir()
    copy.write_text(as_toml(settings))
    assert read_settings(copy) == settings
    assert differences(settings, read_settings(copy)) == []
    assert differences(settings, read(config)) == ["lora_rank", "report_to", "pairs.evaluation_metric"]


def test_changes_win_and_flags_reach_every_stage(config):
    settings = read(config, "steps=7", "tasks.code.steps=5", "pairs.weights=[1, 1, 0, 1, 1, 0]")
    assert settings.stages["pairs"].steps == 7
    assert settings.stages["code"].steps == 5
    assert settings.stages["pairs"].weights == (1.0, 1.0, 0.0, 1.0, 1.0, 0.0)
    assert {stage.steps for stage in with_all_stages(settings, steps=3).stages.values()} == {3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("learing_rate=1", "there is no setting 'learing_rate'; did you mean 'learning_rate'?"),
        ("pairs.stepz=1", "there is no setting 'stepz' in pairs; did you mean 'steps'?"),
        ("tasks.retreival.steps=1", "there is no task 'retreival'; did you mean 'retrieval'?"),
        ("pairs.schedule=cosin", "pairs.schedule must be one of linear, cosine, constant, not 'cosin'; did you mean 'cosine'?"),
        ("pairs.steps=1.5", "pairs.steps must be a whole number, not 1.5"),
        ("pairs.gather=1", "pairs.gather must be true or false, not 1"),
        ("pairs.weights=[1, 2]", "pairs: weights must be six numbers of 0 or more"),
        ("temperature=0", "temperature must be positive, not 0"),
        ("warmup=1", "warmup must be from 0 to below 1, not 1"),
        ("tasks.code.train_all=true", "code cannot have train_all or train_projector: the tasks share these weights"),
        ("tasks.retrieval.steps=3", "retrieval has no sources to learn from"),
        ("pairs.sources=[{path='a', weight=1}, 'b']", "give all sources of a stage a weight, or none of them"),
        ("pairs.sources=[{paht='a'}]", "there is no setting 'paht' in pairs.sources; did you mean 'path'?"),
        ("device=tpu", "device must be auto, cpu or cuda, not 'tpu'"),
        ("seed=-1", "seed must be from 0 to 4294967295, not -1"),
        ("steps.a=1", "steps.a cannot be set: steps is no table"),
    ],
)  # fmt: skip
def test_mistakes_are_said_with_the_file_the_key_and_what_would_be_right(config, change, message):
    with pytest.raises(ConfigError) as caught:
        read(config, change)
    assert message in str(caught.value)
    assert str(config) in str(caught.value)


def test_what_is_missing_is_said(tmp_path):
    path = tmp_path / "config.toml"
    for text, message in (
        ('out = "o"\n[pairs]\nsources="a"', "model is not set"),
        ('model = "m"\nout = "o"', r"nothing is to be trained: give a table \[pairs\]"),
        ("model = ", "is not TOML"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_settings(path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings(tmp_path / "nothing.toml")
    with pytest.raises(ConfigError, match="'steps' is not NAME=VALUE"):
        parse_change("steps")


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for kind in (TrainingSettings, StageSettings, SourceSettings):
        for field in fields(kind):
            assert field.name == "stages" or f"`{field.name}`" in text, field.name


def test_values_are_checked_from_python_too():
    with pytest.raises(ConfigError, match="n_negatives must not be negative, and is -1"):
        StageSettings(n_negatives=-1)
    with pytest.raises(ConfigError, match=r"there is no stage 'pair'; did you mean 'pairs'\?"):
        TrainingSettings(model="m", out=Path("o"), stages={"pair": StageSettings(sources=(SourceSettings(path="a"),))})
