"""Work is spread over threads, whole and in order."""

import threading
import time

import pytest

from pagesight.storage.scoring.threads import n_shares, spread


@pytest.mark.parametrize("n", ["1", "2", "5"])
def test_results_come_in_order(n, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", n)
    assert spread(lambda x: x * x, list(range(100))) == [x * x for x in range(100)]
    assert spread(str, [7]) == ["7"]
    assert spread(str, []) == []
    assert n_shares() >= 1


def test_a_failure_anywhere_is_a_failure_of_all(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    seen, done, both = set(), [], threading.Barrier(2, timeout=60)

    def work(x):
        seen.add(threading.current_thread().name)
        if x < 2:
            both.wait()  # each of the two takes one of these
        done.append(x)
        time.sleep(0.002)
        if x == 40:
            raise KeyError(x)
        return x

    with pytest.raises(KeyError, match="40"):
        spread(work, list(range(100_000)))
    assert len(done) < 50_000  # the others stop, too
    assert len(seen) == 2
