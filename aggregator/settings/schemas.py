"""What do editors need to know to complete and check our files?

``python -m aggregator.settings.schemas`` writes a JSON Schema per file into ``config/``, and all
keys for people into ``docs/settings.md``; with ``--check`` it only compares, names what is stale
and exits with 1.
"""

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from aggregator.settings.addresses import AddressesFile
from aggregator.settings.copies import CopiesFile
from aggregator.settings.feeds import FeedsFile
from aggregator.settings.kinds import spell_duration
from aggregator.settings.outputs import OutputsFile
from aggregator.settings.ranking import RankingFile
from aggregator.settings.reference import reference
from aggregator.settings.service import ServiceFile
from aggregator.settings.tls import TlsEntry
from aggregator.settings.topics import TopicsFile

FILES: dict[str, type] = {
    "feeds": FeedsFile,
    "service": ServiceFile,
    "topics": TopicsFile,
    "outputs": OutputsFile,
    "ranking": RankingFile,
    "addresses": AddressesFile,
    "copies": CopiesFile,
}
_VARIABLE = r"\$\{"
_TOLD = ("description", "default", "examples")


class _Schema(GenerateJsonSchema):
    """Defaults as they are written in the files, and no titles that repeat the key."""

    def encode_default(self, dft: Any) -> Any:
        return spell_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 7, which editors know best) of the file ``name``.yaml."""
    whole = TypeAdapter(FILES[name]).json_schema(schema_generator=_Schema)
    for group, form in ((FILES[name].__name__, whole), *whole.get("$defs", {}).items()):
        for key, told in _described(FILES[name].__module__, group).items():
            form["properties"][key].setdefault("description", told)
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{name}.yaml of aggregator",
    }
    polished: dict[str, Any] = _polished({**whole, "title": head["title"]})
    return head | polished


def _described(module: str, group: str) -> dict[str, str]:
    """Return the text below each key of the model ``group``, as it stands in the source.

    pydantic can do this too, but does it for all models whenever anybody starts.
    """
    models = _models(module)
    model = models.get(group) or _models(TlsEntry.__module__).get(group)
    if model is None:  # of another room, which tells no keys
        return {}
    inherited = [base.id for base in model.bases if isinstance(base, ast.Name)]
    told = [_described(module, base) for base in inherited if base in models]
    return dict(chain.from_iterable(texts.items() for texts in (*told, dict(_texts(model)))))


@cache
def _models(module: str) -> dict[str, ast.ClassDef]:
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def _texts(model: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for key, text in pairwise(model.body):
        value = text.value if isinstance(text, ast.Expr) else None
        if isinstance(key, ast.AnnAssign) and isinstance(value, ast.Constant):
            yield ast.unparse(key.target), inspect.cleandoc(str(value.value))


def _polished(node: Any) -> Any:
    """Say things once, and let ``${NAME}`` stand for numbers, truth values, patterned texts."""
    if isinstance(node, list):
        return [_polished(each) for each in node]
    if not isinstance(node, dict):
        return node
    # A mapping here is a property of that name, or the default of a group: both are told below.
    told = {key: node[key] for key in _TOLD if not isinstance(node.get(key, {}), dict)}
    told = {key: value for key, value in told.items() if value is not None}
    if "description" in told:
        told["description"] = " ".join(node["description"].replace("``", "").split())
    form = {
        key: _polished(value)
        for key, value in node.items()
        if key not in _TOLD or (key == "description" and isinstance(value, dict))
    }
    if form.get("type") == "string" and "pattern" in form:
        form["pattern"] = f"{form['pattern']}|{_VARIABLE}"
    if form.get("type") in {"integer", "number", "boolean"}:
        form = {"anyOf": [form, {"type": "string", "pattern": _VARIABLE}]}
    return told | form


def render(name: str) -> str:
    """Return the text of ``NAME.schema.json``."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path, page: Path) -> list[Path]:
    """Return which schema files in ``folder``, or ``page``, are not as the models have them."""
    return [path for path, text in _files(folder, page).items() if _text(path) != text]


def write(folder: Path, page: Path) -> None:
    """Write every schema file into ``folder``, and the keys for people into ``page``."""
    for path, text in _files(folder, page).items():
        path.write_text(text, encoding="utf-8")


def _files(folder: Path, page: Path) -> dict[Path, str]:
    schemas = {folder / f"{name}.schema.json": render(name) for name in FILES}
    return {**schemas, page: reference({name: schema(name) for name in FILES})}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: Sequence[str]) -> int:
    """Write the schemas, or compare them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m aggregator.settings.schemas")
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--config", type=Path, default=Path("config"), help="folder of the schemas")
    parser.add_argument("--page", type=Path, default=Path("docs/settings.md"), help="page of keys")
    asked = parser.parse_args(arguments)
    if not asked.check:
        write(asked.config, asked.page)
        return 0
    old = stale(asked.config, asked.page)
    for path in old:
        print(f"{path} is stale; run python -m aggregator.settings.schemas", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
