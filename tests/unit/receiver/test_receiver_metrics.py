"""The receiver's requests as Prometheus shows them."""

from prometheus_client import generate_latest

from connectors.receiver import RESULTS, ReceiverMetrics
from streams.metrics import MetricsRegistry


def test_a_request_is_counted_under_a_configured_source_only() -> None:
    metrics = MetricsRegistry(("shop-1",))
    receiver: ReceiverMetrics = metrics
    receiver.webhook_request("shop-1", "accepted", 0.02)
    receiver.webhook_request("made-up-by-a-sender", "bad_signature", 0.01)
    text = generate_latest(metrics.registry).decode()
    assert 'ledgerstream_webhook_requests_total{result="accepted",source="shop-1"} 1.0' in text
    assert 'ledgerstream_webhook_requests_total{result="bad_signature",source="unknown"} 1.0' in text
    assert 'ledgerstream_webhook_request_duration_seconds_bucket{le="0.025",source="shop-1"} 1.0' in text
    assert "made-up" not in text
    # The first error must be visible as a rise from 0.
    for result in RESULTS:
        assert f'requests_total{{result="{result}",source="shop-1"}}' in text
