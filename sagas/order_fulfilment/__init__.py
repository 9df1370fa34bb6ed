"""An order: stock reserved, payment taken, parcel packed, shipment made; or all of it undone."""

from sagas.order_fulfilment.revenue import revenue_per_day
from sagas.order_fulfilment.saga import fulfil_order

__all__ = ["fulfil_order", "revenue_per_day"]
