"""Trained peers, each by the recipe of its documentation; README.md says what was changed to fit two processor cores.

OT-CFM (torchcfm), CellFlow (cellflow-tools), scGen and CINEMA-OT (both pertpy). Nothing is tuned.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import anndata
import numpy as np
import pandas as pd
import torch
from learning import Components, Lesson, Move, Names, Profiles, parts

BATCH = 128
CFM_STEPS, CFM_WIDTH = 2000, 256
CELLFLOW_STEPS, CELLFLOW_WIDTH = 1000, 256
SCGEN_EPOCHS, SCGEN_BATCH = 50, 32
CINEMA_COMPONENTS = 20


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and log lines of other libraries."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def ot_cfm(lesson: Lesson) -> Move:
    """Conditional flow matching with minibatch optimal transport, on principal components, told the class."""
    from torchcfm.conditional_flow_matching import ExactOptimalTransportConditionalFlowMatcher
    from torchcfm.models import MLP
    from torchdiffeq import odeint

    components = Components.of(lesson)
    scale = components.scores(lesson.profiles).std()
    clouds = {
        name: torch.tensor(components.scores(lesson.of_class(name)) / scale, dtype=torch.float32)
        for name in (*lesson.sources, lesson.target)
    }
    dim, target = clouds[lesson.target].shape[1], clouds[lesson.target]
    torch.manual_seed(lesson.seed)
    np.random.seed(lesson.seed)  # noqa: NPY002 - the matcher draws its pairs from the global state
    codes = torch.eye(len(lesson.sources))
    field = MLP(dim=dim + len(codes), out_dim=dim, w=CFM_WIDTH, time_varying=True)
    optimiser = torch.optim.Adam(field.parameters())
    matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=0.1)
    for step in range(CFM_STEPS):
        number = step % len(codes)
        source = clouds[lesson.sources[number]]
        pair = [cloud[torch.randint(len(cloud), (BATCH,))] for cloud in (source, target)]
        time, place, flow = matcher.sample_location_and_conditional_flow(*pair)
        told = torch.cat([place, codes[number].expand(BATCH, -1), time[:, None]], dim=1)
        loss = torch.mean((field(told) - flow) ** 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    @torch.no_grad()
    def move(profiles: Profiles, classes: Names) -> Profiles:
        start = torch.tensor(components.scores(profiles) / scale, dtype=torch.float32)
        told = codes[[lesson.sources.index(name) for name in classes]]

        def velocity(time: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
            return field(torch.cat([place, told, time.expand(len(place), 1)], dim=1))

        end = odeint(velocity, start, torch.linspace(0, 1, 2), method="dopri5", atol=1e-4, rtol=1e-4)[-1]
        return components.profiles(end.double().numpy() * scale)

    return move


def cellflow(lesson: Lesson) -> Move:
    """CellFlow: the target as the one condition, the source class as a covariate that populations are split by."""
    import functools

    import optax
    from cellflow.model import CellFlow
    from cellflow.utils import match_linear

    components = Components.of(lesson)
    codes = dict(zip(lesson.sources, np.eye(len(lesson.sources)), strict=True))

    def annotated(scores: np.ndarray, origin: Names, is_control: np.ndarray) -> anndata.AnnData:
        obs = pd.DataFrame(
            {
                "origin": pd.Categorical(origin, categories=list(codes)),
                "state": pd.Categorical(np.where(is_control, "control", "moved"), categories=["control", "moved"]),
                "is_control": is_control,
            },
            index=[f"s{number}" for number in range(len(origin))],
        )
        adata = anndata.AnnData(np.zeros((len(origin), 1), np.float32), obs)
        adata.obsm["X_pca"] = scores.astype(np.float32)
        adata.uns["states"] = {"moved": np.ones(1, np.float32), "control": np.zeros(1, np.float32)}
        adata.uns["origins"] = {name: code.astype(np.float32) for name, code in codes.items()}
        return adata

    targets = components.scores(lesson.targets)
    scores, origins, controls = [], [], []
    for name in lesson.sources:  # every source class has its own copy of the target
        sources = components.scores(lesson.of_class(name))
        scores += [sources, targets]
        origins += [name] * (len(sources) + len(targets))
        controls += [True] * len(sources) + [False] * len(targets)
    with quiet():
        training = annotated(np.vstack(scores), np.array(origins, dtype=object), np.array(controls))
        model = CellFlow(training, solver="otfm")
        model.prepare_data(
            sample_rep="X_pca",
            control_key="is_control",
            perturbation_covariates={"state": ("state",)},
            perturbation_covariate_reps={"state": "states"},
            sample_covariates=["origin"],
            sample_covariate_reps={"origin": "origins"},
            split_covariates=["origin"],
            max_combination_length=1,
        )
        layer = {"layer_type": "mlp", "dims": [CELLFLOW_WIDTH, CELLFLOW_WIDTH], "dropout_rate": 0.0}
        model.prepare_model(
            pooling="mean",
            layers_before_pool={"state": layer, "origin": layer},
            layers_after_pool=layer,
            condition_embedding_dim=64,
            cond_output_dropout=0.0,
            time_freqs=256,
            time_encoder_dims=[CELLFLOW_WIDTH] * 3,
            hidden_dims=[CELLFLOW_WIDTH] * 3,
            decoder_dims=[2 * CELLFLOW_WIDTH] * 3,
            probability_path={"constant_noise": 0.1},
            match_fn=functools.partial(match_linear, epsilon=0.5, tau_a=1.0, tau_b=1.0),
            optimizer=optax.adam(3e-4),
            seed=lesson.seed,
        )
        model.train(num_iterations=CELLFLOW_STEPS, batch_size=BATCH, valid_freq=10 * CELLFLOW_STEPS)

    def move(profiles: Profiles, classes: Names) -> Profiles:
        found = np.empty((len(profiles), components.pca.n_components_))
        with quiet():
            for name, rows in parts(classes):
                origin = np.full(int(rows.sum()), name, dtype=object)
                sources = annotated(components.scores(profiles[rows]), origin, np.ones(len(origin), bool))
                wanted = pd.DataFrame({"origin": [name], "state": ["moved"], "is_control": [False]})
                (predicted,) = model.predict(sources, covariate_data=wanted, sample_rep="X_pca").values()
                found[rows] = np.asarray(predicted)
        return components.profiles(found)

    return move


def scgen(lesson: Lesson) -> Move:
    """The scGen of pertpy: a variational autoencoder, and the difference of class means in its latent space."""
    import pertpy
    import scvi

    def annotated(profiles: Profiles, classes: Names) -> anndata.AnnData:
        obs = pd.DataFrame({"condition": pd.Categorical(classes), "cell_type": "any"})
        obs.index = [f"s{number}" for number in range(len(classes))]
        return anndata.AnnData(profiles.copy(), obs)

    scvi.settings.seed = lesson.seed
    with quiet():
        training = annotated(lesson.profiles, lesson.classes)
        pertpy.tl.Scgen.setup_anndata(training, batch_key="condition", labels_key="cell_type")
        model = pertpy.tl.Scgen(training)
        model.train(
            max_epochs=SCGEN_EPOCHS,
            batch_size=SCGEN_BATCH,
            early_stopping=True,
            early_stopping_patience=25,
            enable_progress_bar=False,
        )

    def move(profiles: Profiles, classes: Names) -> Profiles:
        moved = profiles.copy()
        with quiet():
            for name, rows in parts(classes):
                wanted = annotated(profiles[rows], classes[rows])
                predicted = model.predict(ctrl_key=name, stim_key=lesson.target, adata_to_predict=wanted)[0]
                moved[rows] = np.asarray(predicted.X)
        return np.clip(moved, 0, 1).astype(np.float32)

    return move


def cinema_ot(lesson: Lesson) -> Move:
    """CINEMA-OT of pertpy: profiles are matched to training samples of the target on what is not about the class.

    It has no map for new profiles: those that are moved are among the samples that it is given, as controls.
    """
    import pertpy
    import scanpy

    def moved(name: str, profiles: Profiles) -> np.ndarray:
        known = {row.tobytes() for row in profiles}
        others = [row for row in lesson.of_class(name) if row.tobytes() not in known]
        values = np.vstack([profiles, *others, lesson.targets])
        state = np.where(np.arange(len(values)) < len(values) - len(lesson.targets), "source", "target")
        obs = pd.DataFrame({"state": state}, index=[f"s{number}" for number in range(len(values))])
        adata = anndata.AnnData(values, obs)
        scanpy.pp.pca(adata, n_comps=min(CINEMA_COMPONENTS, len(values) - 1), random_state=lesson.seed)
        effect = pertpy.tl.Cinemaot().causaleffect(
            *(adata, "state", "target"),
            dim=adata.obsm["X_pca"].shape[1],
            thres=0.5,
            smoothness=1e-5,
            eps=1e-3,
            random_state=lesson.seed,
        )
        return profiles - np.asarray(effect.X)[: len(profiles)]

    def move(profiles: Profiles, classes: Names) -> Profiles:
        found = profiles.copy()
        with quiet():
            for name, rows in parts(classes):
                found[rows] = moved(name, profiles[rows])
        return np.clip(found, 0, 1).astype(np.float32)

    return move
