"""Contacts: matching, uniqueness, archiving, and their wire form."""

import re
from typing import Final

import msgspec

from connectors.xero.sandbox.books.call import Call, Listing, Outcome, Rejected
from connectors.xero.sandbox.books.records import Contact
from connectors.xero.sandbox.filters import Getter, fold
from connectors.xero.sandbox.listing import Listed, select
from connectors.xero.sandbox.problems import Malformed, NotFound
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.wire import ZERO_ID, Json, moment_text

# Xero's plain text fields of a contact with their longest lengths.
TEXT_FIELDS: Final = {
    "Name": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "CompanyNumber": 50,
    "BankAccountDetails": 255,
    "TaxNumber": 50,
    "AccountsReceivableTaxType": 50,
    "AccountsPayableTaxType": 50,
    "DefaultCurrency": 3,
    "XeroNetworkKey": 255,
    "SalesDefaultAccountCode": 10,
    "PurchasesDefaultAccountCode": 10,
    "SalesDefaultLineAmountType": 20,
    "PurchasesDefaultLineAmountType": 20,
}
# What an answer carries even when it is empty.
_ALWAYS: Final = ("FirstName", "LastName", "EmailAddress", "BankAccountDetails")
_PHONES: Final = ("DDI", "DEFAULT", "FAX", "MOBILE")
_PHONE_FIELDS: Final = ("PhoneNumber", "PhoneAreaCode", "PhoneCountryCode")
_ADDRESSES: Final = ("STREET", "POBOX")
_ADDRESS_FIELDS: Final = (
    "AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4", "City", "Region", "PostalCode", "Country",
    "AttentionTo",
)  # fmt: skip
_ADDRESS_ALWAYS: Final = ("City", "Region", "PostalCode", "Country")
_PERSONS_MAX: Final = 5
# Keys that SDKs put into every object that they build.
EMPTY_FLAGS: Final = {"haserrors", "hasattachments", "hasvalidationerrors"}
_EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
ARCHIVED: Final = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)
_SEARCHED: Final = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")


def _text_of(name: str) -> Getter[Contact]:
    return lambda row: row.fields.get(name)


LISTED: Final = Listed[Contact](
    fields={
        **{name.lower(): _text_of(name) for name in TEXT_FIELDS},
        "contactid": lambda row: row.contact_id,
        "contactstatus": lambda row: row.status,
        "iscustomer": lambda row: row.is_customer,
        "issupplier": lambda row: row.is_supplier,
        "hasattachments": lambda row: False,
        "updateddateutc": lambda row: row.updated,
    },
    id_of=lambda row: row.contact_id,
    updated=lambda row: row.updated,
)


def listing(call: Call) -> Listing:
    """GET /Contacts."""
    ids = call.words("IDs")
    book = call.book
    if ids is not None:
        rows = [row for row_id in ids if (row := book.contacts.get(row_id))]
    else:
        rows = list(book.contacts.rows.values())
    if not call.flag("includeArchived") and not (ids is not None and call.switches.archived_by_ids):
        rows = [row for row in rows if row.status == "ACTIVE"]
    term = fold(call.query.get("searchterm", ""))
    if term:
        rows = [row for row in rows if any(term in fold(row.fields.get(name, "")) for name in _SEARCHED)]
    page = select(call, rows, LISTED)
    # The merge target is shown on single and paged reads only.
    return Listing(
        [
            summary(row) if call.flag("summaryOnly") else render(row, merged=not page.thin, thin=page.thin)
            for row in page.rows
        ],
        page.pagination,
    )


def one(call: Call, key: str) -> Json:
    """GET /Contacts/{ContactID or ContactNumber}. Raises NotFound."""
    contact = call.book.contacts.get(key) or call.book.contacts.find("number", key)
    if contact is None:
        raise NotFound(key)
    return render(contact, merged=True)


def write(call: Call, element: Element, *, create: bool) -> Outcome:
    """One element of PUT (create) or POST (create or update) /Contacts. Raises NotFound for an unknown ContactID."""
    existing = None if create else _match(call, element)
    contact, errors = _candidate(call, element, existing)
    errors += _taken(call, contact, existing)
    if errors:
        return Outcome(_write_answer(contact) | {"HasValidationErrors": True}, tuple(errors))
    if existing is None:
        contact = msgspec.structs.replace(contact, contact_id=call.new_id())
    call.book.put(call.book.contacts, contact)
    return Outcome(_write_answer(contact))


