"""A project of compose, as teams write it."""

from __future__ import annotations

TEAM = """\
x-common: &common
  LOG_LEVEL: info
  WORKERS: "2"

services:
  api:
    build:
      context: .
      target: prod
    command: ["gunicorn", "app:app"]
    user: "1000:1000"
    read_only: true
    tmpfs: [/run:size=8m, /tmp]
    environment:
      <<: *common
      WORKERS: 4
      ALLOWED_ORIGINS: '["https://app.example"]'
      DATABASE_URL: postgresql+asyncpg://app:pw@db:5432/app?timeout=5
      CACHE: redis://cache:6379/1
      BROKERS: cache:6379,elsewhere:1
      DB_HOST: db
      DB_PORT: 5432
      DB_PASSWORD: pw
      JWT_SECRET: ${JWT_SECRET:?is needed}
      REGION:
      DEBUG: off
      PORT: "9000"
    env_file:
      - api.env
      - path: local.env
        required: false
    depends_on:
      db:
        condition: service_healthy
      cache:
        condition: service_started
      migrate:
        condition: service_completed_successfully
    healthcheck:
      test: ["CMD", "curl", "localhost:9000/health"]
      timeout: 5000ms
    stop_grace_period: 1m30s
    mem_limit: 512m
    deploy:
      resources:
        limits: {cpus: "0.5"}
  db:
    image: postgis/postgis:16-3.4
  cache:
    image: docker.io/valkey/valkey:8@sha256:00
  migrate:
    build: .
    command: alembic upgrade head
  debug:
    image: redis
    profiles: [debug]
"""
