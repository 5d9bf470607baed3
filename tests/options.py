"""Options of a run in one flat dictionary, as many tests share and change them."""

from typing import Any

import tspg


def nested(**options: Any) -> dict[str, Any]:
    """The options as `tspg.run` takes them: how it trains in `training`, a second cohort in `second_cohort`."""
    training = {name: options.pop(name) for name in tspg.Training.__dataclass_fields__ if name in options}
    if training:
        options["training"] = tspg.Training(**training)
    if "test_adata" in options:
        remedies = {name: options.pop(name) for name in ("normalise", "align") if name in options}
        options["second_cohort"] = tspg.SecondCohort(options.pop("test_adata"), **remedies)
    return options
