"""Run the simulated WooCommerce: `python -m sandbox.vendors.woocommerce --shops DIR --port P`."""

from __future__ import annotations

from functools import partial

from sandbox.vendors.rest import Sends, create_app
from sandbox.vendors.serve import serve
from sandbox.vendors.woocommerce.api import answer
from sandbox.vendors.woocommerce.webhooks import headers

if __name__ == "__main__":
    serve("woocommerce", partial(create_app, api=answer, sends=Sends("consumer_secret", headers)))
