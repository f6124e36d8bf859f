"""What distinguishes invoices from credit notes."""

from dataclasses import dataclass
from typing import Final, Literal

from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.books.records import Document, DocumentType
from connectors.xero.sandbox.books.tables import Table


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two: its table, its word in messages, its keys on the wire, its types (sales first)."""

    table: Literal["invoices", "credit_notes"]
    noun: str
    id_key: str
    number_key: str
    types: tuple[DocumentType, DocumentType]
    prefix: str

    def rows(self, call: Call) -> Table[Document]:
        return call.book.invoices if self.table == "invoices" else call.book.credit_notes


INVOICE: Final = Kind("invoices", "Invoice", "InvoiceID", "InvoiceNumber", ("ACCREC", "ACCPAY"), "INV-")
CREDIT_NOTE: Final = Kind(
    "credit_notes", "Credit Note", "CreditNoteID", "CreditNoteNumber", ("ACCRECCREDIT", "ACCPAYCREDIT"), "CN-"
)
