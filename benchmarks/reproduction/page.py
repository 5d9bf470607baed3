"""docs/reproduction.md: the paper's tables and figures beside ours, made of the stored numbers alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reproduction import paper
from reproduction.claims import LIVER, apart_of, asked
from reproduction.figures import FIGURES
from reproduction.kidney_part import tumours
from reproduction.lists import apart, independent
from reproduction.runs import (
    ABLATED,
    ALL,
    FIGURE_4,
    HEALTHY,
    KIDNEY,
    ORGANS,
    PEROXISOME,
    PRESETS,
    SEEDS,
    TABLE_1,
    TUMOURS,
    WITHOUT_TD,
    planned,
)
from reproduction.stored import (
    NOT_RUN,
    Runs,
    Show,
    Stored,
    decimals,
    mean,
    middle,
    named,
    percent,
    spread,
    table,
    whole,
)
from reproduction.terms_part import terms, tissues

TEMPLATE = Path(__file__).with_name("page.template")
KINDS = ("map", "heatmap")


def page(stored: Stored, pictures: Sequence[str]) -> str:
    """The whole page; `pictures` are the names of the figures that are there."""
    organs, kidney = stored.study(ORGANS.file), stored.study(KIDNEY.file)
    n_lists = len(organs["classes"]) - 1
    facts = {
        "their_classes": paper.CLASSES,
        "n_classes": len(organs["classes"]),
        "n_seeds": len(SEEDS),
        "n_lists": n_lists,
        "top": paper.TOP,
        "kidney_genes": f"{kidney['hallmark']:,}",
        "their_independent": f"{independent(paper.ALL_GENES, paper.CLASSES):.0f}",
        "our_independent": f"{independent(organs['hallmark'], n_lists):.0f}",
        **{f"draws_{way}": _draws(stored, way) for way in ("up", "down")},
        "made": _made(stored),
    }
    parts = {
        "data": data(stored),
        "unfinished": unfinished(stored),
        "summary": summary(stored),
        "table_1": table_1(stored),
        "steps": short_of_steps(stored),
        "figures_2_to_4": figures_2_to_4(stored),
        "distinct": distinct(stored),
        "table_2": terms(stored),
        "tissues": tissues(stored),
        "tumours": tumours(stored),
        "eq_4": eq_4(stored),
        "gallery_2_to_4": gallery(pictures, ("2", "3", "4")),
        "gallery_5": gallery(pictures, ("5a", "5b", "5c")),
    }
    return TEMPLATE.read_text(encoding="utf-8").format(**facts, **parts)


def _counted(classes: dict[str, int]) -> str:
    return f"{classes[HEALTHY]} healthy, " + ", ".join(f"{classes[name]} {name}" for name in TUMOURS)


def _draws(stored: Stored, way: str) -> str:
    """Between what counts other random samples of the same runs give."""
    ends = [run["lists"]["draws"][way] for preset in PRESETS for run in stored.runs(*LIVER, preset)]
    return f"{min(low for low, _ in ends)} and {max(high for _, high in ends)}" if ends else NOT_RUN


def _made(stored: Stored) -> str:
    made, n = stored.content["made"], len(stored.content["runs"])
    return f"{n} runs, tspg {made['tspg']}, {made['versions']}, one thread each, {made['date']}"


def unfinished(stored: Stored) -> str:
    """What is still missing, if anything is."""
    done = {run["name"] for run in stored.content["runs"]}
    missing = [run.name for run in planned() if run.name not in done]
    if not missing:
        return ""
    return (
        f"\n**{len(missing)} of {len(done) + len(missing)} runs have not been made yet.** A row says on how many\n"
        'seeds it rests where these are not all, and "not run" where there is none.\n'
    )


def data(stored: Stored) -> str:
    """The paper's data and ours."""
    organs, kidney = stored.study(ORGANS.file), stored.study(KIDNEY.file)
    steps = {preset: stored.values(*LIVER, preset, "steps") for preset in PRESETS}
    told = ", ".join(f"`{preset}` {whole(found[0])}" for preset, found in steps.items() if found)
    ours = f"{organs['samples']} of {organs['people']} people, {len(organs['classes'])} organs (GTEx, healthy of TCGA)"
    kidneys = f"{_counted(kidney['classes'])}; {kidney['people']} people, {kidney['hallmark']:,} genes"
    rows = [
        ("tissue samples", f"GTEx: {paper.SAMPLES:,}, {paper.CLASSES} tissues", ours),
        ("Hallmark genes", f"{paper.ALL_GENES:,}", f"{organs['hallmark']:,}"),
        (
            "kidney",
            f"TCGA: {paper.TUMOUR_SAMPLES:,} of {paper.TUMOUR_CLASSES} types; kidney",
            kidneys,
        ),
        ("steps of G (150 epochs)", f"{paper.STEPS:,}", told),
        ("MSigDB", "6.2", f"2023.2: Peroxisome has {stored.content['gene_sets'][PEROXISOME]} genes, not 107"),
        ("scale", "not said", "log2"),
    ]
    return table(("", "the paper", "here"), rows)


