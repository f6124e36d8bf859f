"""Where Kafka is, as the settings say."""

from streams.kafka.errors import BrokerUnavailable
from streams.settings import Settings


def kafka_address(settings: Settings) -> str:
    """The cluster's address. BrokerUnavailable where none is set, because no process may choose one by itself."""
    if settings.kafka_bootstrap_servers is None:
        raise BrokerUnavailable(
            "KAFKA_BOOTSTRAP_SERVERS is not set: name your cluster, or run `ledgerstream kafka` and take its address."
        )
    return settings.kafka_bootstrap_servers
