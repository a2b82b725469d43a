"""Every operation of the API as data: what the document and the documentation page say of it."""

from __future__ import annotations

from api.operations.clients import CLIENTS
from api.operations.customers import CUSTOMERS
from api.operations.described import Operation, Parameter
from api.operations.lists import LISTS
from api.operations.segments import SEGMENTS
from api.operations.told import TOLD

__all__ = ["OPERATIONS", "Operation", "Parameter"]

OPERATIONS = (*LISTS, *CUSTOMERS, *SEGMENTS, *TOLD, *CLIENTS)
