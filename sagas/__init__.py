"""What the business does. `SAGAS` and `PROJECTIONS` are the only registries."""

from sagas.order_fulfilment import fulfil_order, revenue_per_day

SAGAS = (fulfil_order,)
PROJECTIONS = (revenue_per_day,)
