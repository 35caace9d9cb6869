"""GradCache gives the gradient of the whole batch, under dropout, with one chunk's activations at a time."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from pagesight.engine.training.cached import cached_backward
from pagesight.engine.training.late import Ragged
from pagesight.engine.training.losses import joint_loss, joint_terms

WIDTH, DIM = 8, 4
QUERIES, DOCUMENTS = (2, 3, 1, 2), (4, 2, 5, 3, 1, 6)  # tokens of each


class TwoHeads(nn.Module):
    """Tokens (n, length, width) and mask -> single vectors and token vectors, with dropout."""

    def __init__(self, dtype=torch.float64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(WIDTH, WIDTH, dtype=dtype), nn.Tanh(), nn.Dropout(0.4))
        self.head = nn.Linear(WIDTH, DIM, dtype=dtype)

    def forward(self, tokens, mask):
        hidden = self.body(tokens)
        multi = nn.functional.normalize(self.head(hidden), dim=-1)
        single = (hidden * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        return nn.functional.normalize(single, dim=-1), multi[mask.bool()], mask.sum(dim=1)


def model(dtype=torch.float64):
    torch.manual_seed(0)
    return TwoHeads(dtype)


def batch(sizes, dtype=torch.float64):
    """The queries and documents of one batch, in chunks of so many, padded within the chunk."""
    generator, lengths, chunks = torch.Generator().manual_seed(1), iter(QUERIES + DOCUMENTS), []
    for size in sizes:
        own = [next(lengths) for _ in range(size)]
        mask = torch.zeros(size, max(own), dtype=torch.int64)
        for row, length in enumerate(own):
            mask[row, :length] = 1
        chunks.append((torch.randn(size, max(own), WIDTH, generator=generator, dtype=dtype), mask))
    assert next(lengths, None) is None
    return chunks


def loss(outputs):
    """The joint loss of both heads; what the chunks give is joined, then cut into queries and documents."""
    n = len(QUERIES)
    single = torch.cat([output[0] for output in outputs])
    rows = torch.cat([output[1] for output in outputs]).split(torch.cat([output[2] for output in outputs]).tolist())
    terms = joint_terms(
        single[:n],
        single[n:],
        Ragged.of(rows[:n]),
        Ragged.of(rows[n:]),
        torch.arange(n),
        matryoshka_dims=(2, 4, WIDTH),
        temperature=0.1,
        detach_late=False,
    )
    return joint_loss(terms, None)


def plain(network, chunks):
    """Loss, gradients, and the random number that comes next."""
    torch.manual_seed(2)
    value = loss([network(*chunk) for chunk in chunks])
    value.backward()
    return value.detach(), gradients(network), torch.rand(1)


def gradients(network):
    return [parameter.grad.clone() for parameter in network.parameters()]


@pytest.mark.parametrize("sizes", [(10,), (4, 6), (4, 3, 1, 2), (1,) * 10, (2, 5, 3)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_gradient_is_the_plain_one_with_dropout_for_any_chunks(sizes, dtype):
    chunks = batch(sizes, dtype)
    expected, plain_gradients, plain_next = plain(model(dtype), chunks)
    network = model(dtype)
    torch.manual_seed(2)
    value = cached_backward(lambda chunk: network(*chunk), chunks, loss)
    torch.testing.assert_close(torch.rand(1), plain_next, rtol=0, atol=0)
    assert not value.requires_grad
    torch.testing.assert_close(value, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(gradients(network), plain_gradients, rtol=1e-6, atol=1e-6)
    assert all((gradient != 0).any() for gradient in plain_gradients)


def test_the_second_pass_drops_what_the_first_dropped():
    """Without its random state the gradient would be another one: the dropout of the test above is no decoration."""
    chunks, network = batch((4, 6)), model()
    torch.manual_seed(2)
    seen = []

    def encode(chunk):
        outputs = network(*chunk)
        seen.append([output.detach() for output in outputs])
        return outputs

    cached_backward(encode, chunks, loss)
    first, again = seen[:2], seen[2:]
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    assert not torch.equal(network(*chunks[0])[0], first[0][0])


def test_activations_of_one_chunk_are_alive_at_a_time():
    events, network = [], model()

    def encode(chunk):
        events.append("encode" if torch.is_grad_enabled() else "look")
        return network(*chunk)

    def backward(surrogate):
        events.append("backward")
        surrogate.backward()

    cached_backward(encode, batch((4, 3, 3)), loss, backward=backward)
    assert events == ["look"] * 3 + ["encode", "backward"] * 3


def test_scale_counts_for_the_gradient_only_and_gradients_add_up():
    chunks = batch((4, 6))
    expected, plain_gradients, _ = plain(model(), chunks)
    network = model()
    for scale in (0.25, 0.5):
        torch.manual_seed(2)
        value = cached_backward(lambda chunk: network(*chunk), chunks, loss, scale=scale)
        torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradients(network), [0.75 * gradient for gradient in plain_gradients])


def test_a_head_that_the_loss_does_not_use_gets_a_gradient_of_zeros():
    network = model()
    cached_backward(lambda chunk: network(*chunk), batch((4, 6)), lambda outputs: outputs[0][0].sum())
    assert (network.head.weight.grad == 0).all()
    assert (network.body[0].weight.grad != 0).any()


def test_autocast_around_both_passes_keeps_the_gradient():
    """Autocast keeps the copies of weights it made: those of the pass without gradient must not serve the other."""
    chunks, network = batch((4, 6), torch.float32), model(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, expected, _ = plain(model(torch.float32), chunks)
        torch.manual_seed(2)
        cached_backward(lambda chunk: network(*chunk), chunks, loss)
    torch.testing.assert_close(gradients(network), expected, rtol=0, atol=2e-2)
    assert all((gradient != 0).any() for gradient in gradients(network))


def test_an_interrupted_second_pass_leaves_the_random_numbers_where_they_belong():
    chunks, network = batch((4, 6)), model()
    _, _, plain_next = plain(model(), chunks)
    torch.manual_seed(2)

    def interrupted(surrogate):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_backward(lambda chunk: network(*chunk), chunks, loss, backward=interrupted)
    torch.testing.assert_close(torch.rand(1), plain_next, rtol=0, atol=0)


def test_only_the_last_chunk_is_encoded_where_gradients_are_exchanged():
    inside, events, network = False, [], model()

    @contextmanager
    def no_sync():
        nonlocal inside
        inside = True
        yield
        inside = False

    def encode(chunk):
        events.append(("encode", inside)) if torch.is_grad_enabled() else None
        return network(*chunk)

    def backward(surrogate):
        events.append(("backward", inside))
        surrogate.backward()

    cached_backward(encode, batch((4, 3, 3)), loss, backward=backward, no_sync=no_sync)
    assert [quiet for _, quiet in events] == [True] * 4 + [False] * 2


@pytest.fixture
def process_group():
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_a_wrapped_model_exchanges_whole_gradients_once_a_step(process_group):
    """DistributedDataParallel over one process: what it would send is seen by its hook."""
    chunks = batch((4, 3, 1, 2))
    _, plain_gradients, _ = plain(model(), chunks)
    network, sent = model(), []
    wrapped = nn.parallel.DistributedDataParallel(network)

    def hook(state, bucket):
        sent.append(bucket.buffer().clone())
        future = torch.futures.Future()
        future.set_result(bucket.buffer())
        return future

    wrapped.register_comm_hook(None, hook)
    for _ in range(2):  # the second step finds the wrapper as the first one did
        network.zero_grad()
        sent.clear()
        torch.manual_seed(2)
        cached_backward(lambda chunk: wrapped(*chunk), chunks, loss, no_sync=wrapped.no_sync)
        torch.testing.assert_close(gradients(network), plain_gradients, rtol=1e-6, atol=1e-6)
        total = torch.cat([gradient.flatten() for gradient in plain_gradients])
        assert sum(len(buffer) for buffer in sent) == len(total)
        torch.testing.assert_close(sum(buffer.sum() for buffer in sent), total.sum(), rtol=0, atol=1e-6)


def test_a_batch_of_no_chunks_is_refused():
    with pytest.raises(ValueError, match="at least one chunk"):
        cached_backward(lambda chunk: (chunk,), [], loss)
