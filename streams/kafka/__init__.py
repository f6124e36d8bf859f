"""Everything that speaks Kafka: the local broker, topics, producer, runs and the Faust app."""
