"""A trained model: a method of moving profiles with the genes, scale and classes without which it means nothing."""

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
from tspg.model.alignment import Aligned, CohortAlignment, align_cohort
from tspg.model.config import ExperimentConfig, check_options
from tspg.model.methods import Method, in_blocks
from tspg.model.networks import TargetModel
from tspg.model.new_classes import ClassMap, check_new_class, class_map_for
from tspg.model.normalisation import Matrix, quantile_normalised
from tspg.model.reference import SampleReference
from tspg.model.sample_genes import own_classes, sample_gene_table
from tspg.model.shift import Shift
from tspg.utils.names import as_names, listed, shown, where
from tspg.utils.typing import Float32Array


@dataclass(frozen=True, repr=False)
class TrainedModel:
    """Moves any profile with these genes to the target class.

    `target_model` is f and `method` what moves the profiles; `gene_ids` are in the networks' order;
    `target_mean` is mu_t on the scaled axis; `split` maps each sample of the training matrix to
    `train` or `test`; `settings` is the experiment's configuration as plain values; `details` holds
    what a report wants to say about the data; `adjustment` takes a batch out of profiles first;
    `reference` is what real samples of each class are like, and `shift` how the values of training samples are
    distributed (both None in models of tspg 0.1.0).

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
    target_mean: NDArray[np.float64]
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
        """Join a freshly trained method and f to the study that they were trained on."""
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
        """Who is moved where, by what."""
        n_genes, sources = len(self.gene_ids), ", ".join(self.source_classes)
        return f"TrainedModel: {n_genes} genes, {sources} -> {self.target_class} (method {self.method.name})"

    @cached_property
    def files(self) -> dict[str, dict[str, torch.Tensor]]:
        """Everything learned, as a model folder keeps it: the name of each file and its tensors."""
        files = {"target_model": self.target_model.state_dict(), **self.method.files()}
        if self.adjustment is not None:
            files["adjustment"] = {"offsets": torch.from_numpy(self.adjustment.offsets)}
        learned = {
            "reference": None if self.reference is None else self.reference.arrays(self.classes),
            "shift": None if self.shift is None else self.shift.arrays(),
            "alignment": None if self.alignment is None else self.alignment.arrays(),
        }
        for file, arrays in learned.items():
            if arrays is not None:
                files[file] = {name: torch.from_numpy(np.ascontiguousarray(part)) for name, part in arrays.items()}
        return files

    @cached_property
    def model_id(self) -> str:
        """Sixteen hexadecimal digits that change with anything that decides a result, or says who was held out."""
        adjusted = None if self.adjustment is None else (self.adjustment.column, self.adjustment.levels)
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
        """The processor that f lives on."""
        return next(self.target_model.parameters()).device

    def scores(self, profiles: Float32Array) -> Float32Array:
        """What f gives each class in each scaled profile (logits), shape (samples, classes)."""
        return in_blocks(self.target_model, profiles, len(self.classes))

    def classify(self, profiles: Float32Array) -> NDArray[np.object_]:
        """The class that f sees in each scaled profile, shape (samples,)."""
        names: NDArray[np.object_] = np.asarray(self.classes, dtype=object)
        called: NDArray[np.object_] = names[self.scores(profiles).argmax(axis=1)]
        return called

    def raw_perturbation(self, profiles: Float32Array, source_class: NDArray[np.object_]) -> Float32Array:
        """What is added to each scaled profile before clipping; shape (samples, genes).

        A gene that is constant in training has no scale, so nothing can be learned of it: it stays.
        """
        return self._added(profiles, self._class_index(profiles, source_class, self.classes), self.method)

    def move(self, profiles: Float32Array, source_class: NDArray[np.object_]) -> Float32Array:
        """x_adv = clip(x + raw perturbation, 0, 1) for each scaled profile; shape (samples, genes)."""
        moved: Float32Array = np.clip(profiles + self.raw_perturbation(profiles, source_class), 0.0, 1.0)
        return moved

    def _added(self, profiles: Float32Array, class_index: NDArray[np.int64], method: Method) -> Float32Array:
        raw = method.raw_perturbation(profiles, class_index)
        raw[:, self.scaler.constant] = 0.0
        return raw

    def _class_index(
        self, profiles: Float32Array, source_class: NDArray[np.object_], classes: tuple[str, ...]
    ) -> NDArray[np.int64]:
        """Each sample's own class; where it is not known, the one f finds likeliest besides the target."""
        number_of = {name: number for number, name in enumerate(classes)}
        index = np.array([number_of.get(name, -1) for name in source_class], dtype=np.int64)
        unknown = index < 0
        if unknown.any():
            index[unknown] = self.likeliest_source(profiles[unknown])
        return index

    def likeliest_source(self, profiles: Float32Array) -> NDArray[np.int64]:
        """The class that f finds likeliest in each scaled profile, the target left out."""
        scores = self.scores(profiles)
        scores[:, self.classes.index(self.target_class)] = -np.inf
        found: NDArray[np.int64] = scores.argmax(axis=1)
        return found

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
        """Move new profiles to the target class: expression in, Perturbations out.

        `obs["p_shift"]` tests for each whether it is like the training samples: a small p means another laboratory
        or pipeline, or biology that the model does not know. It is taken over genes of the whole matrix, so give
        all of them, not a gene set alone.

        A class that the model was not trained on is moved by a map made of its own samples, where five or more
        are given: where each goes then depends on the others. With fewer, as without a class, each is moved as
        the class that f finds likeliest besides the target. `uns["tspg"]["new_classes"]` says how it was done.

        Parameters
        ----------
        adata
            Expression in the units that the model was trained on, samples x genes; one sample is
            enough. Genes may come in any order; those the model does not know are ignored. In any form
            that `run` takes.
        label_column
            Column of `adata.obs` with the samples' own classes, of the model or new; empty where they are not known.
        layer
            Layer of `adata` that holds the expression; `X` is the matrix itself. None takes what the
            model was trained on: X, or the layer of the same name.
        keep_raw
            Keep what was added before clipping, G(x) in the paper, as the layer `raw_perturbation`.
        new_class
            The name of one class that all samples are of and that the model was not trained on; instead of
            `label_column`.
        normalise
            `quantile` gives each profile the distribution of values that training samples have on average, by ranks
            among all genes: for profiles of another pipeline. It harms those of the same one.
        align
            `cohort` takes out, gene by gene, the mean difference of the samples from the training samples of their
            classes, where it is larger than chance makes it. Real differences of the cohort go with it. It takes
            five samples or more, all of classes that the model knows. `uns["tspg"]["alignment"]` has the numbers.
        reference
            The training matrix once more, for `normalise` where `adata` lacks genes of it.

        Returns
        -------
        AnnData of shape (samples, genes of the model), as `read_perturbations` describes it; `var` has each gene's
        range, which turns scaled values back into your units. Columns of `obs` and `var` that `adata` has stay; one
        with a name that is needed otherwise is called NAME_input.

        Raises
        ------
        ExpressionError
            If genes of the model are missing from the matrix, the message counts and names them; or
            if samples or genes share a name; or if profiles cannot be normalised.
        LabelError
            If there is no such column.
        ModelError
            If the map of `new_class` cannot be made, or profiles cannot be normalised or aligned, since the model was
            made by an earlier version.
        UsageError
            If there is no such layer, normalisation or alignment; if `new_class` is no new class, or the method cannot
            learn one; if samples are too few to be aligned, or one is of no class that the model knows.

        Examples
        --------
        >>> moved = run.model.perturb(adata[:2], label_column="subtype", keep_raw=True)
        >>> sorted(moved.layers)
        ['original', 'perturbation', 'raw_perturbation']
        >>> moved.obs.columns.tolist()[:7]
        ['source_class', 'predicted_before', 'predicted_after', 'split', 'moved_as', 'clipped', 'p_shift']
        """
        told = self._told_class(adata, label_column, new_class)
        given = self._given(adata, told, layer, normalise, align, reference)
        return self._perturbed(adata, told, given, new_class, keep_raw=keep_raw)

    def _perturbed(
        self,
        adata: AnnData,
        told: NDArray[np.object_],
        given: "_Given",
        new_class: str | None,
        *,
        keep_raw: bool = False,
    ) -> AnnData:
        """Profiles moved, once their values are ready."""
        scaled, outside = self.scaler.transform_counting(given.values)
        mover = class_map_for(self.method, self.classes, scaled, told, self.likeliest_source, new_class=new_class)
        split = np.asarray([self.split.get(str(name), "test") for name in adata.obs_names], dtype=object)
        result = self._assemble(scaled, adata.obs_names, told, split, outside, mover, keep_raw=keep_raw)
        result.obs["p_shift"], over = self._tested(given.matrix)
        result.uns["tspg"] |= {"clipped_cells": int(outside.sum()), "unadjusted": given.unadjusted}
        result.uns["tspg"] |= {"normalised": given.normalised, "shift_genes": over}
        if given.aligned is not None:
            result.uns["tspg"] |= {"aligned": given.aligned.weight, "alignment": given.aligned.facts}
        return keep_columns(result, adata.obs, adata.var.iloc[given.matrix.positions])

    def _told_class(self, adata: AnnData, label_column: str | None, new_class: str | None) -> NDArray[np.object_]:
        """The class that the user gives each sample; empty where it is not known."""
        require_anndata(adata)
        if new_class is not None:
            check_new_class(new_class, self.classes)
            if label_column is not None:
                raise UsageError(
                    f"Column {shown(label_column)} says which class each sample is of, and the new class "
                    f"{shown(new_class)} that all are of it. Give one of them."
                )
            return np.full(adata.n_obs, new_class, dtype=object)
        if label_column is None:
            return np.full(adata.n_obs, "", dtype=object)
        return np.asarray(text_column(adata, label_column, gaps_allowed=True), dtype=object)

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
        """One person's genes: which are unusual for the own class, and how far each lies from the target class.

        The own class is the one given by `label_column`, or else the one that f sees. For a class that the model
        was not trained on what rests on the own class is empty. A sample that the model was trained on took part
        in what is expected of it, so its genes look a little less unusual than they are.

        Parameters
        ----------
        adata, label_column, layer, new_class, normalise, align, reference
            As for `perturb`.
        samples
            Names of the samples wanted; None takes all.

        Returns
        -------
        One row per sample and gene: `value`, adjusted for a batch where the model is; `expected` in the target class
        with its 95% interval `low` to `high`, and how far off the value is (`z_target`, `p_target`, `q_target`); how
        unusual it is for the sample's own class and the rest of its profile (`z_own`, `p_own`, `q_own`); percentiles
        among real samples of both classes; and `perturbation`, what the model changes, on the scaled axis. Of each
        sample the most unusual genes come first.

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
        if samples is not None:
            unknown = sorted(set(samples) - set(map(str, adata.obs_names)))
            if unknown:
                raise UsageError(f"There is no sample {unknown[0]!r} among the {adata.n_obs} given.")
        told = self._told_class(adata, label_column, new_class)
        given = self._given(adata, told, layer, normalise, align, reference)
        moved, values = self._perturbed(adata, told, given, new_class), given.values
        if samples is not None:  # only now: the samples of a new class are moved together
            rows = moved.obs_names.get_indexer(list(dict.fromkeys(samples)))
            moved, values = moved[rows], values[rows]
        return self.sample_genes_of(moved, values)

    def sample_genes_of(
        self, moved: AnnData, values: NDArray[np.floating], reference: SampleReference | None = None
    ) -> pd.DataFrame:
        """The table of `sample_genes` for profiles that were moved before, from their values in the user's units."""
        reference = reference or self.reference
        if reference is None:
            raise ModelError(
                "This model does not hold what single samples are read against: it was made by tspg 0.1.0, or without "
                "`tspg.run`. Train it again with `tspg run`."
            )
        names, own = list(map(str, moved.obs_names)), own_classes(moved.obs)
        change = np.asarray(moved.layers["perturbation"])
        return sample_gene_table(values, names, own, change, self.gene_ids, reference)

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
        """Expression of the model's genes in the user's units as `perturb` moves it: normalised, adjusted, aligned.

        Parameters are those of `perturb`.
        """
        told = self._told_class(adata, label_column, None)
        return self._given(adata, told, layer, normalise, align, reference).values

    def _given(
        self,
        adata: AnnData,
        told: NDArray[np.object_],
        layer: str | None,
        normalise: str,
        align: str,
        reference: AnnData | None,
    ) -> "_Given":
        """What is moved: the values of the model's genes, and what was done to them."""
        check_options({"normalise": normalise, "align": align})
        matrix = self._matrix(adata, layer)
        values, unadjusted = self._adjusted(adata, self._normalised(matrix, normalise, reference))
        aligned = None if align == "none" else align_cohort(self.alignment, values, told)
        return _Given(matrix, values if aligned is None else aligned.values, unadjusted, normalise, aligned)

    def _matrix(self, adata: AnnData, layer: str | None) -> Matrix:
        """Expression as it is given, with the model's genes taken out."""
        require_unique(adata)
        layer, positions = layer or self._own_layer(adata), self._own_genes(adata)
        return Matrix(adata, layer, positions, dense(adata, layer=layer, genes=positions))

    def _tested(self, matrix: Matrix) -> tuple[NDArray[np.float64], str]:
        """The p of each profile for being like the training samples, and over which genes it was taken."""
        if self.shift is None:
            return np.full(len(matrix.values), np.nan), ""
        return self.shift.p_values(matrix.quantiles(self.shift.panel), matrix.values)

    def _normalised(self, matrix: Matrix, normalise: str, reference: AnnData | None) -> Float32Array:
        """Expression of the model's genes, given the training samples' distribution of values where that is asked."""
        if normalise == "none":
            if reference is not None:
                raise UsageError(
                    "A reference is for normalising quantiles: add ",
                    Option("normalise"),
                    " quantile, or leave it out.",
                )
            return matrix.values
        if self.shift is None:
            raise ModelError(
                "This model does not hold how the values of its training samples are distributed: it was made by an "
                "earlier version, or without `tspg.run`. Train it again with `tspg run`."
            )
        known = None if reference is None else self._matrix(reference, None)
        return quantile_normalised(matrix, self.shift, self.split, known)

    def _adjusted(self, adata: AnnData, values: Float32Array) -> tuple[Float32Array, int]:
        """Values adjusted for a batch as in training, and for how many samples that could not be done."""
        if self.adjustment is None:
            return values, 0
        column = self.adjustment.column
        levels = text_column(adata, column, gaps_allowed=True) if column in adata.obs else [""] * adata.n_obs
        return self.adjustment.transform(values, levels)

    def asked(self, dataset: Dataset) -> NDArray[np.bool_]:
        """True for each sample of the study that the question is about: of a source class or the target."""
        asked: NDArray[np.bool_] = np.isin(dataset.source_class, [*self.source_classes, self.target_class])
        return asked

    def perturb_dataset(
        self, dataset: Dataset, *, p_shift: NDArray[np.float64] | None = None, keep_raw: bool = False
    ) -> AnnData:
        """Move the samples of the model's own study that the question is about: sources and target.

        Donors (`group`) and the user's own columns stay beside what was found. `p_shift` is the p of every
        sample of the study for being like the training samples, where it was tested.
        """
        asked = self.asked(dataset)
        names = pd.Index(np.asarray(dataset.sample_ids, dtype=object)[asked])
        source, split = dataset.source_class[asked], dataset.split[asked]
        outside = None if dataset.outside is None else dataset.outside[asked]
        mover = ClassMap(self.method, self.classes, {})
        result = self._assemble(dataset.profiles[asked], names, source, split, outside, mover, keep_raw=keep_raw)
        result.obs["p_shift"] = np.nan if p_shift is None else p_shift[asked]
        if dataset.groups is not None:
            result.obs["group"] = np.asarray(dataset.groups, dtype=object)[asked]
            result.uns["tspg"]["has_donors"] = True  # in older files a column of that name may be the user's own
        sample_columns = None if dataset.sample_columns is None else dataset.sample_columns[asked]
        return keep_columns(result, sample_columns, dataset.gene_columns)

    def _own_layer(self, adata: AnnData) -> str:
        """The layer that the model was trained on; where a file was read, X holds what was asked for of it."""
        own = str(self.details.get("layer") or X)
        if own in (X, adata.uns.get("tspg_input", {}).get("layer")) and own not in adata.layers:
            return X
        if own not in adata.layers:
            have = f"There are: {listed(map(str, adata.layers))}; " if adata.layers else ""
            raise UsageError(
                f"The model was trained on layer {shown(own)}, which this AnnData has not. {have}"
                f"say with layer=... which has values in the same units, {X!r} for the matrix itself."
            )
        return own

    def _own_genes(self, adata: AnnData) -> list[int]:
        """Where the model's genes stand, in the model's order, in any matrix that holds them."""
        available = [str(gene) for gene in adata.var_names]
        try:
            match = match_genes(self.gene_ids, available, name="model")
        except GeneSetError as error:
            raise ExpressionError(str(error)) from error
        if match.missing:
            raise ExpressionError(
                f"{where(file_of(adata))}{len(match.missing):,} of the model's {len(self.gene_ids):,} genes are not "
                f"in the expression matrix: {listed(match.missing)}. Give a matrix with all of them, in the units "
                "the model was trained on."
            )
        column_of = dict(zip(match.found, match.positions, strict=True))
        return [column_of[gene] for gene in self.gene_ids]

    def _assemble(
        self,
        scaled: Float32Array,
        names: pd.Index,
        source: NDArray[np.object_],
        split: NDArray[np.object_],
        outside: NDArray[np.int64] | None,
        mover: ClassMap,
        *,
        keep_raw: bool,
    ) -> AnnData:
        if len(scaled) == 0:
            raise ShapeError("There is no sample to move.")
        class_index = self._class_index(scaled, source, mover.classes)
        raw = self._added(scaled, class_index, mover.method)
        perturbed = np.clip(scaled + raw, 0.0, 1.0)
        obs = pd.DataFrame(
            {
                "source_class": source,
                "predicted_before": self.classify(scaled),
                "predicted_after": self.classify(perturbed),
                "split": split,
                "moved_as": mover.moved_as(class_index, self.target_class),
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
        result = AnnData(X=perturbed, obs=obs, var=var)
        result.layers["original"] = scaled
        result.layers["perturbation"] = perturbed - scaled
        if keep_raw:
            result.layers["raw_perturbation"] = raw
        result.uns["tspg"] = {
            "target_class": self.target_class,
            "gene_set": self.settings.get("gene_set") or "",
            "method": self.method.name,
            "model_id": self.model_id,
            "classes": np.asarray(self.classes, dtype=object),
            "source_classes": np.asarray(self.source_classes, dtype=object),
            "f_accuracy": float((obs["predicted_after"] == self.target_class).mean()),
        }
        if mover.new_classes:
            result.uns["tspg"]["new_classes"] = np.array(list(mover.new_classes), dtype=object)
            result.uns["tspg"]["new_classes_moved"] = np.array(list(mover.new_classes.values()), dtype=object)
        return result


@dataclass(frozen=True)
class _Given:
    """New profiles as they are given, the values that are moved, and what was done to them in between."""

    matrix: Matrix
    values: Float32Array
    unadjusted: int
    normalised: str
    aligned: Aligned | None
