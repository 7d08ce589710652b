# syntax=docker/dockerfile:1
# The writing side: Airflow, the river, dbt, training and the registry of models (MLflow).
# Built from the repository's root: `docker build -f deploy/images/platform.Dockerfile .`
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/varai
# The lock by itself: this layer lasts until a dependency moves.
COPY requirements/platform.txt requirements/platform.txt
RUN /opt/varai/bin/pip install --no-deps --require-hashes -r requirements/platform.txt
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
COPY expectations /srv/varai/expectations
COPY dbt /srv/varai/dbt
COPY dags /srv/varai/dags
COPY ml_pipelines /srv/varai/ml_pipelines
COPY deploy/compose/airflow_init.py /srv/varai/airflow_init.py
ENV VARAI_HOME=/state VARAI_CONFIG=/srv/varai/config VARAI_EXPECTATIONS=/srv/varai/expectations VARAI_DBT=/srv/varai/dbt VARAI_ML_PIPELINES=/srv/varai/ml_pipelines
ENV MLFLOW_DISABLE_TELEMETRY=true
# The library comes as a wheel, and its plugin by entry point: the folder of plugins stays empty, or Airflow would load it twice.
ENV AIRFLOW_HOME=/tmp/airflow AIRFLOW__CORE__DAGS_FOLDER=/srv/varai/dags AIRFLOW__CORE__PLUGINS_FOLDER=/srv/varai/no-plugins
RUN mkdir /srv/varai/no-plugins
WORKDIR /srv/varai
USER 10001:10001
EXPOSE 8080 5000
ENTRYPOINT []
CMD ["varai", "--help"]
