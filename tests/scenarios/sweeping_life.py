"""What happens to the demo after its last day, so that every declared rule has a row it ends within four years.

A fresh demo is a healthy Genuka: nobody leaves, asks or dies. Rules that no row ever meets are not shown
by any sweep. The moments are month ends, a leap day, and the nights on which Paris changes its clocks.
"""

from __future__ import annotations

from tests.scenarios.sweeping_world import World

DELETED_BY_TENANT = (
    "shops", "customers", "products", "product_variants", "services", "warehouses", "orders", "deliveries",
    "invoices", "bills", "payments",
)  # fmt: skip
LEFT = {"2026-12-31 22:59:59": "2026-12-31 22:59:59", "2027-10-31 00:59:59": "2027-12-31 23:00:00"}
"""When tenants of the shared database end their subscription, and when they last used it."""


def live_on(world: World) -> None:
    """Change rows as the years would; the same rows each time."""
    for number, table in enumerate(DELETED_BY_TENANT):
        _set(world, table, {"deleted_at": "2027-01-31 12:00:00"}, place=3 + number, where="deleted_at is null")
    left = sorted(world.ids("select company_id from tenant_databases where mode <> 'dedicated'"))[2:]
    for tenant, (ended, used) in zip(left, LEFT.items(), strict=False):
        world.run(
            f"update tenant_databases set subscription_ended_at = '{ended}', last_used_at = '{used}' "
            f"where company_id = '{tenant}'"
        )
    # The law keeps a company for its invoices: this one's are old, so it goes, its register with it.
    world.run(f"update platform_invoices set issued_at = '2017-05-31 08:00:00' where company_id = '{left[0]}'")
    world.run("update tenant_databases set subscription_ended_at = '2027-02-28 23:00:00' where mode = 'dedicated'")
    for place, column in enumerate(("processed_at", "irrelevant_at", "delete_requested_at")):
        _set(world, "session_recordings", {column: "2026-11-23 10:00:00"}, place=place, where="ended_at > '2026-11-10'")
    for place in range(3):
        _set(world, "browser_logs", {"legal_hold_at": "2027-02-28 12:00:00"}, place=place)
        _set(world, "sessions", {"created_at": "2026-09-30 23:00:00", "last_activity": "1798700000"}, place=place)
    refused = "hired_at is null and decided_at is not null"
    _set(world, "job_applications", {"keep_opt_out_at": "2027-03-28 00:59:59"}, place=0, where=refused)
    _set(world, "job_applications", {"deleted_at": "2027-01-31 10:00:00"}, place=1, where=refused)
    _set(world, "employees", {"left_at": "2022-02-28 17:00:00", "country": "FR"})
    _set(world, "marketing_opt_outs", {"opted_out_at": "2018-03-31 12:00:00"})
    _set(world, "genuka_subscriptions", {"ended_at": "2024-02-29 12:00:00"})
    world.run("insert into password_reset_tokens (email, token, created_at) values "
              "('someone@example.test', 'x', '2027-10-31 00:30:00')")  # fmt: skip
    _set(world, "accounts", {"closed_at": "2027-01-31 09:00:00"}, database="genletter")
    _set(world, "billing_invoices", {"issued_at": "2018-02-28 09:00:00"}, database="genletter")
    _set(world, "products", {"deleted_at": "2027-01-30 09:00:00"}, database="dedicated",
         where="id in (select model_id from media)")  # fmt: skip


def _set(
    world: World, table: str, values: dict[str, str], *, place: int = 0, where: str = "1 = 1", database: str = "genuka"
) -> None:
    """Set columns of the row that has this place among those of a condition, by key."""
    listed = sorted(world.ids(f"select id from {table} where {where}", database))
    assert listed, f"{table}: no row where {where}"
    said = ", ".join(f"{column} = '{value}'" for column, value in values.items())
    world.run(f"update {table} set {said} where id = '{listed[place % len(listed)]}'", database=database)
