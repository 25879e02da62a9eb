"""From samples to a whole bundle: group them by what they are, suggest, and make every file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters import bundle as bundles
from adapters.adapter import DeclarativeAdapter
from adapters.bundle import files as bundle_files
from adapters.suggest import bundle_text, coding, mapping_text, native_schema
from adapters.suggest.coding import DraftTable, merged
from adapters.suggest.columns import observe
from adapters.suggest.envelope import envelope, records
from adapters.suggest.guessing import Guess, guess, is_sure
from adapters.suggest.judging import Suggestion
from adapters.suggest.operation import DraftOperation, NativeSample
from adapters.suggest.pairing import missing_pairs
from schemas import documents
from schemas.catalog import TYPES
from schemas.findings import Text

MAX_SAMPLES = 200


class Undraftable(Exception):
    """No bundle can be drafted: what is in the way, and what to do."""

    def __init__(self, message: Text, remedy: Text) -> None:
        super().__init__(message.en)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class BundleDraft:
    """A drafted bundle: `files` by relative path. `translated`: operation → samples it already reads, of how many."""

    name: str
    files: Mapping[str, bytes]
    operations: tuple[DraftOperation, ...]
    translated: Mapping[str, tuple[int, int]]


def draft(
    name: str,
    kind: str,
    samples: Sequence[NativeSample],
    *,
    operations: Mapping[str, str] | None = None,
    favoured: Sequence[str] = (),
    title: str = "",
) -> BundleDraft:
    """Draft a bundle of at most 200 samples.

    `operations` names what it receives, operation → message type; without it, types are guessed,
    `favoured` ones rather. The bundle always loads. Raises `Undraftable` when a sample could be several
    documents, or none of its columns is known.
    """
    if not 0 < len(samples) <= MAX_SAMPLES:
        raise Undraftable(
            Text(f"样例应为 1 至 {MAX_SAMPLES} 个", f"from 1 to {MAX_SAMPLES} samples are expected"),
            Text("请用 --from 给出样例文件", "name sample files with --from"),
        )
    drafted = tuple(
        _operation(operation, message_type, grouped)
        for (operation, message_type), grouped in _grouped(samples, operations or {}, favoured).items()
    )
    files = _files(name, kind, title or name, drafted)
    return _with_pairs(name, files, drafted)


def _grouped(
    samples: Sequence[NativeSample], operations: Mapping[str, str], favoured: Sequence[str]
) -> dict[tuple[str, str], list[NativeSample]]:
    groups: dict[tuple[str, str], list[NativeSample]] = {}
    for sample in samples:
        groups.setdefault(_key(sample, operations, favoured), []).append(sample)
    return groups


def _key(sample: NativeSample, operations: Mapping[str, str], favoured: Sequence[str]) -> tuple[str, str]:
    if len(operations) == 1:
        return next(iter(operations.items()))
    folder = sample.name.replace("\\", "/").split("/")[-2:]
    for name, message_type in operations.items():
        if any(part == name or part.startswith((f"{name}-", f"{name}.", f"{name}_")) for part in folder):
            return name, message_type
    found = _guessed(sample, tuple(dict.fromkeys(operations.values())), favoured)
    by_type = {message_type: name for name, message_type in operations.items()}
    return by_type.get(found, TYPES[found].operation), found


def _guessed(sample: NativeSample, types: Sequence[str], favoured: Sequence[str]) -> str:
    around = envelope([sample.tree], xml=sample.elements)
    table = observe(records(sample.tree, around.split))
    guesses = guess(table, types, favoured)
    if not is_sure(guesses):
        raise _unsure(sample, guesses)
    return guesses[0].type


def _unsure(sample: NativeSample, guesses: Sequence[Guess]) -> Undraftable:
    likely = "、".join(f"{one.type} {TYPES[one.type].title}（{one.score}）" for one in guesses[:3])
    english = ", ".join(f"{one.type} ({one.score})" for one in guesses[:3])
    first = guesses[0].type
    return Undraftable(
        Text(
            f"看不出 {sample.name} 是哪种文书；可能是 {likely}", f"cannot tell what {sample.name} is; perhaps {english}"
        ),
        Text(
            f"请用 --operation 写明，如 --operation {TYPES[first].operation}={first}",
            f"say so with --operation, as --operation {TYPES[first].operation}={first}",
        ),
    )


def _operation(name: str, message_type: str, samples: Sequence[NativeSample]) -> DraftOperation:
    kinds = {(sample.format.body, sample.format.root) for sample in samples}
    if len(kinds) > 1:
        raise Undraftable(
            Text(f"操作 {name} 的样例格式不一", f"the samples of {name} are not of one format"),
            Text(
                "请把格式不同的样例分成几个操作（--operation）",
                "give each format an operation of its own (--operation)",
            ),
        )
    bodies = [sample.tree for sample in samples]
    around = envelope(bodies, xml=samples[0].elements)
    table = observe([record for body in bodies for record in records(body, around.split)])
    [found] = guess(table, [message_type])
    drafted = DraftOperation(
        name, message_type, tuple(samples), around, table, found.suggestions, _tables(message_type, found.suggestions)
    )
    if not drafted.sure and drafted.likeliest is None:
        raise Undraftable(
            Text(f"操作 {name} 的列没有一列认得出", f"no column of {name} is known as a field of {message_type}"),
            Text("请核对消息类型（--operation）与样例", "check the message type (--operation) and the samples"),
        )
    return drafted


def _tables(message_type: str, suggestions: Sequence[Suggestion]) -> dict[str, DraftTable]:
    fields = documents.fields(TYPES[message_type].document)
    found = {}
    for one in sorted(suggestions, key=lambda one: -one.confidence):
        field = fields.get(one.target)
        if field is not None and field.type == "code" and field.path not in found:
            table = coding.draft_table(field, one.column)
            if table is not None and (one.confident or table.rows):
                found[field.path] = table
    return found


def _files(name: str, kind: str, title: str, operations: Sequence[DraftOperation]) -> dict[str, bytes]:
    tables = merged([table for operation in operations for table in operation.tables.values()])
    files: dict[str, bytes] = {
        bundle_files.MANIFEST: bundle_text.manifest(name, kind, title, operations).encode("utf-8"),
        "README.md": bundle_text.readme(name, title, operations, tables).encode("utf-8"),
        **{f"codes/{table.name}.csv": table.csv() for table in tables},
    }
    for operation in operations:
        files[f"mappings/{operation.name}.yaml"] = mapping_text.mapping(operation).encode("utf-8")
        schema = schema_of(operation)
        if schema is not None:
            files[f"native/{bundle_text.schema_name(operation)}"] = schema
        for number, sample in enumerate(operation.samples, 1):
            files[f"samples/{operation.name}/{number}.native.{sample.extension}"] = sample.content
    return files


def schema_of(operation: DraftOperation) -> bytes | None:
    """The native schema of an operation's bodies; None where samples cannot be described in one schema."""
    title = TYPES[operation.type].title
    fields = documents.fields(operation.document)
    names = {one.column.steps: _title(one, fields) for one in operation.suggestions if _title(one, fields)}
    if operation.samples[0].elements:
        by_name = {next(step for step in reversed(steps) if step): text for steps, text in names.items()}
        first = operation.samples[0].format
        return native_schema.xml_schema([sample.content for sample in operation.samples], first, title, by_name)
    base = bundle_text.steps_of(operation.envelope.split)
    whole = {(*base, *steps): text for steps, text in names.items()}
    return native_schema.json_schema([sample.tree for sample in operation.samples], title, whole)


def _title(one: Suggestion, fields: Mapping[str, documents.Field]) -> str:
    return fields[one.target].title if one.confident and one.target in fields else ""


def _with_pairs(name: str, files: dict[str, bytes], operations: tuple[DraftOperation, ...]) -> BundleDraft:
    """Translate every sample with the draft itself: the other half of the pair, for a human to correct."""
    adapter = DeclarativeAdapter(bundles.assemble({path: files[path] for path in sorted(files)}))
    pairs = missing_pairs(adapter)
    files = {**files, **pairs.made}
    translated = {
        one.name: (sum(path.startswith(f"samples/{one.name}/") for path in pairs.made), len(one.samples))
        for one in operations
    }
    return BundleDraft(name, {path: files[path] for path in sorted(files)}, operations, translated)
