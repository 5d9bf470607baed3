"""Sample names that two files write differently, matched by one rule for all of them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice

from tspg.utils.names import plain, unpunctuated

FEW, MANY = 0.1, 0.5  # shares of names found that decide a side of a table, or a column
_R_PREFIX = re.compile(r"^x(?=\d)")
_FOLDER = re.compile(r".*[/\\]", re.DOTALL)
_ENDINGS = re.compile(
    r"(?:(?:[._-]*aligned)?(?:[._](?:sorted(?:bycoord)?|sort|markdup|marked|dedup|rmdup|out))*\.(?:bam|sam|cram)"
    r"|[._-](?:counts?|htseq|featurecounts|rsem|salmon|kallisto)|[._-]?readspergene(?:\.out)?"
    r"|\.(?:txt|tsv|csv|tab|gz|bz2|fastq|fq|sf|genes|results))+$",
    re.IGNORECASE,
)
_WITH_LETTER = re.compile(r"(tcga|target)\.")  # barcodes in which a letter (the vial) follows the sample's digits
_LONGEST = 1_000  # letters of a name that is looked into
_MOST_PARTS = 20
_NUMBER = re.compile(r"(\d+)\.0+")
_SIGNS = re.compile(r"(?<!\d)\.|\.(?!\d)")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_TRIED = 5  # names examined for what all of them share


@dataclass(frozen=True)
class NameMatch:
    """Which names of another file each of ours is; `how` names the rule, empty if they are written alike.

    `clash` are two of ours that a rule takes for one of theirs, that one, and the rule. `is_doubtful` rules compare
    only a part of each name.
    """

    partners: dict[str, tuple[str, ...]]
    how: str = ""
    clash: tuple[str, str, str, str] | None = None
    is_doubtful: bool = False

    @property
    def n_letters(self) -> int:
        """Letters of all names found, in the shorter spelling of the two files."""
        return sum(min(len(ours), *map(len, theirs)) for ours, theirs in self.partners.items())

    def unlike(self) -> list[tuple[str, str]]:
        """Pairs of names, (ours, theirs), that were matched though they are not written alike."""
        return [(ours, theirs[0]) for ours, theirs in self.partners.items() if ours != theirs[0]]


def _without_r_prefix(name: str) -> str:
    return _R_PREFIX.sub("", unpunctuated(name))


def bare_name(name: str) -> str:
    """A name without folder, endings of files, R's X, capital letters, blanks and signs."""
    base = _FOLDER.sub("", name)
    return _without_r_prefix(_ENDINGS.sub("", base) or base)


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "with capital letters and blanks ignored": plain,
    "with capital letters, blanks and the signs . - _ ignored": unpunctuated,
    "with R's X in front of a digit left out": _without_r_prefix,
    "with folders and file endings left out": bare_name,
}


def _loose(name: str) -> str:
    """A bare name without signs, except between digits, and without zeros that a spreadsheet loses."""
    bare = bare_name(name)
    number = _NUMBER.fullmatch(bare)
    return _ZEROS.sub("", number[1] if number else _SIGNS.sub("", bare))


def exact_match(ours: Iterable[str], theirs: Collection[str]) -> NameMatch:
    """The names that both files write alike."""
    return NameMatch({name: (name,) for name in ours if name in theirs})


def possible_matches(ours: Sequence[str], theirs: Collection[str]) -> list[NameMatch]:
    """What each rule finds, the strictest first; parts of names count only if whole names find next to nothing.

    `ours` are names of the matrix, `theirs` distinct names of the other file, quick to look up (keys of a dict).
    """
    exact = exact_match(ours, theirs)
    if len(exact.partners) == len(ours):
        return [exact]
    found = [exact, *(_by_spelling(exact, ours, theirs, how) for how in _SPELLINGS)]
    if max(len(one.partners) for one in found) < len(ours):
        found += _loosely(ours, theirs)
    if max(len(one.partners) for one in found) < FEW * len(ours):
        found += [*_by_what_all_share(ours, theirs), *_by_beginning(ours, theirs), *_by_part(ours, theirs)]
    return found


