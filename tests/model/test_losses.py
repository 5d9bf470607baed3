"""Every reduction of Eqs. 1-4 by hand, and the shapes that must be refused."""

import math

import pytest
import torch

from tspg.errors import ShapeError
from tspg.model import losses

BATCH, GENES, CLASSES = 5, 7, 3  # all different, so a swapped axis cannot pass


@pytest.fixture
def draw():
    state = torch.Generator().manual_seed(0)
    return lambda *shape: torch.rand(*shape, generator=state, dtype=torch.float64)


def test_discriminator_loss_is_least_squares_for_both_kinds_of_profiles():
    real, fake = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 0.4, 0.8])
    # real: (0 + .25) / 2; fake: (0 + .16 + .64) / 3; a mean for each, since batches may differ in size
    assert losses.discriminator_loss(real, fake).item() == pytest.approx(0.125 + 0.8 / 3)


def test_realism_loss_is_the_mean_squared_distance_to_one():
    assert losses.realism_loss(torch.tensor([0.0, 0.5, 1.0])).item() == pytest.approx((1 + 0.25) / 3)


def test_target_class_loss_is_the_margin_of_the_best_other_class():
    scores = torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
    # class 0 trails by 0.3 and by 0.6; the paper's results come from the sum over the batch
    assert losses.target_class_loss(scores, target_index=0).item() == pytest.approx(0.9)


@pytest.mark.parametrize(("confidence", "expected"), [(0.0, 0.0), (-0.3, -0.3), (-0.9, -0.6)])
def test_target_class_loss_never_falls_below_the_confidence(confidence, expected):
    scores = torch.tensor([[0.1, 0.8, 0.1], [0.0, 0.3, 0.3]])  # class 1 leads by 0.7 and is level
    by_hand = max(-0.7, confidence) + max(0.0, confidence)
    assert losses.target_class_loss(scores[:1], 1, confidence).item() == pytest.approx(max(-0.7, confidence))
    assert losses.target_class_loss(scores, 1, confidence).item() == pytest.approx(by_hand)
    assert expected <= 0


def test_perturbation_norm_loss_is_the_mean_length_not_the_length_of_the_batch():
    perturbation = torch.tensor([[3.0, 4.0], [0.0, 0.0], [5.0, 12.0]])
    assert losses.perturbation_norm_loss(perturbation).item() == pytest.approx((5 + 0 + 13) / 3)


def test_perturbation_norm_loss_has_a_gradient_at_no_perturbation():
    perturbation = torch.zeros(BATCH, GENES, requires_grad=True)
    losses.perturbation_norm_loss(perturbation).backward()
    assert torch.isfinite(perturbation.grad).all()


def test_target_distance_loss_sums_over_genes_and_averages_over_samples():
    perturbed, drawn = (
        torch.tensor([[0.0, 1.0, 0.5], [1.0, 1.0, 1.0]]),
        torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]),
    )
    assert losses.target_distance_loss(perturbed, drawn).item() == pytest.approx((1.5 + 2.0) / 2)


@pytest.mark.parametrize(
    ("term", "grows"),
    [("class", True), *((name, False) for name in ("norm", "distance", "real", "discriminator"))],
)
def test_twice_the_same_batch_changes_only_the_summed_term(draw, term, grows):
    scores, genes, other = draw(BATCH, CLASSES), draw(BATCH, GENES), draw(BATCH, GENES)
    of = {
        "class": lambda k: losses.target_class_loss(scores.repeat(k, 1), 1),
        "norm": lambda k: losses.perturbation_norm_loss(genes.repeat(k, 1)),
        "distance": lambda k: losses.target_distance_loss(genes.repeat(k, 1), other.repeat(k, 1)),
        "real": lambda k: losses.realism_loss(genes[:, 0].repeat(k)),
        "discriminator": lambda k: losses.discriminator_loss(genes[:, 0].repeat(k), genes[:, 1]),
    }[term]
    assert of(2).item() == pytest.approx(of(1).item() * (2 if grows else 1))


def test_the_order_of_the_samples_changes_no_term(draw):
    order = torch.tensor([3, 0, 4, 1, 2])
    scores, genes, other, real = draw(BATCH, CLASSES), draw(BATCH, GENES), draw(BATCH, GENES), draw(BATCH)
    terms = {
        "class": lambda rows: losses.target_class_loss(scores[rows], 1),
        "norm": lambda rows: losses.perturbation_norm_loss(genes[rows]),
        "distance": lambda rows: losses.target_distance_loss(genes[rows], other[rows]),
        "real": lambda rows: losses.realism_loss(real[rows]),
        "discriminator": lambda rows: losses.discriminator_loss(real[rows], genes[:, 0]),
    }
    for name, of in terms.items():
        assert of(order).item() == pytest.approx(of(torch.arange(BATCH)).item()), name
    crossed = losses.target_distance_loss(genes[order], other)  # one row against another's draw is another number
    assert crossed.item() != pytest.approx(terms["distance"](order).item())


def test_gradients_agree_with_finite_differences(draw):
    scores, genes, other = (
        draw(*shape).requires_grad_() for shape in [(BATCH, CLASSES), (BATCH, GENES), (BATCH, GENES)]
    )
    fake, real = draw(BATCH).requires_grad_(), draw(BATCH + 1).requires_grad_()
    check = {"eps": 1e-6, "atol": 1e-5}
    assert torch.autograd.gradcheck(losses.discriminator_loss, (real, fake), **check)
    assert torch.autograd.gradcheck(losses.realism_loss, (fake,), **check)
    assert torch.autograd.gradcheck(lambda p: losses.target_class_loss(p, 2), (scores,), **check)
    assert torch.autograd.gradcheck(losses.perturbation_norm_loss, (genes,), **check)
    assert torch.autograd.gradcheck(losses.target_distance_loss, (genes, other), **check)


@pytest.mark.parametrize("shape", [(GENES,), (1, GENES), (BATCH, 1), (BATCH, GENES + 1)])
def test_target_distance_refuses_shapes_that_would_broadcast(shape):
    with pytest.raises(ShapeError, match=r"\(batch, genes\)"):
        losses.target_distance_loss(torch.zeros(BATCH, GENES), torch.zeros(*shape))


@pytest.mark.parametrize("index", [-1, CLASSES, 99])
def test_a_class_index_outside_the_classes_is_refused(index):
    with pytest.raises(ShapeError, match="class index"):
        losses.target_class_loss(torch.zeros(BATCH, CLASSES), index)


def test_a_one_hot_target_is_refused():
    with pytest.raises(TypeError):
        losses.target_class_loss(torch.zeros(BATCH, CLASSES), torch.tensor([0.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.discriminator_loss(torch.zeros(BATCH, 1), torch.zeros(BATCH)),
        lambda: losses.discriminator_loss(torch.zeros(BATCH), torch.zeros(BATCH, 1)),
        lambda: losses.realism_loss(torch.zeros(BATCH, 1)),
        lambda: losses.perturbation_norm_loss(torch.zeros(GENES)),
        lambda: losses.target_class_loss(torch.zeros(CLASSES), 0),
        lambda: losses.target_class_loss(torch.zeros(BATCH, 1), 0),
    ],
)
def test_scores_of_the_wrong_rank_are_refused(call):
    with pytest.raises(ShapeError):
        call()


def test_a_nan_is_not_hidden_by_any_term():
    bad = torch.full((BATCH, GENES), math.nan)
    assert losses.perturbation_norm_loss(bad).isnan()
    assert losses.target_distance_loss(bad, torch.zeros(BATCH, GENES)).isnan()
    assert losses.target_class_loss(bad[:, :CLASSES], 0).isnan()