def summary(stored: Stored) -> str:
    """The table that answers everything in short."""
    rows = []
    for claim, answers in asked(stored):
        cells = [f"{told}: **{verdict}**" if told != verdict else told for told, verdict in answers.values()]
        rows.append((f"{claim.words} ({claim.place})", claim.number, *cells, claim.rule))
    head = ("the paper says", "its number", *(f"here, `{preset}`" for preset in PRESETS), "holds if")
    return table(head, rows)


def table_1(stored: Stored) -> str:
    """Table 1, with what f's accuracy does not say beside it; of each number that of `paper`, then of `transport`."""
    shown = {
        "f_accuracy": percent,
        "hit_rate_forest": percent,
        "energy_ratio": decimals(3),
        "gene_correlation": decimals(2),
        "clipped_fraction": percent,
    }
    rows = []
    for theirs, task in zip(paper.TABLE_1, TABLE_1, strict=True):
        both = [stored.runs(*task, preset) for preset in PRESETS]
        known = next((runs for runs in both if runs), [])
        there = f"{theirs.gene_set}, {theirs.n_genes:,}, {theirs.target}: {percent(theirs.f_accuracy)}"
        here = f"{known[0]['n_genes']:,} genes, {task[1]}" if known else task[1]
        cells = [pair(both, name, show) for name, show in shown.items()]
        shift = middle((run["mean_shift_energy_ratio"] for run in known), decimals(3))
        real = middle((run["real_clipped_fraction"] for run in known), percent)
        rows.append((there, here, *cells[:3], shift, cells[3], f"{cells[4]}; {real}"))
    head = ("paper", "here", "f accuracy", "forest, held-out", "energy ratio", "of the mean shift")
    return table((*head, "gene correlation", "at the ends; real"), rows)


def pair(both: Sequence[Runs], name: str, show: Show) -> str:
    """A number's mean for each preset."""
    return ", ".join(middle((run[name] for run in runs), show) if runs else NOT_RUN for runs in both)


def short_of_steps(stored: Stored) -> str:
    """Why a row of preset `paper` falls short of the paper's accuracy, if one does."""
    least = min(row.f_accuracy for row in paper.TABLE_1)
    short = [
        values for row in TABLE_1 if (values := stored.values(*row, "paper", "f_accuracy")) and mean(values) < least
    ]
    if not short:
        return ""
    steps = stored.values(*TABLE_1[0], "paper", "steps")[0]
    return (
        f" `paper` falls short of {percent(least)} in {len(short)} of {len(TABLE_1)} rows: it trained for {steps} "
        f"steps, the paper's for {paper.STEPS:,}."
    )


def figures_2_to_4(stored: Stored) -> str:
    """Figs. 2-4: what the pictures show, in numbers."""
    shown = {
        "on_map": percent,
        "correlation_before": decimals(2),
        "correlation_after": decimals(2),
        "correlation_real": decimals(2),
        "way": decimals(2),
    }
    tasks = {"2: Nerve - Tibial": TABLE_1[0], "3: Heart - Left Ventricle": LIVER, "4: Muscle - Skeletal": FIGURE_4}
    rows = []
    for theirs, task in tasks.items():
        both = [[run["looks"] for run in stored.runs(*task, preset)] for preset in PRESETS]
        fewer = [told for preset in PRESETS if "seeds" in (told := named(preset, stored.runs(*task, preset)))]
        here = "; ".join([task[1], *fewer])
        rows.append((f"Fig. {theirs}", here, *(pair(both, name, show) for name, show in shown.items())))
    return table(("the paper", "here", "near the target on the map", "x with mu_T", "x_adv", "real", "change"), rows)


