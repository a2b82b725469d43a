"""Pictures for items without one: a thing of their kind, drawn in colours of their aisle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

HUES = 24
TONES = 4
# What an item is drawn as, by words of its aisle and title; the first that is met decides.
_THINGS: Mapping[str, tuple[str, ...]] = {
    "banana": ("BANANA",),
    "egg": ("EGGS",),
    "bottle": ("WINE", "BEER", "LIQUOR", "SYRUP", "DRSNG", "SHAMPOO", "HAIR CARE", "LAUNDRY"),
    "can": ("SOFT DRINK", "SOUP", "CANNED", "SHELF STABLE", "SEAFOOD-CANNED", "CAT FOOD"),
    "carton": ("MILK", "JUICE", "REFRGRATD", "TEAS", "WATER"),
    "tub": ("YOGURT", "ICE CREAM", "SPREAD", "CREAM", "DIPS", "PUDDING", "BUTTER"),
    "wedge": ("CHEESE",),
    "loaf": ("BREAD", "BUN", "ROLL", "BAKED", "CAKE", "DONUT", "BAGEL", "COOKIE"),
    "fruit": ("FRUIT", "APPLE", "BERRIES", "CITRUS", "MELON", "PEACH", "GRAPE"),
    "leaf": (
        "VEG",
        "SALAD BAR",
        "POTATO",
        "ONION",
        "LETTUCE",
        "CARROT",
        "TOMATO",
        "ORGANIC",
        "FLORAL",
    ),
    "steak": ("BEEF", "PORK", "MEAT", "CHICKEN", "TURKEY", "HAM", "BACON", "SAUSAGE", "POULTRY"),
    "bag": ("SNACK", "CANDY", "CHIP", "NUT", "PASTA", "RICE", "FLOUR", "COFFEE", "PET", "SUGAR"),
    "jar": ("SAUCE", "CONDIMENT", "PICKLE", "SPICE", "JAM", "PNT BTR", "BABY", "VITAMIN"),
    "roll": ("TISSUE", "TOWEL", "PAPER"),
    "card": ("CARD", "MAGAZINE", "BOOK", "STATIONERY", "NEWSPAPER"),
}
_BOX = "box"
_SHAPES: Mapping[str, str] = {
    "bottle": '<path d="M88 40h24v26q18 12 18 34v76q0 10-10 10H80q-10 0-10-10v-76q0-22 18-34z"/>'
    '<rect class="l" x="70" y="112" width="60" height="38"/><rect class="d" x="86" y="30" '
    'width="28" height="14" rx="4"/>',
    "can": '<rect x="66" y="48" width="68" height="138" rx="12"/><rect class="l" x="66" y="84" '
    'width="68" height="62"/><rect class="d" x="74" y="40" width="52" height="12" rx="6"/>',
    "carton": '<path d="M66 78l18-34h32l18 34v98q0 10-10 10H76q-10 0-10-10z"/>'
    '<rect class="l" x="66" y="104" width="68" height="46"/>'
    '<rect class="d" x="82" y="34" width="36" height="14" rx="3"/>',
    "tub": '<path d="M56 86h88l-10 90q-1 10-11 10H77q-10 0-11-10z"/><rect class="d" x="48" y="66" '
    'width="104" height="22" rx="9"/><path class="l" d="M60 112h80l-4 38H64z"/>',
    "wedge": '<path d="M40 146q8-60 92-84 28 22 28 62v40q0 8-8 8H48q-8 0-8-8z"/>'
    '<path class="d" d="M40 132h120v14H40z"/><circle class="l" cx="74" cy="158" r="9"/>'
    '<circle class="l" cx="112" cy="108" r="13"/><circle class="l" cx="136" cy="160" r="8"/>',
    "loaf": '<path d="M40 118q-10-46 34-48 26-14 52 0 44 2 34 48v48q0 10-10 10H50q-10 0-10-10z"/>'
    '<path class="s" d="M72 92l10 22M96 86l10 24M122 88l10 24" stroke-width="9"/>',
    "fruit": '<path d="M100 84c-62-34-76 104-22 104 10 0 14-5 22-5s12 5 22 5c54 0 40-138-22-104z"/>'
    '<path class="d" d="M102 82q-4-26 24-38 4 28-24 38z"/><circle class="l" cx="74" cy="122" '
    'r="10"/>',
    "banana": '<path d="M44 66q14 104 104 112 18-2 20-20-72-4-104-98-10-6-20 6z"/>'
    '<path class="d" d="M42 52l18-6 6 18-20 8z"/><path class="s" d="M60 84q26 66 82 80" '
    'stroke-width="6"/>',
    "egg": '<ellipse cx="64" cy="148" rx="28" ry="37"/><ellipse cx="136" cy="148" rx="28" '
    'ry="37"/><ellipse class="d" cx="100" cy="146" rx="29" ry="39"/><ellipse class="l" cx="90" '
    'cy="130" rx="7" ry="10"/>',
    "leaf": '<path d="M52 178q-18-96 96-130 16 112-70 128-12 2-26 2z"/>'
    '<path class="s" d="M60 170q30-66 70-96M84 138l34-6M98 116l4-30" stroke-width="7"/>',
    "steak": '<path d="M46 116c0-52 78-64 104-30 24 32-2 90-52 96-36 4-52-30-52-66z"/>'
    '<path class="l" d="M66 118c2-34 50-44 68-22 14 20-4 58-38 64-22 2-32-20-30-42z"/>'
    '<circle class="d" cx="92" cy="122" r="11"/>',
    "bag": '<path d="M62 52h76l-4 22q14 40 8 100-1 12-14 12H72q-13 0-14-12-6-60 8-100z"/>'
    '<ellipse class="l" cx="100" cy="128" rx="30" ry="26"/><rect class="d" x="60" y="44" '
    'width="80" height="12" rx="4"/>',
    "jar": '<rect x="58" y="72" width="84" height="114" rx="18"/><rect class="d" x="66" y="46" '
    'width="68" height="24" rx="6"/><rect class="l" x="58" y="104" width="84" height="48"/>',
    "roll": '<rect x="54" y="62" width="92" height="120" rx="14"/><ellipse class="d" cx="100" '
    'cy="66" rx="46" ry="18"/><ellipse class="l" cx="100" cy="66" rx="16" ry="7"/>',
    "card": '<rect x="58" y="48" width="84" height="132" rx="8"/><rect class="l" x="70" y="64" '
    'width="60" height="62" rx="4"/><path class="d" d="M70 142h60v8H70zM70 158h38v8H70z"/>',
    _BOX: '<rect x="58" y="56" width="84" height="130" rx="8"/><rect class="l" x="70" y="88" '
    'width="60" height="50" rx="4"/><rect class="d" x="58" y="56" width="84" height="16" rx="8"/>',
}
SHAPES = tuple(_SHAPES)
# Hues, of HUES, that a thing of nature has; what is packed has any.
_NATURAL: Mapping[str, tuple[int, ...]] = {
    "banana": (3,),
    "carton": (13, 14, 15),
    "egg": (2,),
    "fruit": (0, 1, 2, 3, 23),
    "leaf": (5, 6, 7, 8),
    "loaf": (2,),
    "wedge": (3,),
    "steak": (0, 23),
}


def tile_of(item_id: str, *, aisle: str | None, title: str) -> str:
    """The name of an item's picture: its shape, hue and tone."""
    words = f"{aisle or ''} {title}".upper()
    # What it is stands in the aisle's name before it stands in the title.
    thing = next(
        (shape for shape, signs in _THINGS.items() if any(sign in words for sign in signs)), _BOX
    )
    hues = _NATURAL.get(thing, range(HUES))
    # One aisle, one hue, so that its items look like a family; nature varies by item.
    family = item_id if thing in _NATURAL else aisle or thing
    return f"{thing}-{hues[_number(family, len(hues))]}-{_number(item_id, TONES)}"


def drawn(shape: str, *, hue: int, tone: int) -> str:
    """The picture as SVG."""
    degrees, turn = hue * 360 // HUES, tone * 6 - 9
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-56 0 312 234">'
        f'<rect x="-56" width="312" height="234" fill="hsl({degrees} 38% {94 - tone}%)"/>'
        f'<ellipse cx="100" cy="190" rx="62" ry="9" fill="hsl({degrees} 25% 80%)"/>'
        f'<g fill="hsl({(degrees + turn) % 360} {44 + tone * 4}% {52 + tone * 3}%)">'
        + _SHAPES[shape]
        .replace('class="l"', f'fill="hsl({(degrees + 40) % 360} 60% 93%)"')
        .replace('class="d"', f'fill="hsl({(degrees + turn) % 360} 46% 34%)"')
        .replace('class="s"', _LINE.format(degrees=(degrees + 40) % 360))
        + "</g></svg>"
    )


_LINE = 'fill="none" stroke="hsl({degrees} 60% 93%)" stroke-linecap="round"'


def _number(text: str, most: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) % most