def best_match(ours: Sequence[str], theirs: Collection[str]) -> NameMatch:
    """The names written alike, or those of the rule that finds all, or most if hardly any are written alike."""
    found = possible_matches(ours, theirs)
    clash = next((match.clash for match in found if match.clash is not None), None)
    best = max(found, key=lambda match: (len(match.partners), match.n_letters if match.is_doubtful else 0))
    if len(best.partners) < len(ours) and 0 < FEW * len(ours) <= len(found[0].partners):
        best = found[0]
    in_order = {name: best.partners[name] for name in ours if name in best.partners}
    return replace(best, partners=in_order, clash=clash)


def _by_spelling(exact: NameMatch, ours: Sequence[str], theirs: Collection[str], how: str) -> NameMatch:
    """What is found besides the names written alike; two of ours never become one of theirs."""
    key, known = _SPELLINGS[how], exact.partners
    by_key = _grouped((name for name in theirs if name not in known), key)
    left = {text: names for text, names in _grouped(ours, key, but=known).items() if text in by_key}
    partners = {names[0]: tuple(by_key[text]) for text, names in left.items() if len(names) == 1}
    clash = next(((names[0], names[1], by_key[text][0], how) for text, names in left.items() if len(names) > 1), None)
    return NameMatch({**known, **partners}, how, clash)


def _loosely(ours: Sequence[str], theirs: Collection[str]) -> list[NameMatch]:
    """All of ours, if they equal those of the other file except for zeros and signs that may be lost; else nothing."""
    own, other = _grouped(ours, _loose), _grouped(theirs, _loose)
    pairs = {names[0]: tuple(other[text]) for text, names in own.items() if len(names) == len(other.get(text, ())) == 1}
    how = "with zeros in front of numbers, .0 behind them and signs beside letters ignored"
    return [NameMatch(pairs, how, is_doubtful=True)] if len(pairs) == len(ours) else []


