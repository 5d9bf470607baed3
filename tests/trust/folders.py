"""Run folders, models and sweeps as a stranger would send them: sound but for one thing, with checksums that fit."""

import hashlib
import json
import os
import pickle
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from tspg.sweep.plan import Job, Plan, PlannedRun, PlannedSet, write_plan
from tspg.utils.files import sha256_of, write_table

SECRET = 7.125
COMMANDS: dict[str, list[str]] = {
    "report": ["report", "--run", "RUN"],
    "audit": ["audit", "--run", "RUN", "--quick"],
    "enrich": ["enrich", "--run", "RUN", "--out", "OUT"],
    "compare": ["compare", "RUN", "SOUND", "--out", "OUT"],
    "perturb": ["perturb", "--model", "RUN", "--expression", "PATIENT", "--out", "OUT"],
    "job": ["sweep", "--out", "RUN", "--job", "j"],
    "sweep": ["sweep", "--out", "RUN", "--config", "CONFIG", "--cores", "1"],
}


@dataclass(frozen=True)
class Harm:
    """What is done to a copy of a sound folder, what is said then, and what falls for it."""

    name: str
    do: Callable[[Path], Any]
    commands: tuple[str, ...]
    says: str
    reader: str = ""
    at: str = ""  # the file that the unsafe reader is given
    code: int = 5


class _Exec:
    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self):
        return exec, (self.source,)


