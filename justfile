# Of the tests, those that need no whole run and no drawing.
quick-tests := 'tests/data tests/analysis tests/model tests/utils tests/packaging tests/docs/test_contributing.py tests/test_house.py'

# List the recipes.
default:
    @just --list

# Exactly what CI runs, in a clean virtual environment.
check:
    .ci/run

# Style, types, imports, and the tests that are quick: while you work.
quick: lint
    python -m pytest -q -m 'not slow' {{quick-tests}}

# The tests, in the environment you are in; `just test tests/data` is one room.
test *which:
    python -m pytest -q {{which}}

# Style, types and the direction of imports.
lint:
    ruff check .
    ruff format --check .
    mypy --strict src tests/ecosystem/user_program.py
    lint-imports
    python scripts/make_reference.py --check

# The documentation, in docs/_build/html: needs `pip install -c constraints.txt -e '.[docs]'`.
docs:
    python scripts/make_reference.py
    python -m sphinx -W -b html docs docs/_build/html

# What tspg writes, opened and plotted by scanpy: pip install -c constraints.txt -e '.[ecosystem]' first.
ecosystem:
    python -m pytest -q tests/ecosystem

# The embedded example, start to finish.
demo:
    tspg demo --out demo

# Has anything got slower? Ratios against references, three minutes.
bench-quick:
    python benchmarks/quick.py

# Which branches do the tests take? By room, with what each must reach; half an hour.
coverage:
    coverage erase
    coverage run -m pytest -q -p no:randomly -n 0
    coverage combine -q
    coverage report --include='*/tspg/data/*' --fail-under=95
    coverage report --include='*/tspg/model/storage.py,*/tspg/utils/files.py,*/tspg/report/save.py,*/tspg/utils/lock.py' --fail-under=95
    coverage report --include='*/tspg/analysis/*' --fail-under=95
    coverage report --fail-under=90

# Fuzzing, mutants, kills, full disks and the rest, for hours: writes tests/soak/REPORT.md. `just soak fuzz` is one part.
soak *parts:
    python -m tests.soak.run {{parts}}

# What is installed with tspg, as CycloneDX: docs/sbom.json.
sbom:
    python scripts/make_sbom.py

# Is what would be published fit to be published? Needs the network. What passed is left in dist/.
release-check *options:
    python scripts/check_release.py {{options}}
