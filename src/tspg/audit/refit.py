"""The run's method fitted on other samples or labels, with an f of its own only where f is asked."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tspg.data.prepare import Dataset
from tspg.model.config import ExperimentConfig
from tspg.model.device import choose_device
from tspg.model.learning import GENERATOR, fit_closed_form, learn, move_with
from tspg.model.methods import LinearMap, Method
from tspg.model.networks import TargetModel
from tspg.model.trained_model import TrainedModel
from tspg.model.training import train_target_model
from tspg.utils.typing import Float32Array, NameArray


def closed_form_of(config: ExperimentConfig) -> str:
    """The name of the closed form that a configuration without training stands for."""
    return LinearMap.name if config.method == GENERATOR else config.method


@dataclass(frozen=True)
class Refit:
    """The method of a configuration on a dataset; nothing is fitted before it is used.

    A method in closed form moves profiles of known classes without f, whose training takes most of a fit's time.
    """

    dataset: Dataset
    config: ExperimentConfig

    @property
    def target_class(self) -> str:
        """The class that profiles are moved to."""
        return self.config.target_class

    @cached_property
    def f(self) -> TargetModel:
        """F, trained on these samples and labels."""
        config = self.config
        device = choose_device(config.device)
        return train_target_model(self.dataset, config.target_model, seed=config.seed, device=device)

    @cached_property
    def method(self) -> Method:
        """What moves profiles."""
        config = self.config
        if config.is_trained:
            return learn(self.dataset, self.f, config, device=choose_device(config.device)).method
        return fit_closed_form(closed_form_of(config), self.dataset, config.target_class, seed=config.seed)

    @cached_property
    def model(self) -> TrainedModel:
        """The method together with f."""
        return TrainedModel.of(self.dataset, self.f, self.method, self.config, {})

    def classify(self, profiles: Float32Array) -> NameArray:
        """The class that f sees in each scaled profile."""
        return self.model.classify(profiles)

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """Each scaled profile moved; one of no known class as of the class that f finds likeliest."""
        classes, constant = self.dataset.classes, self.dataset.scaler.constant
        unknown = ~np.isin(source_class, classes)
        sources = [name for name in classes if name != self.target_class]
        if unknown.any() and len(sources) > 1:
            return self.model.move(profiles, source_class)
        moved = move_with(self.method, profiles, np.where(unknown, sources[0], source_class), classes)
        moved[:, constant] = profiles[:, constant]  # without a scale nothing can be learned of a gene
        return moved
