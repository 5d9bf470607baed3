"""The method as a scikit-learn estimator: fit on profiles and their classes, transform profiles."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from tspg.errors import ShapeError
from tspg.experiment.fit import fit_classifier, fit_target
from tspg.experiment.task import validate_tasks
from tspg.model.config import Training
from tspg.model.device import fixed_threads
from tspg.utils.names import listed
from tspg.utils.progress import silent
from tspg.utils.timing import Clock

NUMBERS = ("float64", "float32")  # kinds that go in and come out again
SPARSE = ("csr", "csc")  # others are changed to the first


class TSPG(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Moves expression profiles to a target class, as a transformer of scikit-learn.

    The same training as `tspg.run`, without its evidence, genes and report: to believe what comes out,
    read the evidence of `tspg.run` on the same data. There is no `score`: how many moved profiles f
    takes for the target says little, since G was trained to convince it.

    Parameters
    ----------
    target_class
        The class that profiles are moved to, one of the values of y. None takes the last in sorted order.
    source_classes
        Classes that G learns to move; None means every class but the target.
    preset
        `transport` or `paper`: how the generator is trained.
    method
        `generator`, or one in closed form, as in `tspg.run`.
    steps, target_epochs
        Steps of G's training, and epochs of f's, where they should differ from the preset's.
    train_fraction
        Share of every class that is trained on. At 1 it is all that `fit` is given: hold samples out
        beforehand. Below 1 the rest is held out, and `history_` has their hit rate.
    seed
        The same seed gives the same numbers on the same machine, versions and number of threads.
    threads
        Threads to compute with.
    device
        `auto`, `cpu` or `cuda`.

    Attributes
    ----------
    model_ : TrainedModel
        What was learned: `model_.perturb` takes an AnnData, `model_.classify` is f.
    classes_ : ndarray of shape (n_classes,)
        The classes of y, sorted.
    target_class_
        The class that profiles are moved to.
    history_ : DataFrame
        One row an epoch of G's training; empty for a method in closed form.
    n_features_in_ : int
        Number of genes.
    feature_names_in_ : ndarray of shape (n_genes,)
        Names of the genes, where X was a table with columns named by text.

    Examples
    --------
    >>> import tspg
    >>> tumours = tspg.demo_data()[:, :50].to_df()
    >>> subtype = tspg.demo_data().obs["subtype"]
    >>> moves = tspg.TSPG(target_class="GI.MSI", steps=5, target_epochs=5, threads=1)
    >>> moved = moves.set_output(transform="pandas").fit(tumours, subtype).transform(tumours[:1])
    >>> moved.shape, list(moved.columns) == list(tumours.columns)
    ((1, 50), True)
    """

    def __init__(
        self,
        target_class: Any = None,
        *,
        source_classes: Sequence[Any] | None = None,
        preset: str = Training.preset,
        method: str = "generator",
        steps: int | None = None,
        target_epochs: int | None = None,
        train_fraction: float = 1.0,
        seed: int = 0,
        threads: int = Training.threads,
        device: str = "auto",
    ) -> None:
        self.target_class = target_class
        self.source_classes = source_classes
        self.preset = preset
        self.method = method
        self.steps = steps
        self.target_epochs = target_epochs
        self.train_fraction = train_fraction
        self.seed = seed
        self.threads = threads
        self.device = device

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Learn to move profiles to the target class.

        Parameters
        ----------
        X
            Expression, shape (n_samples, n_genes), dense or sparse, in any units on which differences make sense.
        y
            The class of each sample, shape (n_samples,): text or whole numbers.
        groups
            The donor of each sample, shape (n_samples,), where some are held out: donors stay whole.

        Raises
        ------
        ValueError
            If X or y is not of that kind.
        TspgError
            If the data do not allow the task, such as a target class of two samples.
        """
        values, labels = self._checked(X, y)
        names = dict(zip(map(str, self.classes_), self.classes_, strict=True))
        target = str(self._class_named(self.classes_[-1] if self.target_class is None else self.target_class))
        sources = None if self.source_classes is None else tuple(str(self._class_named(c)) for c in self.source_classes)
        own = ("preset", "method", "steps", "target_epochs", "threads", "device")
        config = Training(**{name: getattr(self, name) for name in own}).config(
            target_class=target,
            source_classes=sources,
            group_column=None if groups is None else "group",
            train_fraction=self.train_fraction,
            seed=self.seed,
        )
        obs = pd.DataFrame({"label": labels.astype(str)}, index=[str(number) for number in range(len(labels))])
        if groups is not None:
            obs["group"] = _donors(groups, len(labels))
        genes = pd.DataFrame(index=pd.Index(self.get_feature_names_out().astype(str)))
        (task,) = validate_tasks(AnnData(values, obs, genes), [config], annotations=())
        everyone = np.ones(len(labels), dtype=bool) if self.train_fraction == 1 else None
        with fixed_threads(int(self.threads)):
            classifier = fit_classifier(task, Clock(), is_train=everyone)
            fitted = fit_target(classifier, task, Clock(), silent)
        self.model_, self.history_ = fitted.model, fitted.history
        self.target_class_ = names[target]
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """The profiles as they would be in the target class, in the units of X.

        A sample's own class is the one, besides the target, that f finds likeliest. A gene that did not
        vary among the samples of `fit` stays as it is.

        Parameters
        ----------
        X
            Expression in the units that `fit` was given, shape (n_samples, n_genes); one sample is enough.

        Returns
        -------
        Moved profiles, shape (n_samples, n_genes).
        """
        check_is_fitted(self, "model_")
        values = _dense(validate_data(self, X, accept_sparse=SPARSE, dtype=NUMBERS, reset=False))
        scaler = self.model_.scaler
        with fixed_threads(int(self.threads)):
            scaled, _ = scaler.transform(values)
            moved = scaler.inverse(self.model_.move(scaled, np.full(len(values), "", dtype=object)))
        moved[:, scaler.constant] = values[:, scaler.constant]
        result: NDArray[Any] = moved.astype(values.dtype)
        return result

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Numbers and classes, once they are such; remembers genes and classes."""
        values, labels = validate_data(self, X, y, accept_sparse=SPARSE, dtype=NUMBERS, ensure_min_samples=2)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ShapeError("y holds one class only; two or more are needed.")
        return _dense(values), labels

    def _class_named(self, name: Any) -> Any:
        for known in self.classes_:
            if known == name:
                return known
        raise ShapeError(f"There is no class {name!r} in y. There are: {listed(map(str, self.classes_))}.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = list(NUMBERS)
        return tags


def _donors(groups: ArrayLike, n_samples: int) -> NDArray[Any]:
    """The donor of each sample as text, none of them missing."""
    donors = column_or_1d(groups)
    if len(donors) != n_samples or pd.isna(donors).any():
        raise ShapeError(f"groups must name the donor of each of the {n_samples} samples, without gaps.")
    names: NDArray[Any] = donors.astype(str)
    return names


def _dense(values: Any) -> NDArray[Any]:
    matrix: NDArray[Any] = values.toarray() if hasattr(values, "toarray") else values
    return matrix
