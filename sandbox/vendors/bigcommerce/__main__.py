"""Run the simulated BigCommerce: `python -m sandbox.vendors.bigcommerce --shops DIR --port P`."""

from __future__ import annotations

from functools import partial

from sandbox.vendors.bigcommerce.api import answer
from sandbox.vendors.bigcommerce.webhooks import body, headers
from sandbox.vendors.rest import Sends, create_app
from sandbox.vendors.serve import serve

if __name__ == "__main__":
    serve("bigcommerce", partial(create_app, api=answer, sends=Sends("client_secret", headers, body)))