def gallery(pictures: Sequence[str], numbers: Sequence[str]) -> str:
    """The pictures of some figures, those that are there."""
    parts = []
    for number in numbers:
        names = {(kind, preset): f"figure-{number}-{kind}-{preset}.png" for preset in PRESETS for kind in KINDS}
        lines = [
            f"![{number}: {kind}, {preset}](images/reproduction/{name})"
            for (kind, preset), name in names.items()
            if name in pictures
        ]
        parts += ["\n".join([f"Fig. {number}, {FIGURES[number][2]}:\n", *lines])] if lines else []
    return "\n\n".join(parts) or "(not drawn yet)"


def distinct(stored: Stored) -> str:
    """The 85 and 642."""
    theirs = paper.DISTINCT
    places = [decimals(2)(apart(theirs[way], paper.ALL_GENES, paper.CLASSES)) for way in ("up", "down")]
    ratio = decimals(1)(theirs["down"] / theirs["up"])
    rows: list[Sequence[object]] = [
        ("paper: Heart - Left Ventricle", paper.CLASSES, theirs["up"], theirs["down"], ratio, *places)
    ]
    for target in ("Liver", "Thyroid"):
        found = {preset: stored.runs(ALL, target, preset) for preset in PRESETS}
        for preset, runs in found.items():
            rows += _counts(runs, "samples", f"{target}, {named(preset, runs)}")
        known = next((runs for runs in reversed(found.values()) if runs), [])
        rows += _counts(known, "mean_difference", f"{target}, class means alone")
    return table(("lists", "how many", "distinct up", "down", "down / up", "up, 0 to 1", "down, 0 to 1"), rows)


def _counts(runs: Runs, which: str, words: str) -> Iterator[Sequence[object]]:
    if runs:
        up, down = ([run["lists"][which][way] for run in runs] for way in ("up", "down"))
        ratio = middle([d / u for u, d in zip(up, down, strict=True)], decimals(1))
        places = [middle(apart_of(runs, way, which), decimals(2)) for way in ("up", "down")]
        yield (words, runs[0]["lists"]["n_lists"], spread(up, whole), spread(down, whole), ratio, *places)


def eq_4(stored: Stored) -> str:
    """What Eq. 4 does: the same runs without it."""
    rows = []
    for gene_set, target in ABLATED:
        both = [stored.runs(gene_set, target, preset) for preset in ("paper", WITHOUT_TD)]
        seeds = [f"{len(runs)} of {len(SEEDS)} seeds" for runs in both if len(runs) not in (0, len(SEEDS))]
        rows.append(("; ".join([", ".join(_task(stored, gene_set, target)), *seeds]), *_realism(both)))
    head = ("genes, target", "f accuracy", "energy ratio", "variance ratio", "gene correlation", "on the map")
    return table((*head, "x_adv with mu_T"), rows)


def _task(stored: Stored, gene_set: str, target: str) -> tuple[str, str]:
    known = [run for preset in PRESETS for run in stored.runs(gene_set, target, preset)]
    return (f"{known[0]['n_genes']:,}" if known else gene_set, target)


def _realism(both: Sequence[Runs]) -> Sequence[str]:
    shown = {"f_accuracy": percent, "energy_ratio": decimals(3), "variance_ratio": decimals(2)}
    looks = [[run["looks"] for run in runs] for runs in both]
    return (
        *(pair(both, name, show) for name, show in shown.items()),
        pair(both, "gene_correlation", decimals(2)),
        pair(looks, "on_map", percent),
        pair(looks, "correlation_after", decimals(2)),
    )


def pictures_in(folder: Path) -> list[str]:
    """The names of the figures that are there."""
    return sorted(path.name for path in folder.glob("figure-*.png"))
