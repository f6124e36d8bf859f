"""The topics of schemas/topics.py on a broker: created, and checked against the table."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError as AiokafkaError
from aiokafka.errors import for_code

from schemas.topics import PREFIX, TOPICS, Topic
from streams.kafka.errors import BrokerUnavailable, KafkaError, no_answer

# G1 and G2 hold against the loss of a machine with three copies, two in sync (design section 4); a cluster of fewer
# brokers has fewer copies.
REPLICAS_WANTED: Final = 3
_IN_SYNC_WANTED: Final = 2
_REQUEST_TIMEOUT_MS: Final = 20_000
_LOOK_S: Final = 0.05
_LOOKS: Final = 200
_NONE: Final = 0
_ALREADY_EXISTS: Final = 36

State = Literal["created", "ok", "different", "missing"]


class Difference(msgspec.Struct, frozen=True):
    """One setting of a topic that is not what the table says, and what a person can do about it."""

    setting: str
    found: str
    wanted: str
    remedy: str


class TopicReport(msgspec.Struct, frozen=True):
    """What became of one topic, or how it is. `differences` is filled for `different` only."""

    name: str
    state: State
    holds: str
    partitions: int
    differences: tuple[Difference, ...] = ()


async def ensure(bootstrap: str, prefix: str = PREFIX) -> list[TopicReport]:
    """Create what is missing and check the rest; nothing that is there is changed. One report a topic.

    Raises BrokerUnavailable, or KafkaError if the broker refuses a topic.
    """
    async with _admin(bootstrap) as admin:
        found = await _found(admin, prefix)
        missing = [topic for topic in TOPICS.values() if topic.full_name(prefix) not in found]
        created = await _create(admin, missing, prefix)
        if missing:
            found = await _all_there(admin, bootstrap, prefix)
        reports = await _reports(admin, bootstrap, prefix, found)
    return [_as_created(report) if report.name in created else report for report in reports]


async def check(bootstrap: str, prefix: str = PREFIX) -> list[TopicReport]:
    """Compare the broker's topics with the table; changes nothing. Raises BrokerUnavailable."""
    async with _admin(bootstrap) as admin:
        return await _reports(admin, bootstrap, prefix, await _found(admin, prefix))


def configuration(topic: Topic, replicas: int) -> dict[str, str]:
    """The settings of a topic that the table decides, by their names in Kafka."""
    wanted = {
        "cleanup.policy": topic.cleanup_policy,
        "min.insync.replicas": str(_IN_SYNC_WANTED if replicas >= REPLICAS_WANTED else 1),
    }
    if topic.retention_ms is not None:
        wanted["retention.ms"] = str(topic.retention_ms)
    return wanted


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    except AiokafkaError as error:
        raise no_answer(bootstrap, error) from error
    finally:
        await admin.close()


async def _found(admin: AIOKafkaAdminClient, prefix: str) -> Mapping[str, list[Any]]:
    """The partitions of each topic that has our prefix, as the broker describes them."""
    return {
        topic["topic"]: topic["partitions"]
        for topic in await admin.describe_topics()
        if topic["topic"].startswith(prefix) and topic["error_code"] == _NONE
    }


async def _create(admin: AIOKafkaAdminClient, missing: Iterable[Topic], prefix: str) -> set[str]:
    replicas = await _replicas(admin)
    new = [
        NewTopic(topic.full_name(prefix), topic.partitions, replicas, topic_configs=configuration(topic, replicas))
        for topic in missing
    ]
    if not new:
        return set()
    response = (await admin.create_topics(new)).to_object()
    created = set()
    for answer in response["topic_errors"]:
        name, code = answer["topic"], answer["error_code"]
        if code == _NONE:
            created.add(name)
        elif code != _ALREADY_EXISTS:
            reason = answer.get("error_message") or for_code(code).__name__
            raise KafkaError(f"the broker refused to create the topic {name} ({reason}): check its ACLs and limits")
    return created


async def _all_there(admin: AIOKafkaAdminClient, bootstrap: str, prefix: str) -> Mapping[str, list[Any]]:
    """All topics of the table, once every partition has a leader: brokers learn of new ones from the controller."""
    names = [topic.full_name(prefix) for topic in TOPICS.values()]
    for _ in range(_LOOKS):
        found = await _found(admin, prefix)
        settings = await _settings(admin, names)
        absent = [name for name in names if name not in settings or not _led(found.get(name, []))]
        if not absent:
            return found
        await asyncio.sleep(_LOOK_S)
    raise BrokerUnavailable(
        f"{bootstrap} created topics but no broker leads {', '.join(absent)} after {_LOOKS * _LOOK_S:g} s: "
        "see that all brokers run, then run `ledgerstream topics` again"
    )


def _led(partitions: list[Any]) -> bool:
    return bool(partitions) and all(partition["error_code"] == _NONE for partition in partitions)


async def _replicas(admin: AIOKafkaAdminClient) -> int:
    return min(REPLICAS_WANTED, len((await admin.describe_cluster())["brokers"]))


async def _reports(
    admin: AIOKafkaAdminClient, bootstrap: str, prefix: str, found: Mapping[str, list[Any]]
) -> list[TopicReport]:
    replicas = await _replicas(admin)
    names = [topic.full_name(prefix) for topic in TOPICS.values()]
    settings = await _settings(admin, names)
    reports = []
    for topic in TOPICS.values():
        name = topic.full_name(prefix)
        if name not in settings or name not in found:
            reports.append(TopicReport(name, "missing", topic.holds, topic.partitions))
            continue
        different = _shape(topic, name, found[name], replicas)
        different += _drift(name, bootstrap, settings[name], configuration(topic, replicas))
        reports.append(TopicReport(name, "different" if different else "ok", topic.holds, topic.partitions, different))
    return reports


async def _settings(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = {}
    for response in await admin.describe_configs(resources):
        for code, _message, _kind, name, entries in response.resources:
            if code == _NONE:
                found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _shape(topic: Topic, name: str, partitions: list[Any], replicas: int) -> tuple[Difference, ...]:
    different = []
    if len(partitions) != topic.partitions:
        remedy = (
            f"a command record goes to its event's partition number, so the number cannot differ: stop all workers, "
            f"let {name} run empty, delete it, and run `ledgerstream topics`"
        )
        different.append(Difference("partitions", str(len(partitions)), str(topic.partitions), remedy))
    copies = min(len(partition["replicas"]) for partition in partitions)
    if copies < replicas:
        remedy = f"move {name} to {replicas} brokers with kafka-reassign-partitions.sh"
        different.append(Difference("replication", str(copies), str(replicas), remedy))
    return tuple(different)


def _drift(name: str, bootstrap: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[Difference, ...]:
    command = f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {name}"
    return tuple(
        Difference(setting, found.get(setting, "not set"), value, f"{command} --add-config {setting}={value}")
        for setting, value in wanted.items()
        if found.get(setting) != value
    )


def _as_created(report: TopicReport) -> TopicReport:
    return msgspec.structs.replace(report, state="created") if report.state == "ok" else report
