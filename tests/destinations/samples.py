"""Values at the edges of every type that a destination stores."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa

INF, NAN = float("inf"), float("nan")

INTEGERS = {
    of: pa.array([0 if signed == 0 else -(2 ** (bits - 1)), 2 ** (bits - signed) - 1, 0, None], of)
    for bits, signed, of in (
        (8, 1, pa.int8()),
        (16, 1, pa.int16()),
        (32, 1, pa.int32()),
        (64, 1, pa.int64()),
        (8, 0, pa.uint8()),
        (16, 0, pa.uint16()),
        (32, 0, pa.uint32()),
    )
}

SAMPLES: dict[pa.DataType, pa.Array] = {
    **INTEGERS,
    pa.float32(): pa.array([3.4028234663852886e38, -1.401298464324817e-45, 0.1, None], pa.float32()),
    pa.float64(): pa.array([1.7976931348623157e308, -5e-324, 0.1, None]),
    pa.decimal128(9, 2): pa.array([Decimal("-9999999.99"), Decimal("0.01"), None], pa.decimal128(9, 2)),
    pa.decimal128(18, 6): pa.array([Decimal("999999999999.999999"), Decimal("-0.000001")], pa.decimal128(18, 6)),
    pa.decimal128(38, 9): pa.array(
        [Decimal("9" * 29 + "." + "9" * 9), Decimal("-" + "9" * 29 + "." + "9" * 9), None], pa.decimal128(38, 9)
    ),
    pa.bool_(): pa.array([True, False, None]),
    pa.string(): pa.array(["", None, 'it\'s "quoted"\t\n\\', "\U0001f389é\u202e"]),
    pa.binary(): pa.array([b"", None, bytes(range(256))]),
    pa.date32(): pa.array([date(1, 1, 1), date(9999, 12, 31), None]),
    pa.time64("us"): pa.array([time(0), time(23, 59, 59, 999999), None]),
    pa.timestamp("us"): pa.array([-62135596800 * 10**6, 253402300800 * 10**6 - 1, None], pa.timestamp("us")),
    pa.timestamp("us", "UTC"): pa.array(
        # In Berlin the second one lies in the hour that the clock skips.
        [datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 3, 31, 1, 30, 0, 1, tzinfo=UTC), None],
        pa.timestamp("us", "UTC"),
    ),
    pa.uuid(): pa.array([bytes(range(16)), None, b"\xff" * 16], pa.uuid()),
    pa.json_(): pa.array(['{"a": [1, null]}', None, '"text"']).cast(pa.json_()),
    pa.list_(pa.int64()): pa.array([[1, None, 2**63 - 1], [], None]),
    pa.list_(pa.string()): pa.array([["", None, "é"], None, ["\n"]]),
    pa.list_(pa.decimal128(9, 2)): pa.array([[Decimal("0.01"), None], None], pa.list_(pa.decimal128(9, 2))),
    pa.list_(pa.timestamp("us", "UTC")): pa.array([[0, None], None], pa.list_(pa.timestamp("us", "UTC"))),
}
