# syntax=docker/dockerfile:1
# The simulated vendors: they know nothing of the library.
# Built from the repository's root: `docker build -f deploy/images/vendors.Dockerfile .`
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/varai
# The lock by itself: this layer lasts until a dependency moves.
COPY requirements/vendors.txt requirements/vendors.txt
RUN /opt/varai/bin/pip install --no-deps --require-hashes -r requirements/vendors.txt

FROM python:3.11.13-slim-bookworm
ENV PATH=/opt/varai/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp USER=varai
COPY --from=build /opt/varai /opt/varai
COPY --chmod=755 deploy/images/healthy.py /usr/local/bin/healthy
COPY sandbox/__init__.py /srv/sandbox/__init__.py
COPY sandbox/vendors /srv/sandbox/vendors
WORKDIR /srv
USER 10001:10001
EXPOSE 8080
ENTRYPOINT []
CMD ["python", "-m", "sandbox.vendors.shopify", "--help"]
