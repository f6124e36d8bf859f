"""The configuration files, read: `sources.yaml` and one file for each organisation."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.base import NEEDS, ApiConfig, ConnectorKind, OutboxConfig, Secret, SourceConfig
from connectors.outbox.address import dialect_of
from streams.core import tenant_checks
from streams.core.file_reading import Reading, read
from streams.core.silence import Expectation
from streams.core.tenant_file import SecretRef, Source, SourcesFile, TenantFile
from streams.core.tenants import Tenant, Tenants

SOURCES: Final = "sources.yaml"
_START: Final = "Start from the files in deploy/tenants, or name their folder in LEDGERSTREAM_TENANTS."
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.yaml")


class TenantFilesError(Exception):
    """The files cannot be used; the message has a line for every problem, with file, line, value and remedy."""


@dataclass(frozen=True, slots=True)
class FoundSource:
    """A source as `sources.yaml` has it, and a sentence for each thing that keeps it from being heard. `expected`: how
    often it speaks, if the file says so."""

    connector: ConnectorKind
    problems: tuple[str, ...]
    expected: Expectation | None = None


def load(folder: Path, environ: Mapping[str, str]) -> Tenants:
    """Everything in the folder, checked whole. Raises TenantFilesError."""
    texts = _texts(folder)
    sources, problems = read(f"{folder}/{SOURCES}", texts[SOURCES], SourcesFile, environ)
    files: dict[str, Reading[TenantFile]] = {}
    for name, text in texts.items():
        if name != SOURCES:
            file, found = read(f"{folder}/{name}", text, TenantFile, environ)
            problems += found
            if file is not None:
                files[name.removesuffix(".yaml")] = file
    if sources is None:
        raise TenantFilesError("\n".join(problems))
    problems += tenant_checks.problems(sources, files)
    warnings = list(tenant_checks.warnings(sources, files))
    configs = {name: _config(sources, name, environ, problems, warnings) for name in sources.content.sources}
    problems += (sentence for _, sentence in _shared(sources, configs))
    if problems:
        raise TenantFilesError("\n".join(problems))
    tenants = {name: Tenant(name, file.content) for name, file in files.items()}
    expected = {
        name: source.expected.expectation() for name, source in sources.content.sources.items() if source.expected
    }
    return Tenants(configs, tenants, _version(texts), tuple(warnings), expected)


def readings(folder: Path, environ: Mapping[str, str]) -> Mapping[str, Reading[TenantFile]]:
    """The tenant files of a folder that are right, by name, with their lines."""
    found = {}
    for name, text in _texts(folder).items():
        file, _ = (None, ()) if name == SOURCES else read(f"{folder}/{name}", text, TenantFile, environ)
        if file is not None:
            found[name.removesuffix(".yaml")] = file
    return found


def sources_of(folder: Path, environ: Mapping[str, str]) -> Mapping[str, FoundSource]:
    """Each source with what is wrong with it, also in a folder that `load` refuses. Raises TenantFilesError where
    `sources.yaml` itself cannot be read."""
    texts = _texts(folder)
    sources, problems = read(f"{folder}/{SOURCES}", texts[SOURCES], SourcesFile, environ)
    if sources is None:
        raise TenantFilesError("\n".join(problems))
    files = readings(folder, environ)
    # The route may be in the file that cannot be read.
    all_read = len(files) == len(texts) - 1
    found = {}
    refused: dict[str, list[str]] = {name: [] for name in sources.content.sources}
    configs = {name: _config(sources, name, environ, refused[name], []) for name in sources.content.sources}
    for name, sentence in _shared(sources, configs):
        refused[name].append(sentence)
    for name, source in sources.content.sources.items():
        wrong = refused[name]
        wrong += tenant_checks.of_source(sources, name)
        wrong += tenant_checks.unrouted(sources, name, files) if all_read else ()
        expected = source.expected.expectation() if source.expected else None
        found[name] = FoundSource(source.connector, tuple(wrong), expected)
    return found


def _texts(folder: Path) -> dict[str, str]:
    """The files by name, in order. Raises TenantFilesError if one cannot be read, or if they are not all there."""
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".yaml", ".yml"))
    except OSError as error:
        raise TenantFilesError(f"{folder}: cannot be read ({error.strerror}). {_START}") from None
    texts = {file.name: _text(file) for file in found}
    if SOURCES not in texts or len(texts) == 1:
        what = "no tenant file beside sources.yaml" if SOURCES in texts else f"no {SOURCES}"
        raise TenantFilesError(f"{folder}: {what}. {_START}")
    return texts


def _text(file: Path) -> str:
    if not _NAME.fullmatch(file.name):
        # A file that is passed over would be business that is passed over, and a tenant's name is part of keys.
        raise TenantFilesError(
            f"{file}: a file's name is small letters, digits and hyphens, and .yaml. Rename it, or move it away."
        )
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise TenantFilesError(f"{file}: cannot be read ({error.strerror}). Mend its rights.") from None
    except UnicodeDecodeError:
        raise TenantFilesError(f"{file}: is not UTF-8 text. Save it as UTF-8.") from None


def _config(
    sources: Reading[SourcesFile], name: str, environ: Mapping[str, str], problems: list[str], warnings: list[str]
) -> SourceConfig:
    source = sources.content.sources[name]
    refs = {"secrets": source.secrets, "tokens": source.tokens}
    found = {
        kind: tuple(
            secret
            for at, ref in enumerate(some)
            if (secret := _secret(sources.where("sources", name, kind, at), ref, environ, problems)) is not None
        )
        for kind, some in refs.items()
    }
    literals = [ref.insecure_literal for some in refs.values() for ref in some]
    literals += [ref.insecure_literal for ref in _further(source)]
    if any(literals):
        where = sources.where("sources", name)
        warnings.append(f"{where}: a secret stands in the file; for real business use env or file.")
    return SourceConfig(
        name=name,
        connector=source.connector,
        secrets=found["secrets"],
        tokens=found["tokens"],
        live=source.live,
        order_source=source.order_source,
        order_metadata_keys=source.order_metadata_keys,
        order_reference_fields=source.order_reference_fields,
        gateway=source.gateway or name,
        outbox=_outbox(sources, name, environ, problems),
        api=_api(sources, name, environ, problems),
        requests_per_minute=source.requests_per_minute,
    )


def _shared(sources: Reading[SourcesFile], configs: Mapping[str, SourceConfig]) -> Iterator[tuple[str, str]]:
    """The sources that have a secret or a token of another one, each with a sentence."""
    first: dict[str, SourceConfig] = {}
    for name, config in configs.items():
        for kind, some in (("secrets", config.secrets), ("tokens", config.tokens)):
            for at, secret in enumerate(some):
                owner = first.setdefault(secret.reveal(), config)
                one_app = kind == "secrets" and owner.connector == config.connector and NEEDS[config.connector].shares
                if owner is not config and not one_app:
                    where = sources.where("sources", name, kind, at)
                    yield (
                        name,
                        f"{where}: {owner.name} has the same value, so whoever knows it could tell events of both. "
                        "Give each source its own.",
                    )


def _further(source: Source) -> list[SecretRef]:
    """Where else than among secrets and tokens a source has a secret."""
    return [*([source.database.url] if source.database else ()), *([source.api.token] if source.api else ())]


def _api(sources: Reading[SourcesFile], name: str, environ: Mapping[str, str], problems: list[str]) -> ApiConfig | None:
    api = sources.content.sources[name].api
    if api is None:
        return None
    token = _secret(sources.where("sources", name, "api", "token"), api.token, environ, problems)
    if token is None:
        return None
    return ApiConfig(url=api.url.rstrip("/"), token=token, every_s=float(api.every_minutes * 60))


def _outbox(
    sources: Reading[SourcesFile], name: str, environ: Mapping[str, str], problems: list[str]
) -> OutboxConfig | None:
    database = sources.content.sources[name].database
    if database is None:
        return None
    where = sources.where("sources", name, "database", "url")
    url = _secret(where, database.url, environ, problems)
    if url is None:
        return None
    try:
        dialect_of(url.reveal())
    except ValueError as error:
        problems.append(f"{where}: {error}. Correct what it refers to.")
    return OutboxConfig(url=url, table=database.table, poll_s=float(database.poll_s), keep_days=database.keep_days)


def _secret(where: str, ref: SecretRef, environ: Mapping[str, str], problems: list[str]) -> Secret | None:
    ways = [way for way in (ref.env, ref.file, ref.insecure_literal) if way is not None]
    if len(ways) != 1:
        problems.append(f"{where}: name exactly one of env, file and insecure_literal.")
        return None
    try:
        return Secret(_value(ref, environ))
    except KeyError:
        problems.append(f"{where}: the environment variable {ref.env} is not set. Set it to the source's secret.")
    except OSError as error:
        problems.append(
            f"{where}: {ref.file} cannot be read ({error.strerror}). Write the secret into it, or mend its rights."
        )
    except ValueError as error:
        problems.append(f"{where}: {error}.")
    return None


def _value(ref: SecretRef, environ: Mapping[str, str]) -> str:
    if ref.env is not None:
        return environ[ref.env]
    if ref.file is not None:
        return Path(ref.file).read_text(encoding="utf-8").strip()
    return ref.insecure_literal.get_secret_value() if ref.insecure_literal else ""


def _version(texts: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for name, text in texts.items():
        total.update(f"{name}\0{text}\0".encode())
    return total.hexdigest()[:12]