def resolve(call: Call, element: Element) -> Contact:
    """The contact that a document names by ContactID, ContactNumber or Name; by Name one is made when none matches.

    Other fields beside the identity change the contact, as they do in Xero. Raises Rejected.
    """
    if not {"contactid", "contactnumber", "name"} & element.names():
        raise Rejected(
            "The Contact must contain at least 1 of the following elements to identify the contact: "
            "Name, ContactID, ContactNumber"
        )
    try:
        existing = _match(call, element)
    except NotFound:
        raise Rejected("The Contact with the specified ContactID could not be found") from None
    if existing is not None and element.names() - EMPTY_FLAGS <= {"contactid", "contactnumber", "name"}:
        sent = element.text("Name")
        if sent is None or fold(sent) == fold(existing.name):
            return existing
    if existing is not None and existing.status != "ACTIVE":
        return existing
    if existing is not None and not element.has("ContactPersons"):
        # Seen in the field: persons that are not listed are dropped.
        element = Element({**element.values(), "contactpersons": []}, element.path)
    outcome = write(call, element, create=False)
    if outcome.errors:
        raise Rejected(*outcome.errors)
    found = call.book.contacts.get(outcome.element["ContactID"])
    if found is None:
        raise Rejected("The Contact could not be saved")
    return found


def archive(call: Call, contact: Contact, merged_to: str = "") -> Contact:
    """Archive, or merge into another one, as a person does on the screen."""
    gone = msgspec.structs.replace(contact, status="ARCHIVED", merged_to=merged_to, updated=call.now)
    call.book.put(call.book.contacts, gone)
    return gone


def restore(call: Call, contact: Contact) -> Contact:
    """Take a contact out of the archive, as a person does on the screen."""
    back = msgspec.structs.replace(contact, status="ACTIVE", merged_to="", updated=call.now)
    call.book.put(call.book.contacts, back)
    return back


def render(contact: Contact, *, merged: bool = False, thin: bool = False) -> Json:
    """The full wire form: 4 phone slots, 2 address slots. Un-paged lists are `thin`: without the persons."""
    answer: Json = {"ContactID": contact.contact_id, "ContactStatus": contact.status}
    answer.update({name: contact.fields.get(name, "") for name in _ALWAYS})
    answer.update({name: value for name, value in contact.fields.items() if value})
    if merged and contact.merged_to:
        answer["MergedToContactID"] = contact.merged_to
    answer["Addresses"] = [
        {"AddressType": kind, **dict.fromkeys(_ADDRESS_ALWAYS, ""), **contact.addresses.get(kind, {})}
        for kind in _ADDRESSES
    ]
    answer["Phones"] = [
        {"PhoneType": kind, **dict.fromkeys(_PHONE_FIELDS, ""), **contact.phones.get(kind, {})} for kind in _PHONES
    ]
    answer["UpdatedDateUTC"] = moment_text(contact.updated)
    answer["ContactGroups"] = []
    answer["IsSupplier"] = contact.is_supplier
    answer["IsCustomer"] = contact.is_customer
    answer["SalesTrackingCategories"] = []
    answer["PurchasesTrackingCategories"] = []
    answer["ContactPersons"] = [] if thin else list(contact.persons)
    answer["HasAttachments"] = False
    answer["HasValidationErrors"] = False
    return answer


def summary(contact: Contact) -> Json:
    """The wire form of summaryOnly=true."""
    answer = render(contact)
    for name in ("Addresses", "Phones", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier", "HasAttachments",
                 "SalesTrackingCategories", "PurchasesTrackingCategories"):  # fmt: skip
        del answer[name]
    return answer


def embedded(contact: Contact, *, thin: bool) -> Json:
    """A contact inside a document; in thin lists only who it is."""
    if thin:
        return {
            "ContactID": contact.contact_id,
            "Name": contact.name,
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": False,
        }
    answer = render(contact)
    del answer["HasAttachments"]
    return answer


def _write_answer(contact: Contact) -> Json:
    answer = render(contact)
    del answer["HasAttachments"]
    if not (contact.is_customer or contact.is_supplier):
        # Seen in recordings: the roles are absent until a document exists.
        del answer["IsCustomer"], answer["IsSupplier"]
    return answer


