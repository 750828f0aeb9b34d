"""Metadata tables as plain values for JSON, with their types kept."""

import numpy as np
import pandas as pd

_TEXT = "text"
# One letter of NumPy for what keeps its type in JSON: numbers and truth values.
_NUMBERS = "biuf"


def plain_table(table):
    """A metadata table as a list of columns.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    columns : list of dict
        name, type and values of each column.

    Raises
    ------
    ValueError
        If a column holds something that would not come back as it is.
    """
    if not table.columns.is_unique:
        raise ValueError(
            f"metadata columns {list(table)} repeat a name; make them distinct."
        )
    return [_plain_column(name, table[name]) for name in table]


def read_table(columns):
    """The metadata table of :func:`plain_table`.

    Parameters
    ----------
    columns : list of dict

    Returns
    -------
    table : DataFrame
    """
    return pd.DataFrame({c["name"]: _column(c) for c in columns})


def _plain_column(name, column):
    if not isinstance(name, str):
        raise ValueError(f"metadata column {name!r} has no name of text; rename it.")
    column = column.infer_objects()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in _NUMBERS:
        return {"name": name, "type": str(column.dtype), "values": column.tolist()}
    values = [None if _missing(value) else value for value in column]
    other = [v for v in values if not isinstance(v, str | None)]
    if other or isinstance(column.dtype, pd.CategoricalDtype):
        what = f"such as {other[0]!r}" if other else "categories"
        raise ValueError(
            f"metadata column {name!r} has dtype {column.dtype}, {what}, which a "
            "folder of trials cannot keep; make it numbers or text, or drop it."
        )
    return {"name": name, "type": _TEXT, "values": values}


def _missing(value):
    return (
        value is None or value is pd.NA or (isinstance(value, float) and value != value)
    )


def _column(column):
    if column["type"] == _TEXT:
        # A list, so that pandas gives text the type that it gives it elsewhere.
        return pd.Series(column["values"], dtype=None if column["values"] else "str")
    return np.array(column["values"], dtype=np.dtype(column["type"]))
