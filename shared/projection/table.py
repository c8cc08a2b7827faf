"""A view's table with one row per stream, written in bulk: new rows are copied, changed ones are one upsert."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.db import Connection, jsonb_or_null
from shared.projection.model import S, told_apart


class RowTable:
    """Writes a table whose columns are a row's fields, in their order, or begin with them.

    Args:
        name: The table. Its key is `stream_id`.
        columns: Column to PostgreSQL type. Generated columns are left out.
    """

    def __init__(self, name: str, columns: Mapping[str, str]) -> None:
        self.name = name
        self.columns = tuple(columns)
        self._is_json = [kind == "jsonb" for kind in columns.values()]
        arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(columns.values(), 1))
        changes = ", ".join(f"{column} = excluded.{column}" for column in self.columns if column != "stream_id")
        self._upsert = (
            f"INSERT INTO {name} ({', '.join(self.columns)}) SELECT * FROM unnest({arrays}) "
            f"ON CONFLICT (stream_id) DO UPDATE SET {changes}"
        )

    async def save(self, connection: Connection, rows: Mapping[Any, S], applied: Sequence[Any]) -> None:
        """Write the rows that the applied events have touched; a row is a tuple of its columns' values."""
        new, changed = told_apart(rows, applied)
        await self.write(connection, new, changed)  # type: ignore[arg-type] # rows are named tuples

    async def write(
        self, connection: Connection, new: Sequence[Sequence[Any]], changed: Sequence[Sequence[Any]]
    ) -> None:
        """Write rows that are known to be new, and others."""
        if new:
            await connection.copy_records_to_table(self.name, columns=self.columns, records=new)
        if changed:
            values = zip(self._is_json, zip(*changed, strict=True), strict=True)
            await connection.execute(
                self._upsert, *(jsonb_or_null(column) if is_json else column for is_json, column in values)
            )
