"""Run the simulated Magento: `python -m sandbox.vendors.magento --shops DIR --port P`."""

from __future__ import annotations

from functools import partial

from sandbox.vendors.magento.api import answer
from sandbox.vendors.magento.ims import grant
from sandbox.vendors.rest import create_app
from sandbox.vendors.serve import serve

if __name__ == "__main__":
    serve("magento", partial(create_app, api=answer, grants=grant))
