"""What the sandbox's shop sells, and to whom."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is sold. `rate` is its tax as a share; a gift card has none."""

    id: int
    sku: str
    name: str
    price: Decimal
    rate: Decimal = Decimal("0.2")
    gift_card: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A customer's details."""

    first_name: str
    last_name: str
    email: str
    street: str
    city: str
    zip: str
    country_code: str = "GB"


PRODUCTS: Final = {
    product.sku: product
    for product in (
        Product(632910392, "MUG-BLUE", "Stoneware mug - Blue", Decimal("14.50")),
        Product(632910393, "MUG-SAND", "Stoneware mug - Sand", Decimal("14.50")),
        Product(632910401, "TEA-250", "Breakfast tea - 250 g", Decimal("8.95"), Decimal(0)),
        Product(632910402, "COFFEE-1K", "Espresso beans - 1 kg", Decimal("21.40"), Decimal(0)),
        Product(632910410, "POT-1L", "Teapot - 1 l", Decimal("46.00")),
        Product(632910411, "SEAT-KID", "Car seat - Child", Decimal("89.99"), Decimal("0.05")),
        Product(632910420, "BOOK-TEA", "The book of tea", Decimal("12.99"), Decimal(0)),
        Product(632910430, "GIFT-50", "Gift card - 50.00", Decimal("50.00"), Decimal(0), gift_card=True),
    )
}

PEOPLE: Final = (
    Person("Ada", "Lovelace", "ada@example.com", "12 St James's Square", "London", "SW1Y 4JH"),
    Person("Alan", "Turing", "alan@example.com", "43 Adlington Road", "Wilmslow", "SK9 2BJ"),
    Person("Mary", "Somerville", "mary@example.com", "5 Queen's Terrace", "Edinburgh", "EH1 2NG"),
    Person("George", "Boole", "george@example.com", "5 Grenville Place", "Cork", "T23 A2F4", "IE"),
)
