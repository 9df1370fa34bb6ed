"""What the business does. `SAGAS` is the only registry."""

from sagas.order_fulfilment import fulfil_order

SAGAS = (fulfil_order,)
