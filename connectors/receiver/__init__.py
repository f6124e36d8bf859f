"""The way in over HTTP: who sends is proven, what is sent is checked, and 2xx comes after the broker's word."""

from connectors.receiver.app import create_app
from connectors.receiver.parts import RESULTS, Limits, ReceiverMetrics, Result
from connectors.receiver.server import StartError, serve

__all__ = ["RESULTS", "Limits", "ReceiverMetrics", "Result", "StartError", "create_app", "serve"]
