"""What goes wrong with a broker, as sentences that end in a remedy."""


class KafkaError(Exception):
    """Something about Kafka that a person or an orchestrator must mend."""


class KafkaUnavailable(KafkaError):
    """No broker can be started here; the message says what to install or to stop."""


class BrokerUnavailable(KafkaError):
    """A broker that was named does not answer or did not acknowledge in time; nothing was taken as delivered."""


def no_answer(bootstrap: str, error: Exception) -> BrokerUnavailable:
    """Kafka cannot be used at this address. Where nothing is reached, the library's words only repeat the address."""
    # Verbs that need no Kafka know these errors too, and its library takes long to load.
    from aiokafka.errors import KafkaConnectionError

    words = "" if isinstance(error, KafkaConnectionError) else f" ({str(error) or type(error).__name__})"
    return BrokerUnavailable(
        f"no Kafka answers at {bootstrap}{words}: start it (`ledgerstream kafka`), or correct KAFKA_BOOTSTRAP_SERVERS"
    )


class TopicMissing(KafkaError):
    """A topic that should be there is not; the message names the command that creates it."""


class RecordTooLarge(KafkaError):
    """A record that no broker takes. It would fail again, so it is not sent and the process need not end."""
