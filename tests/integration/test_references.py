"""A dataset that refers to another one, through real applies: what it finds there, what it misses, when it looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds import World, declare

CUSTOMERS = """\
kind: Dataset
name: customers
owner: team
source: data/customers.csv
schema:
  - {name: number, type: integer, role: id}
  - {name: city, type: string}
"""
ORDERS = """\
kind: Dataset
name: orders
owner: team
source: data/orders.csv
schema:
  - {name: id, type: integer, role: id}
  - {name: customer, type: integer}
checks:
  references: [{column: customer, dataset: customers, to: number}]
"""
HINT = "column `customer`, 1 row: the value is not in `number` of dataset/customers"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Orders of twenty customers, applied."""
    world = declare(tmp_path / "repository")
    world.write({"specs/customers.yaml": CUSTOMERS, "specs/orders.yaml": ORDERS})
    world.write({"data/customers.csv": "number,city\n" + "".join(f"{n},Ulm\n" for n in range(20))})
    world.write({"data/orders.csv": "id,customer\n" + "".join(f"{n},{n % 20}\n" for n in range(60))})
    world.commit()
    done = world.apply("dataset/orders", "dataset/customers").out
    assert "dataset/orders: check the contract  60 rows keep the contract" in done
    assert done.index("dataset/customers: snapshot") < done.index("dataset/orders: check"), (
        "what is referred to is first"
    )
    return world


def add(world: World, name: str, row: str) -> None:
    path = world.root / "data" / name
    path.write_text(f"{path.read_text()}{row}\n")
    world.commit()


def test_a_stranger_is_rejected_until_it_is_known(world: World) -> None:
    add(world, "orders.csv", "60,99")
    done = world.mlspec("apply", "--yes", "dataset/orders")
    assert done.code == 3
    assert f"references        {HINT}  rows 61\n" in done.out
    assert "99" not in done.out.partition("references  ")[2].partition("rows")[0], "no value is told"
    assert world.mlspec("plan", "dataset/orders", "--detailed-exitcode").code == 0, "nothing is tried again"
    add(world, "customers.csv", "99,Rome")
    planned = world.mlspec("plan", "dataset/orders").out
    assert "references.customers: " in planned, "another version of the customers is another contract"
    assert "61 rows keep the contract" in world.apply("dataset/customers", "dataset/orders").out


def test_who_is_gone_is_missed_though_no_order_changed(world: World) -> None:
    path = world.root / "data/customers.csv"
    path.write_text(path.read_text().replace("7,Ulm\n", "", 1))
    world.commit()
    done = world.mlspec("apply", "--yes", "dataset/customers", "dataset/orders")
    assert done.code == 3
    assert "column `customer`, 3 rows: the value is not in `number` of dataset/customers  rows 8, 28, 48\n" in done.out
