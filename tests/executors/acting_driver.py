"""Stands in for the driver of a cluster: does what the address and each job say, without Ray."""

from __future__ import annotations

import os
import sys
import time

from dayfill.executors.frames import Order, Told, Writer, frames


def main(address: str) -> None:
    told = Writer[Told](1)
    if address in ("refused", "unusable"):
        told.write(Told(address, text="no token"))  # type: ignore[arg-type]
        return
    if address == "mute":
        time.sleep(60)
    told.write(Told("slots", 4))
    told.write(Told("slots", 4))
    for order in frames(0, Order):
        job = (order.job or b"cancelled").decode()
        if job == "quit":
            return
        if job == "junk":
            os.write(1, b"\0\0\0\1\xc1")
        elif job == "large":
            os.write(1, b"\xff\xff\xff\xff")
        elif job != "hold":
            told.write(Told(job, order.number, b"answer", text=f"{job} says the driver"))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1])
