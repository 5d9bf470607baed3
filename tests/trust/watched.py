"""Run commands of `tspg`, and unsafe readers beside them, in a process that hears whatever code or file they touch.

    python watched.py JOBS.json RESULTS.json

A job is `argv` of `tspg` with the folder `out` it may write to, or the name of an unsafe `reader` of a `file`.
"""

import base64
import contextlib
import gzip
import importlib
import io
import json
import marshal
import os
import pickle
import platform
import sys
import tarfile
import tempfile
import threading
import traceback
import types
import zipfile
import zlib
from pathlib import Path

MARK = "CANARY"  # in the source of every payload
FOREIGN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "socket.bind")
FOREIGN = (*FOREIGN, "socket.getaddrinfo", "pickle.find_class", "os.link", "os.symlink")
CODE = ("exec", "compile", "marshal.loads")  # heard where the code is a payload's: imports are made of these, too
CHANGING = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "shutil.rmtree", "shutil.move")
SEEN_FROM = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")  # end with the open folder, or -1
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SECRET = 7.125  # what the files hold that payloads reach for


class Watch:
    """What was heard while a job ran."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.allowed: list[str] = []
        self.on = False
        self._own = threading.local()

    def __call__(self, event: str, arguments: tuple) -> None:
        if not self.on or getattr(self._own, "busy", False):
            return
        self._own.busy = True  # what follows is our own doing
        try:
            if event == "subprocess.Popen" and arguments[0] == "lscpu":
                return  # joblib counts the cores, once
            if event in FOREIGN or (event in CODE and self._is_foreign(event, arguments)):
                self.events.append(f"{event} {arguments!r:.200}")
            elif event == "open" and self._writes(arguments):
                self._place(event, arguments[0])
            elif event in CHANGING:
                n = 2 if event == "os.rename" else 1
                seen_from = arguments[-n:] if event in SEEN_FROM else (-1, -1)
                for path, folder in zip(arguments[:n], seen_from, strict=False):
                    self._place(event, path, folder)
        finally:
            self._own.busy = False

    @staticmethod
    def _is_foreign(event: str, arguments: tuple) -> bool:
        if event != "exec":  # NumPy parses the header of an NPY file as an <unknown> file, and compiles nothing of it
            return MARK in repr(arguments[0]) and arguments[-1] != "<unknown>"
        code = arguments[0]
        return MARK in repr(code.co_consts) + repr(code.co_names) + code.co_filename

    @staticmethod
    def _writes(arguments: tuple) -> bool:
        path, mode, flags = arguments
        return isinstance(path, (str, bytes)) and bool((flags or 0) & WRITING or set(mode or "") & set("wax+"))

    def _place(self, event: str, path: object, folder: int = -1) -> None:
        """Keep what happens outside of the allowed folders; `folder` is an open one that the path is seen from."""
        if isinstance(path, int):
            return
        seen_from = Path.cwd() if folder < 0 else Path(f"/proc/self/fd/{folder}").resolve()
        where = os.path.realpath(seen_from / os.fsdecode(path))
        if event == "os.mkdir" and Path(where).is_dir():
            return  # it is there already
        if where != os.devnull and not any(where == one or where.startswith(f"{one}/") for one in self.allowed):
            self.events.append(f"{event} {where}")


def run(argv: list[str], out: list[str], watch: Watch) -> dict:
    """A command of `tspg`: its exit code, what it said, and what was heard."""
    from tspg.cli.main import main

    said, errors = io.StringIO(), io.StringIO()
    scratch = os.path.realpath(tempfile.gettempdir())  # of PyTorch and Matplotlib
    watch.events, watch.allowed = [], [scratch, *map(os.path.realpath, out)]
    trace, code = "", -1
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        watch.on = True
        try:
            code = main(argv)
        except BaseException:  # noqa: BLE001 - a test says that there is none
            watch.on = False
            trace = traceback.format_exc()
        watch.on = False
    return {"code": code, "said": said.getvalue(), "errors": errors.getvalue(), "trace": trace, "events": watch.events}


def read_unsafely(reader: str, file: str, watch: Watch) -> dict:
    """What a reader without a guard makes of a payload; `got` is true if it reached what it should not."""
    watch.events, watch.allowed = [], []
    watch.on = True
    got, trace = False, ""
    try:
        got = bool(READERS[reader](Path(file)))
    except Exception:  # noqa: BLE001 - many payloads fire and then fail
        trace = traceback.format_exc()
    watch.on = False
    return {"got": got, "trace": trace, "events": watch.events}


def _unpickled(file: Path) -> None:
    pickle.loads(file.read_bytes())


def _torch(file: Path) -> None:
    import torch

    torch.load(file, weights_only=False)


def _torch_tar(file: Path) -> None:
    with tarfile.open(file) as archive:
        pickle.load(archive.extractfile("storages"))


def _numpy(file: Path) -> None:
    import numpy as np

    np.load(file, allow_pickle=True)


def _joblib(file: Path) -> None:
    import joblib

    joblib.load(file)


def _npz(file: Path) -> None:
    import numpy as np

    with np.load(file, allow_pickle=True) as arrays:
        arrays["a"]


def _gzip_pickle(file: Path) -> None:
    pickle.loads(gzip.decompress(file.read_bytes()))


def _keras(file: Path) -> None:
    import h5py

    with h5py.File(file) as source:
        layer = json.loads(source.attrs["model_config"])["config"]["layers"][0]
    code = marshal.loads(base64.b64decode(layer["config"]["function"]["config"]["code"]))  # noqa: S302
    types.FunctionType(code, {"__builtins__": __builtins__})()


def _extension(file: Path) -> None:
    import pyarrow.parquet as pq

    pickle.loads(pq.read_schema(file).field("x").metadata[b"ARROW:extension:metadata"])


def _hdf5(place: str):
    def read(file: Path) -> bool:
        import h5py

        with h5py.File(file) as source:
            return (source[place][...] == SECRET).all()

    return read


def _whole_h5ad(file: Path) -> bool:
    import anndata

    return (anndata.read_h5ad(file).X == SECRET).all()


def _reference(file: Path) -> bool:
    import h5py

    with h5py.File(file) as source:
        return len(source[source["obs/age"].attrs["categories"]]) > 0


def _declares(place: str):
    def read(file: Path) -> bool:
        import h5py

        with h5py.File(file) as source:
            return source[place].nbytes > 1000 * file.stat().st_size

    return read


def _has_extension(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return any(isinstance(kind, pa.BaseExtensionType) for kind in pq.read_schema(file).types)


def _inflates(file: Path) -> bool:
    inflated = zlib.decompressobj(wbits=31).decompress(file.read_bytes(), 100_000_000)
    return len(inflated) > 500 * file.stat().st_size


def _parquet_inflates(file: Path) -> bool:
    import pyarrow.parquet as pq

    return pq.read_table(file, columns=["x"]).nbytes > 500 * file.stat().st_size


def _slips(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(".." in name for name in archive.namelist())


def _header_of_npy(file: Path) -> None:
    eval(file.read_bytes()[10:].split(b"\n")[0])  # noqa: S307


def _leads_outside(file: Path) -> bool:
    manifest = json.loads((file / "manifest.json").read_text())
    return any((file / name).is_file() and ".." in name for name in manifest["outputs"])


def _follows_a_link(file: Path) -> bool:
    return file.is_symlink() and len(file.read_bytes()) > 0


def _is_a_pipe(file: Path) -> bool:
    return file.is_fifo()


def _runs_elsewhere(file: Path) -> bool:
    runs = [file.parent / "runs" / run["id"] for run in json.loads(file.read_text())["runs"]]
    return not runs[0].resolve().is_relative_to(file.parent)


def _writes_through(folder: Path) -> None:
    (folder / f"{MARK}-written").touch()


READERS = {
    "pickle": _unpickled,
    "torch": _torch,
    "torch tar": _torch_tar,
    "numpy": _numpy,
    "joblib": _joblib,
    "keras": _keras,
    "extension": _extension,
    "X": _hdf5("X"),
    "uns": _hdf5("uns/deep/er/x"),
    "layer": _hdf5("layers/original"),
    "h5ad": _whole_h5ad,
    "reference": _reference,
    "declares": _declares("X"),
    "declares names": _declares("obs/_index"),
    "has extension": _has_extension,
    "npz": _npz,
    "gzip pickle": _gzip_pickle,
    "plugin": _hdf5("X"),
    "inflates": _inflates,
    "parquet inflates": _parquet_inflates,
    "slips": _slips,
    "header": _header_of_npy,
    "outside": _leads_outside,
    "follows a link": _follows_a_link,
    "is a pipe": _is_a_pipe,
    "runs elsewhere": _runs_elsewhere,
    "declares uns": _declares("uns/x"),
    "through": _writes_through,
}


def _without_samples() -> None:
    """Heat maps of single samples stay empty, which are saved sooner than drawn; one figure has every format."""
    from matplotlib.figure import Figure

    from tspg.report.figures import save as figures

    saved = figures.save_figure
    figures.save_figure = lambda one, to, name, _: saved(
        one, to, name, ["svg", "png", "pdf"] if name == "heatmap" else ["png"]
    )
    drawn = figures.plot_heatmap
    figures.plot_heatmap = lambda moved, sample=None: drawn(moved) if sample is None else Figure(figsize=(1, 1))


def _without_figures() -> None:
    from tspg.report import save as run_folder

    run_folder.write_figures = lambda *_, **__: []


def main(jobs: str, results: str) -> None:
    """Do every job in turn, once everything is imported that `tspg` needs."""
    for name in (
        "tspg.audit.run",
        *(f"tspg.cli.commands.{one}" for one in ("demo", "run", "perturb", "audit", "enrich", "compare", "report")),
        "tspg.experiment.run",
        "tspg.sweep.job",
        "matplotlib.font_manager",
    ):
        importlib.import_module(name)
    platform.platform()
    watch, found = Watch(), []
    sys.addaudithook(watch)
    for job in json.loads(Path(jobs).read_text()):
        if job.get("draws") == "main":
            _without_samples()
        if job.get("draws") == "none":
            _without_figures()
        if "argv" in job:
            found.append(run(job["argv"], job["out"], watch))
        else:
            found.append(read_unsafely(job["reader"], job["file"], watch))
    Path(results).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
