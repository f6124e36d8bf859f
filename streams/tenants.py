"""The configuration files, read: `sources.yaml` and one file for each organisation."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Final

from connectors.base import Secret, SourceConfig
from streams.core.tenant_file import SecretRef, Source, SourcesFile, TenantFile, read
from streams.core.tenants import Tenant, Tenants

SOURCES: Final = "sources.yaml"


class TenantFilesError(Exception):
    """The files cannot be used; the message has a line for every problem, with file, line, value and remedy."""


def load(folder: Path, environ: Mapping[str, str]) -> Tenants:
    """Everything in the folder, checked whole. Raises TenantFilesError."""
    texts = _texts(folder)
    names = dict(environ)
    problems: list[str] = []
    sources_file, found = read(f"{folder}/{SOURCES}", texts[SOURCES], SourcesFile, names)
    problems += found
    files: dict[str, TenantFile] = {}
    for name, text in texts.items():
        if name != SOURCES:
            content, found = read(f"{folder}/{name}", text, TenantFile, names)
            problems += found
            if content is not None:
                files[name.removesuffix(".yaml")] = content
    if sources_file is None:
        raise TenantFilesError("\n".join(problems))
    warnings: list[str] = []
    sources = {
        name: config
        for name, source in sources_file.sources.items()
        if (config := _config(folder, name, source, names, problems, warnings)) is not None
    }
    problems += [f"{folder}: {problem}" for problem in _across(set(sources_file.sources), files)]
    if problems:
        raise TenantFilesError("\n".join(problems))
    tenants = {name: Tenant(name, file) for name, file in files.items()}
    return Tenants(sources, tenants, _version(texts), tuple(warnings))


def _texts(folder: Path) -> dict[str, str]:
    """The files by name, in order. Raises TenantFilesError if there are none."""
    try:
        texts = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.yaml"))}
    except (OSError, UnicodeDecodeError) as error:
        raise TenantFilesError(f"{folder}: cannot be read ({error}). Mend the file or its rights.") from None
    if SOURCES not in texts or len(texts) == 1:
        what = "no tenant file beside sources.yaml" if SOURCES in texts else f"no {SOURCES}"
        raise TenantFilesError(
            f"{folder}: {what}. Start from the files in deploy/tenants, or name their folder in LEDGERSTREAM_TENANTS."
        )
    return texts


def _config(
    folder: Path, name: str, source: Source, environ: Mapping[str, str], problems: list[str], warnings: list[str]
) -> SourceConfig | None:
    where = f"{folder}/{SOURCES}: sources.{name}"
    known = len(problems)
    if source.connector == "stripe" and not source.secrets:
        problems.append(f"{where}.secrets is missing. Add the signing secret of the webhook endpoint in Stripe.")
    if source.connector == "stripe" and not source.order_source:
        problems.append(f"{where}.order_source is missing. Name the source whose orders are paid there.")
    secrets = [_secret(f"{where}.secrets[{at}]", ref, environ, problems) for at, ref in enumerate(source.secrets)]
    tokens = [_secret(f"{where}.tokens[{at}]", ref, environ, problems) for at, ref in enumerate(source.tokens)]
    if any(ref.insecure_literal for ref in (*source.secrets, *source.tokens)):
        warnings.append(f"{where}: a secret stands in the file; for real business use env or file.")
    if len(problems) > known:
        return None
    return SourceConfig(
        name=name,
        connector=source.connector,
        secrets=tuple(secret for secret in secrets if secret is not None),
        tokens=tuple(token for token in tokens if token is not None),
        live=source.live,
        order_source=source.order_source,
        order_metadata_keys=source.order_metadata_keys,
        order_reference_fields=source.order_reference_fields,
        gateway=source.gateway or name,
    )


def _secret(where: str, ref: SecretRef, environ: Mapping[str, str], problems: list[str]) -> Secret | None:
    ways = [way for way in (ref.env, ref.file, ref.insecure_literal) if way is not None]
    if len(ways) != 1:
        problems.append(f"{where}: name exactly one of env, file and insecure_literal.")
        return None
    try:
        return Secret(_value(ref, environ))
    except KeyError:
        problems.append(f"{where}.env: the environment variable {ref.env} is not set. Set it to the source's secret.")
    except (OSError, ValueError) as error:
        problems.append(f"{where}: {error}.")
    return None


def _value(ref: SecretRef, environ: Mapping[str, str]) -> str:
    if ref.env is not None:
        return environ[ref.env]
    if ref.file is not None:
        return Path(ref.file).read_text(encoding="utf-8").strip()
    return ref.insecure_literal or ""


def _across(sources: set[str], files: Mapping[str, TenantFile]) -> Iterator[str]:
    """What no file can know of itself."""
    for name, file in files.items():
        named = {route.source for route in file.routes} | set(file.numbers) | set(file.contacts)
        for unknown in sorted(named - sources):
            yield f"{name}.yaml names the source {unknown}, which {SOURCES} does not have. Add it there or correct it."
        yield from _same_prefix(name, file)
    for (left, one), (right, other) in combinations(files.items(), 2):
        if one.xero_tenant_id == other.xero_tenant_id:
            yield f"{left}.yaml and {right}.yaml have one xero_tenant_id. Give each organisation one file."
        for route in one.routes:
            if route in other.routes:
                yield (
                    f"{left}.yaml and {right}.yaml claim the same business of {route.source}. "
                    "Tell them apart by currencies, countries or channels."
                )


def _same_prefix(name: str, file: TenantFile) -> Iterator[str]:
    kinds = {
        "invoice": {source: numbers.invoice for source, numbers in file.numbers.items()},
        "credit_note": {source: numbers.credit_note for source, numbers in file.numbers.items()},
    }
    for kind, prefixes in kinds.items():
        for (left, one), (right, other) in combinations(prefixes.items(), 2):
            if one == other:
                yield (
                    f"{name}.yaml: numbers.{left}.{kind} and numbers.{right}.{kind} are both {one}: two orders 1001 "
                    "would get one number. Give each source a prefix of its own."
                )


def _version(texts: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for name, text in texts.items():
        total.update(f"{name}\0{text}\0".encode())
    return total.hexdigest()[:12]
