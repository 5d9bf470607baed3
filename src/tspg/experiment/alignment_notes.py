"""What became of a cohort that was to be aligned, in words."""

from collections.abc import Mapping

from tspg.utils.text import counted, number, percent


def alignment_note(facts: Mapping[str, float]) -> str:
    """What was removed of a cohort's difference from the training cohort, and what that costs; from `Aligned.facts`."""
    who = f"The cohort of {counted(int(facts['n']), 'sample')}"
    chance = (
        f"mean squared difference {number(facts['size'])}, in squared standard deviations; by chance "
        f"{number(facts['expected'])}, and in 95 of 100 cohorts at most {number(facts['limit'])}"
    )
    if facts["weight"] == 0:
        return f"{who} was left as it is: it differs from the training cohort no more than by chance ({chance})."
    return (
        f"{who} was aligned: {percent(facts['weight'])} of its mean difference from the training cohort was removed, "
        f"gene by gene ({chance}). Real differences of this cohort are removed too; what is left are differences "
        "between its samples."
    )
