"""An order: stock reserved, payment taken, parcel packed, shipment made; or all of it undone."""

from sagas.order_fulfilment.saga import fulfil_order

__all__ = ["fulfil_order"]