def _match(call: Call, element: Element) -> Contact | None:
    """By ContactID, then ContactNumber, then Name (an active one first). Raises NotFound for an unknown id."""
    contacts = call.book.contacts
    contact_id = element.text("ContactID")
    if contact_id and contact_id != ZERO_ID:
        found = contacts.get(contact_id)
        if found is None:
            raise NotFound(contact_id)
        return found
    number, name = element.text("ContactNumber"), element.text("Name")
    found = contacts.find("number", number) if number else None
    if found is None and name:
        found = contacts.find("name", name) or contacts.find("archived_name", name)
    return found


def _candidate(call: Call, element: Element, existing: Contact | None) -> tuple[Contact, list[str]]:
    base = existing or Contact(contact_id=ZERO_ID, fields={}, updated=call.now)
    errors = []
    if existing is not None and existing.status != "ACTIVE":
        errors.append(ARCHIVED)
    sent = {name: element.text(name) for name in TEXT_FIELDS if element.has(name)}
    changed = {**base.fields, **{name: (value or "").strip() for name, value in sent.items()}}
    for name, length_max in TEXT_FIELDS.items():
        if len(changed.get(name, "")) > length_max:
            errors.append(f"The length of {name} cannot exceed {length_max} characters.")
    email = changed.get("EmailAddress")
    if email and not _EMAIL.match(email):
        errors.append("Email address must be valid.")
    if not changed.get("Name"):
        errors.append("The contact name must be specified.")
    currency = changed.get("DefaultCurrency")
    if currency and call.book.currencies.get(currency) is None:
        errors.append(f"Organisation is not subscribed to currency {currency}")
    status = element.word("ContactStatus", ("ACTIVE", "ARCHIVED", "GDPRREQUEST"), "ContactStatus") or base.status
    persons = _persons(element)
    if persons is not None and len(persons) > _PERSONS_MAX:
        errors.append(f"A contact can have a maximum of {_PERSONS_MAX} ContactPersons.")
    contact = msgspec.structs.replace(
        base,
        fields=changed,
        status=status,
        updated=call.now,
        phones=_slots(element, "Phones", "PhoneType", _PHONES, _PHONE_FIELDS, base.phones),
        addresses=_slots(element, "Addresses", "AddressType", _ADDRESSES, _ADDRESS_FIELDS, base.addresses),
        persons=base.persons if persons is None else persons,
    )
    return contact, errors


def _slots(
    element: Element,
    name: str,
    kind_key: str,
    kinds: tuple[str, ...],
    names: tuple[str, ...],
    base: dict[str, dict[str, str]],
) -> dict[str, dict[str, str]]:
    slots = dict(base)
    for item in element.children(name) or ():
        kind = (item.text(kind_key) or "").upper()
        if kind == "OFFICE":
            continue
        if kind not in kinds:
            raise Malformed.value(kind, f"Xero.API.Library.{kind_key}", f"{item.path}.{kind_key}")
        slots[kind] = {field: text for field in names if (text := item.text(field)) is not None}
    return slots


def _persons(element: Element) -> tuple[dict[str, str | bool], ...] | None:
    items = element.children("ContactPersons")
    if items is None:
        return None
    return tuple(
        {
            "FirstName": item.text("FirstName") or "",
            "LastName": item.text("LastName") or "",
            "EmailAddress": item.text("EmailAddress") or "",
            "IncludeInEmails": item.flag("IncludeInEmails") or False,
        }
        for item in items
    )


def _taken(call: Call, contact: Contact, existing: Contact | None) -> list[str]:
    """The uniqueness of names among active contacts, and of numbers among all."""
    contacts, errors = call.book.contacts, []
    own_id = None if existing is None else existing.contact_id
    others = [contacts.find("name", contact.name)] if call.switches.contact_names_unique else []
    if not call.switches.archived_name_is_free:
        others.append(contacts.find("archived_name", contact.name))
    if contact.name and any(other and other.contact_id != own_id for other in others):
        errors.append(
            f"The contact name {contact.name} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    holder = contacts.find("number", contact.number) if contact.number else None
    if holder is not None and holder.contact_id != own_id:
        errors.append(
            "Another contact has this contact number. Please enter a different contact number."
            if call.switches.contact_number_text == "another"
            else f"The contact number {contact.number} is already assigned to another contact. "
            "The contact number must be unique across all contacts."
        )
    return errors
