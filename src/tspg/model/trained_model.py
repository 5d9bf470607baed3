"""A trained model: a method with the genes, scale and classes that it belongs to."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from numpy.typing import NDArray

from tspg.data.batch import Adjustment
from tspg.data.identifiers import match_genes
from tspg.data.matrix import X, dense, file_of, require_anndata
from tspg.data.own_columns import keep_columns
from tspg.data.prepare import Dataset, Scaler, require_unique, text_column
from tspg.errors import ExpressionError, GeneSetError, ModelError, Option, ShapeError, UsageError
from tspg.model.alignment import Aligned, CohortAlignment
from tspg.model.class_spread import FEWEST_DONORS
from tspg.model.config import ExperimentConfig, check_options
from tspg.model.methods import Method, in_blocks
from tspg.model.networks import TargetModel
from tspg.model.new_classes import ClassMaps, check_new_class, class_maps_for
from tspg.model.normalisation import Matrix, quantile_normalised
from tspg.model.reference import SampleReference
from tspg.model.sample_genes import comparison_classes, sample_gene_table
from tspg.model.shift import Shift
from tspg.utils.names import as_names, listed, shown, where
from tspg.utils.typing import BoolArray, Float32Array, Float64Array, Int64Array, NameArray, NamedArrays

X_UNITS = "scaled: 0 and 1 are the minimum and maximum of the training part"


@dataclass(frozen=True)
class _Profiles:
    """New profiles as they were given, the values that are moved, and what was done to them in between."""

    matrix: Matrix
    values: Float32Array
    unadjusted: int  # samples of a batch that training did not have
    normalised: str
    aligned: Aligned | None


@dataclass(frozen=True, repr=False)
class TrainedModel:
    """Moves any profile with these genes to the target class.

    `target_model` is f; `gene_ids` are in the networks' order; `target_mean` is mu_t on the scaled axis; `split` maps
    each sample of the training matrix to `train` or `test`; `settings` is the configuration as plain values; `details`
    describes the data for a report; `adjustment` takes a batch out of profiles first. `reference` describes real
    samples of each class, `shift` the distribution of training values and `alignment` the training cohort; models of
    tspg 0.1.0 have none of them.

    Examples
    --------
    >>> model = run.model
    >>> model.source_classes
    ('GI.CIN', 'GI.GS', 'GI.HM-SNV')
    >>> scaled, n_clipped = model.scaler.transform(adata.X)
    >>> model.classify(scaled).shape
    (153,)
    """

    target_model: TargetModel
    method: Method
    gene_ids: tuple[str, ...]
    scaler: Scaler
    classes: tuple[str, ...]
    target_class: str
    source_classes: tuple[str, ...]
    target_mean: Float64Array
    split: dict[str, str]
    settings: dict[str, Any]
    details: dict[str, Any]
    adjustment: Adjustment | None = None
    reference: SampleReference | None = None
    shift: Shift | None = None
    alignment: CohortAlignment | None = None

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        target_model: TargetModel,
        method: Method,
        config: ExperimentConfig,
        details: dict[str, Any],
    ) -> "TrainedModel":
        """Join a trained method and f to the dataset that they were trained on."""
        target = config.target_class
        return cls(
            target_model=target_model,
            method=method,
            gene_ids=dataset.gene_ids,
            scaler=dataset.scaler,
            classes=dataset.classes,
            target_class=target,
            source_classes=config.source_classes or tuple(name for name in dataset.classes if name != target),
            target_mean=dataset.class_mean(target),
            split=dict(zip(dataset.sample_ids, dataset.split.tolist(), strict=True)),
            settings=config.as_dict(),
            details=details,
            adjustment=dataset.adjustment,
        )

    def __repr__(self) -> str:
        """Number of genes, classes and method."""
        n_genes, sources = len(self.gene_ids), ", ".join(self.source_classes)
        return f"TrainedModel: {n_genes} genes, {sources} -> {self.target_class} (method {self.method.name})"

    @cached_property
    def files(self) -> dict[str, dict[str, torch.Tensor]]:
        """Everything learned, as a model folder keeps it: the name of each file and its tensors."""
        learned: dict[str, NamedArrays | None] = {
            "adjustment": None if self.adjustment is None else {"offsets": self.adjustment.offsets},
            "reference": None if self.reference is None else self.reference.arrays(self.classes),
            "shift": None if self.shift is None else self.shift.arrays(),
            "alignment": None if self.alignment is None else self.alignment.arrays(),
        }
        return {"target_model": self.target_model.state_dict(), **self.method.files()} | {
            file: {name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()}  # shares none
            for file, arrays in learned.items()
            if arrays is not None
        }

    @cached_property
    def model_id(self) -> str:
        """Sixteen hexadecimal digits that change with anything that decides a result, and with the split."""
        adjusted = self.adjustment and (self.adjustment.column, self.adjustment.levels)
        names = (self.gene_ids, self.classes, self.target_class, self.source_classes, adjusted)
        described = [*names, sorted(self.split.items()), *([] if self.shift is None else [self.shift.panel])]
        digest = hashlib.sha256(json.dumps(described).encode())
        for numbers in (self.scaler.minimum, self.scaler.maximum, self.target_mean):
            digest.update(numbers.tobytes())
        for file, tensors in sorted(self.files.items()):
            for name, tensor in sorted(tensors.items()):
                digest.update(f"{file} {name}".encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def panel(self) -> tuple[str, ...] | None:
        """Genes of the whole training matrix over which distributions are compared; None in models of tspg 0.1.0."""
        return None if self.shift is None else self.shift.panel

    @property
    def device(self) -> torch.device:
        """The processor of f."""
        return next(self.target_model.parameters()).device

    def scores(self, profiles: Float32Array) -> Float32Array:
        """The logits of f for each scaled profile, shape (samples, classes)."""
        return in_blocks(self.target_model, profiles, len(self.classes))

    def classify(self, profiles: Float32Array) -> NameArray:
        """The class that f sees in each scaled profile, shape (samples,)."""
        called: NameArray = np.asarray(self.classes, dtype=object)[self.scores(profiles).argmax(axis=1)]
        return called

    def likeliest_source(self, profiles: Float32Array) -> Int64Array:
        """The class that f finds likeliest in each scaled profile, the target left out."""
        scores = self.scores(profiles)
        scores[:, self.classes.index(self.target_class)] = -np.inf
        found: Int64Array = scores.argmax(axis=1)
        return found

    def move(self, profiles: Float32Array, source_class: NameArray) -> Float32Array:
        """x_adv = clip(x + raw perturbation, 0, 1) for each scaled profile; shape (samples, genes)."""
        class_index = self._class_index(profiles, source_class, self.classes)
        moved: Float32Array = np.clip(profiles + self._raw(profiles, class_index, self.method), 0.0, 1.0)
        return moved

    def _raw(self, profiles: Float32Array, class_index: Int64Array, method: Method) -> Float32Array:
        raw = method.raw_perturbation(profiles, class_index)
        raw[:, self.scaler.constant] = 0.0  # without a scale nothing can be learned of a gene
        return raw

    def _class_index(self, profiles: Float32Array, source_class: NameArray, classes: tuple[str, ...]) -> Int64Array:
        """Each sample's class; where it is not known, the one f finds likeliest besides the target."""
        number_of = {name: number for number, name in enumerate(classes)}
        index = np.array([number_of.get(name, -1) for name in source_class], dtype=np.int64)
        unknown = index < 0
        if unknown.any():
            index[unknown] = self.likeliest_source(profiles[unknown])
        return index

    def perturb(
        self,
        adata: AnnData,
        *,
        label_column: str | None = None,
        layer: str | None = None,
        keep_raw: bool = False,
        new_class: str | None = None,
        normalise: str = "none",
        align: str = "none",
        reference: AnnData | None = None,
    ) -> AnnData:
        """New profiles moved to the target class.

        `obs["p_shift"]` tests whether each is like the training samples. A small p means another laboratory or
        pipeline, or biology that the model does not know. Give the whole matrix: the test uses genes outside the gene
        set too.

        Five or more samples of a class that the model does not know are moved by a map made of them: where each goes
        then depends on the others. Fewer, and samples of no class, are moved as the class that f finds likeliest
        besides the target. `uns["tspg"]["new_classes"]` names these classes.

        Parameters
        ----------
        adata
            Expression in the units that the model was trained on, samples x genes; one sample is enough. Genes may
            come in any order; others are ignored. In any form that `run` takes.
        label_column
            Column of `adata.obs` with the samples' classes, of the model or new; empty where not known.
        layer
            Layer of `adata` with the expression; `X` is the matrix itself. None takes what the model was trained on:
            X, or the layer of the same name.
        keep_raw
            Keep what was added before clipping, G(x) in the paper, as the layer `raw_perturbation`.
        new_class
            The class of all samples, if the model does not know it; instead of `label_column`.
        normalise
            `quantile` gives each profile the mean distribution of values in training samples, by ranks among all
            genes: for profiles of another pipeline. It harms those of the same one.
        align
            `cohort` removes, gene by gene, the mean difference of the samples from the training samples of their
            classes, where it is larger than by chance. Real differences of the cohort go with it. It takes five
            samples or more, all of classes that the model knows. `uns["tspg"]["alignment"]` has the numbers.
        reference
            The training matrix, for `normalise` where `adata` lacks genes of it.

        Returns
        -------
        AnnData of shape (samples, genes of the model), as `read_perturbations` describes it. `X` is scaled to [0, 1],
        and layer `moved_units` holds the same in your units. Columns of `obs` and `var` that `adata` has stay; one
        whose name is taken is called NAME_input.

        Raises
        ------
        ExpressionError
            If genes of the model are missing from the matrix; if samples or genes share a name; or if profiles cannot
            be normalised.
        LabelError
            If there is no such column.
        ModelError
            If an earlier version made the model, and it lacks what `new_class`, `normalise` or `align` needs.
        UsageError
            If there is no such layer, normalisation or alignment; if `new_class` is no new class, or the method cannot
            learn one; if samples are too few to be aligned, or one is of no class that the model knows.

        Examples
        --------
        >>> moved = run.model.perturb(adata[:2], label_column="subtype", keep_raw=True)
        >>> sorted(moved.layers)
        ['moved_units', 'original', 'perturbation', 'raw_perturbation']
        >>> moved.obs.columns.tolist()[:7]
        ['source_class', 'predicted_before', 'predicted_after', 'split', 'moved_as', 'clipped', 'p_shift']
        """
        classes = self._classes_of(adata, label_column, new_class)
        profiles = self._profiles(adata, classes, layer, normalise, align, reference)
        return self._perturb(adata, classes, profiles, new_class, keep_raw=keep_raw)

    def sample_genes(
        self,
        adata: AnnData,
        *,
        samples: Sequence[str] | None = None,
        label_column: str | None = None,
        layer: str | None = None,
        new_class: str | None = None,
        normalise: str = "none",
        align: str = "none",
        reference: AnnData | None = None,
    ) -> pd.DataFrame:
        """The genes of each sample: which are unusual for its class, and how far each is from the target class.

        The class is the one in `label_column`, or else the one that f sees. Columns about a class that the model was
        not trained on are empty. A training sample took part in what is expected of it, so its genes look a little
        less unusual than they are.

        Parameters
        ----------
        adata, label_column, layer, new_class, normalise, align, reference
            As for `perturb`.
        samples
            Names of the samples wanted; None takes all.

        Returns
        -------
        One row per sample and gene: `value`, adjusted for a batch where the model is; `expected` in the target class
        with its 95% interval `low` to `high`, and the distance from it (`z_target`, `p_target`, `q_target`); how
        unusual it is for the class and the rest of the profile (`z_own`, `p_own`, `q_own`); percentiles among real
        samples of both classes; and `perturbation`, on the scaled axis. The most unusual genes come first.

        Raises
        ------
        ModelError
            If the model is one of tspg 0.1.0, which did not keep what is needed.
        UsageError
            If there is no such sample.

        Examples
        --------
        >>> genes = run.model.sample_genes(adata[:1], label_column="subtype")
        >>> genes.columns.tolist()[:6]
        ['sample', 'gene', 'value', 'expected', 'low', 'high']
        >>> len(genes) == len(run.model.gene_ids)
        True
        """
        samples = as_names(samples)
        check_options({"samples": samples})
        unknown = sorted(set(samples or ()) - set(map(str, adata.obs_names)))
        if unknown:
            raise UsageError(f"There is no sample {unknown[0]!r} among the {adata.n_obs} given.")
        classes = self._classes_of(adata, label_column, new_class)
        profiles = self._profiles(adata, classes, layer, normalise, align, reference)
        moved, values = self._perturb(adata, classes, profiles, new_class), profiles.values
        if samples is not None:  # only now: the samples of a new class are moved together
            rows = moved.obs_names.get_indexer(list(dict.fromkeys(samples)))
            moved, values = moved[rows], values[rows]
        return self.sample_genes_of(moved, values)

    def sample_genes_of(
        self, moved: AnnData, values: NDArray[np.floating], reference: SampleReference | None = None
    ) -> pd.DataFrame:
        """The table of `sample_genes` for moved profiles, from their values in the user's units."""
        reference = reference or self.reference
        if reference is None:
            raise ModelError(
                "This model does not hold what single samples are compared with: it was made by tspg 0.1.0, or without "
                "`tspg.run`. Train it again with `tspg run`."
            )
        names, classes = list(map(str, moved.obs_names)), comparison_classes(moved.obs)
        change = np.asarray(moved.layers["perturbation"])
        return sample_gene_table(values, names, classes, change, self.gene_ids, reference)

    def values_of(
        self,
        adata: AnnData,
        layer: str | None = None,
        *,
        label_column: str | None = None,
        normalise: str = "none",
        align: str = "none",
        reference: AnnData | None = None,
    ) -> Float32Array:
        """The values that `perturb` moves, in the user's units: of the model's genes, normalised, adjusted, aligned.

        Parameters are those of `perturb`.
        """
        classes = self._classes_of(adata, label_column, None)
        return self._profiles(adata, classes, layer, normalise, align, reference).values

    def task_mask(self, dataset: Dataset) -> BoolArray:
        """True for each sample of the model's own dataset of a source class or the target."""
        mask: BoolArray = np.isin(dataset.source_class, [*self.source_classes, self.target_class])
        return mask

    def perturb_dataset(
        self, dataset: Dataset, *, p_shift: Float64Array | None = None, keep_raw: bool = False
    ) -> AnnData:
        """The samples of the model's own dataset, of source classes and target, moved to the target.

        Donors (`group`) and the user's columns stay. `p_shift` is the p of every sample of the dataset for being like
        the training samples, where it was tested. `moved_units` is left to `add_moved_units`: no analysis needs it.
        """
        mask = self.task_mask(dataset)
        names = pd.Index(np.asarray(dataset.sample_ids, dtype=object)[mask])
        source, split = dataset.source_class[mask], dataset.split[mask]
        outside = None if dataset.outside is None else dataset.outside[mask]
        maps = ClassMaps(self.method, self.classes, {})
        profiles = dataset.profiles if mask.all() else dataset.profiles[mask]
        result = self._assemble(profiles, names, source, split, outside, maps, keep_raw=keep_raw)
        result.obs["p_shift"] = np.nan if p_shift is None else p_shift[mask]
        if dataset.groups is not None:
            result.obs["group"] = np.asarray(dataset.groups, dtype=object)[mask]
            result.uns["tspg"]["has_donors"] = True  # in older files a column of that name may be the user's own
        sample_columns = None if dataset.sample_columns is None else dataset.sample_columns[mask]
        return keep_columns(result, sample_columns, dataset.gene_columns)

    def add_moved_units(self, moved: AnnData) -> None:
        """Put the layer `moved_units` into moved profiles: the same as `X` in the user's units."""
        moved.layers["moved_units"] = self.scaler.in_units(moved.X)

    def _classes_of(self, adata: AnnData, label_column: str | None, new_class: str | None) -> NameArray:
        """The class that the user gives each sample; empty where it is not known."""
        require_anndata(adata)
        if new_class is not None:
            check_new_class(new_class, self.classes)
            if label_column is not None:
                raise UsageError(
                    f"Column {shown(label_column)} says which class each sample is of, and the new class "
                    f"{shown(new_class)} that all are of it. Give one of them."
                )
        if label_column is None:
            return np.full(adata.n_obs, new_class or "", dtype=object)
        return np.asarray(text_column(adata, label_column, gaps_allowed=True), dtype=object)

    def _profiles(
        self,
        adata: AnnData,
        classes: NameArray,
        layer: str | None,
        normalise: str,
        align: str,
        reference: AnnData | None,
    ) -> _Profiles:
        """The values of the model's genes as they are moved."""
        check_options({"normalise": normalise, "align": align})
        matrix = self._matrix(adata, layer)
        values, unadjusted, aligned = self._normalised(matrix, normalise, reference), 0, None
        if self.adjustment is not None:
            column = self.adjustment.column
            levels = text_column(adata, column, gaps_allowed=True) if column in adata.obs else [""] * adata.n_obs
            values, unadjusted = self.adjustment.transform(values, levels)
        if align != "none":
            if self.alignment is None:
                raise ModelError(
                    "This model does not hold what a cohort is aligned to: it was made by an earlier version of tspg, "
                    f"or no class had training samples of {FEWEST_DONORS} donors. Train it again with `tspg run`, or "
                    "leave --align out."
                )
            aligned = self.alignment.align(values, classes)
            values = aligned.values
        return _Profiles(matrix, values, unadjusted, normalise, aligned)

    def _matrix(self, adata: AnnData, layer: str | None) -> Matrix:
        """Expression as it is given, and the values of the model's genes in the model's order."""
        require_unique(adata)
        layer = layer or self._training_layer(adata)
        try:
            match = match_genes(self.gene_ids, [str(gene) for gene in adata.var_names], name="model")
        except GeneSetError as error:
            raise ExpressionError(str(error)) from error
        if match.missing:
            raise ExpressionError(
                f"{where(file_of(adata))}{len(match.missing):,} of the model's {len(self.gene_ids):,} genes are not "
                f"in the expression matrix: {listed(match.missing)}. Give a matrix with all of them, in the units "
                "the model was trained on."
            )
        column_of = dict(zip(match.found, match.positions, strict=True))
        positions = [column_of[gene] for gene in self.gene_ids]
        return Matrix(adata, layer, positions, dense(adata, layer=layer, genes=positions))

    def _training_layer(self, adata: AnnData) -> str:
        """The layer that the model was trained on; where a file was read, X holds the layer that was asked for."""
        layer = str(self.details.get("layer") or X)
        if layer in (X, adata.uns.get("tspg_input", {}).get("layer")) and layer not in adata.layers:
            return X
        if layer not in adata.layers:
            have = f"There are: {listed(map(str, adata.layers))}; " if adata.layers else ""
            raise UsageError(
                f"The model was trained on layer {shown(layer)}, which this AnnData has not. {have}"
                f"say with layer=... which has values in the same units, {X!r} for the matrix itself."
            )
        return layer

    def _normalised(self, matrix: Matrix, normalise: str, reference: AnnData | None) -> Float32Array:
        if normalise == "none":
            if reference is not None:
                raise UsageError(
                    "A reference is for normalising quantiles: add ", Option("normalise"), " quantile, or leave it out."
                )
            return matrix.values
        if self.shift is None:
            raise ModelError(
                "This model does not hold the distribution of values in its training samples: it was made by an "
                "earlier version, or without `tspg.run`. Train it again with `tspg run`."
            )
        known = None if reference is None else self._matrix(reference, None)
        return quantile_normalised(matrix, self.shift, self.split, known)

    def _perturb(
        self, adata: AnnData, classes: NameArray, profiles: _Profiles, new_class: str | None, *, keep_raw: bool = False
    ) -> AnnData:
        scaled, outside = self.scaler.transform_counting(profiles.values)
        maps = class_maps_for(self.method, self.classes, scaled, classes, self.likeliest_source, new_class=new_class)
        split = np.asarray([self.split.get(str(name), "test") for name in adata.obs_names], dtype=object)
        result = self._assemble(scaled, adata.obs_names, classes, split, outside, maps, keep_raw=keep_raw)
        self.add_moved_units(result)
        result.obs["p_shift"], over = np.nan, ""
        if self.shift is not None:
            quantiles = profiles.matrix.quantiles(self.shift.panel)
            result.obs["p_shift"], over = self.shift.p_values(quantiles, profiles.matrix.values)
        result.uns["tspg"] |= {
            "clipped_cells": int(outside.sum()),
            "unadjusted": profiles.unadjusted,
            "normalised": profiles.normalised,
            "shift_genes": over,
        }
        if profiles.aligned is not None:
            result.uns["tspg"] |= {"aligned": profiles.aligned.weight, "alignment": profiles.aligned.facts}
        return keep_columns(result, adata.obs, adata.var.iloc[profiles.matrix.positions])

    def _assemble(
        self,
        scaled: Float32Array,
        names: pd.Index,
        source: NameArray,
        split: NameArray,
        outside: Int64Array | None,
        maps: ClassMaps,
        *,
        keep_raw: bool,
    ) -> AnnData:
        """Scaled profiles moved, with all that is said of samples and genes."""
        if len(scaled) == 0:
            raise ShapeError("There is no sample to move.")
        class_index = self._class_index(scaled, source, maps.classes)
        raw = self._raw(scaled, class_index, maps.method)
        perturbed = scaled + raw
        np.clip(perturbed, 0.0, 1.0, out=perturbed)
        # In place: of a large study each of these matrices is a fifth of a gigabyte or more.
        change = perturbed - scaled if keep_raw else np.subtract(perturbed, scaled, out=raw)
        obs = pd.DataFrame(
            {
                "source_class": source,
                "predicted_before": self.classify(scaled),
                "predicted_after": self.classify(perturbed),
                "split": split,
                "moved_as": maps.moved_as(class_index, self.target_class),
                "clipped": np.nan if outside is None else outside / scaled.shape[1],
            },
            index=names.astype(str).rename(None),
        )
        var = pd.DataFrame(
            {
                "minimum": self.scaler.minimum,
                "maximum": self.scaler.maximum,
                "target_mean": self.target_mean,
                "constant": self.scaler.constant,
            },
            index=pd.Index(self.gene_ids, dtype=object),
        )
        layers = {"original": scaled, "perturbation": change}
        if keep_raw:
            layers["raw_perturbation"] = raw
        about = {
            "X_units": X_UNITS,
            "target_class": self.target_class,
            "gene_set": self.settings.get("gene_set") or "",
            "method": self.method.name,
            "model_id": self.model_id,
            "classes": np.asarray(self.classes, dtype=object),
            "source_classes": np.asarray(self.source_classes, dtype=object),
            "f_accuracy": float((obs["predicted_after"] == self.target_class).mean()),
        }
        if maps.new_classes:
            about["new_classes"] = np.array(list(maps.new_classes), dtype=object)
            about["new_classes_moved"] = np.array(list(maps.new_classes.values()), dtype=object)
        return AnnData(X=perturbed, obs=obs, var=var, layers=layers, uns={"tspg": about})
