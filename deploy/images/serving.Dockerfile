# syntax=docker/dockerfile:1
# The HTTP API of a region: the reading side alone, without Airflow, dbt, Great Expectations or a model's trainer.
# Built from the repository's root: `docker build -f deploy/images/serving.Dockerfile .`
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/varai
# The lock by itself: this layer lasts until a dependency moves.
COPY requirements/serving.txt requirements/serving.txt
RUN /opt/varai/bin/pip install --no-deps --require-hashes -r requirements/serving.txt
COPY requirements/build.txt requirements/build.txt
RUN python -m venv /opt/wheel && /opt/wheel/bin/pip install --no-deps --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY plugins plugins
COPY serving serving
RUN /opt/wheel/bin/pip wheel -q --no-deps --no-build-isolation -w /wheels . \
    && /opt/varai/bin/pip install --no-deps /wheels/*.whl

FROM python:3.11.13-slim-bookworm
ENV PATH=/opt/varai/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp USER=varai
COPY --from=build /opt/varai /opt/varai
COPY --chmod=755 deploy/images/healthy.py /usr/local/bin/healthy
COPY config /srv/varai/config
COPY dbt/metrics /srv/varai/dbt/metrics
ENV VARAI_HOME=/state VARAI_CONFIG=/srv/varai/config VARAI_DBT=/srv/varai/dbt
WORKDIR /srv/varai
USER 10001:10001
EXPOSE 8080
ENTRYPOINT []
CMD ["python", "-m", "serving", "--help"]
