"""`manifest.json`: the fingerprints of a finished folder, checked before anything in it is believed."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from tspg.errors import ModelError, UsageError
from tspg.model.config import SETTINGS
from tspg.utils.files import read_json, sha256_of, write_json
from tspg.utils.lock import CHECKPOINTS, LOCK, MANIFEST, clear_leftovers, is_temporary
from tspg.utils.names import shown
from tspg.utils.options import DUPLICATES, TRANSFORMS
from tspg.utils.schema import TEXT, TRUTH, Kind, fields, mapping_of, names, one_of, optional
from tspg.utils.untrusted import check_folder, stays_inside

FORMAT_VERSION = 1  # of a run folder
_NEEDED = ("outputs", "inputs", "samples", "settings")
SCHEMA: Kind = fields(  # every field of `manifest.json` that is read again
    {
        **dict.fromkeys(("outputs", "inputs"), mapping_of(TEXT)),
        "samples": names(),
        "settings": fields(SETTINGS, needed=("threads", "seed")),
        "reading": fields(
            {
                "expression": TEXT,
                **dict.fromkeys(("labels", "label_column", "sample_column", "layer", "value"), optional(TEXT)),
                "transpose": TRUTH,
                "transform": one_of(TRANSFORMS),
                "duplicates": one_of(DUPLICATES),
            },
            needed=(),
        ),
    },
    needed=_NEEDED,
)


def fingerprints(out: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder but the manifest itself, lock, checkpoints and temporary files."""
    files = {path.relative_to(out): path for path in sorted(out.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): sha256_of(path)
        for name, path in files.items()
        if name.parts[0] not in (MANIFEST, LOCK, CHECKPOINTS) and not is_temporary(name.name)
    }


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest of a finished run folder; ModelError where there is none, or one of another format."""
    file = out / MANIFEST
    try:
        content: dict[str, Any] = read_json(file)
        version = content["format_version"]
        for name in _NEEDED:
            content[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{out}: there is no finished run here (no readable {MANIFEST}). Run again, or name another folder."
        ) from error
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{file}: format {version!r}; this tspg reads {FORMAT_VERSION}. "
            "Use the version of tspg that wrote it, or a later one."
        )
    if (fault := SCHEMA(content)) is not None:
        raise ModelError(f"{file}: {fault}. Run again, or ask whoever made the folder.")
    return content


def input_fingerprints(paths: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of each file by its name, or with its folder's where another file has that name."""
    found: dict[str, str] = {}
    for path in paths:
        found["/".join(path.resolve().parts[-2:]) if path.name in found else path.name] = sha256_of(path)
    return found


def require_same(
    out: Path, asked: Mapping[str, Any], samples: Sequence[str], inputs: Sequence[Path], *, but: Collection[str] = ()
) -> None:
    """Refuse, with a UsageError, a finished run of other settings (`but` these), single samples or input files."""
    manifest = read_manifest(out)
    before = {**manifest["settings"], "samples": manifest["samples"], **manifest["inputs"]}
    files = input_fingerprints(inputs)
    now = {**json.loads(json.dumps(asked)), "samples": list(samples), **files}
    changed = [name for name in sorted({*before, *now} - set(but)) if before.get(name) != now.get(name)]
    if changed:
        reasons = [f"{name} was changed" if name in files else f"{name} was {before.get(name)}" for name in changed]
        raise UsageError(
            f"--out {out}: the finished run here has other settings or data ({', '.join(reasons)}). "
            "Name another folder."
        )


def verify(out: Path, *, but: Collection[str] = ()) -> dict[str, Any]:
    """The manifest, once every file in it is as it was written; `but` names parts that may change.

    Raises
    ------
    ModelError
        If a file is missing or was changed, or the folder has links or names files elsewhere.
    """
    check_folder(out)
    manifest = read_manifest(out)
    for name, fingerprint in _outputs(manifest, but).items():
        file = out / name
        try:
            found = sha256_of(file) if file.is_file() else None  # a pipe would never end
        except OSError as error:
            raise ModelError(f"{file}: cannot be read ({error.strerror}). Run again or restore the file.") from error
        if found != fingerprint:
            what = "is missing" if found is None else "was changed after it was written"
            raise ModelError(f"{file}: {what}. Run again or restore the file.")
    return manifest


def _outputs(manifest: Mapping[str, Any], but: Collection[str]) -> dict[str, str]:
    outputs: dict[str, str] = manifest["outputs"]
    for name in outputs:
        if not stays_inside(name):
            raise ModelError(f"{MANIFEST}: the output {shown(name)} lies outside of the run folder. Run again.")
    # Until 0.2.0 a manifest could name what a killed program had not written to the end.
    return {
        name: fingerprint
        for name, fingerprint in outputs.items()
        if name.split("/")[0] not in but and not is_temporary(PurePosixPath(name).name)
    }


@contextmanager
def rewriting(out: Path, parts: Collection[str]) -> Iterator[dict[str, Any]]:
    """Let some parts of a finished folder be written again; until all are, the manifest does not name them."""
    manifest = verify(out, but=parts)
    clear_leftovers(out)
    write_json(out / MANIFEST, {**manifest, "outputs": _outputs(manifest, parts)})
    yield manifest
    write_json(out / MANIFEST, {**manifest, "outputs": fingerprints(out)})
