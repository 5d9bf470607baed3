"""How much an audit does, and how long that will take."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tspg.audit.context import RunContext


@dataclass(frozen=True)
class Plan:
    """How often each control is repeated, the column that is not biology, and where the user's files are."""

    permutations: int = 20
    splits: int = 20
    planted: int = 5
    unseen_classes: int = 12
    gene_sets: int = 100
    seeds: int = 10
    bootstraps: int = 5
    draws: int = 100  # in place of `bootstraps` where a refit takes no more than means
    levels: int = 6
    technical: str | None = None
    quick: bool = False
    reading: dict[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, *, quick: bool, technical: str | None, reading: dict[str, Any]) -> "Plan":
        """The full plan, or the short one of `--quick`."""
        if not quick:
            return cls(technical=technical, reading=reading)
        return cls(
            permutations=3,
            splits=3,
            planted=1,
            unseen_classes=3,
            gene_sets=40,
            seeds=5,
            bootstraps=3,
            levels=2,
            technical=technical,
            quick=True,
            reading=reading,
        )

    def settings(self) -> dict[str, Any]:
        """What a stored control must agree with to be used again."""
        return {name: value for name, value in asdict(self).items() if name != "reading"}


@dataclass(frozen=True)
class Work:
    """What a control costs: fits, short or as long as the run's own; trainings of f besides; sets of genes.

    A fit of a generator that is trained includes f; of a closed form it does not.
    """

    short: float = 0.0
    long: float = 0.0
    f: float = 0.0
    sets: float = 0.0


SET_SECONDS = 0.1  # a closed-form map with a logistic regression on a few hundred samples
FIXED_SECONDS = 0.2  # what a fit takes besides training: samples are moved and counted


def seconds_for(work: Work, context: RunContext) -> float:
    """About how long the work will take here, from the times that the run itself took."""
    spent, own = context.metrics.get("seconds", {}), context.config
    f, method = float(spent.get("target_model", 0.0)), float(spent.get("generator", 0.0))
    short_f = f * context.short.target_model.epochs / own.target_model.epochs
    others = work.f * short_f + work.sets * SET_SECONDS + (work.short + work.long) * FIXED_SECONDS
    if not own.is_trained:
        return others + (work.short + work.long) * method
    share = context.short_steps / context.own_steps if context.own_steps else 1.0
    return others + work.short * (short_f + method * share) + work.long * (f + method)
