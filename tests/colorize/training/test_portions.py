"""A batch in portions teaches what the whole one teaches, however many samples are held at once."""

from types import SimpleNamespace

import pytest
import torch

from colorize.networks.discriminator import DISCRIMINATOR
from colorize.settings import TrainSettings
from colorize.training.adversary import Verdicts, rolled
from colorize.training.devices import OneDevice
from colorize.training.exemplar import ExemplarLearner
from colorize.training.loop import BUCKET, agreed, buckets, check_together, exchange, loader, training_stream
from colorize.training.portions import Portion, moments_of, portions_of, spreads_of
from media.faults import MachineFault

CPU = OneDevice(torch.device("cpu"))


@pytest.fixture
def batch(data, settings):
    """Four samples: two have their own reference, whose features get noise; one is given its first frame."""
    stream = training_stream(data, settings.model_copy(update={"batch": 4}), 0)
    batch = torch.utils.data.default_collate([stream[k] for k in range(4)])
    return batch | {"own": torch.tensor([1.0, 0, 1, 1]), "given": torch.tensor([0.0, 0, 0, 1])}


def step_of(settings, batch):
    """The losses of the last step, the gradients of both networks, and the next random number.

    In double precision: in single, the matching enlarges what is rounded, and nothing could be told from it.
    """
    torch.manual_seed(0)
    learner = ExemplarLearner(settings, "efficientnet_lite0", "nowhere", CPU)
    for net in (learner.model.backbone, *learner.modules):
        net.double()
    batch = {
        name: value.double() if value.is_floating_point() else value for name, value in batch.items() if name != "item"
    } | {"item": batch["item"]}
    torch.nn.init.normal_(learner.model.colorization.output_layer.weight, std=0.05)  # off the grey start
    *_, values = learner.training_steps(batch)
    gradients = [[p.grad for p in net.parameters() if p.grad is not None] for net in (learner.model, learner.judge)]
    buffers = torch.cat([buffer.flatten() for buffer in learner.judge.buffers()])
    return values, [torch.cat([g.flatten() for g in each]) for each in gradients if each], buffers, torch.rand(3)


@pytest.mark.parametrize("micro_batch", [1, 3])
def test_a_step_in_parts_is_the_step_of_the_whole_batch(settings, batch, micro_batch):
    # A small rate: Adam makes whole steps out of rounding, and the generator's comes after the discriminator's.
    changes = {"batch": 4, "adversarial_from": 0, "feature_noise": 0.5, "learning_rate": 1e-5}
    settings = settings.model_copy(update=changes)
    values, gradients, vectors, drawn = step_of(settings, batch)
    again = step_of(settings.model_copy(update={"micro_batch": micro_batch}), batch)
    assert again[0] == pytest.approx(values, rel=1e-9)
    for one, other in zip(gradients, again[1], strict=True):
        assert (one - other).norm() < 1e-9 * one.norm()
    assert torch.allclose(again[2], vectors, atol=1e-9)
    assert torch.equal(again[3], drawn)


def test_a_sequence_in_parts_goes_on_where_each_of_its_windows_ended(settings, data):
    model = {"history": "aligned", "output": "gated", "matching": "context"}
    changes = {"sequence": 3, "photo_share": 0, "given_first": 0.5, "losses": {"adversarial": 0}}
    changes |= {"batch": 4, "learning_rate": 1e-5}
    settings = TrainSettings.model_validate(settings.model_dump() | model | changes)
    stream = training_stream(data, settings, 0)
    batch = torch.utils.data.default_collate([stream[k] for k in range(4)]) | {"given": torch.tensor([1.0, 0, 1, 1])}
    values, gradients, *_ = step_of(settings, batch)
    again = step_of(settings.model_copy(update={"micro_batch": 1}), batch)
    assert again[0] == pytest.approx(values, rel=1e-9)
    assert (gradients[0] - again[1][0]).norm() < 1e-9 * gradients[0].norm()


class Second:
    """The second of two processes, the first of which sends what it is told."""

    device, global_rank, world_size, is_global_zero, autocast = CPU.device, 1, 2, False, staticmethod(CPU.autocast)

    def __init__(self, *sent):
        self.sent, self.calls = list(sent), []

    def all_reduce(self, data, *, reduce_op):
        self.calls.append(data.numel())
        return data + self.sent.pop(0)

    def all_gather(self, data):
        return torch.cat([self.sent.pop(0), data])


def test_true_pairs_are_rolled_over_all_processes():
    assert rolled(torch.arange(3.0), CPU).tolist() == [2, 0, 1]
    assert rolled(torch.tensor([7.0]), Second(torch.tensor([6.0]))).tolist() == [6]  # one sample each: never its own
    assert rolled(torch.tensor([7.0, 8.0]), Second(torch.tensor([6.0]))).tolist() == [6, 7]


