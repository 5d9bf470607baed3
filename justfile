# List the recipes.
default:
    @just --list

# Exactly what CI runs, in a clean virtual environment.
check:
    .ci/run

# The tests, in the environment you are in.
test:
    python -m pytest -q

# Style, types and the direction of imports.
lint:
    ruff check .
    ruff format --check .
    mypy --strict src
    lint-imports

# The embedded example, start to finish.
demo:
    tspg demo --out demo

# Has anything got slower? Ratios against references, a minute or two.
bench-quick:
    python benchmarks/quick.py
