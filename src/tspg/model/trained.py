"""A trained model: the networks with the genes, scale and classes without which they mean nothing."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from numpy.typing import NDArray

from tspg.config import ExperimentConfig
from tspg.data.identifiers import match_genes
from tspg.data.prepare import FloatMatrix, Prepared, Scaler, dense
from tspg.errors import ExpressionError, GeneSetError, ModelError, ShapeError
from tspg.model.networks import Discriminator, Generator, TargetModel
from tspg.model.step import clip

ROWS_AT_ONCE = 2048  # keeps the hidden layers of a large matrix out of memory


@dataclass(frozen=True)
class TrainedModel:
    """Moves any profile with these genes to the target class.

    `gene_ids` are in the networks' order; `target_mean` is mu_t on the scaled axis; `split` maps
    each sample of the training matrix to `train` or `test`; `settings` is the experiment's
    configuration as plain values; `details` holds what a report wants to say about the data.
    """

    target_model: TargetModel
    generator: Generator
    discriminator: Discriminator
    gene_ids: tuple[str, ...]
    scaler: Scaler
    classes: tuple[str, ...]
    target_class: str
    source_classes: tuple[str, ...]
    target_mean: NDArray[np.float64]
    split: dict[str, str]
    settings: dict[str, Any]
    details: dict[str, Any]

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        networks: tuple[TargetModel, Generator, Discriminator],
        config: ExperimentConfig,
        details: dict[str, Any],
    ) -> "TrainedModel":
        """Join freshly trained networks (f, G, D) to the study that they were trained on."""
        f, generator, discriminator = networks
        target = config.target_class
        return cls(
            target_model=f,
            generator=generator.requires_grad_(False),
            discriminator=discriminator.requires_grad_(False),
            gene_ids=prepared.gene_ids,
            scaler=prepared.scaler,
            classes=prepared.classes,
            target_class=target,
            source_classes=config.source_classes or tuple(name for name in prepared.classes if name != target),
            target_mean=prepared.class_mean(target),
            split=dict(zip(prepared.sample_ids, prepared.split.tolist(), strict=True)),
            settings=config.as_dict(),
            details=details,
        )

    @cached_property
    def model_id(self) -> str:
        """Sixteen hexadecimal digits that change with any weight, gene or scale."""
        digest = hashlib.sha256("\n".join((*self.gene_ids, *self.classes, self.target_class)).encode())
        digest.update(self.scaler.minimum.tobytes() + self.scaler.maximum.tobytes())
        for network in (self.target_model, self.generator, self.discriminator):
            for name, tensor in sorted(network.state_dict().items()):
                digest.update(name.encode() + tensor.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def device(self) -> torch.device:
        """The processor that the networks live on."""
        return next(self.generator.parameters()).device

    def classify(self, profiles: FloatMatrix) -> NDArray[np.object_]:
        """The class that f sees in each scaled profile, shape (samples,).

        Raises
        ------
        ModelError
            If a score is not a finite number: a broken network would call everything class 0.
        """
        scores = self._in_blocks(self.target_model, profiles, len(self.classes))
        if not np.isfinite(scores).all():
            raise ModelError(
                "The target model gives scores that are not numbers. The model is damaged: train it again."
            )
        names: NDArray[np.object_] = np.asarray(self.classes, dtype=object)
        called: NDArray[np.object_] = names[scores.argmax(axis=1)]
        return called

    def raw_perturbation(self, profiles: FloatMatrix) -> FloatMatrix:
        """G(x) for each scaled profile, in [-1, 1], before clipping; shape (samples, genes)."""
        return self._in_blocks(self.generator, profiles, len(self.gene_ids))

    def move(self, profiles: FloatMatrix) -> FloatMatrix:
        """x_adv = clip(x + G(x), 0, 1) for each scaled profile; shape (samples, genes)."""
        raw = self.raw_perturbation(profiles)
        if not np.isfinite(raw).all():
            raise ModelError("The generator gives values that are not numbers. The model is damaged: train it again.")
        return clip(torch.from_numpy(profiles + raw)).numpy()

    @torch.no_grad()
    def _in_blocks(self, network: torch.nn.Module, profiles: FloatMatrix, width: int) -> FloatMatrix:
        result = np.empty((len(profiles), width), dtype=np.float32)
        for start in range(0, len(profiles), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            result[rows] = network(torch.from_numpy(profiles[rows]).to(self.device)).cpu().numpy()
        return result

    def perturb(self, adata: AnnData, *, label_column: str | None = None, keep_raw: bool = False) -> AnnData:
        """Move new profiles to the target class: expression in, Perturbations out.

        Parameters
        ----------
        adata
            Expression in the units that the model was trained on, samples x genes; one sample is
            enough. Genes may come in any order; those the model does not know are ignored.
        label_column
            Column of `adata.obs` with the samples' own classes, where they are known.
        keep_raw
            Keep G(x) before clipping as the layer `raw_perturbation`.

        Raises
        ------
        ExpressionError
            If genes of the model are missing from the matrix; the message counts and names them.
        """
        scaled, clipped = self.scaler.transform(self._own_genes(adata))
        source = np.full(adata.n_obs, "", dtype=object)
        if label_column is not None:
            source = adata.obs[label_column].astype(str).to_numpy(dtype=object)
        split = np.asarray([self.split.get(str(name), "new") for name in adata.obs_names], dtype=object)
        result = self._assemble(scaled, adata.obs_names, source, split, keep_raw=keep_raw)
        result.uns["tspg"]["clipped_cells"] = clipped
        return result

    def perturb_prepared(self, prepared: Prepared, *, keep_raw: bool = False) -> AnnData:
        """Move the samples of the model's own study that the question is about: sources and target."""
        asked = np.isin(prepared.source_class, [*self.source_classes, self.target_class])
        names = pd.Index(np.asarray(prepared.sample_ids, dtype=object)[asked])
        return self._assemble(
            prepared.profiles[asked],
            names,
            prepared.source_class[asked],
            prepared.split[asked],
            keep_raw=keep_raw,
        )

    def _own_genes(self, adata: AnnData) -> FloatMatrix:
        """The model's genes in the model's order, out of any matrix that holds them."""
        available = [str(gene) for gene in adata.var_names]
        try:
            match = match_genes(self.gene_ids, available, name="model")
        except GeneSetError as error:
            raise ExpressionError(str(error)) from error
        if match.missing:
            raise ExpressionError(
                f"{len(match.missing)} of the model's {len(self.gene_ids)} genes are not in the expression matrix: "
                f"{', '.join(match.missing[:10])}{', …' if len(match.missing) > 10 else ''}. "
                "Give a matrix with all of them, in the units the model was trained on."
            )
        column_of = dict(zip(match.found, match.positions, strict=True))
        return dense(adata)[:, [column_of[gene] for gene in self.gene_ids]]

    def _assemble(
        self,
        scaled: FloatMatrix,
        names: pd.Index,
        source: NDArray[np.object_],
        split: NDArray[np.object_],
        *,
        keep_raw: bool,
    ) -> AnnData:
        if len(scaled) == 0:
            raise ShapeError("There is no sample to move.")
        perturbed = self.move(scaled)
        obs = pd.DataFrame(
            {
                "source_class": source,
                "predicted_before": self.classify(scaled),
                "predicted_after": self.classify(perturbed),
                "split": split,
            },
            index=names.astype(str),
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
            result.layers["raw_perturbation"] = self.raw_perturbation(scaled)
        result.uns["tspg"] = {
            "target_class": self.target_class,
            "gene_set": self.settings.get("gene_set") or "",
            "model_id": self.model_id,
            "classes": np.asarray(self.classes, dtype=object),
            "source_classes": np.asarray(self.source_classes, dtype=object),
            "f_accuracy": float((obs["predicted_after"] == self.target_class).mean()),
        }
        return result
