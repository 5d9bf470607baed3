"""What a training step cannot do without: its matrix products, counted by hand and run by themselves.

A product of an (m, k) and a (k, n) matrix takes 2 m k n operations. A dense layer with gradient needs
three: forward, gradient of its weights, gradient of its input. The floor leaves out whatever is not
needed: D's update needs no gradient of the first layer's input, G's update none of the weights of D
and f, and G runs forward once for both updates.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

Widths = Sequence[int]

HIDDEN_F = (1024, 512, 128)
DOWN, UP, RESIDUAL_LAYERS = (512, 256, 128), (256, 512), 6
HIDDEN_D = (512, 256, 128)


class Product(NamedTuple):
    """An (m, k) matrix times a (k, n) one; what is read as its transpose, as backward passes do, is marked."""

    m: int
    k: int
    n: int
    left_turned: bool = False
    right_turned: bool = False

    @property
    def flop(self) -> int:
        """Multiplications and additions."""
        return 2 * self.m * self.k * self.n


Products = Counter[Product]
"""How often each product is needed."""


def f_widths(n_genes: int, n_classes: int, hidden: Widths = HIDDEN_F) -> list[int]:
    """Units from layer to layer of f."""
    return [n_genes, *hidden, n_classes]


def g_widths(n_genes: int, down: Widths = DOWN, residual_layers: int = RESIDUAL_LAYERS, up: Widths = UP) -> list[int]:
    """Units from layer to layer of G; a residual block is two layers."""
    return [n_genes, *down, *[down[-1]] * residual_layers, *up, n_genes]


def d_widths(n_genes: int, hidden: Widths = HIDDEN_D) -> list[int]:
    """Units from layer to layer of D."""
    return [n_genes, *hidden, 1]


def forward(batch: int, widths: Widths) -> Products:
    """Every layer's x W'."""
    return Counter(Product(batch, before, after, right_turned=True) for before, after in pairwise(widths))


def weight_gradients(batch: int, widths: Widths) -> Products:
    """Every layer's g' x, with g the gradient of what it gives."""
    return Counter(Product(after, batch, before, left_turned=True) for before, after in pairwise(widths))


def input_gradients(batch: int, widths: Widths) -> Products:
    """Every layer's g W."""
    return Counter(Product(batch, after, before) for before, after in pairwise(widths))


def paper_products(batch: int, f: Widths, g: Widths, d: Widths, *, target_samples: int = 0) -> Products:
    """One step of preset `paper`; with `target_samples` also the draw of r_t from so many."""
    once_through_d = forward(batch, d) + weight_gradients(batch, d) + input_gradients(batch, d[1:])
    d_update = once_through_d + once_through_d  # real profiles, and perturbed ones
    through_judges = forward(batch, d) + input_gradients(batch, d) + forward(batch, f) + input_gradients(batch, f)
    draw = Counter([Product(batch, target_samples, g[0])] if target_samples else [])
    return d_update + through_judges + learning(batch, g) + draw


def learning(batch: int, widths: Widths) -> Products:
    """Forward and backward through a network that learns; nobody needs the gradient of its input."""
    return forward(batch, widths) + weight_gradients(batch, widths) + input_gradients(batch, widths[1:])


def total_flop(products: Products) -> int:
    """Operations of all products together."""
    return sum(product.flop * times for product, times in products.items())


def runner(products: Products) -> Callable[[], None]:
    """A function that computes the products and nothing else, in float32, into memory it already has."""
    operands = {product: _operands(product) for product in products}
    in_order = list(products.elements())

    def run() -> None:
        for product in in_order:
            left, right, out = operands[product]
            torch.mm(left, right, out=out)

    return run


def _operands(product: Product) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    m, k, n, left_turned, right_turned = product
    state = torch.Generator().manual_seed(0)
    left = torch.randn(k, m, generator=state).T if left_turned else torch.randn(m, k, generator=state)
    right = torch.randn(n, k, generator=state).T if right_turned else torch.randn(k, n, generator=state)
    return left, right, torch.empty(m, n)