def test_a_part_knows_its_place_and_its_weight(settings):
    other = torch.tensor([[1.0, 0], [1, 0], [0, 1]])  # own, given
    batch = {"own": torch.tensor([1.0, 0, 0]), "given": torch.tensor([0.0, 1, 0])}
    first, last = portions_of(batch, settings.model_copy(update={"micro_batch": 2}), Second(other))
    assert (first.here, first.place, last.here, last.place) == (slice(0, 2), slice(3, 5), slice(2, 3), slice(5, 6))
    assert (first.share, last.share) == (2 / 6, 1 / 6)
    assert (first.weight("l1"), last.weight("l1")) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert first.given.tolist() == [0, 0, 1, 0, 1, 0]
    assert not first.is_whole and portions_of(batch, settings, CPU)[0].is_whole


def test_noise_is_that_of_the_whole_batch():
    own = torch.zeros(5)
    x = torch.zeros(5, 2, 3)
    torch.manual_seed(1)
    whole = Portion(slice(0, 5), slice(0, 5), own, own).noise(x)
    torch.manual_seed(1)
    assert torch.equal(Portion(slice(0, 2), slice(2, 4), own, own).noise(x[:2]), whole[2:4])


def test_the_spread_of_features_is_that_of_all_references(settings):
    references = torch.randn(6, 3, 8, 8) * torch.arange(1, 7).reshape(6, 1, 1, 1) + 5
    labels = torch.zeros(3)
    portions = portions_of({"own": labels, "given": labels}, settings.model_copy(update={"micro_batch": 2}), CPU)
    sent = torch.stack([moments_of(references[:3]), moments_of(2 * references[:3])])
    spreads = spreads_of(lambda x: [x, 2 * x], references[3:], portions, Second(sent))
    assert torch.allclose(torch.stack(spreads), torch.tensor([1.0, 2.0]) * references.std(), rtol=1e-6)


@pytest.mark.parametrize("protocol, size", [("paper", (64, 64)), ("release", (192, 384))])
def test_verdicts_in_parts_are_those_of_one_call(settings, protocol, size):
    torch.manual_seed(0)
    judge = DISCRIMINATOR[protocol](0.0625)
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    fakes, reals = torch.rand(2, 3, 6, *size) * 50
    labels = {"own": torch.zeros(3), "given": torch.zeros(3)}
    whole, portions = (portions_of(labels, settings.model_copy(update={"micro_batch": m}), CPU) for m in (None, 2))
    expected = Verdicts(judge, fakes, reals, whole, CPU).of(whole[0], fakes)
    judge.load_state_dict(before)
    verdicts = Verdicts(judge, fakes, reals, portions, CPU)
    for portion in portions:
        for scores, all_scores in zip(verdicts.of(portion, fakes[portion.here]), expected, strict=True):
            assert torch.allclose(scores, all_scores, rtol=1e-3, atol=1e-5)
            assert scores.requires_grad


def test_gradients_are_exchanged_in_buckets():
    layers = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(6))
    parameters = list(layers.parameters())
    size = 4 * (64 * 64 + 64) * 2
    filled = buckets(parameters, size)
    assert [len(each) for each in filled] == [4, 4, 4] and [p for each in filled for p in each] == parameters
    assert len(buckets(parameters, BUCKET)) == 1  # what was a call for each of twelve
    assert [len(each) for each in buckets(parameters, 8)] == [1] * 12  # a larger one alone


def test_an_exchanged_gradient_is_the_sum_and_one_that_nobody_has_stays_none():
    one, two, none = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    one.grad, two.grad = torch.tensor([1.0, 2.0]), None
    devices = Second(torch.tensor([10.0, 20, 5, 5, 0, 0, 1, 1, 0]))  # the other has both, and not the third
    exchange([one, two, none], devices)
    assert one.grad.tolist() == [11, 22] and two.grad.tolist() == [5, 5] and none.grad is None
    assert devices.calls == [9]  # one call


def test_all_processes_stop_for_the_one_that_is_asked():
    assert agreed(None, CPU) == 0 and agreed(15, CPU) == 15
    assert agreed(None, Second(torch.tensor(15))) == 15


def test_processes_that_read_different_states_are_not_let_loose(settings, tmp_path):
    learner = SimpleNamespace(step=7)
    check_together(learner, Second(torch.tensor([7])), tmp_path / "state.pt")
    with pytest.raises(MachineFault, match=r"state\.pt: .*from different steps, \[3, 7\]"):
        check_together(learner, Second(torch.tensor([3])), tmp_path / "state.pt")


def test_a_batch_is_shared_in_blocks_whatever_the_number_of_processes(settings):
    stream = torch.arange(12)
    whole = list(loader(stream, settings.model_copy(update={"batch": 4}), 1, CPU))
    shares = list(loader(stream, settings.model_copy(update={"batch": 4}), 1, Second()))
    assert [batch.tolist() for batch in whole] == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert [batch.tolist() for batch in shares] == [[6, 7], [10, 11]]
