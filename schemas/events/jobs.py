"""Jobs of a job management tool."""

from schemas.events.fields import Identifier, Instant
from schemas.events.orders import SalesDocument


class JobCompleted(SalesDocument, frozen=True, kw_only=True):
    """Work is done and can be invoiced. `job_id` is the tool's key, `number` what people call it."""

    job_id: Identifier
    completed_at: Instant
