"""Every setting of an experiment, with the paper's numbers as defaults, and the named presets."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from tspg.errors import Option, UsageError
from tspg.utils.options import MOST_GENES, check, refuse_unknown
from tspg.utils.schema import CALLABLE, TEXT, TRUTH, Kind, list_of, names, number, one_of, optional, whole
from tspg.utils.schema import fields as an_object


@dataclass(frozen=True)
class TargetModelConfig:
    """Settings of f, the classifier that must be convinced (paper, section 2.2).

    The paper's 50 epochs of 256 samples are 1,850 steps on its 11,688 samples, but 100 on 366: with
    `least_steps`, small data is gone through until f has taken so many. With `warm_up` the rate rises
    over that share of the steps and falls to 0 as a cosine; without, it stays. With `enough_loss` it stays
    until the mean cross-entropy of the last steps is below that, and falls to 0 in as many steps as it rose: that
    ends the training. `centred` subtracts the mean training profile, and `label_smoothing` keeps f from
    growing sure of itself (benchmarks/target_model.py).
    """

    hidden_units: tuple[int, ...] = (1024, 512, 128)
    learning_rate: float = 1e-3
    batch_size: int = 256
    epochs: int = 50
    least_steps: int = 1
    warm_up: float | None = None
    enough_loss: float | None = None
    centred: bool = False
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class LossWeights:
    """Weights of Eq. 5; the paper adds the four terms as they are."""

    realism: float = 1.0
    target_class: float = 1.0
    perturbation_norm: float = 1.0
    target_distance: float = 1.0


@dataclass(frozen=True)
class GeneratorConfig:
    """The layers of G (paper, section 2.2) and how long it is trained."""

    down_units: tuple[int, ...] = (512, 256, 128)
    residual_blocks: int = 3
    up_units: tuple[int, ...] = (256, 512)
    learning_rate: float = 2e-4
    batch_size: int = 128
    epochs: int = 150
    steps: int | None = None  # if set, training ends after exactly this many steps instead of `epochs`


@dataclass(frozen=True)
class PaperConfig(GeneratorConfig):
    """Preset `paper`: G against D and f, by Eqs. 1-5 (paper, section 2.2)."""

    discriminator_units: tuple[int, ...] = (512, 256, 128)
    discriminator_learning_rate: float = 1e-4
    confidence: float = 0.0  # kappa of Eq. 2
    weights: LossWeights = field(default_factory=LossWeights)


METHODS = (
    *("generator", "linear_map", "mean_shift", "quantile_map", "nearest_target", "gaussian_draw"),
    *("target_mean", "paired_regression"),
)
KEEP = ("all", "tables", "metrics")  # how much of a run stays on disk; `save_run` says what
NORMALISE, ALIGN = ("none", "quantile"), ("none", "cohort")  # what becomes of new profiles before a model moves them
ENRICHMENT = ("ora", "ranked", "both")  # tests: of the top genes' lists, of the ranks of all genes
# Nearer to real samples than `paper` by energy distance and gene correlation on nine tasks (docs/evidence.md).
DEFAULT_PRESET = "transport"
# Of f, and of a generator that is trained.
PRESETS: dict[str, tuple[TargetModelConfig, PaperConfig | None]] = {
    "paper": (TargetModelConfig(), PaperConfig()),
    "transport": (
        TargetModelConfig(
            batch_size=128,
            epochs=5,
            least_steps=200,
            warm_up=0.1,
            enough_loss=0.1,
            centred=True,
            label_smoothing=0.05,
        ),
        None,
    ),
}
DEVICES = ("auto", "cpu", "cuda")
MOST_THREADS, MOST_FOLDS, MOST_STEPS, MOST_UNITS = 1024, 50, 10**9, 10**9
LARGEST_SEED = 2**31 - 1  # scikit-learn takes twice as much, and repeats count upwards from the seed

# What every setting must be, given in Python, on the command line, in a sweep file or in the file of a model.
_RATE, _UNITS = number(0, 1, above=True), list_of(whole(1, MOST_UNITS), least=1, needed="a list of whole numbers")
_LENGTH = whole(1, MOST_STEPS)
TARGET_MODEL: dict[str, Kind] = {
    "hidden_units": _UNITS,
    "learning_rate": _RATE,
    "batch_size": _LENGTH,
    "epochs": _LENGTH,
    "least_steps": _LENGTH,
    "warm_up": optional(number(0, 1)),
    "enough_loss": optional(number(0)),
    "centred": TRUTH,
    "label_smoothing": number(0, 1),
}
GENERATOR: dict[str, Kind] = {
    "down_units": _UNITS,
    "residual_blocks": whole(0, MOST_UNITS),
    "up_units": _UNITS,
    "learning_rate": _RATE,
    "batch_size": _LENGTH,
    "epochs": _LENGTH,
    "steps": optional(_LENGTH),
    "discriminator_units": _UNITS,
    "discriminator_learning_rate": _RATE,
    "confidence": number(0),
    "weights": an_object(dict.fromkeys(LossWeights.__dataclass_fields__, number(0))),
}
SETTINGS: dict[str, Kind] = {  # of `ExperimentConfig`
    "target_class": TEXT,
    "source_classes": optional(names(1)),
    "label_column": TEXT,
    **dict.fromkeys(("group_column", "split_column", "adjust_column", "gene_set", "layer"), optional(TEXT)),
    "preset": one_of(PRESETS),
    "method": one_of(METHODS),
    "train_fraction": number(0, 1, above=True),
    "folds": whole(1, MOST_FOLDS),
    "seed": whole(0, LARGEST_SEED),
    "threads": whole(1, MOST_THREADS),
    "device": one_of(DEVICES),
    "top_k": whole(1, MOST_GENES),
    "enrichment": one_of(ENRICHMENT),
    "normalise": one_of(NORMALISE),
    "align": one_of(ALIGN),
}
OPTIONS: dict[str, Kind] = {  # as users give them: some may be left out
    **dict.fromkeys(("epochs", "steps", "target_epochs"), optional(_LENGTH)),
    **SETTINGS,
    "label_column": optional(TEXT),
    "folds": optional(SETTINGS["folds"]),
    "samples": optional(names()),
    "progress": CALLABLE,
    "k": whole(1, MOST_GENES),
}


def check_options(given: Mapping[str, Any]) -> None:
    """Refuse values that options cannot have, whatever the data.

    Raises
    ------
    UsageError
        Naming the first option, what was given, and what is needed.
    """
    check(given, OPTIONS)


@dataclass(frozen=True)
class Training:
    """How a run trains and is evaluated; every field has a default and is checked when this is made.

    Parameters
    ----------
    preset
        `transport` (the default; see docs/evidence.md) or `paper` (the paper's own training).
    method
        `generator`, made as the preset says, or one in closed form: `linear_map`, `mean_shift`, `quantile_map`,
        `nearest_target`, `gaussian_draw`, `target_mean`, or `paired_regression`, which needs `group_column`.
    epochs, steps
        Length of the training of G with preset `paper`: in epochs, or exactly so many steps. None is the preset's.
    target_epochs
        Epochs of the training of f, exactly. None is the preset's way: `transport` ends when f has learned enough.
    folds
        With K above 1, K further fits hold every sample out once, and the evidence is theirs; the
        model that is kept is the ordinary one. None takes 5 where the one split would hold out fewer
        than 30 target samples and further fits cost little, else 1.
    split_column
        Column of `adata.obs` with `train` or `test` for each sample. None draws the split, 80 to 20 in each class.
    adjust_column
        Column of `adata.obs` with a batch or platform that every gene is adjusted for.
    layer
        Layer of `adata` with the values. None and `X` take `adata.X`.
    enrichment
        `ora` (are top genes in annotated sets?), `ranked` (do sets rank together among all genes?) or `both`.
    threads
        Processor threads.
    device
        Where to train: `cpu`, `cuda`, or `auto` for a GPU where there is one.

    Raises
    ------
    UsageError
        If a value is none that the option can have.

    Examples
    --------
    >>> tspg.Training(preset="paper", steps=2000).folds is None
    True
    """

    preset: str = DEFAULT_PRESET
    method: str = "generator"
    epochs: int | None = None
    steps: int | None = None
    target_epochs: int | None = None
    folds: int | None = None
    split_column: str | None = None
    adjust_column: str | None = None
    layer: str | None = None
    enrichment: str = "both"
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        _as_plain_values(self)
        check_options(vars(self))
        if self.layer == "X":
            object.__setattr__(self, "layer", None)
        if self.epochs is not None and self.steps is not None:
            raise UsageError(
                *("Give either ", Option("epochs"), " or ", Option("steps")),
                ", not both: each sets how long G is trained.",
            )
        if self.split_column is not None and (self.folds or 1) > 1:
            raise UsageError(
                *(Option("folds"), f" is {self.folds}, but ", Option("split_column")),
                " gives the one split: further fits would hold out other samples. Leave one of them out.",
            )

    def config(self, **task: Any) -> "ExperimentConfig":
        """The configuration of a run: the preset's settings, what is changed here, and the `task`'s own."""
        target_model, generator = PRESETS[self.preset]
        if self.target_epochs is not None:
            target_model = replace(target_model, epochs=self.target_epochs, least_steps=1, enough_loss=None)
        if generator is not None:
            generator = replace(generator, epochs=self.epochs or generator.epochs, steps=self.steps)
        own = {name: value for name, value in vars(self).items() if name in SETTINGS}
        own["folds"] = self.folds or 1
        return ExperimentConfig(**task, **own, target_model=target_model, generator=generator)


Training.__init__ = refuse_unknown()(Training.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class ExperimentConfig:
    """One task, moving profiles to `target_class`, with everything that decides its result; checked when made.

    `source_classes` None means every class but the target. The split is grouped by `group_column` (a donor or
    patient), or given by `split_column`; values are adjusted for `adjust_column` (a batch). They are X, or those of
    `layer`. `method` is `generator`, made as the preset says, or one in closed form; `generator` has the settings of
    one that is trained, else None. With `folds` above 1 the evidence comes from so many further fits, which hold
    every sample out once. `normalise` and `align` say what is done to a second cohort's profiles first.

    Examples
    --------
    >>> config = tspg.ExperimentConfig(target_class="GI.MSI", preset="paper")
    >>> config.generator.epochs, config.target_model.epochs
    (150, 50)
    >>> run.config.preset
    'transport'
    """

    target_class: str
    source_classes: tuple[str, ...] | None = None
    label_column: str = "label"
    group_column: str | None = None
    split_column: str | None = None
    adjust_column: str | None = None
    gene_set: str | None = None
    layer: str | None = None
    preset: str = "paper"
    method: str = "generator"
    train_fraction: float = 0.8
    folds: int = 1
    seed: int = 0
    threads: int = 2
    device: str = "auto"
    top_k: int = 20
    enrichment: str = "both"
    normalise: str = "none"
    align: str = "none"
    target_model: TargetModelConfig = field(default_factory=TargetModelConfig)
    generator: PaperConfig | None = field(default_factory=PaperConfig)

    def __post_init__(self) -> None:
        _as_plain_values(self)
        check(vars(self), SETTINGS)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ExperimentConfig":
        """The configuration that `as_dict` gave, also after JSON made lists of its tuples."""
        sources, generator = settings["source_classes"], None
        if settings["preset"] == "paper":
            weights = LossWeights(**settings["generator"]["weights"])
            generator = PaperConfig(**{**settings["generator"], "weights": weights})
        made = {
            "source_classes": None if sources is None else tuple(sources),
            "target_model": TargetModelConfig(**settings["target_model"]),
            "generator": generator,
        }
        return cls(**{**settings, **made})

    @property
    def n_fits(self) -> int:
        """How often f and the method are fitted: once, and once more per fold."""
        return 1 if self.folds == 1 else 1 + self.folds

    @property
    def is_trained(self) -> bool:
        """Whether a generator is trained, rather than computed in closed form."""
        return self.method == "generator" and self.generator is not None

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON."""
        return asdict(self)


def _as_plain_values(settings: Training | ExperimentConfig) -> None:
    """Make the numbers of NumPy, which JSON does not know, those of Python."""
    for one in fields(settings):
        if isinstance(value := getattr(settings, one.name), np.generic):
            object.__setattr__(settings, one.name, value.item())
