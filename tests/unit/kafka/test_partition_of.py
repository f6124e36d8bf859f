"""Which partition a record goes to: the one that every other client of Kafka would choose."""

import pytest
from aiokafka.partitioner import DefaultPartitioner

from streams.kafka.producer import partition_of


@pytest.mark.parametrize("partitions", [1, 6, 12])
@pytest.mark.parametrize("key", [b"", b"stripe-1", b"shop-1:order:1001", "größe".encode()])
def test_it_is_the_clients_own_choice(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    chosen = DefaultPartitioner()(key, numbers, numbers)
    assert [partition_of(key, numbers, numbers) for _ in range(2)] == [chosen, chosen]


def test_without_a_key_any_that_is_there_will_do() -> None:
    assert {partition_of(None, [0, 1, 2], [1]) for _ in range(20)} == {1}
