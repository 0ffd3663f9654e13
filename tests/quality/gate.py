"""How good are our guesses on labelled data, and did they get worse?

``python -m tests.quality.gate`` runs every set of scores in this folder: a module with ``NAME``,
``scores(data) -> {metric: figure}`` and, if it reads only part of the data, ``CORPUS``, globs
below the data folder. The data is looked for in $AGGREGATOR_DATA, else ../shared/data; without
it nothing is measured and the exit status is 0. A figure that is below its floor in
``floors.json`` by more than EPSILON gives exit status 1; ``corpora.json`` holds by which data
the floors were measured. Of a name such as ``fra / f1`` the first part is the row, the rest the
column. ``GUARDED`` in a module names the columns that have floors; else all do but those named
``… count`` and ``beside …`` (a figure to compare with).
"""

import argparse
import hashlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
CORPORA = HERE / "corpora.json"
EPSILON = 0.003  # one item of a small set may change its mind


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One set of scores: what measures it, and which files it reads."""

    name: str
    measure: Callable[[Path], dict[str, float]]
    corpus: tuple[str, ...]
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was measured of one set and how it stands to its floors."""

    figures: dict[str, float]
    below: tuple[str, ...]
    missing: tuple[str, ...]


def guarded(figures: dict[str, float], columns: tuple[str, ...] | None = None) -> dict[str, float]:
    """Return the figures that have floors (those in ``columns``, if given), to four places."""
    return {
        name: round(figure, 4)
        for name, figure in figures.items()
        if _is_guarded(name.rpartition(" / ")[2], columns)
    }


def _is_guarded(column: str, columns: tuple[str, ...] | None) -> bool:
    if columns is not None:
        return column in columns
    return not column.endswith("count") and not column.startswith("beside ")


def judge(figures: dict[str, float], floors: dict[str, float]) -> Verdict:
    """Compare figures with floors; a floor without a figure is missing."""
    below = tuple(
        f"{name}: {figures[name]:.4f} is below {floor:.4f}"
        for name, floor in sorted(floors.items())
        if name in figures and figures[name] < floor - EPSILON
    )
    missing = tuple(sorted(set(floors) - set(figures)))
    return Verdict(figures=figures, below=below, missing=missing)


def raised(
    figures: dict[str, float], floors: dict[str, float], *, allow_regression: bool
) -> dict[str, float]:
    """Return the floors after an update: never lower, unless that is allowed."""
    if allow_regression:
        return figures
    return {name: max(figure, floors.get(name, figure)) for name, figure in figures.items()}


def digest(data: Path, globs: tuple[str, ...]) -> str:
    """Return a short hash of the names and contents of the files that match."""
    whole = hashlib.sha256()
    for path in sorted({path for glob in globs for path in data.glob(glob) if path.is_file()}):
        whole.update(path.relative_to(data).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def table(name: str, figures: dict[str, float], floors: dict[str, float]) -> str:
    """Lay figures out in rows and columns; ``*`` marks one below its floor."""
    cells: dict[str, dict[str, str]] = {}
    for metric, figure in figures.items():
        row, _, column = metric.partition(" / ")
        low = figure < floors.get(metric, figure) - EPSILON
        shown = f"{figure:.0f}" if metric.endswith("count") else f"{figure:.3f}"
        cells.setdefault(row, {})[column.removesuffix(" count")] = shown + ("*" if low else "")
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    wide = max([len(row) for row in cells] + [len(name)])
    lines = [
        "  ".join([name.ljust(wide), *(column.rjust(max(7, len(column))) for column in columns)])
    ]
    for row, figures_of in cells.items():
        shown_row = (figures_of.get(column, "").rjust(max(7, len(column))) for column in columns)
        lines.append("  ".join([row.ljust(wide), *shown_row]))
    return "\n".join(line.rstrip() for line in lines)


def modules() -> Iterator[Scores]:
    """Yield every set of scores in this folder, by file name."""
    for path in sorted(HERE.glob("*.py")):
        if path.stem in {"gate", "__init__"} or path.stem.startswith("test_"):
            continue
        module = importlib.import_module(f"tests.quality.{path.stem}")
        if hasattr(module, "NAME") and hasattr(module, "scores"):
            corpus = getattr(module, "CORPUS", ("**/*",))
            yield Scores(
                name=module.NAME,
                measure=module.scores,
                corpus=tuple(corpus),
                columns=getattr(module, "GUARDED", None),
            )


def data_folder() -> Path | None:
    """Return where the labelled data lies, None when it is not there."""
    folder = Path(os.environ.get("AGGREGATOR_DATA", "../shared/data"))
    return folder if folder.is_dir() else None


def main() -> int:
    """Measure, print, compare; return the exit status."""
    options = _options()
    data = data_folder()
    if data is None:
        print("no labelled data (AGGREGATOR_DATA, ../shared/data): nothing measured")
        return 0
    floors, corpora = _read(FLOORS), _read(CORPORA)
    status = 0
    for one in modules():
        if options.only and one.name not in options.only:
            continue
        seen = digest(data, one.corpus)
        if corpora.get(one.name, seen) != seen:
            print(f"{one.name}: the data is not that by which its floors were set")
        verdict = judge(one.measure(data), floors.get(one.name, {}))
        print(table(one.name, verdict.figures, floors.get(one.name, {})), end="\n\n")
        if options.update and (options.allow_regression or not verdict.below):
            floors[one.name] = raised(
                guarded(verdict.figures, one.columns),
                floors.get(one.name, {}),
                allow_regression=options.allow_regression,
            )
            corpora[one.name] = seen
            continue
        status = max(status, _complain(one.name, verdict))
    if options.update:
        _write(FLOORS, floors)
        _write(CORPORA, corpora)
    return status


def _complain(name: str, verdict: Verdict) -> int:
    for fault in (*verdict.below, *(f"{metric}: not measured" for metric in verdict.missing)):
        print(f"{name}: {fault}")
    return int(bool(verdict.below or verdict.missing))


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write(path: Path, kept: dict[str, Any]) -> None:
    text = json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.gate")
    parser.add_argument("--update", action="store_true", help="raise floors to what was measured")
    parser.add_argument(
        "--allow-regression", action="store_true", help="with --update: lower floors, too"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="measure this set only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
