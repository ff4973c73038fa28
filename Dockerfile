# Build: Poetry reads the lock, pip installs from it with hashes. None of it reaches the image.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/poetry \
    && /opt/poetry/bin/pip install --quiet poetry==2.5.1 poetry-plugin-export==1.10.1
COPY pyproject.toml poetry.lock README.md ./
RUN /opt/poetry/bin/poetry export --output requirements.txt \
    && python -m venv --without-pip /opt/app \
    && /opt/poetry/bin/pip --python /opt/app/bin/python install --quiet --no-deps --require-hashes \
        --requirement requirements.txt
COPY src src
RUN /opt/poetry/bin/poetry build --quiet --format wheel \
    && /opt/poetry/bin/pip --python /opt/app/bin/python install --quiet --no-deps dist/*.whl

# Run: the locked packages, the application and its migrations, as an account that owns no code.
FROM python:3.13-slim
ENV PATH=/opt/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    APP_ENVIRONMENT=production \
    APP_DATA_DIR=/srv/data \
    AUTH_KEYS_DIR=/srv/keys
RUN useradd --system --uid 10001 --home-dir /srv --shell /usr/sbin/nologin app \
    && install --directory --owner app --mode 0700 /srv/data /srv/keys
WORKDIR /srv
COPY --from=build /opt/app /opt/app
COPY alembic.ini ./
COPY migrations migrations
USER app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["app", "serve", "--host", "0.0.0.0"]