def with_sums(folder: Path) -> None:
    """Checksums of model and manifest as they must be for the folder to look sound."""
    model = folder / "model"
    with suppress(ValueError, OSError, RecursionError):  # a description that is none has no checksums
        described = json.loads((model / "model.json").read_text())
        described["files"] = {name: sha256_of(model / name) for name in described["files"]}
        del described["sha256"]
        described["sha256"] = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        (model / "model.json").write_text(json.dumps(described))
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["outputs"]:
        if (folder / name).is_file():
            manifest["outputs"][name] = sha256_of(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def changed(file: str, **changes: Any) -> Callable[[Path], None]:
    """Another JSON file; a key with `__` between its parts lies deeper."""

    def do(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        for key, value in changes.items():
            *above, last = key.split("__")
            place = content
            for part in above:
                place = place[part]
            place[last] = value
        (folder / file).write_text(json.dumps(content))

    return do


def nested(file: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / file).write_text('{"a":' * 200_000)


def output(name: str, content: str = "CANARY") -> Callable[[Path], None]:
    """A manifest that vouches for a file elsewhere, with the right checksum."""

    def do(folder: Path) -> None:
        (folder.parent / "secret.txt").write_text(content)
        manifest = json.loads((folder / "manifest.json").read_text())
        place = folder / name
        manifest["outputs"][name] = sha256_of(place) if place.is_file() else "0"
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return do


def link(name: str) -> Callable[[Path], None]:
    """A file or folder that now lies elsewhere, with a link in its place."""

    def do(folder: Path) -> None:
        elsewhere = folder.parent / "elsewhere" / Path(name).name
        elsewhere.parent.mkdir(exist_ok=True)
        if (folder / name).exists():
            (folder / name).rename(elsewhere)
        else:
            elsewhere.mkdir()
        (folder / name).symlink_to(elsewhere)

    return do


def pickle_as(name: str) -> Callable[[Path], Any]:
    def do(folder: Path) -> None:
        (folder / name).write_bytes(pickle.dumps(_Exec(f"open({str(folder / 'CANARY')!r}, 'w').close()")))

    return do


def header(length: int | None, content: bytes) -> Callable[[Path], Any]:
    start = struct.pack("<Q", len(content) if length is None else length)
    return lambda folder: (folder / "model/target_model.safetensors").write_bytes(start + content + bytes(64))


def layer_elsewhere(folder: Path) -> None:
    with h5py.File(folder / "perturbations.h5ad", "a") as file:
        shape = file["X"].shape
        np.full(shape, SECRET, np.float32).tofile(folder.parent / "secret.bin")
        attributes = dict(file["layers/original"].attrs)
        del file["layers/original"]
        place = [(str(folder.parent / "secret.bin"), 0, 4 * int(np.prod(shape)))]
        file["layers"].create_dataset("original", shape, "f4", external=place).attrs.update(attributes)


def h5ad_bomb(folder: Path) -> None:
    with h5py.File(folder / "perturbations.h5ad", "a") as file:
        file["uns"].create_dataset("x", (2_000_000_000,), "i1", chunks=(1000,))


def no_table_of_genes(folder: Path) -> None:
    write_table(folder / "top_genes.tsv", pd.DataFrame({"gene": ["<script>CANARY</script>"], "rank": ["x"]}))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "history-2.tsv")


HARMS = (
    Harm(
        "pickle as model",
        pickle_as("model/target_model.safetensors"),
        ("perturb", "audit"),
        "damaged",
        "pickle",
        "model/target_model.safetensors",
    ),
    Harm("header longer than the file", header(1 << 60, b"{}"), ("perturb",), "damaged"),
    Harm(
        "header that lies",
        header(None, b'{"w":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'),
        ("perturb",),
        "damaged",
    ),
    Harm(
        "method elsewhere",
        changed("model/model.json", settings__method="../../elsewhere"),
        ("perturb",),
        "do not belong|damaged",
    ),
    Harm(
        "layers of terabytes",
        changed("model/model.json", settings__target_model__hidden_units=[10**6, 10**7]),
        ("perturb",),
        "other layers than model.json says",
    ),
    Harm(
        "a billion blocks",
        changed("model/model.json", settings__generator__residual_blocks=10**9),
        ("perturb",),
        "no 1000000000 residual blocks",
    ),
    Harm("text for numbers", changed("model/model.json", target_mean=["x"] * 60), ("perturb",), "damaged"),
    Harm(
        "class that is none", changed("model/model.json", target_class="nobody"), ("perturb",), "not among its classes"
    ),
    Harm(
        "threads in words",
        changed("model/model.json", settings__threads="many"),
        ("perturb",),
        "settings.threads is 'many'; a whole number",
    ),
    Harm(
        "escape in a gene",
        changed("model/model.json", genes=["\x1b[2J", *map(str, range(59))]),
        ("perturb",),
        "control",
    ),
    Harm("model nested", nested("model/model.json"), ("perturb",), "no readable model.json"),
    Harm(
        "model is a link",
        link("model/generator.safetensors"),
        ("perturb", "report"),
        "is a link",
        "follows a link",
        "model/generator.safetensors",
    ),
    Harm("output above", output("../secret.txt"), ("report", "audit", "enrich", "compare"), "lies outside", "outside"),
    Harm("output of the machine", output("/dev/zero"), ("report",), "lies outside"),
    Harm("output that is a folder", output("model/.."), ("report",), "lies outside"),
    Harm(
        "layer elsewhere",
        layer_elsewhere,
        ("report", "audit", "enrich", "perturb"),
        "lie in another file",
        "layer",
        "perturbations.h5ad",
    ),
    Harm(
        "bomb of profiles", h5ad_bomb, ("report", "enrich"), "2,000,000,000 bytes", "declares uns", "perturbations.h5ad"
    ),
    Harm(
        "profiles are a link",
        link("perturbations.h5ad"),
        ("report", "enrich", "perturb"),
        "is a link",
        "follows a link",
        "perturbations.h5ad",
    ),
    Harm("figures are a link", link("figures"), ("report", "audit"), "figures: is a link", "through", "figures"),
    Harm("audit is a link", link("audit"), ("audit",), "audit: is a link", "through", "audit"),
    Harm("page is a link", link("report.html"), ("report", "audit"), "is a link", "follows a link", "report.html"),
    Harm("pipe", pipe, ("report", "compare"), "neither a file nor a folder", "is a pipe", "history-2.tsv"),
    Harm("manifest nested", nested("manifest.json"), ("report", "audit", "compare"), "no finished run"),
    Harm("numbers nested", nested("metrics.json"), ("report",), "is no readable JSON"),
    Harm(
        "numbers of another kind",
        lambda folder: (folder / "metrics.json").write_text('{"data": {"classes": 3}}'),
        ("report",),
        "do not fit together",
    ),
    Harm(
        "threads of the run",
        changed("manifest.json", settings__threads="many"),
        ("report",),
        "manifest.json: settings.threads is 'many'",
    ),
    Harm("genes of another kind", no_table_of_genes, ("report", "compare", "enrich"), "do not fit together"),
)


def sound_plan() -> Plan:
    run = PlannedRun("ALL.b.seed-0.0123456789", "ALL", 16, "b", 0)
    job = Job("j", "runs", "ALL", 0, "ALL.seed-0.0123456789", (run.id,), 100, 1)
    settings = {
        "keep": "all",
        "options": {"threads": 1},
        "reading": {},
        "expression": "x",
        "labels": None,
        "label_column": "c",
    }
    sets = (PlannedSet("ALL", 16, 16, "ALL.0123456789"),)
    return Plan("0", settings, {}, sets, (run,), (job,), {"ALL": 1.0}, 1.0, None)


def planned(**changes: Any) -> Callable[[Path], None]:
    """A sweep whose plan names files elsewhere, such as the run `../../victim`."""

    def do(folder: Path) -> None:
        plan = sound_plan()
        (folder.parent.parent / "victim").mkdir(exist_ok=True)
        for name, value in changes.items():
            if name == "run":
                runs = (replace(plan.runs[0], id=value),)
                plan = replace(plan, runs=runs, jobs=(replace(plan.jobs[0], runs=(value,)),))
            elif name == "matrix":
                plan = replace(plan, sets=(replace(plan.sets[0], matrix=value),))
            else:
                plan = replace(plan, jobs=(replace(plan.jobs[0], **{name: value}),))
        write_plan(plan, folder)

    return do


def study_elsewhere(folder: Path) -> None:
    write_plan(sound_plan(), folder)
    study = folder / "data" / "ALL.0123456789"
    study.mkdir(parents=True)
    np.save(study / "profiles.npy", np.zeros((2, 2), np.float32))
    content = {"samples": "../../../secret.json", "genes": ["a", "b"], "about": {}, "gene_set": None}
    (study / "study.json").write_text(json.dumps(content))


def with_link(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        write_plan(sound_plan(), folder)
        link(name)(folder)

    return do


def with_modules(folder: Path) -> None:
    write_plan(sound_plan(), folder)
    place = folder / ".snakemake" / "pip-deployments" / "snakemake_executor_plugin_harm"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(f"open({str(folder / 'CANARY')!r}, 'w').close()")


SWEEPS = (
    Harm("run elsewhere", planned(run="../../victim"), ("job",), "no name of ours", "runs elsewhere", "plan.json"),
    Harm("run at the root", planned(run="/victim"), ("job",), "no name of ours"),
    Harm("job elsewhere", planned(id="../j"), ("job",), "no name of ours"),
    Harm("classifier elsewhere", planned(classifier=".."), ("job",), "no name of ours"),
    Harm("matrix elsewhere", planned(matrix="../../../etc"), ("job",), "no name of ours"),
    Harm("shell in a job", planned(id="j; touch CANARY"), ("job",), "no name of ours"),
    Harm("plan nested", nested("plan.json"), ("job",), "cannot be used"),
    Harm("samples elsewhere", study_elsewhere, ("job",), "which is no file beside it"),
    Harm("runs are a link", with_link("runs"), ("job",), "runs: is a link", "through", "runs", code=2),
    Harm("logs are a link", with_link("logs"), ("sweep",), "logs: is a link", "through", "logs"),
    Harm("modules for Snakemake", with_modules, ("sweep",), "Snakemake would run Python modules", code=2),
)
