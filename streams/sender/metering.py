"""The sender's and the client's counts, in the process's metrics."""

from streams.metrics import MetricsRegistry


class Metering:
    """Fits the protocols of `connectors.xero.client` and `streams.sender.parts`."""

    def __init__(self, metrics: MetricsRegistry) -> None:
        self._metrics = metrics

    def called(self, endpoint: str, method: str, status: str, seconds: float, answer_bytes: int) -> None:
        """A call to Xero ended; status "0" is no answer."""
        self._metrics.xero_requests.labels(endpoint, method, status).inc()
        self._metrics.xero_seconds.labels(endpoint).observe(seconds)
        self._metrics.xero_bytes.inc(answer_bytes)

    def throttled(self, window: str) -> None:
        """Xero refused a call for a limit."""
        self._metrics.xero_throttled.labels(window).inc()

    def waited(self, seconds: float) -> None:
        """A call waits for a slot."""
        self._metrics.xero_wait_seconds.inc(seconds)

    def token(self, result: str) -> None:
        """A token request ended: ok, refused or unavailable."""
        self._metrics.xero_token_refresh.labels(result).inc()