def _grouped(
    names: Iterable[str], key: Callable[[str], str], but: Collection[str] = frozenset()
) -> dict[str, list[str]]:
    """Names grouped by a key, without those in `but`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if name not in but and len(name) <= _LONGEST and (text := key(name)):
            groups.setdefault(text, []).append(name)
    return groups


def _by_what_all_share(ours: Sequence[str], theirs: Collection[str]) -> Iterator[NameMatch]:
    """Names of one file that equal those of the other with the same text around each of them."""
    own, other = _grouped(ours, bare_name), _grouped(theirs, bare_name)
    for longer, shorter in ((own, other), (other, own)):
        found = [_without(around, longer, shorter) for around in _around(longer, shorter)]
        most = max(map(len, found), default=0)
        best = [pairs for pairs in found if len(pairs) == most]
        if most and len(best) == 1:
            pairs = best[0] if longer is own else {short: long for long, short in best[0].items()}
            alone = {mine: their for mine, their in pairs.items() if len(own[mine]) == 1}
            partners = {own[mine][0]: tuple(other[their]) for mine, their in alone.items()}
            yield NameMatch(partners, "with what all names have in common left out", is_doubtful=True)


def _around(longer: Collection[str], shorter: Collection[str]) -> list[tuple[str, str]]:
    """The most frequent texts before and behind names of the other file, which end where a word or number ends."""
    counts: Counter[tuple[str, str]] = Counter()
    for name in islice(longer, _TRIED):
        for part in shorter:
            before, found, behind = name.partition(part)
            if found and found != name and not part.isdigit():
                joints = (before[-1:] + part[0], part[-1] + behind[:1])
                if not any(len(joint) == 2 and (joint.isalpha() or joint.isdigit()) for joint in joints):
                    counts[before, behind] += 1
    most = max(counts.values(), default=0)
    return [around for around, count in counts.items() if count == most]


def _without(around: tuple[str, str], longer: Collection[str], shorter: Collection[str]) -> dict[str, str]:
    """Each longer name with the shorter one in it; none if a shorter one is in a name with other text around it."""
    before, behind = around
    inner = {
        name: part
        for name in longer
        if name.startswith(before)
        and name.endswith(behind)
        and (part := name[len(before) : len(name) - len(behind)]) in shorter
    }
    found = set(inner.values())
    others = (name for name in longer if name not in inner)
    return {} if any(not found.isdisjoint(_runs_of_parts(name)) for name in others) else inner


def _runs_of_parts(name: str) -> Iterator[str]:
    """Every piece of a name between two of its points."""
    parts = name.split(".")[:_MOST_PARTS]
    return (".".join(parts[start:end]) for start, end in combinations(range(len(parts) + 1), 2))


def _by_beginning(ours: Sequence[str], theirs: Collection[str]) -> Iterator[NameMatch]:
    """Names of one file that start with those of the other, such as barcodes of patients, samples and aliquots."""
    how = "by the beginning of the longer name"
    own, other = _grouped(ours, _without_r_prefix), _grouped(theirs, _without_r_prefix)
    starts = {mine: start for mine in own if (start := _longest_start(mine, other)) is not None}
    taken = _grouped(starts, lambda mine: starts[mine])
    twice = next(((*mine[:2], start) for start, mine in taken.items() if len(mine) > 1), None)
    if twice is not None:
        yield NameMatch({}, how, (own[twice[0]][0], own[twice[1]][0], other[twice[2]][0], how))
    elif starts:
        partners = {own[mine][0]: tuple(other[start]) for mine, start in starts.items() if len(own[mine]) == 1}
        yield NameMatch(partners, how, is_doubtful=True)
    longer: dict[str, tuple[str, ...]] = {}
    for their in other:
        start = _longest_start(their, own)
        if start is not None and len(own[start]) == 1:
            longer[own[start][0]] = (*longer.get(own[start][0], ()), *other[their])
    if longer:
        yield NameMatch(longer, how, is_doubtful=True)


def _by_part(ours: Sequence[str], theirs: Collection[str]) -> Iterator[NameMatch]:
    """All of ours, if each name of one file is a part of a single name of the other."""
    own, other = _grouped(ours, bare_name), _grouped(theirs, bare_name)
    if any(len(names) > 1 for names in own.values()):
        return
    for longer, shorter in ((own, other), (other, own)):
        pairs: dict[str, str] = {}
        for name in longer:
            parts = {part for part in _runs_of_parts(name) if part in shorter and part != name and not part.isdigit()}
            if len(parts) > 1 or not parts.isdisjoint(pairs):
                break
            pairs |= dict.fromkeys(parts, name)
        else:
            if len(pairs) == len(own):
                both = pairs.items() if longer is other else [(name, part) for part, name in pairs.items()]
                partners = {own[mine][0]: tuple(other[their]) for mine, their in both}
                yield NameMatch(partners, "by a part of the longer name", is_doubtful=True)


def _longest_start(name: str, known: Collection[str]) -> str | None:
    """The longest known name that this one starts with, up to the end of a part."""
    with_letter = _WITH_LETTER.match(name) is not None
    for end in range(len(name) - 1, 0, -1):
        at_joint = name[end] == "." or (with_letter and name[end].isalpha() and name[end - 1].isdigit())
        if at_joint and name[:end] in known and not name[:end].isdigit():
            return name[:end]
    return None


def nearly_alike(ours: Sequence[str], theirs: Collection[str], most: int = 3) -> list[tuple[str, str]]:
    """Pairs of names, (ours, theirs), that one of the rules matches though they are not written alike."""
    if not ours:
        return []
    found = max(possible_matches(ours, theirs), key=lambda match: len(match.partners))
    return found.unlike()[:most]
