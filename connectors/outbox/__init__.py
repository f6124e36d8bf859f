"""A company's own database: a table of events (an outbox) that its application fills in the same transaction as its
business, and a poller that puts them into Kafka.

The columns have the names that Debezium's Outbox Event Router expects, so that Debezium can take the poller's place.
"""
