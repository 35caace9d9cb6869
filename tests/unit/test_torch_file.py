"""Weights that torch saved in its older layout are read as torch reads them, and nothing in the file is run."""

import pickle

import numpy as np
import pytest

from pagesight.engine.models.sight.torch_file import read_tensors
from pagesight.storage.errors import BadCheckpoint

torch = pytest.importorskip("torch")


def saved(path, tensors):
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    return path


def test_tensors_are_what_torch_says_however_they_lie(tmp_path):
    base = torch.arange(24, dtype=torch.float32)
    tensors = {
        "plain": base.reshape(2, 3, 4).clone(),
        "turned": base.reshape(4, 6).T,
        "every other": base[1::2],
        "the same storage": base[5:9],
        "one": torch.tensor(7.0),
    }
    found = read_tensors(saved(tmp_path / "w.pth", {**tensors, "counted": torch.tensor(3)}))
    assert found.keys() == tensors.keys()  # whole numbers are no weights
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_what_is_no_tensor_is_refused_and_not_run(tmp_path, capsys):
    path = tmp_path / "evil.pth"
    with open(path, "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {}):
            pickle.dump(value, file, protocol=2)
        pickle.dump({"weight": Evil()}, file, protocol=2)
    with pytest.raises(BadCheckpoint, match="which no weights need"):
        read_tensors(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.99])
def test_a_file_that_is_cut_off_is_said_to_be_none(tmp_path, keep):
    path = saved(tmp_path / "w.pth", {"weight": torch.ones(200)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BadCheckpoint, match="older layout"):
        read_tensors(path)
