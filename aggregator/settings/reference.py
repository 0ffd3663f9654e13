"""What may be written in our files, key by key, for people to read?

Told from the JSON Schemas, and so from the settings models: it cannot say anything else than what
is checked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """\
# Every key of every file

Written by `make schemas` from the settings models. What goes together, and examples, are in
[Configuration](configuration.md). `[]` stands for each entry of a list, `NAME` for a name of your
own.
"""


def reference(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a page in Markdown with a table for each file; ``schemas`` by the file's name."""
    return "\n".join((_HEAD, *(_table(name, schema) for name, schema in schemas.items())))


def _table(name: str, schema: Mapping[str, Any]) -> str:
    lines = [f"## {name}.yaml", "", "| key | default | meaning |", "|---|---|---|"]
    for key, node in _keys(schema, schema, ""):
        default = f"`{_plain(node['default'])}`" if node.get("default") not in (None, []) else ""
        group = schema.get("$defs", {}).get(_named(node), {})
        meaning = str(node.get("description") or group.get("description", "")).replace("|", "\\|")
        lines.append(f"| `{key}` | {default} | {meaning} |")
    return "\n".join((*lines, ""))


def _keys(
    node: Mapping[str, Any], whole: Mapping[str, Any], path: str, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every key below ``node`` with what is told of it, a group before what is in it."""
    dot = f"{path}." if path else ""
    for key, value in node.get("properties", {}).items():
        yield f"{dot}{key}", value
        yield from _keys(value, whole, f"{dot}{key}", above)
    for part, name in (("items", f"{path}[]"), ("additionalProperties", f"{dot}NAME")):
        if isinstance(node.get(part), dict):
            yield from _keys(node[part], whole, name, above)
    for form in (*node.get("anyOf", ()), *node.get("allOf", ()), *node.get("oneOf", ())):
        yield from _keys(form, whole, path, above)
    ref = node.get("$ref", "")
    if ref and ref not in above:
        yield from _keys(whole["$defs"][ref.rpartition("/")[2]], whole, path, (*above, ref))


def _named(node: Mapping[str, Any]) -> str:
    """Return the name of the group that a key stands for, if it is one."""
    forms = (node, *node.get("allOf", ()))
    return next((form["$ref"].rpartition("/")[2] for form in forms if "$ref" in form), "")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return str(value)
