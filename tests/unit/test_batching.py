"""Batches within a budget of tokens, and going on when memory runs out."""

import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.models.on_torch.batching import Packer, is_out_of_memory, pack
from pagesight.storage.errors import DeviceMemory

lengths = st.lists(st.integers(1, 50), max_size=40)


@given(lengths, st.integers(1, 200), st.one_of(st.none(), st.integers(1, 5)))
def test_batches_hold_every_row_once_within_the_budget(lengths, max_tokens, max_rows):
    batches = pack(lengths, max_tokens, max_rows)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[i] for i in batch)
        assert padded <= max_tokens or len(batch) == 1
        assert max_rows is None or len(batch) <= max_rows
    flat = [lengths[i] for batch in batches for i in batch]
    assert flat == sorted(flat, reverse=True)


@given(lengths, st.integers(1, 300), st.integers(1, 300))
def test_results_come_in_order_whatever_the_memory(lengths, max_tokens, memory):
    """A device that holds ``memory`` padded tokens and says so by torch's own error."""
    packer = Packer(max_tokens)
    tried = []

    def encode(batch):
        n_tokens = len(batch) * max(length for _, length in batch)
        tried.append(n_tokens)
        if n_tokens > memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [f"row {i}" for i, _ in batch]

    rows = list(enumerate(lengths))
    if max(lengths, default=0) > memory:
        with pytest.raises(DeviceMemory, match="does not fit into the memory of the device; make pages smaller"):
            packer.run(rows, lengths, encode)
        return
    assert packer.run(rows, lengths, encode) == [f"row {i}" for i, _ in rows]
    assert sum(n > memory for n in tried) <= 10  # halving each time, and never more again
    before = len(tried)
    packer.run(rows, lengths, encode)
    assert sum(n > memory for n in tried[before:]) <= 10


def test_the_budget_falls_for_good(caplog):
    packer = Packer(64)

    def encode(batch):
        if len(batch) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return batch

    with caplog.at_level(logging.WARNING):
        assert packer.run(list("abcdefgh"), [8] * 8, encode) == list("abcdefgh")
    assert packer.max_tokens == 16
    assert "out of memory with 64 tokens at once; going on with 32" in caplog.text
    caplog.clear()
    packer.run(list("abcdefgh"), [8] * 8, encode)
    assert not caplog.records


def test_the_next_batch_is_prepared_before_one_is_encoded():
    events = []
    Packer(2).run(
        "abcde",
        [1] * 5,
        lambda b: events.append(("encode", "".join(b))) or b,
        prepare=lambda b: events.append(("prepare", "".join(b))),
    )
    assert events == [("prepare", "cd"), ("encode", "ab"), ("prepare", "e"), ("encode", "cd"), ("encode", "e")]


def test_other_errors_are_not_taken_for_it():
    def encode(_):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Packer(8).run("ab", [1, 1], encode)
    assert not is_out_of_memory(ValueError("allocate memory"))


def test_what_torch_says_when_there_is_no_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**14)
    assert is_out_of_memory(caught.value)
